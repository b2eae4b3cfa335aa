//! The bytes' way to a member, which remembers how it ended.
//!
//! What the driver says of a broken connection names neither the certificate that was refused nor who closed it.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::CancellationToken;

use crate::error::{self, Failure};

pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// How a wire ended, for those who used it.
#[derive(Clone)]
pub(crate) struct End(Arc<Inner>);

struct Inner {
    address: String,
    first: Mutex<Option<Failure>>,
    closed: CancellationToken,
}

impl End {
    pub(crate) fn new(address: String) -> Self {
        Self(Arc::new(Inner {
            address,
            first: Mutex::new(None),
            closed: CancellationToken::new(),
        }))
    }

    /// The first thing that went wrong on it, if anything has.
    pub(crate) fn failure(&self) -> Option<Failure> {
        let first = self.0.first.lock().unwrap_or_else(PoisonError::into_inner);
        first.clone()
    }

    /// Returns when the driver has let go of the wire.
    pub(crate) async fn closed(&self) {
        self.0.closed.cancelled().await;
    }

    fn note(&self, error: &io::Error) {
        let mut first = self.0.first.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert_with(|| error::dial(error, &self.0.address));
    }
}

/// A stream that tells its [`End`] what happens to it.
pub(crate) struct Wire {
    stream: Box<dyn Stream>,
    end: End,
}

impl Wire {
    pub(crate) fn new(stream: Box<dyn Stream>, end: End) -> Self {
        Self { stream, end }
    }

    fn noted<T>(&self, result: io::Result<T>) -> io::Result<T> {
        result.inspect_err(|error| self.end.note(error))
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.end.0.closed.cancel();
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let room = buf.remaining() > 0;
        let read = ready!(Pin::new(&mut self.stream).poll_read(cx, buf));
        if read.is_ok() && room && buf.filled().len() == before {
            self.end.note(&io::ErrorKind::UnexpectedEof.into());
        }
        Poll::Ready(self.noted(read))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, buf));
        Poll::Ready(self.noted(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = ready!(Pin::new(&mut self.stream).poll_flush(cx));
        Poll::Ready(self.noted(flushed))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, bufs));
        Poll::Ready(self.noted(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
