//! The Model Context Protocol over the wire. Numbers are those of the acceptance cases of spec/mcp.md §12.

mod clients;
mod docs;
mod hostile;
mod listening;
mod proposals;
mod protocol;
mod reading;
mod resources;
mod rights;
mod sessions;
mod setup;
mod stdio;
mod tools;
mod undo;

pub use clients::python;

use crate::api::{Api, Names, Said, said};
use serde_json::{Value, json};

pub const MODERN: &str = "2026-07-28";

/// A wiki with its server, and Ann's token.
pub struct Mcp {
    pub api: Api,
}

/// What a tool said.
pub struct Told {
    pub text: String,
    pub structured: Value,
    pub failed: bool,
    pub content: Vec<Value>,
}

/// The message of an older client.
pub fn message(method: &str, params: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}).to_string()
}

/// The message of a client of the newest revision, with the headers that belong to it.
pub fn modern(method: &str, params: &Value, version: &str) -> (Vec<(&'static str, String)>, String) {
    let mut params = params.clone();
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": version, "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "otter", "version": "1"},
    });
    let mut headers = vec![("MCP-Protocol-Version", version.to_string()), ("Mcp-Method", method.to_string())];
    if let Some(name) = params.get("name").or(params.get("uri")).and_then(Value::as_str) {
        headers.push(("Mcp-Name", name.to_string()));
    }
    (headers, message(method, &params))
}

impl Mcp {
    pub fn start() -> Self {
        Self { api: Api::start(Names::Kept) }
    }
    pub fn send(&self, headers: &[(&str, &str)], body: &str) -> Said {
        let headers = [&[("Content-Type", "application/json"), ("Accept", "application/json, text/event-stream")], headers].concat();
        self.api.ask("POST", "/mcp", &headers, body.as_bytes())
    }
    /// As an older client.
    pub fn ask(&self, method: &str, params: &Value) -> Said {
        self.send(&[], &message(method, params))
    }
    /// As a client of the newest revision.
    pub fn ask_modern(&self, method: &str, params: &Value) -> Said {
        let (headers, body) = modern(method, params, MODERN);
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.send(&headers, &body)
    }
    /// Somebody else, or nobody.
    pub fn ask_as(&self, token: Option<&str>, method: &str, params: &Value) -> Said {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let mut headers = vec![("Content-Type", "application/json")];
        headers.extend(bearer.as_deref().map(|bearer| ("Authorization", bearer)));
        said(&self.api.server.client(), "POST", "/mcp", &headers, message(method, params).as_bytes())
    }
    #[expect(clippy::needless_pass_by_value, reason = "a call reads like what is sent")]
    pub fn call(&self, tool: &str, arguments: Value) -> Told {
        let said = self.ask("tools/call", &json!({"name": tool, "arguments": arguments}));
        assert_eq!(said.status, 200, "{tool}: {}", said.body);
        told(&said)
    }
    /// What a tool says when all is well.
    pub fn good(&self, tool: &str, arguments: Value) -> Told {
        let told = self.call(tool, arguments);
        assert!(!told.failed, "{tool}: {}", told.text);
        told
    }
    /// What a tool says when it refuses, which has this code.
    pub fn bad(&self, tool: &str, arguments: Value, code: &str) -> Told {
        let told = self.call(tool, arguments);
        assert!(told.failed, "{tool}: {}", told.text);
        assert_eq!(told.structured["error"]["code"], code, "{}", told.structured);
        assert!(told.structured["error"]["message"].as_str().is_some_and(|text| text.len() > 5));
        told
    }
    pub fn write(&self, path: &str, content: &str) -> String {
        self.good("write_note", json!({"path": path, "content": content})).revision()
    }
}

impl Told {
    /// The text of a page without the line that says when it was changed last, and by whom: Ann, through the token `backup`.
    pub fn undated(&self) -> String {
        let at = self.text.find("Last changed: 20").unwrap_or_else(|| panic!("no date in {}", self.text));
        let (line, rest) = self.text[at..].split_once('\n').unwrap();
        assert!(line.ends_with(" by Ann via mcp/backup"), "{line}");
        format!("{}{rest}", &self.text[..at])
    }
    pub fn revision(&self) -> String {
        let revision = self.structured["revision"].as_str().unwrap_or_default().to_string();
        assert_eq!(revision.len(), 40, "{}", self.structured);
        revision
    }
}

pub fn told(said: &Said) -> Told {
    let result = &said.body["result"];
    let content = result["content"].as_array().unwrap_or_else(|| panic!("no content in {}", said.body)).clone();
    Told {
        text: content[0]["text"].as_str().unwrap().to_string(),
        structured: result["structuredContent"].clone(),
        failed: result["isError"] == true,
        content,
    }
}
