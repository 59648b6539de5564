//! Search by meaning: pages in pieces, and what makes vectors of them. Which model that is nobody knows here.

mod chunks;
mod embed;

pub use chunks::{Chunk, FORMAT, chunks};
pub use embed::{Pace, count_pieces, embed};

use holt_core::{Error, Result};

/// Makes vectors of texts: near to each other if they mean similar things.
pub trait Embedder: Send + Sync {
    /// Whether there may be one at all. Costs next to nothing.
    fn is_there(&self) -> bool;
    /// What tells its vectors from all others. An error if there is none.
    fn identity(&self) -> Result<String>;
    /// A vector of length 1 for each text, all equally long.
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>>;
}

/// What tells vectors of pages as they are cut here, by `embedder`, from all others.
pub(crate) fn identity(embedder: &dyn Embedder) -> Result<String> {
    Ok(format!("{}/{FORMAT}", embedder.identity()?))
}

/// The vector of one text.
pub(crate) fn vector(embedder: &dyn Embedder, text: &str) -> Result<Vec<f32>> {
    embedder.embed(&[text])?.pop().ok_or_else(|| Error::internal("make a vector: none came back"))
}
