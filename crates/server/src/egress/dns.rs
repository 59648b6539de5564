//! TXT records, asked of the machine's resolvers or of one that the operator names: what shows that somebody rules a name.
//!
//! A small client of RFC 1035 with what RFC 5452 asks for: for each question a socket and a number of its own, and nothing is taken that does not
//! answer it. What a resolver says is believed: it is the operator's.

mod message;

use super::Timed;
use holt_core::{Error, Result};
use message::{Answer, Question};
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::path::Path;
use std::time::{Duration, Instant};

/// Time for all of it.
const TIME: Duration = Duration::from_secs(5);
/// Time for one attempt over UDP.
const ATTEMPT: Duration = Duration::from_millis(1500);
/// So often each resolver is asked.
const ROUNDS: usize = 2;
/// Most resolvers that are asked, as the C library does.
const RESOLVERS: usize = 3;
/// What somebody sends who guesses: after so many datagrams that answer something else, the attempt is given up.
const STRAYS: usize = 32;
/// Longest answer over UDP without extensions (RFC 1035 §2.3.4); what is longer comes over TCP.
const DATAGRAM: usize = 512;
/// Longest answer that is read over TCP, in bytes.
const LONGEST: usize = 16 * 1024;
/// Where the machine says which resolvers it has.
const CONFIGURATION: &str = "/etc/resolv.conf";
const PORT: u16 = 53;

/// Asks for TXT records.
#[derive(Debug, Clone, Default)]
pub struct Dns {
    resolver: Option<SocketAddr>,
}

impl Dns {
    /// Asks `resolver`; none: those of `/etc/resolv.conf`, as it is then.
    pub fn new(resolver: Option<SocketAddr>) -> Self {
        Self { resolver }
    }
    /// The texts at `name`, each with its pieces put together; what is no UTF-8 is left out. Empty if there is no such name or no text there: that
    /// is known then. `Invalid` if `name` is no name of the DNS; `Busy` if it could not be found out now. Takes [`TIME`] at most.
    pub fn txt(&self, name: &str) -> Result<Vec<String>> {
        let end = Instant::now() + TIME;
        let resolvers = match self.resolver {
            Some(resolver) => vec![resolver],
            None => resolvers(Path::new(CONFIGURATION)),
        };
        for resolver in resolvers.iter().cycle().take(resolvers.len() * ROUNDS) {
            if Instant::now() >= end {
                break;
            }
            let question = Question::txt(name, random()?)?;
            match ask(*resolver, &question, end) {
                Ok(Answer::Texts(texts)) => return Ok(texts),
                Ok(answer) => tracing::debug!(%resolver, "a resolver does not find out about {name}: {answer:?}"),
                Err(error) => tracing::debug!(%resolver, "ask a resolver: {error}"),
            }
        }
        Err(Error::busy(format!("the DNS does not say now what there is at {name}")).hint("Try again in a few minutes."))
    }
}

fn random() -> Result<u16> {
    let mut bytes = [0; 2];
    getrandom::fill(&mut bytes).map_err(|e| Error::internal("ask the system for random bytes").because(e))?;
    Ok(u16::from_be_bytes(bytes))
}

/// The resolvers that a file of the form of resolv.conf(5) names; without one, whatever listens on this machine.
fn resolvers(file: &Path) -> Vec<SocketAddr> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let named = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let address = words.next().filter(|word| *word == "nameserver").and(words.next())?;
        // A zone behind an address of the local link names an interface: the system's own look-ups can use it, this one does not.
        Some(SocketAddr::new(address.parse().ok()?, PORT))
    });
    let named: Vec<SocketAddr> = named.take(RESOLVERS).collect();
    if named.is_empty() { vec![SocketAddr::new(Ipv4Addr::LOCALHOST.into(), PORT)] } else { named }
}

/// Over UDP; again over TCP if the answer does not fit there.
fn ask(resolver: SocketAddr, question: &Question, end: Instant) -> std::io::Result<Answer> {
    match over_udp(resolver, question, end.min(Instant::now() + ATTEMPT))? {
        Answer::Truncated => over_tcp(resolver, question, end),
        answer => Ok(answer),
    }
}

fn over_udp(resolver: SocketAddr, question: &Question, end: Instant) -> std::io::Result<Answer> {
    let any: IpAddr = if resolver.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    // The system chooses the port, at random; a connected socket takes nothing from anybody else.
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(resolver)?;
    socket.send(question.bytes())?;
    let mut buffer = [0; DATAGRAM];
    for _ in 0..STRAYS {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        socket.set_read_timeout(Some(left))?;
        let read = match socket.recv(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            read => read?,
        };
        match question.read(&buffer[..read]) {
            Answer::Stray => {}
            answer => return Ok(answer),
        }
    }
    Err(ErrorKind::TimedOut.into())
}

fn over_tcp(resolver: SocketAddr, question: &Question, end: Instant) -> std::io::Result<Answer> {
    let left = end.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(ErrorKind::TimedOut.into());
    }
    let mut stream = Timed { stream: TcpStream::connect_timeout(&resolver, left)?, end };
    let length = u16::try_from(question.bytes().len()).map_err(|_| ErrorKind::InvalidInput)?;
    stream.write_all(&[&length.to_be_bytes(), question.bytes()].concat())?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let length = usize::from(u16::from_be_bytes(length));
    if length > LONGEST {
        return Ok(Answer::Failed);
    }
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes)?;
    Ok(question.read(&bytes))
}

#[cfg(test)]
mod tests;
