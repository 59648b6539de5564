//! Each kind of cache against a server that speaks as its documentation says, checks what it is sent, and fails.

use super::client::Client;
use super::*;
use crate::connect::Patience;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Mutex;

/// What came in.
#[derive(Debug, Clone)]
struct Asked {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Asked {
    fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value.as_str())
    }
}

/// A server that answers each request as a function says, as long as the test runs. `None`: it hangs up.
struct Vendor {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

type Says = dyn Fn(&Asked) -> Option<String> + Send + Sync;

impl Vendor {
    fn new(says: impl Fn(&Asked) -> Option<String> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, asked) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let (says, all): (Arc<Says>, _) = (Arc::new(says), asked.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, says, all) = (stream.unwrap(), says.clone(), all.clone());
                std::thread::spawn(move || {
                    let (mut reader, mut stream) = (BufReader::new(stream.try_clone().unwrap()), stream);
                    while let Some(asked) = read(&mut reader) {
                        all.lock().unwrap().push(asked.clone());
                        let Some(answer) = says(&asked) else { return };
                        if stream.write_all(answer.as_bytes()).is_err() || answer.contains("Connection: close") {
                            return;
                        }
                    }
                });
            }
        });
        Self { address, asked }
    }
    fn url(&self) -> String {
        format!("http://{}", self.address)
    }
    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn read(reader: &mut impl BufRead) -> Option<Asked> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split(' ');
    let (method, path) = (words.next()?.to_string(), words.next()?.to_string());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_string()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Asked { method, path, headers, body: String::from_utf8(body).unwrap() })
}

fn answer(status: &str, body: &str) -> Option<String> {
    Some(format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
}

/// A cache whose vendor is there, with the secrets that it needs.
fn cache(url: &str, vendor: &Vendor) -> Cache {
    let endpoint = vendor.url();
    let named = move |name: &str| -> Result<Option<String>> {
        Ok(match name {
            "AWS_ENDPOINT_URL_CLOUDFRONT" | "FASTLY_API_ENDPOINT" | "CLOUDFLARE_BASE_URL" => Some(endpoint.clone()),
            "AWS_ACCESS_KEY_ID" => Some("AKIDEXAMPLE".into()),
            "AWS_SECRET_ACCESS_KEY" => Some("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into()),
            "AWS_SESSION_TOKEN" => Some("session".into()),
            "FASTLY_API_TOKEN" | "CLOUDFLARE_API_TOKEN" => Some("token".into()),
            "HOLT_PURGE_SECRET" => Some(format!("whsec_{}", STANDARD.encode(SECRET))),
            _ => None,
        })
    };
    let cache = Cache::open(url, &Surroundings { named: &named, now: || 1_700_000_000 }).unwrap();
    let patience = Patience { connect: Duration::from_millis(500), answer: Duration::from_millis(500) };
    Cache { client: Client::with(patience).unwrap(), ..cache }
}

const SECRET: &[u8] = b"sixteen bytes and more";

fn page(word: &str, path: &str) -> Page {
    Page { word: word.into(), paths: vec![path.into(), format!("{path}.md")] }
}

fn stale() -> Vec<Stale> {
    vec![
        Stale {
            wiki: "w1".into(),
            hosts: vec!["docs.example.org".into(), "wiki.example.com".into()],
            pages: Pages::These(vec![page("p1", "/Guide/Set%20up"), page("p2", "/A&B")]),
        },
        Stale { wiki: "w2".into(), hosts: vec!["two.example.org".into()], pages: Pages::All(vec!["/".into(), "/Home".into()]) },
    ]
}

/// So many pages of one wiki.
fn many(count: usize) -> Vec<Stale> {
    let pages = (0..count).map(|i| page(&format!("p{i}"), &format!("/P{i}"))).collect();
    vec![Stale { wiki: "w1".into(), hosts: vec!["docs.example.org".into()], pages: Pages::These(pages) }]
}

#[tokio::test]
async fn varnish_is_sent_bans_of_words() {
    let vendor = Vendor::new(|_| answer("200 Banned", ""));
    let cache = cache(&format!("varnish://{}", vendor.address), &vendor);
    cache.purge(&stale()).await.unwrap();
    cache.purge(&many(250)).await.unwrap();
    let asked = vendor.asked();
    assert_eq!((asked[0].method.as_str(), asked[0].path.as_str()), ("BAN", "/"));
    assert_eq!(asked[0].header("x-holt-forget"), "p1 p2 w2");
    assert_eq!(asked[0].header("authorization"), format!("Bearer whsec_{}", STANDARD.encode(SECRET)));
    assert_eq!(asked[1..].iter().map(|asked| asked.header("x-holt-forget").split(' ').count()).collect::<Vec<_>>(), [100, 100, 50]);
}

#[tokio::test]
async fn others_are_asked_for_each_address_at_each_host() {
    let vendor = Vendor::new(|asked| match asked.path.as_str() {
        "/Home" => answer("404 Not in cache", ""),
        _ => answer("200 OK", "gone"),
    });
    let cache = cache(&format!("purge://{}", vendor.address), &vendor);
    assert!(cache.needs_paths());
    cache.purge(&stale()).await.unwrap();
    let mut asked: Vec<String> = vendor.asked().iter().map(|a| format!("{} {}{}", a.method, a.header("host"), a.path)).collect();
    asked.sort();
    assert_eq!(
        asked,
        [
            "PURGE docs.example.org/A&B",
            "PURGE docs.example.org/A&B.md",
            "PURGE docs.example.org/Guide/Set%20up",
            "PURGE docs.example.org/Guide/Set%20up.md",
            "PURGE two.example.org/",
            "PURGE two.example.org/Home",
            "PURGE wiki.example.com/A&B",
            "PURGE wiki.example.com/A&B.md",
            "PURGE wiki.example.com/Guide/Set%20up",
            "PURGE wiki.example.com/Guide/Set%20up.md",
        ]
    );
    // A wiki without a name is asked for by the cache's own.
    let nameless = Stale { hosts: Vec::new(), ..stale()[1].clone() };
    cache.purge(&[nameless]).await.unwrap();
    assert_eq!(vendor.asked().last().unwrap().header("host"), vendor.address.to_string());
}

fn hmac(key: &[u8], message: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Signature Version 4 as AWS describes it, of a request without a query whose path needs no escaping.
fn signature(asked: &Asked, signed: &str, date: &str, place: (&str, &str), secret: &str) -> String {
    let (region, service) = place;
    let headers: String = signed.split(';').map(|name| format!("{name}:{}\n", asked.header(name))).collect();
    let body = hex(&Sha256::digest(asked.body.as_bytes()));
    let canonical = format!("{}\n{}\n\n{headers}\n{signed}\n{body}", asked.method, asked.path);
    let scope = format!("{}/{region}/{service}/aws4_request", &date[..8]);
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex(&Sha256::digest(canonical.as_bytes())));
    let key = [&date[..8], region, service, "aws4_request"].iter().fold(format!("AWS4{secret}").into_bytes(), |key, word| hmac(&key, word));
    hex(&hmac(&key, &text))
}

const AWS_SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// AWS's published example `get-vanilla`: what checks signatures below is right.
#[test]
fn signatures_are_checked_as_aws_checks_them() {
    let headers = vec![("host".into(), "example.amazonaws.com".into()), ("x-amz-date".into(), "20150830T123600Z".into())];
    let asked = Asked { method: "GET".into(), path: "/".into(), headers, body: String::new() };
    assert_eq!(
        signature(&asked, "host;x-amz-date", "20150830T123600Z", ("us-east-1", "service"), AWS_SECRET),
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
    );
}

#[tokio::test]
async fn cloudfront_is_sent_signed_invalidations() {
    let vendor = Vendor::new(|asked| {
        let authorization = asked.header("authorization");
        let field = |name: &str| {
            let at = authorization.find(name).unwrap_or_else(|| panic!("{authorization}")) + name.len() + 1;
            authorization[at..].split(',').next().unwrap().trim().to_string()
        };
        let (signed, date) = (field("SignedHeaders"), asked.header("x-amz-date"));
        let wanted = signature(asked, &signed, date, ("us-east-1", "cloudfront"), AWS_SECRET);
        let scope = format!("AKIDEXAMPLE/{}/us-east-1/cloudfront/aws4_request", &date[..8]);
        let fine = field("Signature") == wanted && field("Credential") == scope && asked.header("x-amz-security-token") == "session";
        let all_signed = ["host", "content-type", "x-amz-content-sha256", "x-amz-security-token"]
            .iter()
            .all(|name| signed.split(';').any(|s| s == *name));
        if fine && all_signed {
            answer("201 Created", "<Invalidation><Id>I1</Id><Status>InProgress</Status></Invalidation>")
        } else {
            answer("403 Forbidden", "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code></Error></ErrorResponse>")
        }
    });
    let cache = cache("cloudfront://E2EXAMPLE", &vendor);
    cache.purge(&stale()[..1]).await.unwrap();
    cache.purge(&stale()).await.unwrap();
    cache.purge(&many(501)).await.unwrap();
    cache.purge(&[]).await.unwrap();
    let asked = vendor.asked();
    assert_eq!(
        (asked.len(), asked[0].method.as_str(), asked[0].path.as_str()),
        (3, "POST", "/2020-05-31/distribution/E2EXAMPLE/invalidation")
    );
    assert_eq!(
        asked[0].body,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<InvalidationBatch xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\"><Paths>\
         <Quantity>4</Quantity><Items><Path>/A&amp;B</Path><Path>/A&amp;B.md</Path><Path>/Guide/Set%20up</Path><Path>/Guide/Set%20up.md</Path>\
         </Items></Paths><CallerReference>holt-1700000000-0</CallerReference></InvalidationBatch>"
    );
    // A whole wiki, and more paths than one would pay for, are all paths, which counts as one.
    for (number, asked) in asked.iter().enumerate().skip(1) {
        assert!(asked.body.contains("<Quantity>1</Quantity><Items><Path>/*</Path></Items>"), "{}", asked.body);
        assert!(asked.body.contains(&format!("<CallerReference>holt-1700000000-{number}</CallerReference>")), "{}", asked.body);
    }
}

#[tokio::test]
async fn fastly_is_sent_256_keys_at_once() {
    let vendor = Vendor::new(|asked| match asked.header("fastly-key") {
        "token" => answer("200 OK", "{\"p1\":\"108-1391560174-974124\"}"),
        _ => answer("401 Unauthorized", "{\"msg\":\"Provided credentials are missing or invalid\"}"),
    });
    let cache = cache("fastly://SU1Z0isxPaozGVKXdv0eY", &vendor);
    cache.purge(&stale()).await.unwrap();
    cache.purge(&many(300)).await.unwrap();
    let asked = vendor.asked();
    assert_eq!((asked[0].method.as_str(), asked[0].path.as_str()), ("POST", "/service/SU1Z0isxPaozGVKXdv0eY/purge"));
    let keys: Vec<usize> = asked.iter().map(|asked| asked.header("surrogate-key").split(' ').count()).collect();
    assert_eq!((asked[0].header("surrogate-key"), keys), ("p1 p2 w2", vec![3, 256, 44]));
}

#[tokio::test]
async fn cloudflare_is_sent_30_tags_at_once_and_believed_only_if_it_says_so() {
    let vendor = Vendor::new(|asked| match (asked.header("authorization"), asked.body.contains("p99")) {
        ("Bearer token", false) => {
            answer("200 OK", "{\"success\":true,\"errors\":[],\"messages\":[],\"result\":{\"id\":\"9a7806061c88ada191ed06f989cc3dac\"}}")
        }
        _ => answer("200 OK", "{\"success\":false,\"errors\":[{\"code\":1134,\"message\":\"limit\"}]}"),
    });
    let cache = cache("cloudflare://023e105f4ecef8ad9ca31a8372d0c353", &vendor);
    cache.purge(&stale()).await.unwrap();
    cache.purge(&many(61)).await.unwrap();
    let asked = vendor.asked();
    assert_eq!((asked[0].method.as_str(), asked[0].path.as_str()), ("POST", "/zones/023e105f4ecef8ad9ca31a8372d0c353/purge_cache"));
    assert_eq!((asked[0].body.as_str(), asked.len()), ("{\"tags\":[\"p1\",\"p2\",\"w2\"]}", 4));
    assert!(cache.purge(&many(100)).await.unwrap_err().why.contains("\"code\":1134"));
}

/// The example of the Standard Webhooks specification: what signs is right.
#[test]
fn webhooks_are_signed_as_their_specification_says() {
    let named = |_: &str| Ok(Some("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_string()));
    let webhook = Webhook::new("https://example.org/", &Surroundings { named: &named, now: || 0 }).unwrap();
    let signature = webhook.signature("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", "{\"test\": 2432232314}");
    assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

#[tokio::test]
async fn a_webhook_is_sent_all_of_it_signed() {
    let vendor = Vendor::new(|asked| {
        let signed = format!("{}.{}.{}", asked.header("webhook-id"), asked.header("webhook-timestamp"), asked.body);
        match asked.header("webhook-signature") == format!("v1,{}", STANDARD.encode(hmac(SECRET, &signed))) {
            true => answer("204 No Content", ""),
            false => answer("401 Unauthorized", ""),
        }
    });
    let cache = cache(&format!("{}/hook?a=b", vendor.url()), &vendor);
    cache.purge(&stale()).await.unwrap();
    cache.purge(&stale()).await.unwrap();
    let asked = vendor.asked();
    assert_eq!((asked[0].method.as_str(), asked[0].path.as_str()), ("POST", "/hook?a=b"));
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&asked[0].body).unwrap(),
        serde_json::json!({"type": "purge", "timestamp": "1700000000", "data": {"wikis": [
            {"key": "w1", "hosts": ["docs.example.org", "wiki.example.com"], "all": false, "pages": [
                {"key": "p1", "paths": ["/Guide/Set%20up", "/Guide/Set%20up.md"]},
                {"key": "p2", "paths": ["/A&B", "/A&B.md"]},
            ]},
            {"key": "w2", "hosts": ["two.example.org"], "all": true, "pages": []},
        ]}})
    );
    assert_eq!(asked[0].header("webhook-timestamp"), "1700000000");
    assert_ne!(asked[0].header("webhook-id"), asked[1].header("webhook-id"), "each message is a new one");
}

#[tokio::test]
async fn whatever_is_no_confirmation_is_a_refusal() {
    let kinds = |address: SocketAddr| {
        [
            format!("varnish://{address}"),
            format!("purge://{address}"),
            "cloudfront://E2EXAMPLE".to_string(),
            "fastly://S1".to_string(),
            "cloudflare://Z1".to_string(),
            format!("http://{address}/hook"),
        ]
    };
    type Fails = (fn(&Asked) -> Option<String>, &'static str, Option<u64>);
    let failures: [Fails; 8] = [
        (|_| answer("500 Oh no", "broken\nhere"), "it answered 500: broken here", None),
        (|_| answer("500 Oh", ""), "it answered 500", None),
        (|_| None, "it does not answer", None),
        (
            |_| Some("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/elsewhere\r\nContent-Length: 0\r\n\r\n".into()),
            "it answered 302, a redirect, which is not followed",
            None,
        ),
        (
            |_| Some("HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nslow".into()),
            "it answered 429: slow",
            Some(7),
        ),
        (|_| Some("HTTP/1.1 503 No\r\nRetry-After: 99999999\r\nContent-Length: 0\r\n\r\n".into()), "it answered 503", Some(300)),
        (
            |_| Some("HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\n{".into()),
            "its answer breaks off, or is too long",
            None,
        ),
        (
            |_| Some(format!("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n{}", "x".repeat(1_000_000))),
            "its answer breaks off, or is too long",
            None,
        ),
    ];
    for (says, why, wait) in failures {
        let vendor = Vendor::new(says);
        for url in kinds(vendor.address) {
            let refusal = cache(&url, &vendor).purge(&stale()[1..]).await.unwrap_err();
            assert_eq!((refusal.why.as_str(), refusal.wait.map(|wait| wait.as_secs())), (why, wait), "{url}");
        }
        assert!(!vendor.asked().is_empty());
    }
    // Whoever says nothing, and whoever is not there.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = { TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap() };
    for (address, why) in [(silent.local_addr().unwrap(), "it does not answer in time"), (nobody, "it cannot be reached")] {
        let vendor = Vendor { address, asked: Arc::default() };
        for url in kinds(address) {
            assert_eq!(cache(&url, &vendor).purge(&stale()[1..]).await.unwrap_err().why, why, "{url}");
        }
    }
}

#[test]
fn what_cannot_work_is_refused_before_anybody_is_asked() {
    let open = |url: &str, secret: Option<&str>| {
        let named = |_: &str| Ok(secret.map(str::to_string));
        Cache::open(url, &Surroundings { named: &named, now: || 0 }).map(|cache| cache.name().to_string()).map_err(|e| (e.message, e.hint))
    };
    for url in [
        "",
        "varnish",
        "varnish://",
        "varnish://a b",
        "varnish://host/path",
        "varnish://host:port",
        "ftp://host",
        "fastly://",
        "fastly://a/b",
        "cloudfront://a?b",
        "cloudflare://..",
        "https://",
        "purge+ftp://host",
        "squid://host",
    ] {
        assert!(open(url, Some("a secret of some length")).is_err(), "{url:?}");
    }
    let (message, _) = open("varnish://user:hidden@host", Some("x")).unwrap_err();
    assert!(!message.contains("hidden"), "{message}");
    for (url, name) in [
        ("fastly://S1", "FASTLY_API_TOKEN"),
        ("cloudflare://Z1", "CLOUDFLARE_API_TOKEN"),
        ("https://example.org/hook", "HOLT_PURGE_SECRET"),
    ] {
        let (message, hint) = open(url, None).unwrap_err();
        assert!(message.ends_with("needs a secret") && hint.unwrap().contains(name), "{message}");
    }
    assert!(open("https://example.org/hook", Some("short")).unwrap_err().0.contains("too short"));
    assert!(open("https://example.org/hook", Some("whsec_???")).unwrap_err().0.contains("not Base64"));
    for url in [
        "varnish://[::1]:6081",
        "varnish+https://cache.example.org",
        "purge://127.0.0.1:80",
        "cloudfront://E2EXAMPLE",
        "http://127.0.0.1:8/hook",
    ] {
        assert_eq!(open(url, Some("a secret of some length")).unwrap(), url);
    }
}
