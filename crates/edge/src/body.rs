//! A response body made of slices, sent one after the other; only small ones are copied together. Or one that comes piece by piece.

use bytes::Bytes;
use holt_fragments::Assembly;
use http_body::{Frame, SizeHint};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc::Receiver;

/// Slices in a row.
#[derive(Debug, Default)]
pub struct Body {
    parts: VecDeque<Bytes>,
    left: u64,
    more: Option<Receiver<Bytes>>,
}

impl Body {
    /// Nothing.
    pub fn empty() -> Self {
        Self::default()
    }
    /// What `pieces` gives, when it gives it, until nobody can send any more.
    pub fn arriving(pieces: Receiver<Bytes>) -> Self {
        Self { more: Some(pieces), ..Self::default() }
    }
    /// How many bytes are left, of those that are here.
    pub fn length(&self) -> u64 {
        self.left
    }
    /// All of it in one piece, for those who must look at it.
    pub fn into_bytes(self) -> Bytes {
        let parts: Vec<Bytes> = self.parts.into();
        match parts.as_slice() {
            [one] => one.clone(),
            many => many.concat().into(),
        }
    }
}

/// Up to so many bytes copying is cheaper than the bookkeeping of a dozen slices, from the connection down to the kernel.
const COPIED: u64 = 64 * 1024;

impl From<Assembly> for Body {
    fn from(assembly: Assembly) -> Self {
        if assembly.length <= COPIED {
            return Bytes::from(assembly.parts.concat()).into();
        }
        Self { left: assembly.length, parts: assembly.parts.into(), more: None }
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self { left: bytes.len() as u64, parts: VecDeque::from([bytes]), more: None }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        if let (true, Some(more)) = (this.parts.is_empty(), &mut this.more) {
            return more.poll_recv(context).map(|piece| piece.map(|piece| Ok(Frame::data(piece))));
        }
        let part = this.parts.pop_front();
        this.left -= part.as_ref().map_or(0, |part| part.len() as u64);
        Poll::Ready(part.map(|part| Ok(Frame::data(part))))
    }
    fn is_end_stream(&self) -> bool {
        self.parts.is_empty() && self.more.is_none()
    }
    fn size_hint(&self) -> SizeHint {
        match self.more {
            Some(_) => SizeHint::default(),
            None => SizeHint::with_exact(self.left),
        }
    }
}
