//! docs/api.md: its examples run as they stand, and the served description is the golden file.

use super::{Api, Names};
use serde_json::Value;
use std::process::Command;

/// Each example and what it says will come, with the language of that.
fn examples(text: &str) -> Vec<(String, String, String)> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(language) = line.strip_prefix("```") else { continue };
        let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        blocks.push((language.to_string(), body.join("\n")));
    }
    let pairs = blocks.windows(2).filter(|pair| pair[0].0 == "sh");
    pairs.map(|pair| (pair[0].1.clone(), pair[1].0.clone(), pair[1].1.clone())).collect()
}

/// Whether what came has everything that was promised.
fn has(came: &Value, promised: &Value) -> bool {
    match (came, promised) {
        (Value::Object(came), Value::Object(promised)) => {
            promised.iter().all(|(key, value)| came.get(key).is_some_and(|it| has(it, value)))
        }
        _ => came == promised,
    }
}

#[test]
fn examples_run() {
    if Command::new("curl").arg("--version").output().is_err() {
        holt_testkit::skip!("no curl here");
    }
    let api = Api::start(Names::Kept);
    let wiki = format!("http://{}", api.server.client().host);
    let text = include_str!("../../../../../docs/api.md");
    let examples = examples(text);
    assert!(examples.len() > 8 && examples.len() == text.matches("```sh\n").count());
    for (script, language, promised) in examples {
        let out = Command::new("bash").args(["-euc", &script]).env("WIKI", &wiki).env("TOKEN", &api.token).output().unwrap();
        let came = String::from_utf8_lossy(&out.stdout).into_owned();
        match language.as_str() {
            "json" => {
                let value: Value = serde_json::from_str(&came).unwrap_or_else(|_| panic!("{script}\n{came}"));
                assert!(has(&value, &serde_json::from_str(&promised).unwrap()), "{script}\n{came}");
            }
            "text" => assert_eq!(came.trim_end(), promised, "{script}"),
            other => panic!("{script}\nhas no answer but {other}"),
        }
    }
}

#[test]
fn the_description_is_served() {
    let api = Api::start(Names::Folded);
    let golden: Value = serde_json::from_str(include_str!("openapi.json")).unwrap();
    assert_eq!(api.get("/openapi.json").body, golden);
    assert!(golden["paths"]["/pages/{path}"]["put"]["requestBody"].is_object());
}
