//! One's own account on the platform: name, password, sessions, tokens, and the end of it.

use super::dashboard::day;
use super::views::{AccountView, SessionLine, TokenLine};
use super::{Visitor, audit, elsewhere, letters, links, passkeys};
use crate::error;
use crate::passwords;
use crate::reply::{Reply, see_other, with_cookie};
use crate::session::{self, Remember};
use holt_core::{Error, ErrorKind, Result};
use holt_engine::accounts;
use holt_engine::accounts::password::{self, PASSWORD_CHARS, Verdict};
use holt_engine::directory::{Directory, PlatformScope};
use http::StatusCode;

const HERE: &str = "/app/account";

/// `GET /.well-known/change-password`
pub fn change_password(_: &Visitor<'_>) -> Result<Reply> {
    Ok(see_other(HERE))
}

/// What the page begins with.
#[derive(Default)]
struct Shown {
    secret: Option<String>,
    problem: Option<Error>,
    notice: Option<String>,
}

/// `GET /app/account`
pub fn show(visitor: &Visitor<'_>) -> Result<Reply> {
    let notice = visitor.request.query("saved").map(|_| "Saved.".to_string());
    page(visitor, StatusCode::OK, Shown { notice, ..Shown::default() })
}

fn page(visitor: &Visitor<'_>, status: StatusCode, shown: Shown) -> Result<Reply> {
    let Some((session, token)) = &visitor.session else { return Err(Error::unauthenticated("log in first")) };
    let (user, directory) = (&session.user, visitor.app.engine.directory());
    let here = Directory::session_id(token);
    let mut sessions = Vec::new();
    for entry in directory.sessions_of(user.id, visitor.now())? {
        let wiki = entry.wiki.map(|wiki| directory.wiki(wiki)).transpose()?.flatten().map(|record| record.name);
        sessions.push(SessionLine { current: entry.id == here, id: entry.id, wiki, used: day(entry.last_used) });
    }
    let tokens = directory.platform_tokens(user.id)?.into_iter();
    let tokens = tokens
        .map(|token| TokenLine {
            id: token.id,
            label: token.label,
            scope: token.scope.as_str().to_string(),
            used: token.last_used.map(day),
        })
        .collect();
    let wikis = directory.wikis_of(user.id)?.iter().filter(|record| record.trashed.is_none()).count();
    let Shown { secret, problem, notice } = shown;
    let problem = problem.as_ref().map(Visitor::notice);
    let (name, email, password_length) = (user.name.clone(), user.email.clone(), PASSWORD_CHARS);
    let (connections, ways) = (visitor.app.elsewhere.connections(visitor.app, user.id)?, elsewhere::ways(visitor));
    let passkeys = passkeys::own(visitor)?;
    let may_confirm = !user.email_confirmed && letters::work(visitor.app);
    visitor.form(status, "Account", |csrf| AccountView {
        csrf,
        may_confirm,
        name,
        email,
        has_password: user.password_hash.is_some(),
        password_length,
        sessions,
        tokens,
        secret,
        passkeys,
        connections,
        ways,
        identities_url: "/app/account/identities",
        wikis,
        problem,
        notice,
    })
}

fn done(visitor: &Visitor<'_>, result: Result<Reply>) -> Result<Reply> {
    match result {
        Ok(reply) => Ok(reply),
        Err(error) if matches!(error.kind, ErrorKind::Internal | ErrorKind::Unauthenticated) => Err(error),
        Err(error) => page(visitor, error::status(&error), Shown { problem: Some(error), ..Shown::default() }),
    }
}

/// The page with what went wrong.
pub(super) fn refused(visitor: &Visitor<'_>, status: StatusCode, error: Error) -> Result<Reply> {
    page(visitor, status, Shown { problem: Some(error), ..Shown::default() })
}

pub(super) fn saved() -> Reply {
    see_other("/app/account?saved=1")
}

/// `POST /app/account`: the name, or the password.
pub fn change(visitor: &Visitor<'_>) -> Result<Reply> {
    done(visitor, try_change(visitor))
}

fn try_change(visitor: &Visitor<'_>) -> Result<Reply> {
    let (user, form, directory) = (visitor.person()?, &visitor.request.body, visitor.app.engine.directory());
    if let Some(name) = form.find("name") {
        directory.set_name(user.id, &accounts::check_name(name)?)?;
        return Ok(saved());
    }
    passwords::check_gate(visitor.app, visitor.request, &user.email)?;
    if password::verify_login(form.get("password"), user.password_hash.as_deref()) == Verdict::NoMatch {
        return Err(Error::invalid("the current password is wrong"));
    }
    let (first, second) = (form.get("password1"), form.get("password2"));
    if first != second {
        return Err(Error::invalid("the two passwords differ").hint("Type the same one twice."));
    }
    password::check(first)?;
    directory.set_password_hash(user.id, Some(&password::hash(first)?))?;
    // Whoever else holds a session of this account is out; this one goes on under a new token.
    directory.end_all_sessions(user.id)?;
    directory.login_succeeded(&user.email)?;
    audit::done(visitor, None, "password.change", "");
    let cookies = session::begin(visitor.app, visitor.request, user.id, None, Remember::No)?;
    Ok(cookies.iter().fold(saved(), |reply, cookie| with_cookie(reply, cookie)))
}

/// `POST /app/account/confirm`
pub fn confirm(visitor: &Visitor<'_>) -> Result<Reply> {
    match links::ask_to_confirm(visitor) {
        Ok(()) => {
            let notice = Some("A mail to your address is on its way.".to_string());
            page(visitor, StatusCode::OK, Shown { notice, ..Shown::default() })
        }
        Err(error) => done(visitor, Err(error)),
    }
}

/// `POST /app/account/sessions`: ends one session (`end`), and what was begun from it.
pub fn end_session(visitor: &Visitor<'_>) -> Result<Reply> {
    let ended = visitor.app.engine.directory().end_session_of(visitor.person()?.id, visitor.request.body.get("end"));
    if ended.is_ok() {
        audit::done(visitor, None, "session.end", "another one");
    }
    done(visitor, ended.map(|()| saved()))
}

/// `POST /app/account/tokens`: makes one (`label`, `scope`), or revokes one (`revoke`).
pub fn tokens(visitor: &Visitor<'_>) -> Result<Reply> {
    let (user, form, directory) = (visitor.person()?, &visitor.request.body, visitor.app.engine.directory());
    if let Some(id) = form.find("revoke") {
        let id = id.parse().map_err(|_| Error::not_found("there is no such token"));
        let revoked = id.and_then(|id| directory.revoke_platform_token(user.id, id));
        if revoked.is_ok() {
            audit::done(visitor, None, "token.revoke", "platform");
        }
        return done(visitor, revoked.map(|()| saved()));
    }
    match try_token(visitor) {
        // Shown by this answer and never again.
        Ok(secret) => page(visitor, StatusCode::OK, Shown { secret: Some(secret), ..Shown::default() }),
        Err(error) => done(visitor, Err(error)),
    }
}

fn try_token(visitor: &Visitor<'_>) -> Result<String> {
    let form = &visitor.request.body;
    let label = form.get("label").trim();
    if label.is_empty() || label.chars().count() > 100 || label.chars().any(char::is_control) {
        return Err(Error::invalid("a token needs a name").hint("Say in at most 100 characters what it is for."));
    }
    let scope = PlatformScope::parse(form.get("scope")).ok_or_else(|| Error::invalid("say what the token may do"))?;
    let token = visitor.app.engine.directory().make_platform_token(visitor.person()?.id, scope, label, None, visitor.now())?;
    audit::done(visitor, None, "token.create", &format!("{label} (platform, {})", scope.as_str()));
    Ok(token.expose().to_string())
}

/// `POST /app/account/delete`: only if the address was typed. Wikis of theirs are put aside: an operator can bring one back for a week.
pub fn delete(visitor: &Visitor<'_>) -> Result<Reply> {
    let user = visitor.person()?;
    if visitor.request.body.get("email").trim().to_lowercase() != user.email {
        return done(visitor, Err(Error::invalid("that is not the address of your account").hint("Nothing was deleted.")));
    }
    let engine = &visitor.app.engine;
    if visitor.is_operator() && engine.directory().operators()?.len() == 1 {
        return done(visitor, Err(Error::denied("you are the only operator").hint("Make somebody else one first.")));
    }
    for record in engine.directory().wikis_of(user.id)?.iter().filter(|record| record.trashed.is_none()) {
        engine.trash_wiki(record.id)?;
        audit::done(visitor, Some(record.id), "wiki.delete", record.slug.as_str());
    }
    audit::done(visitor, None, "account.delete", &user.email);
    engine.directory().delete_user(user.id)?;
    let cookies = visitor.session.as_ref().map(|(_, token)| session::end(visitor.app, token)).transpose()?.unwrap_or_default();
    Ok(cookies.iter().fold(see_other("/"), |reply, cookie| with_cookie(reply, cookie)))
}
