//! Every failure of the driver, mapped by hand: what kind it is, whether the write may have landed, what to do.

mod dial;
mod server;

use std::error::Error as _;
use std::io;
use std::sync::Arc;

use redis::{ErrorKind, RedisError};
use watchkeeper_core::error::{StoreError, StoreErrorKind, StoreOp};
use watchkeeper_core::secret::Secret;
use watchkeeper_remote::Reason;

use crate::options::Node;
use crate::place::Place;

pub(crate) use dial::dial;
pub(crate) use server::{ends_connection, server};

/// What stands before the arguments that a server repeats.
const REPEATED: &str = ", with args beginning with";
/// Of failures that are told together, so many are shown.
const MAX_SHOWN: usize = 3;

/// Whom a failure is about, for its words.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    /// What was dialled.
    pub(crate) place: Place,
    /// What people can do there.
    pub(crate) door: Arc<Door>,
}

/// What the servers of one sort have in common: which options let us in, and with which rights.
#[derive(Debug)]
pub(crate) struct Door {
    /// `redis` or `the sentinel`.
    pub(crate) who: &'static str,
    /// The options that hold user and password there.
    pub(crate) options: &'static str,
    /// The line that gives our user its rights there.
    pub(crate) acl: String,
    /// Whether nodes of a cluster are expected.
    pub(crate) cluster: bool,
}

/// What a server said that the code goes by, besides the words for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Sign {
    /// Nothing.
    #[default]
    None,
    /// The fleet's keys lie at another node; at this one, where it was said. Nothing was executed.
    Moved(Option<Node>),
    /// This command is to be tried at that node, since the slot is on its way there. Nothing was executed.
    Ask(Option<Node>),
    /// The keys of one command lie at two nodes while their slot is on its way. Nothing was executed.
    TryAgain,
}

/// A failure before it is known which operation it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) kind: StoreErrorKind,
    pub(crate) message: String,
    pub(crate) sign: Sign,
}

impl Failure {
    pub(crate) fn new(kind: StoreErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            sign: Sign::None,
        }
    }

    /// As the error of an operation; `sent`: its request left before the failure.
    pub(crate) fn of(self, op: StoreOp, sent: bool) -> StoreError {
        // An answer that names another kind comes from a server that refused the step before its first write.
        let in_doubt = matches!(
            self.kind,
            StoreErrorKind::Unreachable | StoreErrorKind::Timeout | StoreErrorKind::Protocol
        );
        if sent && in_doubt && writes(op) {
            StoreError::unknown(self.kind, op, self.message)
        } else {
            StoreError::refused(self.kind, op, self.message)
        }
    }

    /// The same without this secret, should the server have repeated it.
    pub(crate) fn without(mut self, secret: Option<&Secret>) -> Self {
        if let Some(secret) = secret.map(Secret::expose).filter(|text| !text.is_empty()) {
            self.message = self.message.replace(secret, "***");
        }
        self
    }

    /// One failure for several ways that were tried in vain. What a person has to mend goes before what time may mend.
    pub(crate) fn together(failures: Vec<Self>, nothing: &str) -> Self {
        let Some(top) = failures.iter().min_by_key(|failure| weight(failure.kind)) else {
            return Self::new(StoreErrorKind::Unreachable, nothing);
        };
        let (kind, sign) = (top.kind, top.sign.clone());
        let told = |failure: &&Self| kind.may_retry() || failure.kind == kind;
        let mut words: Vec<&str> = Vec::new();
        for failure in failures.iter().filter(told) {
            if !words.contains(&failure.message.as_str()) {
                words.push(&failure.message);
            }
        }
        // The one that gave the kind stands first.
        words.sort_by_key(|text| *text != top.message.as_str());
        let more = words.len().saturating_sub(MAX_SHOWN);
        words.truncate(MAX_SHOWN);
        let mut message = words.join("; ");
        if more > 0 {
            message.push_str(&format!("; and `{more}` more"));
        }
        Self {
            kind,
            message,
            sign,
        }
    }
}

impl From<Reason> for Failure {
    fn from(reason: Reason) -> Self {
        Self::new(reason.kind, reason.message)
    }
}

impl From<Failure> for Reason {
    fn from(failure: Failure) -> Self {
        Self::new(failure.kind, failure.message)
    }
}

/// How little a kind tells of what to do; the least is told first.
fn weight(kind: StoreErrorKind) -> u8 {
    match kind {
        StoreErrorKind::Config => 0,
        StoreErrorKind::Auth => 1,
        StoreErrorKind::Denied => 2,
        StoreErrorKind::TooLarge => 3,
        StoreErrorKind::Unwritable => 4,
        StoreErrorKind::Protocol => 5,
        StoreErrorKind::Unreachable => 6,
        StoreErrorKind::Timeout => 7,
    }
}

fn writes(op: StoreOp) -> bool {
    match op {
        StoreOp::Acquire
        | StoreOp::Renew
        | StoreOp::Release
        | StoreOp::Publish
        | StoreOp::Read
        | StoreOp::Announce => true,
        StoreOp::Inspect | StoreOp::Ping | StoreOp::Pods | StoreOp::Connect => false,
    }
}

/// The server's or driver's words, cut and on one line. The driver never puts credentials into them; a server repeats the
/// arguments of a command that it does not know, and those of `AUTH` are the user and the password.
pub(crate) fn brief(text: &str) -> String {
    let (text, _) = text.split_once(REPEATED).unwrap_or((text, ""));
    watchkeeper_remote::brief(text)
}

/// What the driver said while talking to the server.
pub(crate) fn driver(error: &RedisError, peer: &Peer) -> Failure {
    if let Some(io) = inner_io(error) {
        return dial(io, peer);
    }
    let address = &peer.place;
    match error.kind() {
        ErrorKind::Server(_) | ErrorKind::Extension => {
            let code = error.code().unwrap_or("ERR");
            server(code, error.detail().unwrap_or_default(), peer)
        }
        ErrorKind::Io => Failure::new(
            StoreErrorKind::Unreachable,
            format!("the connection to `{address}` broke"),
        ),
        ErrorKind::AuthenticationFailed => server::wrong_password(peer),
        ErrorKind::InvalidClientConfig => Failure::new(
            StoreErrorKind::Config,
            format!(
                "the driver refuses its options: {}",
                brief(&error.to_string())
            ),
        ),
        _ => Failure::new(
            StoreErrorKind::Protocol,
            format!(
                "`{address}` answered what redis does not: {}",
                brief(&error.to_string())
            ),
        ),
    }
}

fn inner_io(error: &RedisError) -> Option<&io::Error> {
    let source = error.source()?;
    source.downcast_ref().or_else(|| {
        let shared = source.downcast_ref::<Arc<dyn std::error::Error + Send + Sync>>()?;
        shared.downcast_ref()
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A server for tests.
    pub(crate) fn peer() -> Peer {
        Peer {
            place: Place::Tcp(Node::new("h", 1)),
            door: Arc::new(Door {
                who: "redis",
                options: "`username` and `password`",
                acl: "ACL SETUSER me on".to_owned(),
                cluster: false,
            }),
        }
    }

    #[test]
    fn the_drivers_own_errors_have_their_kind() {
        let kind = |kind: ErrorKind| driver(&RedisError::from((kind, "words")), &peer()).kind;
        assert_eq!(kind(ErrorKind::AuthenticationFailed), StoreErrorKind::Auth);
        assert_eq!(kind(ErrorKind::InvalidClientConfig), StoreErrorKind::Config);
        assert_eq!(kind(ErrorKind::Io), StoreErrorKind::Unreachable);
        assert_eq!(kind(ErrorKind::Parse), StoreErrorKind::Protocol);
        assert_eq!(
            kind(ErrorKind::UnexpectedReturnType),
            StoreErrorKind::Protocol
        );
    }

    #[test]
    fn only_a_sent_write_may_have_landed() {
        let failure = Failure::new(StoreErrorKind::Timeout, "late");
        assert!(failure.clone().of(StoreOp::Publish, true).may_have_landed);
        assert!(!failure.clone().of(StoreOp::Publish, false).may_have_landed);
        assert!(!failure.of(StoreOp::Inspect, true).may_have_landed);
        let full = server("OOM", "command not allowed", &peer());
        assert!(!full.of(StoreOp::Publish, true).may_have_landed);
    }

    #[test]
    fn a_secret_that_a_server_repeats_is_hidden() {
        let failure = Failure::new(StoreErrorKind::Protocol, "no such command: AUTH hunter22");
        let secret = Secret::new("hunter22");
        let hidden = failure.clone().without(Some(&secret));
        assert_eq!(hidden.message, "no such command: AUTH ***");
        assert_eq!(failure.clone().without(None), failure);
        assert_eq!(failure.clone().without(Some(&Secret::new(""))), failure);
    }

    #[test]
    fn of_several_failures_the_one_to_mend_is_told() {
        use StoreErrorKind::{Auth, Config, Timeout, Unreachable, Unwritable};
        let failures = |list: &[(StoreErrorKind, &str)]| {
            let failures = list.iter().map(|(kind, text)| Failure::new(*kind, *text));
            let together = Failure::together(failures.collect(), "nothing was tried");
            (together.kind, together.message)
        };
        for (list, kind, message) in [
            (&[][..], Unreachable, "nothing was tried"),
            (&[(Timeout, "a")], Timeout, "a"),
            (&[(Timeout, "a"), (Unreachable, "b")], Unreachable, "b; a"),
            (&[(Unreachable, "a"), (Unwritable, "b")], Unwritable, "b; a"),
            (
                &[(Unreachable, "a"), (Auth, "b"), (Auth, "c")],
                Auth,
                "b; c",
            ),
            (&[(Auth, "a"), (Config, "b"), (Config, "b")], Config, "b"),
            (
                &[
                    (Timeout, "a"),
                    (Timeout, "b"),
                    (Timeout, "c"),
                    (Timeout, "d"),
                ],
                Timeout,
                "a; b; c; and `1` more",
            ),
        ] {
            assert_eq!(failures(list), (kind, message.to_owned()), "{list:?}");
        }
    }
}
