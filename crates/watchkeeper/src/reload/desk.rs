//! Where callers ask for a reload, and hear what came of the last one.

use std::pin::Pin;

use arc_swap::ArcSwapOption;
use tokio::sync::{mpsc, oneshot};
use watchkeeper_api::v1::{ReloadAnswer, ReloadView};
use watchkeeper_api::{NotReloaded, Reloader};

/// Calls that may wait for the next reading; all that wait share it.
const WAITING: usize = 64;

/// What a caller is told.
pub(super) type Told = Result<ReloadAnswer, NotReloaded>;
/// A caller.
pub(super) type Caller = oneshot::Sender<Told>;

/// The desk.
pub(crate) struct Desk {
    calls: mpsc::Sender<Caller>,
    last: ArcSwapOption<ReloadView>,
}

impl Desk {
    /// A desk, and where its calls come out.
    pub(crate) fn open() -> (Self, mpsc::Receiver<Caller>) {
        let (calls, waiting) = mpsc::channel(WAITING);
        let last = ArcSwapOption::empty();
        (Self { calls, last }, waiting)
    }

    pub(super) fn note(&self, view: ReloadView) {
        self.last.store(Some(view.into()));
    }
}

impl Reloader for Desk {
    fn reload(&self) -> Pin<Box<dyn Future<Output = Told> + Send + '_>> {
        Box::pin(async {
            let (caller, told) = oneshot::channel();
            let later = |why: &str| NotReloaded::Later(why.to_owned());
            self.calls.try_send(caller).map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => {
                    later("too many calls wait for the configuration to be read, try again")
                }
                mpsc::error::TrySendError::Closed(_) => later(LEAVING),
            })?;
            told.await.map_err(|_| later(LEAVING))?
        })
    }

    fn last(&self) -> Option<ReloadView> {
        self.last.load_full().map(|view| (*view).clone())
    }
}

const LEAVING: &str = "this pod is shutting down, its configuration is not read again";
