//! How checks are asked: kinds, intervals, limits, headers.

use std::time::Duration;

use watchkeeper_core::check::{Check, Target};
use watchkeeper_core::probe::ProbeKind;
use watchkeeper_core::verdict::Outcome;

use crate::{CHECK, World};

const HOUR: Duration = Duration::from_secs(3_600);

fn kind(check: &Check) -> ProbeKind {
    match &check.target {
        Target::Model(model) => model.health.kind,
        _ => ProbeKind::Auto,
    }
}

/// Kind of probe and rhythm of each check, by name.
fn plan(world: &World) -> Vec<(String, ProbeKind, Option<Duration>)> {
    let checks = world.config().checks;
    let plan = checks
        .iter()
        .map(|check| (check.name.clone(), kind(check), check.full_every));
    plan.collect()
}

#[test]
fn a_checks_own_word_goes_before_its_providers_and_that_before_the_global_one() {
    let world = World::litellm(
        "model_list:\n\
         - {model_name: a, litellm_params: {model: openai/x}}\n\
         - {model_name: b, litellm_params: {model: openai/y}, model_info: {health_check_probe: inference, health_check_inference_interval: 7200}}\n\
         - {model_name: c, litellm_params: {model: groq/x}}\n",
    )
    .file(
        "watchkeeper.toml",
        "[probe]\nprobe = \"inference\"\n[probe.intervals]\ninference = \"1h\"\n\
         [probe.providers.openai]\nprobe = \"auto\"\nintervals = { inference = \"3h\" }\n\
         [[checks]]\nname = \"d\"\nmodel = \"openai/z\"\nprobe = \"free\"\n\
         [[checks]]\nname = \"e\"\nmodel = \"openai/z\"\nintervals = { inference = 0 }\n\
         [[checks]]\nname = \"f\"\ntcp = \"h:1\"\n",
    );
    let named = |name: &str, kind, every| (name.to_owned(), kind, every);
    assert_eq!(
        plan(&world),
        [
            named("a", ProbeKind::Auto, Some(3 * HOUR)),
            named("b", ProbeKind::Inference, Some(2 * HOUR)),
            named("c", ProbeKind::Inference, Some(HOUR)),
            // What is free needs no rarer one.
            named("d", ProbeKind::Free, None),
            named("e", ProbeKind::Auto, None),
            named("f", ProbeKind::Auto, None),
        ]
    );
}

#[test]
fn an_inference_no_rarer_than_the_rounds_is_no_limit() {
    for (every, effective) in [
        ("5m", None),
        ("4m", None),
        ("301s", Some(301)),
        ("30days", Some(2_592_000)),
    ] {
        let text = format!("[probe.intervals]\ninference = \"{every}\"\n{CHECK}");
        let expected = effective.map(Duration::from_secs);
        assert_eq!(plan(&World::toml(&text))[0].2, expected, "{every}");
    }
}

#[test]
fn ollama_is_asked_one_at_a_time_unless_told_otherwise() {
    let lanes = |text: &str| World::toml(&format!("{text}{CHECK}")).config().probe.lanes;
    let lane = |name: &str, most: usize| (name.to_owned(), most);
    assert_eq!(
        lanes(""),
        [lane("ollama", 1), lane("ollama_chat", 1)].into()
    );
    assert_eq!(
        lanes(
            "[probe.providers.ollama]\nconcurrency = 3\n[probe.providers.groq]\nconcurrency = \"2\"\n"
        ),
        [lane("groq", 2), lane("ollama", 3), lane("ollama_chat", 1)].into()
    );
    let world = World::toml(CHECK).env("WATCHKEEPER__PROBE__PROVIDERS__XAI__CONCURRENCY", "4");
    assert_eq!(world.config().probe.lanes["xai"], 4);
}

#[test]
fn outcomes_may_be_told_to_count_as_healthy() {
    let passes = |list: &str| {
        World::toml(&format!("[probe]\nhealthy_outcomes = {list}\n{CHECK}"))
            .config()
            .probe
            .passes
    };
    assert_eq!(passes("[]"), []);
    assert_eq!(
        passes("[\"rate_limited\", \"healthy\", \"Timeout\", \"rate_limited\"]"),
        [Outcome::RateLimited, Outcome::Timeout]
    );
    let world = World::toml(CHECK).env("WATCHKEEPER__PROBE__HEALTHY_OUTCOMES", "overloaded, dns");
    assert_eq!(
        world.config().probe.passes,
        [Outcome::Overloaded, Outcome::Dns]
    );
}

#[test]
fn headers_a_ca_and_the_proxys_switch_are_read() {
    let world = World::toml(&format!(
        "[probe]\nca = \"ca.pem\"\nproxy = false\n[probe.headers]\nX-Team = \"env:TEAM\"\nx-n = 5\n\"x.y\" = \"env:TEAM\"\n{CHECK}"
    ))
    .env("TEAM", "core");
    let config = world.config();
    let headers: Vec<_> = config
        .probe
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.expose()))
        .collect();
    assert_eq!(headers, [("x-n", "5"), ("x-team", "core"), ("x.y", "core")]);
    assert!(config.probe.ca.unwrap().ends_with("ca.pem"));
    assert!(!config.probe.proxies);
    let shown = world.load().unwrap().show();
    let line = |key: &str| shown.lines().find(|line| line.starts_with(key)).unwrap();
    let team = line("probe.headers.x-team");
    assert!(
        team.contains("***") && team.ends_with("watchkeeper.toml, line 5"),
        "{team}"
    );
    assert!(!shown.contains("core"), "{shown}");
}

#[test]
fn what_cannot_be_is_refused_with_its_place_and_the_nearest_word() {
    for (text, parts) in [
        (
            "[probe]\nprobe = \"cheap\"",
            &["line 2", "`probe.probe`", "`reachability`"][..],
        ),
        ("[probe]\nprobe = \"fre\"", &["did you mean `free`"]),
        (
            "[probe.intervals]\ninference = \"31days\"",
            &["line 2", "`probe.intervals.inference`", "30days"],
        ),
        (
            "[probe.intervals]\nfree = \"1h\"",
            &["unknown key `probe.intervals.free`", "`inference`"],
        ),
        (
            "[probe]\nintervals = \"1h\"",
            &["`probe.intervals`", "a table"],
        ),
        (
            "[probe.providers.opnai]\nprobe = \"free\"",
            &["line 1", "`probe.providers.opnai`", "`openai`"],
        ),
        ("[probe.providers.zzzzzzzzzz]", &["before the slash"]),
        (
            "[probe.providers.openai]\nconcurency = 1",
            &["line 2", "did you mean `concurrency`"],
        ),
        (
            "[probe.providers.openai]\nconcurrency = 0",
            &["line 2", "`probe.providers.openai.concurrency`"],
        ),
        (
            "[probe.providers.openai]\nprobe = \"x\"",
            &["`probe.providers.openai.probe`"],
        ),
        (
            "[probe.providers.openai.intervals]\ninfer = 1",
            &["known here: `inference`", "line 2"],
        ),
        (
            "[probe]\nhealthy_outcomes = [\"config_error\"]",
            &["`probe.healthy_outcomes`", "nothing is asked"],
        ),
        (
            "[probe]\nhealthy_outcomes = [\"ratelimited\"]",
            &["did you mean `rate_limited`"],
        ),
        (
            "[probe.headers]\nTransfer-Encoding = \"x\"",
            &["line 2", "`probe.headers.Transfer-Encoding`", "frames"],
        ),
        (
            "[probe.headers]\nauthorization = \"hunter22\"",
            &["every vendor", "api_key"],
        ),
        ("[probe.headers]\n\"a b\" = \"x\"", &["no header's name"]),
        ("[probe.headers]\na = \"x\"\nA = \"y\"", &["twice"]),
        (
            "[probe.headers]\na = \"x\\ny\"",
            &["`probe.headers.a`", "printable"],
        ),
        ("[probe.headers]\na = \"env:NOPE\"", &["`NOPE`"]),
        (
            "[probe.headers]\na = [\"x\"]",
            &["`probe.headers.a`", "a string"],
        ),
        ("[probe]\nca = \"\"", &["`probe.ca`", "empty"]),
        (
            "[[checks]]\nname = \"x\"\nmodel = \"openai/m\"\nprobe = \"no\"",
            &["`checks[0].probe`"],
        ),
        (
            "[[checks]]\nname = \"x\"\nmodel = \"openai/m\"\nintervals = { inferenc = 1 }",
            &["did you mean `inference`"],
        ),
        (
            "[[checks]]\nname = \"x\"\ntcp = \"h:1\"\nprobe = \"free\"",
            &["`checks[0].probe`", "leave it out"],
        ),
        (
            "[[checks]]\nname = \"x\"\ntcp = \"h:1\"\nparams = {}",
            &["`checks[0].params`", "leave it out"],
        ),
    ] {
        let error = World::toml(&format!("{text}\n{CHECK}")).refused(parts);
        assert!(!error.contains("hunter22"), "{error}");
    }
    let many: String = (0..33).map(|n| format!("h{n} = \"x\"\n")).collect();
    World::toml(&format!("[probe.headers]\n{many}{CHECK}")).refused(&["33 headers", "32"]);
}
