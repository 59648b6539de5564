//! Accounts and their rights.

use crate::elsewhere::{Connection, Way};
use crate::passkeys;
use askama::Template;
use holt_core::MemberFlags;
use holt_engine::publish::filters;

use super::{Problem, SessionView, Tab, TokenView};

/// Asks who somebody is.
#[derive(Template)]
#[template(path = "login.html")]
pub struct LoginView {
    /// Token of the session, or of the form for those without one.
    pub csrf: String,
    /// Where to go afterwards: a path of this wiki, already checked.
    pub wanted: String,
    /// What stands in the box.
    pub email: String,
    /// Where to register, if one may.
    pub register_url: Option<String>,
    /// Where to ask for a confirmation mail, if one is missing.
    pub confirm_url: Option<String>,
    /// The platform's name, and the way to log in there, if this wiki is part of one.
    pub platform: Option<(String, String)>,
    /// Who else vouches for people.
    pub ways: Vec<Way>,
    /// To log in by a passkey, where there are any.
    pub passkey: Option<passkeys::Shown>,
    /// Why the form came back.
    pub problem: Option<Problem>,
    /// Why the reader was sent here.
    pub notice: Option<String>,
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

/// Creates the first administrator.
#[derive(Template)]
#[template(path = "setup.html")]
pub struct SetupView {
    /// Token of the form.
    pub csrf: String,
    /// From the one-time link.
    pub token: String,
    /// Name of the wiki.
    pub site_name: String,
    /// What stands in the box.
    pub name: String,
    /// What stands in the box.
    pub email: String,
    /// Shortest password.
    pub password_length: usize,
    /// Why the form came back.
    pub problem: Option<Problem>,
}

/// Creates an account.
#[derive(Template)]
#[template(path = "register.html")]
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
    pub problem: Option<Problem>,
}

/// How agents are connected: texts to copy.
pub struct AgentSetup {
    /// Where agents ask.
    pub url: String,
    /// A command.
    pub claude_code: String,
    /// A file.
    pub cursor: String,
    /// A file.
    pub vs_code: String,
}

/// One's own account.
#[derive(Template)]
#[template(path = "settings.html")]
pub struct SettingsView {
    /// Token of the session.
    pub csrf: String,
    /// As shown and as written into commits.
    pub name: String,
    /// Not changed here.
    pub email: String,
    /// Where to confirm the address, if that is to be done.
    pub confirm_url: Option<String>,
    /// Whether there is a password to be changed.
    pub has_password: bool,
    /// Shortest password.
    pub password_length: usize,
    /// This one first.
    pub sessions: Vec<SessionView>,
    /// One's passkeys, where there are any.
    pub passkeys: Option<passkeys::Shown>,
    /// Who one is elsewhere.
    pub connections: Vec<Connection>,
    /// Where one could be somebody, too.
    pub ways: Vec<Way>,
    /// Where connections are ended.
    pub identities_url: &'static str,
    /// Oldest first.
    pub tokens: Vec<TokenView>,
    /// What stands in the box for a new token's name.
    pub label: String,
    /// What stands in the box for the part it is for.
    pub within: String,
    /// What a new token may be allowed; empty: none can be made.
    pub scopes: Vec<Choice>,
    /// How long it may be good.
    pub lives: Vec<Choice>,
    /// The secret of the token just made.
    pub secret: Option<String>,
    /// What is copied into other programs.
    pub agents: AgentSetup,
    /// Why a form came back.
    pub problem: Option<Problem>,
    /// What was done.
    pub notice: Option<String>,
}

/// The wiki's settings.
#[derive(Template)]
#[template(path = "admin.html")]
pub struct AdminView {
    /// Token of the session.
    pub csrf: String,
    /// The other screens.
    pub tabs: Vec<Tab>,
    /// Preference.
    pub site_name: String,
    /// Preference.
    pub site_description: String,
    /// Preference `MARKDOWN_EXTRAS`.
    pub markdown_extras: bool,
    /// Preference `COMMENTS`.
    pub comments: bool,
    /// Reading, writing, uploading.
    pub access: Vec<AccessGroup>,
    /// Yes-or-no preferences about registration; `value` is the field.
    pub switches: Vec<Choice>,
    /// Why a form came back.
    pub problem: Option<Problem>,
    /// What was done.
    pub notice: Option<String>,
}

/// One of the three access levels.
#[derive(Debug, Clone)]
pub struct AccessGroup {
    /// As shown: "Who may read".
    pub label: String,
    /// Name of the field: `READ_access`, `WRITE_access`, `ATTACHMENT_access`.
    pub field: String,
    /// Its possible values.
    pub choices: Vec<Choice>,
}

/// A value one may choose.
#[derive(Debug, Clone)]
pub struct Choice {
    /// As sent.
    pub value: String,
    /// As shown.
    pub label: String,
    /// Whether it holds now.
    pub chosen: bool,
}

/// One member.
#[derive(Debug, Clone)]
pub struct MemberRow {
    /// User id.
    pub id: i64,
    /// As shown.
    pub name: String,
    /// As shown.
    pub email: String,
    /// Whether nobody has proved to read mail sent there.
    pub unconfirmed: bool,
    /// Rights.
    pub flags: MemberFlags,
}
