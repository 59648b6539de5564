//! A DNS server on the loopback that knows a few texts, and does what bad ones do if told to. It shares no code with what it tests.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::{Arc, Mutex};

/// How a [`DnsServer`] behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DnsConduct {
    /// As it should.
    Answers,
    /// Says nothing at all.
    Silent,
    /// Could not find out (SERVFAIL).
    Fails,
    /// Does not look for others, and knows nothing itself.
    Refers,
    /// Sends answers that are no messages after their head.
    Garbles,
    /// Sends answers with other numbers and to other questions first, then its own.
    ForgesFirst,
}

#[derive(Default)]
struct Zone {
    texts: BTreeMap<String, Vec<String>>,
    aliases: BTreeMap<String, String>,
    asked: usize,
    conduct: Option<DnsConduct>,
}

/// The server. Its threads end with the test process.
pub struct DnsServer {
    address: SocketAddr,
    zone: Arc<Mutex<Zone>>,
}

impl DnsServer {
    /// Listens on a free port, over UDP and TCP.
    pub fn start() -> Self {
        let (udp, tcp) = loop {
            let udp = UdpSocket::bind("127.0.0.1:0").expect("a free port");
            if let Ok(tcp) = TcpListener::bind(udp.local_addr().expect("its port")) {
                break (udp, tcp);
            }
        };
        let address = udp.local_addr().expect("its port");
        let zone: Arc<Mutex<Zone>> = Arc::default();
        let (datagrams, connections) = (zone.clone(), zone.clone());
        std::thread::spawn(move || {
            let mut buffer = [0; 1500];
            while let Ok((read, from)) = udp.recv_from(&mut buffer) {
                for answer in answers(&datagrams, &buffer[..read], Some(512)) {
                    let _ = udp.send_to(&answer, from);
                }
            }
        });
        std::thread::spawn(move || {
            for mut stream in tcp.incoming().map_while(Result::ok) {
                let mut length = [0; 2];
                let _ = stream.read_exact(&mut length);
                let mut question = vec![0; u16::from_be_bytes(length).into()];
                let _ = stream.read_exact(&mut question);
                for answer in answers(&connections, &question, None) {
                    let length = u16::try_from(answer.len()).expect("a short answer").to_be_bytes();
                    let _ = stream.write_all(&[&length, answer.as_slice()].concat());
                }
            }
        });
        Self { address, zone }
    }
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
    fn with<T>(&self, work: impl FnOnce(&mut Zone) -> T) -> T {
        work(&mut self.zone.lock().expect("no test panics in here"))
    }
    /// These are the texts of a name from now on; none: there is no such name.
    pub fn set(&self, name: &str, texts: &[&str]) {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_string()).collect();
        self.with(|zone| match texts.is_empty() {
            true => zone.texts.remove(name),
            false => zone.texts.insert(name.to_string(), texts),
        });
    }
    /// `name` is another name for `target`.
    pub fn alias(&self, name: &str, target: &str) {
        self.with(|zone| zone.aliases.insert(name.to_string(), target.to_string()));
    }
    /// What it does from now on.
    pub fn behave(&self, conduct: DnsConduct) {
        self.with(|zone| zone.conduct = Some(conduct));
    }
    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.with(|zone| zone.asked)
    }
}

fn wire(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        bytes.push(u8::try_from(label.len()).expect("a short label"));
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes
}

fn asked_name(question: &[u8]) -> Option<(String, usize)> {
    let (mut labels, mut at) = (Vec::new(), 12);
    loop {
        let length = usize::from(*question.get(at)?);
        at += 1;
        if length == 0 {
            return Some((labels.join(".").to_lowercase(), at + 4));
        }
        labels.push(String::from_utf8_lossy(question.get(at..at + length)?).into_owned());
        at += length;
    }
}

fn record(name: &str, kind: u16, data: &[u8]) -> Vec<u8> {
    let mut bytes = wire(name);
    bytes.extend([kind, 1, 0, 60, u16::try_from(data.len()).expect("a short record")].map(u16::to_be_bytes).concat());
    bytes.extend(data);
    bytes
}

/// What is sent back for a message, in order.
fn answers(zone: &Mutex<Zone>, question: &[u8], most: Option<usize>) -> Vec<Vec<u8>> {
    let mut zone = zone.lock().expect("no test panics in here");
    let Some((name, end)) = asked_name(question).filter(|(_, end)| *end <= question.len()) else { return Vec::new() };
    zone.asked += 1;
    let (mut records, mut at) = (Vec::new(), name);
    while let Some(target) = zone.aliases.get(&at) {
        records.push(record(&at, 5, &wire(target)));
        at.clone_from(target);
    }
    let texts = zone.texts.get(&at);
    for text in texts.into_iter().flatten() {
        let pieces = text.as_bytes().chunks(200).flat_map(|piece| [&[u8::try_from(piece.len()).expect("a short piece")], piece].concat());
        records.push(record(&at, 16, &pieces.collect::<Vec<u8>>()));
    }
    let code = if texts.is_none() { 3 } else { 0 };
    let message = |flags: u16, records: &[Vec<u8>]| {
        let mut bytes = question[..end].to_vec();
        bytes[2..4].copy_from_slice(&flags.to_be_bytes());
        let count = u16::try_from(records.len()).expect("few records").to_be_bytes();
        bytes[4..12].copy_from_slice(&[0, 1, count[0], count[1], 0, 0, 0, 0]);
        bytes.extend(records.concat());
        bytes
    };
    let fine = message(0x8180 | code, &records);
    let fine = if most.is_some_and(|most| fine.len() > most) { message(0x8380, &[]) } else { fine };
    match zone.conduct.unwrap_or(DnsConduct::Answers) {
        DnsConduct::Answers => vec![fine],
        DnsConduct::Silent => Vec::new(),
        DnsConduct::Fails => vec![message(0x8182, &[])],
        DnsConduct::Refers => vec![message(0x8100, &[])],
        DnsConduct::Garbles => vec![message(0x8180, &[vec![0xff; 20]])],
        DnsConduct::ForgesFirst => {
            // Records of the very name that was asked for.
            let false_text = [&[0xc0, 12], &record("", 16, b"\x05false")[1..]].concat();
            let lie = |at: usize| {
                let mut lie = message(0x8180, std::slice::from_ref(&false_text));
                lie[at] ^= 0x15;
                lie
            };
            vec![lie(0), lie(1), lie(13), vec![0; 5], question.to_vec(), fine]
        }
    }
}
