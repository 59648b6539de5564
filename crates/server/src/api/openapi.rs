//! `GET /openapi.json`: the API as programs read it. Addresses, methods and rights come out of the table of routes; what is sent and comes back
//! stands here, what the names mean in `meaning.rs`; a test holds that no route is left out. The golden file is
//! crates/server/tests/it/api/openapi.json. `/-/api` shows the same to people (`web/api_guide.rs`).

use super::meaning::{self, answered, example, field, gives, header, parameter, text};
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
    ("GET",    "/index-status", shape("indexStatus", "Where search, links and what pages mean stand", &[], &[], &[200], &[])),
    ("POST",   "/reindex",      shape("reindex", "Makes the index of words again, in the background", &[], &[], &[202], &[409, 415])),
    ("GET",    "/reindex/status", shape("reindexStatus", "How that goes", &[], &[], &[200], &[])),
    ("GET",    "/semantic-search", shape("semanticSearch", "Places in pages by what they mean, nearest first; 503 where no sentence model is", &["q", "n", "max_chunks_per_page"], &[], &[200], &[503])),
    ("GET",    "/chroma-status", shape("chromaStatus", "Where the index of meanings stands", &[], &[], &[200], &[])),
    ("GET",    "/tree",         shape("tree", "Pages and folders", &["path", "depth"], &[], &[200], &[])),
    ("GET",    "/pages",        shape("listPages", "Pages by path, in parts", &["prefix", "category", "tag", "updated_since", "limit", "cursor"], &[], &[200], &[])),
    ("POST",   "/pages:batchGet", shape("batchGet", "Up to 50 pages at once", &[], &["paths!"], &[200], &[415])),
    ("POST",   "/commits",      shape("commit", "Several pages in one commit, all or nothing", &[], &["message!", "operations!", "base"], &[200], &[404, 409, 415])),
    ("POST",   "/undo",         shape("undo", "Takes back what many commits did: a preview, or with its plan one commit", &[], &["person", "via", "session", "path_prefix", "from", "until", "revisions", "plan", "files", "commit_message"], &[200], &[404, 409, 415])),
    ("GET",    "/proposals",    shape("listProposals", "Changes that wait to be accepted, and what became of them", &["status", "mine", "limit", "cursor"], &[], &[200], &[])),
    ("POST",   "/proposals",    shape("propose", "Proposes several pages at once", &[], &["message!", "operations!", "base"], &[200], &[404, 409, 415])),
    ("GET",    "/proposals/{number}", shape("readProposal", "A proposal, and what it would change now", &[], &[], &[200], &[])),
    ("POST",   "/proposals/{number}/accept", shape("acceptProposal", "Takes a proposal into the wiki, all of it or some", &[], &["seen!", "files", "reason"], &[200], &[409, 415])),
    ("POST",   "/proposals/{number}/reject", shape("rejectProposal", "Refuses a proposal", &[], &["reason"], &[200], &[409, 415])),
    ("POST",   "/proposals/{number}/withdraw", shape("withdrawProposal", "Takes one's own proposal back", &[], &[], &[200], &[409, 415])),
    ("POST",   "/proposals/{number}/comments", shape("commentProposal", "Says something about a proposal", &[], &["text!"], &[200], &[415])),
    ("GET",    "/webhooks",     shape("listWebhooks", "Servers that are told what happens in the wiki", &[], &[], &[200], &[])),
    ("POST",   "/webhooks",     shape("addWebhook", "Has a server told what happens from now on", &[], &["url!", "events", "prefix"], &[201], &[415])),
    ("GET",    "/webhooks/{webhook}", shape("readWebhook", "A webhook, without its secret", &[], &[], &[200], &[])),
    ("PATCH",  "/webhooks/{webhook}", shape("changeWebhook", "Changes a webhook, or switches it on or off", &[], &["url", "events", "prefix", "active"], &[200], &[415])),
    ("DELETE", "/webhooks/{webhook}", shape("deleteWebhook", "Deletes a webhook, with all that it is owed", &[], &[], &[200], &[415])),
    ("POST",   "/webhooks/{webhook}/rotate", shape("rotateWebhook", "Gives a webhook another secret", &[], &[], &[200], &[415])),
    ("POST",   "/webhooks/{webhook}/ping", shape("pingWebhook", "Has a message sent to a webhook that tells of nothing", &[], &[], &[202], &[409, 415])),
    ("GET",    "/webhooks/{webhook}/deliveries", shape("listDeliveries", "What a webhook was sent and is owed, newest first", &[], &[], &[200], &[])),
    ("POST",   "/webhooks/{webhook}/deliveries/{delivery}/redeliver", shape("redeliver", "Has a message sent again, under its id", &[], &[], &[202], &[409, 415])),
    ("GET",    "/mirror",       shape("readMirror", "The repository elsewhere that the wiki is kept the same as, and how that stands", &[], &[], &[200], &[])),
    ("PUT",    "/mirror",       shape("setMirror", "Has the wiki kept the same as a repository elsewhere", &[], &["url!", "branch", "username", "token", "direction", "minutes", "active"], &[200], &[415])),
    ("DELETE", "/mirror",       shape("deleteMirror", "Forgets that repository, which stays as it is", &[], &[], &[200], &[415])),
    ("POST",   "/mirror/sync",  shape("syncMirror", "Has that repository looked at now", &[], &["as_it_is"], &[202], &[415])),
    ("GET",    "/changes",      shape("changes", "What changed since a revision: at once, as soon as something does, or as events", &["since", "limit", "cursor", "wait"], &[], &[200], &[410, 429])),
    ("GET",    "/changelog",    shape("changelog", "Commits of the wiki, newest first", &["limit", "cursor", "since", "path_prefix", "author", "via", "session"], &[], &[200], &[])),
    ("GET",    "/agents",       shape("agents", "Agents and other programs that wrote here; with via the sessions of one, latest first", &["via", "limit", "cursor"], &[], &[200], &[])),
    ("GET",    "/search",       shape("search", "Pages by words and, where a sentence model is, by what they mean; best first. Or lines by a regular expression", &["q", "prefix", "tag", "category", "author", "before", "after", "explain", "regex", "mode", "limit", "offset", "cursor"], &[], &[200], &[])),
    ("GET",    "/links",        shape("links", "All pages and the links between them", &[], &[], &[200], &[])),
    ("GET",    "/links/orphans", shape("orphans", "Pages that no other page links to", &[], &[], &[200], &[])),
    ("GET",    "/links/missing", shape("missing", "Pages that are linked to and do not exist", &[], &[], &[200], &[])),
    ("GET",    "/care",         shape("care", "What wants care: secrets, broken links, orphans, duplicates, overdue reviews and more", &["kind", "limit", "cursor"], &[], &[200], &[])),
    ("GET",    "/links/{page}", shape("linksOf", "The links of one page", &[], &[], &[200], &[])),
    ("GET",    "/pages/{page}/history", shape("history", "Commits of a page, newest first", &["limit", "cursor"], &[], &[200], &[])),
    ("GET",    "/pages/{page}/diff", shape("diff", "What differs between two revisions of a page", &["from", "to"], &[], &[200], &[])),
    ("POST",   "/pages/{page}/rename", shape("rename", "Moves a page, its files and what is below it; links follow", &[], &["new_path!", "commit_message", "revision", "update_links"], &[200], &[409, 415])),
    ("POST",   "/pages/{page}/revert", shape("revert", "Makes a page what it was", &[], &["to_revision!", "revision!", "commit_message"], &[200], &[409, 415])),
    ("GET",    "/pages/{page}/attachments", shape("listAttachments", "Files beside a page", &[], &[], &[200], &[])),
    ("POST",   "/pages/{page}/attachments", shape("upload", "Adds a file, in base64", &[], &["filename!", "content!", "commit_message", "overwrite"], &[201], &[409, 415])),
    ("GET",    "/pages/{page}/attachments/{file}", shape("getAttachment", "A file, in base64 or as it is", &["revision", "format"], &[], &[200, 206, 304], &[416])),
    ("PUT",    "/pages/{page}/attachments/{file}", shape("putAttachment", "Adds a file: the body, as it is", &[], &[], &[201], &[409, 412])),
    ("DELETE", "/pages/{page}/attachments/{file}", shape("deleteAttachment", "Deletes a file", &[], &["commit_message"], &[200], &[415])),
    ("GET",    "/pages/{page}", shape("readPage", "A page, a part of it, or how it was", &["revision", "section", "format"], &[], &[200, 304], &[])),
    ("PUT",    "/pages/{page}", shape("writePage", "Creates or replaces a page", &[], &["content!", "revision", "commit_message"], &[200, 201], &[409, 412, 415])),
    ("PATCH",  "/pages/{page}", shape("editPage", "Changes one string or one section of a page", &[], &["revision", "old_string", "new_string", "section", "content", "commit_message"], &[200], &[409, 412, 415])),
    ("DELETE", "/pages/{page}", shape("deletePage", "Deletes a page and its files", &["attachments"], &["commit_message", "revision"], &[200], &[409, 412, 415])),
];

/// Where the API begins.
pub const BASE: &str = "/api/v1";

/// What operations are about, in the order in which people are shown them.
pub const GROUPS: [&str; 8] = ["pages", "review", "history", "search", "links", "files", "elsewhere", "wiki"];

/// Which of [`GROUPS`] an address belongs to.
fn group(address: &str) -> &'static str {
    let is_one_of = |all: &[&str]| all.iter().any(|part| address.contains(part));
    if address.contains("/attachments") {
        "files"
    } else if address.starts_with("/webhooks") || address.starts_with("/mirror") {
        "elsewhere"
    } else if address.starts_with("/proposals") {
        "review"
    } else if is_one_of(&["/history", "/diff", "/changes", "/changelog", "/agents", "/undo"]) {
        "history"
    } else if is_one_of(&["/search", "/semantic-search", "index"]) || address == "/chroma-status" {
        "search"
    } else if address.starts_with("/links") || address == "/care" {
        "links"
    } else if is_one_of(&["/pages", "/commits", "/tree"]) {
        "pages"
    } else {
        "wiki"
    }
}

/// Answers it.
pub fn show(_: &Context<'_>) -> Answer {
    Ok(ok(&description()))
}

/// The document.
pub fn description() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for route in routes::ROUTES {
        let Some(address) = route.pattern.strip_prefix(BASE) else { continue };
        let Some((.., shape)) = SHAPES.iter().find(|(method, one, _)| *method == route.method && *one == address) else { continue };
        let path = paths.entry(address.replace("{page}", "{path}").replace("{file}", "{filename}")).or_insert_with(|| json!({}));
        path[route.method.to_lowercase()] = operation(route, address, shape);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Holt", "version": "1", "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
            "description": "A wiki of Markdown pages in git. `{path}` is the path of a page and may contain slashes.",
        },
        "servers": [{"url": BASE}],
        "tags": GROUPS.map(|name| json!({"name": name})),
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

/// The operation at an address, and the parameters that its query may have.
pub fn parameters(method: &str, pattern: &str) -> Option<(&'static str, &'static [&'static str])> {
    let address = pattern.strip_prefix(BASE)?;
    SHAPES.iter().find(|(one, there, _)| *one == method && *there == address).map(|(.., shape)| (shape.name, shape.query))
}

fn operation(route: &Route, address: &str, shape: &Shape) -> Value {
    let holes = [("{page}", "path"), ("{file}", "filename"), ("{number}", "number"), ("{webhook}", "webhook"), ("{delivery}", "delivery")]
        .into_iter()
        .filter(|(hole, _)| route.pattern.contains(hole));
    let mut parameters: Vec<Value> = holes
        .map(|(_, name)| json!({"name": name, "in": "path", "required": true, "description": meaning::hole(name), "schema": {"type": "string"}}))
        .collect();
    parameters.extend(shape.query.iter().map(|name| parameter(shape.name, name)));
    parameters.extend(meaning::headers(shape.name).iter().map(|name| header(shape.name, name)));
    let changes = matches!(route.need, Need::Write | Need::Upload);
    // Decisions are made once, whatever key there is.
    let decides = address.contains("{number}");
    if changes && !decides {
        let schema = json!({"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"});
        let about = "The same key and request again: done once, answered the same for 24 hours.";
        parameters.push(json!({"name": "Idempotency-Key", "in": "header", "description": about, "schema": schema}));
    }
    let mut responses = Map::new();
    for status in shape.good {
        responses.insert(status.to_string(), good(route, shape, *status));
    }
    if changes && !decides {
        let schema = json!({"type": "object", "properties": {"proposal": {}}});
        responses.insert("202".into(), json!({"description": "Proposed: not in the wiki until somebody accepts it", "content": {"application/json": {"schema": schema}}}));
    }
    let asks = route.need != Need::Public;
    // What any route may say: malformed, refused, not there, too large, too busy.
    let everywhere: &[u16] = if asks { &[400, 401, 403, 404, 413, 422, 429, 503] } else { &[400, 401, 422, 503] };
    let of_changes: &[u16] = if changes { &[409] } else { &[] };
    for status in everywhere.iter().chain(of_changes).chain(shape.refusals) {
        let problem = json!({"schema": {"$ref": "#/components/schemas/Problem"}});
        let content = json!({"application/json": problem, "application/problem+json": problem});
        responses.insert(status.to_string(), json!({"description": meaning::status(*status), "content": content}));
    }
    let mut operation = json!({
        "operationId": shape.name, "summary": shape.summary, "tags": [group(address)], "parameters": parameters, "responses": responses,
        "security": if asks { json!([{"token": []}, {}]) } else { json!([{}]) },
    });
    if let Some(text) = text(shape.name) {
        operation["description"] = text.into();
    }
    if let Some(right) = right(route.need) {
        operation["x-right"] = right.into();
    }
    if route.pattern.ends_with("{file}") && route.method == "PUT" {
        operation["requestBody"] = json!({"required": true, "content": {"application/octet-stream": {}}});
    } else if !shape.body.is_empty() {
        let required: Vec<&str> = shape.body.iter().filter_map(|field| field.strip_suffix('!')).collect();
        let properties: Map<String, Value> =
            shape.body.iter().map(|name| name.trim_end_matches('!')).map(|name| (name.to_string(), field(shape.name, name))).collect();
        let schema = json!({"type": "object", "additionalProperties": false, "properties": properties, "required": required});
        let mut content = json!({"schema": schema});
        if let Some(example) = example(shape.name) {
            content["example"] = example;
        }
        operation["requestBody"] = json!({"required": !required.is_empty(), "content": {"application/json": content}});
    }
    operation
}

/// What whoever asks has to be allowed.
fn right(need: Need) -> Option<&'static str> {
    match need {
        Need::Public | Need::Login => None,
        Need::Read => Some("read"),
        Need::Write => Some("write"),
        Need::Upload => Some("attach"),
        Need::Admin => Some("administer"),
    }
}

fn good(route: &Route, shape: &Shape, status: u16) -> Value {
    let about = meaning::status(status);
    let properties: Map<String, Value> = gives(shape.name).iter().map(|name| ((*name).to_string(), answered(shape.name, name))).collect();
    let schema = if properties.is_empty() { json!({"type": "object"}) } else { json!({"type": "object", "properties": properties}) };
    let mut content = json!({"application/json": {"schema": schema}});
    match (status, route.pattern) {
        (304, _) => return json!({"description": about}),
        (206, _) => content = json!({"*/*": {}}),
        (_, "/api/v1/changes") => content["text/event-stream"] = json!({}),
        (_, "/api/v1/pages/{page}") if route.method == "GET" => content["text/markdown"] = json!({}),
        (_, pattern) if pattern.ends_with("{file}") && route.method == "GET" => content["*/*"] = json!({}),
        _ => {}
    }
    json!({"description": about, "content": content})
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
