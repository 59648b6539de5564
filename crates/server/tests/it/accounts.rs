//! Accounts over the wire: mail that confirms and recovers, invitations, members, sessions, tokens, the log.

use crate::client::{Answer, Client, Server, until};
use crate::smtp::Sink;
use holt_engine::Clock;
use holt_engine::directory::{Delivery, Directory, NewInvitation, Purpose};
use std::path::Path;
use tempfile::TempDir;

const PASSWORD: &str = "correct horse";
const ANN: &str = "ann@example.org";
const BEN: &str = "ben@example.org";

/// A server with the wiki `docs` that sends its mail into the sink, and Ann, an operator.
fn docs(flags: &[&str]) -> (TempDir, Server, Client, Sink) {
    let dir = tempfile::tempdir().unwrap();
    Server::prepare(dir.path(), "docs");
    let sink = Sink::start();
    let (server, ann) = start(dir.path(), &sink.url, flags);
    (dir, server, ann, sink)
}

fn start(data: &Path, smtp: &str, flags: &[&str]) -> (Server, Client) {
    let flags = [&["--smtp-url", smtp, "--mail-from", "wiki@example.org"], flags].concat();
    let server = Server::start(data, &flags);
    let ann = server.client();
    ann.log_in(ANN, PASSWORD);
    (server, ann)
}

/// Sends a form after fetching it, with whatever token it carries.
fn send(client: &Client, form: &str, to: &str, fields: &[(&str, &str)]) -> Answer {
    client.use_token(&client.get(form));
    client.post(to, fields).unwrap()
}

fn register(server: &Server, name: &str, email: &str) -> (Client, Answer) {
    let client = server.client();
    let account = [("name", name), ("email", email), ("password1", PASSWORD), ("password2", PASSWORD)];
    let answer = send(&client, "/-/register", "/-/register", &account);
    (client, answer)
}

fn log_in(client: &Client, email: &str, password: &str) -> Answer {
    send(client, "/-/login", "/-/login", &[("email", email), ("password", password)])
}

/// Switches of the access form; all others are off.
fn switches(ann: &Client, on: &[&str]) {
    let fields: Vec<(&str, &str)> = on.iter().map(|name| (*name, "True")).collect();
    assert_eq!(ann.post("/-/admin/permissions_and_registration", &fields).unwrap().status, 303);
}

/// The id of a member.
fn id_of(ann: &Client, name: &str) -> String {
    let shown = ann.get("/-/admin/user_management").body_text();
    let before = shown.split(&format!("\">{name}</a>")).next().unwrap();
    assert_ne!(before.len(), shown.len(), "no member {name} in {shown}");
    before.rsplit("/-/user/").next().unwrap().to_string()
}

/// Everything but the tokens of forms.
fn without_tokens(answer: &Answer) -> String {
    answer.body_text().lines().filter(|line| !line.contains("csrf_token")).collect::<Vec<_>>().join("\n")
}

/// What stands in `<code>` in the first green box.
fn shown_secret(answer: &Answer) -> String {
    let text = answer.body_text();
    text.split("alert-success")
        .nth(1)
        .and_then(|rest| rest.split("<code>").nth(1))
        .unwrap_or_else(|| panic!("{text}"))
        .split('<')
        .next()
        .unwrap()
        .to_string()
}

#[test]
fn an_address_is_confirmed_before_the_first_log_in() {
    let (_dir, mut server, ann, sink) = docs(&[]);
    switches(&ann, &["email_needs_confirmation", "notify_admins_on_register", "notify_user_on_approval"]);
    let (ben, registered) = register(&server, "Ben Reed", BEN);
    assert!(registered.status == 200 && registered.body_text().contains("on its way to ben@example.org"), "{}", registered.body_text());
    let first = sink.newest(1, BEN);
    assert_eq!(first.header("From"), "wiki@example.org");
    assert_eq!(first.header("Subject"), "Confirm your address - docs");
    assert_eq!(first.header("Content-Type"), "text/plain; charset=utf-8");
    assert!(!first.raw.contains("Ben Reed"), "what a stranger typed is not sent to others");
    let refused = log_in(&ben, BEN, PASSWORD);
    assert_eq!(refused.status, 403);
    assert!(refused.body_text().contains("/-/request_confirmation_link/ben%40example%2Eorg"), "{}", refused.body_text());
    // Asking again says the same, whoever is asked for.
    let form = ben.get("/-/request_confirmation_link/ben%40example%2Eorg");
    assert_eq!((form.status, form.field("email")), (200, BEN.to_string()));
    assert_eq!(sink.all().len(), 1, "looking sends nothing");
    let ask = |email: &str| send(&ben, "/-/request_confirmation_link", "/-/request_confirmation_link", &[("email", email)]);
    let (known, unknown, confirmed) = (ask(BEN), ask("none@example.org"), ask(ANN));
    assert_eq!(known.status, 200);
    assert_eq!((without_tokens(&known), without_tokens(&known)), (without_tokens(&unknown), without_tokens(&confirmed)));
    let link = sink.newest(2, BEN).link("/-/confirm_email/");
    // Opening the link changes nothing: a button does.
    for _ in 0..2 {
        assert!(ben.get(&link).body_text().contains("Confirm</button>"));
    }
    assert_eq!(log_in(&ben, BEN, PASSWORD).status, 403);
    let done = send(&ben, &link, &link, &[]);
    assert!(done.status == 200 && done.body_text().contains("Your address is confirmed"), "{}", done.body_text());
    assert_eq!((ben.get(&link).status, ben.post(&link, &[]).unwrap().status), (404, 404), "used");
    let told = sink.newest(3, ANN);
    assert!(told.text().contains("Ben Reed <ben@example.org>") && told.text().contains("wait for your approval"), "{}", told.text());
    // Confirmed is not approved.
    let refused = log_in(&ben, BEN, PASSWORD);
    assert!(refused.status == 403 && refused.body_text().contains("not been approved"));
    let ben_id = id_of(&ann, "Ben Reed");
    ann.refresh_csrf();
    assert_eq!(ann.post("/-/admin/user_management", &[("is_approved", &ben_id)]).unwrap().status, 303);
    let approved = sink.newest(4, BEN);
    assert_eq!(approved.header("Subject"), "Your account is approved - docs");
    assert_eq!(log_in(&ben, BEN, PASSWORD).status, 303);
    server.stop();
    let to: Vec<String> = sink.all().into_iter().map(|mail| mail.to.concat()).collect();
    assert_eq!(to, [BEN, BEN, ANN, BEN], "one mail to administrators, none to strangers");
}

#[test]
fn a_forgotten_password_is_replaced_once() {
    let (dir, mut server, ann, sink) = docs(&[]);
    let (ben, _) = register(&server, "Ben Reed", BEN);
    let ben_id = id_of(&ann, "Ben Reed");
    assert_eq!(ann.post("/-/admin/user_management", &[("is_approved", &ben_id)]).unwrap().status, 303);
    assert_eq!(log_in(&ben, BEN, PASSWORD).status, 303);
    assert_eq!(ben.get("/-/settings").status, 200);
    let stranger = server.client();
    assert!(stranger.get("/-/login").body_text().contains("href=\"/-/lost_password\""));
    let ask = |email: &str| send(&stranger, "/-/lost_password", "/-/lost_password", &[("email", email)]);
    let (unknown, known) = (ask("none@example.org"), ask(" BEN@example.org "));
    assert_eq!((unknown.status, without_tokens(&unknown)), (200, without_tokens(&known)));
    assert_eq!(ask("no address").status, 422);
    let mail = sink.newest(1, BEN);
    let link = mail.link("/-/recover_password/");
    assert!(mail.text().contains(&format!("http://{}/-/recover_password/", stranger.host)), "{}", mail.text());
    assert_eq!(stranger.get(&link).status, 200);
    assert_eq!(ben.get("/-/settings").status, 200, "opening the link ends nothing");
    let choose = |first: &str, second: &str| send(&stranger, &link, &link, &[("password1", first), ("password2", second)]);
    assert_eq!(choose("short", "short").status, 422);
    assert_eq!(choose("battery staple", "battery stable").status, 422);
    let done = choose("battery staple", "battery staple");
    assert!(done.status == 200 && done.body_text().contains("Log in with it"), "{}", done.body_text());
    assert!(stranger.get("/-/me").body_text().contains("\"name\":null"), "nobody is logged in by a link");
    assert_eq!(ben.get("/-/settings").status, 303, "who was logged in is out");
    assert_eq!(stranger.get(&link).status, 404, "used");
    stranger.use_token(&stranger.get("/-/login"));
    assert_eq!(stranger.post(&link, &[("password1", "third password"), ("password2", "third password")]).unwrap().status, 404);
    assert_eq!(log_in(&ben, BEN, PASSWORD).status, 422);
    assert_eq!(log_in(&ben, BEN, "battery staple").status, 303);
    // Nor does it get around approval.
    ann.refresh_csrf();
    assert_eq!(ann.post("/-/admin/user_management", &[]).unwrap().status, 303);
    ask(BEN);
    let link = sink.newest(2, BEN).link("/-/recover_password/");
    assert_eq!(send(&stranger, &link, &link, &[("password1", "third password"), ("password2", "third password")]).status, 200);
    assert_eq!(log_in(&stranger, BEN, "third password").status, 403);
    server.stop();
    assert!(sink.all().iter().all(|mail| mail.to == [BEN]), "nobody else got mail");
    // A link of the day before yesterday.
    let directory = Directory::open(&dir.path().join("holt.db")).unwrap();
    let ben = directory.user_by_email(BEN).unwrap().unwrap();
    let old = directory.create_one_time(Purpose::PasswordReset, Some(ben.id), Clock::fixed(1_700_000_000).now()).unwrap();
    drop(directory);
    let (server, _) = start(dir.path(), &sink.url, &[]);
    assert_eq!(server.client().get(&format!("/-/recover_password/{}", old.expose())).status, 404);
}

#[test]
fn mail_can_be_asked_for_three_times() {
    let (_dir, mut server, _ann, sink) = docs(&["--rate-limit", "on"]);
    for email in [ANN, "none@example.org"] {
        let client = server.client();
        let statuses: Vec<u16> =
            (0..5).map(|_| send(&client, "/-/lost_password", "/-/lost_password", &[("email", email)]).status).collect();
        assert_eq!(statuses, [200, 200, 200, 429, 429], "{email}");
    }
    assert_eq!(log_in(&server.client(), ANN, PASSWORD).status, 303, "asking for mail keeps nobody out");
    server.stop();
    assert_eq!(sink.all().len(), 3);
}

#[test]
fn links_in_mail_lead_where_the_operator_says() {
    let (dir, mut server, _ann, sink) = docs(&[]);
    // Whoever asks chooses the `Host`; an address that is not this machine's is nobody's to vouch for.
    let mut eve = server.client();
    eve.host = "6.6.6.6:666".to_string();
    let refused = send(&eve, "/-/lost_password", "/-/lost_password", &[("email", ANN)]);
    assert!(refused.status == 422 && refused.body_text().contains("--domain"), "{}", refused.body_text());
    server.stop();
    assert!(sink.all().is_empty());
    let (mut server, _) =
        start(dir.path(), &sink.url, &["--domain", "wiki.example.org", "--default-wiki", "docs", "--public-port", "8443"]);
    for (host, origin) in [
        ("6.6.6.6:666", "http://docs.wiki.example.org/-/"),
        ("localhost:1", "http://docs.wiki.example.org/-/"),
        // Nor the port, but for the one that the operator names.
        ("docs.wiki.example.org:8444", "http://docs.wiki.example.org/-/"),
        ("DOCS.wiki.example.org:8443", "http://docs.wiki.example.org:8443/-/"),
        ("wiki.example.org", "http://wiki.example.org/-/"),
    ] {
        let before = sink.all().len();
        let mut client = server.client();
        client.host = host.to_string();
        assert_eq!(send(&client, "/-/lost_password", "/-/lost_password", &[("email", ANN)]).status, 200, "{host}");
        let text = sink.wait(before + 1).pop().unwrap().text();
        assert!(text.contains(origin) && !text.contains("6.6.6.6") && !text.contains("localhost"), "{host}: {text}");
    }
    server.stop();
}

#[test]
fn an_invitation_opens_a_closed_wiki_once() {
    let (dir, mut server, ann, sink) = docs(&[]);
    switches(&ann, &["disable_registration", "email_needs_confirmation"]);
    let private = [
        ("READ_access", "APPROVED"),
        ("WRITE_access", "ADMIN"),
        ("ATTACHMENT_access", "ADMIN"),
        ("disable_registration", "True"),
        ("email_needs_confirmation", "True"),
    ];
    assert_eq!(ann.post("/-/admin/permissions_and_registration", &private).unwrap().status, 303);
    ann.save("Secret", "hush", "");
    // By mail: nobody but Ben has the link, and accepting it confirms his address.
    let sent = ann.post("/-/admin/invitations", &[("email", "Ben@example.org"), ("allow_write", "1")]).unwrap();
    assert!(
        sent.status == 200 && sent.body_text().contains("is on its way") && !sent.body_text().contains("/-/invite/"),
        "{}",
        sent.body_text()
    );
    let mail = sink.newest(1, BEN);
    assert!(mail.text().contains("Ann invites you to docs"), "{}", mail.text());
    let link = mail.link("/-/invite/");
    let ben = server.client();
    let form = ben.get(&link);
    assert!(form.status == 200 && form.body_text().contains("Join docs") && !form.body_text().contains("Secret"), "{}", form.body_text());
    assert_eq!(form.field("email"), BEN);
    ben.use_token(&form);
    let bad = ben.post(&link, &[("name", ""), ("email", BEN), ("password", PASSWORD)]).unwrap();
    assert_eq!(bad.status, 422);
    // The address of the form does not count: the invitation is for one.
    let joined = ben.post(&link, &[("name", "Ben Reed"), ("email", "eve@example.org"), ("password", PASSWORD)]).unwrap();
    assert_eq!((joined.status, joined.header("location")), (303, Some("/")), "{}", joined.body_text());
    ben.refresh_csrf();
    assert_eq!(ben.get("/Secret").status, 200);
    assert_eq!(ben.save("Secret", "hush, hush", ""), Some(303), "may write, as the invitation said");
    assert_eq!(ben.get("/-/admin").status, 403);
    let late = server.client();
    assert_eq!(late.get(&link).status, 404);
    late.use_token(&late.get("/-/login"));
    assert_eq!(
        late.post(&link, &[("name", "Eve"), ("email", "eve@example.org"), ("password", PASSWORD)]).unwrap().status,
        404,
        "used twice"
    );
    assert_eq!(log_in(&late, "eve@example.org", PASSWORD).status, 422, "there is no such account");
    // By hand, for two; the link is shown once, and the address is not confirmed by it.
    ann.refresh_csrf();
    let shown = ann.post("/-/admin/invitations", &[("uses", "2")]).unwrap();
    let link = shown_secret(&shown);
    let link = link[link.find("/-/invite/").unwrap()..].to_string();
    let list = ann.get("/-/admin/invitations").body_text();
    assert!(list.contains("2 uses left") && !list.contains(link.trim_start_matches("/-/invite/")), "{list}");
    let cam = server.client();
    let joined = send(&cam, &link, &link, &[("name", "Cam"), ("email", "cam@example.org"), ("password", PASSWORD)]);
    assert!(joined.status == 200 && joined.body_text().contains("on its way to cam@example.org"), "{}", joined.body_text());
    assert_eq!(log_in(&cam, "cam@example.org", PASSWORD).status, 403, "not confirmed");
    let confirm = sink.newest(2, "cam@example.org").link("/-/confirm_email/");
    assert_eq!(send(&cam, &confirm, &confirm, &[]).status, 200);
    assert_eq!(log_in(&cam, "cam@example.org", PASSWORD).status, 303);
    // Taken addresses lead to the log-in form, whose way leads back to the invitation.
    let taken = send(&late, &link, &link, &[("name", "Ben"), ("email", BEN), ("password", PASSWORD)]);
    assert!(taken.status == 409 && taken.body_text().contains("/-/login?next=%2F-%2Finvite%2F"), "{}", taken.body_text());
    // Revoked and expired ones are none.
    let revoke = list.split("name=\"revoke\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    ann.refresh_csrf();
    assert_eq!(ann.post("/-/admin/invitations", &[("revoke", revoke)]).unwrap().status, 303);
    assert_eq!(server.client().get(&link).status, 404, "revoked");
    assert_eq!(ann.post("/-/admin/invitations", &[("revoke", revoke)]).unwrap().status, 404);
    for (fields, what) in [([("uses", "0"), ("email", "")], "uses"), ([("uses", "1"), ("email", "nobody at all")], "nobody at all")] {
        let refused = ann.post("/-/admin/invitations", &fields).unwrap();
        assert!(refused.status == 422 && refused.body_text().contains("role=\"alert\"") && refused.body_text().contains(what), "{what}");
    }
    server.stop();
    let directory = Directory::open(&dir.path().join("holt.db")).unwrap();
    let wiki = directory.wiki_by_slug("docs").unwrap().unwrap().id;
    let flags = holt_core::MemberFlags { approved: true, ..Default::default() };
    let new = NewInvitation { wiki, email: None, name: "", delivery: Delivery::Hand, flags, uses: 1, made_by: ANN };
    let (_, old) = directory.create_invitation(&new, 1_700_000_000).unwrap();
    drop(directory);
    let (server, _) = start(dir.path(), &sink.url, &[]);
    assert_eq!(server.client().get(&format!("/-/invite/{}", old.expose())).status, 404, "expired");
}

#[test]
fn an_account_of_another_wiki_joins_by_an_invitation() {
    let dir = tempfile::tempdir().unwrap();
    Server::prepare(dir.path(), "docs");
    assert_eq!(Server::command(dir.path(), &["wiki", "create", "other", "--access", "private"]).0, 0);
    let added = Server::command_with_input(dir.path(), &["user", "add", BEN, "--name", "Ben", "--password-stdin"], PASSWORD);
    assert_eq!(added.0, 0);
    let sink = Sink::start();
    let (server, _) = start(dir.path(), &sink.url, &["--default-wiki", "docs"]);
    let at = |slug: &str| {
        let mut client = server.client();
        client.host = client.host.replace("127.0.0.1", &format!("{slug}.localhost"));
        client
    };
    let (ann, ben) = (at("other"), at("other"));
    ann.log_in(ANN, PASSWORD);
    switches(&ann, &["disable_registration"]);
    assert_eq!(log_in(&ben, BEN, PASSWORD).status, 403, "no member");
    let link = shown_secret(&ann.post("/-/admin/invitations", &[("allow_upload", "1")]).unwrap());
    let link = link[link.find("/-/invite/").unwrap()..].to_string();
    assert_eq!(at("docs").get(&link).status, 404, "another wiki's invitation is none");
    let next = format!("/-/login?next={}", link.replace('/', "%2F"));
    assert!(ben.get(&link).body_text().contains(&next), "{}", ben.get(&link).body_text());
    let fields = [("email", BEN), ("password", PASSWORD), ("next", link.as_str())];
    let logged_in = send(&ben, &next, "/-/login", &fields);
    assert_eq!((logged_in.status, logged_in.header("location")), (303, Some(link.as_str())));
    let page = ben.get(&link);
    assert!(page.body_text().contains("Join</button>") && page.body_text().contains("logged in as Ben"), "{}", page.body_text());
    assert_eq!(ben.get("/-/changelog").status, 403, "not before the button is pressed");
    ben.refresh_csrf();
    assert_eq!(ben.post(&link, &[]).unwrap().status, 303);
    assert_eq!(ben.get("/-/changelog").status, 200);
    assert_eq!(ben.get(&link).status, 404);
    // Who is a member already uses nothing up.
    let spare = shown_secret(&ann.post("/-/admin/invitations", &[]).unwrap());
    let spare = spare[spare.find("/-/invite/").unwrap()..].to_string();
    assert_eq!(ben.post(&spare, &[]).unwrap().header("location"), Some("/"));
    assert_eq!(ben.get(&spare).status, 200);
    // An address that must be confirmed is not by a link that anybody may have.
    switches(&ann, &["disable_registration", "email_needs_confirmation"]);
    let dan = at("docs");
    let account = [("name", "Dan"), ("email", "dan@example.org"), ("password1", PASSWORD), ("password2", PASSWORD)];
    assert_eq!(send(&dan, "/-/register", "/-/register", &account).status, 200);
    let fields = [("email", "dan@example.org"), ("password", PASSWORD), ("next", spare.as_str())];
    assert_eq!(send(&at("other"), "/-/login", "/-/login", &fields).status, 403);
    // Ann administers one wiki of two: as an operator she may still change accounts; Cam, who administers this one, may not.
    let ben_id = id_of(&ann, "Ben");
    assert!(ann.get(&format!("/-/user/{ben_id}")).body_text().contains("name=\"password1\""));
    let (cam, _) = {
        let cam = at("docs");
        let account = [("name", "Cam"), ("email", "cam@example.org"), ("password1", PASSWORD), ("password2", PASSWORD)];
        (cam.clone(), send(&cam, "/-/register", "/-/register", &account))
    };
    drop(cam);
    ann.refresh_csrf();
    assert_eq!(ann.post("/-/user/", &[("email", "cam@example.org"), ("is_approved", "1"), ("is_admin", "1")]).unwrap().status, 303);
    let cam = at("other");
    cam.log_in("cam@example.org", PASSWORD);
    let form = cam.get(&format!("/-/user/{ben_id}"));
    assert!(form.status == 200 && !form.body_text().contains("name=\"password1\"") && !form.body_text().contains("email_confirmed"));
    let taken_over = [
        ("name", "Ben"),
        ("email", "cam+ben@example.org"),
        ("password1", "stolen account"),
        ("password2", "stolen account"),
        ("is_approved", "1"),
    ];
    assert_eq!(cam.post(&format!("/-/user/{ben_id}"), &taken_over).unwrap().status, 303, "the flags are hers to change");
    assert_eq!(log_in(&at("other"), BEN, PASSWORD).status, 303, "address and password are not");
    assert_eq!(
        cam.post("/-/admin/mail_preferences", &[("mail_server", "evil.example.org"), ("mail_sender", ANN), ("mail_security", "")])
            .unwrap()
            .status,
        403
    );
    // The log of this wiki says nothing of others, but operators may see all.
    let log = cam.get("/-/admin/audit?everywhere=1").body_text();
    assert!(log.contains("Member added") && !log.contains("Registration</strong>"), "{log}");
    let all = ann.get("/-/admin/audit?everywhere=1").body_text();
    assert!(all.contains("Registration</strong>") && all.contains("· docs") && all.contains("· other"), "{all}");
    assert!(!ann.get("/-/admin/audit").body_text().contains("Registration</strong>"));
    let only = ann.get("/-/admin/audit?actor=cam&action=user.edit").body_text();
    assert!(only.contains("<strong>Member changed</strong> ben@example.org") && only.matches("<li><div").count() == 1, "{only}");
}

#[test]
fn members_are_added_changed_and_removed() {
    let (_dir, server, ann, sink) = docs(&[]);
    let add = |fields: &[(&str, &str)]| ann.post("/-/user/", fields).unwrap();
    assert_eq!((ann.get("/-/user/").status, ann.get("/-/user").status), (200, 308));
    let both = |password| [("password1", password), ("password2", password)];
    // What is wrong stands beside its box, and what was typed stays.
    let refused = add(&[&[("name", "<b>"), ("email", "nobody"), ("allow_upload", "1")][..], &both("short")].concat());
    let shown = refused.body_text();
    assert!(refused.status == 422 && shown.matches("role=\"alert\"").count() == 3, "{shown}");
    assert!(
        shown.contains("value=\"&#60;b&#62;\"")
            && shown.contains("value=\"nobody\"")
            && shown.contains("name=\"allow_upload\" value=\"1\" checked")
    );
    assert!(!shown.contains("short\""), "a password is not shown");
    assert_eq!(
        add(&[&[("name", "Ben Reed"), ("email", "BEN@Example.org"), ("is_approved", "1")][..], &both(PASSWORD)].concat()).status,
        303
    );
    let ben = server.client();
    assert_eq!(log_in(&ben, BEN, PASSWORD).status, 303, "in any spelling of the address");
    let again = add(&[&[("name", "Ben"), ("email", BEN)][..], &both(PASSWORD)].concat());
    assert!(again.status == 422 && again.body_text().contains("is a member already"));
    // Without a password: an invitation by mail.
    assert_eq!(add(&[("name", "Cam"), ("email", "cam@example.org"), ("is_approved", "1"), ("allow_write", "1")]).status, 303);
    let link = sink.newest(1, "cam@example.org").link("/-/invite/");
    let cam = server.client();
    assert_eq!(cam.get(&link).field("name"), "Cam");
    assert_eq!(send(&cam, &link, &link, &[("name", "Cam"), ("email", "cam@example.org"), ("password", PASSWORD)]).status, 303);

    let url = format!("/-/user/{}", id_of(&ann, "Ben Reed"));
    let edit = |fields: &[(&str, &str)]| ann.post(&url, fields).unwrap();
    let taken = edit(&[("name", "Ben"), ("email", "cam@example.org")]);
    assert!(taken.status == 422 && taken.body_text().contains("Another account has this address"));
    assert_eq!(
        edit(&[("name", "Ben R."), ("email", "Ben.Reed@example.org"), ("is_approved", "1"), ("is_admin", "1"), ("email_confirmed", "1")])
            .status,
        303
    );
    let shown = ann.get(&url);
    assert_eq!((shown.field("name"), shown.field("email")), ("Ben R.".to_string(), "ben.reed@example.org".to_string()));
    assert!(shown.body_text().contains("name=\"email_confirmed\" value=\"1\" checked"));
    assert_eq!(ben.get("/-/admin").status, 200, "administers now");
    // The last administrator stays, whichever form says otherwise.
    ben.refresh_csrf();
    let last = edit(&[("name", "Ben R."), ("email", "ben.reed@example.org"), ("is_approved", "1")]);
    assert!(last.status == 422 && last.body_text().contains("Nobody would administer this wiki"), "{}", last.body_text());
    assert_eq!(ann.post("/-/admin/user_management", &[]).unwrap().status, 422);
    assert_eq!(edit(&[("delete", "1"), ("confirmed", "1")]).status, 422);
    assert_eq!(ben.post(&url, &[("delete", "1"), ("confirmed", "1")]).unwrap().status, 403, "nobody deletes themselves");
    assert!(!ben.get(&url).body_text().contains("name=\"delete\""));
    // A new password ends what the old one opened.
    assert_eq!(
        edit(
            &[
                &[("name", "Ben R."), ("email", "ben.reed@example.org"), ("is_approved", "1"), ("is_admin", "1")][..],
                &both("battery staple")
            ]
            .concat()
        )
        .status,
        303
    );
    assert_eq!(ben.get("/-/settings").status, 303);
    assert_eq!(log_in(&ben, "ben.reed@example.org", "battery staple").status, 303);
    // Deleting asks first.
    let cam_url = format!("/-/user/{}", id_of(&ann, "Cam"));
    let asked = ann.post(&cam_url, &[("delete", "1")]).unwrap();
    assert!(asked.status == 200 && asked.body_text().contains("Delete Cam?") && asked.field("confirmed") == "1", "{}", asked.body_text());
    assert_eq!(cam.get("/-/settings").status, 200);
    assert_eq!(ann.post(&cam_url, &[("delete", "1"), ("confirmed", "1")]).unwrap().status, 303);
    assert_eq!((cam.get("/-/settings").status, ann.get(&cam_url).status), (303, 404));
    assert_eq!(log_in(&cam, "cam@example.org", PASSWORD).status, 422, "the account is gone");
    assert_eq!((ann.get("/-/user/999").status, ann.get("/-/user/x").status), (404, 404));
    assert_eq!(server.client().get("/-/user/").status, 303);
    let log = ann.get("/-/admin/audit").body_text();
    for entry in ["Member added</strong> ben@example.org: approved", "Member deleted</strong> cam@example.org", "Invitation accepted"] {
        assert!(log.contains(entry), "{entry}: {log}");
    }
}

#[test]
fn tokens_are_shown_once_and_allow_no_more_than_their_owner_may() {
    let (_dir, server, ann, _sink) = docs(&[]);
    let make = |client: &Client, label: &str, scope: &str, days: &str| {
        client.post("/-/settings/tokens", &[("label", label), ("scope", scope), ("days", days)]).unwrap()
    };
    let made = make(&ann, "search bot", "write", "30");
    let secret = shown_secret(&made);
    assert!(made.status == 200 && secret.starts_with("holt_") && secret.len() == 48, "{secret}");
    let list = ann.get("/-/settings").body_text();
    assert!(
        list.contains("search bot") && list.contains("Read and change pages") && list.contains("never used") && !list.contains(&secret),
        "{list}"
    );
    for (label, scope, days, status) in
        [("", "read", "30", 422), ("a\u{7}", "read", "30", 422), ("x", "root", "30", 422), ("x", "read", "3", 422)]
    {
        let refused = make(&ann, label, scope, days);
        assert_eq!(refused.status, status, "{label:?} {scope} {days}");
    }
    assert!(make(&ann, "kept <typed>", "root", "30").body_text().contains("value=\"kept &#60;typed&#62;\""));
    // For a part of the wiki.
    let part = |scope: &str, within: &str| {
        ann.post("/-/settings/tokens", &[("label", "part"), ("scope", scope), ("days", "30"), ("within", within)]).unwrap()
    };
    assert!(part("write", "/Projects/Alpha/").body_text().contains("Only at Projects/Alpha and below"));
    for (scope, within) in [("admin", "Projects"), ("read", "../x")] {
        let refused = part(scope, within);
        assert!(refused.status == 422 && refused.body_text().contains(&format!("value=\"{within}\"")), "{scope} {within}");
    }
    let (ben, _) = register(&server, "Ben", BEN);
    ann.refresh_csrf();
    assert_eq!(ann.post("/-/admin/user_management", &[("is_approved", &id_of(&ann, "Ben"))]).unwrap().status, 303);
    ben.log_in(BEN, PASSWORD);
    assert!(!ben.get("/-/settings").body_text().contains("value=\"admin\""), "not offered");
    assert_eq!(make(&ben, "mine", "admin", "0").status, 403);
    assert_eq!(make(&ben, "mine", "write", "0").status, 200);
    // Others' tokens are neither listed nor revoked.
    let id = list.split("name=\"revoke\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(!ben.get("/-/settings").body_text().contains("search bot"));
    assert_eq!(ben.post("/-/settings/tokens", &[("revoke", id)]).unwrap().status, 404);
    assert_eq!(ann.post("/-/settings/tokens", &[("revoke", id)]).unwrap().status, 303);
    assert!(!ann.get("/-/settings").body_text().contains("search bot"));
    let log = ann.get("/-/admin/audit?action=token.create").body_text();
    assert!(log.contains("search bot (write)") && !log.contains("holt_"), "{log}");
}

#[test]
fn sessions_are_ended_one_by_one_or_all_others() {
    let (_dir, server, one, _sink) = docs(&[]);
    let (two, three) = (server.client(), server.client());
    two.log_in(ANN, PASSWORD);
    three.log_in(ANN, PASSWORD);
    let list = one.get("/-/settings").body_text();
    assert_eq!((list.matches("This browser").count(), list.matches("Another browser").count()), (1, 2), "{list}");
    let id = list.split("name=\"end\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(one.post("/-/settings/sessions", &[("end", id)]).unwrap().status, 303);
    let alive = |client: &Client| client.get("/-/settings").status == 200;
    assert_eq!([&one, &two, &three].into_iter().filter(|client| alive(client)).count(), 2);
    assert_eq!(one.post("/-/settings/sessions", &[("end", id)]).unwrap().status, 404, "ended already");
    let (ben, _) = register(&server, "Ben", BEN);
    one.refresh_csrf();
    assert_eq!(one.post("/-/admin/user_management", &[("is_approved", &id_of(&one, "Ben"))]).unwrap().status, 303);
    ben.log_in(BEN, PASSWORD);
    assert_eq!(one.post("/-/settings/sessions", &[("others", "1")]).unwrap().status, 303);
    assert!(alive(&one) && !alive(&two) && !alive(&three));
    assert!(alive(&ben), "other people stay");
}

#[test]
fn what_people_type_never_becomes_a_header() {
    let (_dir, mut server, ann, sink) = docs(&[]);
    switches(&ann, &["notify_admins_on_register"]);
    for (name, email) in [
        ("Eve\r\nBcc: all@example.org", "eve@example.org"),
        ("Eve", "eve@example.org\r\nBcc: all@example.org"),
        ("Eve", "eve@example.org\nRCPT TO:<all@example.org>"),
        ("Eve", "eve@example.org,all@example.org"),
    ] {
        let (_, refused) = register(&server, name, email);
        assert_eq!(refused.status, 422, "{name:?} {email:?}");
    }
    for name in ["wiki\r\nBcc: all@example.org", "wiki\u{1b}"] {
        assert_eq!(ann.post("/-/admin", &[("update_preferences", "1"), ("site_name", name)]).unwrap().status, 422, "{name:?}");
    }
    assert_eq!(ann.post("/-/admin", &[("update_preferences", "1"), ("site_name", "Ünï \"wiki\" <x@y.org>: =?q?=")]).unwrap().status, 303);
    let (_, registered) = register(&server, "O'Neill, Bcc: all@example.org", BEN);
    assert_eq!(registered.status, 200);
    let mail = sink.newest(1, ANN);
    assert!(mail.text().contains("O'Neill, Bcc: all@example.org <ben@example.org> has registered"), "{}", mail.text());
    let mut names = mail.names();
    names.sort_unstable();
    assert_eq!(names, ["Auto-Submitted", "Content-Transfer-Encoding", "Content-Type", "Date", "From", "Message-ID", "Subject", "To"]);
    server.stop();
    assert!(sink.all().iter().all(|mail| mail.to.len() == 1));
}

#[test]
fn a_mail_server_that_is_down_stops_nobody() {
    let dir = tempfile::tempdir().unwrap();
    Server::prepare(dir.path(), "docs");
    let (mut server, ann) = start(dir.path(), &Sink::nowhere(), &[]);
    switches(&ann, &["email_needs_confirmation"]);
    let (_, registered) = register(&server, "Ben", BEN);
    assert_eq!(registered.status, 200);
    assert_eq!(send(&server.client(), "/-/lost_password", "/-/lost_password", &[("email", BEN)]).status, 200);
    // Administrators see what went wrong.
    let failed = || ann.get("/-/admin/mail_preferences").body_text();
    until("two mails that failed", || match failed() {
        said if said.matches("could not send by 127.0.0.1").count() < 2 => Err(said),
        _ => Ok(()),
    });
    assert!(failed().contains("Not sent lately") && failed().contains(BEN), "{}", failed());
    assert!(ann.get("/-/admin/audit?action=mail.failed").body_text().contains("Mail not sent"));
    let tried = ann.post("/-/admin/mail_preferences", &[("test_mail_preferences", "1"), ("mail_recipient", BEN)]).unwrap();
    assert!(tried.status == 200 && tried.body_text().contains("ould not send by 127.0.0.1"), "{}", tried.body_text());
    server.stop();
    // And a wiki without any: it says so.
    let server = Server::start(dir.path(), &[]);
    let client = server.client();
    assert!(client.get("/-/lost_password").body_text().contains("sends no mail"));
    // Whoever can name a mail server is not told to ask somebody.
    let ann = server.client();
    ann.log_in(ANN, PASSWORD);
    let screen = ann.get("/-/admin/mail_preferences").body_text();
    assert!(screen.contains("Name a mail server below.") && !screen.contains("Ask an administrator"), "{screen}");
    assert_eq!(send(&client, "/-/lost_password", "/-/lost_password", &[("email", BEN)]).status, 422);
    let (_, registered) = register(&server, "Cam", "cam@example.org");
    assert!(registered.status == 200 && registered.body_text().contains("ask an administrator"), "{}", registered.body_text());
}

#[test]
fn a_wiki_has_a_mail_server_of_its_own() {
    let (_dir, _server, ann, sink) = docs(&[]);
    let own = Sink::start();
    let port = own.port.to_string();
    let good = [
        ("mail_server", "127.0.0.1"),
        ("mail_port", port.as_str()),
        ("mail_sender", "Own@Example.org"),
        ("mail_security", ""),
        ("mail_username", "wiki"),
        ("mail_password", "s3cret & <more>"),
    ];
    let with = |changes: &[(&'static str, &'static str)]| {
        let fields: Vec<(&str, &str)> =
            good.iter().map(|(n, v)| (*n, changes.iter().find(|(c, _)| c == n).map_or(*v, |(_, v)| *v))).collect();
        ann.post("/-/admin/mail_preferences", &fields).unwrap()
    };
    for (name, value) in
        [("mail_port", "23"), ("mail_port", "http"), ("mail_sender", "wiki"), ("mail_server", "a b"), ("mail_username", "a\nb")]
    {
        let refused = with(&[(name, value)]);
        assert!(refused.status == 422 && refused.body_text().contains("role=\"alert\""), "{name} {value}");
        assert!(!refused.body_text().contains("s3cret"));
    }
    assert_eq!(with(&[("mail_security", "rot13")]).status, 422);
    assert!(!ann.get("/-/admin/mail_preferences").body_text().contains("Own@"), "nothing was stored");
    assert_eq!(with(&[]).status, 303);
    let shown = ann.get("/-/admin/mail_preferences");
    assert!(shown.field("mail_server") == "127.0.0.1" && !shown.body_text().contains("s3cret"), "{}", shown.body_text());
    assert!(shown.body_text().contains("One is stored"));
    // An empty box keeps the password.
    assert_eq!(with(&[("mail_password", "")]).status, 303);
    let test = |to: &str| ann.post("/-/admin/mail_preferences", &[("test_mail_preferences", "1"), ("mail_recipient", to)]).unwrap();
    let tried = test("");
    assert!(tried.body_text().contains("took the test mail to ann@example.org"), "{}", tried.body_text());
    let mail = own.newest(1, ANN);
    assert_eq!((mail.login.as_deref(), mail.header("From").as_str()), (Some("\0wiki\0s3cret & <more>"), "own@example.org"));
    assert_eq!(test("nonsense").status, 422);
    assert!(test("nobody@example.org").body_text().contains("nobody of that name here"), "what the server said is told");
    // Encryption that was asked for is not done without.
    assert_eq!(with(&[("mail_security", "tls")]).status, 303);
    assert!(test(ANN).body_text().contains("alert-danger"));
    assert_eq!(own.all().len(), 1);
    // Back to the installation's.
    assert_eq!(with(&[("mail_server", ""), ("mail_username", "")]).status, 303);
    assert!(test(ANN).body_text().contains("took the test mail"));
    assert_eq!(sink.newest(1, ANN).login, None);
    let log = ann.get("/-/admin/audit").body_text();
    assert!(log.contains("Mail settings changed") && log.contains("Test mail") && !log.contains("s3cret"), "{log}");
}
