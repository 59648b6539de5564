//! The pages of a wiki in a row, each with what is needed to read it.

use crate::repo::{BlobId, FileMode};
use crate::scope::{Read, Scope};
use holt_core::{PagePath, Result, Revision};

/// A page in a list. Its text is read when somebody asks for it.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Its path as stored.
    pub path: PagePath,
    /// The revision that last changed it.
    pub last_change: Revision,
    blob: BlobId,
}

impl Listed {
    /// What is written in it.
    pub fn source(&self, scope: &Scope<'_, Read>) -> Result<String> {
        Ok(super::text::readable(scope.wiki().repo()?.blob(self.blob)?))
    }
}

/// All pages that may be seen, by path; symbolic links are none.
pub fn list(scope: &Scope<'_, Read>) -> Result<Vec<Listed>> {
    let rows = scope.index()?.pages()?.into_iter().filter(|row| row.mode != FileMode::Symlink);
    Ok(rows.map(|row| Listed { last_change: row.last_change(), blob: row.blob, path: row.path }).collect())
}
