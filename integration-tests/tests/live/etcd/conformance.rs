//! The suite that every backend passes, on a shared server.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use etcd_client::{Client, DeleteOptions};
use watchkeeper_core::cache::Store;
use watchkeeper_core::id::{FleetName, GroupId};
use watchkeeper_core::lease::Token;
use watchkeeper_integration_tests::etcd_server::EtcdServer;
use watchkeeper_integration_tests::shared::Kept;
use watchkeeper_testkit::conformance::{Harness, Place, Shape};
use watchkeeper_testkit::faults::Faulty;

use super::guarded::Guarded;
use super::support::{options_of, store};
use crate::support::fresh_fleet;

/// The lowest number that is no token.
const NO_TOKEN: u64 = (1 << 53) - 1;

struct Harnessed {
    server: Door,
    fleet: FleetName,
    wrapped: bool,
}

enum Door {
    Open(Arc<Kept<EtcdServer>>),
    Guarded(Arc<Kept<Guarded>>),
}

async fn bare() -> Harnessed {
    Harnessed {
        server: Door::Open(EtcdServer::shared().await),
        fleet: fresh_fleet(),
        wrapped: false,
    }
}

async fn wrapped() -> Harnessed {
    let mut etcd = bare().await;
    etcd.wrapped = true;
    etcd
}

async fn guarded() -> Harnessed {
    Harnessed {
        server: Door::Guarded(Guarded::shared().await),
        fleet: fresh_fleet(),
        wrapped: false,
    }
}

impl Harnessed {
    async fn client(&self) -> Client {
        match &self.server {
            Door::Open(server) => Client::connect([server.endpoint()], None).await.unwrap(),
            Door::Guarded(server) => server.etcd.connect().await,
        }
    }

    fn prefix(&self) -> String {
        format!("watchkeeper/{}/", self.fleet)
    }
}

#[async_trait]
impl Harness for Harnessed {
    async fn store(&self) -> Arc<dyn Store> {
        let options = match &self.server {
            Door::Open(server) => options_of(self.fleet.clone(), server.endpoint()),
            Door::Guarded(server) => server.options(&self.fleet),
        };
        let store: Arc<dyn Store> = Arc::new(store(&options));
        if self.wrapped {
            return Arc::new(Faulty::new(store));
        }
        store
    }

    async fn elapse(&self, by: Duration) {
        // The servers' clocks are nobody's to move: this much time has to pass.
        tokio::time::sleep(by).await;
    }

    async fn wipe(&self) {
        let all = DeleteOptions::new().with_prefix();
        let mut client = self.client().await;
        client.delete(self.prefix(), Some(all)).await.unwrap();
    }

    async fn make_endless(&self, group: &GroupId) {
        let mut client = self.client().await;
        let key = format!("{}lock/{group}", self.prefix());
        let found = client.get(key.as_str(), None).await.unwrap();
        let value = found.kvs().first().expect("there was no lock").value();
        client.put(key, value, None).await.unwrap();
    }

    async fn plant(&self, group: &GroupId, place: Place, shape: Shape) -> bool {
        let prefix = self.prefix();
        let keys = match place {
            Place::Lock => vec![format!("{prefix}lock/{group}")],
            Place::Token => vec![format!("{prefix}token/{group}")],
            Place::Report => vec![format!("{prefix}report/{group}")],
            Place::Presence => ["a", "", "b/c", "someone"]
                .map(|name| format!("{prefix}pods/{name}"))
                .to_vec(),
        };
        let Some(value) = planted(place, shape) else {
            return false;
        };
        let mut client = self.client().await;
        for key in keys {
            client.put(key, value.as_slice(), None).await.unwrap();
        }
        true
    }

    fn shortest(&self) -> Duration {
        Duration::from_secs(2)
    }

    fn past_shortest(&self) -> Duration {
        // etcd looks twice a second for what has ended, and its members have to agree on it.
        Duration::from_millis(3_000)
    }

    fn grain(&self) -> Duration {
        // etcd tells whole seconds.
        Duration::from_millis(1_050)
    }

    async fn least_token(&self) -> Token {
        // The revision goes on rising whatever is deleted.
        let mut client = self.client().await;
        let answer = client.get("nothing", None).await.unwrap();
        Token(u64::try_from(answer.header().unwrap().revision()).unwrap())
    }

    fn token_rise(&self, _: Duration) -> u64 {
        1
    }

    fn impossible_after(&self, _: Token) -> Token {
        Token(NO_TOKEN)
    }
}

fn planted(place: Place, shape: Shape) -> Option<Vec<u8>> {
    let text = |text: &str| Some(text.as_bytes().to_vec());
    match (place, shape) {
        (_, Shape::Text) => text("foreign"),
        (_, Shape::OtherText) => text("foreign too"),
        (_, Shape::Binary) => Some(vec![0, 255, 128, 10]),
        (_, Shape::Empty) => text(""),
        // As large as etcd takes.
        (_, Shape::Huge) => Some(vec![b'x'; 1_500_000]),
        (Place::Lock, Shape::NearMiss) => text("wk1|5|1|1000|pod a"),
        (Place::Token, Shape::NearMiss) => text("17672256000000x0"),
        (Place::Report, Shape::NearMiss) => text("wk1|5|4294967296\nforeign"),
        (Place::Presence, Shape::NearMiss) => text("wk1|5000|"),
        (Place::Lock, Shape::Impossible) => text(&format!("wk1|{NO_TOKEN}|1|60000|somebody")),
        (Place::Token, Shape::Impossible) => text(&NO_TOKEN.to_string()),
        (Place::Report, Shape::Impossible) => text(&format!("wk1|{NO_TOKEN}|1\nforeign")),
        (Place::Presence, Shape::Impossible) => text("wk1|99999999999999999999|"),
        // Every value in etcd is bytes.
        (_, Shape::List | Shape::Set | Shape::SortedSet | Shape::Hash | Shape::Stream) => None,
    }
}

mod etcd_store {
    watchkeeper_testkit::conformance_tests!(super::bare);
}

mod etcd_store_through_a_wrapper {
    watchkeeper_testkit::conformance_tests!(super::wrapped);
}

mod etcd_store_over_tls_with_auth {
    watchkeeper_testkit::conformance_tests!(super::guarded);
}
