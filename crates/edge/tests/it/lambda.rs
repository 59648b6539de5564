//! The program as a function of AWS Lambda, against a runtime API of our own that says what the documented one says, and fails as it may.

use super::*;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Child;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What the API does when it is asked for the next event.
enum Next {
    /// Gives one, with an id; so many milliseconds are left for it.
    Event(&'static str, String, u64),
    /// Closes the connection.
    HangUp,
    /// Answers this status.
    Status(u16),
    /// Begins an answer that does not end.
    Half,
}

/// What it was told.
#[derive(Debug)]
struct Told {
    path: String,
    kind: Option<String>,
    body: Value,
}

struct Lambda {
    next: Sender<Next>,
    told: Receiver<Told>,
    child: Child,
}

impl Drop for Lambda {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A request: its first line, its headers with their names in lower case, its body.
struct Asked {
    first: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

fn read_request(stream: &mut TcpStream) -> Option<Asked> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.lines();
    let first = lines.next()?.to_string();
    let headers: Vec<(String, String)> =
        lines.filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.to_lowercase(), value.to_string())).collect();
    let length = headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(Asked { first, headers, body })
}

fn serve(mut stream: TcpStream, next: &Mutex<Receiver<Next>>, told: &Sender<Told>) -> Option<()> {
    while let Some(Asked { first, headers, body }) = read_request(&mut stream) {
        let reply = |status: &str, more: &str, body: &str| {
            format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{more}\r\n{body}", body.len())
        };
        if first == "GET /2018-06-01/runtime/invocation/next HTTP/1.1" {
            match next.lock().unwrap().recv().ok()? {
                Next::HangUp => return None,
                Next::Half => {
                    stream.write_all(b"HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: half\r\nContent-Length: 100\r\n\r\n{").ok()?;
                    return None;
                }
                Next::Status(status) => stream.write_all(reply(&format!("{status} Odd"), "", "{}").as_bytes()).ok()?,
                Next::Event(id, event, left) => {
                    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
                    let more = format!("Lambda-Runtime-Aws-Request-Id: {id}\r\nLambda-Runtime-Deadline-Ms: {}\r\n", now + left);
                    stream.write_all(reply("200 OK", &more, &event).as_bytes()).ok()?;
                }
            }
            continue;
        }
        let path = first.strip_prefix("POST /2018-06-01/runtime/").and_then(|rest| rest.strip_suffix(" HTTP/1.1"));
        let path = path.unwrap_or_else(|| panic!("asked for {first}")).to_string();
        let kind = headers.iter().find(|(name, _)| name == "lambda-runtime-function-error-type").map(|(_, value)| value.clone());
        told.send(Told { path, kind, body: serde_json::from_slice(&body).unwrap() }).ok()?;
        stream.write_all(reply("202 Accepted", "", "{\"status\":\"OK\"}").as_bytes()).ok()?;
    }
    Some(())
}

impl Lambda {
    fn start(fragments: &str, more: &[(&str, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let ((next, to_give), (tell, told)) = (channel(), channel());
        let to_give = Arc::new(Mutex::new(to_give));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, to_give, tell) = (stream.unwrap(), to_give.clone(), tell.clone());
                std::thread::spawn(move || serve(stream, &to_give, &tell));
            }
        });
        let child = Command::new(env!("CARGO_BIN_EXE_holt-edge"))
            .env("AWS_LAMBDA_RUNTIME_API", address)
            .env("HOLT_FRAGMENTS", fragments)
            .envs(more.iter().copied())
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self { next, told, child }
    }
    fn told(&self) -> Told {
        self.told.recv_timeout(Duration::from_secs(20)).expect("the function says something")
    }
    /// What an event is answered.
    fn ask(&self, id: &'static str, event: &Value) -> Value {
        self.next.send(Next::Event(id, event.to_string(), 20_000)).unwrap();
        let told = self.told();
        assert_eq!((told.path.as_str(), &told.kind), (format!("invocation/{id}/response").as_str(), &None), "{:?}", told.body);
        told.body
    }
    /// What it says when it gives up.
    fn last_words(mut self) -> (bool, String) {
        let mut words = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut words).unwrap();
        (self.child.wait().unwrap().success(), words)
    }
}

/// As a Function URL says it.
fn event(path: &str, headers: &Value) -> Value {
    let mut event = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "", "headers": headers,
        "requestContext": {"domainName": "x.lambda-url.eu-central-1.on.aws", "stage": "$default", "http": {"method": "GET", "path": path}},
        "isBase64Encoded": false,
    });
    if let Some(method) = headers.get("x-method") {
        event["requestContext"]["http"]["method"] = method.clone();
    }
    event
}

fn published() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    publish(&FragmentStore::folder(dir.path()), Visibility::Public);
    dir
}

const DOCS: (&str, &str) = ("HOLT_DEFAULT_WIKI", "docs");

#[test]
fn events_are_answered_one_after_the_other() {
    let dir = published();
    let lambda = Lambda::start(dir.path().to_str().unwrap(), &[DOCS]);
    let page = lambda.ask("one", &event("/Guide/Set%20up", &json!({"host": "localhost"})));
    assert_eq!((&page["statusCode"], &page["isBase64Encoded"]), (&json!(200), &json!(false)));
    assert_eq!(page["body"], "<html><main><h1>Set up</h1></main></html>");
    assert_eq!(page["headers"]["cache-control"], "public, max-age=0, s-maxage=30, stale-if-error=86400");
    let tag = page["headers"]["etag"].as_str().unwrap();
    // As a gateway says it that unpacks addresses.
    let same = lambda.ask("two", &event("/Guide/Set up", &json!({"host": "localhost", "if-none-match": tag})));
    assert_eq!((&same["statusCode"], &same["body"]), (&json!(304), &json!("")));
    let packed = lambda.ask("three", &event("/", &json!({"host": "localhost", "accept-encoding": "br, gzip"})));
    assert_eq!((&packed["headers"]["content-encoding"], &packed["isBase64Encoded"]), (&json!("gzip"), &json!(true)));
    let mut base64 = Command::new("sh").args(["-c", "base64 -d | gzip -dc"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    base64.stdin.take().unwrap().write_all(packed["body"].as_str().unwrap().as_bytes()).unwrap();
    assert_eq!(base64.wait_with_output().unwrap().stdout, b"<html><main><h1>Home</h1></main></html>");
    for (id, path, status, to) in [
        ("four", "/home", 301, "/"),
        ("five", "/Old%20ways", 301, "/Guide/Set%20up"),
        ("six", "/Nowhere", 404, ""),
        ("seven", "/%ff", 400, ""),
    ] {
        let answer = lambda.ask(id, &event(path, &json!({"host": "localhost"})));
        assert_eq!((&answer["statusCode"], answer["headers"]["location"].as_str().unwrap_or_default()), (&json!(status), to), "{path}");
    }
    let other = lambda.ask("eight", &event("/", &json!({"host": "evil.example"})));
    assert_eq!(other["statusCode"], 404);
    let head = lambda.ask("nine", &event("/", &json!({"host": "localhost", "x-method": "HEAD"})));
    assert_eq!((&head["statusCode"], &head["body"]), (&json!(200), &json!("")));
}

#[test]
fn what_is_no_event_is_an_error_and_the_next_is_answered() {
    let dir = published();
    let lambda = Lambda::start(dir.path().to_str().unwrap(), &[DOCS]);
    for (id, bad) in [("a-1", "{\"key1\":\"value1\"}"), ("a-2", "not JSON"), ("a-3", "")] {
        lambda.next.send(Next::Event(id, bad.to_string(), 20_000)).unwrap();
        let told = lambda.told();
        assert_eq!((told.path, told.kind.as_deref()), (format!("invocation/{id}/error"), Some("Edge.BadEvent")));
        assert!(told.body["errorMessage"].as_str().unwrap().contains("payload format 2.0"), "{:?}", told.body);
        assert_eq!(told.body["errorType"], "Edge.BadEvent");
    }
    assert_eq!(lambda.ask("b", &event("/", &json!({"host": "localhost"})))["statusCode"], 200);
}

#[test]
fn an_api_that_breaks_off_is_asked_again_and_not_for_ever() {
    let dir = published();
    let lambda = Lambda::start(dir.path().to_str().unwrap(), &[DOCS]);
    lambda.next.send(Next::HangUp).unwrap();
    lambda.next.send(Next::Half).unwrap();
    assert_eq!(lambda.ask("one", &event("/", &json!({"host": "localhost"})))["statusCode"], 200);
    for _ in 0..5 {
        lambda.next.send(Next::HangUp).unwrap();
    }
    let (well, words) = lambda.last_words();
    assert!(!well && words.contains("the runtime API"), "{words}");

    let lambda = Lambda::start(dir.path().to_str().unwrap(), &[DOCS]);
    lambda.next.send(Next::Status(500)).unwrap();
    let (well, words) = lambda.last_words();
    assert!(!well && words.contains("500"), "{words}");
}

#[test]
fn a_function_that_cannot_begin_says_why() {
    let dir = published();
    for (fragments, more, why) in [
        ("/nonexistent", vec![], "there is no fragment store"),
        (dir.path().to_str().unwrap(), vec![("HOLT_DEFAULT_WIKI", "other")], "no wiki called other"),
    ] {
        let lambda = Lambda::start(fragments, &more);
        let told = lambda.told();
        assert_eq!((told.path.as_str(), told.kind.as_deref()), ("init/error", Some("Edge.Init")));
        assert!(told.body["errorMessage"].as_str().unwrap().contains(why), "{:?}", told.body);
        assert!(!lambda.last_words().0);
    }
}

/// A store that takes connections and says nothing: the time of the invocation ends first, and the reader is told.
#[test]
fn what_takes_too_long_is_given_up_before_lambda_does() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let store = [
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_SESSION_TOKEN", "token"),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_ENDPOINT_URL", &endpoint),
        ("HOLT_DOMAIN", "example.org"),
    ];
    let lambda = Lambda::start("s3://pages", &store);
    lambda.next.send(Next::Event("late", event("/", &json!({"host": "docs.example.org"})).to_string(), 500)).unwrap();
    let told = lambda.told();
    assert_eq!((told.path.as_str(), &told.body["statusCode"]), ("invocation/late/response", &json!(503)));
    assert_eq!((&told.body["headers"]["retry-after"], &told.body["headers"]["cache-control"]), (&json!("2"), &json!("no-store")));
}

#[test]
fn what_is_too_large_is_said_to_be() {
    let dir = tempfile::tempdir().unwrap();
    let store = FragmentStore::folder(dir.path());
    let wiki = publish(&store, Visibility::Public);
    let long = store.put(wiki, Kind::Html, &Fragment::new("<p>long ".repeat(900_000))).unwrap();
    let source = store.put(wiki, Kind::Source, &Fragment::new("x")).unwrap();
    let manifest = PageManifest::new("Long".into(), RevisionId::from_bytes([1; 20]), vec![(Slot::Main, long)], source);
    store.put_page(wiki, &PagePath::parse("Long").unwrap().key(), &manifest).unwrap();
    let lambda = Lambda::start(dir.path().to_str().unwrap(), &[DOCS]);
    let plain = lambda.ask("plain", &event("/Long", &json!({"host": "localhost"})));
    assert_eq!((&plain["statusCode"], &plain["headers"]["cache-control"]), (&json!(500), &json!("no-store")));
    assert!(plain["body"].as_str().unwrap().contains("6 MB"), "{plain}");
    let packed = lambda.ask("packed", &event("/Long", &json!({"host": "localhost", "accept-encoding": "gzip"})));
    assert_eq!(packed["statusCode"], 200);
}

/// Where the network in front cannot keep `Host`, it says in a header of its own what was asked for: that one is believed, and no other.
#[test]
fn the_host_may_come_in_a_header_that_was_agreed_on() {
    let dir = published();
    let lambda = Lambda::start(dir.path().to_str().unwrap(), &[("HOLT_HOST_HEADER", "x-asked-host"), ("HOLT_DOMAIN", "example.org")]);
    let function = "x.lambda-url.eu-central-1.on.aws";
    for (id, headers, status) in [
        ("right", json!({"host": function, "x-asked-host": "docs.example.org"}), 200),
        ("none", json!({"host": "docs.example.org"}), 404),
        ("other", json!({"host": "docs.example.org", "x-forwarded-host": "docs.example.org"}), 404),
        ("two", json!({"host": function, "x-asked-host": "docs.example.org,docs.example.org"}), 404),
    ] {
        assert_eq!(lambda.ask(id, &event("/", &headers))["statusCode"], status, "{id}");
    }
}
