//! The peer: axum's own server with handlers that return fixed bytes, as a process of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use bytes::Bytes;

use crate::Error;

/// The running peer. It ends with its standard input.
pub(crate) struct Bare {
    pub(crate) address: SocketAddr,
    child: Child,
}

impl Bare {
    /// Starts this program again as the peer; it answers each path with its bytes.
    pub(crate) fn start(pages: &[(&str, Bytes)]) -> Result<Self, Error> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("--bare-axum")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdin = child.stdin.as_mut().ok_or("the peer has no input")?;
        for (path, body) in pages {
            writeln!(stdin, "{path} {}", body.len())?;
            stdin.write_all(body)?;
            writeln!(stdin)?;
        }
        writeln!(stdin)?;
        stdin.flush()?;
        let stdout = child.stdout.take().ok_or("the peer has no output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        Ok(Self {
            address: line.trim().parse()?,
            child,
        })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        // It ends by itself as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Is the peer: takes its pages from standard input, says its address, and serves until the input ends.
pub(crate) fn serve() -> Result<(), Error> {
    let mut input = BufReader::new(std::io::stdin());
    let mut router = Router::new();
    loop {
        let mut line = String::new();
        input.read_line(&mut line)?;
        let Some((path, length)) = line.trim().split_once(' ') else {
            break;
        };
        let mut body = vec![0; length.parse::<usize>()?];
        input.read_exact(&mut body)?;
        input.read_line(&mut String::new())?;
        let body = Bytes::from(body);
        let page = move || {
            let body = body.clone();
            async move { ([(CONTENT_TYPE, "application/json")], body) }
        };
        router = router.route(path, get(page));
    }
    // As a daemon would be built: a thread per core, all of tokio's and axum's defaults.
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        std::io::stdout().flush()?;
        let over = tokio::task::spawn_blocking(move || {
            // Nothing more is written: this returns at the end of the input.
            let _ = input.read(&mut [0]);
        });
        tokio::select! {
            served = axum::serve(listener, router) => Ok(served?),
            _ = over => Ok(()),
        }
    })
}
