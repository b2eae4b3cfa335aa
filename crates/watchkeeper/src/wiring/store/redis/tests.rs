//! Options from settings.
#![allow(clippy::unwrap_used, clippy::panic)] // a test may

use std::path::PathBuf;

use watchkeeper_config::{SentinelSettings, TlsFiles};
use watchkeeper_core::secret::Secret;

use super::*;

const PEM: &str = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";

fn at(address: RedisAddress) -> RedisSettings {
    RedisSettings {
        address,
        db: 0,
        username: None,
        password: None,
        ssl: false,
        tls: TlsFiles::default(),
        namespace: None,
    }
}

fn server(host: &str, port: u16) -> HostPort {
    HostPort {
        host: host.to_owned(),
        port,
    }
}

fn built(settings: &RedisSettings) -> Result<RedisOptions, Failure> {
    options(settings, &FleetName::new("test").unwrap())
}

fn why(failure: Failure) -> String {
    match failure {
        Failure::BadConfig(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_address_is_its_topology() {
    let sentinel = SentinelSettings {
        master: "m".to_owned(),
        nodes: vec![server("s", 1), server("::1", 2)],
        username: Some("su".to_owned()),
        password: Some(Secret::new("sp")),
    };
    for (address, expected) in [
        (
            RedisAddress::Host(server("h", 6380)),
            Topology::Standalone(Node::new("h", 6380)),
        ),
        (
            RedisAddress::Url(Secret::new("redis://h:6380/0")),
            Topology::Standalone(Node::new("h", 6380)),
        ),
        (
            RedisAddress::Unix(PathBuf::from("/run/r")),
            Topology::Unix {
                path: PathBuf::from("/run/r"),
            },
        ),
        (
            RedisAddress::Sentinel(sentinel),
            Topology::Sentinel(SentinelOptions {
                master: "m".to_owned(),
                nodes: vec![Node::new("s", 1), Node::new("::1", 2)],
                username: Some("su".to_owned()),
                password: Some(Secret::new("sp")),
            }),
        ),
        (
            RedisAddress::Cluster(vec![server("c", 1)]),
            Topology::Cluster {
                nodes: vec![Node::new("c", 1)],
            },
        ),
    ] {
        assert_eq!(built(&at(address)).unwrap().topology, expected);
    }
}

#[test]
fn who_asks_is_taken_from_beside_the_address_or_from_the_url() {
    let mut settings = at(RedisAddress::Host(server("h", 1)));
    settings.db = 3;
    settings.username = Some("u".to_owned());
    settings.password = Some(Secret::new("p@ss"));
    let options = built(&settings).unwrap();
    assert_eq!(options.db, 3);
    assert_eq!(options.username.as_deref(), Some("u"));
    assert_eq!(options.password, Some(Secret::new("p@ss")));

    settings.address = RedisAddress::Url(Secret::new("redis://h/5"));
    let options = built(&settings).unwrap();
    assert_eq!((options.db, options.username.as_deref()), (5, Some("u")));
    let mut plain = at(RedisAddress::Url(Secret::new("redis://a:b@h")));
    let options = built(&plain).unwrap();
    assert_eq!(options.username.as_deref(), Some("a"));
    assert_eq!(options.password, Some(Secret::new("b")));

    plain.address = RedisAddress::Url(Secret::new("redis://:hunter22@h/x"));
    let why = why(built(&plain).unwrap_err());
    assert!(
        why.contains("`backend.redis.url`") && !why.contains("hunter22"),
        "{why}"
    );
}

#[test]
fn the_files_of_tls_are_read_where_tls_is_spoken() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| Some(dir.path().join(name));
    for name in ["ca.pem", "c.pem", "k.pem"] {
        std::fs::write(dir.path().join(name), format!("{name}\n{PEM}")).unwrap();
    }
    let mut settings = at(RedisAddress::Host(server("h", 1)));
    settings.tls = TlsFiles {
        ca: path("ca.pem"),
        cert: path("c.pem"),
        key: path("k.pem"),
        server_name: Some("n".to_owned()),
    };
    assert_eq!(built(&settings).unwrap().tls, None);
    settings.ssl = true;
    let tls = built(&settings).unwrap().tls.unwrap();
    assert!(tls.ca.unwrap().starts_with(b"ca.pem"));
    assert!(tls.cert.unwrap().starts_with(b"c.pem"));
    assert!(tls.key.unwrap().expose().starts_with("k.pem"));
    assert_eq!(tls.server_name.as_deref(), Some("n"));
}

#[test]
fn a_file_that_is_none_is_named_with_its_key() {
    let dir = tempfile::tempdir().unwrap();
    let garbage = dir.path().join("garbage");
    std::fs::write(&garbage, "hunter22").unwrap();
    let missing = dir.path().join("missing");
    for (name, file, word) in [
        ("ca", &missing, "cannot be read"),
        ("cert", &garbage, "no PEM file"),
        ("key", &garbage, "no PEM file"),
    ] {
        let mut settings = at(RedisAddress::Url(Secret::new("rediss://h")));
        settings.ssl = true;
        let place = match name {
            "ca" => &mut settings.tls.ca,
            "cert" => &mut settings.tls.cert,
            _ => &mut settings.tls.key,
        };
        *place = Some(file.clone());
        let why = why(built(&settings).unwrap_err());
        let key = format!("`backend.redis.tls.{name}`");
        assert!(why.contains(&key) && why.contains(word), "{why}");
        assert!(
            why.contains(&file.display().to_string()) && !why.contains("hunter22"),
            "{why}"
        );
    }
}
