//! Names of wikis that are not below the platform's domain: who claims one, whether the claim is true, and since when it no longer is.
//!
//! | a claim | becomes | by |
//! |---|---|---|
//! | made | true | [`Directory::prove_domain`]: its text was seen |
//! | made | nothing | [`CLAIM_LIFE`] |
//! | true | doubtful | [`Directory::doubt_domain`]: its text is not there |
//! | doubtful | true | the text is there again |
//! | doubtful | made | [`LOST_LIFE`] |
//! | true | made | [`UNSEEN_LIFE`] without an answer |

use super::{Directory, random};
use crate::db::{decode, wrap};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use holt_core::{DomainName, Error, Result, WikiId};
use rusqlite::{Connection, OptionalExtension, Row};

/// How long a claim waits to be shown to be true, in seconds.
pub const CLAIM_LIFE: i64 = 7 * 24 * 3600;
/// How long a wiki keeps a name whose text is missing, in seconds.
pub const LOST_LIFE: i64 = 7 * 24 * 3600;
/// How long a wiki keeps a name about which nothing can be found out, in seconds.
pub const UNSEEN_LIFE: i64 = 30 * 24 * 3600;
/// How often is looked whether a claim is still true, in seconds.
pub const RECHECK: i64 = 24 * 3600;
/// When is asked again after nothing could be found out, in seconds.
const RETRY: i64 = 3600;
/// Most names of a wiki whose plan sets no limit.
const MOST: u32 = 20;

/// A claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainRecord {
    /// Whose.
    pub wiki: WikiId,
    /// The name.
    pub name: DomainName,
    /// What a text at [`DomainName::proof_name`] has to say.
    pub token: String,
    /// Since when it is claimed: Unix seconds.
    pub created: i64,
    /// Since when it is the wiki's, if it is: Unix seconds.
    pub verified: Option<i64>,
    /// When the text was last seen: Unix seconds.
    pub proven: Option<i64>,
    /// When it was last looked for: Unix seconds.
    pub checked: Option<i64>,
    /// Since when it is missing, if it is: Unix seconds.
    pub lost: Option<i64>,
    /// Whether the wiki's address is there.
    pub main: bool,
}

impl DomainRecord {
    /// When it ends if nothing happens: a claim that is not shown to be true, a name whose text is missing. Unix seconds.
    pub fn ends(&self) -> Option<i64> {
        match (self.verified, self.lost) {
            (None, _) => Some(self.created.saturating_add(CLAIM_LIFE)),
            (Some(_), Some(lost)) => Some(lost.saturating_add(LOST_LIFE)),
            (Some(_), None) => None,
        }
    }
}

/// What came of looking for a text that is not there, or of not finding out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// Nothing that was.
    None,
    /// The name is missing its text from now on.
    Begun,
    /// The wiki no longer has the name.
    Ended,
}

const COLUMNS: &str = "wiki, name, token, created, verified, proven, checked, lost, main FROM domains";

type Raw = ((i64, String, String, i64), (Option<i64>, Option<i64>, Option<i64>, Option<i64>, bool));

fn raw(row: &Row<'_>) -> rusqlite::Result<Raw> {
    Ok(((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?), (row.get(4)?, row.get(5)?, row.get(6)?, row.get(7)?, row.get(8)?)))
}

fn record(((wiki, name, token, created), (verified, proven, checked, lost, main)): Raw) -> Result<DomainRecord> {
    let wiki = decode("a wiki id", WikiId::from_store(wiki))?;
    let name = decode("a name of a wiki", DomainName::parse(&name).ok())?;
    Ok(DomainRecord { wiki, name, token, created, verified, proven, checked, lost, main })
}

fn one(db: &Connection, wiki: WikiId, name: &DomainName) -> Result<Option<DomainRecord>> {
    let sql = format!("SELECT {COLUMNS} WHERE wiki = ?1 AND name = ?2");
    let found = db.query_row(&sql, (wiki.to_store(), name.as_str()), raw).optional().map_err(wrap("look for a name of a wiki"))?;
    found.map(record).transpose()
}

fn there(found: Option<DomainRecord>, name: &DomainName) -> Result<DomainRecord> {
    found.ok_or_else(|| Error::not_found(format!("this wiki does not claim the name {name}")).hint("Add it first."))
}

/// `Conflict` if the name is another wiki's.
fn check_free(db: &Connection, wiki: WikiId, name: &DomainName) -> Result<()> {
    let sql = "SELECT 1 FROM domains WHERE name = ?1 AND verified IS NOT NULL AND wiki <> ?2";
    let taken = db.query_row(sql, (name.as_str(), wiki.to_store()), |_| Ok(())).optional().map_err(wrap("look for a name"))?;
    match taken {
        None => Ok(()),
        Some(()) => Err(Error::conflict(format!("the name {name} belongs to another wiki here"))
            .hint("If it is yours: remove the TXT record of that wiki; the name is free a week later.")),
    }
}

impl Directory {
    /// Claims a name for a wiki, which may have `most` of them; the claim there is already comes back as it is. Old claims are swept.
    /// `Conflict` if the name is another wiki's, `Denied` at the limit.
    pub fn claim_domain(&self, wiki: WikiId, name: &DomainName, most: Option<u32>, now: i64) -> Result<DomainRecord> {
        let token = URL_SAFE_NO_PAD.encode(&random()?[..24]);
        let failed = || wrap("claim a name");
        self.change("claim a name", |db| {
            let sql = "DELETE FROM domains WHERE verified IS NULL AND created <= ?1";
            db.execute(sql, [now.saturating_sub(CLAIM_LIFE)]).map_err(failed())?;
            check_free(db, wiki, name)?;
            if let Some(known) = one(db, wiki, name)? {
                return Ok(known);
            }
            let sql = "SELECT count(*) FROM domains WHERE wiki = ?1";
            let count: i64 = db.query_row(sql, [wiki.to_store()], |row| row.get(0)).map_err(failed())?;
            let most = most.unwrap_or(MOST);
            if count >= i64::from(most) {
                return Err(match most {
                    1 => Error::denied("this wiki may have one name of its own and no more")
                        .hint("Remove it, or ask whoever runs the server for a larger plan."),
                    _ => Error::denied(format!("this wiki may have {most} names of its own and no more"))
                        .hint("Remove one of them, or ask whoever runs the server for a larger plan."),
                });
            }
            let sql = "INSERT INTO domains (wiki, name, token, created) VALUES (?1, ?2, ?3, ?4)";
            db.execute(sql, (wiki.to_store(), name.as_str(), &token, now)).map_err(failed())?;
            there(one(db, wiki, name)?, name)
        })
    }
    /// Notes that the text of a claim was seen: the name is the wiki's. `Conflict` if it is another wiki's by now.
    pub fn prove_domain(&self, wiki: WikiId, name: &DomainName, now: i64) -> Result<DomainRecord> {
        self.change("verify a name", |db| {
            check_free(db, wiki, name)?;
            let sql = "UPDATE domains SET verified = coalesce(verified, ?3), proven = ?3, checked = ?3, lost = NULL WHERE wiki = ?1 AND name = ?2";
            db.execute(sql, (wiki.to_store(), name.as_str(), now)).map_err(wrap("verify a name"))?;
            there(one(db, wiki, name)?, name)
        })
    }
    /// Notes that the text of a name is not there.
    pub fn doubt_domain(&self, wiki: WikiId, name: &DomainName, now: i64) -> Result<Doubt> {
        self.change("doubt a name", |db| {
            let Some(known) = one(db, wiki, name)? else { return Ok(Doubt::None) };
            let sql =
                "UPDATE domains SET checked = ?3, lost = iif(verified IS NULL, NULL, coalesce(lost, ?3)) WHERE wiki = ?1 AND name = ?2";
            db.execute(sql, (wiki.to_store(), name.as_str(), now)).map_err(wrap("doubt a name"))?;
            end_sessions(db, wiki, name).map_err(wrap("end the sessions at a name"))?;
            match (known.verified, known.lost) {
                (None, _) => Ok(Doubt::None),
                (Some(_), None) => Ok(Doubt::Begun),
                (Some(_), Some(lost)) if now.saturating_sub(lost) < LOST_LIFE => Ok(Doubt::None),
                (Some(_), Some(_)) => end(db, wiki, name, now),
            }
        })
    }
    /// Notes that nothing could be found out about a name: it is asked again in an hour.
    pub fn miss_domain(&self, wiki: WikiId, name: &DomainName, now: i64) -> Result<Doubt> {
        self.change("note a name", |db| {
            let Some(known) = one(db, wiki, name)? else { return Ok(Doubt::None) };
            let sql = "UPDATE domains SET checked = ?3 WHERE wiki = ?1 AND name = ?2";
            let asked = now.saturating_sub(RECHECK).saturating_add(RETRY);
            db.execute(sql, (wiki.to_store(), name.as_str(), asked)).map_err(wrap("note a name"))?;
            let unseen = known.verified.is_some() && known.proven.is_none_or(|proven| now.saturating_sub(proven) >= UNSEEN_LIFE);
            if unseen { end(db, wiki, name, now) } else { Ok(Doubt::None) }
        })
    }
    /// Makes one of a wiki's names its address, or, without one, its slug. `NotFound` if it does not claim the name, `Invalid` if the claim is not
    /// shown to be true.
    pub fn set_main_domain(&self, wiki: WikiId, name: Option<&DomainName>) -> Result<()> {
        self.change("choose an address", |db| {
            if let Some(name) = name
                && there(one(db, wiki, name)?, name)?.verified.is_none()
            {
                return Err(Error::invalid(format!("the name {name} is not verified")).hint("Verify it first."));
            }
            let failed = || wrap("choose an address");
            db.execute("UPDATE domains SET main = 0 WHERE wiki = ?1 AND main = 1", [wiki.to_store()]).map_err(failed())?;
            if let Some(name) = name {
                let sql = "UPDATE domains SET main = 1 WHERE wiki = ?1 AND name = ?2";
                db.execute(sql, (wiki.to_store(), name.as_str())).map_err(failed())?;
            }
            Ok(())
        })
    }
    /// Gives up a name or a claim; sessions that were begun there end. `NotFound` if there is none.
    pub fn remove_domain(&self, wiki: WikiId, name: &DomainName) -> Result<()> {
        let sql = "DELETE FROM domains WHERE wiki = ?1 AND name = ?2";
        let given_up = self.write("give up a name", |db| {
            end_sessions(db, wiki, name)?;
            db.execute(sql, (wiki.to_store(), name.as_str()))
        })?;
        match given_up {
            0 => there(None, name).map(drop),
            _ => Ok(()),
        }
    }
    /// A claim of a wiki. `NotFound` if there is none.
    pub fn domain(&self, wiki: WikiId, name: &DomainName) -> Result<DomainRecord> {
        let sql = format!("SELECT {COLUMNS} WHERE wiki = ?1 AND name = ?2");
        let values = (wiki.to_store(), name.as_str());
        let found = self.read("look for a name", |db| db.prepare_cached(&sql)?.query_row(values, raw).optional())?;
        there(found.map(record).transpose()?, name)
    }
    /// The names and claims of a wiki, by name. Old claims are not among them.
    pub fn domains_of(&self, wiki: WikiId, now: i64) -> Result<Vec<DomainRecord>> {
        let sql = format!("SELECT {COLUMNS} WHERE wiki = ?1 AND (verified IS NOT NULL OR created > ?2) ORDER BY name");
        let values = (wiki.to_store(), now.saturating_sub(CLAIM_LIFE));
        self.domains("list names of a wiki", &sql, values)
    }
    /// Whose a name is, if somebody has shown that it is theirs.
    pub fn domain_holder(&self, name: &DomainName) -> Result<Option<DomainRecord>> {
        let sql = format!("SELECT {COLUMNS} WHERE name = ?1 AND verified IS NOT NULL");
        Ok(self.domains("look for a name", &sql, [name.as_str()])?.into_iter().next())
    }
    /// The address of a wiki, if it is not its slug. A name whose text is missing may be somebody else's: nobody is led there.
    pub fn main_domain(&self, wiki: WikiId) -> Result<Option<DomainName>> {
        let sql = format!("SELECT {COLUMNS} WHERE wiki = ?1 AND main = 1 AND lost IS NULL");
        Ok(self.domains("look for the address of a wiki", &sql, [wiki.to_store()])?.into_iter().next().map(|domain| domain.name))
    }
    /// Names that were not looked at for a day, longest first; at most `limit`.
    pub fn due_domains(&self, now: i64, limit: usize) -> Result<Vec<DomainRecord>> {
        let sql = format!("SELECT {COLUMNS} WHERE verified IS NOT NULL AND checked <= ?1 ORDER BY checked LIMIT ?2");
        let values = (now.saturating_sub(RECHECK), i64::try_from(limit).unwrap_or(i64::MAX));
        self.domains("look for names that are due", &sql, values)
    }
    /// The wikis that have or claim names.
    pub fn wikis_with_domains(&self) -> Result<Vec<WikiId>> {
        let sql = "SELECT DISTINCT domains.wiki FROM domains JOIN wikis ON wikis.id = domains.wiki WHERE state <> 'deleted'";
        let ids = self.read("list wikis with names", |db| {
            db.prepare_cached(sql)?.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()
        })?;
        ids.into_iter().map(|id| decode("a wiki id", WikiId::from_store(id))).collect()
    }
    fn domains(&self, attempted: &str, sql: &str, values: impl rusqlite::Params) -> Result<Vec<DomainRecord>> {
        let rows = self.read(attempted, |db| db.prepare_cached(sql)?.query_map(values, raw)?.collect::<rusqlite::Result<Vec<_>>>())?;
        rows.into_iter().map(record).collect()
    }
}

/// Whoever has a name next is sent the cookies that browsers kept for it.
fn end_sessions(db: &Connection, wiki: WikiId, name: &DomainName) -> rusqlite::Result<usize> {
    db.execute("DELETE FROM sessions WHERE wiki = ?1 AND host = ?2", (wiki.to_store(), name.as_str()))
}

/// The name is a claim again, with a week to be shown to be true.
fn end(db: &Connection, wiki: WikiId, name: &DomainName, now: i64) -> Result<Doubt> {
    let sql = "UPDATE domains SET verified = NULL, proven = NULL, lost = NULL, main = 0, created = ?3 WHERE wiki = ?1 AND name = ?2";
    db.execute(sql, (wiki.to_store(), name.as_str(), now)).map_err(wrap("take a name away"))?;
    Ok(Doubt::Ended)
}
