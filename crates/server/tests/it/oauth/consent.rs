//! How people are asked, and what becomes of their answer.

use super::{CALLBACK, CHALLENGE, Place, allow, authorize, decide, exchange, parameter, place, question};
use crate::api::PASSWORD;
use crate::client::{Client, encode};

/// The page that says why nobody is asked: its status, and whether it leads back to the program.
fn refused(browser: &Client, address: &str) -> (u16, Option<String>) {
    let answer = browser.get(address);
    assert!(answer.header("location").is_none(), "nobody is sent anywhere: {address}");
    let text = answer.body_text();
    assert!(text.contains("The program cannot be connected"), "{text}");
    let back = text.find("Back to the program").map(|at| {
        let start = text[..at].rfind("href=\"").unwrap() + 6;
        text[start..].split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&")
    });
    (answer.status, back)
}

#[test]
fn the_page_says_who_asks_for_what_and_where_the_answer_goes() {
    let place = place();
    let ann = place.browser("ann");
    let page = ann.get(&question(&ann, &authorize(&place.client(), &[("scope", "wiki:write")])));
    let text = page.body_text();
    for part in [
        "Otter</strong>",
        "gave itself its name",
        "127.0.0.1:7777</strong>",
        "on your own computer",
        "docs</strong>",
        "Ann</strong>",
        "ann@example.org",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(text.contains("value=\"write\" checked"), "{text}");
    // It cannot be framed, and its form may end where the answer goes, and nowhere else.
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("frame-ancestors 'none'") && policy.contains("form-action 'self' http://127.0.0.1:7777;"), "{policy}");
    assert_eq!(page.header("cache-control"), Some("no-store"));
    // Elsewhere there is no such warning.
    let page = ann.get(&question(&ann, &authorize(&place.client(), &[("redirect_uri", "https://agent.example/cb")])));
    assert!(!page.body_text().contains("on your own computer") && page.body_text().contains("agent.example</strong>"));
}

#[test]
fn whoever_is_not_logged_in_comes_back_after_logging_in() {
    let place = place();
    let (client, browser) = (place.client(), place.nobody());
    let address = authorize(&client, &[]);
    let answer = browser.get(&address);
    let login = answer.header("location").unwrap().to_string();
    assert!(answer.status == 303 && login.starts_with("/-/login?next=%2Foauth%2Fauthorize"), "{login}");
    let form = browser.get(&login);
    browser.use_token(&form);
    let next = form.field("next").replace("&#38;", "&").replace("&amp;", "&");
    let answer = browser.post("/-/login", &[("email", "ann@example.org"), ("password", PASSWORD), ("next", &next)]).unwrap();
    assert_eq!((answer.status, answer.header("location")), (303, Some(address.as_str())));
    browser.refresh_csrf();
    let code = allow(&browser, &address, "read");
    assert_eq!(exchange(&place.nobody(), &client, &code).body["scope"], "wiki:read");
}

/// Case 21.
#[test]
fn case_21_who_may_not_read_the_wiki_allows_nothing_in_it() {
    let place = place();
    let (client, eve) = (place.client(), place.browser("eve"));
    let (status, back) = refused(&eve, &authorize(&client, &[]));
    let back = back.unwrap();
    assert_eq!((status, parameter(&back, "error").as_deref()), (403, Some("access_denied")));
    assert!(parameter(&back, "code").is_none());
}

/// Nobody lets a program do more than they may themselves.
#[test]
fn what_is_allowed_is_bounded_by_ones_own_rights() {
    let place = place();
    let (client, ben) = (place.client(), place.browser("ben"));
    let address = authorize(&client, &[("scope", "wiki:read wiki:write wiki:upload")]);
    let page = question(&ben, &address);
    let text = ben.get(&page).body_text();
    assert!(
        text.contains("value=\"read\" checked") && !text.contains("value=\"write\"") && text.contains("more than you may do here"),
        "{text}"
    );
    for scope in ["write", "upload", "admin", ""] {
        let answer = decide(&ben, &page, "allow", scope);
        assert_eq!((answer.status, answer.header("location")), (400, None), "{scope}");
    }
    // What was refused is not answered yet.
    let answer = decide(&ben, &page, "allow", "read");
    let code = parameter(answer.header("location").unwrap(), "code").unwrap();
    assert_eq!(exchange(&place.nobody(), &client, &code).body["scope"], "wiki:read");
}

/// Case 22. That a question is forgotten after ten minutes is tested where the clock can be set (crates/engine/tests/it/oauth.rs).
#[test]
fn case_22_a_question_is_answered_once_by_whom_it_was_put_to() {
    let place = place();
    let (client, ann, ben) = (place.client(), place.browser("ann"), place.browser("ben"));
    let page = question(&ann, &authorize(&client, &[]));
    let status = |browser: &Client, page: &str, decision: &str| decide(browser, page, decision, "read").status;
    // Tampered with; somebody else; no answer at all; from a page of another site.
    assert_eq!((status(&ann, &format!("{page}x"), "allow"), status(&ann, "/oauth/consent/holtq_x", "allow")), (400, 400));
    assert_eq!((status(&ben, &page, "allow"), ben.get(&page).status), (403, 403));
    assert_eq!((status(&ann, &page, "maybe"), status(&ann, &page, "")), (400, 400));
    let body = format!("csrf_token={}&decision=allow&scope=read", encode(&ann.csrf()));
    let kind = ("Content-Type", "application/x-www-form-urlencoded");
    let foreign = ann.send("POST", &page, &[("Origin", "https://evil.example"), kind], body.as_bytes()).unwrap();
    let origin = format!("http://{}", ann.host);
    let tokenless = ann.send("POST", &page, &[("Origin", &origin), kind], b"decision=allow&scope=read").unwrap();
    assert_eq!((foreign.status, tokenless.status), (403, 403));
    // Another wiki has not asked it.
    assert_eq!(place.there(&ann).get(&page).status, 303);
    // Two tabs do not disturb each other, and each is answered once.
    let second = question(&ann, &authorize(&client, &[("state", "second")]));
    for (page, state) in [(&second, "second"), (&page, "a state & more")] {
        let answer = decide(&ann, page, "allow", "read");
        let to = answer.header("location").unwrap();
        assert!(answer.status == 303 && to.starts_with(&format!("{CALLBACK}?code=holtc_")), "{to}");
        assert_eq!((parameter(to, "state").as_deref(), parameter(to, "iss")), (Some(state), Some(format!("http://{}", ann.host))));
        assert_eq!((status(&ann, page, "allow"), status(&ann, page, "deny"), ann.get(page).status), (403, 403, 403));
    }
    // No is an answer, too.
    let answer = decide(&ann, &question(&ann, &authorize(&client, &[])), "deny", "read");
    let to = answer.header("location").unwrap();
    assert_eq!((answer.status, parameter(to, "error").as_deref(), parameter(to, "code")), (303, Some("access_denied"), None));
    assert_eq!((parameter(to, "state").as_deref(), parameter(to, "iss")), (Some("a state & more"), Some(format!("http://{}", ann.host))));
}

/// Case 23: what a program gets wrong is said to people, and nobody is sent to an address because a program named it.
#[test]
fn case_23_what_is_wrong_is_said_and_nobody_is_sent_anywhere() {
    let place = place();
    let (client, ann) = (place.client(), place.browser("ann"));
    let elsewhere = super::register(&place.there(&place.nobody()), &serde_json::json!({})).text("client_id");
    for address in [
        "/oauth/authorize".to_string(),
        authorize("", &[]),
        authorize("holti_unknown", &[]),
        authorize("<script>alert(1)</script>", &[]),
        authorize(&elsewhere, &[]),
        authorize(&client, &[("redirect_uri", "")]),
        authorize(&client, &[("redirect_uri", "https://evil.example/cb")]),
        authorize(&client, &[("redirect_uri", "https://agent.example/cb/")]),
        authorize(&client, &[("redirect_uri", "javascript:alert(1)")]),
        authorize(&client, &[("redirect_uri", "http://127.0.0.1:7777/callback#x")]),
        format!("{}&redirect_uri=https%3A%2F%2Fevil.example", authorize(&client, &[])),
    ] {
        assert_eq!(refused(&ann, &address), (400, None), "{address}");
        assert!(!ann.get(&address).body_text().contains("<script>alert"));
    }
    let long = "x".repeat(1025);
    for (name, value, code) in [
        ("response_type", "token", "unsupported_response_type"),
        ("response_type", "", "unsupported_response_type"),
        ("code_challenge", "", "invalid_request"),
        ("code_challenge", "short", "invalid_request"),
        ("code_challenge_method", "plain", "invalid_request"),
        ("code_challenge_method", "", "invalid_request"),
        ("scope", "wiki:admin", "invalid_scope"),
        ("resource", "https://evil.example/mcp", "invalid_target"),
        ("resource", "http://other.localhost/mcp", "invalid_target"),
        ("state", &long, "invalid_request"),
    ] {
        let (status, back) = refused(&ann, &authorize(&client, &[(name, value)]));
        let back = back.unwrap();
        assert!(status == 400 && back.starts_with(&format!("{CALLBACK}?error={code}&")), "{name}={value}: {back}");
        assert_eq!(parameter(&back, "iss"), Some(format!("http://{}", ann.host)));
        assert_eq!(parameter(&back, "state").is_some(), name != "state", "{back}");
    }
    // The control: so it would have been taken.
    let resource = format!("http://{}/mcp", ann.host);
    question(&ann, &authorize(&client, &[("resource", &resource), ("scope", "wiki:read openid"), ("code_challenge", CHALLENGE)]));
    question(&ann, &authorize(&client, &[("redirect_uri", "http://127.0.0.1:4242/callback")]));
}

#[test]
fn what_programs_say_of_themselves_is_shown_as_text() {
    let Place { api, ann } = place();
    let place = Place { api, ann };
    let browser = place.browser("ann");
    let more = serde_json::json!({"client_name": "\"'&x=<img src=x onerror=alert(1)>", "token_endpoint_auth_method": "none"});
    let id = place.register(&more).text("client_id");
    let text = browser.get(&question(&browser, &authorize(&id, &[]))).body_text();
    assert!(!text.contains("<img src=x"), "{text}");
    assert!(text.contains("img src=x onerror=alert(1)"));
}
