//! Looks what pages mean: makes vectors of those that have none, in small batches, each of them one transaction. The index itself says which have
//! none: a page that changes, moves or goes loses its vectors in the transaction that says so. So it may die anywhere and be run again. Pieces whose
//! text was looked at before the change are not looked at again: the index keeps them until all pages have theirs.

use super::{Chunk, Embedder, chunks, identity, vector};
use crate::db::index::{Digest, Embedded, Index, Unembedded, Vector};
use crate::pages::readable;
use crate::repo::FileMode;
use crate::wiki::Wiki;
use holt_core::{Error, PagePath, Result};
use sha2::{Digest as _, Sha256};

/// Pages and pieces that are kept at once.
const PAGES: usize = 16;
const PIECES: usize = 64;
/// Pages that are looked up at once.
const LOOKED: usize = 256;
/// Of a page that has more pieces, the first: some 28,000 words.
const MOST: usize = 250;

/// How whoever has it done wants it done.
pub trait Pace {
    /// Asked between batches: whether to begin another one.
    fn goes_on(&self) -> bool;
    /// Told between pieces that it goes on.
    fn beat(&self) {}
}

/// Brings vectors to where the index stands, or some of the way. Returns whether nothing is left to do.
pub fn embed(wiki: &Wiki, embedder: &dyn Embedder, pace: &dyn Pace) -> Result<bool> {
    let identity = identity(embedder)?;
    let index = wiki.fresh_index()?;
    if wiki.repo()?.head()?.is_none() {
        return Ok(true);
    }
    loop {
        let pages = index.unembedded(&identity, LOOKED)?;
        if pages.is_empty() {
            if !index.meanings_are_noted()? || index.meaning_identity()?.as_ref() != Some(&identity) {
                index.put_meanings(&identity, &[])?;
            }
            return Ok(true);
        }
        let mut batch: Vec<Embedded> = Vec::new();
        for page in pages {
            batch.push(look_at((wiki, &index), (embedder, &identity), pace, page)?);
            if batch.len() >= PAGES || batch.iter().map(|page| page.pieces.len()).sum::<usize>() >= PIECES {
                index.put_meanings(&identity, &std::mem::take(&mut batch))?;
                if !pace.goes_on() {
                    return Ok(false);
                }
            }
        }
        if !batch.is_empty() {
            index.put_meanings(&identity, &batch)?;
        }
        if !pace.goes_on() {
            return Ok(index.unembedded(&identity, 1)?.is_empty() && index.meanings_are_noted()?);
        }
    }
}

fn look_at(
    (wiki, index): (&Wiki, &Index),
    (embedder, identity): (&dyn Embedder, &str),
    pace: &dyn Pace,
    page: Unembedded,
) -> Result<Embedded> {
    let source = readable(wiki.repo()?.blob(page.blob)?);
    let chunks: Vec<(Digest, Chunk)> = pieces(&page.path, &source).map(|chunk| (digest(&chunk.text), chunk)).collect();
    let digests: Vec<Digest> = chunks.iter().map(|(digest, _)| *digest).collect();
    let known = index.former_pieces(identity, &digests)?;
    let mut pieces = Vec::new();
    for (digest, chunk) in chunks {
        let vector = match known.get(&digest) {
            Some(vector) => vector.clone(),
            None => made(embedder, &page.path, &chunk.text)?,
        };
        pieces.push((digest, vector));
        pace.beat();
    }
    if pieces.windows(2).any(|two| two[0].1.bytes() != two[1].1.bytes()) {
        return Err(Error::internal(format!("make vectors of {}: they have different lengths", page.path)));
    }
    Ok(Embedded { of: page, pieces })
}

/// Into how many pieces all pages are cut. Reads every page.
pub fn count_pieces(wiki: &Wiki) -> Result<usize> {
    let (index, repo) = (wiki.fresh_index()?, wiki.repo()?);
    let pages = index.pages()?.into_iter().filter(|page| page.mode != FileMode::Symlink);
    pages.map(|page| Ok(pieces(&page.path, &readable(repo.blob(page.blob)?)).count())).sum()
}

/// The pieces of a page that are looked at.
fn pieces(path: &PagePath, source: &str) -> impl Iterator<Item = Chunk> {
    chunks(path, source).into_iter().take(MOST)
}

fn made(embedder: &dyn Embedder, path: &PagePath, text: &str) -> Result<Vector> {
    let vector = vector(embedder, text)?;
    match vector.len() {
        1..=4096 => Ok(Vector::new(&vector)),
        length => Err(Error::internal(format!("make a vector of a piece of {path}: it has {length} numbers"))),
    }
}

fn digest(text: &str) -> Digest {
    let [digest @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _]: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    digest
}
