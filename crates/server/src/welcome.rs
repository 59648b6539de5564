//! The pages that a new wiki begins with.

use holt_core::{Actor, Edit, PagePath, Result, WikiName};
use holt_engine::db::preferences::Audience;
use holt_engine::{Engine, Write};

/// What a new installation begins with.
pub const FIRST: &[(&str, &str)] = &[
    ("Home", include_str!("../welcome/Home.md")),
    ("Guide/Writing pages", WRITING),
    ("Guide/For administrators", ADMINISTRATORS),
    ("Agent Guide", AGENTS),
];

const WRITING: &str = include_str!("../welcome/Writing.md");
const ADMINISTRATORS: &str = include_str!("../welcome/Administrators.md");
const AGENTS: &str = include_str!("../welcome/Agents.md");

/// What a wiki begins with that somebody makes on the platform: its name and what it is for stand on its home page.
pub fn pages(name: &str, purpose: &str) -> Result<Vec<(PagePath, String)>> {
    let purpose = if purpose.is_empty() { String::new() } else { format!("{}\n\n", plain(purpose)) };
    let home = format!("# {}\n\n{purpose}- [[Guide/Writing pages]]\n- [[Guide/For administrators]]\n- [[Agent Guide]]\n", plain(name));
    [("Home", home.as_str()), ("Guide/Writing pages", WRITING), ("Guide/For administrators", ADMINISTRATORS), ("Agent Guide", AGENTS)]
        .into_iter()
        .map(|(path, text)| Ok((PagePath::parse(path)?, text.to_string())))
        .collect()
}

/// One line that Markdown shows as it is.
fn plain(text: &str) -> String {
    let mut line = String::new();
    for c in text.chars().map(|c| if c.is_control() { ' ' } else { c }) {
        if c.is_ascii_punctuation() && !matches!(c, '.' | ',' | '\'' | '(' | ')' | ':' | ';' | '?' | '/' | '-' | '%' | '"') {
            line.push('\\');
        }
        line.push(c);
    }
    line.trim().to_string()
}

/// Makes the first wiki of a data directory.
pub fn make(engine: &Engine) -> Result<()> {
    let wiki = engine.create_wiki(&WikiName::parse("wiki")?, "Our wiki", Audience::Everybody)?;
    let scope = wiki.grant::<Write>(&Actor::System)?;
    for (name, text) in FIRST {
        let edit = Edit::new(PagePath::parse(name)?, None, (*text).to_string(), "Welcome")?;
        holt_engine::pages::save(&scope, &edit, None)?;
    }
    // All of it is published: the mark of an interrupted run would have it looked at again.
    engine.settle_all()
}
