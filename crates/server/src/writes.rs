//! How often one client may change one wiki, by the wiki's plan: asked by every door, before anything is done.

use crate::api::credentials::{self, Identity};
use crate::api::failure::Failure;
use crate::app::App;
use crate::rates::Kind;
use crate::web::Context;
use holt_core::Error;
use holt_engine::{Wiki, pages};
use http::StatusCode;
use std::net::IpAddr;
use std::num::NonZeroU32;

impl Context<'_> {
    /// Takes `cost` out of what one client may change in this wiki in a minute by the wiki's plan, whichever door they come through.
    pub fn charge_plan(&self, cost: u32) -> Result<(), Failure> {
        charge_plan(self.app, self.wiki, self.request.peer, cost)
    }
}

/// See [`Context::charge_plan`], for doors that have none.
pub fn charge_plan(app: &App, wiki: &Wiki, peer: IpAddr, cost: u32) -> Result<(), Failure> {
    by_plan(app, wiki, peer, |writes, client, now| app.rates.take_of(writes, client, Kind::Write, cost, now))
}

/// Whether the next change would be refused. Takes nothing.
pub fn wait_for_plan(app: &App, wiki: &Wiki, peer: IpAddr) -> Result<(), Failure> {
    by_plan(app, wiki, peer, |writes, client, now| app.rates.wait_of(writes, client, Kind::Write, now))
}

fn by_plan(
    app: &App,
    wiki: &Wiki,
    peer: IpAddr,
    ask: impl FnOnce(Option<NonZeroU32>, &Identity, i64) -> Result<(), u16>,
) -> Result<(), Failure> {
    let Some(writes) = app.engine.directory().limits(wiki.id())?.writes else { return Ok(()) };
    let client = Identity::Client(wiki.id(), credentials::network(peer));
    let Err(seconds) = ask(NonZeroU32::new(writes), &client, app.engine.clock().now()) else { return Ok(()) };
    // Waiting does not help a wiki that is full: that is said first (spec/platform.md §16, case 20).
    pages::check_room(wiki)?;
    let error = Error::busy("too many changes of this wiki in a minute")
        .hint(format!("This wiki's plan allows {writes} a minute. Try again soon, or ask whoever runs the server for a larger plan."));
    Err(Failure::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", error).after(seconds))
}
