//! Invitations: administrators make, list and revoke them; whoever has the link joins, with a new account or the one they are logged in with.

use super::letters::{self, Writer};
use super::people::{self, LoginPage, begin, check_gate, check_mail_gate};
use super::views::{Choice, Field, InvitationView, InvitationsView, InviteView, PressView, Problem, tabs};
use super::{Context, audit, minute, problem};
use crate::reply::{Reply, see_other};
use crate::session::Remember;
use holt_core::{Error, ErrorKind, MemberFlags, Result};
use holt_engine::accounts::password::{self, PASSWORD_CHARS};
use holt_engine::accounts::{self, Rank};
use holt_engine::directory::{Delivery, INVITATION_USES, InvitationRecord, NewInvitation, NewUser, UserRecord};
use holt_engine::pages;
use http::StatusCode;

/// Where the links lead.
const PREFIX: &str = "/-/invite/";

/// What an invitation may give beyond membership: field, words.
const RIGHTS: [(&str, &str); 4] = [
    ("allow_read", "Read, whatever the access levels say"),
    ("allow_write", "Write, whatever the access levels say"),
    ("allow_upload", "Attach files, whatever the access levels say"),
    ("is_admin", "Administer this wiki"),
];

/// What the screen shows besides the list.
#[derive(Default)]
struct Page {
    secret: Option<String>,
    notice: Option<String>,
    problem: Option<Problem>,
    email_error: Option<String>,
    uses_error: Option<String>,
}

/// `GET /-/admin/invitations`
pub fn list(context: &Context<'_>) -> Result<Reply> {
    let notice = context.request.query("saved").map(|_| "Revoked.".to_string());
    show(context, StatusCode::OK, Page { notice, ..Page::default() })
}

fn show(context: &Context<'_>, status: StatusCode, page: Page) -> Result<Reply> {
    let form = &context.request.body;
    let open = context.app.engine.directory().invitations(context.wiki.id(), context.now())?;
    // What was typed is kept only where it is to be mended.
    let failed = page.problem.is_some() || page.email_error.is_some() || page.uses_error.is_some();
    let typed = |name: &str, default: &str| form.find(name).filter(|_| failed).unwrap_or(default).to_string();
    let right = |(field, label): &(&str, &str)| Choice {
        value: (*field).to_string(),
        label: (*label).to_string(),
        chosen: failed && form.find(field).is_some(),
    };
    let view = |csrf| InvitationsView {
        csrf,
        tabs: tabs("/-/admin/invitations"),
        open: open.iter().map(entry).collect(),
        email: Field { value: typed("email", ""), error: page.email_error },
        uses: Field { value: typed("uses", "1"), error: page.uses_error },
        rights: RIGHTS.iter().map(right).collect(),
        mail_works: letters::work(context),
        by_hand: failed && form.find("by_hand").is_some(),
        secret: page.secret,
        problem: page.problem,
        notice: page.notice,
    };
    context.form(status, "Invitations", view)
}

fn entry(invitation: &InvitationRecord) -> InvitationView {
    let flags = invitation.flags;
    let rights = [(flags.allow_read, "read"), (flags.allow_write, "write"), (flags.allow_upload, "attach"), (flags.admin, "administer")];
    let rights = rights.into_iter().filter(|(has, _)| *has).map(|(_, word)| word).collect();
    InvitationView {
        id: invitation.id,
        to: invitation.email.clone(),
        mailed: invitation.delivery == Delivery::Mail,
        rights,
        uses_left: invitation.uses_left,
        made_by: invitation.made_by.clone(),
        expires: minute(invitation.expires),
    }
}

/// `POST /-/admin/invitations`: makes one, or revokes one (`revoke`).
pub fn change(context: &Context<'_>) -> Result<Reply> {
    let form = &context.request.body;
    let directory = context.app.engine.directory();
    let changed = match form.find("revoke") {
        Some(id) => id.parse().map_err(|_| Error::not_found("there is no such invitation")).and_then(|id| {
            let revoked = directory.revoke_invitation(context.wiki.id(), id)?;
            audit::done(context, "invitation.revoke", revoked.email.as_deref().unwrap_or("for anybody"));
            Ok(see_other("/-/admin/invitations?saved=1"))
        }),
        None => make(context),
    };
    match changed {
        Err(error) if error.kind != ErrorKind::Internal => {
            show(context, crate::error::status(&error), Page { problem: Some(problem(&error)), ..Page::default() })
        }
        changed => changed,
    }
}

fn make(context: &Context<'_>) -> Result<Reply> {
    let form = &context.request.body;
    let typed = form.get("email").trim();
    let email = match typed {
        "" => None,
        typed => match accounts::check_email(typed) {
            Ok(email) => Some(email),
            Err(error) => {
                let page = Page { email_error: Some(problem(&error).sentence()), ..Page::default() };
                return show(context, StatusCode::UNPROCESSABLE_ENTITY, page);
            }
        },
    };
    let uses = match form.get("uses").trim() {
        "" => Some(1),
        uses => uses.parse().ok().filter(|uses| (1..=INVITATION_USES).contains(uses)),
    };
    let Some(uses) = uses else {
        let page = Page { uses_error: Some(format!("Give a number from 1 to {INVITATION_USES}.")), ..Page::default() };
        return show(context, StatusCode::UNPROCESSABLE_ENTITY, page);
    };
    let flags = flags(context);
    if let Some(email) = email.as_deref().filter(|_| form.find("by_hand").is_none() && letters::work(context)) {
        send(context, email, "", flags)?;
        let notice = Some(format!("The invitation to {email} is on its way."));
        return show(context, StatusCode::OK, Page { notice, ..Page::default() });
    }
    // One address has one account.
    let uses = if email.is_some() { 1 } else { uses };
    let new = NewInvitation {
        wiki: context.wiki.id(),
        email: email.as_deref(),
        name: "",
        delivery: Delivery::Hand,
        flags,
        uses,
        made_by: context.own_address(),
    };
    let (_, token) = context.app.engine.directory().create_invitation(&new, context.now())?;
    audit::done(context, "invitation.make", email.as_deref().unwrap_or("for anybody"));
    let secret = Some(format!("{}{PREFIX}{}", Writer::origin(context)?, token.expose()));
    show(context, StatusCode::OK, Page { secret, ..Page::default() })
}

fn flags(context: &Context<'_>) -> MemberFlags {
    let ticked = |field: &str| context.request.body.find(field).is_some();
    MemberFlags {
        approved: true,
        admin: ticked("is_admin"),
        allow_read: ticked("allow_read"),
        allow_write: ticked("allow_write"),
        allow_upload: ticked("allow_upload"),
    }
}

/// Invites somebody by mail. Nobody but the owner of the address sees the link, so that accepting it confirms the address.
pub(super) fn send(context: &Context<'_>, email: &str, name: &str, flags: MemberFlags) -> Result<()> {
    let writer = Writer::new(context)?;
    if !context.is_operator() {
        check_mail_gate(context, email)?;
    }
    let directory = context.app.engine.directory();
    let wiki = context.wiki.id();
    let made_by = context.own_address();
    let new = NewInvitation { wiki, email: Some(email), name, delivery: Delivery::Mail, flags, uses: 1, made_by };
    let (id, token) = directory.create_invitation(&new, context.now())?;
    let administrator = context.say("An administrator")?;
    let by = context.session.as_ref().map_or(administrator.as_str(), |(session, _)| session.user.name.as_str());
    if let Err(error) = writer.invite(email, by, &token) {
        // A link that nobody has is of no use.
        directory.revoke_invitation(wiki, id)?;
        return Err(error);
    }
    audit::done(context, "invitation.make", email);
    Ok(())
}

fn dead() -> Error {
    Error::not_found("this invitation has been used, was revoked, or is too old").hint("Ask whoever sent it for a new one.")
}

fn invitation(context: &Context<'_>) -> Result<InvitationRecord> {
    let found = context.app.engine.directory().invitation(context.wiki.id(), context.param("token"), context.now())?;
    found.ok_or_else(dead)
}

/// Whether `next` is a good invitation to this wiki that `account` may accept; an address that must be confirmed is so before or thereby.
pub(super) fn leads_to_one(context: &Context<'_>, next: &str, account: &UserRecord) -> Result<bool> {
    let Some(token) = next.strip_prefix(PREFIX) else { return Ok(false) };
    let found = context.app.engine.directory().invitation(context.wiki.id(), token, context.now())?;
    let Some(invitation) = found.filter(|invitation| invitation.is_for(&account.email)) else { return Ok(false) };
    Ok(invitation.proves(&account.email) || !people::must_confirm(context, account)?)
}

/// `GET /-/invite/<token>`
pub fn invite_form(context: &Context<'_>) -> Result<Reply> {
    let invitation = invitation(context)?;
    show_invite(context, StatusCode::OK, &invitation, None)
}

fn show_invite(context: &Context<'_>, status: StatusCode, invitation: &InvitationRecord, problem: Option<Problem>) -> Result<Reply> {
    let site_name = context.preferences()?.site_name.clone();
    let title = format!("Join {site_name}");
    if let Some((session, _)) = &context.session {
        if !invitation.is_for(&session.user.email) {
            return Err(Error::denied(format!("this invitation is not for {}", session.user.email))
                .hint("Log out under Settings, then open the link again."));
        }
        let lead = format!("You are logged in as {} ({}).", session.user.name, session.user.email);
        return context.form(status, &title.clone(), |csrf| PressView {
            csrf,
            title,
            lead,
            field: None,
            button: "Join",
            danger: false,
            back: Some("/".to_string()),
            tick: None,
        });
    }
    let form = &context.request.body;
    let name = form.find("name").unwrap_or(&invitation.name).to_string();
    let email = invitation.email.clone().unwrap_or_else(|| form.get("email").to_string());
    let login_url: String = form_urlencoded::byte_serialize(format!("{PREFIX}{}", context.param("token")).as_bytes()).collect();
    context.form(status, &title, |csrf| InviteView {
        csrf,
        site_name,
        name,
        email,
        fixed: invitation.email.is_some(),
        login_url: format!("/-/login?next={login_url}"),
        password_length: PASSWORD_CHARS,
        problem,
    })
}

/// `POST /-/invite/<token>`
pub fn accept(context: &Context<'_>) -> Result<Reply> {
    let invitation = invitation(context)?;
    let accepted = match &context.session {
        Some((session, _)) => join(context, &session.user, &invitation),
        None => register(context, &invitation),
    };
    match accepted {
        Err(error) if matches!(error.kind, ErrorKind::Invalid | ErrorKind::Conflict | ErrorKind::TooLarge | ErrorKind::Busy) => {
            show_invite(context, crate::error::status(&error), &invitation, Some(problem(&error)))
        }
        accepted => accepted,
    }
}

/// With the account at hand.
fn join(context: &Context<'_>, account: &UserRecord, invitation: &InvitationRecord) -> Result<Reply> {
    if !invitation.is_for(&account.email) {
        return Err(Error::denied(format!("this invitation is not for {}", account.email)));
    }
    let directory = context.app.engine.directory();
    let now = context.wiki.member(account.id)?.map(|member| member.flags).unwrap_or_default();
    if now == now.and(invitation.flags) {
        // It would give nothing: somebody else may need it.
        return Ok(see_other("/"));
    }
    let used = directory.use_invitation(context.wiki.id(), context.param("token"), context.now())?.ok_or_else(dead)?;
    pages::admit(context.wiki, account.id, used.flags)?;
    if used.proves(&account.email) {
        directory.confirm_email(account.id)?;
    }
    audit::note(context, &account.email, "invitation.accept", &format!("from {}", used.made_by), "ok");
    Ok(see_other("/"))
}

/// With a new account.
fn register(context: &Context<'_>, invitation: &InvitationRecord) -> Result<Reply> {
    let form = &context.request.body;
    let email = match &invitation.email {
        Some(email) => email.clone(),
        None => accounts::check_email(form.get("email"))?,
    };
    let name = accounts::check_name(form.get("name"))?;
    let secret = form.get("password");
    password::check(secret)?;
    check_gate(context, &email)?;
    let directory = context.app.engine.directory();
    if directory.user_by_email(&email)?.is_some() {
        return Err(Error::conflict(format!("there is an account for {email} already")).hint("Log in with it to join."));
    }
    let now = context.now();
    let new = NewUser {
        email: &email,
        name: &name,
        password_hash: Some(&password::hash(secret)?),
        rank: Rank::Member,
        email_confirmed: invitation.proves(&email),
        created: now,
        last_seen: now,
    };
    let user = directory.accept_invitation(context.wiki.id(), context.param("token"), &new, now)?.ok_or_else(dead)?;
    pages::admit(context.wiki, user, invitation.flags)?;
    audit::note(context, &email, "invitation.accept", &format!("from {}", invitation.made_by), "ok");
    let account = directory.user(user)?.ok_or_else(|| Error::internal("the account just made is gone"))?;
    if people::check_admitted(context, &account).is_ok() {
        return begin(context, user, Remember::No, "/");
    }
    let notice = Some(people::welcome(context, &account)?);
    people::show_login(context, StatusCode::OK, LoginPage { email, notice, ..LoginPage::default() })
}
