//! `holt mcp`: the Model Context Protocol on standard input and output, a message a line (spec/mcp.md §3).

use super::open;
use crate::agent_sessions::{self, AgentSessions};
use crate::api::credentials::Identity;
use crate::api::idempotency::UnderWay;
use crate::api::reindexing::Reindexing;
use crate::app::{App, CookieSecurity, Throttle, unix_seconds};
use crate::config::McpArgs;
use crate::door::Door;
use crate::egress::{Dns, Egress};
use crate::elsewhere::Elsewhere;
use crate::followers::Followers;
use crate::limits::MCP_BYTES;
use crate::mail::Outbox;
use crate::mcp;
use crate::metrics::Counts;
use crate::model::{self, SentenceModel};
use crate::oauth::Documents;
use crate::platform::Platform;
use crate::presence::Presence;
use crate::proxies::{Proxies, Scheme};
use crate::rates::Rates;
use crate::recovery::Recovery;
use crate::request::{Form, Request, Turn};
use crate::thumbnails::Thumbnails;
use crate::turns::Turns;
use crate::web::Context;
use bytes::Bytes;
use holt_core::{Action, Actor, Error, Handling, Person, Program, Result, UserId};
use holt_edge::{Behind, Caching, EdgeState, HostRule};
use holt_engine::Engine;
use http::{HeaderMap, Method, Uri};
use std::io::{BufRead, Read, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Runs it, until standard input ends.
pub fn run(args: &McpArgs) -> Result<ExitCode> {
    let engine = open(&args.data)?;
    let wiki = engine.wiki_named(&args.wiki)?;
    let person = person(&engine, args)?;
    for interrupted in engine.interrupted()? {
        if interrupted == wiki.id() {
            engine.recover(interrupted)?;
        }
    }
    let app = App { model: args.model.open(&args.data), ..alone(engine) };
    let mut input = std::io::stdin().lock();
    // One session for as long as this runs.
    let mut peer = mcp::Peer { client: None, session: agent_sessions::fresh() };
    while let Some(line) = line(&mut input)? {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let request = request();
        let (actor, identity) = (Actor::Person(person.clone()), Identity::Person(person.id));
        let mut context = Context {
            app: &app,
            request: &request,
            wiki: &wiki,
            actor,
            session: None,
            params: Vec::new(),
            identity,
            door: Door::Mcp,
            operation: None,
        };
        if let Some(answer) = mcp::answer(&mut context, &line, None, &mut peer).body {
            let mut out = std::io::stdout().lock();
            // Who does not listen any more has gone.
            if writeln!(out, "{answer}").and_then(|()| out.flush()).is_err() {
                break;
            }
        }
    }
    drop(wiki);
    app.engine.settle_all()?;
    Ok(ExitCode::SUCCESS)
}

/// The next message; none at the end. One that is too long ends all: where the next begins cannot be known.
fn line(input: &mut impl BufRead) -> Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let most = MCP_BYTES as u64 + 1;
    let read = input.take(most).read_until(b'\n', &mut line).map_err(|e| Error::io("read standard input", e))?;
    if line.len() > MCP_BYTES {
        return Err(Error::too_large(format!("a message is longer than {MCP_BYTES} bytes")).hint("Send one JSON message a line."));
    }
    Ok((read > 0).then_some(line))
}

/// How long a model stays in memory that nobody asks.
const MODEL_IDLE: Duration = Duration::from_secs(300);

/// Whose rights are used: somebody's, or those of whoever runs the machine, who is no account.
fn person(engine: &Engine, args: &McpArgs) -> Result<Person> {
    let person = match &args.who {
        Some(email) => match engine.directory().user_by_email(&email.trim().to_lowercase())? {
            Some(user) => user.person(),
            None => {
                return Err(
                    Error::not_found(format!("there is no account {email:?}")).hint("Make it with `holt user add`, or leave out --as.")
                );
            }
        },
        None => Person { id: UserId(0), name: "operator".to_string(), email: String::new(), operator: true, through: None },
    };
    let ceiling = if args.read_only { Action::Read } else { Action::Upload };
    Ok(Person {
        through: Some(Program { name: "mcp/stdio".to_string(), ceiling, handling: Handling::Direct, within: None, session: None }),
        ..person
    })
}

/// What a request needs of a server, without one.
pub(crate) fn alone(engine: Engine) -> App {
    let model = SentenceModel::new(engine.data().join(model::DIRECTORY), MODEL_IDLE);
    App {
        model,
        edge: EdgeState {
            store: engine.fragments().clone(),
            viewer_key: None,
            hosts: HostRule::default(),
            clock: unix_seconds,
            visits: Arc::default(),
            caching: Caching::asking(),
            behind: Behind::Live,
        },
        engine,
        cookies: CookieSecurity::Plain,
        throttle: Throttle::Off,
        recovery: Recovery::new(Vec::new()),
        public_port: OnceLock::new(),
        thumbnails: Thumbnails::default(),
        agent_sessions: AgentSessions::default(),
        presence: Presence::default(),
        rates: Rates::default(),
        under_way: UnderWay::default(),
        reindexing: Arc::new(Reindexing::default()),
        followers: Arc::new(Followers::default()),
        // Nobody comes by git here.
        git_time: Duration::default(),
        turns: Turns::default(),
        documents: Documents::new(Egress::new(Vec::new())),
        hooks: Egress::new(Vec::new()),
        dns: Dns::default(),
        outbox: Outbox::default(),
        listening: OnceLock::new(),
        workers: OnceLock::new(),
        mail_server: None,
        elsewhere: Elsewhere::default(),
        proxies: Proxies::default(),
        vouching: None,
        shipping: None,
        purging: None,
        counts: Counts::default(),
        platform: Platform::default(),
    }
}

fn request() -> Request {
    Request {
        method: Method::POST,
        uri: Uri::from_static(mcp::ADDRESS),
        path: mcp::ADDRESS.to_string(),
        headers: HeaderMap::new(),
        peer: IpAddr::V4(Ipv4Addr::LOCALHOST),
        scheme: Scheme::Http,
        vouched: None,
        body: Form::default(),
        raw: Bytes::new(),
        spool: None,
        id: "stdio".to_string(),
        turn: Turn::First,
    }
}
