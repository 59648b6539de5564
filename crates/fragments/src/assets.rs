//! Style sheet, scripts and icon, under names that change with their content, so that they may be kept for ever.

use crate::assemble::{Assembly, Encoding, single};
use crate::export::File;
use crate::fragment::Fragment;
use crate::key::hex;
use crate::zstd_frame;
use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::io::Read;
use std::sync::LazyLock;

/// A static file.
#[derive(Debug)]
pub struct Asset {
    /// Where it is served: `/-/static/style.<hash>.css`.
    pub url: String,
    /// Its media type.
    pub content_type: &'static str,
    content: Content,
    name: &'static str,
}

#[derive(Debug)]
enum Content {
    /// Compressed when it is first asked for.
    Pieces(Fragment),
    /// A gzip file, unpacked only for the few who do not take it as it is.
    Packed(&'static [u8]),
}

impl Asset {
    /// Its bytes.
    pub fn body(&self, encoding: Encoding) -> Assembly {
        match (&self.content, encoding) {
            (Content::Pieces(fragment), encoding) => single(fragment, encoding),
            (Content::Packed(gzip), Encoding::Gzip) => Assembly { parts: vec![Bytes::from_static(gzip)], length: gzip.len() as u64 },
            (Content::Packed(gzip), Encoding::Identity | Encoding::Zstd) => {
                let mut plain = Vec::new();
                // A file of ours that is compiled in: a test reads it.
                flate2::read::GzDecoder::new(*gzip).read_to_end(&mut plain).unwrap_or_default();
                let plain = Bytes::from(plain);
                let parts = if encoding == Encoding::Zstd { zstd_frame::plain(&plain) } else { vec![plain] };
                let length = parts.iter().map(|part| part.len() as u64).sum();
                Assembly { parts, length }
            }
        }
    }
}

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

const FILES: [(&str, &str, &[u8]); 10] = [
    ("style.css", "text/css; charset=utf-8", include_bytes!("../assets/style.css")),
    ("tools.css", "text/css; charset=utf-8", include_bytes!("../assets/tools.css")),
    ("holt.js", JAVASCRIPT, include_bytes!("../assets/holt.js")),
    // What holt.js says in German: only wikis that speak it send it.
    ("de.js", JAVASCRIPT, include_bytes!("../assets/de.js")),
    ("editor.js", JAVASCRIPT, include_bytes!("../assets/editor.js")),
    ("tables.js", JAVASCRIPT, include_bytes!("../assets/tables.js")),
    ("passkeys.js", JAVASCRIPT, include_bytes!("../assets/passkeys.js")),
    ("diagrams.js", JAVASCRIPT, include_bytes!("../assets/diagrams.js")),
    ("diagram-frame.js", JAVASCRIPT, include_bytes!("../assets/diagram-frame.js")),
    ("icon.svg", "image/svg+xml", include_bytes!("../assets/icon.svg")),
];

/// The document in which diagrams are drawn, with the addresses of its scripts left open.
const FRAME: &str = include_str!("../assets/diagram.html");

/// Mermaid 11.17.2, as its makers packed it (MIT; `assets/vendor`). Its hash stands here, so that nobody computes that of a megabyte at start.
const MERMAID: (&str, &[u8]) = ("16ea630db02f", include_bytes!("../assets/vendor/mermaid.min.js.gz"));

/// Hashed and compressed on first use: a computed constant, never changed.
static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    let asset = |name: &'static str, content_type, bytes: Bytes| {
        let url = address(name, &hex(&Sha256::digest(&bytes), 6));
        Asset { url, content_type, content: Content::Pieces(Fragment::new(bytes)), name }
    };
    let mut assets: Vec<Asset> = FILES.into_iter().map(|(name, kind, bytes)| asset(name, kind, Bytes::from_static(bytes))).collect();
    let mermaid = address("mermaid.js", MERMAID.0);
    let drawing = assets.iter().find(|asset| asset.name == "diagram-frame.js").map(|asset| asset.url.clone()).unwrap_or_default();
    let frame = FRAME.replace("{mermaid}", &mermaid).replace("{frame}", &drawing);
    assets.push(asset("diagram.html", "text/html; charset=utf-8", frame.into()));
    assets.push(Asset { url: mermaid, content_type: JAVASCRIPT, content: Content::Packed(MERMAID.1), name: "mermaid.js" });
    assets
});

fn address(name: &str, hash: &str) -> String {
    let (stem, extension) = name.split_once('.').unwrap_or((name, ""));
    format!("/-/static/{stem}.{hash}.{extension}")
}

/// The asset served at `path`.
pub fn asset(path: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.url == path)
}

/// The asset that `path` named in another version of the program: pages published by it are read until they are published again.
pub fn successor(path: &str) -> Option<&'static Asset> {
    let (stem, rest) = path.strip_prefix("/-/static/")?.split_once('.')?;
    let (hash, extension) = rest.split_once('.')?;
    let is_hash = hash.len() == 12 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    ASSETS.iter().find(|asset| is_hash && asset.name.split_once('.') == Some((stem, extension)))
}

/// All of them as files of an object store, plain, each with its media type: for edges of another version, and for networks that read the
/// store themselves. Their names are made from their content.
pub fn exported() -> Vec<(File, &'static str)> {
    let file = |asset: &Asset| {
        let path = asset.url.trim_start_matches("/-/").to_string();
        (File { path, bytes: asset.body(Encoding::Identity).parts.concat().into() }, asset.content_type)
    };
    ASSETS.iter().map(file).collect()
}

/// The name in an object store of the asset that another version of this program serves at `path`, and its media type. `None` for what can be
/// no asset, and for our own.
pub fn stored_elsewhere(path: &str) -> Option<(String, &'static str)> {
    let (stem, rest) = path.strip_prefix("/-/static/")?.split_once('.')?;
    let (hash, extension) = rest.split_once('.')?;
    let is_stem = (1..=32).contains(&stem.len()) && stem.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    let is_hash = hash.len() == 12 && hash.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    let kind = match extension {
        "css" => "text/css; charset=utf-8",
        "js" => JAVASCRIPT,
        "svg" => "image/svg+xml",
        "html" => "text/html; charset=utf-8",
        _ => return None,
    };
    (is_stem && is_hash && asset(path).is_none()).then(|| (format!("static/{stem}.{hash}.{extension}"), kind))
}

/// Where the asset `name` is served.
///
/// # Panics
/// If there is no such asset: names are literals of ours.
pub fn url(name: &str) -> &'static str {
    &ASSETS.iter().find(|asset| asset.name == name).expect("asset names are literals that exist").url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assets_are_found_by_their_address() {
        let sheet = asset(url("style.css")).unwrap();
        assert_eq!(sheet.content_type, "text/css; charset=utf-8");
        let script = asset(url("holt.js")).unwrap();
        let sent = sheet.body(Encoding::Gzip).length + script.body(Encoding::Gzip).length;
        assert!(sent < 15 * 1024, "what readers load stays small: {sent}");
        assert!(asset("/-/static/style.css").is_none());
        assert_eq!(successor("/-/static/style.0123456789ab.css").map(|a| a.name), Some("style.css"));
        for path in ["/-/static/style.css", "/-/static/style.x.css", "/-/static/other.0123456789ab.css", "/style.0123456789ab.css"] {
            assert!(successor(path).is_none(), "{path}");
        }
    }

    #[test]
    fn every_asset_is_found_where_it_is_exported() {
        let files = exported();
        assert_eq!(files.len(), ASSETS.len());
        for ((file, kind), ours) in files.iter().zip(ASSETS.iter()) {
            assert_eq!(stored_elsewhere(&ours.url), None, "our own are here");
            // As a program asks that has another one of that name.
            let other = ours.url.chars().rev().collect::<String>().replacen('.', ".0000000000000000", 1);
            assert!(stored_elsewhere(&other).is_none());
            let (stem, rest) = file.path.split_once('.').unwrap();
            let extension = &rest[13..];
            let asked = format!("/-/{stem}.0123456789ab.{extension}");
            assert_eq!(stored_elsewhere(&asked), Some((format!("{stem}.0123456789ab.{extension}"), *kind)), "{asked}");
        }
        for path in [
            "/-/static/../a.0123456789ab.css",
            "/-/static/a/b.0123456789ab.css",
            "/-/static/A.0123456789ab.css",
            "/-/static/a.0123456789AB.css",
            "/-/static/a.0123456789ab.exe",
            "/-/static/a.0123456789ab.css/x",
            "/-/static/.0123456789ab.css",
        ] {
            assert_eq!(stored_elsewhere(path), None, "{path}");
        }
    }

    #[test]
    fn what_is_packed_is_what_its_name_says() {
        assert_eq!(hex(&Sha256::digest(MERMAID.1), 6), MERMAID.0);
        let mermaid = asset(url("mermaid.js")).unwrap();
        let plain = mermaid.body(Encoding::Identity);
        assert!(plain.length > 3_000_000 && plain.parts[0].windows(7).any(|w| w == b"11.17.2"));
        assert!(mermaid.body(Encoding::Gzip).length < 1_000_000);
        let frame = asset(url("diagram.html")).unwrap().body(Encoding::Identity);
        let text = String::from_utf8(frame.parts.concat()).unwrap();
        assert!(text.contains(url("mermaid.js")) && text.contains(url("diagram-frame.js")), "{text}");
    }
}
