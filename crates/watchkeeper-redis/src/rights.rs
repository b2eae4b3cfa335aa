//! The rights that a user needs, in one place: for the check at the door, for what it says, and for the documents.

use crate::options::{RedisOptions, Topology};
use crate::store::Keys;

/// What is sent as it is.
pub(crate) const SENT: &[&str] = &["evalsha", "eval", "ping", "select", "subscribe"];
/// What the scripts use.
pub(crate) const SCRIPTED: &[&str] = &[
    "publish", "time", "type", "pttl", "pexpire", "del", "unlink", "set", "getrange", "strlen",
    "hget", "hset", "hsetnx", "hdel", "hlen", "hkeys", "hexists", "hstrlen", "llen", "scard",
    "zcard", "xlen",
];
/// What is asked of the data nodes behind sentinels.
pub(crate) const BEHIND_SENTINELS: &[&str] = &["role"];
/// What is sent to the nodes of a cluster besides.
pub(crate) const IN_A_CLUSTER: &[&str] = &["cluster|keyslot", "cluster|slots", "asking"];
/// What is sent to a sentinel.
pub(crate) const AT_A_SENTINEL: &[&str] =
    &["sentinel|get-master-addr-by-name", "subscribe", "ping"];
/// The channel on which a sentinel tells of a failover.
pub(crate) const SWITCHED: &str = "+switch-master";

/// The line that gives the user of these options its rights at the data nodes.
pub(crate) fn acl_line(options: &RedisOptions) -> String {
    let prefix = Keys::new(&options.fleet).prefix;
    let mut keys = format!("~{prefix}*");
    if let Some(companions) = &options.companions {
        for key in [&companions.lock, &companions.report, &companions.claim] {
            keys.push_str(&format!(" ~{key}"));
        }
    }
    let more = match &options.topology {
        Topology::Standalone(_) | Topology::Unix { .. } => &[][..],
        Topology::Sentinel(_) => BEHIND_SENTINELS,
        Topology::Cluster { .. } => IN_A_CLUSTER,
    };
    let user = options.username.as_deref().unwrap_or("default");
    let commands = allowed([SENT, SCRIPTED, more].concat());
    format!("ACL SETUSER {user} on >… resetchannels {keys} &{prefix}* {commands}")
}

/// The same at the sentinels.
pub(crate) fn sentinel_acl_line(user: Option<&str>) -> String {
    let commands = allowed(AT_A_SENTINEL.to_vec());
    let user = user.unwrap_or("default");
    format!("ACL SETUSER {user} on >… resetchannels &{SWITCHED} {commands}")
}

fn allowed(commands: Vec<&str>) -> String {
    let allowed: Vec<String> = commands.iter().map(|name| format!("+{name}")).collect();
    allowed.join(" ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use watchkeeper_core::id::FleetName;

    use super::*;
    use crate::options::{Node, SentinelOptions};
    use crate::scripts::{RIGHTS, Scripts};

    fn options(topology: Topology) -> RedisOptions {
        let mut options = RedisOptions::new(FleetName::new("prod").unwrap(), "h", 1);
        options.topology = topology;
        options.username = Some("app".into());
        options
    }

    fn sentinel() -> Topology {
        Topology::Sentinel(SentinelOptions {
            master: "m".into(),
            nodes: vec![Node::new("s", 1)],
            username: None,
            password: None,
        })
    }

    /// The words in capitals between quotes that are no command.
    const OTHER_CAPITALS: &[&str] = &["WRONGTYPE", "PX", "INFO"];

    /// The commands in a script's text.
    fn used(text: &str) -> BTreeSet<String> {
        let words = text.split('\'').filter(|word| {
            word.len() > 1
                && word.chars().all(|c| c.is_ascii_uppercase())
                && !OTHER_CAPITALS.contains(word)
        });
        words.map(str::to_lowercase).collect()
    }

    fn listed() -> BTreeSet<String> {
        SCRIPTED.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn the_list_holds_what_the_scripts_use_and_no_more() {
        let scripts = Scripts::new();
        let scripts = scripts.all();
        let all: BTreeSet<String> = scripts
            .iter()
            .flat_map(|script| used(script.text))
            .collect();
        assert_eq!(all, listed());
    }

    #[test]
    fn the_check_tries_the_whole_list() {
        assert_eq!(used(RIGHTS), listed());
    }

    #[test]
    fn the_line_fits_the_topology() {
        let plain = acl_line(&options(Topology::Standalone(Node::new("h", 1))));
        assert!(plain.starts_with(
            "ACL SETUSER app on >… resetchannels ~watchkeeper:{prod}:* &watchkeeper:{prod}:* +evalsha +eval "
        ));
        assert!(!plain.contains("+role") && !plain.contains("+cluster"));
        assert!(acl_line(&options(sentinel())).ends_with(" +role"));
        let cluster = Topology::Cluster { nodes: Vec::new() };
        assert!(acl_line(&options(cluster)).ends_with(" +cluster|keyslot +cluster|slots +asking"));
        assert_eq!(
            sentinel_acl_line(None),
            "ACL SETUSER default on >… resetchannels &+switch-master +sentinel|get-master-addr-by-name +subscribe +ping"
        );
    }

    /// The `+command` words of a text, up to the first that is none.
    fn allowed_in(text: &str) -> BTreeSet<String> {
        let words = text
            .split_whitespace()
            .map(|word| word.trim_matches(['`', '.', ',', ';', ':', ')']));
        let words = words.filter_map(|word| word.strip_prefix('+'));
        words.map(str::to_owned).collect()
    }

    #[test]
    fn the_documents_list_the_same_rights() {
        let all = [SENT, SCRIPTED].concat();
        let all: BTreeSet<String> = all.iter().map(|&name| name.to_owned()).collect();
        let guide = include_str!("../../../docs/operating.md");
        let line = guide
            .split("```")
            .find(|block| block.trim_start().starts_with("ACL SETUSER"))
            .unwrap();
        assert_eq!(allowed_in(line), all, "docs/operating.md");
        let docs = include_str!("lib.rs").replace("//!", "");
        let docs = docs
            .split("`+evalsha")
            .nth(1)
            .and_then(|rest| rest.split('`').next())
            .unwrap();
        assert_eq!(allowed_in(&format!("+evalsha{docs}")), all, "lib.rs");
        for extra in [BEHIND_SENTINELS, IN_A_CLUSTER, AT_A_SENTINEL].concat() {
            for (name, text) in [
                ("docs/operating.md", guide),
                ("lib.rs", include_str!("lib.rs")),
            ] {
                assert!(text.contains(&format!("+{extra}")), "{name}: {extra}");
            }
        }
    }
}
