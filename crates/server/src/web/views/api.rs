//! The API for people.

use askama::Template;
use holt_engine::publish::filters;

/// All of it. What the operations say of themselves is English, as in the document for programs.
#[derive(Template)]
#[template(path = "api.html")]
pub struct ApiView {
    /// Where it begins, host and all.
    pub base: String,
    /// Where the document for programs is.
    pub document: String,
    /// What stands for a token in the examples.
    pub token: &'static str,
    /// In order.
    pub groups: Vec<ApiGroup>,
}

/// Operations about the same things.
pub struct ApiGroup {
    /// Its place on the page.
    pub anchor: String,
    /// A text of ours.
    pub title: &'static str,
    /// By address.
    pub operations: Vec<ApiOperation>,
}

/// One method at one address.
pub struct ApiOperation {
    /// Its place on the page.
    pub anchor: String,
    /// In capitals.
    pub method: String,
    /// Behind the base, with holes.
    pub path: String,
    /// What it does, in a line.
    pub summary: String,
    /// More about that.
    pub text: Option<String>,
    /// What one has to be allowed: a word of ours; nothing for everybody.
    pub right: Option<&'static str>,
    /// Of the address, the query and the headers.
    pub parameters: Vec<ApiField>,
    /// Of the body, in JSON.
    pub fields: Vec<ApiField>,
    /// Whether the body is a file.
    pub is_raw: bool,
    /// By status.
    pub answers: Vec<ApiAnswer>,
    /// A command.
    pub example: String,
}

/// A parameter or a field.
pub struct ApiField {
    /// As it is sent.
    pub name: String,
    /// `path`, `query` or `header`; none for fields.
    pub place: Option<String>,
    /// Its type in JSON.
    pub kind: String,
    /// Whether it must be there.
    pub required: bool,
    /// All it may be; empty for anything.
    pub values: Vec<String>,
    /// The least it may be, or have in it.
    pub least: Option<String>,
    /// The most.
    pub most: Option<String>,
    /// What counts without it.
    pub default: Option<String>,
    /// In characters.
    pub longest: Option<String>,
    /// What it means.
    pub text: String,
}

/// What may come back.
pub struct ApiAnswer {
    /// Three digits.
    pub status: String,
    /// Whether that is no refusal.
    pub good: bool,
    /// When.
    pub text: String,
    /// Types of media.
    pub kinds: Vec<String>,
    /// What is in its JSON.
    pub fields: Vec<String>,
}
