use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use super::leases::MAX_LEASES;
use super::*;
use crate::commands::status::fixture::picture;

const PLAIN: Screen = Screen {
    width: None,
    height: None,
    colours: false,
    terminal: false,
};

#[test]
fn the_page_shows_fleet_mode_store_lease_pods_and_every_check() {
    let want = "\
fleet  prod, a round every 5 min, one lock per fleet
pod    pod-1 following, ready, up for 2 h, version 0.1.0
store  redis at redis:6379 up (single-primary)
lease  nobody holds it, next round in 1.8 s
checks 3: 1 healthy, 1 unhealthy, 1 unknown

POD    MODE       LEASES  ROUNDS LED  PROBES MADE  SAVED   HEARD OF  VERSION
pod-1  following       0           1            0      4   this one  0.1.0
pod-2  following       0           1            6      4  2.0 s ago  0.1.0
2 pods

CHECK  HEALTH     OUTCOME         AGE  FRESHNESS  CHECKED BY  LATENCY  ERROR
gpt-4  healthy    healthy       3.2 s  fresh      pod-2         42 ms
busy   unhealthy  rate_limited  3.2 s  fresh      pod-2         42 ms  Rate limit reached
new    unknown    -                 -  -          -                 -
";
    assert_eq!(page(&picture(&json!([])), &PLAIN), want);
}

#[test]
fn litellms_own_pods_have_a_line_where_they_matter() {
    let shown = |state: &str, owner: Option<&str>| {
        let mut picture = picture(&json!([]));
        picture.status.wire.state = state.to_owned();
        picture.status.wire.claimed_by = owner.map(str::to_owned);
        let page = page(&picture, &PLAIN);
        page.lines()
            .find(|line| line.starts_with("wire"))
            .map(str::to_owned)
    };
    assert_eq!(shown("off", None), None);
    assert_eq!(shown("", None), None);
    assert_eq!(
        shown("serving", None).as_deref(),
        Some("wire   serves LiteLLM's own pods")
    );
    assert_eq!(
        shown("claimed", Some("prod/all-1")).as_deref(),
        Some("wire   LiteLLM's own pods are served by `prod/all-1`")
    );
}

#[test]
fn a_check_that_was_spared_says_so_and_money_has_its_lines() {
    let mut picture = picture(&json!([]));
    picture.status.budget.per_day_usd = Some(2.5);
    picture.fleet.totals.saved_usd = 0.5;
    let checks = &mut picture.checks.checks;
    for (at, why) in [(0, "budget"), (1, "interval")] {
        checks[at].spared = Some(why.to_owned());
        checks[at].tier = Some("free".to_owned());
    }
    let text = page(&picture, &PLAIN);
    for part in [
        "spent  $0 of $2.50 today\n",
        "saved  $0.50 by sharing results",
        "healthy (budget spent)",
        "rate_limited (free)",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn the_holder_is_named_and_many_leases_are_cut_short() {
    let lease = |at| json!({"group": format!("g-{at}"), "holder": "pod-2", "token": 7, "remaining_seconds": 0.81});
    let one = page(&picture(&json!([lease(0)])), &PLAIN);
    assert!(
        one.contains("lease  pod-2 holds it with token 7 for 0.8 s more\n"),
        "{one}"
    );
    let mut leading = picture(&json!([]));
    leading.fleet.pods[1].leases = 1;
    let text = page(&leading, &PLAIN);
    assert!(text.contains("pod-2  leading"), "{text}");
    let many: Vec<Value> = (0..20).map(lease).collect();
    let many = page(&picture(&json!(many)), &PLAIN);
    assert_eq!(many.matches("holds it").count(), MAX_LEASES);
    assert!(many.contains("and 12 more\n"), "{many}");
}

#[test]
fn an_isolated_pod_says_why_its_store_is_down() {
    let mut picture = picture(&json!([]));
    picture.status.mode = "isolated".to_owned();
    picture.status.store_up = false;
    picture.status.store_error = Some("connection refused".to_owned());
    let text = page(&picture, &PLAIN);
    assert!(text.contains("pod-1 isolated"), "{text}");
    assert!(
        text.contains("store  redis at redis:6379 down (single-primary): connection refused\n"),
        "{text}"
    );
}

#[test]
fn no_line_is_wider_than_the_terminal_and_names_and_freshness_stay() {
    let mut long = picture(&json!([]));
    long.status.pod_id = "watchkeeper-6f7d9c5b8d-x2x4z-1a2b3c4d".to_owned();
    long.fleet.pods[1].pod_id = "watchkeeper-6f7d9c5b8d-x2x4z-1a2b3c4d".to_owned();
    for check in &mut long.checks.checks {
        check.checked_by = Some("watchkeeper-6f7d9c5b8d-x2x4z-1a2b3c4d".to_owned());
        check.name = format!("anthropic/claude-größe-模型-{}", check.name);
    }
    for width in 50..160 {
        let narrow = Screen {
            width: Some(width),
            ..PLAIN
        };
        let text = page(&long, &narrow);
        for line in text.lines() {
            assert!(line.width() <= width, "{width}: {line:?}");
        }
        if width >= 72 {
            let pod = text.lines().find(|line| line.starts_with("pod "));
            assert!(
                pod.is_some_and(|line| line.ends_with("version 0.1.0")),
                "{text}"
            );
        }
        for part in ["HEALTH", "FRESHNESS", "MODE", "…"] {
            assert!(width > 120 || text.contains(part), "{width}: {text}");
        }
        assert_eq!(text.contains("CHECKED BY"), width >= 100, "{width}: {text}");
    }
}

#[test]
fn a_page_that_is_too_long_shows_first_what_is_not_well() {
    let picture = picture(&json!([]));
    let whole = page(&picture, &PLAIN);
    let lines = whole.lines().count();
    assert_eq!(page_within(&picture, &PLAIN, lines), whole);
    let cut = page_within(&picture, &PLAIN, lines - 1);
    assert_eq!(cut.lines().count(), lines - 1);
    assert!(cut.contains("busy   unhealthy"), "{cut}");
    assert!(!cut.contains("gpt-4"), "{cut}");
    assert!(cut.ends_with("… 2 more lines"), "{cut}");
    assert_eq!(
        page_within(&picture, &PLAIN, 1),
        format!("… {lines} more lines")
    );
}
