//! Writing a pack: the objects of one save in one file, with its index (gitformat-pack(5), version 2 of both). No deltas: a save is small,
//! and packs of ours can be merged by copying bytes.

use flate2::Compression;
use flate2::write::ZlibEncoder;
use gix::ObjectId;
use gix::objs::Kind;
use holt_core::{Error, Result};
use std::io::{Read, Write};

/// A pack and its index, in memory, and the name both get.
pub(super) struct Pack {
    /// Hex of the pack's checksum: `pack-<name>.pack`.
    pub(super) name: String,
    pub(super) pack: Vec<u8>,
    pub(super) index: Vec<u8>,
}

/// One object as it stands in a pack.
pub(super) struct Entry {
    pub(super) id: ObjectId,
    /// Header and compressed content.
    pub(super) bytes: Vec<u8>,
}

impl Entry {
    pub(super) fn new(id: ObjectId, kind: Kind, content: &[u8]) -> Result<Self> {
        let mut bytes = Vec::with_capacity(content.len() / 2 + 32);
        header(&mut bytes, kind, content.len() as u64);
        let mut zlib = ZlibEncoder::new(bytes, Compression::new(6));
        zlib.write_all(content).map_err(|e| Error::io("compress an object", e))?;
        Ok(Self { id, bytes: zlib.finish().map_err(|e| Error::io("compress an object", e))? })
    }
}

/// What stands before the content of an object: its kind and size.
fn header(bytes: &mut Vec<u8>, kind: Kind, mut size: u64) {
    let code = match kind {
        Kind::Commit => 1u8,
        Kind::Tree => 2,
        Kind::Blob => 3,
        Kind::Tag => 4,
    };
    let mut byte = code << 4 | (size & 0xf) as u8;
    size >>= 4;
    while size > 0 {
        bytes.push(byte | 0x80);
        byte = (size & 0x7f) as u8;
        size >>= 7;
    }
    bytes.push(byte);
}

/// A pack that was written while its only object was read.
pub(super) struct Streamed {
    /// The object.
    pub(super) id: ObjectId,
    /// As [`Pack::name`].
    pub(super) name: String,
    /// As [`Pack::index`].
    pub(super) index: Vec<u8>,
}

/// Writes the pack of a blob of `size` bytes to `to`, a piece at a time, however large it is.
pub(super) fn stream(from: &mut dyn Read, size: u64, to: &mut dyn Write) -> Result<Streamed> {
    let failed = |e| Error::io("write a pack", e);
    let mut pack = Summed { to, pack: gix::hash::hasher(gix::hash::Kind::Sha1), entry: crc32fast::Hasher::new() };
    pack.write_all(b"PACK\0\0\0\x02\0\0\0\x01").map_err(failed)?;
    // The check sum in the index is of the entry alone.
    pack.entry = crc32fast::Hasher::new();
    let mut before = Vec::new();
    header(&mut before, Kind::Blob, size);
    pack.write_all(&before).map_err(failed)?;
    let mut id = gix::hash::hasher(gix::hash::Kind::Sha1);
    id.update(format!("blob {size}\0").as_bytes());
    let mut zlib = ZlibEncoder::new(&mut pack, Compression::new(6));
    let (mut piece, mut seen) = (vec![0; PIECE], 0);
    loop {
        let length = from.read(&mut piece).map_err(failed)?;
        if length == 0 {
            break;
        }
        seen += length as u64;
        id.update(&piece[..length]);
        zlib.write_all(&piece[..length]).map_err(failed)?;
    }
    zlib.finish().map_err(failed)?;
    if seen != size {
        return Err(Error::internal("write a pack: the file is not as long as was said"));
    }
    let hash = |hasher: gix::hash::Hasher| hasher.try_finalize().map_err(|e| Error::internal("hash a pack").because(e));
    let Summed { to, pack, entry } = pack;
    let (checksum, id) = (hash(pack)?, hash(id)?);
    to.write_all(checksum.as_slice()).map_err(failed)?;
    // After the pack's own twelve bytes.
    Ok(Streamed { id, name: checksum.to_string(), index: index(&[(id, entry.finalize(), 12)], checksum)? })
}

/// Bytes of a file in memory at a time.
const PIECE: usize = 64 * 1024;

/// Sums up what passes.
struct Summed<'a> {
    to: &'a mut dyn Write,
    pack: gix::hash::Hasher,
    entry: crc32fast::Hasher,
}

impl Write for Summed<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let length = self.to.write(bytes)?;
        self.pack.update(&bytes[..length]);
        self.entry.update(&bytes[..length]);
        Ok(length)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        self.to.flush()
    }
}

/// The pack of `entries`, which must not repeat an id.
pub(super) fn build(entries: &[Entry]) -> Result<Pack> {
    let too_many = || Error::too_large("more objects than a pack holds");
    let count = u32::try_from(entries.len()).map_err(|_| too_many())?;
    let mut pack = Vec::with_capacity(64 + entries.iter().map(|e| e.bytes.len()).sum::<usize>());
    pack.extend_from_slice(b"PACK\0\0\0\x02");
    pack.extend_from_slice(&count.to_be_bytes());
    let mut rows = Vec::with_capacity(entries.len());
    for entry in entries {
        // Offsets above 2 GiB need the index's 64-bit table; one save and one fold stay far below.
        let offset = u32::try_from(pack.len()).ok().filter(|o| o >> 31 == 0).ok_or_else(too_many)?;
        rows.push((entry.id, crc32fast::hash(&entry.bytes), offset));
        pack.extend_from_slice(&entry.bytes);
    }
    let checksum = sha1(&pack)?;
    pack.extend_from_slice(checksum.as_slice());
    rows.sort_unstable_by_key(|row| row.0);
    Ok(Pack { name: checksum.to_string(), index: index(&rows, checksum)?, pack })
}

fn index(rows: &[(ObjectId, u32, u32)], pack_checksum: ObjectId) -> Result<Vec<u8>> {
    let mut index = Vec::with_capacity(1072 + rows.len() * 28);
    index.extend_from_slice(b"\xfftOc\0\0\0\x02");
    let mut below = 0;
    for first in 0..=255u8 {
        while rows.get(below).is_some_and(|row| row.0.as_slice()[0] <= first) {
            below += 1;
        }
        index.extend_from_slice(&(below as u32).to_be_bytes());
    }
    rows.iter().for_each(|row| index.extend_from_slice(row.0.as_slice()));
    rows.iter().for_each(|row| index.extend_from_slice(&row.1.to_be_bytes()));
    rows.iter().for_each(|row| index.extend_from_slice(&row.2.to_be_bytes()));
    index.extend_from_slice(pack_checksum.as_slice());
    let checksum = sha1(&index)?;
    index.extend_from_slice(checksum.as_slice());
    Ok(index)
}

/// gix's SHA-1, which detects collisions (security.md GIT-18).
fn sha1(bytes: &[u8]) -> Result<ObjectId> {
    let mut hasher = gix::hash::hasher(gix::hash::Kind::Sha1);
    hasher.update(bytes);
    hasher.try_finalize().map_err(|e| Error::internal("hash a pack").because(e))
}
