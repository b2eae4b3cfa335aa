//! The way to one of the members: a socket, TLS if wanted, who we are, and whether it can serve.
//!
//! The driver could connect by itself, but does so only when first used, goes on connecting in the background for ever,
//! tells no endpoint from another, and loses what TLS said. So each connection is made here and handed over; when it
//! breaks, the driver is given no other.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use etcd_client::Client;
use futures_util::stream::{FuturesUnordered, StreamExt};
use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;
use tonic::transport::Uri;
use watchkeeper_core::error::{StoreError, StoreErrorKind};
use watchkeeper_remote::{Stream, TlsOptions, client_config, config, share};

use crate::endpoint::{self, Endpoint};
use crate::error::{self, Failure};
use crate::introduce::introduce;
use crate::options::EtcdOptions;
use crate::wire::{End, Wire};

/// Opens connections that are ready for calls.
pub(crate) struct Dialer {
    members: Vec<Member>,
    /// The member that is tried first.
    first: AtomicUsize,
    options: EtcdOptions,
    tls: Option<TlsConnector>,
}

struct Member {
    endpoint: Endpoint,
    /// As requests name it.
    url: Uri,
    /// The name that its certificate has to carry.
    name: Option<ServerName<'static>>,
}

/// A connection that was let in.
pub(crate) struct Opened {
    pub(crate) client: Client,
    /// Which member it leads to, for [`Dialer::avoid`].
    pub(crate) member: usize,
    pub(crate) address: String,
    pub(crate) end: End,
}

impl Dialer {
    /// # Errors
    /// Of kind `Config`, naming the option that cannot be used.
    pub(crate) fn new(options: EtcdOptions) -> Result<Self, StoreError> {
        if options.timeout.is_zero() {
            return Err(config(
                "etcd `timeout` is zero: nothing could be answered in time",
            ));
        }
        match (&options.username, &options.password) {
            (Some(_), None) => return Err(config("etcd `username` needs `password` beside it")),
            (None, Some(_)) => return Err(config("etcd `password` needs `username` beside it")),
            _ => {}
        }
        let endpoints = endpoint::endpoints(&options)?;
        let encrypted = endpoints.iter().any(|endpoint| endpoint.tls);
        let tls_options = options.tls.clone().unwrap_or_default();
        let tls = encrypted.then(|| connector(&tls_options)).transpose()?;
        let members = endpoints
            .into_iter()
            .map(|endpoint| Member::new(endpoint, tls_options.server_name.as_deref()))
            .collect::<Result<Vec<_>, _>>()?;
        // The pods of a fleet spread over the members.
        let spread = usize::try_from(RandomState::new().hash_one(0) >> 33).unwrap_or(0);
        Ok(Self {
            first: AtomicUsize::new(spread.checked_rem(members.len()).unwrap_or(0)),
            members,
            options,
            tls,
        })
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.options.timeout
    }

    /// The members' addresses, for people.
    pub(crate) fn addresses(&self) -> String {
        let all: Vec<_> = self
            .members
            .iter()
            .map(|m| m.endpoint.to_string())
            .collect();
        all.join(", ")
    }

    /// The next connection is tried with another member first, if there is one.
    pub(crate) fn avoid(&self, member: usize) {
        let next = member.saturating_add(1).checked_rem(self.members.len());
        let _ = self.first.compare_exchange(
            member,
            next.unwrap_or(0),
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
    }

    /// A connection to the first member that lets us in and can serve; within the time limit.
    ///
    /// The members are tried in turn. One that is slow delays the others by its share of the limit only, and wins all
    /// the same if it is let in before them.
    pub(crate) async fn open(&self) -> Result<Opened, Failure> {
        let failures = Mutex::new(Vec::new());
        // A little less than the limit, so that who waits for it still hears why.
        let limit = self.timeout().mul_f64(0.9);
        let opened = tokio::time::timeout(limit, self.race(&failures)).await;
        if let Ok(Some(opened)) = opened {
            self.first.store(opened.member, Ordering::Relaxed);
            return Ok(opened);
        }
        let mut failures = failures
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        if opened.is_err() {
            failures.push(self.too_slow());
        }
        // The next attempt begins elsewhere, or the same slow member would be waited for first each time.
        self.avoid(self.first.load(Ordering::Relaxed));
        Err(self.most_telling(failures))
    }

    /// What is to be said when no connection was there in time.
    pub(crate) fn too_slow(&self) -> Failure {
        let tls = if self.tls.is_some() {
            ", does it speak TLS there"
        } else {
            ""
        };
        Failure::new(
            StoreErrorKind::Timeout,
            format!(
                "no connection to `{}` within `{:?}`: is the address right{tls}, and does the server still answer",
                self.addresses(),
                self.timeout()
            ),
        )
    }

    /// The first that gets in, or none once all have failed.
    async fn race(&self, failures: &Mutex<Vec<Failure>>) -> Option<Opened> {
        let count = self.members.len();
        let share = share(self.timeout(), count);
        let first = self.first.load(Ordering::Relaxed);
        let turn = (0..count).map(|at| first.saturating_add(at).checked_rem(count).unwrap_or(0));
        let mut waiting = turn.collect::<Vec<_>>().into_iter();
        let mut under_way = FuturesUnordered::new();
        loop {
            if let Some(member) = waiting.next() {
                under_way.push(self.enter(member));
            }
            let next = tokio::select! {
                next = under_way.next() => next?,
                () = tokio::time::sleep(share), if waiting.len() > 0 => continue,
            };
            match next {
                Ok(opened) => return Some(opened),
                Err(failure) => {
                    // What one member refuses, all refuse: only the number of refusals would grow.
                    let final_word = failure.kind == StoreErrorKind::Auth;
                    failures
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(failure);
                    if final_word {
                        return None;
                    }
                }
            }
        }
    }

    /// One failure to speak for all: that which a person has to mend goes before one that may pass.
    fn most_telling(&self, failures: Vec<Failure>) -> Failure {
        let rank = |failure: &Failure| match failure.kind {
            StoreErrorKind::Auth => 0,
            StoreErrorKind::Denied | StoreErrorKind::Config => 1,
            StoreErrorKind::Unwritable | StoreErrorKind::TooLarge => 2,
            StoreErrorKind::Protocol => 3,
            StoreErrorKind::Timeout => 4,
            StoreErrorKind::Unreachable => 5,
        };
        let count = self.members.len();
        let Some(mut told) = failures.into_iter().min_by_key(rank) else {
            return self.too_slow();
        };
        if count > 1 && told.kind != StoreErrorKind::Auth {
            told.message
                .push_str(&format!("; none of the {count} endpoints can be used"));
        }
        told
    }

    async fn enter(&self, at: usize) -> Result<Opened, Failure> {
        let member = self.members.get(at).ok_or_else(|| self.too_slow())?;
        let address = member.endpoint.to_string();
        let stream = self
            .connect(member)
            .await
            .map_err(|e| error::dial(&e, &address))?;
        let end = End::new(address.clone());
        let wire = Wire::new(stream, end.clone());
        let entered = introduce(&member.endpoint, member.url.clone(), &self.options, wire).await;
        let client = entered.map_err(|failure| first_words(failure, &end, &address))?;
        Ok(Opened {
            client,
            member: at,
            address,
            end,
        })
    }

    async fn connect(&self, member: &Member) -> io::Result<Box<dyn Stream>> {
        let Endpoint { host, port, .. } = &member.endpoint;
        // HTTP/2's own pings would not do beside TCP's: etcd hangs up on who sends them more often than each five
        // seconds.
        let stream = watchkeeper_remote::tcp(host, *port).await?;
        let (Some(tls), Some(name)) = (&self.tls, &member.name) else {
            return Ok(Box::new(stream));
        };
        Ok(Box::new(tls.connect(name.clone(), stream).await?))
    }
}

fn connector(options: &TlsOptions) -> Result<TlsConnector, StoreError> {
    let mut client = client_config("etcd", options)?;
    // Its servers refuse who does not name it.
    client.alpn_protocols = vec![b"h2".to_vec()];
    Ok(TlsConnector::from(Arc::new(client)))
}

impl Member {
    fn new(endpoint: Endpoint, name: Option<&str>) -> Result<Self, StoreError> {
        let unusable = || config(format!("etcd `endpoints`: `{endpoint}` is no address"));
        let url = endpoint.url().parse().map_err(|_| unusable())?;
        let name =
            match name {
                _ if !endpoint.tls => None,
                Some(name) => Some(ServerName::try_from(name.to_owned()).map_err(|_| {
                    config("etcd `tls.server_name` is no name that a certificate has")
                })?),
                None => Some(ServerName::try_from(endpoint.host.clone()).map_err(|_| unusable())?),
            };
        Ok(Self {
            endpoint,
            url,
            name,
        })
    }
}

/// A failure of the first calls, when it is not yet known who is there.
fn first_words(failure: Failure, end: &End, address: &str) -> Failure {
    if !failure.is_transport() {
        return failure;
    }
    end.failure().unwrap_or_else(|| {
        Failure::new(
            StoreErrorKind::Protocol,
            format!(
                "`{address}` does not speak as etcd does: is it a member's client port, and does it want TLS"
            ),
        )
    })
}

#[cfg(test)]
mod tests;
