//! A request as handlers see it: read, decoded, bounded. Nothing here trusts what it says.

use crate::limits::PARTS;
use crate::proxies::Scheme;
use crate::spool::Spool;
use crate::vouched::Vouched;
use bytes::Bytes;
use holt_core::{Error, Result};
use http::header::{self, HeaderMap};
use http::{Method, Uri};
use std::net::IpAddr;

/// What came in.
pub struct Request {
    /// The method.
    pub method: Method,
    /// The target as sent.
    pub uri: Uri,
    /// The path, decoded once.
    pub path: String,
    /// The headers.
    pub headers: HeaderMap,
    /// Who asks: who is at the other end of the connection, or whom a proxy of ours names.
    pub peer: IpAddr,
    /// How it came to us, or to a proxy of ours.
    pub scheme: Scheme,
    /// Who it is, if a proxy of ours says so.
    pub vouched: Option<Vouched>,
    /// What was sent along, as a form.
    pub body: Form,
    /// What was sent along to the API, as it came.
    pub raw: Bytes,
    /// What was sent along instead, where it is a file.
    pub spool: Option<Spool>,
    /// Names this request in the log and on error pages.
    pub id: String,
    /// Whether it was answered before.
    pub turn: Turn,
}

/// Which time a request is answered: one that waits for something is asked again and again, and everything is checked anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It has just come in.
    First,
    /// Somebody waits with it.
    Again,
}

impl Request {
    /// The same request without forms and files, asked again at another address of the same path.
    pub fn again(&self, uri: Uri) -> Self {
        Self {
            method: self.method.clone(),
            uri,
            path: self.path.clone(),
            headers: self.headers.clone(),
            peer: self.peer,
            scheme: self.scheme,
            vouched: self.vouched.clone(),
            body: Form::default(),
            raw: self.raw.clone(),
            spool: None,
            id: self.id.clone(),
            turn: Turn::Again,
        }
    }
    /// A parameter of the query; the first of that name.
    pub fn query(&self, name: &str) -> Option<String> {
        form_urlencoded::parse(self.uri.query()?.as_bytes()).find(|(n, _)| n == name).map(|(_, value)| value.into_owned())
    }
    /// All parameters of that name.
    pub fn query_all(&self, name: &str) -> Vec<String> {
        let query = self.uri.query().unwrap_or_default();
        form_urlencoded::parse(query.as_bytes()).filter(|(n, _)| n == name).map(|(_, value)| value.into_owned()).collect()
    }
    /// A header as text.
    pub fn header(&self, name: impl header::AsHeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
    /// The host as sent, for comparing origins.
    pub fn host(&self) -> &str {
        self.header(header::HOST).unwrap_or_default()
    }
}

/// The fields and files of a form.
#[derive(Debug, Default)]
pub struct Form {
    fields: Vec<(String, String)>,
    /// Files, with the name the browser gave.
    pub files: Vec<(String, Bytes)>,
}

impl Form {
    /// From a body. Fields that are not UTF-8 are refused, as is anything that is no form.
    pub fn parse(content_type: &str, body: &Bytes) -> Result<Self> {
        if body.is_empty() {
            return Ok(Self::default());
        }
        let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match kind.as_str() {
            "application/x-www-form-urlencoded" => {
                // The parser would put replacement characters where a field is no text.
                let bytes: Vec<u8> = percent_encoding::percent_decode(body).collect();
                std::str::from_utf8(&bytes).map_err(|e| Error::invalid("a field is not UTF-8 text").because(e))?;
                let fields = form_urlencoded::parse(body).map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
                Ok(Self { fields, files: Vec::new() })
            }
            "multipart/form-data" => multipart(content_type, body),
            _ => Err(Error::invalid("the body is no form").hint("Send it as application/x-www-form-urlencoded or multipart/form-data.")),
        }
    }
    /// The first field of that name; empty without one.
    pub fn get(&self, name: &str) -> &str {
        self.find(name).unwrap_or_default()
    }
    /// The first field of that name.
    pub fn find(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
    /// Whether two fields have the same name.
    pub fn repeats(&self) -> bool {
        self.fields.iter().enumerate().any(|(i, (name, _))| self.fields[..i].iter().any(|(before, _)| before == name))
    }
    /// All fields of that name.
    pub fn all<'f>(&'f self, name: &'f str) -> impl Iterator<Item = &'f str> {
        self.fields.iter().filter(move |(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

/// RFC 7578, of a body that is in memory already.
fn multipart(content_type: &str, body: &Bytes) -> Result<Form> {
    let malformed = || Error::invalid("the form is malformed").hint("Send it again; the connection may have been cut.");
    let boundary = parameter(content_type, "boundary").filter(|b| !b.is_empty() && b.len() <= 70).ok_or_else(malformed)?;
    let delimiter = format!("--{boundary}").into_bytes();
    let mut form = Form::default();
    let mut at = find(body, &delimiter, 0).ok_or_else(malformed)? + delimiter.len();
    for _ in 0..=PARTS {
        match body.get(at..at + 2) {
            Some(b"--") => return Ok(form),
            Some(b"\r\n") => at += 2,
            _ => return Err(malformed()),
        }
        let head_end = find(body, b"\r\n\r\n", at).filter(|end| end - at <= 8 * 1024).ok_or_else(malformed)?;
        let head = std::str::from_utf8(&body[at..head_end]).map_err(|_| malformed())?;
        let content = head_end + 4;
        let next = find(body, &[b"\r\n", delimiter.as_slice()].concat(), content).ok_or_else(malformed)?;
        let disposition = head.lines().find(|line| line.to_ascii_lowercase().starts_with("content-disposition:")).ok_or_else(malformed)?;
        let name = parameter(disposition, "name").ok_or_else(malformed)?;
        match parameter(disposition, "filename") {
            // A file input left empty.
            Some(file) if file.is_empty() => {}
            Some(file) => form.files.push((file, body.slice(content..next))),
            None => {
                let value = std::str::from_utf8(&body[content..next]).map_err(|_| Error::invalid("a field is not UTF-8 text"))?;
                form.fields.push((name, value.to_string()));
            }
        }
        at = next + 2 + delimiter.len();
    }
    Err(Error::too_large(format!("the form has more than {PARTS} parts")).hint("Upload fewer files at once."))
}

fn find(body: &[u8], needle: &[u8], from: usize) -> Option<usize> {
    body.get(from..)?.windows(needle.len()).position(|window| window == needle).map(|at| from + at)
}

/// `name="value"` or `name=value` in a header line; browsers escape `"` as `%22`.
fn parameter(line: &str, name: &str) -> Option<String> {
    let (_, mut rest) = line.split_once(';')?;
    loop {
        let (key, value) = rest.split_once('=')?;
        let (value, after) = match value.trim_start().strip_prefix('"') {
            // A semicolon between quotes belongs to the value.
            Some(quoted) => quoted.split_once('"')?,
            None => value.split_at(value.find(';').unwrap_or(value.len())),
        };
        if key.trim().eq_ignore_ascii_case(name) {
            return Some(value.trim().replace("%22", "\""));
        }
        (_, rest) = after.split_once(';')?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_read_and_broken_ones_refused() {
        let form = Form::parse("application/x-www-form-urlencoded", &Bytes::from_static(b"a=1+2&b=%C3%BC&a=3")).unwrap();
        assert_eq!((form.get("a"), form.get("b"), form.get("c"), form.all("a").count()), ("1 2", "ü", "", 2));
        let body = "--X\r\nContent-Disposition: form-data; name=\"m\"\r\n\r\nhi\r\n--X\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a b.txt\"\r\nContent-Type: text/plain\r\n\r\n1\r\n2\r\n--X--\r\n";
        let form = Form::parse("multipart/form-data; boundary=X", &Bytes::from_static(body.as_bytes())).unwrap();
        assert_eq!((form.get("m"), form.files.as_slice()), ("hi", [("a b.txt".to_string(), Bytes::from_static(b"1\r\n2"))].as_slice()));
        for (line, value) in [
            ("form-data; name=\"file\"; filename=\"a;b.txt\"", Some("a;b.txt")),
            ("form-data; name=\"a;b=c\"; filename=\"%22x%22.txt\"", Some("\"x\".txt")),
            ("form-data; FileName=x.txt; name=y", Some("x.txt")),
            ("form-data; name=\"filename=z\"", None),
            ("form-data; filename=\"open", None),
        ] {
            assert_eq!(parameter(line, "filename").as_deref(), value, "{line}");
        }
        for cut in 0..body.len() - 3 {
            assert!(
                Form::parse("multipart/form-data; boundary=X", &Bytes::copy_from_slice(&body.as_bytes()[..cut])).is_err() || cut == 0,
                "{cut}"
            );
        }
        assert!(Form::parse("application/json", &Bytes::from_static(b"{}")).is_err());
    }
}
