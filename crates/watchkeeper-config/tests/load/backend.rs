//! Which store, and how Redis is put together.

use watchkeeper_config::{BackendKind, RedisSettings};

use crate::{CHECK, World};

fn with(section: &str) -> World {
    World::toml(&format!("{section}\n{CHECK}"))
}

fn redis(world: &World) -> RedisSettings {
    match world.config().backend.kind {
        BackendKind::Redis(settings) => settings,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_address_selects_redis_unless_a_kind_is_named() {
    assert_eq!(
        redis(&with("[backend.redis]\nhost = \"h\""))
            .host
            .as_deref(),
        Some("h")
    );
    assert_eq!(
        redis(&with("").env("REDIS_HOST", "h")).host.as_deref(),
        Some("h")
    );
    assert_eq!(
        with("").env("REDIS_HOST", "h").origins()["backend.kind"],
        "REDIS_HOST"
    );
    let world = with("[backend]\nkind = \"memory\"\n[backend.redis]\nhost = \"h\"")
        .env("REDIS_URL", "redis://h");
    assert_eq!(world.config().backend.kind, BackendKind::Memory);
    assert!(world.warnings()[0].contains("`backend.redis.host` is not used"));
    assert_eq!(
        with("").env("REDIS_HOST", "").config().backend.kind,
        BackendKind::Memory
    );
}

#[test]
fn variables_fill_in_beside_a_host_key_by_key() {
    let world = with("[backend.redis]\nhost = \"h\"\ndb = 3\nusername = \"file-user\"")
        .env("REDIS_HOST", "other")
        .env("REDIS_PORT", "6380")
        .env("REDIS_DB", "5")
        .env("REDIS_USERNAME", "env-user")
        .env("REDIS_PASSWORD", "pw")
        .env("REDIS_SSL", "True");
    let settings = redis(&world);
    assert_eq!(settings.url, None);
    assert_eq!(settings.host.as_deref(), Some("h"));
    assert_eq!((settings.port, settings.db, settings.ssl), (6380, 3, true));
    assert_eq!(settings.username.as_deref(), Some("file-user"));
    assert_eq!(settings.password.unwrap().expose(), "pw");
    let origins = world.origins();
    assert_eq!(origins["backend.redis.port"], "REDIS_PORT");
    assert_eq!(origins["backend.redis.db"], "watchkeeper.toml, line 3");
}

#[test]
fn a_url_takes_nothing_from_the_variables() {
    let world = with("[backend.redis]\nurl = \"redis://u:p@h:1/2\"")
        .env("REDIS_HOST", "other")
        .env("REDIS_PORT", "6380")
        .env("REDIS_PASSWORD", "pw");
    let settings = redis(&world);
    assert_eq!(settings.url.unwrap().expose(), "redis://u:p@h:1/2");
    assert_eq!(
        (settings.host, settings.password, settings.ssl),
        (None, None, false)
    );
}

#[test]
fn redis_url_goes_before_redis_host_but_not_before_a_configured_one() {
    let both = |world: World| world.env("REDIS_URL", "rediss://u").env("REDIS_HOST", "h");
    assert_eq!(redis(&both(with(""))).url.unwrap().expose(), "rediss://u");
    let settings = redis(&both(with("[backend.redis]\nhost = \"mine\"")));
    assert_eq!(
        (settings.url, settings.host.as_deref()),
        (None, Some("mine"))
    );
}

#[test]
fn user_and_password_may_stand_beside_a_url() {
    let world =
        with("[backend.redis]\nurl = \"redis://h\"\nusername = \"a\"\npassword = \"env:PW\"")
            .env("PW", "p@ss/w");
    assert_eq!(
        redis(&world).url.unwrap().expose(),
        "redis://a:p%40ss%2Fw@h"
    );
}

#[test]
fn what_a_url_says_may_not_be_said_twice() {
    for (line, key) in [
        ("host = \"h\"", "backend.redis.host"),
        ("port = 1", "backend.redis.port"),
        ("db = 1", "backend.redis.db"),
        ("ssl = true", "backend.redis.ssl"),
        ("password = \"q\"", "backend.redis.password"),
        ("username = \"v\"", "backend.redis.username"),
    ] {
        with(&format!("[backend.redis]\nurl = \"redis://u:p@h\"\n{line}"))
            .refused(&["line 3", key, "url"]);
    }
}

#[test]
fn the_stronger_source_says_where_redis_is() {
    let settings = redis(
        &with("[backend.redis]\nurl = \"redis://file\"")
            .env("WATCHKEEPER__BACKEND__REDIS__HOST", "mine"),
    );
    assert_eq!(
        (settings.url, settings.host.as_deref()),
        (None, Some("mine"))
    );
}

#[test]
fn the_port_that_kubernetes_sets_is_ignored_with_a_warning() {
    let world = with("[backend.redis]\nhost = \"h\"").env("REDIS_PORT", "tcp://10.0.0.1:6379");
    assert_eq!(redis(&world).port, 6379);
    assert!(
        world.warnings()[0].contains("tcp://10.0.0.1:6379"),
        "{:?}",
        world.warnings()
    );
    with("[backend.redis]\nhost = \"h\"")
        .env("REDIS_PORT", "many")
        .refused(&["REDIS_PORT", "`backend.redis.port`", "`many`"]);
}

#[test]
fn redis_without_an_address_is_refused() {
    with("[backend]\nkind = \"redis\"").refused(&[
        "line 2",
        "`backend.kind`",
        "backend.redis.url",
        "REDIS_HOST",
    ]);
}

#[test]
fn topologies_to_come_are_named() {
    with("[backend.redis]\nsentinel = { master = \"m\", nodes = [\"h:1\"] }")
        .refused(&["`backend.redis.sentinel`", "later"]);
    with("[backend]\nkind = \"redis\"\n[backend.redis]\ncluster = [\"h:1\"]")
        .refused(&["`backend.redis.cluster`", "later"]);
    with("")
        .env("REDIS_CLUSTER_NODES", "[]")
        .refused(&["REDIS_CLUSTER_NODES", "later", "unset"]);
    let own = with("[backend.redis]\nhost = \"h\"").env("REDIS_CLUSTER_NODES", "[]");
    assert_eq!(redis(&own).host.as_deref(), Some("h"));
}

#[test]
fn certificates_come_in_pairs_and_start_at_the_file() {
    let mut world = World::new().file(
        "etc/w.toml",
        &format!("[backend.redis]\nurl = \"rediss://h\"\n[backend.redis.tls]\nca = \"ca.pem\"\ncert = \"/abs/c.pem\"\nkey = \"k.pem\"\n{CHECK}"),
    );
    world.inputs.config = Some("etc/w.toml".into());
    let tls = redis(&world).tls;
    let dir = world.dir.path().join("etc");
    assert_eq!(tls.ca, Some(dir.join("ca.pem")));
    assert_eq!(tls.cert, Some("/abs/c.pem".into()));
    assert_eq!(tls.key, Some(dir.join("k.pem")));
    with("[backend.redis]\nurl = \"rediss://h\"\n[backend.redis.tls]\ncert = \"c\"")
        .refused(&["`backend.redis.tls.cert`", "`key`"]);
}

#[test]
fn etcd_is_refused_with_what_to_use_instead() {
    let parts = ["`backend.kind`", "etcd", "`redis`", "`memory`"];
    with("[backend]\nkind = \"etcd\"").refused(&parts);
    let message =
        with("[backend]\nkind = \" Etcd \"\n[backend.etcd]\nendpoints = [\"http://e:1\"]")
            .refused(&parts);
    assert!(message.contains("does not have"), "{message}");
    with("")
        .env("WATCHKEEPER__BACKEND__KIND", "etcd")
        .refused(&["WATCHKEEPER__BACKEND__KIND", "does not have"]);
    with("")
        .flag("backend.kind", "etcd", "--backend")
        .refused(&["--backend", "does not have"]);
}

#[test]
fn keys_of_etcd_are_known_but_not_used() {
    let text = "[backend]\nkind = \"memory\"\n[backend.etcd]\nendpoints = [\"http://e:1\"]\nusername = \"u\"\n\
                password = \"p\"\n[backend.etcd.tls]\nca = \"c\"\n";
    assert_eq!(with(text).config().backend.kind, BackendKind::Memory);
    with("[backend.etcd]\nendpoint = \"http://e:1\"").refused(&["endpoint", "endpoints"]);
}

#[test]
fn coordination_that_is_asked_for_without_a_store_is_a_warning() {
    let asked = with("").env("USE_SHARED_HEALTH_CHECK", "true");
    assert!(
        asked.warnings()[0].contains("in-memory"),
        "{:?}",
        asked.warnings()
    );
    for quiet in [
        with(""),
        with("").env("USE_SHARED_HEALTH_CHECK", "false"),
        with("[backend]\nkind = \"memory\"").env("USE_SHARED_HEALTH_CHECK", "true"),
        with("")
            .env("USE_SHARED_HEALTH_CHECK", "true")
            .env("REDIS_HOST", "h"),
    ] {
        assert!(quiet.warnings().is_empty(), "{:?}", quiet.warnings());
    }
}

#[test]
fn a_command_that_needs_no_store_is_not_kept_from_its_work() {
    let mut world = with("[backend]\nkind = \"redis\"");
    world.inputs.without_store = true;
    assert_eq!(world.config().backend.kind, BackendKind::Memory);
    assert!(world.warnings()[0].contains("needs no store"));
}
