//! The bytes' way to a member, which remembers how it ended.
//!
//! What the driver says of a broken connection names neither the certificate that was refused nor who closed it.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::CancellationToken;
use watchkeeper_remote::Stream;

use crate::error::{self, Failure};

/// How often what a closed connection still holds is looked through.
const MAX_LAST_READS: u32 = 16;

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
    /// Of a write, to be told next.
    failed: Option<io::Error>,
}

impl Wire {
    pub(crate) fn new(stream: Box<dyn Stream>, end: End) -> Self {
        Self {
            stream,
            end,
            failed: None,
        }
    }

    /// A failed write is told once it was looked for what the other side said before it closed: why it refuses our
    /// certificate, say.
    fn poll_failed<T>(&mut self, cx: &mut Context<'_>, error: io::Error) -> Poll<io::Result<T>> {
        let mut bytes = [0; 1024];
        for _ in 0..MAX_LAST_READS {
            let mut buf = ReadBuf::new(&mut bytes);
            match Pin::new(&mut self.stream).poll_read(cx, &mut buf) {
                Poll::Ready(Ok(())) if !buf.filled().is_empty() => {}
                Poll::Ready(Err(last)) => {
                    self.end.note(&last);
                    break;
                }
                Poll::Ready(Ok(())) => break,
                // What cannot be written to any more ends for reading as well.
                Poll::Pending => {
                    self.failed = Some(error);
                    return Poll::Pending;
                }
            }
        }
        self.end.note(&error);
        Poll::Ready(Err(error))
    }

    fn poll_writing<T>(
        &mut self,
        cx: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut Box<dyn Stream>>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let error = match self.failed.take() {
            Some(error) => error,
            None => match ready!(write(Pin::new(&mut self.stream), cx)) {
                Ok(done) => return Poll::Ready(Ok(done)),
                Err(error) => error,
            },
        };
        self.poll_failed(cx, error)
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
        match &read {
            Ok(()) if room && buf.filled().len() == before => {
                self.end.note(&io::ErrorKind::UnexpectedEof.into());
            }
            Ok(()) => {}
            Err(error) => self.end.note(error),
        }
        Poll::Ready(read)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_writing(cx, |stream, cx| stream.poll_write(cx, buf))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_writing(cx, |stream, cx| stream.poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_writing(cx, |stream, cx| stream.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
