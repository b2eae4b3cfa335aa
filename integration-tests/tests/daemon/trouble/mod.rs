//! Stores that do not let us work: what is said of it, what the pod does meanwhile, and that mending the cause is enough.

mod cluster;
mod etcd;
mod harness;
mod redis;
mod sentinel;
mod tls;
