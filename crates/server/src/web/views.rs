//! What the live pages show, as typed values for compiled templates (`templates/*.html`).
//!
//! Knows texts, URLs and dates ready to print; must not know the engine, HTTP or who asks. Every view is the main slot of a page
//! inside the wiki's frame. Text is escaped by the templates; only [`holt_core::SafeHtml`] goes out as it is.

mod accounts;
mod activity;
mod api;
mod browse;
mod changes;
mod comments;
mod connected;
mod files;
mod people;
mod preferences;
mod review;
mod site;
mod writing;

pub use accounts::{
    AskMailView, AuditEntryView, AuditView, Field, InvitationView, InvitationsView, InviteView, MailView, MembersView, NewPasswordView,
    PressView, SaidView, SessionView, Tab, TokenView, UserView, tabs,
};
pub use activity::{AgentLine, AgentView, AgentsView, SessionBlock, SessionChange, UndoCheck, UndoStays, UndoView};
pub use api::{ApiAnswer, ApiField, ApiGroup, ApiOperation, ApiView};
pub use browse::{
    CareKind, CareSection, CareView, DeletedPage, DeletedView, DraftRow, FindingRow, MendRow, MovablePage, MoveView, TagLink, TagView,
    TaggedPage, TagsView, WaitingRow,
};
pub use changes::{
    BlameGroup, BlameLine, BlameView, ChangedFile, ChangelogView, CommitEntry, CommitView, Day, DiffBody, DiffLayout, DiffLine, DiffView,
    FileDiff, HistoryEntry, HistoryView, LineKind, Piece, RevisionView, SideLine, SideRow, SourceView, Version,
};
pub use comments::{
    CommentShown, CommentsView, InboxChange, InboxNotice, InboxProposal, InboxView, Kept, QuoteShown, ThreadShown, WatchShown, WatchState,
};
pub use connected::{ConnectedProgram, ConnectedView, ConsentRefusedView, ConsentView, ScopeChoice};
pub use files::{AttachmentView, AttachmentsView, FileEntry};
pub use people::{AccessGroup, AdminView, AgentSetup, Choice, LeavingView, LoginView, MemberRow, RegisterView, SettingsView, SetupView};
pub use preferences::{AgentPolicyView, AgentRuleRow, MenuRow, PathRuleRow, PathRulesView, Preference, PreferenceKind, PreferencesView};
pub use review::{DecisionShown, HunkShown, ProposalEntry, ProposalView, ProposalsView, ProposedBody, ProposedFileShown, Said};
pub use site::{
    AboutView, ErrorView, GuidePiece, GuideView, IndexEntry, IndexView, LastCommit, Letter, RepositoryView, SearchFilter, SearchResult,
    SearchView, SnippetPart, WorkersView,
};
pub use writing::{
    Chosen, ConflictPlace, ConflictView, CreateView, DeleteView, DraftNotice, EditKind, EditView, MessageField, NotSavedView, Prefix,
    PreviewView, RenameView, RevertView, Theirs,
};

/// A page of the wiki, as the pages about it name it.
#[derive(Debug, Clone)]
pub struct PageRef {
    /// As shown.
    pub title: String,
    /// Where it is read, percent-encoded: `/` for the home page.
    pub url: String,
    /// Its path without trailing slash, to which `/edit`, `/history` … are appended: `/Home` for the home page.
    pub verbs: String,
}

/// A point in time, ready to print.
#[derive(Debug, Clone)]
pub struct Moment {
    /// RFC 3339.
    pub iso: String,
    /// As shown.
    pub text: String,
}

/// Why a form came back.
#[derive(Debug, Clone)]
pub struct Problem {
    /// What is wrong, as a sentence.
    pub message: String,
    /// What to do, as a sentence.
    pub hint: Option<String>,
}

impl Problem {
    /// Both in a row, for the line below a box.
    pub fn sentence(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{} {hint}", self.message),
            None => self.message.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use askama::Template;

    use super::*;

    const TEMPLATES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/templates");

    fn templates() -> Vec<(String, String)> {
        let mut all = Vec::new();
        let read = |dir: &str| std::fs::read_dir(dir).expect("templates are beside src").map(|entry| entry.expect("readable").path());
        let platform = format!("{TEMPLATES}/platform");
        for path in read(TEMPLATES).chain(read(&platform)).filter(|path| path.is_file()) {
            let name = path.file_name().expect("a file").to_string_lossy().into_owned();
            all.push((name, std::fs::read_to_string(&path).expect("text")));
        }
        assert!(all.len() > 20, "looked in the wrong place: {TEMPLATES}");
        all
    }

    /// What `script-src` and `style-src` without `unsafe-inline` would block, and the browser would only tell the console.
    fn blocked(html: &str) -> Option<&'static str> {
        let handler = html.match_indices(" on").any(|(at, _)| {
            let name: String = html[at + 3..].chars().take_while(char::is_ascii_lowercase).collect();
            !name.is_empty() && html[at + 3 + name.len()..].starts_with('=')
        });
        match () {
            () if html.contains(" style=") || html.contains("<style") => Some("inline style"),
            () if html.split("<script").skip(1).any(|tag| !tag.split('>').next().is_some_and(|t| t.contains(" src="))) => {
                Some("inline script")
            }
            () if handler => Some("inline handler"),
            () if html.contains("javascript:") => Some("script address"),
            () => None,
        }
    }

    #[test]
    fn templates_need_nothing_inline() {
        for (name, html) in templates() {
            assert_eq!(blocked(&html), None, "{name}");
        }
        for bad in ["<p style=\"a\">", "<script>1</script>", "<b onclick=\"x()\">", "<a href=\"javascript:x\">"] {
            assert!(blocked(bad).is_some(), "the check cannot see {bad}");
        }
    }

    #[test]
    fn forms_that_change_something_carry_the_token() {
        let mut forms = 0;
        for (name, html) in templates() {
            for form in html.split("<form").skip(1).filter(|form| form.contains("method=\"post\"")) {
                forms += 1;
                assert!(form.split("</form>").next().is_some_and(|inside| inside.contains("csrf.html")), "{name}");
            }
        }
        assert!(forms > 10, "found only {forms} forms");
    }

    #[test]
    fn only_safe_html_goes_out_as_it_is() {
        let raw: Vec<String> = templates()
            .into_iter()
            .flat_map(|(name, html)| {
                html.match_indices("|safe")
                    .map(|(at, _)| format!("{name} {}", html[..at].rsplit("{{ ").next().unwrap_or("")))
                    .collect::<Vec<_>>()
            })
            .collect();
        let mut raw: Vec<&str> = raw.iter().map(String::as_str).collect();
        raw.sort_unstable();
        // `html` is a `SafeHtml` in every one of these views, and so is the `preview` behind it in the editor.
        assert_eq!(
            raw,
            [
                "comments.html comment.html",
                "diff_body.html html",
                "edit.html html",
                "help.html html",
                "help.html result",
                "preview.html html",
                "proposal.html html",
                "revision.html html"
            ]
        );
    }

    #[test]
    fn text_is_escaped_wherever_it_stands() {
        let evil = || "</textarea><script>\"'&".to_string();
        let page = PageRef { title: evil(), url: "/a".into(), verbs: "/a".into() };
        let edit = EditView {
            page: page.clone(),
            csrf: evil(),
            revision: evil(),
            kind: EditKind::OldRevision(evil()),
            content: evil(),
            message: evil(),
            message_field: MessageField::Optional,
            preview: None,
            attachments: vec![evil()],
            draft: Some(DraftNotice { when: Moment { iso: evil(), text: evil() } }),
            problem: Some(Problem { message: evil(), hint: Some(evil()) }),
            scripts: vec![holt_engine::publish::views::Script { url: "/-/static/editor.js", frame: None }],
            section: Some(evil()),
            templates: vec![(evil(), evil())],
            keeps_drafts: true,
            may_upload: true,
            page_first: true,
        };
        let row = SideRow::Lines {
            left: Some(SideLine { number: 1, kind: LineKind::Removed, pieces: vec![Piece::Same(evil()), Piece::Removed(evil())] }),
            right: Some(SideLine { number: 1, kind: LineKind::Added, pieces: vec![Piece::Added(evil())] }),
        };
        let conflict = ConflictView {
            page,
            csrf: evil(),
            revision: evil(),
            theirs: Theirs::Changed { author: evil(), when: Moment { iso: evil(), text: evil() } },
            rows: vec![row],
            merged: evil(),
            base: evil(),
            places: vec![ConflictPlace { number: 1, before: evil(), theirs: evil(), yours: evil(), chosen: Chosen::Open }],
            open_conflicts: 2,
            yours: evil(),
            message: evil(),
            problem: None,
            scripts: vec![holt_engine::publish::views::Script { url: "/-/static/editor.js", frame: None }],
        };
        for html in [edit.render().expect("renders"), conflict.render().expect("renders")] {
            assert_eq!(html.matches("<script").count(), 1, "{html}");
            assert_eq!(html.matches("<textarea").count(), html.matches("</textarea>").count(), "{html}");
        }
    }

    #[test]
    fn the_editor_keeps_a_leading_empty_line() {
        let view = EditView {
            page: PageRef { title: "A".into(), url: "/a".into(), verbs: "/a".into() },
            csrf: String::new(),
            revision: String::new(),
            kind: EditKind::New,
            content: "\n\ntext".into(),
            message: String::new(),
            message_field: MessageField::Off,
            preview: None,
            attachments: Vec::new(),
            draft: None,
            problem: None,
            scripts: vec![holt_engine::publish::views::Script { url: "/-/static/editor.js", frame: None }],
            section: None,
            templates: Vec::new(),
            keeps_drafts: false,
            may_upload: false,
            page_first: false,
        };
        // A browser drops the first line break behind the tag: it must be ours, not the writer's.
        assert!(view.render().expect("renders").contains("autofocus>\n\n\ntext</textarea>"));
    }
}
