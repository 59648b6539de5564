//! Which pages have to be published again, from what changed in git between two revisions and from the links in the index.

use super::{Publisher, is_current};
use holt_core::{PageKey, PagePath, Result, RevisionId};
use holt_fragments::WikiManifest;
use holt_markdown::{Context, Purpose};
use std::collections::BTreeSet;

/// What to do.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Pages to write, in order.
    pub(super) pages: Vec<PageKey>,
    /// Pages whose manifest goes.
    pub(super) gone: Vec<PageKey>,
    /// Whether the frame (page tree, settings) has to be written.
    pub(super) frame: bool,
    /// Names that may lead elsewhere than before.
    pub(super) names: Names,
    moved: bool,
}

/// Names that are looked at again.
#[derive(Debug)]
pub(super) enum Names {
    /// All that there ever were.
    All,
    /// These, and those that led to them.
    Of(Vec<PagePath>),
}

impl Default for Names {
    fn default() -> Self {
        Self::Of(Vec::new())
    }
}

impl Plan {
    /// From what is published to what the index holds.
    pub(super) fn make(publisher: &Publisher<'_>, old: Option<&WikiManifest>, settings: u64, epoch: u64) -> Result<Self> {
        let Some(old) = old.filter(|old| is_current(old, publisher.forms) && old.settings == settings) else {
            return Self::everything(publisher);
        };
        match old.revision {
            // Somebody's rights changed: no page did, but every viewer token has to be asked for again.
            Some(published) if published == publisher.head => Ok(Self { moved: old.epoch != epoch, ..Self::default() }),
            Some(published) if publisher.index.has_revision(published)? => Self::since(publisher, published),
            _ => Self::everything(publisher),
        }
    }
    pub(super) fn is_empty(&self) -> bool {
        !self.moved
    }
    fn everything(publisher: &Publisher<'_>) -> Result<Self> {
        let pages = publisher.index.pages()?.into_iter().map(|row| row.path.key()).collect::<BTreeSet<_>>();
        let published = publisher.wiki.shared.fragments.pages(publisher.wiki.id())?;
        let gone = published.into_iter().filter(|key| !pages.contains(key)).collect();
        Ok(Self { pages: pages.into_iter().collect(), gone, frame: true, moved: true, names: Names::All })
    }
    fn since(publisher: &Publisher<'_>, published: RevisionId) -> Result<Self> {
        let mut pages = BTreeSet::new();
        let mut changed = Vec::new();
        let mut frame = false;
        let mut named = BTreeSet::new();
        let not_found =
            publisher.preferences.get("NOT_FOUND_PAGE").and_then(|name| PagePath::parse(name.trim()).ok()).map(|page| page.key());
        for change in publisher.repo.changes(Some(published), publisher.head)? {
            let new = PagePath::from_tree(&change.change.file);
            let old = PagePath::from_tree(crate::pages::old_name(&change.change));
            let titles = (
                change.old.filter(|_| old.is_some()).map(|blob| publisher.repo.blob(blob)).transpose()?,
                change.new.filter(|_| new.is_some()).map(|blob| publisher.repo.blob(blob)).transpose()?,
            );
            for attachment_of in [&change.change.file, crate::pages::old_name(&change.change)].into_iter().filter(|f| !f.ends_with(".md")) {
                // Files beside a page show in its foot, and links to them may have been broken.
                if let Some(page) = attachment_of.rsplit_once('/').and_then(|(directory, _)| PagePath::parse(directory).ok()) {
                    pages.insert(page.key());
                    for showing in publisher.index.showing_files(&page.key())? {
                        changed.push(showing.clone());
                        pages.insert(showing);
                    }
                    frame = true;
                }
            }
            let (before, after) =
                (publisher.targets(old.as_ref(), titles.0.as_deref()), publisher.targets(new.as_ref(), titles.1.as_deref()));
            let title =
                |source: &Option<Vec<u8>>| source.as_deref().and_then(|s| std::str::from_utf8(s).ok()).and_then(holt_markdown::title);
            // The text of the 404 page is a part of the wiki's manifest.
            frame |= [&old, &new].into_iter().flatten().any(|path| Some(path.key()) == not_found);
            let aliases =
                |path: Option<&PagePath>, source: &Option<Vec<u8>>| path.map(|path| aliases(path, source.as_deref())).unwrap_or_default();
            let names = (aliases(old.as_ref(), &titles.0), aliases(new.as_ref(), &titles.1));
            if change.old.is_none() || change.new.is_none() || change.change.file != crate::pages::old_name(&change.change) {
                // What is there now keeps its name and those of its folders from others; what went gives them back.
                for file in [&change.change.file, crate::pages::old_name(&change.change)] {
                    let path = PagePath::from_tree(file).map_or_else(|| PagePath::parse(file).ok(), Some);
                    named.extend(std::iter::successors(path, PagePath::parent));
                }
            }
            named.extend(names.0.symmetric_difference(&names.1).filter_map(|name| PagePath::parse(name.1.as_str()).ok()));
            for name in names.0.symmetric_difference(&names.1) {
                // Whoever links to a name that leads here now, or did, shows that.
                pages.extend(publisher.index.linking_to(&name.1)?.into_iter().map(|link| link.path.key()));
                pages.extend(publisher.index.aliased(&name.1)?.map(|page| page.key()));
            }
            let renamed = old != new || title(&titles.0) != title(&titles.1);
            for path in [&old, &new].into_iter().flatten() {
                pages.insert(path.key());
                changed.push(path.key());
                if renamed || change.old.is_none() || change.new.is_none() {
                    // It appeared, vanished or is called otherwise: pages that link to it show that.
                    frame = true;
                    pages.extend(publisher.index.aliased(&path.key())?.map(|page| page.key()));
                    pages.extend(publisher.index.linking_to(&path.key())?.into_iter().map(|link| link.path.key()));
                }
            }
            // Under another name, too.
            for name in before.symmetric_difference(&after) {
                pages.extend(publisher.index.aliased(name)?.map(|page| page.key()));
            }
            // "What links here" of every page that gained or lost a link, or whose linking page has a new title.
            pages.extend(if renamed {
                before.union(&after).cloned().collect::<Vec<_>>()
            } else {
                before.symmetric_difference(&after).cloned().collect()
            });
        }
        pages.extend(showing(publisher, changed)?);
        let mut plan = Self { frame, moved: true, names: Names::Of(named.into_iter().collect()), ..Self::default() };
        for key in pages {
            if publisher.index.page(&key)?.is_some() { plan.pages.push(key) } else { plan.gone.push(key) }
        }
        Ok(plan)
    }
}

/// The other names that a page gives itself, with the page: when that moves, all of them lead elsewhere.
fn aliases(path: &PagePath, source: Option<&[u8]>) -> BTreeSet<(PageKey, PageKey)> {
    let Some(Ok(text)) = source.map(std::str::from_utf8) else { return BTreeSet::new() };
    holt_markdown::properties(text)
        .aliases
        .iter()
        .filter_map(|alias| Some((path.key(), PagePath::parse(alias.trim_start_matches('/')).ok()?.key())))
        .collect()
}

/// The pages that show one of these, or a page that does.
fn showing(publisher: &Publisher<'_>, mut waiting: Vec<PageKey>) -> Result<BTreeSet<PageKey>> {
    let mut found = BTreeSet::new();
    while let Some(key) = waiting.pop() {
        for page in publisher.index.showing(&key)? {
            if found.insert(page.clone()) {
                waiting.push(page);
            }
        }
    }
    Ok(found)
}

impl Publisher<'_> {
    /// The pages that a source links to.
    fn targets(&self, path: Option<&PagePath>, source: Option<&[u8]>) -> BTreeSet<PageKey> {
        let (Some(path), Some(Ok(text))) = (path, source.map(std::str::from_utf8)) else { return BTreeSet::new() };
        let url = format!("/{path}");
        let options = crate::pages::render_options(&self.preferences);
        let rendered =
            holt_markdown::render(text, &Context { page_url: Some(&url), options, purpose: Purpose::Words, ..Context::default() });
        rendered.links.iter().filter_map(|link| PagePath::parse(&link.target).ok()).map(|path| path.key()).collect()
    }
}
