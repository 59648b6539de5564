//! What happened, as messages. Told is what everybody may know who may read the wiki: parts with readers of their own are left out, and so is every text
//! of a page, a comment or a proposal.

use super::{HookEvent, Told, Webhook, hex};
use crate::db::index::{After, Entry, EntryChange, Index};
use crate::db::webhooks::{NewComment, Owed};
use crate::pages::proposals::PROPOSAL_TRAILER;
use crate::publish::rfc3339;
use crate::sync::Common;
use crate::wiki::Wiki;
use holt_core::{ChangeKind, Hidden, PagePath, Result, Revision, RevisionId, Timestamp};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Of more commits at once only one message tells, and names none of them.
const COMMITS: usize = 50;
/// Most changes that a message names.
const CHANGES: usize = 100;
/// Most comments, and most proposals, of one look.
const NEWS: usize = 50;
/// Who is owed so much is not owed more: what happens waits where it is, in the history.
const OWED: usize = 200;

/// Notes what every webhook of the wiki is owed, up to now. `home`: scheme and host of the wiki, for addresses in messages. Whether there is more to note.
pub fn owe(wiki: &Wiki, home: Option<&str>) -> Result<bool> {
    let db = wiki.db()?;
    let webhooks: Vec<Webhook> = db.webhooks()?.into_iter().filter(|webhook| webhook.state.listens()).collect();
    if webhooks.is_empty() {
        return Ok(false);
    }
    let look = Look::at(wiki, home)?;
    let mut more = false;
    for webhook in webhooks {
        if db.owed(webhook.id)? >= OWED {
            continue;
        }
        let (mut owed, mut told) = (Vec::new(), webhook.told);
        look.history(&webhook, &mut told, &mut owed)?;
        more |= look.comments(&webhook, &mut told, &mut owed)?;
        more |= look.proposals(&webhook, &mut told, &mut owed)?;
        if told != webhook.told {
            db.owe(&webhook, &owed, told, wiki.shared.clock.now())?;
        }
    }
    Ok(more)
}

/// A message that tells of nothing.
pub(super) fn ping(wiki: &Wiki, webhook: &Webhook, nonce: &str) -> Result<Owed> {
    let look = Look::at(wiki, None)?;
    let data = json!({"wiki": look.wiki_json(), "webhook": webhook.id});
    Ok(look.message(webhook, "ping", nonce, None, look.wiki.shared.clock.now(), &data))
}

/// The wiki at one moment.
struct Look<'w> {
    wiki: &'w Wiki,
    slug: String,
    home: Option<&'w str>,
    /// All of it: for places in the history alone.
    whole: Arc<Index>,
    /// What everybody sees who reads the wiki.
    index: Arc<Index>,
    hidden: Hidden,
}

impl<'w> Look<'w> {
    fn at(wiki: &'w Wiki, home: Option<&'w str>) -> Result<Self> {
        let Common { whole, index, hidden } = wiki.common()?;
        let slug = wiki.shared.directory.wiki(wiki.id())?.map(|record| record.slug.to_string()).unwrap_or_default();
        Ok(Self { wiki, slug, home, whole, index, hidden })
    }
    fn history(&self, webhook: &Webhook, told: &mut Told, owed: &mut Vec<Owed>) -> Result<()> {
        let Some(head) = self.whole.cursor()? else { return Ok(()) };
        if told.revision == Some(head) {
            return Ok(());
        }
        let before = told.revision.replace(head);
        let wants = |event: &HookEvent| !matches!(event, HookEvent::CommentCreated | HookEvent::ProposalOpened);
        if !webhook.events.iter().any(wants) {
            return Ok(());
        }
        let place = match before {
            None => Some(i64::MIN),
            Some(revision) => self.whole.place_of(revision)?,
        };
        let Some(place) = place else {
            // The history was replaced: nothing says what of it is new.
            owed.extend(self.many(webhook, None, head, "rewritten")?);
            return Ok(());
        };
        let entries = if self.whole.merged_after(place)? {
            self.index.since(&After::These(&self.wiki.repo()?.between(before, head)?), None, COMMITS + 1)?
        } else {
            self.index.since(&After::Place(place, i64::MAX), None, COMMITS + 1)?
        };
        if entries.len() > COMMITS {
            owed.extend(self.many(webhook, before, head, "many")?);
            return Ok(());
        }
        owed.extend(entries.iter().filter_map(|entry| self.commit(webhook, entry)));
        Ok(())
    }
    fn commit(&self, webhook: &Webhook, entry: &Entry) -> Option<Owed> {
        let mut changes: Vec<Value> = entry.changes.iter().filter_map(|change| self.change(webhook, change)).collect();
        if changes.is_empty() {
            return None;
        }
        let more = changes.len().saturating_sub(CHANGES);
        changes.truncate(CHANGES);
        let Revision { id, author, time, .. } = &entry.revision;
        let mut data = json!({
            "wiki": self.wiki_json(), "revision": id.to_string(), "author": author.name(), "subject": subject(&entry.revision.message),
            "changes": changes, "more_changes": more,
        });
        self.address(&mut data, &format!("/-/commit/{id}"));
        for (name, value) in
            [("via", entry.revision.via()), ("session", entry.revision.session()), ("proposal", proposal(&entry.revision.message))]
        {
            if let Some(value) = value {
                data[name] = value.into();
            }
        }
        Some(self.message(webhook, "commit", &id.to_string(), Some(*id), time.seconds, &data))
    }
    /// A file that changed, if the webhook is told of that.
    fn change(&self, webhook: &Webhook, change: &EntryChange) -> Option<Value> {
        let (place, is_page) = place_of(&change.file)?;
        let from = match &change.kind {
            ChangeKind::Renamed { from } => Some(from),
            _ => None,
        };
        let event = match (&change.kind, is_page) {
            (ChangeKind::Added, true) => HookEvent::PageCreated,
            (ChangeKind::Modified, true) => HookEvent::PageUpdated,
            (ChangeKind::Renamed { .. }, true) => HookEvent::PageRenamed,
            (ChangeKind::Deleted, true) => HookEvent::PageDeleted,
            (ChangeKind::Added, false) => HookEvent::AttachmentCreated,
            (ChangeKind::Modified, false) => HookEvent::AttachmentUpdated,
            (ChangeKind::Renamed { .. }, false) => HookEvent::AttachmentRenamed,
            (ChangeKind::Deleted, false) => HookEvent::AttachmentDeleted,
        };
        let came = from.and_then(|from| place_of(from));
        let inside = covers(webhook, place.as_ref()) || came.as_ref().is_some_and(|(place, _)| covers(webhook, place.as_ref()));
        let hidden = self.hidden.covers_file(&change.file) || from.is_some_and(|from| self.hidden.covers_file(from));
        if !webhook.events.contains(&event) || !inside || hidden {
            return None;
        }
        let mut told = Map::new();
        told.insert("event".into(), event.as_str().into());
        let name = |file: &str| match PagePath::from_tree(file) {
            Some(page) => page.to_string(),
            None => file.to_string(),
        };
        told.insert(if is_page { "page" } else { "file" }.into(), name(&change.file).into());
        if let Some(from) = from {
            told.insert("from".into(), name(from).into());
        }
        let mut told = Value::Object(told);
        if let Some(page) = place.filter(|_| is_page && event != HookEvent::PageDeleted) {
            self.address(&mut told, &page.url());
        }
        Some(told)
    }
    /// More than one can be told of: whoever hears it looks for themselves.
    fn many(&self, webhook: &Webhook, from: Option<RevisionId>, until: RevisionId, why: &str) -> Result<Option<Owed>> {
        // Of the newest commit those who read the wiki may know nothing.
        let Some(newest) = self.index.newest()? else { return Ok(None) };
        let mut data = json!({
            "wiki": self.wiki_json(), "why": why, "since": from.map(|from| from.to_string()), "revision": newest.to_string(),
        });
        self.address(&mut data, "/-/changelog");
        let what = format!("{}..{until}", from.map(|from| from.to_string()).unwrap_or_default());
        Ok(Some(self.message(webhook, "commits", &what, Some(newest), self.wiki.shared.clock.now(), &data)))
    }
    fn comments(&self, webhook: &Webhook, told: &mut Told, owed: &mut Vec<Owed>) -> Result<bool> {
        let new = self.wiki.db()?.comments_after(told.comment, NEWS)?;
        let Some(last) = new.last() else { return Ok(false) };
        told.comment = last.id;
        let wanted = |comment: &&NewComment| {
            webhook.events.contains(&HookEvent::CommentCreated)
                && covers(webhook, Some(&comment.path))
                && !self.hidden.covers(comment.path.key().as_str())
        };
        for comment in new.iter().filter(wanted) {
            let NewComment { id, thread, name, created, path } = comment;
            let mut data = json!({"wiki": self.wiki_json(), "page": path.as_str(), "comment": id, "thread": thread, "author": name});
            self.address(&mut data, &format!("{}/comments?thread={thread}#holt-comment-{id}", path.url()));
            owed.push(self.message(webhook, HookEvent::CommentCreated.as_str(), &id.to_string(), None, *created, &data));
        }
        Ok(new.len() == NEWS)
    }
    fn proposals(&self, webhook: &Webhook, told: &mut Told, owed: &mut Vec<Owed>) -> Result<bool> {
        let db = self.wiki.db()?;
        let new = db.proposals_after(told.proposal, NEWS)?;
        let Some(last) = new.last() else { return Ok(false) };
        told.proposal = *last;
        if webhook.events.contains(&HookEvent::ProposalOpened) {
            for number in &new {
                let Some(row) = db.proposal(*number)? else { continue };
                let moved = row.moves.iter().any(|(from, to)| [from, to].iter().any(|page| self.hidden.covers(page.key().as_str())));
                let touches = |file: &String| place_of(file).is_some_and(|(place, _)| covers(webhook, place.as_ref()));
                if moved || row.files.iter().any(|file| self.hidden.covers_file(file)) || !row.files.iter().any(touches) {
                    continue;
                }
                let mut data = json!({"wiki": self.wiki_json(), "proposal": number, "author": row.name});
                if let Some(via) = &row.via {
                    data["via"] = via.as_str().into();
                }
                self.address(&mut data, &format!("/-/proposals/{number}"));
                owed.push(self.message(webhook, HookEvent::ProposalOpened.as_str(), &number.to_string(), None, row.created, &data));
            }
        }
        Ok(new.len() == NEWS)
    }
    fn wiki_json(&self) -> Value {
        let mut wiki = json!({"slug": self.slug});
        self.address(&mut wiki, "/");
        wiki
    }
    /// Where it is read, if anybody knows where the wiki is.
    fn address(&self, of: &mut Value, path: &str) {
        if let Some(home) = self.home {
            of["url"] = format!("{home}{path}").into();
        }
    }
    /// The same id for the same message to the same webhook, whoever makes it and how often.
    fn message(&self, webhook: &Webhook, event: &'static str, what: &str, revision: Option<RevisionId>, time: i64, data: &Value) -> Owed {
        let hash = Sha256::digest(format!("{}\n{}\n{event}\n{what}", self.wiki.id(), webhook.id));
        let body = json!({"type": event, "timestamp": rfc3339(Timestamp::utc(time)), "data": data}).to_string();
        Owed { message: format!("msg_{}", hex(&hash[..16])), event, revision, body }
    }
}

/// The page that a file is, or that it lies beside; none: beside no page. Whether it is the page itself. Nothing for what has no address.
fn place_of(file: &str) -> Option<(Option<PagePath>, bool)> {
    if let Some(page) = PagePath::from_tree(file) {
        return Some((Some(page), true));
    }
    if file.ends_with(".md") {
        return None;
    }
    let beside = file.rsplit_once('/').and_then(|(directory, _)| PagePath::parse(directory).ok());
    Some((beside, false))
}

/// Whether a place is in the part of the wiki that a webhook is told of.
fn covers(webhook: &Webhook, place: Option<&PagePath>) -> bool {
    let is_in = |top: &PagePath| {
        let (place, top) = (place.map(PagePath::key), top.key());
        place.is_some_and(|place| place.as_str().strip_prefix(top.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    };
    webhook.prefix.as_ref().is_none_or(is_in)
}

/// The first line of a commit's message; nothing where it is not told.
fn subject(message: &str) -> String {
    message.lines().next().unwrap_or_default().chars().filter(|c| !c.is_control()).take(200).collect()
}

fn proposal(message: &str) -> Option<&str> {
    let (_, last) = message.trim_end().rsplit_once("\n\n")?;
    let mut pairs = last.lines().filter_map(|line| line.split_once(": "));
    pairs.find(|(name, _)| name.eq_ignore_ascii_case(PROPOSAL_TRAILER)).map(|(_, number)| number.trim())
}
