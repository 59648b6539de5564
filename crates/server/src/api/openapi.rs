//! `GET /openapi.json`: the API as programs read it. Addresses, methods and rights come out of the table of routes; what is sent and comes back
//! stands here, and a test holds that no route is left out. The golden file is crates/server/tests/it/api/openapi.json.

use super::{Answer, ok};
use crate::routes::{self, Need, Route};
use crate::web::Context;
use serde_json::{Map, Value, json};

/// What a route takes and gives: a name of its own, what it does, parameters of the query, fields of the body (those with `!` must be there),
/// what it answers when all is well, and the refusals that are not every route's.
struct Shape {
    name: &'static str,
    summary: &'static str,
    query: &'static [&'static str],
    body: &'static [&'static str],
    good: &'static [u16],
    refusals: &'static [u16],
}

const fn shape(
    name: &'static str,
    summary: &'static str,
    query: &'static [&'static str],
    body: &'static [&'static str],
    good: &'static [u16],
    refusals: &'static [u16],
) -> Shape {
    Shape { name, summary, query, body, good, refusals }
}

/// By method and address.
#[rustfmt::skip]
const SHAPES: &[(&str, &str, Shape)] = &[
    ("GET",    "/health",       shape("health", "Whether the server answers", &[], &[], &[200], &[])),
    ("GET",    "/openapi.json", shape("openapi", "This description", &[], &[], &[200], &[])),
    ("GET",    "/wiki",         shape("wiki", "What the wiki is, what you may do, and how much fits", &[], &[], &[200], &[])),
    ("GET",    "/index-status", shape("indexStatus", "Where search and links stand", &[], &[], &[200], &[])),
    ("POST",   "/reindex",      shape("reindex", "Makes the index of words again, in the background", &[], &[], &[202], &[409, 415, 422])),
    ("GET",    "/reindex/status", shape("reindexStatus", "How that goes", &[], &[], &[200], &[])),
    ("GET",    "/semantic-search", shape("semanticSearch", "Pages by meaning; 503 while nothing is there that knows meanings", &["q", "n", "max_chunks_per_page"], &[], &[], &[422])),
    ("GET",    "/chroma-status", shape("chromaStatus", "Where the index of meanings stands", &[], &[], &[200], &[])),
    ("GET",    "/tree",         shape("tree", "Pages and folders", &["path", "depth"], &[], &[200], &[422])),
    ("GET",    "/pages",        shape("listPages", "Pages by path, in parts", &["prefix", "category", "tag", "updated_since", "limit", "cursor"], &[], &[200], &[422])),
    ("POST",   "/pages:batchGet", shape("batchGet", "Up to 50 pages at once", &[], &["paths!"], &[200], &[415, 422])),
    ("POST",   "/commits",      shape("commit", "Several pages in one commit, all or nothing", &[], &["message!", "operations!", "base"], &[200], &[404, 409, 415, 422])),
    ("GET",    "/changes",      shape("changes", "What changed since a revision: at once, as soon as something does, or as events", &["since", "limit", "cursor", "wait"], &[], &[200], &[410, 422, 429])),
    ("GET",    "/changelog",    shape("changelog", "Commits of the wiki, newest first", &["limit", "cursor", "since", "path_prefix", "author"], &[], &[200], &[422])),
    ("GET",    "/search",       shape("search", "Pages by words, best first, or lines by a regular expression", &["q", "prefix", "tag", "category", "author", "before", "after", "explain", "regex", "limit", "offset", "cursor"], &[], &[200], &[422])),
    ("GET",    "/links",        shape("links", "All pages and the links between them", &[], &[], &[200], &[])),
    ("GET",    "/links/orphans", shape("orphans", "Pages that no other page links to", &[], &[], &[200], &[])),
    ("GET",    "/links/missing", shape("missing", "Pages that are linked to and do not exist", &[], &[], &[200], &[])),
    ("GET",    "/links/{page}", shape("linksOf", "The links of one page", &[], &[], &[200], &[422])),
    ("GET",    "/pages/{page}/history", shape("history", "Commits of a page, newest first", &["limit", "cursor"], &[], &[200], &[422])),
    ("GET",    "/pages/{page}/diff", shape("diff", "What differs between two revisions of a page", &["from", "to"], &[], &[200], &[422])),
    ("POST",   "/pages/{page}/rename", shape("rename", "Moves a page, its files and what is below it; links follow", &[], &["new_path!", "commit_message", "revision", "update_links"], &[200], &[409, 415, 422])),
    ("POST",   "/pages/{page}/revert", shape("revert", "Makes a page what it was", &[], &["to_revision!", "revision!", "commit_message"], &[200], &[409, 415, 422])),
    ("GET",    "/pages/{page}/attachments", shape("listAttachments", "Files beside a page", &[], &[], &[200], &[422])),
    ("POST",   "/pages/{page}/attachments", shape("upload", "Adds a file, in base64", &[], &["filename!", "content!", "commit_message", "overwrite"], &[201], &[409, 415, 422])),
    ("GET",    "/pages/{page}/attachments/{file}", shape("getAttachment", "A file, in base64 or as it is", &["revision", "format"], &[], &[200, 206, 304], &[416, 422])),
    ("PUT",    "/pages/{page}/attachments/{file}", shape("putAttachment", "Adds a file: the body, as it is", &[], &[], &[201], &[409, 412, 422])),
    ("DELETE", "/pages/{page}/attachments/{file}", shape("deleteAttachment", "Deletes a file", &[], &["commit_message"], &[200], &[415, 422])),
    ("GET",    "/pages/{page}", shape("readPage", "A page, a part of it, or how it was", &["revision", "section", "format"], &[], &[200, 304], &[422])),
    ("PUT",    "/pages/{page}", shape("writePage", "Creates or replaces a page", &[], &["content!", "revision", "commit_message"], &[200, 201], &[409, 412, 415, 422])),
    ("PATCH",  "/pages/{page}", shape("editPage", "Changes one string or one section of a page", &[], &["revision", "old_string", "new_string", "section", "content", "commit_message"], &[200], &[409, 412, 415, 422])),
    ("DELETE", "/pages/{page}", shape("deletePage", "Deletes a page and its files", &["attachments"], &["commit_message", "revision"], &[200], &[409, 412, 415, 422])),
];

const BASE: &str = "/api/v1";

/// Answers it.
pub fn show(_: &Context<'_>) -> Answer {
    Ok(ok(&description()))
}

fn description() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for route in routes::ROUTES {
        let Some(address) = route.pattern.strip_prefix(BASE) else { continue };
        let Some((.., shape)) = SHAPES.iter().find(|(method, one, _)| *method == route.method && *one == address) else { continue };
        let path = paths.entry(address.replace("{page}", "{path}").replace("{file}", "{filename}")).or_insert_with(|| json!({}));
        path[route.method.to_lowercase()] = operation(route, shape);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Holt", "version": "1", "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
            "description": "A wiki of Markdown pages in git. `{path}` is the path of a page and may contain slashes.",
        },
        "servers": [{"url": BASE}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {
                "Problem": {
                    "type": "object", "required": ["error", "code"],
                    "properties": {
                        "error": {"type": "string"}, "code": {"type": "string"}, "hint": {"type": "string"}, "field": {"type": "string"},
                        "current_revision": {"type": "string", "pattern": "^[0-9a-f]{40}$"},
                    },
                },
            },
        },
    })
}

fn operation(route: &Route, shape: &Shape) -> Value {
    let holes = [("{page}", "path"), ("{file}", "filename")].into_iter().filter(|(hole, _)| route.pattern.contains(hole));
    let mut parameters: Vec<Value> =
        holes.map(|(_, name)| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}})).collect();
    parameters.extend(shape.query.iter().map(|name| {
        let kind = if matches!(*name, "limit" | "offset" | "depth" | "wait") { "integer" } else { "string" };
        json!({"name": name, "in": "query", "schema": {"type": kind}})
    }));
    let changes = matches!(route.need, Need::Write | Need::Upload);
    if changes {
        let schema = json!({"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"});
        let about = "The same key and request again: done once, answered the same for 24 hours";
        parameters.push(json!({"name": "Idempotency-Key", "in": "header", "description": about, "schema": schema}));
    }
    let mut responses = Map::new();
    for status in shape.good {
        responses.insert(status.to_string(), good(route, *status));
    }
    let asks = route.need != Need::Public;
    // What any route may say: malformed, refused, not there, too large, too busy.
    let everywhere: &[u16] = if asks { &[400, 401, 403, 404, 413, 429, 503] } else { &[400, 401, 503] };
    let of_changes: &[u16] = if changes { &[409, 422] } else { &[] };
    for status in everywhere.iter().chain(of_changes).chain(shape.refusals) {
        let problem = json!({"schema": {"$ref": "#/components/schemas/Problem"}});
        let content = json!({"application/json": problem, "application/problem+json": problem});
        responses.insert(status.to_string(), json!({"description": meaning(*status), "content": content}));
    }
    let mut operation = json!({
        "operationId": shape.name, "summary": shape.summary, "parameters": parameters, "responses": responses,
        "security": if asks { json!([{"token": []}, {}]) } else { json!([{}]) },
    });
    if route.pattern.ends_with("{file}") && route.method == "PUT" {
        operation["requestBody"] = json!({"required": true, "content": {"application/octet-stream": {}}});
    } else if !shape.body.is_empty() {
        let required: Vec<&str> = shape.body.iter().filter_map(|field| field.strip_suffix('!')).collect();
        let properties: Map<String, Value> =
            shape.body.iter().map(|field| (field.trim_end_matches('!').to_string(), schema(field))).collect();
        let schema = json!({"type": "object", "additionalProperties": false, "properties": properties, "required": required});
        operation["requestBody"] = json!({"required": !required.is_empty(), "content": {"application/json": {"schema": schema}}});
    }
    operation
}

fn schema(field: &str) -> Value {
    match field {
        "paths!" => json!({"type": "array", "minItems": 1, "maxItems": 50, "items": {"type": "string"}}),
        "operations!" => json!({"type": "array", "minItems": 1, "maxItems": 100, "items": {
            "type": "object", "additionalProperties": false, "required": ["op", "path"],
            "properties": {
                "op": {"enum": ["put", "patch", "delete", "rename"]}, "path": {"type": "string"}, "content": {"type": "string"},
                "old_string": {"type": "string"}, "new_string": {"type": "string"}, "revision": {"type": "string"},
                "new_path": {"type": "string"}, "update_links": {"type": "boolean"},
            },
        }}),
        "update_links" | "overwrite" => json!({"type": "boolean"}),
        _ => json!({"type": "string"}),
    }
}

fn good(route: &Route, status: u16) -> Value {
    let json_answer = json!({"application/json": {"schema": {"type": "object"}}});
    match (status, route.pattern) {
        (304, _) => json!({"description": "Not modified"}),
        (_, "/api/v1/changes") => {
            json!({"description": meaning(status), "content": {"application/json": {"schema": {"type": "object"}}, "text/event-stream": {}}})
        }
        (206, _) => json!({"description": "A part of the file", "content": {"*/*": {}}}),
        (_, "/api/v1/pages/{page}") if route.method == "GET" => {
            json!({"description": meaning(status), "content": {"application/json": {"schema": {"type": "object"}}, "text/markdown": {}}})
        }
        (_, pattern) if pattern.ends_with("{file}") && route.method == "GET" => {
            json!({"description": meaning(status), "content": {"application/json": {"schema": {"type": "object"}}, "*/*": {}}})
        }
        _ => json!({"description": meaning(status), "content": json_answer}),
    }
}

fn meaning(status: u16) -> &'static str {
    http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_described_and_nothing_else() {
        let routes = routes::ROUTES.iter().filter_map(|route| Some((route.method, route.pattern.strip_prefix(BASE)?)));
        let mut routes: Vec<_> = routes.collect();
        let mut described: Vec<_> = SHAPES.iter().map(|(method, address, _)| (*method, *address)).collect();
        routes.sort_unstable();
        described.sort_unstable();
        assert_eq!(routes, described);
    }

    /// A change of the API shows as a change of this file. `HOLT_GOLDEN=write` writes it anew.
    #[test]
    fn the_description_is_the_golden_file() {
        let text = format!("{:#}\n", description());
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/api/openapi.json");
        if std::env::var_os("HOLT_GOLDEN").is_some() {
            std::fs::write(file, &text).unwrap();
        }
        assert_eq!(std::fs::read_to_string(file).unwrap_or_default(), text);
    }
}
