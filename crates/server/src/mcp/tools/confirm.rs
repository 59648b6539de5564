//! Asking a person before something goes (spec/mcp.md §7), where the client says that it can ask. Nothing is remembered of the question: what it was
//! about comes back with the answer, signed, for the same caller, tool and arguments, for ten minutes; and the commit of the answer bears its
//! name, so that it counts once.

use super::{Call, undo};
use crate::api::failure::Failure;
use crate::api::idempotency::caller;
use crate::api::{links, pages as page_api};
use crate::web::Context;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use holt_core::Error;
use http::StatusCode;
use serde_json::{Map, Value, json};
use sha2::Sha256;

/// How long an answer may take, in seconds.
const PATIENCE: i64 = 600;
/// A rename that rewrites links in more pages than this is asked about.
const WIDE: usize = 10;
/// What the question is called.
const QUESTION: &str = "confirm";

/// What came back with a call.
pub enum Reply {
    /// Nothing: ask.
    None,
    /// Yes, by the state of this name.
    Yes(String),
}

/// What a person has to be asked before the call is done, if anything. What cannot be done at all is said before anybody is asked.
pub fn question(call: &Call<'_>) -> Result<Option<String>, Failure> {
    match call.tool.name {
        "delete_note" => {
            let page = page_api::existing(call.context, &call.path("path")?)?;
            Ok(Some(format!("Delete the page {} and its files?", call.preferences.display_path(&page))))
        }
        "delete_attachment" => {
            let page = page_api::existing(call.context, &call.path("path")?)?;
            Ok(Some(format!("Delete the file {} of the page {}?", call.fields.required("filename")?, call.preferences.display_path(&page))))
        }
        "rename_note" => {
            let page = page_api::existing(call.context, &call.path("path")?)?;
            let to = call.path("new_path")?;
            let linking = links::of(call.context, &page)?["linked_from"].as_array().map_or(0, Vec::len);
            let shown = call.preferences.display_path(&page);
            Ok((linking > WIDE).then(|| format!("Rename {shown} to {to}? Links in {linking} pages will be rewritten.")))
        }
        // A preview takes nothing away.
        "undo_session" => undo::question(call),
        _ => Ok(None),
    }
}

/// The result that asks.
pub fn asked(context: &Context<'_>, tool: &str, arguments: &str, question: &str) -> Result<Value, Failure> {
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(|e| Error::internal("ask the system for random bytes").because(e))?;
    let mut state = context.now().saturating_add(PATIENCE).to_be_bytes().to_vec();
    state.extend_from_slice(&nonce);
    let signature = mac(context, tool, arguments, &state)?.finalize().into_bytes();
    state.extend_from_slice(&signature);
    let schema = json!({
        "type": "object", "required": [QUESTION], "properties": {QUESTION: {"type": "boolean", "title": question, "default": false}},
    });
    let request = json!({"method": "elicitation/create", "params": {"mode": "form", "message": question, "requestedSchema": schema}});
    Ok(json!({"resultType": "input_required", "inputRequests": {QUESTION: request}, "requestState": URL_SAFE_NO_PAD.encode(state)}))
}

/// What `params` say to the question. Refused if the state is not ours, not for this call, or too old, and if the answer is no.
pub fn reply(context: &Context<'_>, tool: &str, arguments: &str, params: &Map<String, Value>) -> Result<Reply, Failure> {
    let Some(state) = params.get("requestState").filter(|state| !state.is_null()) else { return Ok(Reply::None) };
    let bad = || {
        let error = Error::invalid("requestState does not belong to this call, or is older than ten minutes")
            .hint("Call the tool again without it.");
        Failure::new(StatusCode::UNPROCESSABLE_ENTITY, "validation", error).with("field", "requestState")
    };
    let bytes = state.as_str().filter(|state| state.len() <= 128).and_then(|state| URL_SAFE_NO_PAD.decode(state).ok()).ok_or_else(bad)?;
    let (said, signature) = bytes.split_at_checked(24).ok_or_else(bad)?;
    mac(context, tool, arguments, said)?.verify_slice(signature).map_err(|_| bad())?;
    let expires = said.first_chunk::<8>().map_or(0, |first| i64::from_be_bytes(*first));
    if context.now() > expires {
        return Err(bad());
    }
    let answer = params.get("inputResponses").map_or(&Value::Null, |answers| &answers[QUESTION]);
    if answer["action"] == "accept" && answer["content"][QUESTION] == true {
        return Ok(Reply::Yes(URL_SAFE_NO_PAD.encode(said)));
    }
    let error = Error::denied("the person did not agree: nothing was done").hint("Ask them what they want instead.");
    Err(Failure::new(StatusCode::FORBIDDEN, "declined", error))
}

/// Over who asks, in which wiki, what for, and what is said.
fn mac(context: &Context<'_>, tool: &str, arguments: &str, said: &[u8]) -> Result<Hmac<Sha256>, Failure> {
    let secret = context.app.engine.directory().secret("mcp-confirm")?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&secret).expect("HMAC takes a key of any length");
    let wiki = context.wiki.id().to_string();
    for part in [wiki.as_bytes(), caller(&context.identity).as_bytes(), b"tools/call", tool.as_bytes(), arguments.as_bytes(), said] {
        // With its length before it, so that no two lists of parts are one text.
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    Ok(mac)
}
