//! `/-/admin/mirror`: the repository elsewhere that the wiki is kept the same as, and how that stands (docs/mirrors.md).

use super::views::{Choice, Field, MirrorStand, MirrorView, Problem, tabs};
use super::{Context, audit, minute, problem};
use crate::reply::{Reply, see_other};
use holt_core::{Error, ErrorKind, Result};
use holt_engine::Admin;
use holt_engine::pages::mirror::{self, Ask, Direction, MirrorSettings};
use http::StatusCode;

const PATH: &str = "/-/admin/mirror";

const DIRECTIONS: [(Direction, &str); 3] = [
    (Direction::Both, "Both ways"),
    (Direction::Push, "From the wiki to the repository"),
    (Direction::Pull, "From the repository to the wiki"),
];

/// `GET`
pub fn show(context: &Context<'_>) -> Result<Reply> {
    page(context, StatusCode::OK, None, None)
}

/// `POST`: what `do` says.
pub fn change(context: &Context<'_>) -> Result<Reply> {
    let scope = context.scope::<Admin>()?;
    let done = match context.request.body.get("do") {
        "sync" => mirror::ask_mirror(&scope, Ask::Now).map(|()| audit::done(context, "mirror.sync", "")),
        "as-it-is" => mirror::ask_mirror(&scope, Ask::AsItIs).map(|()| audit::done(context, "mirror.sync", "as it is")),
        "delete" => mirror::remove_mirror(&scope).map(|()| audit::done(context, "mirror.delete", "")),
        _ => {
            let url = context.request.body.get("url").trim();
            if let Err(error) = context.app.hooks.judge(url) {
                return page(context, StatusCode::UNPROCESSABLE_ENTITY, None, Some(problem(&error).sentence()));
            }
            typed(context).and_then(|new| {
                mirror::set_mirror(&scope, &new)?;
                audit::done(context, "mirror.set", &new.url);
                Ok(())
            })
        }
    };
    match done {
        Ok(()) => Ok(see_other(&format!("{PATH}?saved=1"))),
        Err(error) if error.kind == ErrorKind::Internal => Err(error),
        Err(error) => page(context, crate::error::status(&error), Some(problem(&error)), None),
    }
}

fn typed(context: &Context<'_>) -> Result<MirrorSettings> {
    let form = &context.request.body;
    let text = |name: &str| form.get(name).trim().to_string();
    let minutes: i64 = text("minutes")
        .parse()
        .map_err(|_| Error::invalid("the remote cannot be asked that often, or that seldom").hint("Choose a minute to a day."))?;
    Ok(MirrorSettings {
        url: text("url"),
        branch: if text("branch").is_empty() { "main".into() } else { text("branch") },
        username: text("username"),
        token: text("token"),
        direction: Direction::parse(form.get("direction")).unwrap_or(Direction::Both),
        every: minutes.saturating_mul(60),
        active: form.find("active").is_some(),
    })
}

fn page(context: &Context<'_>, status: StatusCode, problem: Option<Problem>, url_error: Option<String>) -> Result<Reply> {
    let stored = mirror::mirror(&context.scope::<Admin>()?)?;
    let failed = problem.is_some() || url_error.is_some();
    let form = &context.request.body;
    let settings = stored.as_ref().map(|mirror| &mirror.settings);
    let value = |name: &str, stored: Option<String>, usual: &str| {
        let typed = form.find(name).filter(|_| failed).map(str::to_string);
        typed.or(stored).unwrap_or_else(|| usual.to_string())
    };
    let chosen = value("direction", settings.map(|settings| settings.direction.as_str().to_string()), "both");
    let choice = |(direction, label): &(Direction, &str)| Choice {
        value: direction.as_str().to_string(),
        label: (*label).to_string(),
        chosen: direction.as_str() == chosen,
    };
    // Kept as one text; each part has words of its own in other languages.
    let said = stored.as_ref().and_then(|mirror| mirror.error.as_deref());
    let said = said.map(|text| text.split_once(". ").map_or((text, None), |(error, hint)| (error, Some(hint))));
    let stand = match &stored {
        Some(mirror) => Some(MirrorStand {
            synced: (mirror.synced > 0).then(|| minute(mirror.synced)),
            tried: (mirror.tried > 0).then(|| minute(mirror.tried)),
            error: said.map(|(error, _)| error.to_string()),
            hint: said.and_then(|(_, hint)| hint).map(str::to_string),
            ahead: mirror::ahead(context.wiki, mirror)?,
        }),
        None => None,
    };
    let notice = context.request.query("saved").map(|_| "Saved.".to_string());
    let view = |csrf| MirrorView {
        csrf,
        tabs: tabs(PATH),
        stand,
        url: Field { value: value("url", settings.map(|settings| settings.url.clone()), ""), error: url_error },
        branch: value("branch", settings.map(|settings| settings.branch.clone()), "main"),
        username: value("username", settings.map(|settings| settings.username.clone()), ""),
        minutes: value("minutes", settings.map(|settings| (settings.every / 60).to_string()), "5"),
        directions: DIRECTIONS.iter().map(choice).collect(),
        active: if failed { form.find("active").is_some() } else { settings.is_none_or(|settings| settings.active) },
        problem,
        notice,
    };
    context.form(status, "Mirror", view)
}
