//! The platform's addresses on one screen: which method, which right, which handler (security.md TEN-2). None of them is in a wiki.

use super::{Visitor, account, admin, api, dashboard, domains, elsewhere, export, links, passkeys, sign_in};
use crate::elsewhere::atproto;
use crate::reply::Reply;
use crate::routes::Row;
use Need::{Login, Manage, Neighbour, Operator, Public};
use holt_core::Result;

/// Who may use a route. Whose wiki it is about is for the handler to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Everybody.
    Public,
    /// Whoever is logged in, or a program of theirs.
    Login,
    /// The same, but for programs that may only look.
    Manage,
    /// Who rules the installation, in person.
    Operator,
    /// This machine, or a proxy that the operator named.
    Neighbour,
}

/// How a route answers and refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voice {
    /// With pages, to people.
    Page,
    /// In JSON.
    Json,
}

/// A row.
pub struct Route {
    /// `GET` covers `HEAD`.
    pub method: &'static str,
    /// As in the table of wikis: `{name}` is one segment.
    pub pattern: &'static str,
    /// Checked before the handler runs.
    pub need: Need,
    /// How it refuses.
    pub voice: Voice,
    /// The handler.
    pub run: fn(&Visitor<'_>) -> Result<Reply>,
}

impl Row for Route {
    fn method(&self) -> &'static str {
        self.method
    }
    fn pattern(&self) -> &'static str {
        self.pattern
    }
}

const fn get(pattern: &'static str, need: Need, run: fn(&Visitor<'_>) -> Result<Reply>) -> Route {
    Route { method: "GET", pattern, need, voice: Voice::Page, run }
}
const fn post(pattern: &'static str, need: Need, run: fn(&Visitor<'_>) -> Result<Reply>) -> Route {
    Route { method: "POST", pattern, need, voice: Voice::Page, run }
}
const fn api(method: &'static str, pattern: &'static str, need: Need, run: fn(&Visitor<'_>) -> Result<Reply>) -> Route {
    Route { method, pattern, need, voice: Voice::Json, run }
}

/// All routes.
#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    get ("/",                                   Public,   dashboard::landing),
    get ("/-/healthz",                          Public,   dashboard::healthz),
    get ("/-/readyz",                           Public,   dashboard::readyz),
    get ("/robots.txt",                         Public,   dashboard::robots),
    get ("/favicon.ico",                        Public,   dashboard::favicon),
    get ("/.well-known/change-password",        Public,   account::change_password),
    get ("/auth/login",                         Public,   sign_in::login_form),
    post("/auth/login",                         Public,   sign_in::login),
    post("/auth/logout",                        Login,    sign_in::logout),
    get ("/auth/register",                      Public,   sign_in::register_form),
    post("/auth/register",                      Public,   sign_in::register),
    get ("/auth/register/{token}",              Public,   links::finish_form),
    post("/auth/register/{token}",              Public,   links::finish),
    get ("/auth/lost-password",                 Public,   links::lost_password_form),
    post("/auth/lost-password",                 Public,   links::lost_password),
    get ("/auth/new-password/{token}",          Public,   links::new_password_form),
    post("/auth/new-password/{token}",          Public,   links::choose_password),
    get ("/auth/confirm/{token}",               Public,   links::confirm_form),
    post("/auth/confirm/{token}",               Public,   links::confirm),
    post("/auth/elsewhere/{provider}",          Public,   elsewhere::leave),
    get ("/auth/callback/{provider}",           Public,   elsewhere::arrive),
    get (atproto::CALLBACK,                     Public,   elsewhere::arrive_by_atproto),
    get (atproto::METADATA,                     Public,   elsewhere::introduction),
    post("/auth/passkey",                       Public,   passkeys::log_in),
    post("/auth/passkey/options",               Public,   passkeys::ask_for_one),
    get ("/auth/wiki",                          Login,    sign_in::to_wiki_form),
    post("/auth/wiki",                          Login,    sign_in::to_wiki),
    get ("/app",                                Login,    dashboard::home),
    get ("/app/create",                         Login,    dashboard::create_form),
    post("/app/create",                         Login,    dashboard::create),
    get ("/app/account",                        Login,    account::show),
    post("/app/account",                        Login,    account::change),
    post("/app/account/confirm",                Login,    account::confirm),
    post("/app/account/sessions",               Login,    account::end_session),
    post("/app/account/tokens",                 Login,    account::tokens),
    post("/app/account/identities",             Login,    elsewhere::disconnect),
    post("/app/account/passkeys",               Login,    passkeys::change),
    post("/app/account/passkeys/options",       Login,    passkeys::ask_for_new),
    post("/app/account/delete",                 Login,    account::delete),
    get ("/app/wiki/{slug}",                    Login,    dashboard::show),
    post("/app/wiki/{slug}/settings",           Login,    dashboard::settings),
    post("/app/wiki/{slug}/token",              Login,    dashboard::token),
    post("/app/wiki/{slug}/transfer",           Login,    dashboard::transfer),
    post("/app/wiki/{slug}/delete",             Login,    dashboard::delete),
    post("/app/wiki/{slug}/domains",            Login,    dashboard::domains),
    post("/app/wiki/{slug}/restore",            Login,    dashboard::restore),
    get ("/app/admin",                          Operator, admin::wikis),
    get ("/app/admin/stats",                    Operator, admin::wikis),
    post("/app/admin/wiki/{slug}",              Operator, admin::change),
    get ("/app/admin/people",                   Operator, admin::people),
    get ("/app/admin/log",                      Operator, admin::log),
    get ("/app/admin/workers",                  Operator, admin::workers),
    post("/app/admin/workers",                  Operator, admin::order),
    api("GET",    "/api/me",                                Login,     api::me),
    api("GET",    "/api/workers",                           Login,     api::workers),
    api("POST",   "/api/workers/{worker}",                  Manage,    api::order),
    api("GET",    "/api/wikis",                             Login,     api::list),
    api("POST",   "/api/wikis",                             Manage,    api::create),
    api("GET",    "/api/wikis/{slug}",                      Login,     api::show),
    api("PATCH",  "/api/wikis/{slug}",                      Manage,    api::change),
    api("DELETE", "/api/wikis/{slug}",                      Manage,    api::delete),
    api("POST",   "/api/wikis/{slug}/restore",              Manage,    api::restore),
    api("POST",   "/api/wikis/{slug}/transfer",             Manage,    api::transfer),
    api("POST",   "/api/wikis/{slug}/token",                Manage,    api::replace_token),
    api("GET",    "/api/wikis/{slug}/tokens",               Login,     api::tokens),
    api("POST",   "/api/wikis/{slug}/tokens",               Manage,    api::make_token),
    api("DELETE", "/api/wikis/{slug}/tokens/{id}",          Manage,    api::revoke_token),
    api("GET",    "/api/wikis/{slug}/members",              Login,     api::members),
    api("PUT",    "/api/wikis/{slug}/members/{email}",      Manage,    api::put_member),
    api("DELETE", "/api/wikis/{slug}/members/{email}",      Manage,    api::remove_member),
    api("GET",    "/api/wikis/{slug}/domains",              Login,     domains::list),
    api("POST",   "/api/wikis/{slug}/domains",              Manage,    domains::claim),
    api("PATCH",  "/api/wikis/{slug}/domains/{domain}",     Manage,    domains::change),
    api("DELETE", "/api/wikis/{slug}/domains/{domain}",     Manage,    domains::give_up),
    api("POST",   "/api/wikis/{slug}/domains/{domain}/verify", Manage, domains::prove),
    api("POST",   "/api/wikis/{slug}/git",                  Manage,    api::git),
    api("GET",    "/api/wikis/{slug}/usage",                Login,     api::usage),
    api("GET",    "/api/wikis/{slug}/export",               Login,     export::bundle),
    api("GET",    "/api/wikis/{slug}/export/settings",      Login,     export::settings),
    api("GET",    super::CHECK_SLUG,                         Neighbour, api::check_slug),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Who may do what without being anybody, as a list: a new route shows here.
    #[test]
    fn what_strangers_reach() {
        let public: Vec<(&str, &str)> = ROUTES.iter().filter(|r| r.need == Public).map(|r| (r.method, r.pattern)).collect();
        let pages = [
            "/",
            "/-/healthz",
            "/-/readyz",
            "/robots.txt",
            "/favicon.ico",
            "/.well-known/change-password",
            "/auth/login",
            "/auth/register",
            "/auth/callback/{provider}",
            atproto::CALLBACK,
            atproto::METADATA,
        ];
        let forms = ["/auth/elsewhere/{provider}", "/auth/passkey", "/auth/passkey/options"];
        // Whoever has no session yet, and whoever shows a secret that came by mail.
        let both = [
            "/auth/login",
            "/auth/register",
            "/auth/register/{token}",
            "/auth/lost-password",
            "/auth/new-password/{token}",
            "/auth/confirm/{token}",
        ];
        for (method, pattern) in &public {
            let allowed = both.contains(pattern) || if *method == "GET" { pages.contains(pattern) } else { forms.contains(pattern) };
            assert!(allowed, "{method} {pattern} is public");
        }
    }

    /// Programs with a token to look may do nothing else.
    #[test]
    fn what_changes_something_says_so() {
        for route in ROUTES.iter().filter(|route| route.voice == Voice::Json && route.method != "GET") {
            assert_eq!(route.need, Manage, "{} {}", route.method, route.pattern);
        }
        for route in ROUTES.iter().filter(|route| route.pattern.starts_with("/app/admin")) {
            assert_eq!(route.need, Operator, "{}", route.pattern);
        }
    }
}
