//! Webhooks seen from the servers that are told: signed, once or under the same id, whatever dies in between, and nobody else asked.

use crate::client::{Answer, Client, Server, until};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

const GUIDE: &str = include_str!("../../../../docs/webhooks.md");

#[derive(Debug, Clone)]
struct Message {
    headers: HashMap<String, String>,
    body: String,
}

impl Message {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
    fn id(&self) -> &str {
        &self.headers["webhook-id"]
    }
}

/// What came, and whoever waits for more.
type Came = Arc<(Mutex<Vec<Message>>, Condvar)>;

/// A server that is told, and what it answers; nothing at all for an empty answer.
struct Sink {
    place: String,
    came: Came,
    answer: Arc<Mutex<&'static str>>,
}

impl Sink {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let place = listener.local_addr().unwrap().to_string();
        let (came, answer): (Came, _) = (Arc::default(), Arc::new(Mutex::new("204 Done")));
        let sink = Self { place, came: came.clone(), answer: answer.clone() };
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (came, answer) = (came.clone(), answer.clone());
                std::thread::spawn(move || {
                    let mut stream = stream.unwrap();
                    let mut reader = BufReader::new(stream.try_clone().unwrap());
                    let lines = (&mut reader).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
                    let headers: HashMap<String, String> = lines
                        .filter_map(|line| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_string())))
                        .collect();
                    let mut body = vec![0; headers.get("content-length").map_or(0, |length| length.parse().unwrap())];
                    reader.read_exact(&mut body).unwrap();
                    let answer = *answer.lock().unwrap();
                    came.0.lock().unwrap().push(Message { headers, body: String::from_utf8(body).unwrap() });
                    came.1.notify_all();
                    match answer {
                        "" => std::thread::sleep(Duration::from_secs(60)),
                        answer => {
                            let _ = write!(stream, "HTTP/1.1 {answer}\r\nContent-Length: 5\r\n\r\nhello");
                        }
                    }
                });
            }
        });
        sink
    }
    fn url(&self) -> String {
        format!("http://{}/in?key=7", self.place)
    }
    fn answers(&self, answer: &'static str) {
        *self.answer.lock().unwrap() = answer;
    }
    /// The first `count` messages that came since the last call.
    fn take(&self, count: usize) -> Vec<Message> {
        let came = self.came.0.lock().unwrap();
        let (mut came, waited) = self.came.1.wait_timeout_while(came, Duration::from_secs(30), |came| came.len() < count).unwrap();
        assert!(!waited.timed_out(), "only {came:?}");
        came.drain(..count).collect()
    }
    fn nothing_came(&self) -> bool {
        self.came.0.lock().unwrap().is_empty()
    }
}

fn start(data: &Path, sinks: &[&Sink]) -> (Server, Client) {
    let hosts: Vec<&str> = sinks.iter().map(|sink| sink.place.as_str()).collect();
    let server = Server::start(data, &["--default-wiki", "docs", "--trust-hook-host", &hosts.join(",")]);
    let ann = server.client();
    ann.log_in("ann@example.org", "correct horse");
    (server, ann)
}

fn api(client: &Client, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let (origin, csrf) = (format!("http://{}", client.host), client.csrf());
    let headers = [("Origin", origin.as_str()), ("X-CSRF-Token", &csrf), ("Content-Type", "application/json")];
    let body = if method == "GET" { String::new() } else { body.to_string() };
    let answer = client.send(method, &format!("/api/v1/webhooks{path}"), &headers, body.as_bytes()).unwrap();
    (answer.status, serde_json::from_slice(&answer.body).unwrap_or(Value::Null))
}

/// Makes one by the API; its number and secret.
fn hook(client: &Client, sink: &Sink, more: &Value) -> (i64, String) {
    let mut body = json!({"url": sink.url()});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    let (status, made) = api(client, "POST", "", &body);
    assert_eq!(status, 201, "{made}");
    (made["id"].as_i64().unwrap(), made["secret"].as_str().unwrap().to_string())
}

fn deliveries(client: &Client, id: i64) -> Vec<Value> {
    api(client, "GET", &format!("/{id}/deliveries"), &Value::Null).1["deliveries"].as_array().unwrap().clone()
}

/// Waits until the newest message of a webhook went as it is `wanted`.
fn until_last(client: &Client, id: i64, wanted: impl Fn(&Value) -> bool) -> Value {
    let mut found = Value::Null;
    until("the message", || {
        found = deliveries(client, id).first().cloned().unwrap_or_default();
        if wanted(&found) { Ok(()) } else { Err(found.to_string()) }
    });
    found
}

fn shown(answer: &Answer) -> String {
    answer.body_text().replace("&#34;", "\"").replace("&#38;", "&")
}

/// The pieces of the guide in a language.
fn snippets(language: &str) -> Vec<&'static str> {
    GUIDE.split(&format!("```{language}\n")).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

fn run(program: &str, script: &str, variables: &[(&str, &str)], dir: &Path) -> String {
    let mut command = Command::new(program);
    command.args(["-c", script]).current_dir(dir).envs(variables.iter().copied()).stderr(Stdio::inherit());
    String::from_utf8(command.output().unwrap().stdout).unwrap().trim().to_string()
}

/// What the guide says of a message: by its Python and by its shell.
fn judged(message: &Message, secret: &str) -> (String, String) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("body.json"), &message.body).unwrap();
    let of = |name: &str| message.headers[name].as_str();
    let variables =
        [("SECRET", secret), ("ID", of("webhook-id")), ("TIMESTAMP", of("webhook-timestamp")), ("SIGNATURE", of("webhook-signature"))];
    let ask = "import os\nprint(is_genuine(os.environ['SECRET'], {'webhook-id': os.environ['ID'], 'webhook-timestamp': os.environ['TIMESTAMP'], 'webhook-signature': os.environ['SIGNATURE']}, open('body.json', 'rb').read()))";
    let python = run("python3", &format!("{}\n{ask}", snippets("python")[0]), &variables, dir.path());
    (python, run("sh", snippets("sh")[0], &variables, dir.path()))
}

#[test]
fn a_save_is_told_signed_and_once() {
    let data = tempfile::tempdir().unwrap();
    Server::prepare(data.path(), "docs");
    let sink = Sink::start();
    let (_server, ann) = start(data.path(), &[&sink]);
    // By the screen: the secret is there once.
    let path = "/-/admin/webhooks";
    let form = [("url", sink.url()), ("events", "page.created".into()), ("events", "page.deleted".into()), ("prefix", "Guide".into())];
    let fields: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let made = shown(&ann.post(path, &fields).unwrap());
    let secret = made.split("<code>").nth(1).unwrap().split('<').next().unwrap().to_string();
    assert!(secret.starts_with("whsec_") && !shown(&ann.get("/-/admin/webhooks/1")).contains(&secret[6..]), "{made}");
    assert_eq!(ann.save("Other", "x\n", ""), Some(303));
    assert_eq!(ann.save("Guide/Setup", "text that stays here\n", "Why"), Some(303));
    let message = sink.take(1).remove(0);
    let told = message.json();
    assert_eq!((told["type"].as_str(), told["data"]["author"].as_str()), (Some("commit"), Some("Ann")), "{told}");
    let url = format!("http://{}/Guide/Setup", ann.host);
    assert_eq!(told["data"]["changes"], json!([{"event": "page.created", "page": "Guide/Setup", "url": url}]));
    assert!(!message.body.contains("stays here") && !message.body.contains('@') && message.headers["user-agent"].starts_with("Holt/"));
    assert_eq!(judged(&message, &secret), ("True".into(), "genuine".into()));
    let forged = Message { body: message.body.replace("Ann", "Eve"), ..message.clone() };
    assert_eq!(judged(&forged, &secret), ("False".into(), "forged".into()));
    until_last(&ann, 1, |last| last["status"] == 204 && last["next"].is_null());
    // Another secret: for a day both count.
    let rotated = shown(&ann.post("/-/admin/webhooks/1", &[("do", "rotate")]).unwrap());
    let new = rotated.split("<code>").nth(1).unwrap().split('<').next().unwrap().to_string();
    assert_eq!(ann.post("/-/admin/webhooks/1", &[("do", "ping")]).unwrap().header("location"), Some("/-/admin/webhooks/1?saved=sent"));
    let ping = sink.take(1).remove(0);
    assert_eq!(ping.json()["type"], "ping");
    assert!(secret != new && [&secret, &new].iter().all(|secret| judged(&ping, secret) == ("True".into(), "genuine".into())));
    // Sent again by hand it has its id still. The log says all that was done to it.
    let first = deliveries(&ann, 1).last().unwrap()["id"].to_string();
    assert_eq!(ann.post("/-/admin/webhooks/1", &[("redeliver", &first)]).unwrap().status, 303);
    let again = sink.take(1).remove(0);
    assert_eq!((again.id(), &again.body), (message.id(), &message.body));
    let log = shown(&ann.get("/-/admin/audit"));
    assert!(log.contains("Webhook made") && log.contains("Secret of a webhook replaced"), "{log}");
    assert!(shown(&ann.get("/-/admin/webhooks/1")).contains("204") && sink.nothing_came());
    assert_eq!(ann.post("/-/admin/webhooks/1", &[("do", "delete")]).unwrap().status, 303);
    assert!(shown(&ann.get(path)).contains("None.") && ann.get("/-/admin/webhooks/1").status == 404);
}

#[test]
fn what_is_owed_outlives_the_server() {
    let data = tempfile::tempdir().unwrap();
    Server::prepare(data.path(), "docs");
    let (slow, quick) = (Sink::start(), Sink::start());
    let (mut server, ann) = start(data.path(), &[&slow, &quick]);
    slow.answers("");
    for sink in [&slow, &quick] {
        hook(&ann, sink, &json!({}));
    }
    assert_eq!(ann.save("A", "1\n", ""), Some(303));
    let asked = slow.take(1).remove(0);
    // The one that says nothing keeps nobody waiting.
    assert_eq!(quick.take(1)[0].json()["data"]["changes"][0]["page"], "A");
    until_last(&ann, 2, |last| last["status"] == 204);
    server.kill();
    slow.answers("200 OK");
    let (mut server, ann) = start(data.path(), &[&slow, &quick]);
    let again = slow.take(1).remove(0);
    assert_eq!((again.id(), &again.body), (asked.id(), &asked.body));
    until_last(&ann, 1, |last| last["status"] == 200);
    // A save that nobody could be told of, as the server died right after it.
    slow.answers("500 Broken");
    assert_eq!(ann.save("B", "1\n", ""), Some(303));
    server.kill();
    slow.answers("200 OK");
    let (_server, ann) = start(data.path(), &[&slow, &quick]);
    until_last(&ann, 2, |last| last["status"] == 204 && last["body"].as_str().is_some_and(|body| body.contains("\"B\"")));
    let told = quick.take(1);
    assert_eq!(told[0].json()["data"]["changes"][0]["page"], "B");
}

#[test]
fn who_fails_is_asked_again_later_and_who_is_gone_is_not() {
    let data = tempfile::tempdir().unwrap();
    Server::prepare(data.path(), "docs");
    let (broken, gone, there) = (Sink::start(), Sink::start(), Sink::start());
    let (_server, ann) = start(data.path(), &[&broken, &gone, &there]);
    broken.answers("302 Found\r\nLocation: /elsewhere");
    gone.answers("410 Gone");
    for sink in [&broken, &gone, &there] {
        hook(&ann, sink, &json!({}));
    }
    assert_eq!(ann.save("A", "1\n", ""), Some(303));
    let last = until_last(&ann, 1, |last| !last["status"].is_null());
    assert_eq!((last["status"].as_i64(), last["attempts"].as_i64(), last["next"].is_string()), (Some(302), Some(1), true), "{last}");
    until_last(&ann, 2, |last| last["status"] == 410 && last["next"].is_null());
    assert_eq!(api(&ann, "GET", "/2", &Value::Null).1["state"], "gone");
    assert_eq!(there.take(1).len(), 1);
    assert_eq!(ann.save("A", "2\n", ""), Some(303));
    assert_eq!(there.take(1).len(), 1);
    assert_eq!(api(&ann, "POST", "/2/ping", &json!({})).0, 409);
    // Switched on it is told what comes.
    gone.take(1);
    gone.answers("204 Done");
    assert_eq!(api(&ann, "PATCH", "/2", &json!({"active": true})).1["state"], "on");
    assert_eq!(ann.save("A", "3\n", ""), Some(303));
    assert_eq!(gone.take(1)[0].json()["data"]["subject"], "Updated A");
    // What one message is refused for may be its own fault: others are tried before their server is left alone.
    broken.take(3);
    assert!(broken.nothing_came() && gone.nothing_came());
}

/// Puts an address into the database that no door takes.
pub fn entered(data: &Path, table: &str, url: &str) {
    let wiki = std::fs::read_dir(data.join("wikis")).unwrap().next().unwrap().unwrap().path();
    let db = rusqlite::Connection::open(wiki.join("wiki.db")).unwrap();
    db.busy_timeout(Duration::from_secs(10)).unwrap();
    assert_eq!(db.execute(&format!("UPDATE {table} SET url = ?1"), [url]).unwrap(), 1);
}

#[test]
fn nobody_is_asked_who_is_not_public() {
    let data = tempfile::tempdir().unwrap();
    Server::prepare(data.path(), "docs");
    let (inside, trusted) = (Sink::start(), Sink::start());
    let (_server, ann) = start(data.path(), &[&trusted]);
    for url in [
        inside.url(),
        format!("https://{}/", inside.place),
        "https://169.254.169.254/latest".into(),
        "https://[::1]/".into(),
        "https://0x7f.1/".into(),
        "https://localhost/in".into(),
        "https://hooks.localhost/".into(),
        "https://localhost./".into(),
        "https://db.internal/".into(),
        "https://printer.local/".into(),
        "https://intranet/".into(),
        "https://ann:secret@hooks.example/".into(),
        "https://hooks.example:22/".into(),
        "ftp://hooks.example/".into(),
        "x".into(),
    ] {
        let (status, said) = api(&ann, "POST", "", &json!({"url": url}));
        assert_eq!((status, said["field"].as_str()), (422, Some("url")), "{url}: {said}");
        assert!(said["hint"].as_str().unwrap().contains("--trust-hook-host"), "{said}");
    }
    // What was entered some other way is looked at when it is asked, too, and so is what names stand for.
    let (status, _) = api(&ann, "POST", "", &json!({"url": "https://hooks.example/in"}));
    entered(data.path(), "webhooks", "https://localhost/in");
    assert_eq!((status, api(&ann, "POST", "/1/ping", &json!({})).0), (201, 202));
    let last = until_last(&ann, 1, |last| last["attempts"] == 1);
    assert_eq!((last["error"].as_str(), last["status"].is_null()), (Some("its host is not on the public network"), true), "{last}");
    assert!(inside.nothing_came());
    for body in
        [json!({"url": trusted.url(), "events": ["page.read"]}), json!({"url": trusted.url(), "prefix": "../x"}), json!({"secret": "x"})]
    {
        assert_eq!(api(&ann, "POST", "", &body).0, 422, "{body}");
    }
    for _ in 0..9 {
        hook(&ann, &trusted, &json!({}));
    }
    assert_eq!(api(&ann, "POST", "", &json!({"url": trusted.url()})).0, 413);
    assert_eq!((api(&ann, "DELETE", "/3", &json!({})).0, api(&ann, "GET", "/3", &Value::Null).0), (200, 404));
}
