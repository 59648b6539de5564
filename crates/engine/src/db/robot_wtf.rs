//! Reads the platform database of robot.wtf (spec/platform.md §2.2), through a copy. Versions differ in their columns: what is missing is none.

use super::foreign::{has_table, read_copy, rows, seconds, text, without_table};
use holt_core::{Error, Result};
use rusqlite::{Connection, Row};
use std::path::Path;

/// What `robot.db` holds that can be taken over. Texts are as they stand there: nobody has checked them.
#[derive(Debug, Default)]
pub struct RobotDb {
    /// Everybody who logged in once.
    pub users: Vec<RobotUser>,
    /// Every wiki.
    pub wikis: Vec<RobotWiki>,
    /// Who may do what by the table that the newest schema has no more.
    pub grants: Vec<RobotGrant>,
}

/// A row of `users`.
#[derive(Debug, Clone)]
pub struct RobotUser {
    /// Who, for ever.
    pub did: String,
    /// What they are called at present.
    pub handle: String,
    /// Unix seconds.
    pub created: Option<i64>,
}

/// A row of `wikis`. Where its repository is said to be does not matter: it is looked for in one place only.
#[derive(Debug, Clone)]
pub struct RobotWiki {
    /// Its label in host names.
    pub slug: String,
    /// Whose.
    pub owner: String,
    /// Its name on screen.
    pub name: String,
    /// The SHA-256 of its token, if that is one.
    pub token: Option<[u8; 32]>,
    /// Unix seconds.
    pub created: Option<i64>,
    /// Unix seconds.
    pub last_accessed: Option<i64>,
}

/// A row of `acls`.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of spec/platform.md §2.2")]
pub struct RobotGrant {
    pub wiki: String,
    pub did: String,
    pub role: String,
    pub granted: Option<i64>,
}

impl RobotDb {
    /// Reads `database` through a copy made in `scratch`, which is removed again.
    pub fn read(database: &Path, scratch: &Path) -> Result<Self> {
        let refused = |error| {
            Error::invalid(format!("{} is not a readable database of robot.wtf", database.display()))
                .hint("Give the directory that holds robot.db and wikis/, and stop robot.wtf first.")
                .because(error)
        };
        read_copy(database, scratch, refused, read)
    }
}

fn read(db: &Connection) -> rusqlite::Result<RobotDb> {
    for table in ["users", "wikis"] {
        if !has_table(db, table)? {
            return Err(without_table(table));
        }
    }
    Ok(RobotDb { users: rows(db, "users", user)?, wikis: rows(db, "wikis", wiki)?, grants: rows(db, "acls", grant)? })
}

fn user(row: &Row<'_>) -> RobotUser {
    let text = |name: &str| text(row, name).unwrap_or_default();
    RobotUser { did: text("did"), handle: text("handle"), created: seconds(row, "created_at") }
}

fn wiki(row: &Row<'_>) -> RobotWiki {
    let known = |name: &str| text(row, name).unwrap_or_default();
    RobotWiki {
        slug: known("slug"),
        owner: known("owner_did"),
        name: known("display_name"),
        token: text(row, "mcp_token_hash").and_then(|hex| sha256(&hex)),
        created: seconds(row, "created_at"),
        last_accessed: seconds(row, "last_accessed"),
    }
}

fn grant(row: &Row<'_>) -> RobotGrant {
    let text = |name: &str| text(row, name).unwrap_or_default();
    RobotGrant { wiki: text("wiki_slug"), did: text("grantee_did"), role: text("role"), granted: seconds(row, "granted_at") }
}

/// 64 hexadecimal digits; anything else, such as `invalidated:…`, is no hash.
fn sha256(hex: &str) -> Option<[u8; 32]> {
    if hex.len() != 64 || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let mut hash = [0; 32];
    for (byte, at) in hash.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&hex[at..at + 2], 16).ok()?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sixty_four_digits_are_a_hash() {
        assert_eq!(sha256(&"0aF".repeat(22)[..64]).unwrap()[..3], [0x0a, 0xf0, 0xaf]);
        for bad in ["", "invalidated:dev", &"0".repeat(63), &"0".repeat(65), &"g".repeat(64), &"+1".repeat(32), &"é".repeat(32)] {
            assert!(sha256(bad).is_none(), "{bad}");
        }
    }
}
