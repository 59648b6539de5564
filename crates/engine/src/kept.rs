//! Small files beside a wiki that can be made again: thumbnails. Any of them may be deleted at any time.

use crate::repo::BlobId;
use crate::wiki::Wiki;
use holt_core::{Error, Result};
use std::path::PathBuf;

/// Most that are kept; beyond it all of them go, and those that are asked for come back.
const MOST: usize = 2_000;

impl Wiki {
    fn thumbnail_path(&self, blob: BlobId, size: u32) -> PathBuf {
        self.dir().join("thumbs").join(format!("{blob}-{size}"))
    }
    /// The thumbnail of this size that was kept of the picture `blob`.
    pub fn thumbnail(&self, blob: BlobId, size: u32) -> Option<Vec<u8>> {
        std::fs::read(self.thumbnail_path(blob, size)).ok()
    }
    /// Keeps a thumbnail. Not synced: after a crash it may be missing, never half there.
    pub fn keep_thumbnail(&self, blob: BlobId, size: u32, content: &[u8]) -> Result<()> {
        let failed = |e: std::io::Error| Error::internal("keep a thumbnail").because(e);
        let path = self.thumbnail_path(blob, size);
        let dir = self.dir().join("thumbs");
        std::fs::create_dir_all(&dir).map_err(failed)?;
        if std::fs::read_dir(&dir).map_err(failed)?.count() >= MOST {
            std::fs::remove_dir_all(&dir).map_err(failed)?;
            std::fs::create_dir_all(&dir).map_err(failed)?;
        }
        let unfinished = path.with_extension("tmp");
        std::fs::write(&unfinished, content).map_err(failed)?;
        std::fs::rename(&unfinished, &path).map_err(failed)
    }
}
