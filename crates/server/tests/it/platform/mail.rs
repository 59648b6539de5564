//! Mail that the platform sends, against a real mail server: accounts, lost passwords, addresses, deleted wikis.

use super::{DOMAIN, PASSWORD, Platform, api, log_in, look};
use crate::client::{Answer, Client, Server, until};
use crate::smtp::Sink;
use holt_engine::directory::{Identity, PlatformScope};
use serde_json::json;

struct World {
    platform: Platform,
    sink: Sink,
}

impl World {
    fn new(more: &[&str]) -> Self {
        let sink = Sink::start();
        let mail = ["--smtp-url", &sink.url, "--mail-from", "holt@example.test", "--sign-up", "open"];
        Self { platform: Platform::start_with(&[&mail, more].concat(), |_| {}), sink }
    }
    fn at(&self) -> Client {
        self.platform.at(DOMAIN)
    }
    /// Sends the form that asks for a mail.
    fn ask(&self, client: &Client, path: &str, email: &str) -> Answer {
        client.use_token(&client.get(path));
        client.post(path, &[("email", email)]).unwrap()
    }
}

const NEW: [(&str, &str); 3] = [("name", "Nina"), ("password1", "correct horse battery"), ("password2", "correct horse battery")];

#[test]
fn an_account_is_made_by_whoever_reads_the_mail() {
    let world = World::new(&[]);
    let client = world.at();
    let asked = world.ask(&client, "/auth/register", "Nina@Example.org");
    assert!(asked.status == 200 && asked.body_text().contains("is on its way"), "{}", asked.body_text());
    assert_eq!(client.get("/app").status, 303, "nobody is logged in");
    assert_eq!(log_in(&world.at(), "Nina", "/app").status, 422, "there is no account yet");
    let mail = world.sink.newest(1, "nina@example.org");
    let link = mail.link(&format!("http://{DOMAIN}/auth/register/"));
    let path = link.strip_prefix(&format!("http://{DOMAIN}")).unwrap();
    // Looking changes nothing, and whatever is wrong with the form does not use the link up.
    let form = client.get(path);
    assert!(form.status == 200 && form.body_text().contains("nina@example.org"), "{}", form.body_text());
    client.use_token(&form);
    for wrong in
        [[("name", ""), NEW[1], NEW[2]], [NEW[0], ("password1", "short"), ("password2", "short")], [NEW[0], NEW[1], ("password2", "x")]]
    {
        assert_eq!(client.post(path, &wrong).unwrap().status, 422);
    }
    let stolen = client.send("POST", path, &[("Origin", "http://evil.com")], b"").unwrap();
    assert_eq!(stolen.status, 403);
    let made = client.post(path, &NEW).unwrap();
    assert_eq!((made.status, made.header("location")), (303, Some("/app")), "{}", made.body_text());
    assert_eq!(look(&client, "/api/me").text("handle"), "nina@example.org");
    // Once, and the address is known to be hers: an owner may make her a member.
    assert_eq!(client.get(path).status, 404);
    assert_eq!(client.get("/auth/register/nonsense").status, 404);
    let ann = world.platform.person("Ann");
    world.platform.wiki(&ann, "alice");
    assert_eq!(api(&ann, "PUT", "/api/wikis/alice/members/nina@example.org", &json!({"read": true})).status, 200);
}

#[test]
fn nobody_learns_who_has_an_account() {
    let world = World::new(&[]);
    for (path, to_strangers) in [("/auth/register", true), ("/auth/lost-password", false)] {
        let before = world.sink.all().len();
        let (known, unknown) = (world.ask(&world.at(), path, "ann@example.org"), world.ask(&world.at(), path, "zoe@example.org"));
        let strip = |answer: &Answer| answer.body_text().replace(&answer.field("csrf_token"), "");
        assert_eq!((known.status, strip(&known)), (unknown.status, strip(&unknown)), "{path}");
        let names = |answer: &Answer| answer.headers.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&known), names(&unknown), "{path}");
        assert_eq!(world.sink.wait(before + 1 + usize::from(to_strangers)).len(), before + 1 + usize::from(to_strangers), "{path}");
    }
    let known = world.sink.all().into_iter().find(|mail| mail.to == ["ann@example.org"]).unwrap();
    assert!(
        known.header("Subject").contains("You have an account already") && !known.text().contains("/auth/register/"),
        "{}",
        known.text()
    );
    // What somebody typed about themselves goes to nobody.
    let spam = world.ask(&world.at(), "/auth/register", "Buy this <zoe@example.org>");
    assert_eq!(spam.status, 422);
    for bad in ["", "nobody", "zoe@example.org\r\nBcc: eve@example.org"] {
        assert_eq!(world.ask(&world.at(), "/auth/register", bad).status, 422, "{bad:?}");
    }
}

#[test]
fn a_forgotten_password_is_replaced_once() {
    let world = World::new(&[]);
    let (ann, client) = (world.platform.person("Ann"), world.at());
    world.platform.wiki(&ann, "alice");
    let inside = world.platform.enter(&ann, "alice");
    assert!(client.get("/auth/login").body_text().contains("/auth/lost-password"));
    assert_eq!(world.ask(&client, "/auth/lost-password", "ann@example.org").status, 200);
    let link = world.sink.newest(1, "ann@example.org").link("/auth/new-password/");
    assert_eq!(world.ask(&client, "/auth/lost-password", "ann@example.org").status, 200);
    let other = world.sink.newest(2, "ann@example.org").link("/auth/new-password/");
    client.use_token(&client.get(&link));
    assert_eq!(client.post(&link, &[("password1", "a new password"), ("password2", "another one")]).unwrap().status, 422);
    let done = client.post(&link, &[("password1", "a new password"), ("password2", "a new password")]).unwrap();
    assert!(done.status == 200 && done.body_text().contains("Log in with it"), "{}", done.body_text());
    // Everybody who was in is out, in wikis, too; the old password and the other link are good for nothing.
    assert_eq!((ann.get("/app").status, inside.get("/-/settings").status), (303, 303));
    assert_eq!(log_in(&world.at(), "Ann", "/app").status, 422, "{PASSWORD}");
    for dead in [&link, &other] {
        assert_eq!(client.get(dead).status, 404);
        assert_eq!(client.post(dead, &[("password1", "a third one"), ("password2", "a third one")]).unwrap().status, 404);
    }
    let again = world.at();
    again.use_token(&again.get("/auth/login"));
    assert_eq!(again.post("/auth/login", &[("email", "ann@example.org"), ("password", "a new password")]).unwrap().status, 303);
}

#[test]
fn mail_is_asked_for_only_so_often() {
    let world = World::new(&["--rate-limit", "on"]);
    let client = world.at();
    let statuses: Vec<u16> = (0..4).map(|_| world.ask(&client, "/auth/lost-password", "ann@example.org").status).collect();
    assert_eq!(statuses, [200, 200, 200, 429]);
    // The same for an address that nobody has; and the two ways share the limit.
    let statuses: Vec<u16> = (0..4).map(|_| world.ask(&client, "/auth/register", "zoe@example.org").status).collect();
    assert_eq!(statuses, [200, 200, 200, 429]);
    assert_eq!(world.ask(&client, "/auth/register", "ann@example.org").status, 429);
    assert_eq!(log_in(&world.at(), "Ann", "/app").status, 303, "asking for mail keeps nobody from logging in");
}

#[test]
fn an_address_is_confirmed_from_the_account() {
    let world = World::new(&[]);
    let mut platform = world.platform;
    let ann = platform.person("Ann");
    assert!(!ann.get("/app/account").body_text().contains("/app/account/confirm"), "hers is confirmed");
    platform.server.stop();
    let engine = crate::api::engine(platform.data.path());
    let id = engine.directory().user_by_email("ann@example.org").unwrap().unwrap().id;
    engine.directory().doubt_email(id).unwrap();
    drop(engine);
    let flags = ["--domain", DOMAIN, "--smtp-url", &world.sink.url, "--mail-from", "holt@example.test"];
    platform.server = Server::start(platform.data.path(), &flags);
    let (ann, bob) = (ann.moved(&platform.server), platform.person("Bob"));
    ann.use_token(&ann.get("/app/account"));
    assert_eq!(ann.post("/app/account/confirm", &[]).unwrap().status, 200);
    let link = world.sink.newest(1, "ann@example.org").link("/auth/confirm/");
    // Whoever reads the mail and has not made the account would say that somebody else's is theirs.
    let elsewhere = platform.at(DOMAIN);
    let form = elsewhere.get(&link);
    assert!(form.status == 200 && form.body_text().contains("Log in to confirm your address."), "{}", form.body_text());
    elsewhere.use_token(&form);
    assert_eq!(elsewhere.post(&link, &[]).unwrap().status, 403);
    bob.use_token(&bob.get(&link));
    let refused = bob.post(&link, &[]).unwrap();
    assert!(refused.status == 403 && refused.body_text().contains("for another account"), "{}", refused.body_text());
    assert!(ann.get("/app/account").body_text().contains("/app/account/confirm"), "looking confirms nothing");
    ann.use_token(&ann.get(&link));
    let confirmed = ann.post(&link, &[]).unwrap();
    assert_eq!((confirmed.status, confirmed.header("location")), (303, Some("/app/account?saved=1")), "{}", confirmed.body_text());
    assert!(!ann.get("/app/account").body_text().contains("/app/account/confirm"));
    assert_eq!(elsewhere.get(&link).status, 404);
    // Sign-up is closed here: no link makes an account.
    assert_eq!(elsewhere.get("/auth/register/x").status, 403);
}

/// An account that a stranger made in a wiki, in the name of an address that is not theirs.
#[test]
fn who_reads_the_mail_has_the_account_and_whoever_made_it_has_nothing() {
    const EMAIL: &str = "squat@example.org";
    let world = World::new(&[]);
    let ann = world.platform.person("Ann");
    world.platform.wiki(&ann, "alice");
    let stranger = world.platform.at_wiki("alice");
    stranger.use_token(&stranger.get("/-/register"));
    let account = [("name", "Squat"), ("email", EMAIL), ("password1", PASSWORD), ("password2", PASSWORD)];
    assert_eq!(stranger.post("/-/register", &account).unwrap().status, 200);
    // The password alone opens nothing at the platform: the mail does.
    let at_platform = world.at();
    let refused = log_in(&at_platform, "Squat", "/app");
    assert!(refused.status == 403 && refused.body_text().contains("on its way to it"), "{}", refused.body_text());
    assert_eq!(at_platform.get("/app").status, 303);
    let mut link = String::new();
    until("a mail", || {
        let all = world.sink.all();
        let mail = all.iter().find(|mail| mail.to == [EMAIL] && mail.text().contains("/auth/new-password/")).ok_or("none yet")?;
        link = mail.link("/auth/new-password/");
        Ok(())
    });
    // What such a stranger could have had from before mail could be sent.
    let mut platform = world.platform;
    platform.server.stop();
    let engine = crate::api::engine(platform.data.path());
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs().cast_signed();
    let directory = engine.directory();
    let id = directory.user_by_email(EMAIL).unwrap().unwrap().id;
    let token = directory.make_platform_token(id, PlatformScope::Manage, "t", None, now).unwrap().expose().to_string();
    let session = directory.create_session(id, None, now).unwrap().expose().to_string();
    let identity = Identity { provider: "atproto", subject: "did:plc:squat" };
    directory.add_identity(id, identity, now).unwrap();
    drop(engine);
    let flags = ["--domain", DOMAIN, "--smtp-url", &world.sink.url, "--mail-from", "holt@example.test"];
    platform.server = Server::start(platform.data.path(), &flags);
    let with = |token: &str| super::with_token(&platform.at(DOMAIN), token, "GET", "/api/me", "").status;
    let cookie = format!("holt_session={session}");
    let with_cookie = || platform.at(DOMAIN).send("GET", "/api/me", &[("Cookie", &cookie)], b"").unwrap().status;
    assert_eq!((with(&token), with_cookie()), (200, 200));
    let owner = platform.at(DOMAIN);
    owner.use_token(&owner.get(&link));
    let chosen = owner.post(&link, &[("password1", "a better password"), ("password2", "a better password")]).unwrap();
    assert_eq!(chosen.status, 200, "{}", chosen.body_text());
    assert_eq!((with(&token), with_cookie()), (401, 401));
    owner.use_token(&owner.get("/auth/login"));
    assert_eq!(owner.post("/auth/login", &[("email", EMAIL), ("password", "a better password")]).unwrap().status, 303);
    assert!(!owner.get("/app/account").body_text().contains("did:plc:squat"));
    platform.server.stop();
    let engine = crate::api::engine(platform.data.path());
    assert_eq!(engine.directory().user_by_identity(identity).unwrap(), None);
}

/// Security.md HDR-4, down to the port.
#[test]
fn nobody_chooses_the_port_of_a_link() {
    let world = World::new(&[]);
    let listening = world.platform.server.address().port();
    for (port, expected) in [(8443, String::new()), (listening, format!(":{listening}"))] {
        let before = world.sink.all().len();
        let client = world.platform.at(&format!("{DOMAIN}:{port}"));
        assert_eq!(world.ask(&client, "/auth/lost-password", "ann@example.org").status, 200);
        let mail = world.sink.newest(before + 1, "ann@example.org");
        assert!(mail.text().contains(&format!("http://{DOMAIN}{expected}/auth/new-password/")), "{port}: {}", mail.text());
    }
}

#[test]
fn owners_hear_of_a_wiki_that_was_deleted() {
    let world = World::new(&[]);
    let ann = world.platform.person("Ann");
    world.platform.wiki(&ann, "alice");
    assert_eq!(api(&ann, "DELETE", "/api/wikis/alice", &json!({})).status, 200);
    let mail = world.sink.newest(1, "ann@example.org");
    assert!(mail.text().contains("alice") && mail.text().contains(&format!("http://{DOMAIN}/app/wiki/alice")), "{}", mail.text());
}

#[test]
fn without_a_mail_server_there_is_no_mail() {
    let platform = Platform::start_with(&["--sign-up", "open"], |_| {});
    let client = platform.at(DOMAIN);
    assert!(!client.get("/auth/login").body_text().contains("lost-password"));
    client.use_token(&client.get("/auth/lost-password"));
    let refused = client.post("/auth/lost-password", &[("email", "ann@example.org")]).unwrap();
    assert!(refused.status == 422 && refused.body_text().contains("sends no mail"), "{}", refused.body_text());
    client.use_token(&client.get("/auth/register"));
    let fields = [&[("email", "nina@example.org")], NEW.as_slice()].concat();
    assert_eq!(client.post("/auth/register", &fields).unwrap().status, 303, "accounts are made as before");
}

/// As for the links of wikis (`isolation/mod.rs`).
#[test]
fn no_log_holds_a_secret_link_of_the_platform() {
    let dir = tempfile::tempdir().unwrap();
    Server::prepare(dir.path(), "docs");
    let log = dir.path().join("log");
    let mut server = Server::start_logged(Server::binary(), dir.path(), &["--domain", DOMAIN], "debug", &log);
    let client = server.client_at(DOMAIN);
    for start in ["/auth/register/", "/auth/new-password/", "/auth/confirm/", "/auth/lost-password?x=", "/nothing/"] {
        client.get(&format!("{start}zqxsecret"));
    }
    server.stop();
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("GET /auth/confirm/ ") && log.contains("GET /nothing/zqxsecret "), "{log}");
    assert_eq!(log.matches("zqxsecret").count(), 1, "the control alone: {log}");
}
