//! Streams of what changed, and questions to people: what only clients of the newest revision can.

use super::{MODERN, Mcp, Told, message, modern};
use crate::api::Said;
use holt_testkit::git;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A stream, message by message.
struct Stream {
    lines: BufReader<TcpStream>,
}

impl Stream {
    fn open(mcp: &Mcp, wish: &Value) -> Self {
        let (headers, body) = modern("subscriptions/listen", &json!({"notifications": wish}), MODERN);
        let host = mcp.api.server.client().host;
        let mut stream = TcpStream::connect(&host).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        write!(
            stream,
            "POST /mcp HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\nContent-Length: {}\r\n{headers}\r\n{body}",
            mcp.api.token,
            body.len()
        )
        .unwrap();
        Self { lines: BufReader::new(stream) }
    }
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line.trim_end().to_string()
    }
    fn head(&mut self) -> Vec<String> {
        std::iter::repeat_with(|| self.line()).take_while(|line| !line.is_empty()).collect()
    }
    /// The next message. None at the good end of the stream.
    fn next(&mut self) -> Option<Value> {
        loop {
            let line = self.line();
            if line == "0" {
                return None;
            }
            if let Some(data) = line.strip_prefix("data: ") {
                return Some(serde_json::from_str(data).unwrap());
            }
        }
    }
    /// Opened, and acknowledged.
    fn acknowledged(mcp: &Mcp, wish: &Value) -> (Self, Value) {
        let mut stream = Self::open(mcp, wish);
        let head = stream.head();
        assert!(head[0].starts_with("HTTP/1.1 200") && head.iter().any(|line| line == "content-type: text/event-stream"), "{head:?}");
        assert!(head.iter().any(|line| line == "x-accel-buffering: no"), "{head:?}");
        let first = stream.next().unwrap();
        assert_eq!(first["method"], "notifications/subscriptions/acknowledged", "{first}");
        let granted = first["params"]["notifications"].clone();
        (stream, granted)
    }
}

/// Method and address of a message, which says which stream it belongs to.
fn said(message: &Value) -> (String, String) {
    assert_eq!((&message["jsonrpc"], &message["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"]), (&json!("2.0"), &json!(7)));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    (text(&message["method"]).replace("notifications/resources/", ""), text(&message["params"]["uri"]))
}

/// Somebody changes a page with git itself.
pub fn push(mcp: &Mcp, page: &str, text: &[u8]) {
    let wiki = std::fs::read_dir(mcp.api.data.path().join("wikis")).unwrap().next().unwrap().unwrap();
    let work = tempfile::tempdir().unwrap();
    git(work.path(), &["clone", "-q", wiki.path().join("repo.git").to_str().unwrap(), "."]);
    std::fs::write(work.path().join(format!("{page}.md")), text).unwrap();
    git(work.path(), &["add", "-A"]);
    git(work.path(), &["commit", "-q", "-m", "Pushed"]);
    git(work.path(), &["push", "-q", "origin", "HEAD"]);
}

/// Case 31.
#[test]
fn case_31_who_listens_hears_of_every_door() {
    let mut mcp = Mcp::start();
    let first = mcp.write("Home", "one\n");
    let home = "wiki://docs/pages/Home";
    let wish = json!({"resourceSubscriptions": [home, "wiki://elsewhere/pages/Home", "wiki://docs/tree"], "toolsListChanged": true});
    let (mut stream, granted) = Stream::acknowledged(&mcp, &wish);
    assert_eq!(granted, json!({"resourceSubscriptions": [home, "wiki://docs/tree"]}), "what is honoured, and nothing else");
    // The control: what nobody asked for is not told. Then git, the API, a tool.
    mcp.good("append_to_note", json!({"path": "Home", "text": "two"}));
    assert_eq!(said(&stream.next().unwrap()), ("updated".into(), home.into()));
    push(&mcp, "Home", b"by git\n");
    assert_eq!(mcp.api.get("/wiki").status, 200, "the server hears of a push when anybody asks it anything");
    assert_eq!(said(&stream.next().unwrap()), ("updated".into(), home.into()));
    mcp.api.create("Other", "x\n");
    assert_eq!(said(&stream.next().unwrap()), ("updated".into(), "wiki://docs/tree".into()));
    mcp.api.send("POST", "/pages/Home/rename", &json!({"new_path": "Start"}));
    let both = [said(&stream.next().unwrap()).1, said(&stream.next().unwrap()).1];
    assert_eq!(both, [home, "wiki://docs/tree"]);
    assert_eq!(first.len(), 40);
    // The server ends, and so does the stream, in good order.
    mcp.api.server.stop();
    let last = stream.next().unwrap();
    assert_eq!((&last["id"], &last["result"]["resultType"], stream.next()), (&json!(7), &json!("complete"), None));
}

#[test]
fn who_may_not_read_any_more_hears_nothing_more() {
    let mcp = Mcp::start();
    mcp.write("Home", "one\n");
    let (mut stream, granted) = Stream::acknowledged(&mcp, &json!({"resourcesListChanged": true}));
    assert_eq!(granted, json!({"resourcesListChanged": true}));
    mcp.write("Two", "x\n");
    assert_eq!(said(&stream.next().unwrap()).0, "list_changed");
    let ann = mcp.api.revoke();
    assert_eq!(ann.save("Secret", "x", ""), Some(303));
    // Nothing but why it ends.
    let last = stream.next().unwrap();
    assert_eq!((&last["id"], &last["error"]["code"], last["result"].is_null()), (&json!(7), &json!(-32001), true), "{last}");
    assert!(last["error"]["message"].as_str().unwrap().contains("not valid any more"), "{last}");
    assert_eq!(stream.next(), None);
}

#[test]
fn streams_are_few_and_only_where_they_can_be() {
    let mcp = Mcp::start();
    let wish = json!({"resourcesListChanged": true});
    let open: Vec<_> = (0..20).map(|_| Stream::acknowledged(&mcp, &wish)).collect();
    let refused = mcp.ask_modern("subscriptions/listen", &json!({"notifications": wish}));
    assert_eq!((refused.status, refused.answer.header("retry-after")), (429, Some("1")), "{}", refused.body);
    drop(open);
    let bad = mcp.ask_modern("subscriptions/listen", &json!({"notifications": 7}));
    assert_eq!((bad.status, &bad.body["error"]["code"]), (400, &json!(-32602)));
    // Who shakes hands first has none, and is told so.
    let old = mcp.ask("subscriptions/listen", &json!({"notifications": wish}));
    assert_eq!(old.body["error"]["code"], -32601);
    let said = mcp.ask_modern("server/discover", &json!({}));
    assert_eq!(said.body["result"]["capabilities"]["resources"]["subscribe"], true);
}

/// As a client that can ask people.
fn call(mcp: &Mcp, params: &Value) -> Said {
    let (headers, body) = modern("tools/call", params, MODERN);
    let mut body: Value = serde_json::from_str(&body).unwrap();
    body["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({"elicitation": {"form": {}}});
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    mcp.send(&headers, &body.to_string())
}

fn told(said: &Said) -> Told {
    super::told(said)
}

/// Case 33.
#[test]
fn case_33_people_are_asked_before_something_goes() {
    let mcp = Mcp::start();
    for page in ["Page", "Other"] {
        mcp.write(page, "text\n");
    }
    let delete = |path: &str, more: Value| {
        let mut params = json!({"name": "delete_note", "arguments": {"path": path}});
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        call(&mcp, &params)
    };
    let there = |page: &str| mcp.api.get(&format!("/pages/{page}")).status;
    assert_eq!(told(&delete("Nowhere", json!({}))).structured["error"]["code"], "not_found", "nobody is asked in vain");
    let asked = delete("Page", json!({})).body["result"].clone();
    assert_eq!((&asked["resultType"], asked["content"].is_null()), (&json!("input_required"), true), "{asked}");
    let question = &asked["inputRequests"]["confirm"];
    assert_eq!((&question["method"], &question["params"]["mode"]), (&json!("elicitation/create"), &json!("form")));
    assert!(question["params"]["message"].as_str().unwrap().contains("Delete the page Page"));
    let state = asked["requestState"].clone();
    let yes = json!({"confirm": {"action": "accept", "content": {"confirm": true}}});
    // Not for another page, tool or caller, and not changed.
    let code = |said: &Said| told(said).structured["error"]["code"].clone();
    assert_eq!(code(&delete("Other", json!({"requestState": state, "inputResponses": yes}))), "validation");
    let moved = call(&mcp, &json!({"name": "rename_note", "arguments": {"path": "Page"}, "requestState": state, "inputResponses": yes}));
    assert_eq!(code(&moved), "validation");
    let mut changed = state.as_str().unwrap().to_string();
    changed.replace_range(3..4, if changed[3..4] == *"A" { "B" } else { "A" });
    for bad in [json!(changed), json!(""), json!(7), json!("x".repeat(4_000))] {
        assert_eq!(code(&delete("Page", json!({"requestState": bad, "inputResponses": yes}))), "validation");
    }
    for no in [
        json!({"confirm": {"action": "decline"}}),
        json!({"confirm": {"action": "cancel"}}),
        json!({"confirm": {"action": "accept", "content": {"confirm": false}}}),
        json!({}),
    ] {
        assert_eq!(code(&delete("Page", json!({"requestState": state, "inputResponses": no}))), "declined");
    }
    assert_eq!((there("Page"), there("Other")), (200, 200));
    let done = told(&delete("Page", json!({"requestState": state, "inputResponses": yes})));
    assert_eq!((done.failed, done.text.as_str(), there("Page")), (false, "Deleted Page", 404));
    // Once: a page that is made again is not gone again.
    mcp.write("Page", "text\n");
    assert_eq!(code(&delete("Page", json!({"requestState": state, "inputResponses": yes}))), "validation");
    assert_eq!(there("Page"), 200);
    // Who cannot ask is not asked.
    assert_eq!(mcp.good("delete_note", json!({"path": "Other"})).text, "Deleted Other");
}

#[test]
fn undoing_a_session_is_asked_about_and_its_preview_is_not() {
    let mcp = Mcp::start();
    let write = json!({"name": "write_note", "arguments": {"path": "Page", "content": "x\n"}});
    assert!(!told(&call(&mcp, &write)).failed);
    let undo = |arguments: &Value, more: Value| {
        let mut params = json!({"name": "undo_session", "arguments": arguments});
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        call(&mcp, &params)
    };
    let preview = told(&undo(&json!({}), json!({})));
    let plan = json!({"plan": preview.structured["plan"]});
    assert_eq!(told(&undo(&json!({"plan": "other"}), json!({}))).structured["error"]["code"], "plan_changed", "nobody is asked in vain");
    let asked = undo(&plan, json!({})).body["result"].clone();
    let question = asked["inputRequests"]["confirm"]["params"]["message"].as_str().unwrap().to_string();
    assert!(question.starts_with("Undo what was done in session ") && question.ends_with("Files that change: 1."), "{question}");
    let answer = |yes: bool| json!({"confirm": {"action": "accept", "content": {"confirm": yes}}});
    let state = &asked["requestState"];
    let no = told(&undo(&plan, json!({"requestState": state, "inputResponses": answer(false)})));
    assert_eq!((&no.structured["error"]["code"], mcp.api.get("/pages/Page").status), (&json!("declined"), 200));
    let done = told(&undo(&plan, json!({"requestState": state, "inputResponses": answer(true)})));
    assert_eq!((done.failed, mcp.api.get("/pages/Page").status), (false, 404), "{}", done.text);
    // The answer got lost: it is given again, and nobody is asked about what is done.
    let again = told(&undo(&plan, json!({})));
    assert_eq!((again.failed, &again.structured["revision"]), (false, &done.structured["revision"]), "{}", again.text);
}

#[test]
fn wide_renames_are_asked_about_and_narrow_ones_are_not() {
    let mcp = Mcp::start();
    mcp.write("Hub", "x\n");
    let rename = |to: &str, from: &str| call(&mcp, &json!({"name": "rename_note", "arguments": {"path": from, "new_path": to}}));
    assert!(!told(&rename("Hub2", "Hub")).failed);
    let operations: Vec<Value> = (0..11).map(|i| json!({"op": "put", "path": format!("L{i}"), "content": "[[Hub2]]\n"})).collect();
    mcp.good("apply_changes", json!({"message": "links", "operations": operations}));
    let asked = rename("Hub3", "Hub2").body["result"].clone();
    assert!(asked["inputRequests"]["confirm"]["params"]["message"].as_str().unwrap().contains("11 pages"), "{asked}");
}

#[test]
fn a_call_that_is_sent_again_is_done_once() {
    let mcp = Mcp::start();
    mcp.write("Log", "start\n");
    let append = |key: Value, text: &str| {
        let params = json!({"name": "append_to_note", "arguments": {"path": "Log", "text": text}, "_meta": {"idempotency_key": key}});
        told(&mcp.send(&[], &message("tools/call", &params)))
    };
    let first = append(json!("k1"), "one");
    assert!(!first.failed, "{}", first.text);
    let again = append(json!("k1"), "one");
    assert_eq!((again.failed, again.revision(), &again.structured["replayed"]), (false, first.revision(), &json!(true)));
    assert_eq!(append(json!("k1"), "two").structured["error"]["code"], "idempotency_key_reused");
    for bad in [json!(""), json!(7), json!("a b")] {
        assert_eq!(append(bad, "x").structured["error"]["code"], "validation");
    }
    assert!(!append(json!("k2"), "one").failed);
    assert_eq!(mcp.good("read_note", json!({"path": "Log"})).structured["content"], "start\n\none\n\none\n");
}
