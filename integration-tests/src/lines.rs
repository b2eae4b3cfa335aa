//! The lines that a child writes, with the moment of each.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::sync::watch;

/// A log line and when it arrived here.
#[derive(Clone, Debug)]
pub struct Line {
    /// The line.
    pub text: String,
    /// When it was read from the pipe.
    pub at: Instant,
}

/// Lines as they come, shared with the task that reads them.
#[derive(Clone)]
pub(crate) struct Lines {
    lines: Arc<Mutex<Vec<Line>>>,
    count: watch::Sender<usize>,
}

impl Default for Lines {
    fn default() -> Self {
        Self {
            lines: Arc::default(),
            count: watch::Sender::new(0),
        }
    }
}

impl Lines {
    pub(crate) async fn collect(self, pipe: impl AsyncRead + Unpin) {
        let mut pipe = BufReader::new(pipe).lines();
        while let Ok(Some(text)) = pipe.next_line().await {
            let at = Instant::now();
            self.lines
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(Line { text, at });
            self.count.send_modify(|count| *count += 1);
        }
    }

    pub(crate) fn all(&self) -> Vec<Line> {
        self.lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) async fn wait_for(
        &self,
        skip: usize,
        limit: Duration,
        fits: impl Fn(&str) -> bool,
    ) -> Result<Line, String> {
        let mut count = self.count.subscribe();
        let wait = async {
            loop {
                let found = self
                    .all()
                    .into_iter()
                    .skip(skip)
                    .find(|line| fits(&line.text));
                match found {
                    Some(line) => return line,
                    // Never fails: `self` holds the sender.
                    None => count.changed().await.unwrap_or_default(),
                }
            }
        };
        tokio::time::timeout(limit, wait)
            .await
            .map_err(|_| self.text())
    }

    pub(crate) fn text(&self) -> String {
        self.all()
            .iter()
            .map(|line| format!("  {}\n", line.text))
            .collect()
    }
}
