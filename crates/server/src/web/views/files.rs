//! Files attached to a page.

use askama::Template;
use holt_engine::publish::filters;

use super::{HistoryEntry, Moment, PageRef, Problem};

/// All files of a page, and the form to add some.
#[derive(Template)]
#[template(path = "attachments.html")]
pub struct AttachmentsView {
    /// Whose files.
    pub page: PageRef,
    /// Token of the session.
    pub csrf: String,
    /// By name.
    pub files: Vec<FileEntry>,
    /// Whether the form is shown.
    pub can_upload: bool,
    /// Why the form came back.
    pub problem: Option<Problem>,
    /// What was done.
    pub notice: Option<String>,
}

/// One file.
#[derive(Debug, Clone)]
pub struct FileEntry {
    /// As stored.
    pub name: String,
    /// The file.
    pub url: String,
    /// The page about it.
    pub detail_url: String,
    /// A small picture of it.
    pub thumbnail_url: Option<String>,
    /// As shown: "70.0 KiB".
    pub size: String,
    /// Who changed it last.
    pub author: String,
    /// When.
    pub when: Moment,
    /// First line of that message.
    pub message: String,
}

/// One file, its versions, and what can be done with it.
#[derive(Template)]
#[template(path = "attachment.html")]
pub struct AttachmentView {
    /// Whose file.
    pub page: PageRef,
    /// Token of the session.
    pub csrf: String,
    /// As stored.
    pub name: String,
    /// The file.
    pub url: String,
    /// This page.
    pub detail_url: String,
    /// What to show of it.
    pub image_url: Option<String>,
    /// Its media type, as shown.
    pub kind: String,
    /// As shown.
    pub size: String,
    /// How a page names it: `![](./otter.png)`.
    pub embed: String,
    /// Newest first.
    pub entries: Vec<HistoryEntry>,
    /// Whether the forms are shown.
    pub can_change: bool,
    /// Why a form came back.
    pub problem: Option<Problem>,
    /// What was done.
    pub notice: Option<String>,
}
