//! Manifests: which fragments make a page, and what all pages of a wiki share. Stored as versioned JSON; unknown fields are ignored,
//! a newer version is refused.

use crate::fragment::Forms;
use crate::frame::Slot;
use crate::key::{FragmentKey, hex};
use holt_core::{Error, PagePath, Result, RevisionId, Visibility, WikiId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The newest version this program writes. It also reads the one before.
pub const VERSION: u32 = 2;
/// The version of everything that a program of before understands as it is meant. A page with readers of its own is none of that: one that
/// does not know of them has to refuse it.
const PLAIN: u32 = 1;

/// Who may read a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Whoever reads the wiki.
    OfTheWiki,
    /// Fewer: only the server knows who. Nobody else answers it.
    OfItsOwn,
}

/// One published page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageManifest {
    /// Path as stored: the canonical spelling.
    pub path: String,
    /// The revision that last changed the page.
    pub revision: RevisionId,
    /// What goes into the frame.
    pub slots: Vec<(Slot, FragmentKey)>,
    /// The Markdown.
    pub source: FragmentKey,
    /// Who may read it.
    pub readers: Readers,
    /// In which forms all of these fragments are.
    pub forms: Forms,
    /// Where all of these fragments are together, if they are.
    pub pack: Option<FragmentKey>,
    /// Changes whenever path, revision or a fragment does. Never the same in two wikis, as fragment names are not.
    pub tag: String,
}

impl PageManifest {
    /// With its tag.
    pub fn new(path: String, revision: RevisionId, slots: Vec<(Slot, FragmentKey)>, source: FragmentKey) -> Self {
        let mut hash = Sha256::new();
        hash.update(path.as_bytes());
        hash.update(revision.as_bytes());
        for (slot, key) in &slots {
            hash.update(slot.name().as_bytes());
            hash.update(key.as_str().as_bytes());
        }
        hash.update(source.as_str().as_bytes());
        let tag = hex(&hash.finalize(), 8);
        Self { path, revision, slots, source, readers: Readers::OfTheWiki, forms: Forms::Gzip, pack: None, tag }
    }
    /// The fragment of one slot.
    pub fn slot(&self, slot: Slot) -> Option<&FragmentKey> {
        self.slots.iter().find(|(s, _)| *s == slot).map(|(_, key)| key)
    }
    /// Every fragment it names.
    pub fn fragments(&self) -> impl Iterator<Item = &FragmentKey> {
        self.slots.iter().map(|(_, key)| key).chain([&self.source])
    }
    /// The path, parsed.
    pub fn page_path(&self) -> Result<PagePath> {
        PagePath::parse(&self.path)
    }
    pub(crate) fn weight(&self) -> usize {
        self.path.len() + 64 + self.slots.len() * 72
    }
}

/// What the pages of a wiki share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WikiManifest {
    /// Which wiki.
    pub wiki: WikiId,
    /// Whether everybody may read it.
    pub visibility: Visibility,
    /// Counts changes of members and levels: older viewer tokens say nothing.
    pub epoch: u64,
    /// Grows with every change of this manifest.
    pub generation: u64,
    /// The revision that the published pages stand at: the publisher's cursor.
    pub revision: Option<RevisionId>,
    /// The version of the settings that the frame and the pages were made with.
    pub settings: u64,
    /// The version of the publisher that made them.
    pub publisher: u32,
    /// In which forms frame and words for missing pages are.
    pub forms: Forms,
    /// What pages are put into.
    pub frame: FragmentKey,
    /// The main slot of a page that is not there.
    pub not_found: FragmentKey,
    /// Its head slot.
    pub not_found_head: Option<FragmentKey>,
    /// Names that lead to pages: [`crate::redirects`].
    pub redirects: Option<FragmentKey>,
    /// Key of the page shown at `/`.
    pub home: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct PageWire {
    version: u32,
    path: String,
    revision: String,
    slots: Vec<(String, String)>,
    source: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    readers: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    forms: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pack: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct WikiWire {
    version: u32,
    wiki: String,
    visibility: String,
    epoch: u64,
    generation: u64,
    revision: Option<String>,
    settings: u64,
    publisher: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    forms: Option<String>,
    frame: String,
    not_found: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_found_head: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    redirects: Option<String>,
    home: Option<String>,
}

fn damaged() -> Error {
    Error::internal("a stored manifest is damaged")
}

/// Nothing is said where there is nothing to say: what was stored before is stored as it was.
fn said(forms: Forms) -> Option<String> {
    (forms != Forms::Gzip).then(|| forms.name().to_string())
}

/// Forms that this version does not know are left out: gzip is always there.
fn known_forms(said: Option<&str>) -> Forms {
    said.and_then(Forms::parse).unwrap_or_default()
}

fn key(text: &str) -> Result<FragmentKey> {
    FragmentKey::parse(text).ok_or_else(damaged)
}

fn known(version: u32) -> Result<()> {
    if version > VERSION {
        return Err(Error::internal("a stored manifest is newer than this program").hint("Upgrade Holt."));
    }
    Ok(())
}

impl PageManifest {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let slots = self.slots.iter().map(|(slot, key)| (slot.name().to_string(), key.to_string())).collect();
        let own = self.readers == Readers::OfItsOwn;
        let wire = PageWire {
            version: if own { VERSION } else { PLAIN },
            path: self.path.clone(),
            revision: self.revision.to_string(),
            slots,
            source: self.source.to_string(),
            readers: own.then(|| "own".to_string()),
            forms: said(self.forms),
            pack: self.pack.as_ref().map(FragmentKey::to_string),
        };
        serde_json::to_vec(&wire).expect("strings and numbers are serialisable")
    }
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let wire: PageWire = serde_json::from_slice(bytes).map_err(|e| damaged().because(e))?;
        known(wire.version)?;
        // A slot this version does not know is left out: an older edge shows the page without it.
        let slots = wire.slots.iter().filter_map(|(slot, text)| Some((Slot::parse(slot)?, key(text)))).map(|(slot, key)| Ok((slot, key?)));
        let mut page = Self::new(wire.path, RevisionId::parse(&wire.revision)?, slots.collect::<Result<_>>()?, key(&wire.source)?);
        // Any word here means fewer readers: fail closed (security.md CDN-4).
        page.readers = if wire.readers.is_some() { Readers::OfItsOwn } else { Readers::OfTheWiki };
        page.forms = known_forms(wire.forms.as_deref());
        page.pack = wire.pack.as_deref().map(key).transpose()?;
        Ok(page)
    }
}

impl WikiManifest {
    /// Every fragment it names, but for the frame.
    pub fn fragments(&self) -> impl Iterator<Item = &FragmentKey> {
        [&self.not_found].into_iter().chain(&self.not_found_head).chain(&self.redirects)
    }
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let wire = WikiWire {
            version: PLAIN,
            wiki: self.wiki.to_string(),
            visibility: if self.visibility == Visibility::Public { "public" } else { "private" }.to_string(),
            epoch: self.epoch,
            generation: self.generation,
            revision: self.revision.map(|revision| revision.to_string()),
            settings: self.settings,
            publisher: self.publisher,
            forms: said(self.forms),
            frame: self.frame.to_string(),
            not_found: self.not_found.to_string(),
            not_found_head: self.not_found_head.as_ref().map(FragmentKey::to_string),
            redirects: self.redirects.as_ref().map(FragmentKey::to_string),
            home: self.home.clone(),
        };
        serde_json::to_vec(&wire).expect("strings and numbers are serialisable")
    }
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let wire: WikiWire = serde_json::from_slice(bytes).map_err(|e| damaged().because(e))?;
        known(wire.version)?;
        Ok(Self {
            wiki: wiki_id(&wire.wiki).ok_or_else(damaged)?,
            // Anything but the one word is private: fail closed (security.md CDN-4).
            visibility: if wire.visibility == "public" { Visibility::Public } else { Visibility::Private },
            epoch: wire.epoch,
            generation: wire.generation,
            revision: wire.revision.as_deref().map(RevisionId::parse).transpose()?,
            settings: wire.settings,
            publisher: wire.publisher,
            forms: known_forms(wire.forms.as_deref()),
            frame: key(&wire.frame)?,
            not_found: key(&wire.not_found)?,
            not_found_head: wire.not_found_head.as_deref().map(key).transpose()?,
            redirects: wire.redirects.as_deref().map(key).transpose()?,
            home: wire.home,
        })
    }
}

/// From the store's own hex digits; user input never comes here.
pub(crate) fn wiki_id(text: &str) -> Option<WikiId> {
    WikiId::from_store(u64::from_str_radix(text, 16).ok()?.cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Kind;

    #[test]
    fn manifests_survive_storage_and_newer_ones_are_refused() {
        let wiki = WikiId::from_random(7);
        let name = |text: &str| FragmentKey::of(wiki, Kind::Html, text.as_bytes());
        let page = PageManifest::new("Guide/Setup".into(), RevisionId::from_bytes([1; 20]), vec![(Slot::Main, name("m"))], name("s"));
        assert_eq!(PageManifest::from_bytes(&page.to_bytes()).unwrap(), page);
        let newer = String::from_utf8(page.to_bytes()).unwrap().replace("\"version\":1", "\"version\":3");
        assert!(PageManifest::from_bytes(newer.as_bytes()).unwrap_err().hint.is_some());
        let more = String::from_utf8(page.to_bytes()).unwrap().replace("\"version\":1", "\"version\":1,\"later\":[1]");
        assert_eq!(PageManifest::from_bytes(more.as_bytes()).unwrap(), page);

        let page_bytes = page.to_bytes();
        let both = PageManifest { forms: Forms::GzipAndZstd, ..page.clone() };
        assert_eq!(PageManifest::from_bytes(&both.to_bytes()).unwrap(), both);
        let own = PageManifest { readers: Readers::OfItsOwn, ..page };
        assert_eq!(PageManifest::from_bytes(&own.to_bytes()).unwrap(), own);
        assert!(String::from_utf8(own.to_bytes()).unwrap().contains("\"version\":2"), "a program that does not know of it refuses it");

        let shared = WikiManifest {
            wiki,
            visibility: Visibility::Public,
            epoch: 3,
            generation: 9,
            revision: Some(RevisionId::from_bytes([2; 20])),
            settings: 4,
            publisher: 1,
            forms: Forms::Gzip,
            frame: name("f"),
            not_found: name("n"),
            not_found_head: Some(name("h")),
            redirects: Some(name("r")),
            home: Some("home".into()),
        };
        assert_eq!(WikiManifest::from_bytes(&shared.to_bytes()).unwrap(), shared);
        assert!(!String::from_utf8([page_bytes, shared.to_bytes()].concat()).unwrap().contains("forms"), "as before there were any");
        let shared = WikiManifest { forms: Forms::GzipAndZstd, ..shared };
        assert_eq!(WikiManifest::from_bytes(&shared.to_bytes()).unwrap(), shared);
        let unknown = String::from_utf8(shared.to_bytes()).unwrap().replace("gzip,zstd", "gzip,later");
        assert_eq!(WikiManifest::from_bytes(unknown.as_bytes()).unwrap().forms, Forms::Gzip);
        let odd = String::from_utf8(shared.to_bytes()).unwrap().replace("public\"", "open\"");
        assert_eq!(WikiManifest::from_bytes(odd.as_bytes()).unwrap().visibility, Visibility::Private);
    }
}
