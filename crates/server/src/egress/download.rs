//! A large file from another server, for a command that somebody runs: redirects are followed, each of them checked like the first address, and what
//! comes goes on piece by piece. It may take as long as it likes, if something comes.

use super::{Egress, TRIES, refused};
use holt_core::{Error, Result};
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use url::Url;

/// How long nothing may come.
const PATIENCE: Duration = Duration::from_secs(30);
/// Redirects that are followed, and the longest address: those of object stores carry signatures.
const REDIRECTS: usize = 5;
const URL_BYTES: usize = 8 * 1024;
/// Longest head of an answer.
const HEAD_BYTES: u64 = 64 * 1024;

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

impl Egress {
    /// Writes what is at `address` to `sink`, at most `most` bytes, and says how many. `NotFound` if there is nothing.
    pub fn download(&self, address: &str, most: u64, sink: &mut dyn Write) -> Result<u64> {
        let mut url = Url::parse(address).map_err(|_| refused("it is no address"))?;
        for _ in 0..=REDIRECTS {
            let mut stream = BufReader::new(self.open(&url)?);
            let head = ask(&mut stream, &url)?;
            let header =
                |name: &str| head.iter().skip(1).filter_map(|line| line.split_once(':')).find(|(n, _)| n.eq_ignore_ascii_case(name));
            let header = |name: &str| header(name).map(|(_, value)| value.trim().to_string());
            match head.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default() {
                "200" => {
                    let chunked = header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"));
                    let length = header("content-length").and_then(|length| length.parse::<u64>().ok());
                    return if chunked { in_pieces(&mut stream, most, sink) } else { whole(&mut stream, length, most, sink) };
                }
                "301" | "302" | "303" | "307" | "308" => {
                    let place = header("location").ok_or_else(|| refused("it leads nowhere"))?;
                    url = url.join(&place).map_err(|_| refused("it leads to what is no address"))?;
                }
                "404" | "410" => return Err(Error::not_found("there is nothing there")),
                status => return Err(refused(&format!("its server answers {status}"))),
            }
        }
        Err(refused("it leads from one address to the next"))
    }
    fn open(&self, url: &Url) -> Result<Box<dyn Stream>> {
        if url.as_str().len() > URL_BYTES {
            return Err(refused("its address is too long"));
        }
        let (host, port) = self.check_parts(url)?;
        let end = Instant::now() + PATIENCE;
        let places = self.resolve(url, host.clone(), port, end)?;
        let connected = places.iter().take(TRIES).find_map(|place| TcpStream::connect_timeout(place, PATIENCE).ok());
        let stream = connected.ok_or_else(|| refused("its server does not answer"))?;
        stream
            .set_read_timeout(Some(PATIENCE))
            .and_then(|()| stream.set_write_timeout(Some(PATIENCE)))
            .map_err(|e| Error::io("set a time limit", e))?;
        if url.scheme() != "https" {
            return Ok(Box::new(stream));
        }
        let name = ServerName::try_from(host).map_err(|_| refused("its host is no name of a server"))?;
        let connection = ClientConnection::new(self.tls()?, name).map_err(|_| refused("no secure connection can be made"))?;
        Ok(Box::new(StreamOwned::new(connection, stream)))
    }
}

/// The lines of the answer's head.
fn ask(stream: &mut BufReader<Box<dyn Stream>>, url: &Url) -> Result<Vec<String>> {
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let version = env!("CARGO_PKG_VERSION");
    let head = format!(
        "GET {target} HTTP/1.1\r\nHost: {host}\r\nAccept: */*\r\nAccept-Encoding: identity\r\nUser-Agent: Holt/{version}\r\nConnection: close\r\n\r\n"
    );
    let unanswered = |e| Error::io("ask its server", e);
    let out = stream.get_mut();
    out.write_all(head.as_bytes()).and_then(|()| out.flush()).map_err(unanswered)?;
    let (mut lines, mut limited) = (Vec::new(), stream.take(HEAD_BYTES));
    loop {
        let mut line = String::new();
        limited.read_line(&mut line).map_err(unanswered)?;
        match line.strip_suffix('\n') {
            None => return Err(refused("its server does not speak HTTP")),
            Some("" | "\r") => return Ok(lines),
            Some(line) => lines.push(line.trim_end().to_string()),
        }
    }
}

fn whole(stream: &mut impl Read, length: Option<u64>, most: u64, sink: &mut dyn Write) -> Result<u64> {
    if length.is_some_and(|length| length > most) {
        return Err(refused("what its server sends is too long"));
    }
    let copied = copy(&mut stream.take(length.unwrap_or(most + 1)), sink)?;
    if copied > most {
        return Err(refused("what its server sends is too long"));
    }
    if length.is_some_and(|length| copied < length) {
        return Err(refused("its server broke off"));
    }
    Ok(copied)
}

fn in_pieces(stream: &mut impl BufRead, most: u64, sink: &mut dyn Write) -> Result<u64> {
    let broken = || refused("its server does not speak HTTP");
    let line = |stream: &mut dyn BufRead| {
        let mut line = String::new();
        stream.take(1024).read_line(&mut line).map(|_| line).map_err(|e| Error::io("read what its server sends", e))
    };
    let mut all = 0;
    loop {
        let size = line(stream)?;
        let size = u64::from_str_radix(size.trim().split(';').next().unwrap_or_default(), 16).map_err(|_| broken())?;
        if size == 0 {
            return Ok(all);
        }
        all += whole(stream, Some(size), most - all, sink)?;
        if !line(stream)?.trim().is_empty() {
            return Err(broken());
        }
    }
}

fn copy(from: &mut impl Read, sink: &mut dyn Write) -> Result<u64> {
    std::io::copy(from, sink).map_err(|e| Error::io("read what its server sends", e))
}
