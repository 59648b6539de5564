//! How agents come to a wiki: what its people copy, and what the first page for agents says.

use super::{Mcp, message};
use crate::api::{Api, Names, PASSWORD, said};
use crate::client::Server;
use holt_core::WikiName;
use holt_engine::db::preferences::Audience;
use serde_json::{Value, json};

/// The texts to copy on a page, as a browser shows them.
fn snippets(html: &str) -> Vec<String> {
    let all = html.split("<pre><code>").skip(1).map(|rest| rest.split("</code></pre>").next().unwrap());
    all.map(|text| text.replace("&#34;", "\"").replace("&#39;", "'").replace("&quot;", "\"")).collect()
}

#[test]
fn what_is_copied_from_the_settings_connects() {
    let mcp = Mcp::start();
    let ann = mcp.api.server.client();
    ann.log_in("ann@example.org", PASSWORD);
    let page = ann.get("/-/settings/tokens");
    ann.use_token(&page);
    assert!(snippets(&page.body_text())[0].contains("Bearer holt_…"), "what stands for a token");
    let made = ann.post("/-/settings/tokens", &[("label", "agent"), ("scope", "read"), ("days", "30"), ("within", "")]).unwrap();
    let texts = snippets(&made.body_text());
    let host = &mcp.api.server.client().host;
    let cursor: Value = serde_json::from_str(&texts[1]).unwrap();
    let vs_code: Value = serde_json::from_str(&texts[2]).unwrap();
    assert_eq!(
        (&cursor["mcpServers"]["docs"]["url"], &vs_code["servers"]["docs"]["type"]),
        (&json!(format!("http://{host}/mcp")), &json!("http"))
    );
    let bearer = vs_code["servers"]["docs"]["headers"]["Authorization"].as_str().unwrap();
    assert_eq!(texts[0], format!("claude mcp add --transport http docs 'http://{host}/mcp' --header 'Authorization: {bearer}'"));
    let headers = [("Content-Type", "application/json"), ("Authorization", bearer)];
    let told = said(&mcp.api.server.client(), "POST", "/mcp", &headers, message("tools/list", &json!({})).as_bytes());
    assert_eq!((told.status, told.body["result"]["tools"].as_array().map(Vec::is_empty)), (200, Some(false)), "{}", told.body);
}

/// Case 27.
#[test]
fn case_27_a_token_from_the_settings_is_good_for_what_was_chosen_in_its_wiki_alone() {
    let api = Api::prepared(Names::Kept, |engine, _| {
        engine.create_wiki(&WikiName::parse("other").unwrap(), "other", Audience::Everybody).unwrap();
    });
    let mcp = Mcp { api };
    let ann = mcp.api.server.client();
    ann.log_in("ann@example.org", PASSWORD);
    let bearer = |scope: &str| {
        ann.use_token(&ann.get("/-/settings/tokens"));
        let made = ann.post("/-/settings/tokens", &[("label", "agent"), ("scope", scope), ("days", "30"), ("within", "")]).unwrap();
        let text = snippets(&made.body_text())[0].clone();
        text.split("Bearer ").nth(1).unwrap().trim_end_matches('\'').to_string()
    };
    let (writes, reads) = (bearer("write"), bearer("read"));
    let call = |token: &str, tool: &str, arguments: Value| {
        mcp.ask_as(Some(token), "tools/call", &json!({"name": tool, "arguments": arguments})).status
    };
    let (page, file) = (json!({"path": "Page", "content": "x"}), json!({"path": "Page", "filename": "a.txt", "content": "eA=="}));
    assert_eq!((call(&writes, "write_note", page.clone()), call(&writes, "upload_attachment", file.clone())), (200, 200));
    assert_eq!((mcp.api.get("/pages/Page").status, mcp.api.get("/pages/Page/attachments/a.txt").status), (200, 200));
    let read = json!({"path": "Page"});
    assert_eq!((call(&writes, "read_note", read.clone()), call(&reads, "read_note", read)), (200, 200));
    assert_eq!((call(&reads, "write_note", page), call(&reads, "upload_attachment", file)), (403, 403));
    let mut there = mcp.api.server.client();
    there.host = format!("other.localhost:{}", there.host.rsplit(':').next().unwrap());
    let ask = |headers: &[(&str, &str)]| {
        let headers = [&[("Content-Type", "application/json")], headers].concat();
        said(&there, "POST", "/mcp", &headers, message("tools/list", &json!({})).as_bytes()).status
    };
    assert_eq!(ask(&[]), 200, "the control: anybody may read there");
    assert_eq!(ask(&[("Authorization", &format!("Bearer {writes}"))]), 401);
}

#[test]
fn a_new_installation_has_a_guide_that_agents_are_told() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    let hello = message("initialize", &json!({"protocolVersion": "2025-06-18", "capabilities": {}}));
    let told = said(&server.client(), "POST", "/mcp", &[("Content-Type", "application/json")], hello.as_bytes());
    let instructions = told.body["result"]["instructions"].as_str().unwrap_or_else(|| panic!("{}", told.body));
    assert!(instructions.contains("from the page Agent Guide at revision ") && instructions.contains("Search before you write."));
    assert!(!instructions.contains("It is longer"), "all of it fits");
}
