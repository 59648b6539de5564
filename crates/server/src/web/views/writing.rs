//! Forms that change pages.

use askama::Template;
use holt_core::SafeHtml;
use holt_engine::publish::filters;
use holt_engine::publish::views::Script;

use super::{Moment, PageRef, Piece, Problem, SideRow};

/// The editor.
#[derive(Template)]
#[template(path = "edit.html")]
pub struct EditView {
    /// What is edited.
    pub page: PageRef,
    /// Token of the session.
    pub csrf: String,
    /// The revision of the wiki the text comes from: the base of the save. Empty for a new page.
    pub revision: String,
    /// Headline.
    pub kind: EditKind,
    /// The text as it stands in the box.
    pub content: String,
    /// What stands in the message box.
    pub message: String,
    /// Whether there is one.
    pub message_field: MessageField,
    /// The rendered text, when the preview was asked for without scripts.
    pub preview: Option<SafeHtml>,
    /// Names of the page's files.
    pub attachments: Vec<String>,
    /// Unsaved work that is not in the box.
    pub draft: Option<DraftNotice>,
    /// Why the form came back.
    pub problem: Option<Problem>,
    /// The editor's own, and what previews may need.
    pub scripts: Vec<Script>,
    /// The id, encoded, of the heading whose section alone is edited.
    pub section: Option<String>,
    /// Name and encoded path of what a new page can begin with.
    pub templates: Vec<(String, String)>,
    /// Whether unsaved work is kept: strangers have nobody to give it back to.
    pub keeps_drafts: bool,
    /// Whether files can be put beside the page from here.
    pub may_upload: bool,
    /// Whether wikilinks name the page before the text.
    pub page_first: bool,
}

/// Unsaved work of an earlier day.
#[derive(Debug, Clone)]
pub struct DraftNotice {
    /// Kept since.
    pub when: Moment,
}

/// What the editor was opened with.
#[derive(Debug, Clone)]
pub enum EditKind {
    /// The current text of a page.
    Existing,
    /// The same, of bytes that are not UTF-8.
    Foreign,
    /// A page that does not exist yet.
    New,
    /// An earlier text, by its short id.
    OldRevision(String),
    /// Unsaved work from before.
    Draft,
}

/// The preference `COMMIT_MESSAGE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageField {
    /// May be empty.
    Optional,
    /// Must be filled in.
    Required,
    /// Not asked for.
    Off,
}

/// `preview_content` of the preview answer, and nothing else.
#[derive(Template)]
#[template(path = "preview.html")]
pub struct PreviewView<'a> {
    /// The rendered text.
    pub html: &'a SafeHtml,
}

/// A save that touched what somebody else changed. Three texts, none of them lost.
#[derive(Template)]
#[template(path = "conflict.html")]
pub struct ConflictView {
    /// What was edited.
    pub page: PageRef,
    /// Token of the session.
    pub csrf: String,
    /// The current revision: base of the next try.
    pub revision: String,
    /// What happened meanwhile.
    pub theirs: Theirs,
    /// Left what is saved now, right what the writer sent.
    pub rows: Vec<SideRow>,
    /// Both texts in one, with marks where they touch.
    pub merged: String,
    /// The revision that the writer started from; empty if that is no help any more.
    pub base: String,
    /// The places to decide, if they can be decided one by one.
    pub places: Vec<ConflictPlace>,
    /// How many places are marked in `merged`.
    pub open_conflicts: usize,
    /// What the writer sent.
    pub yours: String,
    /// The message the writer sent.
    pub message: String,
    /// Why the form came back, apart from the conflict.
    pub problem: Option<Problem>,
    /// The editor's own, and what previews may need.
    pub scripts: Vec<Script>,
}

/// A place where two edits touch.
#[derive(Debug, Clone)]
pub struct ConflictPlace {
    /// From 1.
    pub number: usize,
    /// The line before it, to know where this is; may be empty.
    pub before: String,
    /// What is saved now; may be empty.
    pub theirs: String,
    /// What the writer sent; may be empty.
    pub yours: String,
    /// What they chose already.
    pub chosen: Chosen,
}

/// What somebody decided about a place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Chosen {
    /// Nothing yet.
    #[default]
    Open,
    /// What is saved.
    Theirs,
    /// What they sent.
    Yours,
    /// One after the other.
    Both,
}

/// What happened to a page while somebody edited it.
#[derive(Debug, Clone)]
pub enum Theirs {
    /// It was changed.
    Changed {
        /// By whom.
        author: String,
        /// When.
        when: Moment,
    },
    /// It was deleted.
    Deleted {
        /// By whom.
        author: String,
        /// When.
        when: Moment,
    },
    /// It was renamed.
    Moved {
        /// By whom.
        author: String,
        /// When.
        when: Moment,
        /// Its address now.
        url: String,
        /// Its name now.
        name: String,
    },
    /// The writer sent the text back with places undecided.
    Undecided,
    /// Changed, nobody knows by whom.
    Unknown,
}

/// Asks for the name of a new page.
#[derive(Template)]
#[template(path = "create.html")]
pub struct CreateView {
    /// Token of the session.
    pub csrf: String,
    /// What stands in the box.
    pub name: String,
    /// Folders offered as a beginning.
    pub prefixes: Vec<Prefix>,
    /// Name and path of what the page can begin with.
    pub templates: Vec<(String, String)>,
    /// The path chosen of these.
    pub template: String,
    /// Why the form came back.
    pub problem: Option<Problem>,
}

/// A folder in which a new page may go.
#[derive(Debug, Clone)]
pub struct Prefix {
    /// As shown, without the slash.
    pub title: String,
    /// With the slash, percent-encoded for a query.
    pub encoded: String,
}

/// Asks for another name.
#[derive(Template)]
#[template(path = "rename.html")]
pub struct RenameView {
    /// What is renamed.
    pub page: PageRef,
    /// Token of the session.
    pub csrf: String,
    /// What stands in the name box.
    pub new_name: String,
    /// What stands in the message box.
    pub message: String,
    /// The message if none is given.
    pub default_message: String,
    /// Whether the box for links is ticked.
    pub update_backlinks: bool,
    /// The first of those that link here.
    pub linking: Vec<PageRef>,
    /// The first of those below.
    pub below: Vec<PageRef>,
    /// How many pages link here.
    pub backlinks: usize,
    /// How many subpages and files move with it.
    pub moved_with: usize,
    /// Whether the page would leave a private part of the wiki, which has to be meant.
    pub asks_to_open: bool,
    /// Why the form came back.
    pub problem: Option<Problem>,
}

/// Asks before deleting.
#[derive(Template)]
#[template(path = "delete.html")]
pub struct DeleteView {
    /// What is deleted.
    pub page: PageRef,
    /// Token of the session.
    pub csrf: String,
    /// What stands in the message box.
    pub message: String,
    /// The message if none is given.
    pub default_message: String,
    /// How many subpages and files are below it.
    pub below: usize,
    /// Why the form came back.
    pub problem: Option<Problem>,
}

/// Asks before a commit is taken back.
#[derive(Template)]
#[template(path = "revert.html")]
pub struct RevertView {
    /// Token of the session.
    pub csrf: String,
    /// The commit, in full.
    pub revision: String,
    /// The commit, as shown.
    pub short: String,
    /// Whose it is.
    pub author: String,
    /// Since when.
    pub when: Moment,
    /// What it said.
    pub commit_message: String,
    /// What it touched.
    pub files: Vec<String>,
    /// What stands in the message box.
    pub message: String,
    /// The message if none is given.
    pub default_message: String,
    /// Why the form came back.
    pub problem: Option<Problem>,
}

/// A save that was refused, with everything that was sent.
#[derive(Template)]
#[template(path = "not_saved.html")]
pub struct NotSavedView {
    /// Token of the session or form as it is now.
    pub csrf: String,
    /// Where it was sent.
    pub action: String,
    /// The text.
    pub content: String,
    /// What it was based on.
    pub revision: String,
    /// The message of the commit.
    pub message: String,
    /// Why it was refused.
    pub problem: Option<Problem>,
    /// Whether nobody is logged in.
    pub must_log_in: bool,
}
