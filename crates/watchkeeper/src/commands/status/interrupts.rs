//! Signals that a watching terminal sends.

use std::io;

use rustix::process::{Signal as Number, getpid, kill_process};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interrupt {
    /// Ctrl-C, SIGTERM, or the terminal is gone.
    End,
    /// Ctrl-Z.
    Pause,
    /// The terminal has another size, or the process goes on.
    Redraw,
}

/// Hears them.
pub(super) struct Interrupts {
    end: [Signal; 3],
    pause: Signal,
    redraw: [Signal; 2],
}

impl Interrupts {
    /// Starts listening.
    pub(super) fn listen() -> io::Result<Self> {
        let other = |number: Number| signal(SignalKind::from_raw(number.as_raw()));
        Ok(Self {
            end: [
                signal(SignalKind::interrupt())?,
                signal(SignalKind::terminate())?,
                signal(SignalKind::hangup())?,
            ],
            pause: other(Number::TSTP)?,
            redraw: [signal(SignalKind::window_change())?, other(Number::CONT)?],
        })
    }

    /// The next one.
    pub(super) async fn next(&mut self) -> Interrupt {
        let [int, term, hup] = &mut self.end;
        let [size, cont] = &mut self.redraw;
        tokio::select! {
            _ = int.recv() => Interrupt::End,
            _ = term.recv() => Interrupt::End,
            _ = hup.recv() => Interrupt::End,
            _ = self.pause.recv() => Interrupt::Pause,
            _ = size.recv() => Interrupt::Redraw,
            _ = cont.recv() => Interrupt::Redraw,
        }
    }

    /// Stops this process until it is told to go on, as Ctrl-Z does where nobody listens.
    pub(super) fn pause() {
        // A process may always stop itself.
        let _ = kill_process(getpid(), Number::STOP);
    }
}
