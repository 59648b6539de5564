//! Comments, watching and the inbox over the wire: who sees and does what, and that what people type stays text.

use crate::client::{Answer, Client, Server, docs};
use serde_json::Value;

const EVIL: &str = "</textarea><script>alert(1)</script>\"'&";

/// Somebody who registered and was approved.
pub fn member(server: &Server, ann: &Client, name: &str) -> Client {
    let client = server.client();
    let email = format!("{}@example.org", name.split_whitespace().next().unwrap().to_lowercase());
    client.use_token(&client.get("/-/register"));
    let account = [("name", name), ("email", &email), ("password1", "battery staple"), ("password2", "battery staple")];
    assert_eq!(client.post("/-/register", &account).unwrap().status, 200);
    let members = ann.get("/-/admin/user_management").body_text();
    let ids: Vec<&str> = members.split("name=\"is_approved\" value=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    let ticks: Vec<(&str, &str)> = ids.iter().map(|id| ("is_approved", *id)).collect();
    assert_eq!(ann.post("/-/admin/user_management", &ticks).unwrap().status, 303);
    client.log_in(&email, "battery staple");
    client
}

fn json(client: &Client, path: &str) -> Value {
    let answer = client.send("GET", path, &[("Accept", "application/json")], b"").unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body_text());
    serde_json::from_slice(&answer.body).unwrap()
}

fn act(client: &Client, page: &str, fields: &[(&str, &str)]) -> Answer {
    client.post(&format!("/{page}/comments"), fields).unwrap()
}

/// The id of the first thread and of its first comment.
fn first(client: &Client, page: &str) -> (String, String) {
    let all = json(client, &format!("/{page}/comments"));
    (all["threads"][0]["id"].to_string(), all["threads"][0]["comments"][0]["id"].to_string())
}

#[test]
fn people_talk_about_a_page() {
    let (_dir, mut server, ann) = docs();
    ann.save("Guide/Setup", "# Setup\n\nPress the *big* red button twice.\n", "").unwrap();
    assert!(ann.get("/Guide/Setup").body_text().contains("href=\"/Guide/Setup/comments\" data-comments"));
    let empty = ann.get("/guide/setup/comments?quote=big+red+button&before=the+&after=+twice");
    assert!(empty.body_text().contains(">\nbig red button</textarea>") && empty.field("before") == "the ", "{}", empty.body_text());
    let fields = [("action", "add"), ("content", "Why *twice*?"), ("quote", "big red button"), ("before", "the "), ("after", " twice")];
    let added = act(&ann, "Guide/Setup", &fields);
    assert_eq!((added.status, added.header("location")), (303, Some("/Guide/Setup/comments#holt-comment-1")));
    let (thread, comment) = first(&ann, "Guide/Setup");
    let replied = act(&ann, "Guide/Setup", &[("action", "reply"), ("thread", &thread), ("content", "To be sure."), ("at", "part=1")]);
    assert_eq!(replied.header("location"), Some("/Guide/Setup/comments?part=1#holt-comment-2"));
    let page = ann.get("/Guide/Setup/comments").body_text();
    for part in ["<p>Why <em>twice</em>?</p>", "To be sure.", "href=\"/Guide/Setup#:~:text=big%20red%20button\"", "<strong>Ann</strong>"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let one = json(&ann, "/Guide/Setup/comments?thread=1");
    assert_eq!(
        (one["threads"][0]["quote"]["there"].as_bool(), one["threads"][0]["comments"][1]["content"].as_str()),
        (Some(true), Some("To be sure."))
    );
    assert_eq!(json(&ann, "/Guide/Setup/comments?count"), serde_json::json!({"open": 1, "resolved": 0, "takes": true}));
    act(&ann, "Guide/Setup", &[("action", "edit"), ("comment", &comment), ("content", "Why two times?")]);
    act(&ann, "Guide/Setup", &[("action", "resolve"), ("thread", &thread)]);
    // The words go, the page moves: the thread comes along.
    ann.save("Guide/Setup", "# Setup\n\nWait.\n", "").unwrap();
    ann.post("/Guide/rename", &[("new_pagename", "Manual")]).unwrap();
    let moved = ann.get("/Manual/Setup/comments").body_text();
    assert!(moved.contains("Why two times?") && moved.contains("Resolved by Ann") && moved.contains("About an earlier version"), "{moved}");
    assert!(ann.get("/Guide/Setup/comments").body_text().contains("Why two times?"), "an old name leads there");
    act(&ann, "Manual/Setup", &[("action", "reopen"), ("thread", &thread)]);
    assert_eq!(json(&ann, "/Manual/Setup/comments?count")["open"], 1);
    // And stays when the page goes, until somebody deletes it.
    ann.post("/Manual/Setup/delete", &[]).unwrap();
    assert!(ann.get("/Manual/Setup/comments").body_text().contains("To be sure."));
    for id in ["1", "2"] {
        assert_eq!(act(&ann, "Manual/Setup", &[("action", "delete"), ("comment", id), ("at", "thread=1")]).status, 303);
    }
    assert_eq!(ann.get("/Manual/Setup/comments").status, 404);
    server.stop();
}

#[test]
fn everybody_does_what_is_theirs() {
    let (_dir, mut server, ann) = docs();
    ann.save("Page", "# Page\n", "").unwrap();
    // Only administrators write; everybody reads.
    ann.post("/-/admin/permissions_and_registration", &[("WRITE_access", "ADMIN"), ("READ_access", "ANONYMOUS")]).unwrap();
    let (bob, eve, stranger) = (member(&server, &ann, "Bob"), member(&server, &ann, "Eve"), server.client());
    assert_eq!(act(&bob, "Page", &[("action", "add"), ("content", "Bob's words")]).status, 303);
    let (thread, comment) = first(&bob, "Page");
    // Strangers read, and are told where to log in.
    let seen = stranger.get("/Page/comments").body_text();
    assert!(seen.contains("Bob&#39;s words") || seen.contains("Bob’s words") || seen.contains("Bob's words"), "{seen}");
    assert!(
        seen.contains("href=\"/-/login?next=%2FPage%2Fcomments\"") && !seen.contains("<textarea") && !seen.contains("bob@example.org"),
        "{seen}"
    );
    stranger.use_token(&stranger.get("/-/login"));
    for fields in
        [&[("action", "add"), ("content", "x")][..], &[("action", "delete"), ("comment", "1")], &[("action", "resolve"), ("thread", "1")]]
    {
        assert_eq!(act(&stranger, "Page", fields).status, 403, "{fields:?}");
    }
    assert_eq!(stranger.post("/Page/watch", &[]).unwrap().status, 403);
    assert_eq!(stranger.get("/-/inbox").header("location"), Some("/-/login?next=%2F-%2Finbox"));
    // A bystander answers, and neither changes nor ends what others said.
    let others = eve.get("/Page/comments").body_text();
    assert!(others.contains("value=\"reply\"") && !others.contains("value=\"edit\"") && !others.contains("value=\"delete\""), "{others}");
    for (action, name, id) in [("edit", "comment", &comment), ("delete", "comment", &comment), ("resolve", "thread", &thread)] {
        let refused = act(&eve, "Page", &[("action", action), (name, id), ("content", "mine now")]);
        assert_eq!(refused.status, 403, "{action}: {}", refused.body_text());
    }
    assert_eq!(act(&eve, "Page", &[("action", "reply"), ("thread", &thread), ("content", "Eve's")]).status, 303);
    assert_eq!(act(&bob, "Page", &[("action", "resolve"), ("thread", &thread)]).status, 303);
    assert_eq!(act(&ann, "Page", &[("action", "delete"), ("comment", &comment)]).status, 303, "administrators delete");
    assert!(ann.get("/Page/comments").body_text().contains("This comment was deleted."));
    // A form of another session counts for nothing.
    let csrf = bob.csrf();
    let origin = format!("http://{}", eve.host);
    let forged = format!("csrf_token={csrf}&action=add&content=x");
    let headers = [("Origin", origin.as_str()), ("Content-Type", "application/x-www-form-urlencoded")];
    assert_eq!(eve.send("POST", "/Page/comments", &headers, forged.as_bytes()).unwrap().status, 403);
    // Switched off: what was said stays, nothing is added.
    ann.post("/-/admin", &[("comments", "off")]).unwrap();
    let off = act(&bob, "Page", &[("action", "add"), ("content", "more")]);
    assert!(off.status == 403 && off.body_text().contains("switched off"), "{}", off.body_text());
    assert_eq!(json(&bob, "/Page/comments?count")["takes"], false);
    assert!(bob.get("/Page/comments").body_text().contains("Eve"));
    server.stop();
}

#[test]
fn a_private_wiki_says_nothing_to_strangers() {
    let (_dir, mut server, ann) = docs();
    ann.save("Page", "# Page\n", "").unwrap();
    let bob = member(&server, &ann, "Bob");
    act(&ann, "Page", &[("action", "add"), ("content", "a secret for @Bob")]);
    assert_eq!(json(&bob, "/-/me")["inbox"], 1);
    ann.post("/-/admin/permissions_and_registration", &[("READ_access", "ADMIN")]).unwrap();
    let stranger = server.client();
    for client in [&bob, &stranger] {
        for page in ["Page", "Nowhere"] {
            let accept = [("Accept", "application/json")];
            for path in [format!("/{page}/comments"), format!("/{page}/comments?count"), format!("/{page}/comments?thread=1")] {
                let answer = client.send("GET", &path, &accept, b"").unwrap();
                assert!(matches!(answer.status, 303 | 403) && !answer.body_text().contains("secret"), "{path} {}", answer.body_text());
            }
        }
        let inbox = client.get("/-/inbox");
        assert!(matches!(inbox.status, 303 | 403) && !inbox.body_text().contains("secret"), "{}", inbox.body_text());
        assert_eq!(json(client, "/-/me")["inbox"], 0);
    }
    assert_eq!(act(&bob, "Page", &[("action", "add"), ("content", "x")]).status, 403);
    assert_eq!(bob.post("/Page/watch", &[]).unwrap().status, 403);
    server.stop();
}

#[test]
fn what_people_type_is_shown_as_text() {
    let (_dir, mut server, ann) = docs();
    ann.save("Page", "# Page\n", "").unwrap();
    let bob = member(&server, &ann, "Bob \"onclick=alert(1) '&ltscript&gt");
    let hostile = format!("{EVIL} <img src=x onerror=alert(1)> [x](javascript:alert(1)) @Ann");
    assert_eq!(
        act(&bob, "Page", &[("action", "add"), ("content", &hostile), ("quote", EVIL), ("before", EVIL), ("after", EVIL)]).status,
        303
    );
    let asked = crate::client::encode(EVIL);
    for (client, path) in [
        (&ann, "/Page/comments".to_string()),
        (&bob, "/Page/comments".into()),
        (&bob, format!("/Page/comments?quote={asked}&before={asked}&after={asked}&part={asked}&thread=x")),
        (&ann, "/-/inbox".into()),
    ] {
        let html = client.get(&path).body_text();
        let main = html.split("<main").nth(1).unwrap().split("</main>").next().unwrap();
        assert!(main.contains("&lt;script&gt;") || main.contains("&#60;script&#62;"), "{path}: {main}");
        for evil in ["<script", "<img", "onerror=alert(1)>", "href=\"javascript:"] {
            assert!(!main.contains(evil), "{path}: {evil}: {main}");
        }
        assert_eq!(main.matches("<textarea").count(), main.matches("</textarea>").count(), "{path}: {main}");
    }
    // A form that comes back has what was typed.
    let refused = act(&bob, "Page", &[("action", "reply"), ("thread", "1"), ("content", &"x".repeat(20 * 1024 + 1))]);
    assert!(
        refused.status == 413
            && refused.body_text().contains("longer than 20 KB")
            && refused.body_text().contains(&"x".repeat(20 * 1024 + 1))
    );
    for (fields, status) in [
        (&[("action", "add"), ("content", "  ")][..], 422),
        (&[("action", "reply"), ("thread", "99"), ("content", EVIL)], 404),
        (&[("action", "reply"), ("thread", "x"), ("content", EVIL)], 422),
        (&[("action", "dance")], 422),
    ] {
        let answer = act(&bob, "Page", fields);
        assert_eq!(answer.status, status, "{fields:?} {}", answer.body_text());
    }
    assert_eq!(ann.get("/Page/comments?thread=99").status, 404);
    assert_eq!(ann.get("/Nowhere/comments").status, 404);
    server.stop();
}

#[test]
fn an_inbox_tells_what_is_new() {
    let (_dir, mut server, ann) = docs();
    ann.save("Guide", "# Guide\n", "").unwrap();
    ann.save("Guide/Setup", "# Setup\n", "").unwrap();
    let bob = member(&server, &ann, "Bob");
    assert!(bob.get("/-/inbox").body_text().contains("You watch nothing yet"));
    let watched = bob.post("/guide/watch", &[("below", "1")]).unwrap();
    assert_eq!((watched.status, watched.header("location")), (303, Some("/Guide/comments#holt-watch")));
    assert!(bob.get("/Guide/comments").body_text().contains("You watch this page and everything below it."));
    ann.save("Guide/Setup", "# Setup\n\nnew\n", "A better setup").unwrap();
    act(&ann, "Guide", &[("action", "add"), ("content", "What do *you* say, @bob@example.org?")]);
    assert_eq!(json(&bob, "/-/me")["inbox"], 1);
    let inbox = bob.get("/-/inbox");
    let text = inbox.body_text();
    for part in [
        "Ann mentioned you on Guide",
        "What do you say, @bob@example.org?",
        "A better setup",
        "and everything below it",
        "class=\"unread\"",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let (comment, revision) = (inbox.field("comment"), inbox.field("revision"));
    // What comes after the form was shown stays new.
    ann.save("Guide/Setup", "# Setup\n\nnewer\n", "The best setup").unwrap();
    assert_eq!(bob.post("/-/inbox", &[("action", "read"), ("comment", &comment), ("revision", &revision)]).unwrap().status, 303);
    let after = bob.get("/-/inbox").body_text();
    assert_eq!(after.matches("class=\"unread\"").count(), 1, "{after}");
    assert_eq!(json(&bob, "/-/me")["inbox"], 0);
    // Reading a thread is enough.
    act(&ann, "Guide", &[("action", "reply"), ("thread", "1"), ("content", "@Bob?")]);
    assert_eq!(json(&bob, "/-/me")["inbox"], 1);
    bob.get("/Guide/comments?thread=1");
    assert_eq!(json(&bob, "/-/me")["inbox"], 0);
    // How often mail comes is theirs.
    assert_eq!(
        bob.post("/-/inbox", &[("action", "mail"), ("frequency", "weekly")]).unwrap().header("location"),
        Some("/-/inbox?saved=1#holt-mail")
    );
    assert!(bob.get("/-/inbox").body_text().contains("value=\"weekly\" checked"));
    assert_eq!(bob.post("/-/inbox", &[("action", "mail"), ("frequency", "hourly")]).unwrap().status, 422);
    let gone = bob.post("/Guide/watch", &[("action", "unwatch"), ("back", "inbox")]).unwrap();
    assert_eq!(gone.header("location"), Some("/-/inbox"));
    assert!(!bob.get("/-/inbox").body_text().contains("A better setup"));
    assert_eq!(bob.post("/Nowhere/watch", &[]).unwrap().status, 404);
    server.stop();
}

#[test]
fn many_threads_come_in_parts() {
    let (_dir, mut server, ann) = docs();
    ann.save("Page", "# Page\n", "").unwrap();
    for n in 0..30 {
        assert_eq!(act(&ann, "Page", &[("action", "add"), ("content", &format!("thread number {n}!"))]).status, 303);
    }
    act(&ann, "Page", &[("action", "resolve"), ("thread", "30")]);
    let (first, second) = (ann.get("/Page/comments").body_text(), ann.get("/Page/comments?part=2").body_text());
    assert!(first.contains("thread number 28!") && !first.contains("thread number 3!") && first.contains("comments?part=2"));
    assert!(second.contains("thread number 3!") && second.contains("thread number 29!") && second.contains("Resolved by Ann"));
    let all = json(&ann, "/Page/comments");
    assert_eq!((all["threads"].as_array().unwrap().len(), all["next_part"].as_i64(), all["open"].as_i64()), (25, Some(2), Some(29)));
    server.stop();
}
