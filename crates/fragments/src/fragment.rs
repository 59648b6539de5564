//! A piece of a page, plain and compressed, so that pages are put together in any form without compressing anything.
//!
//! gzip is always there. Whoever publishes may add a frame of zstd; making one takes a library that readers do not link, so it is made elsewhere.

use crate::crc;
use crate::key::{FragmentKey, Kind};
use bytes::Bytes;
use flate2::{Compress, Compression, FlushCompress};
use holt_core::{Error, Result, WikiId};

/// Magic and version: with two forms, as all programs know it.
const MAGIC: &[u8; 6] = b"HOLTF\x01";
/// With three.
const WITH_ZSTD: u8 = 2;

/// In which compressed forms something is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Forms {
    /// As it always is.
    #[default]
    Gzip,
    /// And as a frame of zstd beside that.
    GzipAndZstd,
}

impl Forms {
    /// What is published in these forms, in words of HTTP.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::GzipAndZstd => "gzip,zstd",
        }
    }
    /// From such words, in any order. Without gzip it is none: everything is published as gzip, whatever else.
    pub fn parse(text: &str) -> Option<Self> {
        let mut names: Vec<&str> = text.split(',').map(str::trim).collect();
        names.sort_unstable();
        names.dedup();
        match names.as_slice() {
            ["gzip"] => Some(Self::Gzip),
            ["gzip", "zstd"] => Some(Self::GzipAndZstd),
            _ => None,
        }
    }
    /// The forms of something that is put together of this and that.
    pub fn with(self, other: Self) -> Self {
        if self == other { self } else { Self::Gzip }
    }
    /// Whether there is a frame of zstd.
    pub fn has_zstd(self) -> bool {
        self == Self::GzipAndZstd
    }
}

/// Bytes; the same bytes as raw DEFLATE (RFC 1951), flushed to a byte border and never marked final; and, if whoever published wanted it, as one
/// frame of zstd (RFC 8878). Parts of either kind can be put in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment {
    raw: Bytes,
    deflate: Bytes,
    zstd: Option<Bytes>,
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
        Self { crc: crc32fast::hash(&raw), shift: crc::shift(raw.len() as u64), deflate: deflate.into(), zstd: None, raw }
    }
    /// With `frame`, one frame of zstd that holds the same bytes.
    pub fn with_zstd(self, frame: impl Into<Bytes>) -> Self {
        Self { zstd: Some(frame.into()), ..self }
    }
    /// Its name in `wiki`: made from what is stored, so that the same text in other forms has another one.
    pub fn key(&self, wiki: WikiId, kind: Kind) -> FragmentKey {
        match &self.zstd {
            None => FragmentKey::of(wiki, kind, &self.raw),
            Some(frame) => FragmentKey::with_zstd(wiki, kind, &self.raw, frame),
        }
    }
    /// The bytes.
    pub fn raw(&self) -> &Bytes {
        &self.raw
    }
    /// The same, compressed.
    pub(crate) fn deflate(&self) -> &Bytes {
        &self.deflate
    }
    /// The same as a frame of zstd, if there is one.
    pub(crate) fn zstd(&self) -> Option<&Bytes> {
        self.zstd.as_ref()
    }
    /// The checksum of some bytes with these behind them.
    pub(crate) fn append_crc(&self, before: u32) -> u32 {
        crc::combine(before, self.crc, self.shift)
    }
    /// How much memory it takes, about.
    pub(crate) fn weight(&self) -> usize {
        self.raw.len() + self.deflate.len() + self.zstd.as_ref().map_or(0, Bytes::len) + 128
    }
    /// As stored: magic and version, the length of each form, a checksum of each, the forms.
    pub fn to_bytes(&self) -> Vec<u8> {
        let forms: Vec<&Bytes> = [&self.raw, &self.deflate].into_iter().chain(&self.zstd).collect();
        let size = forms.iter().map(|form| form.len() + 8).sum::<usize>();
        let mut bytes = Vec::with_capacity(MAGIC.len() + size);
        bytes.extend_from_slice(MAGIC);
        if self.zstd.is_some() {
            bytes[MAGIC.len() - 1] = WITH_ZSTD;
        }
        forms.iter().for_each(|form| bytes.extend_from_slice(&(form.len() as u32).to_be_bytes()));
        bytes.extend_from_slice(&self.crc.to_be_bytes());
        forms[1..].iter().for_each(|form| bytes.extend_from_slice(&crc32fast::hash(form).to_be_bytes()));
        forms.iter().for_each(|form| bytes.extend_from_slice(form));
        bytes
    }
    /// From what was stored; an error if it is cut, damaged or newer than this program.
    pub fn from_bytes(bytes: &Bytes) -> Result<Self> {
        let damaged = || Error::internal("a stored fragment is damaged");
        let (magic, newest) = (MAGIC.len(), WITH_ZSTD);
        if bytes.get(..magic - 1) != Some(&MAGIC[..magic - 1]) {
            return Err(damaged());
        }
        let count = match bytes.get(magic - 1) {
            Some(1) => 2,
            Some(version) if *version == newest => 3,
            Some(version) if *version > newest => {
                return Err(Error::internal("a stored fragment is newer than this program").hint("Upgrade Holt."));
            }
            _ => return Err(damaged()),
        };
        let number = |i: usize| -> Result<u32> {
            let at = magic + i * 4;
            Ok(u32::from_be_bytes(bytes.get(at..at + 4).ok_or_else(damaged)?.try_into().map_err(|_| damaged())?))
        };
        let mut forms = [Bytes::new(), Bytes::new(), Bytes::new()];
        let mut at = magic + count * 8;
        for (i, form) in forms.iter_mut().take(count).enumerate() {
            let length = number(i)? as usize;
            if bytes.len() < at || bytes.len() - at < length {
                return Err(damaged());
            }
            *form = bytes.slice(at..at + length);
            if crc32fast::hash(form) != number(count + i)? {
                return Err(damaged());
            }
            at += length;
        }
        if at != bytes.len() {
            return Err(damaged());
        }
        let [raw, deflate, zstd] = forms;
        let (crc, shift) = (number(count)?, crc::shift(raw.len() as u64));
        Ok(Self { raw, deflate, zstd: (count == 3).then_some(zstd), crc, shift })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn otters() -> Fragment {
        Fragment::new("<p>Hello otters, hello otters</p>".repeat(20))
    }

    #[test]
    fn a_cut_or_changed_fragment_is_noticed() {
        for bytes in [otters().to_bytes(), otters().with_zstd(zstd::bulk::compress(otters().raw(), 19).unwrap()).to_bytes()] {
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

    /// What was published before this program knew of zstd stays what it is, and so does its name: an upgrade publishes nothing anew.
    #[test]
    fn without_zstd_a_fragment_is_stored_as_ever() {
        let (bytes, raw, deflate) = (otters().to_bytes(), otters().raw().clone(), otters().deflate().clone());
        let number = |number: u32| number.to_be_bytes();
        let header =
            [number(raw.len() as u32), number(deflate.len() as u32), number(crc32fast::hash(&raw)), number(crc32fast::hash(&deflate))];
        assert_eq!(bytes, [b"HOLTF\x01".as_slice(), &header.concat(), &raw, &deflate].concat());
        let wiki = WikiId::from_random(1);
        assert_eq!(otters().key(wiki, Kind::Html), FragmentKey::of(wiki, Kind::Html, otters().raw()));
    }

    /// A program from before reads versions up to its own: this is what it does.
    #[test]
    fn with_zstd_it_is_another_file_which_older_programs_refuse() {
        let frame = zstd::bulk::compress(otters().raw(), 3).unwrap();
        let both = otters().with_zstd(frame.clone());
        let stored = Fragment::from_bytes(&both.to_bytes().into()).unwrap();
        assert_eq!((&stored, stored.zstd().unwrap().as_ref()), (&both, frame.as_slice()));
        assert_eq!(both.to_bytes()[..6], *b"HOLTF\x02", "not the version that they know");
        let mut newer = both.to_bytes();
        newer[5] = 3;
        assert!(Fragment::from_bytes(&newer.into()).unwrap_err().hint.is_some(), "and so do we with what comes after us");
        // Other bytes, another name.
        let wiki = WikiId::from_random(1);
        let plain = otters().with_zstd(crate::zstd_frame::plain(otters().raw()).concat());
        let names = [otters(), both, plain].map(|fragment| fragment.key(wiki, Kind::Html));
        assert!(names[0] != names[1] && names[1] != names[2] && names[0] != names[2]);
    }

    #[test]
    fn forms_are_read() {
        for (text, forms) in [
            ("gzip", Some(Forms::Gzip)),
            ("gzip,zstd", Some(Forms::GzipAndZstd)),
            ("zstd, gzip", Some(Forms::GzipAndZstd)),
            ("zstd", None),
            ("gzip,br", None),
            ("", None),
        ] {
            assert_eq!(Forms::parse(text), forms, "{text}");
        }
    }
}
