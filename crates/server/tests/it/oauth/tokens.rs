//! Codes and tokens are exchanged and given back (security.md OAU-5..7, OAU-9).

use super::{CALLBACK, Place, VERIFIER, allow, authorize, exchange, form, place, refresh};
use crate::api::{Api, said};
use crate::client::Server;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// Case 24.
#[test]
fn case_24_a_code_is_good_once() {
    let place = place();
    let (client, ann, nobody) = (place.client(), place.browser("ann"), place.nobody());
    let code = || allow(&ann, &authorize(&client, &[]), "write");
    let one = code();
    let send = |more: &[(&str, &str)]| {
        let usual = [
            ("grant_type", "authorization_code"),
            ("code", one.as_str()),
            ("client_id", client.as_str()),
            ("code_verifier", VERIFIER),
            ("redirect_uri", CALLBACK),
        ];
        let usual: Vec<(&str, &str)> = usual.into_iter().filter(|(name, _)| !more.iter().any(|(other, _)| name == other)).collect();
        form(&nobody, "/oauth/token", &[], &[&usual, more].concat())
    };
    let other = place.client();
    let wrong = "x".repeat(43);
    for (name, value, status, problem) in [
        ("code_verifier", wrong.as_str(), 400, "invalid_grant"),
        ("code_verifier", "short", 400, "invalid_grant"),
        ("code_verifier", "", 400, "invalid_request"),
        ("code", "", 400, "invalid_request"),
        ("code", "holtc_x", 400, "invalid_grant"),
        ("client_id", other.as_str(), 400, "invalid_grant"),
        ("client_id", "holti_x", 401, "invalid_client"),
        ("client_id", "", 400, "invalid_request"),
        ("client_id", "https://agent.example/client.json", 400, "invalid_grant"),
        ("redirect_uri", "https://agent.example/cb", 400, "invalid_grant"),
        ("grant_type", "password", 400, "unsupported_grant_type"),
        ("grant_type", "", 400, "invalid_request"),
        ("resource", "https://evil.example/mcp", 400, "invalid_target"),
        ("client_secret", "holts_x", 401, "invalid_client"),
    ] {
        send(&[(name, value)]).problem(status, problem);
    }
    let first = send(&[("resource", &format!("http://{}/mcp", nobody.host))]);
    assert_eq!(
        (first.status, first.answer.header("cache-control"), first.answer.header("access-control-allow-origin")),
        (200, Some("no-store"), Some("*"))
    );
    assert_eq!(
        (&first.body["token_type"], &first.body["expires_in"], &first.body["scope"]),
        (&json!("Bearer"), &json!(3600), &json!("wiki:read wiki:write"))
    );
    let (access, next) = (first.text("access_token"), first.text("refresh_token"));
    assert!(access.starts_with("holta_") && next.starts_with("holtr_") && access.len() == 49);
    assert_eq!(place.may(&access), 200);
    // The second time is somebody else's, and ends what the first brought.
    exchange(&nobody, &client, &one).problem(400, "invalid_grant");
    assert_eq!(place.may(&access), 401);
    refresh(&nobody, &client, &next, &[]).problem(400, "invalid_grant");
    // Parameters stand in the body, once.
    let address = format!("/oauth/token?grant_type=authorization_code&code={}&client_id={client}&code_verifier={VERIFIER}", code());
    form(&nobody, &address, &[], &[]).problem(400, "invalid_request");
    form(&nobody, "/oauth/token", &[], &[("grant_type", "a"), ("grant_type", "b")]).problem(400, "invalid_request");
    said(&nobody, "POST", "/oauth/token", &[("Content-Type", "application/json")], b"{}").problem(400, "invalid_request");
}

/// Case 25.
#[test]
fn case_25_refreshing_makes_a_new_pair_and_reuse_ends_all() {
    let place = place();
    let (client, nobody) = (place.client(), place.nobody());
    let first = place.connect(&client, "wiki:write");
    refresh(&nobody, &client, &first.refresh, &[("scope", "wiki:upload")]).problem(400, "invalid_scope");
    refresh(&nobody, &client, &first.refresh, &[("scope", "everything")]).problem(400, "invalid_scope");
    refresh(&nobody, &place.client(), &first.refresh, &[]).problem(400, "invalid_grant");
    refresh(&place.there(&nobody), &client, &first.refresh, &[]).problem(401, "invalid_client");
    let second = refresh(&nobody, &client, &first.refresh, &[("scope", "wiki:read")]);
    assert_eq!((second.status, second.text("scope").as_str()), (200, "wiki:read"));
    assert_eq!((place.may(&first.access), place.may(&second.text("access_token"))), (401, 200));
    refresh(&nobody, &client, &first.refresh, &[]).problem(400, "invalid_grant");
    assert_eq!(place.may(&second.text("access_token")), 401);
    refresh(&nobody, &client, &second.text("refresh_token"), &[]).problem(400, "invalid_grant");
    let log = place.browser("root").get("/-/admin/audit").body_text();
    assert!(log.contains("Program cut off") && log.contains("Program allowed") && log.contains("Program introduced itself"), "{log}");
}

#[test]
fn case_25_one_half_given_back_ends_both() {
    let place = place();
    let (client, other, nobody) = (place.client(), place.client(), place.nobody());
    let revoke = |client: &str, token: &str| form(&nobody, "/oauth/revoke", &[], &[("token", token), ("client_id", client)]);
    for half in [0, 1] {
        let tokens = place.connect(&client, "wiki:write");
        let shown = [&tokens.access, &tokens.refresh][half];
        // What is another client's is not there for this one.
        assert_eq!((revoke(&other, shown).status, place.may(&tokens.access)), (200, 200));
        assert_eq!((revoke(&client, shown).status, place.may(&tokens.access)), (200, 401));
        refresh(&nobody, &client, &tokens.refresh, &[]).problem(400, "invalid_grant");
        assert_eq!(revoke(&client, shown).status, 200, "what has ended can be ended again");
    }
    revoke("holti_x", "holta_x").problem(401, "invalid_client");
    revoke(&client, "").problem(400, "invalid_request");
}

/// Case 26.
#[test]
fn case_26_a_restart_in_between_changes_nothing() {
    let Place { api, ann } = place();
    let mut place = Place { api, ann };
    let again = |place: Place| {
        let Place { api: Api { data, mut server, token }, ann } = place;
        server.stop();
        let server = Server::start(data.path(), &["--default-wiki", "docs"]);
        Place { api: Api { data, server, token }, ann }
    };
    let client = place.client();
    let page = super::question(&place.browser("ann"), &authorize(&client, &[]));
    place = again(place);
    let ann = place.browser("ann");
    let answer = super::decide(&ann, &page, "allow", "write");
    let code = super::parameter(answer.header("location").unwrap(), "code").unwrap();
    place = again(place);
    let said = exchange(&place.nobody(), &client, &code);
    assert_eq!(said.status, 200, "{}", said.body);
    place = again(place);
    assert_eq!(place.may(&said.text("access_token")), 200);
    assert_eq!(refresh(&place.nobody(), &client, &said.text("refresh_token"), &[]).status, 200);
}

/// Clients with a secret show it, in one of two ways.
#[test]
fn secrets_are_asked_for() {
    let place = place();
    let (ann, nobody) = (place.browser("ann"), place.nobody());
    let made = place.register(&json!({"grant_types": ["authorization_code", "refresh_token"]}));
    let (id, secret) = (made.text("client_id"), made.text("client_secret"));
    let basic = |id: &str, secret: &str| format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
    let send = |code: &str, header: Option<&str>, more: &[(&str, &str)]| {
        let usual = [("grant_type", "authorization_code"), ("code", code), ("code_verifier", VERIFIER)];
        let headers: Vec<(&str, &str)> = header.map(|value| ("Authorization", value)).into_iter().collect();
        form(&nobody, "/oauth/token", &headers, &[&usual, more].concat())
    };
    let code = allow(&ann, &authorize(&id, &[]), "read");
    send(&code, None, &[("client_id", &id)]).problem(401, "invalid_client");
    send(&code, None, &[("client_id", &id), ("client_secret", "holts_wrong")]).problem(401, "invalid_client");
    let wrong = send(&code, Some(&basic(&id, "holts_wrong")), &[]);
    wrong.problem(401, "invalid_client");
    assert!(wrong.answer.header("www-authenticate").unwrap().starts_with("Basic"));
    send(&code, Some(&basic(&id, &secret)), &[("client_secret", &secret)]).problem(400, "invalid_request");
    send(&code, Some(&basic(&id, &secret)), &[("client_id", "holti_x")]).problem(400, "invalid_request");
    for broken in ["Basic", "Basic !", "Bearer x", &format!("Basic {}", STANDARD.encode("no colon"))] {
        send(&code, Some(broken), &[]).problem(400, "invalid_request");
    }
    assert_eq!(send(&code, Some(&basic(&id, &secret)), &[]).status, 200);
    let code = allow(&ann, &authorize(&id, &[]), "read");
    assert_eq!(send(&code, None, &[("client_id", &id), ("client_secret", &secret)]).status, 200);
}

/// Who has no use for refresh tokens gets a longer one, and none of those.
#[test]
fn clients_that_do_not_refresh_get_a_week() {
    let place = place();
    let id = place.register(&json!({"token_endpoint_auth_method": "none"})).text("client_id");
    let said = exchange(&place.nobody(), &id, &allow(&place.browser("ann"), &authorize(&id, &[]), "read"));
    assert_eq!((said.body["expires_in"].as_i64(), said.body.get("refresh_token")), (Some(7 * 24 * 3600), None::<&Value>));
}
