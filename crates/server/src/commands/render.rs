//! `holt render`: the renderer alone, without a data directory.

use super::output;
use crate::config::{RenderArgs, RenderFormat};
use holt_core::{Error, Result};
use holt_markdown::{Allowlist, Context, Extras, LinkKind, Options, WikilinkStyle};
use serde_json::json;
use std::io::Read;
use std::process::ExitCode;

/// Reads Markdown from standard input.
pub fn run(args: &RenderArgs) -> Result<ExitCode> {
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes).map_err(|e| Error::io("read standard input", e))?;
    let source = String::from_utf8(bytes)
        .map_err(|e| Error::invalid("the input is not UTF-8 text").hint("Convert it to UTF-8 first.").because(e))?;
    let mut options = Options::default();
    let mut page_url = None;
    for (key, value) in &args.set {
        match key.as_str() {
            "PAGE_URL" => page_url = Some(value.as_str()),
            "WIKILINK_STYLE" => options.wikilink_style = WikilinkStyle::from_preference(value),
            "OPEN_LINKS_IN_NEW_TAB" => options.open_links_in_new_tab = matches!(value.to_lowercase().as_str(), "true" | "yes"),
            "MARKDOWN_EXTRAS" => options.extras = Extras::from_preference(value),
            "RENDERER_HTML_ALLOWLIST" => options.html_allowlist = Allowlist::parse(value),
            // Known preferences of the dialect that change nothing in this version of the renderer.
            "RETAIN_PAGE_NAME_CASE" | "TREAT_UNDERSCORE_AS_SPACE_FOR_TITLES" => {}
            other => {
                return Err(Error::invalid(format!("{other} is no preference that influences rendering"))
                    .hint("Use PAGE_URL, WIKILINK_STYLE, MARKDOWN_EXTRAS, OPEN_LINKS_IN_NEW_TAB, RENDERER_HTML_ALLOWLIST, RETAIN_PAGE_NAME_CASE or TREAT_UNDERSCORE_AS_SPACE_FOR_TITLES."));
            }
        }
    }
    let rendered = holt_markdown::render(&source, &Context { page_url, options, ..Context::default() });
    match args.format {
        RenderFormat::Html => output::line(rendered.html.as_str().trim_end()),
        RenderFormat::Json => {
            let toc: Vec<_> = rendered
                .toc
                .iter()
                .map(|h| json!({"index": h.index, "html": h.html.as_str(), "level": h.level, "text": h.text, "anchor": h.anchor}))
                .collect();
            let links: Vec<_> = rendered.links.iter().map(|l| json!({"target": l.target, "kind": kind(l.kind)})).collect();
            let requires = &rendered.requires;
            output::json(&json!({
                "html": rendered.html.as_str(),
                "toc": toc,
                "requires": {"mathjax": requires.mathjax, "mermaid": requires.mermaid, "datatables": requires.datatables},
                "links": links,
            }));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn kind(kind: LinkKind) -> &'static str {
    match kind {
        LinkKind::Wikilink => "wikilink",
        LinkKind::Markdown => "markdown",
        LinkKind::Image => "image",
    }
}
