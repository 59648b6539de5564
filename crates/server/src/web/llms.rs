//! The wiki for programs that read (llmstxt.org): what there is, and all of it, as far as whoever asks may read it.

use super::Context;
use crate::reply::{Reply, raw};
use holt_core::{PagePath, Result};
use holt_engine::Read;
use holt_engine::db::preferences::Preferences;
use holt_engine::pages;
use http::StatusCode;
use std::fmt::Write as _;

/// Most pages in the list.
const LISTED: usize = 5_000;
/// Length of `/llms-full.txt`, in bytes, after which no other page begins.
const FULL_BYTES: usize = 1024 * 1024;

fn head(preferences: &Preferences) -> String {
    let mut text = format!("# {}\n\n", preferences.site_name.replace('\n', " "));
    if let Some(about) = preferences.get("SITE_DESCRIPTION").filter(|about| !about.trim().is_empty()) {
        let _ = writeln!(text, "> {}\n", about.replace('\n', " "));
    }
    text
}

/// `GET /llms.txt`: what there is.
pub fn index(context: &Context<'_>) -> Result<Reply> {
    let scope = context.scope::<Read>()?;
    let preferences = context.preferences()?;
    let mut text = head(&preferences);
    text.push_str("Every page is Markdown at its address with `.md` behind it; `/llms-full.txt` has the text of all.\n\n## Pages\n\n");
    for (path, title, description) in pages::described(&scope, LISTED)? {
        let title = title.unwrap_or_else(|| preferences.display_name(&path, None)).replace(['[', ']', '\n'], " ");
        let _ = writeln!(
            text,
            "- [{title}]({}.md){}{}",
            path.url(),
            if description.is_empty() { "" } else { ": " },
            description.replace('\n', " ")
        );
    }
    Ok(raw(StatusCode::OK, "text/plain; charset=utf-8", text))
}

/// `GET /llms-full.txt[?after=PATH]`: the pages themselves, by path, as many as fit; what is left out is said at the end.
pub fn full(context: &Context<'_>) -> Result<Reply> {
    let scope = context.scope::<Read>()?;
    let after = context.request.query("after").filter(|after| !after.is_empty()).map(|after| PagePath::parse(&after)).transpose()?;
    let mut text = head(&*context.preferences()?);
    let all: Vec<PagePath> = pages::described(&scope, usize::MAX)?.into_iter().map(|(path, ..)| path).collect();
    let left: Vec<&PagePath> = all.iter().filter(|path| after.as_ref().is_none_or(|after| path.as_str() > after.as_str())).collect();
    for (i, path) in left.iter().enumerate() {
        if i > 0 && text.len() >= FULL_BYTES {
            let next = form_urlencoded::byte_serialize(left[i - 1].as_str().as_bytes()).collect::<String>();
            let _ = writeln!(text, "---\n\n{} more pages do not fit. They begin at /llms-full.txt?after={next}", left.len() - i);
            break;
        }
        let Some(view) = pages::page(&scope, path)? else { continue };
        let Some(source) = view.page.text() else { continue };
        let _ = writeln!(text, "---\n\nPage: {}.md\nRevision: {}\n\n{}\n", path.url(), view.last_change.id, source.trim_end());
    }
    Ok(raw(StatusCode::OK, "text/plain; charset=utf-8", text))
}
