//! Small pictures: made by a child process when somebody first asks, kept beside the wiki by the hash of the large one.

use holt_core::{Error, Result};
use holt_engine::Wiki;
use holt_engine::repo::BlobId;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::Duration;

/// Longest side of a small picture, in pixels: one of these.
pub const SIZES: &[u32] = &[80, 160, 320, 640, 1280];
/// A child that takes longer is ended.
const PATIENCE: Duration = Duration::from_secs(10);

/// Most requests that wait for their picture: the others that a server answers at a time are for pages.
const WAITING: usize = 16;

/// Makes one picture at a time.
#[derive(Debug, Default)]
pub struct Thumbnails {
    busy: Mutex<()>,
    waiting: AtomicUsize,
}

/// A place among those who wait.
struct Place<'t>(&'t AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The size that is at least `asked`; the smallest for what is no number.
pub fn size(asked: &str) -> u32 {
    let asked: u32 = asked.parse().unwrap_or(0);
    SIZES.iter().copied().find(|size| *size >= asked).unwrap_or(1280)
}

impl Thumbnails {
    /// The picture `content`, whose hash is `blob`, no larger than `size`. `Invalid` if it cannot be read, `Busy` if too many are wanted.
    pub fn get(&self, wiki: &Wiki, blob: BlobId, content: &[u8], size: u32) -> Result<Vec<u8>> {
        if let Some(kept) = wiki.thumbnail(blob, size) {
            return Ok(kept);
        }
        let _place = Place(&self.waiting);
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= WAITING {
            return Err(Error::busy("many pictures are being made smaller").hint("Try again in a moment."));
        }
        let _one_at_a_time = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = wiki.thumbnail(blob, size) {
            return Ok(kept);
        }
        let small = in_child(content, size)?;
        // Whoever cannot keep it makes it again.
        if let Err(error) = wiki.keep_thumbnail(blob, size, &small) {
            tracing::warn!(wiki.id = %wiki.id(), "a thumbnail is not kept: {}", error.chain());
        }
        Ok(small)
    }
}

fn in_child(content: &[u8], size: u32) -> Result<Vec<u8>> {
    let failed = |e: std::io::Error| Error::internal("make a thumbnail").because(e);
    let program = crate::config::own_program().map_err(failed)?;
    let mut child = Command::new(program)
        .args(["thumbnail", "--size", &size.to_string()])
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)?;
    let (Some(mut input), Some(mut output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(Error::internal("make a thumbnail"));
    };
    let (done, small) = mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut bytes = Vec::new();
            let read = output.read_to_end(&mut bytes).map(|_| bytes);
            let _ = done.send(read);
        });
        // A child that has seen enough closes its end.
        scope.spawn(move || input.write_all(content));
        let small = small.recv_timeout(PATIENCE);
        if small.is_err() {
            let _ = child.kill();
        }
        let status = child.wait().map_err(failed)?;
        match small {
            Ok(Ok(bytes)) if status.success() && !bytes.is_empty() => Ok(bytes),
            _ => {
                Err(Error::invalid("the picture cannot be made smaller").hint("It is damaged, too large, or of a kind that is not known."))
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use holt_core::{ErrorKind, WikiName};
    use holt_engine::db::preferences::Audience;
    use holt_engine::{Clock, Engine, EngineOptions};

    #[test]
    fn slow_pictures_do_not_take_every_place() {
        let dir = tempfile::tempdir().unwrap();
        let engine = Engine::open(EngineOptions::new(dir.path(), Clock::fixed(0))).unwrap();
        let wiki = engine.create_wiki(&WikiName::parse("docs").unwrap(), "Docs", Audience::Everybody).unwrap();
        let thumbnails = Thumbnails::default();
        let get = || thumbnails.get(&wiki, BlobId::from_bytes([1; 20]), b"no picture", 80).map_err(|error| error.kind);
        std::thread::scope(|threads| {
            let slow = thumbnails.busy.lock().unwrap();
            let waiting: Vec<_> = (0..WAITING).map(|_| threads.spawn(get)).collect();
            while thumbnails.waiting.load(Ordering::Relaxed) < WAITING {
                std::thread::yield_now();
            }
            assert_eq!(get(), Err(ErrorKind::Busy));
            // They are answered once it is their turn: one that somebody kept meanwhile, here.
            wiki.keep_thumbnail(BlobId::from_bytes([1; 20]), 80, b"small").unwrap();
            drop(slow);
            for waiting in waiting {
                assert_eq!(waiting.join().unwrap(), Ok(b"small".to_vec()));
            }
        });
        assert_eq!(thumbnails.waiting.load(Ordering::Relaxed), 0);
    }
}
