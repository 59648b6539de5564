//! What somebody who tends the wiki looks for, as far as the index knows it: no text of a page is read for any of this.

use super::links::leads_nowhere;
use super::pages::LISTED;
use super::{Index, rows};
use holt_core::{PagePath, Result};
use rusqlite::{Connection, Row};
use std::collections::HashMap;

/// What the text of a page alone says is wrong with it; found when the page is indexed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// What it is.
    pub kind: FlawKind,
    /// The line of the source it stands in, from 1; 0 if it is about the whole page.
    pub line: usize,
    /// Which: a place of the page that is not there, a day as it is written, a kind of secrets. Never a secret.
    pub what: String,
    /// How much of it: the second from which a page is overdue, its length in bytes; otherwise 0.
    pub value: i64,
}

/// See [`Flaw`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlawKind {
    /// A link to a place of the page itself that is not there.
    Place,
    /// A day by which the page has to be reviewed: a flaw from then on.
    Review,
    /// The page is longer than is good for its readers.
    Large,
    /// There is hardly anything in it.
    Empty,
    /// Something that looks like a secret.
    Secret,
}

impl FlawKind {
    /// As it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Place => "place",
            Self::Review => "review",
            Self::Large => "large",
            Self::Empty => "empty",
            Self::Secret => "secret",
        }
    }
}

/// What tells whether two texts are the same, or nearly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sketch {
    /// Equal for texts of the same words.
    pub digest: i64,
    /// Differs in few bits for texts that are nearly the same; none for short ones, in which every word is a large part.
    pub sketch: Option<i64>,
}

/// A flaw and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageFlaw {
    /// The page.
    pub page: PagePath,
    /// Its place among the flaws of the page.
    pub number: usize,
    /// What is wrong.
    pub flaw: Flaw,
}

/// A link that does not lead where it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadLink {
    /// The page it stands in.
    pub page: PagePath,
    /// Its place among the links of the page.
    pub number: usize,
    /// The line of the source it stands in, from 1.
    pub line: usize,
    /// The path it leads to.
    pub target: PagePath,
    /// Whether it is a wikilink, which never means a file.
    pub wikilink: bool,
    /// Whether it shows a picture.
    pub image: bool,
    /// The place of the target that is not there; none if the target is not there itself.
    pub place: Option<String>,
}

impl Index {
    /// The flaws of one kind of all pages, those with a value below `below`, by page and place.
    pub fn flaws(&self, kind: FlawKind, below: i64) -> Result<Vec<PageFlaw>> {
        let sql = format!(
            "SELECT p.path, f.number, f.line, f.what, f.value FROM flaws AS f JOIN pages AS p ON p.id = f.page
             WHERE f.kind = ?1 AND f.value < ?2 AND {LISTED} ORDER BY p.path, f.number"
        );
        let row = |row: &Row<'_>| {
            let flaw = Flaw { kind, line: number(row, 2)?, what: row.get(3)?, value: row.get(4)? };
            Ok(PageFlaw { page: rows::path(row, 0)?, number: number(row, 1)?, flaw })
        };
        self.read("look for flaws", |db| db.prepare_cached(&sql)?.query_map((kind.as_str(), below), row)?.collect())
    }
    /// The links of all pages that lead nowhere, by page and place.
    pub fn broken_links(&self) -> Result<Vec<BadLink>> {
        self.read("look for broken links", broken)
    }
    /// The links to places of other pages that these have not, by page and place. Of pages that show others nobody knows all places.
    pub fn broken_places(&self) -> Result<Vec<BadLink>> {
        let sql = format!(
            "SELECT p.path, l.number, l.line, l.target, l.kind, l.place FROM links AS l CROSS JOIN pages AS p ON p.id = l.page
             JOIN pages AS t ON t.key = l.key AND t.shadowed = 0 AND t.mode <> 40960
             WHERE l.place IS NOT NULL AND {LISTED}
                AND NOT EXISTS (SELECT 1 FROM headings WHERE headings.page = t.id AND headings.anchor = l.place)
                AND NOT EXISTS (SELECT 1 FROM places WHERE places.page = t.id AND places.place = l.place)
                AND NOT EXISTS (SELECT 1 FROM shows WHERE shows.page = t.id)
             ORDER BY p.path, l.number"
        );
        let row = |row: &Row<'_>| Ok(BadLink { place: row.get(5)?, ..bad_link(row)? });
        self.read("look for broken links", |db| db.prepare_cached(&sql)?.query_map([], row)?.collect())
    }
    /// The pages that no other page links to, by its own or another name, by path; the home page, too.
    pub fn unlinked(&self) -> Result<Vec<PagePath>> {
        let linked = |key: &str| {
            format!("EXISTS (SELECT 1 FROM links AS l JOIN pages AS q ON q.id = l.page WHERE l.key = {key} AND q.key <> p.key)")
        };
        let (own, other) = (linked("p.key"), linked("a.key"));
        let sql = format!(
            "SELECT p.path FROM pages AS p WHERE {LISTED} AND NOT {own}
                AND NOT EXISTS (SELECT 1 FROM aliases AS a WHERE a.page = p.id AND {other}) ORDER BY p.path"
        );
        self.read("look for pages without links", |db| {
            db.prepare_cached(&sql)?.query_map([], |row| rows::path(row, 0))?.collect::<rusqlite::Result<_>>()
        })
    }
    /// What tells pages of the same text from others, by path.
    pub fn sketches(&self) -> Result<Vec<(PagePath, Sketch)>> {
        let sql = format!(
            "SELECT p.path, s.digest, s.sketch FROM sketches AS s CROSS JOIN pages AS p ON p.id = s.page WHERE {LISTED} ORDER BY p.path"
        );
        let row = |row: &Row<'_>| Ok((rows::path(row, 0)?, Sketch { digest: row.get(1)?, sketch: row.get(2)? }));
        self.read("look for duplicates", |db| db.prepare_cached(&sql)?.query_map([], row)?.collect())
    }
}

fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<usize> {
    usize::try_from(row.get::<_, i64>(column)?).map_err(|_| rows::impossible(column))
}

/// From page, number, line, target and kind.
fn bad_link(row: &Row<'_>) -> rusqlite::Result<BadLink> {
    let kind = row.get_ref(4)?.as_str().map_err(|_| rows::impossible(4))?;
    let (wikilink, image) = (kind == "wikilink", kind == "image");
    let (page, target) = (rows::path(row, 0)?, rows::path(row, 3)?);
    Ok(BadLink { page, number: number(row, 1)?, line: number(row, 2)?, target, wikilink, image, place: None })
}

/// Names are looked up once each, however many links have them.
pub(super) fn broken(db: &Connection) -> rusqlite::Result<Vec<BadLink>> {
    let sql = format!(
        "SELECT p.path, l.number, l.line, l.target, l.kind FROM (SELECT DISTINCT key FROM links) AS m
         CROSS JOIN links AS l ON l.key = m.key CROSS JOIN pages AS p ON p.id = l.page
         WHERE NOT EXISTS (SELECT 1 FROM pages AS q WHERE q.key = m.key) AND NOT EXISTS (SELECT 1 FROM aliases AS a WHERE a.key = m.key)
            AND {LISTED}"
    );
    let mut judged: HashMap<PagePath, bool> = HashMap::new();
    let mut found = Vec::new();
    let mut query = db.prepare_cached(&sql)?;
    for link in query.query_map([], bad_link)? {
        let link = link?;
        let nowhere = match judged.get(&link.target) {
            Some(nowhere) => *nowhere,
            None => leads_nowhere(db, &link.target)?,
        };
        judged.insert(link.target.clone(), nowhere);
        if nowhere {
            found.push(link);
        }
    }
    found.sort_by(|a, b| a.page.cmp(&b.page).then(a.number.cmp(&b.number)));
    Ok(found)
}
