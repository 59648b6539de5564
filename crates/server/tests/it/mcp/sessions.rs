//! Sessions: what an agent does in one go carries one name, wherever it is shown.

use super::{MODERN, Mcp, message, modern, told};
use serde_json::{Value, json};

fn write(path: &str) -> Value {
    json!({"name": "write_note", "arguments": {"path": path, "content": "text\n"}})
}

/// What `mcp/otter` wrote, in a session it names.
fn in_session(mcp: &Mcp, session: Value, call: &Value) -> crate::api::Said {
    let (headers, body) = modern("tools/call", call, MODERN);
    let mut body: Value = serde_json::from_str(&body).unwrap();
    body["params"]["_meta"]["io.holt/session"] = session;
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    mcp.send(&headers, &body.to_string())
}

/// Case 30.
#[test]
fn case_30_what_an_agent_does_in_one_go_has_one_session() {
    let mcp = Mcp::start();
    mcp.write("One", "text");
    mcp.write("Two", "text");
    mcp.ask_modern("tools/call", &write("Three"));
    mcp.ask_modern("tools/call", &write("Four"));
    let log = mcp.api.get("/changelog");
    let sessions = log.column("entries", "session");
    assert!(sessions.iter().all(|session| session.len() == 12), "{sessions:?}");
    assert_eq!((&sessions[0], &sessions[2]), (&sessions[1], &sessions[3]));
    assert_ne!(sessions[0], sessions[3], "another client works in another session");
    // One that the client names, in both eras, and over the API.
    assert!(!told(&in_session(&mcp, json!("tidy-up/7"), &write("Five"))).failed);
    let mut legacy: Value = serde_json::from_str(&message("tools/call", &write("Six"))).unwrap();
    legacy["params"]["_meta"] = json!({"io.holt/session": "old~1"});
    assert!(!told(&mcp.send(&[], &legacy.to_string())).failed);
    let headers = [("Content-Type", "application/json"), ("Holt-Session", "nightly")];
    assert_eq!(mcp.api.ask("PUT", "/api/v1/pages/Seven", &headers, b"{\"content\":\"x\"}").status, 201);
    mcp.api.create("Eight", "no session");
    let log = mcp.api.get("/changelog?limit=4");
    assert_eq!(log.column("entries", "session"), ["", "nightly", "old~1", "tidy-up/7"]);
    assert_eq!(log.column("entries", "via"), ["api/backup", "api/backup", "mcp/backup", "mcp/otter"]);
    assert!(log.column("entries", "message").iter().all(|message| !message.contains("Session")));
    // They can be asked for.
    assert_eq!(mcp.api.get("/changelog?session=tidy-up/7").column("entries", "message"), ["[mcp] Create: Five"]);
    assert_eq!(mcp.api.get("/changelog?via=mcp/otter").body["total"], 3);
    assert_eq!(mcp.api.get("/changelog?via=mcp/ott").body["total"], 0);
    let recent = mcp.good("get_recent_changes", json!({"via": "mcp/otter", "session": sessions[0]}));
    assert_eq!(recent.structured["total"], 2, "{}", recent.text);
}

#[test]
fn a_conflict_names_the_program_that_changed_the_same_lines() {
    let mcp = Mcp::start();
    let base = mcp.write("Page", "one\n");
    let ann = mcp.api.server.client();
    ann.log_in("ann@example.org", crate::api::PASSWORD);
    let save = |text: &str| ann.post("/Page/save", &[("content", text), ("revision", &base)]).unwrap();
    mcp.ask_modern("tools/call", &json!({"name": "write_note", "arguments": {"path": "Page", "content": "two\n", "revision": base}}));
    let conflict = save("three\n");
    assert!(conflict.status == 409 && conflict.body_text().contains("<strong>Ann via mcp/otter</strong>"), "{}", conflict.body_text());
    mcp.ask_modern("tools/call", &json!({"name": "delete_note", "arguments": {"path": "Page"}}));
    let gone = save("four\n");
    assert!(gone.status == 409 && gone.body_text().contains("Ann via mcp/otter"), "{}", gone.body_text());
}

#[test]
fn a_session_that_is_no_name_is_refused() {
    let mcp = Mcp::start();
    for bad in [json!(""), json!("a b"), json!("x".repeat(65)), json!("é"), json!("a\nVia: x"), json!(7), json!(null), json!({})] {
        let said = in_session(&mcp, bad.clone(), &write("Never"));
        assert_eq!((said.status, &said.body["error"]["code"]), (400, &json!(-32602)), "{bad}");
        assert!(said.body["error"]["message"].as_str().unwrap().contains("io.holt/session"));
    }
    for bad in ["a b", "é", "", &"x".repeat(65)] {
        let said = mcp.api.ask(
            "PUT",
            "/api/v1/pages/Never",
            &[("Content-Type", "application/json"), ("Holt-Session", bad)],
            b"{\"content\":\"x\"}",
        );
        assert_eq!(said.status, 422, "{bad:?}: {}", said.body);
    }
    assert_eq!(mcp.api.get("/changelog").body["total"], 0);
}

#[test]
fn people_see_which_agent_wrote_for_whom_and_in_which_session() {
    let mcp = Mcp::start();
    in_session(&mcp, json!("s-1"), &write("Page"));
    in_session(&mcp, json!("s-2"), &json!({"name": "write_note", "arguments": {"path": "Other", "content": "<b>text"}}));
    let ann = mcp.api.server.client();
    ann.log_in("ann@example.org", crate::api::PASSWORD);
    for page in ["/Page", "/Page/history", "/Page/blame", "/-/changelog", "/-/changelog/feed.atom"] {
        let text = ann.get(page).body_text();
        assert!(text.contains("Ann via mcp/otter"), "{page}: {text}");
    }
    let log = ann.get("/-/changelog?session=s-1").body_text();
    assert!(log.contains("Create: Page") && !log.contains("Create: Other") && log.contains("session=s-1"), "{log}");
    let agents = ann.get("/-/agents").body_text();
    assert!(
        agents.contains("href=\"/-/agents?via=mcp%2Fotter\"") && agents.contains("2 changes") && agents.contains("2 sessions"),
        "{agents}"
    );
    let otter = ann.get("/-/agents?via=mcp%2Fotter").body_text();
    assert!(otter.contains("<code>s-1</code>") && otter.contains("<code>s-2</code>") && otter.contains("[mcp] Create: Page"), "{otter}");
    // For programs, too.
    let all = mcp.api.get("/agents");
    assert_eq!(all.column("agents", "via"), ["mcp/otter"]);
    assert_eq!((&all.body["agents"][0]["changes"], &all.body["agents"][0]["person"]), (&json!(2), &json!("Ann")));
    let first = mcp.api.get("/agents?via=mcp/otter&limit=1");
    assert_eq!(first.column("sessions", "session"), ["s-2"]);
    let next = mcp.api.get(&format!("/agents?via=mcp/otter&limit=1&cursor={}", first.text("next_cursor")));
    assert_eq!(next.column("sessions", "session"), ["s-1"]);
}
