//! What the live tests share.

use std::sync::Arc;
use std::time::Duration;

use watchkeeper_core::cache::{Publish, Then};
use watchkeeper_core::error::StoreError;
use watchkeeper_core::id::{AttemptId, GroupId, PodId};
use watchkeeper_core::lease::{Acquire, Acquired, LeaseRef, LeaseStore, Token};
pub(crate) use watchkeeper_integration_tests::redis_conformance::fresh_fleet;
use watchkeeper_redis::{RedisOptions, RedisStore};

/// How long an operation may take beyond its limit: a busy machine wakes a task late.
pub(crate) const SLACK: Duration = Duration::from_millis(400);
pub(crate) const LONG: Duration = Duration::from_secs(60);

pub(crate) fn options(url: &str) -> RedisOptions {
    let mut options = RedisOptions::from_url(fresh_fleet(), url).unwrap();
    // Longer than the default: these tests share a busy machine, and few are about time.
    options.timeout = Duration::from_secs(3);
    options
}

pub(crate) fn group() -> GroupId {
    GroupId::new("g-1").unwrap()
}

pub(crate) fn request(pod: &str, attempt: u64) -> Acquire {
    Acquire {
        group: group(),
        pod: PodId::new(pod).unwrap(),
        attempt: AttemptId(attempt),
        ttl: LONG,
        floor: Token::ZERO,
        take: None,
    }
}

pub(crate) async fn acquire(
    store: &RedisStore,
    pod: &str,
    attempt: u64,
) -> Result<Token, StoreError> {
    match store.acquire(&request(pod, attempt)).await? {
        Acquired::Held { token } => Ok(token),
        Acquired::Busy(busy) => panic!("expected the lease, found {busy:?}"),
    }
}

pub(crate) fn publish(pod: &str, token: Token, value: &[u8]) -> Publish {
    Publish {
        lease: LeaseRef {
            group: group(),
            pod: PodId::new(pod).unwrap(),
            token,
        },
        edition: 1,
        value: Arc::from(value),
        retain: LONG,
        then: Then::Release,
        companion: None,
    }
}
