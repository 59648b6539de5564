//! What a wiki speaks, over the wire: pages, errors, messages of commits and mail follow one preference, whatever the browser wishes.

use crate::client::{Client, Server, docs};
use crate::smtp::Sink;

/// Stores the appearance form with another language or direction.
fn prefer(ann: &Client, language: &str, direction: &str) {
    let fields = [("language", language), ("text_direction", direction), ("robots_txt", "allow"), ("site_lang", "en")];
    assert_eq!(ann.post("/-/admin/appearance", &fields).unwrap().status, 303);
}

#[test]
fn a_preference_says_what_pages_speak() {
    let (_dir, mut server, ann) = docs();
    ann.save("Guide/Setup", "# Setup\n\n```\ncode\n```\n", "").unwrap();
    let reader = server.client();
    let page = |path: &str| reader.send("GET", path, &[("accept-language", "fr, en;q=0.9")], b"").unwrap().body_text();
    let published = page("/Guide/Setup");
    assert!(published.contains("<html lang=\"en\" dir=\"ltr\">") && published.contains("Last changed by"), "{published}");
    assert!(published.contains("<article class=\"prose\" dir=\"auto\" data-page-path"), "the page has the language of the interface");

    prefer(&ann, "de", "rtl");
    let published = page("/Guide/Setup");
    assert!(published.contains("<html lang=\"de\" dir=\"rtl\">"), "{published}");
    for words in [
        "Zuletzt geändert von <strong>",
        ">Bearbeiten<",
        ">Letzte Änderungen<",
        "aria-label=\"In die Zwischenablage kopieren\"",
        "/-/static/de.",
    ] {
        assert!(published.contains(words), "{words} is missing in {published}");
    }
    assert!(published.contains("<article class=\"prose\" dir=\"auto\" lang=\"en\""), "the page stays English");
    let live = page("/-/search?q=nosuchword");
    assert!(live.contains("Nichts gefunden für „nosuchword“.") && live.contains("<title>Suche: nosuchword – "), "{live}");
    assert!(page("/Nowhere").contains("Die Seite „Nowhere“ gibt es noch nicht"));
    assert!(page("/-/commit/zzzz").contains("Es gibt keine Revision „zzzz“"));

    prefer(&ann, "en", "ltr");
    assert!(page("/Guide/Setup").contains("Last changed by") && !page("/Guide/Setup").contains("/-/static/de."));
    server.stop();
}

#[test]
fn errors_and_messages_are_german_where_the_wiki_is() {
    let (_dir, mut server, ann) = docs();
    prefer(&ann, "de", "ltr");
    ann.save("Otter", "# Otter", "").unwrap();
    ann.save("Otter", "# Otter\n\nEr schwimmt.", "").unwrap();
    let log = ann.get("/-/changelog").body_text();
    assert!(log.contains(">Otter angelegt<") && log.contains(">Otter geändert<"), "{log}");
    // What users wrote is not said otherwise, even if it is one of our texts.
    ann.save("Edit", "# Edit", "Save").unwrap();
    let log = ann.get("/-/changelog").body_text();
    assert!(log.contains(">Save</a>") && log.contains(">Edit</a>"), "{log}");
    assert!(ann.get("/Edit").body_text().contains("<title>Edit – "));

    let refused = ann.post("/Otter/rename", &[("new_pagename", "a//b")]).unwrap();
    assert_eq!(refused.status, 422);
    assert!(refused.body_text().contains("Das ist kein Name einer Seite: ein Teil ist leer."), "{}", refused.body_text());
    assert!(refused.body_text().contains("Nimm Buchstaben, Ziffern, Leerzeichen und / zwischen den Ebenen."));
    let refused = ann.post("/-/admin/appearance", &[("language", "tlh")]).unwrap();
    assert!(refused.status == 422 && refused.body_text().contains("Sprache: das steht nicht zur Wahl."), "{}", refused.body_text());
    let asked = server.client().send("GET", "/-/complete?kind=nothing", &[("accept", "application/json")], b"").unwrap();
    assert!(asked.body_text().contains("\"error\":\"Von der Art „nothing“ gibt es nichts zu ergänzen\""), "{}", asked.body_text());
    server.stop();
}

#[test]
fn letters_are_in_the_language_of_the_wiki() {
    let dir = tempfile::tempdir().unwrap();
    Server::prepare(dir.path(), "docs");
    let sink = Sink::start();
    let mut server = Server::start(dir.path(), &["--smtp-url", &sink.url, "--mail-from", "wiki@example.org"]);
    let ann = server.client();
    ann.log_in("ann@example.org", "correct horse");
    prefer(&ann, "de", "ltr");
    ann.post("/-/admin/invitations", &[("email", "ben@example.org"), ("uses", "1")]).unwrap();
    let mail = sink.newest(1, "ben@example.org");
    let text = mail.text();
    assert!(mail.header("Subject").contains("Du bist eingeladen"), "{}", mail.header("Subject"));
    assert!(text.contains("lädt dich zu") && text.contains("Öffne diesen Link, um mitzumachen:"), "{text}");
    server.stop();
}
