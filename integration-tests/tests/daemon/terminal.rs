//! A terminal of so many columns and rows with our program in it, as a person would see it.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use vt100::Parser;
use watchkeeper_integration_tests::{daemon, eventually};

/// A pseudo-terminal, what it shows, and the process in it. The process is killed when this is dropped.
pub(crate) struct Terminal {
    master: Box<dyn MasterPty + Send>,
    keyboard: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    shown: Arc<Mutex<Shown>>,
}

struct Shown {
    parser: Parser,
    /// Every byte that came.
    raw: Vec<u8>,
    /// The widest that it has been.
    columns: u16,
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize {
        rows,
        cols: columns,
        pixel_width: 0,
        pixel_height: 0,
    }
}

fn some(n: u16) -> NonZeroU16 {
    NonZeroU16::new(n).unwrap()
}

impl Terminal {
    /// Starts `watchkeeper` with these words in a terminal of this size, in this directory.
    pub(crate) fn open(
        (columns, rows): (u16, u16),
        words: &[&str],
        variables: &[(&str, &str)],
        directory: &std::path::Path,
    ) -> Self {
        let pair = native_pty_system().openpty(size(columns, rows)).unwrap();
        let mut command = CommandBuilder::new(daemon::binary().canonicalize().unwrap());
        command.args(words);
        command.cwd(directory);
        command.env_clear();
        command.env("TERM", "xterm-256color");
        for (name, value) in variables {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        let mut from = pair.master.try_clone_reader().unwrap();
        let shown = Arc::new(Mutex::new(Shown {
            parser: Parser::new(some(rows), some(columns), 0),
            raw: Vec::new(),
            columns,
        }));
        let reader = Arc::clone(&shown);
        // Ends with the terminal.
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(n @ 1..) = from.read(&mut bytes) {
                let mut shown = reader.lock().unwrap_or_else(PoisonError::into_inner);
                shown.parser.process(&bytes[..n]);
                shown.raw.extend_from_slice(&bytes[..n]);
            }
        });
        Self {
            keyboard: pair.master.take_writer().unwrap(),
            master: pair.master,
            child,
            shown,
        }
    }

    fn look<T>(&self, at: impl FnOnce(&mut Shown) -> T) -> T {
        at(&mut self.shown.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The screen as text: its rows, without what is empty at their ends.
    pub(crate) fn text(&self) -> String {
        self.look(|shown| {
            let rows = shown.parser.screen().rows(0, shown.columns);
            let rows: Vec<String> = rows.map(|row| row.trim_end().to_owned()).collect();
            rows.join("\n").trim_end().to_owned() + "\n"
        })
    }

    /// Whether a line went on in the next row.
    pub(crate) fn is_broken(&self) -> bool {
        self.look(|shown| {
            let screen = shown.parser.screen();
            (0..screen.size().0.get()).any(|row| screen.row_wrapped(row))
        })
    }

    /// Whether the page stands on a screen of its own, with the cursor hidden.
    pub(crate) fn is_taken(&self) -> bool {
        self.look(|shown| {
            let screen = shown.parser.screen();
            screen.alternate_screen() && screen.hide_cursor()
        })
    }

    /// Whether neither is so.
    pub(crate) fn is_given_back(&self) -> bool {
        self.look(|shown| {
            let screen = shown.parser.screen();
            !screen.alternate_screen() && !screen.hide_cursor()
        })
    }

    /// All that was ever written, escape sequences included.
    pub(crate) fn raw(&self) -> String {
        self.look(|shown| String::from_utf8_lossy(&shown.raw).into_owned())
    }

    /// Waits until the screen holds all of `parts`, and returns it.
    pub(crate) async fn wait_for(&self, parts: &[&str], limit: Duration) -> String {
        self.wait_until(&format!("{parts:?}"), limit, |text| {
            parts.iter().all(|part| text.contains(part))
        })
        .await
    }

    /// Waits until the screen is as wanted, and returns it.
    pub(crate) async fn wait_until(
        &self,
        what: &str,
        limit: Duration,
        holds: impl Fn(&str) -> bool,
    ) -> String {
        let began = std::time::Instant::now();
        loop {
            let text = self.text();
            if holds(&text) {
                return text;
            }
            assert!(
                began.elapsed() < limit,
                "not shown within {limit:?}: {what}\n{text}"
            );
            tokio::time::sleep(watchkeeper_integration_tests::POLL).await;
        }
    }

    /// Types.
    pub(crate) fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
    }

    /// Gives the terminal another size, which the process hears of.
    pub(crate) fn resize(&mut self, columns: u16, rows: u16) {
        self.look(|shown| {
            shown.parser.set_size(some(rows), some(columns));
            shown.columns = columns;
        });
        self.master.resize(size(columns, rows)).unwrap();
    }

    /// Waits for the end of the process; its exit code.
    pub(crate) async fn wait_for_end(&mut self, limit: Duration) -> u32 {
        let child = Mutex::new(&mut self.child);
        let ended = Mutex::new(None);
        eventually("the process in the terminal ends", limit, async || {
            let status = child.lock().unwrap().try_wait().unwrap();
            let is_over = status.is_some();
            *ended.lock().unwrap() = status;
            is_over
        })
        .await;
        ended.into_inner().unwrap().unwrap().exit_code()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}
