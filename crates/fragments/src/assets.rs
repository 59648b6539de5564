//! Style sheet, scripts and icon, under names that change with their content, so that they may be kept for ever.

use crate::fragment::Fragment;
use crate::key::hex;
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

/// A static file.
#[derive(Debug)]
pub struct Asset {
    /// Where it is served: `/-/static/style.<hash>.css`.
    pub url: String,
    /// Its media type.
    pub content_type: &'static str,
    /// Its bytes, plain and compressed.
    pub content: Fragment,
    name: &'static str,
}

const FILES: [(&str, &str, &[u8]); 4] = [
    ("style.css", "text/css; charset=utf-8", include_bytes!("../assets/style.css")),
    ("holt.js", "text/javascript; charset=utf-8", include_bytes!("../assets/holt.js")),
    ("editor.js", "text/javascript; charset=utf-8", include_bytes!("../assets/editor.js")),
    ("icon.svg", "image/svg+xml", include_bytes!("../assets/icon.svg")),
];

/// Hashed and compressed on first use: a computed constant, never changed.
static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    let asset = |(name, content_type, bytes): (&'static str, &'static str, &'static [u8])| {
        let (stem, extension) = name.split_once('.').unwrap_or((name, ""));
        let url = format!("/-/static/{stem}.{}.{extension}", hex(&Sha256::digest(bytes), 6));
        Asset { url, content_type, content: Fragment::new(bytes), name }
    };
    FILES.into_iter().map(asset).collect()
});

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
        assert!(sheet.content.raw().len() < 40 * 1024, "the style sheet stays small");
        assert!(asset("/-/static/style.css").is_none());
        assert_eq!(successor("/-/static/style.0123456789ab.css").map(|a| a.name), Some("style.css"));
        for path in ["/-/static/style.css", "/-/static/style.x.css", "/-/static/other.0123456789ab.css", "/style.0123456789ab.css"] {
            assert!(successor(path).is_none(), "{path}");
        }
    }
}
