//! Every address that a real Otterwiki answered is answered, too, and where the answer differs, the difference is a decision that is named.

use crate::client::{Answer, Client, Server};
use serde_json::Value;
use std::process::Command;

/// Addresses that answer otherwise than Otterwiki, for everybody: beginning of the address (`=` before it: all of it), our status, and why.
const DIFFERENT: &[(&str, u16, &str)] = &[
    ("=/Home", 301, "one spelling per page (security.md CDN-8)"),
    ("=/-/housekeeping", 200, "what wants care is for whoever may read it"),
    ("=/Home/", 301, "one spelling per page"),
    ("=/Handbook/", 301, "one spelling per page"),
    ("=/imported/Case", 301, "one spelling per page"),
    ("=/imported/Mixed%20Case", 301, "found in any spelling, 404 in Otterwiki"),
    ("=/README", 200, "found in any spelling, 404 in Otterwiki"),
    ("=/imported/v1.2%20release.notes", 200, "dots do not hide a page"),
    ("=/imported/latin1/source", 200, "an error in Otterwiki; here its bytes, as a download"),
    ("=/imported/latin1/blame", 200, "an error in Otterwiki; here read as Windows-1252"),
    ("=/.md", 404, "an error in Otterwiki"),
    ("=/%3F%3F%3F", 404, "a name of which nothing is left is no page"),
    ("=/faq?edit", 302, "leads to /faq/edit"),
    ("=/faq/preview", 405, "changes nothing, but is asked for by POST alone"),
    ("=/favicon.ico", 302, "leads to the icon"),
    ("=/handbook/onboarding", 301, "a renamed page leads to its new name, 404 in Otterwiki"),
    ("=/.git/info/refs?service=x", 404, "there is no such service"),
    ("=/.git/info/refs?service=git-receive-pack", 401, "who pushes says so by a token; a session counts for nothing"),
    ("/static/", 404, "Otterwiki's own pictures are not ours"),
];

/// Forms and settings that Otterwiki refuses strangers with 403 or 302: here all lead to the log-in form (spec/wiki.md §21, item 11).
const LOG_IN_FIRST: &[&str] =
    &["/faq/edit", "/faq/rename", "/faq/delete", "/-/revert/", "/-/create", "/-/settings", "/-/admin", "/-/user/"];

fn expected(address: &str, who: &str, fact: &Value) -> u16 {
    let anonymous = who == "anonymous";
    let different = DIFFERENT.iter().find(|(pattern, ..)| match pattern.strip_prefix('=') {
        Some(whole) => whole == address,
        None => address.starts_with(pattern),
    });
    match different {
        Some((_, status, _)) => *status,
        None if anonymous && LOG_IN_FIRST.iter().any(|start| address.starts_with(start)) => 303,
        None => u16::try_from(fact["status"].as_u64().unwrap()).unwrap(),
    }
}

#[test]
fn old_addresses_work() {
    let Some(corpus) = holt_testkit::shared_corpus() else { holt_testkit::skip!("no ../shared/corpus here") };
    let dir = tempfile::tempdir().unwrap();
    let unpacked = Command::new("tar").arg("xzf").arg(corpus.join("otterwiki-app-data.tar.gz")).arg("-C").arg(dir.path()).status().unwrap();
    assert!(unpacked.success());
    let facts: Value = serde_json::from_slice(&std::fs::read(corpus.join("otterwiki-app-data.facts.json")).unwrap()).unwrap();
    let data = dir.path().join("data");
    let source = dir.path().join("app-data");
    let imported = Server::command(&data, &["import", "otterwiki", source.to_str().unwrap(), "--slug", "otter", "--json"]);
    assert_eq!(imported.0, 0, "{}", imported.2);
    let report: Value = serde_json::from_str(&imported.1).unwrap();
    assert_eq!((report["revisions"].as_u64(), report["users"].as_u64()), (Some(333), Some(14)));

    let mut server = Server::start(&data, &["--default-wiki", "otter"]);
    let people = ["anonymous", "editor", "admin"].map(|who| (who, client(&server, &facts, who)));
    let mut wrong = Vec::new();
    let urls = facts["urls"].as_array().unwrap();
    assert!(urls.len() > 100);
    for url in urls {
        let address = url["request"].as_str().unwrap();
        for (who, client) in &people {
            let (want, got) = (expected(address, who, &url[who]), client.get(address));
            if got.status != want || !same_target(&url[who], &got) {
                wrong.push(format!("{who} {address}: {want} expected, {} {:?} came", got.status, got.header("location")));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    everything_listed_is_there(&people[2].1);
    server.stop();
}

/// Redirects to pages lead to the page that Otterwiki named, in the spelling it is stored by.
fn same_target(fact: &Value, got: &Answer) -> bool {
    match (fact["location"].as_str(), got.header("location")) {
        (Some(theirs), Some(ours)) if got.status == 302 => theirs.eq_ignore_ascii_case(ours),
        _ => true,
    }
}

fn client(server: &Server, facts: &Value, who: &str) -> Client {
    let client = server.client();
    if let Some(user) = facts["users"].as_array().unwrap().iter().find(|user| user["key"] == who) {
        client.log_in(user["email"].as_str().unwrap(), user["password"].as_str().unwrap());
    }
    client
}

/// Every page of the index, the tree and the site map is answered, and so is everything its own page links to.
fn everything_listed_is_there(admin: &Client) {
    let map = admin.get("/sitemap.xml").body_text();
    let addresses: Vec<&str> = map.split("<loc>").skip(1).map(|rest| rest.split("</loc>").next().unwrap()).collect();
    assert!(addresses.len() > 100, "{}", addresses.len());
    let here = format!("http://{}", admin.host);
    for address in addresses {
        let path = address.strip_prefix(&here).unwrap().replace("&#38;", "&").replace("&amp;", "&").replace("%27", "'");
        assert_eq!(admin.get(&path).status, 200, "{path}");
        let verbs = if path == "/" { "/meta/start" } else { &path };
        for verb in ["history", "source", "attachments", "edit", "rename", "delete"] {
            let status = admin.get(&format!("{verbs}/{verb}")).status;
            assert_eq!(status, 200, "{verbs}/{verb}");
        }
    }
    assert!(admin.get("/-/index").body_text().matches("<li><a href=\"/").count() > 100);
}

/// security.md CDN-8: an address that is spelled otherwise is led to the page's own, or is nothing; and a server says of it what an edge says.
#[test]
fn doubled_slashes_are_no_spelling_of_anything_here_or_at_an_edge() {
    use holt_edge::{Behind, Caching, EdgeState, HostRule, Outcome, Trust, respond_trusted};
    let dir = tempfile::tempdir().unwrap();
    let (data, source) = (dir.path().join("data"), dir.path().join("source"));
    std::fs::create_dir_all(source.join("Guide")).unwrap();
    for page in ["Home", "Guide", "Guide/Set up"] {
        std::fs::write(source.join(format!("{page}.md")), format!("# {page}\n")).unwrap();
    }
    assert_eq!(Server::command(&data, &["import", "folder", source.to_str().unwrap(), "--slug", "docs"]).0, 0);
    let mut server = Server::start(&data, &["--default-wiki", "docs"]);
    let store = holt_fragments::FragmentStore::foreign_folder(&data.join("fragments"));
    let edge = EdgeState {
        hosts: HostRule { default_wiki: store.host("docs").unwrap(), ..HostRule::default() },
        store,
        viewer_key: None,
        clock: || 0,
        visits: std::sync::Arc::default(),
        caching: Caching::asking(),
        behind: Behind::Nobody,
    };
    let at_edge = |path: &str| {
        let headers = http::HeaderMap::from_iter([(http::header::HOST, http::HeaderValue::from_static("127.0.0.1"))]);
        match respond_trusted(&edge, &http::Method::GET, &path.parse().unwrap(), &headers, &Trust::Wiki) {
            Outcome::Response(response) => {
                let to = response.headers().get("location").map(|to| to.to_str().unwrap().to_string());
                (response.status().as_u16(), to)
            }
            Outcome::Fallback(fallback) => panic!("{path}: {fallback:?}"),
        }
    };
    let who = server.client();
    for (path, status, to) in [
        ("/", 200, None),
        ("/Guide", 200, None),
        ("/guide/", 301, Some("/Guide")),
        ("/Home", 301, Some("/")),
        ("/Guide/Set%20up.md", 200, None),
        ("//", 404, None),
        ("///", 404, None),
        ("//Home", 404, None),
        ("//guide", 404, None),
        ("///Guide/Set%20up", 404, None),
        ("//Guide.md", 404, None),
        ("/Guide//", 404, None),
        ("/Guide///", 404, None),
        ("/Home//", 404, None),
        ("/Guide//Set%20up", 404, None),
        ("/Guide/./Set%20up", 404, None),
    ] {
        let here = who.get(path);
        assert_eq!((here.status, here.header("location")), (status, to), "{path}");
        assert_eq!(at_edge(path), (status, to.map(str::to_string)), "{path} at an edge");
    }
    // Nor of what is no page: rules by path, of caches in front and of our own, are about one spelling.
    for path in
        ["//-/changelog", "//Guide/history", "/Guide//history", "//api/v1/pages", "//.well-known/x", "/-//changelog", "/-/changelog//"]
    {
        assert_eq!(who.get(path).status, 404, "{path}");
    }
    assert_eq!(
        (who.get("/-/changelog").status, who.get("/Guide/history").status, who.get("/-/changelog/").status),
        (200, 200, 200),
        "the control"
    );
    server.stop();
}
