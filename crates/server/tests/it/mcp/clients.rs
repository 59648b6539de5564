//! The official Python client as the judge: it checks every answer against the protocol and every result against its schema. The TypeScript
//! client does the same in e2e/scenarios/mcp.test.mjs.

use super::Mcp;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The Python that knows the official client, where scripts/test-tools.sh put it beside what Cargo builds.
pub fn python() -> Option<PathBuf> {
    let place = Path::new(env!("CARGO_BIN_EXE_holt")).ancestors().nth(2).unwrap().join("mcp-client");
    place.join("installed.txt").is_file().then(|| place.join("bin/python"))
}

#[test]
fn the_official_client_uses_every_tool_in_both_eras() {
    let Some(python) = python() else { holt_testkit::skip!("no Python client of MCP here: run scripts/test-tools.sh") };
    let mcp = Mcp::start();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/mcp/client.py");
    let url = format!("http://{}/mcp", mcp.api.server.client().host);
    let out = Command::new(python).arg(script).args([&url, &mcp.api.token]).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let seen: Value = serde_json::from_slice(&out.stdout).unwrap();
    for (mode, version) in [("auto", super::MODERN), ("legacy", "2025-11-25")] {
        let seen = &seen[mode];
        assert_eq!(seen["version"], version);
        let said = seen["said"].as_object().unwrap();
        for tool in seen["tools"].as_array().unwrap() {
            let name = tool.as_str().unwrap();
            let answer = said.get(name).unwrap_or_else(|| panic!("{name} was not called"));
            assert_eq!(answer[0], name == "semantic_search", "{name}: {answer}");
        }
        assert_eq!((said.len(), &seen["prompts"], &seen["templates"]), (35, &4.into(), &3.into()));
        // What changed is heard of, and a person is asked, in the newest revision alone.
        let heard = if mode == "auto" { "wiki://docs/pages/Guide/auto" } else { "" };
        assert_eq!((seen["heard"].as_str(), seen["asked"].as_u64()), (Some(heard), Some(u64::from(mode == "auto") * 3)), "{seen}");
        assert!(seen["page"].as_str().unwrap().contains("red button") && seen["resources"].as_u64() > Some(2));
    }
}
