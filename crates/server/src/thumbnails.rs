//! Small pictures: made by a child process when somebody first asks, kept beside the wiki by the hash of the large one.

use holt_core::{Error, Result};
use holt_engine::Wiki;
use holt_engine::repo::BlobId;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::Duration;

/// Longest side of a small picture, in pixels: one of these.
pub const SIZES: &[u32] = &[80, 160, 320, 640, 1280];
/// A child that takes longer is ended.
const PATIENCE: Duration = Duration::from_secs(10);

/// Makes one picture at a time.
#[derive(Debug, Default)]
pub struct Thumbnails {
    busy: Mutex<()>,
}

/// The size that is at least `asked`; the smallest for what is no number.
pub fn size(asked: &str) -> u32 {
    let asked: u32 = asked.parse().unwrap_or(0);
    SIZES.iter().copied().find(|size| *size >= asked).unwrap_or(1280)
}

impl Thumbnails {
    /// The picture `content`, whose hash is `blob`, no larger than `size`. `Invalid` if it cannot be read.
    pub fn get(&self, wiki: &Wiki, blob: BlobId, content: &[u8], size: u32) -> Result<Vec<u8>> {
        if let Some(kept) = wiki.thumbnail(blob, size) {
            return Ok(kept);
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
