//! What a process needs to serve wikis or to work for them, made of its flags: the same for `holt serve` and `holt worker`.

use super::{own_authorities, secret};
use crate::agent_sessions::AgentSessions;
use crate::api::idempotency::UnderWay;
use crate::api::reindexing::Reindexing;
use crate::app::{App, CookieSecurity, Throttle, unix_seconds};
use crate::config::{ServeArgs, Switch, named};
use crate::egress::{Dns, Egress};
use crate::elsewhere::atproto::{self, Atproto, Places};
use crate::elsewhere::oidc::{Oidc, Settings};
use crate::elsewhere::{ByMail, Elsewhere, Provider};
use crate::followers::Followers;
use crate::mail::{MailServer, Outbox};
use crate::metrics::Counts;
use crate::oauth::Documents;
use crate::platform::Platform;
use crate::presence::Presence;
use crate::proxies::Proxies;
use crate::purging::Purging;
use crate::rates::{Limits, Rates};
use crate::recovery::Recovery;
use crate::shipping::Shipping;
use crate::thumbnails::Thumbnails;
use crate::turns::Turns;
use crate::vouched::Vouching;
use crate::workers::HOOK_TIME;
use holt_core::{Error, Result, WikiId};
use holt_edge::{Apex, Behind, Caching, EdgeState, HostRule};
use holt_engine::Engine;
use holt_remote::purge::{Cache, Surroundings};
use holt_remote::{Remote, Use};
use std::num::NonZeroU32;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// For how long caches in front may show public pages while the server does not answer.
const CDN_STALE: Duration = Duration::from_secs(86_400);

/// All of it. `recovery` has the wikis that must catch up before anybody reads them.
pub fn app(args: &ServeArgs, engine: Engine, recovery: Recovery) -> Result<Arc<App>> {
    let mail_server = match (&args.smtp_url, &args.mail_from) {
        (Some(url), Some(from)) => Some(MailServer::parse(url, from)?),
        _ => None,
    };
    let elsewhere = elsewhere(args, &engine)?;
    let default_wiki = default_wiki(&engine, args)?;
    let purging = caches(args)?;
    let shipping = match &args.publish_to {
        Some(url) => Some(Arc::new(Shipping::new(Remote::open(url, Use::Publishing)?, url, purging.clone()))),
        None => None,
    };
    let app = Arc::new(App {
        followers: Arc::new(Followers::default()),
        model: args.model.open(&args.data),
        reindexing: Arc::new(Reindexing::default()),
        agent_sessions: AgentSessions::default(),
        presence: Presence::default(),
        thumbnails: Thumbnails::default(),
        edge: EdgeState {
            store: engine.fragments().clone(),
            // Here somebody knows whether a session has ended: a token that says nothing of that is for edges that cannot ask.
            viewer_key: None,
            hosts: HostRule { apex: apex(args), domain: args.domain.as_ref().map(|domain| domain.as_str().into()), default_wiki },
            clock: unix_seconds,
            visits: Arc::default(),
            caching: Caching::shared(args.readers.cdn_max_age, CDN_STALE),
            behind: Behind::Live,
        },
        recovery,
        engine,
        // Lambda is reached by TLS alone.
        cookies: if args.secure_cookies || args.runtime_api.is_some() { CookieSecurity::Secure } else { CookieSecurity::Plain },
        throttle: if args.rate_limit == Switch::On { Throttle::On } else { Throttle::Off },
        rates: Rates::new(limits(args)),
        under_way: UnderWay::default(),
        git_time: Duration::from_secs(args.git_seconds.into()),
        turns: Turns::default(),
        documents: Documents::new(Egress::new(args.trust_client_host.clone())),
        hooks: hooks(args)?,
        public_port: args.public_port.map_or_else(OnceLock::new, OnceLock::from),
        dns: Dns::new(args.elsewhere.resolver),
        outbox: Outbox::default(),
        listening: OnceLock::new(),
        workers: OnceLock::new(),
        mail_server,
        elsewhere,
        proxies: Proxies::new(args.trust_proxy.clone()),
        vouching: args.auth_header.clone().map(|mail| Vouching { mail, name: args.auth_name_header.clone() }),
        platform: Platform::new(args.sign_up),
        shipping,
        purging,
        counts: Counts::default(),
    });
    match (app.shipping.clone(), app.purging.clone()) {
        (Some(shipping), _) => app.engine.fragments().observe(move |change| shipping.note(change)),
        (None, Some(purging)) => app.engine.fragments().observe(move |change| purging.hear(change)),
        (None, None) => {}
    }
    let followers = app.followers.clone();
    app.engine.listen(move |wiki| followers.tell(wiki));
    Ok(app)
}

/// Servers that are asked wherever they are (security.md SSRF-6): on this machine alone, where only who is here already can have them asked.
pub fn check(args: &ServeArgs) -> Result<()> {
    if let Some(place) = args.elsewhere.test_network {
        if !args.listen.ip().is_loopback() || !place.ip().is_loopback() {
            return Err(Error::invalid("--test-network is for tests on one machine")
                .hint("Leave it out, or listen on 127.0.0.1 and name a port there."));
        }
        tracing::warn!("this is a test: {place} is asked for all names under .test, without TLS");
    }
    for (flag, hosts) in [("--trust-client-host", &args.trust_client_host), ("--trust-hook-host", &args.trust_hook_host)] {
        if hosts.is_empty() {
            continue;
        }
        if !args.listen.ip().is_loopback() {
            return Err(Error::invalid(format!("{flag} is for a server that listens on this machine alone"))
                .hint("Listen on 127.0.0.1, or leave it out: programs with a public https address need no trust."));
        }
        tracing::warn!("these servers are asked wherever they are, and without TLS if they like ({flag}): {}", hosts.join(", "));
    }
    Ok(())
}

/// The way out to whom webhooks tell something, and to where mirrors are.
fn hooks(args: &ServeArgs) -> Result<Egress> {
    let file =
        args.hook_ca_file.as_deref().map(std::path::absolute).transpose().map_err(|e| Error::io("find the file of --hook-ca-file", e))?;
    let authorities = file.as_deref().map(own_authorities).transpose()?.unwrap_or_default();
    Ok(Egress::new(args.trust_hook_host.clone()).within(HOOK_TIME).with_authorities(authorities).with_authority_file(file))
}

/// Caches in front of published pages, if there are any.
fn caches(args: &ServeArgs) -> Result<Option<Arc<Purging>>> {
    let around = Surroundings { named: &secret_of_environment, now: unix_seconds };
    let caches = args.readers.purge.iter().map(|url| Cache::open(url, &around)).collect::<Result<Vec<_>>>()?;
    let after = Duration::from_millis(args.readers.purge_after);
    Ok((!caches.is_empty()).then(|| Arc::new(Purging::new(caches, after))))
}

/// Who else vouches for people.
fn elsewhere(args: &ServeArgs, engine: &Engine) -> Result<Elsewhere> {
    let mut providers: Vec<Box<dyn Provider>> = Vec::new();
    if let (Some(issuer), Some(client)) = (&args.elsewhere.oidc_issuer, &args.elsewhere.oidc_client_id) {
        providers.push(Box::new(Oidc::new(Settings {
            issuer: issuer.clone(),
            client: client.clone(),
            secret: args.elsewhere.oidc_client_secret_file.as_deref().map(secret).transpose()?,
            name: args.elsewhere.oidc_name.clone(),
            sign_up: args.elsewhere.oidc_sign_up,
            by_mail: if args.elsewhere.oidc_link_by_email { ByMail::Links } else { ByMail::Nothing },
            own: args.elsewhere.oidc_own_host.clone(),
            authorities: args.elsewhere.oidc_ca_file.as_deref().map(own_authorities).transpose()?.unwrap_or_default(),
        })?));
    }
    if args.elsewhere.atproto == Switch::On {
        providers.push(Box::new(atproto(args, engine)?));
    }
    Ok(Elsewhere::new(providers))
}

/// The AT Protocol, where there is a platform: other servers know us by its domain.
fn atproto(args: &ServeArgs, engine: &Engine) -> Result<Atproto> {
    let domain = args.domain.as_ref().filter(|_| apex(args) == Apex::Platform);
    let domain = domain.ok_or_else(|| {
        Error::invalid("--atproto is for a platform").hint("Name its DOMAIN with --domain, and no wiki with --default-wiki.")
    })?;
    if !args.secure_cookies && args.elsewhere.test_network.is_none() {
        tracing::warn!("people come back from the AT Protocol by https: --secure-cookies is missing");
    }
    let places = Places { directory: args.elsewhere.atproto_directory.clone(), profiles: args.elsewhere.atproto_profiles.clone() };
    let key = engine.key(atproto::KEY_FILE, Atproto::new_key)?;
    let egress = Egress::new(Vec::new()).with_test_network(args.elsewhere.test_network);
    Atproto::new(domain.as_str(), places, &key, egress, Dns::new(args.elsewhere.resolver))
}

/// What the environment says by a name, or what stands in the file that it names by the same name with `_FILE` behind it.
fn secret_of_environment(name: &str) -> Result<Option<String>> {
    match (named(name), named(&format!("{name}_FILE"))) {
        (None, None) => Ok(None),
        (None, Some(file)) => secret(file.as_ref()).map(Some),
        (Some(value), None) if !value.chars().any(char::is_control) => Ok(Some(value)),
        (Some(_), None) => Err(Error::invalid(format!("{name} holds more than one line of text"))),
        (Some(_), Some(_)) => Err(Error::invalid(format!("{name} and {name}_FILE are both there")).hint("Leave one of them out.")),
    }
}

/// How much may be asked of the API in a minute.
fn limits(args: &ServeArgs) -> Limits {
    match args.rate_limit {
        Switch::On => Limits { reads: NonZeroU32::new(args.api_reads), writes: NonZeroU32::new(args.api_writes) },
        Switch::Off => Limits::default(),
    }
}

/// The wiki of loopback names: the one asked for, else `wiki`, else the first made.
fn default_wiki(engine: &Engine, args: &ServeArgs) -> Result<Option<WikiId>> {
    if let Some(slug) = &args.default_wiki {
        return Ok(Some(engine.wiki_named(slug)?.id()));
    }
    let first = engine.directory().first_wiki()?.map(|record| record.id);
    if first.is_none() && apex(args) == Apex::DefaultWiki {
        return Err(Error::not_found("there is no wiki").hint("Make one with `holt wiki create NAME`."));
    }
    Ok(first)
}

/// What the domain itself shows.
fn apex(args: &ServeArgs) -> Apex {
    if args.domain.is_some() && args.default_wiki.is_none() { Apex::Platform } else { Apex::DefaultWiki }
}
