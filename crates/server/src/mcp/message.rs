//! JSON-RPC 2.0: one message in, one out (security.md MCP-5).

use crate::api::body;
use holt_core::Action;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use std::fmt;

/// No JSON.
pub const PARSE: i64 = -32700;
/// No request.
pub const REQUEST: i64 = -32600;
/// No such method.
pub const METHOD: i64 = -32601;
/// Parameters that break a rule.
pub const PARAMS: i64 = -32602;
/// A fault of ours.
pub const INTERNAL: i64 = -32603;
/// A resource that is not there, as older clients know it.
pub const NO_RESOURCE: i64 = -32002;
/// Who asks may not.
pub const DENIED: i64 = -32001;
/// Too much is asked.
pub const BUSY: i64 = -32000;
/// The headers say something else than the message.
pub const HEADERS: i64 = -32020;
/// A version that is not spoken here.
pub const VERSION: i64 = -32022;

/// What came in.
pub enum Message {
    /// Something to answer.
    Request {
        /// See there.
        id: Id,
        /// What is asked.
        method: String,
        /// With what.
        params: Map<String, Value>,
    },
    /// Something to take note of: there is nothing that would have to be.
    Notification,
}

/// What a request is called, a string or a number: exactly as it was sent, because who compares it may count further than we do.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct Id(Box<RawValue>);

impl Id {
    /// Of what has none that could be told.
    pub fn none() -> Self {
        Self(RawValue::NULL.to_owned())
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.get())
    }
}

/// The id of a message, as it stands there.
#[derive(Deserialize)]
struct Named<'m> {
    #[serde(borrow)]
    id: Option<&'m RawValue>,
}

/// Why a message is not answered with a result.
pub struct Refusal {
    /// Of JSON-RPC.
    pub code: i64,
    /// For people.
    pub message: String,
    /// For programs.
    pub data: Option<Value>,
    /// What it is over HTTP.
    pub status: StatusCode,
    /// After how many seconds it is worth trying again.
    pub after: Option<u16>,
    /// The right that was missing.
    pub needs: Option<Action>,
}

impl Refusal {
    /// With the status that belongs to the code.
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        let status = match code {
            PARSE | REQUEST | PARAMS | HEADERS | VERSION => StatusCode::BAD_REQUEST,
            METHOD => StatusCode::NOT_FOUND,
            _ => StatusCode::OK,
        };
        Self { code, message: message.into(), data: None, status, after: None, needs: None }
    }
    /// As the answer to the request `id`.
    pub fn said(self, id: &Id) -> String {
        let mut error = json!({"code": self.code, "message": self.message});
        if let Some(data) = self.data {
            error["data"] = data;
        }
        format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{error}}}")
    }
    /// Of what is no request.
    pub fn request(message: &str) -> Self {
        Self::new(REQUEST, message)
    }
    /// Of parameters.
    pub fn params(message: impl Into<String>) -> Self {
        Self::new(PARAMS, message)
    }
}

/// The answer to the request `id`.
pub fn result(id: &Id, result: &Value) -> String {
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{result}}}")
}

/// Reads one message.
pub fn parse(bytes: &[u8]) -> Result<Message, Refusal> {
    let value = body::parse(bytes).map_err(|failure| Refusal::new(PARSE, failure.error().message.clone()))?;
    let Value::Object(mut map) = value else {
        return Err(Refusal::request("send one JSON-RPC message as an object; batches are not taken"));
    };
    if map.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return Err(Refusal::request("jsonrpc is not \"2.0\""));
    }
    let Some(method) = map.get("method").and_then(Value::as_str).map(str::to_string) else {
        return Err(Refusal::request("there is no method: only requests and notifications are taken"));
    };
    let params = match map.remove("params") {
        None => Map::new(),
        Some(Value::Object(params)) => params,
        Some(_) => return Err(Refusal::request("params is not an object")),
    };
    match map.remove("id") {
        None => Ok(Message::Notification),
        Some(Value::String(_) | Value::Number(_)) => match serde_json::from_slice(bytes) {
            Ok(Named { id: Some(id) }) if id.get().len() <= 256 => Ok(Message::Request { id: Id(id.to_owned()), method, params }),
            _ => Err(Refusal::request("id is longer than 256 bytes")),
        },
        Some(_) => Err(Refusal::request("id is neither a string nor a number")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_what_was_sent() {
        for id in ["7", "9007199254740993", "123456789012345678901234567890", "-18446744073709551617", "1.50", "1e3", "\"a\\u0062\""] {
            let text = format!("{{\"method\":\"x\",\"params\":{{\"id\":1}},\"\\u0069d\" : {id} ,\"jsonrpc\":\"2.0\"}}");
            let Ok(Message::Request { id: taken, .. }) = parse(text.as_bytes()) else { panic!("{text}") };
            assert_eq!((taken.to_string(), serde_json::to_string(&taken).unwrap()), (id.to_string(), id.to_string()));
        }
        let long = format!("{{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"x\"}}", "1".repeat(257));
        assert_eq!(parse(long.as_bytes()).err().map(|refusal| refusal.code), Some(REQUEST));
        assert_eq!(Id::none().to_string(), "null");
    }

    #[test]
    fn only_single_messages_are_taken() {
        let code = |text: &str| parse(text.as_bytes()).err().map(|refusal| refusal.code);
        assert!(matches!(parse(b"{\"jsonrpc\":\"2.0\",\"method\":\"x\"}"), Ok(Message::Notification)));
        assert_eq!(code("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\"}"), None);
        for bad in [
            "[]",
            "7",
            "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\"}]",
            "{\"id\":1,\"method\":\"x\"}",
            "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"x\"}",
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}",
            "{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"x\"}",
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":[]}",
        ] {
            assert_eq!(code(bad), Some(REQUEST), "{bad}");
        }
        for bad in ["", "{", "{\"id\":1,\"id\":2}", "\u{0}"] {
            assert_eq!(code(bad), Some(PARSE), "{bad}");
        }
    }
}
