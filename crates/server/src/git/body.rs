//! What git clients send: kept on the disk while it comes in, so that nobody who sends slowly holds anything but a file, and unpacked within
//! bounds (security.md INP-20).

use crate::app::App;
use crate::spool::Spool;
use flate2::read::GzDecoder;
use holt_core::{Error, Result};
use std::fs::File;
use std::io::Read;

/// How a body is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Not at all.
    Plain,
    /// RFC 1952, as git sends long lists.
    Gzip,
}

impl Encoding {
    /// From `Content-Encoding`; none for what git does not send.
    pub fn parse(header: Option<&str>) -> Option<Self> {
        match header {
            None | Some("identity") => Some(Self::Plain),
            Some("gzip" | "x-gzip") => Some(Self::Gzip),
            Some(_) => None,
        }
    }
}

/// So much may come out of anything.
const GRACE: u64 = 1024 * 1024;
/// And then no more than so many times what went in.
const RATIO: u64 = 200;
const PIECE: usize = 64 * 1024;

/// The body as a file, unpacked. `TooLarge` above `limit` bytes, or for what was made to burst.
pub fn unpacked(app: &App, body: Spool, encoding: Encoding, limit: u64, id: &str) -> Result<File> {
    if encoding == Encoding::Plain {
        return Ok(body.into_file());
    }
    let mut out = Spool::new(app.engine.data(), &format!("{id}-unpacked"))?;
    body.read(|from| unpack(&mut Counted { from, read: 0 }, limit, &mut |bytes| out.push(bytes)))??;
    Ok(out.into_file())
}

fn unpack(from: &mut Counted<'_>, limit: u64, to: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
    let mut gzip = GzDecoder::new(from);
    let mut piece = vec![0; PIECE];
    let mut made = 0;
    loop {
        let length = gzip.read(&mut piece).map_err(|e| Error::invalid("the body is no gzip").hint("Push or fetch again.").because(e))?;
        if length == 0 {
            return Ok(());
        }
        made += length as u64;
        if made > limit || made > GRACE.max(gzip.get_ref().read.saturating_mul(RATIO)) {
            return Err(Error::too_large("the body is too large unpacked").hint("Push fewer commits at a time."));
        }
        to(&piece[..length])?;
    }
}

/// Counts what is read.
struct Counted<'a> {
    from: &'a mut dyn Read,
    read: u64,
}

impl Read for Counted<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        let length = self.from.read(bytes)?;
        self.read += length as u64;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use holt_core::ErrorKind;
    use std::io::Write;

    fn gunzip(packed: &[u8], limit: u64) -> Result<Vec<u8>, ErrorKind> {
        let mut out = Vec::new();
        let mut from = packed;
        let unpacked = unpack(&mut Counted { from: &mut from, read: 0 }, limit, &mut |bytes| {
            out.extend_from_slice(bytes);
            Ok(())
        });
        unpacked.map(|()| out).map_err(|error| error.kind)
    }

    #[test]
    fn what_bursts_is_refused() {
        let pack = |bytes: &[u8]| {
            let mut gzip = GzEncoder::new(Vec::new(), Compression::new(9));
            gzip.write_all(bytes).unwrap();
            gzip.finish().unwrap()
        };
        assert_eq!(gunzip(&pack(b"hello"), 5), Ok(b"hello".to_vec()));
        assert_eq!(gunzip(&pack(b"hello"), 4), Err(ErrorKind::TooLarge));
        // A thousandth of it goes in: fine up to a mebibyte.
        assert_eq!(gunzip(&pack(&vec![0; GRACE as usize]), u64::MAX).map(|out| out.len()), Ok(GRACE as usize));
        assert_eq!(gunzip(&pack(&vec![0; 2 * GRACE as usize]), u64::MAX), Err(ErrorKind::TooLarge));
        let packed = pack(b"hello");
        assert_eq!(gunzip(&packed[..packed.len() - 3], 100), Err(ErrorKind::Invalid), "cut");
        assert_eq!(gunzip(b"hello", 100), Err(ErrorKind::Invalid));
    }
}
