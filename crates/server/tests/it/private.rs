//! Private pages over the wire: set in a form, obeyed by every address at once.

use crate::client::{Client, docs};
use crate::comments::member;
use crate::http::upload;
use serde_json::Value;
use std::collections::BTreeSet;

/// Every address about a page, and about a file of it.
const ABOUT: [&str; 17] = [
    "",
    ".md",
    "/edit",
    "/rename",
    "/delete",
    "/view",
    "/history",
    "/diff/REV/REV",
    "/blame",
    "/source",
    "/source/REV",
    "/comments",
    "/attachments",
    "/a/doc.txt",
    "/doc.txt",
    "/attachment/doc.txt",
    "?revision=REV",
];
/// Every address about the wiki that shows pages.
const AROUND: [&str; 26] = [
    "/",
    "/Open",
    "/Open.md",
    "/-/index",
    "/-/tags",
    "/-/tags?tag=shared",
    "/-/tree",
    "/-/tree?path=Staff",
    "/-/deleted",
    "/-/changelog",
    "/-/changelog?path=Staff",
    "/-/changelog/feed.atom",
    "/-/changelog/feed.rss",
    "/-/changelog/feed.json",
    "/-/search?q=words",
    "/-/search?q=zq*",
    "/-/complete?kind=pages&q=zq",
    "/-/complete?kind=pages&q=staff",
    "/-/complete?kind=headings&page=Staff/Plan",
    "/-/complete?kind=files&page=Staff/Plan",
    "/sitemap.xml",
    "/llms.txt",
    "/llms-full.txt",
    "/llms-full.txt?after=Staff",
    "/Nowhere",
    "/-/commit/REV",
];

/// Every address of the API that shows pages.
const API: [&str; 27] = [
    "/pages",
    "/pages?prefix=Staff",
    "/pages?tag=shared",
    "/pages/Open",
    "/pages/Staff/Plan",
    "/pages/Staff/Plan?revision=REV",
    "/pages/Staff/Plan?section=Zqx+plan",
    "/pages/Staff/Plan/history",
    "/pages/Staff/Plan/diff?from=REV&to=HEAD",
    "/pages/Staff/Plan/attachments",
    "/pages/Staff/Plan/attachments/doc.txt",
    "/links",
    "/links/Staff/Plan",
    "/links/orphans",
    "/links/missing",
    "/search?q=words",
    "/search?q=zq*",
    "/search?q=x&prefix=Staff",
    "/changelog",
    "/changelog?path_prefix=Staff",
    "/changelog?since=REV",
    "/tree",
    "/tree?path=Staff",
    "/changes",
    "/changes?since=0000000000000000000000000000000000000000",
    "/wiki",
    "/index-status",
];

fn set(ann: &Client, rules: &[[&str; 5]]) -> u16 {
    let before = ann.get("/-/admin/path_rules").field("before").replace("&#34;", "\"");
    let fields: Vec<(&str, &str)> = rules
        .iter()
        .flat_map(|rule| ["path", "read", "write", "readers", "writers"].into_iter().zip(*rule))
        .chain([("before", before.as_str())])
        .collect();
    ann.post("/-/admin/path_rules", &fields).unwrap().status
}

#[test]
fn a_part_of_the_wiki_becomes_private() {
    let (_dir, server, ann) = docs();
    ann.save("Staff/Plan", "---\ntags: [shared]\n---\n# Zqx plan\n\nwords zqx", "zqx begins").unwrap();
    assert!(upload(&ann, "/Staff/Plan/attachments", &[], &[("doc.txt", b"zqx")]).status < 400);
    ann.save("Open", "---\ntags: [shared]\n---\n# Open\n\n[[Staff/Plan]] words\n\n{{Include|src=/Staff/Plan}}", "").unwrap();
    let revision = ann.get("/Staff/Plan/history").body_text().split("/Staff/Plan/view/").nth(1).unwrap()[..40].to_string();
    let people = ["bob", "eve"].map(|name| member(&server, &ann, name));
    let stranger = server.client();
    assert!(stranger.get("/Staff/Plan").body_text().contains("words zqx") && stranger.get("/Open").body_text().contains("words zqx"));

    let bob_reads = ["Staff", "ADMIN", "ADMIN", "bob@example.org", ""];
    assert_eq!(set(&ann, &[bob_reads]), 303);
    let (bob, eve) = (&people[0], &people[1]);
    for who in [&stranger, eve] {
        for about in ABOUT {
            let url = format!("/Staff/Plan{}", about.replace("REV", &revision));
            let answer = who.get(&url);
            // Strangers are asked to log in where members alone may write, here as anywhere.
            let login = answer.header("location").is_some_and(|to| to.starts_with("/-/login"));
            assert!(login || matches!(answer.status, 403 | 404), "{url}: {}", answer.status);
            assert!(!answer.body_text().to_lowercase().contains("zqx"), "{url}");
        }
        for around in AROUND.iter().map(ToString::to_string).chain(API.map(|address| format!("/api/v1{address}"))) {
            let url = around.replace("REV", &revision);
            assert!(!who.get(&url).body_text().to_lowercase().contains("zqx"), "{url}");
        }
    }
    assert_eq!(
        stranger.get("/Staff/Plan").body_text().replace("Plan", "X"),
        stranger.get("/Staff/XXXX").body_text().replace("XXXX", "X"),
        "as if it were not there"
    );
    // Whoever writes elsewhere writes nothing there, and gets nothing back.
    for (address, form) in [
        ("save", [("content", "x"), ("revision", revision.as_str())]),
        ("preview", [("content", "{{Include|src=/Staff/Plan}}"), ("revision", "")]),
    ] {
        let answer = eve.post(&format!("/Staff/Plan/{address}"), &form).unwrap();
        assert!(answer.status == 403 && !answer.body_text().contains("zqx"), "{address}");
    }
    assert!(!eve.post("/Open/preview", &[("content", "{{Include|src=/Staff/Plan}}")]).unwrap().body_text().contains("zqx"));

    // The same through the API; what a program sends back to a hidden page is refused before it is looked at.
    let headers = [("Origin", format!("http://{}", eve.host)), ("X-CSRF-Token", eve.csrf()), ("Content-Type", "application/json".into())];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    for (method, address, body) in [
        ("PUT", "pages/Staff/Plan", r#"{"content": "x", "revision": "REV"}"#),
        ("PATCH", "pages/Staff/Plan", r#"{"old_string": "words", "new_string": "x", "revision": "REV"}"#),
        ("DELETE", "pages/Staff/Plan", "{}"),
        ("POST", "pages/Staff/Plan/rename", r#"{"new_path": "Mine"}"#),
        ("POST", "commits", r#"{"message": "m", "operations": [{"op": "delete", "path": "Staff/Plan", "revision": "REV"}]}"#),
        ("POST", "pages:batchGet", r#"{"paths": ["Staff/Plan"]}"#),
    ] {
        let answer = eve.send(method, &format!("/api/v1/{address}"), &headers, body.replace("REV", &revision).as_bytes()).unwrap();
        let expected = if address == "pages:batchGet" { 200 } else { 403 };
        assert!(answer.status == expected && !answer.body_text().contains("qx"), "{address}: {} {}", answer.status, answer.body_text());
    }
    // Hidden and not there are one answer, word for word.
    for address in [
        "pages/PAGE",
        "pages/PAGE?section=x",
        "pages/PAGE?revision=abc",
        "pages/PAGE/history",
        "pages/PAGE/diff?from=abc&to=HEAD",
        "pages/PAGE/attachments",
        "pages/PAGE/attachments/doc.txt",
        "links/PAGE",
    ] {
        let asked = |page: &str| {
            let answer = eve.get(&format!("/api/v1/{}", address.replace("PAGE", page)));
            (answer.status, answer.body_text().replace(page, "PAGE").replace("\"Open\"", ""))
        };
        assert_eq!(asked("Staff/Plan"), asked("Other/Name"), "{address}");
    }
    let mine: Value = serde_json::from_slice(&bob.get("/api/v1/pages/staff/plan").body).unwrap();
    assert!(mine["content"].as_str().is_some_and(|text| text.contains("words zqx")), "{mine}");

    let page = bob.get("/Staff/Plan");
    assert!(page.status == 200 && page.body_text().contains("words zqx") && page.body_text().contains("Only some people"));
    assert_eq!(page.header("cache-control"), Some("private, no-store"));
    assert_eq!(bob.get("/Staff/Plan/a/doc.txt").header("cache-control"), Some("private, no-store"));
    assert!(
        bob.get("/Staff/Plan.md").body_text().ends_with("words zqx\n") && bob.get("/staff/plan").header("location") == Some("/Staff/Plan")
    );
    assert!(!bob.get("/Open").body_text().contains("words zqx"), "the same page for everybody");
    assert_eq!(bob.get("/Staff/Plan/edit").status, 403);
    let me: Value = serde_json::from_str(&bob.get("/-/me").body_text()).unwrap();
    assert_eq!((me["private"][0]["url"].as_str(), me["private"][0]["children"].as_bool()), (Some("/Staff"), Some(true)));
    let others: Value = serde_json::from_str(&eve.get("/-/me").body_text()).unwrap();
    assert_eq!(others["private"].as_array().map(Vec::len), Some(0));

    assert_eq!(set(&ann, &[["Staff", "ADMIN", "ADMIN", "", "BOB@example.org"], ["Open", "ANONYMOUS", "ADMIN", "", ""]]), 303);
    assert_eq!((bob.get("/Staff/Plan/edit").status, bob.get("/Open/edit").status, eve.get("/Open").status), (200, 403, 200));
    assert_eq!(set(&ann, &[]), 303);
    assert!(stranger.get("/Staff/Plan").body_text().contains("words zqx"));
}

/// Found by `isolation`: whoever had a session was given a reader's cookie with any answer of a private wiki.
#[test]
fn what_everybody_is_answered_makes_nobody_a_reader() {
    let (_dir, server, ann) = docs();
    ann.save("Plan", "# Plan\n\nwords zqx", "").unwrap();
    let bob = member(&server, &ann, "bob");
    let level = |level: &str| ann.post("/-/admin/permissions_and_registration", &[("READ_access", level)]).unwrap().status;
    assert_eq!(level("ADMIN"), 303);
    for address in ["/robots.txt", "/favicon.ico", "/manifest.webmanifest", "/opensearch.xml"] {
        let answer = bob.get(address);
        assert!(answer.status < 400 && !answer.headers.iter().any(|(_, line)| line.starts_with("holt_viewer=")), "{address}");
        let page = bob.get("/Plan");
        assert!(page.status == 403 && !page.body_text().contains("zqx"), "{address}: {}", page.status);
    }
    // The control: a reader is given one.
    assert_eq!(level("APPROVED"), 303);
    assert!(bob.get("/Plan").headers.iter().any(|(_, line)| line.starts_with("holt_viewer=")));
}

#[test]
fn rules_that_cannot_be_are_told_apart() {
    let (_dir, _server, ann) = docs();
    for (rules, words) in [
        (vec![["Staff", "ADMIN", "ADMIN", "who@example.org", ""]], "is no member of this wiki"),
        (vec![["Staff", "ADMIN", "ADMIN", "", ""], ["staff/", "ADMIN", "ADMIN", "", ""]], "wo rules for"),
        (vec![["../x", "ADMIN", "ADMIN", "", ""]], "Private pages"),
        (vec![["Staff", "NOBODY", "ADMIN", "", ""]], "is no such choice"),
    ] {
        let fields: Vec<(&str, &str)> =
            rules.iter().flat_map(|rule| ["path", "read", "write", "readers", "writers"].into_iter().zip(*rule)).collect();
        let answer = ann.post("/-/admin/path_rules", &fields).unwrap();
        assert_eq!(answer.status, 422, "{rules:?}");
        assert!(answer.body_text().contains(words) && answer.body_text().contains(&format!("value=\"{}\"", rules[0][0])), "{words}");
    }
    assert!(!ann.get("/-/admin/path_rules").body_text().contains("Empty this to remove"), "nothing was stored");
}

#[test]
fn private_pages_stay_private_when_they_move() {
    let (_dir, server, ann) = docs();
    let (bob, stranger) = (member(&server, &ann, "bob"), server.client());
    ann.save("Staff/Plan", "# Plan\n\nwords zqx", "").unwrap();
    ann.save("Open", "# Open\n\n[[Staff/Plan]] [[Later]]", "").unwrap();
    ann.save("Later", "# Later\n\nopen words", "").unwrap();
    assert_eq!(set(&ann, &[["Staff", "ADMIN", "ADMIN", "", "bob@example.org"]]), 303);
    // An old form does not take away what came since.
    assert_eq!(ann.post("/-/admin/path_rules", &[("before", "")]).unwrap().status, 409);
    // The rule goes along with the page it is about, and stays for what was there.
    let to = |name: &str| [("new_pagename", name.to_string()), ("update_backlinks", "1".to_string())];
    let rename = |who: &Client, from: &str, name: &str, more: &[(&str, &str)]| {
        let fields = to(name);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(key, value)| (*key, value.as_str())).chain(more.iter().copied()).collect();
        who.post(&format!("/{from}/rename"), &fields).unwrap()
    };
    assert_eq!(rename(&ann, "Staff", "Crew", &[]).status, 303);
    let hidden = |address: &str| assert_eq!(stranger.get(address).status, 404, "{address}");
    let head = ann.get("/-/changelog").body_text().split("/-/commit/").nth(1).unwrap()[..40].to_string();
    for address in ["/Crew/Plan", "/Staff/Plan", "/-/commit/HEAD", &format!("/-/commit/{head}"), &format!("/Crew/Plan/view/{head}")] {
        assert!(!stranger.get(address).body_text().contains("zqx"), "{address}");
    }
    hidden("/Crew/Plan");
    assert!(!stranger.get("/-/changelog").body_text().contains("Crew") && !stranger.get("/Open.md").body_text().contains("Crew"));
    // Out of it: not by its writers, and by administrators if they mean it.
    assert_eq!(rename(&bob, "Crew/Plan", "Plan", &[("opens", "1")]).status, 403);
    let asked = rename(&ann, "Crew/Plan", "Plan", &[]);
    assert!(asked.status == 422 && asked.body_text().contains("name=\"opens\""));
    hidden("/Plan");
    let several = ann.post("/-/move", &[("path", ""), ("target", "Open"), ("page", "/Crew/Plan")]).unwrap();
    assert!(several.status == 422 && several.body_text().contains("more readers"), "{}: {}", several.status, several.body_text());
    assert_eq!(rename(&ann, "Crew/Plan", "Plan", &[("opens", "1")]).status, 303);
    assert!(stranger.get("/Plan").body_text().contains("words zqx"));
    // Nobody takes the name of a hidden page.
    bob.save("Shadow", "---\naliases: [Crew/Plan, Crew/New]\n---\n# Shadow", "").unwrap();
    hidden("/Crew/Plan");
    hidden("/Crew/New");
}

#[test]
fn the_newest_commit_tells_nothing_of_what_is_hidden() {
    let (_dir, server, ann) = docs();
    ann.save("Open", "# Open", "seen").unwrap();
    assert_eq!(set(&ann, &[["Staff", "ADMIN", "ADMIN", "", ""]]), 303);
    ann.save("Staff/Plan", "# Plan", "unseen").unwrap();
    let stranger = server.client();
    let before = stranger.get("/-/commit/HEAD").body_text();
    assert!(before.contains("seen") && !before.contains("unseen"));
    for address in ["/-/changelog", "/-/changelog/feed.atom", "/-/changelog/feed.rss"] {
        assert_eq!(commits(&stranger, address) + 1, commits(&ann, address), "{address}");
    }
    let bob = member(&server, &ann, "bob");
    let base = bob.get("/Open/edit").field("revision");
    assert!(stranger.get(&format!("/-/commit/{base}")).body_text().contains("seen"));
    assert_eq!(bob.save("Open", "# Open\n\nmore", "").unwrap(), 303);
}

/// How many commits are named at an address.
fn commits(who: &Client, address: &str) -> usize {
    let text = who.get(address).body_text();
    text.split("/-/commit/").skip(1).map(|rest| rest[..40].to_string()).collect::<BTreeSet<_>>().len()
}

#[test]
fn a_refused_save_keeps_its_text() {
    let (_dir, server, ann) = docs();
    ann.save("Page", "# Page", "").unwrap();
    let edit = ann.get("/Page/edit");
    let revision = edit.field("revision");
    let bob = member(&server, &ann, "bob");
    let sent = [("content", "# Page\n\nprecious <b>words</b>"), ("revision", revision.as_str()), ("commit", "why")];
    // The session ended meanwhile.
    bob.refresh_csrf();
    bob.post("/-/logout", &[]).unwrap();
    let kept = bob.post("/Page/save", &sent).unwrap();
    assert!(
        kept.status == 403 && kept.body_text().contains("precious &#60;b&#62;words") && kept.body_text().contains("/-/login"),
        "{}",
        kept.body_text()
    );
    assert_eq!(kept.field("revision"), revision);
    // After logging in the form is too old, and brings the token that is not.
    bob.log_in("bob@example.org", "battery staple");
    bob.use_token(&kept);
    let kept = bob.post("/Page/save", &sent).unwrap();
    assert!(kept.status == 403 && kept.body_text().contains("precious"));
    bob.use_token(&kept);
    assert_eq!(bob.post("/Page/save", &sent).unwrap().status, 303);
    assert!(ann.get("/Page.md").body_text().contains("precious"));
    // A form of somebody else's is given nothing back.
    let foreign = [("Origin", "https://evil.example"), ("Content-Type", "application/x-www-form-urlencoded")];
    let answer = ann.send("POST", "/Page/save", &foreign, b"content=injected&revision=").unwrap();
    assert!(answer.status == 403 && !answer.body_text().contains("injected"));
}

#[test]
fn drafts_of_pages_that_became_private_wait_unseen() {
    let (_dir, server, ann) = docs();
    ann.save("Staff/Plan", "# Plan", "").unwrap();
    let eve = member(&server, &ann, "eve");
    eve.refresh_csrf();
    assert_eq!(eve.post("/Staff/Plan/draft", &[("content", "mine"), ("revision", "")]).unwrap().status, 204);
    let listed = |who: &Client| who.get("/-/housekeeping").body_text().contains("/Staff/Plan");
    assert!(listed(&eve));
    assert_eq!(set(&ann, &[["Staff", "ADMIN", "ADMIN", "", ""]]), 303);
    assert!(!listed(&eve), "a way to a page that is not there for her");
    assert_eq!(set(&ann, &[]), 303);
    assert!(listed(&eve), "nothing was thrown away");
}

#[test]
fn a_file_takes_no_place_of_a_private_part() {
    let (_dir, server, ann) = docs();
    for page in ["Open", "Open/Hidden/Plan", "Open/Secret"] {
        ann.save(page, "# Zqx", "").unwrap();
    }
    assert_eq!(set(&ann, &[["Open/Hidden", "ADMIN", "ADMIN", "", ""], ["Open/Secret", "ADMIN", "ADMIN", "", ""]]), 303);
    let eve = member(&server, &ann, "eve");
    eve.refresh_csrf();
    let answers = ["Hidden", "Secret"].map(|name| {
        let answer = upload(&eve, "/Open/attachments", &[], &[(name, b"boo")]);
        (answer.status, answer.body_text().replace(name, "NAME"))
    });
    assert_eq!(answers[0].0, 403);
    assert!(!answers[1].1.contains("there is a page"), "{}", answers[1].1);
    assert!(ann.get("/Open/Hidden/Plan").body_text().contains("Zqx"));
    assert!(upload(&eve, "/Open/attachments", &[], &[("Other", b"fine")]).status < 400);
}
