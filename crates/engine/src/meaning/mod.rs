//! Search by meaning: pages in pieces, and what makes vectors of them. Which model that is nobody knows here.

mod chunks;

pub use chunks::{Chunk, FORMAT, chunks};
