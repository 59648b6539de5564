//! Rows of `wiki.db` about who pushed which commit. Git does not know it, so nothing can derive it.

use super::wiki_db::WikiDb;
use holt_core::{Author, Result, RevisionId};
use rusqlite::OptionalExtension;

impl WikiDb {
    /// Notes that `pusher` brings these commits, whoever tried to before. Durable when this returns.
    pub fn note_pusher(&self, pusher: &Author, commits: impl IntoIterator<Item = RevisionId>) -> Result<()> {
        self.write("note who pushes", |db| {
            let mut put = db.prepare("INSERT OR REPLACE INTO pushers (revision, name, email) VALUES (?1, ?2, ?3)")?;
            commits.into_iter().try_for_each(|id| put.execute((id.as_bytes(), pusher.name(), pusher.email())).map(drop))
        })
    }
    /// Who pushed a commit; none if it was made here, or before this was noted.
    pub fn pusher(&self, commit: RevisionId) -> Result<Option<Author>> {
        self.read("look who pushed", |db| {
            let row = |row: &rusqlite::Row<'_>| Ok(Author::new(&row.get::<_, String>(0)?, &row.get::<_, String>(1)?));
            db.prepare_cached("SELECT name, email FROM pushers WHERE revision = ?1")?.query_row([commit.as_bytes()], row).optional()
        })
    }
}
