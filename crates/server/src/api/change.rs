//! Edits in place: strings for strings, a section for a section, something at the end.

use super::body::Fields;
use super::failure::Failure;
use super::section;
use holt_core::edit::SOURCE_BYTES;
use holt_core::{Error, ErrorKind};
use holt_engine::pages;
use http::StatusCode;

/// Most strings replaced at once.
pub const EDITS: usize = 50;

/// An edit in place.
pub enum Change {
    /// These strings by those, one after the other.
    Replace(Vec<Replacement>),
    /// The section by this text.
    Section(String, String),
    /// This text at the end of the section, or of the page.
    Append(Option<String>, String),
}

/// A string for another.
pub struct Replacement {
    old: String,
    new: String,
    which: Occurrences,
    /// What messages call the string.
    field: String,
}

/// How often a string may stand in the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Occurrences {
    /// Exactly once.
    Once,
    /// As often as it likes, but at least once.
    All,
}

impl Change {
    /// What `old_string` and `new_string` say, or `section` and `content`.
    pub fn of(fields: &Fields) -> Result<Self, Failure> {
        if let Some(section) = fields.text("section")? {
            if fields.text("old_string")?.is_some() || fields.text("new_string")?.is_some() {
                return Err(fields.refuse(
                    "section",
                    "and old_string are two edits",
                    "Send section with content, or old_string with new_string.",
                ));
            }
            return Ok(Self::Section(section.to_string(), fields.required("content")?.to_string()));
        }
        if fields.text("content")?.is_some() {
            return Err(fields.refuse("content", "belongs to section", "Send section, too, or PUT the whole page."));
        }
        Ok(Self::Replace(vec![Replacement::of(fields, "old_string".to_string())?]))
    }
    /// What `edits` say, or `old_string`, `new_string` and `replace_all`.
    pub fn several(fields: &Fields) -> Result<Self, Failure> {
        if !fields.has("edits") {
            return Ok(Self::Replace(vec![Replacement::of(fields, "old_string".to_string())?]));
        }
        if let Some(twice) = ["old_string", "new_string", "replace_all"].into_iter().find(|name| fields.has(name)) {
            return Err(fields.refuse(twice, "is sent beside edits", "Put all edits into edits, or send one without."));
        }
        let edits = fields.objects("edits", EDITS, &["old_string", "new_string", "replace_all"])?;
        let edits = edits.iter().enumerate().map(|(at, one)| Replacement::of(one, format!("edits[{at}].old_string")));
        Ok(Self::Replace(edits.collect::<Result<_, _>>()?))
    }
    /// The text after it.
    pub fn apply(&self, text: &str) -> Result<String, Failure> {
        match self {
            Self::Replace(edits) => edits.iter().try_fold(text.to_string(), |text, edit| edit.apply(&text)),
            Self::Section(wanted, content) => {
                let range = section::find(text, wanted)?;
                // What follows begins on a line of its own, whatever was sent.
                let gap = if range.end < text.len() && !content.is_empty() && !content.ends_with('\n') { "\n" } else { "" };
                Ok(format!("{}{content}{gap}{}", &text[..range.start], &text[range.end..]))
            }
            Self::Append(wanted, content) => {
                let end = match wanted {
                    Some(wanted) => section::find(text, wanted)?.end,
                    None => text.len(),
                };
                let (before, after) = text.split_at(end);
                // A paragraph of its own: a blank line before it, and after it where something follows.
                let above = before.trim_end_matches(['\n', '\r']);
                let gap = if above.is_empty() { "" } else { "\n\n" };
                let content = content.trim_matches(['\n', '\r']);
                let below = if after.is_empty() { "\n" } else { "\n\n" };
                Ok(format!("{above}{gap}{content}{below}{after}"))
            }
        }
    }
}

impl Replacement {
    fn of(fields: &Fields, field: String) -> Result<Self, Failure> {
        let (old, new) = (fields.required("old_string")?, fields.required("new_string")?);
        if old.is_empty() {
            return Err(fields.refuse("old_string", "is empty", "Send the text to replace, as it stands in the page."));
        }
        if old == new {
            return Err(fields.refuse("new_string", "is the same as old_string", "Send the text as it shall be."));
        }
        let which = if fields.flag("replace_all")? == Some(true) { Occurrences::All } else { Occurrences::Once };
        Ok(Self { old: old.to_string(), new: new.to_string(), which, field })
    }
    fn apply(&self, text: &str) -> Result<String, Failure> {
        let count = text.matches(self.old.as_str()).count();
        if self.which == Occurrences::All && count > 1 {
            if text.len().saturating_add(self.new.len().saturating_mul(count)) > SOURCE_BYTES.saturating_add(self.old.len() * count) {
                return Err(Error::too_large(format!("the page would be longer than {SOURCE_BYTES} bytes"))
                    .hint("Split the page in two.")
                    .into());
            }
            return Ok(text.replace(self.old.as_str(), &self.new));
        }
        pages::replaced(text, &self.old, &self.new).map_err(|error| {
            let code = if count == 0 { "no_match" } else { "ambiguous_match" };
            if error.kind != ErrorKind::Invalid {
                return error.into();
            }
            Failure::new(StatusCode::UNPROCESSABLE_ENTITY, code, error).with("field", self.field.as_str()).with("count", count)
        })
    }
}
