//! From the platform into a wiki and back out.

use super::{DOMAIN, Platform, api, log_in, look, path_at, travel};
use crate::client::Client;
use crate::http::viewer_of;
use serde_json::json;

#[test]
fn one_log_in_opens_ones_wikis() {
    let platform = Platform::start();
    let ann = platform.person("Ann");
    platform.wiki(&ann, "alice");
    let wiki = platform.at_wiki("alice");
    let form = wiki.get("/-/login?next=/Home");
    assert!(form.body_text().contains("/-/login/platform?next=%2FHome") && form.body_text().contains(DOMAIN), "{}", form.body_text());
    // Whoever owns the wiki goes straight through, with a cookie for that host alone.
    let arrived = travel(&ann, &wiki, "/Home");
    assert_eq!((arrived.status, arrived.header("location")), (303, Some("/Home")));
    for (_, cookie) in arrived.headers.iter().filter(|(name, _)| name == "set-cookie") {
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && !cookie.to_lowercase().contains("domain="), "{cookie}");
    }
    assert_eq!(wiki.get("/").status, 200);
    // Somebody the wiki does not know is asked first: its administrators would learn their name.
    let bob = platform.person("Bob");
    let elsewhere = platform.at_wiki("alice");
    let left = elsewhere.get("/-/login/platform?next=/Home");
    let asked = bob.get(path_at(&left, DOMAIN));
    assert!(asked.status == 200 && asked.body_text().contains("bob@example.org"), "{}", asked.body_text());
    let policy = asked.header("content-security-policy").unwrap();
    assert!(policy.contains(&format!("form-action 'self' http://*.{DOMAIN}")), "{policy}");
    let refused = travel(&bob, &elsewhere, "/Home");
    assert_eq!(refused.status, 403, "nobody approved him: {}", refused.body_text());
    assert_eq!(elsewhere.get("/Home").status, 303, "still a stranger");
}

#[test]
fn case_16_whoever_is_logged_in_is_not_asked_again() {
    let platform = Platform::start();
    let ann = platform.person("Ann");
    let csrf = look(&ann, "/api/me").text("csrf");
    let again = ann.get(&format!("/auth/login?return_to=http://foo.{DOMAIN}/Page"));
    assert_eq!(again.header("location"), Some(format!("http://foo.{DOMAIN}/-/login/platform?next=%2FPage").as_str()));
    assert_eq!(ann.get("/auth/login").header("location"), Some("/app"));
    assert_eq!(ann.get("/auth/login?return_to=//evil.com").header("location"), Some("/app"), "case 15");
    assert_eq!(look(&ann, "/api/me").text("csrf"), csrf, "the session is untouched");
    // Garbage and several cookies are no session.
    for cookie in ["holt_session=garbage", "holt_session=a; holt_session=b", &format!("holt_session={}", "x".repeat(4000))] {
        let form = platform.at(DOMAIN).send("GET", "/auth/login", &[("Cookie", cookie)], b"").unwrap();
        assert!(form.status == 200 && form.body_text().contains("name=\"password\""), "{cookie}");
        assert_eq!(platform.at(DOMAIN).send("GET", "/api/me", &[("Cookie", cookie)], b"").unwrap().status, 401, "case 14: {cookie}");
    }
    // Where somebody wanted to go is where they get, and nowhere else (case 15).
    for (wanted, got) in [("/app/account", "/app/account"), ("https://evil.com", "/app"), ("/\\evil.com", "/app"), ("", "/app")] {
        let client = platform.at(DOMAIN);
        assert_eq!(log_in(&client, "Bob", wanted).header("location"), Some(got), "{wanted}");
    }
    let lost = platform.at(DOMAIN).get("/app/wiki/x?a=b");
    assert_eq!(lost.header("location"), Some("/auth/login?return_to=%2Fapp%2Fwiki%2Fx%3Fa%3Db"));
}

#[test]
fn case_17_a_code_is_good_once_in_one_browser_for_one_wiki() {
    let platform = Platform::start();
    let (ann, olga) = (platform.person("Ann"), platform.person("Olga"));
    platform.wiki(&ann, "alice");
    platform.wiki(&olga, "bob-s");
    let begin = |slug: &str| {
        let wiki = platform.at_wiki(slug);
        let left = wiki.get("/-/login/platform?next=/Home");
        let sent = ann.get(path_at(&left, DOMAIN));
        (wiki.clone(), path_at(&sent, &wiki.host).to_string())
    };
    let refused = |answer: crate::client::Answer, what: &str| {
        assert_eq!(answer.status, 400, "{what}: {}", answer.body_text());
        assert!(answer.body_text().contains("begun in another browser"), "{what}");
    };
    // Missing parts.
    refused(platform.at_wiki("alice").get("/-/login/arrive"), "nothing");
    refused(platform.at_wiki("alice").get("/-/login/arrive?code=x"), "no cookie");
    // Used twice.
    let (wiki, path) = begin("alice");
    assert_eq!(wiki.get(&path).status, 303);
    let left = wiki.get("/-/login/platform?next=/Home");
    assert_eq!(left.header("location"), Some("/Home"), "who is in goes on");
    let second = platform.at_wiki("alice");
    let _ = second.get("/-/login/platform?next=/Home");
    refused(second.get(&path), "used");
    // In another browser: a log-in cannot be pushed onto somebody (login CSRF). The code is used up by the attempt.
    let (wiki, path) = begin("alice");
    let victim = platform.at_wiki("alice");
    let _ = victim.get("/-/login/platform?next=/Home");
    refused(victim.get(&path), "another browser");
    refused(wiki.get(&path), "used up");
    // At another wiki.
    let (_, path) = begin("alice");
    let other = platform.at_wiki("bob-s");
    let _ = other.get("/-/login/platform?next=/Home");
    refused(other.get(&path), "another wiki");
    // What is no challenge, and what is no wiki.
    for query in ["", "wiki=alice", "wiki=alice&challenge=x", "wiki=nothing&challenge=".to_string().as_str()] {
        assert_eq!(ann.get(&format!("/auth/wiki?{query}")).status, 422, "{query}");
    }
    // An address elsewhere is no place to go to.
    let wiki = platform.at_wiki("alice");
    assert_eq!(travel(&ann, &wiki, "//evil.com/x").header("location"), Some("/"));
}

#[test]
fn secure_cookies_are_host_only() {
    let platform = Platform::start_with(&["--secure-cookies"], |_| {});
    let mut client = platform.at(DOMAIN);
    client.scheme = "https";
    let answer = log_in(&client, "Ann", "/app");
    assert_eq!(answer.status, 303, "{}", answer.body_text());
    let cookies: Vec<_> = answer.headers.iter().filter(|(name, _)| name == "set-cookie").map(|(_, cookie)| cookie).collect();
    assert!(cookies.iter().any(|cookie| cookie.starts_with("__Host-holt_session=")), "{cookies:?}");
    for cookie in cookies {
        let all = ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"].iter().all(|part| cookie.contains(part));
        assert!(all && !cookie.to_lowercase().contains("domain="), "{cookie}");
    }
}

/// Whatever takes somebody's right away takes away what they were shown, here at once: an edge's token is not believed.
#[test]
fn no_token_shows_more_than_its_session() {
    let platform = Platform::start();
    let (olga, ann) = (platform.person("Olga"), platform.person("Ann"));
    platform.wiki(&ann, "alice");
    let shown = |wiki: &Client| {
        let page = wiki.get("/");
        assert_eq!(page.status, 200, "{}", page.body_text());
        viewer_of(&page)
    };
    let again = |viewer: &str| platform.at_wiki("alice").send("GET", "/", &[("Cookie", viewer)], b"").unwrap().status;
    // Suspending.
    let wiki = platform.enter(&ann, "alice");
    let viewer = shown(&wiki);
    for (act, seen) in [("suspend", 404), ("resume", 303)] {
        assert_eq!(olga.post("/app/admin/wiki/alice", &[("act", act)]).unwrap().status, 303);
        assert_eq!(again(&viewer), seen, "{act}");
    }
    assert_eq!(wiki.get("/").status, 200);
    // Being a member no more.
    assert_eq!(api(&ann, "PUT", "/api/wikis/alice/members/bob@example.org", &json!({"approved": true})).status, 200);
    let guest = platform.enter(&platform.person("Bob"), "alice");
    let viewer = shown(&guest);
    assert_eq!(api(&ann, "DELETE", "/api/wikis/alice/members/bob@example.org", &json!({})).status, 200);
    assert_eq!((guest.get("/").status, again(&viewer)), (303, 303));
    // Logging out of the platform.
    let viewer = shown(&wiki);
    assert_eq!(ann.post("/auth/logout", &[]).unwrap().status, 303);
    assert_eq!((wiki.get("/").status, again(&viewer)), (303, 303));
}

#[test]
fn case_14_what_ends_on_the_platform_ends_in_its_wikis_at_once() {
    let platform = Platform::start();
    let ann = platform.person("Ann");
    platform.wiki(&ann, "alice");
    let wiki = platform.enter(&ann, "alice");
    assert_eq!(wiki.get("/-/settings").status, 200);
    // Logging out of the wiki leaves the platform alone.
    assert_eq!(wiki.post("/-/logout", &[]).unwrap().status, 303);
    assert_eq!((wiki.get("/-/settings").status, look(&ann, "/api/me").status), (303, 200));
    let wiki = platform.enter(&ann, "alice");
    // Logging out of the platform ends what was begun from it; a form has to be sent, a link does nothing.
    assert_eq!(ann.get("/auth/logout").status, 405);
    assert_eq!(ann.post("/auth/logout", &[]).unwrap().status, 303);
    assert_eq!((wiki.get("/-/settings").status, look(&ann, "/api/me").status), (303, 401));
    // So does ending that session from elsewhere.
    let (here, there) = (platform.person("Ann"), platform.person("Ann"));
    let wiki = platform.enter(&there, "alice");
    let account = here.get("/app/account").body_text();
    let ids: Vec<&str> = account.split("name=\"end\" value=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    for id in ids {
        here.post("/app/account/sessions", &[("end", id)]).unwrap();
    }
    assert_eq!((wiki.get("/-/settings").status, look(&there, "/api/me").status, look(&here, "/api/me").status), (303, 401, 200));
    // An account that is gone is nobody, by cookie and by token.
    let wiki = platform.enter(&here, "alice");
    let made = here.post("/app/account/tokens", &[("label", "t"), ("scope", "manage")]).unwrap();
    let secret = made.body_text().split("<code>").nth(1).unwrap().split('<').next().unwrap().to_string();
    let stranger = platform.at(DOMAIN);
    assert_eq!(super::with_token(&stranger, &secret, "GET", "/api/me", "").status, 200);
    assert_eq!(here.post("/app/account/delete", &[("email", "ann@example.org")]).unwrap().status, 303);
    assert_eq!((look(&here, "/api/me").status, super::with_token(&stranger, &secret, "GET", "/api/me", "").status), (401, 401));
    assert_eq!(wiki.get("/Home").status, 404, "her wiki went with her");
}

/// A wiki beside us is the same site to a browser: its forms come with our cookies.
#[test]
fn case_33_a_sibling_sends_no_forms() {
    let platform = Platform::start();
    let ann = platform.person("Ann");
    platform.wiki(&ann, "alice");
    let wiki = platform.enter(&ann, "alice");
    let form = "application/x-www-form-urlencoded";
    for origin in [
        format!("http://evil.{DOMAIN}"),
        "null".to_string(),
        format!("http://{DOMAIN}.evil.com"),
        format!("http://{DOMAIN}:81"),
        String::new(),
    ] {
        for (client, path, fields) in [
            (&ann, "/app/wiki/alice/delete", "slug=alice"),
            (&ann, "/app/account/delete", "email=ann@example.org"),
            (&ann, "/auth/logout", "x=1"),
            (&wiki, "/Home/save", "content=evil&commit=&revision="),
        ] {
            // Even with the right token, which a sibling cannot know.
            let body = format!("{fields}&csrf_token={}", crate::client::encode(&client.csrf()));
            let mut headers = vec![("Content-Type", form)];
            if !origin.is_empty() {
                headers.push(("Origin", origin.as_str()));
            }
            let answer = client.send("POST", path, &headers, body.as_bytes()).unwrap();
            assert_eq!(answer.status, 403, "{origin} {path}");
        }
        let csrf = ann.csrf();
        let headers = [("Origin", origin.as_str()), ("X-CSRF-Token", csrf.as_str()), ("Content-Type", "application/json")];
        for (method, path) in [("DELETE", "/api/wikis/alice"), ("POST", "/api/wikis"), ("PATCH", "/api/wikis/alice")] {
            let said = crate::api::said(&ann, method, path, &headers, b"{}");
            assert_eq!(said.status, 403, "{origin} {method} {path}");
        }
    }
    // Our own page without the token, and with another session's.
    let own = format!("http://{DOMAIN}");
    for csrf in ["", "x", platform.person("Bob").csrf().as_str()] {
        let said = crate::api::said(&ann, "DELETE", "/api/wikis/alice", &[("Origin", &own), ("X-CSRF-Token", csrf)], b"{}");
        assert_eq!(said.status, 403, "{csrf:?}");
    }
    assert_eq!(look(&ann, "/api/wikis/alice").body["wiki"]["state"], "active");
    assert_eq!(api(&ann, "DELETE", "/api/wikis/alice", &json!({})).status, 200, "and with both it works");
}

#[test]
fn accounts_are_made_where_the_operator_lets_them() {
    let platform = Platform::start();
    assert_eq!(platform.at(DOMAIN).get("/auth/register").status, 403);
    assert!(!platform.at(DOMAIN).get("/auth/login").body_text().contains("/auth/register"));
    drop(platform);
    let platform = Platform::start_with(&["--sign-up", "open"], |_| {});
    let eve = platform.at(DOMAIN);
    eve.use_token(&eve.get("/auth/register"));
    let fields = |email: &'static str, second: &'static str| {
        [("name", "Eve"), ("email", email), ("password1", "correct horse"), ("password2", second)]
    };
    assert_eq!(eve.post("/auth/register", &fields("eve@example.org", "another")).unwrap().status, 422);
    assert_eq!(eve.post("/auth/register", &fields("ann@example.org", "correct horse")).unwrap().status, 409, "the address has an account");
    let made = eve.post("/auth/register", &fields("eve@example.org", "correct horse")).unwrap();
    assert_eq!((made.status, made.header("location")), (303, Some("/app")));
    let me = look(&eve, "/api/me");
    assert_eq!((me.text("handle").as_str(), me.body["operator"].as_bool()), ("eve@example.org", Some(false)));
}
