//! The lines about the fleet, the pod, its store and LiteLLM's own pods.

use watchkeeper_api::v1::{StatusAnswer, WireView};

use super::super::reload;
use super::{about, line};
use crate::out::Screen;
use crate::table::{Tint, span};

pub(super) fn lines(status: &StatusAnswer, screen: &Screen) -> String {
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
        " {}, {ready}, up for {}, version {}",
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
        about("pod    ", &status.pod_id, &pod, own, screen),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_reads_as_it_was_configured() {
        let said = [1.5, 5.0, 90.0, 300.0, 301.0].map(every);
        assert_eq!(said, ["1.5 s", "5 s", "90 s", "5 min", "301 s"]);
    }
}
