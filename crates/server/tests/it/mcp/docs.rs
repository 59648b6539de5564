//! docs/mcp.md: its examples run, in their order, and every tool has one.

use super::Mcp;
use serde_json::{Value, json};

#[test]
fn examples_run() {
    let mcp = Mcp::start();
    let text = include_str!("../../../../../docs/mcp.md");
    let block = text.split("```mcp\n").nth(1).unwrap().split("```").next().unwrap();
    let (mut revision, mut first, mut used) = (String::new(), String::new(), Vec::new());
    for example in block.split("\n\n") {
        let (line, promised) = example.trim().split_once('\n').unwrap_or_else(|| panic!("no answer: {example}"));
        let (tool, arguments) = line.split_once(' ').unwrap();
        let arguments = arguments.replace("$REVISION", &revision).replace("$FIRST", &first);
        let told = mcp.call(tool, serde_json::from_str(&arguments).unwrap_or_else(|e| panic!("{arguments}: {e}")));
        let (failed, start) = promised.strip_prefix("! ").map_or((false, promised), |start| (true, start));
        assert!(told.failed == failed && told.text.starts_with(start), "{line}\n{}", told.text);
        used.push(tool.to_string());
        if let Some(new) = told.structured["revision"].as_str().filter(|_| tool != "get_wiki_info") {
            revision = new.to_string();
            first = if first.is_empty() { new.to_string() } else { first };
        }
    }
    let tools: Value = mcp.ask("tools/list", &json!({})).body["result"]["tools"].clone();
    for tool in tools.as_array().unwrap() {
        let name = tool["name"].as_str().unwrap();
        assert!(used.iter().any(|used| used == name) && text.contains(&format!("`{name}`")), "docs/mcp.md says nothing of {name}");
    }
}
