//! What wikis may hold: plans, which are data, and the limits of one wiki, which follow from its plan and from what an operator set for it alone.

use super::Directory;
use crate::db::decode;
use holt_core::{Error, Result, UserId, WikiId};
use rusqlite::{OptionalExtension, Row};

/// The plan of wikis that people make for themselves, unless an operator chose another.
const FIRST: &str = "free";
/// The setting that names it.
const DEFAULT: &str = "plan";
/// Longest name of a plan, in bytes.
const NAME_BYTES: usize = 40;

/// What wikis of a plan may have; none: as many as they like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Lower-case letters, digits and hyphens.
    pub name: String,
    /// Wikis of one person.
    pub wikis: Option<u32>,
    /// Pages of a wiki.
    pub pages: Option<u32>,
    /// Bytes of a wiki's repository, history included.
    pub bytes: Option<u64>,
    /// Changes that one client may make in one wiki in a minute.
    pub writes: Option<u32>,
    /// Members of a wiki.
    pub members: Option<u32>,
    /// Names of a wiki that are not below the platform's domain.
    pub domains: Option<u32>,
    /// Per cent of a limit from which on people are told that it is near.
    pub warn: u8,
}

/// What one wiki may have; none: as many as it likes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WikiLimits {
    /// Pages.
    pub pages: Option<u32>,
    /// Bytes of the repository, history included.
    pub bytes: Option<u64>,
    /// Changes that one client may make in a minute.
    pub writes: Option<u32>,
    /// Members.
    pub members: Option<u32>,
    /// Names that are not below the platform's domain.
    pub domains: Option<u32>,
    /// Per cent of a limit from which on people are told that it is near; none without a plan.
    pub warn: Option<u8>,
}

impl WikiLimits {
    /// Whether `used` of `most` is so much that its people should know.
    pub fn is_near(self, used: u64, most: Option<u64>) -> bool {
        let Some(most) = most.filter(|most| *most > 0) else { return false };
        u128::from(used) * 100 >= u128::from(most) * u128::from(self.warn.unwrap_or(80))
    }
}

type Raw = (Option<i64>, Option<i64>, Option<i64>, Option<i64>, Option<i64>);

fn number<T: TryFrom<i64>>(value: Option<i64>) -> Result<Option<T>> {
    value.map(|value| decode("a limit", T::try_from(value).ok())).transpose()
}

fn record((name, wikis, (pages, bytes, writes, members, domains), warn): (String, Option<i64>, Raw, i64)) -> Result<Plan> {
    Ok(Plan {
        name,
        wikis: number(wikis)?,
        pages: number(pages)?,
        bytes: number(bytes)?,
        writes: number(writes)?,
        members: number(members)?,
        domains: number(domains)?,
        warn: decode("a limit", u8::try_from(warn).ok())?,
    })
}

fn raw(row: &Row<'_>) -> rusqlite::Result<(String, Option<i64>, Raw, i64)> {
    Ok((row.get(0)?, row.get(1)?, (row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?), row.get(7)?))
}

const COLUMNS: &str = "name, wikis, pages, bytes, writes, members, domains, warn FROM plans";

impl Directory {
    /// All plans, by name.
    pub fn plans(&self) -> Result<Vec<Plan>> {
        let sql = format!("SELECT {COLUMNS} ORDER BY name");
        let rows = self.read("list plans", |db| db.prepare_cached(&sql)?.query_map([], raw)?.collect::<rusqlite::Result<Vec<_>>>())?;
        rows.into_iter().map(record).collect()
    }
    /// The plan of that name.
    pub fn plan(&self, name: &str) -> Result<Option<Plan>> {
        let sql = format!("SELECT {COLUMNS} WHERE name = ?1");
        self.read("read a plan", |db| db.prepare_cached(&sql)?.query_row([name], raw).optional())?.map(record).transpose()
    }
    /// Makes a plan, or changes what its wikis may have. What there is stays, however much it is.
    pub fn put_plan(&self, plan: &Plan) -> Result<()> {
        let name = plan.name.as_str();
        let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if name.is_empty() || name.len() > NAME_BYTES || !name.bytes().all(fits) {
            return Err(Error::invalid("that is no name of a plan").hint("Use lower-case letters, digits and hyphens."));
        }
        let sql = "INSERT INTO plans (name, wikis, pages, bytes, writes, members, domains, warn) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            ON CONFLICT (name) DO UPDATE SET wikis = excluded.wikis, pages = excluded.pages, bytes = excluded.bytes,
                writes = excluded.writes, members = excluded.members, domains = excluded.domains, warn = excluded.warn";
        let bytes = plan.bytes.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX));
        let values = (name, plan.wikis, plan.pages, bytes, plan.writes, plan.members, plan.domains, plan.warn);
        self.write("change a plan", |db| db.execute(sql, values)).map(drop)
    }
    /// The plan of wikis that people make for themselves.
    pub fn default_plan(&self) -> Result<Plan> {
        let name = self.setting(DEFAULT)?.unwrap_or_else(|| FIRST.to_string());
        self.plan(&name)?.ok_or_else(|| no_plan(&name))
    }
    /// Changes which one that is. `NotFound` if there is no such plan.
    pub fn set_default_plan(&self, name: &str) -> Result<()> {
        self.plan(name)?.ok_or_else(|| no_plan(name))?;
        self.set_setting(DEFAULT, name)
    }
    /// Puts a wiki on a plan, or on none. `NotFound` if there is no such plan or wiki.
    pub fn set_wiki_plan(&self, id: WikiId, plan: Option<&str>) -> Result<()> {
        if let Some(name) = plan {
            self.plan(name)?.ok_or_else(|| no_plan(name))?;
        }
        let sql = "UPDATE wikis SET plan = ?2 WHERE id = ?1 AND state <> 'deleted'";
        match self.write("change the plan of a wiki", |db| db.execute(sql, (id.to_store(), plan)))? {
            0 => Err(Error::not_found("there is no such wiki")),
            _ => Ok(()),
        }
    }
    /// What a wiki may have: what an operator set for it alone, else what its plan says.
    pub fn limits(&self, id: WikiId) -> Result<WikiLimits> {
        let sql =
            "SELECT coalesce(wikis.max_pages, plans.pages), coalesce(wikis.max_bytes, plans.bytes), plans.writes, plans.members, plans.domains,
                plans.warn
            FROM wikis LEFT JOIN plans ON plans.name = wikis.plan WHERE wikis.id = ?1";
        let found = self.read("read the limits of a wiki", |db| {
            let row =
                |row: &Row<'_>| Ok(((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?), row.get::<_, Option<i64>>(5)?));
            db.prepare_cached(sql)?.query_row([id.to_store()], row).optional()
        })?;
        let Some(((pages, bytes, writes, members, domains), warn)): Option<(Raw, _)> = found else { return Ok(WikiLimits::default()) };
        let (pages, bytes) = (number(pages)?, number(bytes)?);
        let (writes, members, domains) = (number(writes)?, number(members)?, number(domains)?);
        Ok(WikiLimits { pages, bytes, writes, members, domains, warn: number(warn)? })
    }
    /// How many wikis belong to `owner`, those that wait to be removed not counted.
    pub fn count_wikis_of(&self, owner: UserId) -> Result<u32> {
        let count = self.read("count wikis", |db| super::wikis::count_of(db, owner))?;
        decode("a count", u32::try_from(count).ok())
    }
}

/// Says that there is no plan of that name.
fn no_plan(name: &str) -> Error {
    Error::not_found(format!("there is no plan called {name:?}")).hint("`holt plan list` shows the plans there are.")
}

/// Somebody has as many wikis as they may.
pub(super) fn wiki_limit(most: u32) -> Error {
    let wikis = if most == 1 { "1 wiki".to_string() } else { format!("{most} wikis") };
    Error::denied(format!("wiki limit reached ({wikis} per person)"))
        .hint("Delete one of your wikis, or ask whoever runs the server for a larger plan.")
}
