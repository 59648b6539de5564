//! All fragments of a page as one file: what a page needs comes with one request, and a change of a page is one file and its manifest.

use crate::fragment::Fragment;
use crate::key::FragmentKey;
use bytes::Bytes;
use holt_core::{Error, Result};
use std::sync::Arc;

const MAGIC: &[u8; 6] = b"HOLTP\x01";
/// Bytes of a fragment's name.
const NAME: usize = 40;

/// Fragments and their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pack(Vec<(FragmentKey, Arc<Fragment>)>);

impl Pack {
    /// Of these. The order is part of its content.
    pub fn new(parts: Vec<(FragmentKey, Arc<Fragment>)>) -> Self {
        Self(parts)
    }
    /// The fragment of that name.
    pub fn get(&self, name: &FragmentKey) -> Option<Arc<Fragment>> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, fragment)| fragment.clone())
    }
    pub(crate) fn weight(&self) -> usize {
        self.0.iter().map(|(_, fragment)| fragment.weight() + NAME + 16).sum()
    }
    /// As stored: magic and version, how many there are, then per fragment its name, its length and the fragment as it is stored alone.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&(self.0.len() as u32).to_be_bytes());
        for (name, fragment) in &self.0 {
            let stored = fragment.to_bytes();
            bytes.extend_from_slice(name.as_str().as_bytes());
            bytes.extend_from_slice(&(stored.len() as u32).to_be_bytes());
            bytes.extend_from_slice(&stored);
        }
        bytes
    }
    /// From what was stored; an error if it is cut, damaged or newer than this program.
    pub fn from_bytes(bytes: &Bytes) -> Result<Self> {
        let damaged = || Error::internal("a stored pack is damaged");
        if bytes.get(..MAGIC.len()) != Some(MAGIC.as_slice()) {
            return Err(damaged());
        }
        let number = |at: usize| -> Result<usize> {
            let digits = bytes.get(at..at + 4).ok_or_else(damaged)?;
            Ok(u32::from_be_bytes(digits.try_into().map_err(|_| damaged())?) as usize)
        };
        let count = number(MAGIC.len())?;
        let mut parts = Vec::new();
        let mut at = MAGIC.len() + 4;
        while at < bytes.len() {
            let name = bytes.get(at..at + NAME).and_then(|name| std::str::from_utf8(name).ok()).ok_or_else(damaged)?;
            let length = number(at + NAME)?;
            at += NAME + 4;
            if bytes.len() - at < length {
                return Err(damaged());
            }
            let fragment = Fragment::from_bytes(&bytes.slice(at..at + length))?;
            parts.push((FragmentKey::parse(name).ok_or_else(damaged)?, Arc::new(fragment)));
            at += length;
        }
        if parts.len() != count {
            return Err(damaged());
        }
        Ok(Self(parts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Kind;
    use holt_core::WikiId;

    #[test]
    fn what_is_cut_or_changed_is_noticed() {
        let name = |text: &str| FragmentKey::of(WikiId::from_random(1), Kind::Html, text.as_bytes());
        let part = |text: &str| (name(text), Arc::new(Fragment::new(text.to_string())));
        let pack = Pack::new(vec![part("one"), part("two, two and two"), part("")]);
        let bytes = pack.to_bytes();
        let whole = Pack::from_bytes(&bytes.clone().into()).unwrap();
        assert_eq!(whole, pack);
        assert_eq!((whole.get(&name("one")).unwrap().raw().as_ref(), whole.get(&name("four"))), (b"one".as_slice(), None));
        for length in 0..bytes.len() {
            assert!(Pack::from_bytes(&bytes[..length].to_vec().into()).is_err(), "cut to {length}");
        }
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0x40;
            let changed = Pack::from_bytes(&changed.into());
            assert!(changed.is_err() || changed.is_ok_and(|changed| changed != pack), "changed at {at}");
        }
    }
}
