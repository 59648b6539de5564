//! Messages, eras, headers, origins: what there is before any tool is called.

use super::{MODERN, Mcp, message, modern};
use crate::api::said;
use serde_json::{Value, json};

fn error(said: &crate::api::Said) -> (u16, i64) {
    (said.status, said.body["error"]["code"].as_i64().unwrap_or_else(|| panic!("no error in {}", said.body)))
}

/// Case 4.
#[test]
fn case_4_the_server_says_what_it_speaks() {
    let mcp = Mcp::start();
    let said = mcp.ask_modern("server/discover", &json!({}));
    let result = &said.body["result"];
    assert_eq!((said.status, &result["supportedVersions"][0]), (200, &json!(MODERN)), "{}", said.body);
    assert!(result["capabilities"]["tools"].is_object() && result["instructions"].as_str().unwrap().len() < 2048);
    // What the wiki's owners say comes after it, marked, as far as who asks may read it.
    let revision = mcp.write("Agent Guide", &format!("---\ntitle: x\n---\nWrite in verse.\n{}", "More of it.\n".repeat(400)));
    for said in [mcp.ask_modern("server/discover", &json!({})), mcp.ask("initialize", &json!({"protocolVersion": "2025-06-18"}))] {
        let told = said.body["result"]["instructions"].as_str().unwrap().to_string();
        let (ours, theirs) = told.split_once("\n\n").unwrap();
        assert_eq!(Some(ours), result["instructions"].as_str());
        assert!(theirs.contains(&format!("from the page Agent Guide at revision {revision}")), "{theirs}");
        assert!(theirs.contains("---\nWrite in verse.") && theirs.contains("It is longer") && theirs.len() < 2_600, "{}", theirs.len());
    }
    assert_eq!((&result["resultType"], &result["cacheScope"]), (&json!("complete"), &json!("private")));
    assert!(result["ttlMs"].is_u64() && result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "holt");
    let (headers, body) = modern("tools/list", &json!({}), "1900-01-01");
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let said = mcp.send(&headers, &body);
    assert_eq!(error(&said), (400, -32022));
    assert_eq!((&said.body["error"]["data"]["requested"], &said.body["id"]), (&json!("1900-01-01"), &json!(7)));
    assert!(said.body["error"]["data"]["supported"].as_array().unwrap().contains(&json!("2025-06-18")));
}

/// Case 5.
#[test]
fn case_5_headers_have_to_fit_and_methods_to_be_there() {
    let mcp = Mcp::start();
    let (mut headers, body) = modern("tools/call", &json!({"name": "get_wiki_info", "arguments": {}}), MODERN);
    let send = |headers: &[(&'static str, String)]| {
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        mcp.send(&headers, &body)
    };
    assert_eq!(send(&headers).status, 200);
    headers[2].1 = "foo".to_string();
    assert_eq!(error(&send(&headers)), (400, -32020));
    assert_eq!(error(&send(&headers[..2])), (400, -32020));
    assert_eq!(error(&mcp.ask_modern("nothing/here", &json!({}))), (404, -32601));
    assert_eq!(error(&mcp.ask("nothing/here", &json!({}))), (200, -32601));
    for method in ["GET", "DELETE", "PUT"] {
        let said = mcp.api.ask(method, "/mcp", &[("Mcp-Session-Id", "x"), ("Last-Event-ID", "1")], b"");
        assert_eq!((said.status, said.answer.header("allow")), (405, Some("POST")), "{method}");
    }
    let own = format!("http://{}", mcp.api.server.client().host);
    for (origin, status) in [("http://evil.example", 403), ("null", 403), ("", 403), (own.as_str(), 200)] {
        assert_eq!(mcp.send(&[("Origin", origin)], &message("ping", &json!({}))).status, status, "{origin}");
        assert_eq!(mcp.api.ask("GET", "/mcp", &[("Origin", origin)], b"").status, if status == 200 { 405 } else { 403 });
    }
}

/// Case 6.
#[test]
fn case_6_older_clients_shake_hands_and_see_the_same_tools_in_the_same_order() {
    let mcp = Mcp::start();
    for (asked, spoken) in
        [("2025-03-26", "2025-03-26"), ("2025-06-18", "2025-06-18"), ("2025-11-25", "2025-11-25"), ("1999-01-01", "2025-11-25")]
    {
        let hello = json!({"protocolVersion": asked, "capabilities": {}, "clientInfo": {"name": "old", "version": "1"}});
        let said = mcp.ask("initialize", &hello);
        assert_eq!((said.status, &said.body["result"]["protocolVersion"]), (200, &json!(spoken)));
        assert!(said.answer.header("mcp-session-id").is_none() && said.body["result"]["capabilities"]["resources"]["subscribe"] == false);
        let noted = mcp.send(&[("MCP-Protocol-Version", spoken)], "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
        assert_eq!((noted.status, noted.answer.body.len()), (202, 0));
    }
    let tools = |said: &crate::api::Said| said.body["result"]["tools"].clone();
    let first = tools(&mcp.ask("tools/list", &json!({})));
    assert_eq!(first, tools(&mcp.ask("tools/list", &json!({}))));
    assert_eq!(first, tools(&mcp.ask_modern("tools/list", &json!({}))));
    let names: Vec<&str> = first.as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(names[..3], ["read_note", "write_note", "edit_note"]);
    assert_eq!(names.len(), 35);
}

#[test]
fn tools_are_described_as_the_protocol_wants_it() {
    let mcp = Mcp::start();
    for tool in mcp.ask("tools/list", &json!({})).body["result"]["tools"].as_array().unwrap() {
        let name = &tool["name"];
        assert!(tool["title"].is_string() && tool["description"].as_str().unwrap().len() > 20, "{name}");
        for hint in ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"] {
            assert!(tool["annotations"][hint].is_boolean(), "{name} {hint}");
        }
        assert_eq!(tool["annotations"]["openWorldHint"], false);
        assert_eq!(
            (&tool["inputSchema"]["type"], &tool["inputSchema"]["additionalProperties"]),
            (&json!("object"), &json!(false)),
            "{name}"
        );
        assert!(tool["outputSchema"]["properties"].as_object().is_some_and(|given| !given.is_empty()), "{name}");
        for (input, schema) in tool["inputSchema"]["properties"].as_object().unwrap() {
            assert!(schema["description"].as_str().is_some_and(|text| text.len() > 3), "{name} {input}");
            let bounded = match schema["type"].as_str().unwrap() {
                "string" => schema["maxLength"].is_u64() || schema["enum"].is_array(),
                "integer" => schema["minimum"].is_i64() && schema["maximum"].is_i64(),
                "array" => schema["maxItems"].is_u64(),
                _ => true,
            };
            assert!(bounded, "{name} {input}");
        }
    }
}

/// security.md MCP-5.
#[test]
fn only_single_messages_are_taken() {
    let mcp = Mcp::start();
    let call = message("ping", &json!({}));
    for (body, code) in [
        (format!("[{call}]"), -32600),
        ("[]".into(), -32600),
        ("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}".into(), -32600),
        ("{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"}".into(), -32600),
        ("{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":2,\"method\":\"ping\"}".into(), -32700),
        ("{".into(), -32700),
        (String::new(), -32700),
        (format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000)), -32700),
    ] {
        let shown: String = body.chars().take(60).collect();
        assert_eq!(error(&mcp.send(&[], &body)), (400, code), "{shown}");
    }
    assert_eq!(mcp.send(&[], &call).body, json!({"jsonrpc": "2.0", "id": 7, "result": {}}));
    let plain = mcp.api.ask("POST", "/mcp", &[("Content-Type", "text/plain")], call.as_bytes());
    assert_eq!(plain.status, 415);
    // A message may be as long as the largest file in base64, and no longer.
    let long = |bytes: usize| message("tools/call", &json!({"name": "get_wiki_info", "arguments": {"x": "y".repeat(bytes)}}));
    assert_eq!(mcp.send(&[], &long(15 * 1024 * 1024)).status, 200);
    assert_eq!(mcp.send(&[], &long(17 * 1024 * 1024)).status, 413);
    let unknown: Value = mcp.ask("tools/call", &json!({"name": "no_such_tool"})).body["error"]["code"].clone();
    assert_eq!(unknown, -32602);
}

/// Who compares ids may count further than we do.
#[test]
fn ids_come_back_as_they_were_sent() {
    let mcp = Mcp::start();
    for id in ["9007199254740993", "123456789012345678901234567890", "1.50", "\"a\\u0062\""] {
        for (method, begin) in [("ping", "result"), ("nothing/here", "error")] {
            let text = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"{method}\"}}");
            let answer = mcp.send(&[], &text).answer.body_text();
            assert!(answer.starts_with(&format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"{begin}\":")), "{answer}");
        }
    }
}

/// Case 3, as far as it can be said without OAuth: what is protected names itself, whatever port it is at.
#[test]
fn case_2_the_protected_resource_names_its_own_host() {
    let mcp = Mcp::start();
    let mut client = mcp.api.server.client();
    for address in ["/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"] {
        let body = said(&client, "GET", address, &[], b"").body;
        assert_eq!(body["resource"], format!("http://{}/mcp", client.host));
        assert_eq!(body["bearer_methods_supported"], json!(["header"]));
    }
    client.host = "elsewhere.example".to_string();
    assert_eq!(said(&client, "GET", "/.well-known/oauth-protected-resource", &[], b"").status, 404);
}
