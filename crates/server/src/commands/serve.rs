//! `holt serve`: opens the data directory, says where it listens, serves until told to stop.

use super::{output, own_authorities, secret};
use crate::agent_sessions::AgentSessions;
use crate::api::idempotency::UnderWay;
use crate::api::reindexing::Reindexing;
use crate::app::{App, CookieSecurity, Throttle, unix_seconds, wall_clock};
use crate::config::{ServeArgs, Switch, named};
use crate::digests::Digests;
use crate::egress::{Dns, Egress};
use crate::elsewhere::atproto::{self, Atproto, Places};
use crate::elsewhere::oidc::{Oidc, Settings};
use crate::elsewhere::{ByMail, Elsewhere, Provider};
use crate::followers::Followers;
use crate::mail::{MailServer, Outbox};
use crate::metrics::Counts;
use crate::oauth::Documents;
use crate::platform::{EXPORTS, Platform};
use crate::presence::Presence;
use crate::proxies::Proxies;
use crate::purging::Purging;
use crate::rates::{Limits, Rates};
use crate::recovery::Recovery;
use crate::shipping::Shipping;
use crate::thumbnails::Thumbnails;
use crate::timeline::Timeline;
use crate::turns::{GIT, Turns, WORKING};
use crate::vouched::Vouching;
use crate::{digests, domains, front, handles, log, mail, metrics, purging, shipping, welcome};
use holt_core::{Actor, Edit, Error, PagePath, Result, WikiId, WikiName};
use holt_edge::serve::Stop;
use holt_edge::{Apex, Behind, Caching, EdgeState, HostRule};
use holt_engine::db::preferences::Audience;
use holt_engine::directory::Purpose;
use holt_engine::{Engine, EngineOptions, Write, pages};
use holt_remote::purge::{Cache, Surroundings};
use holt_remote::{Remote, Use};
use http::Request;
use hyper::body::Incoming;
use std::num::NonZeroU32;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

/// For how long caches in front may show public pages while the server does not answer.
const CDN_STALE: Duration = Duration::from_secs(86_400);

/// How often is looked for what saves leave behind: two loads for each wiki that is open and was written to.
const TIDY_EVERY: Duration = Duration::from_secs(1);

/// After how many of these is looked for what follows from the time alone.
const KEEP_BOOKS_EVERY: u64 = 60;

/// How often is looked for domains that are due.
const DOMAINS_EVERY: Duration = Duration::from_secs(60);

/// How long mail that waits may keep the server from ending.
const MAIL_AT_THE_END: Duration = Duration::from_secs(10);

/// How long a digest that is under way may keep the server from ending: one whose acceptance nobody notes goes twice.
const DIGEST_AT_THE_END: Duration = Duration::from_secs(5);

/// Runs it, in a process whose `main` began at `begun`. Returns after SIGTERM or SIGINT, when what was under way is done.
pub fn run(args: &ServeArgs, begun: Instant) -> Result<ExitCode> {
    let timeline = Arc::new(if args.explain_startup { Timeline::told(begun) } else { Timeline::silent() });
    log::start(args.log, args.log_format);
    let mail_server = match (&args.smtp_url, &args.mail_from) {
        (Some(url), Some(from)) => Some(MailServer::parse(url, from)?),
        _ => None,
    };
    check_trusted(args)?;
    let engine = Engine::open(EngineOptions { data: args.data.data.clone(), clock: wall_clock(), keep_open: args.keep_open })?;
    timeline.step("the data directory is taken, the platform's database is open");
    let elsewhere = elsewhere(args, &engine)?;
    if engine.directory().list_wikis_after("", 1)?.is_empty() {
        make_welcome(&engine)?;
        timeline.step("the welcome wiki is made");
    }
    let default_wiki = default_wiki(&engine, args)?;
    let purging = caches(args)?;
    let shipping = match &args.publish_to {
        Some(url) => Some(Arc::new(Shipping::new(Remote::open(url, Use::Publishing)?, url, purging.clone()))),
        None => None,
    };
    let app = Arc::new(App {
        followers: Arc::new(Followers::default()),
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
        recovery: Recovery::new(engine.interrupted()?),
        engine,
        cookies: if args.secure_cookies { CookieSecurity::Secure } else { CookieSecurity::Plain },
        throttle: if args.rate_limit == Switch::On { Throttle::On } else { Throttle::Off },
        rates: Rates::new(limits(args)),
        under_way: UnderWay::default(),
        git_time: Duration::from_secs(args.git_seconds.into()),
        turns: Turns::default(),
        documents: Documents::new(Egress::new(args.trust_client_host.clone())),
        public_port: args.public_port.map_or_else(OnceLock::new, OnceLock::from),
        dns: Dns::new(args.elsewhere.resolver),
        outbox: Outbox::default(),
        digests: Digests::default(),
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
    mail::start(&app)?;
    timeline.step("what requests need is set up");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(WORKING + GIT + EXPORTS + 5)
        .enable_all()
        .build()
        .map_err(|e| Error::io("start the runtime", e))?;
    timeline.step("the runtime is made");
    runtime.block_on(listen(args, app.clone(), timeline))?;
    // Blocking work under way, a save above all, is finished before the data directory is let go.
    runtime.shutdown_timeout(Duration::from_secs(20));
    app.digests.stop(DIGEST_AT_THE_END);
    app.outbox.close(MAIL_AT_THE_END);
    keep_books(&app)?;
    app.engine.settle_all()?;
    Ok(ExitCode::SUCCESS)
}

/// Servers that are asked wherever they are (security.md SSRF-6): on this machine alone, where only who is here already can have them asked.
fn check_trusted(args: &ServeArgs) -> Result<()> {
    if let Some(place) = args.elsewhere.test_network {
        if !args.listen.ip().is_loopback() || !place.ip().is_loopback() {
            return Err(Error::invalid("--test-network is for tests on one machine")
                .hint("Leave it out, or listen on 127.0.0.1 and name a port there."));
        }
        tracing::warn!("this is a test: {place} is asked for all names under .test, without TLS");
    }
    if args.trust_client_host.is_empty() {
        return Ok(());
    }
    if !args.listen.ip().is_loopback() {
        return Err(Error::invalid("--trust-client-host is for a server that listens on this machine alone")
            .hint("Listen on 127.0.0.1, or leave it out: programs with a public https address need no trust."));
    }
    tracing::warn!("these servers are asked wherever they are, and without TLS if they like: {}", args.trust_client_host.join(", "));
    Ok(())
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

async fn listen(args: &ServeArgs, app: Arc<App>, timeline: Arc<Timeline>) -> Result<()> {
    let listener = TcpListener::bind(args.listen).await.map_err(|e| {
        Error::io(format!("listen on {}", args.listen), e)
            .hint("Another program may have that port: choose one with --listen, 127.0.0.1:0 takes any.")
    })?;
    let address = listener.local_addr().map_err(|e| Error::io("find out where to listen", e))?;
    let place = format!("http://{address}");
    if !app.engine.directory().has_operator()? {
        let token = app.engine.directory().create_one_time(Purpose::FirstAdministrator, None, app.engine.clock().now())?;
        output::line(format_args!("To become the administrator, open within a day: {place}/-/setup?token={}", token.expose()));
    }
    if let Some(place) = args.readers.metrics {
        let place = metrics::start(&app, place).await?;
        output::line(format_args!("metrics at http://{place}{}", metrics::PATH));
    }
    let listening = || Stop::listen().map_err(|e| Error::io("listen for signals", e));
    let (stop, also) = (listening()?, listening()?);
    output::line(format_args!("listening on {place}"));
    timeline.stand("listening");
    // What an operator said stays.
    let _ = app.public_port.set(address.port());
    digests::start(&app, address)?;
    let shipping = app.shipping.clone().map(|shipping| tokio::spawn(shipping::run(app.clone(), shipping)));
    let purging = app.purging.clone().map(|purging| tokio::spawn(purging::run(app.clone(), purging)));
    let keeper = app.clone();
    let watching = tokio::spawn(watch_domains(app.clone()));
    let maintenance = tokio::spawn(maintain(keeper));
    let ending = tokio::spawn(end_waiting(app.clone(), also));
    let handler = app.clone();
    let served = holt_edge::serve::serve(listener, stop, move |request: Request<Incoming>, peer| {
        let (handler, timeline) = (handler.clone(), timeline.clone());
        async move {
            let reply = front::handle(handler, request, peer).await;
            timeline.replied(&reply);
            reply
        }
    });
    let served = served.await;
    watching.abort();
    maintenance.abort();
    if let Some(shipping) = shipping {
        shipping.abort();
    }
    if let Some(purging) = purging {
        purging.abort();
    }
    ending.abort();
    served.map_err(|e| Error::io("serve", e))
}

/// When the server is told to stop, whoever waits for changes is told to go: their connections would be open for good.
async fn end_waiting(app: Arc<App>, mut stop: Stop) {
    stop.wanted().await;
    app.followers.close();
}

/// What nobody waits for: catching up after a crash, then tidying up after saves.
async fn maintain(app: Arc<App>) {
    let recovering = app.clone();
    let _ = tokio::task::spawn_blocking(move || recovering.recovery.all(&recovering.engine)).await;
    let upgrading = app.clone();
    match tokio::task::spawn_blocking(move || upgrading.engine.upgrade()).await {
        Ok(Ok(0)) | Err(_) => {}
        Ok(Ok(wikis)) => tracing::info!(wikis, "published again, as this version makes something else of their pages"),
        Ok(Err(error)) => tracing::error!("could not see what to publish again: {}", error.chain()),
    }
    let showing = app.clone();
    if let Ok(Err(error)) = tokio::task::spawn_blocking(move || showing.engine.show_all_hosts()).await {
        tracing::error!("could not show the names of wikis: {}", error.chain());
    }
    for round in 0u64.. {
        tokio::time::sleep(TIDY_EVERY).await;
        let tidying = app.clone();
        let tidied = tokio::task::spawn_blocking(move || {
            tidying.engine.tidy()?;
            if round.is_multiple_of(KEEP_BOOKS_EVERY) { keep_books(&tidying) } else { Ok(()) }
        });
        if let Ok(Err(error)) = tidied.await {
            tracing::warn!("could not tidy up: {}", error.chain());
        }
    }
}

/// Looks after the names that wikis have of their own and those of people elsewhere, a few in each round. Beside everything else, as resolvers may take their time.
async fn watch_domains(app: Arc<App>) {
    loop {
        let checking = app.clone();
        let checked = tokio::task::spawn_blocking(move || {
            let go_on = || !checking.followers.is_closed();
            for (record, doubt) in domains::check_due(&checking.engine, &checking.dns, go_on)? {
                domains::tell(&checking, &record, doubt);
            }
            handles::check_due(checking.engine.directory(), &checking.elsewhere, checking.engine.clock().now(), go_on)?;
            Ok::<(), Error>(())
        });
        if let Ok(Err(error)) = checked.await {
            tracing::warn!("could not look at the names of wikis and people: {}", error.chain());
        }
        tokio::time::sleep(DOMAINS_EVERY).await;
    }
}

/// Writes down which wikis were used, and removes for good what was deleted long enough ago.
fn keep_books(app: &App) -> Result<()> {
    app.engine.directory().note_access(&app.edge.visits.take(), app.engine.clock().now())?;
    let removed = app.engine.empty_trash()?;
    if removed > 0 {
        tracing::info!(removed, "removed wikis for good that were deleted some days ago");
    }
    Ok(())
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

fn make_welcome(engine: &Engine) -> Result<()> {
    let wiki = engine.create_wiki(&WikiName::parse("wiki")?, "Our wiki", Audience::Everybody)?;
    let scope = wiki.grant::<Write>(&Actor::System)?;
    for (name, text) in welcome::FIRST {
        let edit = Edit::new(PagePath::parse(name)?, None, (*text).to_string(), "Welcome")?;
        pages::save(&scope, &edit, None)?;
    }
    // All of it is published: the mark of an interrupted run would have it looked at again.
    engine.settle_all()
}
