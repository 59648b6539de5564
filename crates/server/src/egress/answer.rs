//! An answer of HTTP/1.1, read with limits. Only what is there as a whole, with status 200, and says that it is JSON, is a document.

use super::{Document, refused};
use holt_core::Result;

/// Longest head, in bytes.
const HEAD_BYTES: usize = 16 * 1024;

/// Which bodies are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bodies {
    /// Those of documents: what has another status than 200 is not read.
    OfDocuments,
    /// All, as answers to forms say in theirs why they refuse.
    All,
    /// None: what counts is the status.
    None,
}

/// What a server answered.
#[derive(Debug)]
pub struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Answer {
    /// Reads what has come. None: there is more to come. `ended`: there is not. `most`: the longest body, in bytes.
    pub(super) fn read(bytes: &[u8], ended: bool, bodies: Bodies, most: usize) -> Result<Option<Self>> {
        let broken = || refused("its server does not speak HTTP");
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
            return if ended || bytes.len() > HEAD_BYTES { Err(broken()) } else { Ok(None) };
        };
        let head = std::str::from_utf8(&bytes[..end]).map_err(|_| broken())?;
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.")).and_then(|line| line.get(2..5)).ok_or_else(broken)?;
        let status = status.parse().map_err(|_| broken())?;
        let header = |line: &str| line.split_once(':').map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_string()));
        let headers: Vec<(String, String)> = lines.map(|line| header(line).ok_or_else(broken)).collect::<Result<_>>()?;
        let mut answer = Self { status, headers, body: Vec::new() };
        // What is no document is not read, and what has no body has none.
        if bodies == Bodies::None || (bodies == Bodies::OfDocuments && status != 200) || matches!(status, 204 | 304) {
            return Ok(Some(answer));
        }
        let sent = &bytes[end + 4..];
        let too_long = || refused("what its server sends is too long");
        let body = if answer.header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
            // What stands between the pieces is short, and counted as if it were none.
            if sent.len() > most.saturating_mul(2) + 4096 {
                return Err(too_long());
            }
            unchunk(sent).map_err(|()| broken())?
        } else if let Some(length) = answer.header("content-length") {
            let length: usize = length.parse().map_err(|_| broken())?;
            if length > most {
                return Err(too_long());
            }
            sent.get(..length).map(<[u8]>::to_vec)
        } else if sent.len() > most {
            return Err(too_long());
        } else {
            ended.then(|| sent.to_vec())
        };
        match body {
            Some(body) if body.len() > most => Err(too_long()),
            Some(body) => {
                answer.body = body;
                Ok(Some(answer))
            }
            None if ended => Err(refused("its server broke off")),
            None => Ok(None),
        }
    }
    /// The status code.
    pub fn status(&self) -> u16 {
        self.status
    }
    /// The first header of that name, which is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
    /// The body, as sent.
    pub fn body(&self) -> &[u8] {
        &self.body
    }
    /// The body, if its type says that it is JSON.
    pub fn json(&self) -> Option<serde_json::Value> {
        self.is_json().then(|| serde_json::from_slice(self.body()).ok()).flatten()
    }
    /// The type of the body, without its parameters, in lower case.
    fn kind(&self) -> String {
        self.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }
    fn is_json(&self) -> bool {
        let kind = self.kind();
        kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
    }
    /// The document, if it is one.
    pub fn document(self) -> Result<Document> {
        match self.status {
            200 => {}
            300..=399 => return Err(refused("it leads elsewhere, and is not followed")),
            _ => return Err(refused("there is nothing there")),
        }
        if !self.is_json() {
            return Err(refused("what is there is no JSON"));
        }
        let keep = self.header("cache-control").and_then(keep);
        Ok(Document { body: self.body, keep })
    }
}

fn keep(control: &str) -> Option<i64> {
    let control = control.to_ascii_lowercase();
    let mut words = control.split(',').map(str::trim);
    if words.clone().any(|word| matches!(word, "no-store" | "no-cache")) {
        return Some(0);
    }
    words.find_map(|word| word.strip_prefix("max-age=")?.parse::<u32>().ok()).map(i64::from)
}

/// The pieces put together; none if the last has not come.
fn unchunk(mut rest: &[u8]) -> std::result::Result<Option<Vec<u8>>, ()> {
    let mut body = Vec::new();
    loop {
        let Some(end) = rest.windows(2).position(|window| window == b"\r\n") else { return Ok(None) };
        let line = std::str::from_utf8(&rest[..end]).map_err(|_| ())?;
        let length = line.split(';').next().unwrap_or_default().trim();
        let length = usize::from_str_radix(length, 16).map_err(|_| ())?;
        rest = &rest[end + 2..];
        if length == 0 {
            return Ok(Some(body));
        }
        let after = length.checked_add(2).ok_or(())?;
        let Some(piece) = rest.get(..after) else { return Ok(None) };
        if !piece.ends_with(b"\r\n") {
            return Err(());
        }
        body.extend_from_slice(&piece[..length]);
        rest = &rest[after..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, ended: bool) -> std::result::Result<Option<String>, String> {
        let read =
            Answer::read(text.as_bytes(), ended, Bodies::OfDocuments, 20).and_then(|answer| answer.map(Answer::document).transpose());
        read.map(|document| document.map(|document| String::from_utf8(document.body).unwrap())).map_err(|error| error.message)
    }

    #[test]
    fn only_whole_documents_of_json_are_taken() {
        let json = "Content-Type: application/json; charset=utf-8\r\n";
        let fine = [
            format!("HTTP/1.1 200 OK\r\n{json}Content-Length: 2\r\n\r\n{{}}"),
            format!("HTTP/1.1 200 OK\r\n{json}Content-Length: 2\r\n\r\n{{}} and more"),
            format!("HTTP/1.1 200 \r\n{json}TRANSFER-encoding: Chunked\r\n\r\n1\r\n{{\r\n1;x=y\r\n}}\r\n0\r\n\r\n"),
            "HTTP/1.0 200 OK\r\ncontent-type: application/cimd+json\r\n\r\n{}".to_string(),
        ];
        for text in &fine {
            assert_eq!(read(text, true).unwrap().as_deref(), Some("{}"), "{text}");
        }
        for text in &fine[..3] {
            for cut in 0..text.find("{").unwrap() {
                assert_eq!(read(&text[..cut], false), Ok(None), "{text} {cut}");
                assert!(read(&text[..cut], true).is_err(), "{text} {cut}");
            }
        }
        assert_eq!(read(&fine[3], false), Ok(None));
        for (bad, why) in [
            (format!("HTTP/1.1 302 Found\r\n{json}Location: http://127.0.0.1/\r\n\r\n"), "leads elsewhere"),
            (format!("HTTP/1.1 404 Not Found\r\n{json}\r\n{{}}"), "nothing there"),
            ("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n{}".to_string(), "no JSON"),
            ("HTTP/1.1 200 OK\r\n\r\n{}".to_string(), "no JSON"),
            (format!("HTTP/1.1 200 OK\r\n{json}Content-Length: 21\r\n\r\n{}", "x".repeat(21)), "too long"),
            (format!("HTTP/1.1 200 OK\r\n{json}Content-Length: 99999999999999999999999\r\n\r\n"), "does not speak HTTP"),
            (format!("HTTP/1.1 200 OK\r\n{json}\r\n{}", "x".repeat(21)), "too long"),
            (format!("HTTP/1.1 200 OK\r\n{json}Transfer-Encoding: chunked\r\n\r\n15\r\n{}\r\n0\r\n\r\n", "x".repeat(21)), "too long"),
            (format!("HTTP/1.1 200 OK\r\n{json}Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx"), "does not speak HTTP"),
            (format!("HTTP/1.1 200 OK\r\n{json}Transfer-Encoding: chunked\r\n\r\n-1\r\nx"), "does not speak HTTP"),
            ("SSH-2.0-OpenSSH\r\n\r\n".to_string(), "does not speak HTTP"),
            ("HTTP/1.1 2\r\n\r\n".to_string(), "does not speak HTTP"),
        ] {
            assert!(read(&bad, true).unwrap_err().contains(why), "{bad}: {:?}", read(&bad, true));
        }
        assert!(read(&"x".repeat(HEAD_BYTES + 1), false).is_err(), "a head without an end");
    }

    #[test]
    fn how_long_it_is_kept_is_what_it_says() {
        assert_eq!(
            (keep("public, Max-Age=60"), keep("no-store, max-age=60"), keep("public"), keep("max-age=-1")),
            (Some(60), Some(0), None, None)
        );
    }
}
