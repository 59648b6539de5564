//! A connection that stays: a million requests on connections of their own would wait for ports.

use flate2::read::MultiGzDecoder;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// What came back, as plain as it can be made.
pub struct Answer {
    pub status: u16,
    /// Status line and header lines.
    pub head: String,
    /// The body, unpacked.
    pub body: Vec<u8>,
    /// What git packed in it.
    pub clear: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let line = |line: &'_ str| line.split_once(':').is_some_and(|(key, _)| key.eq_ignore_ascii_case(name));
        self.head.lines().find(|text| line(text)).and_then(|line| Some(line.split_once(':')?.1.trim()))
    }
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
    /// The value of a hidden form field, if there is such a field.
    pub fn field(&self, name: &str) -> Option<String> {
        let text = self.text();
        let at = text.find(&format!("name=\"{name}\""))?;
        let tag = &text[text[..at].rfind('<')?..];
        let value = tag.split('>').next()?.split("value=\"").nth(1)?.split('"').next()?;
        Some(value.replace("&#34;", "\"").replace("&quot;", "\"").replace("&#38;", "&"))
    }
}

/// A connection to whichever server there is.
#[derive(Default)]
pub struct Wire(Option<(SocketAddr, BufReader<TcpStream>)>);

impl Wire {
    /// Sends a request and reads its answer. An error is the connection's; the next request has another one.
    pub fn ask(&mut self, address: SocketAddr, method: &str, bytes: &[u8]) -> std::io::Result<Answer> {
        let answer = self.exchange(address, method, bytes);
        if answer.is_err() {
            self.0 = None;
        }
        answer
    }
    fn exchange(&mut self, address: SocketAddr, method: &str, bytes: &[u8]) -> std::io::Result<Answer> {
        if self.0.as_ref().is_none_or(|(there, _)| *there != address) {
            let stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
            stream.set_read_timeout(Some(Duration::from_secs(120)))?;
            stream.set_nodelay(true)?;
            self.0 = Some((address, BufReader::with_capacity(64 * 1024, stream)));
        }
        let (_, stream) = self.0.as_mut().expect("made above");
        stream.get_mut().write_all(bytes)?;
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let mut line = Vec::new();
            if stream.read_until(b'\n', &mut line)? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            head.push_str(&String::from_utf8_lossy(&line));
        }
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or(std::io::ErrorKind::InvalidData)?;
        let mut answer = Answer { status, head, body: Vec::new(), clear: Vec::new() };
        let bodiless = method == "HEAD" || matches!(status, 204 | 304);
        match answer.header("content-length").and_then(|length| length.parse::<usize>().ok()) {
            _ if bodiless => {}
            Some(length) => {
                answer.body.resize(length, 0);
                stream.read_exact(&mut answer.body)?;
            }
            None if answer.header("transfer-encoding").is_some() => answer.body = chunks(stream)?,
            None => {
                stream.read_to_end(&mut answer.body)?;
            }
        }
        if answer.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close")) {
            self.0 = None;
        }
        if answer.header("content-encoding") == Some("gzip") && !answer.body.is_empty() {
            let mut plain = Vec::new();
            MultiGzDecoder::new(answer.body.as_slice()).read_to_end(&mut plain)?;
            answer.body = plain;
        }
        Ok(answer)
    }
}

fn chunks(stream: &mut BufReader<TcpStream>) -> std::io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let size = usize::from_str_radix(line.trim(), 16).map_err(|_| std::io::ErrorKind::InvalidData)?;
        let start = body.len();
        body.resize(start + size, 0);
        stream.read_exact(&mut body[start..])?;
        stream.read_exact(&mut [0; 2])?;
        if size == 0 {
            return Ok(body);
        }
    }
}
