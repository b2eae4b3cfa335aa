//! A request's body that tells whether it left: what never left cannot have been billed.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};

/// Whether a body was asked for, which the client does once a connection stands and the headers are on their way.
#[derive(Clone, Default)]
pub(crate) struct Left(Arc<AtomicBool>);

impl Left {
    /// Whether it was.
    pub(crate) fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A body in one piece. It cannot be copied, so no layer below can send it twice.
pub(crate) struct Parcel {
    bytes: Option<Bytes>,
    left: Left,
}

impl Parcel {
    /// The body, and what tells whether it left.
    pub(crate) fn new(bytes: Vec<u8>) -> (Self, Left) {
        let left = Left::default();
        let parcel = Self {
            bytes: Some(bytes.into()),
            left: left.clone(),
        };
        (parcel, left)
    }
}

impl Body for Parcel {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.left.0.store(true, Ordering::Relaxed);
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let length = self.bytes.as_ref().map_or(0, Bytes::len);
        SizeHint::with_exact(u64::try_from(length).unwrap_or(u64::MAX))
    }
}
