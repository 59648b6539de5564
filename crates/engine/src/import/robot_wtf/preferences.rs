//! What a wiki of robot.wtf prefers, in Holt's words. Nobody may do more by the move than before.

use crate::db::otterwiki::OtterwikiDb;
use holt_core::AccessLevel;
use std::collections::BTreeMap;

/// What robot.wtf runs with (spec/api.md §1) and writes into a new wiki (spec/platform.md §2.3), where the wiki has no row.
const SEEDS: &[(&str, &str)] = &[
    ("READ_ACCESS", "APPROVED"),
    ("WRITE_ACCESS", "APPROVED"),
    ("ATTACHMENT_ACCESS", "APPROVED"),
    ("AUTH_METHOD", "PROXY_HEADER"),
    ("DISABLE_REGISTRATION", "True"),
    ("AUTO_APPROVAL", "False"),
    // People have no mail addresses there.
    ("EMAIL_NEEDS_CONFIRMATION", "False"),
    ("SITE_ICON", "/platform/robot.wtf.svg"),
    ("SITE_LOGO", "/platform/robot.wtf.svg"),
    ("GIT_WEB_SERVER", "False"),
    ("RETAIN_PAGE_NAME_CASE", "True"),
    ("TREAT_UNDERSCORE_AS_SPACE_FOR_TITLES", "True"),
    ("WIKILINK_STYLE", ""),
    ("COMMIT_MESSAGE", "REQUIRED"),
];
/// The version of the rows that [`merged`] makes.
const VERSION: (&str, &str) = ("_schema_version", "3");

/// The rows of the wiki above those of a new one there.
pub(super) fn merged(old: &OtterwikiDb, title: &str, domain: &str, notes: &mut Vec<String>) -> BTreeMap<String, String> {
    let mut rows: BTreeMap<String, String> = SEEDS.iter().map(|(name, value)| ((*name).to_string(), (*value).to_string())).collect();
    rows.insert("SITE_NAME".to_string(), title.to_string());
    rows.extend(old.preferences.iter().filter(|(name, value)| name != "SITE_NAME" || !value.trim().is_empty()).cloned());
    let [read, write, upload] = ["READ_ACCESS", "WRITE_ACCESS", "ATTACHMENT_ACCESS"].map(|name| level(&rows, name, notes));
    rows.insert("READ_ACCESS".to_string(), read.as_str().to_string());
    for (name, level) in [("WRITE_ACCESS", write), ("ATTACHMENT_ACCESS", upload)] {
        let kept = members_at_most(level);
        if kept != level && old.preferences.iter().any(|(known, _)| known == name) {
            notes.push(format!(
                "{name} is {} instead of {}: on robot.wtf nobody but members could write anyway",
                kept.as_str(),
                level.as_str()
            ));
        }
        rows.insert(name.to_string(), kept.as_str().to_string());
    }
    let old_pictures = format!("https://{}/static/", domain.to_lowercase());
    for name in ["SITE_ICON", "SITE_LOGO"] {
        if let Some(file) = rows.get(name).and_then(|address| address.strip_prefix(&old_pictures)) {
            let address = format!("/platform/{file}");
            rows.insert(name.to_string(), address);
        }
    }
    rows.insert(VERSION.0.to_string(), VERSION.1.to_string());
    rows
}

fn level(rows: &BTreeMap<String, String>, name: &str, notes: &mut Vec<String>) -> AccessLevel {
    let said = rows.get(name).map(String::as_str).unwrap_or_default().trim();
    let level = AccessLevel::parse(said);
    if !said.eq_ignore_ascii_case(level.as_str()) {
        notes.push(format!("{name} was {said:?}, which is no level: it is ADMIN now"));
    }
    level
}

/// Levels only restricted members there; here they open.
fn members_at_most(level: AccessLevel) -> AccessLevel {
    match level {
        AccessLevel::Anonymous | AccessLevel::Registered => AccessLevel::Approved,
        AccessLevel::Approved | AccessLevel::Admin => level,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rows: &[(&str, &str)]) -> (BTreeMap<String, String>, Vec<String>) {
        let preferences = rows.iter().map(|(name, value)| ((*name).to_string(), (*value).to_string())).collect();
        let mut notes = Vec::new();
        let merged = merged(&OtterwikiDb { preferences, ..OtterwikiDb::default() }, "The wiki", "robot.wtf", &mut notes);
        (merged, notes)
    }

    #[test]
    fn nobody_may_do_more_than_before() {
        for (said, read, write) in [
            ("ANONYMOUS", "ANONYMOUS", "APPROVED"),
            ("registered", "REGISTERED", "APPROVED"),
            ("APPROVED", "APPROVED", "APPROVED"),
            ("ADMIN", "ADMIN", "ADMIN"),
            ("EVERYBODY", "ADMIN", "ADMIN"),
            ("", "ADMIN", "ADMIN"),
        ] {
            let (rows, notes) = of(&[("READ_ACCESS", said), ("WRITE_ACCESS", said), ("ATTACHMENT_ACCESS", said)]);
            assert_eq!((&*rows["READ_ACCESS"], &*rows["WRITE_ACCESS"], &*rows["ATTACHMENT_ACCESS"]), (read, write, write), "{said}");
            let told = notes.iter().filter(|note| note.contains("ACCESS")).count();
            let changed = [read, write, write].iter().filter(|now| !now.eq_ignore_ascii_case(said)).count();
            assert_eq!(told, changed, "{said}: {notes:?}");
        }
        let (rows, notes) = of(&[]);
        assert_eq!((&*rows["READ_ACCESS"], &*rows["WRITE_ACCESS"], notes.len()), ("APPROVED", "APPROVED", 0));
    }

    /// Case 7 of spec/platform.md §16.
    #[test]
    fn old_pictures_are_found_where_they_are_now() {
        let (rows, _) = of(&[
            ("SITE_LOGO", "https://robot.wtf/static/logo.svg"),
            ("SITE_ICON", "https://example.org/static/x.svg"),
            ("_schema_version", "2"),
        ]);
        assert_eq!((&*rows["SITE_LOGO"], &*rows["SITE_ICON"]), ("/platform/logo.svg", "https://example.org/static/x.svg"));
        assert_eq!((&*rows["_schema_version"], &*rows["SITE_NAME"]), ("3", "The wiki"));
    }
}
