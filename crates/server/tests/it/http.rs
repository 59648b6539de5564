//! What people do, over the wire: first start, writing, conflicts, files, private wikis, and what is refused.

use crate::client::{Answer, Client, Server, docs, encode};
use holt_testkit::git;

const PASSWORD: &str = "correct horse";

/// A multipart form with the session's token, fields and files.
pub fn upload(client: &Client, path: &str, fields: &[(&str, &str)], files: &[(&str, &[u8])]) -> Answer {
    let token = client.csrf();
    let mut body = Vec::new();
    for (name, value) in fields.iter().chain([("csrf_token", token.as_str())].iter()) {
        body.extend_from_slice(format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").as_bytes());
    }
    for (name, content) in files {
        let head = format!(
            "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: application/octet-stream\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--XX--\r\n");
    let origin = format!("http://{}", client.host);
    let headers = [("Origin", origin.as_str()), ("Content-Type", "multipart/form-data; boundary=XX")];
    client.send("POST", path, &headers, &body).unwrap()
}

#[test]
fn the_first_start_leads_to_a_wiki_of_ones_own() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Server::start(dir.path(), &[]);
    let client = server.client();
    let home = client.get("/");
    assert_eq!(home.status, 200);
    assert!(home.body_text().contains("Welcome"), "{}", home.body_text());
    let link = server.setup.clone().expect("a link for the first administrator");
    let form = client.get(&link);
    client.use_token(&form);
    let token = form.field("token");
    let good = [("token", token.as_str()), ("name", "Ann"), ("email", "ann@example.org"), ("password", PASSWORD)];
    let short = [("token", token.as_str()), ("name", "Ann"), ("email", "ann@example.org"), ("password", "short")];
    assert_eq!(client.post("/-/setup", &short).unwrap().status, 422, "a bad password does not use the link up");
    assert_eq!(client.post("/-/setup", &good).unwrap().status, 303);
    let me = client.get("/-/me").body_text();
    assert!(me.contains("\"Ann\"") && me.contains("\"admin\":true"), "{me}");
    // The link is used up, for whoever finds it in a log.
    let other = server.client();
    let form = other.get("/-/login");
    other.use_token(&form);
    assert_eq!(other.post("/-/setup", &good).unwrap().status, 403);
    server.stop();
    let server = Server::start(dir.path(), &[]);
    assert_eq!(server.setup, None, "no link once there is an administrator");
}

#[test]
fn a_page_lives_from_creation_to_deletion() {
    let (dir, mut server, ann) = docs();
    let made = ann.post("/-/create", &[("pagename", "Guide/Setup")]).unwrap();
    assert_eq!((made.status, made.header("location")), (303, Some("/Guide/Setup/edit")));
    assert_eq!(ann.get("/Guide/Setup/edit").field("revision"), "", "a new page has no base");
    assert_eq!(ann.save("Guide/Setup", "# Setup\n\nRun `holt serve`.", "First version"), Some(303));
    assert_eq!(ann.save("Notes", "See [[Guide/Setup]] and [this](/Guide/Setup).", ""), Some(303));
    let page = ann.get("/Guide/Setup");
    assert_eq!(page.status, 200);
    assert!(page.body_text().contains("<code>holt serve</code>") && page.body_text().contains("/Notes"), "text and backlink");
    assert_eq!(ann.get("/Guide/Setup.md").body_text(), "# Setup\n\nRun `holt serve`.\n");
    assert_eq!(ann.get("/Guide").status, 200, "a folder lists its pages");

    // Other spellings lead to the one address.
    let other = ann.get("/guide/SETUP");
    assert_eq!((other.status, other.header("location")), (301, Some("/Guide/Setup")));

    assert_eq!(ann.save("Guide/Setup", "# Setup\n\nRun `holt serve`.\n\nThen read on.", "More"), Some(303));
    let history = ann.get("/Guide/Setup/history").body_text();
    assert!(history.contains("First version") && history.contains("More"));
    let revisions: Vec<String> = history.split("name=\"rev_a\" value=\"").skip(1).map(|rest| rest[..40].to_string()).collect();
    assert_eq!(revisions.len(), 2);
    // Picked in the wrong order, compared in the right one.
    let chosen = ann.post("/Guide/Setup/history", &[("rev_a", &revisions[0]), ("rev_b", &revisions[1])]).unwrap();
    let diff = format!("/Guide/Setup/diff/{}/{}", revisions[1], revisions[0]);
    assert_eq!(chosen.header("location"), Some(diff.as_str()));
    for view in ["", "?view=side"] {
        assert!(ann.get(&format!("{diff}{view}")).body_text().contains("Then read on."));
    }
    let old = ann.get(&format!("/Guide/Setup/view/{}", revisions[1])).body_text();
    assert!(old.contains("holt serve") && !old.contains("Then read on."));
    assert!(ann.get("/Guide/Setup/blame").body_text().contains("Ann"));

    let reverted = ann.post(&format!("/-/revert/{}", revisions[0]), &[]).unwrap();
    assert_eq!(reverted.status, 303);
    assert_eq!(ann.get("/Guide/Setup.md").body_text(), "# Setup\n\nRun `holt serve`.\n");

    let renamed = ann.post("/Guide/Setup/rename", &[("new_pagename", "Handbook/First steps"), ("update_backlinks", "1")]).unwrap();
    assert_eq!(renamed.header("location"), Some("/Handbook/First%20steps"), "{}", renamed.body_text());
    assert_eq!(ann.get("/Notes.md").body_text(), "See [[Handbook/First steps]] and [this](/Handbook/First%20steps).\n");
    assert_eq!(ann.get("/Guide/Setup").status, 301, "the old name leads to the new one");
    assert!(ann.get("/Handbook/First%20steps/history").body_text().contains("First version"), "history follows");

    let found = ann.get("/-/search?q=serve").body_text();
    assert!(found.contains("/Handbook/First%20steps") && found.contains("<mark>serve</mark>"), "{found}");
    assert_eq!(ann.post("/Handbook/First%20steps/delete", &[("recursive", "1")]).unwrap().status, 303);
    assert_eq!(ann.get("/Handbook/First%20steps").status, 404);
    assert!(!ann.get("/-/search?q=serve").body_text().contains("/Handbook/First%20steps"));
    assert!(ann.get("/-/changelog").body_text().contains("deleted"));
    server.stop();

    let repo = Server::repo(dir.path(), "docs");
    git(&repo, &["fsck", "--strict"]);
    let log = git(&repo, &["log", "--format=%an <%ae> %cn"]);
    assert!(log.lines().all(|line| line.starts_with("Ann <ann@example.org> Holt")), "{log}");
    assert_eq!(log.lines().count(), 6, "one commit per change");
}

#[test]
fn edits_meet_without_loss() {
    let (_dir, _server, ann) = docs();
    ann.save("Plan", "# Plan\n\none\n\ntwo\n\nthree", "");
    let base = ann.get("/Plan/edit").field("revision");
    let save = |text: &str| ann.post("/Plan/save", &[("content", text), ("revision", &base), ("commit", "")]).unwrap();
    assert_eq!(save("# Plan\n\nONE\n\ntwo\n\nthree").status, 303);
    // From the same base, elsewhere on the page: both stay.
    assert_eq!(save("# Plan\n\none\n\ntwo\n\nTHREE").status, 303);
    assert_eq!(ann.get("/Plan.md").body_text(), "# Plan\n\nONE\n\ntwo\n\nTHREE\n");
    // The same line: nothing is written, both versions come back.
    let conflict = save("# Plan\n\nuno <b>\n\ntwo\n\nthree");
    assert_eq!(conflict.status, 409);
    let shown = conflict.body_text();
    assert!(shown.contains("uno &#60;b&#62;") && shown.contains("ONE") && shown.contains("&#60;&#60;&#60;&#60;&#60;&#60;&#60;"), "{shown}");
    assert_eq!(ann.get("/Plan.md").body_text(), "# Plan\n\nONE\n\ntwo\n\nTHREE\n");
    let resolved =
        ann.post("/Plan/save", &[("content", "# Plan\n\nuno\n"), ("revision", &conflict.field("revision")), ("commit", "")]).unwrap();
    assert_eq!(resolved.status, 303);
    assert_eq!(ann.get("/Plan.md").body_text(), "# Plan\n\nuno\n");
    // A page that exists already is not overwritten by somebody who thought it did not.
    assert_eq!(ann.post("/Plan/save", &[("content", "mine"), ("revision", "")]).unwrap().status, 409);
    // A base nobody here ever had.
    assert_eq!(ann.post("/Plan/save", &[("content", "mine"), ("revision", &"a".repeat(40))]).unwrap().status, 409);
    // One's own unsaved work comes back, and goes with a save.
    ann.post("/Plan/draft", &[("content", "# Plan\n\nhalf a tho"), ("revision", &ann.get("/Plan/edit").field("revision"))]).unwrap();
    assert!(ann.get("/Plan/edit").body_text().contains("Continue your draft"));
    assert!(ann.get("/Plan/edit?draft=continue").body_text().contains("half a tho"));
    ann.save("Plan", "# Plan\n\na whole thought\n", "");
    assert!(!ann.get("/Plan/edit").body_text().contains("Continue your draft"));
}

#[test]
fn forms_from_elsewhere_change_nothing() {
    let (_dir, server, ann) = docs();
    ann.save("Page", "here", "");
    let token = ann.csrf();
    let body = |token: &str| format!("csrf_token={}&recursive=1", encode(token));
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let own = format!("http://{}", ann.host);
    for (origin, token, why) in [
        ("http://evil.example", token.as_str(), "a foreign origin"),
        ("null", token.as_str(), "an opaque origin"),
        (own.as_str(), "", "no token"),
        (own.as_str(), "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "a wrong token"),
    ] {
        let answer = ann.send("POST", "/Page/delete", &[("Origin", origin), form], body(token).as_bytes()).unwrap();
        assert_eq!(answer.status, 403, "{why}");
    }
    let silent = ann.send("POST", "/Page/delete", &[form], body(&token).as_bytes()).unwrap();
    assert_eq!(silent.status, 403, "neither Origin nor Sec-Fetch-Site");
    assert_eq!(ann.get("/Page").status, 200);
    // Without a session the right is missing before anything else.
    let nobody = server.client();
    assert_eq!(nobody.post("/Page/delete", &[]).unwrap().status, 403);
    assert_eq!(nobody.get("/Page/edit").header("location"), Some("/-/login?next=%2FPage%2Fedit"));
}

#[test]
fn what_is_no_good_is_refused_and_leaves_nothing() {
    let (dir, mut server, ann) = docs();
    ann.save("Page", "here", "");
    let long_name = "x".repeat(300);
    for name in [
        "..",
        "a/../b",
        ".git",
        "a/.git/b",
        "CON",
        "a\u{0}b",
        "a\u{202e}b",
        "a//b",
        "-/x",
        "a/edit",
        "x.md",
        "",
        " ",
        &long_name,
        &"a/".repeat(20),
    ] {
        let made = ann.post("/-/create", &[("pagename", name)]).unwrap();
        let saved = ann.post(&format!("/{}/save", encode(name).replace("%2F", "/")), &[("content", "x"), ("revision", "")]).unwrap();
        // Some are tidied into a good name; what is accepted leads to an editor and nowhere else.
        let fine = made.status == 303 && made.header("location").unwrap().ends_with("/edit");
        assert!(fine || (400..500).contains(&made.status), "{name:?}: {}", made.status);
        assert!((400..500).contains(&saved.status) || fine, "{name:?}: {}", saved.status);
    }
    for address in [
        "/..%2f..%2fetc/passwd",
        "/%2e%2e/%2e%2e/x",
        "/a%00b",
        "/a%5cb",
        "/%ff",
        "/.git/config",
        "/.git/HEAD",
        "/a%2Fb",
        "/%",
        "/Page/view/HEAD",
        "/Page/view/--output=x",
        "/Page/diff/zzzz/yyyy",
        "/Page/view/ffffffff",
        "/-/commit/1234567",
        "/-/revert/zz",
        "/Page?revision=",
        "/Page/blame/-x",
        "/Page/a/..%2f..%2fx",
        "/Page/a/none.png",
        "/nowhere/history",
        "/-/nothing",
        "/Page/edit/ffff",
        "/-/changelog/zz",
        "/-/admin/none",
    ] {
        let status = ann.get(address).status;
        assert!((400..500).contains(&status), "{address}: {status}");
    }
    let too_long = "x".repeat(1024 * 1024 + 1);
    let answer = ann.post("/Big/save", &[("content", &too_long), ("revision", "")]).unwrap();
    assert_eq!(answer.status, 413);
    assert!(answer.body_text().contains("Split the page in two"), "the remedy is named");
    assert_eq!(ann.post("/Nul/save", &[("content", "a\u{0}b"), ("revision", "")]).unwrap().status, 422);
    assert_eq!(ann.post("/Message/save", &[("content", "a"), ("commit", &"m".repeat(5000)), ("revision", "")]).unwrap().status, 413);
    assert_eq!(ann.get(&format!("/-/search?q={}", "w".repeat(600))).status, 413);
    assert_eq!(ann.get(&format!("/{}", "x".repeat(9000))).status, 414);
    assert_eq!(ann.send("PUT", "/Page", &[], b"").unwrap().status, 405);
    assert_eq!(ann.send("POST", "/Page/save", &[("Content-Type", "application/json")], b"{}").unwrap().status, 422);
    let latin = [b"content=gr%F6%DFe&revision=&csrf_token=".as_slice(), encode(&ann.csrf()).as_bytes()].concat();
    let origin = format!("http://{}", ann.host);
    let sent =
        ann.send("POST", "/Latin/save", &[("Origin", &origin), ("Content-Type", "application/x-www-form-urlencoded")], &latin).unwrap();
    assert_eq!(sent.status, 422, "a form that is not UTF-8");
    let announced = format!(
        "POST /Page/save HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: 99999999\r\nContent-Type: text/plain\r\n\r\n",
        ann.host
    );
    assert_eq!(ann.raw(&[announced.as_bytes(), &vec![b'x'; 5 * 1024 * 1024]].concat()).unwrap().status, 413);
    for broken in ["GET / HTTP/1.1\r\nConnection: close\r\n\r\n", "GARBAGE\r\n\r\n"] {
        // A closed connection is an answer, too.
        assert!(ann.raw(broken.as_bytes()).map_or(true, |answer| (400..500).contains(&answer.status)), "{broken:?}");
    }
    assert_eq!(ann.get("/Page").status, 200, "and the server goes on");
    server.stop();
    assert_eq!(git(&Server::repo(dir.path(), "docs"), &["rev-list", "--count", "HEAD"]), "1", "only the good save is in the history");
}

#[test]
fn files_are_stored_and_sent_safely() {
    let (dir, mut server, ann) = docs();
    ann.save("Page", "![](./dot.png)", "");
    let png = b"\x89PNG\r\n\x1a\n0000".as_slice();
    let added = upload(
        &ann,
        "/Page/attachments",
        &[("message", "")],
        &[("dot.png", png), ("evil.html", b"<script>alert(1)</script>"), ("note.txt", b"hi")],
    );
    assert_eq!(added.status, 303, "{}", added.body_text());
    let list = ann.get("/Page/attachments").body_text();
    assert!(list.contains("dot.png") && list.contains("evil.html") && list.contains("Added attachment(s): dot.png, evil.html, note.txt."));
    for (address, kind, disposition) in [
        ("/Page/a/dot.png", "image/png", "inline"),
        ("/Page/dot.png", "image/png", "inline"),
        ("/Page/a/note.txt", "text/plain; charset=utf-8", "inline"),
        ("/Page/a/evil.html", "application/octet-stream", "attachment"),
    ] {
        let answer = ann.get(address);
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(kind)), "{address}");
        assert!(answer.header("content-disposition").unwrap().starts_with(disposition), "{address}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert!(answer.header("content-security-policy").unwrap().contains("sandbox"));
        assert_eq!(answer.header("cross-origin-resource-policy"), Some("same-site"));
        assert_eq!(answer.header("set-cookie"), None);
        let tag = answer.header("etag").unwrap();
        assert_eq!(ann.send("GET", address, &[("If-None-Match", tag)], b"").unwrap().status, 304);
    }
    assert_eq!(ann.get("/Page/a/dot.png").body, png);
    // Replace, look at the first version, rename, delete.
    assert_eq!(upload(&ann, "/Page/attachments", &[("filename", "note.txt")], &[("other name.txt", b"ho")]).status, 303);
    let detail = ann.get("/Page/attachment/note.txt").body_text();
    assert!(detail.contains("Updated attachment: note.txt."));
    assert_eq!(ann.get("/Page/a/note.txt").body, b"ho");
    let first = detail.split("/Page/a/note.txt/").filter_map(|rest| rest.get(..40)).last().unwrap();
    assert_eq!(ann.get(&format!("/Page/a/note.txt/{first}")).body, b"hi");
    assert_eq!(ann.post("/Page/attachment/note.txt", &[("new_filename", "dot.png")]).unwrap().status, 409);
    assert_eq!(ann.post("/Page/attachment/note.txt", &[("new_filename", "todo.txt")]).unwrap().status, 303);
    assert_eq!(ann.post("/Page/attachment/todo.txt", &[("delete", "delete")]).unwrap().status, 303);
    assert_eq!(ann.get("/Page/a/todo.txt").status, 404);
    // Refused, with nothing stored.
    for (name, content, status) in
        [("page.md", b"x".as_slice(), 422), (".git", b"x", 422), ("big.bin", &vec![0; 10 * 1024 * 1024 + 1], 413)]
    {
        assert_eq!(upload(&ann, "/Page/attachments", &[], &[(name, content)]).status, status, "{name}");
    }
    let many: Vec<(&str, &[u8])> = vec![("x.txt", b"x".as_slice()); 40];
    assert_eq!(upload(&ann, "/Page/attachments", &[], &many).status, 413);
    let inline = upload(&ann, "/Page/inline_attachment", &[], &[("paste.png", png)]);
    assert!(inline.body_text().contains("\"filename\":\"./paste.png\""), "{}", inline.body_text());
    server.stop();
    let files = git(&Server::repo(dir.path(), "docs"), &["ls-tree", "-r", "--name-only", "HEAD"]);
    assert_eq!(files.lines().collect::<Vec<_>>(), ["Page.md", "Page/dot.png", "Page/evil.html", "Page/paste.png"]);
}

#[test]
fn a_private_wiki_shows_nothing_to_others() {
    let (_dir, server, ann) = docs();
    ann.save("Secret plan", "# Hush\n\nxyzzy", "");
    let levels = [("READ_access", "APPROVED"), ("WRITE_access", "APPROVED"), ("ATTACHMENT_access", "APPROVED")];
    let nobody = server.client();
    assert_eq!(nobody.get("/Secret%20plan").status, 200, "public so far");
    assert_eq!(ann.post("/-/admin/permissions_and_registration", &levels).unwrap().status, 303);
    for address in [
        "/",
        "/Secret%20plan",
        "/Secret%20plan.md",
        "/Nothing%20here",
        "/-/changelog",
        "/-/index",
        "/-/search?q=xyzzy",
        "/Secret%20plan/history",
        "/Secret%20plan/source",
        "/sitemap.xml",
        "/Secret%20plan/a/x.png",
        "/-/about",
        "/-/login",
        "/robots.txt",
        "/-/help",
        "/-/register",
        "/manifest.webmanifest",
        "/-/me",
    ] {
        let answer = nobody.get(address);
        let shown = answer.body_text();
        assert!(!shown.contains("xyzzy") && !shown.contains("Secret plan") && !shown.contains("Hush"), "{address}: {shown}");
        let missing = nobody.get("/Nothing%20here");
        if address.starts_with("/Secret") {
            assert_eq!((answer.status, missing.status), (303, 303), "{address}: there or not, the answer is the same");
        }
    }
    // A member reads, and what they read is kept by nobody.
    let page = ann.get("/Secret%20plan");
    assert_eq!((page.status, page.header("cache-control")), (200, Some("private, no-store")));
    assert!(page.header("set-cookie").is_some_and(|cookie| cookie.starts_with("holt_viewer=")), "an edge answers for a minute");
    // Somebody registers, is nobody until approved, then reads; the next change of rights is effective at once.
    let ben = server.client();
    let form = ben.get("/-/register");
    ben.use_token(&form);
    let account = [("name", "Ben Reed"), ("email", "ben@example.org"), ("password1", PASSWORD), ("password2", PASSWORD)];
    assert_eq!(ben.post("/-/register", &account).unwrap().status, 200);
    let credentials = [("email", "ben@example.org"), ("password", PASSWORD)];
    assert_eq!(ben.post("/-/login", &credentials).unwrap().status, 403, "not approved yet");
    let members = ann.get("/-/admin/user_management").body_text();
    let id = members
        .split("aria-label=\"Ben Reed: approved\"")
        .next()
        .unwrap()
        .rsplit("value=\"")
        .next()
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_string();
    assert_eq!(ann.post("/-/admin/user_management", &[("is_approved", &id)]).unwrap().status, 303);
    assert_eq!(ben.post("/-/login", &credentials).unwrap().status, 303);
    assert_eq!(ben.get("/Secret%20plan").status, 200);
    assert_eq!(ben.get("/Secret%20plan").status, 200);
    assert_eq!(ben.get("/-/admin").status, 403);
    assert_eq!(ann.post("/-/admin/user_management", &[]).unwrap().status, 303);
    let refused = ben.get("/Secret%20plan");
    assert_eq!(refused.status, 403, "{}", refused.body_text());
    assert!(!refused.body_text().contains("Secret plan"));
}

/// What an edge would show for a minute more: the viewer token of the last answer.
pub fn viewer_of(answer: &Answer) -> String {
    let set =
        answer.headers.iter().find(|(name, line)| name == "set-cookie" && line.starts_with("holt_viewer=") && !line.contains("Max-Age=0"));
    let (_, line) = set.unwrap_or_else(|| panic!("no viewer token: {:?}", answer.headers));
    line.split(';').next().unwrap().to_string()
}

/// Here the session is asked for, not the token that edges believe for a minute.
#[test]
fn what_was_shown_to_somebody_ends_with_their_session() {
    let (_dir, server, ann) = docs();
    ann.save("Plan", "# Plan\n\nxyzzy", "");
    assert_eq!(ann.post("/-/admin/permissions_and_registration", &[("READ_access", "APPROVED")]).unwrap().status, 303);
    let page = ann.get("/Plan");
    assert!(page.status == 200 && page.body_text().contains("xyzzy"));
    let viewer = viewer_of(&page);
    let only_shown = || server.client().send("GET", "/Plan", &[("Cookie", &viewer)], b"").unwrap().status;
    assert_eq!((only_shown(), ann.get("/Plan").status), (303, 200), "the token alone is nobody's session");
    let out = ann.post("/-/logout", &[]).unwrap();
    let cleared: Vec<&str> = out.headers.iter().filter(|(name, _)| name == "set-cookie").map(|(_, line)| line.as_str()).collect();
    for cookie in ["holt_session=;", "holt_viewer=;"] {
        assert!(cleared.iter().any(|line| line.starts_with(cookie) && line.contains("Max-Age=0")), "{cookie} {cleared:?}");
    }
    assert_eq!(only_shown(), 303);
}

#[test]
fn sessions_end_when_told_to_and_passwords_are_guarded() {
    let dir = tempfile::tempdir().unwrap();
    Server::prepare(dir.path(), "docs");
    let server = Server::start(dir.path(), &["--rate-limit", "on"]);
    let (one, two) = (server.client(), server.client());
    one.log_in("ann@example.org", PASSWORD);
    two.log_in("ANN@example.org", PASSWORD);
    let change = |old: &str, new: &str| [("password", old.to_string()), ("password1", new.to_string()), ("password2", new.to_string())];
    let send = |client: &Client, fields: &[(&str, String)]| {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
        client.post("/-/settings", &fields).unwrap().status
    };
    assert_eq!(send(&one, &change("wrong", "battery staple")), 422);
    assert_eq!(send(&one, &change(PASSWORD, "battery staple")), 303);
    one.refresh_csrf();
    assert_eq!(one.get("/-/settings").status, 200, "who changed it stays");
    assert_eq!(two.get("/-/settings").status, 303, "everybody else is out");
    assert_eq!(one.post("/-/logout", &[]).unwrap().status, 303);
    assert_eq!(one.get("/-/settings").status, 303);
    // Next leads nowhere else.
    let form = two.get("/-/login?next=//evil.example/");
    assert_eq!(form.field("next"), "/");
    two.use_token(&form);
    let away =
        two.post("/-/login", &[("email", "ann@example.org"), ("password", "battery staple"), ("next", "https://evil.example")]).unwrap();
    assert_eq!((away.status, away.header("location")), (303, Some("/")));
    // Five guesses, then a wait, the same for accounts that do not exist.
    for email in ["ann@example.org", "none@example.org"] {
        let guesser = server.client();
        let form = guesser.get("/-/login");
        guesser.use_token(&form);
        let statuses: Vec<u16> =
            (0..7).map(|_| guesser.post("/-/login", &[("email", email), ("password", "guess")]).unwrap().status).collect();
        assert_eq!(statuses, [422, 422, 422, 422, 422, 429, 429], "{email}");
    }
}

#[test]
fn a_reader_without_cookies_gets_what_can_be_kept() {
    let (_dir, server, ann) = docs();
    ann.save("Page", "# A page\n\nsome text", "");
    let reader = server.client();
    let page = reader.get("/Page");
    assert_eq!((page.status, page.header("cache-control")), (200, Some("public, max-age=0, must-revalidate")));
    assert_eq!(page.header("set-cookie"), None);
    let tag = page.header("etag").unwrap().to_string();
    assert_eq!(reader.send("GET", "/Page", &[("If-None-Match", &tag)], b"").unwrap().status, 304);
    let zipped = reader.send("GET", "/Page", &[("Accept-Encoding", "gzip")], b"").unwrap();
    assert_eq!(zipped.header("content-encoding"), Some("gzip"));
    assert!(zipped.body.len() < page.body.len() / 2);
    assert!(reader.send("HEAD", "/Page", &[], b"").unwrap().body.is_empty());
    ann.save("Page", "# A page\n\nother text", "");
    assert_eq!(reader.send("GET", "/Page", &[("If-None-Match", &tag)], b"").unwrap().status, 200, "a save changes the tag");
    for live in ["/Page/history", "/-/changelog", "/-/login"] {
        let answer = reader.get(live);
        assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{live}");
        assert!(answer.body_text().contains("noindex"), "{live}");
    }
}
