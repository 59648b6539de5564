//! Where a client may be answered (security.md OAU-2).

use url::Url;

/// Longest such address, in bytes.
const BYTES: usize = 1024;
/// Most of one client.
pub const MOST: usize = 5;

/// Why an address is none, in one clause.
pub fn check(address: &str) -> Result<(), &'static str> {
    if address.len() > BYTES {
        return Err("a redirect URI is longer than 1024 bytes");
    }
    if !address
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'"' | b'<' | b'>' | b'`' | b'{' | b'}' | b'|' | b'^'))
    {
        return Err("a redirect URI has a sign that no address has");
    }
    if address.contains('#') {
        return Err("a redirect URI has a fragment");
    }
    let url = Url::parse(address).map_err(|_| "a redirect URI is no absolute address")?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a redirect URI has a user");
    }
    match address.split_once(':').map_or("", |(scheme, _)| scheme) {
        "https" | "http" => {
            let (host, port) = authority(address).ok_or("a redirect URI names no host")?;
            // As written: nobody has to know how browsers read other spellings.
            let same = url.host_str() == Some(host)
                && port.is_none_or(|port| url.port_or_known_default().is_some_and(|read| read.to_string() == port));
            if !same || host.contains('*') {
                return Err("a redirect URI has a host that is not written in the usual way");
            }
            if url.scheme() == "http" && !is_loopback(host) {
                return Err("a redirect URI is neither https nor http at 127.0.0.1, [::1] or localhost");
            }
            Ok(())
        }
        // A name that somebody owns, backwards: com.example.app
        scheme if scheme.contains('.') && scheme == scheme.to_ascii_lowercase() && scheme.split('.').all(|part| !part.is_empty()) => Ok(()),
        _ => Err("a redirect URI has a scheme that is neither https nor of the form com.example.app"),
    }
}

/// Host and port of an address as they are written.
fn authority(address: &str) -> Option<(&str, Option<&str>)> {
    let rest = address.split_once("://")?.1;
    let authority = &rest[..rest.find(['/', '?']).unwrap_or(rest.len())];
    let end = match authority.strip_prefix('[') {
        Some(inner) => inner.find(']')? + 2,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, port) = authority.split_at(end);
    match port.strip_prefix(':') {
        Some(port) => Some((host, Some(port))),
        None => port.is_empty().then_some((host, None)),
    }
}

fn is_loopback(host: &str) -> bool {
    matches!(host, "127.0.0.1" | "[::1]" | "localhost")
}

/// Whether it leads to a program on the reader's own machine.
pub fn is_local(address: &str) -> bool {
    address.starts_with("http://") && authority(address).is_some_and(|(host, _)| is_loopback(host))
}

/// Whether a client that registered `registered` may be answered at `asked`, which is checked here, too: the same bytes, but for the port of
/// programs that take whichever is free.
pub fn fits(registered: &[String], asked: &str) -> bool {
    let without_port = |address: &str| -> Option<String> {
        let (host, port) = authority(address).filter(|_| is_local(address))?;
        let rest = address.strip_prefix("http://")?.strip_prefix(host)?;
        let rest = match port {
            Some(port) => rest.strip_prefix(':')?.strip_prefix(port)?,
            None => rest,
        };
        Some(format!("http://{host}{rest}"))
    };
    check(asked).is_ok()
        && registered
            .iter()
            .any(|one| one == asked || without_port(one).is_some_and(|one| without_port(asked).is_some_and(|asked| one == asked)))
}

/// What people are shown of it: the host with its port, or the scheme of an app.
pub fn shown(address: &str) -> String {
    match authority(address).filter(|_| address.starts_with("http")) {
        Some((host, Some(port))) => format!("{host}:{port}"),
        Some((host, None)) => host.to_string(),
        None => address.split(':').next().unwrap_or_default().to_string(),
    }
}

/// What a page's policy has to name so that its form may end there.
pub fn source(address: &str) -> String {
    match authority(address).filter(|_| address.starts_with("http")) {
        // The grammar of policies has no such addresses.
        Some((host, _)) if host.starts_with('[') => "http:".to_string(),
        Some(_) => format!("{}://{}", address.split(':').next().unwrap_or_default(), shown(address)),
        None => format!("{}:", shown(address)),
    }
}

/// The address with an answer in its query.
pub fn answered(address: &str, answer: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(answer);
    let sign = if address.contains('?') { '&' } else { '?' };
    format!("{address}{sign}{}", query.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_that_cannot_be_anybody_elses_are_taken() {
        for good in [
            "https://agent.example/cb",
            "https://agent.example:8443/cb?x=1",
            "https://agent.example",
            "http://127.0.0.1:7777/cb",
            "http://localhost/",
            "http://[::1]:7/cb",
            "http://localhost:33418",
            "com.example.app:/cb",
            "com.example.app://cb",
            "https://[2606:4700::1111]/cb",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "/cb",
            "agent.example/cb",
            "javascript:alert(1)",
            "data:text/html,x",
            "cursor://anything",
            "file:///etc/passwd",
            "http://agent.example/cb",
            "http://127.0.0.2/cb",
            "http://localhost.evil.example/cb",
            "http://127.0.0.1.evil.example/",
            "http://2130706433/cb",
            "http://0x7f.1/cb",
            "https://ann@agent.example/cb",
            "https://agent.example/cb#x",
            "https://agent.example/cb#",
            "https://*.agent.example/cb",
            "https://agent.example\\@evil.example/",
            "https:agent.example/cb",
            "https:///agent.example/cb",
            "https://AGENT.example/cb",
            "https://agent.example:99999/cb",
            "https://agent.example:/cb",
            "https://b\u{fc}cher.example/cb",
            "https://agent.example/c b",
            "https://agent.example/cb\r\nX: y",
            "https://agent%2eexample/cb",
            "https://",
            "..:x",
            "vbscript:x",
            "com.example..app:/x",
            "http://localhost:80@evil.example/",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
        assert!(check(&format!("https://agent.example/{}", "x".repeat(BYTES))).is_err());
    }

    #[test]
    fn they_are_compared_byte_by_byte_but_for_the_port_of_this_machine() {
        let registered = ["https://agent.example/cb".to_string(), "http://127.0.0.1/cb".to_string(), "http://[::1]:1/cb?x=1".to_string()];
        for good in
            ["https://agent.example/cb", "http://127.0.0.1/cb", "http://127.0.0.1:4242/cb", "http://[::1]:2/cb?x=1", "http://[::1]/cb?x=1"]
        {
            assert!(fits(&registered, good), "{good}");
        }
        for bad in [
            "https://agent.example/cb/",
            "https://agent.example/CB",
            "https://agent.example:8443/cb",
            "https://agent.example/cb?x=1",
            "https://evil.example/cb",
            "http://localhost/cb",
            "http://127.0.0.1:1/other",
            "http://[::1]:2/cb",
            "https://127.0.0.1/cb",
            "http://127.0.0.1:1/cb#x",
            "http://127.0.0.1:x/cb",
        ] {
            assert!(!fits(&registered, bad), "{bad}");
        }
    }

    #[test]
    fn people_see_where_the_answer_goes() {
        for (address, host, policy, local) in [
            ("https://agent.example/cb", "agent.example", "https://agent.example", false),
            ("https://agent.example:8443/cb", "agent.example:8443", "https://agent.example:8443", false),
            ("http://localhost:7/cb", "localhost:7", "http://localhost:7", true),
            ("http://[::1]:7/cb", "[::1]:7", "http:", true),
            ("com.example.app:/cb", "com.example.app", "com.example.app:", false),
        ] {
            assert_eq!((shown(address).as_str(), source(address).as_str(), is_local(address)), (host, policy, local));
        }
        assert_eq!(answered("https://a.example/cb", &[("code", "a b"), ("state", "x&y")]), "https://a.example/cb?code=a+b&state=x%26y");
        assert_eq!(answered("https://a.example/cb?z=1", &[("iss", "http://w")]), "https://a.example/cb?z=1&iss=http%3A%2F%2Fw");
    }
}
