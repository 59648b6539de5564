//! Rows of `wiki.db` about proposals: what waits to be accepted, what became of it, and what was said about it.

use super::wiki_db::WikiDb;
use super::{decode, proposal_notices};
use holt_core::{OpId, PagePath, Result, RevisionId, UserId};
use rusqlite::{OptionalExtension, Row};

/// What became of a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProposalStatus {
    /// It waits.
    Open,
    /// All of it, as it was or as the reviewer changed it, is in the wiki.
    Accepted,
    /// Some of it is in the wiki; the rest was rejected.
    PartlyAccepted,
    /// It was refused.
    Rejected,
    /// Its maker took it back.
    Withdrawn,
    /// Nobody decided in time.
    Expired,
}

impl ProposalStatus {
    /// All, in the order of their lives.
    pub const ALL: [Self; 6] = [Self::Open, Self::Accepted, Self::PartlyAccepted, Self::Rejected, Self::Withdrawn, Self::Expired];
    /// As the API and the database spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Accepted => "accepted",
            Self::PartlyAccepted => "partly-accepted",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
        }
    }
    /// From such a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

/// What somebody decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What it comes to.
    pub status: ProposalStatus,
    /// Unix seconds.
    pub time: i64,
    /// Who.
    pub by: UserId,
    /// What they were called then.
    pub name: String,
    /// What they said to it; may be empty.
    pub reason: String,
    /// The commit that took it into the wiki.
    pub revision: Option<RevisionId>,
}

/// A proposal as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposalRow {
    /// Its identity in the wiki, never given again; grows with time.
    pub number: i64,
    /// Never [`ProposalStatus::Expired`]: that is a matter of time.
    pub status: ProposalStatus,
    /// What its maker wrote.
    pub message: String,
    /// The revision it was made on.
    pub base: Option<RevisionId>,
    /// The commit that is proposed.
    pub head: RevisionId,
    /// Whose it is.
    pub maker: UserId,
    /// What they were called then.
    pub name: String,
    /// Their address then.
    pub email: String,
    /// The program that acted for them.
    pub via: Option<String>,
    /// The operation of a client that made it.
    pub op: Option<OpId>,
    /// Files it touches, under their names then.
    pub files: Vec<String>,
    /// Pages that move, with all that is below them: from where to where.
    pub moves: Vec<(PagePath, PagePath)>,
    /// Unix seconds.
    pub created: i64,
    /// Unix seconds; from then on nobody can accept it.
    pub expires: i64,
    /// What was decided; while it is open, what was about to be.
    pub decision: Option<Decision>,
}

/// What somebody said about a proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposalComment {
    /// Its identity in the wiki; grows with time.
    pub id: i64,
    /// Who.
    pub author: UserId,
    /// What they were called then.
    pub name: String,
    /// Plain text, as it was typed.
    pub content: String,
    /// Unix seconds.
    pub created: i64,
}

const COLUMNS: &str = "number, status, message, base, head, maker, maker_name, maker_email, via, op, files, moves, created, expires,
    decision, decided, reviewer, reviewer_name, reason, revision";

/// A row whose words have not been read yet.
struct Raw {
    row: (i64, String, String, Option<String>, String, i64, String, String),
    more: (Option<String>, Option<String>, String, String, i64, i64),
    decision: Option<(String, i64, i64, String, String)>,
    revision: Option<String>,
}

fn raw(row: &Row<'_>) -> rusqlite::Result<Raw> {
    Ok(Raw {
        row: (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?, row.get(7)?),
        more: (row.get(8)?, row.get(9)?, row.get(10)?, row.get(11)?, row.get(12)?, row.get(13)?),
        decision: match row.get::<_, Option<String>>(14)? {
            Some(word) => Some((word, row.get(15)?, row.get(16)?, row.get(17)?, row.get(18)?)),
            None => None,
        },
        revision: row.get(19)?,
    })
}

fn proposal(raw: Raw) -> Result<ProposalRow> {
    let (number, word, message, base, head, maker, name, email) = raw.row;
    let (via, op, files, moves, created, expires) = raw.more;
    let status = |word: &str| decode("the status of a proposal", ProposalStatus::parse(word));
    let revision = |text: &str| decode("the revision of a proposal", RevisionId::parse(text).ok());
    let at = raw.revision.as_deref().map(revision).transpose()?;
    let decided = |(word, time, by, name, reason): (String, i64, i64, String, String)| {
        Ok(Decision { status: status(&word)?, time, by: UserId(by), name, reason, revision: at })
    };
    let decision = raw.decision.map(decided).transpose()?;
    let pairs: Vec<(String, String)> = decode("the moves of a proposal", serde_json::from_str(&moves).ok())?;
    let path = |text: &str| decode("the moves of a proposal", PagePath::parse(text).ok());
    Ok(ProposalRow {
        number,
        status: status(&word)?,
        message,
        base: base.as_deref().map(revision).transpose()?,
        head: revision(&head)?,
        maker: UserId(maker),
        name,
        email,
        via,
        op: op.map(|op| decode("the operation of a proposal", OpId::parse(&op).ok())).transpose()?,
        files: decode("the files of a proposal", serde_json::from_str(&files).ok())?,
        moves: pairs.iter().map(|(from, to)| Ok((path(from)?, path(to)?))).collect::<Result<_>>()?,
        created,
        expires,
        decision,
    })
}

impl WikiDb {
    /// The number that the next proposal has.
    pub(crate) fn next_proposal(&self) -> Result<i64> {
        let sql = "SELECT coalesce(max(number), 0) + 1 FROM proposals";
        self.read("number a proposal", |db| db.prepare_cached(sql)?.query_row([], |row| row.get(0)))
    }
    /// How many are open at `now`: those of one maker, and all.
    pub(crate) fn open_proposals(&self, (maker, name): (UserId, &str), now: i64) -> Result<(usize, usize)> {
        let sql = "SELECT count(*) FILTER (WHERE maker = ?1 AND (maker > 0 OR maker_name = ?2)), count(*)
                   FROM proposals WHERE status = 'open' AND expires > ?3";
        self.read("count proposals", |db| {
            let count = super::comments::number;
            db.prepare_cached(sql)?.query_row((maker.0, name, now), |row| Ok((count(row, 0)?, count(row, 1)?)))
        })
    }
    /// Keeps a proposal whose ref is there, and tells people that it waits.
    pub(crate) fn add_proposal(&self, row: &ProposalRow, told: &[UserId]) -> Result<()> {
        let sql = "INSERT INTO proposals (number, status, message, base, head, maker, maker_name, maker_email, via, op, files, moves, created, expires)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
        let json = |value: serde_json::Value| value.to_string();
        let moves = row.moves.iter().map(|(from, to)| [from.as_str(), to.as_str()]).collect::<Vec<_>>();
        let (files, moves) = (json(serde_json::json!(row.files)), json(serde_json::json!(moves)));
        let (base, head) = (row.base.map(|base| base.to_string()), row.head.to_string());
        let values = rusqlite::params![
            row.number,
            row.status.as_str(),
            row.message,
            base,
            head,
            row.maker.0,
            row.name,
            row.email,
            row.via,
            row.op.as_ref().map(OpId::as_str),
            files,
            moves,
            row.created,
            row.expires
        ];
        self.write("keep a proposal", |db| {
            db.execute(sql, values)?;
            proposal_notices::tell(db, row.number, told, row.created)
        })
    }
    /// A proposal.
    pub(crate) fn proposal(&self, number: i64) -> Result<Option<ProposalRow>> {
        let sql = format!("SELECT {COLUMNS} FROM proposals WHERE number = ?1");
        self.read("read a proposal", |db| db.prepare_cached(&sql)?.query_row([number], raw).optional())?.map(proposal).transpose()
    }
    /// The proposal that an operation of a client made.
    pub(crate) fn proposal_by_op(&self, op: &OpId) -> Result<Option<ProposalRow>> {
        let sql = format!("SELECT {COLUMNS} FROM proposals WHERE op = ?1");
        self.read("read a proposal", |db| db.prepare_cached(&sql)?.query_row([op.as_str()], raw).optional())?.map(proposal).transpose()
    }
    /// Those with a number below `before`, newest first. `Open` and `Expired` are told apart by `now`.
    pub(crate) fn proposals(&self, status: Option<ProposalStatus>, before: i64, now: i64, limit: usize) -> Result<Vec<ProposalRow>> {
        let (word, time) = match status {
            None => ("", "?3 IS NOT NULL"),
            Some(ProposalStatus::Open) => ("open", "expires > ?3"),
            Some(ProposalStatus::Expired) => ("open", "expires <= ?3"),
            Some(other) => (other.as_str(), "?3 IS NOT NULL"),
        };
        let sql = format!(
            "SELECT {COLUMNS} FROM proposals WHERE number < ?1 AND (?2 = '' OR status = ?2) AND {time} ORDER BY number DESC LIMIT ?4"
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows: Vec<Raw> =
            self.read("list proposals", |db| db.prepare_cached(&sql)?.query_map((before, word, now, limit), raw)?.collect())?;
        rows.into_iter().map(proposal).collect()
    }
    /// Notes what somebody is about to do with an open proposal, before the commit that does it.
    pub(crate) fn intend(&self, number: i64, decision: &Decision) -> Result<()> {
        let sql = "UPDATE proposals SET decision = ?2, decided = ?3, reviewer = ?4, reviewer_name = ?5, reason = ?6, revision = ?7
                   WHERE number = ?1 AND status = 'open'";
        let revision = decision.revision.map(|revision| revision.to_string());
        let values = (number, decision.status.as_str(), decision.time, decision.by.0, &decision.name, &decision.reason, revision);
        self.write("note a decision", |db| db.execute(sql, values)).map(|_| ())
    }
    /// Closes an open proposal, and tells its maker. Whether it was open.
    pub(crate) fn decide(&self, number: i64, decision: &Decision) -> Result<bool> {
        let sql =
            "UPDATE proposals SET status = ?2, decision = ?2, decided = ?3, reviewer = ?4, reviewer_name = ?5, reason = ?6, revision = ?7
                   WHERE number = ?1 AND status = 'open'";
        let revision = decision.revision.map(|revision| revision.to_string());
        let values = (number, decision.status.as_str(), decision.time, decision.by.0, &decision.name, &decision.reason, revision);
        self.write("note a decision", |db| {
            let closed = db.execute(sql, values)? == 1;
            if closed {
                proposal_notices::settle(db, number, decision.status, decision.by, decision.time)?;
            }
            Ok(closed)
        })
    }
    /// Some proposals that were decided or expired before `time`, and whose refs are still there.
    pub(crate) fn unswept_proposals(&self, time: i64) -> Result<Vec<i64>> {
        let sql =
            "SELECT number FROM proposals WHERE NOT swept AND ((status != 'open' AND decided < ?1) OR (status = 'open' AND expires < ?1))
                   ORDER BY number LIMIT 20";
        self.read("look for old proposals", |db| db.prepare_cached(sql)?.query_map([time], |row| row.get(0))?.collect())
    }
    /// Notes that the ref of a proposal is gone.
    pub(crate) fn proposal_swept(&self, number: i64) -> Result<()> {
        self.write("forget an old proposal", |db| db.execute("UPDATE proposals SET swept = 1 WHERE number = ?1", [number])).map(|_| ())
    }
    /// What was said about a proposal, oldest first.
    pub(crate) fn proposal_comments(&self, number: i64) -> Result<Vec<ProposalComment>> {
        let sql = "SELECT id, author, author_name, content, created FROM proposal_comments WHERE number = ?1 ORDER BY id";
        let comment = |row: &Row<'_>| {
            Ok(ProposalComment {
                id: row.get(0)?,
                author: UserId(row.get(1)?),
                name: row.get(2)?,
                content: row.get(3)?,
                created: row.get(4)?,
            })
        };
        self.read("read comments", |db| db.prepare_cached(sql)?.query_map([number], comment)?.collect())
    }
    /// Keeps what somebody said about a proposal, if there are fewer than `most`; said twice in a row it is there once. Whether there was room.
    pub(crate) fn add_proposal_comment(&self, number: i64, comment: &ProposalComment, most: usize) -> Result<bool> {
        let sql = "INSERT INTO proposal_comments (number, author, author_name, content, created) VALUES (?1, ?2, ?3, ?4, ?5)";
        let ProposalComment { author, name, content, created, .. } = comment;
        self.write("keep a comment", |db| {
            let last = "SELECT author, content FROM proposal_comments WHERE number = ?1 ORDER BY id DESC LIMIT 1";
            let last: Option<(i64, String)> = db.query_row(last, [number], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
            if last.is_some_and(|(by, said)| by == author.0 && said == *content) {
                return Ok(true);
            }
            let there =
                db.query_row("SELECT count(*) FROM proposal_comments WHERE number = ?1", [number], |row| super::comments::number(row, 0))?;
            if there >= most {
                return Ok(false);
            }
            db.execute(sql, (number, author.0, name, content, created)).map(|_| true)
        })
    }
}
