//! Logging in with an account of the AT Protocol. Numbers are those of the acceptance cases of spec/platform.md §16.

mod hostile;
mod network;
mod sign_in;

use crate::client::{Answer, Client, Server};
use crate::platform::DOMAIN;
use holt_testkit::DnsServer;
use network::{Network, fields};
use std::path::Path;

/// A platform, and the network of this test around it.
pub struct World {
    pub data: tempfile::TempDir,
    pub server: Server,
    pub network: Network,
    pub dns: DnsServer,
}

pub const ALICE: &str = "did:plc:alice";
pub const ALICES_HANDLE: &str = "alice.test";

impl World {
    /// With Alice, who has an account out there and none here, where everybody may make one.
    pub fn start() -> Self {
        Self::start_with(tempfile::tempdir().unwrap(), &["--sign-up", "open"])
    }
    pub fn start_with(data: tempfile::TempDir, flags: &[&str]) -> Self {
        let (network, dns) = (Network::start(), DnsServer::start());
        let server = serve(data.path(), &network, &dns, flags);
        let world = Self { data, server, network, dns };
        let shown = world.browser().get("/auth/client-metadata.json");
        assert_eq!((shown.status, shown.header("content-type")), (200, Some("application/json")), "{}", shown.body_text());
        world.network.client_is(serde_json::from_slice(&shown.body).unwrap());
        world.network.person(ALICE, ALICES_HANDLE);
        world
    }
    /// A browser that knows nothing, at the platform.
    pub fn browser(&self) -> Client {
        self.server.client_at(DOMAIN)
    }
    /// Types a name into the log-in form; what comes of it.
    pub fn type_name(&self, browser: &Client, typed: &str, return_to: &str) -> Answer {
        browser.use_token(&browser.get("/auth/login"));
        browser.post("/auth/elsewhere/atproto", &[("username", typed), ("return_to", return_to)]).unwrap()
    }
    /// The same, which works: where the browser is sent.
    pub fn set_out(&self, browser: &Client, typed: &str) -> String {
        let answer = self.type_name(browser, typed, "");
        assert_eq!(answer.status, 200, "{typed}: {}", answer.body_text());
        leads_to(&answer)
    }
    /// Sets out, agrees there as `who`, and comes back to what is returned.
    pub fn there_and_back(&self, browser: &Client, typed: &str, who: &str) -> String {
        let place = self.set_out(browser, typed);
        back(&self.network.agree(&place, who))
    }
    /// All of it.
    pub fn log_in(&self, typed: &str, who: &str) -> Client {
        let browser = self.browser();
        let arrived = browser.get(&self.there_and_back(&browser, typed, who));
        assert_eq!((arrived.status, arrived.header("location")), (303, Some("/app")), "{}", arrived.body_text());
        browser
    }
}

pub fn serve(data: &Path, network: &Network, dns: &DnsServer, flags: &[&str]) -> Server {
    let (place, resolver) = (network.address().to_string(), dns.address().to_string());
    let all = ["--domain", DOMAIN, "--atproto", "on", "--test-network", &place, "--resolver", &resolver];
    let directory = ["--atproto-directory", "https://plc.test", "--atproto-profiles", "https://profiles.test"];
    Server::start(data, &[&all, directory.as_slice(), flags].concat())
}

/// Where a page sends the browser that was answered with it.
fn leads_to(answer: &Answer) -> String {
    let refresh = answer.header("refresh").unwrap_or_else(|| panic!("{}", answer.body_text()));
    refresh.strip_prefix("0; url=").unwrap().to_string()
}

/// The path at the platform, of an address that leads back there.
fn back(address: &str) -> String {
    address.strip_prefix(&format!("https://{DOMAIN}")).unwrap_or_else(|| panic!("{address}")).to_string()
}

/// The same address with other parameters; an empty one is left out.
fn altered(path: &str, changes: &[(&str, &str)]) -> String {
    let (path, query) = path.split_once('?').unwrap();
    let mut query = fields(query);
    for (name, value) in changes {
        query.insert((*name).to_string(), (*value).to_string());
    }
    let query: String =
        form_urlencoded::Serializer::new(String::new()).extend_pairs(query.iter().filter(|(_, value)| !value.is_empty())).finish();
    format!("{path}?{query}")
}

/// What the platform's own API says of who is logged in.
fn me(browser: &Client) -> Option<(String, String)> {
    let said = crate::platform::look(browser, "/api/me");
    (said.status == 200).then(|| (said.text("handle"), said.text("display_name")))
}
