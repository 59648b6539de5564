//! Names in the store. The only code that spells them: hex digits and fixed words, never text of users (security.md CDN-3).

use holt_core::{PageKey, WikiId};
use sha2::{Digest, Sha256};
use std::fmt;

/// What a fragment holds: part of its name, so that equal bytes of different kinds do not meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A piece of a page.
    Html,
    /// The Markdown of a page, byte for byte.
    Source,
    /// A frame.
    Frame,
    /// All pieces of a page.
    Pack,
    /// Names that lead to pages.
    Redirects,
}

impl Kind {
    const fn tag(self) -> u8 {
        match self {
            Self::Html => b'h',
            Self::Source => b's',
            Self::Frame => b'f',
            Self::Pack => b'p',
            Self::Redirects => b'r',
        }
    }
}

/// The name of a fragment: 40 hex digits of SHA-256 over wiki, kind and content.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FragmentKey(String);

impl FragmentKey {
    /// The name that `content` gets in `wiki`.
    pub fn of(wiki: WikiId, kind: Kind, content: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"holt fragment 1");
        hash.update(wiki.to_store().to_be_bytes());
        hash.update([kind.tag()]);
        hash.update(content);
        Self(hex(&hash.finalize(), 20))
    }
    /// The same where there is a frame of zstd beside it.
    pub(crate) fn with_zstd(wiki: WikiId, kind: Kind, content: &[u8], frame: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"holt fragment 2");
        hash.update(wiki.to_store().to_be_bytes());
        hash.update([kind.tag()]);
        hash.update((content.len() as u64).to_be_bytes());
        hash.update(content);
        hash.update(frame);
        Self(hex(&hash.finalize(), 20))
    }
    /// From a manifest. `None` unless it is 40 hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase())).then(|| Self(text.to_string()))
    }
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FragmentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `<wiki>/o/<hh>/<key>`.
pub(crate) fn object(wiki: WikiId, key: &FragmentKey) -> String {
    format!("{wiki}/o/{}/{key}", &key.as_str()[..2])
}

/// `<wiki>/p/<hh>/<hash of the page key>`.
pub(crate) fn page(wiki: WikiId, key: &PageKey) -> String {
    let hash = page_hash(key);
    format!("{wiki}/p/{}/{hash}", &hash[..2])
}

/// 32 hex digits for a page, whatever its spelling.
pub(crate) fn page_hash(key: &PageKey) -> String {
    digest(b"holt page 1", key.as_str().as_bytes())
}

/// Where all page manifests of a wiki are.
pub(crate) fn pages(wiki: WikiId) -> String {
    format!("{wiki}/p")
}

/// Where all fragments of a wiki are.
pub(crate) fn objects(wiki: WikiId) -> String {
    format!("{wiki}/o")
}

/// `<wiki>/w`.
pub(crate) fn wiki(wiki: WikiId) -> String {
    format!("{wiki}/w")
}

/// `<wiki>/s`: how far this wiki is in an object store. Never there itself.
pub(crate) fn shipped(wiki: WikiId) -> String {
    format!("{wiki}/s")
}

/// `<wiki>/n`: which pages were published lately. Never in an object store.
pub(crate) fn news(wiki: WikiId) -> String {
    format!("{wiki}/n")
}

/// `hosts/<hash of the slug>`.
pub(crate) fn host(slug: &str) -> String {
    format!("hosts/{}", digest(b"holt host 1", slug.as_bytes()))
}

/// `hosts/<hash of the name>`, of a name that is not below the platform's domain. No slug has the same.
pub(crate) fn domain(name: &str) -> String {
    format!("hosts/{}", digest(b"holt domain 1", name.as_bytes()))
}

/// `<wiki>/c/<hash of the cache>`: up to where a cache in front of edges was told to forget what it had. Never in an object store.
pub(crate) fn purged(wiki: WikiId, cache: &str) -> String {
    format!("{wiki}/c/{}", place(cache))
}

/// Whether what is stored under this name can become something else.
pub(crate) fn may_change(path: &str) -> bool {
    !path.contains("/o/")
}

/// What an object store is called in marks: nothing of its address can be read from it.
pub(crate) fn place(url: &str) -> String {
    digest(b"holt place 1", url.as_bytes())
}

pub(crate) fn digest(domain: &[u8], bytes: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(domain);
    hash.update(bytes);
    hex(&hash.finalize(), 16)
}

pub(crate) fn hex(bytes: &[u8], count: usize) -> String {
    bytes.iter().take(count).map(|b| format!("{b:02x}")).collect()
}
