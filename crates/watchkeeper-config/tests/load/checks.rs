//! Native checks.

use watchkeeper_core::check::Target;

use crate::{World, millis};

#[test]
fn the_three_kinds_of_checks_are_read() {
    let world = World::toml(
        "[probe]\ntimeout = 9\n\
         [[checks]]\nname = \"chat\"\nmodel = \"openai/gpt-4o\"\napi_key = \"env:K\"\napi_base = \"https://u:p@h/v1?k=v\"\n\
         mode = \"chat\"\ntimeout = \"2s\"\n\
         [[checks]]\nname = \"url\"\nhttp = \"https://u:p@h/ok\"\n\
         [[checks]]\nname = \"port\"\ntcp = \"[::1]:5432\"\n",
    )
    .env("K", "sk-1");
    let checks = world.config().checks;
    let ids: Vec<_> = checks.iter().map(|check| check.id.as_str()).collect();
    assert_eq!(ids, ["chat", "url", "port"]);
    let Target::Model(model) = &checks[0].target else {
        panic!("{:?}", checks[0]);
    };
    assert_eq!(
        (model.model.as_str(), model.provider.as_deref()),
        ("openai/gpt-4o", Some("openai"))
    );
    assert_eq!(model.mode.as_deref(), Some("chat"));
    assert_eq!(model.api_key.as_ref().unwrap().expose(), "sk-1");
    assert_eq!(
        model.api_base.as_ref().unwrap().expose(),
        "https://u:p@h/v1?k=v"
    );
    let timeouts: Vec<_> = checks.iter().map(|check| check.timeout).collect();
    assert_eq!(timeouts, [millis(2_000), millis(9_000), millis(9_000)]);
    let shown: Vec<_> = checks
        .iter()
        .map(|check| serde_json::to_string(&check.shown).unwrap())
        .collect();
    assert_eq!(
        shown,
        [
            r#"{"api_base":"https://h/v1","model":"openai/gpt-4o"}"#,
            r#"{"api_base":"https://h/ok"}"#,
            r#"{"api_base":"tcp://[::1]:5432"}"#
        ]
    );
    assert!(
        matches!(&checks[1].target, Target::Http { url } if url.expose() == "https://u:p@h/ok")
    );
    assert!(matches!(&checks[2].target, Target::Tcp { host, port: 5432 } if host == "::1"));
}

#[test]
fn a_check_that_makes_no_sense_is_refused() {
    for (text, parts) in [
        ("name = \"x\"", &["checks[0]", "`x`", "exactly one"][..]),
        (
            "name = \"x\"\nmodel = \"m\"\ntcp = \"h:1\"",
            &["exactly one"],
        ),
        (
            "name = \"x\"\nmodel = \"\"",
            &["`checks[0].model`", "empty"],
        ),
        ("name = \"\"\nmodel = \"m\"", &["`checks[0].name`"]),
        (
            "name = \"x\"\nmodel = 7",
            &["`checks[0].model`", "a number"],
        ),
        (
            "name = \"x\"\nhttp = \"h/ok\"",
            &["`checks[0].http`", "http://"],
        ),
        (
            "name = \"x\"\nmodel = \"m\"\napi_base = \"h:1\"",
            &["`checks[0].api_base`", "http://"],
        ),
        ("name = \"x\"\ntcp = \"h\"", &["`checks[0].tcp`", "`h`"]),
        ("name = \"x\"\ntcp = \"h:0\"", &["`checks[0].tcp`"]),
        (
            "name = \"x\"\ntcp = \"::1:5\"",
            &["`checks[0].tcp`", "[::1]"],
        ),
        (
            "name = \"x\"\ntcp = \"h:1\"\napi_key = \"k\"",
            &["`checks[0].api_key`", "leave it out"],
        ),
        (
            "name = \"x\"\ntcp = \"h:1\"\ntimeout = 0",
            &["`checks[0].timeout`"],
        ),
        (
            "name = \"x\"\ntcp = \"h:1\"\n[[checks]]\nname = \"x\"\ntcp = \"h:2\"",
            &["line 5", "`checks[1].name`", "`x`", "unique"],
        ),
    ] {
        World::toml(&format!("[[checks]]\n{text}\n")).refused(parts);
    }
}
