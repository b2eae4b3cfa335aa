//! The suite that every backend passes, on shared servers: one, and Redis as it runs in production.

use watchkeeper_integration_tests::redis_conformance::{Guarded, Redis, Sharded, Watched};
use watchkeeper_integration_tests::redis_server::RedisServer;
use watchkeeper_integration_tests::shared::Slot;

async fn bare() -> Redis {
    Redis::at(RedisServer::shared().await).await
}

async fn wrapped() -> Redis {
    bare().await.wrapped()
}

async fn with_companions() -> Redis {
    bare().await.with_companions()
}

async fn guarded() -> Redis {
    static SHARED: Slot<Guarded> = Slot::new();
    Redis::at(SHARED.get().await).await
}

async fn watched() -> Redis {
    static SHARED: Slot<Watched> = Slot::new();
    Redis::at(SHARED.get().await).await
}

async fn sharded() -> Redis {
    static SHARED: Slot<Sharded> = Slot::new();
    Redis::at(SHARED.get().await).await
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

mod redis_store_by_tls_with_the_documented_rights {
    watchkeeper_testkit::conformance_tests!(super::guarded);
}

mod redis_store_behind_sentinel {
    watchkeeper_testkit::conformance_tests!(super::watched);
}

mod redis_store_in_a_cluster {
    watchkeeper_testkit::conformance_tests!(super::sharded);
}
