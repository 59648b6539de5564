//! What is asked without changing anything: addresses and tools, with places for what the wiki at hand has.

use super::canary::MARK;
use super::model::{VAULT, WIKIS, Zone};
use super::turn::{Asked, Turn, get, message, url};
use super::writing;
use serde_json::{Value, json};

/// Pages, forms, lists and feeds.
pub const WEB: &[&str] = &[
    "/",
    "/{page}",
    "/{page}.md",
    "/{page}?revision={rev}",
    "/{page}/edit",
    "/{page}/edit/{rev}",
    "/{page}/rename",
    "/{page}/delete",
    "/{page}/view",
    "/{page}/view/{rev}",
    "/{page}/history",
    "/{page}/diff/{rev}/{rev}",
    "/{page}/blame",
    "/{page}/blame/{rev}",
    "/{page}/source",
    "/{page}/source/{rev}",
    "/{page}/comments",
    "/{page}/attachments",
    "/{page}/a/{file}",
    "/{page}/a/{file}/{rev}",
    "/{page}/t/{file}",
    "/{page}/{file}",
    "/{page}/attachment/{file}",
    "/{nowhere}",
    "/-/me",
    "/-/about",
    "/-/login",
    "/-/login/platform?next=/{page}",
    "/-/login/arrive?code={word}",
    "/-/login/callback/oidc?state={word}&code={word}",
    "/platform/robot.wtf.svg",
    "/platform/logo.svg",
    "/-/register",
    "/-/api",
    "/-/index",
    "/-/tree",
    "/-/tree?path={zone}",
    "/-/tags",
    "/-/tags?tag={word}",
    "/-/search?q={word}",
    "/-/search/{word}",
    "/-/complete?kind=pages&q={word}",
    "/-/complete?kind=headings&page={page}",
    "/-/complete?kind=files&page={page}",
    "/-/deleted",
    "/-/housekeeping",
    "/-/housekeeping/security-check",
    "/-/changelog",
    "/-/changelog?path={zone}",
    "/-/changelog/{rev}",
    "/-/changelog/feed.atom",
    "/-/changelog/feed.rss",
    "/-/changelog/feed.json",
    "/-/log",
    "/-/commit/{rev}",
    "/-/revert/{rev}",
    "/-/undo?session={word}",
    "/-/agents",
    "/-/agents?via=api%2F{word}",
    "/-/proposals",
    "/-/proposals/{number}",
    "/-/inbox",
    "/-/settings",
    "/-/settings/tokens",
    "/-/settings/agents",
    "/-/settings/identities",
    "/-/settings/passkeys",
    "/-/settings/sessions",
    "/-/admin",
    "/-/admin/appearance",
    "/-/admin/sidebar_preferences",
    "/-/admin/user_management",
    "/-/admin/path_rules",
    "/-/admin/invitations",
    "/-/admin/agents",
    "/-/admin/agent_policy",
    "/-/admin/audit",
    "/-/admin/workers",
    "/-/admin/mail_preferences",
    "/-/admin/repository_management",
    "/-/user/{user}",
    "/-/create",
    "/-/move?path={zone}",
    "/robots.txt",
    "/sitemap.xml",
    "/opensearch.xml",
    "/manifest.webmanifest",
    "/llms.txt",
    "/llms-full.txt",
    "/llms-full.txt?after={zone}",
    "/.well-known/oauth-authorization-server",
    "/.well-known/oauth-protected-resource/mcp",
    "/.git/HEAD",
    "/-/healthz",
    "/-/help/{word}",
    "/-/syntax",
    "/-/setup?token={word}",
    "/-/lost_password",
    "/-/recover_password/{word}",
    "/-/request_confirmation_link/{word}",
    "/-/confirm_email/{word}",
    "/-/invite/{word}",
    "/-/unsubscribe/{word}",
    "/-/log/{rev}",
    "/{page}/t/{file}/80",
    "/favicon.ico",
    "/oauth/authorize?client_id={word}",
    "/oauth/consent/{word}",
    "/-/readyz",
    "/-/help",
    "/-/logout",
    "/-/request_confirmation_link",
    "/-/admin/content_and_editing",
    "/-/admin/permissions_and_registration",
    "/-/user",
    "/.well-known/change-password",
    "/.git",
    "/-",
];

/// The REST API. What git is asked is in `git.rs`.
pub const API: &[&str] = &[
    "/api/v1/health",
    "/api/v1/openapi.json",
    "/api/v1/wiki",
    "/api/v1/index-status",
    "/api/v1/tree",
    "/api/v1/tree?path={zone}",
    "/api/v1/pages",
    "/api/v1/pages?prefix={zone}",
    "/api/v1/pages?tag=shared&limit=3",
    "/api/v1/pages/{page}",
    "/api/v1/pages/{page}?format=raw",
    "/api/v1/pages/{page}?revision={rev}",
    "/api/v1/pages/{page}?section=Part",
    "/api/v1/pages/{page}/history",
    "/api/v1/pages/{page}/diff?from={rev}&to=HEAD",
    "/api/v1/pages/{page}/attachments",
    "/api/v1/pages/{page}/attachments/{file}",
    "/api/v1/pages/{page}/attachments/{file}?format=raw",
    "/api/v1/proposals",
    "/api/v1/proposals/{number}",
    "/api/v1/changes",
    "/api/v1/changes?since={rev}",
    "/api/v1/changes?since=0000000000000000000000000000000000000000&limit=20",
    "/api/v1/changelog",
    "/api/v1/changelog?path_prefix={zone}",
    "/api/v1/changelog?since={rev}",
    "/api/v1/care",
    "/api/v1/agents",
    "/api/v1/agents?via=api%2F{word}",
    "/api/v1/search?q={word}",
    "/api/v1/search?q={word}&explain=true",
    "/api/v1/search?regex=zqholtq",
    "/api/v1/links",
    "/api/v1/links/orphans",
    "/api/v1/links/missing",
    "/api/v1/links/{page}",
    "/api/v1/reindex/status",
    "/api/v1/semantic-search?q={word}",
    "/api/v1/chroma-status",
    "/api/v1/nothing",
];

/// Tools that read, with what they are given.
pub const TOOLS: &[(&str, &str)] = &[
    ("read_note", r#"{"path": "{page}"}"#),
    ("read_note", r#"{"path": "{page}", "revision": "{rev}"}"#),
    ("read_note", r#"{"path": "{page}", "since_revision": "{rev}"}"#),
    ("read_notes", r#"{"paths": ["{page}", "Staff/Plan", "Crew", "Home"]}"#),
    ("list_sections", r#"{"path": "{page}"}"#),
    ("list_notes", r#"{}"#),
    ("list_notes", r#"{"prefix": "{zone}"}"#),
    ("search_notes", r#"{"query": "{word}"}"#),
    ("get_recent_changes", r#"{}"#),
    ("get_history", r#"{"path": "{page}"}"#),
    ("get_links", r#"{"path": "{page}"}"#),
    ("wiki_care", r#"{}"#),
    ("semantic_search", r#"{"query": "{word}"}"#),
    ("find_orphaned_notes", r#"{}"#),
    ("find_missing_pages", r#"{}"#),
    ("list_attachments", r#"{"path": "{page}"}"#),
    ("download_attachment", r#"{"path": "{page}", "filename": "{file}"}"#),
    ("diff_note", r#"{"path": "{page}", "from": "{rev}"}"#),
    ("list_tags", r#"{}"#),
    ("list_categories", r#"{}"#),
    ("get_changes_since", r#"{"revision": "{rev}"}"#),
    ("list_proposals", r#"{}"#),
    ("get_proposal", r#"{"number": {number}}"#),
    ("get_wiki_info", r#"{}"#),
    ("search", r#"{"query": "{word}"}"#),
    ("fetch", r#"{"id": "{page}"}"#),
];

/// Methods of the protocol that are no tools.
pub const METHODS: &[(&str, &str)] = &[
    ("initialize", r#"{"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "otter", "version": "1"}}"#),
    ("server/discover", r#"{}"#),
    ("tools/list", r#"{}"#),
    ("resources/list", r#"{}"#),
    ("resources/templates/list", r#"{}"#),
    ("resources/read", r#"{"uri": "wiki://{slug}/pages/{page}"}"#),
    ("resources/read", r#"{"uri": "wiki://{slug}/tree"}"#),
    ("resources/read", r#"{"uri": "wiki://{slug}/attachments/{page}/{file}"}"#),
    ("prompts/list", r#"{}"#),
    (
        "completion/complete",
        r#"{"ref": {"type": "ref/resource", "uri": "wiki://{slug}/pages/{+path}"}, "argument": {"name": "path", "value": "{zone}"}}"#,
    ),
];

/// An address or an argument with its places filled. Says whether a commit of another wiki stands in it.
struct Filled {
    text: String,
    foreign: bool,
}

fn fill(turn: &mut Turn<'_>, text: &str, as_url: bool) -> Filled {
    let (mut out, mut rest, mut foreign) = (String::new(), text, false);
    let page = match turn.random.below(10) {
        // What is in another wiki, and what is private in this one.
        0 => {
            let (here, there) = (turn.wiki, turn.random.below(WIKIS));
            turn.wiki = there;
            let page = turn.page();
            turn.wiki = here;
            page
        }
        1 => super::world::Page { path: "Staff/Plan".into(), zone: Zone::Staff, files: Vec::new(), stays: true },
        _ => turn.page(),
    };
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            out.push('{');
            rest = after;
            continue;
        };
        let value = match name {
            "page" => page.path.clone(),
            "file" if page.files.is_empty() => "none.txt".to_string(),
            "file" => turn.random.of(&page.files).clone(),
            "zone" => turn.random.of(&Zone::ALL).top().to_string(),
            "nowhere" => format!("Nowhere {}", turn.random.below(9)),
            "number" => writing::number(turn).to_string(),
            "user" => turn.world.ids[turn.random.below(turn.world.ids.len())].0.to_string(),
            "slug" => turn.world.wikis[turn.wiki].host.split('.').next().unwrap().to_string(),
            "rev" => match turn.random.below(12) {
                0 | 1 => {
                    let other = (turn.wiki + 1 + turn.random.below(WIKIS - 1)) % WIKIS;
                    foreign = true;
                    turn.revision(other)
                }
                2 => "HEAD".to_string(),
                3 => format!("{:040x}", turn.random.next()),
                _ => turn.revision(turn.wiki),
            },
            "word" => match turn.random.below(6) {
                0 => "alpha".to_string(),
                1 => format!("{MARK}*"),
                2 => format!("alph {}", &MARK[..4]),
                3 => "tag:shared".to_string(),
                4 => "words".to_string(),
                _ => turn.world.canaries.some(turn.random.below(usize::MAX)),
            },
            _ => {
                // Not ours: `{}` of JSON.
                out.push('{');
                rest = &rest[before.len() + 1..];
                continue;
            }
        };
        out.push_str(&if as_url { url(&value) } else { value });
        rest = after;
    }
    out.push_str(rest);
    Filled { text: out, foreign }
}

/// Asks an address.
pub fn address(turn: &mut Turn<'_>, template: &'static str) {
    let Filled { text, foreign } = fill(turn, template, true);
    let mut asked = get(text);
    if template == "/{page}" && turn.random.in_a_thousand(150) {
        asked.headers.push(("Accept", "text/markdown".into()));
    }
    if turn.random.in_a_thousand(20) {
        asked.method = "HEAD";
    }
    if let Some(answer) = turn.ask(&asked) {
        known(turn, foreign, answer.status == 200, &asked);
    }
}

/// Calls a tool, as a client of one era or the other.
pub fn tool(turn: &mut Turn<'_>, (name, arguments): (&'static str, &str)) {
    let Filled { text, foreign } = fill(turn, arguments, false);
    let arguments: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let modern = turn.random.in_a_thousand(500);
    let asked = message("tools/call", json!({"name": name, "arguments": arguments}), modern, None);
    if let Some(answer) = turn.ask(&asked) {
        let said = answer.json();
        known(turn, foreign && name != "read_notes", answer.status == 200 && said["result"]["isError"] == false, &asked);
    }
}

/// Sends another message of the protocol.
pub fn method(turn: &mut Turn<'_>, (name, params): (&'static str, &str)) {
    let text = fill(turn, params, false).text;
    let modern = name != "initialize" && turn.random.in_a_thousand(500);
    let params = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
    turn.ask(&message(name, params, modern, None));
}

/// TEN-9: a commit of another wiki is not known, whoever names it.
fn known(turn: &Turn<'_>, foreign: bool, good: bool, asked: &Asked) {
    // A wiki without a commit lends none.
    if foreign && good && turn.wiki != VAULT {
        turn.found(&format!(
            "a commit of another wiki was known: {} {} {}",
            asked.method,
            asked.path,
            String::from_utf8_lossy(&asked.body)
        ));
    }
}

/// Whether an address is one of those that a pattern of routes means.
fn is_of(template: &str, pattern: &str) -> bool {
    let parts = |text: &str| text.split('?').next().unwrap_or_default().split('/').map(str::to_string).collect::<Vec<_>>();
    let (template, pattern) = (parts(template), parts(pattern));
    let fits = |(own, theirs): (&String, &String)| own == theirs || (theirs.starts_with('{') && theirs != "{page}");
    template.len() == pattern.len() && template.iter().zip(&pattern).all(fits)
}

/// No address is forgotten, nor a tool that reads.
#[test]
fn all_that_can_be_read_is_asked_for() {
    let routes = include_str!("../../../src/routes.rs").split("#[cfg(test)]").next().unwrap();
    let (mut missing, mut seen) = (Vec::new(), 0);
    for line in routes.lines().map(str::trim) {
        let list = match () {
            () if line.starts_with("get (\"") => WEB,
            () if line.starts_with("api(\"GET\"") => API,
            () => continue,
        };
        let pattern = line.split('"').find(|part| part.starts_with('/')).unwrap();
        seen += 1;
        if !list.iter().any(|template| is_of(template, pattern)) {
            missing.push(pattern);
        }
    }
    assert!(seen > 100, "{seen}");
    let table = include_str!("../../../src/mcp/tools/table.rs");
    for tool in table.split("    Tool {").skip(1).filter(|tool| tool.contains("effect: Effect::Reads")) {
        let name = tool.split('"').nth(1).unwrap();
        if !TOOLS.iter().any(|(known, _)| *known == name) {
            missing.push(name);
        }
    }
    assert!(missing.is_empty(), "add them to the lists of crates/server/tests/it/isolation/looking.rs: {missing:#?}");
}
