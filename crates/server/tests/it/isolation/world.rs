//! Four wikis, six people, and the programs that act for them; a canary in every field.

use super::canary::Canaries;
use super::model::{ADMIN, Actor, DEN, DRIFTER, Model, OPEN, PEOPLE, PLAZA, READER, ROOT, Rights, Rule, Sight, VAULT, WIKIS, WRITER, Zone};
use super::turn::{Random, Turn, sent};
use super::wire::Wire;
use super::writing;
use crate::client::Server;
use crate::oauth::{allow, authorize, exchange, register};
use holt_core::{AccessLevel, Actor as Writer, MemberFlags, SubtreeRule, SubtreeRules, UserId, WikiName};
use holt_engine::accounts::password;
use holt_engine::db::preferences::{Audience, path_access_text};
use holt_engine::directory::{NewToken, NewUser, Rank, TokenScope};
use holt_engine::pages::git::GIT_SWITCH;
use holt_engine::pages::mirror::{Direction, MirrorSettings, set_mirror};
use holt_engine::pages::webhooks::{self, Listening, NewWebhook, WebhookChange};
use holt_engine::{Admin, Engine, Wiki};
use serde_json::json;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

/// What an actor shows.
pub enum Key {
    Nobody,
    Session(Box<Sessions>),
    Bearer(String),
}

/// For each wiki a session, the token of its forms, and the cookie of a reader.
pub struct Sessions {
    pub cookies: [String; WIKIS],
    pub csrfs: [String; WIKIS],
    pub viewers: [String; WIKIS],
}

/// A page, as the test knows it. The server may know better.
#[derive(Debug, Clone)]
pub struct Page {
    pub path: String,
    pub zone: Zone,
    pub files: Vec<String>,
    /// Others refer to it by its name.
    pub stays: bool,
}

/// A wiki.
pub struct Place {
    pub host: String,
    pub pages: Mutex<Vec<Page>>,
    /// Of all its commits.
    pub revisions: Mutex<Vec<String>>,
    /// Of commits that touched one part alone, by part.
    pub undoable: Mutex<[Vec<String>; 4]>,
    /// Who may see which proposal, by its number.
    pub proposals: Mutex<BTreeMap<usize, Sight>>,
    /// Where its files are.
    pub repo: PathBuf,
}

/// All there is.
pub struct World {
    pub data: tempfile::TempDir,
    pub log: PathBuf,
    binary: PathBuf,
    server: Mutex<Option<Server>>,
    pub address: RwLock<SocketAddr>,
    /// `holt-edge`, a process of its own that reads what the server publishes, if there is one.
    pub edge: Option<Edge>,
    pub canaries: Canaries,
    pub model: Model,
    pub actors: Vec<Actor>,
    pub keys: Vec<RwLock<Key>>,
    pub wikis: Vec<Place>,
    pub ids: Vec<UserId>,
    pub emails: Vec<String>,
    /// One change of rights at a time.
    pub flip: Mutex<()>,
    pub flips: Mutex<Vec<String>>,
    pub findings: Mutex<Vec<String>>,
    /// What must not stand in the log, in clear text.
    pub secrets: Vec<String>,
    /// The number of the token that comes and goes.
    pub token: Mutex<i64>,
    /// Where the wiki's files are that nobody writes to.
    pub vault: PathBuf,
}

const ACTORS: [Actor; 15] = {
    const fn person(name: &'static str, person: Option<usize>) -> Actor {
        Actor { name, person, token: None, within: None }
    }
    const fn token(name: &'static str, person: Option<usize>, wiki: usize, within: Option<Zone>) -> Actor {
        Actor { name, person, token: Some(wiki), within }
    }
    [
        person("root", Some(ROOT)),
        person("a stranger with an account", Some(super::model::STRANGER)),
        person("a reader", Some(READER)),
        person("a writer", Some(WRITER)),
        person("an administrator of one wiki", Some(ADMIN)),
        person("a drifter", Some(DRIFTER)),
        person("nobody", None),
        token("a writer's token that reads", Some(WRITER), PLAZA, None),
        token("a writer's token that writes", Some(WRITER), PLAZA, None),
        token("a writer's token for a part", Some(WRITER), PLAZA, Some(Zone::Team)),
        token("a revoked token of root's", Some(ROOT), PLAZA, None),
        token("an agent, allowed by OAuth", Some(WRITER), PLAZA, None),
        token("the operator's token", None, DEN, None),
        token("a writer's token that proposes", Some(WRITER), OPEN, None),
        token("a writer's token that pushes", Some(WRITER), OPEN, None),
    ]
};
pub const NOBODY: usize = 6;
pub const WRITES: usize = 8;
pub const REVOKED: usize = 10;
pub const OAUTH: usize = 11;
pub const PROPOSES: usize = 13;
pub const PUSHES: usize = 14;

const MEMBER: MemberFlags = MemberFlags { admin: false, approved: true, allow_read: false, allow_write: false, allow_upload: false };
pub const READS: MemberFlags = MemberFlags { allow_read: true, ..MEMBER };
pub const EDITS: MemberFlags = MemberFlags { allow_write: true, allow_upload: true, ..READS };

/// As everything begins.
fn rights() -> Rights {
    let rule = |readers: &[usize], writers: &[usize]| {
        Some(Rule { read: AccessLevel::Admin, readers: readers.iter().copied().collect(), writers: writers.iter().copied().collect() })
    };
    let rules = [rule(&[READER], &[WRITER]), rule(&[DRIFTER], &[])];
    let mut members = [[None; PEOPLE]; WIKIS];
    for wiki in [DEN, PLAZA, OPEN] {
        (members[wiki][READER], members[wiki][WRITER], members[wiki][DRIFTER]) = (Some(READS), Some(EDITS), Some(MEMBER));
    }
    members[PLAZA][ADMIN] = Some(MEMBER);
    members[OPEN][ADMIN] = Some(MemberFlags { admin: true, ..MEMBER });
    Rights {
        read: [AccessLevel::Approved, AccessLevel::Admin, AccessLevel::Anonymous, AccessLevel::Anonymous],
        rules: [rules.clone(), [None, None], rules, [None, None]],
        members,
        dead: [REVOKED].into(),
    }
}

/// The rules of a wiki, as they are stored.
fn stored(rights: &Rights, wiki: usize, ids: &[UserId]) -> String {
    let rules = [Zone::Staff, Zone::Crew].into_iter().filter_map(|zone| {
        let rule = rights.rules[wiki][zone.rule()?].as_ref()?;
        let path = holt_core::PagePath::parse(zone.top()).unwrap();
        let people = |people: &std::collections::BTreeSet<usize>| people.iter().map(|person| ids[*person]).collect();
        let (readers, writers) = (people(&rule.readers), people(&rule.writers));
        Some(SubtreeRule { path, read: rule.read, write: AccessLevel::Admin, readers, writers })
    });
    path_access_text(&SubtreeRules::new(rules.collect()))
}

impl World {
    /// Makes everything, starts the server and fills the wikis through it.
    pub fn new(seed: u64) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut random = Random(seed);
        let canaries = Canaries::new();
        let mut canary = |what: &'static str, sights: &[Sight]| canaries.make(what, sights.to_vec(), || random.next().to_le_bytes()[3]).1;
        let engine = crate::api::engine(data.path());
        let secret = canary("password", &[Sight::Nobody]);
        let hash = password::hash(&secret).unwrap();
        let mut secrets = vec![secret];
        let (mut ids, mut emails) = (Vec::new(), Vec::new());
        for person in 0..PEOPLE {
            let email = format!("{}@example.org", canary("address of a person", &[Sight::Mail(person)]));
            let name = format!("P{person} {}", canary("name of a person", &[Sight::Name(person)]));
            let rank = if person == ROOT { Rank::Operator } else { Rank::Member };
            let hash = Some(hash.as_str());
            let new = NewUser { email: &email, name: &name, password_hash: hash, rank, email_confirmed: true, created: 0, last_seen: 0 };
            ids.push(engine.directory().create_user(&new).unwrap());
            emails.push(email);
        }
        let first = rights();
        let mut made: Vec<(String, std::sync::Arc<Wiki>)> = Vec::new();
        for wiki in 0..WIKIS {
            let slug = canary("slug", &[Sight::Front(wiki)]);
            let name = canary("name of a wiki", &[Sight::Front(wiki)]);
            let home = engine.create_wiki(&WikiName::parse(&slug).unwrap(), &name, Audience::Members).unwrap();
            let menu = json!([{"link": "/Home", "title": canary("line of the menu", &[Sight::Zone(wiki, Zone::Open)]), "icon": ""}]);
            let preferences = [
                ("SITE_DESCRIPTION", canary("description of a wiki", &[Sight::Front(wiki)])),
                ("SIDEBAR_CUSTOM_MENU", menu.to_string()),
                ("READ_ACCESS", first.read[wiki].as_str().to_string()),
                ("WRITE_ACCESS", "ADMIN".to_string()),
                ("ATTACHMENT_ACCESS", "ADMIN".to_string()),
                (GIT_SWITCH, "True".to_string()),
            ];
            crate::api::prefer(&home, &preferences.iter().map(|(name, value)| (*name, value.as_str())).collect::<Vec<_>>());
            for (person, flags) in first.members[wiki].iter().enumerate() {
                flags.iter().for_each(|flags| crate::api::join(&home, ids[person], *flags));
            }
            crate::api::prefer(&home, &[("PATH_ACCESS", &stored(&first, wiki, &ids))]);
            {
                // Whom the wiki tells, and what it is kept the same as: neither is asked for anything, as nobody here is outside.
                let scope = home.grant::<Admin>(&Writer::System).unwrap();
                let url = format!("https://hooks.example.org/{}", canary("address of a webhook", &[Sight::Admin(wiki)]));
                let hook = webhooks::add(&scope, &NewWebhook { url, events: Vec::new(), prefix: None }).unwrap();
                let off = WebhookChange { listens: Some(Listening::Off), ..WebhookChange::default() };
                webhooks::change(&scope, hook.id, &off).unwrap();
                let mirror = MirrorSettings {
                    url: format!("https://git.example.org/{}.git", canary("address of a mirror", &[Sight::Admin(wiki)])),
                    branch: "main".to_string(),
                    username: canary("name at a mirror", &[Sight::Admin(wiki)]),
                    token: canary("token of a mirror", &[Sight::Nobody]),
                    direction: Direction::Both,
                    every: 86_400,
                    active: false,
                };
                set_mirror(&scope, &mirror).unwrap();
            }
            made.push((slug, home));
        }
        let mut token = |engine: &Engine, actor: usize, person: Option<usize>, wiki: usize, scope, within: Option<Zone>| {
            let mut sights = vec![Sight::Admin(wiki), Sight::Zone(wiki, Zone::Open), Sight::Zone(wiki, Zone::Team)];
            sights.extend(person.map(Sight::Own));
            let label = canary("label of a token", &sights);
            let within = within.map(|zone| holt_core::PagePath::parse(zone.top()).unwrap());
            let user = person.map(|person| ids[person]);
            let new = NewToken { wiki: made[wiki].1.id(), user, scope, within: within.as_ref(), label: &label, expires: None };
            let token = engine.directory().make_token(&new, 1_700_000_000).unwrap().expose().to_string();
            if actor == REVOKED {
                let all = engine.directory().tokens_of(made[wiki].1.id(), user.unwrap()).unwrap();
                engine.directory().revoke_token(made[wiki].1.id(), all[0].id).unwrap();
            }
            (actor, token)
        };
        let tokens = [
            token(&engine, 7, Some(WRITER), PLAZA, TokenScope::Read, None),
            token(&engine, WRITES, Some(WRITER), PLAZA, TokenScope::Write, None),
            token(&engine, 9, Some(WRITER), PLAZA, TokenScope::Write, Some(Zone::Team)),
            token(&engine, REVOKED, Some(ROOT), PLAZA, TokenScope::Admin, None),
            token(&engine, 12, None, DEN, TokenScope::Read, None),
            token(&engine, PROPOSES, Some(WRITER), OPEN, TokenScope::Propose, None),
            token(&engine, PUSHES, Some(WRITER), OPEN, TokenScope::Write, None),
        ];
        let of_writer = engine.directory().tokens_of(made[PLAZA].1.id(), ids[WRITER]).unwrap();
        let mut of_writer: Vec<i64> = of_writer.iter().map(|token| token.id).collect();
        of_writer.sort_unstable();
        // Made second.
        let token_id = of_writer[1];
        let agent = canary("name of an OAuth client", &[Sight::Own(WRITER), Sight::Admin(PLAZA), Sight::Zone(PLAZA, Zone::Open)]);
        // The server's clock is the real one.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().cast_signed();
        let session = |person: usize, wiki: usize| {
            engine.directory().create_session(ids[person], Some(made[wiki].1.id()), now).unwrap().expose().to_string()
        };
        let sessions: Vec<[String; WIKIS]> = (0..PEOPLE).map(|person| [0, 1, 2, 3].map(|wiki| session(person, wiki))).collect();
        engine.settle_all().unwrap();
        let viewer_key = engine.directory().secret("viewer").unwrap();
        let slugs: Vec<String> = made.iter().map(|(slug, _)| slug.clone()).collect();
        drop((made, engine));
        let vault = Server::repo(data.path(), &slugs[VAULT]);
        let edge = std::env::var_os("HOLT_ISOLATION_EDGE").map(|binary| Edge::start(Path::new(&binary), data.path(), &viewer_key));
        let binary = std::env::var_os("HOLT_ISOLATION_BIN").map_or_else(|| Server::binary().to_path_buf(), PathBuf::from);
        let log = data.path().join("log");
        let server = start(&binary, data.path(), &log);
        let address = server.address();
        let wiki = |slug: &String| Place {
            host: format!("{slug}.localhost"),
            pages: Mutex::default(),
            revisions: Mutex::default(),
            undoable: Mutex::default(),
            proposals: Mutex::default(),
            repo: Server::repo(data.path(), slug),
        };
        secrets.extend(tokens.iter().map(|(_, token)| token.clone()));
        let mut keys: Vec<Key> = ACTORS.iter().map(|_| Key::Nobody).collect();
        for (person, sessions) in sessions.into_iter().enumerate() {
            let cookies = sessions.map(|token| format!("holt_session={token}"));
            let csrf = |wiki: usize| {
                let head = format!("GET /-/me HTTP/1.1\r\nHost: {}.localhost\r\nCookie: {}\r\n\r\n", slugs[wiki], cookies[wiki]);
                let me = Wire::default().ask(address, "GET", head.as_bytes()).unwrap().json();
                me["csrf"].as_str().unwrap_or_else(|| panic!("person {person} has no session in wiki {wiki}: {me}")).to_string()
            };
            let csrfs = [0, 1, 2, 3].map(csrf);
            secrets.extend(cookies.iter().map(|cookie| cookie.split_once('=').unwrap().1.to_string()));
            keys[person] = Key::Session(Box::new(Sessions { cookies, csrfs, viewers: Default::default() }));
        }
        let mut browser = server.client();
        browser.host = format!("{}.localhost", slugs[PLAZA]);
        browser.log_in(&emails[WRITER], &secrets[0]);
        let client = register(&browser, &json!({"client_name": agent, "token_endpoint_auth_method": "none"})).text("client_id");
        let code = allow(&browser, &authorize(&client, &[("scope", "wiki:write")]), "write");
        let access = exchange(&browser, &client, &code).text("access_token");
        secrets.push(access.clone());
        keys[OAUTH] = Key::Bearer(access);
        tokens.into_iter().for_each(|(actor, token)| keys[actor] = Key::Bearer(token));
        let world = Self {
            log,
            binary,
            server: Mutex::new(Some(server)),
            address: RwLock::new(address),
            edge,
            model: Model::new(first),
            actors: ACTORS.to_vec(),
            keys: keys.into_iter().map(RwLock::new).collect(),
            wikis: slugs.iter().map(wiki).collect(),
            flip: Mutex::default(),
            flips: Mutex::default(),
            findings: Mutex::default(),
            data,
            canaries,
            ids,
            emails,
            secrets,
            token: Mutex::new(token_id),
            vault,
        };
        world.fill(random.next());
        world
    }
    /// Pages in every part of every wiki, with files and comments.
    fn fill(&self, seed: u64) {
        let mut turn = Turn::new(self, seed);
        turn.actor = ROOT;
        for wiki in 0..WIKIS {
            turn.wiki = wiki;
            let fixed =
                [("Home", Zone::Open), ("Team", Zone::Team), ("Staff", Zone::Staff), ("Staff/Plan", Zone::Staff), ("Crew", Zone::Crew)];
            for (path, zone) in fixed {
                writing::new_page(&mut turn, path.to_string(), zone, true);
            }
            for zone in Zone::ALL.into_iter().chain([Zone::Open, Zone::Staff]) {
                let name = turn.word("name of a page", zone);
                writing::new_page(&mut turn, zone.page(&name), zone, false);
                let page = turn.world.wikis[wiki].pages.lock().unwrap().last().cloned().unwrap();
                writing::attach(&mut turn, &page);
                writing::comment(&mut turn, &page);
            }
            let shown = turn.ask(&sent("POST", "/api/v1/pages:batchGet", &json!({"paths": ["Home", "Staff/Plan"]}))).unwrap();
            assert_eq!(shown.status, 200, "{}", shown.text());
        }
        let findings = self.findings.lock().unwrap();
        assert!(findings.is_empty(), "{}", findings.join("\n"));
    }
    /// SIGKILL, and another start: whoever waits for an answer gets none.
    pub fn restart(&self) {
        let _alone = self.flip.lock().unwrap();
        let mut address = self.address.write().unwrap();
        let mut server = self.server.lock().unwrap();
        server.as_mut().unwrap().kill();
        let next = start(&self.binary, self.data.path(), &self.log);
        *address = next.address();
        *server = Some(next);
    }
    /// SIGTERM, and the end.
    pub fn stop(&self) {
        self.server.lock().unwrap().take().unwrap().stop();
    }
    /// The same server again.
    pub fn start(&self) {
        let server = start(&self.binary, self.data.path(), &self.log);
        *self.address.write().unwrap() = server.address();
        *self.server.lock().unwrap() = Some(server);
    }
}

/// A running `holt-edge`, ended when dropped.
pub struct Edge {
    child: Child,
    pub address: SocketAddr,
}

impl Edge {
    fn start(binary: &Path, data: &Path, viewer_key: &[u8]) -> Self {
        let key = data.join("viewer.key");
        std::fs::write(&key, viewer_key).unwrap();
        let mut command = Command::new(binary);
        command.arg("--fragments").arg(data.join("fragments")).arg("--viewer-key-file").arg(key);
        let mut child = command.args(["--listen", "127.0.0.1:0", "--domain", "localhost"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").unwrap_or_else(|| panic!("{line}")).parse().unwrap();
        Self { child, address }
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(binary: &Path, data: &Path, log: &Path) -> Server {
    Server::start_logged(binary, data, &[], "info", log)
}
