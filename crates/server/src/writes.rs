//! How often one client may change one wiki, by the wiki's plan: asked by every door, before anything is done.

use crate::api::credentials::{self, Identity};
use crate::api::failure::Failure;
use crate::rates::Kind;
use crate::web::Context;
use holt_core::Error;
use holt_engine::pages;
use http::StatusCode;
use std::num::NonZeroU32;

impl Context<'_> {
    /// Takes `cost` out of what one client may change in this wiki in a minute by the wiki's plan, whichever door they come through.
    pub fn charge_plan(&self, cost: u32) -> Result<(), Failure> {
        let Some(writes) = self.app.engine.directory().limits(self.wiki.id())?.writes else { return Ok(()) };
        let client = Identity::Client(self.wiki.id(), credentials::network(self.request.peer));
        let Err(seconds) = self.app.rates.take_of(NonZeroU32::new(writes), &client, Kind::Write, cost, self.now()) else { return Ok(()) };
        // Waiting does not help a wiki that is full: that is said first (spec/platform.md §16, case 20).
        pages::check_room(self.wiki)?;
        let error = Error::busy("too many changes of this wiki in a minute")
            .hint(format!("This wiki's plan allows {writes} a minute. Try again soon, or ask whoever runs the server for a larger plan."));
        Err(Failure::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", error).after(seconds))
    }
}
