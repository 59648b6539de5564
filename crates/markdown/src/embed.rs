//! Embeddings: `{{Name|option=value|…}}` (spec/markdown.md §12).

use crate::blocks;
use crate::context::{Dependency, Extras};
use crate::embed_options;
use crate::raw;
use crate::typed::escape;
use crate::urls::{self, Use, checked};
use crate::write::Writer;
use std::borrow::Cow;
use std::collections::HashMap;

/// What stands between the name and the end.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Arguments {
    /// Keys and values as written, in order; the last of a key counts.
    options: Vec<(String, String)>,
    /// Everything that is no option line.
    content: String,
}

impl Arguments {
    pub(crate) fn parse(body: &str) -> Self {
        let mut arguments = Self::default();
        let mut given: Vec<Option<(String, String)>> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut content = Vec::new();
        for line in body.lines() {
            match options(line) {
                Some(found) => {
                    for (key, value) in found {
                        if let Some(before) = places.insert(key.clone(), given.len()) {
                            given[before] = None;
                        }
                        given.push(Some((key, value)));
                    }
                }
                None => content.push(line),
            }
        }
        arguments.options = given.into_iter().flatten().collect();
        let content = content.join("\n");
        let content = content.trim_matches('\n');
        arguments.content = content.strip_prefix('|').filter(|rest| !rest.contains('|')).unwrap_or(content).to_string();
        arguments
    }
    /// Keys and values as written, in order.
    pub(crate) fn options(&self) -> impl Iterator<Item = (&str, &str)> {
        self.options.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
    /// Everything that is no option.
    pub(crate) fn content(&self) -> &str {
        &self.content
    }
    /// The first of `names` that is given, as written.
    pub(crate) fn get(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.options.iter().find(|(key, _)| key == name)).map(|(_, value)| value.trim())
    }
    /// The same without regard to case.
    pub(crate) fn any_case(&self, name: &str) -> Option<&str> {
        self.options.iter().find(|(key, _)| key.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
    pub(crate) fn flag(&self, name: &str, default: bool) -> bool {
        self.any_case(name).map_or(default, |value| ["true", "1", "on", "yes"].iter().any(|yes| value.eq_ignore_ascii_case(yes)))
    }
}

/// A line that is nothing but `|key=value` groups.
fn options(line: &str) -> Option<Vec<(String, String)>> {
    let mut rest = line.trim();
    let mut found = Vec::new();
    while let Some(group) = rest.strip_prefix('|') {
        let end = unescaped(group, '|');
        let (inside, after) = group.split_at(end);
        let equals = unescaped(inside, '=');
        let (key, value) = (&inside[..equals], inside.get(equals + 1..)?);
        // An address with a query is no option.
        if key.is_empty() || value.trim().is_empty() || key.contains("://") || key.trim_start().starts_with('/') {
            return None;
        }
        found.push((key.trim().replace("\\|", "|").replace("\\=", "="), value.replace("\\|", "|")));
        rest = after;
    }
    (rest.is_empty() && !found.is_empty()).then_some(found)
}

/// Where `wanted` stands without a backslash before it, and outside of a wikilink; the end if nowhere.
fn unescaped(text: &str, wanted: char) -> usize {
    let (mut before, mut links) = (' ', 0_usize);
    for (at, c) in text.char_indices() {
        match c {
            '[' if before == '[' => links += 1,
            ']' if before == ']' => links = links.saturating_sub(1),
            c if c == wanted && before != '\\' && links == 0 => return at,
            _ => {}
        }
        before = c;
    }
    text.len()
}

/// HTML whose first paragraph stands without its tags.
pub(crate) fn without_paragraph(html: &str) -> Cow<'_, str> {
    match html.strip_prefix("<p>") {
        // Paragraphs do not nest: the first end is its own.
        Some(inner) => Cow::Owned(inner.replacen("</p>", "", 1)),
        None => Cow::Borrowed(html),
    }
}

fn length(value: Option<&str>, default: &str) -> String {
    value.filter(|value| is_length(value)).unwrap_or(default).to_string()
}

/// Whether a width, a height or an alignment is one that may stand in a style.
pub(crate) fn is_length(value: &str) -> bool {
    value.len() <= 20 && value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '%'))
}

/// A style attribute of ours, with what the writer adds.
fn styled(arguments: &Arguments, ours: &[String]) -> String {
    let theirs = raw::style(arguments.get(&["style"]).unwrap_or_default());
    ours.iter().chain([&theirs]).filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(";")
}

impl Writer<'_> {
    pub(crate) fn embedding(&mut self, name: &str, body: &str) {
        let arguments = Arguments::parse(body);
        let kind = name.split_whitespace().collect::<String>().to_lowercase();
        let result = match kind.as_str() {
            "infobox" => self.info_box(&arguments),
            "imageframe" => self.image_frame(&arguments),
            "figure" => self.figure(&arguments),
            "video" => self.video(&arguments),
            "datatable" => self.data_table(&arguments),
            "include" => self.include(&arguments),
            "pageindex" => self.page_index(&arguments),
            "attachmentlist" | "attachments" => self.attachment_list(&arguments),
            _ => {
                let label = self.said("Unknown Embedding:");
                self.push(&format!("<p class=\"text-danger\">{label}&nbsp;<tt>"));
                escape(&mut self.out.html, name);
                self.push("</tt></p>\n");
                return;
            }
        };
        if let Err(problem) = result {
            let between = format!(" {} ", self.said("Error:"));
            self.complaint(name, &between, &problem);
        }
        if self.context.options.extras == Extras::On {
            for problem in embed_options::misunderstood(&kind, &arguments) {
                self.complaint(name, ": ", &problem);
            }
        }
    }

    /// Says that there is nothing to show; Otterwiki keeps silent.
    pub(crate) fn nothing(&mut self, what: &str) {
        if self.context.options.extras == Extras::On {
            self.push("<p class=\"muted\">");
            let what = self.said(what);
            self.push(&what);
            self.push("</p>\n");
        }
    }

    fn complaint(&mut self, name: &str, between: &str, problem: &str) {
        self.push("<p class=\"text-danger\"><tt>");
        escape(&mut self.out.html, name);
        self.push("</tt>");
        self.push(between);
        let problem = self.said(problem);
        self.push(&problem);
        self.push("</p>\n");
    }

    /// Markdown of an option or the content; a single paragraph stands without its tag.
    pub(crate) fn rendered(&mut self, text: &str) {
        let doc = blocks::split(text, &self.syntax, &mut self.definitions, self.depth);
        let from = self.out.html.len();
        self.document(doc);
        let html = self.out.html.split_off(from);
        let html = html.trim();
        self.push(&without_paragraph(html));
        self.line();
    }

    fn info_box(&mut self, arguments: &Arguments) -> Result<(), String> {
        const KNOWN: &[&str] = &["caption", "width", "float", "position", "pos", "text-align", "align", "style"];
        let float = arguments.get(&["float", "position", "pos"]).unwrap_or("right").to_lowercase();
        self.push("<div");
        self.attribute("class", &format!("infobox infobox-float-{float}"));
        let width = format!("width:{}", length(arguments.get(&["width"]), "35%"));
        self.attribute("style", &styled(arguments, &[width]));
        self.push(">");
        if let Some(caption) = arguments.get(&["caption"]) {
            self.push("<div class=\"infobox-caption\">");
            self.rendered(caption);
            self.push("</div>");
        }
        self.push("<table class=\"infobox\">");
        if !arguments.content.trim().is_empty() {
            self.push("<tr class=\"infobox-args\"><td colspan=\"2\"");
            if let Some(align) = arguments.get(&["text-align", "align"]) {
                self.attribute("style", &format!("text-align:{}", length(Some(align), "left")));
            }
            self.push(">");
            self.rendered(&arguments.content);
            self.push("</td></tr>");
        }
        for (key, value) in arguments.options.iter().filter(|(key, _)| !KNOWN.contains(&key.as_str())) {
            let key = key.strip_prefix('_').unwrap_or(key);
            self.push("<tr class=\"infobox-key-value\"><td><strong>");
            self.text(key);
            self.out.text.push(' ');
            self.push("</strong></td><td>");
            self.rendered(value);
            self.push("</td></tr>");
        }
        self.push("</table></div>\n");
        Ok(())
    }

    fn image_frame(&mut self, arguments: &Arguments) -> Result<(), String> {
        let source = match arguments.get(&["src"]) {
            Some(source) => Some(self.file(source)?),
            None => None,
        };
        let float = arguments.get(&["position", "pos", "float"]).unwrap_or("right").to_lowercase();
        self.push("<div");
        self.attribute("class", &format!("imageframe-caption imageframe-float-{float}"));
        let align =
            arguments.get(&["text-align", "align"]).map(|align| format!("text-align:{}", length(Some(align), "left"))).unwrap_or_default();
        let width = format!("width:{}", length(arguments.get(&["width"]), "30%"));
        self.attribute("style", &styled(arguments, &[width, align]));
        self.push(">");
        if let Some((url, name)) = source {
            self.push("<a target=\"_blank\" rel=\"noopener\"");
            self.attribute("href", &url);
            self.push("><img loading=\"lazy\"");
            self.attribute("alt", arguments.get(&["alt"]).unwrap_or(&name));
            self.attribute("src", &url);
            self.push(" style=\"width:100%\"></a>");
        }
        for content in [arguments.get(&["content"]), Some(arguments.content.as_str())].into_iter().flatten() {
            if !content.trim().is_empty() {
                self.rendered(content);
            }
        }
        if let Some(caption) = arguments.get(&["caption"]) {
            self.push("<div class=\"imageframe\">");
            self.rendered(caption);
            self.push("</div>");
        }
        self.push("</div>\n");
        Ok(())
    }

    /// Address and name of a picture: elsewhere, beside another page, or beside this one.
    fn file(&mut self, source: &str) -> Result<(String, String), String> {
        if source.starts_with("http://") || source.starts_with("https://") {
            return Ok((checked(source, Use::Image), String::new()));
        }
        let path = self.file_path(source)?;
        let name = path.rsplit('/').next().unwrap_or_default().to_string();
        self.remember_file(&path);
        self.depends_on_file(&path);
        if self.context.pages.is_some_and(|pages| pages.file_length(&path).is_none()) {
            return Err(format!("\"{source}\" not found."));
        }
        Ok((format!("/{}", holt_core::path::encode(&path)), name))
    }

    /// Where a file is: beside another page, or beside this one.
    pub(crate) fn file_path(&self, source: &str) -> Result<String, String> {
        let source = source.strip_prefix("./").unwrap_or(source);
        if source.split('/').any(|segment| segment == "..") {
            return Err("path traversal is not allowed.".into());
        }
        let invalid = || Err(format!("invalid absolute src \"{source}\"."));
        if source.is_empty() || source.ends_with('/') || urls::is_external(source) {
            return invalid();
        }
        match (source.strip_prefix('/'), self.context.page_url) {
            (Some(path), _) if path.contains('/') => Ok(path.to_string()),
            (Some(_), _) => invalid(),
            (None, Some(page)) => Ok(format!("{}/{source}", page.trim_start_matches('/'))),
            (None, None) => Err("requires a page context.".into()),
        }
    }

    /// The page shows, or looks for, the file at `path`.
    pub(crate) fn depends_on_file(&mut self, path: &str) {
        if let Some((page, _)) = path.rsplit_once('/') {
            self.out.depends.push(Dependency::Files(page.to_string()));
        }
    }

    fn figure(&mut self, arguments: &Arguments) -> Result<(), String> {
        let margins = match arguments.get(&["align"]).map(str::to_lowercase).as_deref() {
            None | Some("center") => "margin-left:auto;margin-right:auto",
            Some("left") => "margin-left:0;margin-right:auto",
            Some("right") => "margin-left:auto;margin-right:0",
            Some(_) => "",
        };
        self.push("<div class=\"figure-embedding\"");
        let width = format!("width:{}", length(arguments.get(&["width"]), "100%"));
        self.attribute("style", &styled(arguments, &[width, margins.to_string()]));
        self.push("><div class=\"figure-embedding-content\"");
        if let Some(height) = arguments.get(&["height"]) {
            self.attribute("style", &format!("max-height:{};overflow-y:auto", length(Some(height), "none")));
        }
        self.push(">");
        let doc = blocks::split(&arguments.content, &self.syntax, &mut self.definitions, self.depth);
        self.document(doc);
        self.push("</div>");
        if let Some(caption) = arguments.get(&["caption"]) {
            self.push("<div class=\"figure-embedding-caption\">");
            self.rendered(caption);
            self.push("</div>");
        }
        self.push("</div>\n");
        Ok(())
    }

    fn video(&mut self, arguments: &Arguments) -> Result<(), String> {
        let sources: Vec<&str> = arguments
            .get(&["src"])
            .into_iter()
            .chain(arguments.content.lines().map(str::trim))
            .map(|source| source.trim_start_matches('|').trim())
            .filter(|source| !source.is_empty())
            .take(20)
            .collect();
        if sources.is_empty() {
            return Err("No src given.".into());
        }
        let tubes: Vec<Option<String>> = sources.iter().map(|source| youtube(source)).collect::<Result<_, _>>()?;
        let width = length(arguments.get(&["width"]), "100%");
        let (controls, muted) = (arguments.flag("controls", true), arguments.flag("muted", true));
        let (repeat, autoplay) = (arguments.flag("loop", true), arguments.flag("autoplay", false));
        if tubes.iter().all(Option::is_some) {
            for id in tubes.into_iter().flatten() {
                let mut query = Vec::new();
                if !controls {
                    query.push("controls=0".to_string());
                }
                if autoplay {
                    query.push("autoplay=1".to_string());
                }
                if muted {
                    query.push("mute=1".to_string());
                }
                if repeat {
                    query.push(format!("loop=1&amp;playlist={id}"));
                }
                // The id is letters, digits, - and _; the host is ours to name (DESIGN §6).
                self.typed(format!(
                    "<iframe class=\"video\" width=\"{width}\" height=\"315\" src=\"https://www.youtube-nocookie.com/embed/{id}?{}\" title=\"{}\" \
                     loading=\"lazy\" sandbox=\"allow-scripts allow-same-origin allow-presentation\" referrerpolicy=\"strict-origin-when-cross-origin\" allowfullscreen></iframe>",
                    query.join("&amp;"),
                    self.said("YouTube video player")
                ));
            }
            self.push("\n");
            return Ok(());
        }
        if tubes.iter().any(Option::is_some) {
            return Err("Cannot mix YouTube links and file sources in the same Video embedding.".into());
        }
        let mut html = String::from("<video");
        for (name, on) in [("autoplay", autoplay), ("controls", controls), ("loop", repeat), ("muted", muted)] {
            if on {
                html.push_str(&format!(" {name}=\"\""));
            }
        }
        html.push_str(&format!(" preload=\"metadata\" width=\"{width}\">\n"));
        for source in sources {
            html.push_str("<source src=\"");
            escape(&mut html, &checked(source, Use::Image));
            html.push('"');
            let extension = source.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
            if ["mp4", "ogg", "webm"].contains(&extension.as_str()) {
                html.push_str(&format!(" type=\"video/{extension}\""));
            }
            html.push_str(">\n");
        }
        html.push_str(&self.said("Your browser does not support the video tag."));
        html.push_str("\n</video>\n");
        self.typed(html);
        Ok(())
    }
}

/// The id of a YouTube address; none for other addresses, an error for an id that is none.
fn youtube(source: &str) -> Result<Option<String>, String> {
    let Some(rest) = source.strip_prefix("https://").or_else(|| source.strip_prefix("http://")) else { return Ok(None) };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = host.to_ascii_lowercase();
    let host = host.strip_prefix("www.").or(host.strip_prefix("m.")).unwrap_or(&host);
    let id = match host {
        "youtu.be" => Some(path),
        "youtube.com" | "youtube-nocookie.com" => match path.split_once('?') {
            Some(("watch", query)) => query.split('&').find_map(|pair| pair.strip_prefix("v=")),
            _ => path.strip_prefix("embed/").or_else(|| path.strip_prefix("e/")),
        },
        _ => None,
    };
    let Some(id) = id else { return Ok(None) };
    let id = id.split(['?', '&', '#', '/']).next().unwrap_or_default();
    if id.is_empty() || id.len() > 64 || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
        return Err("this is no YouTube video.".into());
    }
    Ok(Some(id.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(body: &str) -> (Vec<(String, String)>, String) {
        let arguments = Arguments::parse(body);
        (arguments.options, arguments.content)
    }

    #[test]
    fn arguments() {
        let strings = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).to_string(), (*v).to_string())).collect::<Vec<_>>();
        assert_eq!(pairs("|a=b|c=d=e"), (strings(&[("a", "b"), ("c", "d=e")]), String::new()));
        assert_eq!(pairs("\n|a=1\n|a=2\ntext\n| x | y=z |\n"), (strings(&[("a", "2")]), "text\n| x | y=z |".into()));
        assert_eq!(pairs("|https://y.z/watch?v=a"), (Vec::new(), "https://y.z/watch?v=a".into()));
        assert_eq!(pairs("|/a.mp4"), (Vec::new(), "/a.mp4".into()));
        assert_eq!(pairs("|a="), (Vec::new(), "a=".into()));
        assert_eq!(pairs("|a\\=b\\|c=d\\|e"), (strings(&[("a=b|c", "d|e")]), String::new()));
        assert_eq!(pairs("|k=[[T|P]]|l=m"), (strings(&[("k", "[[T|P]]"), ("l", "m")]), String::new()));
    }

    #[test]
    fn only_ids_of_videos_are_ids() {
        for (source, id) in [
            ("https://www.youtube.com/watch?v=abc-_1&t=3", Some("abc-_1")),
            ("https://youtu.be/abc?t=1", Some("abc")),
            ("http://m.youtube.com/embed/abc", Some("abc")),
            ("https://youtube.com/shorts/abc", None),
            ("https://example.org/watch?v=abc", None),
            ("/a.mp4", None),
        ] {
            assert_eq!(youtube(source).unwrap().as_deref(), id, "{source}");
        }
        for bad in ["https://www.youtube.com/watch?v=a\"%20onload=\"1", "https://youtu.be/<x>", "https://youtu.be/"] {
            assert!(youtube(bad).is_err(), "{bad}");
        }
    }
}
