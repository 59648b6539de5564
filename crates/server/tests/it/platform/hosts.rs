//! Which host shows what.

use super::{DOMAIN, Platform, api, look};
use crate::client::Server;
use serde_json::json;

#[test]
fn case_1_only_wikis_are_wikis() {
    let platform = Platform::start();
    let ann = platform.person("Ann");
    platform.wiki(&ann, "alice");
    assert_eq!(platform.at_wiki("alice").get("/-/about").status, 200);
    let nothing = platform.at_wiki("nothing").get("/Home");
    assert!(nothing.status == 404 && nothing.body_text().contains("wiki not found"), "{}", nothing.body_text());
    for host in ["www", "api", "mcp", "auth", "a.alice", "-alice", "alice-", "ALICE.x", "al_ice"].map(|label| format!("{label}.{DOMAIN}")) {
        for path in ["/", "/Home", "/-/about", "/-/login", "/-/me"] {
            let answer = platform.at(&host).get(path);
            assert_eq!((answer.status, answer.body_text()), (404, nothing.body_text()), "{host}{path}");
        }
    }
    let evil = platform.at("evil.com").get("/Home");
    assert_eq!((evil.status, evil.body_text()), (404, nothing.body_text()));
    // To programs it is said in JSON.
    let said = look(&platform.at_wiki("nothing"), "/api/v1/pages");
    assert!(said.status == 404 && said.text("error").contains("wiki not found"), "{}", said.body);
    // The domain itself is the platform, and no wiki.
    let landing = platform.at(DOMAIN).get("/");
    assert!(landing.status == 200 && landing.body_text().contains(DOMAIN), "{}", landing.body_text());
    assert_eq!(platform.at(DOMAIN).get("/Home").status, 404);
    assert_eq!(look(&platform.at(DOMAIN), "/api/v1/pages").status, 404);
    // Loopback names are what they were.
    assert_eq!(platform.server.client().get("/").status, 200);
}

#[test]
fn localhost_is_a_platform_for_trying_it_out() {
    let data = tempfile::tempdir().unwrap();
    Server::prepare(data.path(), "docs");
    let server = Server::start(data.path(), &["--domain", "localhost"]);
    let get = |host: &str, path: &str| {
        let mut client = server.client();
        client.host = host.to_string();
        client.get(path)
    };
    assert!(get("localhost:8080", "/auth/login").body_text().contains("Log in with localhost"));
    assert_eq!(get("docs.localhost:8080", "/-/about").status, 200);
    assert!(get("docs.localhost:8080", "/-/login").body_text().contains("Log in with localhost"));
    assert_eq!((get("127.0.0.1:8080", "/-/about").status, get("other.localhost", "/").status), (200, 404));
    // A wiki that was named is what the domain shows: no platform then.
    drop(server);
    let server = Server::start(data.path(), &["--domain", "localhost", "--default-wiki", "docs"]);
    let mut client = server.client();
    client.host = "localhost".to_string();
    assert_eq!((client.get("/-/about").status, client.get("/auth/login").status), (200, 404));
    client.host = "docs.localhost".to_string();
    assert!(!client.get("/-/login").body_text().contains("Log in with localhost"));
}

#[test]
fn case_3_certificates_are_for_names_that_exist() {
    let platform = Platform::start();
    let ann = platform.person("Ann");
    platform.wiki(&ann, "alice");
    let check = |host: &str, domain: &str| platform.at(host).get(&format!("/api/internal/check-slug?domain={domain}"));
    // The proxy on this machine asks by whatever name it has for us.
    for host in [DOMAIN, "127.0.0.1:8080", "localhost"] {
        let found = check(host, &format!("alice.{DOMAIN}"));
        assert_eq!((found.status, found.body.as_slice()), (200, b"".as_slice()), "{host}");
        assert_eq!(check(host, &format!("ALICE.{DOMAIN}.")).status, 200);
        for missing in
            [format!("bob.{DOMAIN}"), "alice.evil.com".to_string(), format!("a.alice.{DOMAIN}"), format!("alice{DOMAIN}"), String::new()]
        {
            assert_eq!(check(host, &missing).status, 404, "{host} {missing}");
        }
    }
    api(&ann, "DELETE", "/api/wikis/alice", &json!({}));
    assert_eq!(check(DOMAIN, &format!("alice.{DOMAIN}")).status, 404, "deleted");
}

#[test]
fn case_3_only_neighbours_may_ask() {
    // Behind a proxy the peer is the proxy, and it is a neighbour; a server without one sees the world itself, which loopback is not here.
    let platform = Platform::start_with(&["--trust-proxy", "127.0.0.1"], |_| {});
    let asked =
        platform.at(DOMAIN).send("GET", &format!("/api/internal/check-slug?domain={DOMAIN}"), &[("X-Forwarded-For", "6.6.6.6")], b"");
    // What comes through the proxy from the world is not the proxy's own question.
    assert_eq!(asked.unwrap().status, 404);
    assert_eq!(platform.at(DOMAIN).get(&format!("/api/internal/check-slug?domain={DOMAIN}")).status, 200);
}
