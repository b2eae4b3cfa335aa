//! A page that is redrawn in its place, on a screen of its own: what stood on the terminal is there again afterwards.

use std::fmt;

use crossterm::Command;
use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::terminal::{Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen};

use crate::exit::Failure;
use crate::out::{self, Reader};

/// The terminal's other screen, from the first page until this is dropped.
#[derive(Debug, Default)]
pub(super) struct Live {
    entered: bool,
}

impl Live {
    /// Shows a page in place of the one before. It has no more lines than the screen, and none that is wider.
    pub(super) fn show(&mut self, page: &str) -> Result<Reader, Failure> {
        let text = draw(page, !self.entered).map_err(Failure::failed)?;
        self.entered = true;
        out::write(&text)
    }

    /// Gives the terminal back as it was. The next page takes it again.
    pub(super) fn leave(&mut self) {
        if std::mem::take(&mut self.entered)
            && let Ok(text) = left()
        {
            // Where nobody reads any more there is nothing to be given back.
            let _ = out::write(&text);
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.leave();
    }
}

/// What draws a page: line by line over the old one, so that nothing flickers.
fn draw(page: &str, first: bool) -> Result<String, fmt::Error> {
    let mut out = String::with_capacity(page.len() + 512);
    if first {
        EnterAlternateScreen.write_ansi(&mut out)?;
        Hide.write_ansi(&mut out)?;
    }
    let mut lines = page.lines().peekable();
    let mut row: u16 = 0;
    while let Some(line) = lines.next() {
        MoveTo(0, row).write_ansi(&mut out)?;
        // Before the text: behind one that fills the row it would take its last character.
        let old = match lines.peek() {
            Some(_) => ClearType::UntilNewLine,
            None => ClearType::FromCursorDown,
        };
        Clear(old).write_ansi(&mut out)?;
        out.push_str(line);
        row = row.saturating_add(1);
    }
    // What somebody types is shown there, and cannot make the page scroll.
    MoveTo(0, 0).write_ansi(&mut out)?;
    Ok(out)
}

fn left() -> Result<String, fmt::Error> {
    let mut out = String::new();
    Show.write_ansi(&mut out)?;
    LeaveAlternateScreen.write_ansi(&mut out)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_drawn_over_the_last_one_and_the_screen_taken_once() {
        let first = draw("one\ntwo\n", true).unwrap();
        assert!(first.starts_with("\u{1b}[?1049h\u{1b}[?25l"), "{first:?}");
        let next = draw("one\ntwo\n", false).unwrap();
        assert_eq!(
            next,
            "\u{1b}[1;1H\u{1b}[Kone\u{1b}[2;1H\u{1b}[Jtwo\u{1b}[1;1H"
        );
        assert_eq!(left().unwrap(), "\u{1b}[?25h\u{1b}[?1049l");
    }
}
