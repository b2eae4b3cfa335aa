use super::super::driver;
use super::super::tests::peer;
use super::*;

/// As if the server had sent this line.
fn answered(line: &str) -> RedisError {
    let value = redis::parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap();
    value.extract_error().unwrap_err()
}

fn said(line: &str) -> Failure {
    driver(&answered(line), &peer())
}

const WRAPPED: &str = "ERR Error running script (call to f_0a): @user_script:9: @user_script: 9: ";

#[test]
fn a_foreign_error_code_is_cut_and_shown_on_one_line() {
    let failure = said(&format!("\u{0}\u{1b}[31m{} no", "X".repeat(5_000)));
    assert_eq!(failure.kind, StoreErrorKind::Protocol);
    let message = failure.message;
    assert!(!message.chars().any(char::is_control), "{message:?}");
    assert!(message.len() < 500, "{message}");
    let long = server("NOPERM", &format!("a\nb{}", "x".repeat(10_000)), &peer());
    assert!(long.message.len() < 500 && !long.message.contains('\n'));
}

#[test]
fn each_answer_of_the_server_has_its_kind_and_names_the_server() {
    use StoreErrorKind::{Auth, Config, Denied, Protocol, Unreachable, Unwritable};
    for (line, kind) in [
        ("NOAUTH Authentication required.", Auth),
        (
            "WRONGPASS invalid username-password pair or user is disabled.",
            Auth,
        ),
        (
            "ERR AUTH <password> called without any password configured for the default user.",
            Auth,
        ),
        (
            "NOPERM this user has no permissions to run the 'evalsha' command",
            Denied,
        ),
        (
            "ERR ACL failure in script: User x has no permissions to run the 'set' command",
            Denied,
        ),
        (
            &format!("{WRAPPED}-NOPERM The user can't run this command"),
            Denied,
        ),
        (
            "ERR The user executing the script can't run this command or subcommand script: 0a",
            Denied,
        ),
        (
            "ERR The user executing the script can't publish to the channel mentioned in the command",
            Denied,
        ),
        ("DENIED Redis is running in protected mode because", Denied),
        (
            "READONLY You can't write against a read only replica.",
            Unwritable,
        ),
        (
            &format!("{WRAPPED}-READONLY You can't write against a read only replica."),
            Unwritable,
        ),
        (
            "OOM command not allowed when used memory > 'maxmemory'.",
            Unwritable,
        ),
        (
            &format!("{WRAPPED}-OOM command not allowed when used memory > 'maxmemory'."),
            Unwritable,
        ),
        ("LOADING Redis is loading the dataset in memory", Unwritable),
        (
            "MISCONF Redis is configured to save RDB snapshots",
            Unwritable,
        ),
        ("NOREPLICAS Not enough good replicas to write.", Unwritable),
        ("MASTERDOWN Link with MASTER is down", Unwritable),
        ("CLUSTERDOWN The cluster is down", Unwritable),
        (
            "TRYAGAIN Multiple keys request during rehashing of slot",
            Unwritable,
        ),
        ("BUSY Redis is busy running a script.", Unwritable),
        ("MOVED 3999 127.0.0.1:6381", Config),
        ("ASK 3999 127.0.0.1:6381", Config),
        (
            "CROSSSLOT Keys in request don't hash to the same slot",
            Config,
        ),
        ("ERR This instance has cluster support disabled", Config),
        ("ERR SELECT is not allowed in cluster mode", Config),
        ("ERR DB index is out of range", Config),
        ("ERR unknown command 'EVALSHA'", Config),
        ("ERR Unknown Redis command called from script", Config),
        ("ERR max number of clients reached", Unreachable),
        ("ERR Protocol error: invalid bulk length", Protocol),
        ("SOMETHING new", Protocol),
    ] {
        let failure = said(line);
        assert_eq!(failure.kind, kind, "{line}: {}", failure.message);
        assert!(!failure.message.ends_with('.'), "{}", failure.message);
        assert!(failure.message.contains("`h:1`"), "{}", failure.message);
    }
}

#[test]
fn the_arguments_that_a_server_repeats_are_never_shown() {
    for line in [
        // Redis and Valkey, where `AUTH` was renamed; and as 6.2 spells it.
        "ERR unknown command 'AUTH', with args beginning with: 'app' 'hunter22' ",
        "ERR unknown command `AUTH`, with args beginning with: `app`, `hunter22`, ",
    ] {
        let message = said(line).message;
        assert!(message.contains("unknown command"), "{message}");
        assert!(!message.contains("hunter22"), "{message}");
    }
}

#[test]
fn a_denial_shows_the_line_that_gives_the_rights() {
    let failure = said("NOPERM this user has no permissions to run the 'evalsha' command");
    assert!(failure.message.contains("ACL SETUSER me on"));
}

#[test]
fn a_nodes_word_for_another_is_understood() {
    let here = Place::Tcp(Node::new("here", 1));
    for (detail, wanted) in [
        ("3999 127.0.0.1:6381", Some(Node::new("127.0.0.1", 6381))),
        (
            "3999 redis-1.example:7",
            Some(Node::new("redis-1.example", 7)),
        ),
        ("3999 ::1:6381", Some(Node::new("::1", 6381))),
        ("3999 [fe80::1]:6381", Some(Node::new("fe80::1", 6381))),
        ("3999 :6381", Some(Node::new("here", 6381))),
        ("3999 ?:6381", None),
        ("3999 h:0", None),
        ("3999 h:99999", None),
        ("3999 h", None),
        ("3999", None),
        ("", None),
    ] {
        assert_eq!(target(detail, &here), wanted, "{detail}");
    }
    let node = || Some(Node::new("127.0.0.1", 6381));
    let mut within = peer();
    let door = std::sync::Arc::get_mut(&mut within.door).unwrap();
    door.cluster = true;
    for (code, sign) in [
        ("MOVED", Sign::Moved(node())),
        ("ASK", Sign::Ask(node())),
        ("TRYAGAIN", Sign::TryAgain),
        ("CLUSTERDOWN", Sign::None),
    ] {
        let failure = server(code, "3999 127.0.0.1:6381", &within);
        assert_eq!(failure.sign, sign);
        assert_eq!(failure.kind, StoreErrorKind::Unwritable, "{code}");
    }
    let outside = server("MOVED", "3999 127.0.0.1:6381", &peer());
    assert!(outside.message.contains("`backend.redis.cluster`"));
}

#[test]
fn a_connection_that_leads_to_the_wrong_server_or_lacks_rights_is_not_kept() {
    let ends = |line: &str| ends_connection(&answered(line), &said(line));
    for line in [
        "READONLY You can't write against a read only replica.",
        &format!("{WRAPPED}-READONLY You can't write"),
        "NOAUTH Authentication required.",
        "NOPERM this user has no permissions",
        "ERR ACL failure in script: User x has no permissions",
        "MOVED 3999 127.0.0.1:6381",
        "CLUSTERDOWN Hash slot not served",
    ] {
        assert!(ends(line), "{line}");
    }
    for line in [
        "OOM command not allowed when used memory > 'maxmemory'.",
        "ASK 3999 127.0.0.1:6381",
        "TRYAGAIN Multiple keys request during rehashing of slot",
        "BUSY Redis is busy running a script.",
    ] {
        assert!(!ends(line), "{line}");
    }
    let broken = std::io::Error::from(std::io::ErrorKind::BrokenPipe).into();
    assert!(ends_connection(&broken, &driver(&broken, &peer())));
}
