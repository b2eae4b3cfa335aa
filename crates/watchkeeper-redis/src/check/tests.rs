use tokio::io::AsyncWriteExt;

use super::*;
use crate::error::tests::peer;
use watchkeeper_core::id::FleetName;

fn check(companions: bool) -> Check {
    check_with(companions.then_some(true))
}

/// With companions, if it is said whether they are required.
fn check_with(companions: Option<bool>) -> Check {
    let fleet = FleetName::new("prod").unwrap();
    let options = RedisOptions::new(fleet.clone(), "h", 1);
    let companions = companions.map(|required| {
        let keys = crate::CompanionOptions {
            lock: "their_lock".into(),
            report: "their_report".into(),
            claim: "claim".into(),
            claim_ttl: std::time::Duration::from_secs(60),
            required,
        };
        Arc::new(Companions::new(keys, fleet.clone()))
    });
    Check::new(&options, &Keys::new(&fleet), companions)
}

fn judged(check: &Check, found: &[&str]) -> Result<(), Failure> {
    let found = found
        .iter()
        .map(|text| Value::BulkString(text.as_bytes().to_vec()));
    let mut missing = Missing::default();
    check.note_found(&Value::Array(found.collect()), &peer(), &mut missing)?;
    check.judge(missing, &peer())
}

#[test]
fn each_versions_words_are_understood() {
    use About::{Channel, Command, Key, State, Unknown};
    for (words, wanted) in [
        (
            "NOPERM this user has no permissions to run the 'get' command or its subcommand",
            Command,
        ),
        (
            "NOPERM this user has no permissions to access one of the keys used as arguments",
            Key,
        ),
        (
            "NOPERM this user has no permissions to access one of the channels used as arguments",
            Channel,
        ),
        (
            "The user executing the script can't run this command or subcommand",
            Command,
        ),
        (
            "The user executing the script can't access at least one of the keys mentioned in the command arguments",
            Key,
        ),
        (
            "The user executing the script can't publish to the channel mentioned in the command",
            Channel,
        ),
        (
            "NOPERM User app has no permissions to run the 'hkeys' command",
            Command,
        ),
        ("NOPERM No permissions to access a key", Key),
        ("NOPERM No permissions to access a channel", Channel),
        (
            "ERR ACL failure in script: User app has no permissions to run the 'publish' command",
            Command,
        ),
        (
            "NOPERM ACL failure in script: User app has no permissions to access the 'a' key",
            Key,
        ),
        (
            "NOPERM ACL failure in script: User app has no permissions to access the 'a' channel",
            Channel,
        ),
        ("Unknown Redis command called from Lua script", Unknown),
        (
            "ERR Unknown Redis command called from script script: 0a, on @user_script:9.",
            Unknown,
        ),
        (
            "ERR unknown command `EVALSHA`, with args beginning with: ",
            Unknown,
        ),
        (
            "READONLY You can't write against a read only replica.",
            State,
        ),
        (
            "OOM command not allowed when used memory > 'maxmemory'.",
            State,
        ),
        (
            "WRONGTYPE Operation against a key holding the wrong kind of value",
            State,
        ),
        ("MOVED 1 127.0.0.1:1", State),
        ("", State),
    ] {
        assert_eq!(about(words, &peer()), wanted, "{words}");
    }
}

#[test]
fn all_that_is_missing_is_told_in_one_error() {
    let found = [
        "7.0.15",
        "SET",
        "NOPERM User app has no permissions to run the 'set' command",
        "HLEN",
        "NOPERM No permissions to access a key",
        "HLEN",
        "OOM command not allowed when used memory > 'maxmemory'.",
        "HGET",
        "NOPERM User app has no permissions to run the 'hget' command",
        "PUBLISH",
        "NOPERM No permissions to access a channel",
    ];
    let failure = judged(&check(false), &found).unwrap_err();
    assert_eq!(failure.kind, StoreErrorKind::Denied);
    assert_eq!(
        failure.message,
        "redis at `h:1` does not let the user `default` have the commands `set`, `hget`, the keys `watchkeeper:{prod}:*`, \
         the channel `watchkeeper:{prod}:*`: give all that is needed by `ACL SETUSER me on`"
    );
    assert_eq!(judged(&check(false), &["7.0.15"]), Ok(()));
    let state = [
        "6.2.5",
        "SET",
        "READONLY You can't write against a read only replica.",
    ];
    assert_eq!(judged(&check(false), &state), Ok(()));
}

#[test]
fn a_companions_key_is_named_as_such() {
    let closed = [
        "7.0.15",
        "their_report",
        "NOPERM No permissions to access a key",
    ];
    let required = judged(&check(true), &closed).unwrap_err();
    assert_eq!(required.kind, StoreErrorKind::Denied);
    assert!(
        required
            .message
            .contains("the keys `their_report` of wire mode")
            && required.message.contains("`litellm.wire = false`"),
        "{}",
        required.message
    );
    let mut optional = check(true);
    let companions = Arc::get_mut(optional.companions.as_mut().unwrap()).unwrap();
    companions.keys.required = false;
    assert_eq!(judged(&optional, &closed), Ok(()));
    assert!(optional.companions().is_none(), "they are still kept");
}

#[test]
fn an_old_server_is_told_by_its_version_or_by_what_it_lacks() {
    for (version, old) in [
        ("6.0.16", true),
        ("5.0", true),
        ("6.2.0", false),
        ("7.2.4", false),
        ("10.0.0", false),
        ("", false),
        ("unstable", false),
    ] {
        assert_eq!(judged(&check(false), &[version]).is_err(), old, "{version}");
    }
    let lacks = ["", "XLEN", "Unknown Redis command called from Lua script"];
    let failure = judged(&check(false), &lacks).unwrap_err();
    assert_eq!(failure.kind, StoreErrorKind::Config);
    assert!(failure.message.contains("`xlen`") && failure.message.contains("6.2"));
}

#[test]
fn an_answer_that_is_no_check_is_a_protocol_error() {
    for answer in [
        Value::Nil,
        Value::Array(Vec::new()),
        Value::Array(vec![Value::Int(1)]),
    ] {
        let mut missing = Missing::default();
        let noted = check(false).note_found(&answer, &peer(), &mut missing);
        assert_eq!(noted.unwrap_err().kind, StoreErrorKind::Protocol);
    }
}

/// Runs the check against a server that gives these answers, whatever it is asked.
async fn run(check: &Check, answers: &str) -> Result<(), Failure> {
    let (ours, mut theirs) = tokio::io::duplex(64 * 1024);
    theirs.write_all(answers.as_bytes()).await.unwrap();
    let mut way = Way {
        wire: Box::new(ours),
        peer: peer(),
    };
    check.run(&mut way).await
}

#[tokio::test]
async fn wire_mode_gives_way_on_the_only_node_of_a_cluster() {
    let parted = "-NOSCRIPT none\r\n-CROSSSLOT Keys in request don't hash to the same slot\r\n";
    let good = "*1\r\n$5\r\n7.0.0\r\n";
    let by_rule = check_with(Some(false));
    run(&by_rule, &format!("{parted}{good}")).await.unwrap();
    assert!(by_rule.companions().is_none());
    let by_hand = check_with(Some(true));
    let failure = run(&by_hand, parted).await.unwrap_err();
    assert_eq!(failure.kind, StoreErrorKind::Config);
    assert!(failure.message.ends_with(WITHOUT_WIRE), "{failure:?}");
    assert!(by_hand.companions().is_some());
}
