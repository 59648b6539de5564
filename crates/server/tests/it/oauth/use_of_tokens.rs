//! What an access token opens, and how that ends (security.md OAU-7..9, OAU-11).

use super::{Place, mcp, place};
use crate::api::{Api, said};
use crate::client::{Client, Server};
use crate::mcp::{message, told};
use holt_core::Actor;
use holt_engine::Admin;
use holt_engine::pages;
use serde_json::{Value, json};

fn call(place: &Place, token: &str, tool: &str, arguments: &Value) -> crate::api::Said {
    place.mcp(token, "tools/call", &json!({"name": tool, "arguments": arguments}))
}

/// Case 1.
#[test]
fn case_1_who_has_no_token_is_told_where_to_get_one() {
    let place = place();
    let client = place.nobody();
    let said = said(&client, "POST", "/mcp", &[("Content-Type", "application/json")], message("tools/list", &json!({})).as_bytes());
    let challenge = said.answer.header("www-authenticate").unwrap().to_string();
    let document = challenge.split("resource_metadata=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!((said.status, document), (401, format!("http://{}/.well-known/oauth-protected-resource/mcp", client.host).as_str()));
    assert!(challenge.contains("scope=\"wiki:read\""), "{challenge}");
}

/// Case 20.
#[test]
fn case_20_a_token_opens_mcp_of_one_wiki_and_nothing_else() {
    let place = place();
    let tokens = place.connect(&place.client(), "wiki:upload");
    assert_eq!(place.may(&tokens.access), 200);
    let there = mcp(&place.there(&place.nobody()), &tokens.access, "tools/list", &json!({}));
    assert_eq!(there.status, 401);
    assert!(there.answer.header("www-authenticate").unwrap().starts_with("Bearer error=\"invalid_token\", "));
    // It is not for the API, as no session and as no other kind of token.
    let bearer = format!("Bearer {}", tokens.access);
    assert_eq!(said(&place.nobody(), "GET", "/api/v1/pages", &[("Authorization", &bearer)], b"").status, 401);
    assert_eq!(place.nobody().send("GET", "/-/settings", &[("Authorization", &bearer)], b"").unwrap().status, 303);
    assert_eq!((place.may(&tokens.refresh), place.may("holta_x"), place.may("holta_")), (401, 401, 401));
}

/// Case 29, and security.md OAU-11.
#[test]
fn case_29_what_was_not_allowed_is_refused_with_what_would_be_needed() {
    let place = place();
    let reader = place.connect(&place.client(), "wiki:read");
    let list = place.mcp(&reader.access, "tools/list", &json!({})).answer.body_text();
    assert!(list.contains("read_note") && !list.contains("write_note"));
    for (tool, scopes) in [("write_note", "wiki:read wiki:write"), ("upload_attachment", "wiki:read wiki:write wiki:upload")] {
        let said = call(&place, &reader.access, tool, &json!({"path": "X", "content": "y"}));
        let challenge = said.answer.header("www-authenticate").unwrap();
        assert_eq!(said.status, 403);
        assert!(
            challenge.starts_with(&format!("Bearer error=\"insufficient_scope\", scope=\"{scopes}\", resource_metadata=")),
            "{challenge}"
        );
    }
    // Asked again, with what was named, it may.
    let writer = place.connect(&place.client(), "wiki:read wiki:write");
    assert!(!told(&call(&place, &writer.access, "write_note", &json!({"path": "X", "content": "y"}))).failed);
    assert_eq!(call(&place, &writer.access, "upload_attachment", &json!({"path": "X", "filename": "a", "content": "eA=="})).status, 403);
}

/// Case 30: the name is what the person was shown, whatever the program says later.
#[test]
fn case_30_commits_name_the_person_and_the_program_they_allowed() {
    let place = place();
    let writer = place.connect(&place.client(), "wiki:write");
    let (headers, body) =
        crate::mcp::modern("tools/call", &json!({"name": "write_note", "arguments": {"path": "X", "content": "y"}}), crate::mcp::MODERN);
    let bearer = format!("Bearer {}", writer.access);
    let mut sent = vec![("Content-Type", "application/json"), ("Authorization", bearer.as_str())];
    sent.extend(headers.iter().map(|(name, value)| (*name, value.as_str())));
    assert!(body.contains("\"otter\""), "control: it says another name");
    assert!(!told(&said(&place.nobody(), "POST", "/mcp", &sent, body.as_bytes())).failed);
    let log = place.api.get("/changelog");
    assert_eq!((log.column("entries", "author"), log.column("entries", "via")), (vec!["Ann".to_string()], vec!["mcp/Otter".to_string()]));
}

/// The wiki's rules for agents (docs/review.md) know a program by the name that the person was shown, whatever it says later.
#[test]
fn the_policy_holds_for_programs_that_were_allowed() {
    let place = place();
    let root = place.browser("root");
    let deny = [("client", "mcp/otter"), ("path", ""), ("handling", "deny")];
    let propose = [("client", "mcp/beaver"), ("path", ""), ("handling", "propose")];
    assert_eq!(root.post("/-/admin/agent_policy", &[&deny[..], &propose, &[("before", "")]].concat()).unwrap().status, 303);
    let more =
        json!({"client_name": "Beaver", "token_endpoint_auth_method": "none", "grant_types": ["authorization_code", "refresh_token"]});
    let writer = place.connect(&place.register(&more).text("client_id"), "wiki:write");
    let (headers, body) =
        crate::mcp::modern("tools/call", &json!({"name": "write_note", "arguments": {"path": "X", "content": "y"}}), crate::mcp::MODERN);
    let bearer = format!("Bearer {}", writer.access);
    let mut sent = vec![("Content-Type", "application/json"), ("Authorization", bearer.as_str())];
    sent.extend(headers.iter().map(|(name, value)| (*name, value.as_str())));
    assert!(body.contains("\"otter\""), "control: it says the name that is denied");
    let told = told(&said(&place.nobody(), "POST", "/mcp", &sent, body.as_bytes()));
    assert!(!told.failed && told.text.starts_with("Proposed "), "{}", told.text);
    assert_eq!(place.api.get("/pages/X").status, 404);
}

/// Case 28.
#[test]
fn case_28_whoever_is_taken_out_of_the_wiki_takes_their_programs_along() {
    let place = place();
    let tokens = place.connect(&place.client(), "wiki:write");
    assert_eq!(place.may(&tokens.access), 200);
    let root = place.browser("root");
    let field = format!("{}", place.ann.0);
    // Only their right to write goes.
    let edit = |fields: &[(&str, &str)]| root.post(&format!("/-/user/{field}"), fields).unwrap();
    let who = [("name", "Ann"), ("email", "ann@example.org")];
    assert_eq!(edit(&[&who[..], &[("is_approved", "1"), ("allow_read", "1")]].concat()).status, 303);
    let refused = call(&place, &tokens.access, "write_note", &json!({"path": "X", "content": "y"}));
    assert_eq!((place.may(&tokens.access), refused.status), (200, 403));
    // No scope would help, and so none is named.
    assert!(refused.answer.header("www-authenticate").is_none());
    assert_eq!(edit(&who).status, 303);
    assert_eq!(place.may(&tokens.access), 403);
}

/// Case 28, at the directory's end: a member who is removed has no grants any more.
#[test]
fn case_28_removed_members_have_no_tokens() {
    let Place { api, ann } = place();
    let place = Place { api, ann };
    let tokens = place.connect(&place.client(), "wiki:write");
    let Place { api: Api { data, mut server, token }, ann } = place;
    server.stop();
    let engine = crate::api::engine(data.path());
    let wiki = engine.wiki_named("docs").unwrap();
    pages::remove_member(&wiki.grant::<Admin>(&Actor::System).unwrap(), ann).unwrap();
    engine.settle_all().unwrap();
    drop((wiki, engine));
    let server = Server::start(data.path(), &["--default-wiki", "docs"]);
    let place = Place { api: Api { data, server, token }, ann };
    assert_eq!(place.may(&tokens.access), 401);
}

/// security.md OAU-9.
#[test]
fn tokens_in_addresses_and_bodies_are_refused() {
    let place = place();
    let access = place.connect(&place.client(), "wiki:read").access;
    let body = message("tools/list", &json!({}));
    let json = ("Content-Type", "application/json");
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let nobody = place.nobody();
    let bearer = format!("Bearer {access}");
    for headers in [vec![json], vec![json, ("Authorization", bearer.as_str())]] {
        assert_eq!(said(&nobody, "POST", &format!("/mcp?access_token={access}"), &headers, body.as_bytes()).status, 400);
    }
    assert_eq!(said(&nobody, "GET", &format!("/api/v1/pages?access_token={access}"), &[], b"").status, 400);
    assert_eq!(said(&nobody, "POST", "/mcp", &[form], format!("access_token={access}").as_bytes()).status, 400);
    assert_eq!(said(&nobody, "POST", "/mcp", &[form], b"x=y").status, 415);
}

fn listed(browser: &Client, address: &str) -> String {
    let page = browser.get(address);
    assert_eq!(page.status, 200);
    page.body_text()
}

#[test]
fn connected_programs_are_listed_and_revoked_at_once() {
    let place = place();
    let (client, ann, ben, root) = (place.client(), place.browser("ann"), place.browser("ben"), place.browser("root"));
    let (first, second) = (place.connect(&client, "wiki:write"), place.connect(&client, "wiki:read"));
    let own = listed(&ann, "/-/settings/agents");
    assert!(own.contains("Read and change pages") && own.contains("never used"), "{own}");
    assert_eq!((place.may(&first.access), place.may(&second.access)), (200, 200));
    let own = listed(&ann, "/-/settings/agents");
    assert!(own.matches("Otter</strong>").count() == 2 && !own.contains("never used") && !own.contains("For <strong"), "{own}");
    assert!(listed(&ben, "/-/settings/agents").contains("None."));
    let all = listed(&root, "/-/admin/agents");
    assert!(all.matches("For <strong dir=\"auto\">Ann</strong>").count() == 2, "{all}");
    // The newest comes first.
    let id = |page: &str| page.split("name=\"revoke\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_string();
    let newest = id(&own);
    assert_eq!(ben.post("/-/settings/agents", &[("revoke", &newest)]).unwrap().status, 404, "not one's own");
    assert_eq!(ben.post("/-/admin/agents", &[("revoke", &newest)]).unwrap().status, 403);
    assert_eq!((place.may(&first.access), place.may(&second.access)), (200, 200));
    let answer = ann.post("/-/settings/agents", &[("revoke", &newest)]).unwrap();
    assert_eq!((answer.status, place.may(&first.access), place.may(&second.access)), (303, 200, 401));
    let last = id(&listed(&root, "/-/admin/agents"));
    assert_eq!((root.post("/-/admin/agents", &[("revoke", &last)]).unwrap().status, place.may(&first.access)), (303, 401));
    assert!(listed(&root, "/-/admin/agents").contains("None."));
    assert!(listed(&root, "/-/admin/audit").matches("Program revoked").count() >= 2);
}
