//! People whom somebody else vouches for: the way there and back, and which account they have here. It knows what is kept, in the browser and in
//! `holt.db`; what is asked of whom is for each [`Provider`], and the pages are for the two doors (`platform/elsewhere.rs`, `web/elsewhere.rs`).
//!
//! | step | in the browser | in `holt.db` |
//! |---|---|---|
//! | [`set_out`] | a secret in a cookie of this host | a row under the hash of the state, with the hash of that secret |
//! | there | the state, in an address | |
//! | [`come_back`] | the cookie goes | the row goes, before anything else |
//! | [`account`] | | the account of that identity, or a new one |
//!
//! A way back that somebody else began is refused, as their browser has the secret: nobody is logged in as somebody else without noticing it.

pub mod atproto;
pub mod oidc;

use crate::app::App;
use crate::config::SignUp;
use crate::rates::Kind;
use crate::request::Request;
use crate::session;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use holt_core::{Error, ErrorKind, Result, Timestamp, UserId, WikiId};
use holt_engine::accounts::{self, Rank};
use holt_engine::directory::{Directory, Identity, NewSignInRequest, NewUser, SessionRow, SignInRequest, UserRecord};
use holt_engine::publish;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use url::Url;

/// Longest state, code and whatever else comes back in an address, in bytes.
const PARAMETER: usize = 4096;
/// What setting out and coming back cost of what somebody may change in a minute: both may ask another server something.
const COST: u32 = 4;
/// Most for whom others are asked at once, of one network: whoever names slow servers keeps nobody else from logging in (`turns::Kind::Elsewhere`
/// has more places).
const AT_ONCE: usize = 4;

/// Somebody who vouches for people.
pub trait Provider: Send + Sync {
    /// What addresses call it: lower-case letters.
    fn key(&self) -> &'static str;
    /// What people call it.
    fn name(&self) -> &str;
    /// What people have to type before they are sent there: the words beside the box. None: nothing.
    fn asks(&self) -> Option<&'static str> {
        None
    }
    /// The path at the platform where people come back, if it is a certain one; else the usual one, which ends in the key.
    fn callback(&self) -> Option<&'static str> {
        None
    }
    /// The document by which we introduce ourselves there, if it asks for one.
    fn introduction(&self) -> Option<Value> {
        None
    }
    /// Who may come by it without an account; none: whoever may make one here anyway.
    fn sign_up(&self) -> Option<SignUp> {
        None
    }
    /// Whether a verified address is enough to be taken for whoever has it here.
    fn by_mail(&self) -> ByMail {
        ByMail::Nothing
    }
    /// Whether an identity belongs to it, by what `identities.provider` says.
    fn vouches_as(&self, provider: &str) -> bool;
    /// What it says in `identities.provider`, if what people are called there moves between them, so that it has to be looked at again.
    fn labels_move(&self) -> Option<&'static str> {
        None
    }
    /// What somebody is called there today; none: what does not change. Asks other servers.
    fn label_today(&self, _subject: &str) -> Result<Option<String>> {
        Ok(None)
    }
    /// Where to send somebody. May ask other servers.
    fn depart(&self, leaving: &Leaving<'_>) -> Result<Departure>;
    /// Who came back. Asks the provider; nothing that the browser says is believed.
    fn arrive(&self, returned: &Returned<'_>) -> Result<Someone>;
}

/// Whether whoever asks for this may wait for a provider to answer, at the platform or in a wiki.
pub fn asks_others(is_platform: bool, path: &str) -> bool {
    let places = if is_platform { ["/auth/elsewhere/", "/auth/callback"] } else { ["/-/login/elsewhere/", "/-/login/callback/"] };
    places.iter().any(|place| path.starts_with(place))
}

/// All that there are.
#[derive(Default)]
pub struct Elsewhere {
    providers: Vec<Box<dyn Provider>>,
    asking: Mutex<HashMap<String, usize>>,
}

/// The right to have other servers asked for somebody, until it is dropped.
struct Asking<'a> {
    elsewhere: &'a Elsewhere,
    network: String,
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        let mut asking = self.elsewhere.asking.lock().unwrap_or_else(PoisonError::into_inner);
        match asking.get_mut(&self.network) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(asking.remove(&self.network)),
        }
    }
}

impl Elsewhere {
    /// With these, in the order in which they are offered.
    pub fn new(providers: Vec<Box<dyn Provider>>) -> Self {
        Self { providers, asking: Mutex::default() }
    }
    /// `Busy` if too much is asked for one network already.
    fn begin_asking(&self, network: String) -> Result<Asking<'_>> {
        let mut asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        let count = asking.entry(network.clone()).or_default();
        if *count >= AT_ONCE {
            return Err(Error::busy("too many people log in at once").hint("Try again in a moment."));
        }
        *count += 1;
        drop(asking);
        Ok(Asking { elsewhere: self, network })
    }
    /// Those whose labels move, by what `identities.provider` says of them.
    pub fn with_moving_labels(&self) -> impl Iterator<Item = (&'static str, &dyn Provider)> {
        self.providers.iter().filter_map(|provider| Some((provider.labels_move()?, provider.as_ref())))
    }
    /// The one of that key. `NotFound` if there is none.
    pub fn provider(&self, key: &str) -> Result<&dyn Provider> {
        let found = self.providers.iter().find(|provider| provider.key() == key);
        found.map(AsRef::as_ref).ok_or_else(|| Error::not_found("nobody vouches for people by that name"))
    }
    /// The other ways to log in, as buttons; `url`: where the one of a key begins.
    pub fn ways(&self, url: impl Fn(&str) -> String) -> Vec<Way> {
        let way = |provider: &dyn Provider| Way {
            key: provider.key(),
            name: provider.name().to_string(),
            asks: provider.asks(),
            url: url(provider.key()),
            typed: String::new(),
        };
        self.providers.iter().map(|provider| way(provider.as_ref())).collect()
    }
    /// Who an account is elsewhere, for its owner.
    pub fn connections(&self, app: &App, user: UserId) -> Result<Vec<Connection>> {
        let identities = app.engine.directory().identities_of(user)?.into_iter();
        Ok(identities
            .map(|identity| {
                let known = self.providers.iter().find(|provider| provider.vouches_as(&identity.provider));
                Connection {
                    name: known.map_or_else(|| identity.provider.clone(), |provider| provider.name().to_string()),
                    label: if identity.label.is_empty() { identity.subject.clone() } else { identity.label },
                    provider: identity.provider,
                    subject: identity.subject,
                    used: identity.last_used.map(|seconds| publish::date(Timestamp::utc(seconds))),
                }
            })
            .collect())
    }
}

/// A button on a log-in page.
#[derive(Debug, Clone)]
pub struct Way {
    /// See [`Provider::key`].
    pub key: &'static str,
    /// See [`Provider::name`].
    pub name: String,
    /// See [`Provider::asks`].
    pub asks: Option<&'static str>,
    /// Where the form goes.
    pub url: String,
    /// What stands in the box.
    pub typed: String,
}

/// An identity of an account.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Who vouches, as people call them.
    pub name: String,
    /// What its owner is called there.
    pub label: String,
    /// See [`Identity`].
    pub provider: String,
    /// See [`Identity`].
    pub subject: String,
    /// When somebody came by it.
    pub used: Option<String>,
}

/// At which door somebody stands: the platform's, or that of a wiki that logs people in itself.
#[derive(Clone, Copy)]
pub struct Threshold<'a> {
    /// The server.
    pub app: &'a App,
    /// What was asked.
    pub request: &'a Request,
    /// The session of whoever asks, with its token.
    pub session: Option<&'a (SessionRow, String)>,
    /// The wiki; none: the platform.
    pub wiki: Option<WikiId>,
}

impl Threshold<'_> {
    /// Unix seconds.
    pub fn now(&self) -> i64 {
        self.app.engine.clock().now()
    }
    /// `Busy` for who comes too often. Counted by address, as nobody is known yet.
    pub fn charge(&self) -> Result<()> {
        let network = crate::api::credentials::Identity::of(None, self.request.peer);
        let taken = self.app.rates.take(&network, Kind::Write, COST, self.now());
        taken.map_err(|seconds| Error::busy("too many requests").hint(format!("Wait {seconds} seconds.")))
    }
    fn begin_asking(&self) -> Result<Asking<'_>> {
        self.app.elsewhere.begin_asking(crate::api::credentials::network(self.request.peer))
    }
}

/// What somebody wants who sets out.
#[derive(Debug, Clone)]
pub struct Wish<'a> {
    /// Where they come back to: an address of this host, which the provider may have to know beforehand.
    pub back: String,
    /// Where they wanted to go, checked already.
    pub return_to: &'a str,
    /// The account that the identity is to be connected with; none: they log in.
    pub connect: Option<UserId>,
    /// What they typed, if the provider asks for something.
    pub typed: &'a str,
}

/// Somebody about to leave, as a provider sees them.
pub struct Leaving<'a> {
    /// Goes there and comes back.
    pub state: &'a str,
    /// Where they come back to.
    pub back: &'a str,
    /// What they typed.
    pub typed: &'a str,
    /// Unix seconds.
    pub now: i64,
    secret: &'a str,
}

impl Leaving<'_> {
    /// A secret of this way alone, 43 characters: the same again when they are back, and kept nowhere but in their browser. One for each `purpose`.
    pub fn secret(&self, purpose: &str) -> String {
        derived(self.secret, self.state, purpose)
    }
}

/// Where somebody goes.
#[derive(Debug)]
pub struct Departure {
    /// There.
    pub url: Url,
    /// What [`Provider::arrive`] needs to know again. Kept in `holt.db` for ten minutes: no secrets that could be derived instead.
    pub data: Value,
}

/// What is to be done for somebody who sets out.
#[derive(Debug)]
pub struct SetOut {
    /// Where they go. Not by a redirect: browsers hold what follows from a form to `form-action`, however far it leads.
    pub url: Url,
    /// The cookie to set.
    pub cookie: String,
}

/// Sends somebody to `provider`.
pub fn set_out(threshold: Threshold<'_>, provider: &dyn Provider, wish: &Wish<'_>) -> Result<SetOut> {
    threshold.charge()?;
    let _asking = threshold.begin_asking()?;
    let (secret, cookie) = session::set_out_elsewhere(threshold.app)?;
    let state = session::random()?;
    let leaving = Leaving { state: &state, back: &wish.back, typed: wish.typed, now: threshold.now(), secret: &secret };
    let Departure { url, data } = provider.depart(&leaving)?;
    let row = NewSignInRequest {
        state: &state,
        provider: provider.key(),
        challenge: &Directory::challenge(&secret),
        wiki: threshold.wiki,
        user: wish.connect,
        back: &wish.back,
        data: &data.to_string(),
        return_to: wish.return_to,
    };
    threshold.app.engine.directory().create_sign_in_request(&row, threshold.now())?;
    Ok(SetOut { url, cookie })
}

/// Somebody who is back, as a provider sees them.
pub struct Returned<'a> {
    /// The request that brought them: its query is the provider's answer, and proves nothing.
    pub request: &'a Request,
    /// What [`Provider::depart`] left.
    pub data: Value,
    /// Where they came back to: the same as when they left.
    pub back: String,
    /// Where they wanted to go.
    pub return_to: String,
    /// The account that the identity is to be connected with: that of the session at hand, as it was when they left.
    pub connect: Option<UserId>,
    /// Unix seconds.
    pub now: i64,
    state: String,
    secret: String,
    _asking: Asking<'a>,
}

impl Returned<'_> {
    /// See [`Leaving::secret`].
    pub fn secret(&self, purpose: &str) -> String {
        derived(&self.secret, &self.state, purpose)
    }
    /// A parameter of the address, if it is there once and not too long.
    pub fn parameter(&self, name: &str) -> Option<String> {
        parameter(self.request, name)
    }
}

fn parameter(request: &Request, name: &str) -> Option<String> {
    let mut all = request.query_all(name);
    let value = all.pop().filter(|value| !value.is_empty() && value.len() <= PARAMETER);
    value.filter(|_| all.is_empty())
}

/// What is said of a way that leads nowhere any more.
fn stale() -> Error {
    Error::invalid("this way to log in was used before, took too long, or was begun in another browser").hint("Begin again.")
}

/// Takes somebody back. The row of `holt.db` is used up whatever comes of it. The second is the cookie that clears the browser's secret, to be sent
/// with every answer.
pub fn come_back<'a>(threshold: Threshold<'a>, provider: &dyn Provider) -> (Result<Returned<'a>>, String) {
    let (secret, clear) = session::arrive_from_elsewhere(threshold.app, &threshold.request.headers);
    (back(threshold, provider, secret), clear)
}

fn back<'a>(threshold: Threshold<'a>, provider: &dyn Provider, secret: Option<String>) -> Result<Returned<'a>> {
    threshold.charge()?;
    // Before the row is used up: whoever is told to wait can come again.
    let asking = threshold.app.elsewhere.begin_asking(crate::api::credentials::network(threshold.request.peer))?;
    let state = parameter(threshold.request, "state").ok_or_else(stale)?;
    let row = threshold.app.engine.directory().take_sign_in_request(&state, threshold.now())?;
    let (Some(row), Some(secret)) = (row, secret) else { return Err(stale()) };
    let SignInRequest { provider: asked, challenge, wiki, user, back, data, return_to, .. } = row;
    let same_person = user.is_none_or(|user| threshold.session.is_some_and(|(session, _)| session.user.id == user));
    if challenge != Directory::challenge(&secret) || asked != provider.key() || wiki != threshold.wiki || !same_person {
        return Err(stale());
    }
    if threshold.request.query("error").is_some() {
        // What it says is the provider's text, and whoever made the address could have written it.
        return Err(Error::denied(format!("{} did not let you in", provider.name())).hint("Try again, or log in another way."));
    }
    let data = serde_json::from_str(&data).map_err(|e| Error::internal("read a sign-in request").because(e))?;
    Ok(Returned { request: threshold.request, data, back, return_to, connect: user, now: threshold.now(), state, secret, _asking: asking })
}

/// The secret of one way for one purpose: what stands in `holt.db` is of no use to whoever reads it.
fn derived(secret: &str, state: &str, purpose: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    URL_SAFE_NO_PAD.encode(mac.chain_update(format!("{purpose}\n{state}")).finalize().into_bytes())
}

/// Who somebody is, as a provider says.
#[derive(Debug, Clone)]
pub struct Someone {
    /// See [`Identity`].
    pub provider: String,
    /// See [`Identity`].
    pub subject: String,
    /// What they are called there, a handle or an address: shown to themselves, and to others where they have no address here; decides nothing.
    pub label: String,
    /// What they are to be called here. Cleaned when it is used.
    pub name: String,
    /// Where they get mail.
    pub mail: Mail,
}

/// What a provider says of somebody's mail address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mail {
    /// It saw to it that it is theirs.
    Verified(String),
    /// They say so.
    Said(String),
    /// Nothing. What stands for it begins with `@`, so that nobody can register it and no mail goes there.
    None(String),
}

/// Who may have an account that does not have one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Whether one is made.
    pub sign_up: SignUp,
    /// Whether a verified address is enough to be taken for whoever has it here.
    pub by_mail: ByMail,
}

/// See [`Rules::by_mail`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByMail {
    /// It is, if it was confirmed here, too.
    Links,
    /// It is not.
    Nothing,
}

/// What came of looking for somebody's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// They have it.
    Known(UserRecord),
    /// It has just been made.
    Made(UserRecord),
    /// It is theirs from now on: they were logged in, or their address says so.
    Connected(UserRecord),
}

impl Found {
    /// The account.
    pub fn account(&self) -> &UserRecord {
        match self {
            Self::Known(account) | Self::Made(account) | Self::Connected(account) => account,
        }
    }
    /// What the audit log calls it.
    pub fn action(&self) -> &'static str {
        match self {
            Self::Known(_) => "login",
            Self::Made(_) => "register",
            Self::Connected(_) => "identity.add",
        }
    }
}

/// The account of `someone`. `connect`: whose they say to be, as they are logged in.
///
/// `Conflict` if they are somebody else's already, or their address is; `Denied` if they have none and may not make one.
pub fn account(app: &App, someone: &Someone, connect: Option<UserId>, rules: Rules) -> Result<Found> {
    let (directory, now) = (app.engine.directory(), app.engine.clock().now());
    let identity = Identity { provider: &someone.provider, subject: &someone.subject };
    let record = |id| directory.user(id)?.ok_or_else(|| Error::internal("an identity without an account"));
    let found = match (directory.user_by_identity(identity)?, connect) {
        (Some(owner), Some(user)) if owner != user => {
            return Err(Error::conflict("that is another account's already").hint("Log in with it, or disconnect it there first."));
        }
        (Some(owner), _) => {
            rename(app, &record(owner)?, identity, someone)?;
            Found::Known(record(owner)?)
        }
        (None, Some(user)) => {
            directory.add_identity(user, identity, now)?;
            Found::Connected(record(user)?)
        }
        (None, None) => newcomer(app, someone, identity, rules)?,
    };
    directory.identity_used(identity, &short(&someone.label, 254), now)?;
    directory.touch(found.account().id, now)?;
    Ok(found)
}

/// Who is called here as they were there, and chose no name of their own, goes on being called as they are there.
fn rename(app: &App, account: &UserRecord, identity: Identity<'_>, someone: &Someone) -> Result<()> {
    let directory = app.engine.directory();
    let known = directory.identities_of(account.id)?;
    let known = known.into_iter().find(|known| known.provider == identity.provider && known.subject == identity.subject);
    let before = known.map(|known| known.label).unwrap_or_default();
    // Whoever moved in from elsewhere has no label yet, but the name that stands for their address, too.
    let chosen = account.name != before && account.email != format!("@{}", account.name);
    let name = name(&someone.name, &someone.label);
    if chosen || name == account.name { Ok(()) } else { directory.set_name(account.id, &name) }
}

/// Somebody who was never here.
fn newcomer(app: &App, someone: &Someone, identity: Identity<'_>, rules: Rules) -> Result<Found> {
    let (directory, now) = (app.engine.directory(), app.engine.clock().now());
    let (address, verified) = match &someone.mail {
        Mail::Verified(address) => (accounts::check_email(address)?, true),
        Mail::Said(address) => (accounts::check_email(address)?, false),
        Mail::None(stand_in) => (stand_in.clone(), false),
    };
    if let Some(account) = directory.user_by_email(&address)? {
        // An account that somebody made with an address that is not theirs would be waiting for its owner here: it has to be confirmed.
        if rules.by_mail == ByMail::Links && verified && account.email_confirmed {
            directory.add_identity(account.id, identity, now)?;
            return Ok(Found::Connected(account));
        }
        return Err(Error::conflict(format!("there is an account for {address} already"))
            .hint("Log in with it, and connect the two on your account's page."));
    }
    if rules.sign_up == SignUp::Closed {
        return Err(Error::denied("nobody can make an account here").hint("Ask whoever runs this server for one."));
    }
    let name = name(&someone.name, &address);
    let user = |email| NewUser {
        email,
        name: &name,
        password_hash: None,
        rank: Rank::Member,
        email_confirmed: verified,
        created: now,
        last_seen: now,
    };
    let id = match directory.create_user_as(&user(&address), identity) {
        // Of two who stand for the same the later one has their subject instead.
        Err(error) if error.kind == ErrorKind::Conflict && matches!(someone.mail, Mail::None(_)) => {
            directory.create_user_as(&user(&stand_in(identity)), identity)?
        }
        made => made?,
    };
    let account = directory.user(id)?.ok_or_else(|| Error::internal("the account just made is gone"))?;
    Ok(Found::Made(account))
}

/// What stands for an address where nobody says one: unique, and nobody's to register.
pub fn stand_in(identity: Identity<'_>) -> String {
    let digest = Sha256::digest(format!("{}\n{}", identity.provider, identity.subject));
    digest.iter().take(16).fold("@".to_string(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What somebody is called here, whatever they are called there.
pub fn name(wanted: &str, address: &str) -> String {
    let tries = [wanted.to_string(), short(wanted, 50), short(address.split('@').find(|part| !part.is_empty()).unwrap_or_default(), 50)];
    tries.iter().find_map(|name| accounts::check_name(name).ok()).unwrap_or_else(|| "Somebody".to_string())
}

fn short(text: &str, chars: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(chars).collect()
}
