//! Real datagrams and connections to a server of the test's own, which also does what bad ones do.

use super::*;
use holt_core::ErrorKind as Kind;
use holt_testkit::{DnsConduct, DnsServer};

fn ask_of(server: &DnsServer, name: &str) -> Result<Vec<String>> {
    Dns::new(Some(server.address())).txt(name)
}

#[test]
fn texts_are_found_and_their_absence_is_known() {
    let server = DnsServer::start();
    server.set("_holt.wiki.example.org", &["one", "two"]);
    assert_eq!(ask_of(&server, "_holt.Wiki.example.org.").unwrap(), ["one", "two"]);
    assert!(ask_of(&server, "_holt.other.example.org").unwrap().is_empty());
    server.alias("_holt.alias.example.org", "_holt.wiki.example.org");
    assert_eq!(ask_of(&server, "_holt.alias.example.org").unwrap(), ["one", "two"]);
    assert_eq!(ask_of(&server, "no name").unwrap_err().kind, Kind::Invalid);
}

#[test]
fn what_is_long_comes_over_tcp() {
    let server = DnsServer::start();
    let long = "x".repeat(3000);
    server.set("_holt.example.org", &[&long, "short"]);
    assert_eq!(ask_of(&server, "_holt.example.org").unwrap(), [long.as_str(), "short"]);
    server.set("_holt.example.org", &vec!["y".repeat(1000).as_str(); 40]);
    assert_eq!(ask_of(&server, "_holt.example.org").unwrap_err().kind, Kind::Busy, "longer than anybody needs");
}

#[test]
fn forged_answers_are_passed_over() {
    let server = DnsServer::start();
    server.set("_holt.example.org", &["true"]);
    server.behave(DnsConduct::ForgesFirst);
    assert_eq!(ask_of(&server, "_holt.example.org").unwrap(), ["true"]);
}

#[test]
fn what_could_not_be_found_out_is_not_an_absence() {
    let server = DnsServer::start();
    server.set("_holt.example.org", &["true"]);
    for conduct in [DnsConduct::Fails, DnsConduct::Refers, DnsConduct::Garbles] {
        server.behave(conduct);
        assert_eq!(ask_of(&server, "_holt.example.org").unwrap_err().kind, Kind::Busy, "{conduct:?}");
    }
    server.behave(DnsConduct::Answers);
    assert_eq!(ask_of(&server, "_holt.example.org").unwrap(), ["true"], "the control");
    // A port where nobody listens any more.
    let nowhere = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(Dns::new(Some(nowhere)).txt("_holt.example.org").unwrap_err().kind, Kind::Busy);
}

#[test]
fn resolvers_are_those_of_the_machine() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("resolv.conf");
    let named = |text: &str| {
        std::fs::write(&file, text).unwrap();
        resolvers(&file).iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(named("# c\nsearch x\nnameserver 192.0.2.1\n nameserver\t2001:db8::1 # x\n"), ["192.0.2.1:53", "[2001:db8::1]:53"]);
    assert_eq!(named("nameserver fe80::1%eth0\nnameserver x\nnameserver\n"), ["127.0.0.1:53"]);
    assert_eq!(named("nameserver 1.1.1.1\nnameserver 1.1.1.2\nnameserver 1.1.1.3\nnameserver 1.1.1.4\n").len(), RESOLVERS);
    assert_eq!(resolvers(&dir.path().join("none")).len(), 1);
}
