//! Whether the catalogue is complete: every text of ours that a person may read has its entry, and no entry is without its text.
//!
//! Looks at templates, Rust sources and scripts as text; how words are found and said is tested where that is (`src/words/mod.rs`).

use crate::source::{self, Literal};
use holt_core::Language;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Names, and examples that are typed as they stand.
const SAME_EVERYWHERE: &[&str] =
    &["Holt", "Atom", "RSS", "JSON Feed", "English", "Deutsch", "Claude Code", "Cursor", "VS Code", "Claude.ai, ChatGPT"];

/// Keys that no literal spells out: what is made of values before it is said.
const FORMED: &[&str] = &[
    "{} January {}",
    "{} February {}",
    "{} March {}",
    "{} April {}",
    "{} May {}",
    "{} June {}",
    "{} July {}",
    "{} August {}",
    "{} September {}",
    "{} October {}",
    "{} November {}",
    "{} December {}",
    "{}-{}-{} {} UTC",
    "{}.{} KiB",
    "{}.{} MiB",
    "{}.{} GiB",
    "{}.{}KiB",
    "{}.{}MiB",
    "{}.{}GiB",
    // `{} this wiki` with an action.
    "log in to read this wiki",
    "log in to write this wiki",
    "log in to upload to this wiki",
    "log in to administer this wiki",
    "you may not read this wiki",
    "you may not write this wiki",
    "you may not upload to this wiki",
    "you may not administer this wiki",
    // Mail: what was attempted.
    "could not prepare the connection to {}:{}: {}",
    "could not send by {}:{}: {}",
    "mail cannot be sent from that address",
    "mail cannot be sent to that address",
    "Something went wrong on our side",
    // Rights of an invitation, what happened to a file, kinds of alerts, columns of a list.
    "read",
    "write",
    "attach",
    "administer",
    "new",
    "deleted",
    "Note",
    "Tip",
    "Important",
    "Warning",
    "Caution",
    "Attachment",
    "Filename",
    "Size",
    "Date",
    "column|Comment",
    // Counted in mail.
    "1 proposal",
    "{} proposals",
    // Between tags.
    " and ",
    " or ",
];
/// Keys that are spelled out in [`FORMED`], action by action.
const SPELLED_OUT: &[&str] =
    &["log in to {} this wiki", "you may not {} this wiki", "could not {} {}:{}: {}", "mail cannot be sent {} that address"];

/// Literals that read like words and are none: headers, patterns of texts that are said already, and what is kept in the log.
const NOT_SHOWN: &[&str] = &[
    "Authorization",
    "Bearer {}",
    "claude mcp add --transport http {} '{}' --header 'Authorization: {}'",
    "User-agent: *\nAllow: /\n",
    "User-agent: *\nDisallow: /\n",
    "User-agent: *\nDisallow: /app\nDisallow: /api\nDisallow: /auth\n",
    "claude mcp add --transport http {} '{}' --header 'Authorization: Bearer {}'",
    "git clone {}/.git {}",
    "another one",
    "{} (platform, {})",
    "{}: {}",
    "\n## For those who work on",
    "True",
    "False",
    "KiB",
    "MiB",
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox",
    "private, no-store",
    "; Max-Age={}",
    "; Secure",
    "{}={}; Path=/; HttpOnly; SameSite=Lax{}{}",
    "public, max-age=0, must-revalidate",
    "public, max-age=604800, immutable",
    "attachment; filename=\"page.md\"",
    "form-action 'self'",
    "form-action 'self' {}",
    // To programs, or to the page about them, which says it in its own words.
    "a token stands in the address",
    "Send it as `Authorization: Bearer …`, and revoke this one.",
    "this wiki knows no such client",
    // Parts of commands.
    "-X {}",
    "Authorization: Bearer {}",
    "Content-Type: application/json",
    "{} - {}",
    "{} {}",
    "{} GiB",
    "{} B",
    "{}.\nRequest {}.\n",
    "{}\n\n-- \n{}\n{}/\n",
    "for anybody",
    "from this wiki",
    "the account",
    "a deleted account",
    "now {}",
    "no rights",
    "not confirmed",
    "changed a comment",
    "resolved a thread or opened it again",
    "deleted a comment",
    "changed a file of",
    // For operators, in the log and at the command line.
    "{} is no issuer: {}",
    "See docs/hosting.md, \"Log in elsewhere\".",
    "the token endpoint answers {}",
    "userinfo answers {} or no JSON",
    "HOLT_MAIL_FROM is no mail address",
    "HOLT_SMTP_URL is no address of a mail server",
    "Write it like smtps://user:password@mail.example.org, or smtp://mail.example.org:587?tls=required; percent-encode signs in the password.",
    "Run `holt reindex`.",
    "`holt wiki list` shows the wikis there are.",
];

/// What only commands, programs and operators say or are told, who read English.
const FOR_OPERATORS: &[&str] = &[
    "crates/engine/src/import/",
    // People who search are given words where there is no model.
    "crates/engine/src/meaning/",
    "crates/engine/src/pages/meaning.rs",
    "crates/server/src/model.rs",
    "crates/server/src/egress/download.rs",
    "crates/engine/src/pages/git/",
    "crates/engine/src/repo/child.rs",
    "crates/engine/src/repo/import.rs",
    "crates/engine/src/repo/incoming.rs",
    "crates/engine/src/repo/new_trees.rs",
    "crates/engine/src/repo/pack_scan.rs",
    "crates/engine/src/repo/upload_pack.rs",
    "crates/engine/src/repo/fold.rs",
    "crates/engine/src/db/foreign.rs",
    "crates/engine/src/db/otterwiki.rs",
    "crates/engine/src/db/robot_wtf.rs",
    "crates/engine/src/lock.rs",
    "crates/server/src/api/",
    "crates/server/src/git/",
    "crates/server/src/mcp/",
    "crates/server/src/commands/",
    "crates/server/src/main.rs",
    "crates/server/src/config.rs",
    "crates/server/src/metrics.rs",
    "crates/server/src/recovery.rs",
    "crates/engine/src/repo/command.rs",
    "crates/engine/src/repo/mod.rs",
];

/// Files in which everything that reads like a sentence is shown to somebody.
const ALL_WORDS: &[&str] = &[
    "crates/server/src/web/",
    "crates/server/src/passwords.rs",
    "crates/server/src/workers/names.rs",
    "crates/server/src/platform/account.rs",
    "crates/server/src/platform/admin.rs",
    "crates/server/src/platform/dashboard.rs",
    "crates/server/src/platform/letters.rs",
    "crates/server/src/platform/links.rs",
    "crates/server/src/platform/sign_in.rs",
    "crates/engine/src/pages/undo/line.rs",
    "crates/engine/src/pages/care/mod.rs",
    "crates/core/src/path.rs",
    "crates/core/src/path_rules.rs",
    "crates/server/src/session.rs",
];

/// Where such a literal is none of our words: code before it, without blanks.
const SAYS_NOTHING: &[&str] = &[
    "expect(",
    "internal(",
    "internal(format!(",
    "reason=",
    "include_str!(",
    "env!(",
    "concat!(",
    "preference:",
    "preferences.get(",
    ".is_on(",
    "audit::done(context,\"\",",
    "audit::done(context,\"\",&format!(",
    "audit::note(context,&email,\"\",&format!(",
    "write!(xml,",
    "writeln!(xml,",
    "writeln!(text,",
    "text.push_str(",
    "HeaderValue::from_static(",
    "value(format!(",
    "starts_with(",
    "starts_with(b",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Files below a folder, with their paths from the root.
fn files(folder: &str, extension: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|other| other == extension) {
                let name = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

fn templates() -> Vec<(String, String)> {
    [files("crates/server/templates", "html"), files("crates/engine/templates", "html")].concat()
}

/// A text that has to be in the catalogue, and where it stands.
type Key = (String, String);

/// What a format string is in the catalogue: its values are holes.
fn key(text: &str) -> String {
    let (mut key, mut rest) = (String::new(), text);
    while let Some((before, behind)) = rest.split_once('{') {
        key.push_str(before);
        match behind.strip_prefix('{') {
            Some(behind) => {
                key.push('{');
                rest = behind;
            }
            None => {
                key.push_str("{}");
                rest = behind.split_once('}').map_or("", |(_, behind)| behind);
            }
        }
    }
    (key + rest).replace("}}", "}")
}

/// Whether a literal reads like words: several of them, or one that begins a sentence. Names of preferences and types of media do not.
fn reads_like_words(text: &str) -> bool {
    let mut words = text.split_whitespace().filter(|word| word.chars().any(char::is_alphabetic));
    let first = words.next().unwrap_or_default();
    let begins = first.trim_start_matches(['“', '"']).chars().take(2).collect::<Vec<_>>();
    let sentence = matches!(begins.as_slice(), [a, b] if a.is_uppercase() && b.is_lowercase());
    let plain = |word: &str| word.chars().all(|c| c.is_alphanumeric() || ",.;:!?'’“”\"-–…(){}/*@|=".contains(c));
    (sentence && !first.contains('/')) || (words.next().is_some() && text.split_whitespace().all(plain) && !text.contains("charset="))
}

/// The texts a Rust file says to people.
fn said_by(path: &str, source: &str) -> Vec<Key> {
    const KINDS: [&str; 8] = ["not_found", "invalid", "conflict", "denied", "unauthenticated", "too_large", "busy", "refuse"];
    let is_error = |before: &str| {
        let before = before.strip_suffix("format!(").unwrap_or(before);
        let call = before.strip_suffix('(').unwrap_or("");
        KINDS.iter().any(|kind| call.ends_with(&format!("Error::{kind}")) || call.ends_with(&format!("Self::{kind}")))
            || call.ends_with(".hint")
            || call.ends_with("taken")
            || (before.ends_with(',') && before.rsplit_once("Error::new(ErrorKind::").is_some_and(|(_, kind)| !kind.contains('(')))
    };
    let says = |before: &str| [".say(", ".say_with(", ".said(", ".nothing("].iter().any(|call| before.ends_with(call));
    // An embedding's mistake is a string.
    let mistake = |before: &str| {
        let before = before.strip_suffix("format!(").unwrap_or(before);
        ["Err(", "ok_or(", "ok_or_else(||", "map_err(|_|", "map_err(|problem|", "map_err(|known|{"]
            .iter()
            .any(|call| before.ends_with(call))
    };
    let all = ALL_WORDS.iter().any(|place| path.starts_with(place));
    let wanted = |literal: &Literal| {
        let before = literal.before.as_str();
        let reads = reads_like_words(&literal.text);
        let nothing = SAYS_NOTHING.iter().any(|code| before.ends_with(code)) || in_log(before);
        is_error(before) || says(before) || (all && reads && !nothing) || (path.starts_with("crates/markdown/") && reads && mistake(before))
    };
    let literals = source::literals(source);
    let found = literals.into_iter().filter(|literal| wanted(literal) && literal.text.chars().any(char::is_alphabetic));
    found.map(|literal| (key(&literal.text), format!("{path}:{}", literal.line))).collect()
}

/// Whether the code ends inside of a line of the log.
fn in_log(before: &str) -> bool {
    before.rsplit_once("tracing::").is_some_and(|(_, call)| !call.contains(';') && call.contains("!("))
}

fn rust_keys() -> Vec<Key> {
    let folders = ["crates/core/src", "crates/engine/src", "crates/markdown/src", "crates/server/src"];
    let sources = folders.into_iter().flat_map(|folder| files(folder, "rs"));
    let shown = sources.filter(|(path, _)| !path.contains("/words/") && !FOR_OPERATORS.iter().any(|place| path.starts_with(place)));
    shown
        .flat_map(|(path, source)| said_by(&path, &source))
        .filter(|(text, _)| !SPELLED_OUT.contains(&text.as_str()) && !NOT_SHOWN.contains(&text.as_str()))
        .collect()
}

/// A template taken apart.
#[derive(Default)]
struct Parts {
    /// Texts that a filter says.
    said: Vec<String>,
    /// Text and attributes that stand in it as they are, and literals without a filter.
    bare: Vec<String>,
}

fn parts(html: &str) -> Parts {
    let mut parts = Parts::default();
    let mut rest = html;
    let mut text = String::new();
    // Askama's blocks first: an attribute may hold one.
    while let Some(at) = rest.find("{{").into_iter().chain(rest.find("{%")).min() {
        text.push_str(&rest[..at]);
        let close = if rest[at..].starts_with("{{") { "}}" } else { "%}" };
        let end = block_end(&rest[at + 2..], close) + at + 2;
        expression(&rest[at + 2..end], &mut parts);
        // What a value says is not bare; it keeps its place.
        text.push('\u{1}');
        rest = rest.get(end + 2..).unwrap_or_default();
    }
    text.push_str(rest);
    markup(&text, &mut parts);
    parts
}

/// Where a block ends; a brace in a literal ends nothing.
fn block_end(inside: &str, close: &str) -> usize {
    let mut quoted = false;
    for (at, c) in inside.char_indices() {
        match c {
            '"' => quoted = !quoted,
            _ if !quoted && inside[at..].starts_with(close) => return at,
            _ => {}
        }
    }
    inside.len()
}

fn expression(inside: &str, parts: &mut Parts) {
    let mut rest = inside;
    while let Some((_, behind)) = rest.split_once('"') {
        let (literal, after) = behind.split_once('"').unwrap_or((behind, ""));
        let filter: String = after.strip_prefix('|').unwrap_or_default().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if ["t", "t_with", "t_with2", "cut"].contains(&filter.as_str()) {
            parts.said.push(literal.to_string());
        } else if !SAME_EVERYWHERE.contains(&literal) && !literal.starts_with("{{") && !inside.contains("include ") {
            parts.bare.push(literal.to_string());
        }
        rest = after;
    }
}

fn markup(text: &str, parts: &mut Parts) {
    let mut rest = text;
    let mut code = 0_usize;
    while !rest.is_empty() {
        let (before, tag) = rest.split_once('<').unwrap_or((rest, ""));
        if code == 0 && before.chars().any(char::is_alphabetic) {
            parts.bare.push(before.trim().to_string());
        }
        let mut quoted = false;
        let end = tag.char_indices().find(|(_, c)| {
            quoted ^= *c == '"';
            *c == '>' && !quoted
        });
        let (inside, after) = end.map_or((tag, ""), |(at, _)| (&tag[..at], &tag[at + 1..]));
        if let Some(comment) = inside.strip_prefix("!--") {
            assert!(comment.starts_with("slot:"), "a comment in a template: {comment}");
        }
        for name in ["aria-label", "placeholder", "title", "alt", "label"] {
            let value = inside.split_once(&format!(" {name}=\"")).map_or("", |(_, behind)| behind.split('"').next().unwrap_or_default());
            if value.chars().any(char::is_alphabetic) {
                parts.bare.push(format!("{name}=\"{value}\""));
            }
        }
        let name: String = inside.chars().take_while(|c| c.is_alphanumeric() || *c == '/').collect();
        match name.as_str() {
            "code" | "kbd" => code += 1,
            "/code" | "/kbd" => code = code.saturating_sub(1),
            _ => {}
        }
        rest = after;
    }
}

fn template_keys() -> Vec<Key> {
    templates().into_iter().flat_map(|(path, html)| parts(&html).said.into_iter().map(move |text| (text, path.clone()))).collect()
}

#[test]
fn templates_have_no_words_of_their_own() {
    let bare: Vec<String> =
        templates().iter().flat_map(|(path, html)| parts(html).bare.into_iter().map(move |text| format!("{path}: {text}"))).collect();
    assert!(bare.is_empty(), "say them with a filter: {{{{ \"…\"|t }}}}\n{}", bare.join("\n"));
    for guilty in ["<p>Save</p>", "<input placeholder=\"Save\">", "{{ \"Save\" }}", "<p>{{ x }} pages</p>", "<a title=\"{{ x }} pages\">"] {
        assert!(!parts(guilty).bare.is_empty(), "the check cannot see {guilty}");
    }
    for innocent in
        ["<code>Save</code> {{ x }} <a href=\"/Save\">", "{{ \"Save\"|t }}", "{% let s = \"By {}\"|cut %}", "{{ \"{{title}}\" }}"]
    {
        assert!(parts(innocent).bare.is_empty(), "{innocent}: {:?}", parts(innocent).bare);
    }
}

#[test]
fn every_text_has_its_german() {
    let (templates, rust) = (template_keys(), rust_keys());
    assert!(templates.len() > 400, "only {} texts in the templates", templates.len());
    assert!(rust.len() > 400, "only {} texts in the sources", rust.len());
    let known: BTreeSet<&str> = Language::German.catalogue().iter().map(|(english, _)| *english).collect();
    let missing: BTreeSet<String> = [templates, rust]
        .concat()
        .into_iter()
        .filter(|(text, _)| !known.contains(text.as_str()) && !SAME_EVERYWHERE.contains(&text.as_str()))
        .map(|(text, place)| format!("{text:?} ({place})"))
        .collect();
    assert!(
        missing.is_empty(),
        "{} texts have no German in src/words/de.rs:\n{}",
        missing.len(),
        missing.into_iter().collect::<Vec<_>>().join("\n")
    );
}

#[test]
fn every_entry_is_said_somewhere() {
    let mut used: BTreeSet<String> = [template_keys(), rust_keys()].concat().into_iter().map(|(text, _)| text).collect();
    used.extend(FORMED.iter().map(|key| (*key).to_string()));
    let unused: Vec<&str> = Language::German.catalogue().iter().map(|(english, _)| *english).filter(|key| !used.contains(*key)).collect();
    assert!(unused.is_empty(), "nobody says these:\n{}", unused.join("\n"));
    for key in FORMED {
        assert_ne!(Language::German.catalogue().iter().find(|(english, _)| english == key), None, "{key:?} has no German");
    }
}

#[test]
fn texts_are_found_in_sources() {
    let said = |source: &str| said_by("crates/server/src/web/a.rs", source).into_iter().map(|(text, _)| text).collect::<Vec<_>>();
    let source = "fn f() { Err(Error::invalid(format!(\"no {x:?} here\")).hint(\n\"Do it.\")) } const L: &str = \"May read\"; tracing::info!(a, \"was read by\"); b.expect(\"It holds\")";
    assert_eq!(said(source), ["no {} here", "Do it.", "May read"]);
    assert_eq!(said("x(\"SITE_NAME\", \"/-/admin\", \"text/plain; charset=utf-8\", \"one\")"), [""; 0]);
    assert_eq!(said("x(\"Saved\") // \"Not this one\"\n#[cfg(test)]\nmod tests { x(\"Nor this\") }"), ["Saved"]);
}

/// A set of scripts and the German of what they say.
struct Scripts {
    table: &'static str,
    sources: Vec<(String, String)>,
}

fn scripts() -> [Scripts; 2] {
    const PAGES: &str = "crates/fragments/assets/de.js";
    const EDITOR: &str = "web/src/german.js";
    let of_pages = ["holt.js", "tables.js", "diagrams.js"];
    let mut assets = files("crates/fragments/assets", "js");
    assets.retain(|(path, _)| of_pages.iter().any(|name| path.ends_with(&format!("assets/{name}"))));
    let mut editor = files("web/src", "js");
    editor.retain(|(path, _)| path != EDITOR);
    [Scripts { table: PAGES, sources: assets }, Scripts { table: EDITOR, sources: editor }]
}

/// Names of keys, nodes and classes, and what only the console reads.
const NAMES_IN_SCRIPTS: &[&str] = &[
    "ArrowDown",
    "ArrowUp",
    "Enter",
    "Escape",
    "Tab",
    "Mod-",
    "Shift-",
    "Alt-",
    "KeyM",
    "n or c",
    "j, k",
    "Esc",
    "Mod",
    "Mod+Alt+M",
    "Mod+Shift+L",
    "Mod+S, Mod+Enter",
    "use strict",
    ".results a.title",
    // Nodes of the parser.
    "Link",
    "WikiLink",
    "Footnote",
    "Embedding",
    "Highlight",
    "HighlightMark",
    "FencedCode",
    "CodeBlock",
    "InlineCode",
    "Document",
    "this browser is too old",
    "The editor cannot start, the plain field stays:",
];

/// Drawings, styles, names of elements in rows, and what is English because it is a key of somebody else's.
const NO_WORDS: &[&str] = &["web/src/icons.js", "web/src/theme.js", "web/src/html-to-markdown.js", "web/src/phrases.js"];

/// The literals of a script: what stands before each, and what it says. Comments and templates with values are left out.
fn script_literals(source: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for line in
        source.lines().map(str::trim_start).filter(|line| !line.starts_with("//") && !line.starts_with('*') && !line.starts_with("/*"))
    {
        // A quote behind a backslash is part of a pattern.
        let mut rest = line;
        let mut before = String::new();
        while let Some((code, behind)) = rest.split_once('\'') {
            let Some((literal, after)) = behind.split_once('\'') else { break };
            before.push_str(code);
            found.push((before.clone(), literal.to_string()));
            before.push_str("''");
            rest = after;
        }
    }
    found
}

fn reads_like_words_in_a_script(text: &str) -> bool {
    let plain = |word: &str| word.chars().all(|c| c.is_alphanumeric() || ",.;:!?’“”–…+−←→↑↓{}".contains(c));
    let words = text.split_whitespace().filter(|word| word.chars().any(char::is_alphabetic)).count();
    let mut chars = text.chars();
    let begins = chars.next().is_some_and(char::is_uppercase) && chars.next().is_some_and(char::is_lowercase);
    text.split_whitespace().all(plain) && (words > 1 || begins) && !text.contains("CSS")
}

#[test]
fn style_sheets_say_words_by_language() {
    for (path, sheet) in files("crates/fragments/assets", "css") {
        for (_, content) in sheet.match_indices("content: \"").map(|(at, mark)| (at, &sheet[at + mark.len()..])) {
            let text = content.split('"').next().unwrap_or_default();
            assert!(text.chars().filter(|c| c.is_alphabetic()).count() < 2, "{path}: content: {text:?} wants a variable of :root");
        }
        let words = |line: &str| line.matches(": \"").count();
        let english: usize = sheet.lines().filter(|line| line.starts_with("  --") && words(line) == 1).count();
        let german: usize = sheet.lines().filter(|line| line.starts_with(":root:lang(de)")).map(words).sum();
        assert_eq!(english, german, "{path}: words of :root and of :root:lang(de)");
    }
}

#[test]
fn every_text_of_a_script_has_its_german() {
    for Scripts { table, sources } in scripts() {
        let german = fs::read_to_string(root().join(table)).unwrap();
        let entry = |line: &str| {
            let (english, said) = line.trim().strip_prefix('\'')?.split_once("': '")?;
            Some((english.to_string(), said.trim_end_matches(',').trim_end_matches('\'').to_string()))
        };
        let entries: Vec<(String, String)> = german.lines().filter_map(entry).collect();
        assert!(entries.len() > 30, "{table} has {} entries", entries.len());
        let known: BTreeSet<&str> = entries.iter().map(|(english, _)| english.as_str()).collect();
        let mut used = BTreeSet::new();
        let mut bare = Vec::new();
        for (path, source) in &sources {
            for (before, text) in script_literals(source) {
                if before.ends_with("class: ") {
                    continue;
                }
                if before.ends_with("say(") {
                    used.insert(text);
                } else if reads_like_words_in_a_script(&text)
                    && !NAMES_IN_SCRIPTS.contains(&text.as_str())
                    && !NO_WORDS.contains(&path.as_str())
                {
                    bare.push(format!("{path}: '{text}'"));
                }
            }
        }
        assert!(bare.is_empty(), "say them: say('…')\n{}", bare.join("\n"));
        let missing: Vec<&String> = used.iter().filter(|text| !known.contains(text.as_str())).collect();
        assert!(missing.is_empty(), "{table} lacks {missing:#?}");
        let unused: Vec<&&str> = known.iter().filter(|text| !used.contains(**text)).collect();
        assert!(unused.is_empty(), "{table}: nobody says {unused:#?}");
        for (english, said) in &entries {
            assert_eq!(english.matches("{}").count(), said.matches("{}").count(), "{english}");
            assert_eq!(english.matches('$').count(), said.matches('$').count(), "{english}");
        }
    }
    assert!(
        reads_like_words_in_a_script("Log in")
            && reads_like_words_in_a_script("Undo")
            && !reads_like_words_in_a_script("details.menu[open]")
    );
}
