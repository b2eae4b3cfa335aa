//! Servers that the tests of one binary share: started when the first asks, taken down when the last that holds one
//! has ended. A thread owns it, with a runtime that outlives each test's, so nothing is left behind by a static.

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

/// What tests can share.
pub trait Server: Send + Sync + Sized + 'static {
    /// Starts one.
    ///
    /// # Panics
    /// When it does not start, with what to do about it.
    fn start() -> impl Future<Output = Self>;

    /// Ends it; what drops does is enough unless this says otherwise.
    fn close(self) -> impl Future<Output = ()> {
        async { drop(self) }
    }
}

/// A server that tests share; it lasts as long as somebody holds this.
pub struct Kept<T> {
    server: Option<Arc<T>>,
    stop: Option<oneshot::Sender<()>>,
    keeper: Option<JoinHandle<()>>,
}

/// Where a test binary finds its server; made for a static.
pub struct Slot<T>(Mutex<Weak<Kept<T>>>);

impl<T> Slot<T> {
    /// Nothing is started yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(Mutex::new(Weak::new()))
    }
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Server> Slot<T> {
    /// The server, started if nobody holds it now.
    ///
    /// # Panics
    /// When it does not start, as [`Server::start`] says.
    pub async fn get(&'static self) -> Arc<Kept<T>> {
        // Starting takes a few seconds at worst and every other test would only wait for it.
        let shared = || {
            let mut shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            shared.upgrade().unwrap_or_else(|| {
                let started = Arc::new(Kept::start());
                *shared = Arc::downgrade(&started);
                started
            })
        };
        tokio::task::spawn_blocking(shared).await.unwrap()
    }
}

impl<T: Server> Kept<T> {
    fn start() -> Self {
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = std::sync::mpsc::channel();
        let keep = move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let server = Arc::new(T::start().await);
                tell.send(server.clone()).unwrap();
                let _ = stopped.await;
                if let Some(server) = Arc::into_inner(server) {
                    server.close().await;
                }
            });
        };
        let keeper = std::thread::spawn(keep);
        let Ok(server) = told.recv() else {
            // The reason stands on stderr, from the keeper's own panic.
            let why = keeper.join().unwrap_err();
            std::panic::resume_unwind(why);
        };
        Self {
            server: Some(server),
            stop: Some(stop),
            keeper: Some(keeper),
        }
    }
}

impl<T> Deref for Kept<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.server.as_ref().expect("kept until dropped")
    }
}

impl<T> Drop for Kept<T> {
    fn drop(&mut self) {
        drop(self.server.take());
        drop(self.stop.take());
        if let Some(keeper) = self.keeper.take() {
            let _ = keeper.join();
        }
    }
}
