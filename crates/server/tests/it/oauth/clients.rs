//! The official Python client as the judge of the whole way: what it is told, what it asks people for, and how it goes on. The TypeScript client
//! goes it with a real browser in e2e/scenarios/oauth.test.mjs.

use super::place;
use crate::api::PASSWORD;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

#[test]
fn the_official_client_is_allowed_asks_for_more_refreshes_and_is_refused() {
    let Some(python) = crate::mcp::python() else { holt_testkit::skip!("no Python client of MCP here: run scripts/test-tools.sh") };
    let place = place();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/oauth/client.py");
    let origin = format!("http://{}", place.nobody().host);
    let out = Command::new(python).arg(script).args([&origin, "ann@example.org", PASSWORD]).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let seen: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert!(seen["client"].as_str().unwrap().starts_with("holti_"), "{seen}");
    let writes = |step: &str| seen[step][1].as_array().unwrap().contains(&json!("write_note"));
    assert_eq!((&seen["first"][0], writes("first")), (&json!("wiki:read"), false));
    assert!(seen["written"][0] == false && seen["written"][1].as_str().unwrap().starts_with("Created By otter"), "{seen}");
    assert_eq!((&seen["then"][0], writes("then")), (&json!("wiki:read wiki:write"), true));
    assert_eq!(seen["then"][1], seen["again"]);
    assert_eq!(seen["refreshed"], json!([false, [true, true]]));
    // Told to ask for reading, then for what it lacked; for nothing when it refreshed.
    assert_eq!(seen["asked"], json!(["wiki:read", "wiki:read wiki:write"]));
    assert_eq!(seen["denied"], json!(["No authorization code received", "access_denied"]));
    assert_eq!(place.api.get("/changelog?limit=1").column("entries", "via"), ["mcp/Otter"]);
}
