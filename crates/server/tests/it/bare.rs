//! A bare repository as people have one at a host of repositories: behind `git http-backend`, with a user and a token, by TLS or without.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

/// What is sent as user and password.
pub const USER: &str = "ann";
pub const TOKEN: &str = "a token of that host";

/// One who speaks.
trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// See the module.
pub struct Bare {
    dir: tempfile::TempDir,
    pub address: SocketAddr,
    is_tls: bool,
}

impl Bare {
    /// Without anything in it. Its certificate is for 127.0.0.1, and nobody's but its own.
    pub fn new(is_tls: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let repo = dir.path().join("x.git");
        let made = Command::new("git").args(["init", "--quiet", "--bare", "-b", "main"]).arg(&repo).status().unwrap();
        assert!(made.success());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, root) = (listener.local_addr().unwrap(), dir.path().to_path_buf());
        let tls = is_tls.then(certified);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (root, tls) = (root.clone(), tls.clone());
                std::thread::spawn(move || match tls {
                    Some(tls) => answer(StreamOwned::new(ServerConnection::new(tls).unwrap(), stream), &root),
                    None => answer(stream, &root),
                });
            }
        });
        Self { dir, address, is_tls }
    }
    /// Where it is.
    pub fn url(&self) -> String {
        format!("{}://{}/x.git", if self.is_tls { "https" } else { "http" }, self.address)
    }
    /// The repository itself.
    pub fn repo(&self) -> PathBuf {
        self.dir.path().join("x.git")
    }
    /// The file with the certificate of whoever vouches for it.
    pub fn authority() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("src/egress/test-certificate.pem")
    }
    /// What its branch stands at.
    pub fn head(&self) -> String {
        holt_testkit::git(&self.repo(), &["rev-parse", "main"]).trim().to_string()
    }
}

fn certified() -> Arc<ServerConfig> {
    let key = Bare::authority().with_file_name("test-key.pem");
    let chain = vec![CertificateDer::from_pem_file(Bare::authority()).unwrap()];
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(config.with_no_client_auth().with_single_cert(chain, PrivateKeyDer::from_pem_file(key).unwrap()).unwrap())
}

/// One request of a connection. Whoever goes in the middle of it, goes.
fn answer(stream: impl Stream, root: &Path) {
    let _ = serve(stream, root);
}

fn serve(stream: impl Stream, root: &Path) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let (mut first, mut headers) = (String::new(), Vec::new());
    stream.read_line(&mut first)?;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.push((name.to_ascii_lowercase(), value.to_string())),
            None => break,
        }
    }
    let header = |name: &str| headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str());
    let words: Vec<&str> = first.split(' ').collect();
    let [method, target, ..] = words.as_slice() else { return Ok(()) };
    if header("authorization") != format!("Basic {}", STANDARD.encode(format!("{USER}:{TOKEN}"))) {
        return refuse(stream.get_mut());
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let body = body(&mut stream, header("content-length"), header("transfer-encoding"))?;
    let mut backend = Command::new("git");
    backend.arg("http-backend").env("GIT_PROJECT_ROOT", root).env("GIT_HTTP_EXPORT_ALL", "1").env("REMOTE_USER", USER);
    backend.env("REQUEST_METHOD", method).env("PATH_INFO", path).env("QUERY_STRING", query).env("CONTENT_TYPE", header("content-type"));
    backend.env("CONTENT_LENGTH", body.len().to_string()).env("GIT_PROTOCOL", header("git-protocol"));
    backend.env("HTTP_CONTENT_ENCODING", header("content-encoding"));
    let mut child = backend.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let mut input = child.stdin.take().unwrap();
    let sent = std::thread::spawn(move || input.write_all(&body));
    let said = child.wait_with_output()?.stdout;
    let _ = sent.join();
    let end = said.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(0);
    let head = String::from_utf8_lossy(&said[..end]).into_owned();
    let status = head.lines().find_map(|line| line.strip_prefix("Status: ")).unwrap_or("200 OK").to_string();
    let rest = &said[(end + 4).min(said.len())..];
    let stream = stream.get_mut();
    write!(stream, "HTTP/1.1 {status}\r\n{head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", rest.len())?;
    stream.write_all(rest)?;
    stream.flush()
}

fn refuse(stream: &mut impl Stream) -> std::io::Result<()> {
    write!(stream, "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
    stream.flush()
}

fn body(stream: &mut impl BufRead, length: &str, coding: &str) -> std::io::Result<Vec<u8>> {
    let mut body = Vec::new();
    if coding.eq_ignore_ascii_case("chunked") {
        loop {
            let mut line = String::new();
            stream.read_line(&mut line)?;
            let size = usize::from_str_radix(line.trim(), 16).unwrap_or(0);
            let mut piece = vec![0; size + 2];
            stream.read_exact(&mut piece)?;
            if size == 0 {
                return Ok(body);
            }
            body.extend_from_slice(&piece[..size]);
        }
    }
    body.resize(length.parse().unwrap_or(0), 0);
    stream.read_exact(&mut body)?;
    Ok(body)
}
