//! Where names lead that are no page's: former names, and those that pages give themselves. The server asks git and index; edges have neither,
//! and read a list. It is the same list whether it was made at once or followed every change: what a change can have touched is looked at again.

use super::Publisher;
use super::plan::Names;
use crate::pages::{Found, find_named};
use holt_core::{PageKey, PagePath, Result};
use holt_fragments::{FragmentKey, Kind, Redirect, WikiManifest, redirects};
use std::collections::BTreeMap;

/// Most names of a kind that are published; of former ones the latest. The rest is for the server, which knows all of them.
const NAMES: usize = 10_000;

/// Stores the list and says its name.
pub(super) fn publish(publisher: &Publisher<'_>, old: Option<&WikiManifest>, names: &Names) -> Result<FragmentKey> {
    let (wiki, fragments) = (publisher.wiki, &publisher.wiki.shared.fragments);
    // What is hidden from readers of the wiki is no name, and no name leads there.
    let index = wiki.sight(publisher.index.clone(), publisher.preferences.path_access.hidden_in(None));
    let kept = old.and_then(|old| old.redirects.as_ref());
    let stored = kept.map(|name| fragments.get(wiki.id(), name)).transpose()?.flatten();
    let (mut list, again): (BTreeMap<PageKey, Redirect>, Vec<PagePath>) = match (names, kept, &stored) {
        (Names::Of(touched), Some(kept), Some(_)) if touched.is_empty() => return Ok(kept.clone()),
        (Names::Of(touched), _, Some(stored)) => {
            let known = redirects::read(stored);
            let keys: Vec<PageKey> = touched.iter().map(PagePath::key).collect();
            let led = known.iter().filter(|one| keys.contains(&one.to.key())).map(|one| one.from.clone());
            let again = led.chain(touched.iter().cloned()).collect();
            (known.into_iter().map(|one| (one.from.key(), one)).collect(), again)
        }
        _ => (BTreeMap::new(), index.other_names(NAMES)?),
    };
    for name in again {
        match find_named(wiki, &index, &name)? {
            Found::Moved(to) if index.page(&to.key())?.is_some() => list.insert(name.key(), Redirect { from: name, to }),
            _ => list.remove(&name.key()),
        };
    }
    fragments.put(wiki.id(), Kind::Redirects, &redirects::write(&list.into_values().collect::<Vec<_>>()))
}
