//! What somebody sees of the index: the same questions and answers, but for what is hidden from them.
//!
//! On a connection that reads for such a person, temporary views stand before the tables under their names: SQLite looks there first, so that
//! no query, of today or later, can forget to leave something out. Writing is not possible there at all.

use super::rows;
use holt_core::Hidden;
use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, Result};

/// What moved to where it is not seen is gone, for whoever followed it. A commit is seen if it touched something that is seen, or nothing. What people wrote about a commit that touched something hidden, too, is hidden.
const VIEWS: &str = "
CREATE TEMP VIEW pages AS SELECT * FROM main.pages WHERE seen_key(key);
CREATE TEMP VIEW attachments AS SELECT * FROM main.attachments WHERE seen_key(key);
CREATE TEMP VIEW headings AS SELECT h.* FROM main.headings AS h WHERE EXISTS (SELECT 1 FROM main.pages AS p WHERE p.id = h.page AND seen_key(p.key));
CREATE TEMP VIEW tags AS SELECT t.* FROM main.tags AS t WHERE EXISTS (SELECT 1 FROM main.pages AS p WHERE p.id = t.page AND seen_key(p.key));
CREATE TEMP VIEW aliases AS SELECT a.* FROM main.aliases AS a WHERE EXISTS (SELECT 1 FROM main.pages AS p WHERE p.id = a.page AND seen_key(p.key));
CREATE TEMP VIEW links AS SELECT l.* FROM main.links AS l WHERE EXISTS (SELECT 1 FROM main.pages AS p WHERE p.id = l.page AND seen_key(p.key));
CREATE TEMP VIEW shows AS SELECT s.* FROM main.shows AS s WHERE EXISTS (SELECT 1 FROM main.pages AS p WHERE p.id = s.page AND seen_key(p.key));
CREATE TEMP VIEW places AS SELECT i.* FROM main.places AS i WHERE EXISTS (SELECT 1 FROM main.pages AS p WHERE p.id = i.page AND seen_key(p.key));
CREATE TEMP VIEW flaws AS SELECT f.* FROM main.flaws AS f WHERE EXISTS (SELECT 1 FROM main.pages AS p WHERE p.id = f.page AND seen_key(p.key));
CREATE TEMP VIEW sketches AS SELECT k.* FROM main.sketches AS k WHERE EXISTS (SELECT 1 FROM main.pages AS p WHERE p.id = k.page AND seen_key(p.key));
CREATE TEMP VIEW meanings AS SELECT m.* FROM main.meanings AS m WHERE EXISTS (SELECT 1 FROM main.pages AS p WHERE p.id = m.page AND seen_key(p.key));
CREATE TEMP VIEW former_pieces AS SELECT * FROM main.former_pieces WHERE 0;
CREATE TEMP VIEW texts AS SELECT t.* FROM main.texts AS t WHERE EXISTS (SELECT 1 FROM main.pages AS p WHERE p.id = t.page AND seen_key(p.key));
CREATE TEMP VIEW changes AS SELECT file, position, revision,
    CASE WHEN kind = 'renamed' AND NOT seen_file(from_file) THEN 'added' ELSE kind END AS kind,
    CASE WHEN from_file IS NOT NULL AND seen_file(from_file) THEN from_file END AS from_file,
    CASE WHEN kind = 'renamed' AND NOT seen_file(from_file) THEN NULL ELSE old END AS old, new
    FROM main.changes WHERE seen_file(file)
    UNION ALL SELECT from_file, position, revision, 'deleted', NULL, old, NULL
    FROM main.changes WHERE kind = 'renamed' AND NOT seen_file(file) AND seen_file(from_file);
CREATE TEMP VIEW revisions AS SELECT r.n, r.id, r.position, r.author_name, r.author_email, r.time, r.time_offset, r.committed, r.is_merge, r.op, r.via, r.session,
    CASE WHEN EXISTS (SELECT 1 FROM main.changes AS c WHERE c.revision = r.n
        AND NOT (seen_file(c.file) AND (c.from_file IS NULL OR seen_file(c.from_file)))) THEN '' ELSE r.message END AS message
    FROM main.revisions AS r
    WHERE EXISTS (SELECT 1 FROM main.changes AS c WHERE c.revision = r.n AND (seen_file(c.file) OR seen_file(coalesce(c.from_file, c.file))))
        OR NOT EXISTS (SELECT 1 FROM main.changes AS c WHERE c.revision = r.n);
";

/// Hides `hidden` from everything that `db` is asked from now on.
pub(super) fn hide(db: &Connection, hidden: &Hidden) -> Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    let (keys, files) = (hidden.clone(), hidden.clone());
    db.create_scalar_function(
        "seen_key",
        1,
        flags,
        move |row| Ok(!keys.covers(row.get_raw(0).as_str().map_err(|_| rows::impossible(0))?)),
    )?;
    db.create_scalar_function("seen_file", 1, flags, move |row| {
        Ok(!files.covers_file(row.get_raw(0).as_str().map_err(|_| rows::impossible(0))?))
    })?;
    db.pragma_update(None, "temp_store", "MEMORY")?;
    db.execute_batch(VIEWS)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tables that say nothing about single pages or files; `words` can be asked only through `pages`, whose rows it numbers.
    const OPEN: &[&str] = &["cursors", "marks", "meaning_model", "words"];

    #[test]
    fn every_table_is_hidden_or_says_nothing() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(include_str!("schema.sql")).unwrap();
        let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'words\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
        let tables: Vec<String> = db.prepare(sql).unwrap().query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        assert!(tables.len() > 10);
        for table in tables {
            assert!(OPEN.contains(&table.as_str()) || VIEWS.contains(&format!("TEMP VIEW {table} AS")), "{table} is not hidden");
        }
    }
}
