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
//! # Where the primary is
//!
//! ```text
//!   link, feed ──▶ locate ──▶ one server, or who the sentinels name, or who has the fleet's slot of a cluster
//!                     └─────▶ dial: socket, TLS, AUTH, SELECT ──▶ check: rights and version, once per connection
//! ```
//!
//! Whatever [`Topology`] it is, one primary is spoken to. Replicas are never read: `READONLY` is never sent to a node of
//! a cluster, and a server that says it is a replica is given up. A failover is followed by the next operation, which
//! asks anew where the primary is; a sentinel is listened to besides (`+switch-master`), since a former primary may stay
//! reachable. In a cluster `MOVED` and `ASK` are followed within the operation, as nothing was executed; `TRYAGAIN` (the
//! keys of one step are parted while their slot moves) is repeated shortly and then told.
//!
//! TLS is spoken with data nodes and sentinels alike. Certificates are checked against the host that was configured or
//! announced, or against [`TlsOptions::server_name`] where it is set.
//!
//! # What is promised
//!
//! [`Guarantee::SinglePrimary`](watchkeeper_core::lease::Guarantee::SinglePrimary): a primary acknowledges before its
//! replicas have a write. So a failover may lose the last acknowledged writes, and a primary that is cut off from the
//! others may go on acknowledging writes that will be lost: until it is demoted (Sentinel; `min-replicas-to-write`
//! bounds it), or for up to `cluster-node-timeout` (Cluster). A lease may then be granted twice, which costs one more
//! round of probes. Tokens still rise, since each is at least the new primary's time and above what its pod has seen: of
//! two holders the one with the lower token is refused at its next step, and no older report overwrites a newer one. A
//! report that is lost is offered again by the pods that show it.
//!
//! # Rights
//!
//! An ACL user (on 6.2 after `resetchannels`) needs, on `~watchkeeper:{<fleet>}:*` and `&watchkeeper:{<fleet>}:*`:
//! `+evalsha +eval +ping +select +subscribe +publish +time +type +pttl +pexpire +del +unlink +set +getrange +strlen
//! +hget +hset +hsetnx +hdel +hlen +hkeys +hexists +hstrlen +llen +scard +zcard +xlen`, behind sentinels `+role` as well,
//! in a cluster `+cluster|keyslot +cluster|slots +asking`. A user of the sentinels needs
//! `+sentinel|get-master-addr-by-name +subscribe +ping` and `&+switch-master`. Each new connection for operations tries
//! all that the scripts use on a key of its own, `watchkeeper:{<fleet>}:check`, and names in one error what is missing.
//! Whoever has these rights can forge results.

mod cache;
mod check;
mod companion;
mod dial;
mod error;
mod feed;
mod lease;
mod link;
mod locate;
mod options;
mod place;
mod redirect;
mod reply;
mod rights;
mod scripts;
mod store;
mod talk;
mod tls;
mod url;

pub use cache::MAX_REPORT_BYTES;
pub use companion::CompanionOptions;
pub use options::{DEFAULT_TIMEOUT, Node, RedisOptions, SentinelOptions, Topology};
pub use store::RedisStore;
pub use watchkeeper_remote::TlsOptions;
