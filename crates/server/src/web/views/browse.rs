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

/// A kind of findings, to choose.
#[derive(Debug, Clone)]
pub struct CareKind {
    /// What it is called.
    pub label: &'static str,
    /// Its part of the report.
    pub url: String,
    /// How many there are.
    pub count: usize,
    /// Whether only they are shown.
    pub chosen: bool,
}

/// Something that wants care.
#[derive(Debug, Clone)]
pub struct FindingRow {
    /// Where.
    pub page: PageRef,
    /// Whether that page is there.
    pub exists: bool,
    /// The line of its source.
    pub line: Option<usize>,
    /// What is wrong, in the reader's language.
    pub sentence: String,
    /// Pages that want it; not all of many.
    pub from: Vec<PageRef>,
    /// What would make it good.
    pub mend: Option<MendRow>,
    /// What makes it good once it is accepted.
    pub waiting: Option<WaitingRow>,
}

impl FindingRow {
    /// Whether there is nothing to press: what mends it waits, and the reader would only do it again.
    pub fn is_settled(&self) -> bool {
        self.waiting.as_ref().is_some_and(|waits| waits.mine || self.mend.is_none())
    }
}

/// A proposal that mends a finding.
#[derive(Debug, Clone)]
pub struct WaitingRow {
    /// Its number.
    pub number: i64,
    /// Who made it, and through which program.
    pub author: String,
    /// Whether that is the reader.
    pub mine: bool,
}

/// What would make a finding good.
#[derive(Debug, Clone)]
pub struct MendRow {
    /// As forms name it.
    pub task: &'static str,
    /// What is there now, as forms send it.
    pub from: String,
    /// What would be there then.
    pub to: String,
    /// The same as a sentence, in the reader's language.
    pub about: String,
}

/// The findings of one kind.
#[derive(Debug, Clone)]
pub struct CareSection {
    /// As addresses name it.
    pub kind: &'static str,
    /// What it is called.
    pub label: &'static str,
    /// What it is.
    pub about: &'static str,
    /// Whether the pages can be deleted here.
    pub can_go: bool,
    /// How many there are.
    pub count: usize,
    /// Where all of them are, if these are not.
    pub all_url: Option<String>,
    /// The first of them, or those of this screen.
    pub findings: Vec<FindingRow>,
}

/// Housekeeping.
#[derive(Template)]
#[template(path = "care.html")]
pub struct CareView {
    /// Token of the session.
    pub csrf: String,
    /// Whether the reader may change the wiki.
    pub may_write: bool,
    /// Whether they are shown their drafts: where all kinds of findings are, to who has an account.
    pub has_drafts: bool,
    /// The reader's own.
    pub drafts: Vec<DraftRow>,
    /// All kinds of which there are some.
    pub kinds: Vec<CareKind>,
    /// Those shown.
    pub sections: Vec<CareSection>,
    /// Whether one kind alone was asked for.
    pub one: bool,
    /// The first part, if this is not it.
    pub newer_url: Option<String>,
    /// The next part, if there is one.
    pub older_url: Option<String>,
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
