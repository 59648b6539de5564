//! Small pictures and parts of files, over the wire.

use crate::client::{Client, docs};
use image::{GenericImageView, ImageFormat};
use std::io::Cursor;

fn put(client: &Client, name: &str, content: &[u8]) {
    let token = client.csrf();
    let mut body = format!("--XX\r\nContent-Disposition: form-data; name=\"csrf_token\"\r\n\r\n{token}\r\n--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n").into_bytes();
    body.extend_from_slice(content);
    body.extend_from_slice(b"\r\n--XX--\r\n");
    let origin = format!("http://{}", client.host);
    let headers = [("Origin", origin.as_str()), ("Content-Type", "multipart/form-data; boundary=XX")];
    assert_eq!(client.send("POST", "/Page/attachments", &headers, &body).unwrap().status, 303);
}

fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    image::RgbImage::from_fn(width, height, |x, y| image::Rgb([x.to_le_bytes()[0], y.to_le_bytes()[0], 7]))
        .write_to(&mut out, format)
        .unwrap();
    out.into_inner()
}

/// A PNG that says it is `side` pixels wide and high, and has none of them.
fn bomb(side: u32) -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    png.extend_from_slice(&side.to_be_bytes());
    png.extend_from_slice(&side.to_be_bytes());
    png.extend_from_slice(b"\x08\x06\0\0\0");
    let mut crc = flate2::Crc::new();
    crc.update(&png[12..]);
    png.extend_from_slice(&crc.sum().to_be_bytes());
    png
}

#[test]
fn pictures_are_made_smaller_and_bombs_are_not() {
    let (_dir, mut server, ann) = docs();
    ann.save("Page", "# Page", "").unwrap();
    for (name, format, kind) in
        [("a.png", ImageFormat::Png, "image/png"), ("a.jpg", ImageFormat::Jpeg, "image/jpeg"), ("a.gif", ImageFormat::Gif, "image/png")]
    {
        put(&ann, name, &picture(600, 300, format));
        for (address, width) in [
            (format!("/Page/t/{name}"), 80),
            (format!("/Page/t/{name}/100"), 160),
            (format!("/Page/{name}?thumbnail"), 80),
            (format!("/Page/{name}?width=99999"), 600),
            (format!("/Page/t/{name}/x"), 80),
        ] {
            let small = ann.get(&address);
            assert_eq!((small.status, small.header("content-type")), (200, Some(kind)), "{address}");
            assert_eq!(small.header("content-security-policy").map(|csp| csp.contains("sandbox")), Some(true));
            let image = image::load_from_memory(&small.body).unwrap();
            assert_eq!(image.dimensions(), (width, width / 2), "{address}");
        }
    }
    assert!(ann.get("/Page/attachments").body_text().contains("/Page/t/a.png/160"));
    put(&ann, "bomb.png", &bomb(60_000));
    put(&ann, "large.png", &bomb(16_000));
    put(&ann, "cut.png", &picture(600, 300, ImageFormat::Png)[..400]);
    put(&ann, "fake.jpg", b"<script>alert(1)</script>");
    put(&ann, "x.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>");
    for bad in ["bomb.png", "large.png", "cut.png", "fake.jpg"] {
        assert_eq!(ann.get(&format!("/Page/t/{bad}")).status, 404, "{bad}");
    }
    assert_eq!(ann.get("/Page/t/x.svg").header("content-disposition").map(|text| text.starts_with("attachment")), Some(true));
    assert_eq!(ann.get("/Page/t/nosuch.png").status, 404);
    // A private wiki keeps its small pictures private.
    ann.post(
        "/-/admin/permissions_and_registration",
        &[("READ_access", "APPROVED"), ("WRITE_access", "APPROVED"), ("ATTACHMENT_access", "APPROVED")],
    )
    .unwrap();
    assert_eq!(server.client().get("/Page/t/a.png").status, 403);
    assert_eq!(ann.get("/Page/t/a.png").header("cache-control"), Some("private, no-store"));
    server.stop();
}

#[test]
fn parts_of_files_are_sent() {
    let (_dir, mut server, ann) = docs();
    ann.save("Page", "# Page", "").unwrap();
    put(&ann, "film.webm", b"0123456789");
    let asked = |headers: &[(&str, &str)]| ann.send("GET", "/Page/a/film.webm", headers, b"").unwrap();
    let whole = asked(&[]);
    assert_eq!((whole.status, whole.header("accept-ranges")), (200, Some("bytes")));
    let tag = whole.header("etag").unwrap().to_string();
    let part = asked(&[("Range", "bytes=2-4")]);
    assert_eq!((part.status, part.body.as_slice(), part.header("content-range")), (206, b"234".as_slice(), Some("bytes 2-4/10")));
    assert_eq!(asked(&[("Range", "bytes=-3"), ("If-Range", &tag)]).body, b"789");
    assert_eq!(asked(&[("Range", "bytes=-3"), ("If-Range", "\"other\"")]).body, b"0123456789", "it changed meanwhile: all of it");
    let outside = asked(&[("Range", "bytes=20-")]);
    assert_eq!((outside.status, outside.header("content-range")), (416, Some("bytes */10")));
    assert_eq!(asked(&[("Range", "bytes=0-4"), ("If-None-Match", &tag)]).status, 304);
    server.stop();
}

#[test]
fn links_follow_a_renamed_file() {
    let (_dir, mut server, ann) = docs();
    ann.save("Page", "![](./old name.png) ![](./old%20name.png) [x](/Page/old%20name.png) [y](other.png)", "").unwrap();
    ann.save("Other", "[z](/page/old%20name.png)", "").unwrap();
    put(&ann, "old name.png", &picture(4, 4, ImageFormat::Png));
    assert_eq!(ann.post("/Page/attachment/old%20name.png", &[("new_filename", "new.png")]).unwrap().status, 303);
    let page = ann.get("/Page.md").body_text();
    assert!(page.contains("![](./new.png)") && page.contains("[x](/Page/new.png)") && page.contains("[y](other.png)"), "{page}");
    assert!(ann.get("/Other.md").body_text().contains("/new.png"), "{}", ann.get("/Other.md").body_text());
    assert_eq!((ann.get("/Page/new.png").status, ann.get("/Page/old%20name.png").status), (200, 301), "the old address leads on");
    server.stop();
}
