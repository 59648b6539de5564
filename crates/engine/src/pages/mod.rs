//! The use cases: one file each, every door calls these. Each takes a [`Scope`](crate::Scope), which says who asks and proves they may.

mod agents;
mod anchor;
mod attach;
mod batch;
mod browse;
pub mod care;
mod changes;
mod comments;
mod compare;
mod counts;
mod delete;
mod digest;
mod drafts;
pub mod git;
mod hidden;
mod history;
mod inbox;
mod linking;
mod list;
mod meaning;
mod mentions;
pub mod mirror;
mod moving;
mod operation;
mod pattern;
pub mod proposals;
mod read;
mod rename;
mod revert;
mod save;
mod search;
mod settings;
mod suggest;
mod tags;
mod text;
mod undo;
pub mod webhooks;
mod write;

pub use crate::db::index::{Graph, Wanted};
pub use agents::{AgentRow, AgentSession, agent_sessions, agents};
pub use attach::{
    ATTACHMENT_BYTES, Attachment, AttachmentInfo, Existing, attachment, attachment_history, attachments, delete_attachment,
    rename_attachment, upload, upload_from,
};
pub use batch::{Batch, Expect, Fault, Operation, OperationKind, SideFiles, change_pages, replaced};
pub(crate) use browse::find_named;
pub use browse::{Found, TreeEntry, TreeKind, find, headings, tree};
pub(crate) use care::look;
pub use changes::{Changes, ChangesPlace, Since, changes, newest};
pub use comments::{
    About, COMMENT_BYTES, Comment, CommentsExport, ExportedThread, ExportedWatch, Quote, REPLIES, Resolution, Resolved, THREADS, Thread,
    Threads, comment, comment_counts, comments_export, comments_lately, delete_comment, edit_comment, reply, resolve_thread,
    takes_comments, thread, threads,
};
pub(crate) use compare::old_name;
pub use compare::{BlameLine, DiffView, FileDiff, blame, commit_view, diff, preview, render_old};
pub use counts::{Counts, RepositoryState, Weight, bytes, check_room, counts, described, export_bundle, page_list, repository};
pub use delete::{Subpages, delete};
pub use digest::{Digest, Due, Retry, digest, digest_failed, digest_sent, digests_due, next_digests, stop_digests};
pub use drafts::{Draft, discard_draft, draft, drafts, save_draft};
pub use hidden::{HiddenKind, HiddenText, hidden_since, hidden_text, marked};
pub use history::{Entry, EntryChange, Filter, changelog, changelog_place, changelog_since, deleted, history, moved_to};
pub(crate) use inbox::note_news;
pub use inbox::{
    Extent, Frequency, Mark, NoticeKind, NoticeRow, WATCHES, WatchRow, WatchedChange, WatchedChanges, comment_url, excerpt, frequency,
    mark_read, notices, now_mark, see_thread, set_frequency, unread_notices, unwatch, watch, watched, watched_changes, watching,
};
pub use linking::{PageLinks, graph, links_of, orphans, wanted};
pub use list::{ListFilter, Listed, Listing, list};
pub use meaning::{Meanings, PieceHit, meaning_state, search_meaning};
pub use operation::{Done, done};
pub use pattern::{BadPattern, Line, PageLines, Pattern, PatternHits, search_pattern};
pub use read::{PageView, page, page_at, resolve, revision, source_at, title};
pub use rename::{Affected, Backlinks, RenameOutcome, Renamed, affected, opens, rename, rename_expected};
pub use revert::revert;
pub use save::{MergePart, merge_parts, save};
pub use search::{Hit, Meant, Piece, SearchMode, SearchResults, Similar, Strictness, WEIGHTS, search, search_by};
pub use settings::{admit, join, members, put_members, remove_member, set_preferences};
pub use suggest::{Suggestion, suggest};
pub use tags::{Tag, categories, tagged, tags, tags_of};
pub use text::readable;
pub use undo::{UNDO_COMMITS, UndoConflict, UndoItem, UndoKind, UndoOf, UndoPlan, Undone, own_session, undo, undo_plan, undone_before};

use crate::db::preferences::Preferences;

/// The preferences that influence rendering, as the renderer takes them.
pub fn render_options(preferences: &Preferences) -> holt_markdown::Options {
    holt_markdown::Options {
        wikilink_style: preferences.wikilink_style,
        open_links_in_new_tab: preferences.open_links_in_new_tab,
        html_allowlist: holt_markdown::Allowlist::parse(preferences.get("RENDERER_HTML_ALLOWLIST").unwrap_or_default()),
        language: preferences.language,
        extras: holt_markdown::Extras::from_preference(preferences.get("MARKDOWN_EXTRAS").unwrap_or_default()),
    }
}
