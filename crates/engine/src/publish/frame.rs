//! What all pages of a wiki share: the frame with the page tree, the 404 text, and the wiki's manifest.

use super::page::{draw, draw_safe};
use super::views::{FrameView, MenuEntry, NotFoundView, TreeNode, TreeView};
use super::{home_key, is_current, publisher_version, visibility};
use crate::db::index::Index;
use crate::db::preferences::Preferences;
use crate::repo::FileMode;
use crate::wiki::Wiki;
use holt_core::{PageKey, PagePath, Result, RevisionId, SafeHtml};
use holt_fragments::{Fragment, Frame, Kind, WikiManifest, assets};
use std::collections::BTreeMap;

/// Most entries of the page tree that every page carries. A larger wiki shows its upper levels; the rest is a click away.
const TREE_NODES: usize = 500;

/// Writes the wiki manifest, and before it the frame unless `keep` has one that still fits.
pub(super) fn publish(
    wiki: &Wiki,
    index: &Index,
    preferences: &Preferences,
    head: Option<RevisionId>,
    settings: u64,
    keep: Option<&WikiManifest>,
) -> Result<WikiManifest> {
    let fragments = &wiki.shared.fragments;
    let db = wiki.db()?;
    let (frame, not_found) = match keep.filter(|old| old.settings == settings && is_current(old)) {
        Some(old) => (old.frame.clone(), old.not_found.clone()),
        None => {
            let tree = draw_safe(&tree(index, preferences)?)?;
            let frame = fragments.put_frame(wiki.id(), &frame(preferences, &menu(preferences), &tree)?)?;
            let not_found = draw(&NotFoundView { name: None, create_url: None })?;
            (frame, fragments.put(wiki.id(), Kind::Html, &Fragment::new(not_found.into_bytes()))?)
        }
    };
    let generation = fragments.wiki(wiki.id())?.map_or(1, |old| old.generation + 1);
    let manifest = WikiManifest {
        wiki: wiki.id(),
        visibility: visibility(preferences),
        epoch: db.epoch()?,
        generation,
        revision: head,
        settings,
        publisher: publisher_version(),
        frame,
        not_found,
        home: home_key(preferences).map(|key| key.as_str().to_string()),
    };
    fragments.put_wiki(&manifest)?;
    Ok(manifest)
}

fn frame(preferences: &Preferences, menu: &[MenuEntry], tree: &SafeHtml) -> Result<Frame> {
    let html = draw(&FrameView {
        site_name: &preferences.site_name,
        lang: &preferences.site_lang,
        css_url: assets::url("style.css"),
        js_url: assets::url("holt.js"),
        icon_url: assets::url("icon.svg"),
        logo_url: None,
        menu,
        tree,
    })?;
    Frame::parse(&html)
}

/// A frame that names no page, for those who may not read: the log-in form of a private wiki.
pub fn bare_frame(preferences: &Preferences) -> Result<Frame> {
    frame(preferences, &[], &draw_safe(&TreeView { nodes: Vec::new() })?)
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
    while depth < 16 && root.count(depth + 1) <= TREE_NODES {
        depth += 1;
    }
    Ok(root.view(depth, home_key(preferences).as_ref()))
}

impl Node {
    /// How many nodes a tree of `depth` levels has.
    fn count(&self, depth: usize) -> usize {
        if depth == 0 { 0 } else { self.children.values().map(|child| 1 + child.count(depth - 1)).sum() }
    }
    fn view(self, depth: usize, home: Option<&PageKey>) -> TreeView {
        let nodes = if depth == 0 { Vec::new() } else { self.children.into_values().filter_map(|child| child.node(depth, home)).collect() };
        TreeView { nodes }
    }
    fn node(mut self, depth: usize, home: Option<&PageKey>) -> Option<TreeNode> {
        let path = self.path.take()?;
        let url = if home == Some(&path.key()) { "/".to_string() } else { path.url() };
        let more = (depth == 1 && !self.children.is_empty()).then(|| super::tree_url(&path));
        Some(TreeNode { title: std::mem::take(&mut self.title), url, children: self.view(depth - 1, home), more })
    }
}
