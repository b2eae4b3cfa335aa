//! Leases, reports and presence on Redis 6.2 or later, or Valkey.
//!
//! ```text
//!   operations ──▶ link ── one connection ──▶ EVALSHA, one script per guarded step (scripts/*.lua)
//!   watchers   ◀── feed ── one connection ◀── channel watchkeeper:{<fleet>}:events (from the first watcher on)
//! ```
//!
//! | key | value |
//! |---|---|
//! | `watchkeeper:{<fleet>}:lock:<group>` | text `wk1\|<token>\|<attempt>\|<ttl ms>\|<pod>`, ends by itself |
//! | `watchkeeper:{<fleet>}:token:<group>` | the highest token, decimal; kept for 7 days |
//! | `watchkeeper:{<fleet>}:report:<group>` | hash: `token`, `edition`, `at` (server's µs), `body`, and with companions `beside` |
//! | `watchkeeper:{<fleet>}:pods` | hash: pod to `wk1\|<at µs>\|<ttl ms>\|<info>`; the field without a name is ping's |
//! | channel `watchkeeper:{<fleet>}:events` | `wk1\|report\|<group>`, `wk1\|released\|<group>`, `wk1\|report+released\|<group>` |
//!
//! Companions ([`CompanionOptions`]) are a lock and a report that programs other than ours use. They are taken, held and
//! written in the same scripts, and claimed by one group at a time.
//!
//! Time is the server's, everywhere. Anything else under these keys is garbage: it is named, never believed, and
//! replaced.
//!
//! An ACL user (on 6.2 after `resetchannels`) needs, on `~watchkeeper:{<fleet>}:*` and `&watchkeeper:{<fleet>}:*`:
//! `+evalsha +eval +ping +select +subscribe +publish +time +type +pttl +pexpire +del +unlink +set +getrange +strlen
//! +hget +hset +hsetnx +hdel +hlen +hkeys +hexists +hstrlen +llen +scard +zcard +xlen`. Whoever has these can forge
//! results.

mod cache;
mod companion;
mod dial;
mod error;
mod feed;
mod foreign;
mod lease;
mod link;
mod options;
mod reply;
mod scripts;
mod store;
mod tls;

pub use cache::MAX_REPORT_BYTES;
pub use companion::CompanionOptions;
pub use options::{DEFAULT_TIMEOUT, Node, RedisOptions, SentinelOptions, TlsOptions, Topology};
pub use store::RedisStore;
