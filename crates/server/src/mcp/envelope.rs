//! Which revision of the protocol a message speaks, and whether what its headers say is what it says itself (spec/mcp.md §3, security.md MCP-4).

use super::cleaned;
use super::message::{HEADERS, Refusal, VERSION};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use holt_core::SessionName;
use http::header::HeaderMap;
use serde_json::{Map, Value, json};

/// The revision without a handshake.
pub const MODERN: &str = "2026-07-28";
/// Those with one, newest first.
pub const LEGACY: [&str; 3] = ["2025-11-25", "2025-06-18", "2025-03-26"];

const VERSION_KEY: &str = "io.modelcontextprotocol/protocolVersion";
const CAPABILITIES_KEY: &str = "io.modelcontextprotocol/clientCapabilities";
const CLIENT_KEY: &str = "io.modelcontextprotocol/clientInfo";
/// Ours: what a client calls the session it works in, so that what it does in one go can be found, and undone, together.
const SESSION_KEY: &str = "io.holt/session";

/// How one speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Era {
    /// `initialize` first, then anything; nothing of it is remembered here.
    Legacy,
    /// Each message says all that has to be known.
    Modern,
}

/// What is known of a message before it is looked at.
pub struct Envelope {
    /// See there.
    pub era: Era,
    /// What the client calls itself, cleaned.
    pub client: Option<String>,
    /// The session it says it works in.
    pub session: Option<SessionName>,
    /// Whether it can ask a person something, with a form.
    pub asks: Asks,
}

/// See [`Envelope::asks`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    /// It can.
    People,
    /// It did not say so.
    Nobody,
}

/// Reads and checks it. Without `headers` the message came on standard input.
pub fn open(headers: Option<&HeaderMap>, method: &str, params: &Map<String, Value>) -> Result<Envelope, Refusal> {
    let meta = params.get("_meta").and_then(Value::as_object);
    let said = meta.and_then(|meta| meta.get(VERSION_KEY));
    // Refused, not passed over: whoever names a session means to find it again.
    let session = match meta.and_then(|meta| meta.get(SESSION_KEY)) {
        None => None,
        Some(sent) => Some(
            SessionName::parse(sent.as_str().unwrap_or_default())
                .map_err(|_| Refusal::params(format!("{SESSION_KEY} is not 1 to 64 visible ASCII characters")))?,
        ),
    };
    let sent = match headers {
        Some(headers) => one(headers, "mcp-protocol-version")?,
        None => None,
    };
    let old = |version: &str| LEGACY.contains(&version) || version == "2024-11-05";
    if said.is_none() && (sent.as_deref().is_none_or(old) || method == "initialize") {
        let client = if method == "initialize" { name(params.get("clientInfo")) } else { None };
        return Ok(Envelope { era: Era::Legacy, client, session, asks: Asks::Nobody });
    }
    let said = match said {
        Some(Value::String(said)) => said.as_str(),
        Some(_) => return Err(Refusal::params(format!("{VERSION_KEY} is not a string"))),
        // The header alone says that it is modern, or what nobody speaks.
        None => match sent.as_deref() {
            Some(sent) if sent != MODERN => return Err(unsupported(sent)),
            _ => return Err(Refusal::params(format!("params._meta has no {VERSION_KEY}"))),
        },
    };
    if let Some(headers) = headers {
        if sent.as_deref() != Some(said) {
            return Err(Refusal::new(HEADERS, "the header MCP-Protocol-Version is missing or not what the message says"));
        }
        if one(headers, "mcp-method")?.as_deref() != Some(method) {
            return Err(Refusal::new(HEADERS, "the header Mcp-Method is missing or not what the message says"));
        }
        let named = match method {
            "tools/call" | "prompts/get" => params.get("name"),
            "resources/read" => params.get("uri"),
            _ => None,
        };
        if let Some(named) = named.and_then(Value::as_str)
            && one(headers, "mcp-name")?.and_then(|sent| decoded(&sent)).as_deref() != Some(named)
        {
            return Err(Refusal::new(HEADERS, "the header Mcp-Name is missing or not what the message says"));
        }
    }
    if said != MODERN {
        return Err(unsupported(said));
    }
    if !meta.is_some_and(|meta| meta.get(CAPABILITIES_KEY).is_some_and(Value::is_object)) {
        return Err(Refusal::params(format!("params._meta has no {CAPABILITIES_KEY}")));
    }
    let elicitation = meta.and_then(|meta| meta.get(CAPABILITIES_KEY)?.get("elicitation")).and_then(Value::as_object);
    // What names no mode has forms.
    let asks = if elicitation.is_some_and(|modes| modes.is_empty() || modes.contains_key("form")) { Asks::People } else { Asks::Nobody };
    Ok(Envelope { era: Era::Modern, client: name(meta.and_then(|meta| meta.get(CLIENT_KEY))), session, asks })
}

fn name(info: Option<&Value>) -> Option<String> {
    cleaned(info?.get("name")?.as_str()?)
}

fn unsupported(requested: &str) -> Refusal {
    let requested: String = requested.chars().take(64).collect();
    let mut supported = vec![MODERN];
    supported.extend(LEGACY);
    let data = json!({"supported": supported, "requested": requested});
    Refusal { data: Some(data), ..Refusal::new(VERSION, "this version of the protocol is not spoken here") }
}

/// A header that may be there once: whoever reads the first and whoever reads the last must not see different ones.
fn one(headers: &HeaderMap, name: &str) -> Result<Option<String>, Refusal> {
    let mut all = headers.get_all(name).iter();
    let first = all.next().map(|value| value.to_str().unwrap_or_default().trim().to_string());
    if all.next().is_some() {
        return Err(Refusal::new(HEADERS, format!("the header {name} is there more than once")));
    }
    Ok(first)
}

/// What a header says that may hold what headers cannot: `=?base64?…?=`.
fn decoded(sent: &str) -> Option<String> {
    match sent.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?=")) {
        Some(inner) => String::from_utf8(STANDARD.decode(inner).ok()?).ok(),
        None => Some(sent.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(headers: &[(&'static str, &str)], method: &str, params: &Value) -> Result<Era, i64> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let params = params.as_object().unwrap();
        open(Some(&map), method, params).map(|envelope| envelope.era).map_err(|refusal| refusal.code)
    }
    fn meta(version: &str) -> Value {
        json!({"name": "bär", "_meta": {VERSION_KEY: version, CAPABILITIES_KEY: {}}})
    }

    #[test]
    fn eras_are_told_apart_and_headers_have_to_fit() {
        let modern = ("mcp-protocol-version", MODERN);
        assert_eq!(code(&[], "tools/list", &json!({})), Ok(Era::Legacy));
        assert_eq!(code(&[("mcp-protocol-version", "2025-06-18")], "tools/list", &json!({})), Ok(Era::Legacy));
        assert_eq!(code(&[modern, ("mcp-method", "tools/list")], "tools/list", &meta(MODERN)), Ok(Era::Modern));
        let name = ("mcp-name", "=?base64?YsOkcg==?=");
        assert_eq!(code(&[modern, ("mcp-method", "tools/call"), name], "tools/call", &meta(MODERN)), Ok(Era::Modern));
        for headers in [
            vec![],
            vec![modern],
            vec![("mcp-protocol-version", "2025-06-18"), ("mcp-method", "tools/call"), name],
            vec![modern, ("mcp-method", "tools/list"), name],
            vec![modern, ("mcp-method", "tools/call")],
            vec![modern, ("mcp-method", "tools/call"), ("mcp-name", "foo")],
            vec![modern, ("mcp-method", "tools/call"), ("mcp-name", "=?base64?!?=")],
            vec![modern, ("mcp-method", "tools/call"), name, name],
        ] {
            assert_eq!(code(&headers, "tools/call", &meta(MODERN)), Err(HEADERS), "{headers:?}");
        }
        assert_eq!(code(&[("mcp-protocol-version", "1900-01-01"), ("mcp-method", "x")], "x", &meta("1900-01-01")), Err(VERSION));
        assert_eq!(code(&[("mcp-protocol-version", "1900-01-01")], "tools/list", &json!({})), Err(VERSION));
        assert_eq!(code(&[modern, ("mcp-method", "x")], "x", &json!({"_meta": {VERSION_KEY: MODERN}})), Err(super::super::message::PARAMS));
    }
}
