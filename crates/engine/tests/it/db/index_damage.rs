//! The index while others write to it, and when its file is damaged.

use super::index::{added, commit, id, page, path};
use holt_engine::db::index::{Index, IndexBatch};
use holt_engine::db::is_damaged;
use std::path::Path;

fn batch(n: u64, pages: u64) -> IndexBatch {
    let parents: Vec<u64> = (n > 1).then(|| n - 1).into_iter().collect();
    let text = |i: u64| format!("# Page {i}\n\nversion{n} otter [[Page {}]] {}", (i + 1) % pages, "filler words ".repeat(40));
    let log = vec![commit(n, &parents, 1000, "", (0..pages).map(|i| added(&format!("Page {i}.md"), &text(i))).collect())];
    IndexBatch { log, pages: (0..pages).map(|i| page(&format!("Page {i}.md"), &text(i))).collect(), ..IndexBatch::at(id(n)) }
}

/// Everything that reads, as a page view or a search would.
fn ask(index: &Index) -> holt_core::Result<()> {
    let key = path("page 3").key();
    index.cursor()?;
    index.page(&key)?;
    index.pages()?;
    index.backlinks(&key)?;
    index.wanted()?;
    index.history(&path("Page 3"), None, 50)?;
    index.changelog(&Default::default(), None, 50)?;
    index.attachments(&path("Page 3"))?;
    index.search("otter filler", 10, 0)?;
    index.counts()?;
    index.integrity()?;
    Ok(())
}

#[test]
fn readers_see_whole_batches_while_one_writes() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path()).unwrap();
    index.apply(&batch(1, 20)).unwrap();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|threads| {
        // More readers than there are connections.
        for _ in 0..8 {
            threads.spawn(|| {
                let mut rounds = 0;
                while !done.load(std::sync::atomic::Ordering::Relaxed) || rounds == 0 {
                    let rows = index.pages().unwrap();
                    assert_eq!(rows.len(), 20);
                    assert!(rows.windows(2).all(|w| w[0].last_revision == w[1].last_revision), "half a batch");
                    assert!(index.search("otter", 50, 0).unwrap().hits.len() == 20);
                    rounds += 1;
                }
            });
        }
        for n in 2..=12 {
            index.apply(&batch(n, 20)).unwrap();
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    assert_eq!(index.cursor().unwrap(), Some(id(12)));
    assert_eq!(index.search("version11", 10, 0).unwrap().total, 0, "nothing of what was replaced remains");
    assert_eq!(index.integrity().unwrap(), Vec::<String>::new());
}

#[test]
fn a_batch_that_fails_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path()).unwrap();
    index.apply(&batch(1, 3)).unwrap();
    let before = index.dump().unwrap();
    // Somebody else holds the file.
    let other = rusqlite::Connection::open(dir.path().join("index.db")).unwrap();
    other.execute_batch("CREATE TRIGGER full BEFORE INSERT ON cursors BEGIN SELECT RAISE(ABORT, 'no'); END; CREATE TRIGGER full2 BEFORE UPDATE ON cursors BEGIN SELECT RAISE(ABORT, 'no'); END;").unwrap();
    assert!(index.apply(&batch(2, 3)).is_err());
    other.execute_batch("DROP TRIGGER full; DROP TRIGGER full2").unwrap();
    assert_eq!(index.dump().unwrap(), before);
    index.apply(&batch(2, 3)).unwrap();
}

#[test]
fn it_survives_being_closed_and_opened() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path()).unwrap();
    index.apply(&batch(1, 5)).unwrap();
    ask(&index).unwrap();
    let before = index.dump().unwrap();
    drop(index);
    let left: Vec<String> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(left, ["index.db"], "closed and tidy");
    assert_eq!(Index::open(dir.path()).unwrap().dump().unwrap(), before);
}

fn bad_files(dir: &Path) -> usize {
    std::fs::read_dir(dir).unwrap().filter(|e| e.as_ref().unwrap().file_name().to_string_lossy().starts_with("index.db.bad-")).count()
}

#[test]
fn what_is_no_index_is_set_aside_and_made_anew() {
    let contents: [&dyn Fn(&Path); 4] = [
        &|file| std::fs::write(file, "x".repeat(5000)).unwrap(),
        &|file| rusqlite::Connection::open(file).unwrap().execute_batch("CREATE TABLE t (x)").unwrap(),
        &|file| rusqlite::Connection::open(file).unwrap().execute_batch("PRAGMA application_id = 0x486f6930; CREATE TABLE t (x)").unwrap(),
        &|file| std::fs::write(file, &std::fs::read(file).unwrap()[..4096]).unwrap(),
    ];
    for (i, damage) in contents.iter().enumerate() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("index.db");
        if i == 3 {
            Index::open(dir.path()).unwrap().apply(&batch(1, 5)).unwrap();
        }
        damage(&file);
        let index = Index::open(dir.path()).unwrap();
        match index.cursor() {
            Ok(cursor) => assert_eq!(cursor, None, "{i}"),
            // Only found out when it is read: the caller sets it aside.
            Err(error) => {
                assert!(i == 3 && is_damaged(&error), "{error:?}");
                drop(index);
                Index::set_aside(dir.path()).unwrap();
            }
        }
        assert_eq!(bad_files(dir.path()), 1, "{i}");
        let index = Index::open(dir.path()).unwrap();
        index.apply(&batch(1, 5)).unwrap();
        ask(&index).unwrap();
    }
}

#[test]
fn an_empty_or_missing_file_is_simply_made() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("index.db"), "").unwrap();
    assert_eq!(Index::open(dir.path()).unwrap().cursor().unwrap(), None);
    assert_eq!(bad_files(dir.path()), 0);
    Index::set_aside(dir.path()).unwrap();
    Index::set_aside(dir.path()).unwrap();
    assert_eq!(bad_files(dir.path()), 1, "nothing to set aside the second time");
    for _ in 0..6 {
        drop(Index::open(dir.path()).unwrap());
        Index::set_aside(dir.path()).unwrap();
    }
    assert_eq!(bad_files(dir.path()), 3, "they do not pile up");
}

/// Bytes flipped and ends cut off at many places: every answer is a value or an error that says "damaged", and after setting the file
/// aside everything works again.
#[test]
fn random_damage_never_panics() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path()).unwrap();
    index.apply(&batch(1, 30)).unwrap();
    index.apply(&batch(2, 30)).unwrap();
    drop(index);
    let file = dir.path().join("index.db");
    let whole = std::fs::read(&file).unwrap();
    let mut random = 0x2545_F491_4F6C_DD1D_u64;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % below as u64).unwrap()
    };
    let (mut refused, mut set_aside) = (0, 0);
    for round in 0..150 {
        let mut bytes = whole.clone();
        if round % 5 == 0 {
            bytes.truncate(next(whole.len()));
        } else {
            for _ in 0..1 + next(60) {
                let at = if round % 7 == 0 { next(200) } else { next(bytes.len()) };
                bytes[at] = u8::try_from(next(256)).unwrap();
            }
        }
        std::fs::write(&file, bytes).unwrap();
        let before = bad_files(dir.path());
        match Index::open(dir.path()) {
            Ok(index) => {
                set_aside += usize::from(bad_files(dir.path()) > before);
                let asked = ask(&index).and_then(|()| index.apply(&batch(3, 30))).and_then(|()| ask(&index));
                if let Err(error) = asked {
                    refused += 1;
                    assert!(is_damaged(&error) || error.kind == holt_core::ErrorKind::Internal, "{error:?}");
                }
            }
            // A header that claims a newer version.
            Err(error) => assert!(error.hint.is_some(), "{error:?}"),
        }
        for entry in std::fs::read_dir(dir.path()).unwrap() {
            std::fs::remove_file(entry.unwrap().path()).unwrap();
        }
    }
    assert!(refused > 10 && set_aside > 10, "the damage was felt: {refused} refused, {set_aside} set aside");
    let index = Index::open(dir.path()).unwrap();
    index.apply(&batch(1, 30)).unwrap();
    ask(&index).unwrap();
}

/// A process that died without closing leaves a mark: then the whole file is checked before it is trusted.
#[test]
fn after_a_crash_the_file_is_checked() {
    let dir = tempfile::tempdir().unwrap();
    let live = tempfile::tempdir().unwrap();
    let index = Index::open(live.path()).unwrap();
    index.apply(&batch(1, 30)).unwrap();
    // What a crash leaves: the files as they are while they are open.
    let copy = || {
        for name in ["index.db", "index.db-wal"] {
            std::fs::copy(live.path().join(name), dir.path().join(name)).unwrap();
        }
    };
    copy();
    assert_eq!(Index::open(dir.path()).unwrap().cursor().unwrap(), Some(id(1)), "whole: kept");
    for name in ["index.db", "index.db-wal", "index.db-shm"] {
        let _ = std::fs::remove_file(dir.path().join(name));
    }
    let checkpointed = rusqlite::Connection::open(live.path().join("index.db")).unwrap();
    checkpointed.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    copy();
    let file = dir.path().join("index.db");
    let mut bytes = std::fs::read(&file).unwrap();
    let pages = bytes.len() / 4096;
    // The header of a page deep inside, which opening alone would not look at.
    for page in pages / 2..pages {
        bytes[page * 4096] = 0xEE;
    }
    std::fs::write(&file, bytes).unwrap();
    assert_eq!(Index::open(dir.path()).unwrap().cursor().unwrap(), None, "damaged: made anew");
    assert_eq!(bad_files(dir.path()), 1);
    drop(index);
}
