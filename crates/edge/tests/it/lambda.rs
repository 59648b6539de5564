//! The program as a function of AWS Lambda, against a runtime API of our own that says what the documented one says, and fails as it may.

use super::*;
use holt_testkit::lambda::{Lambda, Next};
use serde_json::{Value, json};
use std::io::Write;
use std::net::TcpListener;

fn start(fragments: &str, more: &[(&str, &str)]) -> Lambda {
    Lambda::start(Command::new(env!("CARGO_BIN_EXE_holt-edge")).env("HOLT_FRAGMENTS", fragments).envs(more.iter().copied()))
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
    let lambda = start(dir.path().to_str().unwrap(), &[DOCS]);
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
    let lambda = start(dir.path().to_str().unwrap(), &[DOCS]);
    for (id, bad) in [("a-1", "{\"key1\":\"value1\"}"), ("a-2", "not JSON"), ("a-3", "")] {
        lambda.give(Next::Event(id.to_string(), bad.to_string(), 20_000));
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
    let lambda = start(dir.path().to_str().unwrap(), &[DOCS]);
    lambda.give(Next::HangUp);
    lambda.give(Next::Half);
    assert_eq!(lambda.ask("one", &event("/", &json!({"host": "localhost"})))["statusCode"], 200);
    for _ in 0..5 {
        lambda.give(Next::HangUp);
    }
    let (well, words) = lambda.last_words();
    assert!(!well && words.contains("the runtime API"), "{words}");

    let lambda = start(dir.path().to_str().unwrap(), &[DOCS]);
    lambda.give(Next::Status(500));
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
        let lambda = start(fragments, &more);
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
    let lambda = start("s3://pages", &store);
    lambda.give(Next::Event("late".to_string(), event("/", &json!({"host": "docs.example.org"})).to_string(), 500));
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
    let lambda = start(dir.path().to_str().unwrap(), &[DOCS]);
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
    let lambda = start(dir.path().to_str().unwrap(), &[("HOLT_HOST_HEADER", "x-asked-host"), ("HOLT_DOMAIN", "example.org")]);
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
