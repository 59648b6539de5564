//! Writing a pack: the objects of one save in one file, with its index (gitformat-pack(5), version 2 of both). No deltas: a save is small,
//! and packs of ours can be merged by copying bytes.

use flate2::Compression;
use flate2::write::ZlibEncoder;
use gix::ObjectId;
use gix::objs::Kind;
use holt_core::{Error, Result};
use std::io::Write;

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
        let code = match kind {
            Kind::Commit => 1u8,
            Kind::Tree => 2,
            Kind::Blob => 3,
            Kind::Tag => 4,
        };
        let mut bytes = Vec::with_capacity(content.len() / 2 + 32);
        let mut size = content.len();
        let mut byte = code << 4 | (size & 0xf) as u8;
        size >>= 4;
        while size > 0 {
            bytes.push(byte | 0x80);
            byte = (size & 0x7f) as u8;
            size >>= 7;
        }
        bytes.push(byte);
        let mut zlib = ZlibEncoder::new(bytes, Compression::new(6));
        zlib.write_all(content).map_err(|e| Error::io("compress an object", e))?;
        Ok(Self { id, bytes: zlib.finish().map_err(|e| Error::io("compress an object", e))? })
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
