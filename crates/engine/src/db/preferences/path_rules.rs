//! Path rules as text: the preference `PATH_ACCESS`, a JSON list. Otterwiki has none; the name ends as those of the levels do, so that a change
//! counts as one of rights (migration 0002).

use holt_core::{AccessLevel, PagePath, SubtreeRule, SubtreeRules, UserId};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    path: String,
    read: String,
    write: String,
    #[serde(default)]
    readers: Vec<i64>,
    #[serde(default)]
    writers: Vec<i64>,
}

/// The rules that `text` holds. What cannot be read opens nothing.
pub(super) fn read(text: &str) -> SubtreeRules {
    if text.trim().is_empty() {
        return SubtreeRules::default();
    }
    let people = |ids: Vec<i64>| ids.into_iter().map(UserId).collect();
    let rule = |wire: Wire| {
        Ok(SubtreeRule {
            path: PagePath::parse(&wire.path)?,
            read: AccessLevel::parse(&wire.read),
            write: AccessLevel::parse(&wire.write),
            readers: people(wire.readers),
            writers: people(wire.writers),
        })
    };
    let rules = serde_json::from_str::<Vec<Wire>>(text).ok();
    let rules = rules.and_then(|rules| rules.into_iter().map(rule).collect::<holt_core::Result<Vec<_>>>().ok());
    rules.map_or_else(SubtreeRules::damaged, SubtreeRules::new)
}

/// Rules as the text of the preference.
pub fn write(rules: &SubtreeRules) -> String {
    let wire: Vec<Wire> = rules
        .iter()
        .map(|rule| Wire {
            path: rule.path.to_string(),
            read: rule.read.as_str().to_string(),
            write: rule.write.as_str().to_string(),
            readers: rule.readers.iter().map(|user| user.0).collect(),
            writers: rule.writers.iter().map(|user| user.0).collect(),
        })
        .collect();
    if wire.is_empty() {
        return String::new();
    }
    serde_json::to_string(&wire).expect("strings and numbers are serialisable")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_survive_storage_and_damage_opens_nothing() {
        let rules = SubtreeRules::new(vec![SubtreeRule {
            path: PagePath::parse("Staff/Pay & more").unwrap(),
            read: AccessLevel::Approved,
            write: AccessLevel::Admin,
            readers: [UserId(3)].into(),
            writers: [UserId(-1), UserId(9)].into(),
        }]);
        assert_eq!(read(&write(&rules)), rules);
        assert!(read("").is_empty() && read(" ").is_empty() && read("[]").is_empty());
        for bad in [
            "x",
            "{}",
            "[1]",
            r#"[{"path":"","read":"ADMIN","write":"ADMIN"}]"#,
            r#"[{"path":"A","read":"ADMIN","write":"ADMIN","more":1}]"#,
        ] {
            assert!(read(bad).is_damaged(), "{bad}");
        }
        assert_eq!(read(r#"[{"path":"A","read":"?","write":"?"}]"#).iter().next().unwrap().read, AccessLevel::Admin);
    }
}
