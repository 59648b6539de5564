//! Through which door a request came, for what differs: what commits say of themselves when nobody says anything.

/// A way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// Pages for people.
    Web,
    /// The REST API.
    Api,
    /// The Model Context Protocol.
    Mcp,
}

impl Door {
    /// The message of a commit that did `action` to `subject`, of which its writer said `given`, or nothing. Agents' messages say that they
    /// are agents' (spec/mcp.md §5).
    pub fn message(self, given: &str, action: &str, subject: &str) -> String {
        match (self, given.trim()) {
            (Self::Mcp, "") => format!("[mcp] {action}: {subject}"),
            (Self::Mcp, given) => format!("[mcp] {given}"),
            (Self::Web | Self::Api, "") => format!("[api] {action}: {subject}"),
            (Self::Web | Self::Api, given) => given.to_string(),
        }
    }
}
