//! Packet lines: how git frames everything it says (gitprotocol-common(5)).

use holt_core::{Error, Result};
use std::io::{ErrorKind, Read};

/// Longest content of a line, in bytes.
pub(super) const CONTENT: usize = 65_516;

/// What comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Packet {
    /// Bytes, without a line break at their end.
    Line(Vec<u8>),
    /// `0000`: the end of a list.
    Flush,
    /// `0001` and `0002`: the end of a part.
    Mark,
}

/// Reads a packet; none at the end of the stream.
pub(super) fn read(from: &mut dyn Read) -> Result<Option<Packet>> {
    let mut head = [0; 4];
    match from.read(&mut head[..1]) {
        Ok(0) => return Ok(None),
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::Interrupted => return read(from),
        Err(error) => return Err(Error::io("read a request of git", error)),
    }
    fill(from, &mut head[1..])?;
    let length = std::str::from_utf8(&head).ok().filter(|head| head.bytes().all(|b| b.is_ascii_hexdigit()));
    let length = length.and_then(|head| usize::from_str_radix(head, 16).ok()).ok_or_else(malformed)?;
    match length {
        0 => Ok(Some(Packet::Flush)),
        1 | 2 => Ok(Some(Packet::Mark)),
        3 => Err(malformed()),
        _ if length - 4 > CONTENT => Err(malformed()),
        _ => {
            let mut line = vec![0; length - 4];
            fill(from, &mut line)?;
            if line.last() == Some(&b'\n') {
                line.pop();
            }
            Ok(Some(Packet::Line(line)))
        }
    }
}

fn fill(from: &mut dyn Read, bytes: &mut [u8]) -> Result<()> {
    from.read_exact(bytes).map_err(|error| match error.kind() {
        ErrorKind::UnexpectedEof => malformed(),
        _ => Error::io("read a request of git", error),
    })
}

pub(super) fn malformed() -> Error {
    Error::invalid("that is not what git says").hint("Use a git client; a proxy may have cut the request.")
}

/// Adds a line, which is at most [`CONTENT`] long.
pub(super) fn write(to: &mut Vec<u8>, line: &[u8]) {
    debug_assert!(line.len() <= CONTENT);
    to.extend_from_slice(format!("{:04x}", line.len() + 4).as_bytes());
    to.extend_from_slice(line);
}

/// Adds the end of a list.
pub(super) fn flush(to: &mut Vec<u8>) {
    to.extend_from_slice(b"0000");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_back_as_they_went() {
        let mut bytes = Vec::new();
        write(&mut bytes, b"hello\n");
        write(&mut bytes, b"");
        write(&mut bytes, &[7; CONTENT]);
        flush(&mut bytes);
        bytes.extend_from_slice(b"0001");
        let mut from = bytes.as_slice();
        let mut next = || read(&mut from).unwrap();
        assert_eq!(next(), Some(Packet::Line(b"hello".to_vec())));
        assert_eq!(next(), Some(Packet::Line(Vec::new())));
        assert_eq!(next(), Some(Packet::Line(vec![7; CONTENT])));
        assert_eq!((next(), next(), next()), (Some(Packet::Flush), Some(Packet::Mark), None));
    }

    #[test]
    fn nonsense_is_refused() {
        for bad in ["0", "00", "0003", "zzzz", "+005a", "fffg", "ffff", "0009abc", "-001", " 009hello"] {
            assert!(read(&mut bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
