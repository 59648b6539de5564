//! Programs introduce themselves (security.md OAU-1, OAU-2).

use super::{CALLBACK, place, register};
use crate::api::{Api, said};
use crate::client::Server;
use serde_json::{Value, json};

#[test]
fn a_program_gets_an_id_of_ours_and_what_is_kept_of_it() {
    let place = place();
    let more = json!({
        "client_id": "chosen", "client_name": "Ot\u{202e}ter\n<b>", "logo_uri": "http://127.0.0.1/x.png", "scope": "wiki:admin", "unknown": {"x": 1},
        "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
    });
    let said = place.register(&more);
    assert_eq!(
        (said.status, said.answer.header("cache-control"), said.answer.header("access-control-allow-origin")),
        (201, Some("no-store"), Some("*"))
    );
    let names: Vec<&String> = said.body.as_object().unwrap().keys().collect();
    assert!(names.iter().all(|name| !matches!(name.as_str(), "logo_uri" | "unknown" | "scope")), "{names:?}");
    assert!(said.text("client_id").starts_with("holti_") && said.text("client_secret").starts_with("holts_"));
    assert_eq!((said.text("client_name").as_str(), &said.body["client_secret_expires_at"]), ("Otterb", &json!(0)));
    assert_eq!(said.body["redirect_uris"], json!([CALLBACK, "https://agent.example/cb"]));
    let public = place.register(&json!({"token_endpoint_auth_method": "none", "client_name": null}));
    assert!(public.body.get("client_secret").is_none() && public.text("client_id") != said.text("client_id"));
    // Without a name it is called by where its answers go.
    assert_eq!(public.text("client_name"), "127.0.0.1:7777");
    // What it did not say it does it is not taken to do.
    assert_eq!(public.body["grant_types"], json!(["authorization_code"]));
}

#[test]
fn what_is_no_program_is_refused() {
    let place = place();
    for (more, code) in [
        (json!({"redirect_uris": []}), "invalid_redirect_uri"),
        (json!({"redirect_uris": null}), "invalid_redirect_uri"),
        (json!({"redirect_uris": "https://agent.example/cb"}), "invalid_redirect_uri"),
        (json!({"redirect_uris": [7]}), "invalid_redirect_uri"),
        (json!({"redirect_uris": vec!["https://agent.example/cb"; 6]}), "invalid_redirect_uri"),
        (json!({"redirect_uris": ["https://agent.example/cb", "javascript:alert(1)"]}), "invalid_redirect_uri"),
        (json!({"redirect_uris": ["http://agent.example/cb"]}), "invalid_redirect_uri"),
        (json!({"redirect_uris": ["https://agent.example/cb#x"]}), "invalid_redirect_uri"),
        (json!({"redirect_uris": ["https://agent.example/cb\nhttps://evil.example"]}), "invalid_redirect_uri"),
        (json!({"token_endpoint_auth_method": "private_key_jwt"}), "invalid_client_metadata"),
        (json!({"token_endpoint_auth_method": 7}), "invalid_client_metadata"),
        (json!({"grant_types": ["client_credentials"]}), "invalid_client_metadata"),
        (json!({"grant_types": "authorization_code"}), "invalid_client_metadata"),
        (json!({"response_types": ["token"]}), "invalid_client_metadata"),
        (json!({"client_name": ["x"]}), "invalid_client_metadata"),
    ] {
        place.register(&more).problem(400, code);
    }
    let client = place.nobody();
    let send = |kind: &str, body: &[u8]| said(&client, "POST", "/oauth/register", &[("Content-Type", kind)], body);
    for body in ["", "[]", "{", "\"x\"", "{\"redirect_uris\":[],\"redirect_uris\":[]}"] {
        send("application/json", body.as_bytes()).problem(400, "invalid_client_metadata");
    }
    send("text/plain", b"{}").problem(400, "invalid_client_metadata");
    let long = json!({"client_name": "x".repeat(20_000), "redirect_uris": [CALLBACK]}).to_string();
    let said = send("application/json", long.as_bytes());
    assert_eq!((said.status, &said.body["error"]), (413, &json!("invalid_request")));
}

/// Ten in an hour from one place.
#[test]
fn registering_is_bounded() {
    let super::Place { api, .. } = place();
    let Api { data, mut server, .. } = api;
    assert_eq!(server.client().get("/-/healthz").status, 200);
    server.stop();
    let server = Server::start(data.path(), &["--default-wiki", "docs", "--rate-limit", "on"]);
    let client = server.client();
    for _ in 0..10 {
        assert_eq!(register(&client, &json!({})).status, 201);
    }
    let refused = register(&client, &json!({}));
    refused.problem(429, "temporarily_unavailable");
    let seconds: u32 = refused.answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=3600).contains(&seconds));
    // What is wrong is counted by the minute.
    let wrong = (0..60).map(|_| register(&client, &json!({"redirect_uris": Value::Null}))).find(|said| said.status == 429);
    wrong.unwrap().problem(429, "temporarily_unavailable");
}
