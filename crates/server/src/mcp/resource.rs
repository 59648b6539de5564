//! What this wiki is to OAuth: a protected resource (RFC 9728). It takes bearer tokens from a person's settings; an authorization server is named
//! here as soon as there is one.

use crate::reply::{Reply, json};
use crate::web::Context;
use holt_core::Result;
use http::StatusCode;

/// Where its description is.
pub fn url(context: &Context<'_>) -> String {
    format!("{}/.well-known/oauth-protected-resource{}", context.origin(), super::ADDRESS)
}

/// `GET /.well-known/oauth-protected-resource` and the same below it for `/mcp`.
pub fn describe(context: &Context<'_>) -> Result<Reply> {
    let resource = format!("{}{}", context.origin(), super::ADDRESS);
    Ok(json(
        StatusCode::OK,
        &serde_json::json!({
            "resource": resource, "bearer_methods_supported": ["header"], "scopes_supported": ["wiki:read", "wiki:write", "wiki:upload"],
        }),
    ))
}
