//! Leases, reports and presence on etcd 3.4 or later.

mod cache;
mod call;
mod chores;
mod dial;
mod endpoint;
mod error;
mod feed;
mod foreign;
mod lease;
mod link;
mod memory;
mod options;
mod presence;
mod revisions;
mod store;
mod term;
mod tls;
mod value;
mod view;
mod wire;

pub use cache::MAX_REPORT_BYTES;
pub use options::{DEFAULT_TIMEOUT, EtcdOptions, TlsOptions};
pub use store::EtcdStore;
