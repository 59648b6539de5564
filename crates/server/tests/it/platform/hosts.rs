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

/// Case 4 of spec/platform.md §16.
#[test]
fn case_4_files_of_the_platform() {
    let platform = Platform::start();
    let ann = platform.person("Ann");
    platform.wiki(&ann, "alice");
    let folder = platform.data.path().join("platform");
    std::fs::create_dir_all(folder.join("deep")).unwrap();
    std::fs::write(platform.data.path().join("secret"), "secret").unwrap();
    std::fs::write(folder.join("logo.png"), b"\x89PNG\r\n\x1a\n").unwrap();
    std::fs::write(folder.join("evil.html"), "<script>alert(1)</script>").unwrap();
    std::fs::write(folder.join("deep/inside.png"), "x").unwrap();
    std::fs::write(folder.join("most.png"), vec![0; 1024 * 1024]).unwrap();
    std::fs::write(folder.join("more.png"), vec![0; 1024 * 1024 + 1]).unwrap();
    std::os::unix::fs::symlink(platform.data.path().join("secret"), folder.join("link.png")).unwrap();
    for host in [DOMAIN.to_string(), format!("alice.{DOMAIN}"), "127.0.0.1".to_string()] {
        let get = |path: &str| platform.at(&host).get(path);
        let logo = get("/platform/logo.png");
        assert_eq!(
            (logo.status, logo.header("content-type"), logo.header("cache-control")),
            (200, Some("image/png"), Some("public, max-age=86400"))
        );
        assert_eq!(logo.body, b"\x89PNG\r\n\x1a\n", "{host}");
        // What wikis from robot.wtf name is there without anybody's doing; opened by itself it runs no script.
        let ours = get("/platform/robot.wtf.svg");
        assert_eq!((ours.status, ours.header("content-type")), (200, Some("image/svg+xml")));
        assert!(
            ours.header("content-security-policy").unwrap().contains("sandbox") && ours.header("cache-control").unwrap().contains("86400")
        );
        assert_eq!(get("/platform/evil.html").header("content-type"), Some("application/octet-stream"));
        assert_eq!((get("/platform/most.png").status, get("/platform/more.png").status), (200, 403));
        for outside in ["/platform/../secret", "/platform/deep/../../secret", "/platform/..", "/platform/%2e%2e/secret"] {
            let answer = get(outside);
            assert!(answer.status == 403 && !answer.body_text().contains("secret\n"), "{host}{outside}: {}", answer.status);
        }
        assert_eq!((get("/platform/a%00b").status, get("/platform/a%01b").status), (400, 400), "{host}");
        for nothing in ["/platform/", "/platform/link.png", "/platform/deep", "/platform/deep/inside.png", "/platform/none.png"] {
            let answer = get(nothing);
            // In a private wiki it is as any page that is not there.
            assert!(matches!(answer.status, 404 | 303) && !answer.body_text().contains("secret"), "{host}{nothing}: {}", answer.status);
        }
    }
    assert_eq!(platform.at("evil.com").get("/platform/logo.png").status, 404);
    assert_eq!(platform.at(DOMAIN).get("/platform/").status, 404);
}
