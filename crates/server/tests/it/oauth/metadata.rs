//! What programs read first.

use super::{Place, place};
use crate::api::said;
use crate::client::Server;
use serde_json::json;

const DOCUMENTS: [&str; 3] =
    ["/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-authorization-server"];

/// Case 2.
#[test]
fn case_2_each_wiki_names_itself_as_its_authorization_server() {
    let place = place();
    for client in [place.nobody(), place.there(&place.nobody())] {
        let base = format!("http://{}", client.host);
        for address in &DOCUMENTS[..2] {
            let said = said(&client, "GET", address, &[], b"");
            assert_eq!(said.body["resource"], format!("{base}/mcp"));
            assert_eq!(said.body["authorization_servers"], json!([base]));
            assert_eq!(said.body["bearer_methods_supported"], json!(["header"]));
            assert_eq!(said.body["scopes_supported"], json!(["wiki:read", "wiki:write", "wiki:upload"]));
        }
    }
}

/// Case 3.
#[test]
fn case_3_the_server_says_where_everything_is_and_what_it_takes() {
    let Place { api, .. } = place();
    let client = api.server.client();
    let base = format!("http://{}", client.host);
    let body = said(&client, "GET", DOCUMENTS[2], &[], b"").body;
    assert_eq!(body["issuer"], base);
    for (name, path) in [("authorization", "authorize"), ("token", "token"), ("registration", "register"), ("revocation", "revoke")] {
        assert_eq!(body[format!("{name}_endpoint")], format!("{base}/oauth/{path}"));
    }
    assert_eq!((&body["response_types_supported"], &body["code_challenge_methods_supported"]), (&json!(["code"]), &json!(["S256"])));
    assert_eq!(body["token_endpoint_auth_methods_supported"], json!(["none", "client_secret_post", "client_secret_basic"]));
    assert_eq!(body["grant_types_supported"], json!(["authorization_code", "refresh_token"]));
    assert_eq!(body["client_id_metadata_document_supported"], true);
    assert_eq!(body["authorization_response_iss_parameter_supported"], true);
}

/// Case 3 and security.md OAU-10: names come from configuration, not from whoever asks.
#[test]
fn case_3_issuers_are_named_by_configuration() {
    let Place { api, .. } = place();
    let crate::api::Api { data, mut server, .. } = api;
    assert_eq!(server.client().get("/-/healthz").status, 200);
    server.stop();
    let server = Server::start(data.path(), &["--default-wiki", "docs", "--domain", "wiki.example.org", "--secure-cookies"]);
    let issuer = |host: &str| {
        let mut client = server.client();
        client.host = host.to_string();
        let said = said(&client, "GET", DOCUMENTS[2], &[], b"");
        (said.status, said.body["issuer"].as_str().unwrap_or_default().to_string())
    };
    for (host, expected) in [
        ("docs.wiki.example.org", "https://docs.wiki.example.org"),
        ("DOCS.Wiki.Example.Org.", "https://docs.wiki.example.org"),
        ("docs.wiki.example.org:8443", "https://docs.wiki.example.org:8443"),
        ("other.wiki.example.org", "https://other.wiki.example.org"),
        // The bare domain shows the wiki that was said to be there; addresses are nobody's name.
        ("wiki.example.org", "https://wiki.example.org"),
        ("127.0.0.1:8080", "https://docs.wiki.example.org"),
    ] {
        assert_eq!(issuer(host), (200, expected.to_string()), "{host}");
    }
    for unknown in
        ["none.wiki.example.org", "docs.evil.example", "evil.example", "docs.wiki.example.org.evil.example", "x.docs.wiki.example.org"]
    {
        assert_eq!(issuer(unknown).0, 404, "{unknown}");
    }
}

/// security.md HDR-6.
#[test]
fn pages_of_other_sites_may_read_what_is_meant_for_everybody() {
    let place = place();
    let client = place.nobody();
    for address in DOCUMENTS {
        let answer = client.send("GET", address, &[("Origin", "https://agent.example")], b"").unwrap();
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some("*")));
    }
    for address in [&DOCUMENTS[..], &["/oauth/token", "/oauth/register", "/oauth/revoke"]].concat() {
        let answer = client.send("OPTIONS", address, &[("Origin", "https://agent.example")], b"").unwrap();
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, Some("*")), "{address}");
        assert!(answer.header("access-control-allow-credentials").is_none());
        assert!(answer.header("access-control-allow-methods").unwrap().contains("POST"));
    }
    // What is for people is not.
    let page = client.send("GET", "/oauth/authorize", &[("Origin", "https://agent.example")], b"").unwrap();
    assert!(page.header("access-control-allow-origin").is_none());
}
