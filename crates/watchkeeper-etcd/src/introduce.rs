//! The first words on a new connection: the driver gets the wire, we say who we are, and see who is there.

use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use etcd_client::{Channel, Client, ConnectOptions, StatusResponse};
use hyper_util::rt::TokioIo;
use tonic::transport::Uri;
use watchkeeper_core::error::StoreErrorKind;
use watchkeeper_remote::brief;

use crate::endpoint::Endpoint;
use crate::error::Failure;
use crate::options::EtcdOptions;
use crate::wire::Wire;

/// The oldest version whose calls are used.
const OLDEST: (u32, u32) = (3, 4);

/// Hands the wire to the driver, proves who we are, and asks who is there.
///
/// # Errors
/// Why it is of no use: it is none that we can speak to, refuses us, or cannot serve.
pub(crate) async fn introduce(
    endpoint: &Endpoint,
    url: Uri,
    options: &EtcdOptions,
    wire: Wire,
) -> Result<Client, Failure> {
    // Whatever connects us has no scheme of its own; what requests say of theirs is the origin.
    let target = tonic::transport::Endpoint::from_static("http://etcd")
        .origin(url)
        .tcp_nodelay(true);
    let channel = tonic::transport::Channel::connect(once(wire), target)
        .await
        .map_err(etcd_client::Error::from)?;
    let mut how = ConnectOptions::new()
        .with_require_leader(true)
        .with_auto_token_refresh(true);
    if let (Some(user), Some(password)) = (&options.username, &options.password) {
        how = how.with_user(user.clone(), password.expose());
    }
    let client = Client::from_channel(Channel::Tonic(channel), Some(how)).await?;
    match client.maintenance_client().status().await {
        Ok(status) => serves(&status, endpoint)?,
        Err(error) => {
            let failure = Failure::from(error);
            // Who may not ask that may be let in all the same; what it may do is seen when it does it.
            if !matches!(
                failure.kind,
                StoreErrorKind::Denied | StoreErrorKind::Auth | StoreErrorKind::Config
            ) {
                return Err(failure);
            }
        }
    }
    Ok(client)
}

/// Yields the wire to the first that asks, and nothing to those after it: they are who would connect anew.
fn once(
    wire: Wire,
) -> impl tower::Service<
    Uri,
    Response = TokioIo<Wire>,
    Error = io::Error,
    Future = impl Future<Output = io::Result<TokioIo<Wire>>> + Send + Unpin,
> + Send
+ 'static {
    let wire = Arc::new(Mutex::new(Some(wire)));
    tower::service_fn(move |_: Uri| {
        let wire = wire.lock().unwrap_or_else(PoisonError::into_inner).take();
        let gone = || io::Error::from(io::ErrorKind::NotConnected);
        std::future::ready(wire.map(TokioIo::new).ok_or_else(gone))
    })
}

fn serves(status: &StatusResponse, endpoint: &Endpoint) -> Result<(), Failure> {
    let version = status.version();
    if version_of(version).is_some_and(|version| version < OLDEST) {
        let (major, minor) = OLDEST;
        return Err(Failure::new(
            StoreErrorKind::Config,
            format!(
                "`{endpoint}` is etcd `{}`: `{major}.{minor}` or later is needed",
                brief(version)
            ),
        ));
    }
    if status.is_learner() {
        return Err(Failure::new(
            StoreErrorKind::Unwritable,
            format!("`{endpoint}` is only learning: give the address of a member that votes"),
        ));
    }
    Ok(())
}

/// Major and minor version; `None` where it is told in a way that we do not know.
fn version_of(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.split('.');
    let mut next = || parts.next()?.parse().ok();
    Some((next()?, next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_by_its_first_two_numbers() {
        for (text, version) in [
            ("3.4.23", Some((3, 4))),
            ("3.10.0-rc.1", Some((3, 10))),
            ("2.3.8", Some((2, 3))),
            ("", None),
            ("3", None),
            ("v3.4", None),
        ] {
            assert_eq!(version_of(text), version, "{text}");
        }
        assert!((3, 3) < OLDEST && (3, 10) >= OLDEST && (2, 9) < OLDEST);
    }
}
