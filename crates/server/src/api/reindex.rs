//! Making the index again (spec/api.md §7.4). What pages mean goes with it, and comes back as the worker for that looks at them.

use super::{Answer, ok};
use crate::api::reindexing::State;
use crate::reply;
use crate::web::Context;
use holt_core::{Actor, Error, Result, Timestamp};
use holt_engine::pages;
use holt_engine::{Read, Wiki, meaning, publish, sync};
use http::StatusCode;
use serde_json::json;

/// `POST /reindex`: the index is made again from git, in the background.
pub fn start(context: &Context<'_>) -> Answer {
    super::body::Fields::of(context.request, &[])?;
    let app = context.app;
    let id = context.wiki.id();
    app.reindexing.begin(id, context.now())?;
    let (jobs, clock, wiki) = (app.reindexing.clone(), app.engine.clock().clone(), app.engine.wiki(id));
    // On the blocking pool: the server ends when it is done, and a panic in it is caught here.
    tokio::task::spawn_blocking(move || {
        let made = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| reindex(&wiki)));
        let made = made.unwrap_or_else(|_| Err(Error::internal("make the index: a panic, see the log")));
        let completed = clock.now();
        let state = match made {
            Ok((pages, pieces)) => State::Complete { pages, pieces, completed },
            Err(error) => {
                tracing::error!(wiki.id = %id, "could not make the index again: {}", error.chain());
                State::Error { message: "the index could not be made; the log of the server says why".into(), completed }
            }
        };
        jobs.end(id, state);
    });
    Ok(reply::json(StatusCode::ACCEPTED, &json!({"status": "started"})))
}

fn reindex(wiki: &Wiki) -> Result<(usize, usize)> {
    sync::reindex(wiki)?;
    Ok((pages::counts(&wiki.grant::<Read>(&Actor::System)?)?.pages, meaning::count_pieces(wiki)?))
}

/// `GET /reindex/status`
pub fn status(context: &Context<'_>) -> Answer {
    let time = |seconds: i64| publish::rfc3339(Timestamp::utc(seconds));
    Ok(ok(&match context.app.reindexing.state(context.wiki.id()) {
        None => json!({"status": "idle"}),
        Some(State::InProgress { started }) => json!({"status": "in_progress", "started_at": time(started)}),
        Some(State::Complete { pages, pieces, completed }) => {
            json!({"status": "complete", "pages_indexed": pages, "chunks_created": pieces, "completed_at": time(completed)})
        }
        Some(State::Error { message, completed }) => json!({"status": "error", "error_message": message, "completed_at": time(completed)}),
    }))
}
