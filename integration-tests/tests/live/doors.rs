//! Passwords, users, databases, TLS, and servers that let us in but take no writes.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use watchkeeper_core::cache::{Publish, Published, ReportCache};
use watchkeeper_core::companion::{Claim, CompanionReport};
use watchkeeper_core::error::{StoreError, StoreErrorKind};
use watchkeeper_core::lease::{LeaseStore, Released, Token};
use watchkeeper_core::secret::Secret;
use watchkeeper_integration_tests::certificates::Certificates;
use watchkeeper_integration_tests::eventually;
use watchkeeper_integration_tests::process::free_address;
use watchkeeper_integration_tests::redis_process::{ClientCertificate, RedisProcess};
use watchkeeper_redis::{CompanionOptions, RedisOptions, RedisStore, TlsOptions};

use crate::support::{LONG, acquire, group, options, publish};

const SECRET: &str = "p@ss/w:rd#1";
/// The same in a URL.
const ENCODED: &str = "p%40ss%2Fw%3Ard%231";

fn connect(options: RedisOptions) -> RedisStore {
    RedisStore::connect(options).unwrap()
}

/// Both ways in have to fail in the same way, and neither may show a password.
async fn refused(options: RedisOptions, kind: StoreErrorKind) -> StoreError {
    let store = connect(options);
    let error = acquire(&store, "a", 1).await.unwrap_err();
    assert_eq!(error.kind, kind, "{error}");
    assert!(!error.may_have_landed, "{error}");
    assert!(!error.to_string().contains(SECRET), "{error}");
    assert_eq!(store.ping().await.unwrap_err().kind, kind);
    error
}

#[tokio::test]
async fn a_password_opens_and_a_wrong_or_missing_one_is_told() {
    let redis = RedisProcess::start_with(&["--requirepass", SECRET]).await;
    let url = |who: &str| format!("redis://{who}{}/", redis.address());
    let store = connect(options(&url(&format!(":{ENCODED}@"))));
    acquire(&store, "a", 1).await.unwrap();
    refused(options(&url(":wrong@")), StoreErrorKind::Auth).await;
    let missing = refused(options(&url("")), StoreErrorKind::Auth).await;
    assert!(missing.message.contains("`password`"), "{missing}");
}

#[tokio::test]
async fn a_password_where_none_is_set_is_told() {
    let redis = RedisProcess::start().await;
    let url = format!("redis://:{ENCODED}@{}/", redis.address());
    refused(options(&url), StoreErrorKind::Auth).await;
}

/// The rights that the crate's documentation lists.
fn rights(fleet: &str) -> Vec<String> {
    let keys = format!("~watchkeeper:{{{fleet}}}:*");
    let channels = format!("&watchkeeper:{{{fleet}}}:*");
    let words = format!(
        "ACL SETUSER app reset resetchannels on >{SECRET} {keys} {channels} +evalsha +eval +time +ping +select +subscribe +publish \
         +pttl +getrange +type +strlen +set +del +unlink +llen +scard +zcard +xlen \
         +hget +hset +hsetnx +hlen +hkeys +hdel +hexists +hstrlen +pexpire"
    );
    words.split_whitespace().map(str::to_owned).collect()
}

async fn allow(redis: &RedisProcess, words: &[String]) {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let _: String = redis.run(&words).await;
}

#[tokio::test]
async fn companions_need_three_keys_more_and_say_so_without_them() {
    let redis = RedisProcess::start().await;
    let mut options = options(&format!("redis://app:{ENCODED}@{}/", redis.address()));
    options.companions = Some(CompanionOptions {
        lock: "health_check_lock".into(),
        report: "health_check_results".into(),
        claim: "health_check_claim:watchkeeper".into(),
        claim_ttl: LONG,
        required: true,
    });
    let narrow = rights(options.fleet.as_str());
    allow(&redis, &narrow).await;
    let store_options = options.clone();
    let store = connect(options);
    let error = acquire(&store, "a", 1).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Denied);
    assert!(error.message.contains("wire"), "{error}");

    // Where nobody asked for them, ours goes on without.
    let mut optional = store_options;
    optional.companions.as_mut().unwrap().required = false;
    let without = connect(optional);
    acquire(&without, "a", 1).await.unwrap_err();
    assert_eq!(without.companion().claim, Claim::Off);
    let token = acquire(&without, "a", 1).await.unwrap();
    let lease = publish("a", token, b"").lease;
    assert_eq!(without.release(&lease).await, Ok(Released::Done));

    let wide = [
        "~health_check_lock",
        "~health_check_results",
        "~health_check_claim:watchkeeper",
    ];
    let wide: Vec<String> = narrow.into_iter().chain(wide.map(str::to_owned)).collect();
    allow(&redis, &wide).await;
    // What stands there first walks the ways that only garbage takes.
    let _: i64 = redis
        .run(&["RPUSH", "health_check_results", "foreign"])
        .await;
    store.read(&group(), Token::ZERO).await.unwrap();
    let token = acquire(&store, "a", 2).await.unwrap();
    let beside = CompanionReport {
        head: Arc::from(&b"\""[..]),
        tail: Arc::from(&b"\""[..]),
        age: Duration::ZERO,
        ttl: LONG,
    };
    let report = Publish {
        companion: Some(beside),
        ..publish("a", token, b"found")
    };
    store.renew(&report.lease, LONG).await.unwrap();
    assert_eq!(store.publish(&report).await, Ok(Published::Done));
    store.read(&group(), token).await.unwrap();
    let token = acquire(&store, "a", 3).await.unwrap();
    let lease = publish("a", token, b"").lease;
    assert_eq!(store.release(&lease).await, Ok(Released::Done));
}

#[tokio::test]
async fn a_user_with_the_documented_rights_can_do_everything() {
    let redis = RedisProcess::start().await;
    let options = options(&format!("redis://app:{ENCODED}@{}/", redis.address()));
    allow(&redis, &rights(options.fleet.as_str())).await;
    let store = connect(options);
    let mut notices = store.watch();
    let token = acquire(&store, "a", 1).await.unwrap();
    // The lock's place is garbage for a moment, to walk the ways that only garbage takes.
    let key: Vec<String> = redis.keys("*lock*").await;
    let lock: String = redis.run(&["GET", &key[0]]).await;
    let _: i64 = redis.run(&["DEL", &key[0]]).await;
    let _: i64 = redis.run(&["RPUSH", &key[0], "foreign"]).await;
    store.inspect(&group()).await.unwrap();
    let _: String = redis.run(&["SET", &key[0], &lock, "PX", "60000"]).await;
    store.publish(&publish("a", token, b"found")).await.unwrap();
    store.read(&group(), Token(token.0 + 1_000)).await.unwrap();
    store.ping().await.unwrap();
    store.pods().await.unwrap();
    // Notices reach it as well.
    for attempt in 2.. {
        let token = acquire(&store, "a", attempt).await.unwrap();
        store.publish(&publish("a", token, b"found")).await.unwrap();
        let heard = async {
            use futures_util::StreamExt;
            use watchkeeper_core::cache::Notice;
            while notices.next().await != Some(Notice::Report { group: group() }) {}
        };
        if tokio::time::timeout(std::time::Duration::from_millis(500), heard)
            .await
            .is_ok()
        {
            return;
        }
        assert!(attempt < 20, "no notice came");
    }
}

#[tokio::test]
async fn a_missing_right_is_denied_whatever_it_is() {
    let redis = RedisProcess::start().await;
    for missing in ["-evalsha", "-set", "-time", "-getrange", "resetkeys"] {
        let options = options(&format!("redis://app:{ENCODED}@{}/", redis.address()));
        let mut words = rights(options.fleet.as_str());
        words.push(missing.to_owned());
        allow(&redis, &words).await;
        let store = connect(options);
        let error = acquire(&store, "a", 1).await.unwrap_err();
        assert_eq!(error.kind, StoreErrorKind::Denied, "{missing}: {error}");
        assert!(!error.may_retry() && !error.may_have_landed);
    }
    // A user who may only read cannot take a lease, and ping says so.
    let options = options(&format!("redis://app:{ENCODED}@{}/", redis.address()));
    let mut words = rights(options.fleet.as_str());
    words.extend(["-@write".to_owned()]);
    allow(&redis, &words).await;
    refused(options, StoreErrorKind::Denied).await;
}

#[tokio::test]
async fn a_database_is_chosen_and_a_missing_one_is_told() {
    let redis = RedisProcess::start().await;
    let third = connect(options(&format!("redis://{}/3", redis.address())));
    acquire(&third, "a", 1).await.unwrap();
    assert_eq!(redis.keys("*").await, Vec::<String>::new());
    let info: String = redis.run(&["INFO", "keyspace"]).await;
    assert!(info.contains("db3:keys=2"), "{info}");
    let error = refused(
        options(&format!("redis://{}/999", redis.address())),
        StoreErrorKind::Config,
    )
    .await;
    assert!(error.message.contains("`db`"), "{error}");
}

#[tokio::test]
async fn too_many_clients_are_not_told_as_a_wrong_password() {
    let redis = RedisProcess::start_with(&["--requirepass", SECRET, "--maxclients", "1"]).await;
    let url = format!("redis://:{ENCODED}@{}/", redis.address());
    // The one place is taken once a connection of ours is asked for a password, not turned away.
    let mut first;
    loop {
        first = TcpStream::connect(redis.address()).await.unwrap();
        first.write_all(b"PING\r\n").await.unwrap();
        let mut answer = [0; 7];
        if first.read_exact(&mut answer).await.is_ok() && &answer == b"-NOAUTH" {
            break;
        }
    }
    let error = refused(options(&url), StoreErrorKind::Unreachable).await;
    assert!(
        error.message.contains("maxclients") || error.message.contains("closed"),
        "{error}"
    );
}

#[tokio::test]
async fn a_replica_is_unwritable_for_ping_too() {
    let redis = RedisProcess::start().await;
    let nobody = free_address();
    let (host, port) = (nobody.ip().to_string(), nobody.port().to_string());
    let _: String = redis.run(&["REPLICAOF", &host, &port]).await;
    let error = refused(options(&redis.url()), StoreErrorKind::Unwritable).await;
    assert!(
        error.message.contains("replica") && error.may_retry(),
        "{error}"
    );
}

#[tokio::test]
async fn a_primary_that_became_a_replica_is_dialled_again() {
    let redis = RedisProcess::start().await;
    let store = connect(options(&redis.url()));
    acquire(&store, "a", 1).await.unwrap();
    let nobody = free_address();
    let (host, port) = (nobody.ip().to_string(), nobody.port().to_string());
    let _: String = redis.run(&["REPLICAOF", &host, &port]).await;
    let mine = async || {
        let clients: String = redis.run(&["CLIENT", "LIST", "TYPE", "normal"]).await;
        // The others are the test's own, which never ran a script.
        let ours = clients.lines().find(|line| line.contains("cmd=eval"));
        ours.and_then(|line| line.split(' ').next().map(str::to_owned))
    };
    let before = mine().await;
    for _ in 0..2 {
        let error = acquire(&store, "a", 2).await.unwrap_err();
        assert_eq!(error.kind, StoreErrorKind::Unwritable, "{error}");
    }
    assert!(before.is_some());
    // The server sees the end of a connection a little later than whoever ends it.
    eventually("the old connection is gone", LONG, async || {
        mine().await != before
    })
    .await;
    let _: String = redis.run(&["REPLICAOF", "NO", "ONE"]).await;
    acquire(&store, "a", 3).await.unwrap();
}

#[tokio::test]
async fn a_full_memory_is_unwritable_and_heals() {
    let redis = RedisProcess::start().await;
    let store = connect(options(&redis.url()));
    let token = acquire(&store, "a", 1).await.unwrap();
    store.ping().await.unwrap();
    let _: String = redis.run(&["CONFIG", "SET", "maxmemory", "1"]).await;
    for error in [
        acquire(&store, "a", 2).await.map(drop).err(),
        store
            .publish(&publish("a", token, b"found"))
            .await
            .map(drop)
            .err(),
        store.ping().await.err(),
    ] {
        let error = error.expect("a full server took a write");
        assert_eq!(error.kind, StoreErrorKind::Unwritable, "{error}");
        assert!(error.may_retry() && !error.may_have_landed, "{error}");
    }
    let _: String = redis.run(&["CONFIG", "SET", "maxmemory", "0"]).await;
    store.ping().await.unwrap();
    store.publish(&publish("a", token, b"found")).await.unwrap();
}

fn with_tls(url: &str, tls: TlsOptions) -> RedisOptions {
    let mut options = options(url);
    options.tls = Some(tls);
    options
}

#[tokio::test]
async fn rediss_trusts_its_own_authority_and_no_other() {
    let files = Certificates::issue();
    let redis = RedisProcess::start_tls(&files, ClientCertificate::Unasked).await;
    let address = redis.tls_address();
    let ours = || TlsOptions {
        ca: Some(files.ca.clone().into_bytes()),
        ..TlsOptions::default()
    };
    for host in ["localhost", "127.0.0.1"] {
        let url = format!("rediss://{host}:{}/", address.port());
        let store = connect(with_tls(&url, ours()));
        let token = acquire(&store, "a", 1).await.unwrap();
        store
            .publish(&publish("a", token, &vec![b'x'; 1_000_000]))
            .await
            .unwrap();
    }
    let url = format!("rediss://{address}/");
    let unknown = refused(options(&url), StoreErrorKind::Config).await;
    assert!(unknown.message.contains("`tls.ca`"), "{unknown}");
    let other = Certificates::issue().ca.into_bytes();
    let other = TlsOptions {
        ca: Some(other),
        ..TlsOptions::default()
    };
    refused(with_tls(&url, other), StoreErrorKind::Config).await;
    // A door of the wrong kind, either way round.
    let plain = format!("rediss://{}/", redis.address());
    let error = connect(with_tls(&plain, ours())).ping().await.unwrap_err();
    // The server waits for the end of what it takes for a line, or sees an end in it by chance.
    assert!(
        matches!(error.kind, StoreErrorKind::Timeout | StoreErrorKind::Config),
        "{error}"
    );
    assert!(error.message.contains("TLS"), "{error}");
    let error = refused(
        options(&format!("redis://{address}/")),
        StoreErrorKind::Unreachable,
    )
    .await;
    assert!(error.message.contains("TLS"), "{error}");
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let files = Certificates::issue();
    let redis = RedisProcess::start_tls(&files, ClientCertificate::Unasked).await;
    let address = redis.tls_address();
    let ours = TlsOptions {
        ca: Some(files.ca.clone().into_bytes()),
        ..TlsOptions::default()
    };
    let url = format!("rediss://127.0.0.2:{}/", address.port());
    let error = refused(with_tls(&url, ours), StoreErrorKind::Config).await;
    assert!(error.message.contains("does not hold"), "{error}");
}

#[tokio::test]
async fn a_client_certificate_opens_and_a_missing_one_is_told() {
    let files = Certificates::issue();
    let redis = RedisProcess::start_tls(&files, ClientCertificate::Required).await;
    let address = redis.tls_address();
    let url = format!("rediss://{address}/");
    let (cert, key) = files.client.clone();
    let mut tls = TlsOptions {
        ca: Some(files.ca.clone().into_bytes()),
        cert: Some(cert.into_bytes()),
        key: Some(Secret::new(key)),
        ..TlsOptions::default()
    };
    let store = connect(with_tls(&url, tls.clone()));
    acquire(&store, "a", 1).await.unwrap();
    (tls.cert, tls.key) = (None, None);
    let error = refused(with_tls(&url, tls), StoreErrorKind::Auth).await;
    assert!(error.message.contains("`tls.cert`"), "{error}");
}
