//! The review queue over the wire: who sees what waits, and that nothing is decided that was not shown.

use crate::client::{Answer, Client, Server};
use crate::comments::member;
use serde_json::json;

const EVIL: &str = "</textarea><script>alert(1)</script>\"'&";
const TEXT: &str = "one\n\ntwo\n\nthree\n\nfour\n\nfive\n\nsix\n\nseven\n\neight\n\nnine\n";

/// A server with the wiki `docs`, Ann who administers it, and a token that may only propose.
fn queue() -> (tempfile::TempDir, Server, Client, String) {
    let data = tempfile::tempdir().unwrap();
    Server::prepare(data.path(), "docs");
    let (code, token, _) = Server::command(data.path(), &["token", "create", "--wiki", "docs", "--scope", "propose", "--name", "scribe"]);
    assert_eq!(code, 0);
    let server = Server::start(data.path(), &[]);
    let ann = server.client();
    ann.log_in("ann@example.org", "correct horse");
    ann.save("River", TEXT, "").unwrap();
    (data, server, ann, token.trim().to_string())
}

fn ask(server: &Server, token: &str, method: &str, path: &str, body: &serde_json::Value) -> Answer {
    let bearer = format!("Bearer {token}");
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    server.client().send(method, &format!("/api/v1{path}"), &headers, body.to_string().as_bytes()).unwrap()
}

/// Proposes another text of the page.
fn propose(server: &Server, token: &str, content: &str, message: &str) {
    let read = server.client().get("/api/v1/pages/River");
    let page: serde_json::Value = serde_json::from_slice(&read.body).unwrap();
    let body = json!({"content": content, "revision": page["revision"], "commit_message": message});
    let answer = ask(server, token, "PUT", "/pages/River", &body);
    assert_eq!(answer.status, 202, "{}", answer.body_text());
}

fn source(ann: &Client) -> String {
    ann.get("/River.md").body_text()
}

fn accept(ann: &Client, number: usize, seen: &str, more: &[(&str, &str)]) -> Answer {
    let fields = [&[("action", "accept"), ("seen", seen), ("file-0", "River.md")], more].concat();
    ann.post(&format!("/-/proposals/{number}"), &fields).unwrap()
}

#[test]
fn some_of_a_proposal_is_taken() {
    let (_data, server, ann, token) = queue();
    propose(&server, &token, &TEXT.replace("one", "ONE").replace("nine", "NINE"), EVIL);
    let list = ann.get("/-/proposals").body_text();
    assert!(list.contains("href=\"/-/proposals/1\"") && list.contains("via api/scribe") && !list.contains("<script>alert"), "{list}");
    let shown = ann.get("/-/proposals/1");
    let page = shown.body_text();
    assert!(page.contains("&lt;/textarea&gt;&lt;script&gt;") || page.contains("&#60;/textarea&#62;&#60;script&#62;"), "{page}");
    assert!(!page.contains("<script>alert") && page.matches("name=\"hunk-0\"").count() == 2, "{page}");
    assert_eq!(source(&ann), TEXT, "it waits");
    assert!(ann.get("/-/proposals/1?view=page").body_text().contains("ONE<"));
    assert!(String::from_utf8_lossy(&ann.get("/-/me").body).contains("\"proposals\":1"));

    // Nothing is decided that was not shown.
    let seen = shown.field("seen");
    for (fields, status) in [
        (vec![("action", "accept"), ("seen", seen.as_str())], 409),
        (vec![("action", "accept"), ("seen", seen.as_str()), ("file-0", "Other.md"), ("hunk-0", "1")], 409),
        (vec![("action", "accept"), ("seen", seen.as_str()), ("file-0", "River.md"), ("hunk-0", "x")], 422),
        (vec![("action", "accept"), ("seen", seen.as_str()), ("file-0", "River.md"), ("hunk-0", "7")], 422),
        (vec![("action", "accept"), ("seen", "x"), ("file-0", "River.md"), ("hunk-0", "1")], 404),
        (vec![("action", "dance")], 422),
        (vec![], 422),
    ] {
        let answer = ann.post("/-/proposals/1", &fields).unwrap();
        assert_eq!(answer.status, status, "{fields:?}: {}", answer.body_text());
        assert_eq!(source(&ann), TEXT);
    }
    let taken =
        accept(&ann, 1, &seen, &[("hunk-0", "2"), ("text-0", &TEXT.replace("one", "ONE").replace("nine", "NINE").replace('\n', "\r\n"))]);
    assert_eq!((taken.status, taken.header("location")), (303, Some("/-/proposals/1")), "{}", taken.body_text());
    assert_eq!(source(&ann), TEXT.replace("nine", "NINE"));
    let decided = ann.get("/-/proposals/1").body_text();
    assert!(decided.contains("Partly accepted") && decided.contains("Some of its changes were taken."), "{decided}");
    let places = ["Not taken</span> Change 1", "Taken</span> Change 2"]
        .map(|said| decided.find(said).unwrap_or_else(|| panic!("no {said} in {decided}")));
    assert!(places[0] < places[1]);
    assert_eq!(accept(&ann, 1, &seen, &[("hunk-0", "2")]).status, 303, "twice is once");
    let other = accept(&ann, 1, &seen, &[("hunk-0", "1")]);
    assert!(other.status == 409 && other.body_text().contains("is not open any more"), "{}: {}", other.status, other.body_text());
    // What the slower of two reviewers wrote is shown to them; what they only read is not theirs.
    assert!(!other.body_text().contains("What you wrote"));
    let fields = [("hunk-0", "1"), ("text-0", "mine: <b>\r\nother\r\n"), ("reason", "because & so")];
    let late = accept(&ann, 1, &seen, &fields);
    let page = late.body_text();
    for part in ["What you wrote", "mine: &#60;b&#62;\nother\n", "because &#38; so", "Text of River, in Markdown"] {
        assert!(late.status == 409 && page.contains(part), "no {part} in {page}");
    }
    let rejected = ann.post("/-/proposals/1", &[("action", "reject"), ("reason", "too late")]).unwrap();
    assert!(rejected.status == 409 && rejected.body_text().contains("too late"), "{}", rejected.body_text());
    assert_eq!(source(&ann), TEXT.replace("nine", "NINE"));
}

#[test]
fn a_page_that_moved_on_is_shown_again_and_other_words_are_taken() {
    let (_data, server, ann, token) = queue();
    propose(&server, &token, &TEXT.replace("five", "FIVE"), "shout");
    let seen = ann.get("/-/proposals/1").field("seen");
    ann.save("River", &TEXT.replace("one", "uno"), "").unwrap();
    let late = accept(&ann, 1, &seen, &[("hunk-0", "1")]);
    assert_eq!(late.status, 409, "{}", late.body_text());
    assert_eq!(source(&ann), TEXT.replace("one", "uno"));
    // The answer is the form, as it is now: what others changed is in it.
    let seen = late.field("seen");
    let text = TEXT.replace("one", "uno").replace("five", "fünf");
    let undecided = accept(&ann, 1, &seen, &[("hunk-0", "1"), ("text-0", "a\n<<<<<<< now\nb\n=======\nc\n>>>>>>> proposed\n")]);
    assert_eq!(undecided.status, 422);
    assert!(undecided.body_text().contains("&lt;&lt;&lt;&lt;") || undecided.body_text().contains("&#60;&#60;"), "what was typed stays");
    assert_eq!(accept(&ann, 1, &seen, &[("hunk-0", "1"), ("text-0", &text)]).status, 303);
    assert_eq!(source(&ann), text);
    let history = ann.get("/River/history").body_text();
    assert!(history.contains("scribe via api/scribe"), "{history}");
}

/// What people write can wait for others, too: from the editor, as from every finding of wiki care.
#[test]
fn people_propose_from_the_editor() {
    let (_data, server, ann, _) = queue();
    let edit = |page: &str, text: &str, more: &[(&str, &str)]| {
        let form = ann.get(&format!("/{page}/edit"));
        assert!(form.body_text().contains("name=\"propose\""), "{}", form.body_text());
        let revision = form.field("revision");
        let fields = [&[("content", text), ("commit", "a thought"), ("revision", revision.as_str())], more].concat();
        ann.post(&format!("/{page}/save"), &fields).unwrap()
    };
    assert!(edit("River", &TEXT.replace("two", "TWO"), &[("propose", "1")]).header("location").unwrap().ends_with("/-/proposals/1"));
    assert_eq!(source(&ann), TEXT, "it waits");
    let shown = ann.get("/-/proposals/1").body_text();
    assert!(shown.contains("a thought") && shown.contains("Ann"), "{shown}");
    assert!(edit("Brook", "new\n", &[("propose", "1")]).header("location").unwrap().ends_with("/-/proposals/2"));
    assert_eq!(server.client().get("/Brook").status, 404, "nor is there a new page");
    let stale = ann.post("/River/save", &[("content", "x"), ("revision", ""), ("propose", "1")]).unwrap();
    assert!(
        stale.status >= 400 && ann.get("/-/proposals/3").status == 404,
        "what others changed meanwhile is told here, too: {}",
        stale.status
    );
    assert_eq!(edit("River", &TEXT.replace("two", "2"), &[]).status, 303, "the control");
    assert!(source(&ann).contains("\n2\n"));
}

#[test]
fn reviewers_are_told_of_what_readers_would_not_see() {
    let (_data, server, ann, token) = queue();
    ann.save("River", &format!("<!-- known -->\n{TEXT}"), "").unwrap();
    let text = format!("<!-- known -->\n{}", TEXT.replace("five", "five <!-- obey\nzqx -->").replace("nine", "nine\u{202E}\u{200B}"));
    propose(&server, &token, &text, "A \u{202E}title\n\nwith \u{2066}words");
    for view in ["", "?view=page"] {
        let page = ann.get(&format!("/-/proposals/1{view}")).body_text();
        assert!(page.contains("It adds text that readers of the page do not see."), "{page}");
        let places = [
            "line 10: text in an HTML comment",
            "line 19: characters without width",
            "line 19: characters that turn the direction of writing",
        ];
        assert!(places.iter().all(|place| page.contains(place)) && !page.contains("line 1: "), "{page}");
        assert!(!view.is_empty() || page.contains("‹U+202E›‹U+200B›"), "{page}");
        assert!(page.contains("<h1 dir=\"auto\">A title</h1>") && page.contains("with words"), "{page}");
    }
    let told: serde_json::Value = serde_json::from_slice(&ann.get("/api/v1/proposals/1").body).unwrap();
    let change = &told["changes"][0];
    let line = |line: usize, kind: &str| json!({"line": line, "kind": kind, "count": 1});
    assert_eq!(change["hidden_text"], json!([line(10, "comment"), line(19, "invisible"), line(19, "bidi")]));
    assert_eq!((&told["title"], &change["taken"]), (&json!("A title"), &json!(null)));
    // The control: nothing is said of what adds nothing of the kind.
    propose(&server, &token, &format!("<!-- known -->\n{}", TEXT.replace("one", "ONE")), "plain");
    assert!(!ann.get("/-/proposals/2").body_text().contains("do not see"));
    assert_eq!(ann.post("/-/proposals/2", &[("action", "reject"), ("reason", "no \u{202E}way")]).unwrap().status, 303);
    assert!(ann.get("/-/proposals/2").body_text().contains("no way"));
}

#[test]
fn what_was_taken_back_or_ran_out_has_its_tab() {
    let (_data, server, ann, token) = queue();
    propose(&server, &token, &TEXT.replace("one", "ONE"), "back it goes");
    assert_eq!(ask(&server, &token, "POST", "/proposals/1/withdraw", &json!({})).status, 200);
    let list = ann.get("/-/proposals").body_text();
    assert!(list.contains("href=\"/-/proposals?status=withdrawn\"") && list.contains("href=\"/-/proposals?status=expired\""), "{list}");
    assert!(!list.contains("back it goes") && ann.get("/-/proposals?status=withdrawn").body_text().contains("back it goes"));
    assert!(!ann.get("/-/proposals?status=expired").body_text().contains("back it goes"));
}

#[test]
fn wiki_care_says_what_waits_and_whoever_may_read_may_read_it() {
    let (_data, server, ann, _token) = queue();
    let eve = member(&server, &ann, "eve");
    ann.save("Delta", "[[Rivre]]\n\nx\n\ny\n", "").unwrap();
    let fields =
        |form: &Answer| -> Vec<(String, String)> { ["task", "page", "from", "to"].map(|name| (name.to_string(), form.field(name))).into() };
    let report = "/-/housekeeping?kind=broken-link";
    let post = |client: &Client, more: &[(&str, &str)]| {
        let form = fields(&ann.get(report));
        let sent: Vec<(&str, &str)> =
            form.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain(more.iter().copied()).collect();
        client.post("/-/housekeeping", &sent).unwrap().header("location").map(str::to_string)
    };
    let mend = fields(&ann.get(report));
    assert_eq!((mend[0].1.as_str(), mend[3].1.as_str()), ("relink", "River"));
    let sent: Vec<(&str, &str)> = mend.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(eve.post("/-/housekeeping", &sent).unwrap().header("location"), Some("/-/proposals/1"));
    let page = ann.get(report).body_text();
    assert!(
        page.contains("A mend is proposed: <a href=\"/-/proposals/1\">#1</a> by <bdi>") && page.contains("Propose it all the same"),
        "{page}"
    );
    let own = eve.get(report).body_text();
    assert!(own.contains("A mend is proposed: ") && !own.contains("Propose it all the same") && !own.contains("Propose a mend"), "{own}");
    assert_eq!(post(&ann, &[]).as_deref(), Some("/-/proposals/1"), "one is enough");
    assert_eq!(post(&ann, &[("again", "1")]).as_deref(), Some("/-/proposals/2"), "but for who insists");
    // Whoever may read sees what is wrong, and neither the queue nor anything to press.
    let stranger = server.client().get("/-/housekeeping");
    let page = stranger.body_text();
    assert!(stranger.status == 200 && page.contains("A link leads to Rivre, which is not there."), "{page}");
    for hidden in ["Your drafts", "/-/proposals/1", "<button class=\"button\">", "name=\"task\""] {
        assert!(!page.contains(hidden), "{hidden} in {page}");
    }
}

#[test]
fn the_inbox_says_that_a_proposal_waits_until_it_was_looked_at() {
    let (_data, server, ann, token) = queue();
    let inbox = || String::from_utf8_lossy(&ann.get("/-/me").body).contains("\"inbox\":1");
    assert!(!inbox() && !ann.get("/-/inbox").body_text().contains("holt-proposed"));
    propose(&server, &token, &TEXT.replace("one", "ONE"), EVIL);
    let page = ann.get("/-/inbox").body_text();
    assert!(page.contains("href=\"/-/proposals/1\"") && page.contains("scribe via api/scribe proposes: "), "{page}");
    assert!(page.contains("<p dir=\"auto\">River</p>") && !page.contains("<script>alert"), "{page}");
    assert!(inbox());
    // A stranger has no inbox, and looking without an account marks nothing.
    assert_ne!(server.client().get("/-/proposals/1").status, 200);
    assert!(inbox());
    assert_eq!(ann.get("/-/proposals/1").status, 200);
    assert!(!inbox());
    propose(&server, &token, &TEXT.replace("two", "TWO"), "second");
    let form = ann.get("/-/inbox");
    let (comment, proposal, revision) = (form.field("comment"), form.field("proposal"), form.field("revision"));
    let fields = [("action", "read"), ("comment", &*comment), ("proposal", &*proposal), ("revision", &*revision)];
    assert_eq!(ann.post("/-/inbox", &fields).unwrap().status, 303);
    assert!(!inbox() && !ann.get("/-/inbox").body_text().contains("Mark all as read"));
}

#[test]
fn who_has_no_business_there_sees_nothing() {
    let (_data, server, ann, token) = queue();
    let eve = member(&server, &ann, "eve");
    propose(&server, &token, "zqxj\n", "zqxj");
    // Everybody reads this wiki, members write: whoever may make the change may see and decide it.
    assert!(eve.get("/-/proposals").body_text().contains("zqxj"));
    let stranger = server.client();
    for path in
        ["/-/proposals", "/-/proposals/1", "/-/proposals/1?view=page", "/-/proposals?status=all", "/-/proposals/2", "/-/proposals/x"]
    {
        let answer = stranger.get(path);
        assert!(!answer.body_text().contains("zqxj") && answer.status < 500, "{path}");
    }
    let missing =
        |path: &str| stranger.get(path).body_text().replace("#1", "#N").replace("#2", "#N").replace("/1", "/N").replace("/2", "/N");
    assert_eq!(missing("/-/proposals/1"), missing("/-/proposals/2"), "as if it were not there");
    // Without the token of the form nobody decides anything, and strangers do not with one.
    for action in ["accept", "reject", "withdraw", "comment"] {
        let body = format!("action={action}&comment=x&seen=&file-0=River.md&take-0=1");
        let headers = [("Content-Type", "application/x-www-form-urlencoded")];
        for client in [&ann, &eve, &stranger] {
            assert_eq!(client.send("POST", "/-/proposals/1", &headers, body.as_bytes()).unwrap().status, 403, "{action}");
        }
    }
    assert_eq!(source(&ann), TEXT);
    // A part that few may read is nobody else's to review.
    let rule = [("path", "River"), ("read", "ADMIN"), ("write", "ADMIN"), ("readers", ""), ("writers", ""), ("before", "")];
    let before = ann.get("/-/admin/path_rules").field("before").replace("&#34;", "\"");
    let rule: Vec<(&str, &str)> =
        rule.iter().map(|(name, value)| (*name, if *name == "before" { before.as_str() } else { *value })).collect();
    assert_eq!(ann.post("/-/admin/path_rules", &rule).unwrap().status, 303);
    for path in ["/-/proposals", "/-/proposals/1"] {
        assert!(!eve.get(path).body_text().contains("zqxj"), "{path}");
    }
    assert!(ann.get("/-/proposals").body_text().contains("zqxj"));
    assert_eq!(ann.post("/-/proposals/1", &[("action", "reject"), ("reason", EVIL)]).unwrap().status, 303);
    let said = ann.post("/-/proposals/1", &[("action", "comment"), ("comment", EVIL)]).unwrap();
    assert_eq!(said.status, 303, "{}", said.body_text());
    let page = ann.get("/-/proposals/1").body_text();
    assert!(page.contains("Rejected") && !page.contains("<script>alert"), "{page}");
    let told = ask(&server, &token, "GET", "/proposals/1", &json!({})).body_text();
    assert!(told.contains("rejected"), "{told}");
}

#[test]
fn what_is_hidden_stops_no_reviewer_and_is_not_named() {
    let (_data, server, ann, token) = queue();
    let eve = member(&server, &ann, "eve");
    let before = ann.get("/-/admin/path_rules").field("before").replace("&#34;", "\"");
    let rule = [("path", "Staff"), ("read", "ADMIN"), ("write", "ADMIN"), ("readers", ""), ("writers", ""), ("before", before.as_str())];
    assert_eq!(ann.post("/-/admin/path_rules", &rule).unwrap().status, 303);
    let read = |client: &Client, path: &str| -> serde_json::Value { serde_json::from_slice(&client.get(path).body).unwrap() };
    let head = || read(&ann, "/api/v1/wiki")["revision"].as_str().unwrap().to_string();
    ann.save("Staff/Plan", "begun\n", "").unwrap();
    let base = head();
    propose(&server, &token, &TEXT.replace("five", "FIVE"), "shout");
    ann.save("Staff/Plan", "goes on\n", "").unwrap();
    let newest = head();
    let shown = read(&eve, "/api/v1/proposals/1");
    assert!(!shown.to_string().contains(&base) && !shown.to_string().contains(&newest), "{shown}");
    let form = eve.get("/-/proposals/1");
    assert!(!form.body_text().contains(&base) && !form.body_text().contains(&newest));
    let headers = [("Origin", format!("http://{}", eve.host)), ("X-CSRF-Token", eve.csrf()), ("Content-Type", "application/json".into())];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let undo = eve.send("POST", "/api/v1/undo", &headers, br#"{"person": "scribe"}"#).unwrap().body_text();
    assert!(!undo.contains(&newest), "{undo}");
    let body = json!({"seen": shown["seen"]}).to_string();
    let taken = eve.send("POST", "/api/v1/proposals/1/accept", &headers, body.as_bytes()).unwrap();
    assert_eq!(taken.status, 200, "{}", taken.body_text());
    assert_eq!(source(&ann), TEXT.replace("five", "FIVE"));
}

#[test]
fn who_may_only_propose_decides_nothing() {
    let (_data, server, ann, token) = queue();
    propose(&server, &token, &TEXT.replace("five", "FIVE"), "shout");
    let shown: serde_json::Value = serde_json::from_slice(&ask(&server, &token, "GET", "/proposals/1", &json!({})).body).unwrap();
    for action in ["accept", "reject"] {
        let answer = ask(&server, &token, "POST", &format!("/proposals/1/{action}"), &json!({"seen": shown["seen"]}));
        assert!(matches!(answer.status, 403 | 422), "{action}: {}", answer.body_text());
    }
    assert_eq!(ask(&server, &token, "POST", "/proposals/1/accept", &json!({"seen": shown["seen"]})).status, 403);
    assert_eq!(source(&ann), TEXT);
}
