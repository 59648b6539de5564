//! One client at work: it asks, and looks through what it is told.

use super::canary::Id;
use super::git;
use super::model::{ROOT, Sight, WIKIS, Zone};
use super::wire::{Answer, Wire};
use super::world::{Key, NOBODY, Page, Sessions, World};
use crate::client::encode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What a client remembers of what it asked last.
const JOURNAL: usize = 40;

/// SplitMix64: a sequence for each client, the same for the same seed.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    pub fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % most as u64).unwrap()
    }
    /// Whether something happens that does in so many of a thousand cases.
    pub fn in_a_thousand(&mut self, cases: usize) -> bool {
        self.below(1000) < cases
    }
    pub fn of<'l, T>(&mut self, list: &'l [T]) -> &'l T {
        &list[self.below(list.len())]
    }
}

/// What is asked.
pub struct Asked {
    pub method: &'static str,
    pub path: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// What is packed in the body, in the clear.
    pub clear: Vec<u8>,
}

/// A path as it stands in an address.
pub fn url(path: &str) -> String {
    encode(path).replace("%2F", "/")
}

pub fn get(path: impl Into<String>) -> Asked {
    Asked { method: "GET", path: path.into(), headers: Vec::new(), body: Vec::new(), clear: Vec::new() }
}
pub fn sent(method: &'static str, path: impl Into<String>, body: &Value) -> Asked {
    let headers = vec![("Content-Type", "application/json".into())];
    Asked { method, path: path.into(), headers, body: body.to_string().into_bytes(), clear: Vec::new() }
}
pub fn form(path: impl Into<String>, fields: &[(&str, &str)]) -> Asked {
    let body: Vec<String> = fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    let headers = vec![("Content-Type", "application/x-www-form-urlencoded".into())];
    Asked { method: "POST", path: path.into(), headers, body: body.join("&").into_bytes(), clear: Vec::new() }
}
pub fn file(path: impl Into<String>, csrf: &str, name: &str, content: &[u8]) -> Asked {
    let part = |name: &str| format!("--XX\r\nContent-Disposition: form-data; {name}\r\n\r\n");
    let head = format!("{}{csrf}\r\n{}", part("name=\"csrf_token\""), part(&format!("name=\"file\"; filename=\"{name}\"")));
    let body = [head.as_bytes(), content, b"\r\n--XX--\r\n"].concat();
    let headers = vec![("Content-Type", "multipart/form-data; boundary=XX".into())];
    Asked { method: "POST", path: path.into(), headers, body, clear: Vec::new() }
}
/// A message to an agent's door, of this or the older kind.
pub fn message(method: &str, mut params: Value, modern: bool, session: Option<&str>) -> Asked {
    let mut headers = Vec::new();
    if modern {
        let mut meta = json!({
            "io.modelcontextprotocol/protocolVersion": crate::mcp::MODERN, "io.modelcontextprotocol/clientCapabilities": {},
            "io.modelcontextprotocol/clientInfo": {"name": "otter", "version": "1"},
        });
        if let Some(session) = session {
            meta["io.holt/session"] = json!(session);
        }
        params["_meta"] = meta;
        headers = vec![("MCP-Protocol-Version", crate::mcp::MODERN.to_string()), ("Mcp-Method", method.to_string())];
        if let Some(name) = params.get("name").or(params.get("uri")).and_then(Value::as_str) {
            headers.push(("Mcp-Name", name.to_string()));
        }
    } else if let Some(session) = session {
        headers.push(("Holt-Session", session.to_string()));
    }
    let mut asked = sent("POST", "/mcp", &json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}));
    asked.headers.extend(headers);
    asked
}

/// Whether git is asked, which has to be unpacked first.
fn is_git(path: &str) -> bool {
    path.starts_with("/.git/")
}

/// How often each kind was answered how: 2xx, 3xx, 4xx, 5xx, not at all.
pub type Counts = BTreeMap<&'static str, [usize; 5]>;

/// A client.
pub struct Turn<'w> {
    pub world: &'w World,
    pub random: Random,
    pub actor: usize,
    pub wiki: usize,
    pub kind: &'static str,
    pub counts: Counts,
    wire: Wire,
    /// To the edge.
    side: Wire,
    journal: VecDeque<String>,
}

impl<'w> Turn<'w> {
    pub fn new(world: &'w World, seed: u64) -> Self {
        let (random, wire, side, journal) = (Random(seed), Wire::default(), Wire::default(), VecDeque::new());
        Self { world, random, actor: ROOT + 1, wiki: 0, kind: "fill", counts: Counts::new(), wire, side, journal }
    }
    /// A word that nobody has heard of yet, for who has one of the sights.
    pub fn canary(&mut self, what: &'static str, sights: &[Sight]) -> (Id, String) {
        let random = &mut self.random;
        self.world.canaries.make(what, sights.to_vec(), || random.next().to_le_bytes()[3])
    }
    /// The same for who may read a part of the wiki at hand.
    pub fn word(&mut self, what: &'static str, zone: Zone) -> String {
        let sight = Sight::Zone(self.wiki, zone);
        self.canary(what, &[sight]).1
    }
    pub fn csrf(&self) -> String {
        match &*self.world.keys[self.actor].read().unwrap() {
            Key::Session(sessions) => sessions.csrfs[self.wiki].clone(),
            _ => String::new(),
        }
    }
    pub fn is_program(&self) -> bool {
        matches!(&*self.world.keys[self.actor].read().unwrap(), Key::Bearer(_))
    }
    /// A page of the wiki at hand.
    pub fn page(&mut self) -> Page {
        let pages = self.world.wikis[self.wiki].pages.lock().unwrap();
        self.random.of(&pages).clone()
    }
    /// A revision of a wiki.
    pub fn revision(&mut self, wiki: usize) -> String {
        let revisions = self.world.wikis[wiki].revisions.lock().unwrap();
        if revisions.is_empty() { "0".repeat(40) } else { self.random.of(&revisions).clone() }
    }
    /// Remembers what a change was called.
    pub fn note(&mut self, answer: Option<&Answer>, zone: Zone) -> Option<String> {
        let revision = answer?.json()["revision"].as_str()?.to_string();
        self.keep(&revision, zone);
        Some(revision)
    }
    /// Remembers a commit that touched one part alone.
    pub fn keep(&mut self, revision: &str, zone: Zone) {
        let place = &self.world.wikis[self.wiki];
        let random = &mut self.random;
        let mut keep = |list: &mut Vec<String>| {
            if list.len() < 300 {
                list.push(revision.to_string());
            } else {
                list[random.below(300)] = revision.to_string();
            }
        };
        keep(&mut place.revisions.lock().unwrap());
        keep(&mut place.undoable.lock().unwrap()[zone as usize]);
    }
    fn bytes(&mut self, asked: &Asked) -> Vec<u8> {
        let place = &self.world.wikis[self.wiki];
        // Sometimes what belongs to another wiki: its name in the address, its cookies.
        let strict = self.kind.starts_with("flip") || matches!(self.kind, "fill" | "timing");
        let other = if strict { self.wiki } else { self.random.below(WIKIS) };
        let named = if self.random.in_a_thousand(10) { format!("http://{}", self.world.wikis[other].host) } else { String::new() };
        let of = if self.random.in_a_thousand(20) { other } else { self.wiki };
        let mut head = format!("{} {named}{} HTTP/1.1\r\nHost: {}\r\n", asked.method, asked.path, place.host);
        if asked.method == "GET" && !strict && self.random.in_a_thousand(20) {
            head.push_str("If-None-Match: *\r\n");
        }
        match &*self.world.keys[self.actor].read().unwrap() {
            Key::Nobody => {}
            Key::Session(sessions) => {
                let Sessions { cookies, csrfs, viewers } = &**sessions;
                let csrf = &csrfs[of];
                head.push_str(&format!("Cookie: {}{}\r\n", cookies[of], viewers[of]));
                if asked.method != "GET" {
                    head.push_str(&format!("Origin: http://{}\r\nX-CSRF-Token: {csrf}\r\n", place.host));
                }
            }
            // As git itself says it.
            Key::Bearer(token) if is_git(&asked.path) && self.random.in_a_thousand(500) => {
                head.push_str(&format!("Authorization: Basic {}\r\n", STANDARD.encode(format!("git:{token}"))));
            }
            Key::Bearer(token) => head.push_str(&format!("Authorization: Bearer {token}\r\n")),
        }
        if self.random.in_a_thousand(300) && !asked.headers.iter().any(|(name, _)| *name == "Accept-Encoding") {
            head.push_str("Accept-Encoding: gzip\r\n");
        }
        for (name, value) in &asked.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !asked.body.is_empty() || !matches!(asked.method, "GET" | "HEAD") {
            head.push_str(&format!("Content-Length: {}\r\n", asked.body.len()));
        }
        head.push_str("\r\n");
        [head.as_bytes(), &asked.body].concat()
    }
    /// Asks, and looks for what the answer should not hold. None if there was no answer: the server was killed meanwhile.
    pub fn ask(&mut self, asked: &Asked) -> Option<Answer> {
        let bytes = self.bytes(asked);
        let address = *self.world.address.read().unwrap();
        let from = self.world.model.now();
        // What is published, mostly; and whatever the edge makes of the rest.
        let of_edge = match self.kind {
            "/" | "/{page}" | "/{page}.md" => 600,
            kind if kind.starts_with('/') => 30,
            _ => 0,
        };
        let answer = match &self.world.edge {
            Some(edge) if self.random.in_a_thousand(of_edge) => {
                let answer = self.side.ask(edge.address, asked.method, &bytes);
                let row = self.counts.entry("edge").or_default();
                row[answer.as_ref().map_or(4, |answer| usize::from(answer.status / 100).clamp(2, 5) - 2)] += 1;
                answer
            }
            _ => self.wire.ask(address, asked.method, &bytes),
        };
        let to = self.world.model.now();
        let actor = self.world.actors[self.actor].name;
        let status = answer.as_ref().map_or(0, |answer| answer.status);
        let line = format!("{from}–{to} {actor} at {}: {} {} → {status}", self.wiki, asked.method, asked.path);
        let row = self.counts.entry(self.kind).or_default();
        row[match status {
            200..=299 => 0,
            300..=399 => 1,
            400..=499 => 2,
            500..=599 => 3,
            _ => 4,
        }] += 1;
        self.journal.push_back(line.clone());
        if self.journal.len() > JOURNAL {
            self.journal.pop_front();
        }
        let mut answer = answer.ok()?;
        if is_git(&asked.path) {
            match git::clear(&answer) {
                Ok(clear) => answer.clear = clear,
                Err(error) => self.found(&format!("a pack that is none: {line}: {error}")),
            }
        }
        if answer.status >= 500 && answer.status != 503 {
            self.found(&format!("an answer {}: {line}\n{}", answer.status, answer.text().chars().take(400).collect::<String>()));
        }
        self.look(asked, &answer, (from, to), &line);
        self.remember(&answer);
        Some(answer)
    }
    /// What was sent may come back; of all else, only what the actor may see at some moment of it.
    fn look(&self, asked: &Asked, answer: &Answer, (from, to): (u64, u64), line: &str) {
        let canaries = &self.world.canaries;
        let mut seen = canaries.scan(&answer.body);
        seen.extend(canaries.scan(answer.head.as_bytes()));
        seen.extend(canaries.scan(&answer.clear));
        if seen.is_empty() {
            return;
        }
        let mut said: BTreeSet<Id> = canaries.scan(asked.path.as_bytes());
        said.extend(canaries.scan(&asked.body));
        said.extend(canaries.scan(&asked.clear));
        asked.headers.iter().for_each(|(_, value)| said.extend(canaries.scan(value.as_bytes())));
        let model = &self.world.model;
        let rights = model.during(from, to);
        // Pages of the web ask for no tokens: whoever sends one is nobody there. Git asks for nothing else.
        let for_git = is_git(&asked.path);
        let for_programs = for_git || asked.path.starts_with("/api/") || asked.path == "/mcp";
        let is_known = if self.world.actors[self.actor].token.is_some() { for_programs } else { !for_git };
        let at = if is_known { self.actor } else { NOBODY };
        let actor = &self.world.actors[at];
        let is_blind = *model.blind.read().unwrap() == Some((self.actor, self.wiki));
        let blind = |sight: Sight| is_blind && matches!(sight, Sight::Zone(..));
        for id in seen.difference(&said) {
            let canary = canaries.of(*id);
            let shown = |sight: &Sight| rights.iter().any(|rights| rights.shows(at, actor, self.wiki, *sight));
            // Somebody's own sessions are listed with the wikis they are in.
            if canary.what == "name of a wiki" && actor.person.is_some() && asked.path.starts_with("/-/settings") {
                continue;
            }
            // Whoever runs the server is told in which wikis its workers fail, or died with the server.
            if canary.what == "slug" && actor.person == Some(ROOT) && asked.path.starts_with("/-/admin/workers") {
                continue;
            }
            // Commits bear their authors' addresses: whoever gets all of a wiki gets them (docs/git.md).
            let of_a_clone = for_git && canary.what == "address of a person";
            if of_a_clone && Zone::ALL.iter().all(|zone| shown(&Sight::Zone(self.wiki, *zone))) {
                continue;
            }
            if !canary.sights.iter().any(|sight| shown(sight) && !blind(*sight)) {
                let body = answer.text() + &String::from_utf8_lossy(&answer.clear);
                let at = body.to_lowercase().find(&canary.text).unwrap_or_default();
                let start = (0..=at.saturating_sub(300)).rev().find(|at| body.is_char_boundary(*at)).unwrap_or_default();
                let around: String = body[start..].chars().take(700).collect();
                let told = format!(
                    "told: {} {:?} ({})\nby: {line}\n{}\naround it: {around}",
                    canary.what,
                    canary.sights,
                    canary.text,
                    String::from_utf8_lossy(&asked.body).chars().take(600).collect::<String>()
                );
                self.found(&told);
            }
        }
    }
    /// Notes something that must not be, with what led to it: changes of rights, and what this client asked before.
    pub fn found(&self, what: &str) {
        let mut findings = self.world.findings.lock().unwrap();
        if findings.len() < 6 {
            let flips = self.world.flips.lock().unwrap();
            let flips: Vec<&String> = flips.iter().rev().take(8).collect();
            let before: Vec<&str> = self.journal.iter().map(String::as_str).rev().skip(1).take(10).collect();
            findings.push(format!("{what}\nrights were changed (newest first): {flips:#?}\nbefore it: {before:#?}\n"));
        }
    }
    /// A reader of a private wiki gets a cookie for its published pages.
    fn remember(&self, answer: &Answer) {
        for line in answer.head.lines() {
            let Some((name, value)) = line.split_once(':') else { continue };
            if name.eq_ignore_ascii_case("set-cookie")
                && value.trim().starts_with("holt_viewer=")
                && let Key::Session(sessions) = &mut *self.world.keys[self.actor].write().unwrap()
            {
                sessions.viewers[self.wiki] = format!("; {}", value.trim().split(';').next().unwrap());
            }
        }
    }
}
