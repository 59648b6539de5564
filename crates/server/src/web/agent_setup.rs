//! How an agent is connected to this wiki: what its people copy into their programs, with the wiki's own address in it. docs/agents.md says the same.

use super::Context;
use super::views::AgentSetup;
use crate::mcp;
use holt_core::Result;
use serde_json::json;

/// What stands where the token goes, as long as there is none to be shown.
const TOKEN: &str = "holt_…";

/// The texts to copy; `secret` is a token that was just made.
pub(super) fn setup(context: &Context<'_>, secret: Option<&str>) -> Result<AgentSetup> {
    let record = context.app.engine.directory().wiki(context.wiki.id())?;
    // A slug is letters, digits and hyphens: nothing that a shell or JSON would read otherwise.
    let slug = record.map_or_else(|| "wiki".to_string(), |record| record.slug.as_str().to_string());
    let url = format!("{}{}", context.origin(), mcp::ADDRESS);
    let bearer = format!("Bearer {}", secret.unwrap_or(TOKEN));
    let cursor = json!({"mcpServers": {&slug: {"url": url, "headers": {"Authorization": bearer}}}});
    let vs_code = json!({"servers": {&slug: {"type": "http", "url": url, "headers": {"Authorization": bearer}}}});
    Ok(AgentSetup {
        claude_code: format!("claude mcp add --transport http {slug} '{url}' --header 'Authorization: {bearer}'"),
        cursor: format!("{cursor:#}"),
        vs_code: format!("{vs_code:#}"),
        url,
    })
}
