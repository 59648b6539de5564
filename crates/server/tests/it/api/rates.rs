//! How much may be asked in a minute. The arithmetic of buckets is tested beside it, with a clock of its own.

use super::{Api, Names, Said, said, token};
use crate::client::Server;
use holt_engine::directory::TokenScope;
use serde_json::json;
use std::cell::RefCell;

/// A wiki whose server allows so much in a minute, and the token of somebody else.
fn limited(reads: &str, writes: &str) -> (Api, String) {
    let other = RefCell::new(String::new());
    let mut api = Api::prepared(Names::Kept, |engine, wiki| *other.borrow_mut() = token(engine, wiki, None, TokenScope::Write, "other"));
    api.server.kill();
    let flags = ["--default-wiki", "docs", "--rate-limit", "on", "--api-reads", reads, "--api-writes", writes];
    api.server = Server::start(api.data.path(), &flags);
    (api, other.into_inner())
}

fn slower(said: &Said) {
    let wait: u16 = said.refused(429, "rate_limited").answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait) && said.text("hint").contains(&format!("{wait} seconds")), "{wait}: {}", said.body);
}

#[test]
fn each_token_may_change_so_much_in_a_minute() {
    let (api, other) = limited("0", "1");
    let put = |page: &str| api.send("PUT", &format!("/pages/{page}"), &json!({"content": "x"}));
    assert_eq!(put("A").status, 201);
    slower(&put("B"));
    // Reading is counted apart, and another token is somebody else.
    assert_eq!((api.get("/pages/A").status, api.get("/pages/B").status), (200, 404));
    let bearer = format!("Bearer {other}");
    let headers = [("Content-Type", "application/json"), ("Authorization", bearer.as_str())];
    let theirs = |page: &str| said(&api.server.client(), "PUT", &format!("/api/v1/pages/{page}"), &headers, b"{\"content\": \"x\"}");
    assert_eq!(theirs("C").status, 201);
    slower(&theirs("D"));
    let limits = &api.get("/wiki").body["limits"];
    assert_eq!((&limits["reads_per_minute"], &limits["writes_per_minute"]), (&json!(null), &json!(1)));
}

#[test]
fn what_costs_more_counts_more() {
    // A search is ten: the second within a minute is too much of eleven, whatever comes back within some seconds.
    let (api, _) = limited("11", "0");
    assert_eq!(api.get("/search?q=x").status, 200);
    slower(&api.get("/search?q=x"));
    // One may ask how it is as often as one likes.
    assert!((0..20).all(|_| api.get("/health").status == 200));
    let (api, _) = limited("0", "11");
    let operations: Vec<_> = (0..10).map(|i| json!({"op": "put", "path": format!("P{i}"), "content": "x"})).collect();
    let commit = |message: &str| api.send("POST", "/commits", &json!({"message": message, "operations": operations}));
    assert_eq!(commit("ten").status, 200);
    slower(&commit("ten more"));
    let (api, _) = limited("11", "0");
    let paths: Vec<String> = (0..10).map(|i| format!("P{i}")).collect();
    let batch = || api.send("POST", "/pages:batchGet", &json!({"paths": paths}));
    assert_eq!(batch().status, 200);
    slower(&batch());
}

#[test]
fn who_guesses_tokens_is_counted_by_address() {
    let (api, _) = limited("1", "0");
    let guess = |token: &str| said(&api.server.client(), "GET", "/api/v1/wiki", &[("Authorization", &format!("Bearer {token}"))], b"");
    guess("one").refused(401, "unauthorized");
    slower(&guess("two"));
    assert_eq!(api.get("/wiki").status, 200, "a good token is not where it comes from");
}
