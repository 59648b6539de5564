//! Names of wikis that are not below the platform's domain: what somebody types, whether the DNS says that it is theirs, and once a day whether it
//! still does. The rules are the engine's (`directory/domains.rs`); here they meet the DNS and the mail.

use crate::app::App;
use crate::egress::Dns;
use crate::platform::letters;
use holt_core::{DomainName, Error, Result, WikiId};
use holt_engine::Engine;
use holt_engine::directory::{AuditEntry, DomainRecord, Doubt};
use url::Host;

/// Most names that are looked at in one go: a name whose resolver is silent takes seconds.
pub const LOOKS: usize = 10;

/// A name as people type it, in any script. `Invalid` if it is none, or one of the platform's own.
pub fn name(typed: &str, platform: Option<&str>) -> Result<DomainName> {
    let refused =
        || Error::invalid("that is no name of a host").hint("Write it like wiki.example.org, without https:// and without a path.");
    let typed = typed.trim();
    // What browsers would decode or cut off is no part of a name.
    if typed.contains(['%', '/', '\\', '@', ':', '?', '#', '[', ']']) {
        return Err(refused());
    }
    let name = match Host::parse(typed.strip_suffix('.').unwrap_or(typed)) {
        Ok(Host::Domain(name)) => DomainName::parse(&name)?,
        Ok(Host::Ipv4(_) | Host::Ipv6(_)) => {
            return Err(Error::invalid("that is an address, not a name").hint("Write it like wiki.example.org."));
        }
        Err(_) => return Err(refused()),
    };
    if platform.is_some_and(|platform| name.is_within(platform)) {
        return Err(Error::invalid(format!("{name} is a name of this server’s own"))
            .hint("Wikis have their names there already: change the short name instead."));
    }
    Ok(name)
}

/// What the text in the DNS has to be.
pub fn text(record: &DomainRecord) -> String {
    format!("holt-verification={}", record.token)
}

fn is_there(dns: &Dns, record: &DomainRecord) -> Result<bool> {
    let wanted = text(record);
    Ok(dns.txt(&record.name.proof_name())?.iter().any(|found| found.trim() == wanted))
}

/// Looks for the text of a claim, and lets the wiki answer at the name if it is there. `Invalid` if it is not, `Busy` if that cannot be found out
/// now, `Conflict` if the name is another wiki's. `tell` hears of names that are in doubt now.
pub fn verify(engine: &Engine, dns: &Dns, wiki: WikiId, name: &DomainName, tell: impl Fn(&DomainRecord, Doubt)) -> Result<DomainRecord> {
    let directory = engine.directory();
    let claim = directory.domain(wiki, name)?;
    if !is_there(dns, &claim)? {
        tell(&claim, engine.doubt_domain(wiki, name)?);
        return Err(Error::invalid(format!("there is no TXT record at {} that says {}", name.proof_name(), text(&claim)))
            .hint("Add it where your domain is managed. It may take some minutes until everybody sees it."));
    }
    if let Some(holder) = directory.domain_holder(name)?.filter(|holder| holder.wiki != wiki) {
        // Whoever can show that it is theirs has at least the right that the others are asked again.
        tell(&holder, check(engine, dns, &holder)?);
    }
    engine.prove_domain(wiki, name)
}

/// Looks whether a name is still the wiki's.
fn check(engine: &Engine, dns: &Dns, record: &DomainRecord) -> Result<Doubt> {
    match is_there(dns, record) {
        Ok(true) => engine.prove_domain(record.wiki, &record.name).map(|_| Doubt::None),
        Ok(false) => engine.doubt_domain(record.wiki, &record.name),
        Err(error) => {
            tracing::debug!(wiki.id = %record.wiki, "{}", error.chain());
            engine.miss_domain(record.wiki, &record.name)
        }
    }
}

/// Looks at names that were not looked at for a day, as long as `go_on` says so; what became of those that are in doubt. A name that cannot be
/// looked at stops no other.
pub fn check_due(engine: &Engine, dns: &Dns, go_on: impl Fn() -> bool) -> Result<Vec<(DomainRecord, Doubt)>> {
    let mut doubtful = Vec::new();
    for record in engine.directory().due_domains(engine.clock().now(), LOOKS)? {
        if !go_on() {
            break;
        }
        match check(engine, dns, &record) {
            Ok(Doubt::None) => {}
            Ok(doubt) => doubtful.push((record, doubt)),
            Err(error) => tracing::error!(wiki.id = %record.wiki, "could not look at a name: {}", error.chain()),
        }
    }
    Ok(doubtful)
}

/// What came of it: in the audit log, and by mail to the owner.
pub fn tell(app: &App, record: &DomainRecord, doubt: Doubt) {
    let action = match doubt {
        Doubt::None => return,
        Doubt::Begun => "domain.lost",
        Doubt::Ended => "domain.end",
    };
    tracing::warn!(wiki.id = %record.wiki, "the name {} of a wiki {}", record.name, if doubt == Doubt::Ended { "ended" } else { "is in doubt" });
    note(&app.engine, record, action);
    if let Err(error) = letters::about_domain(app, record, doubt) {
        tracing::warn!(wiki.id = %record.wiki, "a mail was not sent: {}", error.chain());
    }
}

/// A row of the audit log about what Holt found by itself.
pub fn note(engine: &Engine, record: &DomainRecord, action: &str) {
    let object = record.name.as_str();
    let entry = AuditEntry { time: engine.clock().now(), actor: "Holt", wiki: Some(record.wiki), action, object, result: "ok" };
    if let Err(error) = engine.directory().audit(&entry) {
        tracing::warn!("not in the audit log: {}", error.chain());
    }
}

/// The host of a request, if it is a name of its own that this wiki has, with the record in place. Sign-in and links in mail may lead there.
pub fn trusted_name(engine: &Engine, wiki: WikiId, host: &str) -> Result<Option<DomainName>> {
    let host = host.to_ascii_lowercase();
    let name = host.split(':').next().unwrap_or_default();
    let Ok(name) = DomainName::parse(name.strip_suffix('.').unwrap_or(name)) else { return Ok(None) };
    let holder = engine.directory().domain_holder(&name)?;
    Ok(holder.filter(|holder| holder.wiki == wiki && holder.lost.is_none()).map(|holder| holder.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_browsers_make_of_them() {
        let name = |typed: &str| name(typed, Some("holt.example")).map(|name| name.to_string());
        for (typed, expected) in [
            ("wiki.example.org", "wiki.example.org"),
            (" Wiki.EXAMPLE.org. ", "wiki.example.org"),
            ("wiki.münchen.example", "wiki.xn--mnchen-3ya.example"),
            ("WIKI。example。org", "wiki.example.org"),
            ("holt.example.org", "holt.example.org"),
            ("xholt.example", "xholt.example"),
        ] {
            assert_eq!(name(typed).unwrap(), expected, "{typed}");
        }
        for bad in [
            "",
            "wiki",
            "localhost",
            "127.0.0.1",
            "2130706433",
            "0x7f.1",
            "127.1",
            "[::1]",
            "::1",
            "https://wiki.example.org",
            "wiki.example.org/x",
            "wiki.example.org:443",
            "ann@wiki.example.org",
            "wiki%2eexample.org",
            "wiki.example.org#x",
            "*.example.org",
            "_holt.example.org",
            "wiki example.org",
            "wiki..example.org",
            "xn--a.example",
            "holt.example",
            "docs.holt.example",
            "a.docs.HOLT.example",
            "docs.holt.example.",
        ] {
            assert!(name(bad).is_err(), "{bad}: {:?}", name(bad));
        }
    }
}
