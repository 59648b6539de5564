//! The real binary on a free port, and an HTTP/1.1 client of a hundred lines: what a test sends is exactly what goes over the wire.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

const HOLT: &str = env!("CARGO_BIN_EXE_holt");
/// A command that takes longer is stuck.
const COMMAND_TIME: Duration = Duration::from_secs(120);

/// A running `holt serve`, ended when dropped.
pub struct Server {
    child: Child,
    address: SocketAddr,
    /// The one-time administrator link, if one was printed.
    pub setup: Option<String>,
    /// Where metrics are, if they are shown.
    metrics: Option<SocketAddr>,
}

impl Server {
    /// Runs a command on `data` to its end: exit code, standard output, standard error.
    pub fn command(data: &Path, args: &[&str]) -> (i32, String, String) {
        Self::command_with_input(data, args, "")
    }
    /// The same with something on standard input.
    pub fn command_with_input(data: &Path, args: &[&str], input: &str) -> (i32, String, String) {
        let mut child = Command::new(HOLT)
            .args(args)
            .env("HOLT_DATA", data)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let (pid, (done, ended)) = (child.id(), mpsc::channel());
        std::thread::spawn(move || done.send(child.wait_with_output()));
        let Ok(out) = ended.recv_timeout(COMMAND_TIME) else {
            let _ = Command::new("kill").args(["-9", &pid.to_string()]).status();
            panic!("holt {args:?} did not end");
        };
        let out = out.unwrap();
        (
            out.status.code().unwrap_or(-1),
            String::from_utf8_lossy(&out.stdout).into_owned(),
            String::from_utf8_lossy(&out.stderr).into_owned(),
        )
    }
    /// A data directory with one wiki and ann, who administers it.
    pub fn prepare(data: &Path, slug: &str) {
        let made = Self::command(data, &["wiki", "create", slug]);
        assert_eq!(made.0, 0, "{}", made.2);
        let added = Self::command_with_input(
            data,
            &["user", "add", "ann@example.org", "--name", "Ann", "--admin", "--password-stdin"],
            "correct horse\n",
        );
        assert_eq!(added.0, 0, "{}", added.2);
    }
    /// A data directory with `count` empty wikis, wiki-0 and up.
    pub fn prepare_many(data: &Path, count: usize) {
        let engine = holt_engine::Engine::open(holt_engine::EngineOptions::new(data, holt_engine::Clock::fixed(1_700_000_000))).unwrap();
        for i in 0..count {
            let slug = holt_core::WikiName::parse(&format!("wiki-{i}")).unwrap();
            engine.create_wiki(&slug, "W", holt_engine::db::preferences::Audience::Everybody).unwrap();
        }
        engine.settle_all().unwrap();
    }
    /// Starts `holt serve` on `data` with more flags, and waits until it says where it listens.
    pub fn start(data: &Path, flags: &[&str]) -> Self {
        let mut command = Command::new(HOLT);
        command.env("HOLT_LOG", "warn").stderr(Stdio::inherit());
        Self::run(command, data, flags)
    }
    /// The same with more variables.
    pub fn start_with(data: &Path, flags: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(HOLT);
        command.env("HOLT_LOG", "warn").envs(variables.iter().copied()).stderr(Stdio::inherit());
        Self::run(command, data, flags)
    }
    /// The same of another build, whose log goes on in a file.
    pub fn start_logged(binary: &Path, data: &Path, flags: &[&str], level: &str, log: &Path) -> Self {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
        let mut command = Command::new(binary);
        command.env("HOLT_LOG", level).stderr(file);
        Self::run(command, data, flags)
    }
    fn run(mut command: Command, data: &Path, flags: &[&str]) -> Self {
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(flags).env("HOLT_DATA", data).env("HOLT_RATE_LIMIT", "off");
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (mut setup, mut metrics) = (None, None);
        let address = loop {
            let line = lines.next().expect("the server ended before it listened").unwrap();
            if let Some(at) = line.find("/-/setup?token=") {
                setup = Some(line[at..].trim().to_string());
            }
            if let Some(rest) = line.strip_prefix("metrics at http://") {
                metrics = Some(rest.split('/').next().unwrap().parse().unwrap());
            }
            if let Some(rest) = line.split("listening on http://").nth(1) {
                break rest.trim().trim_end_matches('/').parse().unwrap();
            }
        };
        // Later lines are read so that the server never waits for us, and looked through for the setup link.
        let late = Arc::new(Mutex::new(None));
        let reader = {
            let late = late.clone();
            std::thread::spawn(move || {
                for line in lines.map_while(Result::ok) {
                    if let Some(at) = line.find("/-/setup?token=") {
                        *late.lock().unwrap() = Some(line[at..].trim().to_string());
                    }
                }
            })
        };
        drop(reader);
        Self { child, address, setup, metrics }
    }
    /// A client without cookies.
    pub fn client(&self) -> Client {
        Client { address: self.address, cookies: Arc::default(), csrf: Arc::default(), host: self.address.to_string(), scheme: "http" }
    }
    /// Who watches it.
    pub fn watcher(&self) -> Client {
        let address = self.metrics.expect("it was started with --metrics");
        Client { address, host: address.to_string(), ..self.client() }
    }
    /// The same, asking another host.
    pub fn client_at(&self, host: &str) -> Client {
        Client { host: host.to_string(), ..self.client() }
    }
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
    /// The binary that the tests were built with.
    pub fn binary() -> &'static Path {
        Path::new(HOLT)
    }
    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
    /// SIGKILL, and waits for the end.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
    /// SIGTERM, and waits for the end, which must be a good one.
    pub fn stop(&mut self) {
        let sent = Command::new("kill").args(["-TERM", &self.pid().to_string()]).status().unwrap();
        assert!(sent.success());
        assert!(self.child.wait().unwrap().success(), "the server did not end well");
    }
    /// Where the wiki's repository is. Only while the server is stopped.
    pub fn repo(data: &Path, slug: &str) -> PathBuf {
        let (code, path, error) = Self::command(data, &["wiki", "path", slug]);
        assert_eq!(code, 0, "{error}");
        PathBuf::from(path.trim())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for what a server does by itself, when nobody waits for it. It runs in a process of its own and tells nobody when it is done, so it is asked again and
/// again, for at most 30 seconds. What it says meanwhile comes with the complaint.
#[track_caller]
pub fn until(what: &str, mut done: impl FnMut() -> Result<(), String>) {
    let begun = std::time::Instant::now();
    while let Err(state) = done() {
        assert!(begun.elapsed().as_secs() < 30, "{what} did not come: {state}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A server with the wiki `docs`, and Ann, who administers it.
pub fn docs() -> (tempfile::TempDir, Server, Client) {
    let dir = tempfile::tempdir().unwrap();
    Server::prepare(dir.path(), "docs");
    let server = Server::start(dir.path(), &[]);
    let ann = server.client();
    ann.log_in("ann@example.org", "correct horse");
    (dir, server, ann)
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Header lines, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, as sent.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
    /// Whether the connection ended before the body did.
    fn cut(&self) -> bool {
        self.header("content-length").and_then(|l| l.parse::<usize>().ok()).is_some_and(|length| self.body.len() < length)
    }
    /// The body as text.
    pub fn body_text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
    /// The value of a hidden form field.
    pub fn field(&self, name: &str) -> String {
        let text = self.body_text();
        let at = text.find(&format!("name=\"{name}\"")).unwrap_or_else(|| panic!("no field {name} in {text}"));
        let tag_start = text[..at].rfind('<').unwrap();
        let tag = &text[tag_start..tag_start + text[tag_start..].find('>').unwrap()];
        tag.split("value=\"").nth(1).map(|v| v.split('"').next().unwrap().to_string()).unwrap_or_default()
    }
}

/// A browser's memory: cookies and the token of its session. Clones share both.
#[derive(Clone)]
pub struct Client {
    address: SocketAddr,
    cookies: Arc<Mutex<Vec<(String, String)>>>,
    csrf: Arc<Mutex<String>>,
    /// What it says in `Host`.
    pub host: String,
    /// What the addresses of its pages begin with.
    pub scheme: &'static str,
}

impl Client {
    /// A browser that reaches `https://{host}` at an address of this machine.
    pub fn secure(address: SocketAddr, host: &str) -> Self {
        Self { address, cookies: Arc::default(), csrf: Arc::default(), host: host.to_string(), scheme: "https" }
    }
    /// Where it sends what it asks.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
    /// GET with cookies.
    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], b"").unwrap_or_else(|e| panic!("GET {path}: {e}"))
    }
    /// POST of form fields, with the session's token and our own origin.
    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> std::io::Result<Answer> {
        let csrf = self.csrf.lock().unwrap().clone();
        let mut body = format!("csrf_token={}", encode(&csrf));
        for (name, value) in fields {
            body.push_str(&format!("&{}={}", encode(name), encode(value)));
        }
        let origin = format!("{}://{}", self.scheme, self.host);
        self.send("POST", path, &[("Origin", &origin), ("Content-Type", "application/x-www-form-urlencoded")], body.as_bytes())
    }
    /// One request on a connection of its own. Errors are those of the connection.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> std::io::Result<Answer> {
        let cookies: Vec<String> = self.cookies.lock().unwrap().iter().map(|(n, v)| format!("{n}={v}")).collect();
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.host);
        if !cookies.is_empty() {
            head.push_str(&format!("Cookie: {}\r\n", cookies.join("; ")));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() || method == "POST" {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        let answer = self.raw(&[head.as_bytes(), body].concat())?;
        if answer.status == 200 && method != "HEAD" && answer.cut() {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let mut jar = self.cookies.lock().unwrap();
        for (_, line) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            jar.retain(|(n, _)| n != name);
            let gone = line.to_lowercase().contains("max-age=0") || value.is_empty();
            if !gone {
                jar.push((name.to_string(), value.to_string()));
            }
        }
        Ok(answer)
    }
    /// The value of a cookie that the server set.
    pub fn cookie_of(&self, name: &str) -> String {
        let cookies = self.cookies.lock().unwrap();
        cookies.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()).unwrap_or_default()
    }
    /// The same browser, at a server that was started again elsewhere.
    pub fn moved(&self, server: &Server) -> Self {
        Self { address: server.address, ..self.clone() }
    }
    /// Bytes out, an answer in.
    pub fn raw(&self, bytes: &[u8]) -> std::io::Result<Answer> {
        let mut stream = TcpStream::connect_timeout(&self.address, Duration::from_secs(5))?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        // A server that refuses a large body may answer before it has read all of it.
        let written = stream.write_all(bytes);
        let mut all = Vec::new();
        let read = stream.read_to_end(&mut all);
        if all.is_empty() {
            written?;
            read?;
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        parse(&all).ok_or_else(|| std::io::ErrorKind::UnexpectedEof.into())
    }
    /// Logs in and remembers the session's token.
    pub fn log_in(&self, email: &str, password: &str) {
        let form = self.get("/-/login");
        *self.csrf.lock().unwrap() = form.field("csrf_token");
        let answer = self.post("/-/login", &[("email", email), ("password", password)]).unwrap();
        assert_eq!(answer.status, 303, "{}", answer.body_text());
        self.refresh_csrf();
    }
    /// The token that forms are sent with.
    pub fn csrf(&self) -> String {
        self.csrf.lock().unwrap().clone()
    }
    /// Takes the token of a form.
    pub fn use_token(&self, form: &Answer) {
        *self.csrf.lock().unwrap() = form.field("csrf_token");
    }
    /// Takes the token of the session at hand.
    pub fn refresh_csrf(&self) {
        let me: serde_json::Value = serde_json::from_slice(&self.get("/-/me").body).unwrap();
        *self.csrf.lock().unwrap() = me["csrf"].as_str().unwrap_or_default().to_string();
    }
    /// Saves a page over whatever is there now; the status, or nothing if the connection broke.
    pub fn save(&self, page: &str, text: &str, message: &str) -> Option<u16> {
        let url = format!("/{}", encode(page).replace("%2F", "/"));
        let form = self.send("GET", &format!("{url}/edit"), &[], b"").ok()?;
        if form.status != 200 {
            return Some(form.status);
        }
        let revision = form.field("revision");
        let answer = self.post(&format!("{url}/save"), &[("content", text), ("commit", message), ("revision", &revision)]).ok()?;
        Some(answer.status)
    }
}

/// Percent-encodes everything but letters and digits.
pub fn encode(text: &str) -> String {
    text.bytes().map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

fn parse(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|w| w == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<(String, String)> =
        lines.filter_map(|l| l.split_once(':')).map(|(n, v)| (n.to_lowercase(), v.trim().to_string())).collect();
    let mut body = bytes[end + 4..].to_vec();
    let header = |name: &str| headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
    if header("transfer-encoding") == Some("chunked") {
        body = unchunk(&body)?;
    }
    Some(Answer { status, headers, body })
}

fn unchunk(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = bytes.windows(2).position(|w| w == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&bytes[..end]).ok()?.trim(), 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(bytes.get(end + 2..end + 2 + size)?);
        bytes = bytes.get(end + 4 + size..)?;
    }
}
