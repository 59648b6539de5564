//! `holt worker`: workers in a process of their own.

use super::{there_is, wiring};
use crate::app::wall_clock;
use crate::config::WorkerArgs;
use crate::recovery::Recovery;
use crate::workers::{self, Choice, Host, Manner, Order};
use crate::{log, mail, purging, shipping};
use holt_core::{Error, Result};
use holt_engine::{Engine, EngineOptions};
use std::process::ExitCode;
use std::time::Duration;

/// How long what is under way may keep the process from ending.
const AT_THE_END: Duration = Duration::from_secs(20);

/// Runs it. Returns after SIGTERM or SIGINT, when what was under way is done.
pub fn run(args: &WorkerArgs) -> Result<ExitCode> {
    let server = &args.server;
    log::start(server.log, server.log_format);
    there_is(&server.data)?;
    wiring::check(server)?;
    let engine = Engine::beside(EngineOptions { data: server.data.data.clone(), clock: wall_clock(), keep_open: server.keep_open })?;
    let data = engine.data().to_path_buf();
    let app = wiring::app(server, engine, Recovery::new(Vec::new()))?;
    // Links in mail lead to where the server is, which listens where these flags say.
    let _ = app.listening.set(server.listen);
    let choice = args.name.map_or_else(Choice::all, Choice::one);
    let manner = Manner::Alone { memory: args.memory, gives: args.all };
    // Whoever has the post ends what it is at first. One that nobody has, or that comes free with its process, is taken when it is.
    if let Some(name) = args.name {
        workers::ask(&data, Order::Give, name)?;
    }
    mail::start(&app)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(4)
        .enable_all()
        .build()
        .map_err(|e| Error::io("start the runtime", e))?;
    let host = Host::new(app.clone(), choice.names(), manner, server)?;
    host.start()?;
    host.obey(&data)?;
    let _ = app.workers.set(host.clone());
    runtime.block_on(async {
        if let Some(shipping) = app.shipping.clone() {
            tokio::spawn(shipping::run(app.clone(), shipping));
        }
        if let Some(purging) = app.purging.clone() {
            tokio::spawn(purging::run(app.clone(), purging));
        }
        let mut stop = holt_edge::serve::Stop::listen().map_err(|e| Error::io("listen for signals", e))?;
        super::output::line(format_args!("ready for: {}", choice.names().iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ")));
        stop.wanted().await;
        let _ = tokio::task::spawn_blocking(move || host.stop(AT_THE_END)).await;
        Ok::<(), Error>(())
    })?;
    app.outbox.close(AT_THE_END);
    Ok(ExitCode::SUCCESS)
}
