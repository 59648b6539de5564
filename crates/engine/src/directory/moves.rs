//! Wikis that come from another platform, with what that knew of them.

use super::{Directory, Holder, TokenScope, wikis};
use crate::db::wrap;
use holt_core::{Result, WikiId, WikiName};

/// A wiki of somebody's that moves in.
#[derive(Debug, Clone, Copy)]
pub struct MovedWiki<'a> {
    /// Where it is reached, there and here.
    pub slug: &'a WikiName,
    /// Its name on screen.
    pub name: &'a str,
    /// Whose.
    pub holder: Holder<'a>,
    /// When it was made: Unix seconds.
    pub created: i64,
    /// When somebody asked for something of it: Unix seconds.
    pub last_access: Option<i64>,
    /// The SHA-256 of a token that programs have already; it goes on writing for the owner.
    pub token: Option<[u8; 32]>,
    /// What that token is called.
    pub label: &'a str,
}

impl Directory {
    /// Makes the wiki exist, with its token, all or nothing. Whether the token came in: one that opens another wiki does not.
    /// `Conflict` as for [`Directory::check_slug_free`].
    pub fn move_wiki_in(&self, id: WikiId, wiki: &MovedWiki<'_>, now: i64) -> Result<bool> {
        self.change("create a wiki", |db| {
            wikis::insert(db, id, wiki.slug, wiki.name, Some(&wiki.holder), now)?;
            let noted = "UPDATE wikis SET created = ?2, last_access = ?3 WHERE id = ?1";
            let values = (id.to_store(), wiki.created, wiki.last_access.unwrap_or_default());
            db.execute(noted, values).map_err(wrap("create a wiki"))?;
            let Some(hash) = wiki.token else { return Ok(false) };
            let sql = "INSERT INTO tokens (hash, wiki, user, scope, label, created) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING";
            let values = (hash, id.to_store(), wiki.holder.owner.0, TokenScope::Write.as_str(), wiki.label, wiki.created);
            Ok(db.execute(sql, values).map_err(wrap("take over a token"))? == 1)
        })
    }
}
