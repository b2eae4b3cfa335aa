//! `status --watch`: asks again and again, until Ctrl-C or until nobody reads any more.
//!
//! On a terminal the page is redrawn in its place. In a pipe there is one block for each change, or one JSON object for
//! each answer. A pod that cannot be asked at the start, or refuses the key, ends it; one that is away for a while is
//! waited for, and how long it is away is said.

use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::{self, Stream};
use jiff::Timestamp;
use tokio::time::{Interval, MissedTickBehavior};
use watchkeeper_core::time::{Clock, Moment, UnixMillis};
use watchkeeper_runtime::BootClock;

use super::ask::{AskError, Picture, Pod};
use super::changes::Essence;
use super::interrupts::{Interrupt, Interrupts};
use super::live::Live;
use super::view::{self, line};
use crate::cli::Output;
use crate::exit::Failure;
use crate::out::{self, Reader, Screen};
use crate::table::{Tint, span};

/// A live page is redrawn so often at least, so that it says in time that no answer comes.
const REDRAW: Duration = Duration::from_secs(1);
/// An answer that takes longer is missed before it is given up.
const PATIENCE: Duration = Duration::from_secs(2);

/// Asks `pod` each `every`, and shows what it says.
pub(super) async fn watch(pod: &Pod, output: Output, every: Duration) -> Result<(), Failure> {
    let mut interrupts = Interrupts::listen()
        .map_err(|error| Failure::failed(format!("signals cannot be received: {error}")))?;
    let mut answers = pin!(answers(pod, every));
    let mut redraw = ticks(REDRAW);
    let mut display = Display::for_this(output, every);
    let mut known: Option<Known> = None;
    loop {
        tokio::select! {
            interrupt = interrupts.next() => match interrupt {
                Interrupt::End => return Ok(()),
                Interrupt::Pause => {
                    display.leave();
                    Interrupts::pause();
                }
                Interrupt::Redraw => {}
            },
            Some(answer) = answers.next() => match (answer, &mut known) {
                (Ok(picture), _) => known = Some(Known::new(picture)),
                (Err(error), Some(known)) if error.may_pass() => known.trouble = Some(error),
                (Err(error), _) => return Err(Failure::failed(error)),
            },
            _ = redraw.tick(), if display.is_live() => {}
        }
        if let Some(known) = &known
            && display.show(known, BootClock.now())? == Reader::Gone
        {
            return Ok(());
        }
    }
}

/// One answer after the other. A question under way is not given up when something else happens.
fn answers(pod: &Pod, every: Duration) -> impl Stream<Item = Result<Picture, AskError>> {
    stream::unfold(ticks(every), move |mut ticks| async move {
        ticks.tick().await;
        Some((pod.ask().await, ticks))
    })
}

fn ticks(every: Duration) -> Interval {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// The last answer, and what came after it.
struct Known {
    picture: Picture,
    heard: Moment,
    heard_at: UnixMillis,
    trouble: Option<AskError>,
}

impl Known {
    fn new(picture: Picture) -> Self {
        Self {
            picture,
            heard: BootClock.now(),
            heard_at: BootClock.unix(),
            trouble: None,
        }
    }

    /// Since when nothing was heard, and why, if that is longer than an answer may take.
    fn silence(&self, now: Moment, every: Duration, screen: &Screen) -> Option<String> {
        let silent = now.since(self.heard);
        if self.trouble.is_none() && silent < every + PATIENCE {
            return None;
        }
        let since = clock_time(self.heard_at);
        let text = format!(
            "no answer since {since}, for {}; below is what the pod said then",
            span(silent.as_secs_f64())
        );
        let mut out = line(&text, Tint::Bad, screen) + "\n";
        if let Some(error) = &self.trouble {
            out.push_str(&line(&error.to_string(), Tint::Bad, screen));
            out.push('\n');
        }
        Some(out)
    }
}

fn clock_time(at: UnixMillis) -> String {
    Timestamp::from_millisecond(at.0).map_or_else(
        |_| "then".to_owned(),
        |at| at.strftime("%H:%M:%S UTC").to_string(),
    )
}

/// Where the answers go.
enum Display {
    /// A terminal.
    Live { live: Live, every: Duration },
    /// A pipe or a file, for people.
    Blocks {
        last: Option<Box<(Essence, bool)>>,
        every: Duration,
    },
    /// Objects for programs, one a line.
    Lines { last: Option<Moment> },
}

impl Display {
    fn for_this(output: Output, every: Duration) -> Self {
        match output {
            Output::Json => Self::Lines { last: None },
            Output::Table if Screen::now().terminal => Self::Live {
                live: Live::default(),
                every,
            },
            Output::Table => Self::Blocks { last: None, every },
        }
    }

    fn is_live(&self) -> bool {
        matches!(self, Self::Live { .. })
    }

    fn leave(&mut self) {
        if let Self::Live { live, .. } = self {
            live.leave();
        }
    }

    fn show(&mut self, known: &Known, now: Moment) -> Result<Reader, Failure> {
        let screen = Screen::now();
        match self {
            Self::Live { live, every } => live.show(&live_page(known, now, *every, &screen)),
            Self::Blocks { last, every } => {
                let silence = known.silence(now, *every, &screen);
                let news = (Essence::of(&known.picture), silence.is_some());
                if last.as_deref() == Some(&news) {
                    return Ok(Reader::There);
                }
                *last = Some(Box::new(news));
                out::write(&block(known, silence, &screen))
            }
            // Nothing is said twice when there is nothing new.
            Self::Lines { last } if *last == Some(known.heard) => Ok(Reader::There),
            Self::Lines { last } => {
                *last = Some(known.heard);
                out::write(&super::json(serde_json::to_string(&known.picture))?)
            }
        }
    }
}

/// The page within the screen, what is wrong above it, and at the bottom how to leave.
fn live_page(known: &Known, now: Moment, every: Duration, screen: &Screen) -> String {
    let above = known.silence(now, every, screen).unwrap_or_default();
    let below = format!("asked every {}; Ctrl-C leaves", span(every.as_secs_f64()));
    // The last line and an empty one above it are taken.
    let taken = above.lines().count() + 2;
    let rows = screen
        .height
        .map_or(usize::MAX, |height| height.saturating_sub(taken).max(1));
    let page = view::page_within(&known.picture, screen, rows);
    format!(
        "{above}{}\n\n{}",
        page.trim_end_matches('\n'),
        line(&below, Tint::Faint, screen)
    )
}

/// One change, with its time; a silent pod's last page is not repeated.
fn block(known: &Known, silence: Option<String>, screen: &Screen) -> String {
    match silence {
        Some(text) => format!(
            "{}\n",
            text.replace("; below is what the pod said then", "")
        ),
        None => {
            let at = format!("at {}", clock_time(known.heard_at));
            format!(
                "{}\n{}\n",
                line(&at, Tint::Bold, screen),
                view::page(&known.picture, screen)
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fixture::picture;
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn known(trouble: bool) -> Known {
        Known {
            picture: picture(&json!([])),
            heard: Moment::from_micros(0),
            heard_at: UnixMillis(1_795_372_809_751),
            trouble: trouble.then(|| AskError::Silent {
                url: "http://pod".to_owned(),
                why: "connection refused".to_owned(),
            }),
        }
    }

    fn screen(height: usize) -> Screen {
        Screen {
            width: Some(70),
            height: Some(height),
            colours: false,
            terminal: true,
        }
    }

    #[test]
    fn silence_is_told_from_the_first_refusal_or_after_some_patience() {
        let at = |seconds: i64| Moment::from_micros(seconds * 1_000_000);
        let said = |trouble, seconds| known(trouble).silence(at(seconds), SECOND, &screen(40));
        assert_eq!(said(false, 2), None);
        let late = said(false, 4).unwrap();
        assert_eq!(
            late,
            "no answer since 18:40:09 UTC, for 4.0 s; below is what the pod said t…\n"
        );
        let refused = said(true, 1).unwrap();
        assert_eq!(refused.lines().count(), 2, "{refused}");
        assert!(refused.contains("\nno pod answers at `http://pod`: connection refused"));
    }

    #[test]
    fn a_live_page_fits_the_screen_and_says_how_to_leave() {
        for height in 4..40 {
            for trouble in [false, true] {
                let page = live_page(
                    &known(trouble),
                    Moment::from_micros(0),
                    SECOND,
                    &screen(height),
                );
                let lines: Vec<&str> = page.lines().collect();
                assert!(lines.len() <= height.max(5), "{height}: {page}");
                assert_eq!(lines.last(), Some(&"asked every 1.0 s; Ctrl-C leaves"));
                assert_eq!(page.starts_with("no answer since"), trouble);
            }
        }
    }

    #[test]
    fn a_block_has_its_time_and_a_silent_pod_one_without_a_page() {
        let wide = Screen {
            width: None,
            ..screen(40)
        };
        let text = block(&known(false), None, &wide);
        assert!(text.starts_with("at 18:40:09 UTC\nfleet  prod"), "{text}");
        assert!(text.ends_with("\n\n"), "{text}");
        let silent = known(true);
        let silence = silent.silence(Moment::from_micros(0), SECOND, &wide);
        let text = block(&silent, silence, &wide);
        assert!(
            text.starts_with("no answer since 18:40:09 UTC, for 0.0 s\n"),
            "{text}"
        );
        assert!(!text.contains("fleet"), "{text}");
    }
}
