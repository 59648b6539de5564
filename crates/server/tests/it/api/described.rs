//! Hostile values in every parameter and field of the description: no answer is a 5xx, and none is one that is not described.

use super::{Api, Names};
use crate::client::encode;
use serde_json::{Value, json};

const TEXTS: &[&str] = &[
    "",
    "x",
    "-1",
    "0",
    "99999999999999999999",
    "../..",
    "a/b",
    "HEAD",
    "--all",
    "0000000",
    "\u{0}",
    "\u{202e}",
    "日本",
    "%",
    "[[",
    "\"",
    "'; --",
    "*",
    "2026-13-45",
    "9999999-01-01",
    "AND OR NOT",
    "null",
    "a > b",
];

fn values() -> Vec<Value> {
    let mut values: Vec<Value> = TEXTS.iter().map(|text| json!(text)).collect();
    values.extend([
        json!(null),
        json!(7),
        json!(-1.5),
        json!(true),
        json!([]),
        json!({}),
        json!(["x", 7, null]),
        json!([{"op": "put"}, 7]),
    ]);
    values.push(json!([{"op": "put", "path": "q", "content": 7}]));
    values.push("x".repeat(5000).into());
    values
}

fn holes(address: &str, path: &str, file: &str) -> String {
    let path: Vec<String> = path.split('/').map(encode).collect();
    format!(
        "/api/v1{}",
        address
            .replace("{path}", &path.join("/"))
            .replace("{number}", &encode(if path == ["A"] { "1" } else { file }))
            .replace("{webhook}", &encode(if path == ["A"] { "1" } else { file }))
            .replace("{delivery}", &encode(file))
            .replace("{filename}", &encode(file))
    )
}

#[test]
fn nothing_but_what_is_described_comes_back() {
    let api = Api::start(Names::Kept);
    let revision = api.create("A", "# One\n\n[[B]]\n");
    let golden: Value = serde_json::from_str(include_str!("openapi.json")).unwrap();
    let mut wrong = Vec::new();
    let mut asked = 0;
    let mut seen = std::collections::BTreeSet::new();
    let mut ask = |operation: &Value, method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]| {
        let said = api.ask(method, url, headers, body);
        asked += 1;
        seen.insert(said.status);
        let is_described = operation["responses"].get(said.status.to_string()).is_some();
        let shown: String = String::from_utf8_lossy(body).chars().take(120).collect();
        // An address that no row has is no operation's; a body of another form is the front's.
        // What is not there yet says so.
        let is_fault = said.status >= 500 && said.body["code"] != "unavailable";
        if is_fault || (!is_described && said.status != 405) {
            wrong.push(format!("{method} {} {shown} -> {} {}", url.chars().take(160).collect::<String>(), said.status, said.body));
        }
        if said.status >= 400 && method != "HEAD" && said.body["code"].as_str().is_none() {
            wrong.push(format!("{method} {url} -> {} without a code", said.status));
        }
    };
    let json_type = ("Content-Type", "application/json");
    for (address, operations) in golden["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let method = method.to_uppercase();
            let good = holes(address, "A", "f.txt");
            let fields = operation["requestBody"]["content"]["application/json"]["schema"]["properties"].as_object();
            let plain = |name: &String| (name.clone(), if name.contains("revision") { json!(revision) } else { json!("x") });
            let whole: serde_json::Map<String, Value> = fields.into_iter().flat_map(|fields| fields.keys().map(plain)).collect();
            let sent = if fields.is_some() { Value::Object(whole.clone()).to_string() } else { String::new() };
            for text in TEXTS {
                ask(operation, &method, &holes(address, text, "f.txt"), &[json_type], b"");
                ask(operation, &method, &holes(address, "A", text), &[json_type], b"{}");
                for header in ["If-Match", "If-None-Match", "Range", "Accept"] {
                    let value: String = text.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').collect();
                    ask(operation, &method, &good, &[json_type, (header, &value)], sent.as_bytes());
                }
                for parameter in operation["parameters"].as_array().unwrap().iter().filter(|parameter| parameter["in"] == "query") {
                    let url = format!("{good}?{}={}", parameter["name"].as_str().unwrap(), encode(text));
                    ask(operation, &method, &url, &[], b"");
                }
            }
            let Some(fields) = fields else { continue };
            for field in fields.keys() {
                for value in values() {
                    let mut body = whole.clone();
                    body.insert(field.clone(), value.clone());
                    ask(operation, &method, &good, &[json_type], Value::Object(body).to_string().as_bytes());
                    ask(operation, &method, &good, &[json_type], json!({field: value}).to_string().as_bytes());
                }
            }
        }
    }
    // The controls: this many questions, and answers of all these kinds.
    assert!(asked > 3000, "{asked}");
    assert!([200, 201, 400, 404, 409, 412, 422].iter().all(|status| seen.contains(status)), "{seen:?}");
    wrong.truncate(25);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
