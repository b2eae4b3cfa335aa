//! Who holds the lease, and how the checks stand.

use std::fmt::Write;

use watchkeeper_api::v1::{LeaseView, StatusAnswer};

use super::{about, line};
use crate::commands::status::ask::Picture;
use crate::out::Screen;
use crate::table::{Tint, span};

/// Leases shown one by one; with a lock for each check there may be thousands.
pub(super) const MAX_LEASES: usize = 8;

pub(super) fn lines(picture: &Picture, screen: &Screen) -> String {
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
        let text = holds(lease, groups > 1);
        let text = about("lease  ", &lease.holder, &text, Tint::Plain, screen);
        let _ = writeln!(out, "{text}");
    }
    if let Some(more) = held.len().checked_sub(MAX_LEASES).filter(|more| *more > 0) {
        let _ = writeln!(out, "       and {more} more");
    }
    out
}

fn holds(lease: &LeaseView, name_group: bool) -> String {
    let mut text = " holds it".to_owned();
    if let Some(token) = lease.token {
        let _ = write!(text, " with token {token}");
    }
    let _ = write!(text, " for {} more", span(lease.remaining_seconds));
    if name_group {
        let _ = write!(text, ", group {}", lease.group);
    }
    text
}

pub(super) fn counts(status: &StatusAnswer, screen: &Screen) -> String {
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
