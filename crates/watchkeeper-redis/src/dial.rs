//! One way to a given server: a socket, TLS if wanted, and the door.
//!
//! The driver could do this as well, but would tell "too many clients" as a wrong password, take its TLS roots from
//! the system, and leave Nagle's algorithm on.

use std::fmt::Display;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use redis::{Cmd, RedisConnectionInfo, RedisError, Value};
use rustls::pki_types::ServerName;
use tokio::net::UnixStream;
use watchkeeper_core::error::{StoreError, StoreErrorKind};
use watchkeeper_core::secret::Secret;
use watchkeeper_remote::Stream;

use crate::error::{self, Door, Failure, Peer};
use crate::options::{Node, RedisOptions, Topology};
use crate::place::Place;
use crate::rights;
use crate::talk::{self, MOST_BYTES};
use crate::tls::{self, Tls};

/// Who we are for servers of one sort.
struct Side {
    username: Option<String>,
    password: Option<Secret>,
    db: u32,
    door: Arc<Door>,
}

/// Opens connections that are ready for commands.
pub(crate) struct Dialer {
    tls: Option<Tls>,
    data: Side,
    sentinel: Side,
    timeout: Duration,
}

/// A connection that is let in and that the driver does not have yet.
pub(crate) struct Way {
    pub(crate) wire: Box<dyn Stream>,
    pub(crate) peer: Peer,
}

impl Way {
    /// Asks one question.
    ///
    /// # Errors
    /// What the server refused, or why the connection is of no more use.
    pub(crate) async fn ask(&mut self, question: Cmd) -> Result<Value, RedisError> {
        let mut answers = self.ask_all(&[question], MOST_BYTES).await?;
        answers.pop().unwrap_or(Ok(Value::Nil))
    }

    /// Asks all of them at once; there are as many answers.
    ///
    /// # Errors
    /// Why the connection is of no more use.
    pub(crate) async fn ask_all(
        &mut self,
        questions: &[Cmd],
        most: usize,
    ) -> io::Result<Vec<Result<Value, RedisError>>> {
        talk::ask(&mut *self.wire, questions, most).await
    }

    /// The error of this connection in words.
    pub(crate) fn failure(&self, error: &RedisError) -> Failure {
        error::driver(error, &self.peer)
    }
}

impl Dialer {
    pub(crate) fn new(options: &RedisOptions) -> Result<Self, StoreError> {
        let cluster = matches!(options.topology, Topology::Cluster { .. });
        let tls = options.tls.as_ref().map(tls::connector).transpose()?;
        let data = Side {
            username: options.username.clone(),
            password: options.password.clone(),
            db: options.db,
            door: Arc::new(Door {
                who: "redis",
                options: "`username` and `password`",
                acl: rights::acl_line(options),
                cluster,
            }),
        };
        let sentinel = match &options.topology {
            Topology::Sentinel(sentinel) => Some(sentinel),
            _ => None,
        };
        let username = sentinel.and_then(|sentinel| sentinel.username.clone());
        let sentinel = Side {
            door: Arc::new(Door {
                who: "the sentinel",
                options: "`sentinel.username` and `sentinel.password`",
                acl: rights::sentinel_acl_line(username.as_deref()),
                cluster: false,
            }),
            username,
            password: sentinel.and_then(|sentinel| sentinel.password.clone()),
            db: 0,
        };
        Ok(Self {
            tls,
            data,
            sentinel,
            timeout: options.timeout,
        })
    }

    /// The limit of one operation, connecting included.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// What an attempt to connect may take: a little less than an operation, so that the operation that waits for it
    /// can still say which server did not answer.
    pub(crate) fn limit(&self) -> Duration {
        self.timeout - self.timeout / 20
    }

    /// A connection to a server that holds data. The caller bounds the time.
    pub(crate) async fn open(&self, place: &Place) -> Result<Way, Failure> {
        self.enter(place, &self.data).await
    }

    /// A connection to a sentinel. The caller bounds the time.
    pub(crate) async fn open_sentinel(&self, node: &Node) -> Result<Way, Failure> {
        self.enter(&Place::Tcp(node.clone()), &self.sentinel).await
    }

    /// Nothing is left for the driver to say when it takes the connection over.
    pub(crate) fn nothing_to_say() -> RedisConnectionInfo {
        RedisConnectionInfo::default().set_skip_set_lib_name()
    }

    /// That no connection was made within the time limit.
    pub(crate) fn too_slow(&self, place: &impl Display) -> Failure {
        let tls = if self.tls.is_some() {
            ", does it speak TLS there (else use `redis://`, or the server's TLS port)"
        } else {
            ""
        };
        let why = format!(
            "no connection to `{place}` within `{:?}`: is the address right{tls}, and does the server still answer",
            self.timeout
        );
        Failure::new(StoreErrorKind::Timeout, why)
    }

    /// Opens a connection, says who we are, chooses the database, and finds out whether somebody answers.
    async fn enter(&self, place: &Place, side: &Side) -> Result<Way, Failure> {
        let peer = Peer {
            place: place.clone(),
            door: side.door.clone(),
        };
        let wire = self.connect(place).await;
        let wire = wire.map_err(|e| error::dial(&e, &peer))?;
        let mut way = Way { wire, peer };
        if side.password.is_some() || side.username.is_some() {
            let mut auth = redis::cmd("AUTH");
            if let Some(user) = &side.username {
                auth.arg(user);
            }
            auth.arg(side.password.as_ref().map_or("", |p| p.expose()));
            let answer = way.ask(auth).await;
            answer.map_err(|error| way.failure(&error).without(side.password.as_ref()))?;
        }
        if side.db != 0 {
            let mut select = redis::cmd("SELECT");
            select.arg(side.db);
            let answer = way.ask(select).await;
            answer.map_err(|error| way.failure(&error))?;
        }
        // Finds out about a missing password, and that somebody answers.
        let answer = way.ask(redis::cmd("PING")).await;
        match answer.map_err(|error| way.failure(&error)) {
            // A user without the right to ping has all the same been let in.
            Err(failure) if failure.kind != StoreErrorKind::Denied => Err(failure),
            _ => Ok(way),
        }
    }

    async fn connect(&self, place: &Place) -> io::Result<Box<dyn Stream>> {
        let node = match place {
            Place::Tcp(node) => node,
            Place::Unix(path) => return Ok(Box::new(UnixStream::connect(path).await?)),
        };
        let stream = watchkeeper_remote::tcp(&node.host, node.port).await?;
        let Some(tls) = &self.tls else {
            return Ok(Box::new(stream));
        };
        let name = match &tls.name {
            Some(name) => name.clone(),
            None => ServerName::try_from(node.host.clone()).map_err(io::Error::other)?,
        };
        Ok(Box::new(tls.connector.connect(name, stream).await?))
    }
}
