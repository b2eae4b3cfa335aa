//! Reading what a node of a cluster says of who has which slots.

use redis::Value;

use crate::options::Node;

/// Slots and who has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Range {
    first: u16,
    last: u16,
    pub(super) primary: Option<Node>,
    pub(super) replicas: Vec<Node>,
}

impl Range {
    pub(super) fn holds(&self, slot: u16) -> bool {
        (self.first..=self.last).contains(&slot)
    }
}

/// The ranges in an answer to `CLUSTER SLOTS`; nothing where it is none. A node without a name has that of the node
/// asked; one whose name the node asked does not know is left out, unless its address stands beside.
pub(super) fn parse(answer: &Value, asked: &Node) -> Option<Vec<Range>> {
    let Value::Array(ranges) = answer else {
        return None;
    };
    ranges
        .iter()
        .map(|range| self::range(range, asked))
        .collect()
}

fn range(value: &Value, asked: &Node) -> Option<Range> {
    let Value::Array(fields) = value else {
        return None;
    };
    let [Value::Int(first), Value::Int(last), primary, replicas @ ..] = &**fields else {
        return None;
    };
    Some(Range {
        first: u16::try_from(*first).ok()?,
        last: u16::try_from(*last).ok()?,
        primary: node(primary, asked),
        replicas: replicas
            .iter()
            .filter_map(|value| node(value, asked))
            .collect(),
    })
}

fn node(value: &Value, asked: &Node) -> Option<Node> {
    let Value::Array(fields) = value else {
        return None;
    };
    let [host, Value::Int(port), rest @ ..] = &**fields else {
        return None;
    };
    let port = u16::try_from(*port).ok().filter(|port| *port != 0)?;
    let host = match host {
        Value::Nil => "",
        other => text(other)?,
    };
    let host = match host {
        "" => asked.host.clone(),
        // Its name is not known yet to the node asked.
        "?" => beside(rest.get(1)?)?,
        host => host.to_owned(),
    };
    Some(Node::new(host, port))
}

/// The address in the list of a node's other names: `ip`, then the address.
fn beside(names: &Value) -> Option<String> {
    let Value::Array(names) = names else {
        return None;
    };
    let mut pairs = names.chunks_exact(2);
    pairs.find_map(|pair| match pair {
        [name, address] if text(name)? == "ip" => text(address).map(str::to_owned),
        _ => None,
    })
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok(),
        Value::SimpleString(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(answer: &str) -> Option<Vec<Range>> {
        let answer = answer.replace(' ', "\r\n");
        let value = redis::parse_redis_value(format!("{answer}\r\n").as_bytes()).unwrap();
        parse(&value, &Node::new("asked", 7000))
    }

    fn primaries(answer: &str) -> Option<Vec<Option<Node>>> {
        Some(
            parsed(answer)?
                .into_iter()
                .map(|range| range.primary)
                .collect(),
        )
    }

    #[test]
    fn both_forms_of_an_answer_are_read() {
        // 6.2: host, port, id. 7.0 and later: other names besides.
        let old = "*2 *4 :0 :5460 *3 $9 127.0.0.1 :7000 $2 ab *3 $9 127.0.0.1 :7003 $2 cd *3 :5461 :16383 *3 $1 h :7001 $2 ef";
        let ranges = parsed(old).unwrap();
        assert_eq!(ranges[0].primary, Some(Node::new("127.0.0.1", 7000)));
        assert_eq!(ranges[0].replicas, [Node::new("127.0.0.1", 7003)]);
        assert_eq!(ranges[1].primary, Some(Node::new("h", 7001)));
        assert!(ranges[0].holds(0) && ranges[0].holds(5460) && !ranges[0].holds(5461));
        assert!(ranges[1].holds(16383));
        let new = "*1 *3 :0 :5460 *4 $4 host :7000 $2 ab *2 $2 ip $9 127.0.0.1";
        assert_eq!(primaries(new), Some(vec![Some(Node::new("host", 7000))]));
        assert_eq!(parsed("*0"), Some(Vec::new()));
    }

    #[test]
    fn a_node_without_a_name_is_reached_by_that_of_the_node_asked() {
        for host in ["$-1", "$0 "] {
            let answer = format!("*1 *3 :0 :1 *3 {host} :7001 $2 ab");
            assert_eq!(
                primaries(&answer),
                Some(vec![Some(Node::new("asked", 7001))])
            );
        }
        let unknown = "*1 *3 :0 :1 *3 $1 ? :7001 $2 ab";
        assert_eq!(primaries(unknown), Some(vec![None]));
        let beside = "*1 *3 :0 :1 *4 $1 ? :7001 $2 ab *2 $2 ip $8 10.0.0.1";
        assert_eq!(
            primaries(beside),
            Some(vec![Some(Node::new("10.0.0.1", 7001))])
        );
        let no_port = "*1 *3 :0 :1 *3 $1 h :0 $2 ab";
        assert_eq!(primaries(no_port), Some(vec![None]));
    }

    #[test]
    fn anything_else_is_no_answer() {
        for answer in [
            "+OK",
            ":1",
            "*1 :1",
            "*1 *1 :1",
            "*1 *3 :-1 :1 *0",
            "*1 *3 :0 :99999 *0",
        ] {
            assert_eq!(parsed(answer), None, "{answer}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_off_the_wire_cause_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(value) = redis::parse_redis_value(&bytes) {
                let _ = parse(&value, &Node::new("asked", 7000));
            }
        }
    }
}
