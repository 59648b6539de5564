//! What a file is, by its first bytes and its name, and whether a browser may show it (security.md UPL-1, UPL-2).

/// See [`judge`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// Shown where it is.
    Inline,
    /// Saved to disk.
    Download,
}

/// How a file is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileType {
    /// For `Content-Type`.
    pub media_type: &'static str,
    /// For `Content-Disposition`.
    pub disposition: Disposition,
}

const UNKNOWN: FileType = FileType { media_type: "application/octet-stream", disposition: Disposition::Download };

type LooksRight = fn(&[u8]) -> bool;

/// Extension and media type of what may be shown, and whether the bytes look like it.
const SHOWN: &[(&str, &str, LooksRight)] = &[
    ("png", "image/png", |b| b.starts_with(b"\x89PNG\r\n\x1a\n")),
    ("jpg", "image/jpeg", |b| b.starts_with(b"\xff\xd8\xff")),
    ("jpeg", "image/jpeg", |b| b.starts_with(b"\xff\xd8\xff")),
    ("gif", "image/gif", |b| b.starts_with(b"GIF87a") || b.starts_with(b"GIF89a")),
    ("webp", "image/webp", |b| b.starts_with(b"RIFF") && b.get(8..12) == Some(b"WEBP")),
    ("avif", "image/avif", |b| b.get(4..8) == Some(b"ftyp") && b.get(8..11) == Some(b"avi")),
    ("mp4", "video/mp4", |b| b.get(4..8) == Some(b"ftyp")),
    ("m4v", "video/mp4", |b| b.get(4..8) == Some(b"ftyp")),
    ("webm", "video/webm", |b| b.starts_with(b"\x1a\x45\xdf\xa3")),
    ("ogg", "audio/ogg", |b| b.starts_with(b"OggS")),
    ("oga", "audio/ogg", |b| b.starts_with(b"OggS")),
    ("ogv", "video/ogg", |b| b.starts_with(b"OggS")),
];

/// Text that is sent as what it is and nothing else.
const TEXT: &[&str] = &[
    "txt", "text", "log", "csv", "tsv", "json", "toml", "yaml", "yml", "ini", "cfg", "conf", "diff", "patch", "sql", "sh", "py", "rs", "c",
    "h", "go", "java",
];

/// Types of downloads that programs like to know.
const DOWNLOADS: &[(&str, &str)] = &[
    ("pdf", "application/pdf"),
    ("zip", "application/zip"),
    ("gz", "application/gzip"),
    ("mp3", "audio/mpeg"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    ("odt", "application/vnd.oasis.opendocument.text"),
    ("ods", "application/vnd.oasis.opendocument.spreadsheet"),
];

/// Decides by name and content together: where they disagree, the file is only a download of unknown kind.
pub fn judge(name: &str, content: &[u8]) -> FileType {
    let extension = extension(name);
    if let Some((_, media_type, fits)) = SHOWN.iter().find(|(e, ..)| *e == extension) {
        return if fits(content) { FileType { media_type, disposition: Disposition::Inline } } else { UNKNOWN };
    }
    if TEXT.contains(&extension.as_str()) {
        return if std::str::from_utf8(content).is_ok() && !content.contains(&0) {
            FileType { media_type: "text/plain; charset=utf-8", disposition: Disposition::Inline }
        } else {
            UNKNOWN
        };
    }
    if extension == "svg" && std::str::from_utf8(content).is_ok_and(|text| text.contains("<svg")) {
        // In an <img> nothing in it runs; opened by itself it is saved, and the sandbox holds whoever opens it all the same.
        return FileType { media_type: "image/svg+xml", disposition: Disposition::Download };
    }
    let download = DOWNLOADS.iter().find(|(e, _)| *e == extension);
    download.map_or(UNKNOWN, |(_, media_type)| FileType { media_type, disposition: Disposition::Download })
}

/// Whether a page may show it in an `<img>`.
pub fn is_picture(extension: &str) -> bool {
    matches!(extension, "png" | "jpg" | "jpeg" | "gif" | "webp" | "avif" | "svg")
}

/// Whether a smaller picture can be made of it.
pub fn can_shrink(extension: &str) -> bool {
    matches!(extension, "png" | "jpg" | "jpeg" | "gif" | "webp")
}

/// A picture that was made smaller is PNG or JPEG, whatever its name says; what was not is what it is.
pub fn of_thumbnail(name: &str, content: &[u8]) -> FileType {
    let made = SHOWN.iter().take(2).find(|(_, _, fits)| can_shrink(&extension(name)) && fits(content));
    made.map_or_else(|| judge(name, content), |(_, media_type, _)| FileType { media_type, disposition: Disposition::Inline })
}

/// The media type by name alone, for lists.
pub fn by_extension(extension: &str) -> &'static str {
    let shown = SHOWN.iter().map(|(e, media_type, _)| (*e, *media_type));
    let known = shown.chain(DOWNLOADS.iter().copied()).chain([("svg", "image/svg+xml")]).find(|(e, _)| *e == extension);
    match known {
        Some((_, media_type)) => media_type,
        None if TEXT.contains(&extension) => "text/plain",
        None => UNKNOWN.media_type,
    }
}

fn extension(name: &str) -> String {
    name.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_can_act_is_shown() {
        let png = b"\x89PNG\r\n\x1a\nrest";
        let inline =
            |name: &str, content: &[u8]| (judge(name, content).disposition == Disposition::Inline).then(|| judge(name, content).media_type);
        assert_eq!(inline("a.png", png), Some("image/png"));
        assert_eq!(inline("A.PNG", png), Some("image/png"));
        assert_eq!(inline("notes.txt", "größe".as_bytes()), Some("text/plain; charset=utf-8"));
        for (name, content) in [
            ("a.html", b"<script>".as_slice()),
            ("a.svg", b"<svg onload=x>"),
            ("a.js", b"x()"),
            ("a.xml", b"<?xml?>"),
            ("a.pdf", b"%PDF-1.7"),
            ("page.htm", png),
            ("fake.png", b"<html><script>"),
            ("fake.gif", b"GIF8 <script>"),
            ("latin.txt", b"gr\xf6\xdfe"),
            ("none", b"x"),
            (".png", b"x"),
        ] {
            assert_eq!(inline(name, content), None, "{name}");
        }
        assert_eq!(judge("fake.png", b"<html>"), UNKNOWN, "never the type its name claims");
        assert_eq!(judge("a.html", b"<html>"), UNKNOWN, "never text/html");
    }
}
