//! What this wiki is to OAuth: a protected resource (RFC 9728), whose tokens it gives out itself.

use crate::oauth::{self, metadata};
use crate::reply::Reply;
use crate::web::Context;
use holt_core::Result;

/// Where its description is.
pub fn url(context: &Context<'_>) -> String {
    let origin = oauth::issuer(context).unwrap_or_else(|_| context.origin());
    format!("{origin}/.well-known/oauth-protected-resource{}", super::ADDRESS)
}

/// `GET /.well-known/oauth-protected-resource` and the same below it for `/mcp`.
pub fn describe(context: &Context<'_>) -> Result<Reply> {
    Ok(metadata::public(&serde_json::json!({
        "resource": oauth::resource(context)?, "authorization_servers": [oauth::issuer(context)?], "bearer_methods_supported": ["header"],
        "scopes_supported": metadata::scopes(),
    })))
}
