//! Which host is which wiki: exact look-ups, no guessing from labels (security.md HDR-3).

use holt_core::{WikiId, WikiName};
use holt_fragments::{FragmentStore, Hosted};
use std::sync::Arc;

/// How hosts lead to wikis.
#[derive(Debug, Clone, Default)]
pub struct HostRule {
    /// `{slug}.{domain}` is a wiki.
    pub domain: Option<Arc<str>>,
    /// What the domain itself shows.
    pub apex: Apex,
    /// The wiki that loopback names and addresses show.
    pub default_wiki: Option<WikiId>,
}

/// See [`HostRule::apex`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Apex {
    /// The same wiki as loopback names.
    #[default]
    DefaultWiki,
    /// The platform: where people log in, make wikis and look after them.
    Platform,
}

/// What a host shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A wiki.
    Wiki(WikiId),
    /// A wiki whose address is at another name, which is this.
    Moved(WikiId, Arc<str>),
    /// What is above all wikis.
    Platform,
}

impl HostRule {
    /// The wiki of a `Host` header.
    pub fn wiki(&self, store: &FragmentStore, host: &str) -> Option<WikiId> {
        match self.place(store, host)? {
            Place::Wiki(wiki) | Place::Moved(wiki, _) => Some(wiki),
            Place::Platform => None,
        }
    }
    /// What a `Host` header asks for: none for hosts that are nothing here.
    pub fn place(&self, store: &FragmentStore, host: &str) -> Option<Place> {
        let name = plain_name(host)?;
        let name = name.as_str();
        let domain = self.domain.as_deref();
        if domain == Some(name) && self.apex == Apex::Platform {
            return Some(Place::Platform);
        }
        if let Some(slug) = domain.and_then(|domain| below(name, domain)).or_else(|| below(name, "localhost")) {
            // One label that can be a slug: nothing else is even looked for.
            return WikiName::existing(slug).ok().and_then(|slug| store.hosted(slug.as_str()).ok()?).map(place_of);
        }
        if self.is_own(name) {
            return store.domain(name).ok().flatten().map(place_of);
        }
        let here = name == "localhost" || is_address(name) || domain == Some(name);
        here.then_some(self.default_wiki).flatten().map(Place::Wiki)
    }
    /// The name in a `Host` header, if it is one that a wiki may have for itself: neither the domain or below it, nor one of this machine. Whether some
    /// wiki has it is not looked at.
    pub fn own_name(&self, host: &str) -> Option<String> {
        plain_name(host).filter(|name| self.is_own(name))
    }
    fn is_own(&self, name: &str) -> bool {
        let within = |domain: &str| name == domain || below(name, domain).is_some();
        name.contains('.') && !is_address(name) && !within("localhost") && !self.domain.as_deref().is_some_and(within)
    }
}

/// Whether it is an address of a machine, as a `Host` header writes it.
fn is_address(name: &str) -> bool {
    name.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>().is_ok()
}

/// The host of a `Host` header in its one spelling: in lower case, without its port and a dot at its end.
fn plain_name(host: &str) -> Option<String> {
    let name = host_name(host)?.to_ascii_lowercase();
    Some(name.strip_suffix('.').map_or(name.clone(), str::to_string))
}

fn place_of(to: Hosted) -> Place {
    match to.moved {
        Some(moved) => Place::Moved(to.wiki, moved),
        None => Place::Wiki(to.wiki),
    }
}

/// What stands before `.{domain}`.
fn below<'n>(name: &'n str, domain: &str) -> Option<&'n str> {
    name.strip_suffix(domain)?.strip_suffix('.')
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
    fn names_that_a_wiki_may_have_for_itself() {
        let rule = HostRule { domain: Some("wiki.test".into()), ..HostRule::default() };
        for (host, own) in [("Own.Example.org.:8080", "own.example.org"), ("a.b", "a.b"), ("xwiki.test", "xwiki.test")] {
            assert_eq!(rule.own_name(host).as_deref(), Some(own), "{host}");
        }
        for host in [
            "wiki.test",
            "docs.WIKI.test:1",
            "a.docs.wiki.test",
            "localhost",
            "docs.localhost:80",
            "127.0.0.1:8080",
            "[::ffff:1.2.3.4]:80",
            "alone",
            "",
            "a b.c",
        ] {
            assert_eq!(rule.own_name(host), None, "{host}");
        }
    }

    #[test]
    fn hosts_are_looked_up_exactly() {
        let store = FragmentStore::memory();
        let (docs, other) = (WikiId::from_random(1), WikiId::from_random(2));
        store.put_host("docs", docs).unwrap();
        let rule = HostRule { domain: Some("wiki.example.org".into()), default_wiki: Some(other), apex: Apex::DefaultWiki };
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

    #[test]
    fn names_of_their_own_lead_to_wikis_but_never_in_place_of_ours() {
        let store = FragmentStore::memory();
        let (docs, other) = (WikiId::from_random(1), WikiId::from_random(2));
        let moved = |to: &str| Hosted { wiki: docs, moved: Some(to.into()) };
        store.put_hosted("docs", &moved("wiki.example.com")).unwrap();
        for (name, to) in [
            ("wiki.example.com", Hosted::at_home(docs)),
            ("alias.example.com", moved("wiki.example.com")),
            // What no claim may say, said all the same: the platform's own names come first.
            ("example.org", Hosted::at_home(docs)),
            ("docs.example.org", Hosted::at_home(other)),
            ("x.example.org", Hosted::at_home(docs)),
        ] {
            store.put_domain(&holt_core::DomainName::parse(name).unwrap(), &to).unwrap();
        }
        let rule = HostRule { domain: Some("example.org".into()), default_wiki: Some(other), apex: Apex::Platform };
        for (host, place) in [
            ("wiki.example.com", Some(Place::Wiki(docs))),
            ("WIKI.Example.com.:8080", Some(Place::Wiki(docs))),
            ("alias.example.com", Some(Place::Moved(docs, "wiki.example.com".into()))),
            ("docs.example.org", Some(Place::Moved(docs, "wiki.example.com".into()))),
            ("example.org", Some(Place::Platform)),
            ("x.example.org", None),
            ("a.wiki.example.com", None),
            ("example.com", None),
            ("xwiki.example.com", None),
            ("127.0.0.1", Some(Place::Wiki(other))),
        ] {
            assert_eq!(rule.place(&store, host), place, "{host}");
        }
        assert_eq!(rule.wiki(&store, "docs.example.org"), Some(docs));
    }

    /// Case 1 of spec/platform.md §16, as far as hosts go.
    #[test]
    fn the_domain_itself_is_the_platform() {
        let store = FragmentStore::memory();
        let (docs, other) = (WikiId::from_random(1), WikiId::from_random(2));
        store.put_host("docs", docs).unwrap();
        for domain in ["wiki.example.org", "localhost"] {
            let rule = HostRule { domain: Some(domain.into()), default_wiki: Some(other), apex: Apex::Platform };
            for (host, place) in [
                (domain.to_string(), Some(Place::Platform)),
                (format!("{}.:8080", domain.to_uppercase()), Some(Place::Platform)),
                (format!("docs.{domain}:80"), Some(Place::Wiki(docs))),
                (format!("www.{domain}"), None),
                (format!("a.docs.{domain}"), None),
                (format!("-docs.{domain}"), None),
                (format!(".{domain}"), None),
                (format!("x{domain}"), None),
                ("127.0.0.1:8080".to_string(), Some(Place::Wiki(other))),
                ("evil.org".to_string(), None),
            ] {
                assert_eq!(rule.place(&store, &host), place, "{host}");
            }
        }
    }
}
