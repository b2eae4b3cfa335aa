//! What a server refused, by its error code and words.

use redis::RedisError;
use watchkeeper_core::error::StoreErrorKind;

use super::{Failure, Peer, Sign, brief};
use crate::options::Node;
use crate::place::Place;

/// Whether the connection that brought this error is not worth keeping: it broke, it was never let in, its server is
/// no primary any more, so that the address may by now lead elsewhere, or a right is missing, which the check at the
/// next one's door names in full.
pub(crate) fn ends_connection(error: &RedisError, failure: &Failure) -> bool {
    let (code, detail) = (error.code(), error.detail());
    let code = unwrapped(code.unwrap_or_default(), detail.unwrap_or_default());
    error.is_unrecoverable_error()
        || matches!(code, "NOAUTH" | "READONLY" | "MASTERDOWN" | "CLUSTERDOWN")
        || matches!(failure.sign, Sign::Moved(_))
        || failure.kind == StoreErrorKind::Denied
}

pub(super) fn wrong_password(peer: &Peer) -> Failure {
    let (place, door) = (&peer.place, &peer.door);
    Failure::new(
        StoreErrorKind::Auth,
        format!(
            "{} at `{place}` refused the user or password: see {} of the redis backend",
            door.who, door.options
        ),
    )
}

/// The code that a refused command had before a script wrapped it. Redis 6.2 answers
/// `ERR Error running script (call to f_…): @user_script:1: @user_script: 1: -READONLY You can't write …`.
fn unwrapped<'a>(code: &'a str, detail: &'a str) -> &'a str {
    if code != "ERR" {
        return code;
    }
    let inside = detail
        .split(": -")
        .nth(1)
        .and_then(|rest| rest.split(' ').next());
    match inside {
        Some(inner) if !inner.is_empty() && inner.chars().all(|c| c.is_ascii_uppercase()) => inner,
        _ => code,
    }
}

/// The node in `<slot> <host>:<port>`; a host that is missing is that of the node which said so.
pub(crate) fn target(detail: &str, from: &Place) -> Option<Node> {
    let (_, address) = detail.split_once(' ')?;
    let (host, port) = address.trim().rsplit_once(':')?;
    let port = port.parse().ok().filter(|port| *port != 0)?;
    match (host, from) {
        ("", Place::Tcp(node)) => Some(Node::new(node.host.clone(), port)),
        ("" | "?", _) => None,
        _ => Some(Node::new(host.trim_matches(['[', ']']), port)),
    }
}

/// What the server refused.
pub(crate) fn server(code: &str, detail: &str, peer: &Peer) -> Failure {
    use StoreErrorKind::{Auth, Config, Denied, Protocol, Unreachable, Unwritable};
    let (shown, words) = (brief(code), brief(detail));
    let (place, door) = (&peer.place, &peer.door);
    let who = format!("{} at `{place}`", door.who);
    let is = |kind, why: &str| Failure::new(kind, format!("{who} {why} (`{shown}` {words})"));
    let signed = |sign, failure: Failure| Failure { sign, ..failure };
    let denied = || {
        let why = format!(
            "does not let this user do that: give it its rights by `{}`",
            door.acl
        );
        is(Denied, &why)
    };
    match unwrapped(code, detail) {
        "NOAUTH" => Failure::new(
            Auth,
            format!(
                "{who} wants a password: set {} of the redis backend",
                door.options
            ),
        ),
        "WRONGPASS" => wrong_password(peer),
        "NOPERM" => denied(),
        "DENIED" => is(
            Denied,
            "is in protected mode: set a password there or let it listen on this network",
        ),
        "READONLY" => is(
            Unwritable,
            "is a replica: give the address of the primary, or wait where a failover is under way",
        ),
        "OOM" => is(
            Unwritable,
            "has reached its memory limit: raise `maxmemory` or let it evict",
        ),
        "LOADING" => is(Unwritable, "is loading its data: wait"),
        "MISCONF" => is(
            Unwritable,
            "cannot save to its disk and takes no writes: look at its log",
        ),
        "NOREPLICAS" => is(Unwritable, "has too few replicas to take writes"),
        "MASTERDOWN" => is(
            Unwritable,
            "is a replica that has lost its primary: wait for the failover, or give the address of the primary",
        ),
        "CLUSTERDOWN" => is(
            Unwritable,
            "says that the cluster is down: look whether all its slots have a primary that the majority reaches",
        ),
        "TRYAGAIN" => signed(
            Sign::TryAgain,
            is(
                Unwritable,
                "has a part of this fleet's keys while their slot moves to another node: wait until it has moved",
            ),
        ),
        "BUSY" => is(Unwritable, "is kept busy by another script"),
        code @ ("MOVED" | "ASK") => {
            let node = target(detail, place);
            let sign = if code == "MOVED" {
                Sign::Moved(node)
            } else {
                Sign::Ask(node)
            };
            let failure = if door.cluster {
                is(
                    Unwritable,
                    "sends us to another node again: the cluster's nodes do not agree yet where this fleet's slot lies",
                )
            } else {
                is(
                    Config,
                    "is a node of a cluster: name its nodes in `backend.redis.cluster` in place of one address",
                )
            };
            signed(sign, failure)
        }
        "CROSSSLOT" => is(
            Config,
            "is a node of a cluster, where keys of two slots cannot be used together",
        ),
        // Up to 7.0 a right that is missing inside a script is only said in words.
        _ if is_denial(detail) => denied(),
        _ if detail.contains("max number of clients") => is(
            Unreachable,
            "has reached its limit of clients: raise `maxclients`",
        ),
        _ if detail.contains("AUTH") && detail.contains("without any password") => Failure::new(
            Auth,
            format!(
                "a password is set here but {who} has none: remove {} of the redis backend, or set one there",
                door.options
            ),
        ),
        _ if detail.contains("DB index is out of range") || detail.contains("invalid DB index") => {
            is(Config, "has no such database: see `db`")
        }
        _ if detail.contains("SELECT is not allowed in cluster mode") => is(
            Config,
            "is a node of a cluster, which has no databases: set `db` to 0, and name the nodes in `backend.redis.cluster`",
        ),
        _ if detail.contains("cluster support disabled") => is(
            Config,
            "is no node of a cluster: give its address as `url` or `host` in place of `backend.redis.cluster`",
        ),
        _ if is_unknown_command(detail) => is(
            Config,
            "lacks a command: redis 6.2 or later, or valkey, is needed",
        ),
        _ => is(Protocol, "refused the step"),
    }
}

/// Whether the words, which differ by version, tell a missing right.
fn is_denial(detail: &str) -> bool {
    [
        "ACL failure",
        "can't run this command",
        "can't access at least one of the keys",
        "can't publish to the channel",
    ]
    .iter()
    .any(|words| detail.contains(words))
}

/// Whether the words tell a command that the server does not have, sent by a client or by a script.
fn is_unknown_command(detail: &str) -> bool {
    detail.contains("unknown command") || detail.contains("Unknown Redis command")
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
