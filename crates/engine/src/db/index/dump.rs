//! The whole index as text, for comparing one that grew with one that was filled at once.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Result};
use std::fmt::Write;

/// Row numbers are replaced by what they stand for; everything else is shown as stored.
const TABLES: &[(&str, &str)] = &[
    ("cursors", "SELECT step, revision FROM cursors ORDER BY 1"),
    (
        "revisions",
        "SELECT id, position, author_name, author_email, time, time_offset, committed, is_merge, op, via, session, message FROM revisions ORDER BY id",
    ),
    (
        "changes",
        "SELECT c.file, r.id, c.position = r.position, c.kind, c.from_file, c.old, c.new FROM changes AS c
         LEFT JOIN revisions AS r ON r.n = c.revision ORDER BY 1, 2",
    ),
    (
        "pages",
        "SELECT p.file, key, path, blob, mode, size, utf8, title, description, name, category, category_key, length, shadowed, r.id FROM pages AS p LEFT JOIN revisions AS r ON r.n = p.last ORDER BY 1",
    ),
    ("headings", "SELECT file, number, level, text, anchor FROM headings LEFT JOIN pages ON pages.id = page ORDER BY 1, 2"),
    ("links", "SELECT file, number, links.key, target, kind, place, line FROM links LEFT JOIN pages ON pages.id = page ORDER BY 1, 2"),
    ("places", "SELECT file, place FROM places LEFT JOIN pages ON pages.id = page ORDER BY 1, 2"),
    ("flaws", "SELECT file, number, kind, line, what, value FROM flaws LEFT JOIN pages ON pages.id = page ORDER BY 1, 2"),
    ("sketches", "SELECT file, digest, sketch FROM sketches LEFT JOIN pages ON pages.id = page ORDER BY 1"),
    ("tags", "SELECT file, tags.key, tags.name, number FROM tags LEFT JOIN pages ON pages.id = page ORDER BY 1, 2"),
    ("aliases", "SELECT file, aliases.key FROM aliases LEFT JOIN pages ON pages.id = page ORDER BY 1, 2"),
    ("shows", "SELECT file, what FROM shows LEFT JOIN pages ON pages.id = page ORDER BY 1, 2"),
    (
        "attachments",
        "SELECT a.file, key, path, name, blob, mode, size, r.id FROM attachments AS a LEFT JOIN revisions AS r ON r.n = a.last ORDER BY 1",
    ),
    ("texts", "SELECT file, text FROM texts LEFT JOIN pages ON pages.id = page ORDER BY 1"),
    ("meanings", "SELECT file, pieces, vectors, digests FROM meanings LEFT JOIN pages ON pages.id = page ORDER BY 1"),
    ("former_pieces", "SELECT digest, vector FROM former_pieces ORDER BY 1"),
    ("meaning_model", "SELECT identity FROM meaning_model"),
    ("words", "SELECT file, col, offset, term FROM temp.vocabulary LEFT JOIN pages ON pages.id = doc ORDER BY 1, 2, 3"),
];

pub(super) fn dump(db: &Connection) -> Result<String> {
    db.execute_batch("CREATE VIRTUAL TABLE IF NOT EXISTS temp.vocabulary USING fts5vocab('main', 'words', 'instance')")?;
    let mut text = String::new();
    for (name, sql) in TABLES {
        text.push_str(&format!("== {name}\n"));
        let mut query = db.prepare(sql)?;
        let columns = query.column_count();
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            for column in 0..columns {
                let _ = match row.get_ref(column)? {
                    ValueRef::Null => write!(text, "-\t"),
                    ValueRef::Integer(number) => write!(text, "{number}\t"),
                    ValueRef::Real(number) => write!(text, "{number}\t"),
                    ValueRef::Text(bytes) => write!(text, "{:?}\t", String::from_utf8_lossy(bytes)),
                    ValueRef::Blob(bytes) => bytes.iter().try_for_each(|b| write!(text, "{b:02x}")).and_then(|()| write!(text, "\t")),
                };
            }
            text.push('\n');
        }
    }
    db.execute_batch("DROP TABLE temp.vocabulary")?;
    Ok(text)
}
