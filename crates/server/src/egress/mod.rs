//! The one way out to other servers (security.md SSRF): `https`, public addresses, one request, no redirects, few bytes, little time;
//! but for what somebody at the command line asks for (`download.rs`).
//!
//! A name is resolved once, every address it has is judged, and one of those that were judged is connected to.

mod address;
mod answer;
mod dns;
mod download;

pub use answer::Answer;
pub use dns::Dns;

use answer::Bodies;
use holt_core::{Error, Result};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock, mpsc};
use std::time::{Duration, Instant};
use url::{Host, Url};

/// Time for all of it.
const TIME: Duration = Duration::from_secs(5);
/// Ports that a stranger's address may name.
const PORTS: [u16; 2] = [443, 8443];
/// Longest address that is asked, in bytes.
const URL_BYTES: usize = 1024;
/// Of the addresses that a name has, so many are tried.
const TRIES: usize = 2;

/// What came back: JSON, unread.
#[derive(Debug)]
pub struct Document {
    /// As sent.
    pub body: Vec<u8>,
    /// How long it may be kept, in seconds, if it says so.
    pub keep: Option<i64>,
}

/// What is wanted of a server (RFC 9110 §9.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// To look.
    Get,
    /// To do something.
    Post,
    /// To put something there.
    Put,
    /// To take it away.
    Delete,
}

impl Verb {
    fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// What goes along with a request.
#[derive(Debug, Clone, Copy)]
pub enum Sent<'a> {
    /// Nothing.
    Nothing,
    /// Names and values.
    Form(&'a [(&'a str, &'a str)]),
    /// A JSON text.
    Json(&'a str),
}

/// What is asked of a server.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// Where.
    pub address: &'a str,
    /// Which type is wanted back.
    pub accept: &'a str,
    /// More headers: name, value. What could begin another header is refused.
    pub headers: &'a [(&'a str, &'a str)],
    /// What is wanted.
    pub verb: Verb,
    /// What goes along.
    pub sent: Sent<'a>,
    /// Longest body that may come back, in bytes.
    pub most: usize,
}

impl<'a> Call<'a> {
    /// Looks for JSON of at most `most` bytes.
    pub fn get(address: &'a str, most: usize) -> Self {
        Self { address, accept: "application/json", headers: &[], verb: Verb::Get, sent: Sent::Nothing, most }
    }
    /// Sends a form, and expects JSON of at most `most` bytes.
    pub fn post(address: &'a str, form: &'a [(&'a str, &'a str)], most: usize) -> Self {
        Self { verb: Verb::Post, sent: Sent::Form(form), ..Self::get(address, most) }
    }
    fn head(&self, url: &Url) -> Result<String> {
        use std::fmt::Write as _;
        let method = self.verb.name();
        let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
        let version = env!("CARGO_PKG_VERSION");
        let mut head = format!(
            "{method} {target} HTTP/1.1\r\nHost: {host}\r\nAccept: {}\r\nAccept-Encoding: identity\r\nUser-Agent: Holt/{version}\r\nConnection: close\r\n",
            self.accept
        );
        for (name, value) in self.headers {
            let fine = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') && value.bytes().all(|b| (b' '..=b'~').contains(&b));
            if !fine {
                return Err(Error::internal("send a header that is none"));
            }
            let _ = write!(head, "{name}: {value}\r\n");
        }
        let (kind, body) = match self.sent {
            Sent::Nothing => {
                head.push_str("\r\n");
                return Ok(head);
            }
            Sent::Form(fields) => {
                let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
                ("application/x-www-form-urlencoded", body)
            }
            Sent::Json(text) => ("application/json", text.to_string()),
        };
        let _ = write!(head, "Content-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        Ok(head)
    }
}

/// What a server that whoever runs this one vouches for may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trust {
    /// Have any address, and do without TLS: on this machine, where only who is here already can have it asked (security.md SSRF-6).
    Everything,
    /// Have any address. Without TLS only on this machine.
    Place,
}

/// See [`Egress::place`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// `host:port:address,…`, as curl takes it; none if the address has no name in it.
    pub resolve: Option<String>,
    /// Whether it may be asked without TLS.
    pub plain: bool,
    /// Who vouches for it, where that is not a public authority.
    pub authorities: Option<PathBuf>,
}

/// See the module.
pub struct Egress {
    /// `host:port` of servers that whoever runs this one vouches for.
    trusted: Vec<String>,
    trust: Trust,
    /// For all of one request.
    time: Duration,
    tls: OnceLock<std::result::Result<Arc<ClientConfig>, String>>,
    /// Who may vouch for servers beside the public authorities.
    authorities: Vec<CertificateDer<'static>>,
    /// The file that they stand in, for programs.
    authority_file: Option<PathBuf>,
    test_network: Option<SocketAddr>,
    /// Where all trusted servers are, whatever the DNS says.
    place: Option<SocketAddr>,
}

/// What the names of servers end in that are nobody's on the public network (RFC 6761), and a test's own where there is one.
const TEST: &str = ".test";

/// Whether a name is of this machine or its network, whatever a resolver makes of it (RFC 6761, 6762, 8375; `.internal`).
fn is_local(name: &str) -> bool {
    const LOCAL: [&str; 4] = ["localhost", "local", "internal", "home.arpa"];
    let name = name.trim_end_matches('.');
    !name.contains('.') || LOCAL.iter().any(|end| name.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
}

const NOT_PUBLIC: &str = "its host is not on the public network";

impl Egress {
    /// With servers that are asked wherever they are; usually none.
    pub fn new(trusted: Vec<String>) -> Self {
        Self {
            trusted,
            trust: Trust::Everything,
            time: TIME,
            tls: OnceLock::new(),
            authorities: Vec::new(),
            authority_file: None,
            test_network: None,
            place: None,
        }
    }
    /// With servers of the operator's own network, which others do not name: they may have private addresses and any port. What is sent to them goes
    /// by TLS, or does not leave this machine.
    pub fn to_own(trusted: Vec<String>) -> Self {
        Self { trust: Trust::Place, ..Self::new(trusted) }
    }
    /// Takes as long as this for all of a request.
    pub fn within(self, time: Duration) -> Self {
        Self { time, ..self }
    }
    /// Believes these authorities, too.
    pub fn with_authorities(self, authorities: Vec<CertificateDer<'static>>) -> Self {
        Self { authorities, ..self }
    }
    /// Says where they stand, for programs that ask trusted servers by themselves.
    pub fn with_authority_file(self, file: Option<PathBuf>) -> Self {
        Self { authority_file: file, ..self }
    }
    /// Asks one address for all trusted servers, as before the DNS leads to it. Who it has to be stays the same.
    pub fn at(self, place: Option<SocketAddr>) -> Self {
        Self { place, ..self }
    }
    /// Asks one address of this machine for all servers under `.test`, without TLS. All that is checked before anybody is asked stays as it is.
    pub fn with_test_network(self, place: Option<SocketAddr>) -> Self {
        Self { test_network: place, ..self }
    }
    /// Fetches a document of at most `most` bytes. What went wrong is told in one clause, without what the server said.
    pub fn json(&self, address: &str, most: usize) -> Result<Document> {
        self.send(&Call::get(address, most), Bodies::OfDocuments)?.document()
    }
    /// Asks, and gives back whatever the answer is: its status and type are for the caller to look at. Redirects are not followed.
    pub fn ask(&self, call: &Call<'_>) -> Result<Answer> {
        self.send(call, Bodies::All)
    }
    /// Asks, and looks at nothing of the answer but its status.
    pub fn tell(&self, call: &Call<'_>) -> Result<u16> {
        Ok(self.send(call, Bodies::None)?.status())
    }
    /// Refuses an address that is not asked whatever the DNS says of it. Asks nobody.
    pub fn judge(&self, address: &str) -> Result<()> {
        self.judged(address).map_err(|error| {
            error.hint("Give an https address of a public server. One of its own network is for whoever runs this server to allow (--trust-hook-host).")
        })
    }
    fn judged(&self, address: &str) -> Result<()> {
        let (url, host, port) = self.check(address)?;
        let literal = match url.host() {
            Some(Host::Ipv4(address)) => Some(address.into()),
            Some(Host::Ipv6(address)) => Some(address.into()),
            _ => None,
        };
        if literal.is_some_and(|address| !address::is_public(address)) && !self.trusts(&host, port) {
            return Err(refused(NOT_PUBLIC));
        }
        Ok(())
    }
    /// Where a server is, for a program that asks it by itself: judged as if it were asked now.
    pub fn place(&self, address: &str) -> Result<Place> {
        let end = Instant::now() + self.time;
        let (url, host, port) = self.check(address)?;
        let places = self.resolve(&url, host.clone(), port, end)?;
        let shown = |place: &SocketAddr| match place.ip() {
            std::net::IpAddr::V4(address) => address.to_string(),
            std::net::IpAddr::V6(address) => format!("[{address}]"),
        };
        let named = matches!(url.host(), Some(Host::Domain(_)));
        let resolve = named.then(|| format!("{host}:{port}:{}", places.iter().take(TRIES).map(shown).collect::<Vec<_>>().join(",")));
        let authorities = self.authority_file.clone().filter(|_| self.trusts(&host, port));
        Ok(Place { resolve, plain: url.scheme() == "http", authorities })
    }
    fn send(&self, call: &Call<'_>, bodies: Bodies) -> Result<Answer> {
        let end = Instant::now() + self.time;
        let (url, host, port) = self.check(call.address)?;
        let head = call.head(&url)?;
        let stand_in = self.test_network.filter(|_| host.ends_with(TEST));
        let places = match stand_in {
            Some(place) => vec![place],
            None => self.resolve(&url, host.clone(), port, end)?,
        };
        let stream = connect(&places, end)?;
        let timed = Timed { stream, end };
        if url.scheme() == "https" && stand_in.is_none() {
            let name = ServerName::try_from(host).map_err(|_| refused("its host is no name of a server"))?;
            let connection = ClientConnection::new(self.tls()?, name).map_err(|_| refused("no secure connection can be made"))?;
            exchange(&mut StreamOwned::new(connection, timed), &head, bodies, call.most)
        } else {
            exchange(&mut { timed }, &head, bodies, call.most)
        }
    }
    /// What an address must be before anybody is asked anything.
    fn check(&self, address: &str) -> Result<(Url, String, u16)> {
        let url = Url::parse(address).ok().filter(|_| address.len() <= URL_BYTES).ok_or_else(|| refused("it is no address"))?;
        // Whoever reads the text and whoever reads the address must see the same one.
        if url.as_str() != address {
            return Err(refused("it is not written as browsers write it"));
        }
        let (host, port) = self.check_parts(&url)?;
        Ok((url, host, port))
    }
    fn check_parts(&self, url: &Url) -> Result<(String, u16)> {
        let (Some(host), Some(port)) = (url.host_str().map(str::to_string), url.port_or_known_default()) else {
            return Err(refused("it names no server"));
        };
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(refused("it has a user or a fragment"));
        }
        let trusted = self.trusts(&host, port);
        if url.scheme() != "https" && !(trusted && url.scheme() == "http") {
            return Err(refused("it does not begin with https://"));
        }
        if !trusted && !PORTS.contains(&port) {
            return Err(refused("its port is neither 443 nor 8443"));
        }
        if !trusted && matches!(url.host(), Some(Host::Domain(name)) if is_local(name)) {
            return Err(refused(NOT_PUBLIC));
        }
        Ok((host, port))
    }
    fn trusts(&self, host: &str, port: u16) -> bool {
        self.trusted.iter().any(|trusted| *trusted == format!("{host}:{port}"))
    }
    /// The addresses of a server, all of which anybody could ask.
    fn resolve(&self, url: &Url, host: String, port: u16, end: Instant) -> Result<Vec<SocketAddr>> {
        let trusted = self.trusts(&host, port);
        let places: Vec<SocketAddr> = match (self.place.filter(|_| trusted), url.host()) {
            (Some(place), _) => vec![place],
            (None, Some(Host::Ipv4(address))) => vec![(address, port).into()],
            (None, Some(Host::Ipv6(address))) => vec![(address, port).into()],
            (None, _) => {
                // The system's resolver takes as long as it likes: it is asked aside.
                let (done, found) = mpsc::channel();
                let asked = std::thread::Builder::new().name("resolve".into());
                asked
                    .spawn(move || done.send((host.as_str(), port).to_socket_addrs().map(Iterator::collect)))
                    .map_err(|e| Error::io("start a thread", e))?;
                let left = end.saturating_duration_since(Instant::now());
                found.recv_timeout(left).ok().and_then(std::io::Result::ok).ok_or_else(|| refused("its host is not known"))?
            }
        };
        if places.is_empty() {
            return Err(refused("its host is not known"));
        }
        if !trusted && !places.iter().all(|place| address::is_public(place.ip())) {
            return Err(refused(NOT_PUBLIC));
        }
        if url.scheme() != "https" && self.trust == Trust::Place && !places.iter().all(|place| place.ip().to_canonical().is_loopback()) {
            return Err(refused("it does not begin with https://, and is not on this machine"));
        }
        Ok(places)
    }
    fn tls(&self) -> Result<Arc<ClientConfig>> {
        let made = self.tls.get_or_init(|| {
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(|e| e.to_string())?;
            let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
            for authority in &self.authorities {
                roots.add(authority.clone()).map_err(|e| e.to_string())?;
            }
            Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
        });
        made.clone().map_err(|e| Error::internal("prepare secure connections").because(std::io::Error::other(e)))
    }
}

/// The certificates in a PEM text. `Invalid` if there are none, or one of them is none that could vouch for anybody.
pub fn authorities(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>> {
    let broken = || Error::invalid("it holds no certificates").hint("It is a PEM file: -----BEGIN CERTIFICATE----- and so on.");
    let all: Vec<_> = CertificateDer::pem_slice_iter(pem).collect::<std::result::Result<_, _>>().map_err(|_| broken())?;
    let mut roots = RootCertStore::empty();
    if all.is_empty() || all.iter().any(|one| roots.add(one.clone()).is_err()) {
        return Err(broken());
    }
    Ok(all)
}

fn refused(why: &str) -> Error {
    Error::invalid(why)
}

fn connect(places: &[SocketAddr], end: Instant) -> Result<TcpStream> {
    for place in places.iter().take(TRIES) {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        if let Ok(stream) = TcpStream::connect_timeout(place, left) {
            return Ok(stream);
        }
    }
    Err(refused("its server does not answer"))
}

/// A connection that ends in time, however slowly it goes on.
struct Timed {
    stream: TcpStream,
    end: Instant,
}

impl Timed {
    fn left(&self) -> std::io::Result<Option<Duration>> {
        match self.end.saturating_duration_since(Instant::now()) {
            Duration::ZERO => Err(ErrorKind::TimedOut.into()),
            left => Ok(Some(left)),
        }
    }
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.stream.set_read_timeout(self.left()?)?;
        self.stream.read(buffer)
    }
}

impl Write for Timed {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        self.stream.set_write_timeout(self.left()?)?;
        self.stream.write(buffer)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        self.stream.flush()
    }
}

/// Asks, and reads until the answer is whole.
fn exchange(stream: &mut (impl Read + Write), head: &str, bodies: Bodies, most: usize) -> Result<Answer> {
    let unanswered = |_| refused("its server does not answer");
    stream.write_all(head.as_bytes()).and_then(|()| stream.flush()).map_err(unanswered)?;
    let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let read = match stream.read(&mut piece) {
            // Some servers end a secure connection without saying so; what is missing then is noticed below.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => 0,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            read => read.map_err(unanswered)?,
        };
        bytes.extend_from_slice(&piece[..read]);
        if let Some(answer) = Answer::read(&bytes, read == 0, bodies, most)? {
            return Ok(answer);
        }
    }
}

#[cfg(test)]
mod tests;
