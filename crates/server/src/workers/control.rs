//! What operators tell workers: one line of JSON each way over a socket of each process that hosts some, which only who owns the data directory reaches. The
//! file of a worker's post says which process that is.

use super::{Host, NAMES, Name, meeting_place, post_file};
use holt_core::{Error, ErrorKind, Result};
use holt_engine::{Post, Standing};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How long whoever speaks may be silent.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long an order may take: what a worker is at ends first.
const OBEYING: Duration = Duration::from_secs(30);
/// Longest line.
const LINE: u64 = 4096;

/// Something to be done to a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// It ends what it is at, and rests.
    Pause,
    /// It works again.
    Resume,
    /// It ends what it is at, and begins anew with whatever failed.
    Restart,
    /// Its process lets another have it.
    Give,
    /// How it stands is written down.
    Note,
}

#[derive(Debug, Serialize, Deserialize)]
struct Asked {
    order: Order,
    worker: String,
}

/// What a process says to an order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Why it was not obeyed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What helps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The wikis it is at, each with milliseconds.
    #[serde(default)]
    pub at: Vec<(String, u64)>,
    /// Turns of it that hung in this process.
    #[serde(default)]
    pub lost: u32,
}

/// Makes the directory where workers meet.
pub(super) fn make_place(place: &Path) -> Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(place).map_err(|e| Error::io(format!("create {}", place.display()), e))
}

/// A socket in a directory: the system takes some hundred bytes for its path, so that a long one is said by the directory's descriptor.
struct Place {
    path: PathBuf,
    /// Open for as long as the path is to be good.
    _directory: Option<File>,
}

/// What fits into every system's address of a socket, with the zero at its end.
const SHORT: usize = 100;

fn socket(data: &Path, process: u32) -> std::io::Result<Place> {
    let (directory, name) = (meeting_place(data), format!("{process}.sock"));
    let path = directory.join(&name);
    if path.as_os_str().len() < SHORT {
        return Ok(Place { path, _directory: None });
    }
    let directory = File::open(directory)?;
    Ok(Place { path: PathBuf::from(format!("/proc/self/fd/{}", directory.as_raw_fd())).join(name), _directory: Some(directory) })
}

impl Host {
    /// Listens for orders, on a thread, until the process ends.
    pub fn obey(self: &Arc<Self>, data: &Path) -> Result<()> {
        forget_the_dead(data);
        let attempted = || format!("listen for orders in {}", meeting_place(data).display());
        let place = socket(data, std::process::id()).map_err(|e| Error::io(attempted(), e))?;
        let listener = UnixListener::bind(&place.path).map_err(|e| Error::io(attempted(), e))?;
        std::fs::set_permissions(&place.path, std::fs::Permissions::from_mode(0o600)).map_err(|e| Error::io(attempted(), e))?;
        let host = self.clone();
        let listen = move || {
            for stream in listener.incoming().flatten() {
                // Whoever speaks to us may go in the middle of it.
                let _ = host.hear(stream);
            }
        };
        std::thread::Builder::new()
            .name("holt-control".into())
            .spawn(listen)
            .map(drop)
            .map_err(|e| Error::io("start a thread for orders", e))
    }
    fn hear(&self, mut stream: UnixStream) -> std::io::Result<()> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut line = String::new();
        BufReader::new((&stream).take(LINE)).read_line(&mut line)?;
        let done = serde_json::from_str(&line).map_err(|_| Error::invalid("this is no order")).and_then(|asked: Asked| {
            let name = NAMES.iter().find(|name| name.as_str() == asked.worker).copied();
            let name = name.ok_or_else(|| Error::not_found("there is no such worker"))?;
            self.order(asked.order, name).map(|()| name)
        });
        let answer = match done {
            Ok(name) => {
                let doing = self.doing().into_iter().find(|doing| doing.name == name);
                let (at, lost) = doing.map_or_else(Default::default, |doing| (doing.at, doing.lost));
                Answer { at: at.into_iter().map(|(wiki, time)| (wiki.to_string(), time)).collect(), lost, ..Answer::default() }
            }
            Err(error) => Answer { error: Some(error.message), hint: error.hint, ..Answer::default() },
        };
        let said = serde_json::to_string(&answer).map_err(std::io::Error::other)?;
        stream.write_all(format!("{said}\n").as_bytes())
    }
    /// Does what it is told to one of its workers.
    pub fn order(&self, order: Order, name: Name) -> Result<()> {
        match order {
            Order::Pause => self.pause(name),
            Order::Resume => self.resume(name),
            Order::Restart => self.restart(name),
            Order::Give => self.give(name),
            Order::Note => {
                self.note_now();
                Ok(())
            }
        }
    }
}

/// Sockets of processes that are gone.
fn forget_the_dead(data: &Path) {
    for entry in std::fs::read_dir(meeting_place(data)).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let process = name.to_str().and_then(|name| name.strip_suffix(".sock")?.parse().ok());
        let Some(Ok(place)) = process.map(|process| socket(data, process)) else { continue };
        if UnixStream::connect(&place.path).is_err() {
            // Best effort: nobody listens there.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Which process has the post of a worker, and what it says of it.
pub fn standing(data: &Path, name: Name) -> Option<Standing> {
    Post::new(post_file(data, name)).standing()
}

/// Gives an order to whatever process has the post of a worker. None if no process has.
pub fn ask(data: &Path, order: Order, name: Name) -> Result<Option<Answer>> {
    let Some(process) = standing(data, name).map(|standing| standing.process) else { return Ok(None) };
    let attempted = || format!("speak to process {process}, which is {name}");
    let talk = || -> std::io::Result<String> {
        let mut stream = {
            let place = socket(data, process)?;
            UnixStream::connect(&place.path)?
        };
        stream.set_read_timeout(Some(OBEYING))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let asked = serde_json::to_string(&Asked { order, worker: name.to_string() }).map_err(std::io::Error::other)?;
        stream.write_all(format!("{asked}\n").as_bytes())?;
        let mut line = String::new();
        BufReader::new(stream.take(1 << 20)).read_line(&mut line)?;
        Ok(line)
    };
    let line = talk().map_err(|e| Error::io(attempted(), e))?;
    let answer: Answer = serde_json::from_str(&line).map_err(|e| Error::internal(attempted()).because(e))?;
    match answer.error {
        None => Ok(Some(answer)),
        Some(error) => {
            let refused = Error::new(ErrorKind::Conflict, error);
            Err(match answer.hint {
                Some(hint) => refused.hint(hint),
                None => refused,
            })
        }
    }
}
