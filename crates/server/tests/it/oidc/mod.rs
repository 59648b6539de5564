//! Logging in by somebody who vouches for people, by OpenID Connect (spec/platform.md §3, security.md SES, SSRF).

mod hostile;
mod issuer;
mod log_in;

use crate::client::{Answer, Client, Server};
use crate::platform::Platform;
use issuer::Issuer;
use url::Url;

/// A platform at which people may log in with `issuer`.
fn platform(issuer: &Issuer, more: &[&str]) -> Platform {
    let flags = issuer.flags(more);
    Platform::start_with(&flags.iter().map(String::as_str).collect::<Vec<_>>(), |_| {})
}

/// A wiki that is part of no platform, with Ann, who administers it.
fn wiki(issuer: &Issuer, more: &[&str]) -> (tempfile::TempDir, Server) {
    let data = tempfile::tempdir().unwrap();
    Server::prepare(data.path(), "docs");
    let flags = issuer.flags(more);
    let server = Server::start(data.path(), &flags.iter().map(String::as_str).collect::<Vec<_>>());
    (data, server)
}

/// Where somebody is: the addresses of log-in.
#[derive(Clone, Copy)]
struct Door {
    form: &'static str,
    leave: &'static str,
    back: &'static str,
}

const PLATFORM: Door = Door { form: "/auth/login", leave: "/auth/elsewhere/oidc", back: "/auth/callback/oidc" };
const WIKI: Door = Door { form: "/-/login", leave: "/-/login/elsewhere/oidc", back: "/-/login/callback/oidc" };

/// Presses the button: the answer.
fn press(client: &Client, door: Door, fields: &[(&str, &str)]) -> Answer {
    if !fields.iter().any(|(name, _)| *name == "connect") {
        client.use_token(&client.get(door.form));
    }
    client.post(door.leave, fields).unwrap()
}

/// Presses the button: where the browser is sent.
fn depart(client: &Client, door: Door, fields: &[(&str, &str)]) -> Url {
    let answer = press(client, door, fields);
    assert_eq!(answer.status, 200, "{}", answer.body_text());
    let refresh = answer.header("refresh").unwrap_or_else(|| panic!("not sent anywhere: {}", answer.body_text()));
    Url::parse(refresh.strip_prefix("0; url=").unwrap()).unwrap()
}

/// The whole way: what Holt says in the end.
fn log_in(client: &Client, issuer: &Issuer, door: Door, return_to: &str) -> Answer {
    let url = depart(client, door, &[("return_to", return_to)]);
    client.get(&format!("{}?{}", door.back, issuer.agrees(&url)))
}

/// Where somebody got, who was let in.
fn got(answer: &Answer) -> &str {
    assert_eq!(answer.status, 303, "{}", answer.body_text());
    answer.header("location").unwrap()
}
