//! What the index answers about a wiki that stands still.

use holt_core::{AttachmentName, Author, Change, ChangeKind, ErrorKind, OpId, PagePath, Revision, RevisionId, RevisionPrefix, Timestamp};
use holt_engine::db::index::{FileDoc, Index, IndexBatch, LinkStatus, PageDoc};
use holt_engine::repo::{BlobId, FileMode, LogEntry, TreeChange};
use holt_markdown::{Link, LinkKind};
use tempfile::TempDir;

pub fn path(text: &str) -> PagePath {
    PagePath::parse(text).unwrap()
}

pub fn id(n: u64) -> RevisionId {
    // Spread, so that the order of ids is not the order of history.
    let mut bytes = [0; 20];
    bytes[..8].copy_from_slice(&n.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
    bytes[8..16].copy_from_slice(&n.to_be_bytes());
    RevisionId::from_bytes(bytes)
}

pub fn blob(text: &str) -> BlobId {
    let mut bytes = [7_u8; 20];
    for (i, b) in text.bytes().enumerate() {
        bytes[i % 20] = bytes[i % 20].wrapping_mul(31).wrapping_add(b);
    }
    BlobId::from_bytes(bytes)
}

pub fn page(file: &str, text: &str) -> PageDoc {
    let mut doc = PageDoc::new(PagePath::from_tree(file).unwrap(), file.into(), blob(text), FileMode::File, text.len() as u64);
    doc.utf8 = true;
    doc.title = text.lines().find_map(|line| line.strip_prefix("# ")).map(str::to_string);
    doc.headings = doc.title.iter().map(|title| (1, title.clone(), title.to_lowercase())).collect();
    doc.links = text
        .split("[[")
        .skip(1)
        .filter_map(|rest| rest.split("]]").next())
        .map(|target| {
            let kind = if target.ends_with(".png") { LinkKind::Image } else { LinkKind::Wikilink };
            Link { target: target.into(), kind, place: None, line: 1 }
        })
        .collect();
    doc.description = text.lines().last().unwrap_or_default().into();
    doc.text = text.replace("# ", "");
    doc
}

pub fn commit(n: u64, parents: &[u64], time: i64, message: &str, changes: Vec<TreeChange>) -> LogEntry {
    let revision = Revision {
        id: id(n),
        author: Author::new("Ann", "ann@example.org"),
        time: Timestamp { seconds: time, offset: 3600 },
        message: message.into(),
    };
    LogEntry { revision, parents: parents.iter().map(|p| id(*p)).collect(), committer_time: Timestamp::utc(time), changes }
}

pub fn added(file: &str, text: &str) -> TreeChange {
    TreeChange { change: Change { file: file.into(), kind: ChangeKind::Added }, old: None, new: Some(blob(text)) }
}

/// A wiki of one commit.
fn wiki(pages: &[(&str, &str)], files: &[&str]) -> (TempDir, Index) {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path()).unwrap();
    let mut changes: Vec<TreeChange> = pages.iter().map(|(file, text)| added(file, text)).collect();
    changes.extend(files.iter().map(|file| added(file, "")));
    let file = |file: &&str| FileDoc { file: (*file).into(), blob: blob(""), mode: FileMode::File, size: 3 };
    index
        .apply(&IndexBatch {
            log: vec![commit(1, &[], 1000, "Import", changes)],
            pages: pages.iter().map(|(file, text)| page(file, text)).collect(),
            files: files.iter().map(file).collect(),
            ..IndexBatch::at(id(1))
        })
        .unwrap();
    (dir, index)
}

fn found(index: &Index, query: &str) -> Vec<String> {
    index.search(query, 50, 0).unwrap().hits.into_iter().map(|hit| hit.path.to_string()).collect()
}

#[test]
fn a_page_is_found_in_any_spelling() {
    let (_dir, index) = wiki(&[("Straße/Über.md", "# Über\n\ntext"), ("Home.md", "# Home")], &[]);
    for spelling in ["Straße/Über", "strasse/über", "STRASSE/ÜBER"] {
        let row = index.page(&path(spelling).key()).unwrap().unwrap();
        assert_eq!((row.path.as_str(), row.file.as_str(), row.title.as_deref()), ("Straße/Über", "Straße/Über.md", Some("Über")));
        assert_eq!((row.last_revision, row.last_change().author.email(), row.last_change().time.offset), (id(1), "ann@example.org", 3600));
        assert_eq!((row.blob, row.mode, row.utf8, row.description.as_str()), (blob("# Über\n\ntext"), FileMode::File, true, "text"));
    }
    assert!(index.page(&path("nowhere").key()).unwrap().is_none());
    assert_eq!(index.directory(&path("STRASSE")).unwrap().unwrap().as_str(), "Straße");
    assert_eq!(index.directory(&path("Home")).unwrap(), None);
    assert_eq!(index.pages_below(&path("strasse")).unwrap().len(), 1);
    let all: Vec<String> = index.pages().unwrap().into_iter().map(|row| row.path.to_string()).collect();
    assert_eq!(all, ["Home", "Straße/Über"]);
}

#[test]
fn of_two_files_with_one_key_one_answers_always_the_same() {
    let pages = [("home.md", "# lower\nonlylower [[Gone]]"), ("Home.md", "# upper\nonlyupper [[Lost]]")];
    let (_dir, forward) = wiki(&pages, &[]);
    let (_dir, backward) = wiki(&[pages[1], pages[0]], &[]);
    for index in [forward, backward] {
        assert_eq!(index.page(&path("HOME").key()).unwrap().unwrap().file, "home.md");
        assert_eq!(index.page_by_file("Home.md").unwrap().unwrap().path.as_str(), "Home");
        assert_eq!((index.pages().unwrap().len(), index.counts().unwrap().pages), (1, 1));
        assert_eq!((found(&index, "onlylower").len(), found(&index, "onlyupper").len()), (1, 0));
        assert_eq!(index.wanted().unwrap().len(), 1);
        index.apply(&IndexBatch { removed: vec!["home.md".into()], ..IndexBatch::at(id(1)) }).unwrap();
        assert_eq!((found(&index, "onlylower").len(), found(&index, "onlyupper").len()), (0, 1), "the other one answers now");
    }
}

#[test]
fn attachments_belong_to_the_page_of_their_directory() {
    let (_dir, index) = wiki(&[("Guide.md", "# Guide")], &["Guide/b.png", "guide/A.txt", "Guide/b.PNG", "root.txt", "Guide/sub/deep.pdf"]);
    let names: Vec<String> = index.attachments(&path("GUIDE")).unwrap().into_iter().map(|a| a.file).collect();
    assert_eq!(names, ["guide/A.txt", "Guide/b.PNG", "Guide/b.png"]);
    let one = index.attachment(&path("guide"), &AttachmentName::parse("b.png").unwrap()).unwrap().unwrap();
    assert_eq!((one.file.as_str(), one.page.as_str(), one.size, one.last_change.id), ("Guide/b.png", "Guide", 3, id(1)));
    assert!(index.attachment(&path("guide"), &AttachmentName::parse("B.png").unwrap()).unwrap().is_none(), "names are exact");
    assert!(index.attachments(&path("root")).unwrap().is_empty());
    assert_eq!(index.directory(&path("guide/SUB")).unwrap().unwrap().as_str(), "Guide/sub");
    assert_eq!((index.counts().unwrap().attachments, index.counts().unwrap().revisions), (4, 1));
}

#[test]
fn links_both_ways() {
    let pages = [
        ("A.md", "# Ay\n[[b]] [[B]] [[Guide/Setup]] [[Gone]] [[A]]"),
        ("B.md", "# Bee\n[[a]] [[gone]] [[Guide]] [[Guide/pic.png]] [[Guide/no.png]] [[-/search]] [[a/../b]]"),
        ("Guide/Setup.md", "[[A]]"),
    ];
    let (_dir, index) = wiki(&pages, &["Guide/pic.png"]);
    let from =
        |key: &str| index.backlinks(&path(key).key()).unwrap().into_iter().map(|l| format!("{} {:?}", l.path, l.title)).collect::<Vec<_>>();
    assert_eq!(from("A"), [r#"B Some("Bee")"#, "Guide/Setup None"], "not from itself");
    assert_eq!(from("b"), [r#"A Some("Ay")"#]);
    let tree: Vec<String> = index.linking_to_tree(&path("GUIDE").key()).unwrap().into_iter().map(|l| l.file).collect();
    assert_eq!(tree, ["A.md", "B.md"]);
    let links = |status| index.links_by_status(status).unwrap().into_iter().map(|l| format!("{}>{}", l.from, l.target)).collect::<Vec<_>>();
    assert_eq!(links(LinkStatus::Broken), ["A>Gone", "B>gone", "B>Guide/no.png"]);
    assert!(links(LinkStatus::Good).contains(&"B>Guide/pic.png".to_string()) && links(LinkStatus::Good).contains(&"B>Guide".to_string()));
    let wanted: Vec<(String, usize)> = index.wanted().unwrap().into_iter().map(|w| (w.path.to_string(), w.from.len())).collect();
    assert_eq!(wanted, [("Gone".to_string(), 2)]);
}

#[test]
fn words_phrases_prefixes_exclusions() {
    let pages = [
        ("Otter.md", "# Otter\n\nThe red otter swims."),
        ("Fox.md", "# Fox\n\nA red fox. No otter here. red herring"),
        ("Zoo.md", "# Zoo\n\nOtters, foxes and Größe, naïve café."),
        ("Notes/Otter facts.md", "Nothing about them."),
    ];
    let (_dir, index) = wiki(&pages, &[]);
    let sorted = |query: &str| {
        let mut found = found(&index, query);
        found.sort();
        found
    };
    assert_eq!(found(&index, "otter"), ["Otter", "Notes/Otter facts", "Fox"], "title before name before text");
    assert_eq!(sorted("red otter"), ["Fox", "Otter"]);
    assert_eq!(found(&index, "\"red otter\""), ["Otter"]);
    assert_eq!(found(&index, "red -fox"), ["Otter"]);
    assert_eq!(sorted("otter*"), ["Fox", "Notes/Otter facts", "Otter", "Zoo"]);
    assert_eq!(found(&index, "swi"), ["Otter"], "else as a beginning");
    assert_eq!(sorted("swims herring"), ["Fox", "Otter"], "else any");
    for query in ["größe", "GRÖSSE", "grosse naive", "cafe", "NAÏVE", "\"GROẞE naïve\"", "gro*"] {
        assert_eq!(found(&index, query), ["Zoo"], "{query}");
    }
    assert_eq!(found(&index, "-red"), Vec::<String>::new());
    assert_eq!(found(&index, "unknownword"), Vec::<String>::new());
}

#[test]
fn chinese_japanese_and_korean_by_any_part_of_a_word() {
    let pages = [
        ("検索.md", "# 検索\n\n全文検索は便利です。"),
        ("東京.md", "東京ガイド: 浅草へ。"),
        ("中文.md", "中文维基支持搜索"),
        ("한국.md", "한국어는 재미있다"),
        ("Rust.md", "Rust言語入門 for everyone"),
    ];
    let (_dir, index) = wiki(&pages, &[]);
    for (query, page) in [
        ("検索", "検索"),
        ("全文", "検索"),
        ("文検", "検索"),
        ("全文検索", "検索"),
        ("便", "検索"),
        ("東", "東京"),
        ("草", "東京"),
        ("ガイド", "東京"),
        ("ド", "東京"),
        ("搜索", "中文"),
        ("支", "中文"),
        ("한국", "한국"),
        ("국", "한국"),
        ("言語", "Rust"),
        ("門", "Rust"),
        ("Rust言語", "Rust"),
        ("rust 入門", "Rust"),
        ("\"全文検索\"", "検索"),
        ("everyone 言語", "Rust"),
    ] {
        assert_eq!(found(&index, query), [page], "{query}");
    }
    assert_eq!(found(&index, "索検"), Vec::<String>::new(), "order counts");
    assert_eq!(found(&index, "東京 -浅草"), Vec::<String>::new());
    let hit = index.search("検索", 1, 0).unwrap().hits.remove(0);
    assert!(hit.snippet.iter().any(|p| p.hit && p.text == "検索"), "{:?}", hit.snippet);
}

#[test]
fn a_query_is_never_a_program() {
    let (_dir, index) = wiki(&[("Home.md", "# Home\n\ntitle body near and or not a:b words")], &[]);
    for query in [
        "\"",
        "\"\"",
        "*",
        "-",
        "--",
        "^",
        "()",
        "title:",
        "title:home",
        "body : x",
        "{title body}: x",
        "NEAR(a b, 3)",
        "a AND",
        "OR",
        "NOT",
        "a NOT b",
        "-NOT",
        "\u{0}",
        "\u{E000}",
        "'; DROP TABLE pages; --",
        "%",
        "\\",
        "ก็",
        "\u{301}",
        "a\u{301}",
        "+ + +",
        "\u{200D}",
        "“quoted”",
        "a*b*c",
        "*a",
        "x\"y",
        "🦦",
        "٠١٢",
        "²",
        "ⅷ",
    ] {
        assert!(index.search(query, 10, 0).is_ok(), "{query:?}: {:?}", index.search(query, 10, 0));
    }
    assert_eq!(index.search(&"x".repeat(513), 10, 0).unwrap_err().kind, ErrorKind::TooLarge);
    assert!(index.search(&"a ".repeat(256), 10, 0).is_ok());
    assert!(index.search(&"\"".repeat(512), 10, 0).is_ok());
}

#[test]
fn results_come_in_parts_and_never_more_than_two_hundred() {
    let pages: Vec<(String, String)> = (0..230).map(|i| (format!("Page {i:03}.md"), format!("otter {i}"))).collect();
    let pages: Vec<(&str, &str)> = pages.iter().map(|(file, text)| (file.as_str(), text.as_str())).collect();
    let (_dir, index) = wiki(&pages, &[]);
    let all = index.search("otter", 1000, 0).unwrap();
    assert_eq!((all.total, all.hits.len()), (200, 200));
    let mut parts = Vec::new();
    for offset in (0..300).step_by(30) {
        parts.extend(index.search("otter", 30, offset).unwrap().hits);
    }
    assert_eq!(parts, all.hits);
    assert!(all.hits.windows(2).all(|w| w[0].score >= w[1].score));
}

#[test]
fn revisions_by_prefix_and_by_operation() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path()).unwrap();
    let near = |last: u8| {
        let mut bytes = [0xAB; 20];
        bytes[19] = last;
        RevisionId::from_bytes(bytes)
    };
    let mut log = vec![
        commit(1, &[], 1000, "One\n\nHolt-Op: retry-1\n", vec![]),
        commit(2, &[1], 1001, "Holt-Op: in the\nmiddle", vec![]),
        commit(3, &[2], 1002, "x\n\nHolt-Op: retry-1", vec![]),
    ];
    for (i, last) in [0x01, 0x02].into_iter().enumerate() {
        let mut entry = commit(4, &[3], 1003 + i as i64, "", vec![]);
        entry.revision.id = near(last);
        log.push(entry);
    }
    index.apply(&IndexBatch { log, ..IndexBatch::at(near(2)) }).unwrap();
    let by = |prefix: &str| index.revision_by_prefix(&RevisionPrefix::parse(prefix).unwrap()).unwrap();
    assert_eq!(by("abab"), None, "two begin so");
    assert_eq!(by(&format!("{}01", "ab".repeat(19))), Some(near(1)));
    assert_eq!(by(&id(1).short(7)), Some(id(1)));
    assert_eq!(by("ffff"), None);
    assert!(index.has_revision(id(3)).unwrap() && !index.has_revision(id(99)).unwrap());
    let op = |text: &str| index.revisions_by_op(&OpId::parse(text).unwrap()).unwrap().first().copied();
    assert_eq!((op("retry-1"), op("in"), op("retry-2")), (Some(id(1)), None, None));
    assert_eq!(index.cursor().unwrap(), Some(near(2)));
    index.set_step_cursor("feed", id(2)).unwrap();
    assert_eq!((index.step_cursor("feed").unwrap(), index.step_cursor("mail").unwrap()), (Some(id(2)), None));
    index.clear().unwrap();
    assert_eq!((index.cursor().unwrap(), index.step_cursor("feed").unwrap(), index.counts().unwrap().revisions), (None, None, 0));
}
