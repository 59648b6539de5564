//! Accounts as their owners and administrators change them: mail, invitations, members, sessions, tokens, the log.

use askama::Template;
use holt_core::MemberFlags;
use holt_engine::publish::filters;

use super::people::MemberRow;
use super::{Choice, Moment, Problem};

/// A box with what stands in it, and what is wrong with that.
#[derive(Debug, Clone, Default)]
pub struct Field {
    /// What stands in it.
    pub value: String,
    /// A sentence or two.
    pub error: Option<String>,
}

/// The screens for administrators: words, address.
const SCREENS: [(&str, &str); 14] = [
    ("General", "/-/admin"),
    ("Appearance", "/-/admin/appearance"),
    ("Menu", "/-/admin/sidebar_preferences"),
    ("Content", "/-/admin/content_and_editing"),
    ("Members", "/-/admin/user_management"),
    ("Private", "/-/admin/path_rules"),
    ("Agents", "/-/admin/agent_policy"),
    ("Invites", "/-/admin/invitations"),
    ("Programs", "/-/admin/agents"),
    ("Mail", "/-/admin/mail_preferences"),
    ("Repository", "/-/admin/repository_management"),
    ("Mirror", "/-/admin/mirror"),
    ("Webhooks", "/-/admin/webhooks"),
    ("Log", "/-/admin/audit"),
];

/// A way from one screen to another.
#[derive(Debug, Clone)]
pub struct Tab {
    /// As shown.
    pub label: &'static str,
    /// Where it leads.
    pub url: &'static str,
    /// Whether one is there.
    pub current: bool,
}

/// All screens, seen from the one at `here`.
pub fn tabs(here: &str) -> Vec<Tab> {
    SCREENS.iter().map(|(label, url)| Tab { label, url, current: *url == here }).collect()
}

/// Asks for an address to send a link to.
#[derive(Template)]
#[template(path = "ask_mail.html")]
pub struct AskMailView {
    /// Token of the form.
    pub csrf: String,
    /// Heading.
    pub title: &'static str,
    /// What will happen.
    pub lead: &'static str,
    /// Where it is sent.
    pub url: &'static str,
    /// On the button.
    pub button: &'static str,
    /// What stands in the box.
    pub email: String,
    /// Why the form came back.
    pub problem: Option<Problem>,
    /// What was done.
    pub notice: Option<String>,
}

/// Asks for a new password in place of a forgotten one.
#[derive(Template)]
#[template(path = "new_password.html")]
pub struct NewPasswordView {
    /// Token of the form.
    pub csrf: String,
    /// Shortest password.
    pub password_length: usize,
    /// Why the form came back.
    pub problem: Option<Problem>,
}

/// A page with a button: whatever follows from a link happens when it is pressed. Sent to the address it is shown at.
#[derive(Template)]
#[template(path = "press.html")]
pub struct PressView {
    /// Token of the session or form.
    pub csrf: String,
    /// Heading.
    pub title: String,
    /// What will happen.
    pub lead: String,
    /// A field to send along: name, value.
    pub field: Option<(&'static str, &'static str)>,
    /// On the button.
    pub button: &'static str,
    /// Whether something is lost.
    pub danger: bool,
    /// Where to go instead.
    pub back: Option<String>,
    /// More that may happen: name of the field, words.
    pub tick: Option<(&'static str, &'static str)>,
}

/// What was done, and where to go on.
#[derive(Template)]
#[template(path = "said.html")]
pub struct SaidView {
    /// Heading.
    pub title: &'static str,
    /// What that means.
    pub lead: &'static str,
    /// Where to go on.
    pub url: &'static str,
    /// What it is called.
    pub link: &'static str,
}

/// Somebody who is invited makes an account.
#[derive(Template)]
#[template(path = "invite.html")]
pub struct InviteView {
    /// Token of the form.
    pub csrf: String,
    /// Name of the wiki.
    pub site_name: String,
    /// What stands in the box.
    pub name: String,
    /// What stands in the box.
    pub email: String,
    /// Whether the address cannot be changed.
    pub fixed: bool,
    /// For those who have an account.
    pub login_url: String,
    /// Shortest password.
    pub password_length: usize,
    /// Why the form came back.
    pub problem: Option<Problem>,
}

/// Who is a member.
#[derive(Template)]
#[template(path = "members.html")]
pub struct MembersView {
    /// Token of the session.
    pub csrf: String,
    /// The other screens.
    pub tabs: Vec<Tab>,
    /// By e-mail.
    pub members: Vec<MemberRow>,
    /// Why the form came back.
    pub problem: Option<Problem>,
    /// What was done.
    pub notice: Option<String>,
}

/// One member, or one to be added.
#[derive(Template)]
#[template(path = "user.html")]
pub struct UserView {
    /// Token of the session.
    pub csrf: String,
    /// The other screens.
    pub tabs: Vec<Tab>,
    /// None: to be added.
    pub id: Option<i64>,
    /// As shown and as written into commits.
    pub name: Field,
    /// What one logs in with.
    pub email: Field,
    /// What is wrong with the password; it is never shown.
    pub password_error: Option<String>,
    /// Shortest password.
    pub password_length: usize,
    /// Rights.
    pub flags: MemberFlags,
    /// Whether somebody proved to read mail sent to the address.
    pub email_confirmed: bool,
    /// Whether that may be changed.
    pub may_confirm: bool,
    /// Whether name, address and password may be changed.
    pub may_change_account: bool,
    /// Whether the account administers the installation.
    pub operator: bool,
    /// Whether it is one's own.
    pub oneself: bool,
    /// Whether an invitation can be sent instead of choosing a password.
    pub mail_works: bool,
    /// Why the form came back.
    pub problem: Option<Problem>,
    /// What was done.
    pub notice: Option<String>,
}

/// Who may become a member.
#[derive(Template)]
#[template(path = "invitations.html")]
pub struct InvitationsView {
    /// Token of the session.
    pub csrf: String,
    /// The other screens.
    pub tabs: Vec<Tab>,
    /// Newest first.
    pub open: Vec<InvitationView>,
    /// Of a new one.
    pub email: Field,
    /// Of a new one.
    pub uses: Field,
    /// Of a new one; `value` is the field.
    pub rights: Vec<Choice>,
    /// Whether links can be sent.
    pub mail_works: bool,
    /// Whether the link is shown nevertheless.
    pub by_hand: bool,
    /// The link of the invitation just made.
    pub secret: Option<String>,
    /// Why the form came back.
    pub problem: Option<Problem>,
    /// What was done.
    pub notice: Option<String>,
}

/// One open invitation.
#[derive(Debug, Clone)]
pub struct InvitationView {
    /// Names it.
    pub id: i64,
    /// The only address that may use it.
    pub to: Option<String>,
    /// Whether it went there by mail.
    pub mailed: bool,
    /// What it gives beyond membership.
    pub rights: Vec<&'static str>,
    /// How many may accept it.
    pub uses_left: u32,
    /// Whose it is.
    pub made_by: String,
    /// When it ends.
    pub expires: Moment,
}

/// Which server sends mail.
#[derive(Template)]
#[template(path = "mail.html")]
pub struct MailView {
    /// Token of the session.
    pub csrf: String,
    /// The other screens.
    pub tabs: Vec<Tab>,
    /// Whether the settings may be changed.
    pub may_change: bool,
    /// The installation's server, if it has one.
    pub default_server: Option<String>,
    /// Why mail cannot be sent now.
    pub cannot: Option<String>,
    /// Preference.
    pub sender: Field,
    /// Preference.
    pub server: Field,
    /// Preference.
    pub port: Field,
    /// Preference.
    pub username: Field,
    /// Whether a password is stored; it is never shown.
    pub has_password: bool,
    /// Preferences `MAIL_USE_SSL`, `MAIL_USE_TLS`.
    pub security: Vec<Choice>,
    /// Of a test mail.
    pub recipient: Field,
    /// Mail that was not sent, newest first.
    pub failures: Vec<AuditEntryView>,
    /// Why a form came back.
    pub problem: Option<Problem>,
    /// What was done.
    pub notice: Option<String>,
}

/// What happened.
#[derive(Template)]
#[template(path = "audit.html")]
pub struct AuditView {
    /// The other screens.
    pub tabs: Vec<Tab>,
    /// Newest first.
    pub entries: Vec<AuditEntryView>,
    /// What stands in the box.
    pub actor: String,
    /// All actions.
    pub actions: Vec<Choice>,
    /// Whether one may see other wikis.
    pub operator: bool,
    /// Whether one does.
    pub everywhere: bool,
    /// The newest.
    pub newer_url: Option<String>,
    /// Those before.
    pub older_url: Option<String>,
}

/// A row of the log.
#[derive(Debug, Clone)]
pub struct AuditEntryView {
    /// What.
    pub label: String,
    /// To what.
    pub object: String,
    /// Who.
    pub actor: String,
    /// When.
    pub when: Moment,
    /// Where, among all wikis.
    pub wiki: Option<String>,
    /// How it ended, unless well.
    pub result: Option<String>,
}

/// Where somebody is logged in.
#[derive(Debug, Clone)]
pub struct SessionView {
    /// Names it.
    pub id: String,
    /// Name of the wiki.
    pub wiki: String,
    /// When it began.
    pub created: Moment,
    /// When it was last used.
    pub last_used: Moment,
    /// Whether it is the one at hand.
    pub current: bool,
}

/// A token, without its secret.
#[derive(Debug, Clone)]
pub struct TokenView {
    /// Names it.
    pub id: i64,
    /// As its owner calls it.
    pub label: String,
    /// What it may do.
    pub scope: String,
    /// The page it is for, if not for all.
    pub within: Option<String>,
    /// When it was made.
    pub created: Moment,
    /// When it was last used.
    pub last_used: Option<Moment>,
    /// When it ends.
    pub expires: Option<Moment>,
    /// Whether it has.
    pub expired: bool,
}
