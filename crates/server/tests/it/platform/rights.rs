//! Cases 10 and 11 of spec/platform.md §16 through all doors: what a level of access lets whom do, by the web, the API, MCP and git alike.

use super::{Platform, account, api, travel};
use crate::api::{Said, said};
use crate::client::{Client, Server};
use crate::mcp::message;
use holt_engine::directory::{NewToken, Plan, Rank, TokenScope};
use serde_json::json;
use std::cell::Cell;

/// Somebody at the wiki: a browser, and a program of theirs.
struct Somebody {
    name: &'static str,
    /// What they are: 0 nobody, 1 logged in, 2 a member, 3 the owner.
    rank: u8,
    browser: Client,
    token: Option<String>,
}

struct Doors<'p> {
    platform: &'p Platform,
    count: Cell<usize>,
}

impl Doors<'_> {
    fn program(&self, who: &Somebody, method: &str, path: &str, body: &[u8]) -> Said {
        let bearer = who.token.as_ref().map(|token| format!("Bearer {token}"));
        let mut headers = vec![("Content-Type", "application/json")];
        headers.extend(bearer.as_deref().map(|bearer| ("Authorization", bearer)));
        said(&self.platform.at_wiki("alice"), method, path, &headers, body)
    }
    fn tool(&self, who: &Somebody, tool: &str, arguments: &serde_json::Value) -> bool {
        let asked = self.program(who, "POST", "/mcp", message("tools/call", &json!({"name": tool, "arguments": arguments})).as_bytes());
        assert!(matches!(asked.status, 200 | 401 | 403), "{}: {tool}: {} {}", who.name, asked.status, asked.body);
        // A refusal is one for want of the right, and no mistake of the test's.
        let code = &asked.body["result"]["structuredContent"]["error"]["code"];
        assert!(code.is_null() || code == "forbidden", "{}: {tool}: {}", who.name, asked.body);
        asked.status == 200 && asked.body["result"]["isError"] != true && asked.body.get("error").is_none()
    }
    fn git(&self, who: &Somebody, service: &str) -> bool {
        let bearer = who.token.as_ref().map(|token| format!("Bearer {token}"));
        let headers: Vec<(&str, &str)> = bearer.as_deref().map(|bearer| ("Authorization", bearer)).into_iter().collect();
        let asked = self.platform.at_wiki("alice").send("GET", &format!("/.git/info/refs?service={service}"), &headers, b"").unwrap();
        assert!(matches!(asked.status, 200 | 401 | 403), "{}: {service}: {}", who.name, asked.status);
        asked.status == 200
    }
    fn fresh(&self) -> String {
        self.count.set(self.count.get() + 1);
        format!("Page{}", self.count.get())
    }
    /// Whether they read, by each door.
    fn reads(&self, who: &Somebody) -> [(&'static str, bool); 4] {
        [
            ("web", who.browser.get("/").status == 200),
            ("API", self.program(who, "GET", "/api/v1/pages/Home", b"").status == 200),
            ("MCP", self.tool(who, "read_note", &json!({"path": "Home"}))),
            ("git", self.git(who, "git-upload-pack")),
        ]
    }
    fn writes(&self, who: &Somebody) -> [(&'static str, bool); 4] {
        let saved = who.browser.post(&format!("/{}/save", self.fresh()), &[("content", "x"), ("commit_message", "")]).unwrap();
        [
            ("web", saved.status == 303),
            ("API", self.program(who, "PUT", &format!("/api/v1/pages/{}", self.fresh()), br#"{"content":"x"}"#).status == 201),
            ("MCP", self.tool(who, "write_note", &json!({"path": self.fresh(), "content": "x"}))),
            ("git", self.git(who, "git-receive-pack")),
        ]
    }
    fn uploads(&self, who: &Somebody) -> [(&'static str, bool); 2] {
        let multipart = "--x\r\nContent-Disposition: form-data; name=\"csrf_token\"\r\n\r\nTOKEN\r\n--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"FILE\"\r\nContent-Type: text/plain\r\n\r\nhello\r\n--x--\r\n";
        let body = multipart.replace("TOKEN", &who.browser.csrf()).replace("FILE", &format!("{}.txt", self.fresh()));
        let origin = format!("http://{}", who.browser.host);
        let headers = [("Origin", origin.as_str()), ("Content-Type", "multipart/form-data; boundary=x")];
        let sent = who.browser.send("POST", "/Home/attachments", &headers, body.as_bytes()).unwrap();
        [
            ("web", sent.status == 303),
            ("API", self.program(who, "PUT", &format!("/api/v1/pages/Home/attachments/{}.txt", self.fresh()), b"hello").status == 201),
        ]
    }
}

#[test]
fn case_10_and_11_every_door_keeps_to_the_levels() {
    let mut platform = Platform::start_with(&[], |engine| {
        account(engine, "Cara", Rank::Member);
    });
    let ann = platform.person("Ann");
    let owners = platform.wiki(&ann, "alice");
    let set = |ann: &Client, read: &str, write: &str, upload: &str| {
        let levels = json!({"access": {"read": read, "write": write, "upload": upload}, "git_access_enabled": true});
        let answer = api(ann, "PATCH", "/api/wikis/alice", &levels);
        assert_eq!(answer.status, 200, "{}", answer.body);
    };
    set(&ann, "ANONYMOUS", "REGISTERED", "REGISTERED");
    assert_eq!(api(&ann, "PUT", "/api/wikis/alice/members/cara@example.org", &json!({"approved": true})).status, 200);
    let mut people = vec![Somebody { name: "nobody", rank: 0, browser: platform.at_wiki("alice"), token: None }];
    for (name, rank) in [("Bob", 1), ("Cara", 2), ("Ann", 3)] {
        let (person, browser) = (platform.person(name), platform.at_wiki("alice"));
        assert_eq!(travel(&person, &browser, "/-/about").status, 303, "{name}");
        browser.refresh_csrf();
        people.push(Somebody { name, rank, browser, token: None });
    }
    platform.server.stop();
    let engine = crate::api::engine(platform.data.path());
    let wiki = engine.wiki_named("alice").unwrap().id();
    for somebody in &mut people[1..3] {
        let email = format!("{}@example.org", somebody.name.to_lowercase());
        let user = engine.directory().user_by_email(&email).unwrap().map(|user| user.id);
        let new = NewToken { wiki, user, scope: TokenScope::Write, within: None, label: "all", expires: None };
        somebody.token = Some(engine.directory().make_token(&new, 0).unwrap().expose().to_string());
    }
    people[3].token = Some(owners);
    // All of it takes less than a minute, and how much one may change in a minute is another question.
    let plan = engine.directory().default_plan().unwrap();
    engine.directory().put_plan(&Plan { writes: None, ..plan }).unwrap();
    drop(engine);
    platform.server = Server::start(platform.data.path(), &["--domain", super::DOMAIN]);
    for somebody in &mut people {
        somebody.browser = somebody.browser.moved(&platform.server);
    }
    let ann = ann.moved(&platform.server);
    let doors = Doors { platform: &platform, count: Cell::default() };
    for levels @ [read, write, upload] in [
        ["ANONYMOUS", "REGISTERED", "REGISTERED"],
        ["ANONYMOUS", "APPROVED", "ADMIN"],
        ["ANONYMOUS", "ADMIN", "REGISTERED"],
        ["REGISTERED", "REGISTERED", "REGISTERED"],
        ["REGISTERED", "REGISTERED", "ADMIN"],
        ["REGISTERED", "APPROVED", "APPROVED"],
        ["APPROVED", "REGISTERED", "REGISTERED"],
        ["APPROVED", "ADMIN", "ADMIN"],
        ["ADMIN", "REGISTERED", "REGISTERED"],
    ] {
        set(&ann, read, write, upload);
        let needs = |level: &str| ["ANONYMOUS", "REGISTERED", "APPROVED", "ADMIN"].iter().position(|known| *known == level).unwrap();
        for who in &people {
            let reaches = |level: &str| usize::from(who.rank) >= needs(level);
            let (may_read, may_write, may_upload) =
                (reaches(read), reaches(read) && reaches(write), reaches(read) && reaches(write) && reaches(upload));
            for (right, may, found) in [
                ("read", may_read, doors.reads(who).to_vec()),
                ("write", may_write, doors.writes(who).to_vec()),
                ("upload", may_upload, doors.uploads(who).to_vec()),
            ] {
                for (door, did) in found {
                    assert_eq!(did, may, "{levels:?}: {} to {right} by {door}", who.name);
                }
            }
        }
        // Case 10: how strangers are refused. A browser is led to the log-in and back; programs get JSON, git a challenge.
        let strangers = &people[0];
        let page = strangers.browser.send("GET", "/?a=b", &[("Accept", "text/html")], b"").unwrap();
        let refused = doors.program(strangers, "GET", "/api/v1/pages/Home", b"");
        if read == "ANONYMOUS" {
            assert_eq!((page.status, refused.status), (200, 200));
        } else {
            assert_eq!((page.status, page.header("location")), (303, Some("/-/login?next=%2F%3Fa%3Db")));
            assert!(refused.status == 401 && refused.body["error"].is_string(), "{}", refused.body);
        }
    }
}
