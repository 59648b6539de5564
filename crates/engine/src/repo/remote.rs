//! Repositories elsewhere, for mirrors: what they have, what they bring, what is brought to them. git speaks to them with nothing allowed but https, no
//! redirects, to addresses that somebody else has judged (security.md GIT-15, SSRF-2). The password is in the environment of that process alone.

use super::child::{GitStop, Running};
use super::incoming::Incoming;
use super::pack_scan::{PackLimits, PackScan};
use super::{Repo, command};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use holt_core::{Error, Result, RevisionId};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Longest answer to what there is, in bytes.
const ANSWER: usize = 64 * 1024;
/// Longest time for it: whoever takes longer keeps others waiting.
const ASKING: Duration = Duration::from_secs(60);
/// What a branch that was fetched is called, where nobody sees it.
const THEIRS: &str = "refs/holt/theirs";

/// A repository elsewhere.
#[derive(Clone)]
pub struct Remote {
    /// Where, without user or password.
    pub url: String,
    /// `host:port:address[,address]`: where that is, whatever the DNS says now. None where the address names it.
    pub place: Option<String>,
    /// Whether it may be asked without TLS.
    pub plain: bool,
    /// A file with certificates of those who vouch for it; none: the public authorities.
    pub authorities: Option<PathBuf>,
    /// Who we are there, and by what.
    pub credentials: Option<(String, String)>,
    /// Which branch.
    pub branch: String,
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Remote({})", self.url)
    }
}

/// What came of a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// The remote has it.
    Taken,
    /// The remote has something that we do not know.
    Behind,
}

impl Remote {
    fn git(&self, repo: &Repo) -> Command {
        let mut git = command::git(&repo.dir);
        let mut set = |setting: &str| {
            git.args(["-c", setting]);
        };
        for setting in [
            "protocol.allow=never",
            "protocol.https.allow=always",
            "protocol.version=2",
            "http.followRedirects=false",
            "http.proxy=",
            "http.emptyAuth=false",
            "http.lowSpeedLimit=1000",
            "http.lowSpeedTime=30",
            "credential.helper=",
            "core.askPass=",
            "fetch.unpackLimit=1",
            "transfer.fsckObjects=true",
            "transfer.advertiseSID=false",
            "submodule.recurse=false",
            "pack.threads=1",
            "core.deltaBaseCacheLimit=16m",
            "pack.writeReverseIndex=false",
        ] {
            set(setting);
        }
        if self.plain {
            set("protocol.http.allow=always");
        }
        if let Some(file) = &self.authorities {
            set(&format!("http.sslCAInfo={}", file.display()));
        }
        if let Some(place) = &self.place {
            set(&format!("http.curloptResolve={place}"));
        }
        if let Some((user, password)) = &self.credentials {
            let header = format!("Authorization: Basic {}", STANDARD.encode(format!("{user}:{password}")));
            git.env("GIT_CONFIG_COUNT", "1").env("GIT_CONFIG_KEY_0", "http.extraHeader").env("GIT_CONFIG_VALUE_0", header);
        }
        git
    }
    fn reference(&self) -> String {
        format!("refs/heads/{}", self.branch)
    }
}

/// Whether a branch name is only a name (security.md GIT-6).
pub fn is_branch(name: &str) -> bool {
    super::import::plain(name)
}

/// Runs git to its end: what it said on standard output, at most [`ANSWER`], or why it failed.
fn run(git: &mut Command, stop: &GitStop, attempted: &str) -> Result<std::result::Result<Vec<u8>, String>> {
    let mut running = Running::start(git.stdin(Stdio::null()), stop, attempted)?;
    running.limit_files();
    running.all_told();
    let mut heard = Vec::new();
    running.hear(&mut |bytes| {
        if heard.len() + bytes.len() > ANSWER {
            return Err(Error::invalid("the remote says too much"));
        }
        heard.extend_from_slice(bytes);
        Ok(())
    })?;
    let (status, said) = running.finish()?;
    if status.success() { Ok(Ok(heard)) } else { Ok(Err(said + &String::from_utf8_lossy(&heard))) }
}

/// Why git could not, in words for whoever set the mirror up. What a server says is not repeated but for git's own first line.
fn failure(said: &str) -> Error {
    tracing::debug!("git and a remote: {}", said.trim());
    let any = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if any(&["SSL certificate problem", "certificate verification failed", "SSL: no alternative certificate", "certificate subject name"]) {
        return Error::denied("the certificate of the remote is not trusted")
            .hint("It has to be one of a public authority, for this very name, and in date. Nothing was sent.");
    }
    if any(&["Authentication failed", "could not read Username", "could not read Password", "error: 401", "error: 403"]) {
        return Error::denied("the remote does not take the user and the token").hint("Check them, and what the token may do.");
    }
    if any(&["error: 404", "not found", "does not exist"]) {
        return Error::not_found("there is no such repository at the remote, or not for this token").hint("Check the address.");
    }
    if any(&[
        "Could not resolve",
        "Failed to connect",
        "Couldn't connect",
        "Connection refused",
        "timed out",
        "early EOF",
        "hung up",
        "error: 5",
    ]) {
        return Error::busy("the remote does not answer").hint("It is asked again later.");
    }
    if any(&["unable to update url base from redirection", "redirect", "error: 30"]) {
        return Error::invalid("the remote leads elsewhere").hint("Give the address where it leads.");
    }
    let line = said.lines().find(|line| line.starts_with("fatal: ") || line.starts_with("error: ")).unwrap_or_default();
    let line: String = line.split_once(": ").map_or("", |(_, rest)| rest).chars().filter(|c| !c.is_control()).take(200).collect();
    Error::invalid(format!("git could not speak to the remote: {line}"))
}

impl Repo {
    /// The commit that the remote's branch stands at; none if it has no such branch.
    pub fn remote_head(&self, remote: &Remote, stop: &GitStop) -> Result<Option<RevisionId>> {
        let mut git = remote.git(self);
        git.args(["ls-remote", "--end-of-options"]).arg(&remote.url).arg(remote.reference());
        let heard = run(&mut git, &stop.within(ASKING), "ask a remote for its branch")?.map_err(|said| failure(&said))?;
        let text = String::from_utf8_lossy(&heard);
        let named = text.lines().filter_map(|line| line.split_once('\t')).find(|(_, name)| *name == remote.reference());
        named
            .map(|(id, _)| RevisionId::parse(id).map_err(|_| Error::invalid("the remote names objects in a way that is not known here")))
            .transpose()
    }
    /// Fetches the remote's branch without making it part of the repository: what came, and where the branch stands.
    pub fn fetch_from(&self, remote: &Remote, limits: PackLimits, stop: &GitStop) -> Result<(Incoming, RevisionId)> {
        let mut incoming = self.receive_nothing()?;
        let mut git = remote.git(incoming.repo());
        git.args(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--no-recurse-submodules"]);
        git.arg("--end-of-options").arg(&remote.url).arg(format!("+{}:{THEIRS}", remote.reference()));
        run(&mut git, stop, "fetch from a remote")?.map_err(|said| failure(&said))?;
        let bytes = look_through(&incoming, limits)?;
        incoming.note_bytes(bytes);
        let tip = std::fs::read_to_string(incoming.repo().dir.join(THEIRS)).map_err(|e| Error::io("read what was fetched", e))?;
        Ok((incoming, RevisionId::parse(tip.trim())?))
    }
    /// Brings `commit` and its history to the remote's branch, which only goes on from where it stands.
    pub fn push_to(&self, remote: &Remote, commit: RevisionId, stop: &GitStop) -> Result<Sent> {
        let mut git = remote.git(self);
        git.args(["push", "--porcelain", "--no-verify", "--no-follow-tags", "--no-recurse-submodules", "--no-signed", "--end-of-options"]);
        git.arg(&remote.url).arg(format!("{commit}:{}", remote.reference()));
        match run(&mut git, stop, "push to a remote")? {
            Ok(_) => Ok(Sent::Taken),
            Err(said) if ["(fetch first)", "(non-fast-forward)", "(stale info)"].iter().any(|word| said.contains(word)) => Ok(Sent::Behind),
            Err(said) if said.contains("[remote rejected]") || said.contains("[rejected]") => {
                let why = said.lines().filter_map(|line| line.strip_prefix("!\t")).find_map(|line| line.rsplit_once('('));
                let why: String =
                    why.map_or("", |(_, why)| why).trim_end_matches(')').chars().filter(|c| !c.is_control()).take(200).collect();
                Err(Error::denied(format!("the remote refuses the push: {why}"))
                    .hint("Its branch may be protected, or it may hold something against a commit."))
            }
            Err(said) => Err(failure(&said)),
        }
    }
}

/// Judges the packs that git has fetched as a push is judged. Bytes of them all.
fn look_through(incoming: &Incoming, limits: PackLimits) -> Result<u64> {
    let packs = incoming.repo().dir.join("objects/pack");
    let entries = std::fs::read_dir(&packs).map_err(|e| Error::io("list what was fetched", e))?;
    let mut bytes = 0;
    for pack in entries.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "pack")) {
        let mut file = File::open(&pack).map_err(|e| Error::io("open what was fetched", e))?;
        let (mut scan, mut piece) = (PackScan::new(limits), vec![0; 64 * 1024]);
        loop {
            match file.read(&mut piece) {
                Ok(0) => break,
                Ok(length) => scan.push(&piece[..length])?,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::io("read what was fetched", error)),
            }
        }
        scan.end()?;
        bytes += scan.bytes();
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_is_told_is_no_secret_and_leads_nowhere_else() {
        let dir = tempfile::tempdir().unwrap();
        let repo = Repo::create(&dir.path().join("repo.git")).unwrap();
        let remote = Remote {
            url: "https://git.example.org/x.git".into(),
            place: Some("git.example.org:443:192.0.2.7".into()),
            plain: false,
            authorities: None,
            credentials: Some(("ann".into(), "geheim".into())),
            branch: "main".into(),
        };
        let git = remote.git(&repo);
        let told: Vec<String> = git.get_args().map(|arg| arg.to_string_lossy().into_owned()).collect();
        let told = told.join(" ");
        let secret = STANDARD.encode("ann:geheim");
        assert!(!told.contains("geheim") && !told.contains(&secret) && !told.contains("http.allow"), "{told}");
        assert!(told.contains("protocol.allow=never") && told.contains("http.curloptResolve=git.example.org:443:192.0.2.7"), "{told}");
        // The control: it is told where nobody else reads it.
        assert!(git.get_envs().any(|(_, value)| value.is_some_and(|value| value.to_string_lossy().contains(&secret))));
        assert!(!format!("{remote:?}").contains("geheim"));
    }

    #[test]
    fn what_went_wrong_is_said_in_our_words() {
        for (said, ours) in [
            ("fatal: Authentication failed for 'https://x/'", "does not take the user"),
            ("fatal: unable to access 'https://x/': The requested URL returned error: 403", "does not take the user"),
            ("fatal: repository 'https://x/' not found", "no such repository"),
            ("fatal: unable to access 'https://x/': Failed to connect to x port 443", "does not answer"),
            ("fatal: unable to access 'https://x/': The requested URL returned error: 302", "leads elsewhere"),
            (
                "fatal: unable to access 'https://x/': SSL certificate problem: unable to get local issuer certificate",
                "certificate of the remote is not trusted",
            ),
            (
                "fatal: unable to access 'https://x/': SSL: no alternative certificate subject name matches target host name 'x'",
                "certificate of the remote is not trusted",
            ),
            ("fatal: something\u{7} else", "git could not speak to the remote: something else"),
        ] {
            assert!(failure(said).message.contains(ours), "{said}: {}", failure(said).message);
        }
    }
}
