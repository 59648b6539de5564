//! What administrators of a wiki change: its name, who may do what, and its members. The fields are Otterwiki's (spec/wiki.md §3.10).

use super::views::{AccessGroup, AdminView, Choice, MemberRow, MembersView, Problem, tabs};
use super::{Context, audit, problem, users};
use crate::handles;
use crate::reply::{Reply, see_other};
use holt_core::path::check_seen;
use holt_core::{AccessLevel, Error, ErrorKind, MemberFlags, Result};
use holt_engine::db::wiki_db::Member;
use holt_engine::{Admin, pages};
use holt_markdown::Extras;
use http::StatusCode;

/// The three levels: field, preference, question.
const LEVELS: [(&str, &str, &str); 3] = [
    ("READ_access", "READ_ACCESS", "Who may read"),
    ("WRITE_access", "WRITE_ACCESS", "Who may write"),
    ("ATTACHMENT_access", "ATTACHMENT_ACCESS", "Who may attach files"),
];

/// Levels as people choose them.
pub(super) const CHOICES: [(AccessLevel, &str); 4] = [
    (AccessLevel::Anonymous, "Everybody"),
    (AccessLevel::Registered, "Everybody with an account"),
    (AccessLevel::Approved, "Approved members"),
    (AccessLevel::Admin, "Administrators only"),
];

/// Yes-or-no preferences: field, preference, what a tick means.
const SWITCHES: [(&str, &str, &str); 5] = [
    ("disable_registration", "DISABLE_REGISTRATION", "Nobody can register"),
    ("auto_approval", "AUTO_APPROVAL", "Whoever registers is approved at once"),
    ("email_needs_confirmation", "EMAIL_NEEDS_CONFIRMATION", "Addresses must be confirmed before the first log-in"),
    ("notify_admins_on_register", "NOTIFY_ADMINS_ON_REGISTER", "Administrators get a mail when somebody registers"),
    ("notify_user_on_approval", "NOTIFY_USER_ON_APPROVAL", "People get a mail when they are approved"),
];

const YES: &str = "True";
const NO: &str = "False";

/// `GET /-/admin`, and the same page under the addresses its forms are sent to.
pub fn form(context: &Context<'_>) -> Result<Reply> {
    show(context, StatusCode::OK, None)
}

fn show(context: &Context<'_>, status: StatusCode, problem: Option<Problem>) -> Result<Reply> {
    let preferences = context.preferences()?;
    let group = |(field, name, label): (&str, &str, &str)| {
        let level = AccessLevel::parse(preferences.get(name).unwrap_or_default());
        let choice = |(value, label): (AccessLevel, &str)| Choice {
            value: value.as_str().to_string(),
            label: label.to_string(),
            chosen: value == level,
        };
        AccessGroup { label: label.to_string(), field: field.to_string(), choices: CHOICES.map(choice).into() }
    };
    let switch = |(field, name, label): (&str, &str, &str)| Choice {
        value: field.to_string(),
        label: label.to_string(),
        chosen: preferences.is_on(name),
    };
    let notice = context.request.query("saved").map(|_| "Saved.".to_string());
    let view = |csrf| AdminView {
        csrf,
        tabs: tabs("/-/admin"),
        site_name: preferences.site_name.clone(),
        site_description: preferences.site_description.clone(),
        markdown_extras: pages::render_options(&preferences).extras == Extras::On,
        comments: pages::takes_comments(&preferences),
        access: LEVELS.map(group).into(),
        switches: SWITCHES.map(switch).into(),
        problem,
        notice,
    };
    context.form(status, "Administration", view)
}

fn row(context: &Context<'_>, member: &Member) -> Result<MemberRow> {
    let user = context.app.engine.directory().user(member.user)?;
    let unconfirmed = user.as_ref().is_some_and(|user| !user.email_confirmed);
    let handle = user.as_ref().map(|user| handles::shown(context.app.engine.directory(), user)).transpose()?.flatten();
    let (name, email) = match user {
        Some(user) => (user.name, handle.unwrap_or(user.email)),
        None => (context.say("Deleted account")?, String::new()),
    };
    Ok(MemberRow { id: member.user.0, name, email, unconfirmed, flags: member.flags })
}

fn by_address(mut members: Vec<MemberRow>) -> Vec<MemberRow> {
    members.sort_by(|a, b| a.email.cmp(&b.email));
    members
}

/// `POST /-/admin`
pub fn preferences(context: &Context<'_>) -> Result<Reply> {
    let form = &context.request.body;
    let rows = [("SITE_NAME", "site_name"), ("SITE_DESCRIPTION", "site_description")];
    let mut rows: Vec<(&str, &str)> = rows.into_iter().filter_map(|(name, field)| Some((name, form.find(field)?.trim()))).collect();
    // Our form sends it unticked, too; others do not know it.
    if let Some(extras) = form.all("markdown_extras").last() {
        rows.push(("MARKDOWN_EXTRAS", if extras == YES { YES } else { NO }));
    }
    if let Some(comments) = form.all("comments").last() {
        rows.push(("COMMENTS", if comments == "on" { "on" } else { "off" }));
    }
    let checked = match rows.iter().find(|(name, value)| *name == "SITE_NAME" && value.is_empty()) {
        Some(_) => Err(Error::invalid("a wiki needs a name")),
        None if rows.iter().any(|(_, value)| value.chars().any(char::is_control)) => Err(Error::invalid("a name is one line of text")),
        None => rows.iter().filter(|(name, _)| *name == "SITE_NAME").try_for_each(|(_, name)| check_seen(name)),
    };
    done(context, checked.and_then(|()| pages::set_preferences(&context.scope::<Admin>()?, &rows)))
}

/// `POST /-/admin/permissions_and_registration`
pub fn access(context: &Context<'_>) -> Result<Reply> {
    let form = &context.request.body;
    let mut rows = Vec::new();
    for (field, name, _) in LEVELS {
        let Some(value) = form.find(field) else { continue };
        let Some((level, _)) = CHOICES.iter().find(|(level, _)| level.as_str() == value) else {
            return show(
                context,
                StatusCode::UNPROCESSABLE_ENTITY,
                Some(problem(&Error::invalid(format!("{field} has no level of that name")))),
            );
        };
        rows.push((name, level.as_str()));
    }
    rows.extend(SWITCHES.map(|(field, name, _)| (name, if form.find(field).is_some() { YES } else { NO })));
    let set = pages::set_preferences(&context.scope::<Admin>()?, &rows);
    if set.is_ok() {
        audit::done(context, "access.change", "");
        // Whoever makes a wiki private is told that it is when nobody is shown it any more (security.md CDN-5).
        if let Err(late) = context.app.confirm(context.wiki.id()) {
            return show(context, StatusCode::SERVICE_UNAVAILABLE, Some(problem(&late)));
        }
    }
    done(context, set)
}

/// `GET /-/admin/user_management`
pub fn members_form(context: &Context<'_>) -> Result<Reply> {
    show_members(context, StatusCode::OK, None)
}

fn show_members(context: &Context<'_>, status: StatusCode, problem: Option<Problem>) -> Result<Reply> {
    let members = pages::members(&context.scope::<Admin>()?)?.iter().map(|member| row(context, member)).collect::<Result<Vec<_>>>()?;
    let news = [
        ("saved", "Saved."),
        ("added", "The member is added."),
        ("invited", "The invitation is on its way."),
        ("deleted", "The member is removed."),
    ];
    let notice = news.into_iter().find(|(word, _)| context.request.query(word).is_some()).map(|(_, text)| text.to_string());
    let members = by_address(members);
    context.form(status, "Members", |csrf| MembersView { csrf, tabs: tabs("/-/admin/user_management"), members, problem, notice })
}

/// `POST /-/admin/user_management`: the ticks of all members at once.
pub fn members(context: &Context<'_>) -> Result<Reply> {
    let form = &context.request.body;
    let ticked = |field: &'static str, id: i64| form.all(field).any(|value| value.parse() == Ok(id));
    let scope = context.scope::<Admin>()?;
    let now = pages::members(&scope)?;
    let wanted: Vec<Member> = now
        .iter()
        .map(|member| {
            let id = member.user.0;
            let flags = MemberFlags {
                admin: ticked("is_admin", id),
                approved: ticked("is_approved", id),
                allow_read: ticked("allow_read", id),
                allow_write: ticked("allow_write", id),
                allow_upload: ticked("allow_upload", id),
            };
            Member { flags, ..*member }
        })
        .collect();
    let changed: Vec<Member> = wanted.iter().zip(&now).filter(|(new, old)| new.flags != old.flags).map(|(new, _)| *new).collect();
    match pages::put_members(&scope, &changed) {
        Ok(()) => {}
        Err(error) if error.kind == ErrorKind::Internal => return Err(error),
        Err(error) => return show_members(context, crate::error::status(&error), Some(problem(&error))),
    }
    for member in changed {
        tracing::info!(wiki.id = %context.wiki.id(), member = member.user.0, "changed the rights of a member");
        let account = context.app.engine.directory().user(member.user)?;
        let name = account.as_ref().map_or("a deleted account", |account| account.email.as_str());
        audit::done(context, "user.edit", &format!("{name}: {}", users::words(member.flags)));
        if let (Some(before), Some(account)) = (now.iter().find(|before| before.user == member.user), &account) {
            users::approved(context, before, member.flags, account)?;
        }
    }
    Ok(see_other("/-/admin/user_management?saved=1"))
}

fn done(context: &Context<'_>, result: Result<()>) -> Result<Reply> {
    match result {
        Ok(()) => Ok(see_other("/-/admin?saved=1")),
        Err(error) if error.kind == ErrorKind::Internal => Err(error),
        Err(error) => show(context, crate::error::status(&error), Some(problem(&error))),
    }
}
