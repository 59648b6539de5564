//! What people see of programs that act for them by OAuth.

use super::{Moment, Problem, Tab};
use askama::Template;
use holt_engine::publish::filters;

/// Asks whether a program may do something.
#[derive(Template)]
#[template(path = "consent.html")]
pub struct ConsentView {
    /// Token of the session.
    pub csrf: String,
    /// Where the answer is sent.
    pub action: String,
    /// What the program calls itself.
    pub client: String,
    /// The host of the address that describes it; none: nobody vouches for its name.
    pub known_by: Option<String>,
    /// The host that its answer goes to.
    pub to: String,
    /// Whether that is the reader's own machine.
    pub local: bool,
    /// The wiki's name.
    pub wiki: String,
    /// The wiki's host.
    pub host: String,
    /// Who is asked.
    pub name: String,
    /// Who is asked.
    pub email: String,
    /// What can be allowed, narrowest first.
    pub scopes: Vec<ScopeChoice>,
    /// Whether more is asked for than they may do themselves.
    pub less: bool,
}

/// Something that can be allowed.
pub struct ScopeChoice {
    /// As sent.
    pub value: &'static str,
    /// In words.
    pub label: &'static str,
    /// Whether it is ticked.
    pub chosen: bool,
    /// Whether it is what the program asks for.
    pub asked: bool,
}

/// Says why nobody is asked.
#[derive(Template)]
#[template(path = "consent_refused.html")]
pub struct ConsentRefusedView {
    /// Why.
    pub about: String,
    /// The way back to the program: its host, and the whole address.
    pub back: Option<(String, String)>,
}

/// The programs that act for somebody, or for anybody.
#[derive(Template)]
#[template(path = "connected.html")]
pub struct ConnectedView {
    /// Token of the session.
    pub csrf: String,
    /// The other screens, for administrators.
    pub tabs: Vec<Tab>,
    /// Where revoking is sent.
    pub action: &'static str,
    /// Newest first.
    pub agents: Vec<ConnectedProgram>,
    /// Why the form came back.
    pub problem: Option<Problem>,
    /// What was done.
    pub notice: Option<String>,
}

/// A program.
pub struct ConnectedProgram {
    /// Names it.
    pub id: i64,
    /// What it calls itself.
    pub name: String,
    /// The host of the address that describes it.
    pub host: Option<String>,
    /// What it may do.
    pub scope: &'static str,
    /// For whom, where that is not the reader.
    pub user: Option<String>,
    /// When it was allowed.
    pub created: Moment,
    /// When it was last used.
    pub last_used: Option<Moment>,
}
