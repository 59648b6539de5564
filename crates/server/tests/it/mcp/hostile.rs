//! Whatever is sent: no 5xx, nothing of another wiki, nothing of a hidden page. Canaries stand where nothing may be told of.

use super::{MODERN, Mcp, message, modern};
use crate::api::{Api, Names, prefer, said, token};
use holt_core::{AccessLevel, Edit, PagePath, SubtreeRule, SubtreeRules, WikiName};
use holt_engine::db::preferences::{Audience, path_access_text};
use holt_engine::directory::{NewToken, TokenScope};
use holt_engine::{Write, pages};
use serde_json::{Value, json};
use std::cell::RefCell;

/// In everything that the token may not see.
const CANARY: &str = "zqx";

const TEXTS: &[&str] = &[
    "",
    "x",
    "-1",
    "0",
    "99999999999999999999",
    "../..",
    "/",
    "a/b",
    "HEAD",
    "--all",
    "0000000",
    "0000000000000000000000000000000000000000",
    "\u{0}",
    "\u{202e}",
    "日本",
    "%",
    "%00",
    "[[",
    "\"",
    "'; --",
    "*",
    "2026-13-45",
    "9999999-01-01",
    "AND OR NOT",
    "words",
    "zq*",
    "null",
    "a > b",
    ".git/config",
    "Open",
    "Open/Page",
    "Hidden/Page",
    "Secret",
    "wiki://other/pages/Secret",
    "wiki://docs/pages/Hidden/Page",
    "wiki://docs/tree",
    "wiki://docs/",
    "file:///etc/passwd",
    "=?base64?eA==?=",
    "AAAA",
    "# A\n\n## B\n",
];

fn values(revisions: &[String]) -> Vec<Value> {
    let mut values: Vec<Value> = TEXTS.iter().map(|text| json!(text)).collect();
    values.extend(revisions.iter().map(|revision| json!(revision)));
    values.extend([
        json!(null),
        json!(7),
        json!(-1.5),
        json!(1e300),
        json!(true),
        json!([]),
        json!({}),
        json!(["Open", 7, null]),
        json!(["Hidden/Page"]),
    ]);
    values.push(json!([{"op": "put", "path": "Hidden/Page", "content": "x"}]));
    values.push(json!([{"op": "rename", "path": "Open/Page", "new_path": "Hidden/New"}]));
    values.push(json!([{"op": "put"}, 7]));
    values.push(json!([{"old_string": "words", "new_string": "others"}]));
    values.push("x".repeat(5000).into());
    values
}

/// What hides `Hidden` from the token.
#[derive(Clone, Copy)]
enum Hiding {
    /// It is for another part of the wiki.
    Part,
    /// A rule lets administrators alone read there; the token is Ann's.
    Rule,
}

/// A wiki of which the token sees the part `Open`, beside another wiki; both full of canaries.
fn start(hiding: Hiding) -> (Mcp, Vec<String>) {
    let (tokens, revisions) = (RefCell::new(String::new()), RefCell::new(Vec::new()));
    let api = Api::prepared(Names::Kept, |engine, wiki| {
        let other = engine.create_wiki(&WikiName::parse("other").unwrap(), "zqx other", Audience::Everybody).unwrap();
        let save = |wiki: &holt_engine::Wiki, page: &str, text: &str| {
            let scope = wiki.grant::<Write>(&holt_core::Actor::System).unwrap();
            let edit =
                Edit::new(PagePath::parse(page).unwrap(), None, text.to_string(), if text.contains(CANARY) { CANARY } else { "" }).unwrap();
            pages::save(&scope, &edit, None).unwrap();
            let page = pages::page(&scope.narrow(), &PagePath::parse(page).unwrap()).unwrap().unwrap();
            revisions.borrow_mut().push(page.last_change.id.to_string());
        };
        save(&other, "Secret", "zqx words");
        save(wiki, "Hidden/Page", "---\ntags: [zqx]\ncategory: zqx\n---\n# zqx\n\nzqx words [[Open/Page]] [[Zqx wanted]]\n");
        save(wiki, "Open", "# Open\n\nwords [[Open/Page]] [[Hidden/Page]]\n");
        save(wiki, "Open/Page", "# Page\n\n## B\n\nwords\n");
        for page in ["Hidden/Page", "Hidden/Zqx new"] {
            let scope = wiki.grant::<Write>(&holt_core::Actor::System).unwrap().proposing();
            let base = pages::page(&scope.narrow(), &PagePath::parse(page).unwrap()).unwrap().map(|page| page.page.revision);
            let edit = Edit::new(PagePath::parse(page).unwrap(), base, "zqx other words".to_string(), CANARY).unwrap();
            assert!(pages::save(&scope, &edit, None).unwrap_err().proposal().is_some());
        }
        if matches!(hiding, Hiding::Rule) {
            let (path, closed) = (PagePath::parse("Hidden").unwrap(), AccessLevel::Admin);
            let rule = SubtreeRule { path, read: closed, write: closed, readers: [].into(), writers: [].into() };
            prefer(wiki, &[("PATH_ACCESS", &path_access_text(&SubtreeRules::new(vec![rule])))]);
        }
        let within = PagePath::parse("Open").unwrap();
        let new = NewToken { wiki: wiki.id(), user: None, scope: TokenScope::Write, within: Some(&within), label: "part", expires: None };
        *tokens.borrow_mut() = engine.directory().make_token(&new, 1_700_000_000).unwrap().expose().to_string();
        let all = token(engine, wiki, None, TokenScope::Write, "all");
        revisions.borrow_mut().push(all);
    });
    let mut revisions = revisions.into_inner();
    let all = revisions.pop().unwrap();
    let mcp = match hiding {
        Hiding::Part => Mcp { api: Api { token: tokens.into_inner(), ..api } },
        Hiding::Rule => Mcp { api },
    };
    // The control: who may see it, sees it.
    for (tool, arguments) in [
        ("search_notes", json!({"query": "words"})),
        ("list_tags", json!({})),
        ("list_notes", json!({})),
        ("get_recent_changes", json!({})),
        ("find_missing_pages", json!({})),
        ("wiki_care", json!({})),
        ("list_proposals", json!({})),
        ("read_note", json!({"path": "Hidden/Page"})),
    ] {
        let seen = mcp.ask_as(Some(&all), "tools/call", &json!({"name": tool, "arguments": arguments}));
        assert!(seen.answer.body_text().to_lowercase().contains(CANARY), "{tool}");
        // And who may not, is answered all the same.
        assert!(tool == "read_note" || !mcp.call(tool, arguments).failed, "{tool}");
    }
    (mcp, revisions)
}

fn check(mcp: &Mcp, headers: &[(&str, &str)], body: &str, wrong: &mut Vec<String>) -> u16 {
    let came = mcp.send(headers, body);
    let text = came.answer.body_text().to_lowercase();
    // What was sent may come back; what was not may not.
    let told = text.contains(CANARY) && !body.to_lowercase().contains(CANARY);
    if came.status >= 500
        || told
        || (came.status == 200 && came.body["jsonrpc"] != "2.0")
        || text.contains("-32603")
        || text.contains("our side")
    {
        let shown: String = body.chars().take(200).collect();
        wrong.push(format!("{shown} -> {} {}", came.status, text.chars().take(300).collect::<String>()));
    }
    came.status
}

#[test]
fn whatever_is_sent_nothing_outside_of_the_part_is_told() {
    hold(Hiding::Part);
}

#[test]
fn whatever_is_sent_nothing_private_is_told() {
    hold(Hiding::Rule);
}

fn hold(hiding: Hiding) {
    let (mcp, revisions) = start(hiding);
    let tools = mcp.ask("tools/list", &json!({})).body["result"]["tools"].clone();
    let (mut wrong, mut asked) = (Vec::new(), 0);
    let values = values(&revisions);
    for tool in tools.as_array().unwrap() {
        let inputs = tool["inputSchema"]["properties"].as_object().unwrap();
        let plain = |name: &String| {
            let value = match name.as_str() {
                "limit" | "max_tokens" | "n" | "max_chunks_per_page" => json!(50),
                "replace_all" | "mine" => json!(false),
                "number" => json!(1),
                "status" => json!("open"),
                "revision" | "since_revision" | "to_revision" | "from" | "to" | "base" => json!(revisions.last()),
                "paths" => json!(["Open/Page", "Hidden/Page"]),
                "operations" => json!([{"op": "put", "path": "Open/New", "content": "x"}]),
                "path" => json!("Open/Page"),
                _ => json!("x"),
            };
            (name.clone(), value)
        };
        let skipped = ["edits", "cursor", "since_revision", "section", "category", "tag", "prefix", "updated_since", "plan", "files"];
        let whole: serde_json::Map<String, Value> = inputs.keys().filter(|name| !skipped.contains(&name.as_str())).map(plain).collect();
        for name in inputs.keys() {
            for value in &values {
                let mut arguments = whole.clone();
                arguments.insert(name.clone(), value.clone());
                check(&mcp, &[], &message("tools/call", &json!({"name": tool["name"], "arguments": arguments})), &mut wrong);
                asked += 1;
            }
        }
        for arguments in &values {
            check(&mcp, &[], &message("tools/call", &json!({"name": tool["name"], "arguments": arguments})), &mut wrong);
        }
        // Proposals about hidden pages, by their numbers.
        for number in 1..=2 {
            check(&mcp, &[], &message("tools/call", &json!({"name": tool["name"], "arguments": {"number": number}})), &mut wrong);
        }
        // Hidden pages by their names, through every tool, and as they are linked to.
        for path in ["Hidden/Page", "hidden/page", "Hidden", "Secret"] {
            let mut arguments = whole.clone();
            arguments.insert("path".to_string(), json!(path));
            check(&mcp, &[], &message("tools/call", &json!({"name": tool["name"], "arguments": arguments})), &mut wrong);
        }
    }
    for method in [
        "initialize",
        "ping",
        "tools/list",
        "tools/call",
        "resources/list",
        "resources/templates/list",
        "resources/read",
        "prompts/list",
        "prompts/get",
        "completion/complete",
        "server/discover",
        "x",
    ] {
        for value in &values {
            check(&mcp, &[], &message(method, value), &mut wrong);
            for name in ["name", "uri", "cursor", "arguments", "ref", "argument", "_meta", "protocolVersion", "clientInfo"] {
                let named = if method == "prompts/get" { "file_note" } else { "list_tags" };
                let mut params = json!({"name": named, "ref": {"type": "ref/resource"}, "argument": {"name": "path", "value": value}});
                params[name] = value.clone();
                check(&mcp, &[], &message(method, &params), &mut wrong);
                asked += 1;
            }
            for name in ["MCP-Protocol-Version", "Mcp-Method", "Mcp-Name", "Origin"] {
                let Some(text) = value.as_str().filter(|text| text.bytes().all(|b| b.is_ascii_graphic() || b == b' ')) else { continue };
                let (headers, body) = modern(method, &json!({"name": "list_tags"}), MODERN);
                let mut headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
                headers.retain(|(there, _)| *there != name);
                headers.push((name, text));
                check(&mcp, &headers, &body, &mut wrong);
            }
        }
    }
    assert!(asked > 4000, "{asked}");
    wrong.truncate(20);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Bytes that are no message at all, and messages cut and torn anywhere.
#[test]
fn torn_messages_are_refused() {
    let (mcp, _) = start(Hiding::Part);
    let whole = message("tools/call", &json!({"name": "read_note", "arguments": {"path": "Open/Page"}}));
    let mut wrong = Vec::new();
    let mut random = 7_u64;
    for at in (0..whole.len()).step_by(3) {
        check(&mcp, &[], &whole[..at], &mut wrong);
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut bytes = whole.clone().into_bytes();
        bytes[at] = (random >> 33) as u8;
        let came = said(
            &mcp.api.server.client(),
            "POST",
            "/mcp",
            &[("Content-Type", "application/json"), ("Authorization", &format!("Bearer {}", mcp.api.token))],
            &bytes,
        );
        if came.status >= 500 {
            wrong.push(format!("{at}: {}", came.status));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
