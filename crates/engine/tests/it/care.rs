//! Wiki care: what a report finds, what it costs nobody to see, and what becomes of its mends.

use crate::comments::{approved, docs, join, path};
use crate::wikis::{page_text, people, save_text};
use holt_core::{AccessLevel, Actor, AttachmentName, ErrorKind, PagePath, SubtreeRule, SubtreeRules};
use holt_engine::db::index::Index;
use holt_engine::db::preferences::path_access_text;
use holt_engine::pages::care::{self, Care, Finding, FindingKind, IfWaiting, MOST, Mend, OVERSIZED, Place};
use holt_engine::pages::proposals;
use holt_engine::pages::{self, Backlinks, Existing, Subpages};
use holt_engine::{Admin, Read, Upload, Wiki, Write};
use std::collections::BTreeMap;

fn report(wiki: &Wiki, who: &Actor, kind: Option<FindingKind>) -> Care {
    care::care(&wiki.grant::<Read>(who).unwrap(), kind, None, MOST).unwrap()
}

fn line(finding: &Finding) -> String {
    let (sentence, values) = finding.sentence(|path| path.as_str().to_string());
    let mut said = String::new();
    let mut values = values.iter();
    for piece in sentence.split("{}") {
        said.push_str(piece);
        said.push_str(values.next().map_or("", String::as_str));
    }
    let at = finding.line.map_or_else(String::new, |line| format!(":{line}"));
    let mend = match &finding.mend {
        Some(Mend::Relink { to, .. }) => format!(" -> {to}"),
        Some(Mend::Postpone { to, .. }) => format!(" -> {to}"),
        None => String::new(),
    };
    format!("{} {}{at} {said}{mend}", finding.kind.as_str(), finding.page)
}

fn lines(wiki: &Wiki, kind: FindingKind) -> Vec<String> {
    report(wiki, &people("ann"), Some(kind)).findings.iter().map(line).collect()
}

/// In the name of `who`, unless it waits already.
fn propose_mend(wiki: &Wiki, who: &Actor, page: &PagePath, mend: &Mend) -> holt_core::Result<i64> {
    care::propose_mend(wiki.grant::<Write>(who).unwrap(), page, mend, IfWaiting::Join)
}

fn hide(wiki: &Wiki, top: &str) {
    let rule = SubtreeRule { path: path(top), read: AccessLevel::Admin, write: AccessLevel::Admin, readers: [].into(), writers: [].into() };
    let text = path_access_text(&SubtreeRules::new(vec![rule]));
    pages::set_preferences(&wiki.grant::<Admin>(&people("ann")).unwrap(), &[("PATH_ACCESS", &text)]).unwrap();
}

/// Some prose of its own.
fn prose(seed: usize, words: usize) -> String {
    (0..words).map(|n| format!("w{}", (seed * 7_919 + n * 104_729) % 100_003)).collect::<Vec<_>>().join(" ")
}

const TOKEN: &str = "ghp_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8";

/// A wiki with something of each kind.
fn messy(wiki: &Wiki) {
    save_text(wiki, "Home", "# Home\n\n[[Guide/Setup]] [[Guide/Steup]] [[Staff]]\n\nsee [[Unheard of]]\n");
    let guide = "# Setup\n\ntext\n\n## First steps\n\n[ok](#first-steps) [no](#second-steps)\n\n> [!NOTE]\n> [[Unheard of]]\n\n![](./gone.png) [f](./gone.pdf) ![](./there.png)\n";
    save_text(wiki, "Guide/Setup", guide);
    let there = (AttachmentName::parse("there.png").unwrap(), vec![1, 2, 3]);
    pages::upload(&wiki.grant::<Upload>(&people("ann")).unwrap(), &path("Guide/Setup"), &[there], Existing::Refuse, "").unwrap();
    // 1_700_000_000 is 2023-11-14.
    save_text(
        wiki,
        "Policy",
        "---\ntitle: Policy\nreview: 2023-11-13\n---\n# Policy\n\n[[Guide/Setup#Frist steps]] [[Guide/Setup#First steps]]\n\ntext\n",
    );
    save_text(wiki, "Policy/Later", "---\nreview_by: 2023-11-14\n---\n[[Policy]] [[Home]] [[Keys]]\n\nlines\n");
    save_text(wiki, "Keys", &format!("# Keys\n\n[[Policy/Later]]\n\n```\ntoken = {TOKEN}\n```\n"));
    save_text(wiki, "Staff", &format!("# Staff\n\n[[Copy]] [[Near]]\n\n{}\n", prose(1, 120)));
    save_text(wiki, "Copy", &format!("# Staff\n\n[[Copy]] **[[Near]]**\n\n{}\n", prose(1, 120)));
    save_text(wiki, "Near", &format!("# Staff\n\n[[Copy]] [[Near]]\n\n{} more\n", prose(1, 119)));
    save_text(wiki, "Long", &format!("# Long\n\n[[Stub]]\n\n{}", "words of a page \n".repeat(OVERSIZED / 16)));
    save_text(wiki, "Stub", "# Stub\n");
}

#[test]
fn each_kind_is_found_and_what_is_well_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    save_text(&wiki, "Home", "# Home\n\nA page as it should be, which says this and that.\n\nEnd\n");
    assert_eq!(report(&wiki, &people("ann"), None).findings, []);
    messy(&wiki);
    let all: Vec<String> = report(&wiki, &people("ann"), None).findings.iter().map(line).collect();
    let bytes = page_text(&wiki, "Long").unwrap().len();
    let oversized = format!("oversized Long It has {bytes} bytes, about {} tokens for an agent.", bytes / 4);
    assert_eq!(
        all,
        [
            "secret Keys:6 Something looks like a secret: GitHub ghp_…",
            "broken-link Guide/Setup:9 A link leads to Unheard of, which is not there.",
            "broken-link Home:3 A link leads to Guide/Steup, which is not there. -> Guide/Setup",
            "broken-link Home:5 A link leads to Unheard of, which is not there.",
            "broken-place Guide/Setup:7 A link leads to a place of Guide/Setup that is not there: #second-steps.",
            "broken-place Policy:7 A link leads to a place of Guide/Setup that is not there: #frist-steps.",
            "broken-file Guide/Setup:12 The file Guide/Setup/gone.png is not there.",
            "broken-file Guide/Setup:12 The file Guide/Setup/gone.pdf is not there.",
            "wanted Unheard of It does not exist, and 2 pages link to it.",
            "wanted Guide/Steup It does not exist, and a page links to it.",
            "stale Policy:3 It was to be reviewed by 2023-11-13. -> 2024-05-12",
            "duplicate Near It says nearly the same as Copy.",
            "duplicate Staff It says the same as Copy.",
            "orphan Long No other page links to it.",
            &oversized,
            "empty Stub It has hardly anything in it.",
        ]
    );
    assert!(!all.join("\n").contains(TOKEN), "a report gives no secret away");
    // Orphans and wanted pages are those of the older questions.
    let ann = people("ann");
    let scope = wiki.grant::<Read>(&ann).unwrap();
    assert_eq!(pages::orphans(&scope).unwrap(), [path("Long")]);
    let wanted: Vec<PagePath> = pages::wanted(&scope).unwrap().into_iter().map(|wanted| wanted.path).collect();
    assert_eq!(wanted, [path("Unheard of"), path("Guide/Setup/gone.pdf"), path("Guide/Steup")]);
}

#[test]
fn a_report_follows_what_happens() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    let ann = people("ann");
    let writing = wiki.grant::<Write>(&ann).unwrap();
    save_text(&wiki, "Home", "[[Plan]] [[Plan#Goals]]\n\n[[Other]]\n\nx\n");
    save_text(&wiki, "Other", "[[Home]]\n\nx\n\ny\n");
    assert_eq!(lines(&wiki, FindingKind::BrokenLink).len(), 2);
    save_text(&wiki, "Plan", "# Plan\n\nx\n\ny\n");
    assert_eq!(lines(&wiki, FindingKind::BrokenLink), [""; 0]);
    assert_eq!(lines(&wiki, FindingKind::BrokenPlace).len(), 1);
    save_text(&wiki, "Plan", "# Plan\n\n## Goals\n\ny\n");
    assert_eq!(lines(&wiki, FindingKind::BrokenPlace), [""; 0]);
    // Another name is a name, and so is a place that somebody typed.
    save_text(&wiki, "Plan", "---\naliases: [Map]\n---\n# Plan\n\n<span id=\"goals\">y</span>\n");
    save_text(&wiki, "Other", "[[Map]] [[Home]]\n\nx\n\ny\n");
    assert_eq!((lines(&wiki, FindingKind::BrokenPlace), lines(&wiki, FindingKind::BrokenLink)), (vec![], vec![]));
    // Links follow a rename; without it, the old name leads to the new one.
    pages::rename(&writing, &path("Plan"), &path("Plans/Big"), "", Backlinks::Keep).unwrap();
    let expected = [
        "broken-link Home:1 A link leads to Plan, which is not there. -> Plans/Big",
        "broken-link Home:1 A link leads to Plan, which is not there. -> Plans/Big",
    ];
    assert_eq!(lines(&wiki, FindingKind::BrokenLink), expected);
    pages::delete(&writing, &path("Plans/Big"), "", Subpages::Keep).unwrap();
    assert_eq!(lines(&wiki, FindingKind::BrokenLink).len(), 3);
    // What a page shows of others has places that nobody knows.
    save_text(&wiki, "Home", "[a](#nothing)\n\n{{Include|src=/Other}}\n\nx\n");
    assert_eq!(lines(&wiki, FindingKind::BrokenPlace), [""; 0]);
    save_text(&wiki, "Home", "[a](#nothing) [b](#top) [c](#) [[#Also nothing]] [d](#:~:text=x)\n\nx\n\ny\n");
    let found = lines(&wiki, FindingKind::BrokenPlace);
    assert!(found.len() == 2 && found[0].ends_with("#nothing.") && found[1].ends_with("#also-nothing."), "{found:?}");
}

#[test]
fn an_index_made_again_finds_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, wiki) = docs(&dir);
    messy(&wiki);
    save_text(&wiki, "Keys", "nothing\n");
    save_text(&wiki, "Stub", "# Stub\n\nwritten\n\nnow\n");
    let before = report(&wiki, &people("ann"), None);
    let index = wiki.repo_path().parent().unwrap().to_path_buf();
    drop((engine, wiki));
    Index::set_aside(&index).unwrap();
    let engine = crate::wikis::new_engine(dir.path());
    let wiki = engine.wiki_named("docs").unwrap();
    assert_eq!(report(&wiki, &people("ann"), None), before);
}

#[test]
fn parts_are_the_whole_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    messy(&wiki);
    let ann = people("ann");
    let scope = wiki.grant::<Read>(&ann).unwrap();
    let whole = report(&wiki, &ann, None);
    assert_eq!(whole.next, None);
    for (kind, limit) in [(None, 1), (None, 3), (None, 7), (Some(FindingKind::BrokenLink), 1), (Some(FindingKind::Wanted), 1)] {
        let (mut found, mut after): (Vec<Finding>, Option<Place>) = (Vec::new(), None);
        loop {
            let part = care::care(&scope, kind, after.as_ref(), limit).unwrap();
            assert!(part.findings.len() <= limit && part.counts == whole.counts);
            found.extend(part.findings);
            after = part.next.map(|next| Place::parse(&next.to_string()).unwrap());
            if after.is_none() {
                break;
            }
        }
        let expected: Vec<Finding> = whole.findings.iter().filter(|one| kind.is_none_or(|kind| kind == one.kind)).cloned().collect();
        assert_eq!(found, expected, "{kind:?} {limit}");
    }
    let overview = care::overview(&scope, 1).unwrap();
    assert_eq!((overview.findings.len(), &overview.counts), (FindingKind::ALL.len(), &whole.counts));
    // What was told last may be gone.
    let place = Place::parse("broken-link 0 7 Guide/Zzz").unwrap();
    let rest = care::care(&scope, Some(FindingKind::BrokenLink), Some(&place), 10).unwrap();
    assert!(rest.findings.iter().all(|found| found.page == path("Home")) && rest.findings.len() == 2);
}

/// Whoever may not see a part of the wiki is told what they would be told if it were not there.
#[test]
fn a_report_is_of_what_its_reader_may_see() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, wiki) = docs(&dir);
    let bob = join(&engine, &wiki, "bob", approved());
    messy(&wiki);
    save_text(&wiki, "Guide/More", "[[Staff/Plan]] [[Staff/Zqx]]\n\nx\n\n[[Staff#Staff]] [[Staff/Zqx#Nowhere]]\n");
    let without = report(&wiki, &bob, None);
    let zqx = format!(
        "---\nreview: 2020-01-01\n---\n# Zqx\n\n[[Guide/More]] [[Stub]] [[Long]] [x](#zqx-nowhere)\n\npassword = {TOKEN}\n\n{}\n",
        prose(1, 120)
    );
    save_text(&wiki, "Staff/Zqx", &zqx);
    save_text(&wiki, "Staff/Zqx empty", "x");
    save_text(&wiki, "Staff/Zqx long", &"zqx ".repeat(OVERSIZED));
    assert_ne!(report(&wiki, &bob, None).counts, without.counts, "the control: they are seen");
    hide(&wiki, "Staff");
    let seen = report(&wiki, &bob, None);
    let told = format!("{:?}", seen.findings.iter().map(line).collect::<Vec<_>>());
    // A page that may be seen may say the name of one that may not: it says no more than that.
    assert!(!told.to_lowercase().replace("staff/zqx,", "").replace("wanted staff/zqx it", "").contains("zqx"), "{told}");
    let of: BTreeMap<&str, usize> = seen.counts.iter().map(|(kind, count)| (kind.as_str(), *count)).collect();
    assert_eq!((of["secret"], of["empty"], of["oversized"], of["stale"]), (1, 1, 1, 1), "{told}");
    assert!(
        told.contains("broken-link Guide/More:1 A link leads to Staff/Plan")
            && told.contains("broken-link Guide/More:1 A link leads to Staff/Zqx,")
    );
    assert!(told.contains("duplicate Near It says nearly the same as Copy.") && !told.contains("duplicate Staff"));
    assert!(told.contains("orphan Guide/More") && told.contains("orphan Long"), "{told}");
}

#[test]
fn a_mend_names_nothing_that_readers_of_the_page_may_not_see() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    save_text(&wiki, "Home", "[[Timetabel]]\n\nx\n\ny\n");
    save_text(&wiki, "Staff/Timetable", "[[Staff/Timetabel]]\n\nx\n\ny\n");
    save_text(&wiki, "Staff/Home", "[[Timetabel]]\n\nx\n\ny\n");
    assert_eq!(lines(&wiki, FindingKind::BrokenLink).iter().filter(|line| line.contains("->")).count(), 2);
    hide(&wiki, "Staff");
    let found = lines(&wiki, FindingKind::BrokenLink);
    assert_eq!(
        found,
        [
            "broken-link Home:1 A link leads to Timetabel, which is not there.",
            "broken-link Staff/Home:1 A link leads to Timetabel, which is not there. -> Staff/Timetable",
            "broken-link Staff/Timetable:1 A link leads to Staff/Timetabel, which is not there.",
        ]
    );
    let ann = people("ann");
    let mend = Mend::Relink { target: path("Timetabel"), to: path("Staff/Timetable") };
    let refused = propose_mend(&wiki, &ann, &path("Home"), &mend).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Conflict);
}

#[test]
fn a_mend_becomes_a_proposal_and_what_it_mends_is_well_when_it_is_accepted() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, wiki) = docs(&dir);
    let bob = join(&engine, &wiki, "bob", approved());
    messy(&wiki);
    let found = report(&wiki, &bob, None).findings;
    let mends: Vec<(&PagePath, &Mend)> = found.iter().filter_map(|found| Some((&found.page, found.mend.as_ref()?))).collect();
    assert_eq!(mends.len(), 2);
    let texts = || ["Home", "Policy"].map(|page| page_text(&wiki, page).unwrap());
    let before = texts();
    for (page, mend) in &mends {
        let current = texts();
        let number = propose_mend(&wiki, &bob, page, mend).unwrap();
        assert_eq!(propose_mend(&wiki, &bob, page, mend).unwrap(), number, "a second click");
        assert_eq!(texts(), current, "nothing changes until somebody accepts it");
        let ann = people("ann");
        let seen = proposals::view(&wiki.grant::<Read>(&ann).unwrap(), number).unwrap().seen;
        assert_eq!(proposals::proposal(&wiki.grant::<Read>(&ann).unwrap(), number).unwrap().name, "bob");
        proposals::accept(&wiki.grant::<Write>(&ann).unwrap(), number, seen, &BTreeMap::new(), "").unwrap();
    }
    let after = texts();
    assert_eq!(after[0], before[0].replace("Guide/Steup", "Guide/Setup"));
    assert_eq!(after[1], before[1].replace("2023-11-13", "2024-05-12"));
    let left = report(&wiki, &bob, None).findings;
    assert!(left.iter().all(|found| found.mend.is_none()) && left.len() == found.len() - 3, "one page is not wanted any more, too");
    // What is well already, or was never offered, is not proposed.
    for (page, mend) in mends {
        assert_eq!(propose_mend(&wiki, &bob, page, mend).unwrap_err().kind, ErrorKind::Conflict);
    }
    let other = Mend::Relink { target: path("Unheard of"), to: path("Keys") };
    assert_eq!(propose_mend(&wiki, &bob, &path("Home"), &other).unwrap_err().kind, ErrorKind::Conflict);
}

#[test]
fn what_waits_as_a_proposal_is_said_and_not_proposed_again() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, wiki) = docs(&dir);
    let [bob, cat] = ["bob", "cat"].map(|name| join(&engine, &wiki, name, approved()));
    messy(&wiki);
    let waiting = |who: &Actor| -> Vec<(String, i64, String, bool)> {
        let found = report(&wiki, who, None).findings;
        let row = |found: Finding| {
            found.waiting.map(|waits| (format!("{} {}", found.kind.as_str(), found.page), waits.number, waits.name, waits.mine))
        };
        found.into_iter().filter_map(row).collect()
    };
    assert_eq!(waiting(&bob), []);
    let relink = Mend::Relink { target: path("Guide/Steup"), to: path("Guide/Setup") };
    assert_eq!(propose_mend(&wiki, &bob, &path("Home"), &relink).unwrap(), 1);
    let row = |what: &str, number, name: &str, mine| (what.to_string(), number, name.to_string(), mine);
    // The other broken link of the page is not mended by it.
    assert_eq!(waiting(&bob), [row("broken-link Home", 1, "bob", true)]);
    assert_eq!(waiting(&cat), [row("broken-link Home", 1, "bob", false)]);
    assert_eq!(waiting(&Actor::Anonymous), [], "the queue is not for everybody");
    assert_eq!(propose_mend(&wiki, &cat, &path("Home"), &relink).unwrap(), 1, "one is enough");
    let insisting = care::propose_mend(wiki.grant::<Write>(&cat).unwrap(), &path("Home"), &relink, IfWaiting::Insist);
    assert_eq!(insisting.unwrap(), 2);
    // What somebody proposed by hand mends as well; what only touches the page does not.
    let propose = |page: &str, text: &str| {
        let scope = wiki.grant::<Write>(&cat).unwrap().proposing();
        let base = pages::page(&scope.narrow(), &path(page)).unwrap().map(|view| view.page.revision);
        pages::save(&scope, &holt_core::Edit::new(path(page), base, text.into(), "").unwrap(), None).unwrap_err().proposal().unwrap().number
    };
    propose("Policy", &page_text(&wiki, "Policy").unwrap().replace("text", "other text"));
    let keys = propose("Keys", &page_text(&wiki, "Keys").unwrap().replace(TOKEN, "(gone)"));
    let review = propose("Policy", &page_text(&wiki, "Policy").unwrap().replace("2023-11-13", "2024-12-24"));
    let wanted = propose("Unheard of", "# Unheard of\n\nHeard.\n");
    let stub = propose("Stub", "# Stub\n\nIt says\n\nsomething now.\n");
    let expected = [
        row("secret Keys", keys, "cat", false),
        row("broken-link Home", 1, "bob", true),
        row("wanted Unheard of", wanted, "cat", false),
        row("stale Policy", review, "cat", false),
        row("empty Stub", stub, "cat", false),
    ];
    assert_eq!(waiting(&bob), expected);
    // What is decided does not wait any more, and what came into the wiki is well.
    let ann = people("ann");
    proposals::reject(&wiki.grant::<Write>(&ann).unwrap(), 1, "").unwrap();
    assert_eq!(waiting(&bob)[1], row("broken-link Home", 2, "cat", false));
    proposals::reject(&wiki.grant::<Write>(&ann).unwrap(), 2, "").unwrap();
    let [first, second] = [&bob, &cat].map(|who| propose_mend(&wiki, who, &path("Home"), &relink).unwrap());
    assert!(first == second && first > stub, "what was refused can be asked for again: {first}, {second}");
}
