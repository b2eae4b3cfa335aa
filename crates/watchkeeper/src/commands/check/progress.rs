//! How far a long `check` is: one line on stderr, where that is a terminal, gone before the result is printed.

use std::convert::Infallible;
use std::fmt;
use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crossterm::Command;
use crossterm::cursor::MoveToColumn;
use crossterm::terminal::{Clear, ClearType};
use tokio::time::{Instant, MissedTickBehavior};
use watchkeeper_core::time::Clock;

use crate::out::Screen;
use crate::table::{cut, span};

/// A run that is over by then needs no line.
const FIRST: Duration = Duration::from_millis(500);
/// From one look to the next.
const EVERY: Duration = Duration::from_millis(200);

/// Counts what was asked.
#[derive(Debug)]
pub(super) struct Progress {
    total: usize,
    done: AtomicUsize,
    failing: AtomicUsize,
}

impl Progress {
    /// Of so many checks.
    pub(super) fn of(total: usize) -> Self {
        Self {
            total,
            done: AtomicUsize::new(0),
            failing: AtomicUsize::new(0),
        }
    }

    /// So many checks more have their answer.
    pub(super) fn add(&self, checks: usize, passed: bool) {
        self.done.fetch_add(checks, Ordering::Relaxed);
        if !passed {
            self.failing.fetch_add(checks, Ordering::Relaxed);
        }
    }

    /// What the line says so long after the beginning.
    pub(super) fn text(&self, elapsed: Duration) -> String {
        format!(
            "{} of {} asked, {} failing, {}",
            self.done.load(Ordering::Relaxed),
            self.total,
            self.failing.load(Ordering::Relaxed),
            span(elapsed.as_secs_f64())
        )
    }

    /// Shows the counts on stderr until it is dropped, which clears the line. Does nothing where stderr is no terminal.
    pub(super) async fn show(&self, clock: &dyn Clock) -> Infallible {
        if !Screen::of_stderr().terminal {
            return std::future::pending().await;
        }
        let began = clock.now();
        let mut line = Line::default();
        let mut ticks = tokio::time::interval_at(Instant::now() + FIRST, EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            // A terminal may be resized. Its last column stays free, so that no cursor wraps.
            let width = Screen::of_stderr().width.unwrap_or(usize::MAX);
            let text = self.text(clock.now().since(began));
            line.show(&cut(&text, width.saturating_sub(1)));
        }
    }
}

/// The line, cleared when this is dropped. That it cannot be written is no reason to stop.
#[derive(Debug, Default)]
struct Line {
    shown: bool,
}

impl Line {
    fn show(&mut self, text: &str) {
        self.shown = true;
        if let Ok(drawn) = drawn(text) {
            write(&drawn);
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if self.shown
            && let Ok(cleared) = drawn("")
        {
            write(&cleared);
        }
    }
}

fn drawn(text: &str) -> Result<String, fmt::Error> {
    let mut out = String::new();
    MoveToColumn(0).write_ansi(&mut out)?;
    Clear(ClearType::UntilNewLine).write_ansi(&mut out)?;
    out.push_str(text);
    Ok(out)
}

fn write(text: &str) {
    let mut stderr = io::stderr().lock();
    let _ = stderr
        .write_all(text.as_bytes())
        .and_then(|()| stderr.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_counts_what_was_asked_and_what_fails() {
        let progress = Progress::of(40);
        progress.add(1, true);
        progress.add(2, false);
        assert_eq!(
            progress.text(Duration::from_millis(3_400)),
            "3 of 40 asked, 2 failing, 3.4 s"
        );
        assert_eq!(drawn("x").unwrap(), "\u{1b}[1G\u{1b}[Kx");
    }
}
