//! Where a request came from, as proxies in front of us say it.

use super::{Platform, log_in};
use crate::client::Client;

const FORM: &str = "application/x-www-form-urlencoded";

/// Tries a wrong password for one more account each time, as somebody at `address` says to be; the status.
fn guess(client: &Client, at: usize, said: &[(&str, &str)]) -> u16 {
    client.use_token(&client.get("/auth/login"));
    let origin = format!("http://{}", client.host);
    let body = format!("csrf_token={}&email=nobody{at}%40example.org&password=x", crate::client::encode(&client.csrf()));
    let headers = [&[("Origin", origin.as_str()), ("Content-Type", FORM)], said].concat();
    client.send("POST", "/auth/login", &headers, body.as_bytes()).unwrap().status
}

/// Case 20, the end: the last entry that no proxy of ours wrote decides; whoever is no proxy of ours says nothing.
#[test]
fn case_20_a_spoofed_address_helps_nobody() {
    let platform = Platform::start_with(&["--rate-limit", "on"], |_| {});
    let client = platform.at(super::DOMAIN);
    let statuses: Vec<u16> = (0..21).map(|at| guess(&client, at, &[("X-Forwarded-For", &format!("6.6.6.{at}"))])).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 1, "twenty a minute for an address: {statuses:?}");
    drop(platform);
    let platform = Platform::start_with(&["--rate-limit", "on", "--trust-proxy", "127.0.0.0/8,10.0.0.0/8"], |_| {});
    let client = platform.at(super::DOMAIN);
    let from = |at: usize, said: &str| guess(&client, at, &[("X-Forwarded-For", said)]);
    // Somebody behind the proxy writes what they like in front of it: only what the proxy saw counts.
    let statuses: Vec<u16> = (0..21).map(|at| from(at, &format!("1.1.1.{at}, 7.7.7.7"))).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 1, "{statuses:?}");
    assert_eq!(from(30, "7.7.7.7, 10.0.0.9"), 429, "through a second proxy of ours");
    assert_eq!((from(31, "8.8.8.8"), from(32, "7.7.7.7, 8.8.8.8")), (422, 422), "others go on");
}

#[test]
fn tls_in_front_is_believed_of_proxies_alone() {
    for (flags, scheme) in [(&[] as &[&str], "http"), (&["--trust-proxy", "127.0.0.1"], "https")] {
        let platform = Platform::start_with(flags, |_| {});
        let ann = platform.person("Ann");
        platform.wiki(&ann, "alice");
        let shown =
            crate::api::said(&ann, "GET", "/api/wikis/alice", &[("X-Forwarded-Proto", "https"), ("X-Forwarded-For", "6.6.6.6")], b"");
        assert_eq!(shown.text("mcp_endpoint"), format!("{scheme}://alice.{}/mcp", super::DOMAIN));
    }
}

/// SES-5: an origin is a scheme, too. Which one is ours is said by a proxy that was named, or by the flag for cookies.
#[test]
fn forms_come_from_pages_of_our_scheme() {
    let secure: &[&str] = &["--secure-cookies"];
    let (plain, behind): (&[&str], &[&str]) = (&[], &["--trust-proxy", "127.0.0.1"]);
    for (flags, said, http, https) in [
        (plain, "", 422, 403),
        (plain, "https", 422, 403),
        (secure, "", 403, 422),
        (behind, "https", 403, 422),
        (behind, "http", 422, 403),
        (behind, "", 422, 403),
    ] {
        let platform = Platform::start_with(flags, |_| {});
        let client = platform.at(super::DOMAIN);
        client.use_token(&client.get("/auth/login"));
        let body = format!("csrf_token={}&email=nobody%40example.org&password=x", crate::client::encode(&client.csrf()));
        let send = |more: &[(&str, &str)]| {
            let headers = [&[("X-Forwarded-Proto", said), ("Content-Type", FORM)], more].concat();
            client.send("POST", "/auth/login", &headers, body.as_bytes()).unwrap()
        };
        let (by_http, by_https) = (format!("http://{}", client.host), format!("https://{}", client.host));
        for (origin, status) in [(&by_http, http), (&by_https, https)] {
            let answer = send(&[("Origin", origin)]);
            assert_eq!(answer.status, status, "{flags:?} {said} {origin}");
            assert_eq!(answer.body_text().contains("--trust-proxy"), status == 403, "the operator is told what to do");
            assert_eq!(send(&[("Origin", origin), ("Sec-Fetch-Site", "same-origin")]).status, 422, "the browser itself knows");
        }
    }
}

#[test]
fn log_in_is_braked_as_in_wikis() {
    let platform = Platform::start_with(&["--rate-limit", "on"], |_| {});
    let client = platform.at(super::DOMAIN);
    for _ in 0..5 {
        client.use_token(&client.get("/auth/login"));
        assert_eq!(client.post("/auth/login", &[("email", "ann@example.org"), ("password", "wrong")]).unwrap().status, 422);
    }
    let refused = log_in(&client, "Ann", "/app");
    assert!(refused.status == 429 && refused.header("retry-after").is_some(), "{}", refused.body_text());
}
