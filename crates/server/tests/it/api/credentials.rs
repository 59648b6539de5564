//! Who may do what, as whom: tokens, sessions, nobody.

use super::{Api, Names, PASSWORD, join, prefer, said, token, user};
use crate::client::Client;
use holt_core::{MemberFlags, WikiName};
use holt_engine::db::preferences::Audience;
use holt_engine::directory::{NewToken, TokenScope};
use serde_json::json;
use std::cell::RefCell;

fn with(client: &Client, token: &str, method: &str, path: &str, body: &str) -> super::Said {
    let bearer = format!("Bearer {token}");
    said(client, method, path, &[("Authorization", &bearer), ("Content-Type", "application/json")], body.as_bytes())
}

#[test]
fn case_1_health_needs_nothing() {
    let api = Api::start(Names::Folded);
    let said = said(&api.server.client(), "GET", "/api/v1/health", &[], b"");
    assert_eq!((said.status, said.body), (200, json!({"status": "ok"})));
}

#[test]
fn case_2_no_or_wrong_credentials_are_401() {
    let api = Api::start(Names::Folded);
    let nobody = api.server.client();
    for value in [None, Some("Basic abc"), Some("Bearer wrong"), Some("Bearer"), Some("Bearer "), Some("abc")] {
        let headers: Vec<(&str, &str)> = value.iter().map(|value| ("Authorization", *value)).collect();
        let said = said(&nobody, "GET", "/api/v1/pages", &headers, b"");
        said.refused(401, "unauthorized");
        assert_eq!(said.answer.header("www-authenticate"), Some("Bearer"), "{value:?}");
    }
    // A control: with a good one, and two of them are none.
    assert_eq!(api.get("/pages").status, 200);
    api.ask("GET", "/api/v1/pages", &[("Authorization", "Bearer x")], b"").refused(401, "unauthorized");
}

#[test]
fn case_29_nobody_writes_where_everybody_reads() {
    let api = Api::prepared(Names::Folded, |_, wiki| prefer(wiki, &[("READ_ACCESS", "ANONYMOUS")]));
    let nobody = api.server.client();
    assert_eq!(said(&nobody, "GET", "/api/v1/pages", &[], b"").status, 200);
    let put = said(&nobody, "PUT", "/api/v1/pages/x", &[("Content-Type", "application/json")], b"{\"content\": \"x\"}");
    put.refused(401, "unauthorized");
    assert_eq!((api.get("/pages/x").status, api.get("/changelog").body["total"].as_u64()), (404, Some(0)));
}

#[test]
fn case_30_who_is_not_approved_is_refused() {
    let (tokens, cookie) = (RefCell::new(String::new()), RefCell::new(String::new()));
    let api = Api::prepared(Names::Folded, |engine, wiki| {
        let eve = user(engine, "Eve");
        join(wiki, eve, MemberFlags::default());
        prefer(wiki, &[("READ_ACCESS", "APPROVED"), ("WRITE_ACCESS", "APPROVED")]);
        *tokens.borrow_mut() = token(engine, wiki, Some(eve), TokenScope::Admin, "t");
        // Who is not approved cannot log in any more; this session is older.
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs().cast_signed();
        let session = engine.directory().create_session(eve, Some(wiki.id()), now).unwrap();
        *cookie.borrow_mut() = format!("holt_session={}", session.expose());
    });
    let nobody = api.server.client();
    said(&nobody, "GET", "/api/v1/pages", &[("Cookie", &cookie.borrow())], b"").refused(403, "forbidden");
    with(&nobody, &tokens.borrow(), "GET", "/api/v1/pages", "").refused(403, "forbidden");
    with(&nobody, &tokens.borrow(), "PUT", "/api/v1/pages/x", "{\"content\": \"x\"}").refused(403, "forbidden");
}

#[test]
fn a_token_narrows_its_owner_everywhere() {
    let tokens = RefCell::new(Vec::new());
    let api = Api::prepared(Names::Folded, |engine, wiki| {
        let boss = user(engine, "Boss");
        join(wiki, boss, MemberFlags { admin: true, approved: true, ..MemberFlags::default() });
        let scopes = [TokenScope::Read, TokenScope::Propose, TokenScope::Write, TokenScope::Admin];
        *tokens.borrow_mut() = scopes.iter().map(|scope| token(engine, wiki, Some(boss), *scope, scope.as_str())).collect();
        // The operator's own, for no account.
        tokens.borrow_mut().push(token(engine, wiki, None, TokenScope::Read, "cron"));
        tokens.borrow_mut().push(token(engine, wiki, None, TokenScope::Write, "cron"));
        let other = engine.create_wiki(&WikiName::parse("other").unwrap(), "other", Audience::Everybody).unwrap();
        tokens.borrow_mut().push(token(engine, &other, Some(boss), TokenScope::Admin, "elsewhere"));
    });
    let nobody = api.server.client();
    let got: Vec<(u16, u16, u16)> = tokens
        .borrow()
        .iter()
        .enumerate()
        .map(|(i, token)| {
            let put = with(&nobody, token, "PUT", &format!("/api/v1/pages/p{i}"), "{\"content\": \"x\"}").status;
            let file = json!({"filename": "a.txt", "content": "eA=="}).to_string();
            api.ask("PUT", &format!("/api/v1/pages/q{i}"), &[("Content-Type", "application/json")], b"{\"content\": \"x\"}");
            let upload = with(&nobody, token, "POST", &format!("/api/v1/pages/q{i}/attachments"), &file).status;
            (with(&nobody, token, "GET", "/api/v1/pages", "").status, put, upload)
        })
        .collect();
    let (read, propose, write, other) = ((200, 403, 403), (200, 202, 202), (200, 201, 201), (401, 401, 401));
    assert_eq!(got, [read, propose, write, write, read, write, other]);
    // Pages of the web do not take tokens: only a session is asked for there.
    let page = with(&nobody, &tokens.borrow()[3], "GET", "/-/admin", "");
    assert_ne!(page.status, 200);
}

#[test]
fn commits_say_who_and_through_what() {
    let tokens = RefCell::new(String::new());
    let api = Api::prepared(Names::Folded, |engine, wiki| *tokens.borrow_mut() = token(engine, wiki, None, TokenScope::Write, "cron"));
    api.create("page", "x");
    let nobody = api.server.client();
    assert_eq!(with(&nobody, &tokens.borrow(), "PUT", "/api/v1/pages/other", "{\"content\": \"x\"}").status, 201);
    let log = api.get("/changelog");
    assert_eq!(log.column("entries", "author"), ["cron", "Ann"]);
    assert_eq!(log.column("entries", "via"), ["api/cron", "api/backup"]);
    assert_eq!(log.column("entries", "message"), ["[api] Create: Other", "[api] Create: Page"]);
    let repo = {
        let Api { data, mut server, .. } = api;
        server.stop();
        (crate::client::Server::repo(data.path(), "docs"), data)
    };
    let out = std::process::Command::new("git").arg("--git-dir").arg(&repo.0).args(["log", "-1", "--format=%an|%ae|%B"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&out.stdout).trim_end(), "cron||[api] Create: Other\n\nVia: api/cron");
}

#[test]
fn a_session_has_to_prove_that_it_means_it() {
    let api = Api::start(Names::Folded);
    let ann = api.server.client();
    ann.log_in("ann@example.org", PASSWORD);
    let (json_type, origin, csrf) = (("Content-Type", "application/json"), format!("http://{}", ann.host), ann.csrf());
    let put = |headers: &[(&str, &str)]| said(&ann, "PUT", "/api/v1/pages/x", headers, b"{\"content\": \"x\"}").status;
    assert_eq!(said(&ann, "GET", "/api/v1/pages", &[], b"").status, 200);
    assert_eq!(put(&[json_type]), 403);
    assert_eq!(put(&[json_type, ("Origin", "http://evil.example"), ("X-CSRF-Token", &csrf)]), 403);
    assert_eq!(put(&[json_type, ("Origin", &origin), ("X-CSRF-Token", "wrong")]), 403);
    // With a bearer header the cookie counts for nothing, good or bad.
    assert_eq!(put(&[json_type, ("Origin", &origin), ("X-CSRF-Token", &csrf), ("Authorization", "Bearer wrong")]), 401);
    assert_eq!(put(&[json_type, ("Origin", &origin), ("X-CSRF-Token", &csrf)]), 201);
    // Nobody's program made it.
    assert_eq!(api.get("/changelog").body["entries"][0]["via"], serde_json::Value::Null);
}

#[test]
fn a_revoked_or_expired_token_is_unknown() {
    let tokens = RefCell::new(Vec::new());
    let api = Api::prepared(Names::Folded, |engine, wiki| {
        let boss = user(engine, "Boss");
        join(wiki, boss, MemberFlags { admin: true, ..MemberFlags::default() });
        let until = |at| {
            let (wiki, user, scope) = (wiki.id(), Some(boss), TokenScope::Read);
            engine
                .directory()
                .make_token(&NewToken { wiki, user, scope, within: None, label: "t", expires: Some(at) }, 1_700_000_000)
                .unwrap()
        };
        tokens.borrow_mut().push(until(1_700_000_001).expose().to_string());
        tokens.borrow_mut().push(until(i64::MAX).expose().to_string());
        let gone = token(engine, wiki, Some(boss), TokenScope::Read, "gone");
        let id = engine.directory().tokens(wiki.id()).unwrap().into_iter().find(|token| token.label == "gone").unwrap().id;
        engine.directory().revoke_token(wiki.id(), id).unwrap();
        tokens.borrow_mut().push(gone);
    });
    let got: Vec<u16> = tokens.borrow().iter().map(|token| with(&api.server.client(), token, "GET", "/api/v1/wiki", "").status).collect();
    assert_eq!(got, [401, 200, 401]);
}
