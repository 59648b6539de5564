//! Adding, changing and removing one member.
//!
//! An account belongs to the whole installation, what somebody may do belongs to a wiki. Whoever administers one wiki of several changes the
//! latter only: an address or a password set there would open the others.

use super::letters::{self, Writer};
use super::views::{Field, PressView, Problem, UserView, tabs};
use super::{Context, audit, invitations, problem};
use crate::reply::{Reply, redirect, see_other};
use holt_core::{Error, ErrorKind, MemberFlags, Result, UserId};
use holt_engine::accounts::password::{self, PASSWORD_CHARS};
use holt_engine::accounts::{self, Rank};
use holt_engine::db::wiki_db::Member;
use holt_engine::directory::{NewUser, UserRecord};
use holt_engine::{Admin, pages};
use http::StatusCode;

/// The form as it was sent or is to be shown.
#[derive(Default)]
struct Page {
    id: Option<i64>,
    name: Field,
    email: Field,
    password_error: Option<String>,
    flags: MemberFlags,
    email_confirmed: bool,
    problem: Option<Problem>,
    notice: Option<String>,
}

impl Page {
    /// What was typed.
    fn typed(context: &Context<'_>, id: Option<i64>) -> Self {
        let form = &context.request.body;
        let field = |name: &str| Field { value: form.get(name).trim().to_string(), error: None };
        let ticked = |name: &str| form.find(name).is_some();
        let flags = MemberFlags {
            admin: ticked("is_admin"),
            approved: ticked("is_approved"),
            allow_read: ticked("allow_read"),
            allow_write: ticked("allow_write"),
            allow_upload: ticked("allow_upload"),
        };
        Self { id, name: field("name"), email: field("email"), flags, email_confirmed: ticked("email_confirmed"), ..Self::default() }
    }
    fn is_good(&self) -> bool {
        self.name.error.is_none() && self.email.error.is_none() && self.password_error.is_none() && self.problem.is_none()
    }
    /// Takes what a check returned, or says beside the box what is wrong.
    fn check<T>(field: &mut Option<String>, result: Result<T>) -> Result<Option<T>> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.kind == ErrorKind::Internal => Err(error),
            Err(error) => {
                *field = Some(problem(&error).sentence());
                Ok(None)
            }
        }
    }
    /// The new password, if one was typed.
    fn password<'c>(&mut self, context: &'c Context<'_>) -> Result<Option<&'c str>> {
        let form = &context.request.body;
        let (first, second) = (form.get("password1"), form.get("password2"));
        if first.is_empty() && second.is_empty() {
            return Ok(None);
        }
        if first != second {
            self.password_error = Some("The two passwords differ. Type the same one twice.".to_string());
            return Ok(None);
        }
        Ok(Self::check(&mut self.password_error, password::check(first))?.map(|()| first))
    }
}

/// Whether whoever asks may change accounts that are used in this wiki: the operator, or the administrator of the only wiki there is.
fn rules_accounts(context: &Context<'_>) -> Result<bool> {
    Ok(context.is_operator() || is_only_wiki(context)?)
}

fn is_only_wiki(context: &Context<'_>) -> Result<bool> {
    Ok(context.app.engine.directory().list_wikis_after("", 2)?.len() < 2)
}

/// As [`rules_accounts`], of one account: nobody but operators changes an operator's, or one by which somebody comes from elsewhere.
fn rules_account(context: &Context<'_>, account: &UserRecord) -> Result<bool> {
    let own = || Ok::<_, Error>(account.rank == Rank::Member && !context.app.engine.directory().has_identity(account.id)?);
    Ok(rules_accounts(context)? && (context.is_operator() || own()?))
}

fn show(context: &Context<'_>, status: StatusCode, page: Page, account: Option<&UserRecord>) -> Result<Reply> {
    let own = context.session.as_ref().map(|(session, _)| session.user.id.0);
    let may_change_account = match (page.id, account) {
        (None, _) => true,
        (Some(_), Some(account)) => rules_account(context, account)?,
        (Some(_), None) => false,
    };
    let title = if page.id.is_some() { "Member" } else { "Add a member" };
    let view = |csrf| UserView {
        csrf,
        tabs: tabs("/-/admin/user_management"),
        oneself: page.id.is_some() && page.id == own,
        operator: account.is_some_and(|account| account.rank == Rank::Operator),
        may_confirm: may_change_account && rules_accounts(context).unwrap_or(false),
        may_change_account,
        mail_works: letters::work(context),
        password_length: PASSWORD_CHARS,
        id: page.id,
        name: page.name,
        email: page.email,
        password_error: page.password_error,
        flags: page.flags,
        email_confirmed: page.email_confirmed,
        problem: page.problem,
        notice: page.notice,
    };
    context.form(status, title, view)
}

/// `GET /-/user/`; without the slash it leads there.
pub fn add_form(context: &Context<'_>) -> Result<Reply> {
    if !context.request.uri.path().ends_with('/') {
        return Ok(redirect(StatusCode::PERMANENT_REDIRECT, "/-/user/"));
    }
    let flags = MemberFlags { approved: true, ..MemberFlags::default() };
    show(context, StatusCode::OK, Page { flags, ..Page::default() }, None)
}

/// `POST /-/user/`: with a password, an account; without one, an invitation by mail; for an address with an account, membership.
pub fn add(context: &Context<'_>) -> Result<Reply> {
    let mut page = Page::typed(context, None);
    match try_add(context, &mut page)? {
        Some(done) => Ok(see_other(&format!("/-/admin/user_management?{done}=1"))),
        None => show(context, StatusCode::UNPROCESSABLE_ENTITY, page, None),
    }
}

fn try_add(context: &Context<'_>, page: &mut Page) -> Result<Option<&'static str>> {
    let directory = context.app.engine.directory();
    let scope = context.scope::<Admin>()?;
    let secret = page.password(context)?;
    let email = Page::check(&mut page.email.error, accounts::check_email(&page.email.value))?;
    let known = email.as_deref().map(|email| directory.user_by_email(email)).transpose()?.flatten();
    if let Some(known) = &known {
        if context.wiki.member(known.id)?.is_some() {
            page.email.error = Some("Somebody with this address is a member already.".to_string());
        } else if secret.is_some() {
            page.password_error = Some("There is an account with this address, which keeps its password: leave this empty.".to_string());
        }
    }
    let by_mail = known.is_none() && secret.is_none() && page.password_error.is_none();
    if by_mail && let Err(error) = Writer::new(context) {
        page.password_error = Some(format!("Choose a password for them. An invitation cannot be sent: {}.", error.message));
    }
    let name = if known.is_some() || (by_mail && page.name.value.is_empty()) {
        Some(String::new())
    } else {
        Page::check(&mut page.name.error, accounts::check_name(&page.name.value))?
    };
    let (true, Some(email), Some(name)) = (page.is_good(), email, name) else { return Ok(None) };
    let now = context.now();
    let user = match (known, secret) {
        (Some(known), _) => known.id,
        (None, Some(secret)) => {
            let new = NewUser {
                email: &email,
                name: &name,
                password_hash: Some(&password::hash(secret)?),
                rank: Rank::Member,
                email_confirmed: page.email_confirmed && rules_accounts(context)?,
                created: now,
                last_seen: now,
            };
            let made = Page::check(&mut page.email.error, directory.create_user(&new))?;
            let Some(user) = made else { return Ok(None) };
            user
        }
        (None, None) => {
            let sent = invitations::send(context, &email, &name, page.flags);
            return Page::check(&mut page.email.error, sent).map(|sent| sent.map(|()| "invited"));
        }
    };
    pages::put_members(&scope, &[Member { user, flags: page.flags, first_seen: now, last_seen: now }])?;
    audit::done(context, "user.add", &format!("{email}: {}", words(page.flags)));
    Ok(Some("added"))
}

/// What somebody may do, for the audit log.
pub(super) fn words(flags: MemberFlags) -> String {
    let all = [
        (flags.approved, "approved"),
        (flags.admin, "admin"),
        (flags.allow_read, "read"),
        (flags.allow_write, "write"),
        (flags.allow_upload, "upload"),
    ];
    let words: Vec<&str> = all.into_iter().filter(|(has, _)| *has).map(|(_, word)| word).collect();
    if words.is_empty() { "no rights".to_string() } else { words.join(", ") }
}

/// The member of the address, with the account unless that was deleted.
fn member(context: &Context<'_>) -> Result<(Member, Option<UserRecord>)> {
    let missing = || Error::not_found("there is no such member");
    let id = context.param("id").parse().map(UserId).map_err(|_| missing())?;
    let member = context.wiki.member(id)?.ok_or_else(missing)?;
    Ok((member, context.app.engine.directory().user(id)?))
}

/// `GET /-/user/<id>`
pub fn edit_form(context: &Context<'_>) -> Result<Reply> {
    let (member, account) = member(context)?;
    let value = |text: fn(&UserRecord) -> &str| Field { value: account.as_ref().map_or("", text).to_string(), error: None };
    let page = Page {
        id: Some(member.user.0),
        name: value(|account| &account.name),
        email: value(|account| &account.email),
        flags: member.flags,
        email_confirmed: account.as_ref().is_some_and(|account| account.email_confirmed),
        notice: context.request.query("saved").map(|_| "Saved.".to_string()),
        ..Page::default()
    };
    show(context, StatusCode::OK, page, account.as_ref())
}

/// `POST /-/user/<id>`: changes somebody, or removes them (`delete`, which asks first).
pub fn edit(context: &Context<'_>) -> Result<Reply> {
    let (member, account) = member(context)?;
    if context.request.body.find("delete").is_some() {
        return delete(context, member, account.as_ref());
    }
    let mut page = Page::typed(context, Some(member.user.0));
    let Some(account) = account else {
        return Err(Error::not_found("this account was deleted").hint("Remove the member."));
    };
    let (before, rules) = (account.clone(), rules_account(context, &account)?);
    if !rules {
        (page.name.value, page.email.value, page.email_confirmed) = (account.name.clone(), account.email.clone(), account.email_confirmed);
    }
    match try_edit(context, &mut page, &member, &account, rules)? {
        Some(()) => {
            approved(context, &member, page.flags, &before)?;
            Ok(see_other(&format!("/-/user/{}?saved=1", member.user.0)))
        }
        None => show(context, StatusCode::UNPROCESSABLE_ENTITY, page, Some(&account)),
    }
}

fn try_edit(context: &Context<'_>, page: &mut Page, member: &Member, account: &UserRecord, rules: bool) -> Result<Option<()>> {
    let directory = context.app.engine.directory();
    let secret = if rules { page.password(context)? } else { None };
    // What an import brought along stays as it is: people of robot.wtf have handles.
    let email = if page.email.value == account.email { Ok(account.email.clone()) } else { accounts::check_email(&page.email.value) };
    let email = Page::check(&mut page.email.error, email)?;
    if let Some(email) = &email
        && directory.user_by_email(email)?.is_some_and(|other| other.id != account.id)
    {
        page.email.error = Some("Another account has this address.".to_string());
    }
    let name = if page.name.value == account.name { Ok(account.name.clone()) } else { accounts::check_name(&page.name.value) };
    let name = Page::check(&mut page.name.error, name)?;
    let (true, Some(email), Some(name)) = (page.is_good(), email, name) else { return Ok(None) };
    let mut changed = Vec::new();
    if page.flags != member.flags {
        let mut refusal = None;
        let put = pages::put_members(&context.scope::<Admin>()?, &[Member { flags: page.flags, ..*member }]);
        if Page::check(&mut refusal, put)?.is_none() {
            page.problem = refusal.map(|message| Problem { message, hint: None });
            return Ok(None);
        }
        changed.push(words(page.flags));
    }
    if rules {
        if email != account.email {
            if Page::check(&mut page.email.error, directory.set_email(account.id, &email))?.is_none() {
                return Ok(None);
            }
            changed.push(format!("now {email}"));
        }
        if name != account.name {
            directory.set_name(account.id, &name)?;
            changed.push("name".to_string());
        }
        if page.email_confirmed != account.email_confirmed {
            if page.email_confirmed { directory.confirm_email(account.id).map(drop) } else { directory.doubt_email(account.id) }?;
            changed.push(if page.email_confirmed { "confirmed" } else { "not confirmed" }.to_string());
        }
        if let Some(secret) = secret {
            directory.set_password_hash(account.id, Some(&password::hash(secret)?))?;
            directory.end_all_sessions(account.id)?;
            directory.end_one_time_of(account.id)?;
            changed.push("password".to_string());
        }
    }
    if !changed.is_empty() {
        audit::done(context, "user.edit", &format!("{}: {}", account.email, changed.join(", ")));
    }
    Ok(Some(()))
}

/// Tells somebody who has just been approved, if the wiki does that.
pub(super) fn approved(context: &Context<'_>, before: &Member, now: MemberFlags, account: &UserRecord) -> Result<()> {
    if !before.flags.approved && now.approved && context.preferences()?.is_on("NOTIFY_USER_ON_APPROVAL") {
        letters::or_log(context, Writer::new(context).and_then(|writer| writer.approved(&account.email)));
    }
    Ok(())
}

fn delete(context: &Context<'_>, member: Member, account: Option<&UserRecord>) -> Result<Reply> {
    if context.session.as_ref().is_some_and(|(session, _)| session.user.id == member.user) {
        return Err(Error::denied("nobody can delete themselves").hint("Ask another administrator."));
    }
    let rules = account.map(|account| rules_account(context, account)).transpose()?.unwrap_or(false);
    let only = is_only_wiki(context)?;
    let form = &context.request.body;
    if form.find("confirmed").is_none() {
        let deleted = context.say("Deleted account")?;
        let name = account.map_or(deleted.as_str(), |account| account.name.as_str());
        let (title, lead) = match rules && only {
            true => (format!("Delete {name}?"), "The account is gone for good. What they wrote stays, under their name."),
            false => (format!("Remove {name}?"), "They are no member of this wiki any more. Their account and what they wrote stay."),
        };
        let tick = (rules && !only).then_some(("everywhere", "Delete the account, too: it can no longer log in to any wiki"));
        let back = Some(format!("/-/user/{}", member.user.0));
        let (heading, lead) = (title.clone(), lead.to_string());
        return context.form(StatusCode::OK, &heading, |csrf| PressView {
            csrf,
            title,
            lead,
            field: Some(("delete", "1")),
            button: if rules && only { "Delete" } else { "Remove" },
            danger: true,
            back,
            tick,
        });
    }
    let scope = context.scope::<Admin>()?;
    pages::remove_member(&scope, member.user)?;
    let email = account.map_or("a deleted account", |account| account.email.as_str());
    let everywhere = rules && (only || form.find("everywhere").is_some());
    if everywhere {
        context.app.engine.directory().delete_user(member.user)?;
    }
    audit::done(context, "user.delete", &format!("{email}: {}", if everywhere { "the account" } else { "from this wiki" }));
    Ok(see_other("/-/admin/user_management?deleted=1"))
}
