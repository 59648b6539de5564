//! Accounts and their rights.

use askama::Template;
use holt_core::MemberFlags;

use super::Problem;

/// Asks who somebody is.
#[derive(Template)]
#[template(path = "login.html")]
pub struct LoginView {
    /// Token of the session, or of the form for those without one.
    pub csrf: String,
    /// Where to go afterwards: a path of this wiki, already checked.
    pub next: String,
    /// What stands in the box.
    pub email: String,
    /// Where to register, if one may.
    pub register_url: Option<String>,
    /// Why the form came back.
    pub problem: Option<Problem>,
    /// Why the reader was sent here.
    pub notice: Option<String>,
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
    /// Shortest password.
    pub password_length: usize,
    /// Why a form came back.
    pub problem: Option<Problem>,
    /// What was done.
    pub notice: Option<String>,
}

/// The wiki's settings and members.
#[derive(Template)]
#[template(path = "admin.html")]
pub struct AdminView {
    /// Token of the session.
    pub csrf: String,
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
    /// By e-mail.
    pub members: Vec<MemberRow>,
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
    /// Rights.
    pub flags: MemberFlags,
}
