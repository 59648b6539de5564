//! In which compressed forms pages are published: what the installation chose, and the one library that makes the form that not everybody wants.
//! Readers, the edge above all, put frames in a row and never link it.

use crate::directory::Directory;
use bytes::Bytes;
use holt_core::{Error, Result};
use holt_fragments::{Forms, Fragment};
use zstd::bulk::Compressor;

/// The setting of the installation. Not there: gzip alone.
const SETTING: &str = "encodings";

/// How hard zstd tries: docs/edge.md has what each level costs and saves.
pub(super) const LEVEL: i32 = 15;

/// What the installation chose: whichever process publishes goes by it, with whatever flags it was started.
pub(crate) fn chosen(directory: &Directory) -> Result<Forms> {
    // What a later version chose and this one does not know is published as it always is.
    Ok(directory.setting(SETTING)?.as_deref().and_then(Forms::parse).unwrap_or_default())
}

/// Chooses. Nothing is written if that is chosen already.
pub(crate) fn choose(directory: &Directory, forms: Forms) -> Result<()> {
    if chosen(directory)? == forms {
        return Ok(());
    }
    directory.set_setting(SETTING, forms.name())
}

/// `content` in these forms.
pub(super) fn fragment(content: impl Into<Bytes>, forms: Forms) -> Result<Fragment> {
    let fragment = Fragment::new(content);
    if !forms.has_zstd() {
        return Ok(fragment);
    }
    let frame = framed(fragment.raw()).map_err(|e| Error::internal("compress a fragment as zstd").because(e))?;
    Ok(fragment.with_zstd(frame))
}

/// One frame that says how long its content is and has a checksum of it. Its window is not above the 8 MiB that browsers take (RFC 9659): at these
/// levels the library asks for no more.
fn framed(content: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut compressor = Compressor::new(LEVEL)?;
    compressor.include_contentsize(true)?;
    compressor.include_checksum(true)?;
    compressor.compress(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8878 §3.1.1.1: magic, descriptor, window.
    fn header(frame: &[u8]) -> (u8, u64) {
        assert_eq!(frame[..4], [0x28, 0xb5, 0x2f, 0xfd]);
        let (descriptor, next) = (frame[4], u64::from(frame[5]));
        let single = descriptor & 0x20 != 0;
        let size_bytes = match (descriptor >> 6, single) {
            (0, true) => 1,
            (0, false) => 0,
            (1, _) => 2,
            (2, _) => 4,
            _ => 8,
        };
        let start = if single { 5 } else { 6 };
        let size = frame[start..start + size_bytes].iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        let size = if size_bytes == 2 { size + 256 } else { size };
        let window = if single { size } else { (1 << (10 + (next >> 3))) / 8 * (8 + (next & 7)) };
        assert!(size_bytes > 0, "the size is said");
        (descriptor, window)
    }

    #[test]
    fn frames_say_their_size_have_a_checksum_and_a_window_that_browsers_take() {
        for size in [0, 1, 255, 256, 70_000, 3_000_000, 20_000_000] {
            let content = vec![b'x'; size];
            let frame = framed(&content).unwrap();
            let (descriptor, window) = header(&frame);
            assert!(descriptor & 0b100 != 0, "{size}: a checksum");
            assert!(window <= 8 << 20, "{size}: {window}");
            assert_eq!(zstd::bulk::decompress(&frame, size).unwrap(), content);
        }
    }

    #[test]
    fn gzip_alone_is_what_it_was() {
        assert_eq!(fragment("otters", Forms::Gzip).unwrap(), Fragment::new("otters"));
        assert_ne!(fragment("otters", Forms::GzipAndZstd).unwrap(), Fragment::new("otters"));
    }
}
