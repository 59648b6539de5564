//! Domains of a wiki's own, shown to be somebody's by a DNS server of this test's own.

use super::{DOMAIN, Platform, api, look, path_at, travel, with_token};
use crate::api::Said;
use crate::client::{Client, Server, until};
use crate::smtp::Sink;
use holt_testkit::{DnsConduct, DnsServer};
use serde_json::{Value, json};

const NAME: &str = "wiki.example.org";

/// A platform that asks a DNS server of the test's own, with Ann's wiki `alice` and Bob's `bob-s`.
struct World {
    platform: Platform,
    dns: DnsServer,
    ann: Client,
    bob: Client,
}

fn flags(dns: &DnsServer) -> Vec<String> {
    ["--domain", DOMAIN, "--resolver", &dns.address().to_string()].map(str::to_string).to_vec()
}

impl World {
    fn new() -> Self {
        Self::with(&[])
    }
    fn with(more: &[&str]) -> Self {
        let dns = DnsServer::start();
        let address = dns.address().to_string();
        let platform = Platform::start_with(&[&["--resolver", address.as_str()], more].concat(), |_| {});
        let (ann, bob) = (platform.person("Ann"), platform.person("Bob"));
        platform.wiki(&ann, "alice");
        platform.wiki(&bob, "bob-s");
        let public = json!({"access": {"read": "ANONYMOUS"}});
        assert_eq!(api(&ann, "PATCH", "/api/wikis/alice", &public).status, 200);
        Self { platform, dns, ann, bob }
    }
    fn claim(&self, person: &Client, slug: &str, name: &str) -> Said {
        api(person, "POST", &format!("/api/wikis/{slug}/domains"), &json!({"domain": name}))
    }
    fn verify(&self, person: &Client, slug: &str, name: &str) -> Said {
        api(person, "POST", &format!("/api/wikis/{slug}/domains/{name}/verify"), &json!({}))
    }
    /// What the DNS has to say for a claim.
    fn proof(&self, person: &Client, slug: &str, name: &str) -> String {
        let claimed = self.claim(person, slug, name);
        assert_eq!(claimed.status, 201, "{}", claimed.body);
        let record = &claimed.body["domain"]["record"];
        assert_eq!((record["type"].as_str(), record["name"].as_str()), (Some("TXT"), Some(format!("_holt.{name}").as_str())));
        record["value"].as_str().unwrap().to_string()
    }
    /// A name that is a wiki's.
    fn own(&self, person: &Client, slug: &str, name: &str) {
        let proof = self.proof(person, slug, name);
        self.dns.set(&format!("_holt.{name}"), &[&proof]);
        let verified = self.verify(person, slug, name);
        assert_eq!((verified.status, verified.body["domain"]["state"].as_str()), (200, Some("verified")), "{}", verified.body);
    }
    fn status(&self, host: &str, path: &str) -> u16 {
        self.platform.at(host).get(path).status
    }
    /// Whether a certificate may be made for a name.
    fn certified(&self, name: &str) -> bool {
        self.platform.at(DOMAIN).get(&format!("/api/internal/check-slug?domain={name}")).status == 200
    }
    /// Changes what is stored, while the server is stopped, and starts it again.
    fn while_stopped(&mut self, sql: &str, more: &[&str]) {
        self.platform.server.stop();
        let db = rusqlite::Connection::open(self.platform.data.path().join("holt.db")).unwrap();
        db.execute_batch(sql).unwrap();
        drop(db);
        self.started(more);
    }
    /// Starts the server, which was stopped.
    fn started(&mut self, more: &[&str]) {
        let flags = flags(&self.dns);
        let flags: Vec<&str> = flags.iter().map(String::as_str).chain(more.iter().copied()).collect();
        self.platform.server = Server::start(self.platform.data.path(), &flags);
        (self.ann, self.bob) = (self.ann.moved(&self.platform.server), self.bob.moved(&self.platform.server));
    }
    fn state(&self, slug: &str) -> Value {
        look(&self.ann, &format!("/api/wikis/{slug}/domains")).body["domains"][0]["state"].clone()
    }
    /// Waits for what the server does by itself.
    fn until(&self, what: &str, done: impl Fn() -> bool) {
        until(what, || if done() { Ok(()) } else { Err(String::new()) });
    }
}

#[test]
fn a_domain_leads_to_a_wiki_when_the_dns_says_so() {
    let world = World::new();
    let proof = world.proof(&world.ann, "alice", "Wiki.Example.org.".to_lowercase().trim_end_matches('.'));
    assert!(proof.starts_with("holt-verification=") && proof.len() > 40, "{proof}");
    // A claim opens nothing.
    let closed = |why: &str| {
        assert_eq!(world.status(NAME, "/"), 404, "{why}");
        assert!(!world.certified(NAME), "{why}");
    };
    closed("claimed");
    for (texts, why) in
        [(vec![], "nothing there"), (vec!["holt-verification=x", "v=spf1 -all"], "another text"), (vec![&proof[..30]], "a part")]
    {
        world.dns.set(&format!("_holt.{NAME}"), &texts);
        let refused = world.verify(&world.ann, "alice", NAME);
        assert!(refused.status == 400 && refused.text("error").contains(&proof), "{why}: {}", refused.body);
        closed(why);
    }
    world.dns.behave(DnsConduct::Fails);
    assert_eq!(world.verify(&world.ann, "alice", NAME).status, 503, "nobody knows");
    world.dns.behave(DnsConduct::Answers);
    world.dns.set(&format!("_holt.{NAME}"), &["v=spf1 -all", &proof]);
    let verified = world.verify(&world.ann, "alice", NAME);
    assert_eq!(verified.status, 200, "{}", verified.body);
    for host in [NAME, "WIKI.example.ORG", "wiki.example.org.", "wiki.example.org:8080"] {
        assert_eq!(world.status(host, "/"), 200, "{host}");
    }
    assert!(world.certified(NAME) && world.certified("WIKI.example.org.") && !world.certified("x.wiki.example.org"));
    for other in ["example.org", "x.wiki.example.org", "xwiki.example.org", "_holt.wiki.example.org"] {
        assert_eq!(world.status(other, "/"), 404, "{other}");
    }
    // Again is no harm, and the list says where it is.
    assert_eq!(world.verify(&world.ann, "alice", NAME).status, 200);
    let listed = look(&world.ann, "/api/wikis/alice/domains");
    assert_eq!(listed.body["domains"][0]["url"], format!("http://{NAME}/"), "{}", listed.body);
    assert_eq!(api(&world.ann, "DELETE", &format!("/api/wikis/alice/domains/{NAME}"), &json!({})).status, 200);
    closed("given up");
    assert_eq!(api(&world.ann, "DELETE", &format!("/api/wikis/alice/domains/{NAME}"), &json!({})).status, 404);
    let log = look(&world.ann, "/api/wikis/alice/domains");
    assert_eq!(log.body["domains"], json!([]));
}

#[test]
fn nobody_takes_a_name_that_is_somebody_elses() {
    let world = World::new();
    // Claims stand beside each other, and only one's own text counts.
    let (ann, bob) = (world.proof(&world.ann, "alice", NAME), world.proof(&world.bob, "bob-s", NAME));
    assert_ne!(ann, bob);
    world.dns.set(&format!("_holt.{NAME}"), &[&ann]);
    assert_eq!(world.verify(&world.bob, "bob-s", NAME).status, 400);
    assert_eq!(world.verify(&world.ann, "alice", NAME).status, 200);
    // With both texts there it stays whose it was.
    world.dns.set(&format!("_holt.{NAME}"), &[&ann, &bob]);
    let refused = world.verify(&world.bob, "bob-s", NAME);
    assert!(refused.status == 409 && refused.text("hint").contains("free a week later"), "{}", refused.body);
    assert_eq!(api(&world.bob, "DELETE", &format!("/api/wikis/bob-s/domains/{NAME}"), &json!({})).status, 200);
    assert_eq!(world.status(NAME, "/"), 200, "giving up a claim takes nothing from anybody");
    assert_eq!(world.claim(&world.bob, "bob-s", NAME).status, 409, "no new claim either");
    // Somebody else's wiki is nobody's business.
    for (method, path, body) in [
        ("GET", "/api/wikis/alice/domains".to_string(), json!({})),
        ("POST", "/api/wikis/alice/domains".to_string(), json!({"domain": "x.example.org"})),
        ("POST", format!("/api/wikis/alice/domains/{NAME}/verify"), json!({})),
        ("PATCH", format!("/api/wikis/alice/domains/{NAME}"), json!({"main": true})),
        ("DELETE", format!("/api/wikis/alice/domains/{NAME}"), json!({})),
    ] {
        assert_eq!(api(&world.bob, method, &path, &body).status, 403, "{method} {path}");
        assert_eq!(api(&world.bob, method, &path.replace("alice", "nothing"), &body).status, 404, "{method} {path}");
        let stranger = world.platform.at(DOMAIN);
        assert_eq!(stranger.send(method, &path, &[("Origin", "http://example.test")], b"{}").unwrap().status, 401, "{method} {path}");
    }
    // One name in this plan; and what is no name, or not for the taking.
    assert_eq!(world.claim(&world.ann, "alice", "more.example.org").status, 403);
    for bad in [
        "",
        "wiki",
        "127.0.0.1",
        "[::1]",
        "localhost",
        "x.local",
        DOMAIN,
        "bob-s.example.test",
        "a.b.example.test",
        "https://a.org",
        "a.org:80",
        "*.a.org",
    ] {
        assert_eq!(world.claim(&world.bob, "bob-s", bad).status, 400, "{bad}");
    }
    assert_eq!(api(&world.bob, "POST", "/api/wikis/bob-s/domains", &json!({})).status, 400);
    // What is claimed and not verified is no address.
    assert_eq!(world.claim(&world.bob, "bob-s", "other.example.org").status, 201);
    assert_eq!(api(&world.bob, "PATCH", "/api/wikis/bob-s/domains/other.example.org", &json!({"main": true})).status, 400);
    // A token to look may look.
    let made = world.ann.post("/app/account/tokens", &[("label", "x"), ("scope", "read")]).unwrap().body_text();
    let token = made.split("<code>").nth(1).unwrap().split('<').next().unwrap().to_string();
    let client = world.platform.at(DOMAIN);
    assert_eq!(with_token(&client, &token, "GET", "/api/wikis/alice/domains", "").status, 200);
    assert_eq!(with_token(&client, &token, "DELETE", &format!("/api/wikis/alice/domains/{NAME}"), "").status, 403);
}

#[test]
fn a_lost_name_is_warned_of_and_then_somebody_elses() {
    let sink = Sink::start();
    let mail = ["--smtp-url", &sink.url, "--mail-from", "holt@example.test"];
    let mut world = World::with(&mail);
    world.own(&world.ann, "alice", NAME);
    let bob = world.proof_of_rival();
    // Bob moves in: his text is there, Ann's is not. It is hers for another week, and she hears of it at once.
    world.dns.set(&format!("_holt.{NAME}"), &[&bob]);
    assert_eq!(world.verify(&world.bob, "bob-s", NAME).status, 409);
    let warned = sink.newest(1, "ann@example.org");
    assert!(warned.text().contains(NAME) && warned.text().contains("/app/wiki/alice"), "{}", warned.text());
    assert_eq!((world.status(NAME, "/"), world.state("alice").as_str()), (200, Some("lost")));
    // A day later it is looked at again, and nobody is told the same twice; what cannot be found out takes nothing away.
    let asked = world.dns.asked();
    world.while_stopped("UPDATE domains SET checked = checked - 86400", &mail);
    world.until("a look", || world.dns.asked() > asked);
    world.dns.behave(DnsConduct::Fails);
    let asked = world.dns.asked();
    world.while_stopped("UPDATE domains SET checked = checked - 86400, lost = lost - 8 * 86400", &mail);
    world.until("a look", || world.dns.asked() >= asked + 2);
    assert_eq!(world.status(NAME, "/"), 200);
    // A week later it ends.
    world.dns.behave(DnsConduct::Answers);
    world.while_stopped("UPDATE domains SET checked = checked - 86400", &mail);
    world.until("the end", || world.status(NAME, "/") == 404);
    assert!(!world.certified(NAME));
    let ended = sink.newest(2, "ann@example.org");
    assert!(ended.header("Subject").contains("has ended"), "{}", ended.raw);
    assert_eq!(world.state("alice").as_str(), Some("claimed"));
    assert_eq!(world.verify(&world.bob, "bob-s", NAME).status, 200, "now it is Bob's");
    // His wiki is private: a stranger is sent to its log-in, and Ann's pages are not there.
    assert_eq!(world.platform.at(NAME).get("/Home").header("location"), Some("/-/login?next=%2FHome"));
    assert_eq!(world.verify(&world.ann, "alice", NAME).status, 400);
    assert_eq!(sink.all().len(), 2, "{:#?}", sink.all());
}

impl World {
    /// Bob's claim to a name that is Ann's can only stem from before it was hers: here it is made in the database.
    fn proof_of_rival(&self) -> String {
        let db = rusqlite::Connection::open(self.platform.data.path().join("holt.db")).unwrap();
        let sql = "INSERT INTO domains (wiki, name, token, created) SELECT id, 'wiki.example.org', 'rival', unixepoch() FROM wikis WHERE slug = 'bob-s'";
        db.execute(sql, []).unwrap();
        "holt-verification=rival".to_string()
    }
}

#[test]
fn what_nobody_can_find_out_ends_after_a_month() {
    let mut world = World::new();
    world.own(&world.ann, "alice", NAME);
    world.dns.behave(DnsConduct::Fails);
    let asked = world.dns.asked();
    world.while_stopped("UPDATE domains SET checked = checked - 86400, proven = proven - 29 * 86400", &[]);
    world.until("a look", || world.dns.asked() >= asked + 2);
    assert_eq!(world.status(NAME, "/"), 200);
    world.while_stopped("UPDATE domains SET checked = checked - 86400, proven = proven - 2 * 86400", &[]);
    world.until("the end", || world.status(NAME, "/") == 404);
}

#[test]
fn claims_end_and_names_go_with_their_wiki() {
    let mut world = World::new();
    let proof = world.proof(&world.bob, "bob-s", "other.example.org");
    world.own(&world.ann, "alice", NAME);
    world.while_stopped("UPDATE domains SET created = created - 8 * 86400", &[]);
    assert_eq!(look(&world.bob, "/api/wikis/bob-s/domains").body["domains"], json!([]), "a claim of last week");
    assert_eq!(world.status(NAME, "/"), 200, "a name is none");
    assert_ne!(world.proof(&world.bob, "bob-s", "other.example.org"), proof, "the next claim is a new one");
    // A deleted wiki answers nowhere, and comes back everywhere.
    assert_eq!(api(&world.ann, "DELETE", "/api/wikis/alice", &json!({})).status, 200);
    assert!(world.status(NAME, "/") == 404 && !world.certified(NAME));
    assert_eq!(api(&world.ann, "POST", "/api/wikis/alice/restore", &json!({})).status, 200);
    assert!(world.status(NAME, "/") == 200 && world.certified(NAME));
    let olga = world.platform.person("Olga");
    for (act, status) in [("suspend", 503), ("resume", 200)] {
        assert_eq!(olga.post("/app/admin/wiki/alice", &[("act", act)]).unwrap().status, 303);
        assert_eq!(world.status(NAME, "/"), status, "{act}");
    }
    // Removed for good, its name is free.
    world.platform.server.stop();
    assert_eq!(Server::command(world.platform.data.path(), &["wiki", "delete", "alice", "--yes"]).0, 0);
    world.started(&[]);
    assert_eq!(world.status(NAME, "/"), 404);
    let freed = api(&world.bob, "DELETE", "/api/wikis/bob-s/domains/other.example.org", &json!({}));
    assert_eq!((freed.status, world.claim(&world.bob, "bob-s", NAME).status), (200, 201));
}

#[test]
fn one_logs_in_at_a_domain_of_its_own() {
    let world = World::new();
    world.own(&world.ann, "alice", NAME);
    world.own(&world.bob, "bob-s", "bob.example.org");
    let wiki = world.platform.at(NAME);
    let form = wiki.get("/-/login?next=/Home");
    assert!(form.body_text().contains("/-/login/platform?next=%2FHome"), "{}", form.body_text());
    let arrived = travel(&world.ann, &wiki, "/Home");
    assert_eq!((arrived.status, arrived.header("location")), (303, Some("/Home")), "{}", arrived.body_text());
    for (_, cookie) in arrived.headers.iter().filter(|(name, _)| name == "set-cookie") {
        assert!(cookie.contains("HttpOnly") && !cookie.to_lowercase().contains("domain="), "{cookie}");
    }
    assert_eq!(wiki.get("/-/settings").status, 200);
    // Whoever has to log in or to agree first is led there by forms: their pages name it, and no other.
    let left = world.platform.at(NAME).get("/-/login/platform?next=/Home");
    let way = path_at(&left, DOMAIN).to_string();
    let policy = |answer: &crate::client::Answer| answer.header("content-security-policy").unwrap().to_string();
    let asked = world.bob.get(&way);
    assert!(asked.status == 200 && asked.body_text().contains(&format!("http://{NAME}")), "{}", asked.body_text());
    assert!(policy(&asked).contains(&format!("form-action 'self' http://*.{DOMAIN} http://{NAME};")), "{}", policy(&asked));
    let stranger = world.platform.at(DOMAIN);
    let to_login = stranger.get(&way);
    let login = stranger.get(to_login.header("location").unwrap());
    assert!(policy(&login).contains(&format!("http://*.{DOMAIN} http://{NAME};")), "{}", policy(&login));
    assert!(!policy(&stranger.get("/auth/login")).contains(NAME));
    // Nobody is led to a name that is not the wiki's.
    let challenge = "0".repeat(64);
    for at in ["bob.example.org", "evil.com", "x.wiki.example.org", "wiki.example.org@evil.com", "127.0.0.1", "wiki.example.org/x"] {
        let at: String = at.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let refused = world.ann.get(&format!("/auth/wiki?wiki=alice&challenge={challenge}&next=/&at={at}"));
        assert_eq!(refused.status, 422, "{at}: {}", refused.body_text());
    }
    // The cookie is good there alone: whoever has the name next is sent it.
    let cookie = wiki.cookie_of("holt_session");
    let at = |host: &str| {
        let settings = world.platform.at(host).send("GET", "/-/settings", &[("Cookie", &format!("holt_session={cookie}"))], b"");
        settings.unwrap().status
    };
    assert_eq!((at(NAME), at(&format!("alice.{DOMAIN}"))), (200, 303));
    // A name whose record is missing may be somebody else's by now: pages are shown there, and nobody is sent there with a code.
    world.dns.set(&format!("_holt.{NAME}"), &[]);
    assert_eq!(world.verify(&world.ann, "alice", NAME).status, 400);
    assert_eq!(world.ann.get(&way).status, 422);
    assert_eq!(at(NAME), 303, "and sessions that were begun there are over");
    let lost = world.platform.at(NAME);
    assert_eq!((lost.get("/").status, lost.get("/-/login/platform?next=/Home").status), (200, 404));
}

#[test]
fn siblings_of_a_domain_are_strangers() {
    let world = World::new();
    world.own(&world.ann, "alice", NAME);
    world.own(&world.bob, "bob-s", "bob.example.org");
    let (at_name, at_slug) = (world.platform.at(NAME), world.platform.at_wiki("alice"));
    for wiki in [&at_name, &at_slug] {
        assert_eq!(travel(&world.ann, wiki, "/Home").status, 303);
        wiki.refresh_csrf();
    }
    // A page of a sibling, of the wiki's other name, or of the platform sends a form with everything that Ann's browser would add.
    let csrf = at_name.csrf();
    let save = |origin: &str| {
        let body = format!("csrf_token={csrf}&content=pwned&commit_message=x");
        let headers = [("Origin", origin), ("Content-Type", "application/x-www-form-urlencoded")];
        at_name.send("POST", "/Sibling/save", &headers, body.as_bytes()).unwrap().status
    };
    for origin in [
        "http://bob.example.org",
        "http://example.org",
        "http://alice.example.test",
        "http://example.test",
        "http://wiki.example.org:1",
        "null",
    ] {
        assert_eq!(save(origin), 403, "{origin}");
    }
    assert_eq!(save(&format!("http://{NAME}")), 303, "the control");
    // And from the domain to the platform, where Ann is logged in, too.
    let body = format!("csrf_token={}&slug=alice", world.ann.csrf());
    let headers = [("Origin", "http://wiki.example.org"), ("Content-Type", "application/x-www-form-urlencoded")];
    assert_eq!(world.ann.send("POST", "/app/wiki/alice/delete", &headers, body.as_bytes()).unwrap().status, 403);
    // What opens Ann's wiki opens nothing of Bob's, wherever it is sent.
    for host in ["bob.example.org", "bob-s.example.test"] {
        let mut tossed = at_name.clone();
        tossed.host = host.to_string();
        assert_eq!(tossed.get("/Home").status, 303, "{host}");
    }
    // Logged out at the platform is logged out at the domain.
    assert_eq!(world.ann.post("/auth/logout", &[]).unwrap().status, 303);
    assert_eq!(at_name.get("/-/settings").status, 303);
}

#[test]
fn other_names_lead_to_the_address() {
    let world = World::new();
    world.platform.server.client();
    world.own(&world.ann, "alice", NAME);
    let slug = format!("alice.{DOMAIN}");
    let set = |main: bool| api(&world.ann, "PATCH", &format!("/api/wikis/alice/domains/{NAME}"), &json!({"main": main}));
    assert_eq!(set(true).status, 200);
    assert_eq!(look(&world.ann, "/api/wikis/alice").body["wiki"]["url"], format!("http://{NAME}/"));
    let keep = "public, max-age=300";
    for (asked, path, to, kept) in [
        // What caches do not know answers by is in none that they keep (security.md CDN-6).
        (slug.clone(), "/Home?x=%C3%A4", format!("//{NAME}/Home?x=%C3%A4"), "no-store"),
        (format!("{slug}:8080"), "/", format!("//{NAME}:8080/"), "no-store"),
        (slug.clone(), "//evil.com/", format!("//{NAME}//evil.com/"), keep),
        (slug.clone(), "/-/login", format!("//{NAME}/-/login"), keep),
    ] {
        let answer = world.platform.at(&asked).get(path);
        assert_eq!((answer.status, answer.header("location")), (301, Some(to.as_str())), "{asked}{path}");
        assert_eq!(answer.header("cache-control"), Some(kept), "{asked}{path}");
    }
    assert_eq!(world.status(NAME, "/"), 200, "no circles");
    // Programs, forms and whoever is on the way back are answered where they are.
    assert_eq!(look(&world.platform.at(&slug), "/api/v1/pages/Home").status, 200);
    assert_eq!(world.platform.at(&slug).get("/-/healthz").status, 200);
    assert_eq!(world.platform.at(&slug).get("/-/login/arrive?code=x").status, 400);
    assert_eq!(world.platform.at(&slug).post("/-/login", &[("email", "x")]).unwrap().status, 403);
    assert!(world.platform.at(&slug).get("/mcp").status != 301 && world.platform.at(&slug).get("/.git/info/refs").status == 404);
    // One that is off the air says nothing of where it was.
    let olga = world.platform.person("Olga");
    assert_eq!(olga.post("/app/admin/wiki/alice", &[("act", "suspend")]).unwrap().status, 303);
    assert_eq!((world.status(&slug, "/"), world.status(NAME, "/")), (503, 503));
    assert_eq!(olga.post("/app/admin/wiki/alice", &[("act", "resume")]).unwrap().status, 303);
    assert_eq!((world.status(&slug, "/"), world.status(NAME, "/")), (301, 200));
    assert_eq!(set(false).status, 200);
    assert_eq!((world.status(&slug, "/"), world.status(NAME, "/")), (200, 200));
    // By the page, and with the name goes the address.
    let form = world.ann.post("/app/wiki/alice/domains", &[("act", "main"), ("domain", NAME)]).unwrap();
    assert_eq!((form.status, world.status(&slug, "/")), (303, 301), "{}", form.body_text());
    let page = world.ann.get("/app/wiki/alice").body_text();
    assert!(page.contains(&format!("href=\"http://{NAME}/\"")) && page.contains("The wiki’s address"), "{page}");
    assert_eq!(world.ann.post("/app/wiki/alice/domains", &[("act", "remove"), ("domain", NAME)]).unwrap().status, 303);
    assert_eq!((world.status(&slug, "/"), world.status(NAME, "/")), (200, 404));
    let again = world.ann.post("/app/wiki/alice/domains", &[("act", "add"), ("domain", NAME)]).unwrap();
    assert_eq!(again.status, 303);
    let page = world.ann.get("/app/wiki/alice").body_text();
    assert!(page.contains("_holt.wiki.example.org. TXT") && page.contains("holt-verification="), "{page}");
    let refused = world.ann.post("/app/wiki/alice/domains", &[("act", "verify"), ("domain", NAME)]).unwrap();
    assert!(refused.status == 422 && refused.body_text().contains("There is no TXT record"), "{}", refused.body_text());
}

#[test]
fn operators_have_commands() {
    let mut world = World::new();
    world.platform.server.stop();
    let data = world.platform.data.path().to_path_buf();
    let dns = world.dns.address().to_string();
    let run = |args: &[&str]| Server::command(&data, args);
    assert_eq!(run(&["plan", "set", "free", "--domains", "2"]).0, 0);
    let (code, added, error) = run(&["domain", "add", "alice", "Wiki.Example.org"]);
    assert!(code == 0 && added.contains("_holt.wiki.example.org. TXT \"holt-verification="), "{added}{error}");
    let proof = added.split('"').nth(1).unwrap();
    let (code, _, error) = run(&["domain", "verify", "alice", NAME, "--resolver", &dns]);
    assert!(code == 1 && error.contains("no TXT record"), "{error}");
    world.dns.set(&format!("_holt.{NAME}"), &[proof]);
    assert_eq!(run(&["domain", "verify", "alice", NAME, "--resolver", &dns]).0, 0);
    assert_eq!(run(&["domain", "main", "alice", NAME]).0, 0);
    let listed: Value = serde_json::from_str(&run(&["domain", "list", "--json"]).1).unwrap();
    assert_eq!(
        (listed["domains"][0]["state"].as_str(), listed["domains"][0]["main"].as_bool()),
        (Some("verified"), Some(true)),
        "{listed}"
    );
    world.dns.set(&format!("_holt.{NAME}"), &[]);
    let db = rusqlite::Connection::open(data.join("holt.db")).unwrap();
    db.execute("UPDATE domains SET checked = checked - 86400", []).unwrap();
    drop(db);
    let (code, said, error) = run(&["domain", "check", "--resolver", &dns]);
    assert!(code == 0 && said.contains("its record is missing"), "{said}{error}");
    assert!(run(&["domain", "list", "--wiki", "alice"]).1.contains("lost (address)"));
    // Derived data made anew leads to the same place.
    std::fs::remove_dir_all(data.join("fragments")).unwrap();
    assert_eq!(run(&["reindex"]).0, 0);
    world.started(&[]);
    assert_eq!((world.status(&format!("alice.{DOMAIN}"), "/"), world.status(NAME, "/")), (200, 200), "nobody is led to a doubtful name");
    world.dns.set(&format!("_holt.{NAME}"), &[proof]);
    assert_eq!(world.verify(&world.ann, "alice", NAME).status, 200);
    assert_eq!((world.status(&format!("alice.{DOMAIN}"), "/"), world.status(NAME, "/")), (301, 200));
    world.platform.server.stop();
    assert_eq!(run(&["domain", "main", "alice"]).0, 0);
    assert_eq!(run(&["domain", "remove", "alice", NAME]).0, 0);
    assert_eq!(run(&["domain", "remove", "alice", NAME]).0, 1);
    world.started(&[]);
    assert_eq!((world.status(&format!("alice.{DOMAIN}"), "/"), world.status(NAME, "/")), (200, 404));
}

#[test]
fn links_lead_to_a_name_only_while_it_is_shown_to_be_ones_own() {
    let sink = Sink::start();
    let world = World::with(&["--smtp-url", &sink.url, "--mail-from", "holt@example.test"]);
    world.own(&world.ann, "alice", NAME);
    let wiki = world.platform.at(NAME);
    assert_eq!(travel(&world.ann, &wiki, "/Home").status, 303);
    wiki.refresh_csrf();
    let issuer = || look(&world.platform.at(NAME), "/.well-known/oauth-authorization-server").text("issuer");
    let invited = |count: usize| {
        let email = format!("guest{count}@example.org");
        let made = wiki.post("/-/admin/invitations", &[("email", &email), ("allow_read", "1")]).unwrap();
        assert!(made.status < 400, "{}", made.body_text());
        sink.wait(count).into_iter().find(|mail| mail.to == [email.as_str()]).unwrap().link("http://")
    };
    assert_eq!(issuer(), format!("http://{NAME}"));
    assert!(invited(1).starts_with(&format!("http://{NAME}/-/invite/")));
    // Whoever has the name now shall not get what opens the wiki. Ann hears of it, too.
    world.dns.set(&format!("_holt.{NAME}"), &[]);
    assert_eq!(world.verify(&world.ann, "alice", NAME).status, 400);
    sink.newest(2, "ann@example.org");
    // She was logged out there, and does not mind to log in again.
    wiki.log_in("ann@example.org", crate::api::PASSWORD);
    wiki.refresh_csrf();
    assert_eq!(issuer(), format!("http://alice.{DOMAIN}"));
    assert!(invited(3).starts_with(&format!("http://alice.{DOMAIN}/-/invite/")));
}
