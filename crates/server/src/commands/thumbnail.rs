//! `holt thumbnail`: a picture on standard input, a small one on standard output. Run by the server as a child of its own for each picture,
//! so that a picture made to break decoders breaks nothing else (security.md UPL-5, INP-17).

use crate::config::ThumbnailArgs;
use holt_core::{Error, Result};
use image::{ImageFormat, ImageReader, Limits};
use rustix::process::{Resource, Rlimit, setrlimit};
use std::io::{Cursor, Read, Write};
use std::process::ExitCode;

/// Longest picture, longest side, most pixels, memory of the decoder, memory and time of the process.
const BYTES: u64 = 32 * 1024 * 1024;
const SIDE: u32 = 16_384;
const PIXELS: u64 = 40_000_000;
const DECODER_BYTES: u64 = 256 * 1024 * 1024;
const PROCESS_BYTES: u64 = 2 * 1024 * 1024 * 1024;
const CPU_SECONDS: u64 = 5;

/// Runs it.
pub fn run(args: &ThumbnailArgs) -> Result<ExitCode> {
    limit(Resource::As, PROCESS_BYTES)?;
    limit(Resource::Cpu, CPU_SECONDS)?;
    let mut picture = Vec::new();
    std::io::stdin().take(BYTES).read_to_end(&mut picture).map_err(|e| Error::internal("read the picture").because(e))?;
    let small = shrink(&picture, args.size)?;
    std::io::stdout().write_all(&small).map_err(|e| Error::internal("write the picture").because(e))?;
    Ok(ExitCode::SUCCESS)
}

fn limit(what: Resource, value: u64) -> Result<()> {
    setrlimit(what, Rlimit { current: Some(value), maximum: Some(value) }).map_err(|e| Error::internal("limit the process").because(e))
}

/// The picture within a square of `size`, never enlarged: JPEG stays JPEG, everything else becomes PNG.
fn shrink(picture: &[u8], size: u32) -> Result<Vec<u8>> {
    let bad = |e: image::ImageError| Error::invalid("the picture cannot be read").because(e);
    let reader = |bytes| {
        let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|e| Error::invalid("no picture").because(e))?;
        let mut limits = Limits::default();
        (limits.max_image_width, limits.max_image_height, limits.max_alloc) = (Some(SIDE), Some(SIDE), Some(DECODER_BYTES));
        reader.limits(limits);
        Ok::<_, Error>(reader)
    };
    let format = reader(picture)?.format().ok_or_else(|| Error::invalid("this is no picture that can be made smaller"))?;
    let (width, height) = reader(picture)?.into_dimensions().map_err(bad)?;
    if u64::from(width) * u64::from(height) > PIXELS {
        return Err(Error::too_large("the picture has too many pixels"));
    }
    let small = reader(picture)?.decode().map_err(bad)?;
    let small = if width > size || height > size { small.thumbnail(size, size) } else { small };
    let mut out = Cursor::new(Vec::new());
    match format {
        ImageFormat::Jpeg => small.to_rgb8().write_to(&mut out, ImageFormat::Jpeg),
        _ => small.to_rgba8().write_to(&mut out, ImageFormat::Png),
    }
    .map_err(bad)?;
    Ok(out.into_inner())
}
