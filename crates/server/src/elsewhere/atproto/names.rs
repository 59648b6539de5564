//! What people type to say who they are in the AT Protocol, and which names of servers may be asked at all (spec/platform.md §3.2).

use std::fmt;
use url::{Host, Url};

/// Longest DID, in bytes, as the AT Protocol has it.
const DID_BYTES: usize = 2048;
/// Longest host name, and so longest handle, in bytes.
const HOST_BYTES: usize = 253;
/// Where people are who type one word.
const USUAL: &str = ".bsky.social";
/// Last labels that are nobody's on the public network.
const NOT_PUBLIC: &[&str] = &["local", "arpa", "internal", "localhost", "invalid", "onion", "alt"];
/// The scheme of handles in DID documents.
const AT: &str = "at://";

/// Whom or what somebody named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// Themselves, by the name they are known by. In lower case.
    Handle(String),
    /// Themselves, by what never changes.
    Did(Did),
    /// The server that knows them: scheme and host.
    Server(String),
}

impl Named {
    /// Reads what was typed; none if it can be none of these.
    pub fn read(typed: &str) -> Option<Self> {
        let typed: String = typed.chars().filter(|c| !is_invisible(*c)).collect();
        let typed = typed.trim();
        let typed = typed.strip_prefix('@').unwrap_or(typed);
        let typed = typed.strip_prefix(AT).unwrap_or(typed);
        if typed.starts_with("did:") {
            return Did::parse(typed).map(Self::Did);
        }
        if typed.contains("://") {
            // Whoever copies the address of a page of theirs means its server.
            return origin(typed).map(Self::Server);
        }
        if typed.is_empty() || typed.contains([':', '/']) {
            return None;
        }
        let handle = typed.to_ascii_lowercase();
        let handle = if handle.contains('.') { handle } else { format!("{handle}{USUAL}") };
        is_host(&handle).then_some(Self::Handle(handle))
    }
}

/// Control characters, and those that turn text around or cannot be seen: they come along when names are copied.
pub fn is_invisible(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{ad}')
}

/// Who somebody is, for ever: `did:plc:…`, which a directory knows, or `did:web:…`, which the host itself does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Did(String);

impl Did {
    /// Of the two methods that the AT Protocol has; none for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > DID_BYTES {
            return None;
        }
        let known = match text.strip_prefix("did:")?.split_once(':')? {
            // 24 letters and digits today. It stands in the path of an address: nothing else may be in it.
            ("plc", id) => (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()),
            // Neither paths nor ports, as the AT Protocol has it.
            ("web", host) => is_host(host),
            _ => false,
        };
        known.then(|| Self(text.to_string()))
    }
    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// Where the document is that says more; `directory` knows those of `did:plc`.
    pub fn document(&self, directory: &str) -> String {
        match self.0.strip_prefix("did:web:") {
            Some(host) => format!("https://{host}/.well-known/did.json"),
            None => format!("{}/{}", directory.trim_end_matches('/'), self.0),
        }
    }
}

impl fmt::Display for Did {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The handle of an entry of `alsoKnownAs`.
pub fn handle_of(known_as: &str) -> Option<String> {
    let handle = known_as.strip_prefix(AT)?.to_ascii_lowercase();
    is_host(&handle).then_some(handle)
}

/// Whether `name` is a host name on the public network, in lower case: two labels or more, and no address in disguise.
pub fn is_host(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let Some((_, last)) = name.rsplit_once('.') else { return false };
    name.len() <= HOST_BYTES && name.split('.').all(label) && !last.starts_with(|c: char| c.is_ascii_digit()) && !NOT_PUBLIC.contains(&last)
}

/// An address that a server of this protocol may have: `https`, a public host name, no port, no user, no fragment. Nothing is asked that is
/// not such a one.
pub fn address(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let named = matches!(url.host(), Some(Host::Domain(host)) if is_host(host));
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    // The parser leaves out the port that goes without saying: who writes it is refused nevertheless.
    let (_, rest) = text.split_once("://")?;
    let written = rest.split(['/', '?', '#']).next().unwrap_or_default();
    (url.scheme() == "https" && named && plain && url.port().is_none() && !written.contains(':')).then_some(url)
}

/// Scheme and host of [`address`], without a path: how servers are named.
pub fn origin(text: &str) -> Option<String> {
    let url = address(text)?;
    Some(format!("https://{}", url.host_str()?))
}

/// The same, if that is all that was written.
pub fn bare_origin(text: &str) -> Option<String> {
    let origin = origin(text)?;
    (text.strip_suffix('/').unwrap_or(text) == origin).then_some(origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type_is_understood() {
        let handle = |name: &str| Some(Named::Handle(name.to_string()));
        for (typed, named) in [
            ("alice", handle("alice.bsky.social")),
            ("  @Alice.Example.com\u{202c}\n", handle("alice.example.com")),
            ("\u{202a}@alice.example.com", handle("alice.example.com")),
            ("at://alice.example.com", handle("alice.example.com")),
            ("alice.test", handle("alice.test")),
            ("did:plc:z72i7hdynmk6r22z27h6tvur", Did::parse("did:plc:z72i7hdynmk6r22z27h6tvur").map(Named::Did)),
            ("did:web:alice.example.com", Did::parse("did:web:alice.example.com").map(Named::Did)),
            ("https://pds.example.com", Some(Named::Server("https://pds.example.com".into()))),
            ("https://Pds.example.com/account", Some(Named::Server("https://pds.example.com".into()))),
        ] {
            assert_eq!(Named::read(typed), named, "{typed}");
        }
        for bad in [
            "",
            "@",
            " ",
            "a b",
            "alice@example.com",
            "ä",
            "alice.local",
            "127.0.0.1",
            "alice.1",
            "-a.example.com",
            "did:",
            "did:key:zabc",
            "did:plc:",
            "did:plc:../x",
            "did:plc:a?b",
            "did:web:localhost",
            "did:web:a.example:8080",
            "did:web:a.example.com:path",
            "did:web:a.example.com%3A8080",
            "http://pds.example.com",
            "https://pds.example.com:8443",
            "https://pds.example.com:443",
            "https://127.0.0.1",
            "https://[::1]",
            "https://localhost",
            "https://ann@pds.example.com",
            "https://pds",
            "https://pds.example.com#x",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "alice/bob",
            "alice:80",
        ] {
            assert_eq!(Named::read(bad), None, "{bad}");
        }
    }

    #[test]
    fn case_18_only_servers_on_the_public_network_have_addresses() {
        for good in ["https://pds.example.com", "https://pds.example.com/xrpc/x?y=z", "https://bsky.social/"] {
            assert!(address(good).is_some(), "{good}");
        }
        for bad in [
            "http://pds.example.com",
            "https://pds.example.com:443",
            "https://pds.example.com:8443/x",
            "https://pds.example.com:/x",
            "https://10.0.0.1",
            "https://2130706433",
            "https://0x7f.1",
            "https://[::1]/",
            "https://pds.internal",
            "https://pds.local",
            "https://host",
            "https://u@pds.example.com",
            "https://u:p@pds.example.com",
            "https://pds.example.com/#f",
            "https://1.0.0.127.in-addr.arpa",
            "pds.example.com",
        ] {
            assert!(address(bad).is_none(), "{bad}");
        }
        assert_eq!(bare_origin("https://pds.example.com/").as_deref(), Some("https://pds.example.com"));
        for bad in ["https://pds.example.com/x", "https://pds.example.com?x", "https://PDS.example.com", "https://pds.example.com//"] {
            assert_eq!(bare_origin(bad), None, "{bad}");
        }
    }

    #[test]
    fn documents_are_where_the_method_says() {
        let did = |text| Did::parse(text).map(|did| did.document("https://plc.example/"));
        assert_eq!(did("did:plc:abc").as_deref(), Some("https://plc.example/did:plc:abc"));
        assert_eq!(did("did:web:alice.example.com").as_deref(), Some("https://alice.example.com/.well-known/did.json"));
    }
}
