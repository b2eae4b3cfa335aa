//! An `etcd` that the tests share, as a child process on free ports.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

pub(crate) struct Etcd {
    child: Child,
    pub(crate) endpoint: String,
    _directory: tempfile::TempDir,
}

impl Etcd {
    pub(crate) async fn shared() -> Arc<Self> {
        static SHARED: LazyLock<Mutex<Weak<Etcd>>> = LazyLock::new(Mutex::default);
        let started = {
            let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
            shared.upgrade().unwrap_or_else(|| {
                let started = Arc::new(Self::start());
                *shared = Arc::downgrade(&started);
                started
            })
        };
        started.wait().await;
        started
    }

    fn start() -> Self {
        let (client, peer) = (free(), free());
        let memory = Path::new("/dev/shm");
        let directory = if memory.is_dir() {
            tempfile::tempdir_in(memory).unwrap()
        } else {
            tempfile::tempdir().unwrap()
        };
        let endpoint = format!("http://{client}");
        let peer = format!("http://{peer}");
        let child = Command::new("etcd")
            .arg("--data-dir")
            .arg(directory.path())
            .args(["--listen-client-urls", &endpoint])
            .args(["--advertise-client-urls", &endpoint])
            .args(["--listen-peer-urls", &peer])
            .args(["--initial-advertise-peer-urls", &peer])
            .args(["--initial-cluster", &format!("default={peer}")])
            .args(["--logger", "zap", "--log-level", "error"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("`etcd` is needed: apt-get install etcd-server");
        Self {
            child,
            endpoint,
            _directory: directory,
        }
    }

    async fn wait(&self) {
        let begun = Instant::now();
        loop {
            if let Ok(client) = etcd_client::Client::connect([&self.endpoint], None).await
                && client.kv_client().get("x", None).await.is_ok()
            {
                return;
            }
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "etcd does not start"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) async fn client(&self) -> etcd_client::Client {
        let client = etcd_client::Client::connect([&self.endpoint], None);
        client.await.unwrap()
    }
}

fn free() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap()
}

impl Drop for Etcd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
