//! Pages that lead to pages: tags, deleted ones, what is to be tidied up.

use askama::Template;
use holt_engine::publish::filters;

use super::{Moment, PageRef, Problem};

/// A tag, as a link.
#[derive(Debug, Clone)]
pub struct TagLink {
    /// As written.
    pub name: String,
    /// Its page.
    pub url: String,
    /// How many pages have it.
    pub pages: usize,
}

/// All tags.
#[derive(Template)]
#[template(path = "tags.html")]
pub struct TagsView {
    /// By name.
    pub tags: Vec<TagLink>,
}

/// A page in a list, with a line about it.
#[derive(Debug, Clone)]
pub struct TaggedPage {
    /// Its title.
    pub title: String,
    /// Where it is read.
    pub url: String,
    /// Its full name, shown when it says more than the title.
    pub path: String,
    /// Its first words.
    pub description: String,
}

/// The pages with some tags.
#[derive(Template)]
#[template(path = "tag.html")]
pub struct TagView {
    /// The tags as a headline.
    pub joined: String,
    /// By path.
    pub pages: Vec<TaggedPage>,
    /// Tags that some of these pages have as well.
    pub narrower: Vec<TagLink>,
    /// The same tags, joined the other way.
    pub other_url: Option<String>,
    /// Whether one of the tags is enough.
    pub any: bool,
}

/// A page that is not there any more.
#[derive(Debug, Clone)]
pub struct DeletedPage {
    /// Its name.
    pub title: String,
    /// What happened to it.
    pub history_url: String,
    /// Takes the deletion back.
    pub revert_url: String,
    /// Who deleted it.
    pub author: String,
    /// When.
    pub when: Moment,
}

/// The deleted pages.
#[derive(Template)]
#[template(path = "deleted.html")]
pub struct DeletedView {
    /// Latest first.
    pub pages: Vec<DeletedPage>,
}

/// Unsaved work.
#[derive(Debug, Clone)]
pub struct DraftRow {
    /// Of which page.
    pub page: PageRef,
    /// Kept when.
    pub when: Moment,
}

/// A page that is linked to and does not exist.
#[derive(Debug, Clone)]
pub struct WantedPage {
    /// It.
    pub page: PageRef,
    /// How many pages link to it.
    pub links: usize,
    /// The first of them.
    pub from: Vec<PageRef>,
}

/// How many there are of each kind; not all are listed.
#[derive(Debug, Clone, Copy)]
pub struct Found {
    /// Pages that do not exist.
    pub wanted: usize,
    /// Pages nobody links to.
    pub orphans: usize,
    /// Pages with nothing in them.
    pub empty: usize,
}

/// Housekeeping.
#[derive(Template)]
#[template(path = "care.html")]
pub struct CareView {
    /// Token of the session.
    pub csrf: String,
    /// The reader's own.
    pub drafts: Vec<DraftRow>,
    /// Most wanted first.
    pub wanted: Vec<WantedPage>,
    /// By path.
    pub orphans: Vec<PageRef>,
    /// By path.
    pub empty: Vec<PageRef>,
    /// How many there are.
    pub found: Found,
}

/// A page that can be moved.
#[derive(Debug, Clone)]
pub struct MovablePage {
    /// Its name.
    pub title: String,
    /// Its address.
    pub url: String,
    /// Whether its box is ticked.
    pub chosen: bool,
}

/// Several pages to another folder.
#[derive(Template)]
#[template(path = "move.html")]
pub struct MoveView {
    /// Token of the session.
    pub csrf: String,
    /// Only pages below this are listed; all if empty.
    pub folder: String,
    /// What stands in the box for the new folder.
    pub target: String,
    /// By path.
    pub pages: Vec<MovablePage>,
    /// Why the form came back.
    pub problem: Option<Problem>,
}
