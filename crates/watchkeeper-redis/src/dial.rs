//! One way to the server: a socket, TLS if wanted, and the door.
//!
//! The driver could do this as well, but would tell "too many clients" as a wrong password, take its TLS roots from
//! the system, and leave Nagle's algorithm on.

use std::io;
use std::time::Duration;

use redis::{Cmd, RedisConnectionInfo, Value};
use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use watchkeeper_core::error::{StoreError, StoreErrorKind};

use crate::error::{self, Failure};
use crate::options::{Node, RedisOptions, Topology};
use crate::tls;

/// Keeps the entry of a quiet connection alive in firewalls on the way; what finds a dead peer is the ping.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(30);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(10);

/// The longest line that a server may answer at the door.
const MAX_LINE_BYTES: usize = 4096;

pub(crate) trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

/// Opens connections that are ready for commands.
pub(crate) struct Dialer {
    options: RedisOptions,
    tls: Option<TlsConnector>,
    pub(crate) address: String,
}

impl Dialer {
    pub(crate) fn new(options: RedisOptions) -> Result<Self, StoreError> {
        Ok(Self {
            tls: options.tls.as_ref().map(tls::connector).transpose()?,
            address: options.address(),
            options,
        })
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.options.timeout
    }

    /// A connection that is let in, has its database chosen and answers; within the time limit.
    pub(crate) async fn open(&self) -> Result<Box<dyn Wire>, Failure> {
        let opened = tokio::time::timeout(self.timeout(), async {
            let mut wire = self
                .connect()
                .await
                .map_err(|e| error::dial(&e, &self.address))?;
            self.enter(&mut wire).await?;
            Ok(wire)
        });
        opened.await.unwrap_or_else(|_| Err(self.too_slow()))
    }

    /// Nothing is left for the driver to say when it takes the connection over.
    pub(crate) fn nothing_to_say() -> RedisConnectionInfo {
        RedisConnectionInfo::default().set_skip_set_lib_name()
    }

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
                self.address,
                self.timeout()
            ),
        )
    }

    async fn connect(&self) -> io::Result<Box<dyn Wire>> {
        let Topology::Standalone(Node { host, port }) = &self.options.topology else {
            return Err(io::Error::other(
                "only one server by its address is spoken to yet",
            ));
        };
        let stream = TcpStream::connect((host.as_str(), *port)).await?;
        stream.set_nodelay(true)?;
        let keepalive = TcpKeepalive::new()
            .with_time(KEEPALIVE_AFTER)
            .with_interval(KEEPALIVE_EVERY);
        SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
        let Some(tls) = &self.tls else {
            return Ok(Box::new(stream));
        };
        let name = ServerName::try_from(host.clone()).map_err(io::Error::other)?;
        Ok(Box::new(tls.connect(name, stream).await?))
    }

    async fn enter(&self, wire: &mut impl Wire) -> Result<(), Failure> {
        let options = &self.options;
        if options.password.is_some() || options.username.is_some() {
            let mut auth = redis::cmd("AUTH");
            if let Some(user) = &options.username {
                auth.arg(user);
            }
            auth.arg(options.password.as_ref().map_or("", |p| p.expose()));
            self.ask(wire, &auth).await?;
        }
        if options.db != 0 {
            self.ask(wire, redis::cmd("SELECT").arg(options.db)).await?;
        }
        // Finds out about a missing password, and that somebody answers.
        match self.ask(wire, &redis::cmd("PING")).await {
            // A user without the right to ping has all the same been let in.
            Err(failure) if failure.kind == StoreErrorKind::Denied => Ok(()),
            other => other,
        }
    }

    /// Asks a question whose answer is one line.
    async fn ask(&self, wire: &mut impl Wire, question: &Cmd) -> Result<(), Failure> {
        let broken = |e: io::Error| error::dial(&e, &self.address);
        wire.write_all(&question.get_packed_command())
            .await
            .map_err(broken)?;
        wire.flush().await.map_err(broken)?;
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            // One byte at a time: a few dozen, once a connection, and none of the driver's is taken away.
            line.push(wire.read_u8().await.map_err(broken)?);
            if line.len() > MAX_LINE_BYTES {
                let why = format!("`{}` does not speak as redis does", self.address);
                return Err(Failure::new(StoreErrorKind::Protocol, why));
            }
        }
        let answer = redis::parse_redis_value(&line).and_then(Value::extract_error);
        match answer {
            Ok(_) => Ok(()),
            Err(answer) => Err(error::driver(&answer, &self.address)),
        }
    }
}
