//! What the platform's pages show, as typed values for compiled templates (`templates/platform/*.html`). Text is escaped by the templates.

use crate::elsewhere::{Connection, Way};
use crate::passkeys;
use crate::workers::Line;
use askama::Template;
use holt_engine::publish::filters;

/// What surrounds every page of the platform.
#[derive(Template)]
#[template(path = "platform/frame.html")]
pub struct FrameView {
    /// The platform's domain.
    pub name: String,
    /// Language of the page (BCP 47).
    pub lang: &'static str,
    /// The style sheet.
    pub css_url: &'static str,
    /// The icon.
    pub icon_url: &'static str,
}

/// A place one can go to.
pub struct Place {
    /// As shown.
    pub label: &'static str,
    /// Where it leads.
    pub url: &'static str,
    /// Whether one is there.
    pub current: bool,
}

/// Who is logged in, and where they can go.
#[derive(Template)]
#[template(path = "platform/bar.html")]
pub struct BarView {
    /// Token of the session.
    pub csrf: String,
    /// Who, if somebody.
    pub name: Option<String>,
    /// Where to.
    pub places: Vec<Place>,
}

/// Why a form came back.
pub struct Notice {
    /// A sentence.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// What went wrong.
#[derive(Template)]
#[template(path = "platform/error.html")]
pub struct ErrorView {
    /// The status code.
    pub status: u16,
    /// A sentence without its full stop.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// For the log.
    pub request_id: Option<String>,
}

/// The first page.
#[derive(Template)]
#[template(path = "platform/landing.html")]
pub struct LandingView {
    /// The platform's domain.
    pub name: String,
    /// Whether somebody is logged in.
    pub known: bool,
    /// Whether everybody may make an account.
    pub may_register: bool,
}

/// Asks who somebody is.
#[derive(Template)]
#[template(path = "platform/login.html")]
pub struct LoginView {
    /// Token of the form.
    pub csrf: String,
    /// The platform's domain.
    pub name: String,
    /// Where to go afterwards; checked when it is used.
    pub wanted: String,
    /// What stands in the box.
    pub email: String,
    /// Whether everybody may make an account.
    pub may_register: bool,
    /// Who else vouches for people.
    pub ways: Vec<Way>,
    /// To log in by a passkey, where there are any.
    pub passkey: Option<passkeys::Shown>,
    /// Whether a forgotten password is replaced by mail.
    pub sends_mail: bool,
    /// Why the form came back.
    pub problem: Option<Notice>,
    /// What was done.
    pub notice: Option<String>,
}

/// Asks for an address to which a mail goes.
#[derive(Template)]
#[template(path = "platform/ask_mail.html")]
pub struct AskMailView {
    /// Token of the form.
    pub csrf: String,
    /// A text of ours.
    pub title: &'static str,
    /// A text of ours: what the mail is for.
    pub lead: &'static str,
    /// Where the form goes.
    pub url: &'static str,
    /// What stands in the box.
    pub email: String,
    /// Why the form came back.
    pub problem: Option<Notice>,
    /// What was done.
    pub notice: Option<String>,
}

/// Makes an account for an address that is known to be somebody's.
#[derive(Template)]
#[template(path = "platform/finish.html")]
pub struct FinishView {
    /// Token of the form.
    pub csrf: String,
    /// What stands in the box.
    pub name: String,
    /// The address.
    pub email: String,
    /// Shortest password.
    pub password_length: usize,
    /// Why the form came back.
    pub problem: Option<Notice>,
}

/// Chooses a new password.
#[derive(Template)]
#[template(path = "new_password.html")]
pub struct NewPasswordView {
    /// Token of the form.
    pub csrf: String,
    /// Shortest password.
    pub password_length: usize,
    /// Why the form came back.
    pub problem: Option<Notice>,
}

/// Confirms an address.
#[derive(Template)]
#[template(path = "platform/confirm.html")]
pub struct ConfirmView {
    /// Token of the form.
    pub csrf: String,
}

/// Sends somebody to who vouches for them.
#[derive(Template)]
#[template(path = "leaving.html")]
pub struct LeavingView {
    /// There.
    pub url: String,
    /// What it is called.
    pub name: String,
}

/// Makes an account.
#[derive(Template)]
#[template(path = "platform/register.html")]
pub struct RegisterView {
    /// Token of the form.
    pub csrf: String,
    /// What stands in the box.
    pub name: String,
    /// What stands in the box.
    pub email: String,
    /// Shortest password.
    pub password_length: usize,
    /// Why the form came back.
    pub problem: Option<Notice>,
}

/// Asks whether somebody wants to be known to a wiki.
#[derive(Template)]
#[template(path = "platform/to_wiki.html")]
pub struct ToWikiView {
    /// Token of the session.
    pub csrf: String,
    /// The wiki's name.
    pub name: String,
    /// Its address.
    pub host: String,
    /// Its slug.
    pub slug: String,
    /// Of the browser's secret.
    pub challenge: String,
    /// Where to go in the wiki.
    pub next: String,
    /// The name of its own that it was reached by.
    pub at: Option<String>,
    /// Who goes.
    pub person: String,
    /// Their address.
    pub email: String,
}

/// A wiki in a list.
pub struct WikiLine {
    /// Its name.
    pub name: String,
    /// Its slug.
    pub slug: String,
    /// Where it is.
    pub url: String,
    /// That it is off the air, in a word.
    pub note: Option<&'static str>,
    /// What an operator can do with it: as sent, as shown, whether something is lost.
    pub act: (&'static str, &'static str, bool),
    /// More about it: pages, bytes, owner, plan, last access; ready to print.
    pub about: Vec<String>,
}

/// One's own wikis.
#[derive(Template)]
#[template(path = "platform/wikis.html")]
pub struct WikisView {
    /// By slug.
    pub wikis: Vec<WikiLine>,
    /// Whether there may be one more.
    pub may_create: bool,
    /// What was done.
    pub notice: Option<String>,
}

/// Makes a wiki.
#[derive(Template)]
#[template(path = "platform/create.html")]
pub struct CreateView {
    /// Token of the session.
    pub csrf: String,
    /// The platform's domain.
    pub domain: String,
    /// What stands in the box.
    pub name: String,
    /// What stands in the box.
    pub slug: String,
    /// What stands in the box.
    pub purpose: String,
    /// Why the form came back.
    pub problem: Option<Notice>,
}

/// How much of something is used.
pub struct Bar {
    /// In a word.
    pub label: &'static str,
    /// Ready to print.
    pub used: String,
    /// Ready to print; none without a limit.
    pub most: Option<String>,
    /// Per cent of the limit.
    pub percent: u64,
    /// Whether people should know.
    pub near: bool,
}

/// A level of access to choose.
pub struct Level {
    /// As sent.
    pub value: &'static str,
    /// As shown.
    pub label: &'static str,
    /// Whether it is the one.
    pub chosen: bool,
}

/// A token in a list.
pub struct TokenLine {
    /// Names it.
    pub id: i64,
    /// What its owner calls it.
    pub label: String,
    /// What it may do.
    pub scope: String,
    /// When it was last used, ready to print.
    pub used: Option<String>,
}

/// What has to stand in the DNS.
pub struct DomainRecordView {
    /// Where.
    pub name: String,
    /// What.
    pub value: String,
}

/// A name of a wiki's own, or a claim to one.
pub struct DomainLine {
    /// The name.
    pub name: String,
    /// Where it leads, if it is the wiki's.
    pub url: Option<String>,
    /// Whether the wiki's address is there.
    pub main: bool,
    /// Whether the record is missing.
    pub lost: bool,
    /// When it ends if nothing happens, ready to print.
    pub ends: Option<String>,
    /// What to add, if it is missing.
    pub record: Option<DomainRecordView>,
}

/// One wiki, for its owner.
#[derive(Template)]
#[template(path = "platform/wiki.html")]
pub struct WikiView {
    /// Token of the session.
    pub csrf: String,
    /// Its name.
    pub name: String,
    /// Its slug.
    pub slug: String,
    /// Where it is.
    pub url: String,
    /// What it is for.
    pub description: String,
    /// What is wrong with it, if it cannot be opened.
    pub broken: bool,
    /// Of reading, writing, uploading: the name of the field, a word, the levels.
    pub access: Vec<(&'static str, &'static str, Vec<Level>)>,
    /// Where agents reach it.
    pub mcp: String,
    /// What connects one.
    pub mcp_command: String,
    /// Where git clones it from, if it may.
    pub clone: Option<String>,
    /// A token that was just made: shown this once.
    pub secret: Option<String>,
    /// Those there are.
    pub tokens: Vec<TokenLine>,
    /// Its host below the platform's domain.
    pub own_host: String,
    /// Whether its address is elsewhere.
    pub moved: bool,
    /// Names of its own.
    pub domains: Vec<DomainLine>,
    /// What is used.
    pub usage: Vec<Bar>,
    /// Why a form came back.
    pub problem: Option<Notice>,
    /// What was done.
    pub notice: Option<String>,
}

/// A wiki that waits to be removed, or was taken off the air.
#[derive(Template)]
#[template(path = "platform/gone.html")]
pub struct GoneView {
    /// Token of the session.
    pub csrf: String,
    /// Its name.
    pub name: String,
    /// Its slug.
    pub slug: String,
    /// Until when it can be had back, ready to print; none for one that is suspended.
    pub until: Option<String>,
    /// Why a form came back.
    pub problem: Option<Notice>,
}

/// A session in a list.
pub struct SessionLine {
    /// Names it.
    pub id: String,
    /// In which wiki; none: here.
    pub wiki: Option<String>,
    /// Whether it is the one at hand.
    pub current: bool,
    /// Ready to print.
    pub used: String,
}

/// One's own account.
#[derive(Template)]
#[template(path = "platform/account.html")]
pub struct AccountView {
    /// Token of the session.
    pub csrf: String,
    /// As shown.
    pub name: String,
    /// What one logs in with.
    pub email: String,
    /// Whether there is a password to be changed.
    pub has_password: bool,
    /// Whether nobody has shown that the address is theirs, and a mail would.
    pub may_confirm: bool,
    /// Shortest password.
    pub password_length: usize,
    /// Where one is logged in.
    pub sessions: Vec<SessionLine>,
    /// For the API.
    pub tokens: Vec<TokenLine>,
    /// A token that was just made: shown this once.
    pub secret: Option<String>,
    /// One's passkeys, where there are any.
    pub passkeys: Option<passkeys::Shown>,
    /// Who one is elsewhere.
    pub connections: Vec<Connection>,
    /// Where one could be somebody, too.
    pub ways: Vec<Way>,
    /// Where connections are ended.
    pub identities_url: &'static str,
    /// How many wikis would go with the account.
    pub wikis: usize,
    /// Why a form came back.
    pub problem: Option<Notice>,
    /// What was done.
    pub notice: Option<String>,
}

/// All wikis, for operators.
#[derive(Template)]
#[template(path = "platform/admin.html")]
pub struct AdminView {
    /// Token of the session.
    pub csrf: String,
    /// What was searched for.
    pub query: String,
    /// How many there are in all.
    pub count: u64,
    /// By slug.
    pub wikis: Vec<WikiLine>,
    /// The plans there are.
    pub plans: Vec<String>,
    /// Where the next ones are.
    pub next: Option<String>,
    /// What was done.
    pub notice: Option<String>,
    /// Why a form came back.
    pub problem: Option<Notice>,
}

/// Somebody in a list.
pub struct PersonLine {
    /// As shown.
    pub name: String,
    /// What they log in with.
    pub email: String,
    /// Whether they rule the installation.
    pub operator: bool,
    /// Ready to print.
    pub seen: String,
    /// Wikis of theirs.
    pub wikis: u32,
}

/// All accounts, for operators.
#[derive(Template)]
#[template(path = "platform/people.html")]
pub struct PeopleView {
    /// By address.
    pub people: Vec<PersonLine>,
    /// Where the next ones are.
    pub next: Option<String>,
}

/// A row of the log.
pub struct LogLine {
    /// Ready to print.
    pub time: String,
    /// Who.
    pub actor: String,
    /// The wiki, by its slug.
    pub wiki: String,
    /// What, to what, how it ended.
    pub what: String,
}

/// What happened lately, for operators.
#[derive(Template)]
#[template(path = "platform/log.html")]
pub struct LogView {
    /// Newest first.
    pub rows: Vec<LogLine>,
    /// Where the older ones are.
    pub next: Option<String>,
}

/// How workers stand, for operators.
#[derive(Template)]
#[template(path = "platform/workers.html")]
pub struct WorkersView {
    /// Token of the session.
    pub csrf: String,
    /// Where orders go.
    pub action: &'static str,
    /// Each.
    pub workers: Vec<Line>,
    /// What was done.
    pub notice: Option<String>,
    /// Why an order was refused.
    pub problem: Option<Notice>,
}
