//! Which store, and how Redis is put together.

use watchkeeper_config::{BackendKind, BuiltIn, RedisSettings};

use crate::{CHECK, World};

fn with(section: &str) -> World {
    World::toml(&format!("{section}\n{CHECK}"))
}

fn redis(world: &World) -> RedisSettings {
    crate::redis(world)
}

fn address(world: &World) -> String {
    crate::address(&redis(world))
}

#[test]
fn an_address_selects_redis_unless_a_kind_is_named() {
    assert_eq!(address(&with("[backend.redis]\nhost = \"h\"")), "h:6379");
    assert_eq!(address(&with("").env("REDIS_HOST", "h")), "h:6379");
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
    assert_eq!(crate::address(&settings), "h:6380");
    assert_eq!((settings.db, settings.ssl), (3, true));
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
    assert_eq!(crate::address(&settings), "redis://u:p@h:1/2");
    assert_eq!((settings.password, settings.ssl), (None, false));
}

#[test]
fn redis_url_goes_before_redis_host_but_not_before_a_configured_one() {
    let both = |world: World| world.env("REDIS_URL", "rediss://u").env("REDIS_HOST", "h");
    assert_eq!(address(&both(with(""))), "rediss://u");
    assert_eq!(
        address(&both(with("[backend.redis]\nhost = \"mine\""))),
        "mine:6379"
    );
}

#[test]
fn user_and_password_may_stand_beside_a_url() {
    let world =
        with("[backend.redis]\nurl = \"redis://h\"\nusername = \"a\"\npassword = \"env:PW\"")
            .env("PW", "p@ss/w");
    let settings = redis(&world);
    assert_eq!(crate::address(&settings), "redis://h");
    assert_eq!(settings.username.as_deref(), Some("a"));
    assert_eq!(settings.password.unwrap().expose(), "p@ss/w");
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
    for (weak, variable, value, expected) in [
        ("url = \"redis://file\"", "HOST", "mine", "mine:6379"),
        ("host = \"file\"", "URL", "redis://mine", "redis://mine"),
        ("cluster = [\"weak:1\"]", "HOST", "mine", "mine:6379"),
        ("host = \"file\"", "CLUSTER", "a:1, b:2", "cluster a:1 b:2"),
        ("host = \"file\"", "CLUSTER", "[\"a:1\"]", "cluster a:1"),
        (
            "sentinel = { master = \"m\", nodes = [\"weak:1\"] }",
            "SENTINEL__NODES",
            "a:1,b:2",
            "sentinel m a:1 b:2",
        ),
    ] {
        let variable = format!("WATCHKEEPER__BACKEND__REDIS__{variable}");
        let world = with(&format!("[backend.redis]\n{weak}")).env(&variable, value);
        assert_eq!(address(&world), expected, "{weak}");
    }
}

#[test]
fn two_addresses_in_one_source_are_refused_by_name() {
    let lines = [
        ("url", "url = \"redis://h\""),
        ("host", "host = \"h\""),
        (
            "sentinel.nodes",
            "sentinel = { master = \"m\", nodes = [\"s:1\"] }",
        ),
        ("cluster", "cluster = [\"c:1\"]"),
    ];
    for (first, one) in lines {
        for (second, other) in lines.iter().filter(|line| line.0 != first) {
            with(&format!("[backend.redis]\n{one}\n{other}")).refused(&[
                &format!("`backend.redis.{first}`"),
                &format!("`backend.redis.{second}`"),
                "leave one of them out",
            ]);
        }
    }
}

#[test]
fn sentinels_and_clusters_are_read_with_what_stands_beside_them() {
    let world = with(
        "[backend.redis]\nusername = \"u\"\npassword = \"p\"\ndb = 2\nssl = true\n[backend.redis.sentinel]\n\
         master = \"m\"\nnodes = [\"a:1\", \"[::1]:2\"]\nusername = \"su\"",
    )
    .env("WATCHKEEPER__BACKEND__REDIS__SENTINEL__PASSWORD", "sp");
    let settings = redis(&world);
    assert_eq!(crate::address(&settings), "sentinel m a:1 [::1]:2 su:sp");
    assert_eq!((settings.db, settings.ssl), (2, true));
    assert_eq!(settings.username.as_deref(), Some("u"));
    assert_eq!(settings.password.unwrap().expose(), "p");

    let world = with("[backend.redis]\ncluster = [\"a:1\", \"b:2\"]\npassword = \"p\"")
        .env("REDIS_SSL", "1");
    let settings = redis(&world);
    assert_eq!(crate::address(&settings), "cluster a:1 b:2");
    assert!(settings.ssl && settings.password.is_some());
    assert_eq!(world.origins()["backend.kind"], "watchkeeper.toml, line 2");
}

#[test]
fn what_does_not_fit_a_sentinel_or_a_cluster_is_refused() {
    for (text, parts) in [
        (
            "cluster = [\"a:1\"]\ndb = 1",
            ["`backend.redis.db`", "only database 0"],
        ),
        (
            "cluster = [\"a:1\"]\nport = 1",
            ["`backend.redis.port`", "`cluster`"],
        ),
        (
            "cluster = [\"a:1\", \"hunter22\"]",
            ["`backend.redis.cluster`", "entry 2"],
        ),
        (
            "cluster = [\"u:hunter22@a:1\"]",
            ["`backend.redis.cluster`", "`host:port`"],
        ),
        (
            "sentinel = { master = \"m\" }",
            ["`backend.redis.sentinel.master`", "`nodes`"],
        ),
        (
            "sentinel = { nodes = [\"a:1\"] }",
            ["`backend.redis.sentinel.nodes`", "`master`"],
        ),
        (
            "sentinel = { master = \"m\", nodes = [\"a\"] }",
            ["sentinel.nodes`", "entry 1"],
        ),
        (
            "sentinel = { master = \"m\", node = [\"a:1\"] }",
            ["sentinel.node`", "`nodes`"],
        ),
        (
            "sentinel = { master = \"m\", nodes = [\"a:1\"] }\nport = 1",
            ["`backend.redis.port`", "`sentinel`"],
        ),
    ] {
        let error = with(&format!("[backend.redis]\n{text}")).refused(&parts);
        assert!(!error.contains("hunter22"), "{error}");
    }
    let many = vec!["\"a:1\""; 257].join(", ");
    with(&format!("[backend.redis]\ncluster = [{many}]")).refused(&["257 entries", "256"]);
}

#[test]
fn a_url_that_the_store_would_refuse_is_refused_when_it_is_read() {
    for (url, part) in [
        ("redis://:hunter22@h/db", "redis://user"),
        ("redis://:hunter22@h/-1", "redis://user"),
        ("redis://:hunter22@h?db=1", "behind the last `/`"),
        (
            "rediss://:hunter22@h/0?ssl_cert_reqs=none",
            "`backend.redis.tls`",
        ),
        ("redis://h:1#hunter22@h", "percent-encoded in a password"),
    ] {
        let error = with(&format!("[backend.redis]\nurl = \"{url}\""))
            .refused(&["`backend.redis.url`", part]);
        assert!(!error.contains("hunter22"), "{error}");
    }
    for url in ["redis://h/", "redis://h/3/", "redis://h:1/15"] {
        assert_eq!(
            address(&with(&format!("[backend.redis]\nurl = \"{url}\""))),
            url
        );
    }
}

#[test]
fn a_unix_socket_is_a_url() {
    for (line, path, db, user, password) in [
        (
            "url = \"unix:///run/redis.sock\"",
            "/run/redis.sock",
            0,
            None,
            None,
        ),
        (
            "url = \"redis+unix:///r?db=3\"\npassword = \"p\"",
            "/r",
            3,
            None,
            Some("p"),
        ),
        ("url = \"unix://u:p@/r\"", "/r", 0, Some("u"), Some("p")),
    ] {
        let settings = redis(&with(&format!("[backend.redis]\n{line}")));
        assert_eq!(crate::address(&settings), format!("unix {path}"));
        assert_eq!(settings.db, db);
        assert_eq!(settings.username.as_deref(), user);
        assert_eq!(settings.password.as_ref().map(|p| p.expose()), password);
    }
    with("[backend.redis]\nurl = \"unix://u:p@/r\"\npassword = \"q\"")
        .refused(&["`backend.redis.password`", "in the url too"]);
    with("[backend.redis]\nurl = \"unix://host/r\"")
        .refused(&["`backend.redis.url`", "unix:///path"]);
}

#[test]
fn the_port_that_kubernetes_sets_is_ignored_with_a_warning() {
    let world = with("[backend.redis]\nhost = \"h\"").env("REDIS_PORT", "tcp://10.0.0.1:6379");
    assert_eq!(address(&world), "h:6379");
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
fn certificates_come_in_pairs_and_start_at_the_file() {
    let mut world = World::new().file(
        "etc/w.toml",
        &format!("[backend.redis]\nurl = \"rediss://h\"\n[backend.redis.tls]\nca = \"ca.pem\"\ncert = \"/abs/c.pem\"\nkey = \"k.pem\"\nserver_name = \"n\"\n{CHECK}"),
    );
    world.inputs.config = Some("etc/w.toml".into());
    let tls = redis(&world).tls;
    let dir = world.dir.path().join("etc");
    assert_eq!(tls.ca, Some(dir.join("ca.pem")));
    assert_eq!(tls.cert, Some("/abs/c.pem".into()));
    assert_eq!(tls.key, Some(dir.join("k.pem")));
    assert_eq!(tls.server_name.as_deref(), Some("n"));
    with("[backend.redis]\nurl = \"rediss://h\"\n[backend.redis.tls]\ncert = \"c\"")
        .refused(&["`backend.redis.tls.cert`", "`key`"]);
}

#[test]
fn what_tls_needs_is_not_left_unused_in_silence() {
    let warned = |world: World| world.warnings().join("\n");
    let tls = "[backend.redis.tls]\nca = \"ca.pem\"\n";
    for (text, remedy) in [
        ("host = \"h\"", "ssl = true"),
        ("url = \"redis://h\"", "rediss://"),
        ("url = \"unix:///r\"", "name a server"),
    ] {
        let warning = warned(with(&format!("[backend.redis]\n{text}\n{tls}")));
        assert!(
            warning.contains("`backend.redis.tls.ca` is not used") && warning.contains(remedy),
            "{warning}"
        );
    }
    assert_eq!(
        warned(with(&format!(
            "[backend.redis]\nurl = \"rediss://h\"\n{tls}"
        ))),
        ""
    );
}

#[test]
fn a_store_that_is_left_out_of_the_build_is_answered_with_its_feature() {
    let lacks = |world: World, redis, etcd| {
        let mut world = world;
        world.inputs.built_in = BuiltIn { redis, etcd };
        world
    };
    let etcd = || with("[backend]\nkind = \"etcd\"\n[backend.etcd]\nendpoints = [\"http://e:1\"]");
    let redis = || with("").env("REDIS_HOST", "h");
    lacks(etcd(), true, false).refused(&[
        "line 2",
        "`backend.kind` is `etcd`",
        "leaves out",
        "`--features etcd`",
        "`redis` or `memory`",
    ]);
    lacks(redis(), false, true).refused(&[
        "REDIS_HOST",
        "`backend.kind` is `redis`",
        "`--features redis`",
        "`etcd` or `memory`",
    ]);
    let neither = lacks(redis(), false, false).refused(&["`memory`"]);
    assert!(!neither.contains("etcd"), "{neither}");
    assert!(matches!(
        lacks(etcd(), false, true).config().backend.kind,
        BackendKind::Etcd(_)
    ));
    assert!(matches!(
        lacks(redis(), true, false).config().backend.kind,
        BackendKind::Redis(_)
    ));
    assert_eq!(
        lacks(with(""), false, false).config().backend.kind,
        BackendKind::Memory
    );
    let mut checked = lacks(etcd(), true, false);
    checked.inputs.without_store = true;
    assert_eq!(checked.config().backend.kind, BackendKind::Memory);
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
