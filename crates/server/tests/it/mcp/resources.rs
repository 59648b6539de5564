//! Pages as resources, prompts, completion.

use super::Mcp;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Case 32.
#[test]
fn case_32_resources_come_in_parts_without_duplicates() {
    let mcp = Mcp::start();
    for part in 0..5 {
        let operations: Vec<Value> =
            (0..90).map(|i| json!({"op": "put", "path": format!("P/Seite {}", part * 90 + i), "content": "x\n"})).collect();
        mcp.good("apply_changes", json!({"message": "many", "operations": operations}));
    }
    let (mut seen, mut parts, mut cursor) = (BTreeSet::new(), 0, Value::Null);
    loop {
        let said = mcp.ask_modern("resources/list", &json!({"cursor": cursor}));
        let result = &said.body["result"];
        for resource in result["resources"].as_array().unwrap() {
            assert!(seen.insert(resource["uri"].as_str().unwrap().to_string()), "{resource}");
        }
        parts += 1;
        cursor = result["nextCursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    let listed = mcp.ask("resources/list", &json!({})).body["result"]["resources"].clone();
    assert_eq!((&listed[2]["size"], listed[0]["size"].is_null()), (&json!(2), true));
    // With what changed and the tree.
    assert_eq!((seen.len(), parts), (452, 3));
    let unknown = json!({"uri": "wiki://docs/pages/Nowhere"});
    let (modern, old) = (mcp.ask_modern("resources/read", &unknown), mcp.ask("resources/read", &unknown));
    assert_eq!((modern.status, &modern.body["error"]["code"]), (400, &json!(-32602)));
    assert_eq!((old.status, &old.body["error"]["code"]), (200, &json!(-32002)));
    let read = mcp.ask("resources/read", &json!({"uri": "wiki://docs/pages/P/Seite%207"})).body["result"]["contents"][0].clone();
    assert_eq!((&read["text"], &read["mimeType"]), (&json!("x\n"), &json!("text/markdown")));
}

#[test]
fn pages_files_changes_and_the_tree_are_read() {
    let mcp = Mcp::start();
    let first = mcp.write("Guide/Setup", "one\n");
    mcp.good("write_note", json!({"path": "Guide/Setup", "content": "two\n", "revision": first}));
    mcp.good("upload_attachment", json!({"path": "Guide/Setup", "filename": "ä b.txt", "content": "aGk="}));
    let read = |rest: &str| mcp.ask("resources/read", &json!({"uri": format!("wiki://docs/{rest}")})).body["result"]["contents"][0].clone();
    assert_eq!(read("pages/Guide/Setup")["text"], "two\n");
    assert_eq!(read(&format!("pages/Guide/Setup?revision={first}"))["text"], "one\n");
    assert_eq!(read("attachments/Guide/Setup/%C3%A4%20b.txt")["blob"], "aGk=");
    assert_eq!(read("tree")["text"], "Guide/\nGuide/Setup\n");
    assert!(read("changes")["text"].as_str().unwrap().contains("[mcp] Update: Guide/Setup (Guide/Setup)"));
    for nothing in
        ["", "pages", "pages/", "pages/..", "pages/%00", "pages/Guide/Setup?x=1", "pages/Guide/Setup?revision=zz", "attachments/x", "x/y"]
    {
        assert!(read(nothing).is_null(), "{nothing}");
    }
    let templates = mcp.ask("resources/templates/list", &json!({})).body["result"]["resourceTemplates"].clone();
    assert_eq!(templates[0]["uriTemplate"], "wiki://docs/pages/{+path}");
    let complete =
        json!({"ref": {"type": "ref/resource", "uri": "wiki://docs/pages/{+path}"}, "argument": {"name": "path", "value": "gui"}});
    assert_eq!(mcp.ask("completion/complete", &complete).body["result"]["completion"]["values"], json!(["Guide/Setup"]));
}

#[test]
fn prompts_bring_the_wikis_own_guidance_as_data() {
    let mcp = Mcp::start();
    let names = mcp.ask("prompts/list", &json!({})).body["result"]["prompts"].clone();
    let names: Vec<&str> = names.as_array().unwrap().iter().map(|prompt| prompt["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["orient", "summarise_recent_changes", "file_note", "tidy_orphans"]);
    let get = |params: Value| mcp.ask("prompts/get", &params).body;
    let file = get(json!({"name": "file_note", "arguments": {"text": "Otters {since} swim."}}));
    assert!(file["result"]["messages"][0]["content"]["text"].as_str().unwrap().ends_with("Otters {since} swim."));
    assert_eq!(file["result"]["messages"].as_array().unwrap().len(), 1);
    mcp.write("Agent Guide", "Be kind.\n");
    let orient = get(json!({"name": "orient"}));
    assert_eq!(orient["result"]["messages"][1]["content"]["resource"]["text"], "Be kind.\n");
    assert!(mcp.good("get_wiki_info", json!({})).text.contains("read the page Agent Guide"));
    for bad in [json!({}), json!({"name": "nothing"}), json!({"name": "file_note"}), json!({"name": "orient", "arguments": {"x": "y"}})] {
        assert_eq!(get(bad)["error"]["code"], -32602);
    }
}
