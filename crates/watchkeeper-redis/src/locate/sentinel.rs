//! The primary that the sentinels name.
//!
//! A sentinel that was away may name a former primary, so the named one has to say itself that it is one.

use std::sync::Mutex;

use redis::Value;
use watchkeeper_core::error::StoreErrorKind;

use super::turns::in_turn;
use super::{Locator, Purpose, lock};
use crate::dial::Way;
use crate::error::{self, Failure, brief};
use crate::options::{Node, SentinelOptions};
use crate::place::Place;

/// So many sentinels are asked; more serve no purpose.
const MOST: usize = 16;

/// The sentinels and the primary's name.
pub(super) struct Sentinels {
    pub(super) master: String,
    /// The one that answered well last stands first.
    nodes: Mutex<Vec<Node>>,
}

/// What the sentinels said in one search.
#[derive(Default)]
struct Heard {
    /// Sentinels that do not know the name.
    ignorant: Vec<Node>,
    /// Places that were named and tried; others may name them again.
    tried: Vec<Place>,
}

impl Sentinels {
    pub(super) fn new(options: &SentinelOptions) -> Self {
        let mut nodes = options.nodes.clone();
        nodes.truncate(MOST);
        Self {
            master: options.master.clone(),
            nodes: Mutex::new(nodes),
        }
    }

    /// In the order in which they are to be asked.
    pub(super) fn nodes(&self) -> Vec<Node> {
        lock(&self.nodes).clone()
    }

    /// The next search asks this one first.
    pub(super) fn prefer(&self, node: &Node) {
        let mut nodes = lock(&self.nodes);
        if let Some(at) = nodes.iter().position(|known| known == node)
            && let Some(before) = nodes.get_mut(..=at)
        {
            before.rotate_right(1);
        }
    }

    pub(super) async fn open(&self, locator: &Locator, purpose: Purpose) -> Result<Way, Failure> {
        let heard = Mutex::new(Heard::default());
        let limit = locator.dialer.limit();
        let late = |nodes: Vec<Node>| {
            let why = format!(
                "no primary `{}` within `{:?}` by way of {}: do the sentinel and the primary still answer",
                self.master,
                locator.timeout(),
                list(&nodes)
            );
            Failure::new(StoreErrorKind::Timeout, why)
        };
        let by = |node| self.by(locator, node, purpose, &heard);
        let failures = match in_turn(self.nodes(), limit, by, late).await {
            Ok(way) => return Ok(way),
            Err(failures) => failures,
        };
        let heard = lock(&heard);
        if !heard.ignorant.is_empty() && heard.tried.is_empty() {
            let why = format!(
                "the sentinels {} know no primary `{}`: see `sentinel monitor` there and `sentinel.master` of the redis backend",
                list(&heard.ignorant),
                self.master
            );
            return Err(Failure::new(StoreErrorKind::Config, why));
        }
        Err(Failure::together(failures, "no sentinel is named"))
    }

    /// By way of one sentinel.
    async fn by(
        &self,
        locator: &Locator,
        node: Node,
        purpose: Purpose,
        heard: &Mutex<Heard>,
    ) -> Result<Way, Option<Failure>> {
        let mut sentinel = locator.dialer.open_sentinel(&node).await?;
        let Some(named) = ask(&mut sentinel, &self.master).await? else {
            lock(heard).ignorant.push(node);
            return Err(None);
        };
        // Its connection is not needed while the primary's is made.
        drop(sentinel);
        let place = Place::Tcp(named);
        {
            let mut heard = lock(heard);
            if heard.tried.contains(&place) {
                return Err(None);
            }
            heard.tried.push(place.clone());
        }
        let mut way = locator.dialer.open(&place).await?;
        let missing = must_be_primary(&mut way, &node).await?;
        let way = locator.checked(way, purpose).await?;
        if let Some(missing) = missing {
            return Err(Some(missing));
        }
        self.prefer(&node);
        Ok(way)
    }
}

fn list(nodes: &[Node]) -> String {
    let nodes: Vec<String> = nodes.iter().map(|node| format!("`{node}`")).collect();
    nodes.join(", ")
}

/// Whom the sentinel names; nobody where it does not know the name.
pub(super) async fn ask(sentinel: &mut Way, master: &str) -> Result<Option<Node>, Failure> {
    let mut question = redis::cmd("SENTINEL");
    question.arg("GET-MASTER-ADDR-BY-NAME").arg(master);
    let answer = sentinel.ask(question).await;
    let answer = answer.map_err(|error| no_sentinel(&error, sentinel))?;
    named(&answer).map_err(|()| {
        let why = format!(
            "the sentinel at `{}` names no address for `{master}` that we understand",
            sentinel.peer.place
        );
        Failure::new(StoreErrorKind::Protocol, why)
    })
}

/// A data node does not know the command.
fn no_sentinel(error: &redis::RedisError, way: &Way) -> Failure {
    let failure = way.failure(error);
    if failure.kind != StoreErrorKind::Config {
        return failure;
    }
    let why = format!(
        "`{}` is no sentinel: name the sentinels, whose usual port is 26379, in `sentinel.nodes` ({})",
        way.peer.place,
        brief(error.detail().unwrap_or_default())
    );
    Failure::new(StoreErrorKind::Config, why)
}

/// The address in the answer to `GET-MASTER-ADDR-BY-NAME`.
fn named(answer: &Value) -> Result<Option<Node>, ()> {
    let fields = match answer {
        Value::Nil => return Ok(None),
        Value::Array(fields) => fields,
        _ => return Err(()),
    };
    let [Value::BulkString(host), Value::BulkString(port)] = &**fields else {
        return Err(());
    };
    let host = std::str::from_utf8(host).map_err(drop)?;
    let port = std::str::from_utf8(port).map_err(drop)?;
    match (host, port.parse()) {
        ("", _) | (_, Err(_) | Ok(0)) => Err(()),
        (host, Ok(port)) => Ok(Some(Node::new(host, port))),
    }
}

/// Whether this server says that it is a primary; where its user may not ask for that, the failure that says so.
pub(super) async fn must_be_primary(way: &mut Way, by: &Node) -> Result<Option<Failure>, Failure> {
    match way.ask(redis::cmd("ROLE")).await {
        Ok(role) if is_primary(&role) => Ok(None),
        Ok(_) => {
            let why = format!(
                "redis at `{}`, which the sentinel `{by}` names, is a replica: the failover is not over yet",
                way.peer.place
            );
            Err(Failure::new(StoreErrorKind::Unwritable, why))
        }
        Err(error) => {
            let failure = error::driver(&error, &way.peer);
            // What else is missing is told first, by the check.
            if failure.kind == StoreErrorKind::Denied {
                return Ok(Some(failure));
            }
            Err(failure)
        }
    }
}

fn is_primary(role: &Value) -> bool {
    matches!(role, Value::Array(fields)
        if matches!(fields.first(), Some(Value::BulkString(word)) if word == b"master"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    #[test]
    fn an_answer_is_an_address_or_nobody_or_nothing_that_we_know() {
        let pair = |host, port| Value::Array(vec![bulk(host), bulk(port)]);
        assert_eq!(
            named(&pair("10.0.0.1", "6379")),
            Ok(Some(Node::new("10.0.0.1", 6379)))
        );
        assert_eq!(
            named(&pair("::1", "6379")),
            Ok(Some(Node::new("::1", 6379)))
        );
        assert_eq!(named(&Value::Nil), Ok(None));
        for strange in [
            pair("", "6379"),
            pair("h", "0"),
            pair("h", "x"),
            pair("h", "99999"),
            Value::Array(vec![bulk("h")]),
            Value::Array(Vec::new()),
            Value::Okay,
        ] {
            assert_eq!(named(&strange), Err(()), "{strange:?}");
        }
    }

    #[test]
    fn only_a_primary_says_that_it_is_one() {
        assert!(is_primary(&Value::Array(vec![
            bulk("master"),
            Value::Int(0)
        ])));
        assert!(!is_primary(&Value::Array(vec![bulk("slave")])));
        assert!(!is_primary(&Value::Array(vec![bulk("sentinel")])));
        assert!(!is_primary(&Value::Array(Vec::new())));
        assert!(!is_primary(&Value::Nil));
    }

    #[test]
    fn the_sentinel_that_answered_well_is_asked_first_next_time() {
        let nodes: Vec<Node> = (1..=3).map(|port| Node::new("s", port)).collect();
        let sentinels = Sentinels::new(&SentinelOptions {
            master: "m".into(),
            nodes: nodes.clone(),
            username: None,
            password: None,
        });
        sentinels.prefer(&Node::new("s", 3));
        let ports = || {
            sentinels
                .nodes()
                .iter()
                .map(|node| node.port)
                .collect::<Vec<_>>()
        };
        assert_eq!(ports(), [3, 1, 2]);
        sentinels.prefer(&Node::new("s", 1));
        assert_eq!(ports(), [1, 3, 2]);
        sentinels.prefer(&Node::new("unknown", 1));
        assert_eq!(ports(), [1, 3, 2]);
    }
}
