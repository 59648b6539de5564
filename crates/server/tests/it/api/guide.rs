//! `/-/api`: what the page says is what the document says, and its examples run as they stand.

use super::{Api, Names, prefer};
use crate::client::Client;
use serde_json::Value;
use std::process::Command;

/// The text of something in HTML.
fn plain(html: &str) -> String {
    let marks = [
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#38;", "&"),
        ("&amp;", "&"),
    ];
    marks.iter().fold(html.to_string(), |text, (mark, sign)| text.replace(mark, sign))
}

fn member(api: &Api) -> Client {
    let client = api.server.client();
    client.log_in("ann@example.org", super::PASSWORD);
    client
}

fn page(client: &Client) -> String {
    let answer = client.get("/-/api");
    assert_eq!(answer.status, 200);
    String::from_utf8(answer.body).unwrap()
}

/// Of each operation on the page, by its anchor: the example.
fn examples(html: &str) -> Vec<(String, String)> {
    let operations = html.split("<details class=\"operation\">").skip(1);
    let between = |text: &str, from: &str, to: &str| {
        let rest = text.split_once(from).unwrap_or_else(|| panic!("no {from} in {text}")).1;
        rest.split_once(to).unwrap().0.to_string()
    };
    operations
        .map(|one| (between(one, "class=\"about\" id=\"", "\""), plain(between(one, "<pre ", "</pre>").split_once('>').unwrap().1.trim())))
        .collect()
}

fn operations() -> Vec<(String, Value)> {
    let golden: Value = serde_json::from_str(include_str!("openapi.json")).unwrap();
    let paths =
        golden["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values().cloned().collect::<Vec<_>>());
    paths.map(|operation| (operation["operationId"].as_str().unwrap().to_string(), operation)).collect()
}

/// What the commands answer, each its body and its status. One shell for all of them: a process that is being started holds what the
/// other tests of this program have open.
fn run(scripts: &[String]) -> Vec<(String, String)> {
    let measured = |script: &String| script.replacen("curl", "curl -s -m 20 -w '\\n%{http_code}'", 1) + "\nprintf '\\0'";
    let script = scripts.iter().map(measured).collect::<Vec<_>>().join("\n");
    let out = Command::new("bash").args(["-euc", &script]).output().unwrap();
    let came = String::from_utf8_lossy(&out.stdout).into_owned();
    let answers: Vec<_> = came.split_terminator('\0').filter_map(|one| one.rsplit_once('\n')).collect();
    assert_eq!(answers.len(), scripts.len(), "{script}");
    answers.into_iter().map(|(body, status)| (body.to_string(), status.to_string())).collect()
}

/// Everything that reads, with a token of somebody's: a home page whose name a shell and an address would both misread.
#[test]
fn the_examples_of_the_page_run() {
    if Command::new("curl").arg("--version").output().is_err() {
        holt_testkit::skip!("no curl here");
    }
    let home = "It's $HOME; echo & 'more' über";
    let api = Api::prepared(Names::Kept, |_, wiki| prefer(wiki, &[("HOME_PAGE", home)]));
    let encoded = crate::client::encode(home);
    let revision = api.create(&encoded, "# Home\n\nA guide.\n");
    let put = api.ask("PUT", &format!("/api/v1/pages/{encoded}/attachments/notes.txt"), &[], b"notes");
    assert_eq!(put.status, 201, "{}", put.body);
    let new = serde_json::json!({"message": "New", "operations": [{"op": "put", "path": "New", "content": "x"}]});
    assert_eq!(api.send("POST", "/proposals", &new).status, 202);
    let html = page(&member(&api));
    let mut shown = examples(&html);
    let operations = operations();
    assert!(html.contains(&format!("http://{}/api/v1", api.server.client().host)));
    let mut wanted: Vec<&String> = operations.iter().map(|(name, _)| name).collect();
    wanted.sort();
    shown.sort();
    assert_eq!(shown.iter().map(|(name, _)| name).collect::<Vec<_>>(), wanted, "each operation is on the page once");
    let reading = |name: &str| {
        let operation = &operations.iter().find(|(one, _)| one == name).unwrap().1;
        operation["x-right"].as_str().is_none_or(|right| right == "read").then_some(operation)
    };
    shown.retain(|(name, _)| reading(name).is_some());
    assert!(shown.len() >= 20, "{}", shown.len());
    let scripts: Vec<String> = shown.iter().map(|(_, script)| script.replace("holt_…", &api.token)).collect();
    for ((name, script), (body, status)) in shown.iter().zip(run(&scripts)) {
        let operation = reading(name).unwrap();
        assert!(operation["x-right"].is_null() || script.contains("'Authorization: Bearer holt_…'"), "{script}");
        // There is no sentence model here.
        let expected = if name == "semanticSearch" { "503" } else { "200" };
        assert_eq!(status, expected, "{script}\n{body}");
        if name == "semanticSearch" {
            continue;
        }
        if name == "getAttachment" {
            assert_eq!(body, "notes", "curl asks for no JSON");
            continue;
        }
        let came: Value = serde_json::from_str(&body).unwrap_or_else(|_| panic!("{script}\n{body}"));
        if name == "readPage" {
            assert_eq!(came["revision"], revision.as_str());
        }
        let named = operation["responses"]["200"]["content"]["application/json"]["schema"]["properties"].as_object();
        let Some(named) = named else { continue };
        let unnamed: Vec<&String> = came.as_object().unwrap().keys().filter(|field| !named.contains_key(*field)).collect();
        assert!(unnamed.is_empty(), "{name} answers what is not described: {unnamed:?}");
    }
}

/// What changes something is shown as it is taken, and about no page that is there already.
#[test]
fn the_examples_that_write_are_taken() {
    if Command::new("curl").arg("--version").output().is_err() {
        holt_testkit::skip!("no curl here");
    }
    let api = Api::start(Names::Kept);
    api.create("Home", "# Home\n");
    let shown = examples(&page(&member(&api)));
    let example = |name: &str| shown.iter().find(|(one, _)| one == name).unwrap().1.replace("holt_…", &api.token);
    let placeholder = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567";
    let (body, status) = run(&[example("writePage")]).remove(0);
    assert_eq!(status, "201", "{body}");
    let revision = serde_json::from_str::<Value>(&body).unwrap()["revision"].as_str().unwrap().to_string();
    let in_turn = [
        ("editPage", "200"),
        ("revert", "200"),
        ("upload", "201"),
        ("putAttachment", "201"),
        ("deleteAttachment", "200"),
        ("commit", "200"),
        ("propose", "202"),
        ("commentProposal", "200"),
        ("acceptProposal", "200"),
        ("withdrawProposal", "409"),
        ("rejectProposal", "409"),
        ("rename", "200"),
        ("writePage", "201"),
        ("deletePage", "200"),
        // A token that may write is not one that may administer.
        ("reindex", "403"),
    ];
    let scripts: Vec<String> = in_turn.iter().map(|(name, _)| example(name).replace(placeholder, &revision)).collect();
    for ((name, expected), (body, status)) in in_turn.iter().zip(run(&scripts)) {
        assert_eq!(status, *expected, "{name}: {body}");
    }
    assert_eq!(api.get("/pages/Home").status, 200, "the home page is in no example that changes something");
}

#[test]
fn whoever_may_read_may_know_how() {
    let api = Api::start(Names::Kept);
    let stranger = api.server.client().get("/-/api");
    assert_eq!(stranger.status, 303, "to the log-in form");
    let client = member(&api);
    // A wiki without a page has examples, too.
    let html = page(&client);
    assert!(
        html.contains("/pages/Home")
            && html.contains("href=\"/-/settings/tokens#tokens\"")
            && html.contains("href=\"/api/v1/openapi.json\"")
    );
    let settings = client.get("/-/settings");
    assert!(String::from_utf8_lossy(&settings.body).contains("href=\"/-/api\""));
    // Bounds and defaults stand there: those of the lists of pages.
    let list = html.split("id=\"listPages\"").nth(1).unwrap().split("</details>").next().unwrap().to_string();
    assert!(list.contains("at most 5000") && list.contains("1000 without it"), "{list}");
}

#[test]
fn the_page_speaks_the_language_of_the_wiki() {
    let api = Api::prepared(Names::Kept, |_, wiki| prefer(wiki, &[("LANGUAGE", "de")]));
    let html = page(&member(&api));
    assert!(html.contains("Parameter</h4>") && html.contains("höchstens 5000") && html.contains("lang=\"en\" dir=\"ltr\">Pages by path"));
}
