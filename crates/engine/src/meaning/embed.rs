//! Looks what pages mean: makes vectors of those that have none, in small batches, each of them one transaction. The index itself says which have
//! none: a page that changes, moves or goes loses its vectors in the transaction that says so. So it may die anywhere and be run again.

use super::{Embedder, chunks, identity};
use crate::db::index::{Embedded, Unembedded};
use crate::pages::readable;
use crate::wiki::Wiki;
use holt_core::{Error, Result};

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
            batch.push(look_at(wiki, embedder, pace, page)?);
            if batch.len() >= PAGES || batch.iter().map(|page| page.vectors.len()).sum::<usize>() >= PIECES {
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

fn look_at(wiki: &Wiki, embedder: &dyn Embedder, pace: &dyn Pace, page: Unembedded) -> Result<Embedded> {
    let source = readable(wiki.repo()?.blob(page.blob)?);
    let mut vectors = Vec::new();
    for chunk in chunks(&page.path, &source).iter().take(MOST) {
        vectors.extend(embedder.embed(&[&chunk.text])?);
        pace.beat();
    }
    if vectors.iter().any(|vector| vector.is_empty() || vector.len() > 4096 || vector.len() != vectors[0].len()) {
        return Err(Error::internal(format!("make vectors of {}: they have different lengths", page.path)));
    }
    Ok(Embedded { of: page, vectors })
}
