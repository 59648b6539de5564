//! The edge against a store in memory, and the program against a folder.
#![allow(clippy::unwrap_used)]

mod cdn;
mod frames;
mod lambda;
mod missing;

use holt_core::session::{Viewer, ViewerKey};
use holt_core::{PagePath, RevisionId, UserId, Visibility, WikiId};
use holt_edge::{Behind, Body, Caching, EdgeState, HostRule, Outcome, Reason, respond};
use holt_fragments::{Forms, Fragment, FragmentStore, Frame, Kind, PageManifest, Readers, Redirect, Slot, WikiManifest, redirects};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

const NOW: i64 = 1_700_000_000;

/// A store with one wiki, `docs`, that has the pages Home and "Guide/Set up".
fn publish(store: &FragmentStore, visibility: Visibility) -> WikiId {
    let wiki = WikiId::from_random(11);
    let frame =
        Frame::parse("<html><!--slot:head--><!--slot:crumbs--><main><!--slot:main--></main><!--slot:aside--><!--slot:foot--></html>")
            .unwrap();
    for (path, html, source) in [("Home", "<h1>Home</h1>", "# Home\n"), ("Guide/Set up", "<h1>Set up</h1>", "# Set up\n")] {
        let main = store.put(wiki, Kind::Html, &Fragment::new(html)).unwrap();
        let source = store.put(wiki, Kind::Source, &Fragment::new(source)).unwrap();
        let manifest = PageManifest::new(path.into(), RevisionId::from_bytes([1; 20]), vec![(Slot::Main, main)], source);
        store.put_page(wiki, &PagePath::parse(path).unwrap().key(), &manifest).unwrap();
    }
    let lead = |from: &str, to: &str| Redirect { from: PagePath::parse(from).unwrap(), to: PagePath::parse(to).unwrap() };
    let redirects = redirects::write(&[lead("Old ways", "Guide/Set up"), lead("Start", "Home")]);
    let manifest = WikiManifest {
        wiki,
        visibility,
        epoch: 4,
        generation: 1,
        revision: None,
        settings: 1,
        publisher: 1,
        forms: Forms::Gzip,
        frame: store.put_frame(wiki, &frame).unwrap(),
        not_found: store.put(wiki, Kind::Html, &Fragment::new("none")).unwrap(),
        not_found_head: Some(store.put(wiki, Kind::Html, &Fragment::new("<title>None</title>")).unwrap()),
        redirects: Some(store.put(wiki, Kind::Redirects, &redirects).unwrap()),
        home: Some("home".into()),
    };
    store.put_wiki(&manifest).unwrap();
    store.put_host("docs", wiki).unwrap();
    wiki
}

fn state(visibility: Visibility) -> EdgeState {
    let store = FragmentStore::memory();
    let wiki = publish(&store, visibility);
    EdgeState {
        store,
        viewer_key: Some(ViewerKey::new([5; 32])),
        hosts: HostRule { default_wiki: Some(wiki), ..HostRule::default() },
        clock: || NOW,
        visits: std::sync::Arc::default(),
        caching: Caching::asking(),
        behind: Behind::Live,
    }
}

fn ask(state: &EdgeState, method: &Method, path: &str, headers: &[(&'static str, &str)]) -> Outcome {
    let headers = headers.iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_str(v).unwrap()));
    let mut map: HeaderMap = HeaderMap::from_iter([(http::header::HOST, HeaderValue::from_static("localhost"))]);
    map.extend(headers);
    respond(state, method, &path.parse().unwrap(), &map)
}

fn get(state: &EdgeState, path: &str, headers: &[(&'static str, &str)]) -> Response<Body> {
    match ask(state, &Method::GET, path, headers) {
        Outcome::Response(response) => response,
        Outcome::Fallback(fallback) => panic!("{path}: {fallback:?}"),
    }
}

fn reason(state: &EdgeState, path: &str, headers: &[(&'static str, &str)]) -> Reason {
    match ask(state, &Method::GET, path, headers) {
        Outcome::Response(response) => panic!("{path}: {response:?}"),
        Outcome::Fallback(fallback) => fallback.reason,
    }
}

fn header<'r>(response: &'r Response<Body>, name: &str) -> &'r str {
    response.headers().get(name).map_or("", |v| v.to_str().unwrap())
}

fn text(response: Response<Body>) -> String {
    String::from_utf8(response.into_body().into_bytes().to_vec()).unwrap()
}

#[test]
fn a_page_is_frame_and_fragments() {
    let state = state(Visibility::Public);
    let page = get(&state, "/Guide/Set%20up", &[]);
    assert_eq!(page.status(), 200);
    assert_eq!(header(&page, "content-type"), "text/html; charset=utf-8");
    assert_eq!(header(&page, "cache-control"), "public, max-age=0, must-revalidate");
    assert!(header(&page, "content-security-policy").contains("default-src 'none'"));
    let length: usize = header(&page, "content-length").parse().unwrap();
    let html = text(page);
    assert_eq!(html, "<html><main><h1>Set up</h1></main></html>");
    assert_eq!(html.len(), length);
    assert_eq!(text(get(&state, "/", &[])), "<html><main><h1>Home</h1></main></html>");
    // A query that means nothing changes nothing (CDN-6).
    assert_eq!(text(get(&state, "/?utm_source=x", &[])), "<html><main><h1>Home</h1></main></html>");
}

#[test]
fn a_page_has_one_spelling() {
    let state = state(Visibility::Public);
    for (path, to) in [("/guide/set%20up", "/Guide/Set%20up"), ("/Guide/Set%20up/", "/Guide/Set%20up"), ("/home", "/"), ("/Home", "/")] {
        let page = get(&state, path, &[]);
        assert_eq!((page.status().as_u16(), header(&page, "location")), (301, to), "{path}");
    }
    for path in ["/Guide//Set%20up", "/Guide/./Set%20up", "/Guide/Set%20up.css", "/Guide/Set%20up;x", "/Guide"] {
        assert_eq!(reason(&state, path, &[]), Reason::Missing, "{path}");
    }
    for path in ["/a%2Fb", "/%00", "/%ff"] {
        assert!(matches!(reason(&state, path, &[]), Reason::BadAddress(_)), "{path}");
    }
}

#[test]
fn tags_make_answers_short() {
    let state = state(Visibility::Public);
    let plain = get(&state, "/", &[]);
    let packed = get(&state, "/", &[("accept-encoding", "gzip")]);
    assert_eq!(header(&packed, "content-encoding"), "gzip");
    assert_ne!(header(&plain, "etag"), header(&packed, "etag"), "two encodings are two representations");
    assert!(!header(&plain, "etag").starts_with("W/"));
    let again = get(&state, "/", &[("if-none-match", header(&plain, "etag"))]);
    assert_eq!(again.status(), 304);
    assert_eq!(text(again), "");
    assert_eq!(get(&state, "/", &[("if-none-match", header(&packed, "etag"))]).status(), 200);
    let Outcome::Response(head) = ask(&state, &Method::HEAD, "/", &[]) else { panic!("HEAD falls back") };
    assert_eq!((head.status().as_u16(), header(&head, "content-length")), (200, header(&plain, "content-length")));
}

#[test]
fn markdown_comes_byte_for_byte() {
    let state = state(Visibility::Public);
    let source = get(&state, "/Guide/Set%20up.md", &[]);
    assert_eq!(header(&source, "content-type"), "text/markdown; charset=utf-8");
    assert_eq!(header(&source, "x-holt-revision"), "01".repeat(20));
    // Four bytes a token, rounded up.
    assert_eq!(header(&source, "x-markdown-tokens"), "3");
    assert_eq!(text(source), "# Set up\n");
    let markdown = ("text/markdown; charset=utf-8", "Accept, Accept-Encoding", "private, no-cache");
    let html = ("text/html; charset=utf-8", "Accept-Encoding", "public, max-age=0, must-revalidate");
    for (accept, form) in [
        ("text/markdown", markdown),
        ("text/html;q=0.5, text/markdown", markdown),
        ("text/markdown;q=0.9, text/html", html),
        ("text/markdown;q=0", html),
        ("*/*", html),
    ] {
        for address in ["/Guide/Set%20up", "/"] {
            let page = get(&state, address, &[("accept", accept)]);
            assert_eq!((header(&page, "content-type"), header(&page, "vary"), header(&page, "cache-control")), form, "{accept}");
        }
    }
    let page = get(&state, "/Guide/Set%20up", &[("accept", "text/markdown")]);
    let again = get(&state, "/Guide/Set%20up", &[("accept", "text/markdown"), ("if-none-match", header(&page, "etag"))]);
    let other = get(&state, "/Guide/Set%20up", &[("if-none-match", header(&page, "etag"))]);
    assert_eq!((text(page), again.status().as_u16(), other.status().as_u16()), ("# Set up\n".to_string(), 304, 200));
}

#[test]
fn what_is_live_is_left_alone() {
    let state = state(Visibility::Public);
    for path in ["/-/search", "/api/v1/pages", "/?edit", "/Home?revision=abcd", "/.git/info/refs"] {
        assert_eq!(reason(&state, path, &[]), Reason::Live, "{path}");
    }
    assert!(matches!(ask(&state, &Method::POST, "/Home", &[]), Outcome::Fallback(_)));
    assert_eq!(reason(&state, "/Nowhere", &[]), Reason::Missing);
    assert_eq!(get(&state, holt_fragments::assets::url("style.css"), &[]).status(), 200);
}

#[test]
fn a_private_page_needs_a_token_for_this_wiki_and_epoch() {
    let state = state(Visibility::Private);
    let key = state.viewer_key.clone().unwrap();
    let wiki = state.hosts.default_wiki.unwrap();
    let viewer = Viewer { wiki, user: UserId(1), epoch: 4, expires: NOW + 30 };
    let cookie = |viewer: &Viewer| format!("holt_viewer={}", key.sign(viewer));
    let page = get(&state, "/", &[("cookie", &cookie(&viewer))]);
    assert_eq!((page.status().as_u16(), header(&page, "cache-control")), (200, "private, no-store"));
    let good = cookie(&viewer);
    let refused = [
        String::new(),
        cookie(&Viewer { epoch: 3, ..viewer }),
        cookie(&Viewer { wiki: WikiId::from_random(12), ..viewer }),
        cookie(&Viewer { expires: NOW, ..viewer }),
        format!("{good}; {good}"),
        "holt_viewer=x".to_string(),
    ];
    for cookie in refused {
        assert_eq!(reason(&state, "/", &[("cookie", &cookie)]), Reason::NeedsViewer, "{cookie}");
        assert_eq!(reason(&state, "/Nowhere", &[("cookie", &cookie)]), Reason::NeedsViewer, "absence is not told");
    }
}

/// As in an object store, from which other programs publish, too.
#[test]
fn styles_of_another_version_come_out_of_the_store() {
    let dir = tempfile::tempdir().unwrap();
    publish(&FragmentStore::folder(dir.path()), Visibility::Public);
    std::fs::create_dir(dir.path().join("static")).unwrap();
    std::fs::write(dir.path().join("static/style.0123456789ab.css"), "main { color: teal }").unwrap();
    let store = format!("file://{}", dir.path().display());
    let edge = Running::start(&["--default-wiki", "docs", "--fragments", &store]);
    let other = edge.curl(&["/-/static/style.0123456789ab.css"]);
    assert!(other.contains("200 OK") && other.ends_with("main { color: teal }"), "{other}");
    assert!(other.contains("text/css") && other.contains("immutable") && other.contains("nosniff"), "{other}");
    // What nobody has is the nearest there is, for a minute; our own are here.
    let unknown = edge.curl(&["/-/static/style.ba9876543210.css"]);
    assert!(unknown.contains("200 OK") && unknown.contains("max-age=60"), "{unknown}");
    let ours = edge.curl(&[holt_fragments::assets::url("style.css")]);
    assert!(ours.contains("200 OK") && ours.contains("immutable"), "{ours}");
    for path in ["/-/static/../w.0123456789ab.css", "/-/static/%2e%2e/w", "/-/static/x.0123456789ab.exe"] {
        assert!(edge.curl(&["--path-as-is", path]).contains("404 "), "{path}");
    }
}

/// A cache in front keeps what it has of such a page, as it would not after 404.
#[test]
fn a_page_that_is_not_whole_is_not_gone() {
    let dir = tempfile::tempdir().unwrap();
    let wiki = publish(&FragmentStore::folder(dir.path()), Visibility::Public);
    let store = FragmentStore::foreign_folder(dir.path());
    let page = store.page(wiki, &PagePath::parse("Guide/Set up").unwrap().key()).unwrap().unwrap();
    let (_, main) = &page.slots[0];
    let found = Command::new("find").arg(dir.path()).args(["-name", &format!("*{}*", &main.as_str()[4..])]).output().unwrap();
    let file = String::from_utf8(found.stdout).unwrap().trim().to_string();
    std::fs::write(&file, "damaged").unwrap();
    let edge = Running::start(&["--default-wiki", "docs", "--fragments", dir.path().to_str().unwrap()]);
    let broken = edge.curl(&["/Guide/Set%20up"]);
    assert!(broken.contains("503 ") && broken.contains("no-store"), "{broken}");
    assert!(edge.curl(&["/Nowhere"]).contains("404 ") && edge.curl(&["/"]).contains("200 "), "the control");
}

/// The program, until it is dropped.
struct Running {
    child: std::process::Child,
    address: String,
}

impl Running {
    fn start(args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_holt-edge"));
        let mut child = command.args(["--listen", "127.0.0.1:0"]).args(args).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, address: line.trim().strip_prefix("listening on ").unwrap().to_string() }
    }
    /// The last argument is a path.
    fn curl(&self, args: &[&str]) -> String {
        let (path, options) = args.split_last().unwrap();
        let url = format!("{}{path}", self.address);
        let out = Command::new("curl").args(["-s", "-i", "--max-time", "20", "--compressed"]).args(options).arg(url).output().unwrap();
        String::from_utf8_lossy(&out.stdout).into_owned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_program_serves_a_folder() {
    let dir = tempfile::tempdir().unwrap();
    publish(&FragmentStore::folder(dir.path()), Visibility::Public);
    let mut child = Command::new(env!("CARGO_BIN_EXE_holt-edge"))
        .args(["--listen", "127.0.0.1:0", "--default-wiki", "docs", "--origin", "https://origin.example.org/", "--fragments"])
        .arg(dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on ").unwrap().to_string();
    let curl = |args: &[&str]| {
        let out = Command::new("curl").args(["-s", "-i", "--max-time", "20", "--compressed"]).args(args).output().unwrap();
        String::from_utf8_lossy(&out.stdout).into_owned()
    };
    let page = curl(&[&format!("{address}/Guide/Set%20up")]);
    assert!(page.contains("200 OK") && page.ends_with("<html><main><h1>Set up</h1></main></html>"), "{page}");
    let elsewhere = curl(&[&format!("{address}/Nowhere?edit")]);
    assert!(elsewhere.contains("307 ") && elsewhere.contains("https://origin.example.org/Nowhere?edit"), "{elsewhere}");
    let unknown = curl(&["-H", "Host: evil.example", &address]);
    assert!(unknown.contains("404 ") && unknown.contains("There is no wiki here"), "{unknown}");
    Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_signal_ends_it_on_every_thread() {
    use std::io::{Read, Write};
    let dir = tempfile::tempdir().unwrap();
    publish(&FragmentStore::folder(dir.path()), Visibility::Public);
    let mut edge = Running::start(&["--default-wiki", "docs", "--fragments", dir.path().to_str().unwrap()]);
    let address = edge.address.strip_prefix("http://").unwrap().to_string();
    let mut readers: Vec<_> = (0..16).map(|_| std::net::TcpStream::connect(&address).unwrap()).collect();
    for reader in &mut readers {
        reader.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let (mut answer, mut piece) = (Vec::new(), [0; 4096]);
        while !answer.ends_with(b"</html>") {
            let read = reader.read(&mut piece).unwrap();
            assert!(read > 0, "{}", String::from_utf8_lossy(&answer));
            answer.extend_from_slice(&piece[..read]);
        }
    }
    Command::new("kill").args(["-TERM", &edge.child.id().to_string()]).status().unwrap();
    let told = std::time::Instant::now();
    assert!(edge.child.wait().unwrap().success());
    // Well before the time is over that whatever is under way would have.
    assert!(told.elapsed() < std::time::Duration::from_secs(10));
    assert!(readers.iter_mut().all(|reader| matches!(reader.read(&mut [0; 1]), Ok(0))), "each is told that it is over");
}

/// Each would be a request to the object store, and anybody can make up any number of them.
#[test]
fn hosts_that_somebody_makes_up_cost_a_bounded_number_of_requests() {
    let dir = tempfile::tempdir().unwrap();
    publish(&FragmentStore::folder(dir.path()), Visibility::Public);
    let store = format!("file://{}", dir.path().display());
    let edge = Running::start(&["--domain", "wiki.test", "--origin", "https://wiki.test", "--fragments", &store]);
    let url = format!("{}/Guide/Set%20up", edge.address);
    let ask = |hosts: Vec<String>| {
        let mut curl = Command::new("curl");
        for host in hosts {
            curl.args(["-s", "-o", "/dev/null", "-w", "%{http_code} %{redirect_url}\n", "-H", &format!("Host: {host}"), &url, "--next"]);
        }
        // The last one is not followed by another.
        let out = curl.args(["-s", "-o", "/dev/null", "-w", "200 ", "-H", "Host: docs.wiki.test", &url]).output().unwrap();
        String::from_utf8(out.stdout).unwrap().lines().map(|line| line.trim().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(ask(vec!["docs.wiki.test".into(), "none.wiki.test".into()])[..2], ["200", "404"]);
    let answers = ask((0..300).map(|n| if n % 2 == 0 { format!("x{n}.wiki.test") } else { format!("x{n}.example") }).collect());
    let count = |status: &str| answers.iter().filter(|answer| answer.as_str() == status).count();
    // A hundred, and as many as the seconds that it took gave; then nobody knows, and nobody is sent to the server.
    assert!((99..200).contains(&count("404")) && count("404") + count("503") == 300, "{answers:?}");
    // What is known is answered meanwhile.
    assert_eq!(ask(vec!["docs.wiki.test".into(), "none.wiki.test".into(), "new.wiki.test".into()])[..3], ["200", "404", "503"]);
}

/// As at the server. Whoever is in front sends `/-/…` there; the page that was asked for comes along.
#[test]
fn strangers_at_a_private_wiki_are_led_to_the_log_in() {
    let dir = tempfile::tempdir().unwrap();
    publish(&FragmentStore::folder(dir.path()), Visibility::Private);
    let folder = dir.path().to_str().unwrap();
    let edge = Running::start(&["--default-wiki", "docs", "--fragments", folder]);
    for (path, next) in [
        ("/", "/"),
        ("/Guide/Set%20up?a=1&next=//evil.example", "/Guide/Set%2520up%3Fa%3D1%26next%3D//evil.example"),
        ("/Nowhere", "/Nowhere"),
    ] {
        let answer = edge.curl(&[path]);
        let to = format!("location: /-/login?next={next}\r\n");
        assert!(answer.contains("303 ") && answer.contains(&to) && answer.contains("cache-control: no-store"), "{answer}");
        // Who has a session would only be sent back.
        for known in ["Cookie: holt_session=x", "Authorization: Bearer x"] {
            assert!(edge.curl(&["-H", known, path]).contains("404 "), "{known}");
        }
    }
    assert!(edge.curl(&["/-/login"]).contains("404 "), "it logs nobody in");
    let sending = Running::start(&["--default-wiki", "docs", "--origin", "https://origin.example.org", "--fragments", folder]);
    assert!(sending.curl(&["/Guide"]).contains("https://origin.example.org/Guide\r\n"), "the server says where");
}
