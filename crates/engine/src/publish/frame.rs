//! What all pages of a wiki share: the frame with the page tree, the 404 text, and the wiki's manifest.

use super::filters::draw;
use super::links::IndexLinks;
use super::pages::IndexPages;
use super::views::{FrameView, HeadView, Indexing, MenuEntry, NotFoundView, Shortcuts, TreeNode, TreeView};
use super::{forms, home_key, is_current, publisher_version, visibility};
use crate::db::index::Index;
use crate::db::preferences::{Preferences, TreeMode};
use crate::repo::FileMode;
use crate::wiki::{Published, Wiki};
use holt_core::{Language, PageKey, PagePath, Result, RevisionId, SafeHtml};
use holt_fragments::{Forms, FragmentKey, Frame, Kind, WikiManifest, assets};
use holt_markdown::Context;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Most entries of the page tree that every page carries. A larger wiki shows its upper levels; the rest is a click away.
const TREE_NODES: usize = 500;

/// Writes the wiki manifest, and before it the frame unless `keep` has one that still fits.
pub(super) fn publish(
    wiki: &Wiki,
    index: &Arc<Index>,
    preferences: &Preferences,
    (head, redirects): (Option<RevisionId>, Option<FragmentKey>),
    (settings, forms): (u64, Forms),
    keep: Option<&WikiManifest>,
) -> Result<WikiManifest> {
    let fragments = &wiki.shared.fragments;
    let db = wiki.db()?;
    // Everybody who reads anything of the wiki gets this.
    let index = &*wiki.sight(index.clone(), preferences.path_access.hidden_in(None));
    let (frame, not_found, not_found_head) = match keep.filter(|old| old.settings == settings && is_current(old, forms)) {
        Some(old) => (old.frame.clone(), old.not_found.clone(), old.not_found_head.clone()),
        None => {
            let tree = draw(&tree(index, preferences)?, preferences.language)?;
            let frame = fragments.put_frame(wiki.id(), &frame(preferences, &menu(preferences), &tree, forms)?)?;
            let own = own_not_found(wiki, index, preferences)?;
            let not_found = draw(&NotFoundView { name: None, create_url: None, own: own.as_ref() }, preferences.language)?.into_string();
            let put = |html: String| fragments.put(wiki.id(), Kind::Html, &forms::fragment(html.into_bytes(), forms)?);
            (frame, put(not_found)?, Some(put(not_found_head(preferences)?)?))
        }
    };
    let was = fragments.wiki(wiki.id())?;
    let generation = was.as_ref().map_or(1, |was| was.generation + 1);
    let manifest = WikiManifest {
        wiki: wiki.id(),
        // Read in this order: whoever changes something in between publishes after this.
        epoch: db.epoch()?,
        visibility: visibility(wiki)?,
        generation,
        revision: head,
        settings,
        publisher: publisher_version(forms),
        forms,
        frame,
        not_found,
        not_found_head,
        redirects,
        home: home_key(preferences).map(|key| key.as_str().to_string()),
    };
    fragments.put_wiki(&manifest)?;
    let why = match was {
        Some(was) if was.revision != manifest.revision => Published::ByCommits,
        Some(was) if (WikiManifest { generation, ..(*was).clone() }) == manifest => Published::Again,
        _ => Published::Otherwise,
    };
    wiki.shared.published(wiki.id(), why);
    Ok(manifest)
}

/// The head of a page that is not there: of all of them, so it names none.
fn not_found_head(preferences: &Preferences) -> Result<String> {
    let title = preferences.language.say("There is no such page");
    let view = HeadView {
        title: &title,
        site_name: &preferences.site_name,
        description: "",
        canonical: None,
        image_url: None,
        markdown_url: None,
        indexing: Indexing::Refused,
    };
    Ok(draw(&view, preferences.language)?.into_string())
}

fn frame(preferences: &Preferences, menu: &[MenuEntry], tree: &SafeHtml, forms: Forms) -> Result<Frame> {
    let has_tree = preferences.tree_mode != TreeMode::Off;
    let pin = |name: &str| preferences.is_pinned(name);
    let pinned = Shortcuts { home: pin("home"), changes: pin("changelog"), index: pin("pageindex"), create: pin("createpage") };
    let view = FrameView {
        site_name: &preferences.site_name,
        lang: preferences.language.code(),
        dir: preferences.direction,
        words_url: words(preferences.language),
        css_url: assets::url("style.css"),
        js_url: assets::url("holt.js"),
        icon_url: if preferences.icon.is_empty() { assets::url("icon.svg") } else { &preferences.icon },
        logo_url: Some(preferences.logo.as_str()).filter(|logo| !logo.is_empty()),
        menu,
        tree: Some(tree).filter(|_| has_tree),
        pinned,
    };
    Frame::parse_with(draw(&view, preferences.language)?.as_str(), |literal| forms::fragment(literal, forms))
}

/// What holt.js says in other languages than English.
fn words(language: Language) -> Option<&'static str> {
    match language {
        Language::English => None,
        Language::German => Some(assets::url("de.js")),
    }
}

/// A frame that names no page, for those who may not read: the log-in form of a private wiki.
pub fn bare_frame(preferences: &Preferences) -> Result<Frame> {
    frame(preferences, &[], &draw(&TreeView { nodes: Vec::new() }, preferences.language)?, Forms::Gzip)
}

/// The wiki's own menu (spec/wiki.md §9.4). Titles are text; an address is a path of the wiki, http(s) or mailto, anything else is a path.
fn menu(preferences: &Preferences) -> Vec<MenuEntry> {
    let entry = |item: &crate::db::preferences::MenuItem| {
        if item.link == "---" {
            return MenuEntry::Separator;
        }
        let title = if item.title.is_empty() { item.link.clone() } else { item.title.clone() };
        let target = if item.link.is_empty() { &item.title } else { &item.link };
        let external = ["http://", "https://", "mailto:"].iter().any(|scheme| target.to_ascii_lowercase().starts_with(scheme));
        let url = if external { target.clone() } else { format!("/{}", holt_core::path::encode(target.trim_start_matches('/'))) };
        MenuEntry::Link { title, url }
    };
    preferences.custom_menu.iter().map(entry).collect()
}

/// What the page `NOT_FOUND_PAGE` says (spec/wiki.md §6.3); none if there is no such page.
pub fn own_not_found(wiki: &Wiki, index: &Index, preferences: &Preferences) -> Result<Option<SafeHtml>> {
    let Some(path) = preferences.get("NOT_FOUND_PAGE").map(str::trim).filter(|name| !name.is_empty()) else { return Ok(None) };
    let Ok(path) = PagePath::parse(path) else { return Ok(None) };
    let Some(row) = index.page(&path.key())?.filter(|row| row.mode != FileMode::Symlink) else { return Ok(None) };
    let repo = wiki.repo()?;
    let Ok(source) = String::from_utf8(repo.blob(row.blob)?) else { return Ok(None) };
    let (links, pages) = (IndexLinks::new(index), IndexPages::new(index, &repo, preferences));
    let url = format!("/{}", row.path);
    let options = crate::pages::render_options(preferences);
    let context = Context { page_url: Some(&url), options, links: Some(&links), pages: Some(&pages), ..Context::default() };
    Ok(Some(holt_markdown::render(&source, &context).html))
}

/// How the tree is shown.
struct Shape {
    home: Option<PageKey>,
    mode: TreeMode,
    unfolded: bool,
}

#[derive(Default)]
struct Node {
    path: Option<PagePath>,
    title: String,
    children: BTreeMap<String, Node>,
}

fn tree(index: &Index, preferences: &Preferences) -> Result<TreeView> {
    let mut root = Node::default();
    for row in index.pages()?.into_iter().filter(|row| row.mode != FileMode::Symlink) {
        let mut node = &mut root;
        let mut path: Option<PagePath> = None;
        for segment in row.path.segments() {
            let here = match &path {
                None => PagePath::parse(segment)?,
                Some(up) => up.child(segment)?,
            };
            node = node.children.entry(preferences.sort_key(segment)).or_default();
            if node.path.is_none() {
                node.title = preferences.display_segment(segment);
                node.path = Some(here.clone());
            }
            path = Some(here);
        }
        node.title = preferences.display_leaf(&row.path, row.title.as_deref());
    }
    let mut depth = 1;
    let deepest = preferences.tree_depth.unwrap_or(16).min(16);
    while depth < deepest && root.count(depth + 1) <= TREE_NODES {
        depth += 1;
    }
    Ok(root.view(depth, &Shape { home: home_key(preferences), mode: preferences.tree_mode, unfolded: preferences.tree_unfolded }))
}

impl Node {
    /// How many nodes a tree of `depth` levels has.
    fn count(&self, depth: usize) -> usize {
        if depth == 0 { 0 } else { self.children.values().map(|child| 1 + child.count(depth - 1)).sum() }
    }
    fn view(self, depth: usize, shape: &Shape) -> TreeView {
        if depth == 0 {
            return TreeView { nodes: Vec::new() };
        }
        let mut children: Vec<Self> = self.children.into_values().collect();
        match shape.mode {
            TreeMode::DirectoriesFirst => children.sort_by_key(|child| child.children.is_empty()),
            TreeMode::DirectoriesOnly => children.retain(|child| !child.children.is_empty()),
            TreeMode::Sorted | TreeMode::Off => {}
        }
        TreeView { nodes: children.into_iter().filter_map(|child| child.node(depth, shape)).collect() }
    }
    fn node(mut self, depth: usize, shape: &Shape) -> Option<TreeNode> {
        let path = self.path.take()?;
        let url = if shape.home.as_ref() == Some(&path.key()) { "/".to_string() } else { path.url() };
        let more = (depth == 1 && !self.children.is_empty()).then(|| super::tree_url(&path));
        Some(TreeNode { title: std::mem::take(&mut self.title), url, children: self.view(depth - 1, shape), open: shape.unfolded, more })
    }
}
