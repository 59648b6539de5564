//! A runtime API of AWS Lambda that says what the documented one says and fails as it may, and a gateway in front of it: what asks it by HTTP is an event.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What the API does when it is asked for the next event.
pub enum Next {
    /// Gives one, with an id; so many milliseconds are left for it.
    Event(String, String, u64),
    /// Closes the connection.
    HangUp,
    /// Answers this status.
    Status(u16),
    /// Begins an answer that does not end.
    Half,
}

/// What it was told.
#[derive(Debug)]
pub struct Told {
    /// Below `runtime/`.
    pub path: String,
    /// Of an error.
    pub kind: Option<String>,
    /// As JSON.
    pub body: Value,
}

/// A function, and the API that it asks. It is ended when this is dropped.
pub struct Lambda {
    next: Sender<Next>,
    told: Receiver<Told>,
    /// The process.
    pub child: Child,
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
    /// Starts `program` as a function.
    ///
    /// # Panics
    /// If that is not possible.
    pub fn start(program: &mut Command) -> Self {
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
        let child = program.env("AWS_LAMBDA_RUNTIME_API", address).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        Self { next, told, child }
    }
    /// Has the API do this when it is asked next.
    ///
    /// # Panics
    /// If the API has ended.
    pub fn give(&self, next: Next) {
        self.next.send(next).unwrap();
    }
    /// What it is told next.
    ///
    /// # Panics
    /// If that is nothing for 20 seconds.
    pub fn told(&self) -> Told {
        self.told.recv_timeout(Duration::from_secs(20)).expect("the function says something")
    }
    /// What an event is answered.
    ///
    /// # Panics
    /// If it is not.
    pub fn ask(&self, id: &str, event: &Value) -> Value {
        self.give(Next::Event(id.to_string(), event.to_string(), 20_000));
        let told = self.told();
        assert_eq!((told.path.as_str(), &told.kind), (format!("invocation/{id}/response").as_str(), &None), "{:?}", told.body);
        told.body
    }
    /// Whether it ended well, and what it said.
    ///
    /// # Panics
    /// If its words cannot be read.
    pub fn last_words(mut self) -> (bool, String) {
        let mut words = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut words).unwrap();
        (self.child.wait().unwrap().success(), words)
    }
}

/// What is between people and a function: makes an event of each request, as a Function URL does, and a response of what `ask` says to it.
///
/// # Panics
/// If no port is free.
pub fn gateway(ask: impl Fn(&Value) -> Value + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let ask = Arc::new(ask);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, ask) = (stream.unwrap(), ask.clone());
            std::thread::spawn(move || pass_on(stream, &*ask));
        }
    });
    address
}

fn pass_on(mut stream: TcpStream, ask: &dyn Fn(&Value) -> Value) -> Option<()> {
    let asked = read_request(&mut stream)?;
    let mut words = asked.first.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers: serde_json::Map<String, Value> = asked.headers.into_iter().map(|(name, value)| (name, value.into())).collect();
    let text = String::from_utf8(asked.body);
    let (body, packed) = match text {
        Ok(text) => (text, false),
        Err(bytes) => (base64(bytes.as_bytes()), true),
    };
    let answer = ask(&json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query, "headers": headers, "body": body, "isBase64Encoded": packed,
        "requestContext": {"stage": "$default", "http": {"method": method, "path": path, "sourceIp": "192.0.2.7"}},
    }));
    let body = answer["body"].as_str()?.to_string();
    let body = if answer["isBase64Encoded"] == true { unpacked(&body) } else { body.into_bytes() };
    let mut head = format!("HTTP/1.1 {} X\r\nContent-Length: {}\r\nConnection: close\r\n", answer["statusCode"], body.len());
    for (name, value) in answer["headers"].as_object()? {
        head.push_str(&format!("{name}: {}\r\n", value.as_str()?));
    }
    for cookie in answer["cookies"].as_array()? {
        head.push_str(&format!("set-cookie: {}\r\n", cookie.as_str()?));
    }
    stream.write_all(&[head.as_bytes(), b"\r\n", &body].concat()).ok()
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64(bytes: &[u8]) -> String {
    let mut out = String::new();
    for three in bytes.chunks(3) {
        let number = three.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        let digit = |at: u32| char::from(DIGITS[(number >> (18 - 6 * at) & 63) as usize]);
        let digits = three.len() + 1;
        out.extend((0..4).map(|at| if (at as usize) < digits { digit(at) } else { '=' }));
    }
    out
}

fn unpacked(text: &str) -> Vec<u8> {
    let value = |digit: u8| DIGITS.iter().position(|known| *known == digit).unwrap_or_default() as u32;
    let mut out = Vec::new();
    for four in text.as_bytes().chunks(4) {
        let number = four.iter().fold(0, |number, digit| number << 6 | value(*digit));
        out.extend_from_slice(&number.to_be_bytes()[1..4 - four.iter().filter(|digit| **digit == b'=').count()]);
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn bytes_survive_base64() {
        for length in 0..9 {
            let bytes: Vec<u8> = (0..length).map(|n: u8| n.wrapping_mul(37).wrapping_add(200)).collect();
            assert_eq!(super::unpacked(&super::base64(&bytes)), bytes);
        }
        assert_eq!(super::base64(b"Holt"), "SG9sdA==");
    }
}
