//! The suite that every backend passes, on a shared server.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use redis::aio::MultiplexedConnection;
use watchkeeper_core::cache::Store;
use watchkeeper_core::id::{FleetName, GroupId};
use watchkeeper_integration_tests::redis_server::RedisServer;
use watchkeeper_integration_tests::shared::Kept;
use watchkeeper_redis::{RedisOptions, RedisStore};
use watchkeeper_testkit::conformance::{Harness, Place, Shape};
use watchkeeper_testkit::faults::Faulty;

use crate::support;

struct Redis {
    server: Arc<Kept<RedisServer>>,
    fleet: FleetName,
    wrapped: bool,
    companions: bool,
}

async fn bare() -> Redis {
    Redis {
        server: RedisServer::shared().await,
        fleet: support::fresh_fleet(),
        wrapped: false,
        companions: false,
    }
}

async fn wrapped() -> Redis {
    let mut redis = bare().await;
    redis.wrapped = true;
    redis
}

async fn with_companions() -> Redis {
    let mut redis = bare().await;
    redis.companions = true;
    redis
}

impl Redis {
    async fn connection(&self) -> MultiplexedConnection {
        let client = redis::Client::open(self.server.url()).unwrap();
        client.get_multiplexed_async_connection().await.unwrap()
    }

    fn key(&self, group: &GroupId, place: Place) -> String {
        let fleet = &self.fleet;
        match place {
            Place::Lock => format!("watchkeeper:{{{fleet}}}:lock:{group}"),
            Place::Token => format!("watchkeeper:{{{fleet}}}:token:{group}"),
            Place::Report => format!("watchkeeper:{{{fleet}}}:report:{group}"),
            Place::Presence => format!("watchkeeper:{{{fleet}}}:pods"),
        }
    }
}

#[async_trait]
impl Harness for Redis {
    async fn store(&self) -> Arc<dyn Store> {
        let mut options = RedisOptions::from_url(self.fleet.clone(), self.server.url()).unwrap();
        // The suite runs many tests at once on a busy machine; none is about this limit.
        options.timeout = Duration::from_secs(5);
        options.companions = self.companions.then(|| support::companions(&self.fleet));
        let store: Arc<dyn Store> = Arc::new(RedisStore::connect(options).unwrap());
        if self.wrapped {
            return Arc::new(Faulty::new(store));
        }
        store
    }

    async fn elapse(&self, by: Duration) {
        // The server's clock is nobody's to move: this much time has to pass.
        tokio::time::sleep(by).await;
    }

    async fn wipe(&self) {
        let mut connection = self.connection().await;
        let pattern = format!("watchkeeper:{{{}}}:*", self.fleet);
        let keys: Vec<String> = redis::cmd("KEYS")
            .arg(pattern)
            .query_async(&mut connection)
            .await
            .unwrap();
        if !keys.is_empty() {
            let () = redis::cmd("DEL")
                .arg(keys)
                .query_async(&mut connection)
                .await
                .unwrap();
        }
    }

    async fn make_endless(&self, group: &GroupId) {
        let mut connection = self.connection().await;
        let key = self.key(group, Place::Lock);
        let changed: i64 = redis::cmd("PERSIST")
            .arg(key)
            .query_async(&mut connection)
            .await
            .unwrap();
        assert_eq!(changed, 1, "there was no lock");
    }

    async fn plant(&self, group: &GroupId, place: Place, shape: Shape) -> bool {
        let key = self.key(group, place);
        let Some(commands) = planting(&key, place, shape) else {
            return false;
        };
        let mut pipe = redis::pipe();
        pipe.atomic().cmd("DEL").arg(&key).ignore();
        for command in commands {
            pipe.add_command(command).ignore();
        }
        let () = pipe
            .query_async(&mut self.connection().await)
            .await
            .unwrap();
        true
    }
}

/// Year 2200, in microseconds.
const IMPOSSIBLE: &str = "7258118400000000";

fn planting(key: &str, place: Place, shape: Shape) -> Option<Vec<redis::Cmd>> {
    let command = |words: &[&[u8]]| {
        let mut command = redis::cmd(std::str::from_utf8(words[0]).unwrap());
        command.arg(key);
        for word in &words[1..] {
            command.arg(*word);
        }
        command
    };
    let set = |value: &[u8]| Some(vec![command(&[b"SET", value])]);
    let hash = |fields: &[&[u8]]| Some(vec![command(&[&[b"HSET".as_slice()], fields].concat())]);
    let huge = vec![b'x'; 9 * 1024 * 1024];
    match (place, shape) {
        (_, Shape::Text) => set(b"foreign"),
        (_, Shape::OtherText) => set(b"foreign too"),
        (_, Shape::Binary) => set(&[0, 255, 128, 10]),
        (_, Shape::Empty) => set(b""),
        (_, Shape::List) => Some(vec![command(&[b"RPUSH", b"foreign", b"too"])]),
        (_, Shape::Set) => Some(vec![command(&[b"SADD", b"foreign"])]),
        (_, Shape::SortedSet) => Some(vec![command(&[b"ZADD", b"1", b"foreign"])]),
        (_, Shape::Stream) => Some(vec![command(&[b"XADD", b"*", b"foreign", b"1"])]),
        (Place::Report | Place::Presence, Shape::Huge) => hash(&[
            b"token", b"1", b"edition", b"1", b"at", b"1", b"body", &huge,
        ]),
        (_, Shape::Huge) => set(&huge),
        (_, Shape::Hash) => hash(&[b"foreign", b"1", b"token", b"x", b"edition", b""]),
        (Place::Lock, Shape::NearMiss) => set(b"wk1|5|1|1000|pod a"),
        (Place::Token, Shape::NearMiss) => set(b"17672256000000x0"),
        (Place::Report, Shape::NearMiss) => hash(&[
            b"token",
            b"5",
            b"edition",
            b"4294967296",
            b"at",
            b"5",
            b"body",
            b"foreign",
        ]),
        (Place::Presence, Shape::NearMiss) => hash(&[b"a", b"wk1|5|1000", b"b", b"wk1|5|1000|"]),
        (Place::Lock, Shape::Impossible) => {
            set(format!("wk1|{IMPOSSIBLE}|1|60000|somebody").as_bytes())
        }
        (Place::Token, Shape::Impossible) => set(IMPOSSIBLE.as_bytes()),
        (Place::Report, Shape::Impossible) => hash(&[
            b"token",
            IMPOSSIBLE.as_bytes(),
            b"edition",
            b"1",
            b"at",
            b"5",
            b"body",
            b"foreign",
        ]),
        (Place::Presence, Shape::Impossible) => {
            hash(&[b"a", format!("wk1|{IMPOSSIBLE}|60000|").as_bytes()])
        }
    }
}

mod redis_store {
    watchkeeper_testkit::conformance_tests!(super::bare);
}

mod redis_store_with_companions {
    watchkeeper_testkit::conformance_tests!(super::with_companions);
}

mod redis_store_through_a_wrapper {
    watchkeeper_testkit::conformance_tests!(super::wrapped);
}
