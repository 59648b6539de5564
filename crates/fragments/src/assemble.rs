//! Putting a page together: slices in a row. For gzip (RFC 1952) one header, the parts' DEFLATE blocks, an empty final block, and a
//! checksum combined from the parts' own; for zstd the parts' frames, each with its own (RFC 8878 §3). Nothing is copied, searched or compressed.

use crate::fragment::Fragment;
use crate::frame::{Frame, Piece, Slot};
use crate::zstd_frame;
use bytes::Bytes;
use std::sync::Arc;

/// How a response is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// Plain.
    Identity,
    /// gzip.
    Gzip,
    /// Frames of zstd.
    Zstd,
}

impl Encoding {
    /// What `Content-Encoding` calls it.
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Zstd => Some("zstd"),
        }
    }
    /// What the tags of its answers end in.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Identity => "",
            Self::Gzip => "-gz",
            Self::Zstd => "-zst",
        }
    }
}

/// The parts of a response body, in order.
#[derive(Debug, Clone)]
pub struct Assembly {
    /// To be sent one after the other.
    pub parts: Vec<Bytes>,
    /// Their length together.
    pub length: u64,
}

/// Fills the slots of `frame`. A slot without a fragment stays empty.
pub fn assemble(frame: &Frame, fill: impl Fn(Slot) -> Option<Arc<Fragment>>, encoding: Encoding) -> Assembly {
    let filled: Vec<Arc<Fragment>> = frame
        .pieces
        .iter()
        .filter_map(|piece| match piece {
            Piece::Literal(fragment) => Some(fragment.clone()),
            Piece::Slot(slot) => fill(*slot),
        })
        .collect();
    join(filled.iter().map(Arc::as_ref), encoding)
}

/// One fragment as a whole body.
pub fn single(fragment: &Fragment, encoding: Encoding) -> Assembly {
    join(std::iter::once(fragment), encoding)
}

fn join<'f>(fragments: impl Iterator<Item = &'f Fragment>, encoding: Encoding) -> Assembly {
    let mut parts = Vec::with_capacity(16);
    match encoding {
        Encoding::Identity => parts.extend(fragments.map(|fragment| fragment.raw().clone()).filter(|part| !part.is_empty())),
        Encoding::Gzip => {
            // Deflate, no flags, no time, no extra flags, unknown system.
            parts.push(Bytes::from_static(b"\x1f\x8b\x08\0\0\0\0\0\0\xff"));
            let mut crc = 0;
            let mut length: u32 = 0;
            for fragment in fragments.filter(|fragment| !fragment.raw().is_empty()) {
                parts.push(fragment.deflate().clone());
                crc = fragment.append_crc(crc);
                length = length.wrapping_add(fragment.raw().len() as u32);
            }
            // An empty block with fixed codes, marked final, padded to a byte border; then checksum and length.
            let mut tail = vec![0x03, 0x00];
            tail.extend_from_slice(&u32::to_le_bytes(crc));
            tail.extend_from_slice(&length.to_le_bytes());
            parts.push(tail.into());
        }
        Encoding::Zstd => {
            for fragment in fragments.filter(|fragment| !fragment.raw().is_empty()) {
                match fragment.zstd() {
                    Some(frame) => parts.push(frame.clone()),
                    None => parts.extend(zstd_frame::plain(fragment.raw())),
                }
            }
            if parts.is_empty() {
                parts = zstd_frame::plain(&Bytes::new());
            }
        }
    }
    let length = parts.iter().map(|part| part.len() as u64).sum();
    Assembly { parts, length }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::GzDecoder;
    use proptest::prelude::*;
    use std::io::{Read, Write};
    use std::process::{Command, Stdio};

    fn all(assembly: &Assembly) -> Vec<u8> {
        let bytes = assembly.parts.concat();
        assert_eq!(bytes.len() as u64, assembly.length);
        bytes
    }

    #[test]
    fn slots_are_filled_in_place_and_text_is_never_a_slot() {
        let frame = "<head><!--slot:head--></head><!--slot:crumbs--><main><!--slot:main--></main><!--slot:aside--><footer><!--slot:foot--></footer>";
        let frame = Frame::from_bytes(&Frame::parse(frame).unwrap().to_bytes().into()).unwrap();
        let fill = |slot| match slot {
            Slot::Main => Some(Arc::new(Fragment::new("text <!--slot:foot--> text"))),
            Slot::Foot => Some(Arc::new(Fragment::new("foot"))),
            _ => None,
        };
        let html = all(&assemble(&frame, fill, Encoding::Identity));
        assert_eq!(String::from_utf8(html).unwrap(), "<head></head><main>text <!--slot:foot--> text</main><footer>foot</footer>");
        for wrong in ["<!--slot:main-->", "<!--slot:nowhere-->", "<!--slot:main"] {
            assert!(Frame::parse(wrong).is_err());
        }
    }

    #[test]
    fn gzip_itself_accepts_it() {
        let fragments = [Fragment::new("one "), Fragment::new(""), Fragment::new("two ".repeat(10_000)), Fragment::new("three")];
        let bytes = all(&join(fragments.iter(), Encoding::Gzip));
        assert_eq!(unpacked_by("gzip", &bytes), format!("one {}three", "two ".repeat(10_000)).into_bytes());
    }

    /// Frames with and without checksum, one around bytes as they are in several blocks, and none at all. `zstd -dc`, as on any machine, where it is
    /// installed; the property below asks the library.
    #[test]
    fn zstd_itself_accepts_it() {
        let framed = |text: String, level| Fragment::new(text.clone()).with_zstd(zstd::bulk::compress(text.as_bytes(), level).unwrap());
        let (two, four) = ("two ".repeat(10_000), "four ".repeat(100_000));
        let fragments =
            [framed("one ".into(), 3), Fragment::new(""), framed(two.clone(), 19), Fragment::new(four.clone()), framed("five".into(), 1)];
        for (fragments, text) in [(&fragments[..], format!("one {two}{four}five")), (&fragments[..0], String::new())] {
            let bytes = all(&join(fragments.iter(), Encoding::Zstd));
            assert_eq!(zstd::stream::decode_all(bytes.as_slice()).unwrap(), text.as_bytes());
            if Command::new("zstd").arg("--version").stdout(Stdio::null()).status().is_ok() {
                assert_eq!(unpacked_by("zstd", &bytes), text.as_bytes());
            }
        }
    }

    fn unpacked_by(program: &str, bytes: &[u8]) -> Vec<u8> {
        let mut child = Command::new(program).arg("-dc").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        let bytes = bytes.to_vec();
        let writer = std::thread::spawn(move || input.write_all(&bytes));
        let out = child.wait_with_output().unwrap();
        writer.join().unwrap().unwrap();
        assert!(out.status.success(), "{program}");
        out.stdout
    }

    proptest! {
        #[test]
        fn any_parts_joined_unpack_to_their_concatenation(parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..3000), 0..12)) {
            let fragments: Vec<Fragment> = parts.iter().map(|part| Fragment::new(part.clone())).collect();
            let mut unpacked = Vec::new();
            GzDecoder::new(all(&join(fragments.iter(), Encoding::Gzip)).as_slice()).read_to_end(&mut unpacked).unwrap();
            prop_assert_eq!(&unpacked, &parts.concat());
            prop_assert_eq!(all(&join(fragments.iter(), Encoding::Identity)), parts.concat());
        }

        /// Whatever level made them, and also where some have no frame.
        #[test]
        fn any_frames_joined_unpack_to_the_concatenation(parts in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..3000), 0..20), 0..12)) {
            let fragment = |(part, level): &(Vec<u8>, i32)| {
                let fragment = Fragment::new(part.clone());
                if *level == 0 { fragment } else { fragment.with_zstd(zstd::bulk::compress(part, *level).unwrap()) }
            };
            let fragments: Vec<Fragment> = parts.iter().map(fragment).collect();
            let text: Vec<u8> = parts.iter().flat_map(|(part, _)| part.clone()).collect();
            let joined = all(&join(fragments.iter(), Encoding::Zstd));
            prop_assert!(!joined.is_empty(), "one frame or more");
            prop_assert_eq!(zstd::stream::decode_all(joined.as_slice()).unwrap(), text.clone());
            // As it is after it was stored.
            let stored: Vec<Fragment> = fragments.iter().map(|one| Fragment::from_bytes(&one.to_bytes().into()).unwrap()).collect();
            prop_assert_eq!(all(&join(stored.iter(), Encoding::Zstd)), joined);
        }
    }
}
