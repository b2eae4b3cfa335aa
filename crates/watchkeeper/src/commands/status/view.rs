//! A pod's answers as a page for people.

use std::fmt::Write;

use watchkeeper_api::v1::{CheckView, LeaseView, PodRow, StatusAnswer, WireView};

use super::ask::{AskError, Picture};
use super::{money, reload};
use crate::out::Screen;
use crate::table::{Cell, Column, Table, Tint, count, cut, latency, plain, span};

/// Leases shown one by one; with a lock for each check there may be thousands.
const MAX_LEASES: usize = 8;

/// The whole page.
pub(super) fn page(picture: &Picture, screen: &Screen) -> String {
    let mut out = head(&picture.status, screen);
    out.push_str(&leases(picture, screen));
    out.push_str(&money::lines(picture, screen));
    out.push_str(&counts(&picture.status, screen));
    let _ = write!(
        out,
        "\n{}\n{}",
        pods(&picture.fleet.pods, screen),
        checks(&picture.checks.checks, screen)
    );
    out
}

/// The line above a page that could not be renewed.
pub(super) fn trouble(error: &AskError, screen: &Screen) -> String {
    let text = format!("not up to date: {error}");
    line(&text, Tint::Bad, screen)
}

/// As many lines as fit a terminal, so that the first ones stay in sight.
pub(super) fn fit(page: &str, height: Option<usize>) -> String {
    let total = page.lines().count();
    match height {
        // The line of the cursor is one of them.
        Some(height) if total >= height => {
            let kept = height.saturating_sub(2);
            let mut out: String = page.split_inclusive('\n').take(kept).collect();
            let _ = write!(out, "… {} more lines", total - kept);
            out
        }
        _ => page.to_owned(),
    }
}

pub(super) fn line(text: &str, tint: Tint, screen: &Screen) -> String {
    let text = plain(text);
    let text = cut(&text, screen.width.unwrap_or(usize::MAX));
    tint.paint(&text, screen.colours)
}

fn head(status: &StatusAnswer, screen: &Screen) -> String {
    let guarantee = &status.guarantee;
    let mut store = status.backend.clone();
    if !status.store_address.is_empty() {
        let word = if status.backend == "memory" {
            "in"
        } else {
            "at"
        };
        store.push_str(&format!(" {word} {}", status.store_address));
    }
    let store = match (&status.store_error, status.store_up) {
        (_, true) => format!("{store} up ({guarantee})"),
        (Some(error), false) => format!("{store} down ({guarantee}): {error}"),
        (None, false) => format!("{store} not reached yet ({guarantee})"),
    };
    let ready = match (status.draining, status.ready) {
        (true, _) => "leaving",
        (false, true) => "ready",
        (false, false) => "not ready",
    };
    let pod = format!(
        "pod    {} {}, {ready}, up for {}, version {}",
        status.pod_id,
        status.mode,
        span(status.uptime_seconds),
        status.version
    );
    let own = match status.mode.as_str() {
        "isolated" => Tint::Bad,
        _ if status.draining || !status.ready => Tint::Doubtful,
        _ => Tint::Plain,
    };
    let up = if status.store_up {
        Tint::Plain
    } else {
        Tint::Bad
    };
    let settings = &status.settings;
    let fleet = format!(
        "fleet  {}, a round every {}, one lock per {}",
        status.fleet,
        every(settings.interval_seconds),
        settings.lock_scope
    );
    format!(
        "{}\n{}\n{}\n{}{}",
        line(&fleet, Tint::Bold, screen),
        line(&pod, own, screen),
        line(&format!("store  {store}"), up, screen),
        wire(&status.wire, screen),
        reload::lines(status.reload.as_ref(), status.now, screen)
    )
}

/// The line about LiteLLM's own pods, where they have to do with this one.
fn wire(wire: &WireView, screen: &Screen) -> String {
    let (text, tint) = match (wire.state.as_str(), &wire.claimed_by) {
        ("serving", _) => ("serves LiteLLM's own pods".to_owned(), Tint::Plain),
        ("waiting", _) => (
            "serves LiteLLM's own pods from its next round on".to_owned(),
            Tint::Plain,
        ),
        (_, Some(owner)) => (
            format!("LiteLLM's own pods are served by `{owner}`"),
            Tint::Doubtful,
        ),
        _ => return String::new(),
    };
    line(&format!("wire   {text}"), tint, screen) + "\n"
}

/// An interval as somebody would have configured it.
fn every(seconds: f64) -> String {
    if seconds >= 120.0 && seconds % 60.0 == 0.0 {
        format!("{} min", seconds / 60.0)
    } else {
        format!("{seconds} s")
    }
}

fn leases(picture: &Picture, screen: &Screen) -> String {
    let held = &picture.fleet.leases;
    let groups = picture.status.groups.len();
    let mut out = String::new();
    if held.is_empty() {
        let due = picture
            .status
            .groups
            .iter()
            .filter_map(|group| group.next_due_seconds)
            .min_by(f64::total_cmp);
        let next = match due {
            Some(due) if due > 0.0 => format!(", next round in {}", span(due)),
            Some(_) => ", a round is due".to_owned(),
            None => String::new(),
        };
        let text = format!("lease  nobody holds it{next}");
        let _ = writeln!(out, "{}", line(&text, Tint::Plain, screen));
    }
    for lease in held.iter().take(MAX_LEASES) {
        let text = format!("lease  {}", holder(lease, groups > 1));
        let _ = writeln!(out, "{}", line(&text, Tint::Plain, screen));
    }
    if let Some(more) = held.len().checked_sub(MAX_LEASES).filter(|more| *more > 0) {
        let _ = writeln!(out, "       and {more} more");
    }
    out
}

fn holder(lease: &LeaseView, name_group: bool) -> String {
    let mut text = format!("{} holds it", lease.holder);
    if let Some(token) = lease.token {
        let _ = write!(text, " with token {token}");
    }
    let _ = write!(text, " for {} more", span(lease.remaining_seconds));
    if name_group {
        let _ = write!(text, ", group {}", lease.group);
    }
    text
}

fn counts(status: &StatusAnswer, screen: &Screen) -> String {
    let c = &status.checks;
    let mut text = format!(
        "checks {}: {} healthy, {} unhealthy",
        c.total, c.healthy, c.unhealthy
    );
    for (n, word) in [(c.unknown, "unknown"), (c.stale, "stale")] {
        if n > 0 {
            let _ = write!(text, ", {n} {word}");
        }
    }
    let tint = if c.unhealthy > 0 {
        Tint::Bad
    } else if c.unknown + c.stale > 0 {
        Tint::Doubtful
    } else {
        Tint::Good
    };
    line(&text, tint, screen) + "\n"
}

fn pods(pods: &[PodRow], screen: &Screen) -> String {
    let mut table = Table::new([
        Column::soft("POD", 12),
        Column::text("MODE"),
        Column::number("LEASES"),
        Column::number("ROUNDS LED"),
        Column::number("PROBES MADE"),
        Column::number("SAVED"),
        Column::number("HEARD OF"),
        Column::soft("VERSION", 7),
    ]);
    for pod in pods {
        // What a pod announced may be seconds old; who holds a lease is known better.
        let mode = match pod.mode.as_str() {
            "following" if pod.leases > 0 => "leading",
            mode => mode,
        };
        let tint = match mode {
            "leading" => Tint::Bold,
            "isolated" | "unknown" => Tint::Bad,
            _ => Tint::Plain,
        };
        let heard = if pod.this_pod {
            "this one".to_owned()
        } else {
            format!("{} ago", span(pod.age_seconds))
        };
        table.row([
            Cell::tinted(pod.pod_id.as_str(), tint),
            Cell::tinted(mode, tint),
            pod.leases.to_string().into(),
            pod.totals.led.to_string().into(),
            pod.totals.probes.to_string().into(),
            pod.totals.saved.to_string().into(),
            heard.into(),
            pod.version.as_str().into(),
        ]);
    }
    format!(
        "{}{}\n",
        table.render(screen),
        line(&count(pods.len(), "pod", "pods"), Tint::Faint, screen)
    )
}

fn checks(checks: &[CheckView], screen: &Screen) -> String {
    let mut table = Table::new([
        Column::soft("CHECK", 12),
        Column::text("HEALTH"),
        Column::text("OUTCOME"),
        Column::number("AGE"),
        Column::text("FRESHNESS"),
        Column::soft("CHECKED BY", 12),
        Column::number("LATENCY"),
        Column::soft("ERROR", 8),
    ]);
    let dash = || Cell::tinted("-", Tint::Faint);
    for check in checks {
        let health = match check.healthy {
            Some(true) => Cell::tinted("healthy", Tint::Good),
            Some(false) => Cell::tinted("unhealthy", Tint::Bad),
            None if check.background => Cell::tinted("unknown", Tint::Doubtful),
            None => Cell::tinted("on demand", Tint::Faint),
        };
        let freshness = check.freshness.as_deref().map(|word| {
            let tint = match word {
                "fresh" => Tint::Plain,
                _ => Tint::Doubtful,
            };
            Cell::tinted(word, tint)
        });
        let outcome = check.outcome.map(|outcome| {
            let word = outcome.as_str();
            match (check.spared.as_deref(), &check.tier) {
                (Some("budget"), _) => {
                    Cell::tinted(format!("{word} (budget spent)"), Tint::Doubtful)
                }
                (Some(_), Some(tier)) => Cell::from(format!("{word} ({tier})")),
                _ => Cell::from(word),
            }
        });
        table.row([
            check.name.as_str().into(),
            health,
            outcome.unwrap_or_else(dash),
            check.age_seconds.map_or_else(dash, |age| span(age).into()),
            freshness.unwrap_or_else(dash),
            check.checked_by.as_deref().map_or_else(dash, Cell::from),
            check.latency_ms.map_or_else(dash, |ms| latency(ms).into()),
            check.error.as_deref().unwrap_or_default().into(),
        ]);
    }
    table.render(screen)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const PLAIN: Screen = Screen {
        width: None,
        height: None,
        colours: false,
        terminal: false,
    };

    fn totals(probes: u64) -> Value {
        json!({"led": 1, "followed": 2, "isolated": 0, "probes": probes, "saved": 4})
    }

    fn check(name: &str, healthy: Option<bool>, outcome: Option<&str>) -> Value {
        let known = healthy.is_some();
        json!({
            "id": name, "name": name, "provider": "openai", "model": null, "background": true, "healthy": healthy,
            "outcome": outcome, "status": null,
            "error": outcome.filter(|word| *word != "healthy").map(|_| "Rate limit reached"),
            "latency_ms": known.then_some(42), "checked_by": known.then_some("pod-2"), "checked_at": null,
            "token": null, "age_seconds": known.then_some(3.21), "freshness": known.then_some("fresh"),
            "since": null, "streak": null, "next_due_seconds": 1.8,
        })
    }

    fn picture(leases: &Value) -> Picture {
        let status = json!({
            "pod_id": "pod-1", "fleet": "prod", "version": "0.1.0", "mode": "following", "backend": "redis",
            "store_address": "redis:6379", "guarantee": "single-primary", "store_up": true, "store_error": null, "ready": true, "draining": false,
            "now": null, "started_at": null, "uptime_seconds": 7300.0,
            "checks": {"total": 3, "healthy": 1, "unhealthy": 1, "unknown": 1, "stale": 0},
            "groups": [{"group": "g", "mode": "following", "lease": null, "highest_token": 7, "checked_by": "pod-2",
                "results": 2, "age_seconds": 3.2, "stale": false, "next_due_seconds": 1.8}],
            "totals": totals(0),
            "settings": {"enabled": true, "background": true, "interval_seconds": 300.0, "lock_ttl_seconds": 60.0,
                "cache_ttl_seconds": 300.0, "lock_scope": "fleet", "fresh_for_seconds": 316.0},
        });
        let pod = |name: &str, this: bool, probes| {
            let mut pod = totals(probes);
            let row = json!({"pod_id": name, "this_pod": this, "mode": "following", "version": "0.1.0",
                "started_at": null, "age_seconds": 2.0, "leases": 0});
            pod.as_object_mut()
                .unwrap()
                .extend(row.as_object().unwrap().clone());
            pod
        };
        let fleet = json!({"fleet": "prod", "leases": leases, "totals": totals(6),
            "pods": [pod("pod-1", true, 0), pod("pod-2", false, 6)]});
        let checks = json!({
            "counts": {"total": 3, "healthy": 1, "unhealthy": 1, "unknown": 1, "stale": 0},
            "checks": [check("gpt-4", Some(true), Some("healthy")),
                check("busy", Some(false), Some("rate_limited")), check("new", None, None)],
        });
        Picture {
            status: serde_json::from_value(status).unwrap(),
            fleet: serde_json::from_value(fleet).unwrap(),
            checks: serde_json::from_value(checks).unwrap(),
        }
    }

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
    fn an_interval_reads_as_it_was_configured() {
        let said = [1.5, 5.0, 90.0, 300.0, 301.0].map(every);
        assert_eq!(said, ["1.5 s", "5 s", "90 s", "5 min", "301 s"]);
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_and_no_more_lines_are_shown_than_it_has() {
        let narrow = Screen {
            width: Some(60),
            ..PLAIN
        };
        let text = page(&picture(&json!([])), &narrow);
        for line in text.lines() {
            assert!(line.chars().count() <= 60, "{line:?}");
        }
        let fitted = fit(&text, Some(8));
        assert_eq!(fitted.lines().count(), 7);
        assert!(fitted.ends_with("more lines"), "{fitted}");
        assert_eq!(fit(&text, Some(100)), text);
        assert_eq!(fit(&text, None), text);
    }
}
