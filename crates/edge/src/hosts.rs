//! Which host is which wiki: exact look-ups, no guessing from labels (security.md HDR-3).

use holt_core::WikiId;
use holt_fragments::FragmentStore;
use std::sync::Arc;

/// How hosts lead to wikis.
#[derive(Debug, Clone, Default)]
pub struct HostRule {
    /// `{slug}.{domain}` is a wiki.
    pub domain: Option<Arc<str>>,
    /// The wiki that loopback names and addresses show.
    pub default_wiki: Option<WikiId>,
}

impl HostRule {
    /// The wiki of a `Host` header.
    pub fn wiki(&self, store: &FragmentStore, host: &str) -> Option<WikiId> {
        let name = host_name(host)?;
        let name = name.to_ascii_lowercase();
        let name = name.strip_suffix('.').unwrap_or(&name);
        if let Some(slug) = self.domain.as_deref().and_then(|domain| name.strip_suffix(domain)?.strip_suffix('.')) {
            return store.host(slug).ok()?;
        }
        if let Some(slug) = name.strip_suffix(".localhost") {
            return store.host(slug).ok()?;
        }
        let address = name.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>().is_ok();
        let here = name == "localhost" || address || self.domain.as_deref() == Some(name);
        self.default_wiki.filter(|_| here)
    }
}

/// The host without its port. None if it holds what no host name does.
fn host_name(host: &str) -> Option<&str> {
    let end = match host.strip_prefix('[') {
        Some(rest) => rest.find(']')? + 2,
        None => host.find(':').unwrap_or(host.len()),
    };
    let (name, port) = host.split_at(end);
    let port_ok = port.is_empty() || port.strip_prefix(':').is_some_and(|p| p.len() <= 5 && p.bytes().all(|b| b.is_ascii_digit()));
    let name_ok = !name.is_empty()
        && name.len() <= 253
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'[' | b']'));
    (port_ok && name_ok).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_looked_up_exactly() {
        let store = FragmentStore::memory();
        let (docs, other) = (WikiId::from_random(1), WikiId::from_random(2));
        store.put_host("docs", docs).unwrap();
        let rule = HostRule { domain: Some("wiki.example.org".into()), default_wiki: Some(other) };
        for (host, wiki) in [
            ("docs.wiki.example.org", Some(docs)),
            ("DOCS.Wiki.Example.Org.:8080", Some(docs)),
            ("docs.localhost:8080", Some(docs)),
            ("localhost:8080", Some(other)),
            ("127.0.0.1", Some(other)),
            ("[::1]:80", Some(other)),
            ("wiki.example.org", Some(other)),
            ("none.wiki.example.org", None),
            ("a.docs.wiki.example.org", None),
            ("docs.evil.org", None),
            ("docswiki.example.org", None),
            ("evil.org", None),
            ("", None),
            ("docs.localhost:8080@evil", None),
            ("docs.localhost/..", None),
        ] {
            assert_eq!(rule.wiki(&store, host), wiki, "{host}");
        }
    }
}
