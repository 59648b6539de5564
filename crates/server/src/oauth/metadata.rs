//! What programs read first: where everything is (RFC 8414). Addresses come from configuration and the wiki, as [`issuer`] says.

use super::{AUTHORIZE, REGISTER, REVOKE, TOKEN, for_everybody, issuer, words};
use crate::reply::{Reply, json, text, with_header};
use crate::web::Context;
use holt_core::Result;
use holt_engine::directory::OAuthScope;
use http::{StatusCode, header};

/// All scopes, for descriptions.
pub fn scopes() -> Vec<String> {
    words(OAuthScope::Upload).split(' ').map(str::to_string).collect()
}

/// `GET /.well-known/oauth-authorization-server`
pub fn server(context: &Context<'_>) -> Result<Reply> {
    let issuer = issuer(context)?;
    let at = |address: &str| format!("{issuer}{address}");
    let methods = ["none", "client_secret_post", "client_secret_basic"];
    Ok(public(&serde_json::json!({
        "issuer": issuer,
        "authorization_endpoint": at(AUTHORIZE),
        "token_endpoint": at(TOKEN),
        "registration_endpoint": at(REGISTER),
        "revocation_endpoint": at(REVOKE),
        "scopes_supported": scopes(),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_methods_supported": methods,
        "code_challenge_methods_supported": ["S256"],
        "client_id_metadata_document_supported": true,
        "authorization_response_iss_parameter_supported": true,
    })))
}

/// A document that pages of other sites may read, too.
pub fn public(document: &serde_json::Value) -> Reply {
    for_everybody(json(StatusCode::OK, document))
}

/// `OPTIONS` of what pages of other sites may use: they ask before they do.
pub fn options(_: &Context<'_>) -> Result<Reply> {
    let reply = for_everybody(text(StatusCode::NO_CONTENT, ""));
    let reply = with_header(reply, header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS");
    let reply = with_header(reply, header::ACCESS_CONTROL_ALLOW_HEADERS, "Authorization, Content-Type, MCP-Protocol-Version");
    Ok(with_header(reply, header::ACCESS_CONTROL_MAX_AGE, "3600"))
}
