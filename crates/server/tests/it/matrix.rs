//! Every row of the address tables of spec/wiki.md §4, asked for as whoever may be there: `matrix.txt` is the table, this asks.
//!
//! That every route of ours is in it, and that every row has a request, is checked beside the routes (`crates/server/src/routes.rs`).

use crate::client::{Answer, Client, Server, docs, encode};
use holt_core::{Actor, AttachmentName, Edit, MemberFlags, PagePath, WikiName};
use holt_engine::accounts::password;
use holt_engine::db::preferences::Audience;
use holt_engine::db::wiki_db::Member;
use holt_engine::directory::{NewUser, Rank};
use holt_engine::{Admin, Clock, Engine, EngineOptions, Upload, Wiki, Write, pages};
use serde_json::Value;
use std::io::Cursor;
use std::path::Path;

const TABLE: &str = include_str!("matrix.txt");
/// The columns: strangers, members of three kinds, and a stranger where everybody may read.
const PEOPLE: [&str; 5] = ["stranger", "reader", "editor", "admin", "guest"];
const PASSWORD: &str = "correct horse";

/// What stands for something in the table: `{rev}` is the commit that made `Guide/Setup`, `{file}` the one that brought its notes.
struct Places {
    revision: String,
    file: String,
    spare: String,
    /// Of each person: the commit that made a page they may revert.
    made: Vec<String>,
}

impl Places {
    fn fill(&self, text: &str, who: usize) -> String {
        let values = [
            ("{who}", PEOPLE[who]),
            ("{rev}", &self.revision),
            ("{file}", &self.file),
            ("{spare}", &self.spare),
            ("{made}", &self.made[who]),
        ];
        values.iter().fold(text.to_string(), |text, (name, value)| text.replace(name, value))
    }
}

fn save(wiki: &Wiki, page: &str) -> String {
    let scope = wiki.grant::<Write>(&Actor::System).unwrap();
    let path = PagePath::parse(page).unwrap();
    pages::save(&scope, &Edit::new(path.clone(), None, format!("# {page}\n\nSet up.\n"), "").unwrap(), None).unwrap();
    pages::page(&scope.narrow(), &path).unwrap().unwrap().page.revision.to_string()
}

fn fill(wiki: &Wiki) -> Places {
    let revision = save(wiki, "Guide/Setup");
    save(wiki, "Home");
    for who in PEOPLE {
        save(wiki, &format!("Rename-{who}"));
        save(wiki, &format!("Delete-{who}"));
    }
    let made = PEOPLE.map(|who| save(wiki, &format!("Revert-{who}"))).into();
    let mut picture = Cursor::new(Vec::new());
    image::RgbImage::new(120, 90).write_to(&mut picture, image::ImageFormat::Png).unwrap();
    let scope = wiki.grant::<Upload>(&Actor::System).unwrap();
    let path = PagePath::parse("Guide/Setup").unwrap();
    let files = [("pic.png", picture.into_inner()), ("notes.txt", b"notes\n".to_vec())];
    let files: Vec<(AttachmentName, Vec<u8>)> =
        files.into_iter().map(|(name, bytes)| (AttachmentName::parse(name).unwrap(), bytes)).collect();
    let file = pages::upload(&scope, &path, &files, pages::Existing::Replace, "").unwrap().to_string();
    Places { revision, file, spare: String::new(), made }
}

/// Two wikis: `den`, which approved members read, and `open`, which everybody reads. Only the rights of each person let them write.
fn prepare(data: &Path) -> (Places, Places) {
    let engine = Engine::open(EngineOptions::new(data, Clock::fixed(1_700_000_000))).unwrap();
    let wiki = |slug: &str, read: &str| {
        let wiki = engine.create_wiki(&WikiName::parse(slug).unwrap(), slug, Audience::Everybody).unwrap();
        let levels = [("READ_ACCESS", read), ("WRITE_ACCESS", "ADMIN"), ("ATTACHMENT_ACCESS", "ADMIN")];
        pages::set_preferences(&wiki.grant::<Admin>(&Actor::System).unwrap(), &levels).unwrap();
        wiki
    };
    let (den, open) = (wiki("den", "APPROVED"), wiki("open", "ANONYMOUS"));
    let hash = password::hash(PASSWORD).unwrap();
    let flags = MemberFlags { approved: true, ..MemberFlags::default() };
    let editor = MemberFlags { allow_write: true, allow_upload: true, ..flags };
    let mut spare = String::new();
    for (name, flags) in [("reader", flags), ("editor", editor), ("admin", MemberFlags { admin: true, ..flags }), ("spare", flags)] {
        let email = format!("{name}@example.org");
        let account = NewUser {
            email: &email,
            name,
            password_hash: Some(&hash),
            rank: Rank::Member,
            email_confirmed: true,
            created: 0,
            last_seen: 0,
        };
        let user = engine.directory().create_user(&account).unwrap();
        let member = Member { user, flags, first_seen: 0, last_seen: 0 };
        pages::put_members(&den.grant::<Admin>(&Actor::System).unwrap(), &[member]).unwrap();
        spare = user.0.to_string();
    }
    let places = (Places { spare: spare.clone(), ..fill(&den) }, Places { spare, ..fill(&open) });
    engine.settle_all().unwrap();
    places
}

fn person(server: &Server, who: &str) -> Client {
    let mut client = server.client();
    match who {
        "stranger" => client.use_token(&client.get("/-/login")),
        "guest" => {
            client.host = format!("open.localhost:{}", client.host.rsplit(':').next().unwrap());
            client.use_token(&client.get("/-/login"));
        }
        member => client.log_in(&format!("{member}@example.org"), PASSWORD),
    }
    client
}

fn upload(client: &Client, address: &str, name: &str) -> Answer {
    let field = |name: &str, value: &str| format!("--XX\r\nContent-Disposition: form-data; {name}\r\n\r\n{value}\r\n");
    let body = field("name=\"csrf_token\"", &client.csrf()) + &field(&format!("name=\"file\"; filename=\"{name}\""), "text") + "--XX--\r\n";
    let origin = format!("http://{}", client.host);
    let headers = [("Origin", origin.as_str()), ("Content-Type", "multipart/form-data; boundary=XX")];
    client.send("POST", address, &headers, body.as_bytes()).unwrap()
}

fn ask(client: &Client, method: &str, address: &str, body: &str) -> Answer {
    if let Some(name) = body.strip_prefix("file:") {
        return upload(client, address, name);
    }
    if address.starts_with("/api/") || address == "/mcp" {
        let (origin, csrf) = (format!("http://{}", client.host), client.csrf());
        let headers = [("Origin", origin.as_str()), ("X-CSRF-Token", &csrf), ("Content-Type", "application/json")];
        return client.send(method, address, &headers, body.as_bytes()).unwrap();
    }
    match method {
        "POST" => {
            let origin = format!("http://{}", client.host);
            let body = format!("csrf_token={}&{body}", encode(&client.csrf()));
            let headers = [("Origin", origin.as_str()), ("Content-Type", "application/x-www-form-urlencoded")];
            client.send("POST", address, &headers, body.as_bytes()).unwrap()
        }
        method => client.send(method, address, &[], b"").unwrap(),
    }
}

/// As the table writes it: `login` is the way to the log-in form and back here.
fn cell(answer: &Answer, address: &str) -> String {
    let back = format!("/-/login?next={}", encode_query(address));
    match answer.header("location") {
        Some(target) if answer.status == 303 && target == back => "login".to_string(),
        Some(target) => format!("{}:{target}", answer.status),
        None => answer.status.to_string(),
    }
}

/// As the server writes an address into a query.
fn encode_query(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'*' | b'-' | b'.' | b'_');
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

#[test]
fn every_address_answers_everybody_as_the_table_says() {
    let dir = tempfile::tempdir().unwrap();
    let (den, open) = prepare(dir.path());
    let mut server = Server::start(dir.path(), &["--default-wiki", "den"]);
    let people = PEOPLE.map(|who| person(&server, who));
    let mut wrong = Vec::new();
    for line in TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with(['#', '=', '!'])) {
        let (request, cells) = line.split_once("->").unwrap_or_else(|| panic!("no -> in {line}"));
        let mut words = request.split_whitespace();
        let (method, address, body) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap_or_default());
        let cells: Vec<&str> = cells.split_whitespace().collect();
        let mut got = Vec::new();
        for (who, client) in people.iter().enumerate() {
            let places = if PEOPLE[who] == "guest" { &open } else { &den };
            let (address, body) = (places.fill(address, who), places.fill(body, who));
            let came = cell(&ask(client, method, &address, &body), &address);
            let want = places.fill(cells.get(who).or(cells.first()).unwrap(), who);
            let fits = match want.strip_suffix('*') {
                Some(start) => came.starts_with(start),
                None => came == want,
            };
            got.push((came, fits));
        }
        if got.iter().any(|(_, fits)| !fits) {
            let got: Vec<&str> = got.iter().map(|(came, _)| came.as_str()).collect();
            wrong.push(format!("{} -> {}", request.trim(), got.join(" ")));
        }
    }
    server.stop();
    assert!(wrong.is_empty(), "other answers came:\n{}", wrong.join("\n"));
}

/// Where the specification is at hand: no row of its tables is left out, and none is invented.
#[test]
fn the_table_has_the_rows_of_the_specification() {
    let Some(corpus) = holt_testkit::shared_corpus() else { holt_testkit::skip!("no ../shared/corpus here") };
    let Ok(spec) = std::fs::read_to_string(corpus.join("../spec/wiki.md")) else { holt_testkit::skip!("no ../shared/spec here") };
    let tables = spec.split("### 4.1").nth(1).unwrap().split("404 pages and invalid").next().unwrap();
    let rows = tables.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| Method"));
    let rows: Vec<&str> = rows.map(|line| line.split(" | ").next().unwrap().trim_start_matches('|').trim()).collect();
    let ours = TABLE.lines().filter_map(|line| line.strip_prefix("= ")).filter(|row| !row.starts_with("Holt: "));
    assert_eq!(ours.collect::<Vec<_>>(), rows);
}

#[test]
fn administrators_see_what_opens_a_wiki_and_what_its_repository_is() {
    let (_dir, mut server, ann) = docs();
    ann.save("Page", "# Page", "Because <b>").unwrap();
    let check: Value = serde_json::from_slice(&ann.get("/-/housekeeping/security-check").body).unwrap();
    let names =
        |list: &str| check[list].as_array().unwrap().iter().map(|row| row["issue"].as_str().unwrap().to_string()).collect::<Vec<_>>();
    // The tests' server: on loopback, without a limit of log-ins, and a wiki that everybody reads and members write.
    assert_eq!(names("issues"), ["plain_cookies", "no_rate_limit", "no_domain"]);
    assert!(names("passed").contains(&"anonymous_write".to_string()), "{check}");
    assert_eq!((&check["issues"][0]["severity"], &check["issues"][0]["passed"]), (&"NOTICE".into(), &false.into()));
    assert_eq!(check["passed"][0]["passed"], true);
    assert!(check["issues"][0]["description"].as_str().unwrap().contains("--secure-cookies"));
    let screen = ann.get("/-/admin/repository_management").body_text();
    for part in ["repo.git</code>", "<dt>Pages</dt><dd>1</dd>", "<dt>Commits</dt><dd>1</dd>", "in 1 pack<", "Because &#60;b&#62;", ">Ann ·"]
    {
        assert!(screen.contains(part), "{part}: {screen}");
    }
    server.stop();
}
