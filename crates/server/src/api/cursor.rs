//! Where a list goes on: opaque, and good for the same wiki and the same question only (security.md INP-13).

use super::failure::Failure;
use crate::web::Context;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::hash::{DefaultHasher, Hash, Hasher};

/// A cursor that says `place`.
pub fn make(context: &Context<'_>, place: &str) -> String {
    make_but(context, &[], place)
}

/// As [`make`], for a question that is the same whatever the parameters `but` say.
pub fn make_but(context: &Context<'_>, but: &[&str], place: &str) -> String {
    seal(question(context, but), place)
}

/// A cursor for the list that `question` tells from others.
pub fn seal(question: u64, place: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{question:016x}{place}"))
}

/// What such a cursor says.
pub fn open(question: u64, sent: &str) -> Result<String, Failure> {
    let decoded = URL_SAFE_NO_PAD.decode(sent).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let place = decoded.as_deref().and_then(|text| text.strip_prefix(&format!("{question:016x}")));
    place.map(str::to_string).ok_or_else(refuse)
}

/// What the cursor of the request says, if it has one.
pub fn read(context: &Context<'_>) -> Result<Option<String>, Failure> {
    read_but(context, &[])
}

/// What a cursor of [`make_but`] says.
pub fn read_but(context: &Context<'_>, but: &[&str]) -> Result<Option<String>, Failure> {
    match super::query::text(context, "cursor") {
        Some(sent) => open(question(context, but), &sent).map(Some),
        // Somebody's variable is empty: from the beginning is not what they mean.
        None if context.request.query("cursor").is_some() => Err(refuse()),
        None => Ok(None),
    }
}

/// As [`read`], for lists that go on at a number.
pub fn number(context: &Context<'_>) -> Result<Option<i64>, Failure> {
    read(context)?.map(|place| place.parse().map_err(|_| refuse())).transpose()
}

/// The refusal of a cursor.
pub fn refuse() -> Failure {
    Failure::field("cursor", "cursor does not belong to this list", "Send `next_cursor` of the answer before, with the same parameters.")
}

/// What tells one list from another; how long its parts are does not. No secret: a cursor only says where to go on.
fn question(context: &Context<'_>, but: &[&str]) -> u64 {
    let mut hasher = DefaultHasher::new();
    context.wiki.id().to_string().hash(&mut hasher);
    context.request.path.hash(&mut hasher);
    let query = context.request.uri.query().unwrap_or_default();
    let mut pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
    pairs.retain(|(name, _)| name != "cursor" && name != "limit" && !but.contains(&name.as_ref()));
    pairs.sort();
    pairs.hash(&mut hasher);
    hasher.finish()
}
