//! The character and segment rules of names (security.md PATH-3..5), apart from the types that keep them.

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, UnicodeEmoji, UnicodeGeneralCategory};

/// Longest segment, longest path, deepest path (security.md INP-5), in bytes and segments.
pub(crate) const SEGMENT_BYTES: usize = 200;
pub(crate) const PATH_BYTES: usize = 1024;
pub(crate) const PATH_DEPTH: usize = 16;

/// Last segments that are page verbs (spec/wiki.md §5.5): `/Home/edit` is the editor, never a page.
const VERBS: &[&str] = &[
    "edit",
    "save",
    "preview",
    "draft",
    "view",
    "history",
    "rename",
    "delete",
    "blame",
    "source",
    "attachments",
    "inline_attachment",
    "comments",
];
/// Last segments but one that are page verbs with an argument.
const VERBS_WITH_ARGUMENT: &[&str] = &["a", "t", "attachment", "view", "blame", "source", "edit", "draft"];
/// First segments that belong to the site (security.md PATH-7).
const SITE: &[&str] = &[
    "-",
    "api",
    "mcp",
    "oauth",
    ".well-known",
    ".git",
    "static",
    "healthz",
    "favicon.ico",
    "robots.txt",
    "sitemap.xml",
    "manifest.webmanifest",
    "llms.txt",
    "llms-full.txt",
];

/// Why a segment can never name anything, wherever it comes from.
pub(crate) fn impossible(segment: &str) -> Option<&'static str> {
    if segment.is_empty() {
        return Some("a segment is empty");
    }
    if segment == "." || segment == ".." {
        return Some("a segment is . or ..");
    }
    if segment.chars().any(|c| c.is_control() || matches!(c, '/' | '\\' | '\u{2028}' | '\u{2029}')) {
        return Some("a control character or a backslash");
    }
    if folds_to_dot_git(segment) {
        return Some("a segment stands for .git");
    }
    None
}

/// Why a segment may not be created anew, though an imported wiki may hold it (PATH-9).
pub(crate) fn not_creatable(segment: &str, first: bool) -> Option<String> {
    if let Some(bad) = segment.chars().find(|c| forbidden(*c, segment)) {
        return Some(format!("the character {} is not allowed", shown(bad)));
    }
    let compatible: String = segment.nfkc().collect();
    if compatible.contains(['/', '\\']) || compatible.split('/').any(|s| s == "." || s == "..") {
        return Some("it looks like a path separator or a dot segment".into());
    }
    if let Some(bad) = compatible.chars().find(|c| forbidden(*c, &compatible) && !segment.contains(*c)) {
        return Some(format!("it contains a look-alike of {}", shown(bad)));
    }
    if segment.starts_with('.') || segment.ends_with('.') {
        return Some("a name may not begin or end with a dot".into());
    }
    if segment.trim() != segment {
        return Some("a name may not begin or end with a space".into());
    }
    if first && segment.starts_with('-') {
        return Some("a name may not begin with a hyphen".into());
    }
    let lower = segment.to_lowercase();
    if let Some(digits) = lower.strip_prefix("git~")
        && !digits.is_empty()
        && digits.bytes().all(|b| b.is_ascii_digit())
    {
        return Some("it stands for .git on Windows".into());
    }
    if windows_device(&lower) {
        return Some("it is a device name on Windows".into());
    }
    if lower.ends_with(".lock") || lower.ends_with(".md") {
        return Some("a name may not end in .md or .lock".into());
    }
    None
}

/// Why these segments may not be a page: they are a verb or belong to the site.
pub(crate) fn reserved(segments: &[&str]) -> Option<String> {
    let lower: Vec<String> = segments.iter().map(|s| s.to_lowercase()).collect();
    if SITE.contains(&lower[0].as_str()) {
        return Some(format!("{} belongs to the site", segments[0]));
    }
    let last = lower.len() - 1;
    if last >= 1 && VERBS.contains(&lower[last].as_str()) {
        return Some(format!("/{} is what one does with a page", segments[last]));
    }
    if last >= 2 && VERBS_WITH_ARGUMENT.contains(&lower[last - 1].as_str()) {
        return Some(format!("/{}/ is what one does with a page", segments[last - 1]));
    }
    if last >= 3 && lower[last - 2] == "diff" {
        return Some("/diff/ is what one does with a page".into());
    }
    None
}

/// Why a page may not be created there, though one that is there already goes on: files of whoever runs the server are at such addresses, the
/// same in every wiki (spec/platform.md §1.1). `Platform/…` is another address.
pub(crate) fn taken(segments: &[&str]) -> Option<String> {
    (segments.len() > 1 && segments[0] == "platform").then(|| "what is below platform/ belongs to the server".to_string())
}

fn shown(c: char) -> String {
    let plain = c.is_alphanumeric() || c.is_ascii_punctuation();
    if plain && !forbidden_invisible(c) { format!("{c}") } else { format!("U+{:04X}", c as u32) }
}

fn forbidden_invisible(c: char) -> bool {
    matches!(c, '\u{61C}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2028}' | '\u{2029}' | '\u{2060}'
        | '\u{2066}'..='\u{2069}' | '\u{FEFF}' | '\u{AD}'
        // Fillers and the empty Braille pattern: they look like nothing, too.
        | '\u{115F}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{FFA0}')
}

/// PATH-3: forbidden in names created today. `text` decides whether joiners and variation selectors stand in a sequence.
fn forbidden(c: char, text: &str) -> bool {
    matches!(c, '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' | '#' | '[' | ']') || hidden(c, text)
}

/// The first character of a line that nobody would see, or that turns others around, as people are told of it.
pub(crate) fn hidden_in(text: &str) -> Option<String> {
    text.chars().find(|c| hidden(*c, text)).map(shown)
}

fn hidden(c: char, text: &str) -> bool {
    if c.is_control() || forbidden_invisible(c) {
        return true;
    }
    match c {
        '\u{200C}' | '\u{200D}' => !joins(c, text),
        '\u{FE00}'..='\u{FE0F}' | '\u{E0000}'..='\u{E007F}' => !text.chars().any(|o| o != c && o.is_emoji_char() && !o.is_ascii()),
        _ => matches!(c.general_category(), GeneralCategory::PrivateUse | GeneralCategory::Unassigned | GeneralCategory::Surrogate),
    }
}

/// Whether each joiner stands between letters or emoji.
fn joins(joiner: char, text: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    let fits = |c: Option<&char>| c.is_some_and(|c| c.is_alphabetic() || c.is_emoji_char() || is_mark(*c));
    (0..chars.len()).filter(|i| chars[*i] == joiner).all(|i| i > 0 && fits(chars.get(i - 1)) && fits(chars.get(i + 1)))
}

fn is_mark(c: char) -> bool {
    matches!(c.general_category(), GeneralCategory::NonspacingMark | GeneralCategory::SpacingMark | GeneralCategory::EnclosingMark)
}

/// Whether HFS+, NTFS or a careless reader takes the segment for `.git`.
fn folds_to_dot_git(segment: &str) -> bool {
    let visible: String = segment.chars().filter(|c| !ignorable(*c)).flat_map(char::to_lowercase).collect();
    let stem = visible.split(':').next().unwrap_or_default().trim_end_matches(['.', ' ']);
    stem == ".git" || stem == "git~1"
}

/// Code points that HFS+ ignores when it compares names, and other default ignorables.
pub(crate) fn ignorable(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFF8}'
        | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

fn windows_device(lower: &str) -> bool {
    let stem = lower.split('.').next().unwrap_or_default().trim_end();
    if ["con", "prn", "aux", "nul", "conin$", "conout$"].contains(&stem) {
        return true;
    }
    let digit = stem.strip_prefix("com").or_else(|| stem.strip_prefix("lpt"));
    digit.is_some_and(|d| {
        let mut chars = d.chars();
        matches!((chars.next(), chars.next()), (Some(c), None) if c.is_ascii_digit() || matches!(c, '¹' | '²' | '³'))
    })
}
