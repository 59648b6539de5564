//! What the names in `openapi.rs` mean to whoever sends them: parameters, fields of bodies, statuses, with their bounds and what counts without
//! them. The bounds are those the handlers use.

use super::{agents, care, changes, history, list, proposals, search, undo, wiki};
use holt_core::edit::{MESSAGE_BYTES, SOURCE_BYTES};
use holt_engine::pages::ATTACHMENT_BYTES;
use holt_engine::pages::care::FindingKind;
use holt_engine::pages::mirror::Direction;
use holt_engine::pages::proposals::{LISTED, ProposalStatus};
use holt_engine::pages::webhooks::{HookEvent, HookState};
use serde_json::{Map, Value, json};

/// Stands for a page in examples of what reads.
pub const PAGE: &str = "Home";
/// Stands for a revision in examples.
pub const REVISION: &str = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567";

fn words(about: &str) -> Value {
    json!({"description": about, "schema": {"type": "string"}})
}

fn number(about: &str, default: usize, most: usize) -> Value {
    json!({"description": about, "schema": {"type": "integer", "minimum": 1, "maximum": most, "default": default}})
}

fn one_of(about: &str, values: &[&str]) -> Value {
    json!({"description": about, "schema": {"type": "string", "enum": values}})
}

fn such_as(mut parameter: Value, example: &str) -> Value {
    parameter["example"] = example.into();
    parameter
}

/// A hole of an address.
pub fn hole(name: &str) -> &'static str {
    match name {
        "path" => "Path of a page. It may contain slashes, in any case of its letters, with or without .md.",
        "number" => "Number of a proposal.",
        "webhook" => "Number of a webhook.",
        "delivery" => "Number of a message: its id in the list.",
        _ => "Name of a file.",
    }
}

/// The parameter `name` of the query of the operation `of`.
pub fn parameter(of: &str, name: &str) -> Value {
    let mut parameter = match (of, name) {
        ("listPages", "limit") => number("How many pages.", list::DEFAULT, list::MOST),
        ("history", "limit") => number("How many commits.", history::MOST, history::MOST),
        ("listProposals", "limit") => number("How many proposals.", proposals::USUAL, LISTED),
        (_, "status") => one_of("Only proposals of this status.", &ProposalStatus::ALL.map(ProposalStatus::as_str)),
        (_, "mine") => one_of("true: only those of the token's owner.", &["true", "false"]),
        ("changelog", "limit") => number("How many commits.", history::USUAL, history::MOST),
        ("agents", "limit") => number("How many sessions.", agents::USUAL, agents::MOST),
        ("changes", "limit") => number("How many commits.", changes::USUAL, changes::MOST),
        ("care", "limit") => number("How many findings.", care::USUAL, care::LARGEST),
        (_, "kind") => one_of("Only findings of this kind.", &FindingKind::ALL.map(FindingKind::as_str)),
        ("search", "limit") => number("How many pages.", search::USUAL, search::MOST),
        (_, "offset") => json!({"description": "How many pages to leave out, of those found by words.",
            "schema": {"type": "integer", "minimum": 0, "maximum": search::FARTHEST, "default": 0}}),
        (_, "depth") => number("How many levels.", wiki::LEVELS, wiki::LEVELS),
        (_, "n") => such_as(number("How many results.", 5, 50), "5"),
        (_, "max_chunks_per_page") => number("How many places of one page.", 2, 10),
        (_, "wait") => json!({"description": "How many seconds to wait if there is nothing yet.",
            "schema": {"type": "integer", "minimum": 0, "maximum": changes::LONGEST, "default": 0}}),
        (_, "cursor") => words("Where to go on: next_cursor of the answer before, with the same parameters."),
        ("search", "q") => {
            such_as(words("What to look for: words, \"phrases\", filters. At most 512 bytes. Either this or regex."), "guide")
        }
        (_, "q") => such_as(words("What to look for. It must be there."), "guide"),
        (_, "regex") => words("A regular expression, as the Rust crate regex takes it, for one line at a time. At most 512 bytes."),
        (_, "mode") => one_of(
            "words: only by the words that stand there; hybrid: by what pages mean as well. Without it hybrid, where a sentence model is.",
            &["words", "hybrid"],
        ),
        (_, "explain") => one_of("true adds to each result which word stands where how often.", &["true", "false"]),
        (_, "prefix") => words("Only pages whose paths begin so."),
        (_, "path_prefix") => words("Only commits that touched this page or what is below it."),
        (_, "tag") => words("Only pages with this tag."),
        (_, "category") => words("Only pages with this category in their properties."),
        ("changelog", "author") => words("Only commits of authors whose name contains this."),
        ("agents", "via") => words("The program of exactly this name: its sessions instead of the list."),
        (_, "via") => words("Only commits made through the program of exactly this name, as mcp/otter."),
        (_, "session") => words("Only commits of this session of a program."),
        (_, "author") => words("Only pages that somebody of that name has changed."),
        (_, "before") => words("Only pages last changed before this day, like 2026-11-21."),
        (_, "after") => words("Only pages last changed on this day or later, like 2026-11-21."),
        (_, "updated_since") => words("Only pages last changed at this time or later, like 2026-11-21 or 2026-11-21T09:00:00Z."),
        ("changes", "since") => words("The revision after which to begin: until of the answer before. Forty zeros are the beginning."),
        (_, "since") => words(
            "Only commits that are not in the history of this revision (7 to 40 digits), or that were made on this day or at this time or later, like \
            2026-11-21 or 2026-11-21T09:00:00Z.",
        ),
        ("tree", "path") => words("Only what is below this page or folder."),
        (_, "from") => such_as(words("The older revision: 7 to 40 digits, or HEAD. It must be there."), REVISION),
        (_, "to") => such_as(words("The newer revision: 7 to 40 digits, or HEAD. It must be there."), "HEAD"),
        (_, "revision") => words("How it was at this revision: 7 to 40 digits. The newest without it."),
        (_, "section") => words("Only this section, by its heading: Notes, or Setup > Notes where several are called that."),
        (_, "format") => one_of("raw: the text or the file itself, not in JSON.", &["raw"]),
        ("deletePage", "attachments") => one_of("What becomes of its files; delete without it.", &["delete", "keep"]),
        _ => words(""),
    };
    parameter["name"] = name.into();
    parameter["in"] = "query".into();
    parameter
}

/// The headers that an operation looks at, besides those of every request.
pub fn headers(of: &str) -> &'static [&'static str] {
    match of {
        "readPage" => &["If-None-Match"],
        "getAttachment" => &["If-None-Match", "Range", "If-Range"],
        "writePage" | "putAttachment" => &["If-Match", "If-None-Match"],
        "editPage" | "deletePage" => &["If-Match"],
        "changes" => &["Last-Event-ID"],
        _ => &[],
    }
}

/// One of them.
pub fn header(of: &str, name: &str) -> Value {
    let about = match (of, name) {
        ("readPage" | "getAttachment", "If-None-Match") => "ETags that are known: 304 while one of them is still right.",
        ("putAttachment", "If-None-Match") => "An asterisk: refuse with 409 if there is such a file.",
        (_, "If-None-Match") => "An asterisk: create the page, refuse with 412 if it is there.",
        ("putAttachment", "If-Match") => "Replace only the file with this ETag; an asterisk: any, but there must be one. Else 412.",
        (_, "If-Match") => "Only if the page has this ETag; an asterisk: only if it is there. Nothing is merged; else 412.",
        (_, "Range") => "A part of the file, as bytes=0-99, where it comes as it is.",
        (_, "If-Range") => "The ETag for which Range is meant: the whole file if it has another one.",
        _ => "The id of the last event that was seen: the stream goes on after it, whatever since says.",
    };
    json!({"name": name, "in": "header", "description": about, "schema": {"type": "string"}})
}

/// What is in an answer under `name`: its schema. Members that are not always there are not told apart.
pub fn answered(of: &str, name: &str) -> Value {
    let text = || json!({"type": "string"});
    let maybe = || json!({"type": ["string", "null"]});
    let number = || json!({"type": "integer", "minimum": 0});
    let flag = || json!({"type": "boolean"});
    let texts = || json!({"type": "array", "items": {"type": "string"}});
    let revision = || json!({"type": "string", "pattern": "^[0-9a-f]{40}$"});
    let maybe_revision = || json!({"type": ["string", "null"], "pattern": "^[0-9a-f]{40}$"});
    let list = |members: &[(&str, Value)]| {
        let properties: Map<String, Value> = members.iter().map(|(name, schema)| ((*name).to_string(), schema.clone())).collect();
        let required: Vec<&str> = members.iter().map(|(name, _)| *name).collect();
        json!({"type": "array", "items": {"type": "object", "required": required, "properties": properties}})
    };
    let commit = || vec![("revision", revision()), ("author", text()), ("date", text()), ("message", text())];
    match (of, name) {
        ("wiki", "pages" | "attachments" | "revisions") => number(),
        ("wiki" | "search", "revision" | "commit") | ("indexStatus", "commit" | "head") => maybe_revision(),
        ("openapi", "info" | "paths" | "components") => json!({"type": "object"}),
        ("openapi", "servers" | "tags") => json!({"type": "array"}),
        ("wiki", "bytes") => json!({"type": ["integer", "null"], "minimum": 0}),
        ("wiki", "permissions" | "handling" | "limits") | ("search", "weights") | ("readPage", "last_commit") => json!({"type": "object"}),
        ("wiki", "user" | "within") | ("chromaStatus", "backend_type" | "collection" | "model") | ("tree", "path") => maybe(),
        ("indexStatus", "pages") | ("semanticSearch", "total" | "pending") | ("chromaStatus", "document_count") => number(),
        ("indexStatus", "model") => maybe(),
        ("semanticSearch", "commit") => maybe_revision(),
        ("search", "mode") => json!({"enum": ["words", "hybrid"]}),
        ("indexStatus", "semantic") => {
            json!({"type": "object", "required": ["status", "model", "commit", "lag_commits", "pages", "pending", "document_count"],
            "properties": {"status": {"enum": ["ok", "unavailable"]}, "model": maybe(), "commit": maybe_revision(), "lag_commits": number(),
                "pages": number(), "pending": number(), "document_count": number()}})
        }
        ("semanticSearch", "results") => list(&[
            ("name", text()),
            ("path", text()),
            ("text", text()),
            ("snippet", text()),
            ("distance", json!({"type": "number", "minimum": 0})),
            ("section", text()),
            ("section_path", text()),
            ("chunk_index", number()),
            ("total_chunks", number()),
            ("page_word_count", number()),
        ]),
        ("tree", "tree") => list(&[("path", text()), ("kind", json!({"enum": ["page", "directory"]}))]),
        ("listPages", "pages") => list(&[
            ("name", text()),
            ("path", text()),
            ("category", maybe()),
            ("tags", texts()),
            ("last_updated", maybe()),
            ("content_length", number()),
            ("bytes", number()),
            ("revision", revision()),
        ]),
        ("batchGet", "pages") => list(&[("name", text()), ("path", text()), ("content", text()), ("revision", revision())]),
        ("care", "findings") => list(&[
            ("kind", json!({"enum": FindingKind::ALL.map(FindingKind::as_str)})),
            ("path", text()),
            ("line", json!({"type": ["integer", "null"], "minimum": 1})),
            ("what", text()),
            ("others", texts()),
            (
                "mend",
                json!({"type": ["object", "null"], "required": ["kind", "from", "to"],
                    "properties": {"kind": {"enum": ["relink", "postpone"]}, "from": text(), "to": text()}}),
            ),
        ]),
        ("care", "counts") => {
            let properties: Map<String, Value> = FindingKind::ALL.iter().map(|kind| (kind.as_str().to_string(), number())).collect();
            json!({"type": "object", "properties": properties})
        }
        ("missing", "missing") => list(&[("target", text()), ("sources", texts())]),
        ("changes", "changes") => {
            let touched = || list(&[("path", text()), ("kind", json!({"enum": ["created", "changed", "deleted", "renamed"]}))]);
            list(&[commit(), vec![("pages", touched()), ("attachments", touched())]].concat())
        }
        ("changelog", "entries") => list(&[commit(), vec![("pages_affected", texts()), ("attachments_affected", texts())]].concat()),
        ("agents", "agents") => {
            list(&[("via", text()), ("person", text()), ("changes", number()), ("sessions", number()), ("first", text()), ("last", text())])
        }
        ("agents", "sessions") => list(&[
            ("session", maybe()),
            ("person", text()),
            ("changes", number()),
            ("first", text()),
            ("last", text()),
            ("last_revision", revision()),
        ]),
        ("listProposals", "proposals") => list(&[
            ("number", number()),
            ("title", text()),
            ("status", text()),
            ("author", text()),
            ("created", text()),
            ("expires", text()),
            ("files", texts()),
            ("mine", flag()),
            ("may_review", flag()),
            ("url", text()),
        ]),
        ("listWebhooks", "webhooks") => list(&[
            ("id", number()),
            ("url", text()),
            ("events", texts()),
            ("prefix", maybe()),
            ("state", json!({"enum": HookState::ALL.map(HookState::as_str)})),
            ("failures", number()),
            ("created", text()),
            ("made_by", text()),
        ]),
        ("listDeliveries", "deliveries") => list(&[
            ("id", number()),
            ("message", text()),
            ("event", text()),
            ("revision", maybe_revision()),
            ("created", text()),
            ("attempts", number()),
            ("next", maybe()),
            ("last", maybe()),
            ("status", json!({"type": ["integer", "null"]})),
            ("error", maybe()),
            ("milliseconds", json!({"type": ["integer", "null"]})),
            ("body", text()),
        ]),
        ("addWebhook" | "readWebhook" | "changeWebhook" | "rotateWebhook", "created") => text(),
        ("readMirror" | "setMirror", "active" | "has_token") => flag(),
        ("readMirror" | "setMirror", "minutes" | "failures" | "ahead") => number(),
        ("readMirror" | "setMirror", "seen" | "revision") => maybe_revision(),
        ("readMirror" | "setMirror", "error" | "tried" | "synced") => maybe(),
        (_, "id" | "failures") => number(),
        (_, "events") => texts(),
        (_, "prefix") => maybe(),
        (_, "state") => json!({"enum": HookState::ALL.map(HookState::as_str)}),
        (_, "number") => number(),
        (_, "decision") => json!({"type": "object"}),
        ("readProposal", "created") => text(),
        ("readProposal", "files") => texts(),
        ("readProposal", "mine" | "may_review") => flag(),
        ("readProposal", "base" | "seen") => maybe_revision(),
        ("readProposal", "changes") => list(&[
            ("file", text()),
            ("place", text()),
            ("kind", text()),
            ("state", text()),
            ("path", maybe()),
            ("taken", maybe()),
            ("hidden_text", list(&[("line", number()), ("kind", text()), ("count", number())])),
            ("hidden_text_total", number()),
        ]),
        ("readProposal", "comments") => list(&[("author", text()), ("created", text()), ("text", text())]),
        ("undo", "commits") => number(),
        ("undo", "undone") => flag(),
        ("undo", "revision") => maybe_revision(),
        ("undo", "conflicts") => list(&[("file", text()), ("page", maybe()), ("why", text())]),
        ("undo", "items") => list(&[("file", text()), ("page", maybe()), ("kind", text()), ("commits", number())]),
        ("history", "history") => list(&[commit(), vec![("path_at", maybe())]].concat()),
        ("search", "results") => list(&[("name", text()), ("path", text())]),
        ("search", "similar") => list(&[("name", text()), ("path", text())]),
        ("links", "edges") => list(&[("source", text()), ("target", text())]),
        ("diff", "hunks") => list(&[("old_start", number()), ("new_start", number()), ("lines", texts())]),
        ("listAttachments", "attachments") => {
            list(&[("filename", text()), ("size", number()), ("mime_type", text()), ("last_modified", text())])
        }
        (_, "revision" | "until") => revision(),
        (_, "next_cursor") => maybe(),
        (_, "frontmatter") => json!({"type": ["object", "null"]}),
        (_, "total" | "size" | "lag_commits" | "pages_indexed" | "chunks_created" | "document_count") => number(),
        (_, "created" | "merged" | "changed" | "deleted") => flag(),
        (_, "links_to" | "linked_from" | "nodes" | "orphans" | "missing" | "paths" | "updated_pages" | "unfinished") => texts(),
        _ => text(),
    }
}

/// The field `name` of the body of the operation `of`: its schema.
pub fn field(of: &str, name: &str) -> Value {
    let (kind, about) = match (of, name) {
        (_, "paths") => {
            let about = "Paths of pages.";
            return json!({"type": "array", "minItems": 1, "maxItems": 50, "items": {"type": "string"}, "description": about});
        }
        ("undo", "revisions") => {
            let about = "Instead of whose changes: these commits.";
            return json!({"type": "array", "minItems": 1, "maxItems": undo::REVISIONS, "items": {"type": "string"}, "description": about});
        }
        ("undo", "files") => {
            let about = "Only these files of the preview. All of them without it.";
            return json!({"type": "array", "minItems": 1, "maxItems": undo::FILES, "items": {"type": "string"}, "description": about});
        }
        ("undo", "person") => ("string", "Changes by the author of exactly this name.".to_string()),
        ("undo", "via") => ("string", "Changes made through the program of exactly this name, as mcp/otter.".to_string()),
        ("undo", "session") => ("string", "Changes of this session.".to_string()),
        ("undo", "path_prefix") => ("string", "Only of those: commits that touched this page or what is below it.".to_string()),
        ("undo", "from") => ("string", "Only of those: at this time or later, like 2026-11-21T09:00:00Z.".to_string()),
        ("undo", "until") => ("string", "Only of those: before this time.".to_string()),
        ("undo", "plan") => {
            ("string", "plan of the preview: it is done if it would be the same still, else 409. A preview without it.".to_string())
        }
        (_, "operations") => return operations(),
        ("acceptProposal", "files") => return choices(),
        ("setMirror", "url") => {
            ("string", "The address of a repository: https, a public server, port 443 or 8443, no user in it.".to_string())
        }
        (_, "branch") => ("string", "Which branch of it. main without it.".to_string()),
        (_, "username") => ("string", "Who Holt is there.".to_string()),
        (_, "token") => ("string", "Its password there. Empty: the one that there is, for the same address and user.".to_string()),
        (_, "direction") => {
            let about = "both; push: from the wiki to the repository alone; pull: the other way alone.";
            return json!({"enum": Direction::ALL.map(Direction::as_str), "default": "both", "description": about});
        }
        (_, "minutes") => {
            let about = "How often the repository is looked at.";
            return json!({"type": "integer", "minimum": 1, "maximum": 1440, "default": 5, "description": about});
        }
        (_, "as_it_is") => {
            let about = "Whether it is taken as it is, though its history was replaced.";
            return json!({"type": "boolean", "default": false, "description": about});
        }
        (_, "url") => ("string", "Where messages go: https, a public server, port 443 or 8443.".to_string()),
        (_, "events") => {
            let about = "What it is told of. Everything without it.";
            let words = HookEvent::ALL.map(HookEvent::as_str);
            return json!({"type": "array", "minItems": 1, "maxItems": words.len(), "items": {"enum": words}, "description": about});
        }
        (_, "prefix") => ("string", "Only what is at this page or below it. Empty: the whole wiki.".to_string()),
        (_, "active") => return json!({"type": "boolean", "description": "false: it is told nothing; true: what happens from now on."}),
        (_, "seen") => ("string", "The seen of the proposal as you read it: refused if a page of it changed since.".to_string()),
        (_, "reason") => ("string", "What its maker is told; of a rejection, and of what is left out.".to_string()),
        (_, "text") => ("string", "Plain text.".to_string()),
        (_, "update_links") => return json!({"type": "boolean", "default": true, "description": "Whether links in other pages follow."}),
        (_, "overwrite") => {
            return json!({"type": "boolean", "default": true, "description": "Whether it may replace a file of that name."});
        }
        ("upload", "content") => ("string", format!("The bytes of the file in base64, at most {} MiB.", ATTACHMENT_BYTES / (1024 * 1024))),
        ("editPage", "content") => ("string", "What the section becomes, heading and all. Goes with section.".to_string()),
        (_, "content") => ("string", format!("The whole text of the page, at most {SOURCE_BYTES} bytes.")),
        ("writePage", "revision") => ("string", "The revision you have read, 7 digits or more. A page that exists needs it.".to_string()),
        ("editPage" | "revert", "revision") => ("string", "The revision you have read, 7 digits or more.".to_string()),
        (_, "revision") => ("string", "The revision you have read, 7 digits or more. Without it whatever is there is meant.".to_string()),
        (_, "to_revision") => ("string", "The revision whose text the page gets back.".to_string()),
        (_, "old_string") => ("string", "Text that stands in the page exactly once.".to_string()),
        (_, "new_string") => ("string", "What stands there then. It may be empty.".to_string()),
        (_, "section") => ("string", "The heading of the section to replace, instead of old_string.".to_string()),
        (_, "new_path") => ("string", "Where the page goes.".to_string()),
        (_, "filename") => ("string", "What the file is to be called.".to_string()),
        (_, "base") => ("string", "The revision of the wiki at which all the pages were read, instead of one for each.".to_string()),
        (_, "message") => ("string", format!("Why: the message of the commit, at most {MESSAGE_BYTES} bytes.")),
        (_, "commit_message") => {
            ("string", format!("Why: the message of the commit, at most {MESSAGE_BYTES} bytes. One is made up without it."))
        }
        _ => ("string", String::new()),
    };
    json!({"type": kind, "description": about})
}

fn operations() -> Value {
    json!({"type": "array", "minItems": 1, "maxItems": 100,
        "description": "What is done, each to another page: put (content), patch (old_string, new_string), delete, or rename (new_path, update_links). \
            A put of a page that exists needs its revision, or a base for all.",
        "items": {
            "type": "object", "additionalProperties": false, "required": ["op", "path"],
            "properties": {
                "op": {"enum": ["put", "patch", "delete", "rename"]}, "path": {"type": "string"}, "content": {"type": "string"},
                "old_string": {"type": "string"}, "new_string": {"type": "string"}, "revision": {"type": "string"},
                "new_path": {"type": "string"}, "update_links": {"type": "boolean"},
            },
        },
    })
}

fn choices() -> Value {
    json!({"type": "array", "minItems": 1, "maxItems": 500,
        "description": "What becomes of some of its files: these hunks (hunks), this text instead (content), or nothing (leave_out). All others are \
            taken as proposed.",
        "items": {
            "type": "object", "additionalProperties": false, "required": ["file"],
            "properties": {
                "file": {"type": "string"}, "hunks": {"type": "array", "minItems": 1, "items": {"type": "integer", "minimum": 1}},
                "content": {"type": "string"}, "leave_out": {"type": "boolean"},
            },
        },
    })
}

/// More about an operation than one line can say.
pub fn text(of: &str) -> Option<&'static str> {
    Some(match of {
        "readPage" => {
            "revision is the newest commit that touched the page, and the ETag: with If-None-Match the answer is 304 while nothing changed. \
            Accept: text/markdown is the same as format=raw, unless application/json is liked as much."
        }
        "writePage" => {
            "What others changed elsewhere in the page since revision is merged; a change to the same lines is 409. With If-Match nothing is \
            merged, with If-None-Match: * a page is only created; both refuse with 412."
        }
        "editPage" => {
            "Either old_string and new_string, or section and content. What others changed elsewhere in the page since revision is merged."
        }
        "deletePage" => "The page stays in the history and can be brought back from there.",
        "rename" => "One commit; the old address leads to the new one.",
        "commit" => "Where one operation cannot be done, nothing is; operation says which it was.",
        "undo" => {
            "It has to be said whose changes are meant: person, via, session or revisions. At most 1,000 commits. What others changed elsewhere \
            since stays; where both touched the same lines nothing changes, and conflicts says so. Undoing again finds nothing to do; the same plan sent again \
            is answered as the first time."
        }
        "propose" => {
            "As POST /commits, but nothing changes until somebody accepts it; 202 with the proposal. 200: there was nothing to change."
        }
        "readProposal" => {
            "changes is what it would do now, merged with what happened since: state says whether each file fits. hidden_text is what a file \
            adds that readers of the page do not see, by lines of merged. Once it is accepted, changes is what it did then, and taken says what \
            came of it: all, hunks (each says whether it was taken), own-text (the reviewer's) or nothing. Only its maker and who may change all \
            it touches see it."
        }
        "acceptProposal" => {
            "Asked again, it answers the same, whatever happened since. A program accepts only what it might write directly."
        }
        "changes" => {
            "Without since it only says where the wiki stands: begin with that, list the pages, and go on from until. With \
            Accept: text/event-stream the answer is a stream of events that goes on where Last-Event-ID says."
        }
        "care" => {
            "path is the page that has it, of wanted the page that is not there; what says it in a sentence. A secret is never told, only its \
            place. mend is what a proposal could do: relink lets the links to from lead to to, postpone writes another day for the next review. \
            Propose it with POST /proposals. waiting is a proposal that mends it already, of those you may see. counts has all kinds, whatever kind is asked for."
        }
        "setMirror" => "The token is never told again. What both sides change in the same lines becomes a proposal.",
        "addWebhook" => {
            "secret is told here and nowhere else: messages are signed with it as the Standard Webhooks specification has it. At most 10 in a wiki."
        }
        "rotateWebhook" => "secret is told here and nowhere else. For a day messages are signed with the one before as well.",
        "changeWebhook" => "One that was off, gone or broken begins anew when it is switched on: what happened before is not told.",
        "semanticSearch" => {
            "distance is 1 less the cosine: less is nearer. text is the place as it was compared, headings before it in brackets. commit: everything \
            up to it is in the answer; pages that changed since they were looked at, pending of them, are left out for a moment."
        }
        "search" => "similar are names that are meant where words were typed wrong; matched says how strictly words were taken.",
        "putAttachment" => "If-None-Match: * refuses to replace (409), If-Match replaces only the file with that ETag (412).",
        "getAttachment" => {
            "It comes as it is with format=raw, or where Accept is there and names no application/json, or likes it less; then in parts, too (Range)."
        }
        _ => return None,
    })
}

/// What the answer of an operation has in it when all is well.
pub fn gives(of: &str) -> &'static [&'static str] {
    match of {
        "health" => &["status"],
        "openapi" => &["openapi", "info", "servers", "tags", "paths", "components"],
        "wiki" => {
            &["name", "revision", "user", "within", "pages", "attachments", "revisions", "bytes", "permissions", "handling", "limits"]
        }
        "indexStatus" => &["status", "backend_type", "commit", "head", "lag_commits", "pages", "model", "semantic"],
        "semanticSearch" => &["query", "total", "results", "commit", "pending"],
        "chromaStatus" => &["status", "backend_type", "collection", "document_count", "model"],
        "reindex" => &["status"],
        "reindexStatus" => &["status", "started_at", "completed_at", "pages_indexed", "chunks_created", "error_message"],
        "tree" => &["path", "tree"],
        "listPages" => &["pages", "total", "next_cursor"],
        "batchGet" => &["pages", "missing"],
        "commit" => &["revision", "paths", "updated_pages", "changed"],
        "undo" => &["plan", "revision", "commits", "items", "conflicts", "undone"],
        "changes" => &["changes", "until", "next_cursor"],
        "listProposals" => &["proposals", "next_cursor"],
        "propose" => &["revision", "paths", "updated_pages", "changed"],
        "readProposal" => &[
            "number",
            "title",
            "message",
            "status",
            "author",
            "via",
            "created",
            "expires",
            "files",
            "mine",
            "may_review",
            "url",
            "decision",
            "base",
            "seen",
            "changes",
            "comments",
        ],
        "acceptProposal" => &["number", "status", "revision"],
        "rejectProposal" | "withdrawProposal" | "commentProposal" => &["number", "title", "status", "decision"],
        "changelog" => &["entries", "total", "next_cursor"],
        "listWebhooks" => &["webhooks"],
        "readWebhook" | "changeWebhook" => &["id", "url", "events", "prefix", "state", "failures", "created", "made_by"],
        "addWebhook" | "rotateWebhook" => &["id", "url", "events", "prefix", "state", "failures", "created", "made_by", "secret"],
        "deleteWebhook" => &["deleted", "id"],
        "pingWebhook" | "redeliver" | "syncMirror" => &["status"],
        "readMirror" | "setMirror" => &[
            "url",
            "branch",
            "username",
            "has_token",
            "direction",
            "minutes",
            "active",
            "seen",
            "revision",
            "tried",
            "synced",
            "failures",
            "error",
            "ahead",
        ],
        "deleteMirror" => &["deleted"],
        "listDeliveries" => &["deliveries"],
        "agents" => &["agents", "via", "sessions", "next_cursor"],
        "search" => &["query", "regex", "results", "total", "matched", "mode", "similar", "commit", "weights", "unfinished", "next_cursor"],
        "links" => &["nodes", "edges"],
        "orphans" => &["orphans"],
        "missing" => &["missing"],
        "care" => &["findings", "counts", "total", "next_cursor"],
        "linksOf" => &["path", "links_to", "linked_from"],
        "history" => &["path", "history", "next_cursor", "deleted"],
        "diff" => &["path", "from", "to", "hunks"],
        "rename" => &["old_path", "new_path", "revision", "updated_pages"],
        "listAttachments" => &["path", "attachments", "total"],
        "upload" | "putAttachment" => &["filename", "sent_as", "path", "size", "mime_type", "revision"],
        "getAttachment" => &["filename", "content", "size", "mime_type"],
        "deleteAttachment" => &["deleted", "filename", "revision"],
        "readPage" => &["name", "path", "content", "section", "frontmatter", "links_to", "linked_from", "revision", "last_commit"],
        "writePage" => &["name", "path", "revision", "created", "merged"],
        "editPage" | "revert" => &["name", "path", "revision", "merged"],
        "deletePage" => &["deleted", "path", "revision"],
        _ => &[],
    }
}

/// A body that the operation takes, if it needs one.
pub fn example(of: &str) -> Option<Value> {
    Some(match of {
        "batchGet" => json!({"paths": [PAGE]}),
        "acceptProposal" => json!({"seen": REVISION}),
        "rejectProposal" => json!({"reason": "It is out of date."}),
        "commentProposal" => json!({"text": "Where is that from?"}),
        "propose" => json!({"message": "One page", "operations": [{"op": "put", "path": "Example/New", "content": "# New\n"}]}),
        "commit" => json!({"message": "Two pages", "operations": [
            {"op": "put", "path": "Example/One", "content": "# One\n"}, {"op": "put", "path": "Example/Two", "content": "See [[Example/One]].\n"},
        ]}),
        "undo" => json!({"session": "nightly"}),
        "writePage" => json!({"content": "# Example\n\nPress the red button.\n"}),
        "editPage" => json!({"revision": REVISION, "old_string": "red button", "new_string": "green button"}),
        "rename" => json!({"new_path": "Moved"}),
        "revert" => json!({"to_revision": REVISION, "revision": REVISION}),
        "addWebhook" => json!({"url": "https://hooks.example.org/wiki", "events": ["page.created", "page.updated"]}),
        "changeWebhook" => json!({"active": false}),
        "setMirror" => json!({"url": "https://git.example.org/team/wiki.git", "username": "holt", "token": "secret"}),
        "upload" => json!({"filename": "hello.txt", "content": "aGVsbG8="}),
        _ => return None,
    })
}

/// What a status means here.
pub fn status(status: u16) -> &'static str {
    match status {
        200 => "Done",
        201 => "Made",
        202 => "Begun",
        206 => "A part of the file",
        304 => "Not modified",
        400 => "The request cannot be read: its JSON, or a header",
        401 => "No credentials, or none that count",
        403 => "Not allowed",
        404 => "Not there, or not for you",
        409 => "It is not as the request takes it to be; code says how: a revision is missing or old, something exists already",
        410 => "The revision is not part of the history",
        412 => "It is not as If-Match or If-None-Match ask",
        413 => "Too large, or the wiki is full",
        415 => "The body is not sent as JSON",
        416 => "The file has no such part",
        422 => "A parameter or field breaks a rule; field says which",
        429 => "Too many requests: wait for Retry-After seconds",
        503 => "Not available, or busy: try again after Retry-After",
        _ => "",
    }
}
