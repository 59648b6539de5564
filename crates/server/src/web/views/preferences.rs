//! Screens of preferences.

use askama::Template;
use holt_engine::publish::filters;

use super::{Choice, Problem, Tab};

/// A preference, ready to print.
pub struct Preference {
    /// Of the field.
    pub name: &'static str,
    /// As people call it.
    pub label: &'static str,
    /// More about it; may be empty.
    pub help: &'static str,
    /// How it is chosen, and what is.
    pub kind: PreferenceKind,
}

/// See [`Preference::kind`].
pub enum PreferenceKind {
    /// A line of text.
    Text(String),
    /// A tick.
    Switch(bool),
    /// One of a list: value, words, whether it is chosen.
    OneOf(Vec<(&'static str, &'static str, bool)>),
}

/// A line of the wiki's own menu.
#[derive(Debug, Clone, Default)]
pub struct MenuRow {
    /// Where it leads.
    pub link: String,
    /// What it says.
    pub title: String,
    /// Otterwiki's icon; kept, not shown.
    pub icon: String,
}

/// A screen.
#[derive(Template)]
#[template(path = "preferences.html")]
pub struct PreferencesView {
    /// Token of the session.
    pub csrf: String,
    /// The other screens.
    pub tabs: Vec<Tab>,
    /// Headline.
    pub title: &'static str,
    /// Where it is sent.
    pub action: &'static str,
    /// In order.
    pub fields: Vec<Preference>,
    /// Field, label, whether it is ticked.
    pub shortcuts: Vec<(&'static str, &'static str, bool)>,
    /// Whether the wiki's own menu is edited here.
    pub has_menu: bool,
    /// Its lines.
    pub menu: Vec<MenuRow>,
    /// Why the form came back.
    pub problem: Option<Problem>,
    /// What was done.
    pub notice: Option<String>,
}

/// A path rule, ready to change.
pub struct PathRuleRow {
    /// Whether it is the empty one.
    pub is_new: bool,
    /// The page it is about.
    pub path: String,
    /// Who may read.
    pub read: Vec<Choice>,
    /// Who may write.
    pub write: Vec<Choice>,
    /// Addresses of those who may read, too.
    pub readers: String,
    /// Addresses of those who may read and write, too.
    pub writers: String,
}

/// A rule for programs, ready to change.
pub struct AgentRuleRow {
    /// Whether it is the empty one.
    pub is_new: bool,
    /// The programs it is about.
    pub client: String,
    /// The page it is about; empty: all.
    pub path: String,
    /// What becomes of their changes.
    pub handling: Vec<Choice>,
}

/// The rules for programs.
#[derive(Template)]
#[template(path = "agent_policy.html")]
pub struct AgentPolicyView {
    /// Token of the session.
    pub csrf: String,
    /// The rules as they were stored when the form was made.
    pub before: String,
    /// The other screens.
    pub tabs: Vec<Tab>,
    /// In order, an empty one last.
    pub rules: Vec<AgentRuleRow>,
    /// How many days a proposal waits, as it stands in its field.
    pub days: String,
    /// Why the form came back.
    pub problem: Option<Problem>,
    /// What was done.
    pub notice: Option<String>,
}

/// The rules for parts of the wiki.
#[derive(Template)]
#[template(path = "path_rules.html")]
pub struct PathRulesView {
    /// Token of the session.
    pub csrf: String,
    /// The rules as they were stored when the form was made.
    pub before: String,
    /// The other screens.
    pub tabs: Vec<Tab>,
    /// In order, an empty one last.
    pub rules: Vec<PathRuleRow>,
    /// Addresses of the members, to choose from.
    pub members: Vec<String>,
    /// Why the form came back.
    pub problem: Option<Problem>,
    /// What was done.
    pub notice: Option<String>,
}
