//! Keeping the number of packs small: every save leaves one, and looking an object up asks each. Packs of one size class are merged by
//! copying their entries, which hold no deltas; the classes grow by a factor of 32, so that an object is copied a logarithmic number of times.
//! Packs that were pushed hold deltas: the objects of small ones are made whole, larger ones stay as they are.

use super::Repo;
use super::durable::{sync_all, sync_directory, write_new};
use super::pack::{Entry, build};
use gix::ObjectId;
use holt_core::{Error, Result};
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

/// So many packs of a class are merged.
pub(super) const FAN: usize = 32;
/// Larger packs are left to git's own repacking, which finds deltas.
const LARGEST: u64 = 64 * 1024 * 1024;
/// The same for packs with deltas, and how much they may be unpacked.
const LARGEST_PUSHED: u64 = 4 * 1024 * 1024;
const UNPACKED: u64 = 64 * 1024 * 1024;

/// What a fold did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Folded {
    /// Packs that are gone.
    pub merged: usize,
    /// Packs that took their place.
    pub made: usize,
}

struct Small {
    stem: PathBuf,
    objects: u32,
}

impl Repo {
    /// Whether [`Repo::fold_packs`] may find something to do: one look at a directory.
    pub fn wants_fold(&self) -> bool {
        let packs = std::fs::read_dir(self.packs()).into_iter().flatten().flatten();
        packs.filter(|entry| entry.file_name().to_string_lossy().ends_with(".idx")).count() >= FAN
    }
    /// Merges small packs. New ones are durable before old ones go; readers that hold an old one keep it.
    pub fn fold_packs(&self) -> Result<Folded> {
        let mut folded = Folded::default();
        for _ in 0..8 {
            let mut classes: BTreeMap<u32, Vec<Small>> = BTreeMap::new();
            for pack in small_packs(&self.packs())? {
                classes.entry(pack.objects.max(1).ilog2() / 5).or_default().push(pack);
            }
            let Some(class) = classes.into_values().find(|packs| packs.len() >= FAN) else { break };
            let merged = self.merge(&class)?;
            if merged == 0 {
                break;
            }
            folded.merged += merged;
            folded.made += 1;
        }
        Ok(folded)
    }
    fn packs(&self) -> PathBuf {
        self.dir.join("objects/pack")
    }
    /// How many it merged.
    fn merge(&self, packs: &[Small]) -> Result<usize> {
        let mut entries = Vec::new();
        let mut seen = HashSet::new();
        let mut merged = Vec::new();
        for pack in packs {
            let found = match entries_of(&pack.stem)? {
                Entries::Whole(entries) => Some(entries),
                Entries::Deltas(ids) => self.whole(&ids)?,
            };
            let Some(mut found) = found else { continue };
            found.retain(|entry| seen.insert(entry.id));
            entries.append(&mut found);
            merged.push(pack);
        }
        if merged.len() < 2 {
            return Ok(0);
        }
        let directory = self.packs();
        let pack = build(&entries)?;
        let target = |suffix: &str| directory.join(format!("pack-{}.{suffix}", pack.name));
        let temporary = [directory.join(format!("tmp_pack_{}", pack.name)), directory.join(format!("tmp_idx_{}", pack.name))];
        let written = write_new(&temporary[0], &pack.pack).and_then(|a| Ok((a, write_new(&temporary[1], &pack.index)?)));
        let named = written.and_then(|(a, b)| sync_all(&[&a, &b])).and_then(|()| {
            let name = |from: &Path, to: PathBuf| std::fs::rename(from, &to).map_err(|e| Error::io(format!("name {}", to.display()), e));
            name(&temporary[0], target("pack"))?;
            name(&temporary[1], target("idx"))
        });
        if let Err(error) = named {
            temporary.iter().for_each(|path| drop(std::fs::remove_file(path)));
            return Err(error);
        }
        sync_directory(&directory)?;
        let new = target("pack");
        for old in merged.iter().filter(|old| old.stem.with_extension("pack") != new) {
            // The index first: a pack without one is invisible, an index without its pack is an error to readers.
            for suffix in ["idx", "rev", "pack"] {
                match std::fs::remove_file(old.stem.with_extension(suffix)) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(Error::io("remove a merged pack", error)),
                    _ => {}
                }
            }
        }
        sync_directory(&directory)?;
        Ok(merged.len())
    }
}

impl Repo {
    /// Objects without deltas; none if they are too much for memory.
    fn whole(&self, ids: &[ObjectId]) -> Result<Option<Vec<Entry>>> {
        let repo = self.view();
        let mut entries = Vec::with_capacity(ids.len());
        let mut unpacked = 0;
        for id in ids {
            let object = repo.find_object(*id).map_err(|e| super::fault("read an object", e))?;
            unpacked += object.data.len() as u64;
            if unpacked > UNPACKED {
                return Ok(None);
            }
            entries.push(Entry::new(*id, object.kind, &object.data)?);
        }
        Ok(Some(entries))
    }
}

fn small_packs(directory: &Path) -> Result<Vec<Small>> {
    let fail = |e| Error::io("list the packs", e);
    let mut packs = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        let is_index = path.extension().is_some_and(|e| e == "idx");
        if !is_index || path.with_extension("keep").exists() {
            continue;
        }
        let pack = path.with_extension("pack");
        let Ok(length) = pack.metadata().map(|m| m.len()) else { continue };
        if length <= LARGEST
            && (length <= LARGEST_PUSHED || !has_deltas(&path)?)
            && let Some(objects) = object_count(&pack)?
        {
            packs.push(Small { stem: path.with_extension(""), objects });
        }
    }
    packs.sort_by(|a, b| a.stem.cmp(&b.stem));
    Ok(packs)
}

fn object_count(pack: &Path) -> Result<Option<u32>> {
    use std::io::Read;
    let mut head = [0; 12];
    let read = std::fs::File::open(pack).and_then(|mut file| file.read_exact(&mut head));
    read.map_err(|e| Error::io(format!("read {}", pack.display()), e))?;
    let count = u32::from_be_bytes([head[8], head[9], head[10], head[11]]);
    Ok((head[..8] == *b"PACK\0\0\0\x02").then_some(count))
}

/// See [`entries_of`].
enum Entries {
    /// As they stand.
    Whole(Vec<Entry>),
    /// The names of the objects of a pack with deltas, which cannot be copied alone.
    Deltas(Vec<ObjectId>),
}

/// Where the objects of a pack begin, by its index, in the order of the pack.
pub(super) fn places(stem: &Path) -> Result<Vec<(usize, ObjectId)>> {
    let path = stem.with_extension("idx");
    let index = std::fs::read(&path).map_err(|e| Error::io(format!("read {}", path.display()), e))?;
    let damaged = || damaged(stem);
    let number = |at: usize| index.get(at..at + 4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]) as usize).ok_or_else(damaged);
    if index.get(..8) != Some(b"\xfftOc\0\0\0\x02".as_slice()) {
        return Err(damaged());
    }
    let count = number(8 + 255 * 4)?;
    let (ids, offsets) = (8 + 256 * 4, 8 + 256 * 4 + count * 24);
    let mut places = Vec::with_capacity(count);
    for i in 0..count {
        let id = index.get(ids + i * 20..ids + (i + 1) * 20).ok_or_else(damaged)?;
        places.push((number(offsets + i * 4)?, ObjectId::from_bytes_or_panic(id)));
    }
    places.sort_unstable_by_key(|place| place.0);
    Ok(places)
}

fn damaged(stem: &Path) -> Error {
    Error::internal(format!("the pack {} is damaged", stem.display())).hint("`holt check` tells more.")
}

fn is_delta(first: u8) -> bool {
    !(1..=4).contains(&(first >> 4 & 7))
}

/// Whether a pack has any, without reading more of it than where objects begin.
fn has_deltas(index: &Path) -> Result<bool> {
    use std::os::unix::fs::FileExt;
    let path = index.with_extension("pack");
    let read = |e| Error::io(format!("read {}", path.display()), e);
    let pack = std::fs::File::open(&path).map_err(read)?;
    for (start, _) in places(&index.with_extension(""))? {
        let mut first = [0];
        pack.read_exact_at(&mut first, start as u64).map_err(read)?;
        if is_delta(first[0]) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The entries of a pack, by the offsets of its index.
fn entries_of(stem: &Path) -> Result<Entries> {
    let path = stem.with_extension("pack");
    let pack = std::fs::read(&path).map_err(|e| Error::io(format!("read {}", path.display()), e))?;
    let damaged = || damaged(stem);
    if pack.len() < 32 {
        return Err(damaged());
    }
    let places = places(stem)?;
    let mut entries = Vec::with_capacity(places.len());
    for (i, (start, id)) in places.iter().enumerate() {
        let end = places.get(i + 1).map_or(pack.len() - 20, |next| next.0);
        let bytes = pack.get(*start..end).filter(|b| !b.is_empty()).ok_or_else(damaged)?;
        if is_delta(bytes[0]) {
            return Ok(Entries::Deltas(places.into_iter().map(|(_, id)| id).collect()));
        }
        entries.push(Entry { id: *id, bytes: bytes.to_vec() });
    }
    Ok(Entries::Whole(entries))
}
