//! Signals that end the process: the first one drains, a second one leaves at once. A hangup does not end it.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::warn;

/// SIGTERM and SIGINT, and SIGHUP, which unheard would end a pod in the middle of its round.
pub(crate) struct StopSignals {
    term: Signal,
    int: Signal,
    hup: Signal,
}

impl StopSignals {
    /// Starts listening.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            int: signal(SignalKind::interrupt())?,
            hup: signal(SignalKind::hangup())?,
        })
    }

    /// The name of the next signal that ends the process.
    pub(crate) async fn next(&mut self) -> &'static str {
        loop {
            tokio::select! {
                _ = self.term.recv() => return "SIGTERM",
                _ = self.int.recv() => return "SIGINT",
                _ = self.hup.recv() => {
                    warn!("SIGHUP changes nothing yet: restart the pod for a new configuration");
                }
            }
        }
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
        kill_process(getpid(), Signal::HUP).unwrap();
        let quiet = tokio::time::timeout(Duration::from_millis(200), signals.next()).await;
        assert!(quiet.is_err(), "{quiet:?}");
        kill_process(getpid(), Signal::TERM).unwrap();
        assert_eq!(signals.next().await, "SIGTERM");
    }
}
