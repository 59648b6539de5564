//! How a wiki hangs together, over the wire: old names, other names, tags, sections, templates, what merges and what does not.

use crate::client::{Client, Server, docs};
use holt_testkit::git;

fn leads_to(client: &Client, path: &str) -> (u16, Option<String>) {
    let answer = client.get(path);
    (answer.status, answer.header("location").map(str::to_string))
}

#[test]
fn old_and_other_names_lead_to_the_page() {
    let (_dir, mut server, ann) = docs();
    ann.save("Old/Name", "---\naliases: [Otter/Facts, \"Fischotter\"]\n---\n# Page\n", "").unwrap();
    assert_eq!(leads_to(&ann, "/fischotter"), (301, Some("/Old/Name".into())));
    ann.post("/Old/Name/rename", &[("new_pagename", "Mid")]).unwrap();
    ann.post("/Mid/rename", &[("new_pagename", "New/Name")]).unwrap();
    for old in ["/Old/Name", "/old/name", "/Mid", "/Otter/Facts", "/Fischotter"] {
        assert_eq!(leads_to(&ann, old), (301, Some("/New/Name".into())), "{old}");
    }
    assert_eq!(leads_to(&ann, "/Mid?a=b").1.as_deref(), Some("/New/Name?a=b"));
    assert_eq!(ann.get("/Mid").header("cache-control"), Some("no-cache"), "somebody may write a page of the old name");
    assert!(ann.get("/Old/Name/history").body_text().contains("Renamed"));
    // A new page of an old name is a page.
    assert_eq!(ann.save("Mid", "# Mid again", ""), Some(303));
    assert_eq!(ann.get("/Mid").status, 200);
    assert_eq!(leads_to(&ann, "/Old/Name").0, 301);
    // What is gone is gone.
    ann.post("/New/Name/delete", &[]).unwrap();
    assert_eq!(ann.get("/Old/Name").status, 404);
    assert_eq!(ann.get("/Fischotter").status, 404);
    let deleted = ann.get("/-/deleted").body_text();
    assert!(deleted.contains("/New/Name/history") && !deleted.contains("/Mid/history"), "{deleted}");
    server.stop();
}

#[test]
fn tags_lead_to_pages() {
    let (_dir, mut server, ann) = docs();
    ann.save("Otter", "---\ntags: [Animals, \"in, water\", a/b&c]\n---\n# Otter\nIt swims.\n", "").unwrap();
    ann.save("Beaver", "---\ntags:\n- animals\n- dams\n---\n# Beaver\n", "").unwrap();
    assert!(ann.get("/Otter").body_text().contains("href=\"/-/tags?tag=Animals\""));
    let all = ann.get("/-/tags").body_text();
    for tag in ["Animals</a> <span class=\"muted\">2<", "dams</a>", "in, water</a>", "a/b&#38;c</a>"] {
        assert!(all.contains(tag), "{tag}: {all}");
    }
    // Every link of the list works.
    for link in all.split("href=\"/-/tags?").skip(1).map(|rest| rest.split('"').next().unwrap().replace("&#38;", "&")) {
        assert_eq!(ann.get(&format!("/-/tags?{link}")).status, 200, "{link}");
    }
    let animals = ann.get("/-/tags?tag=animals").body_text();
    assert!(animals.contains("href=\"/Otter\"") && animals.contains("href=\"/Beaver\"") && animals.contains("It swims."), "{animals}");
    let both = ann.get("/-/tags?tag=animals&tag=dams").body_text();
    assert!(!both.contains("<a class=\"title\" href=\"/Otter\"") && both.contains("<a class=\"title\" href=\"/Beaver\""), "{both}");
    assert!(ann.get("/-/tags?tag=animals&tag=dams&any").body_text().contains("<a class=\"title\" href=\"/Otter\""));
    assert_eq!(ann.get("/-/tags?tag=nosuch").status, 404);
    server.stop();
}

#[test]
fn a_section_is_edited_alone() {
    let (_dir, mut server, ann) = docs();
    ann.save("Page", "# One\nintro\n\n## Two\ntext\n\n### Deep\ndeep\n\n## Three\nend", "").unwrap();
    let form = ann.get("/Page/edit?section=two");
    let text = form.body_text();
    assert!(text.contains("\n## Two\ntext\n\n### Deep\ndeep\n</textarea>") && text.contains("/Page/save?section=two"), "{text}");
    let revision = form.field("revision");
    // Somebody changes another section meanwhile: both stay.
    ann.save("Page", "# One\nintro!\n\n## Two\ntext\n\n### Deep\ndeep\n\n## Three\nend", "").unwrap();
    let saved =
        ann.post("/Page/save?section=two", &[("content", "## Two\r\nnew text\r\n"), ("revision", &revision), ("commit", "x")]).unwrap();
    assert_eq!(saved.status, 303, "{}", saved.body_text());
    assert_eq!(ann.get("/Page.md").body_text(), "# One\nintro!\n\n## Two\nnew text\n\n## Three\nend\n");
    // A draft of a section is one of the page.
    let revision = ann.get("/Page/edit").field("revision");
    ann.post("/Page/draft?section=three", &[("content", "## Three\nunsaved"), ("revision", &revision)]).unwrap();
    assert!(
        ann.get("/Page/edit?draft=continue").body_text().contains("# One\nintro!\n\n## Two\nnew text\n\n## Three\nunsaved\n</textarea>")
    );
    // A section that is not there: the whole page to edit, and nothing lost when saving.
    assert!(ann.get("/Page/edit?section=nosuch").body_text().contains("# One\nintro!"));
    let refused = ann.post("/Page/save?section=nosuch", &[("content", "my words"), ("revision", &revision)]).unwrap();
    assert!(refused.status == 422 && refused.body_text().contains("my words") && refused.body_text().contains("no section"));
    server.stop();
}

#[test]
fn new_pages_begin_with_a_template() {
    let (_dir, mut server, ann) = docs();
    ann.save("Templates/Meeting", "# {{title}}\n\nBy {{ author }} in {{folder}}, {{nothing}} {{date}}\n\n{{Include|src=X}}", "").unwrap();
    let form = ann.get("/-/create").body_text();
    assert!(form.contains("<option value=\"Templates/Meeting\">Meeting</option>"), "{form}");
    let made = ann.post("/-/create", &[("pagename", "Team/{{date}}"), ("template", "Templates/Meeting")]).unwrap();
    assert_eq!(made.status, 303, "{}", made.body_text());
    let made = ann.post("/-/create", &[("pagename", "Team/Monday"), ("template", "Templates/Meeting")]).unwrap();
    assert_eq!(made.header("location"), Some("/Team/Monday/edit?template=Templates%2FMeeting"));
    let editor = ann.get("/Team/Monday/edit?template=Templates%2FMeeting").body_text();
    assert!(
        editor.contains("# Monday\n\nBy Ann in Team, {{nothing}} 20") && editor.contains("{{Include|src=X}}"),
        "{}",
        editor.split("<textarea").nth(1).unwrap()
    );
    assert_eq!(ann.get("/Team/Monday/edit?template=Home").status, 422, "other pages are no templates");
    server.stop();
}

#[test]
fn a_conflict_is_decided_place_by_place() {
    let (_dir, mut server, ann) = docs();
    ann.save("Page", "one\n\ntwo\n\nthree\n\nfour\n\nfive", "").unwrap();
    let revision = ann.get("/Page/edit").field("revision");
    ann.save("Page", "ONE\n\ntwo\n\nthree\n\nfour\n\nFIVE", "").unwrap();
    let mine = "eins\n\ntwo\n\ndrei\n\nfour\n\nfünf";
    let conflict = ann.post("/Page/save", &[("content", mine), ("revision", &revision)]).unwrap();
    assert_eq!(conflict.status, 409);
    let text = conflict.body_text();
    assert!(text.contains("Decide 2 places") && text.contains("<pre>ONE\n</pre>") && text.contains("<pre>eins\n</pre>"), "{text}");
    let merged = text
        .split("name=\"content\"")
        .nth(1)
        .unwrap()
        .split(">\n")
        .nth(1)
        .unwrap()
        .split("</textarea>")
        .next()
        .unwrap()
        .replace("&#60;", "<")
        .replace("&#62;", ">");
    let fields = [
        ("resolving", "1"),
        ("content", &merged),
        ("yours", mine),
        ("base", &conflict.field("base")),
        ("revision", &conflict.field("revision")),
    ];
    let undecided = ann.post("/Page/save", &[&fields[..], &[("place-1", "theirs")]].concat()).unwrap();
    assert_eq!(undecided.status, 422, "one place is open");
    let again = undecided.body_text();
    assert!(again.contains("name=\"place-1\" value=\"theirs\" checked") && again.contains("<pre>FIVE\n</pre>"), "{again}");
    assert_eq!((undecided.field("base"), undecided.field("revision")), (conflict.field("base"), conflict.field("revision")));
    let decided = ann.post("/Page/save", &[&fields[..], &[("place-1", "theirs"), ("place-2", "both")]].concat()).unwrap();
    assert_eq!(decided.status, 303, "{}", decided.body_text());
    assert_eq!(ann.get("/Page.md").body_text(), "ONE\n\ntwo\n\ndrei\n\nfour\n\nFIVE\nfünf\n");
    server.stop();
}

#[test]
fn editors_see_each_other() {
    let (_dir, mut server, ann) = docs();
    let here = |client: &Client, active: &str| client.post("/Home/presence", &[("active", active)]).unwrap().body_text();
    assert!(!here(&ann, "1").contains("Ann"));
    let other = server.client();
    other.log_in("ann@example.org", "correct horse");
    assert!(here(&other, "1").contains("\"Ann\""), "the same person elsewhere");
    assert!(here(&ann, "0").contains("[]"));
    assert!(!here(&other, "1").contains("\"Ann\""));
    assert_eq!(server.client().post("/Home/presence", &[("active", "1")]).unwrap().status, 403);
    server.stop();
}

#[test]
fn programs_follow_what_changes() {
    let (_dir, mut server, ann) = docs();
    ann.save("Guide/Setup", "# Setup & <start>", "First & <b>").unwrap();
    ann.save("Guide", "# Guide", "Guide").unwrap();
    ann.save("Other", "# Other", "Else").unwrap();
    let stranger = server.client();
    for (feed, kind) in [("atom", "application/atom+xml"), ("rss", "application/rss+xml"), ("json", "application/feed+json")] {
        let all = stranger.get(&format!("/-/changelog/feed.{feed}"));
        assert!(all.header("content-type").unwrap().starts_with(kind));
        let text = all.body_text();
        assert!(
            text.contains("Else") && !text.contains("ann@example.org") && (feed == "json" || text.contains("First &amp; &lt;b&gt;")),
            "{text}"
        );
        let some = stranger.get(&format!("/-/changelog/feed.{feed}?path=Guide")).body_text();
        assert!(some.contains("First") && !some.contains("Else"), "{some}");
    }
    assert_eq!(stranger.get("/-/changelog/feed.json?author=nobody").body_text().matches("\"url\"").count(), 0);
    assert!(ann.get("/-/changelog?path=Guide&from=2020-01-01").body_text().contains("First &#38;"));
    assert!(!ann.get("/-/changelog?until=2020-01-01").body_text().contains("First"));
    assert_eq!(ann.get("/-/changelog?from=yesterday").status, 422);
    assert_eq!(ann.get("/-/changelog?author=%25").body_text().matches("class=\"title\"").count(), 0, "a sign is no wildcard");
    let llms = stranger.get("/llms.txt").body_text();
    assert!(llms.contains("[Setup & <start>](/Guide/Setup.md)"), "{llms}");
    let full = stranger.get("/llms-full.txt").body_text();
    assert!(full.contains("Page: /Guide/Setup.md\nRevision: ") && !full.contains("more pages do not fit"), "{full}");
    assert!(!stranger.get("/llms-full.txt?after=Guide/Setup").body_text().contains("Page: /Guide/Setup.md"));
    for i in 0..3 {
        assert_eq!(ann.save(&format!("Zlong{i}"), &format!("begin{i}\n{}", "x".repeat(600_000)), ""), Some(303));
    }
    let full = stranger.get("/llms-full.txt").body_text();
    assert!(full.contains("begin1\n") && !full.contains("begin2\n"), "what fits, and no more");
    assert!(full.ends_with("1 more pages do not fit. They begin at /llms-full.txt?after=Zlong1\n"));
    assert!(stranger.get("/llms-full.txt?after=Zlong1").body_text().contains("begin2\n"));
    assert!(stranger.get("/opensearch.xml").body_text().contains("/-/search?q={searchTerms}"));
    for typed in ["set", "sutup"] {
        assert!(stranger.get(&format!("/-/complete?kind=pages&q={typed}")).body_text().contains("/Guide/Setup"), "{typed}");
    }
    assert!(stranger.get("/-/complete?kind=headings&page=Guide/Setup").body_text().contains("\"anchor\""));
    assert!(stranger.get("/-/complete?kind=emoji&q=smil").body_text().contains("\"smile\""));
    assert_eq!(stranger.get("/-/complete?kind=x").status, 422);
    server.stop();
}

/// A bug: `?path=guide` found nothing where the page is `Guide`, and said so without a hint.
#[test]
fn changes_below_a_path_are_found_in_any_spelling() {
    let (_dir, mut server, ann) = docs();
    ann.save("Guide/Setup", "# Setup", "First").unwrap();
    ann.save("Tools/Saw/Teeth", "# Teeth", "Second").unwrap();
    ann.save("Other", "# Other", "Else").unwrap();
    for (path, change) in [("Guide", "First"), ("guide", "First"), ("GUIDE%2Fsetup", "First"), ("%2Ftools%2Fsaw", "Second")] {
        for page in ["/-/changelog", "/-/changelog/feed.atom", "/-/changelog/feed.rss", "/-/changelog/feed.json"] {
            let text = ann.get(&format!("{page}?path={path}")).body_text();
            assert!(text.contains(change) && !text.contains("Else"), "{page} {path}: {text}");
        }
    }
    // What is no more is found as it was called.
    ann.post("/Other/delete", &[]).unwrap();
    assert!(ann.get("/-/changelog?path=Other").body_text().contains("Else"));
    assert!(!ann.get("/-/changelog?path=nowhere").body_text().contains("Else"));
    server.stop();
}

#[test]
fn a_gardener_sees_what_is_to_do() {
    let (_dir, mut server, ann) = docs();
    ann.save("Empty", "# Empty", "").unwrap();
    ann.save("Links", "See [[Nowhere]] and [[Nowhere|again]], [[Empty]].\n\nmore\n\nlines", "").unwrap();
    ann.post("/Links/draft", &[("content", "unsaved"), ("revision", "")]).unwrap();
    let text = ann.get("/-/housekeeping").body_text();
    assert!(text.contains("/Nowhere/edit") && text.contains("/Links/edit?draft=continue") && text.contains("value=\"/Empty\""), "{text}");
    // Whoever may read sees what wants care; drafts are their owner's, and there is nothing to press.
    let stranger = server.client().get("/-/housekeeping");
    let seen = stranger.body_text();
    assert!(
        stranger.status == 200 && seen.contains("Nowhere") && !seen.contains("draft=continue") && !seen.contains("name=\"task\""),
        "{seen}"
    );
    ann.post("/-/housekeeping", &[("task", "drafts"), ("delete_draft", "/Links")]).unwrap();
    ann.post("/-/housekeeping", &[("task", "emptypages"), ("delete_empty_page", "/Empty"), ("delete_empty_page", "/Links")]).unwrap();
    assert_eq!((ann.get("/Empty").status, ann.get("/Links").status), (404, 200), "only what is empty goes");
    assert!(!ann.get("/-/housekeeping").body_text().contains("draft=continue"));
    server.stop();
}

#[test]
fn a_gardener_proposes_what_mends_and_somebody_accepts_it() {
    let (_dir, mut server, ann) = docs();
    ann.save("Guide/Setup", "---\nreview: 2001-02-03\n---\n# Setup\n\ntext\n", "").unwrap();
    ann.save("Home", "# Home\n\n[[Guide/Steup]] and <b>text</b> [[<i>x</i>]]\n\nx\n", "").unwrap();
    let text = ann.get("/-/housekeeping").body_text();
    assert!(text.contains("A link leads to Guide/Steup, which is not there. It could lead to Guide/Setup."), "{text}");
    assert!(text.contains("next review by") && text.contains("line 3") && !text.contains("<i>x"), "{text}");
    let one = ann.get("/-/housekeeping?kind=broken-link").body_text();
    assert!(one.contains("Guide/Steup") && !one.contains("next review by") && !one.contains("holt-drafts"), "{one}");
    assert_eq!(ann.get("/-/housekeeping?kind=dust").status, 404);
    let mend = [("task", "relink"), ("page", "/Home"), ("from", "Guide/Steup"), ("to", "Guide/Setup")];
    let made = ann.post("/-/housekeeping", &mend).unwrap();
    assert_eq!((made.status, made.header("location")), (303, Some("/-/proposals/1")), "{}", made.body_text());
    assert!(ann.get("/Home.md").body_text().contains("Steup"), "nothing changes until somebody accepts it");
    let shown = ann.get("/-/proposals/1");
    let seen = shown.field("seen");
    let fields = [("action", "accept"), ("seen", seen.as_str()), ("file-0", "Home.md"), ("take-0", "1"), ("hunk-0", "1")];
    assert_eq!(ann.post("/-/proposals/1", &fields).unwrap().status, 303);
    assert!(ann.get("/Home.md").body_text().starts_with("# Home\n\n[[Guide/Setup]] and"));
    // It is well now, and something else was never offered.
    assert_eq!(ann.post("/-/housekeeping", &mend).unwrap().status, 409);
    let other = [("task", "relink"), ("page", "/Home"), ("from", "<i>x</i>"), ("to", "Guide/Setup")];
    assert_eq!(ann.post("/-/housekeeping", &other).unwrap().status, 409);
    assert_eq!(server.client().post("/-/housekeeping", &mend).unwrap().status, 403);
    server.stop();
}

#[test]
fn many_findings_come_in_parts() {
    let (_dir, mut server, ann) = docs();
    let links: String = (0..120).map(|n| format!("[[Gone {n:03}]]\n\n")).collect();
    ann.save("Links", &links, "").unwrap();
    let first = ann.get("/-/housekeeping?kind=broken-link").body_text();
    assert!(first.contains("Gone 049") && !first.contains("Gone 050"), "{first}");
    let next =
        first.split("href=\"").find_map(|rest| rest.split('"').next().filter(|url| url.contains("after="))).unwrap().replace("&amp;", "&");
    let second = ann.get(&next.replace("&#38;", "&")).body_text();
    assert!(second.contains("Gone 050") && second.contains("Gone 099") && !second.contains("Gone 049"), "{next}");
    server.stop();
}

#[test]
fn several_pages_move_at_once() {
    let (_dir, mut server, ann) = docs();
    for (path, text) in [("A", "# A"), ("A/Sub", "[[B]]"), ("B", "See [[A/Sub]]."), ("Archive/C", "# C"), ("C", "# other C")] {
        ann.save(path, text, "").unwrap();
    }
    assert!(ann.get("/-/move").body_text().contains("value=\"/A/Sub\""));
    let refused = ann.post("/-/move", &[("target", "Archive"), ("page", "/A"), ("page", "/C")]).unwrap();
    assert!(refused.status == 409 && refused.body_text().contains("value=\"/A\" checked"), "{}", refused.status);
    assert_eq!(ann.get("/A").status, 200, "nothing moved");
    let moved = ann.post("/-/move", &[("target", "Archive/2026"), ("page", "/A"), ("page", "/A/Sub"), ("page", "/B")]).unwrap();
    assert_eq!(moved.status, 303, "{}", moved.body_text());
    assert_eq!(ann.get("/Archive/2026/B.md").body_text(), "See [[Archive/2026/A/Sub]].\n");
    assert_eq!(ann.get("/Archive/2026/A/Sub.md").body_text(), "[[Archive/2026/B]]\n");
    assert_eq!(leads_to(&ann, "/A/Sub"), (301, Some("/Archive/2026/A/Sub".into())));
    let form = ann.get("/Archive/2026/B/rename").body_text();
    assert!(form.contains("These pages link here") && form.contains("/Archive/2026/A/Sub"), "{form}");
    server.stop();
}

#[test]
fn a_difference_is_shown_in_the_page() {
    let (_dir, mut server, ann) = docs();
    ann.save("Page", "# Title\n\nThe otter swims well.\n\n- one\n- two", "").unwrap();
    let old = ann.get("/Page/edit").field("revision");
    ann.save("Page", "# Title\n\nThe otter sleeps well.\n\n- one\n- two\n\n<b onclick=x>raw</b>", "").unwrap();
    let new = ann.get("/Page/edit").field("revision");
    let text = ann.get(&format!("/Page/diff/{old}/{new}?view=page")).body_text();
    assert!(text.contains("The otter <del class=\"removed\">swims</del><ins class=\"added\">sleeps</ins> well."), "{text}");
    assert!(text.contains("<div class=\"block-added\"><p>&lt;b onclick=x&gt;raw</p>"), "{text}");
    server.stop();
}

#[test]
fn a_search_is_narrowed_down() {
    let (_dir, mut server, ann) = docs();
    ann.save("Guide/Otter", "---\ntags: [animals]\n---\n# Otter\n\nswims in rivers", "").unwrap();
    ann.save("Guide", "swims too", "").unwrap();
    ann.save("Other", "swims elsewhere", "").unwrap();
    let found = |query: &str| {
        let text = ann.get(&format!("/-/search?{query}")).body_text();
        text.split("<a class=\"title\" href=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(found("q=swims").len(), 3);
    assert_eq!(found("q=swims+path%3AGuide").len(), 2);
    assert_eq!(found("q=swims&path=guide&tag=Animals"), ["/Guide/Otter"]);
    assert_eq!(found("q=tag%3Aanimals"), ["/Guide/Otter"]);
    assert_eq!(found("q=&author=ann").len(), 3, "the welcome page is not hers");
    assert_eq!(found("q=swims+author%3Anobody").len(), 0);
    assert_eq!(found("q=swims&before=2020-01-01").len(), 0);
    assert_eq!(found("q=swims&after=2020-01-01").len(), 3);
    assert_eq!(ann.get("/-/search?q=swims&before=soon").status, 422);
    assert!(ann.get("/-/search?q=swims&path=Guide&part=0").body_text().contains("name=\"path\" dir=\"auto\" value=\"Guide\""));
    server.stop();
}

#[test]
fn administrators_shape_the_menu_and_the_rest() {
    let (_dir, mut server, ann) = docs();
    ann.save("Guide/Setup", "# Setup", "").unwrap();
    ann.save("Lost", "**Nothing** is here, sorry.", "").unwrap();
    let save = |screen: &str, fields: &[(&str, &str)]| ann.post(&format!("/-/admin/{screen}"), fields).unwrap();
    let sidebar = [
        ("sidebar_menutree_mode", "DIRECTORIES_ONLY"),
        ("sidebar_menutree_focus", "OFF"),
        ("sidebar_shortcut_home", "True"),
        ("link", "Guide/Setup"),
        ("title", "First <steps>"),
        ("icon", ""),
        ("link", "---"),
        ("title", ""),
        ("icon", ""),
    ];
    assert_eq!(save("sidebar_preferences", &sidebar).status, 303);
    let home = ann.get("/").body_text();
    assert!(home.contains("First &#60;steps&#62;</a>") && home.contains("<li role=\"separator\">"), "{home}");
    let tree = home.split("class=\"tree\"").nth(1).unwrap().split("</nav>").next().unwrap();
    assert!(tree.contains("href=\"/Guide\"") && !tree.contains("href=\"/Lost\""), "{tree}");
    assert!(ann.get("/-/admin/sidebar_preferences").body_text().contains("value=\"First &#60;steps&#62;\""));
    let bad = save(
        "sidebar_preferences",
        &[("sidebar_menutree_mode", "SORTED"), ("sidebar_menutree_focus", "TOP"), ("sidebar_menutree_maxdepth", "two")],
    );
    assert!(bad.status == 422 && bad.body_text().contains("value=\"two\""), "what was typed is still there");
    assert_eq!(save("sidebar_preferences", &[("sidebar_menutree_mode", "")]).status, 422, "no choice of the folders");
    save("sidebar_preferences", &[("sidebar_menutree_mode", ""), ("sidebar_menutree_focus", "TOP")]);
    assert!(!ann.get("/").body_text().contains("class=\"tree\""));
    let look = |logo: &str, missing: &str| {
        let german = [("language", "de"), ("text_direction", "ltr"), ("site_lang", "de")];
        save("appearance", &[&german[..], &[("site_logo", logo), ("not_found_page", missing), ("robots_txt", "disallow")]].concat())
    };
    assert_eq!(look("javascript:alert(1)", "").status, 422);
    assert_eq!(look("/Guide/logo.png", "Lost.md").status, 422);
    assert_eq!(look("/Guide/logo.png", "Lost").status, 303);
    let missing = server.client().get("/Nowhere");
    assert!(missing.status == 404 && missing.body_text().contains("<strong>Nothing</strong> is here"), "{}", missing.body_text());
    assert!(missing.body_text().contains("src=\"/Guide/logo.png\"") && missing.body_text().contains("<html lang=\"de\" dir=\"ltr\">"));
    ann.save("Lost", "Changed words.", "").unwrap();
    assert!(server.client().get("/Nowhere").body_text().contains("Changed words."));
    assert_eq!(
        save("content_and_editing", &[("commit_message", "REQUIRED"), ("wikilink_style", "LINKTITLE"), ("retain_page_name_case", "True")])
            .status,
        303
    );
    assert_eq!(ann.save("Guide/Setup", "# Setup again", ""), Some(422), "a message is wanted now");
    assert_eq!(server.client().get("/-/admin/appearance").status, 303);
    server.stop();
}

#[test]
fn changes_that_programs_made_are_named_and_found() {
    let (dir, _server, ann) = docs();
    ann.save("Page", "# Page\n\nA line.", "By hand").unwrap();
    // As an agent's door will write it; by git here, which is how agents of today do.
    let repo = Server::repo(dir.path(), "docs");
    let copy = dir.path().join("copy");
    git(dir.path(), &["clone", "-q", &repo.to_string_lossy(), "copy"]);
    std::fs::write(copy.join("Page.md"), "# Page\n\nA line.\n\nAnother <b>line</b>.\n").unwrap();
    let message = "Tidied up\n\nVia: mcp/otter-agent <1>\n";
    git(&copy, &["-c", "user.name=Ann", "-c", "user.email=ann@example.org", "commit", "-qam", message]);
    git(&copy, &["push", "-q"]);
    let found = |query: &str| {
        let text = ann.get(&format!("/-/changelog?{query}")).body_text();
        (text.contains("Tidied up"), text.contains("By hand"))
    };
    assert_eq!(
        (found(""), found("agent=*"), found("agent=Otter"), found("agent=beaver")),
        ((true, true), (true, false), (true, false), (false, false))
    );
    for address in ["/-/changelog", "/Page/history", "/Page/blame"] {
        let text = ann.get(address).body_text();
        assert!(text.contains(" via mcp/otter-agent &#60;1&#62;"), "{address}: {text}");
    }
    assert_eq!(ann.get("/-/changelog/feed.json?agent=*").body_text().matches("\"url\"").count(), 1);
}
