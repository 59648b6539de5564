//! The row of `wiki.db` about the mirror: the repository elsewhere that a wiki is kept the same as, and how that stands.

use super::decode;
use super::wiki_db::WikiDb;
use holt_core::{Result, RevisionId};
use rusqlite::{OptionalExtension, Row, params};

/// Which way changes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the wiki to the remote.
    Push,
    /// From the remote to the wiki.
    Pull,
    /// Both ways.
    Both,
}

impl Direction {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Both, Self::Push, Self::Pull];
    /// As the API and the database spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Pull => "pull",
            Self::Both => "both",
        }
    }
    /// From such a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|direction| direction.as_str() == word)
    }
    /// Whether changes of the wiki go to the remote.
    pub fn pushes(self) -> bool {
        self != Self::Pull
    }
    /// Whether changes of the remote come into the wiki.
    pub fn pulls(self) -> bool {
        self != Self::Push
    }
}

/// What an administrator says of it.
#[derive(Clone, PartialEq, Eq)]
pub struct MirrorSettings {
    /// Where the repository is.
    pub url: String,
    /// Which branch of it.
    pub branch: String,
    /// Who we are there; may be empty.
    pub username: String,
    /// And by what; may be empty.
    pub token: String,
    /// Which way.
    pub direction: Direction,
    /// Seconds between two looks.
    pub every: i64,
    /// Whether anything is done.
    pub active: bool,
}

impl std::fmt::Debug for MirrorSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MirrorSettings({}, {:?})", self.branch, self.direction)
    }
}

/// The mirror, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    /// See there.
    pub settings: MirrorSettings,
    /// What the remote had when it was looked at last and all was well.
    pub seen: Option<RevisionId>,
    /// When it was looked at last; 0: never.
    pub tried: i64,
    /// Why that failed, if it did, in a sentence.
    pub error: Option<String>,
    /// How often it did, in a row.
    pub failures: u32,
    /// When all went well last; 0: never.
    pub synced: i64,
    /// Where the wiki stood then.
    pub revision: Option<RevisionId>,
    /// How often somebody asked for a look since the last one began.
    pub asked: i64,
}

fn text(revision: Option<RevisionId>) -> Option<String> {
    revision.map(|revision| revision.to_string())
}

impl WikiDb {
    /// The mirror, if there is one.
    pub(crate) fn mirror(&self) -> Result<Option<Mirror>> {
        let sql = "SELECT url, branch, username, token, direction, every, active, seen, tried, error, failures, synced, revision, asked FROM mirror";
        type Raw = (MirrorSettings, String, Option<String>, Mirror, Option<String>);
        let row = |row: &Row<'_>| -> rusqlite::Result<Raw> {
            let settings = MirrorSettings {
                url: row.get(0)?,
                branch: row.get(1)?,
                username: row.get(2)?,
                token: row.get(3)?,
                direction: Direction::Both,
                every: row.get(5)?,
                active: row.get(6)?,
            };
            let mirror = Mirror {
                settings: settings.clone(),
                seen: None,
                tried: row.get(8)?,
                error: row.get(9)?,
                failures: row.get(10)?,
                synced: row.get(11)?,
                revision: None,
                asked: row.get(13)?,
            };
            Ok((settings, row.get(4)?, row.get(7)?, mirror, row.get(12)?))
        };
        let found = self.read("read the mirror", |db| db.prepare_cached(sql)?.query_row([], row).optional())?;
        let Some((settings, direction, seen, mirror, revision)) = found else { return Ok(None) };
        let direction = decode("which way a mirror goes", Direction::parse(&direction))?;
        let parse = |text: Option<String>| text.as_deref().map(RevisionId::parse).transpose();
        Ok(Some(Mirror { settings: MirrorSettings { direction, ..settings }, seen: parse(seen)?, revision: parse(revision)?, ..mirror }))
    }
    /// Makes or changes it. How it stands begins anew where the repository or the branch is another.
    pub(crate) fn put_mirror(&self, new: &MirrorSettings) -> Result<()> {
        self.write("change the mirror", |db| {
            db.execute("DELETE FROM mirror WHERE url <> ?1 OR branch <> ?2", (&new.url, &new.branch))?;
            let sql =
                "INSERT INTO mirror (id, url, branch, username, token, direction, every, active) VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7)
                ON CONFLICT (id) DO UPDATE SET username = ?3, token = ?4, direction = ?5, every = ?6, active = ?7, failures = 0, asked = asked + 1";
            let values = params![new.url, new.branch, new.username, new.token, new.direction.as_str(), new.every, new.active];
            db.execute(sql, values).map(drop)
        })
    }
    /// Forgets it. Whether there was one.
    pub(crate) fn delete_mirror(&self) -> Result<bool> {
        self.write("delete the mirror", |db| db.execute("DELETE FROM mirror", []).map(|n| n > 0))
    }
    /// Somebody wants a look now; and, to take a history as it is that was replaced, forgets what was there.
    pub(crate) fn ask_mirror(&self, forget: bool) -> Result<bool> {
        let sql = "UPDATE mirror SET asked = asked + 1, seen = CASE WHEN ?1 THEN NULL ELSE seen END";
        self.write("ask for a look at the mirror", |db| db.execute(sql, [forget]).map(|n| n > 0))
    }
    /// All went well: the remote has `seen`, the wiki stands at `revision`. Nothing happens if the mirror is another one by now.
    pub(crate) fn mirror_went_well(&self, mirror: &Mirror, seen: Option<RevisionId>, revision: Option<RevisionId>, now: i64) -> Result<()> {
        let sql = "UPDATE mirror SET seen = ?1, revision = ?2, tried = ?3, synced = ?3, error = NULL, failures = 0, asked = CASE WHEN asked = ?6 THEN 0 ELSE asked END
            WHERE url = ?4 AND branch = ?5";
        let values = params![text(seen), text(revision), now, mirror.settings.url, mirror.settings.branch, mirror.asked];
        self.write("note how the mirror stands", |db| db.execute(sql, values).map(drop))
    }
    /// It did not go well. What was seen before is not forgotten.
    pub(crate) fn mirror_failed(&self, mirror: &Mirror, why: &str, now: i64) -> Result<()> {
        let sql = "UPDATE mirror SET tried = ?1, error = ?2, failures = failures + 1, asked = CASE WHEN asked = ?5 THEN 0 ELSE asked END WHERE url = ?3 AND branch = ?4";
        self.write("note how the mirror stands", |db| {
            db.execute(sql, (now, why, &mirror.settings.url, &mirror.settings.branch, mirror.asked)).map(drop)
        })
    }
}
