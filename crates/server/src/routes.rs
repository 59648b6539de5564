//! The whole URL space on one screen: which address, which method, which right, which handler (security.md TEN-2).
//!
//! `{page}` is a path of any depth, `{name}` one segment. The first row that fits wins; verbs win over pages (spec/wiki.md §5.5).

use crate::api;
use crate::git;
use crate::mcp;
use crate::oauth;
use crate::reply::Reply;
use crate::web::{self, Context};
use Need::{Admin, Login, Public, Read, Upload, Write};
use holt_core::Result;
use http::Method;

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Everybody.
    Public,
    /// Whoever is logged in.
    Login,
    /// See [`holt_core::Action`].
    Read,
    /// See [`holt_core::Action`].
    Write,
    /// See [`holt_core::Action`].
    Upload,
    /// See [`holt_core::Action`].
    Admin,
}

/// What shows that whoever sends a form means it (security.md SES-2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// A page of ours had the form.
    Form,
    /// The link itself: it is signed, and mail programs send it without any page of ours.
    Link,
    /// What is sent: a secret of the program that sends it. Nothing comes of a cookie.
    Secret,
}

/// A row.
pub struct Route {
    /// `GET` covers `HEAD`.
    pub method: &'static str,
    /// See the module.
    pub pattern: &'static str,
    /// Checked before the handler runs.
    pub need: Need,
    /// What a form needs besides the right.
    pub proof: Proof,
    /// The handler.
    pub run: Run,
}

/// What runs, and how it refuses.
pub enum Run {
    /// With a page, or the way to the log-in form.
    Page(fn(&Context<'_>) -> Result<Reply>),
    /// In JSON.
    Api(fn(&Context<'_>) -> api::Answer),
    /// In JSON-RPC.
    Mcp(fn(&mut Context<'_>) -> Reply),
    /// Piece by piece, in git's own way. Who may is decided there, before anything of the body is read.
    Git(git::Asked),
}

const fn get(pattern: &'static str, need: Need, run: fn(&Context<'_>) -> Result<Reply>) -> Route {
    Route { method: "GET", pattern, need, proof: Proof::Form, run: Run::Page(run) }
}
const fn post(pattern: &'static str, need: Need, run: fn(&Context<'_>) -> Result<Reply>) -> Route {
    Route { method: "POST", pattern, need, proof: Proof::Form, run: Run::Page(run) }
}
const fn post_by_link(pattern: &'static str, run: fn(&Context<'_>) -> Result<Reply>) -> Route {
    Route { method: "POST", pattern, need: Public, proof: Proof::Link, run: Run::Page(run) }
}
/// What programs send that are no session of anybody's, and may be pages of other sites.
const fn program(method: &'static str, pattern: &'static str, run: fn(&Context<'_>) -> Result<Reply>) -> Route {
    Route { method, pattern, need: Public, proof: Proof::Secret, run: Run::Page(run) }
}

/// What git clients send: nothing comes of a cookie.
const fn git(method: &'static str, pattern: &'static str, asked: git::Asked) -> Route {
    Route { method, pattern, need: Public, proof: Proof::Secret, run: Run::Git(asked) }
}

const fn api(method: &'static str, pattern: &'static str, need: Need, run: fn(&Context<'_>) -> api::Answer) -> Route {
    Route { method, pattern, need, proof: Proof::Form, run: Run::Api(run) }
}

/// All routes.
#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    get ("/-/healthz",                              Public, web::site::healthz),
    get ("/-/readyz",                               Public, web::site::readyz),
    get ("/-/me",                                   Public, web::me::me),
    get ("/-/about",                                Public, web::site::about),
    get ("/-/help",                                 Public, web::guide::show),
    get ("/-/help/{topic}",                         Public, web::guide::show),
    get ("/-/syntax",                               Public, web::guide::show),
    get ("/-/setup",                                Public, web::people::setup_form),
    post("/-/setup",                                Public, web::people::setup),
    get ("/-/login",                                Public, web::people::login_form),
    post("/-/login",                                Public, web::people::login),
    get ("/-/login/platform",                       Public, web::arrival::leave),
    get ("/-/login/arrive",                         Public, web::arrival::arrive),
    post("/-/login/elsewhere/{provider}",           Public, web::elsewhere::leave),
    get ("/-/login/callback/{provider}",            Public, web::elsewhere::arrive),
    post("/-/login/passkey",                        Public, web::passkeys::log_in),
    post("/-/login/passkey/options",                Public, web::passkeys::ask_for_one),
    get ("/-/logout",                               Public, web::people::logout_form),
    post("/-/logout",                               Public, web::people::logout),
    get ("/-/register",                             Public, web::people::register_form),
    post("/-/register",                             Public, web::people::register),
    get ("/-/lost_password",                        Public, web::links::lost_password_form),
    post("/-/lost_password",                        Public, web::links::lost_password),
    get ("/-/recover_password/{token}",             Public, web::links::recover_form),
    post("/-/recover_password/{token}",             Public, web::links::recover),
    get ("/-/request_confirmation_link",            Public, web::links::confirmation_form),
    get ("/-/request_confirmation_link/{email}",    Public, web::links::confirmation_form),
    post("/-/request_confirmation_link",            Public, web::links::confirmation),
    get ("/-/confirm_email/{token}",                Public, web::links::confirm_form),
    post("/-/confirm_email/{token}",                Public, web::links::confirm),
    get ("/-/invite/{token}",                       Public, web::invitations::invite_form),
    post("/-/invite/{token}",                       Public, web::invitations::accept),
    get ("/-/unsubscribe/{token}",                  Public, web::unsubscribe::form),
    post_by_link("/-/unsubscribe/{token}",                  web::unsubscribe::stop),
    get ("/-/api",                                  Read,   web::api_guide::show),
    get ("/-/settings",                             Login,  web::people::settings_form),
    post("/-/settings",                             Login,  web::people::settings),
    get ("/-/settings/sessions",                    Login,  web::people::settings_form),
    post("/-/settings/sessions",                    Login,  web::sessions::end),
    get ("/-/settings/tokens",                      Login,  web::people::settings_form),
    post("/-/settings/tokens",                      Login,  web::tokens::change),
    get ("/-/settings/identities",                  Login,  web::people::settings_form),
    post("/-/settings/identities",                  Login,  web::elsewhere::disconnect),
    get ("/-/settings/passkeys",                    Login,  web::people::settings_form),
    post("/-/settings/passkeys",                    Login,  web::passkeys::change),
    post("/-/settings/passkeys/options",            Login,  web::passkeys::ask_for_new),
    get ("/-/settings/agents",                      Login,  web::connected::own),
    post("/-/settings/agents",                      Login,  web::connected::end_own),
    get ("/-/admin",                                Admin,  web::admin::form),
    post("/-/admin",                                Admin,  web::admin::preferences),
    get ("/-/admin/appearance",                     Admin,  web::preferences::appearance),
    post("/-/admin/appearance",                     Admin,  web::preferences::set_appearance),
    get ("/-/admin/content_and_editing",            Admin,  web::preferences::content),
    post("/-/admin/content_and_editing",            Admin,  web::preferences::set_content),
    get ("/-/admin/sidebar_preferences",            Admin,  web::preferences::sidebar),
    post("/-/admin/sidebar_preferences",            Admin,  web::preferences::set_sidebar),
    get ("/-/admin/permissions_and_registration",   Admin,  web::admin::form),
    post("/-/admin/permissions_and_registration",   Admin,  web::admin::access),
    get ("/-/admin/user_management",                Admin,  web::admin::members_form),
    post("/-/admin/user_management",                Admin,  web::admin::members),
    get ("/-/admin/agent_policy",                   Admin,  web::agent_policy::form),
    post("/-/admin/agent_policy",                   Admin,  web::agent_policy::set),
    get ("/-/admin/path_rules",                     Admin,  web::path_rules::form),
    post("/-/admin/path_rules",                     Admin,  web::path_rules::set),
    get ("/-/admin/invitations",                    Admin,  web::invitations::list),
    post("/-/admin/invitations",                    Admin,  web::invitations::change),
    get ("/-/admin/agents",                         Admin,  web::connected::all),
    post("/-/admin/agents",                         Admin,  web::connected::end_any),
    get ("/-/admin/mail_preferences",               Admin,  web::mail_settings::form),
    post("/-/admin/mail_preferences",               Admin,  web::mail_settings::change),
    get ("/-/admin/repository_management",          Admin,  web::repository::show),
    post("/-/admin/repository_management",          Admin,  web::repository::set),
    get ("/-/admin/webhooks",                       Admin,  web::webhooks::list),
    post("/-/admin/webhooks",                       Admin,  web::webhooks::add),
    get ("/-/admin/webhooks/{webhook}",             Admin,  web::webhooks::show),
    post("/-/admin/webhooks/{webhook}",             Admin,  web::webhooks::change),
    get ("/-/admin/mirror",                         Admin,  web::mirror::show),
    post("/-/admin/mirror",                         Admin,  web::mirror::change),
    get ("/-/admin/audit",                          Admin,  web::audit::log),
    get ("/-/admin/workers",                        Admin,  web::workers::show),
    post("/-/admin/workers",                        Admin,  web::workers::order),
    get ("/-/user",                                 Admin,  web::users::add_form),
    post("/-/user",                                 Admin,  web::users::add),
    get ("/-/user/{id}",                            Admin,  web::users::edit_form),
    post("/-/user/{id}",                            Admin,  web::users::edit),
    get ("/-/search",                               Read,   web::site::search),
    get ("/-/search/{query}",                       Read,   web::site::search),
    post("/-/search",                               Read,   web::site::search_again),
    post("/-/search/{query}",                       Read,   web::site::search_again),
    get ("/-/index",                                Read,   web::site::index),
    get ("/-/complete",                             Read,   web::browse::complete),
    get ("/-/tree",                                 Read,   web::browse::tree),
    get ("/-/inbox",                                Login,  web::inbox::show),
    post("/-/inbox",                                Login,  web::inbox::act),
    get ("/-/proposals",                            Read,   web::review::list),
    get ("/-/proposals/{number}",                   Read,   web::review::show),
    post("/-/proposals/{number}",                   Write,  web::review::act),
    get ("/-/tags",                                 Read,   web::browse::tags),
    get ("/-/move",                                 Write,  web::browse::move_form),
    post("/-/move",                                 Write,  web::browse::move_pages),
    get ("/-/deleted",                              Read,   web::browse::deleted),
    get ("/-/housekeeping",                         Read,   web::care::show),
    post("/-/housekeeping",                         Write,  web::care::tidy),
    get ("/-/housekeeping/security-check",          Admin,  web::security_check::show),
    get ("/-/agents",                               Read,   web::activity::show),
    get ("/-/changelog",                            Read,   web::history::changelog),
    get ("/-/changelog/feed.atom",                  Read,   web::feeds::atom),
    get ("/-/changelog/feed.rss",                   Read,   web::feeds::rss),
    get ("/-/changelog/feed.json",                  Read,   web::feeds::json_feed),
    get ("/-/changelog/{rev}",                      Read,   web::history::changelog),
    get ("/-/log",                                  Read,   web::history::changelog),
    get ("/-/log/{rev}",                            Read,   web::history::changelog),
    get ("/-/commit/{rev}",                         Read,   web::history::commit),
    get ("/-/revert/{rev}",                         Write,  web::history::revert_form),
    post("/-/revert/{rev}",                         Write,  web::history::revert),
    get ("/-/undo",                                 Write,  web::undo::form),
    post("/-/undo",                                 Write,  web::undo::undo),
    get ("/-/create",                               Write,  web::edit::create_form),
    post("/-/create",                               Write,  web::edit::create),
    get ("/robots.txt",                             Public, web::site::robots),
    get ("/sitemap.xml",                            Read,   web::site::sitemap),
    get ("/favicon.ico",                            Public, web::site::favicon),
    get ("/opensearch.xml",                         Public, web::feeds::opensearch),
    get ("/llms.txt",                               Read,   web::llms::index),
    get ("/llms-full.txt",                          Read,   web::llms::full),
    get ("/manifest.webmanifest",                   Public, web::site::manifest),
    get ("/.well-known/change-password",            Public, web::site::change_password),
    get ("/.git",                                   Public, web::site::to_home),
    git ("GET",  "/.git/info/refs",                         git::Asked::Refs),
    git ("POST", "/.git/git-upload-pack",                   git::Asked::Fetch),
    git ("POST", "/.git/git-receive-pack",                  git::Asked::Push),
    get ("/-",                                      Public, web::site::to_home),
    api("GET",    "/api/v1/health",                               Public, api::wiki::health),
    api("GET",    "/api/v1/openapi.json",                         Public, api::openapi::show),
    api("GET",    "/api/v1/wiki",                                 Read,   api::wiki::info),
    api("GET",    "/api/v1/index-status",                         Read,   api::wiki::index_status),
    api("POST",   "/api/v1/reindex",                              Admin,  api::reindex::start),
    api("GET",    "/api/v1/reindex/status",                       Read,   api::reindex::status),
    api("GET",    "/api/v1/semantic-search",                      Read,   api::semantic::semantic_search),
    api("GET",    "/api/v1/chroma-status",                        Read,   api::semantic::chroma_status),
    api("GET",    "/api/v1/tree",                                 Read,   api::wiki::tree),
    api("GET",    "/api/v1/pages",                                Read,   api::list::list),
    api("POST",   "/api/v1/pages:batchGet",                       Read,   api::pages::batch_get),
    api("POST",   "/api/v1/commits",                              Write,  api::commits::commit),
    api("POST",   "/api/v1/undo",                                 Write,  api::undo::undo),
    api("GET",    "/api/v1/proposals",                            Read,   api::proposals::list),
    api("POST",   "/api/v1/proposals",                            Write,  api::proposals::make),
    api("GET",    "/api/v1/proposals/{number}",                   Read,   api::proposals::show),
    api("POST",   "/api/v1/proposals/{number}/accept",            Write,  api::proposals::accept),
    api("POST",   "/api/v1/proposals/{number}/reject",            Write,  api::proposals::reject),
    api("POST",   "/api/v1/proposals/{number}/withdraw",          Write,  api::proposals::withdraw),
    api("POST",   "/api/v1/proposals/{number}/comments",          Write,  api::proposals::comment),
    api("GET",    "/api/v1/webhooks",                             Admin,  api::webhooks::list),
    api("POST",   "/api/v1/webhooks",                             Admin,  api::webhooks::add),
    api("GET",    "/api/v1/webhooks/{webhook}",                   Admin,  api::webhooks::show),
    api("PATCH",  "/api/v1/webhooks/{webhook}",                   Admin,  api::webhooks::change),
    api("DELETE", "/api/v1/webhooks/{webhook}",                   Admin,  api::webhooks::remove),
    api("POST",   "/api/v1/webhooks/{webhook}/rotate",            Admin,  api::webhooks::rotate),
    api("POST",   "/api/v1/webhooks/{webhook}/ping",              Admin,  api::webhooks::ping),
    api("GET",    "/api/v1/webhooks/{webhook}/deliveries",        Admin,  api::webhooks::deliveries),
    api("POST",   "/api/v1/webhooks/{webhook}/deliveries/{delivery}/redeliver", Admin, api::webhooks::redeliver),
    api("GET",    "/api/v1/mirror",                               Admin,  api::mirror::show),
    api("PUT",    "/api/v1/mirror",                               Admin,  api::mirror::set),
    api("DELETE", "/api/v1/mirror",                               Admin,  api::mirror::remove),
    api("POST",   "/api/v1/mirror/sync",                          Admin,  api::mirror::sync),
    api("GET",    "/api/v1/changes",                              Read,   api::changes::show),
    api("GET",    "/api/v1/changelog",                            Read,   api::history::changelog),
    api("GET",    "/api/v1/agents",                               Read,   api::agents::show),
    api("GET",    "/api/v1/search",                               Read,   api::search::search),
    api("GET",    "/api/v1/links",                                Read,   api::links::graph),
    api("GET",    "/api/v1/links/orphans",                        Read,   api::links::orphans),
    api("GET",    "/api/v1/care",                                 Read,   api::care::show),
    api("GET",    "/api/v1/links/missing",                        Read,   api::links::missing),
    api("GET",    "/api/v1/links/{page}",                         Read,   api::links::of_page),
    api("GET",    "/api/v1/pages/{page}/history",                 Read,   api::history::of_page),
    api("GET",    "/api/v1/pages/{page}/diff",                    Read,   api::history::diff),
    api("POST",   "/api/v1/pages/{page}/rename",                  Write,  api::writing::rename),
    api("POST",   "/api/v1/pages/{page}/revert",                  Write,  api::writing::revert),
    api("GET",    "/api/v1/pages/{page}/attachments",             Read,   api::attachments::list),
    api("POST",   "/api/v1/pages/{page}/attachments",             Upload, api::attachments::upload),
    api("GET",    "/api/v1/pages/{page}/attachments/{file}",      Read,   api::attachments::get),
    api("PUT",    "/api/v1/pages/{page}/attachments/{file}",      Upload, api::attachments::put),
    api("DELETE", "/api/v1/pages/{page}/attachments/{file}",      Upload, api::attachments::delete),
    api("GET",    "/api/v1/pages/{page}",                         Read,   api::pages::read),
    api("PUT",    "/api/v1/pages/{page}",                         Write,  api::writing::put),
    api("PATCH",  "/api/v1/pages/{page}",                         Write,  api::writing::patch),
    api("DELETE", "/api/v1/pages/{page}",                         Write,  api::writing::delete),
    Route { method: "POST", pattern: mcp::ADDRESS, need: Public, proof: Proof::Form, run: Run::Mcp(mcp::handle) },
    program("GET",     "/.well-known/oauth-protected-resource",     mcp::resource::describe),
    program("OPTIONS", "/.well-known/oauth-protected-resource",     oauth::metadata::options),
    program("GET",     "/.well-known/oauth-protected-resource/mcp", mcp::resource::describe),
    program("OPTIONS", "/.well-known/oauth-protected-resource/mcp", oauth::metadata::options),
    program("GET",     "/.well-known/oauth-authorization-server",   oauth::metadata::server),
    program("OPTIONS", "/.well-known/oauth-authorization-server",   oauth::metadata::options),
    program("POST",    "/oauth/register",                           oauth::register::register),
    program("OPTIONS", "/oauth/register",                           oauth::metadata::options),
    program("POST",    "/oauth/token",                              oauth::tokens::exchange),
    program("OPTIONS", "/oauth/token",                              oauth::metadata::options),
    program("POST",    "/oauth/revoke",                             oauth::tokens::revoke),
    program("OPTIONS", "/oauth/revoke",                             oauth::metadata::options),
    get ("/oauth/authorize",                        Login,  web::consent::authorize),
    get ("/oauth/consent/{request}",                Login,  web::consent::form),
    post("/oauth/consent/{request}",                Login,  web::consent::decide),
    get ("/",                                       Read,   web::page::home),
    get ("/{page}/edit",                            Write,  web::edit::form),
    get ("/{page}/edit/{rev}",                      Write,  web::edit::form),
    post("/{page}/edit",                            Write,  web::edit::preview_form),
    post("/{page}/save",                            Write,  web::edit::save),
    post("/{page}/preview",                         Write,  web::edit::preview),
    post("/{page}/draft/discard",                   Write,  web::edit::discard_draft),
    post("/{page}/draft",                           Write,  web::edit::draft),
    post("/{page}/presence",                        Write,  web::edit::presence),
    get ("/{page}/rename",                          Write,  web::edit::rename_form),
    post("/{page}/rename",                          Write,  web::edit::rename),
    get ("/{page}/delete",                          Write,  web::edit::delete_form),
    post("/{page}/delete",                          Write,  web::edit::delete),
    get ("/{page}/view",                            Read,   web::page::view),
    get ("/{page}/view/{rev}",                      Read,   web::page::view),
    get ("/{page}/history",                         Read,   web::history::history),
    post("/{page}/history",                         Read,   web::history::choose),
    get ("/{page}/diff/{a}/{b}",                    Read,   web::history::diff),
    get ("/{page}/blame",                           Read,   web::history::blame),
    get ("/{page}/blame/{rev}",                     Read,   web::history::blame),
    get ("/{page}/source",                          Read,   web::page::source),
    get ("/{page}/source/{rev}",                    Read,   web::page::source),
    get ("/{page}/comments",                        Read,   web::comments::show),
    post("/{page}/comments",                        Login,  web::comments::act),
    post("/{page}/watch",                           Login,  web::inbox::watch),
    get ("/{page}/attachments",                     Read,   web::files::list),
    post("/{page}/attachments",                     Upload, web::files::upload),
    post("/{page}/inline_attachment",               Upload, web::files::inline_upload),
    get ("/{page}/a/{file}",                        Read,   web::files::file),
    get ("/{page}/a/{file}/{rev}",                  Read,   web::files::file),
    get ("/{page}/t/{file}",                        Read,   web::files::thumbnail),
    get ("/{page}/t/{file}/{size}",                 Read,   web::files::thumbnail),
    get ("/{page}/attachment/{file}",               Read,   web::files::detail),
    post("/{page}/attachment/{file}",               Write,  web::files::change),
    get ("/{page}",                                 Read,   web::page::any),
];

/// A row of a table of addresses.
pub trait Row {
    /// `GET` covers `HEAD`.
    fn method(&self) -> &'static str;
    /// See [`matches()`].
    fn pattern(&self) -> &'static str;
}

impl Row for Route {
    fn method(&self) -> &'static str {
        self.method
    }
    fn pattern(&self) -> &'static str {
        self.pattern
    }
}

/// What a table says of an address.
pub enum Found<'r, R> {
    /// This row, with the values of its holes.
    Row(&'r R, Params),
    /// Only other methods, as `Allow` names them.
    OtherMethods(String),
    /// Nothing.
    Nothing,
}

/// Looks for a request's row: the first that fits. The name of any page is the address of that page, unless it is another address.
pub fn find<'r, R: Row>(rows: &'r [R], method: &Method, path: &str) -> Found<'r, R> {
    let method = if *method == Method::HEAD { "GET" } else { method.as_str() };
    let mut others = Vec::new();
    for row in rows {
        let Some(params) = matches(row.pattern(), path) else { continue };
        if row.method() != method {
            others.push(row.method());
        } else if others.is_empty() || row.pattern() != "/{page}" {
            return Found::Row(row, params);
        }
    }
    if others.is_empty() {
        return Found::Nothing;
    }
    others.sort_unstable();
    others.dedup();
    Found::OtherMethods(others.join(", "))
}

/// The values of a pattern's holes.
pub type Params = Vec<(&'static str, String)>;

/// Matches a decoded path. One slash at its end is as good as none; doubled ones are no spelling of anything, as at edges and in the rules of
/// caches (security.md CDN-8), but for names of pages that programs give (spec/api.md §1.3).
pub fn matches(pattern: &'static str, path: &str) -> Option<Params> {
    let bare = path.strip_prefix('/').unwrap_or(path);
    if bare.starts_with('/') {
        return None;
    }
    let segments: Vec<&str> = bare.strip_suffix('/').unwrap_or(bare).split('/').collect();
    let holes: Vec<&'static str> = pattern.trim_start_matches('/').split('/').collect();
    let mut params = Params::new();
    let deep = holes.iter().position(|hole| *hole == "{page}");
    if segments.len() < holes.len() || (deep.is_none() && segments.len() != holes.len()) {
        return None;
    }
    let depth = segments.len() - holes.len();
    for (i, hole) in holes.iter().enumerate() {
        if Some(i) == deep {
            let page = segments[i..=i + depth].join("/");
            // What git asks for below /.git is no page either; nor is an address of the API that is none of it.
            let is_ours =
                i == 0 && (page == "-" || page == "mcp" || page.starts_with("-/") || page.starts_with(".git/") || api::is_here(path));
            if page.is_empty() || (i == 0 && page.ends_with('/')) || is_ours {
                return None;
            }
            params.push(("page", page));
            continue;
        }
        let segment = segments[i + if deep.is_some_and(|deep| i > deep) { depth } else { 0 }];
        match hole.strip_prefix('{').and_then(|hole| hole.strip_suffix('}')) {
            Some(name) if !segment.is_empty() => params.push((name, segment.to_string())),
            Some(_) => return None,
            None if segment != *hole => return None,
            None => {}
        }
    }
    Some(params)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(method: &str, path: &str) -> Option<(&'static str, Params)> {
        ROUTES.iter().filter(|r| r.method == method).find_map(|r| Some((r.pattern, matches(r.pattern, path)?)))
    }

    #[test]
    fn addresses_find_their_row() {
        for (method, path, pattern, params) in [
            ("GET", "/", "/", vec![]),
            ("GET", "/Home", "/{page}", vec![("page", "Home")]),
            ("GET", "/A/B/C/", "/{page}", vec![("page", "A/B/C")]),
            ("GET", "/A/B/history", "/{page}/history", vec![("page", "A/B")]),
            ("GET", "/A/diff/1234/5678", "/{page}/diff/{a}/{b}", vec![("page", "A"), ("a", "1234"), ("b", "5678")]),
            ("GET", "/A/a/x.png/abcd", "/{page}/a/{file}/{rev}", vec![("page", "A"), ("file", "x.png"), ("rev", "abcd")]),
            ("GET", "/history", "/{page}", vec![("page", "history")]),
            ("GET", "/-/search/otter", "/-/search/{query}", vec![("query", "otter")]),
            ("POST", "/A/draft/discard", "/{page}/draft/discard", vec![("page", "A")]),
            ("GET", "/api/v1/pages/A/B/history", "/api/v1/pages/{page}/history", vec![("page", "A/B")]),
            ("GET", "/api/v1/pages/history", "/api/v1/pages/{page}", vec![("page", "history")]),
            ("DELETE", "/api/v1/pages/A/B/attachments/x", "/api/v1/pages/{page}/attachments/{file}", vec![("page", "A/B"), ("file", "x")]),
        ] {
            let (found, values) = route(method, path).unwrap_or_else(|| panic!("{path}"));
            let values: Vec<(&str, &str)> = values.iter().map(|(n, v)| (*n, v.as_str())).collect();
            assert_eq!((found, values), (pattern, params), "{path}");
        }
        for nowhere in ["//", "//Home", "///Home", "/Home//", "//-/changelog", "/-/changelog//", "//api/v1/pages"] {
            assert!(route("GET", nowhere).is_none(), "{nowhere}");
        }
        for nowhere in ["/-/nowhere", "/-/admin/x/y", "/-/commit", "/api/v1", "/api/v1/nothing", "/api/v1/x/history"] {
            assert!(route("GET", nowhere).is_none(), "{nowhere}");
        }
    }

    /// Who may do what, as a list: a new route or another right shows here.
    #[test]
    fn rights_of_all_routes() {
        let public: Vec<&str> = ROUTES.iter().filter(|r| r.need == Public).map(|r| r.pattern).collect();
        assert!(public.iter().all(|p| !p.starts_with("/{page}")), "no page is public by its route");
        let changing = ROUTES.iter().filter(|r| r.method == "POST" && matches!(r.need, Public | Read));
        let changing: Vec<&str> = changing.map(|r| r.pattern).collect();
        // Forms before logging in, links by mail, which bring a secret, and those that only redirect.
        let before = ["/-/setup", "/-/login", "/-/logout", "/-/register", "/-/lost_password", "/-/request_confirmation_link"];
        let elsewhere = ["/-/login/elsewhere/{provider}", "/-/login/passkey", "/-/login/passkey/options"];
        let secret = ["/-/recover_password/{token}", "/-/confirm_email/{token}", "/-/invite/{token}", "/-/unsubscribe/{token}"];
        let mut expected = [
            before.as_slice(),
            elsewhere.as_slice(),
            secret.as_slice(),
            ["/{page}/history", "/-/search", "/-/search/{query}", "/api/v1/pages:batchGet", "/mcp"].as_slice(),
            // What shows its own secret, or tells nobody anything.
            ["/oauth/register", "/oauth/token", "/oauth/revoke", "/.git/git-upload-pack", "/.git/git-receive-pack"].as_slice(),
        ]
        .concat();
        let mut changing = changing;
        expected.sort_unstable();
        changing.sort_unstable();
        assert_eq!(changing, expected);
    }

    /// The table of `tests/it/matrix.rs`: no route without a request there, no row without one, and every request has an answer.
    #[test]
    fn every_route_is_in_the_matrix() {
        let table = include_str!("../tests/it/matrix.txt");
        let mut asked = std::collections::BTreeSet::new();
        let (mut row, mut requests) = ("", 1);
        for line in table.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            match (line.strip_prefix("= "), line.strip_prefix("! ")) {
                (Some(next), _) => {
                    assert!(requests > 0, "the row {row} has no request");
                    (row, requests) = (next, 0);
                }
                (None, Some(reason)) => assert!(requests > 0 && reason.len() > 10, "a reason belongs to a request: {line}"),
                (None, None) => {
                    let (request, answers) = line.split_once(" -> ").unwrap_or_else(|| panic!("no answers in {line}"));
                    assert!(matches!(answers.split_whitespace().count(), 1 | 5), "one answer for all or one for each: {line}");
                    let mut words = request.split_whitespace();
                    let (method, address) = (words.next().unwrap(), words.next().unwrap());
                    let method = if method == "HEAD" { "GET" } else { method };
                    asked.extend(route(method, address.split('?').next().unwrap()).map(|(pattern, _)| (method, pattern)));
                    requests += 1;
                }
            }
        }
        assert!(requests > 0, "the row {row} has no request");
        let missing: Vec<_> = ROUTES.iter().map(|r| (r.method, r.pattern)).filter(|route| !asked.contains(route)).collect();
        assert!(missing.is_empty(), "routes without a row in tests/it/matrix.txt: {missing:#?}");
    }

    #[test]
    fn every_tab_of_the_administration_is_a_route() {
        for tab in web::administration() {
            assert!(ROUTES.iter().any(|r| r.method == "GET" && r.pattern == tab && r.need == Admin), "{tab}");
        }
    }
}
