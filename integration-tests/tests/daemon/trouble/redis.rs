//! One server of Redis: passwords, rights, its role, its memory.

use std::net::SocketAddr;

use watchkeeper_integration_tests::process::free_address;
use watchkeeper_integration_tests::redis_process::RedisProcess;

use super::harness::{RIGHT, Trouble, WRONG, case, side_by_side};

/// All rights there are.
const ALL: [&str; 3] = ["~*", "&*", "+@all"];

/// As the user `keeper`.
fn as_keeper(address: SocketAddr, password: &str) -> String {
    let (host, port) = (address.ip(), address.port());
    format!("host = \"{host}\"\nport = {port}\nusername = \"keeper\"\npassword = \"{password}\"\n")
}

fn url(address: SocketAddr) -> String {
    format!("url = \"redis://{address}/\"")
}

async fn wrong_password() {
    let redis = RedisProcess::start().await;
    redis.set_user("keeper", RIGHT, &ALL).await;
    let says = &[
        "refused the user or password",
        "see `username` and `password` of the redis backend",
    ];
    Trouble::redis(as_keeper(redis.address(), WRONG), says)
        .mended_by(async || redis.set_user("keeper", WRONG, &ALL).await)
        .await;
}

async fn no_password() {
    let redis = RedisProcess::start_with(&["--requirepass", RIGHT]).await;
    let says = &["wants a password", "set `username` and `password`"];
    Trouble::redis(url(redis.address()), says)
        .mended_by(async || {
            let client = ::redis::Client::open(format!("redis://:{RIGHT}@{}/", redis.address()));
            let mut connection = client
                .unwrap()
                .get_multiplexed_async_connection()
                .await
                .unwrap();
            let mut open = ::redis::cmd("CONFIG");
            open.arg("SET").arg("requirepass").arg("");
            open.exec_async(&mut connection).await.unwrap();
        })
        .await;
}

async fn a_password_where_none_is_set() {
    let redis = RedisProcess::start().await;
    let (host, port) = (redis.address().ip(), redis.address().port());
    let lines = format!("host = \"{host}\"\nport = {port}\npassword = \"{RIGHT}\"\n");
    let says = &[
        "a password is set here but",
        "remove `username` and `password`",
    ];
    Trouble::redis(lines, says)
        .mended_by(async || {
            let _: String = redis.run(&["CONFIG", "SET", "requirepass", RIGHT]).await;
        })
        .await;
}

async fn nothing_listens() {
    let mut redis = RedisProcess::not_started(&[]);
    let says = &["nothing listens at", "is redis running there"];
    Trouble::redis(url(redis.address()), says)
        .mended_by(async || redis.start_again().await)
        .await;
}

async fn it_does_not_answer() {
    let redis = RedisProcess::start().await;
    redis.freeze();
    let says = &["within `500ms`", "does the server still answer"];
    Trouble::redis(url(redis.address()), says)
        .mended_by(async || redis.wake())
        .await;
}

async fn a_replica() {
    let primary = RedisProcess::start_with(&["--repl-diskless-sync-delay", "0"]).await;
    let redis = RedisProcess::start().await;
    redis.replicate(primary.address()).await;
    let says = &["is a replica", "give the address of the primary"];
    Trouble::redis(url(redis.address()), says)
        .mended_by(async || {
            let _: String = redis.run(&["REPLICAOF", "NO", "ONE"]).await;
        })
        .await;
}

async fn a_replica_without_its_primary() {
    let gone = free_address();
    let redis = RedisProcess::start_with(&["--replica-serve-stale-data", "no"]).await;
    let (host, port) = (gone.ip().to_string(), gone.port().to_string());
    let _: String = redis.run(&["REPLICAOF", &host, &port]).await;
    let says = &[
        "is a replica that has lost its primary",
        "wait for the failover, or give the address of the primary",
    ];
    Trouble::redis(url(redis.address()), says)
        .mended_by(async || {
            let _: String = redis.run(&["REPLICAOF", "NO", "ONE"]).await;
        })
        .await;
}

/// A user with these rights only.
async fn lacks(rights: &'static [&'static str], says: &'static [&'static str]) {
    let redis = RedisProcess::start().await;
    redis.set_user("keeper", RIGHT, rights).await;
    Trouble::redis(as_keeper(redis.address(), RIGHT), says)
        .mended_by(async || redis.set_user("keeper", RIGHT, &ALL).await)
        .await;
}

async fn full() {
    let redis = RedisProcess::start_with(&["--maxmemory-policy", "noeviction"]).await;
    redis.set_max_memory(1).await;
    let says = &[
        "has reached its memory limit",
        "raise `maxmemory` or let it evict",
    ];
    Trouble::redis(url(redis.address()), says)
        .mended_by(async || redis.set_max_memory(0).await)
        .await;
}

async fn no_such_database() {
    let mut redis = RedisProcess::start_with(&["--databases", "2"]).await;
    let mut larger = RedisProcess::not_started(&[]).listening_at(redis.address());
    let says = &["has no such database", "see `db`"];
    Trouble::redis(format!("url = \"redis://{}/5\"", redis.address()), says)
        .mended_by(async || {
            redis.kill().await;
            larger.start_again().await;
        })
        .await;
}

#[tokio::test]
async fn a_redis_that_does_not_let_us_work_is_told_once_and_used_again_when_mended() {
    const DENIED: &[&str] = &[
        "does not let the user `keeper` have",
        "give all that is needed by `ACL SETUSER keeper on",
    ];
    side_by_side([
        case("wrong password", wrong_password()),
        case("no password", no_password()),
        case(
            "a password where none is set",
            a_password_where_none_is_set(),
        ),
        case("nothing listens", nothing_listens()),
        case("no answer", it_does_not_answer()),
        case("a replica", a_replica()),
        case(
            "a replica without its primary",
            a_replica_without_its_primary(),
        ),
        case(
            "a command is not allowed",
            lacks(&["~*", "&*", "+@all", "-publish"], DENIED),
        ),
        case(
            "other keys only",
            lacks(&["~other:*", "&*", "+@all"], DENIED),
        ),
        case("other channels only", lacks(&["~*", "+@all"], DENIED)),
        case("full", full()),
        case("no such database", no_such_database()),
    ])
    .await;
}
