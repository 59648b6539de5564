//! `GET /-/syntax`: the guide to Markdown, which is docs/markdown.md in the language of the wiki, with every example beside what this wiki makes
//! of it.

use super::Context;
use super::views::{GuidePiece, GuideView};
use crate::reply::Reply;
use holt_core::{Language, Result};
use holt_engine::pages;
use holt_engine::publish::views::{AsideView, scripts};
use holt_markdown::{Heading, Options, Requires, render};
use http::StatusCode;

const ENGLISH: &str = include_str!("../../../../docs/markdown.md");
const GERMAN: &str = include_str!("../../../../docs/markdown.de.md");
/// What follows is for those who work on the renderer.
const END: &str = "\n## For those who work on";

/// `GET /-/help`, `/-/syntax`
pub fn show(context: &Context<'_>) -> Result<Reply> {
    let guide = guide(&pages::render_options(&*context.preferences()?));
    let toc: Vec<Heading> = guide.toc.into_iter().filter(|heading| heading.level == 2).collect();
    let main = context.draw(&GuideView { pieces: guide.pieces, scripts: scripts(guide.requires) })?;
    let toc = holt_engine::publish::toc(&toc);
    let aside = context.draw(&AsideView { toc: &toc, tags: &[], backlinks: &[], more_backlinks: 0 })?;
    context.slots(StatusCode::OK, &context.say("Markdown help")?, main, None, Some(aside))
}

struct Guide {
    pieces: Vec<GuidePiece>,
    toc: Vec<Heading>,
    requires: Requires,
}

fn guide(options: &Options) -> Guide {
    let source = match options.language {
        Language::English => ENGLISH,
        Language::German => GERMAN,
    };
    let text = source.split(END).next().unwrap_or_default();
    let mut guide = Guide { pieces: Vec::new(), toc: Vec::new(), requires: Requires::default() };
    for piece in pieces(text) {
        let (source, page_url) = match piece {
            Piece::Text(source) => (source, None),
            Piece::Example(source) => (source, Some("/Guide/Syntax")),
        };
        let context = holt_markdown::Context { page_url, options: options.clone(), ..holt_markdown::Context::default() };
        let rendered = render(&source, &context);
        guide.requires.mermaid |= rendered.requires.mermaid;
        guide.requires.datatables |= rendered.requires.datatables;
        guide.pieces.push(if page_url.is_some() {
            GuidePiece::Example { source, result: rendered.html }
        } else {
            guide.toc.extend(rendered.toc);
            GuidePiece::Text(rendered.html)
        });
    }
    guide
}

enum Piece {
    Text(String),
    /// A fence whose language is `markdown`.
    Example(String),
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let (mut current, mut fence) = (String::new(), None);
    for line in text.split_inclusive('\n') {
        let body = line.trim_end();
        let marks = body.len() - body.trim_start_matches('`').len();
        match fence {
            None if marks >= 3 && &body[marks..] == "markdown" => {
                pieces.push(Piece::Text(std::mem::take(&mut current)));
                fence = Some(marks);
            }
            Some(open) if marks >= open && body.len() == marks => {
                pieces.push(Piece::Example(std::mem::take(&mut current)));
                fence = None;
            }
            _ => current.push_str(line),
        }
    }
    pieces.push(Piece::Text(current));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use holt_markdown::{Extras, WikilinkStyle};
    use std::fmt::Write as _;

    /// Source and result of every example, side by side: a change of either is looked at.
    #[test]
    fn every_example_is_what_it_says() {
        let options = Options { extras: Extras::On, wikilink_style: WikilinkStyle::TargetFirst, ..Options::default() };
        let guide = guide(&options);
        let mut shown = String::new();
        let mut examples = 0;
        for piece in &guide.pieces {
            let GuidePiece::Example { source, result } = piece else { continue };
            examples += 1;
            writeln!(shown, "{source}\n=>\n{}\n------", result.as_str().trim()).unwrap();
        }
        assert!(examples >= 40, "{examples} examples");
        assert!(guide.toc.iter().filter(|heading| heading.level == 2).count() >= 20);
        insta::assert_snapshot!(shown);
    }

    /// The same chapters and the same examples, in their order; only their words are others.
    #[test]
    fn every_language_has_the_same_guide() {
        let shape = |language| {
            let options = Options { extras: Extras::On, wikilink_style: WikilinkStyle::TargetFirst, language, ..Options::default() };
            let guide = guide(&options);
            let levels: Vec<u8> = guide.toc.iter().map(|heading| heading.level).collect();
            let signs = |html: &str| html.matches('<').count();
            let pieces: Vec<(bool, usize)> = guide
                .pieces
                .iter()
                .map(|piece| match piece {
                    GuidePiece::Text(html) => (false, signs(html.as_str())),
                    GuidePiece::Example { result, .. } => (true, signs(result.as_str())),
                })
                .collect();
            (levels, pieces)
        };
        assert_eq!(shape(Language::German), shape(Language::English));
    }

    #[test]
    fn those_who_work_on_the_renderer_have_their_part() {
        assert!(ENGLISH.contains(END));
        let shown: String = guide(&Options::default())
            .pieces
            .iter()
            .map(|piece| match piece {
                GuidePiece::Text(html) => html.as_str(),
                GuidePiece::Example { result, .. } => result.as_str(),
            })
            .collect();
        assert!(!shown.contains("dialect::"), "tests are named in the part that is not shown");
    }
}
