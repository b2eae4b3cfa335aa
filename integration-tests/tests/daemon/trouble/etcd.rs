//! etcd: users, rights, certificates, its quota, and what is no etcd.

use etcd_client::Permission;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use watchkeeper_integration_tests::certificates::Certificates;
use watchkeeper_integration_tests::etcd_process::EtcdProcess;

use super::harness::{RIGHT, Trouble, WRONG, case, side_by_side};
use super::tls::replace;

/// The password of the server's own administrator.
const ROOT_PASSWORD: &str = "admin";

fn endpoint(etcd: &EtcdProcess) -> String {
    format!("endpoints = [\"{}\"]\n", etcd.endpoint())
}

fn as_keeper(etcd: &EtcdProcess, password: &str) -> String {
    endpoint(etcd) + &format!("username = \"keeper\"\npassword = \"{password}\"\n")
}

/// With users, of whom `keeper` may touch what begins with `prefix`.
async fn with_users(prefix: &str) -> EtcdProcess {
    let mut etcd = EtcdProcess::start().await;
    etcd.enable_auth(ROOT_PASSWORD).await;
    etcd.add_user("keeper", RIGHT, prefix).await;
    etcd
}

async fn wrong_password() {
    let etcd = with_users("watchkeeper/").await;
    let says = &[
        "refused the user or password",
        "see `username` and `password` of the etcd backend",
    ];
    Trouble::etcd(as_keeper(&etcd, WRONG), says)
        .mended_by(async || {
            let mut root = etcd.connect().await;
            root.user_change_password("keeper", WRONG).await.unwrap();
        })
        .await;
}

async fn no_user() {
    let etcd = with_users("watchkeeper/").await;
    let says = &["etcd wants a user", "set `username` and `password`"];
    Trouble::etcd(endpoint(&etcd), says)
        .mended_by(async || {
            etcd.connect().await.auth_disable().await.unwrap();
        })
        .await;
}

async fn a_user_where_there_are_none() {
    let mut etcd = EtcdProcess::start().await;
    let says = &[
        "a user is set here but etcd has authentication switched off",
        "remove `username`, or `etcdctl auth enable` there",
    ];
    Trouble::etcd(as_keeper(&etcd, RIGHT), says)
        .mended_by(async || {
            etcd.enable_auth(ROOT_PASSWORD).await;
            etcd.add_user("keeper", RIGHT, "watchkeeper/").await;
        })
        .await;
}

async fn no_right() {
    let etcd = with_users("other/").await;
    let says = &[
        "does not let this user do that",
        "`etcdctl role grant-permission ROLE readwrite --prefix watchkeeper/",
    ];
    Trouble::etcd(as_keeper(&etcd, RIGHT), says)
        .mended_by(async || {
            let mut root = etcd.connect().await;
            let allowed = Permission::read_write("watchkeeper/").with_prefix();
            root.role_grant_permission("keeper", allowed).await.unwrap();
        })
        .await;
}

async fn wrong_ca() {
    let (trusted, other) = (Certificates::issue(), Certificates::issue());
    let mut etcd = EtcdProcess::start_tls(&other, false).await;
    let lines = format!(
        "endpoints = [\"https://{}\"]\ntls = {{ ca = \"ca.pem\" }}",
        etcd.tls_address()
    );
    let says = &[
        "is signed by no authority that we know",
        "give it as `tls.ca`",
    ];
    Trouble::etcd(lines, says)
        .file("ca.pem", &trusted.ca)
        .mended_by(async || {
            etcd.kill().await;
            replace(&other, &trusted);
            etcd.start_again().await;
        })
        .await;
}

async fn nothing_listens() {
    let mut etcd = EtcdProcess::not_started(&[]);
    let says = &["nothing listens at", "is etcd running there"];
    Trouble::etcd(endpoint(&etcd), says)
        .mended_by(async || etcd.start_again().await)
        .await;
}

async fn no_room() {
    let etcd = EtcdProcess::start_small(1 << 20).await;
    let mut client = etcd.connect().await;
    let mut tries = 0;
    while client.put("a", vec![b'x'; 100_000], None).await.is_ok() {
        tries += 1;
        assert!(tries < 100, "it never fills");
    }
    let says = &[
        "has used up its quota (alarm NOSPACE)",
        "compact and defragment it, then `etcdctl alarm disarm`",
    ];
    Trouble::etcd(endpoint(&etcd), says)
        .mended_by(async || {
            etcd.compact(etcd.revision().await).await;
            etcd.defrag().await;
            etcd.disarm().await;
        })
        .await;
}

/// A web server, which answers what it does not understand and hangs up.
async fn another_server() {
    let mut etcd = EtcdProcess::not_started(&[]);
    let listener = tokio::net::TcpListener::bind(etcd.address()).await.unwrap();
    let server = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            // Who hangs up first is no matter here.
            let _ = stream.read(&mut request).await;
            let answer =
                b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            let _ = stream.write_all(answer).await;
            let _ = stream.shutdown().await;
            // Closed with something unread, the answer would be lost on its way.
            while stream.read(&mut request).await.is_ok_and(|read| read > 0) {}
        }
    });
    let says = &[
        "does not speak as etcd does",
        "is it a member's client port",
    ];
    Trouble::etcd(endpoint(&etcd), says)
        .mended_by(async || {
            server.abort();
            let _ = server.await;
            etcd.start_again().await;
        })
        .await;
}

#[tokio::test]
async fn an_etcd_that_does_not_let_us_work_is_told_once_and_used_again_when_mended() {
    side_by_side([
        case("wrong password", wrong_password()),
        case("no user", no_user()),
        case("a user where there are none", a_user_where_there_are_none()),
        case("no right", no_right()),
        case("wrong ca", wrong_ca()),
        case("nothing listens", nothing_listens()),
        case("no room", no_room()),
        case("another server", another_server()),
    ])
    .await;
}
