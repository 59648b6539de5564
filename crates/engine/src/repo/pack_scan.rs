//! Looking at a pack while it comes in, before git does: how many objects it has, how large each of them will be, and all together
//! (security.md INP-16). A gibibyte of zeros is a mebibyte of pack, and a delta of a few bytes may ask for as much; git's own limit counts
//! the bytes of the pack alone. The format is gitformat-pack(5), version 2.

use flate2::{Decompress, FlushDecompress, Status};
use holt_core::{Error, Result};

/// How much a pack may be and hold.
#[derive(Debug, Clone, Copy)]
pub struct PackLimits {
    /// Bytes of the pack.
    pub bytes: u64,
    /// Objects in it.
    pub objects: u32,
    /// Bytes of one object, unpacked.
    pub object_bytes: u64,
    /// Bytes of all objects, unpacked; of a delta its own and those of what it makes.
    pub unpacked_bytes: u64,
    /// What the repository has room for, if that is limited.
    pub room: Option<PackRoom>,
}

/// What a push that only takes away or moves needs, however full the repository is: commits and folders. More than that is refused as it comes
/// in; up to that it is seen afterwards what it was ([`super::Incoming::brings_files`]).
const WITHOUT_FILES: u64 = 256 * 1024;

/// How much more a repository may take in.
#[derive(Debug, Clone, Copy)]
pub struct PackRoom {
    /// Bytes.
    pub left: u64,
    /// Bytes that it may have at most, to say so.
    pub most: u64,
}

impl Default for PackLimits {
    fn default() -> Self {
        const MIB: u64 = 1024 * 1024;
        Self { bytes: 64 * MIB, objects: 100_000, object_bytes: 16 * MIB, unpacked_bytes: 512 * MIB, room: None }
    }
}

/// What stands where in the stream.
enum At {
    /// The twelve bytes at its beginning.
    Start(Vec<u8>),
    /// Kind and size of the next object, or the check sum after the last one.
    Object,
    /// The rest of them: bits that are read, and where the next ones go.
    Size { kind: u8, size: u64, shift: u32 },
    /// Where the base of a delta is, as a distance.
    Distance { size: u64 },
    /// The base of a delta by its name: bytes of it that are still to come.
    Base { size: u64, left: u8 },
    /// Compressed content.
    Content { size: u64, delta: bool },
    /// Bytes of the check sum that are still to come.
    Sum(u8),
}

/// Takes a pack in pieces and refuses it as soon as it is too much, or none.
pub(super) struct PackScan {
    limits: PackLimits,
    at: At,
    objects: u32,
    left: u32,
    bytes: u64,
    unpacked: u64,
    zlib: Decompress,
    out: Vec<u8>,
    /// The beginning of a delta, which says how large it makes what.
    beginning: Vec<u8>,
}

/// Two sizes of ten bytes each.
const BEGINNING: usize = 20;

impl PackScan {
    pub(super) fn new(limits: PackLimits) -> Self {
        Self {
            limits,
            at: At::Start(Vec::new()),
            objects: 0,
            left: 0,
            bytes: 0,
            unpacked: 0,
            zlib: Decompress::new(true),
            out: vec![0; 32 * 1024],
            beginning: Vec::new(),
        }
    }
    /// Bytes so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
    /// How many objects it says it has.
    #[cfg(test)]
    fn objects(&self) -> u32 {
        self.objects
    }
    /// Looks at the next piece.
    pub(super) fn push(&mut self, mut piece: &[u8]) -> Result<()> {
        self.bytes += piece.len() as u64;
        if self.bytes > self.limits.bytes {
            return Err(Error::too_large(format!("a push may have {} bytes", self.limits.bytes))
                .hint("Push fewer commits at a time, or leave large files out."));
        }
        if let Some(room) = self.limits.room.filter(|room| self.bytes > room.left.saturating_add(WITHOUT_FILES)) {
            return Err(Error::byte_limit(room.most));
        }
        while let [first, rest @ ..] = piece {
            match &mut self.at {
                At::Content { .. } => {
                    let taken = self.content(piece)?;
                    piece = &piece[taken..];
                    continue;
                }
                At::Start(start) => {
                    start.push(*first);
                    if start.len() == 12 {
                        let start = std::mem::take(start);
                        self.start(&start)?;
                    }
                }
                At::Object => {
                    let (kind, size) = (*first >> 4 & 7, u64::from(*first & 15));
                    self.at = At::Size { kind, size, shift: 4 };
                    if *first & 0x80 == 0 {
                        self.sized(kind, size)?;
                    }
                }
                At::Size { kind, size, shift } => {
                    // Sizes that a pack of this length could not hold are far below what overflows.
                    if *shift > 46 {
                        return Err(damaged());
                    }
                    *size |= u64::from(*first & 0x7f) << *shift;
                    *shift += 7;
                    let (kind, size) = (*kind, *size);
                    if *first & 0x80 == 0 {
                        self.sized(kind, size)?;
                    }
                }
                At::Distance { size } => {
                    if *first & 0x80 == 0 {
                        self.at = At::Content { size: *size, delta: true };
                    }
                }
                At::Base { size, left } => {
                    *left -= 1;
                    if *left == 0 {
                        self.at = At::Content { size: *size, delta: true };
                    }
                }
                At::Sum(0) => return Err(damaged()),
                At::Sum(left) => *left -= 1,
            }
            piece = rest;
        }
        Ok(())
    }
    /// Says that this was all of it.
    pub(super) fn end(&self) -> Result<()> {
        if matches!(self.at, At::Sum(0)) { Ok(()) } else { Err(Error::invalid("the pack ends too early").hint("Push again.")) }
    }
    fn start(&mut self, start: &[u8]) -> Result<()> {
        if start[..8] != *b"PACK\0\0\0\x02" {
            return Err(damaged());
        }
        self.objects = u32::from_be_bytes([start[8], start[9], start[10], start[11]]);
        if self.objects > self.limits.objects {
            return Err(Error::too_large(format!("a push may have {} objects", self.limits.objects)).hint("Push fewer commits at a time."));
        }
        self.left = self.objects;
        self.next();
        Ok(())
    }
    fn next(&mut self) {
        self.at = if self.left == 0 { At::Sum(20) } else { At::Object };
    }
    fn sized(&mut self, kind: u8, size: u64) -> Result<()> {
        self.count(size)?;
        self.zlib.reset(true);
        self.beginning.clear();
        self.at = match kind {
            1..=4 => At::Content { size, delta: false },
            6 => At::Distance { size },
            7 => At::Base { size, left: 20 },
            _ => return Err(damaged()),
        };
        Ok(())
    }
    fn count(&mut self, size: u64) -> Result<()> {
        if size > self.limits.object_bytes {
            return Err(Error::too_large(format!("a file in a push may have {} bytes", self.limits.object_bytes))
                .hint("Leave large files out of the commits, not only out of the last one."));
        }
        self.unpacked += size;
        if self.unpacked > self.limits.unpacked_bytes {
            return Err(Error::too_large(format!("a push may have {} bytes unpacked", self.limits.unpacked_bytes))
                .hint("Push fewer commits at a time."));
        }
        Ok(())
    }
    /// Looks into an object; how many bytes of `piece` belong to it.
    fn content(&mut self, piece: &[u8]) -> Result<usize> {
        let At::Content { size, delta } = self.at else { return Ok(0) };
        let mut taken = 0;
        loop {
            let (before_in, before_out) = (self.zlib.total_in(), self.zlib.total_out());
            let status = self.zlib.decompress(&piece[taken..], &mut self.out, FlushDecompress::None).map_err(|e| damaged().because(e))?;
            let (read, made) = ((self.zlib.total_in() - before_in) as usize, (self.zlib.total_out() - before_out) as usize);
            taken += read;
            if self.zlib.total_out() > size {
                return Err(damaged());
            }
            if delta && self.beginning.len() < BEGINNING {
                let room = BEGINNING - self.beginning.len();
                self.beginning.extend_from_slice(&self.out[..made.min(room)]);
            }
            match status {
                Status::StreamEnd => {
                    if self.zlib.total_out() != size {
                        return Err(damaged());
                    }
                    if delta {
                        let made = makes(&self.beginning).ok_or_else(damaged)?;
                        self.count(made)?;
                    }
                    self.left -= 1;
                    self.next();
                    return Ok(taken);
                }
                // More of it is in the next piece.
                _ if taken == piece.len() && made < self.out.len() => return Ok(taken),
                _ if read == 0 && made == 0 => return Err(damaged()),
                _ => {}
            }
        }
    }
}

/// How large what a delta makes will be: the second of the two sizes that it begins with.
fn makes(beginning: &[u8]) -> Option<u64> {
    let mut bytes = beginning.iter();
    let mut size = || {
        let (mut size, mut shift) = (0_u64, 0);
        loop {
            let byte = bytes.next()?;
            if shift > 56 {
                return None;
            }
            size |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                return Some(size);
            }
        }
    };
    size()?;
    size()
}

fn damaged() -> Error {
    Error::invalid("the pack is damaged").hint("Push again.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::ZlibEncoder;
    use holt_core::ErrorKind;
    use std::io::Write;

    fn small() -> PackLimits {
        PackLimits { bytes: 100_000, objects: 3, object_bytes: 50_000, unpacked_bytes: 120_000, room: None }
    }

    fn pack(objects: &[(u8, Vec<u8>)]) -> Vec<u8> {
        let mut pack = b"PACK\0\0\0\x02".to_vec();
        pack.extend_from_slice(&(objects.len() as u32).to_be_bytes());
        for (kind, content) in objects {
            let mut size = content.len();
            let mut byte = kind << 4 | (size & 15) as u8;
            size >>= 4;
            while size > 0 {
                pack.push(byte | 0x80);
                byte = (size & 0x7f) as u8;
                size >>= 7;
            }
            pack.push(byte);
            match kind {
                6 => pack.extend_from_slice(&[0x81, 0x02]),
                7 => pack.extend_from_slice(&[0; 20]),
                _ => {}
            }
            let mut zlib = ZlibEncoder::new(Vec::new(), Compression::new(6));
            zlib.write_all(content).unwrap();
            pack.extend(zlib.finish().unwrap());
        }
        pack.extend_from_slice(&[0; 20]);
        pack
    }

    fn scan(pack: &[u8], pieces: usize) -> Result<u32> {
        let mut scan = PackScan::new(small());
        pack.chunks(pieces).try_for_each(|piece| scan.push(piece))?;
        scan.end().map(|()| scan.objects())
    }

    #[test]
    fn limits_hold_at_the_limit_and_one_above() {
        let kind = |pack: &[u8]| scan(pack, 7).map_err(|error| error.kind);
        let too_large = Err(ErrorKind::TooLarge);
        assert_eq!(kind(&pack(&[])), Ok(0));
        assert_eq!(kind(&pack(&[(3, vec![0; 50_000])])), Ok(1));
        assert_eq!(kind(&pack(&[(3, vec![0; 50_001])])), too_large, "one object");
        assert_eq!(kind(&pack(&[(3, vec![0; 5_000_000])])), too_large, "a bomb");
        assert_eq!(kind(&pack(&vec![(3, vec![0; 40_000]); 3])), Ok(3));
        assert_eq!(kind(&pack(&[(3, vec![0; 40_000]), (3, vec![0; 40_000]), (3, vec![0; 40_001])])), too_large, "all together");
        assert_eq!(kind(&pack(&vec![(3, vec![1]); 4])), too_large, "objects");
        let mut long = pack(&[(3, vec![1])]);
        long.extend(vec![0; 100_000]);
        assert!(kind(&long).is_err());
    }

    #[test]
    fn what_a_delta_makes_counts() {
        // A base of 5 bytes; then 50,000 or 50,001 bytes are made of it.
        let delta = |makes: &[u8]| [&[5], makes, &[0x91, 0, 5]].concat();
        for kind in [6, 7] {
            assert_eq!(scan(&pack(&[(3, b"hello".to_vec()), (kind, delta(&[0xd0, 0x86, 0x03]))]), 3).unwrap(), 2);
            assert_eq!(scan(&pack(&[(kind, delta(&[0xd1, 0x86, 0x03]))]), 3).unwrap_err().kind, ErrorKind::TooLarge);
            assert!(scan(&pack(&[(kind, vec![0xff; 30])]), 3).is_err(), "a size without end");
            assert!(scan(&pack(&[(kind, vec![5])]), 3).is_err(), "no size at all");
        }
    }

    #[test]
    fn what_is_no_pack_is_refused_wherever_it_is_cut() {
        let good = pack(&[(1, b"commit".to_vec()), (7, vec![5, 5, 0x91, 0, 5]), (3, vec![7; 1000])]);
        for pieces in [1, 2, 13, good.len()] {
            assert_eq!(scan(&good, pieces).unwrap(), 3);
        }
        for cut in 0..good.len() {
            assert!(scan(&good[..cut], 5).is_err(), "{cut}");
        }
        assert!(scan(&[good.as_slice(), b"x"].concat(), 5).is_err(), "something after it");
        for at in 0..13 {
            let mut wrong = good.clone();
            wrong[at] ^= 0x70;
            assert!(scan(&wrong, 5).is_err(), "{at}");
        }
        let mut longer = good.clone();
        longer[12] ^= 1;
        assert!(scan(&longer, 5).is_err(), "another size than it says");
    }
}
