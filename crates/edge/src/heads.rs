//! Looks at the heads of requests on their way to hyper, for what two programs in a row may read differently (security.md HDR-2): line feeds
//! alone, a length beside chunks, two lengths. RFC 9112 lets a server read on or refuse; hyper reads on, and what it then hands over does not
//! show any of that. A head like that is spoiled here, so that hyper answers 400 and closes. Knows as much of HTTP/1.1 as it takes to find where
//! the next head begins, and changes nothing else.

use std::io::{BufRead, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A longer line is spoiled: hyper takes heads of 32 KiB, and less around chunks.
const LINE_BYTES: usize = 64 * 1024;
/// Stands in no head.
const SPOILED: u8 = 0;

/// A connection whose requests are looked at.
pub struct Watched<S> {
    stream: S,
    watch: Watch,
}

impl<S> Watched<S> {
    /// Looks at what comes from `stream`, from its first byte on.
    pub fn new(stream: S) -> Self {
        Self { stream, watch: Watch::default() }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let known = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        self.watch.look(&mut buf.filled_mut()[known..]);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }
    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[IoSlice<'_>]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }
    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Where in a request the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the first line, or before it.
    First,
    /// In a line of a header.
    Header,
    /// In a body, with so many bytes to come; of a chunk, if the next one follows.
    Bytes { left: u64, then: Next },
    /// In the line that says how long a chunk is.
    Size,
    /// In a line after the last chunk.
    Trailer,
    /// After something that is to be refused.
    Spoiled,
}

/// What follows bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Request,
    Chunk,
}

struct Watch {
    place: Place,
    /// What came of the current line before.
    line: Vec<u8>,
    length: Option<u64>,
    chunked: bool,
}

impl Default for Watch {
    fn default() -> Self {
        Self { place: Place::First, line: Vec::new(), length: None, chunked: false }
    }
}

impl Watch {
    fn look(&mut self, bytes: &mut [u8]) {
        let mut at = 0;
        while at < bytes.len() {
            at += match self.place {
                Place::Spoiled => {
                    bytes[at..].fill(SPOILED);
                    return;
                }
                Place::Bytes { left, then } => self.skip(left, then, bytes.len() - at),
                Place::First | Place::Header | Place::Size | Place::Trailer => self.line(&mut bytes[at..]),
            };
        }
    }
    /// Passes what belongs to a body; how many bytes that was.
    fn skip(&mut self, left: u64, then: Next, here: usize) -> usize {
        let passed = usize::try_from(left).unwrap_or(usize::MAX).min(here);
        self.place = match (left - passed as u64, then) {
            (0, Next::Request) => Place::First,
            (0, Next::Chunk) => Place::Size,
            (left, then) => Place::Bytes { left, then },
        };
        passed
    }
    /// Takes what there is of a line, and judges it when it is whole; how many bytes that was.
    fn line(&mut self, bytes: &mut [u8]) -> usize {
        let Some(end) = line_feed(bytes) else {
            self.line.extend_from_slice(bytes);
            if self.line.len() > LINE_BYTES {
                self.line = Vec::new();
                self.place = Place::Spoiled;
                bytes.fill(SPOILED);
            }
            return bytes.len();
        };
        let next = if self.line.is_empty() {
            self.judge(&bytes[..end])
        } else {
            let mut line = std::mem::take(&mut self.line);
            line.extend_from_slice(&bytes[..end]);
            self.judge(&line)
        };
        self.place = next.unwrap_or(Place::Spoiled);
        if self.place == Place::Spoiled {
            bytes[end] = SPOILED;
        }
        end + 1
    }
    /// What comes after `line`, which is without its line feed; none if it is to be refused.
    fn judge(&mut self, line: &[u8]) -> Option<Place> {
        let line = line.strip_suffix(b"\r")?;
        Some(match (self.place, line.is_empty()) {
            // Some clients send an empty line after a body.
            (Place::First, true) => Place::First,
            (Place::First, false) => Place::Header,
            (Place::Header, false) => {
                self.header(line)?;
                Place::Header
            }
            (Place::Header, true) => match (std::mem::take(&mut self.chunked), self.length.take()) {
                (true, Some(_)) => return None,
                (true, None) => Place::Size,
                (false, Some(left)) if left > 0 => Place::Bytes { left, then: Next::Request },
                (false, _) => Place::First,
            },
            (Place::Size, _) => match chunk_size(line)? {
                0 => Place::Trailer,
                // And the line's end after it.
                size => Place::Bytes { left: size.checked_add(2)?, then: Next::Chunk },
            },
            (Place::Trailer, false) => Place::Trailer,
            (Place::Trailer, true) => Place::First,
            (Place::Bytes { .. } | Place::Spoiled, _) => self.place,
        })
    }
    /// Notes what a header says of where the body ends. Of names with anything before the colon hyper knows nothing good.
    fn header(&mut self, line: &[u8]) -> Option<()> {
        match line.first() {
            Some(b'C' | b'c') => {
                let Some(value) = value_of(line, b"content-length:") else { return Some(()) };
                let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
                let length = std::str::from_utf8(value).ok().filter(|_| digits)?.parse().ok()?;
                self.length.replace(length).is_none().then_some(())
            }
            Some(b'T' | b't') => {
                self.chunked |= value_of(line, b"transfer-encoding:").is_some();
                Some(())
            }
            _ => Some(()),
        }
    }
}

/// Where the first line feed is. By the standard library's search for a byte, which looks at several at a time: all heads come by here.
fn line_feed(mut bytes: &[u8]) -> Option<usize> {
    let all = bytes;
    let passed = bytes.skip_until(b'\n').ok()?;
    all[..passed].ends_with(b"\n").then(|| passed - 1)
}

/// The value of a header, if it has that name.
fn value_of<'l>(line: &'l [u8], name: &[u8]) -> Option<&'l [u8]> {
    let (start, value) = line.split_at_checked(name.len())?;
    start.eq_ignore_ascii_case(name).then(|| value.trim_ascii())
}

/// The number at the beginning of a chunk's first line (RFC 9112 §7.1); extensions may follow.
fn chunk_size(line: &[u8]) -> Option<u64> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    u64::from_str_radix(std::str::from_utf8(&line[..digits]).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of bytes that come in pieces of `size`: the number of those that came through.
    fn through(bytes: &str, size: usize) -> usize {
        let mut watch = Watch::default();
        let mut out = Vec::new();
        for piece in bytes.as_bytes().chunks(size) {
            let mut piece = piece.to_vec();
            watch.look(&mut piece);
            out.extend(piece);
        }
        assert_eq!(out.len(), bytes.len());
        let fine = out.iter().position(|byte| *byte == SPOILED).unwrap_or(out.len());
        assert_eq!(&out[..fine], &bytes.as_bytes()[..fine], "nothing else is changed");
        assert!(out[fine..].iter().all(|byte| *byte == SPOILED), "nothing comes after it");
        fine
    }

    #[test]
    fn what_everybody_reads_alike_passes_unchanged() {
        let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        let post = "POST / HTTP/1.1\r\nContent-Length: 4\r\nHost: a\r\n\r\na\nb\n";
        let none = "POST / HTTP/1.1\r\ncontent-length: 0\r\n\r\n";
        let chunks = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4;x=\"y\"\r\n\n\n\r\n\r\n1F\r\n0123456789012345678901234567890\r\n0\r\nDigest: x\r\n\r\n";
        for text in [get.to_string(), [post, get, chunks, "\r\n", get, none, chunks, post, get].concat()] {
            for size in 1..text.len() {
                assert_eq!(through(&text, size), text.len(), "in pieces of {size}");
            }
        }
    }

    #[test]
    fn what_may_be_read_in_two_ways_is_spoiled_before_the_head_is_whole() {
        let before = "POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n\n\n";
        for head in [
            "GET / HTTP/1.1\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\n",
            "\nGET / HTTP/1.1\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nTRANSFER-ENCODING: chunked\r\ncontent-length: 4\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: +4\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 4, 4\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4\nabcd\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\nabcd\r\n",
        ] {
            for size in 1..head.len() {
                assert!(through(head, size) < head.len(), "{head:?} in pieces of {size}");
                let second = [before, head].concat();
                let fine = through(&second, size);
                assert!(fine >= before.len() && fine < second.len(), "{head:?} as a second one in pieces of {size}");
            }
        }
        let long = "x".repeat(LINE_BYTES + 1);
        assert!(through(&long, 1000) < long.len());
    }
}
