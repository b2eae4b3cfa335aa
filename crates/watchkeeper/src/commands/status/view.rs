//! A pod's answers as a page for people.

mod checks;
mod head;
mod leases;
mod pods;

use std::fmt::Write;

use unicode_width::UnicodeWidthStr;

use super::ask::Picture;
use super::money;
use crate::out::Screen;
use crate::table::{Tint, cut, cut_middle, plain};

/// A name is not cut further than this, whatever stands behind it.
const LEAST_NAME: usize = 16;

/// The whole page; no line is wider than the screen.
pub(super) fn page(picture: &Picture, screen: &Screen) -> String {
    let mut out = head::lines(&picture.status, screen);
    out.push_str(&leases::lines(picture, screen));
    out.push_str(&money::lines(picture, screen));
    out.push_str(&leases::counts(&picture.status, screen));
    let _ = write!(
        out,
        "\n{}\n{}",
        pods::table(&picture.fleet.pods, screen),
        checks::table(&picture.checks.checks, screen)
    );
    out
}

/// The page on at most `rows` lines. Where it has more, what is not well stands first, and the last line tells how many
/// are missing.
pub(super) fn page_within(picture: &Picture, screen: &Screen, rows: usize) -> String {
    let page = page(picture, screen);
    let total = page.lines().count();
    if total <= rows {
        return page;
    }
    let mut worst_first = picture.clone();
    worst_first.checks.checks.sort_by_key(|check| {
        let fresh = check.freshness.as_deref() != Some("stale");
        match check.healthy {
            Some(false) => 0,
            None => 1,
            Some(true) if !fresh => 2,
            Some(true) => 3,
        }
    });
    let kept = rows.saturating_sub(1);
    let page = self::page(&worst_first, screen);
    let mut out: String = page.split_inclusive('\n').take(kept).collect();
    let more = format!("… {} more lines", total - kept);
    out.push_str(&line(&more, Tint::Faint, screen));
    out
}

/// One line of its own, without its end: cut to the screen.
pub(super) fn line(text: &str, tint: Tint, screen: &Screen) -> String {
    let text = plain(text);
    let text = cut(&text, screen.width.unwrap_or(usize::MAX));
    tint.paint(&text, screen.colours)
}

/// A line about `name`, which is cut in its middle where the line would be too long: what follows it says more.
fn about(before: &str, name: &str, behind: &str, tint: Tint, screen: &Screen) -> String {
    let width = screen.width.unwrap_or(usize::MAX);
    let room = width.saturating_sub(before.width() + behind.width());
    let name = cut_middle(name, room.max(LEAST_NAME));
    line(&format!("{before}{name}{behind}"), tint, screen)
}

#[cfg(test)]
mod tests;
