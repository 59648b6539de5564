//! Which pages were published with which generation of a wiki, for processes that nobody tells: a short file beside the published pages, a line for each
//! generation, written before the manifest that has it. What it does not reach back to is found by comparing.

use super::place::{Place, Replaced};
use super::{FragmentStore, PageKey, WikiManifest};
use crate::key;
use holt_core::{PagePath, Result, WikiId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// When the file has so many bytes, the older half of it goes.
const BYTES: usize = 256 * 1024;
/// Of more pages at once nothing is noted but that there were many.
const PAGES: usize = 1_000;

/// Pages, each with the paths by which it is stored and was.
pub type Changed = BTreeMap<PageKey, BTreeSet<String>>;

/// What readers see changed between two generations of a wiki.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Since {
    /// The second one, which is there now.
    pub generation: u64,
    /// Which pages.
    pub pages: Changed,
    /// Whether what all pages share is something else, too.
    pub shared: bool,
}

#[derive(Serialize, Deserialize)]
struct Line {
    generation: u64,
    shared: bool,
    /// None: too many to be named.
    pages: Option<BTreeMap<String, BTreeSet<String>>>,
}

impl FragmentStore {
    /// What was published of a wiki since it stood at `generation`. `None` if nobody noted that, or nothing of it is published.
    pub fn changed_since(&self, wiki: WikiId, generation: u64) -> Result<Option<Since>> {
        // First: all that leads to it is noted by then.
        let Some(now) = self.wiki(wiki)?.map(|shared| shared.generation) else { return Ok(None) };
        let mut since = Since { generation: now, pages: Changed::new(), shared: false };
        let Some(steps) = now.checked_sub(generation) else { return Ok(None) };
        let mut noted = BTreeSet::new();
        for line in lines(&self.0.place, wiki)? {
            if line.generation <= generation {
                continue;
            }
            let Some(pages) = line.pages else { return Ok(None) };
            noted.insert(line.generation);
            since.shared |= line.shared;
            for (page, paths) in pages {
                let Ok(page) = PagePath::parse(&page) else { return Ok(None) };
                since.pages.entry(page.key()).or_default().extend(paths);
            }
        }
        // A line of what is being published just now may be there before its manifest.
        noted.retain(|noted| *noted <= now);
        Ok((noted.len() as u64 == steps).then_some(since))
    }
}

/// Notes what is about to be there with the generation of `next`.
pub(super) fn note(place: &Place, old: Option<&WikiManifest>, next: &WikiManifest, pages: &Changed) -> Result<()> {
    let face = |manifest: &WikiManifest| WikiManifest { generation: 0, revision: None, settings: 0, ..manifest.clone() };
    let shared = old.is_none_or(|old| face(old) != face(next));
    let named = || pages.iter().map(|(page, paths)| (page.as_str().to_string(), paths.clone())).collect();
    let line = Line { generation: next.generation, shared, pages: (pages.len() <= PAGES).then(named) };
    let Ok(line) = serde_json::to_string(&line) else { return Ok(()) };
    let path = key::news(next.wiki);
    if place.append(&path, &format!("{line}\n"))? > BYTES {
        let kept = text(place, next.wiki)?;
        let half = kept.get(kept.len() / 2..).and_then(|half| half.split_once('\n')).map_or("", |(_, rest)| rest);
        place.write(&path, half.as_bytes(), Replaced::AtOnce)?;
    }
    Ok(())
}

fn text(place: &Place, wiki: WikiId) -> Result<String> {
    Ok(place.read(&key::news(wiki))?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default())
}

/// What a crash tore is no line, and missing then.
fn lines(place: &Place, wiki: WikiId) -> Result<Vec<Line>> {
    Ok(text(place, wiki)?.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Fragment, Frame, Kind, PageManifest, Slot};
    use holt_core::{RevisionId, Visibility};

    fn shared(store: &FragmentStore, wiki: WikiId, generation: u64, frame: &str) {
        let frame = Frame::parse(frame).unwrap();
        let frame = store.put_frame(wiki, &frame).unwrap();
        let not_found = store.put(wiki, Kind::Html, &Fragment::new("none")).unwrap();
        let (revision, not_found_head, redirects, home) = (None, None, None, None);
        let (visibility, epoch, settings, publisher) = (Visibility::Public, 1, 1, 1);
        let manifest = WikiManifest {
            wiki,
            visibility,
            epoch,
            generation,
            revision,
            settings,
            publisher,
            forms: crate::Forms::Gzip,
            frame,
            not_found,
            not_found_head,
            redirects,
            home,
        };
        store.put_wiki(&manifest).unwrap();
    }

    fn page(store: &FragmentStore, wiki: WikiId, path: &str, text: &str) {
        let main = store.put(wiki, Kind::Html, &Fragment::new(text.to_string())).unwrap();
        let manifest = PageManifest::new(path.into(), RevisionId::from_bytes([1; 20]), vec![(Slot::Main, main.clone())], main);
        store.put_page(wiki, &PagePath::parse(path).unwrap().key(), &manifest).unwrap();
    }

    fn named(since: &Since) -> Vec<&str> {
        since.pages.values().flatten().map(String::as_str).collect()
    }

    const FRAME: &str = "<html><!--slot:head--><!--slot:crumbs--><!--slot:main--><!--slot:aside--><!--slot:foot--></html>";

    #[test]
    fn whoever_was_told_nothing_sees_what_changed_since() {
        let dir = tempfile::tempdir().unwrap();
        let wiki = WikiId::from_random(1);
        let (here, there) = (FragmentStore::folder(dir.path()), FragmentStore::shared_folder(dir.path()));
        page(&here, wiki, "Before", "1");
        shared(&here, wiki, 1, FRAME);
        assert_eq!(there.changed_since(wiki, 0).unwrap(), None, "nobody wanted to know then");
        here.observe(|_| ());
        page(&here, wiki, "Guide", "1");
        shared(&here, wiki, 2, FRAME);
        page(&here, wiki, "guide", "2");
        page(&here, wiki, "Other", "1");
        shared(&here, wiki, 3, FRAME);
        let since = there.changed_since(wiki, 1).unwrap().unwrap();
        assert_eq!((since.generation, named(&since), since.shared), (3, vec!["Guide", "guide", "Other"], false));
        let since = there.changed_since(wiki, 3).unwrap().unwrap();
        assert!(since.pages.is_empty() && !since.shared);
        here.remove_page(wiki, &PagePath::parse("Other").unwrap().key()).unwrap();
        shared(&here, wiki, 4, &FRAME.replace("html", "body"));
        let since = there.changed_since(wiki, 3).unwrap().unwrap();
        assert_eq!((since.generation, named(&since), since.shared), (4, vec!["Other"], true));
        assert_eq!(there.changed_since(wiki, 5).unwrap(), None, "that was another life of the wiki");
        // What was torn, and what was cut off, is not guessed.
        let file = dir.path().join(key::news(wiki));
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, &text[..text.len() - 9]).unwrap();
        assert_eq!(there.changed_since(wiki, 3).unwrap(), None);
        std::fs::remove_file(&file).unwrap();
        assert_eq!(there.changed_since(wiki, 3).unwrap(), None);
    }

    #[test]
    fn the_file_stays_small_and_reaches_back_a_while() {
        let store = FragmentStore::memory();
        store.observe(|_| ());
        let wiki = WikiId::from_random(1);
        let long = "x".repeat(120);
        for generation in 1..3_000 {
            page(&store, wiki, &format!("{long}Page {generation}"), "text");
            shared(&store, wiki, generation, FRAME);
        }
        assert!(store.read_file(&key::news(wiki)).unwrap().unwrap().len() <= BYTES);
        assert_eq!(store.changed_since(wiki, 2_800).unwrap().unwrap().pages.len(), 199);
        assert_eq!(store.changed_since(wiki, 5).unwrap(), None);
        // Of very many at once their number is not kept either.
        for n in 0..=PAGES {
            page(&store, wiki, &format!("New {n}"), "text");
        }
        shared(&store, wiki, 3_000, FRAME);
        assert_eq!(store.changed_since(wiki, 2_999).unwrap(), None);
        store.remove_wiki(wiki).unwrap();
        assert_eq!(store.changed_since(wiki, 0).unwrap(), None);
    }
}
