//! `holt mcp`: the same on standard input and output.

use super::{MODERN, message, modern};
use crate::client::Server;
use serde_json::{Value, json};
use std::path::Path;

fn speak(data: &Path, flags: &[&str], lines: &[String]) -> (i32, Vec<Value>, String) {
    let args = [&["mcp", "--wiki", "docs"], flags].concat();
    let (code, out, errors) = Server::command_with_input(data, &args, &(lines.join("\n") + "\n"));
    let answers = out.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")));
    (code, answers.collect(), errors)
}

#[expect(clippy::needless_pass_by_value, reason = "a call reads like what is sent")]
fn call(tool: &str, arguments: Value) -> String {
    message("tools/call", &json!({"name": tool, "arguments": arguments}))
}

#[test]
fn agents_on_the_machine_speak_without_a_server() {
    let dir = tempfile::tempdir().unwrap();
    Server::prepare(dir.path(), "docs");
    let hello = message(
        "initialize",
        &json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "otter", "version": "1"}}),
    );
    let noted = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}".to_string();
    let write = call("write_note", json!({"path": "Page", "content": "text\n"}));
    let (code, answers, errors) = speak(dir.path(), &[], &[hello, noted, String::new(), write.clone(), "nonsense".to_string()]);
    assert_eq!((code, answers.len(), errors.as_str()), (0, 3, ""));
    assert_eq!(answers[0]["result"]["protocolVersion"], "2025-06-18");
    assert!(answers[1]["result"]["content"][0]["text"].as_str().unwrap().starts_with("Created Page"), "{}", answers[1]);
    assert_eq!(answers[2]["error"]["code"], -32700);
    // Somebody's own rights and name, or only looking; the newest revision of the protocol needs no headers here.
    let (_, answers, _) = speak(
        dir.path(),
        &["--as", "ANN@example.org"],
        &[call("write_note", json!({"path": "Hers", "content": "x"})), call("get_recent_changes", json!({}))],
    );
    let entries = &answers[1]["result"]["structuredContent"]["entries"];
    assert_eq!((&entries[0]["author"], &entries[1]["author"]), (&json!("Ann"), &json!("operator")));
    assert_eq!((&entries[0]["via"], &entries[1]["via"]), (&json!("mcp/stdio"), &json!("mcp/otter")));
    assert_ne!(entries[0]["session"], entries[1]["session"], "each process has a session of its own");
    let (_, answers, _) = speak(dir.path(), &["--read-only"], &[write, modern("server/discover", &json!({}), MODERN).1]);
    assert!(answers[0]["error"]["message"].as_str().unwrap().contains("wiki:write"), "{}", answers[0]);
    assert_eq!(answers[1]["result"]["supportedVersions"][0], MODERN);
}

#[test]
fn what_is_wrong_is_said_on_standard_error() {
    let dir = tempfile::tempdir().unwrap();
    Server::prepare(dir.path(), "docs");
    let wrong = |args: &[&str]| Server::command_with_input(dir.path(), args, "");
    for (args, what) in
        [(&["mcp", "--wiki", "nowhere"][..], "there is no wiki"), (&["mcp", "--wiki", "docs", "--as", "x@y"], "there is no account")]
    {
        let (code, out, errors) = wrong(args);
        assert_eq!((code, out.as_str()), (1, ""));
        assert!(errors.contains(what), "{errors}");
    }
    let _server = Server::start(dir.path(), &[]);
    let (code, _, errors) = wrong(&["mcp", "--wiki", "docs"]);
    assert!(code == 1 && errors.contains("is in use by process"), "{errors}");
}
