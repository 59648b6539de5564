//! Log in, log out, make an account; and from here into one wiki (security.md SES-3, SES-5, SES-8).

use super::links::{self, Ask};
use super::views::{LoginView, RegisterView, ToWikiView};
use super::visitor::port;
use super::{Visitor, audit, elsewhere, letters, passkeys};
use crate::app::App;
use crate::config::SignUp;
use crate::domains;
use crate::error;
use crate::passwords::{self, Checked};
use crate::reply::{Reply, see_other, with_cookie, with_header};
use crate::request::Request;
use crate::session::{self, Remember, safe_next};
use holt_core::{DomainName, Error, ErrorKind, Result, WikiName};
use holt_edge::Apex;
use holt_engine::accounts::{self, Rank, password};
use holt_engine::directory::{NewUser, SignIn, WikiRecord};
use http::{StatusCode, header};

/// Where somebody without a wish goes after logging in.
pub const HOME: &str = "/app";

/// Where somebody comes from who is sent here to log in, and where they go back to.
pub struct WayBack<'w> {
    /// The wiki.
    pub slug: &'w str,
    /// The name it was reached by, if it is one of its own.
    pub own: Option<&'w DomainName>,
    /// Of the browser's secret.
    pub challenge: &'w str,
    /// The path there.
    pub next: &'w str,
}

/// Where a wiki sends who wants to log in there; none if there is no platform.
pub fn sign_in_url(app: &App, request: &Request, back: &WayBack<'_>) -> Option<String> {
    let hosts = &app.edge.hosts;
    let domain = hosts.domain.as_deref().filter(|_| hosts.apex == Apex::Platform)?;
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs([("wiki", back.slug), ("challenge", back.challenge), ("next", back.next)]);
    if let Some(own) = back.own {
        query.append_pair("at", own.as_str());
    }
    let query = query.finish();
    Some(format!("{}://{domain}{}/auth/wiki?{query}", request.scheme.as_str(), port(request)))
}

/// Where to go after logging in: a path here, or an address of one of our wikis, and nothing else. `origin` is ours: scheme, domain, port.
///
/// Cases 15 of spec/platform.md §16. Who is sent to a wiki is sent through its log-in, as its session is its own.
fn return_to(wanted: &str, scheme: &str, domain: &str, port: &str) -> Option<String> {
    if let Some(rest) = wanted.strip_prefix(scheme).and_then(|rest| rest.strip_prefix("://")) {
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let slug = host.strip_suffix(port)?.strip_suffix(domain)?.strip_suffix('.')?;
        WikiName::existing(slug).ok()?;
        let path = if path.is_empty() { "/" } else { path };
        if safe_next(path) != path {
            return None;
        }
        let next: String = form_urlencoded::byte_serialize(path.as_bytes()).collect();
        return Some(format!("{scheme}://{host}/-/login/platform?next={next}"));
    }
    (safe_next(wanted) == wanted).then(|| wanted.to_string())
}

pub(super) fn destination(visitor: &Visitor<'_>, wanted: &str) -> String {
    let found = return_to(wanted, visitor.request.scheme.as_str(), visitor.domain(), visitor.port());
    found.filter(|to| to != "/").unwrap_or_else(|| HOME.to_string())
}

/// `GET /auth/login?return_to=…`
pub fn login_form(visitor: &Visitor<'_>) -> Result<Reply> {
    let wanted = visitor.request.query("return_to").unwrap_or_default();
    if visitor.session.is_some() {
        return Ok(see_other(&destination(visitor, &wanted)));
    }
    show_login(visitor, StatusCode::OK, wanted, String::new(), Ok(None))
}

/// The log-in form, with what was done before, or why it came back.
pub(super) fn show_login(
    visitor: &Visitor<'_>,
    status: StatusCode,
    return_to: String,
    email: String,
    before: Result<Option<&str>, &Error>,
) -> Result<Reply> {
    let (may_register, sends_mail) = (visitor.app.platform.is_open(), letters::work(visitor.app));
    let (notice, problem) = match before {
        Ok(notice) => (notice.map(str::to_string), None),
        Err(error) => (None, Some(Visitor::notice(error))),
    };
    let (name, ways, passkey) = (visitor.domain().to_string(), elsewhere::ways(visitor), passkeys::offered(visitor));
    let towards = own_origin(visitor, &return_to);
    visitor.form_towards(towards.as_deref(), status, "Log in", |csrf| LoginView {
        csrf,
        name,
        wanted: return_to,
        email,
        may_register,
        sends_mail,
        ways,
        passkey,
        problem,
        notice,
    })
}

/// Scheme and host of the wiki that somebody is on the way to, if it was reached by a name of its own: browsers that were sent a form do not
/// follow redirects to places that its page does not name.
fn own_origin(visitor: &Visitor<'_>, return_to: &str) -> Option<String> {
    let query = return_to.strip_prefix("/auth/wiki?")?;
    let field =
        |wanted: &str| form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned());
    let wish = Wish::of(visitor, |name| field(name).unwrap_or_default()).ok()?;
    wish.at.is_some().then(|| wish.origin(visitor))
}

/// `POST /auth/login`
pub fn login(visitor: &Visitor<'_>) -> Result<Reply> {
    let form = &visitor.request.body;
    let (email, secret, wanted) = (form.get("email").trim().to_lowercase(), form.get("password"), form.get("return_to"));
    let back = |status, error: &Error| {
        audit::note(visitor, &email, None, "login", "platform", "denied");
        show_login(visitor, status, wanted.to_string(), email.clone(), Err(error))
    };
    let account = match passwords::check(visitor.app, visitor.request, &email, secret)? {
        Checked::Right(account) => account,
        Checked::Wrong => return back(StatusCode::UNPROCESSABLE_ENTITY, &passwords::wrong()),
        Checked::TooMany { seconds } => {
            let reply = back(StatusCode::TOO_MANY_REQUESTS, &passwords::too_many(seconds))?;
            return Ok(with_header(reply, header::RETRY_AFTER, &seconds.to_string()));
        }
    };
    if !account.email_confirmed && account.rank == Rank::Member && letters::work(visitor.app) {
        return match links::prove_first(visitor, &account) {
            Ok(why) => back(StatusCode::FORBIDDEN, &why),
            Err(error) if error.kind == ErrorKind::Busy => back(StatusCode::TOO_MANY_REQUESTS, &error),
            Err(error) => Err(error),
        };
    }
    passwords::succeeded(visitor.app, &account)?;
    audit::note(visitor, &account.email, None, "login", "platform", "ok");
    // Whoever was logged in before is not any more: a session is of one person, and new with each log-in (SES-4).
    if let Some((_, token)) = &visitor.session {
        session::end(visitor.app, token)?;
    }
    let remember = if form.find("remember").is_some() { Remember::Yes } else { Remember::No };
    let cookies = session::begin(visitor.app, visitor.request, account.id, None, remember)?;
    Ok(cookies.iter().fold(see_other(&destination(visitor, wanted)), |reply, cookie| with_cookie(reply, cookie)))
}

/// `POST /auth/logout`: ends what was begun from here in wikis, too.
pub fn logout(visitor: &Visitor<'_>) -> Result<Reply> {
    let Some((_, token)) = &visitor.session else { return Ok(see_other("/")) };
    let cookies = session::end(visitor.app, token)?;
    Ok(cookies.iter().fold(see_other("/"), |reply, cookie| with_cookie(reply, cookie)))
}

/// Who may make an account here.
pub(super) fn may_sign_up(visitor: &Visitor<'_>) -> SignUp {
    if visitor.app.platform.is_open() { SignUp::Open } else { SignUp::Closed }
}

/// `GET /auth/register`
pub fn register_form(visitor: &Visitor<'_>) -> Result<Reply> {
    check_open(visitor)?;
    if letters::work(visitor.app) {
        return links::ask_form(visitor, Ask::Account);
    }
    show_register(visitor, StatusCode::OK, None)
}

/// `Denied` if not everybody may make an account.
pub fn check_open(visitor: &Visitor<'_>) -> Result<()> {
    match visitor.app.platform.is_open() {
        true => Ok(()),
        false => Err(Error::denied("nobody can make an account here").hint("Ask whoever runs this server for one.")),
    }
}

fn show_register(visitor: &Visitor<'_>, status: StatusCode, problem: Option<&Error>) -> Result<Reply> {
    let form = &visitor.request.body;
    let (name, email) = (form.get("name").to_string(), form.get("email").to_string());
    let problem = problem.map(Visitor::notice);
    visitor.form(status, "Register", |csrf| RegisterView { csrf, name, email, password_length: password::PASSWORD_CHARS, problem })
}

/// `POST /auth/register`: where mail can be sent, the account is made by the link in it.
pub fn register(visitor: &Visitor<'_>) -> Result<Reply> {
    check_open(visitor)?;
    if letters::work(visitor.app) {
        return links::ask(visitor, Ask::Account);
    }
    match try_register(visitor) {
        Ok(reply) => Ok(reply),
        Err(error) if error.kind == ErrorKind::Internal => Err(error),
        Err(error) => show_register(visitor, error::status(&error), Some(&error)),
    }
}

fn try_register(visitor: &Visitor<'_>) -> Result<Reply> {
    let (form, directory) = (&visitor.request.body, visitor.app.engine.directory());
    let email = accounts::check_email(form.get("email"))?;
    let name = accounts::check_name(form.get("name"))?;
    let (first, second) = (form.get("password1"), form.get("password2"));
    if first != second {
        return Err(Error::invalid("the two passwords differ").hint("Type the same one twice."));
    }
    password::check(first)?;
    passwords::check_gate(visitor.app, visitor.request, &email)?;
    let now = visitor.now();
    let user = NewUser {
        email: &email,
        name: &name,
        password_hash: Some(&password::hash(first)?),
        rank: Rank::Member,
        email_confirmed: false,
        created: now,
        last_seen: now,
    };
    let id = directory.create_user(&user)?;
    audit::note(visitor, &email, None, "register", "platform", "ok");
    let cookies = session::begin(visitor.app, visitor.request, id, None, Remember::No)?;
    Ok(cookies.iter().fold(see_other(HOME), |reply, cookie| with_cookie(reply, cookie)))
}

/// What a wiki asked for that sent somebody here.
struct Wish {
    wiki: WikiRecord,
    challenge: String,
    next: String,
    /// The name of its own that the wiki was reached by.
    at: Option<DomainName>,
}

impl Wish {
    fn of(visitor: &Visitor<'_>, field: impl Fn(&str) -> String) -> Result<Self> {
        let refused = || Error::invalid("that is no way into a wiki").hint("Go to the wiki and log in from there.");
        let challenge = field("challenge");
        if challenge.len() != 64 || !challenge.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(refused());
        }
        let wiki = visitor.app.engine.directory().wiki_by_slug(&field("wiki"))?.filter(WikiRecord::answers).ok_or_else(refused)?;
        let at = match field("at").as_str() {
            "" => None,
            // The code goes there: to nobody but whoever has shown that the name is this wiki's.
            name => Some(domains::trusted_name(&visitor.app.engine, wiki.id, name)?.ok_or_else(refused)?),
        };
        Ok(Self { wiki, challenge, next: safe_next(&field("next")).to_string(), at })
    }
    /// Scheme and host of the wiki, as it was reached.
    fn origin(&self, visitor: &Visitor<'_>) -> String {
        match &self.at {
            Some(name) => visitor.origin_at(name.as_str()),
            None => visitor.wiki_origin(self.wiki.slug.as_str()),
        }
    }
}

/// `GET /auth/wiki?wiki=…&challenge=…&next=…`: whom a wiki knows already goes on at once; anybody else is asked, as the wiki's administrators
/// will learn their name and address.
pub fn to_wiki_form(visitor: &Visitor<'_>) -> Result<Reply> {
    let wish = Wish::of(visitor, |name| visitor.request.query(name).unwrap_or_default())?;
    let user = visitor.person()?;
    if visitor.is_operator() || visitor.app.engine.wiki(wish.wiki.id).member(user.id)?.is_some() {
        return go(visitor, &wish);
    }
    let (name, host) = (wish.wiki.name.clone(), wish.origin(visitor));
    let (person, email) = (user.name.clone(), user.email.clone());
    let Wish { wiki, challenge, next, at } = wish;
    let (slug, at) = (wiki.slug.as_str().to_string(), at.map(|at| at.to_string()));
    let towards = host.clone();
    let view = |csrf| ToWikiView { csrf, name, host, slug, challenge, next, at, person, email };
    visitor.form_towards(Some(&towards), StatusCode::OK, "Log in", view)
}

/// `POST /auth/wiki`
pub fn to_wiki(visitor: &Visitor<'_>) -> Result<Reply> {
    let wish = Wish::of(visitor, |name| visitor.request.body.get(name).to_string())?;
    go(visitor, &wish)
}

fn go(visitor: &Visitor<'_>, wish: &Wish) -> Result<Reply> {
    let Some((session, token)) = &visitor.session else { return Err(Error::unauthenticated("log in first")) };
    let sign_in = SignIn { wiki: wish.wiki.id, user: session.user.id, session: token, challenge: &wish.challenge };
    let code = visitor.app.engine.directory().create_sign_in(&sign_in, visitor.now())?;
    let query: String =
        form_urlencoded::Serializer::new(String::new()).extend_pairs([("code", code.expose()), ("next", &wish.next)]).finish();
    let to = format!("{}{}?{query}", wish.origin(visitor), crate::web::arrival::ARRIVE);
    Ok(see_other(&to))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Case 15 of spec/platform.md §16.
    #[test]
    fn case_15_nobody_is_led_elsewhere_after_logging_in() {
        let to = |wanted: &str| return_to(wanted, "https", "example.org", "");
        assert_eq!(to("/app/").as_deref(), Some("/app/"));
        assert_eq!(
            to("https://foo.example.org/Page?a=b").as_deref(),
            Some("https://foo.example.org/-/login/platform?next=%2FPage%3Fa%3Db")
        );
        assert_eq!(to("https://foo.example.org").as_deref(), Some("https://foo.example.org/-/login/platform?next=%2F"));
        for elsewhere in [
            "",
            "app",
            "https://evil.com",
            "//evil.com",
            "/\\evil.com",
            "/%2fevil.com",
            "http://example.org.evil.com/",
            "http://foo.example.org/",
            "https://example.org/app/",
            "https://a.foo.example.org/",
            "https://fooexample.org/",
            "https://foo.example.org:8443/",
            "https://foo.example.org@evil.com/",
            "https://evil.com/.example.org/",
            "https://foo.example.org\\@evil.com/",
            "https://foo.example.org//evil.com",
            "https://-x.example.org/",
            "javascript:alert(1)",
        ] {
            assert_eq!(to(elsewhere), None, "{elsewhere}");
        }
        let local = |wanted: &str| return_to(wanted, "http", "localhost", ":8080");
        assert!(local("http://docs.localhost:8080/A").is_some() && local("http://docs.localhost/A").is_none());
    }
}
