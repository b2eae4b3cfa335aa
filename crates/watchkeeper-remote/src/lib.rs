//! What backends whose store is a server on the network have in common: the way there, and what is said where it fails.
//!
//! | module | what it gives |
//! |---|---|
//! | `socket` | a TCP connection as stores want it |
//! | `tls` | options and the client's side of TLS: ring, roots of our own, one's own authority, a client certificate |
//! | `reason` | the errors of sockets and TLS in words for people, with what to do about them |
//! | `shared` | the connection that operations share: made when one needs it, one attempt at a time |
//! | `turns` | how long one of several servers is waited for |
//! | `feed` | change notices for any number of watchers, from one subscription that is made again and again |
//! | `backoff` | waits that grow, with jitter |
//! | `foreign` | the warning about values that no pod wrote, once a minute |
//!
//! A backend brings the driver, the protocol and all decisions that depend on them. Nothing here knows one of them: the
//! store's name for messages comes in as a value.

mod backoff;
mod feed;
mod foreign;
mod reason;
mod shared;
mod socket;
mod tls;
mod turns;

pub use backoff::Backoff;
pub use feed::{Feed, Subscription};
pub use foreign::Foreign;
pub use reason::{Reason, Server, brief, config, tls_error};
pub use shared::{SharedConnection, Ticket};
pub use socket::{Stream, tcp};
pub use tls::{TlsOptions, client_config};
pub use turns::share;
