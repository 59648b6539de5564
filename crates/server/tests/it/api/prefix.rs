//! Tokens for a part of a wiki: nothing else is there for them, at any address, of today or later.

use super::{Api, Names, Said, said};
use crate::client::encode;
use holt_core::PagePath;
use holt_engine::directory::{NewToken, TokenScope};
use serde_json::{Value, json};
use std::cell::RefCell;

const JSON: (&str, &str) = ("Content-Type", "application/json");

/// Stands in everything that is outside: texts, tags, names, messages of commits. No cursor, which is hexadecimal digits in base64, holds it by
/// chance.
const CANARY: &str = "zqxj";

/// A wiki with the part `Projects/Alpha`, much outside of it, and a token of the operator's for that part.
struct Part {
    api: Api,
    token: String,
    /// A commit that touched only what is outside.
    outside: String,
}

impl Part {
    fn start() -> Self {
        let token = RefCell::new(String::new());
        let api = Api::prepared(Names::Kept, |engine, wiki| {
            let within = PagePath::parse("projects/alpha").unwrap();
            let (wiki, scope) = (wiki.id(), TokenScope::Write);
            // The widest there is: whoever runs the machine.
            let new = NewToken { wiki, user: None, scope, within: Some(&within), label: "alpha", expires: None };
            *token.borrow_mut() = engine.directory().make_token(&new, 1_700_000_000).unwrap().expose().to_string();
        });
        let put = |page: &str, text: &str, message: &str| {
            let address = page.replace(' ', "%20");
            let said = api.send("PUT", &format!("/pages/{address}"), &json!({"content": text, "commit_message": message}));
            assert_eq!(said.status, 201, "{page}: {}", said.body);
            said.text("revision")
        };
        put(
            "Projects/Alpha",
            "---\ntags: [shared]\ncategory: shared\n---\n# Alpha\n\nwords [[Projects/Alpha/Plan]] [[Other/Plan]] [[Wanted]]\n",
            "alpha",
        );
        put("Projects/Alpha/Plan", "# Plan\n\nwords [[Projects/Alpha]]\n", "plan");
        let secret = "---\ntags: [shared, zqxjtag]\ncategory: shared\naliases: [Projects/Alpha/Alias]\n---\n# Zqxj\n\nwords zqxj [[Projects/Alpha]] [[Zqxj wanted]]\n";
        let outside = put("Other/Plan", secret, "zqxj begins");
        put("Projects/Alphazqxj", "# Zqxj\n\nwords\n", "zqxj goes on");
        put("Projects", "# Zqxj projects\n\nwords [[Projects/Alpha/Plan]]\n", "zqxj");
        put("Zqxj page", "words", "zqxj");
        for page in ["Other/Plan", "Projects/Alpha"] {
            let file = if page.starts_with("Other") { "doc.txt" } else { "mine.txt" };
            let said = api.send(
                "POST",
                &format!("/pages/{page}/attachments"),
                &json!({"filename": file, "content": "enF4ag==", "commit_message": "file"}),
            );
            assert_eq!(said.status, 201);
        }
        api.send("POST", "/pages/Other/Plan/attachments", &json!({"filename": "zqxj.txt", "content": "enF4ag=="}));
        // Both sides in one commit, and pages that crossed the border.
        let both = json!({"message": "zqxj on both sides", "operations": [
            {"op": "put", "path": "Projects/Alpha/Both", "content": "words\n"}, {"op": "put", "path": "Zqxj both", "content": "words\n"},
        ]});
        assert_eq!(api.send("POST", "/commits", &both).status, 200);
        put("Zqxj in", "# In\n\ncame in", "zqxj");
        put("Projects/Alpha/Out", "# Out\n\nwent out", "out");
        for (from, to) in [("Zqxj%20in", "Projects/Alpha/In"), ("Projects/Alpha/Out", "Zqxj out")] {
            assert_eq!(api.send("POST", &format!("/pages/{from}/rename"), &json!({"new_path": to})).status, 200);
        }
        put("Zqxj last", "words", "zqxj last");
        Self { api, token: token.into_inner(), outside }
    }
    fn ask(&self, method: &str, address: &str, body: &str) -> Said {
        let bearer = format!("Bearer {}", self.token);
        let headers: &[(&str, &str)] = if body.is_empty() { &[] } else { &[JSON] };
        let headers = [headers, &[("Authorization", bearer.as_str())]].concat();
        said(&self.api.server.client(), method, &format!("/api/v1{address}"), &headers, body.as_bytes())
    }
    fn head(&self) -> String {
        self.api.get("/wiki").text("revision")
    }
}

/// Every address that is read, filled in, with every parameter of its query.
fn addresses(path: &str, revision: &str) -> Vec<String> {
    let golden: Value = serde_json::from_str(include_str!("openapi.json")).unwrap();
    let mut found = Vec::new();
    for (address, methods) in golden["paths"].as_object().unwrap() {
        let Some(operation) = methods.get("get") else { continue };
        let filled = address.replace("{path}", &path.split('/').map(encode).collect::<Vec<_>>().join("/")).replace("{filename}", "doc.txt");
        found.push(filled.clone());
        let parameters = operation["parameters"].as_array().unwrap().iter().filter(|one| one["in"] == "query");
        let names: Vec<&str> = parameters.map(|one| one["name"].as_str().unwrap()).collect();
        for name in names.iter().copied() {
            for value in [path, revision, "words", "zq*", "shared", "*", "1", "raw", "2001-01-01", "Other"] {
                // Comparisons need both, searches a question.
                let more = format!("from={revision}&to=HEAD&q=words")
                    .split('&')
                    .filter(|pair| pair.split('=').next().is_some_and(|one| one != name && names.contains(&one)))
                    .collect::<Vec<_>>()
                    .join("&");
                found.push(format!("{filled}?{name}={}&{more}", encode(value)));
            }
        }
    }
    assert!(found.len() > 200, "{}", found.len());
    found
}

#[test]
fn nothing_outside_of_the_part_is_told() {
    let part = Part::start();
    let told = |address: &String| part.api.get(address).answer.body_text().to_lowercase().contains(CANARY);
    let told = addresses("Other/Plan", &part.outside).iter().filter(|address| told(address)).count();
    assert!(told > 50, "only {told} addresses would tell of it at all");
    for path in ["Other/Plan", "Projects/Alpha", "Projects/Alpha/Both", "Projects/Alpha/In", "Projects", "Projects/Alpha/Alias"] {
        for address in addresses(path, &part.outside) {
            let said = part.ask("GET", &address, "");
            let text = said.answer.body_text().to_lowercase();
            assert!(
                (said.status < 500 || address.starts_with("/semantic-search")) && !text.contains(CANARY),
                "{address}: {} {text}",
                said.status
            );
            assert!(!text.contains("enf4"), "{address}");
        }
    }
    let batch = part.ask("POST", "/pages:batchGet", r#"{"paths": ["Other/Plan", "Projects/Alpha/Plan", "Projects"]}"#);
    assert_eq!(
        (batch.column("pages", "path"), batch.texts("missing")),
        (vec!["Projects/Alpha/Plan".into()], vec!["Other/Plan".into(), "Projects".into()])
    );
}

/// What is outside and what is nowhere are one answer, byte for byte.
#[test]
fn what_is_outside_is_as_if_it_were_not() {
    let part = Part::start();
    let strangers = |path: &str, revision: &str| -> Vec<(String, u16, String)> {
        let show = |text: &str| text.replace(path, "PAGE").replace(&encode(path).replace("%2F", "/"), "PAGE").replace(revision, "REV");
        let answer = |address: String| {
            let said = part.ask("GET", &address, "");
            (show(&address), said.status, show(&said.answer.body_text()))
        };
        addresses(path, revision).into_iter().filter(|address| !address.contains("/search?")).map(answer).collect()
    };
    let (there, nowhere) = (strangers("Other/Plan", &part.outside), strangers("Other/None", &"e".repeat(40)));
    for (there, nowhere) in there.iter().zip(&nowhere) {
        // Cursors and lists are about another question where the page is in the query; only addresses of the page itself are compared.
        if there.0.contains("/PAGE") && !there.0.contains("cursor=") {
            // The page of the part links to the one name and not to the other.
            let without = |text: &str| text.replace("\"Projects/Alpha\"", "");
            assert_eq!((there.1, without(&there.2)), (nowhere.1, without(&nowhere.2)), "{}", there.0);
        }
    }
    assert_eq!(part.ask("GET", "/pages/Other/Plan", "").refused(404, "not_found").text("error"), "there is no page Other/Plan");
}

#[test]
fn nothing_outside_of_the_part_is_changed() {
    let part = Part::start();
    let (head, revision) = (part.head(), part.outside.clone());
    let alpha = part.ask("GET", "/pages/Projects/Alpha", "").text("revision");
    for page in ["Other/Plan", "Other/None", "Projects", "Projects/Alphazqxj"] {
        for (method, address, body) in [
            ("PUT", "/pages/PAGE", r#"{"content": "x", "revision": "REV"}"#),
            ("PUT", "/pages/PAGE", r#"{"content": "x"}"#),
            ("PATCH", "/pages/PAGE", r#"{"old_string": "words", "new_string": "x", "revision": "REV"}"#),
            ("DELETE", "/pages/PAGE", "{}"),
            ("POST", "/pages/PAGE/rename", r#"{"new_path": "Projects/Alpha/Mine"}"#),
            ("POST", "/pages/PAGE/revert", r#"{"to_revision": "REV", "revision": "REV"}"#),
            ("POST", "/pages/PAGE/attachments", r#"{"filename": "x.txt", "content": "eA=="}"#),
            ("PUT", "/pages/PAGE/attachments/doc.txt", "x"),
            ("DELETE", "/pages/PAGE/attachments/doc.txt", "{}"),
            (
                "POST",
                "/commits",
                r#"{"message": "m", "operations": [{"op": "put", "path": "Projects/Alpha/New", "content": "x"}, {"op": "put", "path": "PAGE", "content": "x"}]}"#,
            ),
            ("POST", "/commits", r#"{"message": "m", "operations": [{"op": "delete", "path": "PAGE", "revision": "REV"}]}"#),
            ("POST", "/pages/Projects/Alpha/Plan/rename", r#"{"new_path": "PAGE/Plan"}"#),
        ] {
            let fill = |text: &str| text.replace("PAGE", page).replace("REV", &revision);
            let said = part.ask(method, &fill(address), &fill(body));
            let refused = said.refused(403, "forbidden");
            assert_eq!(refused.text("error"), "this token is only for the page projects/alpha and what is below it", "{method} {address}");
            assert!(refused.text("hint").contains("Use a token for"));
        }
    }
    assert_eq!(part.head(), head);
    // Inside it works as ever; what links to it from outside keeps its words, as they are not the token's to change.
    let renamed = part.ask("POST", "/pages/Projects/Alpha/Plan/rename", r#"{"new_path": "Projects/Alpha/Idea"}"#);
    assert_eq!((renamed.status, renamed.texts("updated_pages")), (200, vec!["Projects/Alpha".to_string()]), "{}", renamed.body);
    assert!(part.api.get("/pages/Projects").text("content").contains("[[Projects/Alpha/Plan]]"));
    let put = part.ask("PUT", "/pages/projects/alpha", &json!({"content": "new\n", "revision": alpha}).to_string());
    assert_eq!(put.status, 409, "changed by the rename: {}", put.body);
    assert_eq!(part.ask("PUT", "/pages/Projects/Alpha/New/Deep", r#"{"content": "x"}"#).status, 201);
    assert_eq!(part.ask("GET", "/pages/Projects/Alpha/attachments/mine.txt", "").text("content"), "enF4ag==");
    let rights = part.ask("GET", "/wiki", "").body;
    assert_eq!((&rights["permissions"]["write"], &rights["permissions"]["admin"]), (&json!(true), &json!(false)));
    assert_eq!((&rights["pages"], &rights["within"]), (&json!(5), &json!("projects/alpha")), "{rights}");
}
