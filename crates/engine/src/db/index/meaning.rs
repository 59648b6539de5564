//! What pages mean: vectors of their pieces, and which are nearest to one. Who makes them nobody knows here.
//!
//! A vector is kept as whole numbers of one byte each and what one of them stands for: 388 bytes instead of 1536, and distances that are right
//! to some 0.001. Nothing of it stays in memory: a question reads all of them once, 12 MB for 30,000 pieces, which the system has in its cache.

use super::pages::LISTED;
use super::search::{Narrowed, newest};
use super::{Index, apply, rows};
use crate::repo::BlobId;
use holt_core::{PagePath, Result, RevisionId};
use rusqlite::{Connection, OptionalExtension, params_from_iter};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

/// The step whose cursor says up to where all pages were looked at.
const STEP: &str = "embed";
/// What one of the largest numbers of a vector that is looked for becomes.
const FINE: f32 = 2000.0;

/// A page whose vectors are to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unembedded {
    /// Its row.
    pub(crate) page: i64,
    /// Where it is.
    pub path: PagePath,
    /// Its text.
    pub blob: BlobId,
}

/// What tells the text of a piece from others: as much of its SHA-256 as no two texts have by chance.
pub type Digest = [u8; 16];

/// A vector as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vector(Vec<u8>);

impl Vector {
    /// Of length 1.
    pub fn new(numbers: &[f32]) -> Self {
        Self(pack(numbers).collect())
    }
    /// How many bytes it takes.
    pub fn bytes(&self) -> usize {
        self.0.len()
    }
}

/// A piece of a page: which text, and what that means.
pub type PieceVector = (Digest, Vector);

/// A page with its vectors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Embedded {
    /// The page as it was.
    pub of: Unembedded,
    /// Its pieces, in order. All vectors are equally long.
    pub pieces: Vec<PieceVector>,
}

/// How it stands with vectors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeaningState {
    /// What made them.
    pub identity: Option<String>,
    /// Everything up to this commit was looked at; for whom something is hidden from, the newest before it that they see.
    pub revision: Option<RevisionId>,
    /// How many commits came after it.
    pub behind: usize,
    /// How many pages have been looked at, and how many pieces they have.
    pub pages: usize,
    /// See `pages`.
    pub pieces: usize,
    /// How many pages have not been looked at since they changed.
    pub pending: usize,
}

/// A piece of a page that is near.
#[derive(Debug, Clone, PartialEq)]
pub struct Near {
    /// Its row.
    pub(crate) page: i64,
    /// Where it is.
    pub path: PagePath,
    /// What its properties call it.
    pub name: Option<String>,
    /// Its text.
    pub blob: BlobId,
    /// How many words it has.
    pub words: usize,
    /// Which of its pieces, and of how many.
    pub piece: usize,
    /// See `piece`.
    pub pieces: usize,
    /// 1 less the cosine.
    pub distance: f64,
}

impl Index {
    /// What made the vectors that are here.
    pub fn meaning_identity(&self) -> Result<Option<String>> {
        self.read("look who made vectors", identity)
    }
    /// How it stands with them, but for how many there are: for whoever searches, as counting takes as long as a search.
    pub fn meaning_standing(&self) -> Result<MeaningStanding> {
        self.read("see how it stands with vectors", |db| standing(db, self.hidden.is_empty()))
    }
    /// How it stands with them.
    pub fn meaning_state(&self) -> Result<MeaningState> {
        self.read("see how it stands with vectors", |db| {
            let standing = standing(db, self.hidden.is_empty())?;
            let looked =
                format!("SELECT count(*), coalesce(sum(m.pieces), 0) FROM meanings AS m JOIN pages AS p ON p.id = m.page WHERE {LISTED}");
            let (pages, pieces) = db.prepare_cached(&looked)?.query_row([], |row| Ok((rows::size(row, 0)?, rows::size(row, 1)?)))?;
            let sql = "SELECT count(*) FROM revisions WHERE position > ?1";
            let behind: i64 = db.prepare_cached(sql)?.query_row([standing.position.unwrap_or(-1)], |row| row.get(0))?;
            Ok(MeaningState {
                identity: standing.identity,
                revision: standing.revision,
                behind: usize::try_from(behind).unwrap_or_default(),
                pages: usize::try_from(pages).unwrap_or(usize::MAX),
                pieces: usize::try_from(pieces).unwrap_or(usize::MAX),
                pending: standing.pending,
            })
        })
    }
    /// Pages without vectors by `identity`, changed last first, at most so many.
    pub fn unembedded(&self, identity: &str, most: usize) -> Result<Vec<Unembedded>> {
        self.read("look for pages without vectors", |db| {
            let is_ours = self::identity(db)?.is_some_and(|known| known == identity);
            let columns = "p.id, p.path, p.blob";
            let sql = if is_ours { pending_sql(columns) } else { format!("SELECT {columns} FROM pages AS p WHERE {LISTED}") };
            let row = |row: &rusqlite::Row<'_>| Ok(Unembedded { page: row.get(0)?, path: rows::path(row, 1)?, blob: rows::blob(row, 2)? });
            let most = i64::try_from(most).unwrap_or(i64::MAX);
            db.prepare_cached(&format!("{sql} ORDER BY p.last DESC, p.path LIMIT ?1"))?.query_map([most], row)?.collect()
        })
    }
    /// Vectors that `identity` made of these texts, as far as pages that changed or went since had them, and not all pages were looked at again.
    pub fn former_pieces(&self, identity: &str, digests: &[Digest]) -> Result<HashMap<Digest, Vector>> {
        self.read("look for vectors of before", |db| {
            if self::identity(db)?.is_none_or(|known| known != identity) {
                return Ok(HashMap::new());
            }
            let mut find = db.prepare_cached("SELECT vector FROM former_pieces WHERE digest = ?1")?;
            let found = digests
                .iter()
                .map(|digest| Ok(find.query_row([digest], |row| row.get(0)).optional()?.map(|bytes| (*digest, Vector(bytes)))));
            found.filter_map(rusqlite::Result::transpose).collect()
        })
    }
    /// Takes vectors in, all or none: of pages that are still as they were. Those of another identity go. Where no page is left without, the
    /// commit that the index stands at is noted with them, and nothing of before is kept.
    pub fn put_meanings(&self, identity: &str, pages: &[Embedded]) -> Result<()> {
        self.write("keep vectors", |db| {
            if self::identity(db)?.is_none_or(|known| known != identity) {
                db.execute_batch("DELETE FROM meanings; DELETE FROM former_pieces; DELETE FROM meaning_model")?;
                db.execute("DELETE FROM cursors WHERE step = ?1", [STEP])?;
                db.execute("INSERT INTO meaning_model (one, identity) VALUES (1, ?1)", [identity])?;
            }
            // Another page may have the number of one that is gone.
            let sql = "INSERT OR REPLACE INTO meanings (page, pieces, vectors, digests)
                SELECT id, ?4, ?5, ?6 FROM pages WHERE id = ?1 AND path = ?2 AND blob = ?3";
            let mut insert = db.prepare_cached(sql)?;
            for Embedded { of, pieces } in pages {
                let count = i64::try_from(pieces.len()).unwrap_or(i64::MAX);
                let vectors: Vec<u8> = pieces.iter().flat_map(|(_, vector)| &vector.0).copied().collect();
                let digests: Vec<u8> = pieces.iter().flat_map(|(digest, _)| digest).copied().collect();
                insert.execute((of.page, of.path.as_str(), of.blob.as_bytes(), count, vectors, digests))?;
            }
            let pending: bool = db.prepare_cached(&format!("SELECT EXISTS ({})", pending_sql("1")))?.query_row([], |row| row.get(0))?;
            if !pending {
                db.execute("DELETE FROM former_pieces", [])?;
            }
            let upto = cursor(db, super::INDEX_STEP)?.filter(|_| !pending);
            upto.map_or(Ok(()), |upto| apply::set_cursor(db, STEP, upto))
        })
    }
    /// Whether the commit that the index stands at is the one that all vectors do.
    pub fn meanings_are_noted(&self) -> Result<bool> {
        Ok(self.step_cursor(STEP)? == self.cursor()?)
    }
    /// The pieces nearest to `vector`, at most so many and so many of one page, nearest first.
    pub fn nearest(&self, vector: &[f32], per_page: usize, most: usize) -> Result<Vec<Near>> {
        self.read("search by meaning", |db| nearest(db, vector, &Narrowed::nothing(), per_page, most))
    }
}

/// How it stands with vectors, but for how many there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeaningStanding {
    /// What made them; none: nobody has.
    pub identity: Option<String>,
    /// Everything up to it was looked at.
    pub revision: Option<RevisionId>,
    /// Pages without.
    pub pending: usize,
    /// Where that revision stands in the history.
    position: Option<i64>,
}

/// Keeps the pieces of a page that is about to lose its row, for whoever looks at what comes after it.
pub(super) fn keep_pieces(db: &Connection, page: i64) -> rusqlite::Result<()> {
    let mut find = db.prepare_cached("SELECT vectors, digests FROM meanings WHERE page = ?1")?;
    let mut rows = find.query([page])?;
    let Some(row) = rows.next()? else { return Ok(()) };
    let (vectors, digests) = (row.get_ref(0)?.as_blob(), row.get_ref(1)?.as_blob());
    let (vectors, digests) = (vectors.map_err(|_| rows::impossible(0))?, digests.map_err(|_| rows::impossible(1))?);
    let digests = digests.chunks_exact(size_of::<Digest>());
    let length = vectors.len().checked_div(digests.len()).unwrap_or_default().max(1);
    let mut keep = db.prepare_cached("INSERT OR IGNORE INTO former_pieces (digest, vector) VALUES (?1, ?2)")?;
    digests.zip(vectors.chunks_exact(length)).try_for_each(|piece| keep.execute(piece).map(drop))
}

fn standing(db: &Connection, all_is_seen: bool) -> rusqlite::Result<MeaningStanding> {
    let pending = db.prepare_cached(&pending_sql("count(*)"))?.query_row([], |row| rows::size(row, 0))?;
    let upto = cursor(db, STEP)?;
    // What somebody does not see is not what they wait for.
    let upto = if pending == 0 && upto.is_some() { newest(db, all_is_seen)? } else { upto };
    let sql = "SELECT id, position FROM revisions WHERE position <= (SELECT position FROM main.revisions WHERE id = ?1)
        ORDER BY position DESC LIMIT 1";
    let row = |row: &rusqlite::Row<'_>| Ok((rows::revision_id(row, 0)?, row.get::<_, i64>(1)?));
    let seen = match upto {
        Some(upto) => db.prepare_cached(sql)?.query_row([upto.as_bytes()], row).optional()?,
        None => None,
    };
    let (revision, position) = seen.unzip();
    Ok(MeaningStanding { identity: identity(db)?, revision, pending: usize::try_from(pending).unwrap_or(usize::MAX), position })
}

fn identity(db: &Connection) -> rusqlite::Result<Option<String>> {
    db.prepare_cached("SELECT identity FROM meaning_model")?.query_row([], |row| row.get(0)).optional()
}

fn cursor(db: &Connection, step: &str) -> rusqlite::Result<Option<RevisionId>> {
    db.prepare_cached("SELECT revision FROM cursors WHERE step = ?1")?.query_row([step], |row| rows::revision_id(row, 0)).optional()
}

fn pending_sql(columns: &str) -> String {
    format!("SELECT {columns} FROM pages AS p WHERE {LISTED} AND NOT EXISTS (SELECT 1 FROM meanings AS m WHERE m.page = p.id)")
}

/// As [`Index::nearest`], among the pages that `narrowed` leaves.
pub(super) fn nearest(db: &Connection, vector: &[f32], narrowed: &Narrowed, per_page: usize, most: usize) -> rusqlite::Result<Vec<Near>> {
    let wanted = Wanted::new(vector);
    let mut best: BinaryHeap<Reverse<Found>> = BinaryHeap::new();
    // The vectors in the order they lie in the file, the pages beside them, whatever the planner thinks.
    let sql =
        format!("SELECT m.page, m.vectors FROM meanings AS m CROSS JOIN pages AS p ON p.id = m.page WHERE {LISTED} {}", narrowed.condition);
    let mut query = db.prepare_cached(&sql)?;
    let mut rows = query.query(params_from_iter(narrowed.values.iter()))?;
    let mut of_page: Vec<Found> = Vec::new();
    while let Some(row) = rows.next()? {
        let page = row.get(0)?;
        let vectors = row.get_ref(1)?.as_blob().map_err(|_| rows::impossible(1))?.chunks_exact(4 + vector.len());
        let least = if best.len() < most { f32::NEG_INFINITY } else { best.peek().map_or(f32::NEG_INFINITY, |Reverse(found)| found.near) };
        of_page.clear();
        of_page.extend(
            vectors.enumerate().map(|(piece, vector)| Found { near: wanted.near(vector), page, piece }).filter(|found| found.near > least),
        );
        of_page.sort_by(|a, b| b.cmp(a));
        of_page.truncate(per_page);
        best.extend(of_page.drain(..).map(Reverse));
        while best.len() > most {
            best.pop();
        }
    }
    let mut near = best.into_sorted_vec().into_iter().map(|Reverse(found)| told(db, &found)).collect::<rusqlite::Result<Vec<Near>>>()?;
    near.sort_by(|a, b| a.distance.total_cmp(&b.distance).then_with(|| a.path.as_str().cmp(b.path.as_str())).then(a.piece.cmp(&b.piece)));
    Ok(near)
}

/// A piece, and how near it is: the cosine.
#[derive(Debug, PartialEq)]
struct Found {
    near: f32,
    page: i64,
    piece: usize,
}

impl Eq for Found {}

impl PartialOrd for Found {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Found {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.near.total_cmp(&other.near).then_with(|| (other.page, other.piece).cmp(&(self.page, self.piece)))
    }
}

fn told(db: &Connection, found: &Found) -> rusqlite::Result<Near> {
    let sql = "SELECT p.path, p.name, p.blob, p.length, m.pieces FROM pages AS p JOIN meanings AS m ON m.page = p.id WHERE p.id = ?1";
    db.prepare_cached(sql)?.query_row([found.page], |row| {
        let count = |column: usize| rows::size(row, column).map(|n| usize::try_from(n).unwrap_or(usize::MAX));
        Ok(Near {
            page: found.page,
            path: rows::path(row, 0)?,
            name: row.get(1)?,
            blob: rows::blob(row, 2)?,
            words: count(3)?,
            piece: found.piece,
            pieces: count(4)?,
            distance: (1.0 - f64::from(found.near)).clamp(0.0, 2.0),
        })
    })
}

/// A vector as it is kept: what one stands for, then a byte for each number.
fn pack(vector: &[f32]) -> impl Iterator<Item = u8> {
    let most = vector.iter().fold(0.0f32, |most, x| most.max(x.abs()));
    let one = if most > 0.0 { most / 127.0 } else { 1.0 };
    one.to_le_bytes().into_iter().chain(vector.iter().map(move |x| ((x / one).round() as i8).cast_unsigned()))
}

/// A vector that is looked for, as whole numbers, whose products processors add up many at a time.
struct Wanted {
    numbers: Vec<i16>,
    one: f32,
}

impl Wanted {
    fn new(vector: &[f32]) -> Self {
        let most = vector.iter().fold(0.0f32, |most, x| most.max(x.abs()));
        let one = if most > 0.0 { most / FINE } else { 1.0 };
        Self { numbers: vector.iter().map(|x| (x / one).round() as i16).collect(), one }
    }
    /// The cosine to a vector as it is kept.
    fn near(&self, kept: &[u8]) -> f32 {
        let Some((one, bytes)) = kept.split_first_chunk::<4>() else { return f32::NEG_INFINITY };
        // At most 4096 numbers of 2000 · 127: no sum is too large.
        let sum: i32 = self.numbers.iter().zip(bytes).map(|(x, y)| i32::from(*x) * i32::from(y.cast_signed())).sum();
        let near = sum as f32 * self.one * f32::from_le_bytes(*one);
        if near.is_finite() { near } else { f32::NEG_INFINITY }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unit(numbers: &[f32]) -> Vec<f32> {
        let length = numbers.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-6);
        numbers.iter().map(|x| x / length).collect()
    }

    proptest! {
        #[test]
        fn what_is_kept_is_nearly_what_was_given(a in prop::collection::vec(-1f32..1.0, 384), b in prop::collection::vec(-1f32..1.0, 384)) {
            let (a, b) = (unit(&a), unit(&b));
            let exact: f32 = a.iter().zip(&b).map(|(x, y)| x * y).sum();
            let kept: Vec<u8> = pack(&b).collect();
            prop_assert_eq!(kept.len(), 388);
            prop_assert!((Wanted::new(&a).near(&kept) - exact).abs() < 0.002);
            let own: Vec<u8> = pack(&a).collect();
            prop_assert!((Wanted::new(&a).near(&own) - 1.0).abs() < 0.004);
        }
    }

    #[test]
    fn damaged_numbers_are_far_away() {
        assert!(Wanted::new(&[1.0, 0.0]).near(&[0, 0, 192, 127, 1, 1]).is_infinite());
        assert!(Wanted::new(&[1.0]).near(&[]).is_infinite());
        assert!((Wanted::new(&[0.0, 0.0]).near(&pack(&[0.0, 0.0]).collect::<Vec<_>>())).abs() < 1e-6);
    }
}
