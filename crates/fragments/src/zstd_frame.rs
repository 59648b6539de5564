//! A frame of zstd (RFC 8878) around bytes as they are: what stands in a row of frames for a part that has none, and for no part at all. Knows
//! nothing of compressing.

use bytes::Bytes;

/// `Frame_Header_Descriptor`: the size of the content in four bytes; no checksum, no dictionary.
const DESCRIPTOR: u8 = 0b1000_0000;
/// `Window_Descriptor`: 128 KiB, which is also the most that a block holds. Browsers take up to 8 MiB (RFC 9659).
const WINDOW: u8 = 7 << 3;
const BLOCK: usize = 128 * 1024;

/// The frame, as slices.
pub(crate) fn plain(content: &Bytes) -> Vec<Bytes> {
    let mut head = vec![0x28, 0xb5, 0x2f, 0xfd, DESCRIPTOR, WINDOW];
    head.extend_from_slice(&(content.len() as u32).to_le_bytes());
    let mut parts = vec![head.into()];
    // Also of nothing there is a block, the last one.
    let starts = (0..content.len().max(1)).step_by(BLOCK);
    for start in starts {
        let end = content.len().min(start + BLOCK);
        let last = u32::from(end == content.len());
        let header = u32::try_from(end - start).unwrap_or_default() << 3 | last;
        parts.push(header.to_le_bytes()[..3].to_vec().into());
        parts.push(content.slice(start..end));
    }
    parts
}
