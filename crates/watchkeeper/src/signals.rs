//! Signals: SIGTERM and SIGINT end the process (the first one drains, a second one leaves at once), SIGHUP has the
//! configuration read again.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGTERM and SIGINT.
pub(crate) struct StopSignals {
    term: Signal,
    int: Signal,
}

impl StopSignals {
    /// Starts listening.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            int: signal(SignalKind::interrupt())?,
        })
    }

    /// The name of the next signal that ends the process.
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.term.recv() => "SIGTERM",
            _ = self.int.recv() => "SIGINT",
        }
    }
}

/// SIGHUP, which unheard would end a pod in the middle of its round. As long as the process lives it does not, once
/// somebody listened.
pub(crate) struct Hangups(Signal);

impl Hangups {
    /// Starts listening.
    pub(crate) fn listen() -> io::Result<Self> {
        signal(SignalKind::hangup()).map(Self)
    }

    /// Returns at the next one; several that came since the last are one.
    pub(crate) async fn next(&mut self) {
        self.0.recv().await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustix::process::{Signal, getpid, kill_process};

    use super::*;

    #[tokio::test]
    async fn a_hangup_does_not_end_the_process_and_sigterm_does() {
        let mut signals = StopSignals::listen().unwrap();
        let mut hangups = Hangups::listen().unwrap();
        kill_process(getpid(), Signal::HUP).unwrap();
        let quiet = tokio::time::timeout(Duration::from_millis(200), signals.next()).await;
        assert!(quiet.is_err(), "{quiet:?}");
        hangups.next().await;
        drop(hangups);
        kill_process(getpid(), Signal::HUP).unwrap();
        kill_process(getpid(), Signal::TERM).unwrap();
        assert_eq!(signals.next().await, "SIGTERM");
    }
}
