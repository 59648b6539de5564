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
    /// What comes first: most bodies are no more than this.
    first: Bytes,
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
        if self.parts.is_empty() {
            return self.first;
        }
        let mut bytes = Vec::with_capacity(usize::try_from(self.left).unwrap_or_default());
        bytes.extend_from_slice(&self.first);
        self.parts.iter().for_each(|part| bytes.extend_from_slice(part));
        bytes.into()
    }
}

/// Up to so many bytes copying is cheaper than the bookkeeping of a dozen slices, from the connection down to the kernel.
const COPIED: u64 = 64 * 1024;

impl From<Assembly> for Body {
    fn from(assembly: Assembly) -> Self {
        if assembly.length <= COPIED {
            return Bytes::from(assembly.parts.concat()).into();
        }
        Self { left: assembly.length, parts: assembly.parts.into(), ..Self::default() }
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self { left: bytes.len() as u64, first: bytes, ..Self::default() }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        if !this.first.is_empty() {
            let part = std::mem::take(&mut this.first);
            this.left -= part.len() as u64;
            return Poll::Ready(Some(Ok(Frame::data(part))));
        }
        if let (true, Some(more)) = (this.parts.is_empty(), &mut this.more) {
            return more.poll_recv(context).map(|piece| piece.map(|piece| Ok(Frame::data(piece))));
        }
        let part = this.parts.pop_front();
        this.left -= part.as_ref().map_or(0, |part| part.len() as u64);
        Poll::Ready(part.map(|part| Ok(Frame::data(part))))
    }
    fn is_end_stream(&self) -> bool {
        self.first.is_empty() && self.parts.is_empty() && self.more.is_none()
    }
    fn size_hint(&self) -> SizeHint {
        match self.more {
            Some(_) => SizeHint::default(),
            None => SizeHint::with_exact(self.left),
        }
    }
}
