//! Which etcd, and what it asks of the times.

use watchkeeper_config::{BackendKind, EtcdSettings};

use crate::{CHECK, World};

fn with(section: &str) -> World {
    World::toml(&format!("{section}\n{CHECK}"))
}

fn etcd(world: &World) -> EtcdSettings {
    match world.config().backend.kind {
        BackendKind::Etcd(settings) => settings,
        other => panic!("{other:?}"),
    }
}

const ONE: &str = "[backend.etcd]\nendpoints = [\"http://e:2379\"]\n";

#[test]
fn endpoints_select_etcd_in_each_spelling() {
    for world in [
        with("[backend.etcd]\nendpoints = [\"http://a:1\", \"http://b:2\"]"),
        with("[backend.etcd]\nendpoints = \"http://a:1, http://b:2\""),
        with("[backend.etcd]\nendpoints = \"env:E\"").env("E", "http://a:1,http://b:2"),
        with("").env(
            "WATCHKEEPER__BACKEND__ETCD__ENDPOINTS",
            "http://a:1,http://b:2",
        ),
        with("").flag(
            "backend.etcd.endpoints",
            "[\"http://a:1\", \"http://b:2\"]",
            "--set x",
        ),
        with(ONE).env(
            "WATCHKEEPER__BACKEND__ETCD__ENDPOINTS",
            "http://a:1,http://b:2",
        ),
    ] {
        assert_eq!(etcd(&world).endpoints, ["http://a:1", "http://b:2"]);
    }
    assert_eq!(
        with(ONE).origins()["backend.kind"],
        "watchkeeper.toml, line 2"
    );
}

#[test]
fn who_asks_and_what_tls_needs_is_read() {
    let world = with(
        "[backend.etcd]\nendpoints = [\"https://e:1\"]\nusername = \"u\"\npassword = \"env:P\"\n[backend.etcd.tls]\n\
         ca = \"ca.pem\"\ncert = \"c.pem\"\nkey = \"/k.pem\"\nserver_name = \"etcd.internal\"",
    )
    .env("P", "hunter22");
    let settings = etcd(&world);
    assert_eq!(settings.username.as_deref(), Some("u"));
    assert_eq!(settings.password.unwrap().expose(), "hunter22");
    assert_eq!(settings.tls.ca, Some(world.dir.path().join("ca.pem")));
    assert_eq!(settings.tls.key, Some("/k.pem".into()));
    assert_eq!(settings.tls.server_name.as_deref(), Some("etcd.internal"));
    let shown = world.load().unwrap().show();
    for row in [
        "backend.etcd.endpoints",
        "[https://e:1]",
        "backend.etcd.password",
        "etcd.internal",
    ] {
        assert!(shown.contains(row), "no {row} in {shown}");
    }
    assert!(!shown.contains("hunter22"), "{shown}");
}

#[test]
fn what_is_no_etcd_is_refused_with_what_is_expected() {
    let at = |endpoints: &str| format!("[backend.etcd]\nendpoints = [{endpoints}]");
    for (text, parts) in [
        (
            "[backend]\nkind = \"etcd\"".to_owned(),
            ["`backend.kind`", "`backend.etcd.endpoints`"],
        ),
        (
            "[backend]\nkind = \"etcd\"\n[backend.etcd]\nendpoints = []".to_owned(),
            ["`backend.kind`", "nothing says where"],
        ),
        (
            "[backend.etcd]\nendpoint = \"http://e:1\"".to_owned(),
            ["`backend.etcd.endpoint`", "`endpoints`"],
        ),
        (
            at("\"http://e\""),
            ["`backend.etcd.endpoints`", "`http://host:port`"],
        ),
        (
            at("\"http://u:hunter22@e:1\""),
            ["entry 1", "keys of their own"],
        ),
        (at("\"ftp://e:1\""), ["entry 1", "`http://host:port`"]),
        (
            at("\"http://a:1\", \"https://b:1\""),
            ["entry 2", "begin alike"],
        ),
        (at("\"http://a:1\", \"b:1\""), ["entry 2", "begin alike"]),
        (
            format!("{}\ntls = {{ ca = \"c\" }}", at("\"http://a:1\"")),
            ["`backend.etcd.tls`", "https://"],
        ),
        (
            format!("{}\ntls = {{ cert = \"c\" }}", at("\"a:1\"")),
            ["`backend.etcd.tls.cert`", "`key`"],
        ),
        (
            format!("{}\nusername = \"u\"", at("\"a:1\"")),
            ["`backend.etcd.username`", "`password`"],
        ),
        (
            format!("{}\npassword = \"hunter22\"", at("\"a:1\"")),
            ["`backend.etcd.password`", "`username`"],
        ),
    ] {
        let error = with(&text).refused(&parts);
        assert!(!error.contains("hunter22"), "{error}");
    }
}

#[test]
fn an_etcd_beside_a_redis_wants_a_kind() {
    let both = format!("{ONE}[backend.redis]\nhost = \"h\"");
    with(&both).refused(&[
        "`backend.etcd.endpoints`",
        "`backend.redis.host`",
        "`backend.kind`",
    ]);
    let named = with(&format!("[backend]\nkind = \"etcd\"\n{both}"));
    assert_eq!(etcd(&named).endpoints.len(), 1);
    assert!(named.warnings()[0].contains("`backend.redis.host` is not used"));
    let named = with(&format!("[backend]\nkind = \"redis\"\n{both}"));
    assert!(matches!(named.config().backend.kind, BackendKind::Redis(_)));
    assert!(named.warnings()[0].contains("`backend.etcd.endpoints` is not used"));
    // What only LiteLLM is told is weaker than our own file.
    etcd(&with(ONE).env("REDIS_HOST", "h"));
}

#[test]
fn leases_last_whole_seconds_and_two_at_least() {
    let lock = |ttl: &str| {
        with(&format!(
            "[coordination]\nlock_ttl = \"{ttl}\"\n[backend]\ntimeout = \"100ms\"\n{ONE}"
        ))
    };
    lock("1s").refused(&["line 2", "`coordination.lock_ttl`", "1s", "2s"]);
    let warnings = lock("2500ms").warnings();
    assert!(warnings[0].contains("2s500ms counts as 3s"), "{warnings:?}");
    assert!(lock("2s").warnings().is_empty());
    with(&format!("[coordination]\nlock_ttl = \"2s\"\n{ONE}")).refused(&["`backend.timeout`"]);
}
