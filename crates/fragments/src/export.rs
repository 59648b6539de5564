//! Published pages as files for a store on another machine: for each page one file with all of its fragments, and its manifest behind it.

use crate::key::{self, FragmentKey, Kind};
use crate::manifest::{PageManifest, Readers, WikiManifest};
use crate::pack::Pack;
use crate::store::{FragmentStore, HostName, Hosted};
use bytes::Bytes;
use holt_core::{Error, PageKey, Result, WikiId};
use std::collections::BTreeSet;

/// A file to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its name: hex digits, slashes and fixed words.
    pub path: String,
    /// Its content.
    pub bytes: Bytes,
}

/// What has to be stored so that readers elsewhere see something as it is here: first what the manifest names, then the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// Files whose names are made from their content: storing them again changes nothing.
    pub named: Vec<File>,
    /// The file by which readers see them.
    pub manifest: File,
}

impl FragmentStore {
    /// A page; `None` if it is not published. An error if it is not whole.
    pub fn export_page(&self, wiki: WikiId, page: &PageKey) -> Result<Option<Exported>> {
        let Some(manifest) = self.page(wiki, page)? else { return Ok(None) };
        let path = key::page(wiki, page);
        if manifest.readers == Readers::OfItsOwn {
            // The server alone answers it: elsewhere it is known that it is there, and nothing of it.
            let manifest = PageManifest { pack: None, ..(*manifest).clone() };
            return Ok(Some(Exported { named: Vec::new(), manifest: File { path, bytes: manifest.to_bytes().into() } }));
        }
        let names: BTreeSet<&FragmentKey> = manifest.fragments().collect();
        let parts = names.into_iter().map(|name| Ok((name.clone(), self.get(wiki, name)?.ok_or_else(missing)?)));
        let bytes = Pack::new(parts.collect::<Result<_>>()?).to_bytes();
        let name = FragmentKey::of(wiki, Kind::Pack, &bytes);
        let mut manifest = (*manifest).clone();
        let pack = File { path: key::object(wiki, &name), bytes: bytes.into() };
        manifest.pack = Some(name);
        Ok(Some(Exported { named: vec![pack], manifest: File { path, bytes: manifest.to_bytes().into() } }))
    }
    /// What the pages of a wiki share; `None` if nothing is published. An error if it is not whole. Counts and cursors stay here: a change of a
    /// page's text alone changes nothing of it.
    pub fn export_wiki(&self, wiki: WikiId) -> Result<Option<Exported>> {
        let Some(manifest) = self.wiki(wiki)? else { return Ok(None) };
        let frame = self.frame(wiki, &manifest.frame)?.ok_or_else(missing)?;
        let file = |name: &FragmentKey, bytes: Vec<u8>| File { path: key::object(wiki, name), bytes: bytes.into() };
        let mut named = vec![file(&manifest.frame, frame.to_bytes())];
        for name in manifest.fragments() {
            named.push(file(name, self.get(wiki, name)?.ok_or_else(missing)?.to_bytes()));
        }
        let manifest = WikiManifest { generation: 0, revision: None, settings: 0, ..(*manifest).clone() };
        Ok(Some(Exported { named, manifest: File { path: key::wiki(wiki), bytes: manifest.to_bytes().into() } }))
    }
    /// What makes `host` lead somewhere.
    pub fn export_host(host: &HostName, to: &Hosted) -> File {
        File { path: host.path(), bytes: to.to_text().into() }
    }
    /// Whether a file is here by which something is published.
    pub fn holds(&self, path: &str) -> bool {
        matches!(self.read_file(path), Ok(Some(_)))
    }
    /// How far this wiki is in the object store that is called `place`: the generation that was published there last, whole.
    pub fn shipped(&self, wiki: WikiId, place: &str) -> Result<Option<u64>> {
        let stored = self.read_file(&key::shipped(wiki))?;
        Ok(stored
            .and_then(|bytes| String::from_utf8(bytes.into()).ok())
            .and_then(|text| text.strip_prefix(&format!("{} ", key::place(place)))?.parse().ok()))
    }
    /// Notes it. Not durable: what is forgotten is compared again.
    pub fn set_shipped(&self, wiki: WikiId, place: &str, generation: u64) -> Result<()> {
        self.write_mark(&key::shipped(wiki), &format!("{} {generation}", key::place(place)))
    }
    /// Up to which generation of this wiki the cache that is called `cache` was told what to forget.
    pub fn purged(&self, wiki: WikiId, cache: &str) -> Result<Option<u64>> {
        let stored = self.read_file(&key::purged(wiki, cache))?;
        Ok(stored.and_then(|bytes| String::from_utf8(bytes.into()).ok()?.parse().ok()))
    }
    /// Notes it. Not durable: a cache that is told twice forgets twice.
    pub fn set_purged(&self, wiki: WikiId, cache: &str, generation: u64) -> Result<()> {
        self.write_mark(&key::purged(wiki, cache), &generation.to_string())
    }
}

/// The names of what can change in an object store.
pub mod names {
    use super::key;
    use holt_core::{PageKey, WikiId};

    /// The manifest of a page.
    pub fn page(wiki: WikiId, page: &PageKey) -> String {
        key::page(wiki, page)
    }
    /// The manifest of a wiki.
    pub fn wiki(wiki: WikiId) -> String {
        key::wiki(wiki)
    }
    /// Where all page manifests of a wiki are.
    pub fn pages(wiki: WikiId) -> String {
        key::pages(wiki)
    }
    /// Where everything of a wiki is.
    pub fn everything(wiki: WikiId) -> String {
        wiki.to_string()
    }
    /// Where all of its files are whose names are made from their content.
    pub fn objects(wiki: WikiId) -> String {
        key::objects(wiki)
    }
    /// The wiki to which a file of this name belongs. `None` for everything that we do not put below a wiki's name: somebody else's.
    pub fn whose(path: &str) -> Option<WikiId> {
        let hex =
            |text: &str, length: usize| text.len() == length && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        let mut parts = path.split('/');
        let wiki = parts.next().filter(|wiki| hex(wiki, 16)).and_then(crate::manifest::wiki_id)?;
        let (name, length) = match (parts.next()?, parts.next(), parts.next(), parts.next()) {
            ("w", None, None, None) => return Some(wiki),
            ("p", Some(fan), Some(name), None) if name.starts_with(fan) && hex(fan, 2) => (name, 32),
            ("o", Some(fan), Some(name), None) if name.starts_with(fan) && hex(fan, 2) => (name, 40),
            _ => return None,
        };
        hex(name, length).then_some(wiki)
    }
    /// The wiki whose files are below this name, if it is a wiki's.
    pub fn whose_folder(name: &str) -> Option<WikiId> {
        whose(&format!("{name}/w"))
    }
    /// What makes a host lead to its wiki.
    pub fn host(host: &crate::HostName) -> String {
        host.path()
    }
    /// The folder of all of those.
    pub fn hosts() -> &'static str {
        "hosts"
    }
}

fn missing() -> Error {
    Error::internal("a published page lacks a fragment").hint("Publish the wiki again with `holt reindex`.")
}

#[cfg(test)]
mod tests {
    use super::names::{self, whose, whose_folder};
    use crate::key::{self, FragmentKey, Kind};
    use holt_core::{PagePath, WikiId};

    #[test]
    fn files_say_whose_they_are_and_others_are_nobodys() {
        let wiki = WikiId::from_random(0x0123_4567_89ab_cdef);
        let page = PagePath::parse("Guide").unwrap().key();
        let object = key::object(wiki, &FragmentKey::of(wiki, Kind::Html, b"x"));
        for ours in [names::wiki(wiki), names::page(wiki, &page), object.clone()] {
            assert_eq!(whose(&ours), Some(wiki), "{ours}");
        }
        assert_eq!(whose_folder("0123456789abcdef"), Some(wiki));
        for other in [
            "",
            "w",
            "0123456789abcdef",
            "0123456789abcdef/",
            "0123456789abcdef/x",
            "0123456789abcdef/w/x",
            "0123456789abcdef/notes.txt",
            "0123456789ABCDEF/w",
            "0000000000000000/w",
            "+123456789abcdef/w",
            "0123456789abcde/w",
            "hosts/0123456789abcdef0123456789abcdef",
            "static/style.0123456789ab.css",
            // Another installation, whose path is called like a wiki.
            "0123456789abcdef/fedcba9876543210/w",
            "0123456789abcdef/p/aa/bb",
            "0123456789abcdef/p/bb/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "0123456789abcdef/o/aa/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "0123456789abcdef/s",
        ] {
            assert_eq!(whose(other), None, "{other}");
        }
        for other in ["", "hosts", "static", "0123456789abcdef/", "backup", "0123456789abcdefa"] {
            assert_eq!(whose_folder(other), None, "{other}");
        }
    }
}
