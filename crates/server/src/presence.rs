//! Who has an editor open, in memory only: whoever does not say so again is gone.

use holt_core::{PageKey, WikiId};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Seconds after which somebody who said nothing is gone.
const GONE: i64 = 45;
/// Most editors of one page that are known, and most pages; more are not told about.
const EDITORS: usize = 20;
const PAGES: usize = 10_000;

/// Open editors of all wikis.
#[derive(Debug, Default)]
pub struct Presence {
    pages: Mutex<HashMap<(WikiId, PageKey), Vec<Editor>>>,
}

#[derive(Debug)]
struct Editor {
    /// Tells sessions apart; shown to nobody.
    session: String,
    name: String,
    since: i64,
    seen: i64,
}

impl Presence {
    /// Notes that `session` of somebody called `name` edits the page, and answers who else does and for how many seconds.
    pub fn note(&self, wiki: WikiId, page: &PageKey, session: &str, name: &str, now: i64) -> Vec<(String, i64)> {
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        if pages.len() >= PAGES {
            pages.retain(|_, editors| editors.iter().any(|editor| editor.seen + GONE > now));
        }
        let is_known = pages.contains_key(&(wiki, page.clone()));
        if pages.len() >= PAGES && !is_known {
            return Vec::new();
        }
        let editors = pages.entry((wiki, page.clone())).or_default();
        editors.retain(|editor| editor.seen + GONE > now);
        let is_full = editors.len() >= EDITORS;
        match editors.iter_mut().find(|editor| editor.session == session) {
            Some(editor) => editor.seen = now,
            None if is_full => {}
            None => editors.push(Editor { session: session.to_string(), name: name.to_string(), since: now, seen: now }),
        }
        editors.iter().filter(|editor| editor.session != session).map(|editor| (editor.name.clone(), now - editor.since)).collect()
    }
    /// Notes that the editor was closed.
    pub fn leave(&self, wiki: WikiId, page: &PageKey, session: &str) {
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(editors) = pages.get_mut(&(wiki, page.clone())) {
            editors.retain(|editor| editor.session != session);
            if editors.is_empty() {
                pages.remove(&(wiki, page.clone()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use holt_core::PagePath;

    #[test]
    fn others_are_seen_until_they_are_gone() {
        let presence = Presence::default();
        let page = PagePath::parse("A").unwrap().key();
        let [here, there] = [1, 2].map(WikiId::from_random);
        assert!(presence.note(here, &page, "a", "Ann", 100).is_empty());
        assert_eq!(presence.note(here, &page, "b", "Ben", 110), [("Ann".to_string(), 10)]);
        assert!(presence.note(there, &page, "b", "Ben", 110).is_empty(), "another wiki is another page");
        assert_eq!(presence.note(here, &page, "b", "Ben", 150), [], "Ann said nothing for 45 seconds");
        presence.note(here, &page, "a", "Ann", 150);
        presence.leave(here, &page, "a");
        assert!(presence.note(here, &page, "b", "Ben", 151).is_empty());
    }
}
