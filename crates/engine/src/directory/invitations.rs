//! Links by which people join a wiki that they could not join by themselves. Each is good for some uses and some days.

use super::users::insert;
use super::{Directory, NewUser, Token, hash};
use crate::db::wrap;
use holt_core::{Error, MemberFlags, Result, UserId, WikiId};
use rusqlite::{Connection, OptionalExtension, Row};

/// How long an invitation is good, in seconds.
pub const INVITATION_LIFE: i64 = 7 * 24 * 3600;
/// Most uses of one invitation.
pub const INVITATION_USES: u32 = 100;
/// Most open invitations of one wiki (security.md RATE-2).
const OPEN: i64 = 100;

/// How the secret reaches whoever is invited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// By mail to the invitation's address, and by no other way: having it proves that one reads mail sent there.
    Mail,
    /// It is shown to whoever makes it, who passes it on.
    Hand,
}

/// An invitation to be made.
#[derive(Debug, Clone)]
pub struct NewInvitation<'a> {
    /// To where.
    pub wiki: WikiId,
    /// The only address that may use it, if there is one.
    pub email: Option<&'a str>,
    /// What the invited person is probably called; may be empty.
    pub name: &'a str,
    /// How the secret travels.
    pub delivery: Delivery,
    /// What who accepts becomes.
    pub flags: MemberFlags,
    /// How many may accept.
    pub uses: u32,
    /// The address of whoever invites.
    pub made_by: &'a str,
}

/// An invitation, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields of NewInvitation, and what became of it")]
pub struct InvitationRecord {
    pub id: i64,
    pub email: Option<String>,
    pub name: String,
    pub delivery: Delivery,
    pub flags: MemberFlags,
    pub uses_left: u32,
    pub made_by: String,
    pub created: i64,
    pub expires: i64,
}

impl InvitationRecord {
    /// Whether the account of `email` may use it.
    pub fn is_for(&self, email: &str) -> bool {
        self.email.as_deref().is_none_or(|own| own == email)
    }
    /// Whether using it proves that one reads mail sent to `email`.
    pub fn proves(&self, email: &str) -> bool {
        self.delivery == Delivery::Mail && self.email.as_deref() == Some(email)
    }
}

const COLUMNS: &str = "id, email, name, mailed, is_admin, allow_read, allow_write, allow_upload, uses_left, made_by, created, expires";

fn record(row: &Row<'_>) -> rusqlite::Result<InvitationRecord> {
    Ok(InvitationRecord {
        id: row.get(0)?,
        email: row.get(1)?,
        name: row.get(2)?,
        delivery: if row.get(3)? { Delivery::Mail } else { Delivery::Hand },
        flags: MemberFlags {
            approved: true,
            admin: row.get(4)?,
            allow_read: row.get(5)?,
            allow_write: row.get(6)?,
            allow_upload: row.get(7)?,
        },
        uses_left: row.get(8)?,
        made_by: row.get(9)?,
        created: row.get(10)?,
        expires: row.get(11)?,
    })
}

impl Directory {
    /// Makes an invitation: its id and its secret. `Busy` if the wiki has too many open ones. Expired ones are swept.
    pub fn create_invitation(&self, new: &NewInvitation<'_>, now: i64) -> Result<(i64, Token)> {
        let token = Token::new("")?;
        let failed = || wrap("make an invitation");
        self.change("make an invitation", |db| {
            db.execute("DELETE FROM invitations WHERE expires <= ?1 OR uses_left <= 0", [now]).map_err(failed())?;
            let sql = "SELECT count(*) FROM invitations WHERE wiki = ?1";
            let open: i64 = db.query_row(sql, [new.wiki.to_store()], |row| row.get(0)).map_err(failed())?;
            if open >= OPEN {
                return Err(Error::busy(format!("there are {OPEN} open invitations already")).hint("Revoke some that nobody needs."));
            }
            let sql = "INSERT INTO invitations (hash, wiki, email, name, mailed, is_admin, allow_read, allow_write, allow_upload,
                uses_left, made_by, created, expires) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
            let flags = new.flags;
            let values = (
                token.hash(),
                new.wiki.to_store(),
                new.email,
                new.name,
                new.delivery == Delivery::Mail,
                flags.admin,
                flags.allow_read,
                flags.allow_write,
                flags.allow_upload,
                new.uses,
                new.made_by,
                now,
                now.saturating_add(INVITATION_LIFE),
            );
            db.execute(sql, values).map_err(failed())?;
            Ok(db.last_insert_rowid())
        })
        .map(|id| (id, token))
    }
    /// The invitations to `wiki` that somebody may still accept, newest first.
    pub fn invitations(&self, wiki: WikiId, now: i64) -> Result<Vec<InvitationRecord>> {
        let sql = format!("SELECT {COLUMNS} FROM invitations WHERE wiki = ?1 AND uses_left > 0 AND expires > ?2 ORDER BY id DESC");
        self.read("list invitations", |db| db.prepare_cached(&sql)?.query_map((wiki.to_store(), now), record)?.collect())
    }
    /// The invitation to `wiki` that `token` is the secret of, if somebody may still accept it. Changes nothing.
    pub fn invitation(&self, wiki: WikiId, token: &str, now: i64) -> Result<Option<InvitationRecord>> {
        let sql = format!("SELECT {COLUMNS} FROM invitations WHERE hash = ?1 AND wiki = ?2 AND uses_left > 0 AND expires > ?3");
        let values = (hash(token), wiki.to_store(), now);
        self.read("read an invitation", |db| db.prepare_cached(&sql)?.query_row(values, record).optional())
    }
    /// Ends an invitation to `wiki`. `NotFound` if there is none of that id.
    pub fn revoke_invitation(&self, wiki: WikiId, id: i64) -> Result<InvitationRecord> {
        let sql = format!("DELETE FROM invitations WHERE wiki = ?1 AND id = ?2 RETURNING {COLUMNS}");
        let found = self.write("revoke an invitation", |db| db.query_row(&sql, (wiki.to_store(), id), record).optional())?;
        found.ok_or_else(|| Error::not_found("there is no such invitation"))
    }
    /// Counts one use. `None` if there is none left; of two who come at once for the last one, one succeeds.
    pub fn use_invitation(&self, wiki: WikiId, token: &str, now: i64) -> Result<Option<InvitationRecord>> {
        self.write("use an invitation", |db| count(db, wiki, token, now))
    }
    /// Counts one use and makes an account, both or neither. `None` as for [`Directory::use_invitation`].
    pub fn accept_invitation(&self, wiki: WikiId, token: &str, user: &NewUser<'_>, now: i64) -> Result<Option<UserId>> {
        self.change("accept an invitation", |db| match count(db, wiki, token, now).map_err(wrap("use an invitation"))? {
            Some(_) => insert(db, user).map(Some),
            None => Ok(None),
        })
    }
}

fn count(db: &Connection, wiki: WikiId, token: &str, now: i64) -> rusqlite::Result<Option<InvitationRecord>> {
    let sql = format!(
        "UPDATE invitations SET uses_left = uses_left - 1 WHERE hash = ?1 AND wiki = ?2 AND uses_left > 0 AND expires > ?3 RETURNING {COLUMNS}"
    );
    db.query_row(&sql, (hash(token), wiki.to_store(), now), record).optional()
}
