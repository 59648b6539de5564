//! `holt serve`: opens the data directory, says where it listens, serves until told to stop.

use super::{function, output, wiring};
use crate::app::{App, wall_clock};
use crate::config::ServeArgs;
use crate::platform::EXPORTS;
use crate::recovery::Recovery;
use crate::timeline::Timeline;
use crate::turns::{GIT, WORKING};
use crate::workers::{Host, Manner};
use crate::{domains, front, handles, log, mail, metrics, purging, shipping, welcome};
use holt_core::{Error, Result};
use holt_edge::serve::Stop;
use holt_engine::directory::Purpose;
use holt_engine::{Engine, EngineOptions};
use http::Request;
use hyper::body::Incoming;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

/// How often is looked for what follows from the time alone.
const KEEP_BOOKS_EVERY: Duration = Duration::from_secs(60);

/// How often is looked for domains that are due.
const DOMAINS_EVERY: Duration = Duration::from_secs(60);

/// How long mail that waits may keep the server from ending.
const MAIL_AT_THE_END: Duration = Duration::from_secs(10);

/// How long workers may keep the server from ending: a digest whose acceptance nobody notes goes twice.
const WORKERS_AT_THE_END: Duration = Duration::from_secs(5);

/// Runs it, in a process whose `main` began at `begun`. Returns after SIGTERM or SIGINT, when what was under way is done.
pub fn run(args: &ServeArgs, begun: Instant) -> Result<ExitCode> {
    let timeline = Arc::new(if args.explain_startup { Timeline::told(begun) } else { Timeline::silent() });
    log::start(args.log, args.log_format);
    wiring::check(args)?;
    if let Some(api) = &args.runtime_api {
        return function::run(args, api, &timeline);
    }
    let engine = Engine::open(EngineOptions { data: args.data.data.clone(), clock: wall_clock(), keep_open: args.keep_open })?;
    timeline.step("the data directory is taken, the platform's database is open");
    engine.publish_as(args.publish_encodings)?;
    if engine.directory().list_wikis_after("", 1)?.is_empty() {
        welcome::make(&engine)?;
        timeline.step("the welcome wiki is made");
    }
    let recovery = Recovery::new(engine.interrupted()?);
    let app = wiring::app(args, engine, recovery)?;
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
    app.outbox.close(MAIL_AT_THE_END);
    keep_books(&app)?;
    app.engine.settle_all()?;
    Ok(ExitCode::SUCCESS)
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
    let _ = app.listening.set(address);
    host_workers(args, &app)?;
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
    let ended = app.clone();
    // Before what they wait for is taken away.
    let _ = tokio::task::spawn_blocking(move || ended.workers.get().map(|workers| workers.stop(WORKERS_AT_THE_END))).await;
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

/// Starts the workers that are to be in this process.
fn host_workers(args: &ServeArgs, app: &Arc<App>) -> Result<()> {
    let host = Host::new(app.clone(), args.workers.names(), Manner::Beside { memory: args.background_memory }, args)?;
    host.start()?;
    if let Err(error) = host.obey(app.engine.data()) {
        tracing::warn!("`holt workers` cannot speak to this server: {}", error.chain());
    }
    let _ = app.workers.set(host);
    Ok(())
}

/// When the server is told to stop, whoever waits for changes is told to go: their connections would be open for good.
async fn end_waiting(app: Arc<App>, mut stop: Stop) {
    stop.wanted().await;
    app.followers.close();
}

/// What nobody waits for: catching up after a crash, then what follows from the time alone.
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
    loop {
        tokio::time::sleep(KEEP_BOOKS_EVERY).await;
        let keeping = app.clone();
        if let Ok(Err(error)) = tokio::task::spawn_blocking(move || keep_books(&keeping)).await {
            tracing::warn!("could not keep the books: {}", error.chain());
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
