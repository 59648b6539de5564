//! The review queue over the wire: a token that proposes, and a person who decides (docs/review.md).

use super::{Api, Names, Said, join, prefer, said, token, user};
use holt_core::MemberFlags;
use holt_engine::directory::TokenScope;
use serde_json::{Value, json};
use std::cell::RefCell;

const PAGE: &str = "one\ntwo\nthree\nfour\nfive\nsix\n";

/// A wiki with a token of Ann's that writes, one of hers that proposes, and one of Bob's, who may only read.
fn start() -> (Api, String, String) {
    let tokens = RefCell::new((String::new(), String::new()));
    let api = Api::prepared(Names::Kept, |engine, wiki| {
        let ann = engine.directory().user_by_email("ann@example.org").unwrap().unwrap().id;
        let bob = user(engine, "Bob");
        join(wiki, bob, MemberFlags { approved: true, allow_read: true, ..MemberFlags::default() });
        prefer(wiki, &[("WRITE_ACCESS", "ADMIN")]);
        *tokens.borrow_mut() =
            (token(engine, wiki, Some(ann), TokenScope::Propose, "robot"), token(engine, wiki, Some(bob), TokenScope::Propose, "reader"));
    });
    let (robot, reader) = tokens.into_inner();
    (api, robot, reader)
}

fn as_token(api: &Api, token: &str, method: &str, path: &str, more: &[(&str, &str)], body: &Value) -> Said {
    let bearer = format!("Bearer {token}");
    let headers = [more, &[("Authorization", bearer.as_str()), ("Content-Type", "application/json")]].concat();
    let body = if method == "GET" { String::new() } else { body.to_string() };
    said(&api.server.client(), method, &format!("/api/v1{path}"), &headers, body.as_bytes())
}

#[test]
fn a_token_that_proposes_changes_nothing_until_somebody_accepts() {
    let (api, robot, reader) = start();
    let revision = api.create("Poem", PAGE);
    let put = json!({"content": PAGE.replace("two", "TWO").replace("six", "SIX"), "revision": revision, "commit_message": "Louder"});
    let proposed = as_token(&api, &robot, "PUT", "/pages/Poem", &[], &put);
    assert_eq!(proposed.status, 202, "{}", proposed.body);
    let expected = json!({"proposal": {"number": 1, "title": "Louder", "status": "open", "url": "/api/v1/proposals/1"}});
    assert_eq!(proposed.body, expected);
    assert_eq!((api.get("/pages/Poem").text("content"), api.get("/changelog").column("entries", "revision").len()), (PAGE.to_string(), 1));
    // Who may only read proposes nothing, and sees nothing of it.
    as_token(&api, &reader, "PUT", "/pages/Poem", &[], &put).refused(403, "forbidden");
    as_token(&api, &reader, "GET", "/proposals/1", &[], &json!({})).refused(404, "not_found");
    assert_eq!(as_token(&api, &reader, "GET", "/proposals", &[], &json!({})).body["proposals"], json!([]));

    let shown = api.get("/proposals/1");
    let (change, seen) = (&shown.body["changes"][0], shown.text("seen"));
    assert_eq!(
        (&change["file"], &change["state"], &change["kind"]),
        (&json!("Poem.md"), &json!("fits"), &json!("changed")),
        "{}",
        shown.body
    );
    assert_eq!((change["hunks"].as_array().unwrap().len(), &shown.body["via"]), (2, &json!("api/robot")));
    // The robot does not decide, whatever address it takes.
    let all = json!({"seen": seen});
    as_token(&api, &robot, "POST", "/proposals/1/accept", &[], &all).refused(403, "forbidden");
    as_token(&api, &robot, "POST", "/proposals/1/reject", &[], &json!({})).refused(403, "forbidden");
    api.send("POST", "/proposals/1/comments", &json!({"text": "Why so loud?"}));
    // The page moves on where the reviewer looks: shown again.
    let now = api.update("Poem", &revision, &PAGE.replace("four", "4")).text("revision");
    api.send("POST", "/proposals/1/accept", &all).refused(409, "conflict");
    let some = json!({"seen": now, "files": [{"file": "Poem.md", "hunks": [2]}], "reason": "One is enough."});
    let done = api.send("POST", "/proposals/1/accept", &some);
    assert_eq!((done.status, done.text("status").as_str()), (200, "partly-accepted"), "{}", done.body);
    assert_eq!(api.send("POST", "/proposals/1/accept", &some).body, done.body);
    assert_eq!(api.get("/pages/Poem").text("content"), "one\ntwo\nthree\n4\nfive\nSIX\n");
    let log = api.get("/changelog");
    assert_eq!((log.column("entries", "author")[0].as_str(), log.column("entries", "via")[0].as_str()), ("Ann", "api/robot"));
    assert_eq!(log.column("entries", "message")[0], "Louder");

    let told = as_token(&api, &robot, "GET", "/proposals?mine=true", &[], &json!({}));
    let decision = &told.body["proposals"][0]["decision"];
    assert_eq!(
        (&decision["by"], &decision["reason"], &decision["revision"]),
        (&json!("Ann"), &json!("One is enough."), &done.body["revision"])
    );
    assert_eq!(as_token(&api, &robot, "GET", "/proposals/1", &[], &json!({})).body["comments"][0]["text"], "Why so loud?");
}

#[test]
fn several_pages_are_proposed_rejected_and_withdrawn() {
    let (api, robot, _) = start();
    let operations = |page: &str| json!({"message": "New pages", "operations": [{"op": "put", "path": page, "content": "x\n"}]});
    // Whoever may write may propose as well, and a key makes it once.
    let key = [("Idempotency-Key", "k1")];
    for _ in 0..2 {
        let said = as_token(&api, &api.token, "POST", "/proposals", &key, &operations("A"));
        assert_eq!((said.status, &said.body["proposal"]["number"]), (202, &json!(1)), "{}", said.body);
    }
    assert_eq!(as_token(&api, &robot, "POST", "/commits", &[], &operations("B")).status, 202);
    assert_eq!(as_token(&api, &robot, "POST", "/proposals", &[], &operations("C")).status, 202);
    api.get("/pages/A").refused(404, "not_found");
    assert_eq!(api.send("POST", "/proposals/1/reject", &json!({"reason": "No."})).text("status"), "rejected");
    assert_eq!(as_token(&api, &robot, "POST", "/proposals/2/withdraw", &[], &json!({})).text("status"), "withdrawn");
    api.send("POST", "/proposals/2/accept", &json!({"seen": ""})).refused(409, "conflict");
    let list = |query: &str| api.get(&format!("/proposals{query}")).body["proposals"].as_array().unwrap().len();
    assert_eq!((list(""), list("?status=open"), list("?status=rejected&mine=true"), list("?limit=2")), (3, 1, 1, 2));
    let first = api.get("/proposals?limit=2");
    let rest = api.get(&format!("/proposals?limit=2&cursor={}", first.text("next_cursor")));
    assert_eq!((rest.body["proposals"][0]["number"].as_i64(), &rest.body["next_cursor"]), (Some(1), &Value::Null));

    api.get("/proposals?status=lost").refused(422, "validation");
    api.get("/proposals/9").refused(404, "not_found");
    api.get("/proposals/x").refused(404, "not_found");
    let accept = |body: Value| api.send("POST", "/proposals/3/accept", &body);
    accept(json!({})).refused(422, "validation");
    accept(json!({"seen": "", "files": [{"file": "C.md"}]})).refused(422, "validation");
    accept(json!({"seen": "", "files": [{"file": "C.md", "leave_out": true}]})).refused(422, "validation");
    accept(json!({"seen": "", "files": [{"file": "C.md", "hunks": ["1"]}]})).refused(422, "validation");
    accept(json!({"seen": "0".repeat(40)})).refused(404, "not_found");
    assert_eq!(accept(json!({"seen": "", "files": [{"file": "C.md", "content": "y\n"}]})).text("status"), "accepted");
    assert_eq!(api.get("/pages/C").text("content"), "y\n");
}

/// The rules as an administrator makes them.
#[test]
fn an_administrator_writes_the_policy() {
    let api = Api::prepared(Names::Kept, |engine, wiki| {
        let boss = user(engine, "Boss");
        join(wiki, boss, MemberFlags { admin: true, approved: true, ..MemberFlags::default() });
    });
    let boss = api.server.client();
    boss.log_in("boss@example.org", super::PASSWORD);
    let path = "/-/admin/agent_policy";
    let set = |rules: &[[&str; 3]]| {
        let before = boss.get(path).field("before").replace("&#34;", "\"");
        let rules = rules.iter().flat_map(|rule| ["client", "path", "handling"].into_iter().zip(*rule));
        let fields: Vec<(&str, &str)> = rules.chain([("before", before.as_str())]).collect();
        boss.post(path, &fields).unwrap()
    };
    let bad = set(&[["api/<b>", "../x", "deny"]]);
    assert_eq!(bad.status, 422);
    assert!(bad.body_text().contains("api/&#60;b&#62;") && !bad.body_text().contains("<b>"), "{}", bad.body_text());
    assert_eq!((set(&[["*", "", "maybe"]]).status, set(&[[&"x".repeat(101), "", "deny"]]).status), (422, 422));
    assert_eq!(set(&[["api/*", "/Law/", "deny"], ["", "Nothing", "deny"], ["*", "", "propose"]]).status, 303);
    let put = |page: &str| api.send("PUT", &format!("/pages/{page}"), &json!({"content": "x\n"})).status;
    assert_eq!((put("Law"), put("Other")), (403, 202));
    // An old form does not take away what came since.
    assert_eq!(boss.post(path, &[("before", "")]).unwrap().status, 409);
    assert_eq!((set(&[]).status, put("Law")), (303, 201));
    // How long proposals wait stands there, too.
    assert_eq!(boss.get(path).field("days"), "30");
    let days = |days: &str| {
        boss.post(
            path,
            &[
                ("client", "*"),
                ("path", ""),
                ("handling", "propose"),
                ("before", &boss.get(path).field("before").replace("&#34;", "\"")),
                ("days", days),
            ],
        )
        .unwrap()
    };
    for bad in ["0", "366", "x", "", "1.5"] {
        let refused = days(bad);
        assert_eq!((refused.status, refused.field("days").as_str()), (422, bad), "{}", refused.body_text());
    }
    assert_eq!((days(" 7 ").status, boss.get(path).field("days").as_str()), (303, "7"));
    let made = api.send("PUT", "/pages/Week", &json!({"content": "x\n"}));
    let made = api.get(made.body["proposal"]["url"].as_str().unwrap().strip_prefix("/api/v1").unwrap());
    let [created, expires] = ["created", "expires"].map(|name| holt_engine::publish::instant(&made.text(name)).unwrap());
    assert_eq!(expires - created, 7 * 86_400);
}

#[test]
fn the_policy_of_the_wiki_says_what_holds_for_a_program() {
    let policy = r#"[{"client":"api/back*","path":"Log","handling":"direct"},{"client":"api/*","path":"Law","handling":"deny"},{"client":"*","path":"","handling":"propose"}]"#;
    let api = Api::prepared(Names::Kept, |_, wiki| prefer(wiki, &[("AGENT_POLICY", policy)]));
    let put = |page: &str| api.send("PUT", &format!("/pages/{page}"), &json!({"content": "x\n"}));
    assert_eq!((put("Log/Day").status, put("Guide").status), (201, 202));
    put("Law").refused(403, "forbidden");
    let file = api.ask("PUT", "/api/v1/pages/Log/Day/attachments/a.txt", &[], b"x");
    assert_eq!(file.status, 201, "{}", file.body);
    let expected = json!({"otherwise": "propose", "rules": [{"path": "Log", "handling": "direct"}, {"path": "Law", "handling": "deny"}]});
    assert_eq!(api.get("/wiki").body["handling"], expected);
    // A person with a session is no program.
    let ann = api.server.client();
    ann.log_in("ann@example.org", super::PASSWORD);
    let (origin, csrf) = (format!("http://{}", ann.host), ann.csrf());
    let headers = [("Content-Type", "application/json"), ("Origin", origin.as_str()), ("X-CSRF-Token", csrf.as_str())];
    assert_eq!(said(&ann, "PUT", "/api/v1/pages/Law", &headers, b"{\"content\": \"x\"}").status, 201);
}
