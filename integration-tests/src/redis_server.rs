//! The Redis that the backend's promises are tested against: in a container where an engine answers, else a
//! `redis-server` of this machine, which is said in one line.
//!
//! | variable | meaning |
//! |---|---|
//! | `WATCHKEEPER_TEST_REDIS_IMAGE` | the image, [`DEFAULT_IMAGE`] unless set |
//! | `WATCHKEEPER_TEST_REQUIRE_CONTAINER` | `1`: without an engine the tests fail |
//! | `DOCKER_HOST` | where the engine listens |
//!
//! The tests of one binary share a server, each in a namespace of its own. A thread owns it, with a runtime that
//! outlives each test's, and takes it down when the last test that uses it has ended.

use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;

use testcontainers::core::client::docker_client_instance;
use testcontainers::core::{IntoContainerPort, WaitFor};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, GenericImage, ImageExt};
use tokio::sync::oneshot;

use crate::redis_process::RedisProcess;

/// Official and pinned.
pub const DEFAULT_IMAGE: &str = "redis:7.4.2-alpine";
const IMAGE_VARIABLE: &str = "WATCHKEEPER_TEST_REDIS_IMAGE";
const REQUIRE_VARIABLE: &str = "WATCHKEEPER_TEST_REQUIRE_CONTAINER";
const REDIS_PORT: u16 = 6379;

/// A server that tests share; it lasts as long as somebody holds this.
pub struct RedisServer {
    url: String,
    stop: Option<oneshot::Sender<()>>,
    keeper: Option<JoinHandle<()>>,
}

/// What the keeper's thread holds on to: dropped, it ends the server.
enum Running {
    Container(#[allow(dead_code)] Box<ContainerAsync<GenericImage>>),
    Process(#[allow(dead_code)] Box<RedisProcess>),
}

impl RedisServer {
    /// The server of this test binary, started if nobody holds it now.
    ///
    /// # Panics
    /// When there is neither an engine nor a `redis-server`, and says what to install.
    pub async fn shared() -> Arc<Self> {
        static SHARED: LazyLock<Mutex<Weak<RedisServer>>> = LazyLock::new(Mutex::default);
        // Starting takes a second at worst and every other test would only wait for it.
        let shared = || {
            let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
            shared.upgrade().unwrap_or_else(|| {
                let started = Arc::new(Self::start());
                *shared = Arc::downgrade(&started);
                started
            })
        };
        tokio::task::spawn_blocking(shared).await.unwrap()
    }

    /// As a URL without credentials.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

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
                let (running, url) = run().await;
                tell.send(url).unwrap();
                let _ = stopped.await;
                match running {
                    Running::Container(container) => container.rm().await.unwrap(),
                    Running::Process(mut process) => process.kill().await,
                }
            });
        };
        let keeper = std::thread::spawn(keep);
        let Ok(url) = told.recv() else {
            // The reason stands on stderr, from the keeper's own panic.
            let why = keeper.join().unwrap_err();
            std::panic::resume_unwind(why);
        };
        Self {
            url,
            stop: Some(stop),
            keeper: Some(keeper),
        }
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(keeper) = self.keeper.take() {
            let _ = keeper.join();
        }
    }
}

async fn run() -> (Running, String) {
    let required = std::env::var(REQUIRE_VARIABLE).is_ok_and(|value| value == "1");
    let why = match engine().await {
        Ok(()) => match container().await {
            Ok(started) => return started,
            Err(why) => why,
        },
        Err(why) => format!("no container engine answers ({why})"),
    };
    assert!(
        !required,
        "{REQUIRE_VARIABLE}=1, and {why}: start an engine, or name it in DOCKER_HOST; name an image that it has in \
         {IMAGE_VARIABLE}"
    );
    #[allow(clippy::print_stderr)] // which server was used belongs to the test's result
    {
        eprintln!("note: {why}; a local `redis-server` stands in");
    }
    let process = RedisProcess::start().await;
    let url = process.url();
    (Running::Process(Box::new(process)), url)
}

async fn engine() -> Result<(), String> {
    let client = docker_client_instance().await.map_err(|e| e.to_string())?;
    client.ping().await.map_err(|e| e.to_string())?;
    Ok(())
}

async fn container() -> Result<(Running, String), String> {
    let image = std::env::var(IMAGE_VARIABLE).unwrap_or_else(|_| DEFAULT_IMAGE.to_owned());
    // A registry's port also follows a colon; a tag holds no slash.
    let (name, tag) = match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (image.as_str(), "latest"),
    };
    let said =
        |e: testcontainers::TestcontainersError| format!("image `{image}` does not run: {e}");
    let container = GenericImage::new(name, tag)
        .with_exposed_port(REDIS_PORT.tcp())
        .with_wait_for(WaitFor::message_on_stdout("Ready to accept connections"))
        .with_cmd(["--save", "", "--appendonly", "no"])
        .start()
        .await
        .map_err(said)?;
    let host = container.get_host().await.map_err(said)?;
    let port = container
        .get_host_port_ipv4(REDIS_PORT.tcp())
        .await
        .map_err(said)?;
    let url = format!("redis://{host}:{port}/");
    Ok((Running::Container(Box::new(container)), url))
}
