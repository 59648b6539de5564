//! How much a request may send (security.md INP-3, INP-14, INP-15), in bytes.

/// A form: the longest page twice over, as percent-encoding triples what is not ASCII.
pub const FORM_BYTES: usize = 4 * 1024 * 1024;
/// A body of the API: the longest page, escaped.
pub const JSON_BYTES: usize = 2 * 1024 * 1024;
/// A message of the Model Context Protocol: the largest attachment in base64 (spec/mcp.md §2).
pub const MCP_BYTES: usize = 16 * 1024 * 1024;
/// An upload: three attachments of the largest size.
pub const UPLOAD_BYTES: usize = 32 * 1024 * 1024;
/// Parts of an upload.
pub const PARTS: usize = 32;
/// How much more than a limit is read before the answer says so.
pub const SLACK: usize = 64 * 1024;
/// Longest path and query.
pub const TARGET_BYTES: usize = 8 * 1024;
