//! The link in mail about what people watch: whoever has the mail stops it, without logging in.
//!
//! Mail programs send the form themselves, "List-Unsubscribe=One-Click" without cookies and origin (RFC 8058): the link is the proof.

use super::views::{PressView, SaidView};
use super::{Context, audit};
use crate::reply::Reply;
use crate::workers;
use holt_core::unsubscribe::Unsubscribe;
use holt_core::{Error, Result};
use holt_engine::pages;
use http::StatusCode;

fn asked(context: &Context<'_>) -> Result<Unsubscribe> {
    let key = workers::unsubscribe_key(&context.app.engine)?;
    let asked = key.verify(context.param("token"), context.now()).filter(|asked| asked.wiki == context.wiki.id());
    asked.ok_or_else(|| {
        Error::not_found("this link is too old or was not copied whole").hint("Take one from a newer mail, or log in and open your inbox.")
    })
}

/// `GET /-/unsubscribe/<token>`: changes nothing, since programs follow links in mail.
pub fn form(context: &Context<'_>) -> Result<Reply> {
    asked(context)?;
    let site_name = context.preferences()?.site_name.clone();
    context.form(StatusCode::OK, "No more mail", |csrf| PressView {
        csrf,
        title: "No more mail".to_string(),
        lead: format!("You get no more mail about what you watch in {site_name}. Your inbox there goes on."),
        field: None,
        button: "Stop the mail",
        danger: false,
        back: None,
        tick: None,
    })
}

/// `POST /-/unsubscribe/<token>`
pub fn stop(context: &Context<'_>) -> Result<Reply> {
    let asked = asked(context)?;
    if pages::stop_digests(context.wiki, asked.user)? {
        let account = context.app.engine.directory().user(asked.user)?;
        audit::note(context, account.as_ref().map_or("", |account| account.email.as_str()), "mail.stop", "", "ok");
    }
    let view = SaidView { title: "You get no more mail", lead: "In your inbox you can ask for it again.", url: "/-/inbox", link: "Inbox" };
    context.page(StatusCode::OK, "You get no more mail", &view)
}
