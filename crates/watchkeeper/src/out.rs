//! What is printed. Standard output: data for people and programs. A reader that went away is no failure.

use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;

use crate::exit::Failure;

/// Width of a terminal that does not tell its own.
const USUAL_WIDTH: usize = 80;

/// Whether somebody still reads what is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    /// As far as can be told.
    There,
    /// The pipe is closed.
    Gone,
}

/// Writes all of `text` to stdout, at once and flushed.
pub(crate) fn write(text: &str) -> Result<Reader, Failure> {
    write_to(&mut io::stdout().lock(), text)
}

fn write_to(out: &mut impl Write, text: &str) -> Result<Reader, Failure> {
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(Reader::There),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Reader::Gone),
        Err(error) => Err(Failure::failed(format!(
            "the result cannot be written to stdout: {error}"
        ))),
    }
}

/// What a stream leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Screen {
    /// Columns to keep to; none where lines may be of any length.
    pub(crate) width: Option<usize>,
    /// Rows, where it is a terminal that tells them.
    pub(crate) height: Option<usize>,
    /// Whether colours are wanted.
    pub(crate) colours: bool,
    /// Whether it is a terminal.
    pub(crate) terminal: bool,
}

impl Screen {
    /// What stdout leads to now: a terminal may be resized.
    pub(crate) fn now() -> Self {
        Self::of_stream(&io::stdout())
    }

    /// The same for stderr.
    pub(crate) fn of_stderr() -> Self {
        Self::of_stream(&io::stderr())
    }

    fn of_stream(stream: &(impl IsTerminal + AsFd)) -> Self {
        let terminal = stream.is_terminal();
        let size = terminal
            .then(|| rustix::termios::tcgetwinsize(stream).ok())
            .flatten()
            .map(|size| (usize::from(size.ws_col), usize::from(size.ws_row)));
        Self::of(terminal, size, &|name| std::env::var(name).ok())
    }

    fn of(
        terminal: bool,
        size: Option<(usize, usize)>,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Self {
        let asked = env("COLUMNS").and_then(|text| text.trim().parse().ok());
        let told = size.map(|(width, _)| width).filter(|width| *width > 0);
        let usual = terminal.then_some(USUAL_WIDTH);
        let no_color = env("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = env("TERM").is_some_and(|term| term == "dumb");
        Self {
            width: asked.filter(|width| *width > 0).or(told).or(usual),
            height: size.map(|(_, height)| height).filter(|height| *height > 0),
            colours: terminal && !no_color && !dumb,
            terminal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screen(terminal: bool, size: Option<(usize, usize)>, env: &[(&str, &str)]) -> Screen {
        Screen::of(terminal, size, &|name| {
            let found = env.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn colours_need_a_terminal_and_no_word_against_them() {
        assert!(screen(true, None, &[]).colours);
        assert!(
            screen(true, None, &[("NO_COLOR", "")]).colours,
            "an empty one does not count"
        );
        assert!(!screen(true, None, &[("NO_COLOR", "1")]).colours);
        assert!(!screen(true, None, &[("TERM", "dumb")]).colours);
        assert!(!screen(false, None, &[]).colours);
    }

    #[test]
    fn a_file_takes_lines_of_any_length_and_a_terminal_its_own_width() {
        assert_eq!(screen(false, None, &[]).width, None);
        assert_eq!(screen(false, None, &[("COLUMNS", "60")]).width, Some(60));
        assert_eq!(screen(true, Some((120, 40)), &[]).width, Some(120));
        assert_eq!(
            screen(true, Some((120, 40)), &[("COLUMNS", "60")]).width,
            Some(60)
        );
        assert_eq!(
            screen(true, Some((0, 0)), &[("COLUMNS", "wide")]).width,
            Some(80)
        );
    }

    struct Broken(io::ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_closed_pipe_is_no_failure_but_a_full_disk_is() {
        let gone = write_to(&mut Broken(io::ErrorKind::BrokenPipe), "text").unwrap();
        assert_eq!(gone, Reader::Gone);
        let full = write_to(&mut Broken(io::ErrorKind::StorageFull), "text");
        assert!(matches!(full, Err(Failure::Failed(_))), "{full:?}");
    }
}
