//! Clients that are known by an address of their own, where a document says who they are (security.md OAU-3). It is fetched at most once a day,
//! and not again for five minutes if that failed. In memory alone.

use super::{clean_name, redirect};
use crate::egress::Egress;
use holt_core::{Error, Result};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use url::Url;

/// Longest document, in bytes.
const BYTES: usize = 16 * 1024;
/// How long one is kept that says nothing about it, and the longest that one is kept, in seconds.
const KEPT: i64 = 3600;
const LONGEST: i64 = 24 * 3600;
/// How long a failure is kept.
const FAILED: i64 = 5 * 60;
/// Most that are kept.
const DOCUMENTS: usize = 256;
/// Most that are fetched at the same time: whoever names slow servers keeps nobody else from their work.
const AT_ONCE: usize = 4;

/// What a document says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// Of the client.
    pub name: String,
    /// Where it may be answered.
    pub redirects: Vec<String>,
    /// Whether it uses refresh tokens.
    pub refreshes: bool,
}

/// Until when, and what; or why it is nothing.
type Kept = (i64, std::result::Result<Described, String>);

/// What is known of such clients.
pub struct Documents {
    egress: Egress,
    kept: Mutex<HashMap<String, Kept>>,
    under_way: Mutex<usize>,
}

/// Whether a client is known by such an address.
pub fn is_address(client: &str) -> bool {
    client.starts_with("https://") || client.starts_with("http://")
}

impl Documents {
    /// Fetched through `egress`.
    pub fn new(egress: Egress) -> Self {
        Self { egress, kept: Mutex::default(), under_way: Mutex::default() }
    }
    /// What the document at `client` says now, or why it is none, in one clause.
    pub fn describe(&self, client: &str, now: i64) -> Result<Described> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(client).filter(|(until, _)| *until > now).cloned();
        if let Some((_, kept)) = kept {
            return kept.map_err(Error::invalid);
        }
        let fetched = self.fetch(client)?;
        let (seconds, described) = match fetched {
            Ok((seconds, described)) => (seconds, Ok(described)),
            Err(why) => (FAILED, Err(why)),
        };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= DOCUMENTS {
            kept.retain(|_, (until, _)| *until > now);
        }
        if kept.len() >= DOCUMENTS {
            kept.clear();
        }
        kept.insert(client.to_string(), (now.saturating_add(seconds), described.clone()));
        described.map_err(Error::invalid)
    }
    /// The document with how long it is kept; inside, why it is none.
    fn fetch(&self, client: &str) -> Result<std::result::Result<(i64, Described), String>> {
        let count = |change: fn(usize) -> Option<usize>| {
            let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
            change(*under_way).map(|changed| *under_way = changed)
        };
        if count(|now| (now < AT_ONCE).then_some(now + 1)).is_none() {
            return Err(Error::busy("too many programs introduce themselves at once").hint("Try again in a moment."));
        }
        let fetched = self.egress.json(client, BYTES);
        count(|now| now.checked_sub(1));
        Ok(match fetched {
            Ok(document) => {
                let seconds = document.keep.unwrap_or(KEPT).clamp(0, LONGEST);
                read(client, &document.body).map(|described| (seconds, described)).map_err(str::to_string)
            }
            Err(error) if error.kind == holt_core::ErrorKind::Internal => return Err(error),
            Err(error) => Err(error.message),
        })
    }
}

/// What a document says that stood at the address `client`.
fn read(client: &str, body: &[u8]) -> std::result::Result<Described, &'static str> {
    let document: Value = serde_json::from_slice(body).map_err(|_| "what is there is no JSON")?;
    if document["client_id"].as_str() != Some(client) {
        return Err("its document is about another client");
    }
    let url = Url::parse(client).map_err(|_| "it is no address")?;
    if url.path() == "/" {
        return Err("it has no path");
    }
    if !matches!(&document["token_endpoint_auth_method"], Value::Null) && document["token_endpoint_auth_method"] != "none" {
        return Err("it wants to show a secret, which nobody could know");
    }
    let redirects = document["redirect_uris"].as_array().filter(|list| !list.is_empty()).ok_or("its document has no redirect URIs")?;
    let redirects: Vec<String> = redirects.iter().map(|one| one.as_str().unwrap_or_default().to_string()).collect();
    // Apps list more than one place; what is no place of ours is passed over.
    let redirects: Vec<String> = redirects.into_iter().filter(|one| redirect::check(one).is_ok()).take(20).collect();
    let name = clean_name(document["client_name"].as_str().unwrap_or_default());
    let name = if name.is_empty() { url.host_str().unwrap_or_default().to_string() } else { name };
    let refreshes = document["grant_types"].as_array().is_some_and(|types| types.iter().any(|one| one == "refresh_token"));
    Ok(Described { name, redirects, refreshes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn case_34_a_document_is_about_the_address_it_stands_at() {
        let client = "https://agent.example/client.json";
        let good = json!({
            "client_id": client, "client_name": "Agent\u{202e}\n", "redirect_uris": ["https://agent.example/cb", "javascript:x", "cursor://x", 7],
            "grant_types": ["authorization_code", "refresh_token"], "token_endpoint_auth_method": "none", "logo_uri": "https://agent.example/x.png",
        });
        let said = |document: &Value| read(client, document.to_string().as_bytes());
        let expected = Described { name: "Agent".into(), redirects: vec!["https://agent.example/cb".into()], refreshes: true };
        assert_eq!(said(&good), Ok(expected));
        for (member, value) in [
            ("client_id", json!("https://agent.example/client.json/")),
            ("client_id", json!("https://AGENT.example/client.json")),
            ("client_id", Value::Null),
            ("redirect_uris", json!([])),
            ("redirect_uris", json!("https://agent.example/cb")),
            ("token_endpoint_auth_method", json!("client_secret_post")),
            ("token_endpoint_auth_method", json!("private_key_jwt")),
        ] {
            let mut bad = good.clone();
            bad[member] = value;
            assert!(said(&bad).is_err(), "{bad}");
        }
        assert!(read(client, b"no json").is_err() && read(client, b"[]").is_err());
        let root = json!({"client_id": "https://agent.example/", "redirect_uris": ["https://agent.example/cb"]});
        assert!(read("https://agent.example/", root.to_string().as_bytes()).is_err());
        let bare = json!({"client_id": client, "redirect_uris": ["https://agent.example/cb"]});
        assert_eq!(said(&bare).map(|described| (described.name, described.refreshes)), Ok(("agent.example".to_string(), false)));
    }
}
