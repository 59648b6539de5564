//! The management API (spec/platform.md §8): JSON in and out, the shapes as they were, without what opens a wiki or says where it lies.

use super::overview::{self, Changes, Usage};
use super::{Visitor, audit, letters};
use crate::elsewhere::atproto;
use crate::front;
use crate::handles;
use crate::reply::{Reply, json as json_reply, text};
use crate::workers;
use holt_core::{DomainName, Error, MemberFlags, Result, Timestamp, WikiName};
use holt_engine::db::wiki_db::Member;
use holt_engine::directory::{TRASH_LIFE, TokenScope, UserRecord, WikiRecord};
use holt_engine::{Admin, pages, publish};
use http::StatusCode;
use serde_json::{Map, Value, json};

const DAY: i64 = 24 * 3600;

fn ok(value: &Value) -> Result<Reply> {
    Ok(json_reply(StatusCode::OK, value))
}

/// The body as an object. What cannot be read counts as an empty one (spec/platform.md §8).
fn fields(visitor: &Visitor<'_>) -> Map<String, Value> {
    match serde_json::from_slice(&visitor.request.raw) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}

/// Refuses a field that is none: a slip of the pen would go unnoticed.
fn only(fields: &Map<String, Value>, known: &[&str]) -> Result<()> {
    match fields.keys().find(|name| !known.contains(&name.as_str())) {
        Some(unknown) => {
            Err(Error::invalid(format!("there is no field {unknown:?}")).hint(format!("The fields are {}.", known.join(", "))))
        }
        None => Ok(()),
    }
}

/// A text among them; none if it is missing.
fn word(fields: &Map<String, Value>, name: &str) -> Result<Option<String>> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Error::invalid(format!("{name} is no text"))),
    }
}

/// Yes or no among them.
fn flag(fields: &Map<String, Value>, name: &str) -> Result<Option<bool>> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(on)) => Ok(Some(*on)),
        Some(_) => Err(Error::invalid(format!("{name} is true or false"))),
    }
}

fn time(seconds: i64) -> String {
    publish::rfc3339(Timestamp::utc(seconds))
}

/// `GET /api/me`
pub fn me(visitor: &Visitor<'_>) -> Result<Reply> {
    let user = visitor.person()?;
    let csrf = visitor.session.as_ref().map(|(session, _)| session.csrf.as_str());
    // Of people from the AT Protocol: what they are called there.
    let called = visitor.app.engine.directory().identities_of(user.id)?.into_iter().find(|known| known.provider == atproto::KEY);
    let handle = called.map(|known| known.label).filter(|label| !label.is_empty()).unwrap_or_else(|| user.email.clone());
    ok(&json!({"id": user.id.0, "handle": handle, "display_name": user.name, "operator": visitor.is_operator(), "csrf": csrf}))
}

/// Whoever rules the installation, or a program of theirs.
fn operator(visitor: &Visitor<'_>) -> Result<()> {
    if visitor.is_operator() { Ok(()) } else { Err(Error::denied("this is for whoever runs this server")) }
}

/// `GET /api/workers`
pub fn workers(visitor: &Visitor<'_>) -> Result<Reply> {
    operator(visitor)?;
    let app = visitor.app;
    let all = workers::status(app.engine.directory(), app.engine.data(), app.engine.clock().now())?;
    ok(&json!({"workers": all}))
}

/// `POST /api/workers/{worker} {order}`: `pause`, `resume` or `restart`.
pub fn order(visitor: &Visitor<'_>) -> Result<Reply> {
    operator(visitor)?;
    let fields = fields(visitor);
    only(&fields, &["order"])?;
    let (worker, order) = (visitor.param("worker"), word(&fields, "order")?.unwrap_or_default());
    workers::obey(visitor.app, worker, &order)?;
    audit::done(visitor, None, "worker", &format!("{worker} {order}"));
    ok(&json!({"ok": true}))
}

/// `GET /api/wikis`
pub fn list(visitor: &Visitor<'_>) -> Result<Reply> {
    let wikis = visitor.app.engine.directory().wikis_of(visitor.person()?.id)?;
    ok(&json!({"wikis": wikis.iter().map(|record| overview::row(visitor, record)).collect::<Vec<_>>()}))
}

/// `POST /api/wikis {slug, display_name, purpose?}`
pub fn create(visitor: &Visitor<'_>) -> Result<Reply> {
    let fields = fields(visitor);
    only(&fields, &["slug", "display_name", "purpose"])?;
    let text = |name| word(&fields, name).map(Option::unwrap_or_default);
    let (record, secret) = overview::create(visitor, &text("display_name")?, &text("slug")?, &text("purpose")?)?;
    let said = json!({
        "wiki": overview::row(visitor, &record), "mcp_token": secret, "mcp_endpoint": overview::mcp_endpoint(visitor, &record),
    });
    Ok(json_reply(StatusCode::CREATED, &said))
}

fn held(visitor: &Visitor<'_>) -> Result<WikiRecord> {
    overview::held(visitor, visitor.param("slug"))
}

fn shown(visitor: &Visitor<'_>, record: &WikiRecord) -> Result<Reply> {
    ok(&json!({"wiki": overview::row(visitor, record), "mcp_endpoint": overview::mcp_endpoint(visitor, record)}))
}

/// `GET /api/wikis/{slug}`: one that waits to be removed is shown, too, so that it can be had back.
pub fn show(visitor: &Visitor<'_>) -> Result<Reply> {
    shown(visitor, &overview::held_even_trashed(visitor, visitor.param("slug"))?)
}

/// `PATCH /api/wikis/{slug} {display_name?, purpose?, access?, git_access_enabled?, slug?}`
pub fn change(visitor: &Visitor<'_>) -> Result<Reply> {
    let record = held(visitor)?;
    let fields = fields(visitor);
    only(&fields, &["display_name", "purpose", "access", "git_access_enabled", "slug"])?;
    let mut changes = Changes {
        title: word(&fields, "display_name")?,
        description: word(&fields, "purpose")?,
        git: flag(&fields, "git_access_enabled")?,
        ..Changes::default()
    };
    match fields.get("access") {
        None | Some(Value::Null) => {}
        Some(Value::Object(access)) => {
            const LEVELS: [(&str, &str); 3] = [("read", "READ_ACCESS"), ("write", "WRITE_ACCESS"), ("upload", "ATTACHMENT_ACCESS")];
            for (name, preference) in LEVELS {
                changes.levels.extend(word(access, name)?.map(|level| (preference, level)));
            }
            if let Some(unknown) = access.keys().find(|name| !LEVELS.iter().any(|(known, _)| known == name)) {
                return Err(Error::invalid(format!("there is no field {unknown:?}")).hint("The fields of access are read, write, upload."));
            }
        }
        Some(_) => return Err(Error::invalid("access is an object with read, write and upload")),
    }
    let slug = word(&fields, "slug")?.map(|slug| WikiName::choose(&slug)).transpose()?;
    // What cannot be done at all is found before anything is done.
    changes.rows()?;
    if let Some(slug) = slug.filter(|slug| *slug != record.slug) {
        visitor.app.engine.rename_wiki(record.id, &slug)?;
        audit::done(visitor, Some(record.id), "wiki.rename", slug.as_str());
    }
    overview::change(visitor, &record, &changes)?;
    let record = visitor.app.engine.directory().wiki(record.id)?.ok_or_else(|| Error::not_found("there is no such wiki"))?;
    shown(visitor, &record)
}

/// `DELETE /api/wikis/{slug}`
pub fn delete(visitor: &Visitor<'_>) -> Result<Reply> {
    overview::trash(visitor, &held(visitor)?)?;
    ok(&json!({"deleted": true, "restorable_until": time(visitor.now() + TRASH_LIFE)}))
}

/// `POST /api/wikis/{slug}/restore`
pub fn restore(visitor: &Visitor<'_>) -> Result<Reply> {
    let record = overview::held_even_trashed(visitor, visitor.param("slug"))?;
    overview::restore(visitor, &record)?;
    shown(visitor, &held(visitor)?)
}

/// `POST /api/wikis/{slug}/transfer {to}`
pub fn transfer(visitor: &Visitor<'_>) -> Result<Reply> {
    let record = held(visitor)?;
    let fields = fields(visitor);
    only(&fields, &["to"])?;
    let to = word(&fields, "to")?.ok_or_else(|| Error::invalid("say to whom").hint("Send {\"to\": \"ann@example.org\"}."))?;
    overview::transfer(visitor, &record, &to)?;
    ok(&json!({"transferred": true}))
}

/// `POST /api/wikis/{slug}/token`
pub fn replace_token(visitor: &Visitor<'_>) -> Result<Reply> {
    let secret = overview::first_token(visitor, &held(visitor)?)?;
    ok(&json!({"mcp_token": secret}))
}

/// `GET /api/wikis/{slug}/tokens`: those of whoever asks; never their secrets.
pub fn tokens(visitor: &Visitor<'_>) -> Result<Reply> {
    let tokens = visitor.app.engine.directory().tokens_of(held(visitor)?.id, visitor.person()?.id)?;
    let row = |token: &holt_engine::directory::TokenRecord| {
        json!({
            "id": token.id, "label": token.label, "scope": token.scope.as_str(), "created_at": time(token.created),
            "expires_at": token.expires.map(time), "last_used": token.last_used.map(time),
        })
    };
    ok(&json!({"tokens": tokens.iter().map(row).collect::<Vec<_>>()}))
}

/// `POST /api/wikis/{slug}/tokens {label, scope, days?}`
pub fn make_token(visitor: &Visitor<'_>) -> Result<Reply> {
    let record = held(visitor)?;
    let fields = fields(visitor);
    only(&fields, &["label", "scope", "days"])?;
    let scope = word(&fields, "scope")?.unwrap_or_default();
    let scope = TokenScope::parse(&scope)
        .ok_or_else(|| Error::invalid("say what the token may do").hint("The scopes are read, propose, write, admin."))?;
    let days = match fields.get("days") {
        None | Some(Value::Null) => None,
        Some(days) => {
            Some(days.as_i64().filter(|days| (1..=3650).contains(days)).ok_or_else(|| Error::invalid("days is a number from 1 to 3650"))?)
        }
    };
    let expires = days.map(|days| visitor.now() + days * DAY);
    let secret = overview::make_token(visitor, &record, &word(&fields, "label")?.unwrap_or_default(), scope, expires)?;
    Ok(json_reply(StatusCode::CREATED, &json!({"token": secret, "scope": scope.as_str(), "expires_at": expires.map(time)})))
}

/// `DELETE /api/wikis/{slug}/tokens/{id}`
pub fn revoke_token(visitor: &Visitor<'_>) -> Result<Reply> {
    let record = held(visitor)?;
    let directory = visitor.app.engine.directory();
    let own = directory.tokens_of(record.id, visitor.person()?.id)?;
    let token = own.into_iter().find(|token| token.id.to_string() == visitor.param("id"));
    let token = token.ok_or_else(|| Error::not_found("there is no such token"))?;
    directory.revoke_token(record.id, token.id)?;
    audit::done(visitor, Some(record.id), "token.revoke", &token.label);
    ok(&json!({"revoked": true}))
}

fn member_row(visitor: &Visitor<'_>, member: &Member) -> Result<Value> {
    let user = visitor.app.engine.directory().user(member.user)?;
    let handle = user.as_ref().map(|user| handles::shown(visitor.app.engine.directory(), user)).transpose()?.flatten();
    let flags = member.flags;
    Ok(json!({
        "id": member.user.0, "handle": handle, "email": user.as_ref().map(|user| user.email.as_str()), "display_name": user.as_ref().map(|user| user.name.as_str()),
        "admin": flags.admin, "approved": flags.approved, "read": flags.allow_read, "write": flags.allow_write, "upload": flags.allow_upload,
    }))
}

/// `GET /api/wikis/{slug}/members`
pub fn members(visitor: &Visitor<'_>) -> Result<Reply> {
    let wiki = visitor.app.engine.wiki(held(visitor)?.id);
    let actor = visitor.actor()?;
    let members = pages::members(&wiki.grant::<Admin>(&actor)?)?;
    ok(&json!({"members": members.iter().map(|member| member_row(visitor, member)).collect::<Result<Vec<_>>>()?}))
}

fn addressed(visitor: &Visitor<'_>) -> Result<UserRecord> {
    let user = visitor.app.engine.directory().user_by_email(visitor.param("email"))?;
    user.ok_or_else(|| Error::not_found("nobody has an account of that address").hint("Invite them from the wiki: they can make one."))
}

/// `PUT /api/wikis/{slug}/members/{email} {admin?, approved?, read?, write?, upload?}`: makes somebody with an account a member, or changes
/// what they may do.
pub fn put_member(visitor: &Visitor<'_>) -> Result<Reply> {
    let record = held(visitor)?;
    let fields = fields(visitor);
    only(&fields, &["admin", "approved", "read", "write", "upload"])?;
    let wiki = visitor.app.engine.wiki(record.id);
    let user = addressed(visitor)?;
    let actor = visitor.actor()?;
    let scope = wiki.grant::<Admin>(&actor)?;
    let known = wiki.member(user.id)?;
    if known.is_none() && !user.email_confirmed {
        let error = Error::denied("nobody has shown yet that this address is theirs");
        return Err(match letters::work(visitor.app) {
            true => error.hint("Invite them by mail from the wiki: who accepts it reads mail sent there."),
            false => error.hint("Make an invitation in the wiki and give them its link."),
        });
    }
    let had = known.map(|member| member.flags).unwrap_or(MemberFlags { approved: true, ..MemberFlags::default() });
    let flags = MemberFlags {
        admin: flag(&fields, "admin")?.unwrap_or(had.admin),
        approved: flag(&fields, "approved")?.unwrap_or(had.approved),
        allow_read: flag(&fields, "read")?.unwrap_or(had.allow_read),
        allow_write: flag(&fields, "write")?.unwrap_or(had.allow_write),
        allow_upload: flag(&fields, "upload")?.unwrap_or(had.allow_upload),
    };
    let now = visitor.now();
    let member = Member { user: user.id, flags, first_seen: known.map_or(now, |known| known.first_seen), last_seen: now };
    pages::put_members(&scope, &[member])?;
    audit::done(visitor, Some(record.id), if known.is_some() { "user.edit" } else { "user.add" }, &user.email);
    ok(&json!({"member": member_row(visitor, &member)?}))
}

/// `DELETE /api/wikis/{slug}/members/{email}`: effective at once, for their sessions and tokens, too.
pub fn remove_member(visitor: &Visitor<'_>) -> Result<Reply> {
    let record = held(visitor)?;
    let wiki = visitor.app.engine.wiki(record.id);
    let actor = visitor.actor()?;
    let scope = wiki.grant::<Admin>(&actor)?;
    let user = addressed(visitor)?;
    if wiki.member(user.id)?.is_none() {
        return Err(Error::not_found("nobody of that address is a member of this wiki"));
    }
    pages::remove_member(&scope, user.id)?;
    audit::done(visitor, Some(record.id), "user.delete", &user.email);
    ok(&json!({"removed": true}))
}

/// `POST /api/wikis/{slug}/git {enabled}`
pub fn git(visitor: &Visitor<'_>) -> Result<Reply> {
    let record = held(visitor)?;
    let fields = fields(visitor);
    only(&fields, &["enabled"])?;
    let enabled = flag(&fields, "enabled")?.ok_or_else(|| Error::invalid("enabled is true or false"))?;
    overview::change(visitor, &record, &Changes { git: Some(enabled), ..Changes::default() })?;
    ok(&json!({"git_access_enabled": enabled}))
}

/// `GET /api/wikis/{slug}/usage`
pub fn usage(visitor: &Visitor<'_>) -> Result<Reply> {
    ok(&overview::usage(visitor, &held(visitor)?).map(|usage: Usage| usage.json())?)
}

/// `GET /api/internal/check-slug?domain=…`: whether a proxy that makes certificates on demand may make one for that name.
pub fn check_slug(visitor: &Visitor<'_>) -> Result<Reply> {
    let asked = visitor.request.query("domain").unwrap_or_default().to_ascii_lowercase();
    let asked = asked.strip_suffix('.').unwrap_or(&asked);
    let domain = visitor.domain();
    if asked == domain {
        return Ok(text(StatusCode::OK, ""));
    }
    let directory = visitor.app.engine.directory();
    let known = match DomainName::parse(asked) {
        // What somebody has shown to be theirs, and nobody else's certificate is made for.
        Ok(name) if !name.is_within(domain) => {
            let holder = directory.domain_holder(&name)?;
            holder.map(|holder| directory.wiki(holder.wiki)).transpose()?.flatten()
        }
        _ => {
            let slug = asked.strip_suffix(domain).and_then(|rest| rest.strip_suffix('.')).and_then(|slug| WikiName::existing(slug).ok());
            slug.map(|slug| directory.wiki_by_slug(slug.as_str())).transpose()?.flatten()
        }
    };
    Ok(match known.filter(|record| record.trashed.is_none()) {
        Some(_) => text(StatusCode::OK, ""),
        None => front::no_wiki(),
    })
}
