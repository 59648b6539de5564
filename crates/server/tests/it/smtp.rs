//! A mail server that keeps what it is given: enough of SMTP for one client, on a free port of the loopback.

use base64::Engine as _;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// A mail as it came.
#[derive(Debug, Clone)]
pub struct Mail {
    /// The envelope's recipients.
    pub to: Vec<String>,
    /// Header and body, lines ended by `\n`.
    pub raw: String,
    /// What the client logged in with, decoded: `\0user\0password`.
    pub login: Option<String>,
}

impl Mail {
    fn head(&self) -> &str {
        self.raw.split("\n\n").next().unwrap()
    }
    /// The names of the header lines.
    pub fn names(&self) -> Vec<&str> {
        self.head().lines().filter(|line| !line.starts_with([' ', '\t'])).map(|line| line.split(':').next().unwrap()).collect()
    }
    /// A header line's value, unfolded.
    pub fn header(&self, name: &str) -> String {
        let unfolded = self.head().replace("\n ", " ").replace("\n\t", " ");
        let line = unfolded.lines().find(|line| line.to_lowercase().starts_with(&format!("{}:", name.to_lowercase())));
        line.unwrap_or_else(|| panic!("no {name} in {}", self.raw)).split_once(':').unwrap().1.trim().to_string()
    }
    /// The body, decoded.
    pub fn text(&self) -> String {
        let body = self.raw.split_once("\n\n").unwrap().1;
        match self.header("Content-Transfer-Encoding").as_str() {
            "quoted-printable" => quoted_printable(body),
            "base64" => {
                let packed: String = body.split_whitespace().collect();
                String::from_utf8(base64::engine::general_purpose::STANDARD.decode(packed).unwrap()).unwrap()
            }
            _ => body.to_string(),
        }
    }
    /// The first link below `prefix`, as a path.
    pub fn link(&self, prefix: &str) -> String {
        let text = self.text();
        let at = text.find(prefix).unwrap_or_else(|| panic!("no {prefix} in {text}"));
        text[at..].split_whitespace().next().unwrap().to_string()
    }
}

fn quoted_printable(text: &str) -> String {
    let joined = text.replace("=\n", "");
    let mut bytes = Vec::new();
    let mut rest = joined.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first == b'=' {
            bytes.push(u8::from_str_radix(std::str::from_utf8(&after[..2]).unwrap(), 16).unwrap());
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// The mail server. Its threads end with the test process.
pub struct Sink {
    /// Where it listens, for `--smtp-url`.
    pub url: String,
    /// Its port.
    pub port: u16,
    kept: Arc<(Mutex<Vec<Mail>>, Condvar)>,
}

impl Sink {
    /// Listens.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let kept: Arc<(Mutex<Vec<Mail>>, Condvar)> = Arc::default();
        let shared = kept.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = shared.clone();
                std::thread::spawn(move || talk(stream, &shared));
            }
        });
        Self { url: format!("smtp://127.0.0.1:{port}"), port, kept }
    }
    /// A port where nobody listens.
    pub fn nowhere() -> String {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        format!("smtp://127.0.0.1:{port}")
    }
    /// All mail so far, when there are `count` of them.
    pub fn wait(&self, count: usize) -> Vec<Mail> {
        let (lock, news) = &*self.kept;
        let (kept, waited) = news.wait_timeout_while(lock.lock().unwrap(), Duration::from_secs(20), |kept| kept.len() < count).unwrap();
        assert!(!waited.timed_out(), "{count} mails were expected: {kept:#?}");
        kept.clone()
    }
    /// All mail so far. Complete when the server that sends it has ended.
    pub fn all(&self) -> Vec<Mail> {
        self.kept.0.lock().unwrap().clone()
    }
    /// The newest mail to `address`, when there are `count` in all.
    pub fn newest(&self, count: usize, address: &str) -> Mail {
        let all = self.wait(count);
        all.into_iter().rev().find(|mail| mail.to == [address]).unwrap_or_else(|| panic!("no mail to {address}"))
    }
}

fn talk(stream: TcpStream, kept: &(Mutex<Vec<Mail>>, Condvar)) {
    let mut out = stream.try_clone().unwrap();
    let mut lines = BufReader::new(stream).split(b'\n');
    let mut line = || lines.next()?.ok().map(|bytes| String::from_utf8(bytes).unwrap().trim_end_matches('\r').to_string());
    let mut say = |text: &str| out.write_all(text.as_bytes()).is_ok();
    say("220 sink\r\n");
    let (mut to, mut login) = (Vec::new(), None);
    while let Some(command) = line() {
        let address = || command.split_once('<').unwrap().1.split('>').next().unwrap().to_string();
        match command.split([' ', ':']).next().unwrap().to_uppercase().as_str() {
            "EHLO" => say("250-sink\r\n250 AUTH PLAIN\r\n"),
            "AUTH" => {
                let sent = command.rsplit(' ').next().unwrap();
                login = Some(String::from_utf8(base64::engine::general_purpose::STANDARD.decode(sent).unwrap()).unwrap());
                say("235 ok\r\n")
            }
            "RCPT" => {
                to.push(address());
                // As a server that does not know somebody.
                if to.last().is_some_and(|to| to.starts_with("nobody@")) {
                    to.pop();
                    say("550 nobody of that name here\r\n")
                } else {
                    say("250 ok\r\n")
                }
            }
            "DATA" => {
                say("354 go on\r\n");
                let mut raw = String::new();
                while let Some(text) = line().filter(|text| text != ".") {
                    raw.push_str(text.strip_prefix('.').unwrap_or(&text));
                    raw.push('\n');
                }
                kept.0.lock().unwrap().push(Mail { to: std::mem::take(&mut to), raw, login: login.clone() });
                kept.1.notify_all();
                say("250 ok\r\n")
            }
            "QUIT" => {
                say("221 bye\r\n");
                return;
            }
            _ => say("250 ok\r\n"),
        };
    }
}
