//! Putting a page together: slices in a row. For gzip (RFC 1952) one header, the parts' DEFLATE blocks, an empty final block, and a
//! checksum combined from the parts' own. Nothing is copied, searched or compressed.

use crate::fragment::Fragment;
use crate::frame::{Frame, Piece, Slot};
use bytes::Bytes;
use std::sync::Arc;

/// How a response is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// Plain.
    Identity,
    /// gzip.
    Gzip,
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
        let mut gzip = Command::new("gzip").arg("-dc").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        gzip.stdin.take().unwrap().write_all(&bytes).unwrap();
        let out = gzip.wait_with_output().unwrap();
        assert!(out.status.success());
        assert_eq!(out.stdout, format!("one {}three", "two ".repeat(10_000)).into_bytes());
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
    }
}
