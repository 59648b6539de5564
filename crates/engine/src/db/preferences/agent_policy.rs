//! The policy for programs as text: the preference `AGENT_POLICY`, a JSON list.

use holt_core::{AgentPolicy, ClientPattern, Handling, PagePath, PolicyRule};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    client: String,
    /// Empty for the whole wiki.
    path: String,
    handling: String,
}

/// The policy that `text` holds. What cannot be read lets programs change nothing.
pub(super) fn read(text: &str) -> AgentPolicy {
    if text.trim().is_empty() {
        return AgentPolicy::default();
    }
    let rule = |wire: Wire| {
        Some(PolicyRule {
            client: ClientPattern::parse(&wire.client).ok()?,
            path: if wire.path.is_empty() { None } else { Some(PagePath::parse(&wire.path).ok()?) },
            handling: Handling::parse(&wire.handling)?,
        })
    };
    let rules = serde_json::from_str::<Vec<Wire>>(text).ok();
    let rules = rules.and_then(|rules| rules.into_iter().map(rule).collect::<Option<Vec<_>>>());
    rules.map_or_else(AgentPolicy::damaged, AgentPolicy::new)
}

/// A policy as the text of the preference.
pub fn write(policy: &AgentPolicy) -> String {
    let wire: Vec<Wire> = policy
        .iter()
        .map(|rule| Wire {
            client: rule.client.to_string(),
            path: rule.path.as_ref().map(ToString::to_string).unwrap_or_default(),
            handling: rule.handling.as_str().to_string(),
        })
        .collect();
    if wire.is_empty() {
        return String::new();
    }
    serde_json::to_string(&wire).expect("strings are serialisable")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_survives_storage_and_damage_allows_nothing() {
        let policy = AgentPolicy::new(vec![
            PolicyRule {
                client: ClientPattern::parse("mcp/Claude \"x\"*").unwrap(),
                path: Some(PagePath::parse("Staff/Pay & more").unwrap()),
                handling: Handling::Deny,
            },
            PolicyRule { client: ClientPattern::parse("*").unwrap(), path: None, handling: Handling::Propose },
        ]);
        assert_eq!(read(&write(&policy)), policy);
        assert_eq!((read(""), read("[]")), (AgentPolicy::default(), AgentPolicy::default()));
        for bad in ["x", "{}", "[1]", r#"[{"client":"","path":"","handling":"deny"}]"#, r#"[{"client":"*","path":"","handling":"allow"}]"#]
        {
            assert!(read(bad).is_damaged(), "{bad}");
        }
    }
}
