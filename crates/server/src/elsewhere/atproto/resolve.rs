//! From what somebody typed to the server that can vouch for them (spec/platform.md §3.2, steps 2 and 3). Everything here asks servers that
//! strangers name: each address is judged before it is asked, nothing is followed, and all of it together has a bounded time.

use super::names::{self, Did, Named};
use super::servers::{AuthorizationServer, DidDocument, issuer_of};
use crate::egress::{Call, Dns, Egress};
use holt_core::{Error, ErrorKind, Result};
use serde_json::Value;
use std::time::{Duration, Instant};

/// Time for all questions of one step. The last of them may take its own time beyond it.
const TIME: Duration = Duration::from_secs(15);
/// Longest document, in bytes.
const DOCUMENT: usize = 64 * 1024;
/// Longest text that is a DID, in bytes.
const TEXT: usize = 4 * 1024;
/// Most texts at a name of the DNS that are looked at.
const RECORDS: usize = 32;

/// Asks other servers, until the time is over.
pub struct Asking<'a> {
    egress: &'a Egress,
    dns: &'a Dns,
    directory: &'a str,
    end: Instant,
}

/// Somebody, and where they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whereabouts {
    /// Who.
    pub did: Did,
    /// What they are called, if the handle says so, too.
    pub handle: Option<String>,
    /// Where their account is: scheme and host.
    pub pds: String,
}

/// Where somebody is sent to log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// Who is expected back; none if only a server was named.
    pub whom: Option<Whereabouts>,
    /// Where they log in.
    pub server: AuthorizationServer,
}

impl<'a> Asking<'a> {
    /// `directory` knows the documents of `did:plc`.
    pub fn new(egress: &'a Egress, dns: &'a Dns, directory: &'a str) -> Self {
        Self { egress, dns, directory, end: Instant::now() + TIME }
    }
    /// Where whoever typed that logs in.
    pub fn destination(&self, named: &Named) -> Result<Destination> {
        let (whom, issuer) = match named {
            Named::Handle(handle) => {
                let did = self.did_of(handle)?.ok_or_else(|| unknown(handle, "there is no such handle"))?;
                let whom = self.whereabouts(&did, Some(handle))?;
                // Anybody can claim a handle in their document, and a handle can name anybody: both have to say the same.
                if whom.handle.as_deref() != Some(handle) {
                    return Err(unknown(handle, "whom it names is called something else"));
                }
                let issuer = self.issuer(&whom.pds)?;
                (Some(whom), issuer)
            }
            Named::Did(did) => {
                let whom = self.whereabouts(did, None)?;
                let issuer = self.issuer(&whom.pds)?;
                (Some(whom), issuer)
            }
            // A server where accounts are names the one where people log in, which may be itself.
            Named::Server(origin) => match self.document(&resource(origin)) {
                Ok(document) => (None, issuer_of(origin, &document).map_err(|why| unknown(origin, why))?),
                Err(_) => (None, origin.clone()),
            },
        };
        Ok(Destination { whom, server: self.server(&issuer)? })
    }
    /// Who somebody is, what they are called and where they are. A handle that does not name them in turn is none; `named` is known to.
    pub fn whereabouts(&self, did: &Did, named: Option<&str>) -> Result<Whereabouts> {
        let document = self.document(&did.document(self.directory)).map_err(|e| about(did.as_str(), e))?;
        let DidDocument { handle, pds } = DidDocument::read(did, &document).map_err(|why| unknown(did.as_str(), why))?;
        let handle = match handle {
            Some(handle) if named == Some(&handle) => Some(handle),
            Some(handle) if self.did_of(&handle)?.as_ref() == Some(did) => Some(handle),
            _ => None,
        };
        Ok(Whereabouts { did: did.clone(), handle, pds })
    }
    /// Where the people of `pds` log in.
    pub fn issuer(&self, pds: &str) -> Result<String> {
        let document = self.document(&resource(pds)).map_err(|e| about(pds, e))?;
        issuer_of(pds, &document).map_err(|why| unknown(pds, why))
    }
    fn server(&self, issuer: &str) -> Result<AuthorizationServer> {
        let place = format!("{issuer}/.well-known/oauth-authorization-server");
        let document = self.document(&place).map_err(|e| about(issuer, e))?;
        AuthorizationServer::read(issuer, &document).map_err(|why| unknown(issuer, why))
    }
    /// Whom a handle names: the DNS says so, else the host itself.
    fn did_of(&self, handle: &str) -> Result<Option<Did>> {
        self.check_time()?;
        let texts = self.dns.txt(&format!("_atproto.{handle}")).or_else(|error| match error.kind {
            ErrorKind::Internal => Err(error),
            // The host may know what the DNS could not be asked.
            _ => Ok(Vec::new()),
        })?;
        let mut named: Vec<&str> = texts.iter().take(RECORDS).filter_map(|text| text.strip_prefix("did=")).map(str::trim).collect();
        named.dedup();
        match named.as_slice() {
            [one] => return Ok(Did::parse(one)),
            // Several people at one name are nobody.
            [_, ..] => return Ok(None),
            [] => {}
        }
        self.check_time()?;
        let address = format!("https://{handle}/.well-known/atproto-did");
        let call = Call { accept: "text/plain", ..Call::get(&address, TEXT) };
        match self.egress.ask(&call) {
            Ok(answer) if answer.status() == 200 => Ok(std::str::from_utf8(answer.body()).ok().and_then(|text| Did::parse(text.trim()))),
            Err(error) if error.kind == ErrorKind::Internal => Err(error),
            _ => Ok(None),
        }
    }
    /// A document of JSON. The directory is the operator's, everything else has to have an address of this protocol.
    fn document(&self, address: &str) -> Result<Value> {
        let own = address.strip_prefix(self.directory.trim_end_matches('/')).is_some_and(|rest| rest.starts_with('/'));
        if !own && names::address(address).is_none() {
            return Err(Error::invalid("it has an address that is not asked"));
        }
        self.check_time()?;
        let document = self.egress.json(address, DOCUMENT)?;
        serde_json::from_slice(&document.body).map_err(|_| Error::invalid("what is there is no JSON"))
    }
    fn check_time(&self) -> Result<()> {
        match Instant::now() < self.end {
            true => Ok(()),
            false => Err(Error::busy("the servers that were asked took too long").hint("Try again in a moment.")),
        }
    }
}

fn resource(origin: &str) -> String {
    format!("{origin}/.well-known/oauth-protected-resource")
}

/// Why nobody can log in as `name`, or at it.
fn unknown(name: &str, why: &str) -> Error {
    Error::invalid(format!("“{name}” cannot be used to log in: {why}")).hint("Look whether it is written as your app shows it.")
}

/// What went wrong with asking, said of the name that was asked for.
fn about(name: &str, error: Error) -> Error {
    match error.kind {
        ErrorKind::Invalid => unknown(name, &error.message),
        _ => error,
    }
}
