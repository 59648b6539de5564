//! Everything a request may need, made once.

use crate::agent_sessions::AgentSessions;
use crate::api::idempotency::UnderWay;
use crate::api::reindexing::Reindexing;
use crate::egress::{Dns, Egress};
use crate::elsewhere::Elsewhere;
use crate::followers::Followers;
use crate::mail::{MailServer, Outbox};
use crate::metrics::Counts;
use crate::model::SentenceModel;
use crate::oauth::Documents;
use crate::platform::Platform;
use crate::presence::Presence;
use crate::proxies::Proxies;
use crate::purging::Purging;
use crate::rates::Rates;
use crate::recovery::Recovery;
use crate::shipping::Shipping;
use crate::thumbnails::Thumbnails;
use crate::turns::Turns;
use crate::vouched::Vouching;
use crate::workers::Host;
use holt_core::{Result, WikiId};
use holt_edge::EdgeState;
use holt_engine::repo::GitStop;
use holt_engine::{Clock, Engine};
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The running server.
pub struct App {
    /// The data directory.
    pub engine: Engine,
    /// Published pages.
    pub edge: EdgeState,
    /// Whether cookies carry `Secure` and the `__Host-` prefix.
    pub cookies: CookieSecurity,
    /// Whether failed log-ins are counted.
    pub throttle: Throttle,
    /// Wikis that must catch up before anybody reads them.
    pub recovery: Recovery,
    /// Indexes that are made again.
    pub reindexing: Arc<Reindexing>,
    /// What makes vectors of texts, if there is a model.
    pub model: SentenceModel,
    /// Small pictures.
    pub thumbnails: Thumbnails,
    /// Which sessions agents work in.
    pub agent_sessions: AgentSessions,
    /// Who is editing what.
    pub presence: Presence,
    /// How much is asked of the API.
    pub rates: Rates,
    /// Requests with a key of their client's.
    pub under_way: UnderWay,
    /// Who waits for changes.
    pub followers: Arc<Followers>,
    /// Bounds the work on live requests and for git clients, and shares it out between wikis.
    pub turns: Turns,
    /// Longest time of a request of a git client; a quarter of it may pass without anything happening.
    pub git_time: Duration,
    /// Programs that are known by an address of their own.
    pub documents: Documents,
    /// The way to servers that administrators of wikis name.
    pub hooks: Egress,
    /// The port of links in mail, if it is not the scheme's own: what the operator says, or the one that is listened on. Set once it is known.
    pub public_port: OnceLock<u16>,
    /// Asks the DNS whose a name is.
    pub dns: Dns,
    /// Mail on its way.
    pub outbox: Outbox,
    /// Where the server listens, once it does.
    pub listening: OnceLock<SocketAddr>,
    /// The workers of this process, once they are there.
    pub workers: OnceLock<Arc<Host>>,
    /// Takes the mail of wikis that have no server of their own.
    pub mail_server: Option<MailServer>,
    /// Where pages are published to besides this machine.
    pub shipping: Option<Arc<Shipping>>,
    /// Caches in front of published pages.
    pub purging: Option<Arc<Purging>>,
    /// What was answered.
    pub counts: Counts,
    /// Whose word counts about where requests come from.
    pub proxies: Proxies,
    /// Who else vouches for people.
    pub elsewhere: Elsewhere,
    /// Which headers of these proxies say who somebody is.
    pub vouching: Option<Vouching>,
    /// What is above all wikis.
    pub platform: Platform,
}

impl App {
    /// Waits, on a thread of the blocking pool, until nobody who asks elsewhere is shown a wiki as it was before: neither by edges nor by caches
    /// (security.md CDN-5). An error if that takes too long: the change itself is done.
    pub fn confirm(&self, wiki: WikiId) -> Result<()> {
        self.shipping.as_ref().map_or(Ok(()), |shipping| shipping.confirm(self.engine.fragments(), wiki))?;
        self.purging.as_ref().map_or(Ok(()), |purging| purging.confirm(self.engine.fragments(), wiki))
    }
    /// What a link in a mail has behind its host (`:8080`, or nothing), where the request that asks for the mail came to `asked`. Whoever asks for mail to
    /// somebody else must not choose the port at which its secret arrives (security.md HDR-4).
    pub fn link_port(&self, asked: Option<u16>) -> String {
        let known = self.public_port.get().copied();
        asked.filter(|asked| known == Some(*asked)).map(|port| format!(":{port}")).unwrap_or_default()
    }
    /// Ends what git does for one request, at the latest when its time is over.
    pub fn git_stop(&self) -> GitStop {
        GitStop::after(self.git_time)
    }
}

/// See [`App::cookies`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CookieSecurity {
    /// Over TLS only.
    Secure,
    /// On a laptop.
    Plain,
}

/// See [`App::throttle`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Throttle {
    /// Five a quarter of an hour for an account, twenty a minute for an address.
    On,
    /// For tests and trusted networks.
    Off,
}

/// The machine's clock. The only place of the server that reads it.
pub fn wall_clock() -> Clock {
    Clock::new(unix_seconds)
}

/// Unix milliseconds by the machine's clock, which goes on while the process is stopped.
pub fn unix_millis() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// Unix seconds by the machine's clock.
pub fn unix_seconds() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs().cast_signed())
}
