//! How pages hang together (spec/api.md §5.3).

use super::failure::Failure;
use super::{Answer, address, ok};
use crate::reply::raw;
use crate::web::Context;
use holt_core::{Error, PagePath};
use holt_engine::Read;
use holt_engine::pages;
use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

/// `GET /links/{path}`: of one page, which need not exist.
pub fn of_page(context: &Context<'_>) -> Answer {
    Ok(ok(&of(context, &address(context)?)?))
}

/// What that says.
pub fn of(context: &Context<'_>, path: &PagePath) -> Result<Value, Failure> {
    let scope = context.scope::<Read>()?;
    let preferences = context.preferences()?;
    let stored = pages::page(&scope, path)?.map_or_else(|| path.clone(), |page| page.page.path);
    let links = pages::links_of(&scope, path)?;
    let shown = |paths: &[PagePath]| paths.iter().map(|path| preferences.display_path(path)).collect::<Vec<_>>();
    Ok(json!({"path": preferences.display_path(&stored), "links_to": shown(&links.to), "linked_from": shown(&links.from)}))
}

/// `GET /links`: all pages and all links between them.
pub fn graph(context: &Context<'_>) -> Answer {
    let preferences = context.preferences()?;
    let graph = pages::graph(&context.scope::<Read>()?)?;
    let nodes: Vec<String> = graph.nodes.iter().map(|path| preferences.display_path(path)).collect();
    let edges = graph.edges.iter().map(|(from, to)| GraphEdge { source: &nodes[*from], target: &nodes[*to] }).collect();
    // Written as it is walked through: a value per name would cost more than all the rest.
    let text = serde_json::to_string(&GraphResponse { nodes: &nodes, edges }).map_err(|e| Error::internal("write a graph").because(e))?;
    Ok(raw(StatusCode::OK, "application/json", text))
}

#[derive(Serialize)]
struct GraphResponse<'g> {
    nodes: &'g [String],
    edges: Vec<GraphEdge<'g>>,
}

#[derive(Serialize)]
struct GraphEdge<'g> {
    source: &'g str,
    target: &'g str,
}

/// `GET /links/orphans`: pages that nobody links to.
pub fn orphans(context: &Context<'_>) -> Answer {
    Ok(ok(&json!({"orphans": alone(context)?})))
}

/// What that says.
pub fn alone(context: &Context<'_>) -> Result<Vec<String>, Failure> {
    let preferences = context.preferences()?;
    let found = pages::orphans(&context.scope::<Read>()?)?;
    Ok(found.iter().map(|path| preferences.display_path(path)).collect())
}

/// `GET /links/missing`: pages that are linked to and not there.
pub fn missing(context: &Context<'_>) -> Answer {
    Ok(ok(&json!({"missing": wanted(context)?})))
}

/// What that says.
pub fn wanted(context: &Context<'_>) -> Result<Vec<Value>, Failure> {
    let preferences = context.preferences()?;
    let shown = |wanted: pages::Wanted| {
        let sources: Vec<String> = wanted.from.iter().map(|path| preferences.display_path(path)).collect();
        json!({"target": preferences.display_path(&wanted.path), "sources": sources})
    };
    Ok(pages::wanted(&context.scope::<Read>()?)?.into_iter().map(shown).collect())
}
