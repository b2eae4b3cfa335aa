//! Leases, reports and presence on etcd 3.4 or later.

mod options;

pub use options::{DEFAULT_TIMEOUT, EtcdOptions, TlsOptions};
