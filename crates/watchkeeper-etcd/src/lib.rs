//! Leases, reports and presence on etcd 3.4 or later.
//!
//! ```text
//!   operations ──▶ link ── one connection to one member ──▶ transactions, and calls on etcd's own leases
//!   watchers   ◀── feed ── the same connection          ◀── watches of the locks and reports
//! ```
//!
//! | key | value | ends |
//! |---|---|---|
//! | `watchkeeper/<fleet>/lock/<group>` | `wk1\|<token>\|<attempt>\|<ttl ms>\|<pod>` | with the lock's lease |
//! | `watchkeeper/<fleet>/token/<group>` | the highest token, decimal | 7 days after the last hour of use |
//! | `watchkeeper/<fleet>/report/<group>` | a line `wk1\|<token>\|<edition>`, then the report's bytes | `retain` after its publication |
//! | `watchkeeper/<fleet>/pods/<pod>` | `wk1\|<ttl ms>\|<info>` | with the pod's lease |
//!
//! Nothing else is kept, and all of it hangs on leases of etcd's, so that an abandoned fleet vanishes. Anything else
//! under these keys is garbage: it is named, never believed, and replaced. Who may write there can forge results; a
//! user needs `readwrite` on the prefix `watchkeeper/<fleet>/` and no other right.
//!
//! # Steps
//! A guarded step is one transaction that compares the revisions of the group's three keys with those that the step was
//! decided on, and reads the three keys if they differ; then it is decided anew, a bounded number of times. What a
//! handle remembers of its groups only ever says what to try first. A quiet acquire, publication or release is one
//! transaction, with the keep-alives of the leases that it needs beside it; a renewal is a keep-alive and a look, on
//! which the members need not agree.
//!
//! # Time
//! etcd tells no time, so no two pods' clocks are compared either:
//! * A lock ends with an etcd lease: whole seconds, two at least, and up to half a second later than asked for. What
//!   remains is told to the next whole second.
//! * A report's age is this pod's steady time since it first saw the report. A report that was put after an answer of
//!   the last second and a half was new when it was first seen; of another, the etcd lease that it hangs on tells how
//!   old it is at least, in whole seconds. So a pod may take a report for up to a second and a half younger than it is,
//!   and one that joins after a change of etcd's leader, which lets all leases begin anew, for younger still; never for
//!   older, so that nobody probes too early, unless the connection broke between the report and the keep-alive of the
//!   lease beside it, and a pod joined then.
//! * Tokens are at least the store's revision, which goes on rising whatever is deleted. Where it goes back all the same,
//!   etcd has lost its data, and what a handle remembers of it is forgotten.
//!
//! # When a lease can be granted twice
//! Only where etcd itself forgets or is told to: a lease revoked by hand, a cluster restored from a backup, and a
//! keep-alive that was answered by a member that ceased to lead and does not know yet (for at most etcd's election
//! timeout, a second, by which the ttl is then shorter; the holder's own window leaves out a tenth of it). The older
//! holder's steps compare the lock's revision and are refused, and its token is lower than the next one.

mod cache;
mod call;
mod chores;
mod dial;
mod endpoint;
mod error;
mod feed;
mod introduce;
mod lease;
mod link;
mod memory;
mod options;
mod presence;
mod publish;
mod revisions;
mod store;
mod term;
mod value;
mod view;
mod wire;

pub use cache::MAX_REPORT_BYTES;
pub use options::{DEFAULT_TIMEOUT, EtcdOptions};
pub use store::EtcdStore;
pub use watchkeeper_remote::TlsOptions;
