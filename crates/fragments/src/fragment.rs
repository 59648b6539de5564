//! A piece of a page, plain and compressed, so that pages are put together in either form without compressing anything.

use crate::crc;
use bytes::Bytes;
use flate2::{Compress, Compression, FlushCompress};
use holt_core::{Error, Result};

const MAGIC: &[u8; 6] = b"HOLTF\x01";
const HEADER: usize = MAGIC.len() + 4 * 4;

/// Bytes and the same bytes as raw DEFLATE (RFC 1951), flushed to a byte border and never marked final: such parts can be put in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment {
    raw: Bytes,
    deflate: Bytes,
    crc: u32,
    /// What appending these bytes does to a checksum: see [`crate::crc`].
    shift: u32,
}

impl Fragment {
    /// Compresses `content` once. At most 4 GiB.
    pub fn new(content: impl Into<Bytes>) -> Self {
        let raw = content.into();
        let mut compress = Compress::new(Compression::new(6), false);
        let mut deflate = Vec::with_capacity(raw.len() / 3 + 64);
        loop {
            let read = usize::try_from(compress.total_in()).unwrap_or(usize::MAX);
            let before = deflate.len();
            // In-memory compression of valid input cannot fail; were it to, the part would be empty and the checksum tell.
            if compress.compress_vec(&raw[read.min(raw.len())..], &mut deflate, FlushCompress::Full).is_err() {
                break;
            }
            let all_read = usize::try_from(compress.total_in()).is_ok_and(|read| read == raw.len());
            if all_read && deflate.len() < deflate.capacity() {
                break;
            }
            if deflate.len() == deflate.capacity() || deflate.len() == before {
                deflate.reserve(deflate.capacity().max(64));
            }
        }
        Self { crc: crc32fast::hash(&raw), shift: crc::shift(raw.len() as u64), deflate: deflate.into(), raw }
    }
    /// The bytes.
    pub fn raw(&self) -> &Bytes {
        &self.raw
    }
    /// The same, compressed.
    pub(crate) fn deflate(&self) -> &Bytes {
        &self.deflate
    }
    /// The checksum of some bytes with these behind them.
    pub(crate) fn append_crc(&self, before: u32) -> u32 {
        crc::combine(before, self.crc, self.shift)
    }
    /// How much memory it takes, about.
    pub(crate) fn weight(&self) -> usize {
        self.raw.len() + self.deflate.len() + 96
    }
    /// As stored: magic and version, two lengths, two checksums, both forms.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER + self.raw.len() + self.deflate.len());
        bytes.extend_from_slice(MAGIC);
        for number in [self.raw.len() as u32, self.deflate.len() as u32, self.crc, crc32fast::hash(&self.deflate)] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        bytes.extend_from_slice(&self.raw);
        bytes.extend_from_slice(&self.deflate);
        bytes
    }
    /// From what was stored; an error if it is cut, damaged or newer than this program.
    pub fn from_bytes(bytes: &Bytes) -> Result<Self> {
        let damaged = || Error::internal("a stored fragment is damaged");
        let number = |i: usize| -> Result<u32> {
            let at = MAGIC.len() + i * 4;
            Ok(u32::from_be_bytes(bytes.get(at..at + 4).ok_or_else(damaged)?.try_into().map_err(|_| damaged())?))
        };
        if bytes.get(..5) != Some(&MAGIC[..5]) {
            return Err(damaged());
        }
        if bytes.get(5) != Some(&MAGIC[5]) {
            return Err(Error::internal("a stored fragment is newer than this program").hint("Upgrade Holt."));
        }
        let (raw, deflate, crc, deflate_crc) = (number(0)? as usize, number(1)? as usize, number(2)?, number(3)?);
        if bytes.len() != HEADER + raw + deflate {
            return Err(damaged());
        }
        let fragment =
            Self { raw: bytes.slice(HEADER..HEADER + raw), deflate: bytes.slice(HEADER + raw..), crc, shift: crc::shift(raw as u64) };
        if crc32fast::hash(&fragment.raw) != crc || crc32fast::hash(&fragment.deflate) != deflate_crc {
            return Err(damaged());
        }
        Ok(fragment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_or_changed_fragment_is_noticed() {
        let bytes = Fragment::new("<p>Hello otters, hello otters</p>".repeat(20)).to_bytes();
        assert!(Fragment::from_bytes(&bytes.clone().into()).is_ok());
        for length in 0..bytes.len() {
            assert!(Fragment::from_bytes(&bytes[..length].to_vec().into()).is_err(), "cut to {length}");
        }
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0x40;
            assert!(Fragment::from_bytes(&changed.into()).is_err(), "changed at {at}");
        }
    }
}
