//! `holt smoke`: does what was just started answer, as people and programs ask it (spec/platform.md §14)? From outside, over the network: what is
//! wrong with a proxy, a certificate or a name is found as well as what is wrong with Holt.
//!
//! There are no JWKS to look for: Holt signs no JWTs.

use super::{look, output, own_authorities, secret};
use crate::config::{OutputFormat, SmokeArgs};
use crate::egress::{Answer, Call, Egress, Sent, Verb};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use holt_core::{BaseDomain, Error, Result, WikiName};
use serde_json::{Value, json};
use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use url::{Host, Url};

/// Between two looks at it.
const PAUSE: Duration = Duration::from_millis(250);
/// Longest answer that is read, in bytes.
const MOST: usize = 4 * 1024 * 1024;
/// Highest exit code that a shell does not take for something else.
const MOST_FAILURES: u8 = 125;

/// What became of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Ok,
    /// Not as it should be, and not to be counted.
    Warning,
    Failed,
}

impl Outcome {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "FAILED",
        }
    }
}

/// What is asked, and what came of it.
struct Smoke {
    egress: Egress,
    url: Url,
    /// The name below which the wikis are.
    domain: String,
    /// A server that starts has so long to answer at all.
    patience: Duration,
    format: OutputFormat,
    results: Vec<(String, Outcome, String)>,
}

/// Runs it. The exit code is the number of failures, at most 125.
pub fn run(args: &SmokeArgs) -> Result<ExitCode> {
    let how = "Write it like https://wiki.example.org, or http://localhost:8080 on the same machine.";
    let url =
        Url::parse(&args.url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.path() == "/" && url.query().is_none());
    let url = url.ok_or_else(|| Error::invalid(format!("{:?} is no address of a server", args.url)).hint(how))?;
    let (host, port) =
        (url.host().ok_or_else(|| Error::invalid("that names no server").hint(how))?, url.port_or_known_default().unwrap_or(80));
    // Below an address there are no names: on this machine wikis are below localhost, wherever that leads.
    let (domain, place) = match &host {
        Host::Domain(name) => (BaseDomain::parse(name)?.as_str().to_string(), None),
        Host::Ipv4(address) => ("localhost".to_string(), Some(SocketAddr::from((*address, port)))),
        Host::Ipv6(address) => ("localhost".to_string(), Some(SocketAddr::from((*address, port)))),
    };
    let local = domain == "localhost" || domain.ends_with(".localhost");
    let place = args.connect.or(place).or_else(|| local.then(|| SocketAddr::from((IpAddr::from([127, 0, 0, 1]), port))));
    let wikis: Vec<WikiName> =
        look(&args.data)?.list_wikis()?.into_iter().filter(holt_engine::directory::WikiRecord::answers).map(|record| record.slug).collect();
    let token = args.token_file.as_deref().map(secret).transpose()?;
    let authorities = args.ca_file.as_deref().map(own_authorities).transpose()?.unwrap_or_default();
    let trusted =
        wikis.iter().map(|slug| format!("{slug}.{domain}:{port}")).chain([format!("{}:{port}", url.host_str().unwrap_or_default())]);
    let egress = Egress::to_own(trusted.collect()).with_authorities(authorities).at(place);
    let mut smoke =
        Smoke { egress, url, domain, patience: Duration::from_secs(args.wait.into()), format: args.output.format(), results: Vec::new() };
    smoke.all(&wikis, args.canary.as_deref().zip(token.as_deref()));
    Ok(smoke.end())
}

/// Says why, unless it is so.
fn expect(is: bool, why: impl FnOnce() -> String) -> std::result::Result<(), String> {
    if is { Ok(()) } else { Err(why()) }
}

fn status_of(answer: &Answer) -> String {
    format!("it answers {}", answer.status())
}

impl Smoke {
    fn all(&mut self, wikis: &[WikiName], canary: Option<(&str, &str)>) {
        let root = self.url.as_str().trim_end_matches('/').to_string();
        let alive = self.alive(&root);
        let answers = alive.is_ok();
        self.note("the server answers", alive);
        // Each of the rest would say the same.
        if !answers {
            return;
        }
        let front = self.get(&format!("{root}/"), "text/html");
        self.note("the front page", front.and_then(|answer| expect(matches!(answer.status(), 200 | 303), || status_of(&answer))));
        let form = self.log_in_form(&root);
        self.note("the log-in form", form);
        self.note("there are wikis", expect(!wikis.is_empty(), || "the data directory has none that answer".into()));
        for slug in wikis {
            // It may have no such page; that it has a form of its own says that this is a wiki.
            let origin = self.origin(slug.as_str());
            let page = self.get(&format!("{origin}/"), "text/html").and_then(|answer| expect(answer.status() < 500, || status_of(&answer)));
            let form = || self.get(&format!("{origin}/-/login"), "text/html");
            let wiki = page.and_then(|()| form()).and_then(|answer| expect(matches!(answer.status(), 200 | 303), || status_of(&answer)));
            self.note(&format!("{slug}: it answers"), wiki);
        }
        if let Some(slug) = canary.map(|(slug, _)| slug).or(wikis.first().map(WikiName::as_str)) {
            self.documents(slug);
        }
        if let Some((slug, token)) = canary {
            self.canary(slug, token, wikis);
        }
    }
    /// Waits until it answers.
    fn alive(&self, root: &str) -> std::result::Result<(), String> {
        let begun = Instant::now();
        loop {
            let why = match self.get(&format!("{root}/-/healthz"), "*/*") {
                Ok(answer) if answer.status() == 200 => return Ok(()),
                Ok(answer) => status_of(&answer),
                Err(why) => why,
            };
            if begun.elapsed() >= self.patience {
                return Err(format!("{why}, {} seconds long", self.patience.as_secs()));
            }
            std::thread::sleep(PAUSE);
        }
    }
    /// Of the platform, or, where there is none, of the wiki that stands in its place.
    fn log_in_form(&self, root: &str) -> std::result::Result<(), String> {
        let mut answer = self.get(&format!("{root}/auth/login"), "text/html")?;
        if answer.status() == 404 {
            answer = self.get(&format!("{root}/-/login"), "text/html")?;
        }
        expect(answer.status() == 200, || status_of(&answer))?;
        expect(String::from_utf8_lossy(answer.body()).contains("type=\"password\""), || "it asks for no password".into())
    }
    /// What programs read before they ask somebody to let them in (RFC 8414, RFC 9728).
    fn documents(&mut self, slug: &str) {
        let origin = self.origin(slug);
        let server = self.get(&format!("{origin}/.well-known/oauth-authorization-server"), "application/json");
        let server = server.and_then(|answer| {
            let issuer = answer.json().map(|said| said["issuer"].clone());
            expect(issuer == Some(json!(origin)), || format!("{}, its issuer is {}", status_of(&answer), issuer.unwrap_or_default()))
        });
        self.note(&format!("{slug}: who lets programs in"), server);
        let resource = self.get(&format!("{origin}/.well-known/oauth-protected-resource/mcp"), "application/json");
        let resource = resource.and_then(|answer| expect(answer.json().is_some(), || status_of(&answer)));
        self.result(format!("{slug}: what MCP says of itself"), resource, Outcome::Warning);
    }
    /// A page is written, read through every door, and deleted.
    fn canary(&mut self, slug: &str, token: &str, wikis: &[WikiName]) {
        let mut random = [0; 8];
        if let Err(error) = getrandom::fill(&mut random) {
            return self.note("random bytes", Err(error.to_string()));
        }
        let word = format!("{:016x}", u64::from_le_bytes(random));
        let (origin, bearer) = (self.origin(slug), format!("Bearer {token}"));
        let page = format!("{origin}/api/v1/pages/Smoke-{word}");
        let text = json!({"content": format!("Written by `holt smoke`: {word}\n")}).to_string();
        let as_token = [("Authorization", bearer.as_str())];
        let ask = |smoke: &Self, verb, address: &str, sent| {
            let call = Call { verb, sent, headers: &as_token, ..Call::get(address, MOST) };
            smoke.egress.ask(&call).map_err(|e| e.message)
        };
        let written =
            ask(self, Verb::Put, &page, Sent::Json(&text)).and_then(|answer| expect(answer.status() == 201, || status_of(&answer)));
        let is_written = written.is_ok();
        self.note(&format!("{slug}: a page is written"), written);
        if !is_written {
            return;
        }
        let holds = |answer: &Answer| {
            expect(String::from_utf8_lossy(answer.body()).contains(&word), || format!("{}, without what was written", status_of(answer)))
        };
        let read = ask(self, Verb::Get, &page, Sent::Nothing);
        self.note(&format!("{slug}: read through the API"), read.and_then(|answer| holds(&answer)));
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {"name": "read_note", "arguments": {"path": format!("Smoke-{word}")}}})
        .to_string();
        let told = ask(self, Verb::Post, &format!("{origin}/mcp"), Sent::Json(&message));
        self.note(&format!("{slug}: read through MCP"), told.and_then(|answer| holds(&answer)));
        let basic = format!("Basic {}", STANDARD.encode(format!("holt:{token}")));
        let address = format!("{origin}/.git/info/refs?service=git-upload-pack");
        let refs = self.egress.ask(&Call { accept: "*/*", headers: &[("Authorization", &basic)], ..Call::get(&address, MOST) });
        match refs.map_err(|e| e.message) {
            Ok(answer) if answer.status() == 404 => self.result(format!("{slug}: git"), Err("it is off there".into()), Outcome::Warning),
            refs => self.note(
                &format!("{slug}: git may fetch"),
                refs.and_then(|answer| {
                    let offers = String::from_utf8_lossy(answer.body()).contains("refs/heads/");
                    expect(answer.status() == 200 && offers, || status_of(&answer))
                }),
            ),
        }
        match self.get(&page, "application/json") {
            Ok(answer) if answer.status() == 200 => {
                self.result(
                    format!("{slug}: strangers"),
                    Err("everybody may read it, so it shows nothing of who may not".into()),
                    Outcome::Warning,
                );
            }
            answer => self.note(
                &format!("{slug}: strangers do not read it"),
                answer.and_then(|answer| expect(matches!(answer.status(), 401 | 403 | 404), || status_of(&answer))),
            ),
        }
        if let Some(other) = wikis.iter().find(|other| other.as_str() != slug) {
            let there = ask(self, Verb::Get, &format!("{}/api/v1/pages", self.origin(other.as_str())), Sent::Nothing);
            self.note(
                &format!("{other}: the token of {slug} opens nothing"),
                there.and_then(|answer| expect(matches!(answer.status(), 401 | 403 | 404), || status_of(&answer))),
            );
        }
        let deleted = ask(self, Verb::Delete, &page, Sent::Nothing)
            .and_then(|answer| expect(matches!(answer.status(), 200 | 204), || status_of(&answer)))
            .and_then(|()| ask(self, Verb::Get, &page, Sent::Nothing))
            .and_then(|answer| expect(answer.status() == 404, || format!("{} when it is deleted", status_of(&answer))));
        self.note(&format!("{slug}: it is deleted"), deleted);
    }
    /// Where a wiki is.
    fn origin(&self, slug: &str) -> String {
        let port = self.url.port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}://{slug}.{}{port}", self.url.scheme(), self.domain)
    }
    fn get(&self, address: &str, accept: &str) -> std::result::Result<Answer, String> {
        self.egress.ask(&Call { accept, ..Call::get(address, MOST) }).map_err(|e| e.message)
    }
    fn note(&mut self, what: &str, result: std::result::Result<(), String>) {
        self.result(what.to_string(), result, Outcome::Failed);
    }
    fn result(&mut self, what: String, result: std::result::Result<(), String>, or_else: Outcome) {
        let (outcome, why) = result.map_or_else(|why| (or_else, why), |()| (Outcome::Ok, String::new()));
        if self.format == OutputFormat::Text {
            let why = if why.is_empty() { String::new() } else { format!(" ({why})") };
            output::line(format_args!("{:8} {what}{why}", outcome.word()));
        }
        self.results.push((what, outcome, why));
    }
    fn end(&self) -> ExitCode {
        let failures = self.results.iter().filter(|(_, outcome, _)| *outcome == Outcome::Failed).count();
        match self.format {
            OutputFormat::Text => output::line(format_args!("{} checks, {failures} failed", self.results.len())),
            OutputFormat::Json => {
                let checks = self.results.iter().map(|(what, outcome, why)| json!({"check": what, "outcome": outcome.word(), "why": why}));
                output::json(&json!({"failures": failures, "checks": checks.collect::<Vec<Value>>()}));
            }
        }
        ExitCode::from(u8::try_from(failures).map_or(MOST_FAILURES, |failures| failures.min(MOST_FAILURES)))
    }
}
