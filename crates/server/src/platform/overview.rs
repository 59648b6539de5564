//! What somebody does with wikis of theirs, whether by a form or by the API. Rights inside a wiki are asked of the wiki, like everybody's.

use super::{Visitor, audit, letters};
use crate::mcp;
use crate::welcome;
use holt_core::path::check_seen;
use holt_core::{Action, Actor, Error, MemberFlags, Result, Timestamp, WikiName};
use holt_engine::db::wiki_db::Member;
use holt_engine::directory::{Holder, NewToken, Plan, Rank, TokenScope, UserRecord, WikiLimits, WikiRecord, WikiState};
use holt_engine::{Admin, Foundation, Read, pages, publish};
use serde_json::{Value, json};

/// Longest name of a wiki on screen, in characters.
const NAME: usize = 100;
/// Longest text about what a wiki is for, in characters: what goes a little beyond is cut (spec/platform.md §6), what goes far is a mistake.
const PURPOSE: usize = 200;
const SENT: usize = 1000;
/// The label of the token that is made and replaced without being named.
pub const FIRST_TOKEN: &str = "MCP";

/// A wiki of whoever asks, by its slug. `NotFound` if there is none, and for one that waits to be removed; `Denied` if it is somebody else's
/// (spec/platform.md §16, case 8).
pub fn held(visitor: &Visitor<'_>, slug: &str) -> Result<WikiRecord> {
    let record = held_even_trashed(visitor, slug)?;
    if record.trashed.is_some() {
        return Err(missing());
    }
    if record.state == WikiState::Suspended && !visitor.is_operator() {
        return Err(Error::denied("this wiki has been suspended by whoever runs this server").hint("Ask them."));
    }
    Ok(record)
}

/// The same, even if it waits to be removed.
pub fn held_even_trashed(visitor: &Visitor<'_>, slug: &str) -> Result<WikiRecord> {
    let record = visitor.app.engine.directory().wiki_by_slug(slug)?.ok_or_else(missing)?;
    let own = record.owner.is_some() && record.owner == visitor.user.as_ref().map(|user| user.id);
    if own || visitor.is_operator() {
        return Ok(record);
    }
    Err(Error::denied("this wiki belongs to somebody else"))
}

fn missing() -> Error {
    Error::not_found("there is no such wiki")
}

/// What of a wiki is used, and what it may have.
pub struct Usage {
    /// Pages.
    pub pages: u64,
    /// Bytes of the repository.
    pub bytes: u64,
    /// Members.
    pub members: u64,
    /// See [`WikiLimits`].
    pub limits: WikiLimits,
}

impl Usage {
    /// The three of them: word, used, most.
    pub fn each(&self) -> [(&'static str, u64, Option<u64>); 3] {
        [
            ("pages", self.pages, self.limits.pages.map(u64::from)),
            ("bytes", self.bytes, self.limits.bytes),
            ("members", self.members, self.limits.members.map(u64::from)),
        ]
    }
    /// As programs read it.
    pub fn json(&self) -> Value {
        let near: Vec<&str> =
            self.each().into_iter().filter(|(_, used, most)| self.limits.is_near(*used, *most)).map(|(word, ..)| word).collect();
        json!({
            "pages": self.pages, "bytes": self.bytes, "members": self.members, "near": near,
            "limits": {
                "pages": self.limits.pages, "bytes": self.limits.bytes, "members": self.limits.members,
                "writes_per_minute": self.limits.writes,
            },
        })
    }
}

/// What is used of a wiki. Opens it.
pub fn usage(visitor: &Visitor<'_>, record: &WikiRecord) -> Result<Usage> {
    let wiki = visitor.app.engine.wiki(record.id);
    let scope = wiki.grant::<Read>(&Actor::System)?;
    let pages = pages::counts(&scope)?.pages as u64;
    let bytes = pages::bytes(&scope)?.unwrap_or_default();
    let members = pages::members(&wiki.grant::<Admin>(&Actor::System)?)?.len() as u64;
    Ok(Usage { pages, bytes, members, limits: visitor.app.engine.directory().limits(record.id)? })
}

/// A wiki as lists have it: never what opens it, never where it lies (spec/platform.md §8).
pub fn row(visitor: &Visitor<'_>, record: &WikiRecord) -> Value {
    let time = |seconds: i64| publish::rfc3339(Timestamp::utc(seconds));
    let slug = record.slug.as_str();
    let mut row = json!({
        "slug": slug, "display_name": record.name, "created_at": time(record.created), "last_accessed": record.last_access.map(time),
        "plan": record.plan, "state": state(record), "deleted_at": record.trashed.map(time), "url": format!("{}/", visitor.wiki_home(record).unwrap_or_else(|_| visitor.wiki_origin(slug))),
    });
    // What is off the air stays closed. A broken wiki does not take its owner's list with it.
    if record.answers()
        && let Ok(used) = usage(visitor, record)
        && let Ok(preferences) = visitor.app.engine.wiki(record.id).preferences()
    {
        row["page_count"] = used.pages.into();
        row["disk_usage_bytes"] = used.bytes.into();
        row["description"] = preferences.site_description.as_str().into();
        row["access"] = json!({
            "read": preferences.read_access.as_str(), "write": preferences.write_access.as_str(),
            "upload": preferences.attachment_access.as_str(),
        });
        row["is_public"] = (preferences.read_access == holt_core::AccessLevel::Anonymous).into();
        row["git_access_enabled"] = preferences.is_on(GIT).into();
    }
    row
}

/// The preference that opens a wiki to git.
pub const GIT: &str = "GIT_WEB_SERVER";

/// In a word.
pub fn state(record: &WikiRecord) -> &'static str {
    match (record.trashed, record.state) {
        (Some(_), _) => "deleted",
        (None, WikiState::Suspended) => "suspended",
        (None, WikiState::Active) => "active",
    }
}

/// Where agents reach a wiki.
pub fn mcp_endpoint(visitor: &Visitor<'_>, record: &WikiRecord) -> String {
    format!("{}{}", visitor.wiki_origin(record.slug.as_str()), mcp::ADDRESS)
}

/// A name for a wiki.
pub fn check_title(text: &str) -> Result<String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::invalid("a wiki needs a name"));
    }
    if text.chars().count() > NAME || text.contains(['\n', '\r']) {
        return Err(Error::invalid(format!("the name of a wiki is one line of at most {NAME} characters")));
    }
    check_seen(text)?;
    Ok(text.to_string())
}

/// What a wiki is for, in a line, cut to what fits.
pub fn check_purpose(text: &str) -> Result<String> {
    let text = text.trim();
    if text.chars().count() > SENT || text.contains(['\n', '\r']) {
        return Err(Error::invalid(format!("what a wiki is for is one line of at most {SENT} characters")));
    }
    check_seen(text)?;
    Ok(text.chars().take(PURPOSE).collect::<String>().trim_end().to_string())
}

/// Whose a wiki will be that `user` makes or takes over: operators have as many as they like.
fn holder<'a>(user: &UserRecord, plan: &'a Plan) -> Holder<'a> {
    let most = if user.rank == Rank::Operator { None } else { plan.wikis };
    Holder { owner: user.id, plan: &plan.name, most }
}

/// Makes a wiki: its record, and the secret of a first token.
pub fn create(visitor: &Visitor<'_>, title: &str, slug: &str, about: &str) -> Result<(WikiRecord, String)> {
    // In the order of spec/platform.md §8.
    let title = check_title(title)?;
    let slug = WikiName::choose(slug)?;
    let about = check_purpose(about)?;
    let (user, engine) = (visitor.person()?, &visitor.app.engine);
    let plan = engine.directory().default_plan()?;
    let texts = welcome::pages(&title, &about)?;
    let preferences = [("SITE_DESCRIPTION", about.as_str())];
    let new = Foundation { slug: &slug, title: &title, holder: holder(user, &plan), preferences: &preferences, pages: &texts };
    let wiki = engine.found_wiki(&new)?;
    audit::done(visitor, Some(wiki.id()), "wiki.create", slug.as_str());
    let record = engine.directory().wiki(wiki.id())?.ok_or_else(|| Error::internal("the wiki just made is gone"))?;
    let secret = first_token(visitor, &record)?;
    Ok((record, secret))
}

/// Changes of a wiki's settings; none: as it is.
#[derive(Default)]
pub struct Changes {
    /// Its name on screen.
    pub title: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Levels, by the name of their preference.
    pub levels: Vec<(&'static str, String)>,
    /// Whether git may reach it.
    pub git: Option<bool>,
}

/// The levels that may be chosen: for reading, and for anything else. What anybody may change without a name nobody may answer for.
pub const READING: [&str; 4] = ["ANONYMOUS", "REGISTERED", "APPROVED", "ADMIN"];
/// See [`READING`].
pub const CHANGING: [&str; 3] = ["REGISTERED", "APPROVED", "ADMIN"];

impl Changes {
    /// As rows of preferences, each checked.
    pub fn rows(&self) -> Result<Vec<(&'static str, String)>> {
        let mut rows = Vec::new();
        rows.extend(self.title.as_deref().map(check_title).transpose()?.map(|title| ("SITE_NAME", title)));
        rows.extend(self.description.as_deref().map(check_purpose).transpose()?.map(|about| ("SITE_DESCRIPTION", about)));
        for (name, level) in &self.levels {
            let known: &[&str] = if *name == "READ_ACCESS" { &READING } else { &CHANGING };
            let level = known.iter().find(|known| known.eq_ignore_ascii_case(level.trim()));
            let level =
                level.ok_or_else(|| Error::invalid("that is no level of access").hint(format!("Choose one of {}.", known.join(", "))))?;
            rows.push((*name, (*level).to_string()));
        }
        rows.extend(self.git.map(|on| (GIT, if on { "True" } else { "False" }.to_string())));
        Ok(rows)
    }
}

/// Changes them, all or none.
pub fn change(visitor: &Visitor<'_>, record: &WikiRecord, changes: &Changes) -> Result<()> {
    let rows = changes.rows()?;
    if rows.is_empty() {
        return Ok(());
    }
    let rows: Vec<(&str, &str)> = rows.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let wiki = visitor.app.engine.wiki(record.id);
    pages::set_preferences(&wiki.grant::<Admin>(&visitor.actor()?)?, &rows)?;
    let what = if changes.levels.is_empty() { "wiki.settings" } else { "access.change" };
    audit::done(visitor, Some(record.id), what, &rows.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", "));
    if changes.levels.is_empty() { Ok(()) } else { visitor.app.confirm(record.id) }
}

/// A token of whoever asks for their wiki: nothing that they may not do there themselves.
pub fn make_token(visitor: &Visitor<'_>, record: &WikiRecord, label: &str, scope: TokenScope, expires: Option<i64>) -> Result<String> {
    let label = label.trim();
    if label.is_empty() || label.chars().count() > 100 || label.chars().any(char::is_control) {
        return Err(Error::invalid("a token needs a name").hint("Say in at most 100 characters what it is for."));
    }
    let actor = visitor.actor()?;
    let needed = match scope {
        TokenScope::Read => Action::Read,
        TokenScope::Propose | TokenScope::Write => Action::Write,
        TokenScope::Admin => Action::Admin,
    };
    if !visitor.app.engine.wiki(record.id).may(&actor, needed)? {
        return Err(Error::denied("a token may do nothing that you may not do yourself"));
    }
    let user = Some(visitor.person()?.id);
    let new = NewToken { wiki: record.id, user, scope, within: None, label, expires };
    let token = visitor.app.engine.directory().make_token(&new, visitor.now())?;
    audit::done(visitor, Some(record.id), "token.create", &format!("{label} ({})", scope.as_str()));
    Ok(token.expose().to_string())
}

/// The token that comes with a wiki, in place of the one there was: it may read and write, and never administer.
pub fn first_token(visitor: &Visitor<'_>, record: &WikiRecord) -> Result<String> {
    let directory = visitor.app.engine.directory();
    let user = visitor.person()?.id;
    for old in directory.tokens_of(record.id, user)?.into_iter().filter(|token| token.label == FIRST_TOKEN) {
        directory.revoke_token(record.id, old.id)?;
    }
    make_token(visitor, record, FIRST_TOKEN, TokenScope::Write, None)
}

/// Gives a wiki to a member of it, who administers it from then on. Who had it stays an administrator.
pub fn transfer(visitor: &Visitor<'_>, record: &WikiRecord, email: &str) -> Result<()> {
    let (engine, directory) = (&visitor.app.engine, visitor.app.engine.directory());
    let wiki = engine.wiki(record.id);
    let actor = visitor.actor()?;
    let scope = wiki.grant::<Admin>(&actor)?;
    let user = directory.user_by_email(email)?;
    let member = user.as_ref().map(|user| wiki.member(user.id)).transpose()?.flatten();
    let (Some(user), Some(member)) = (user, member) else {
        return Err(Error::not_found("nobody of that address is a member of this wiki").hint("Invite them first."));
    };
    let plan = directory.default_plan()?;
    let plan = match &record.plan {
        Some(name) => directory.plan(name)?.unwrap_or(plan),
        None => plan,
    };
    directory.give_wiki(record.id, Some(&holder(&user, &plan)))?;
    let flags = MemberFlags { admin: true, approved: true, allow_read: true, allow_write: true, allow_upload: true };
    pages::put_members(&scope, &[Member { flags, ..member }])?;
    audit::done(visitor, Some(record.id), "wiki.transfer", &user.email);
    Ok(())
}

/// Deletes a wiki: nobody reaches it from now on, and for some days it can be had back.
pub fn trash(visitor: &Visitor<'_>, record: &WikiRecord) -> Result<()> {
    visitor.app.engine.trash_wiki(record.id)?;
    audit::done(visitor, Some(record.id), "wiki.delete", record.slug.as_str());
    letters::about_deleted(visitor.app, record);
    Ok(())
}

/// Takes that back.
pub fn restore(visitor: &Visitor<'_>, record: &WikiRecord) -> Result<()> {
    let directory = visitor.app.engine.directory();
    let plan = directory.default_plan()?;
    let owner = record.owner.map(|owner| directory.user(owner)).transpose()?.flatten();
    visitor.app.engine.restore_wiki(record.id, owner.as_ref().map(|owner| holder(owner, &plan)).as_ref())?;
    audit::done(visitor, Some(record.id), "wiki.restore", record.slug.as_str());
    Ok(())
}
