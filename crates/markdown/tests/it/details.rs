//! The rest of the spec, a line or two for each point.

use holt_markdown::{Context, FileEntry, IncludedPage, Options, PageEntry, Pages, render, title};

fn html(source: &str) -> String {
    render(source, &Context { page_url: Some("/A/B"), ..Context::default() }).html.into_string().trim().replace('\n', "")
}

fn all(cases: &[(&str, &str)]) {
    for (source, expected) in cases {
        assert_eq!(html(source), *expected, "{source}");
    }
}

#[test]
fn links_in_new_tabs() {
    // §1.1
    let options = Options { open_links_in_new_tab: true, ..Options::default() };
    let page = render("[a](https://e.org) [b](/B) <mail@e.org>", &Context { options, ..Context::default() }).html.into_string();
    assert_eq!(page.matches("class=\"external\" target=\"_blank\" rel=\"nofollow noopener noreferrer ugc\"").count(), 1, "{page}");
}

#[test]
fn blocks_in_blocks() {
    // §3.1, §3.2
    all(&[
        ("a\\\nb", "<p>a<br>b</p>"),
        ("***\n\n___\n\n- - -", "<hr><hr><hr>"),
        ("> a\nb", "<blockquote><p>ab</p></blockquote>"),
        ("- a\n\n* b", "<ul><li>a</li></ul><ul><li>b</li></ul>"),
        ("a\n2. b", "<p>a2. b</p>"),
        ("a\n1. b", "<p>a</p><ol><li>b</li></ol>"),
        (
            "[t][r] [r][] [R]\n\n[r]: /x \"y\"",
            "<p><a href=\"/x\" title=\"y\">t</a> <a href=\"/x\" title=\"y\">r</a> <a href=\"/x\" title=\"y\">R</a></p>",
        ),
        ("> ::: info\n> x", "<blockquote><p>::: infox</p></blockquote>"),
        ("- {{Video}}", "<ul><li>{{Video}}</li></ul>"),
        ("> *[A]: b", "<blockquote><p>*[A]: b</p></blockquote>"),
    ]);
    assert!(html("- a\n\n  | x |\n  |---|\n  | 1 |").contains("<li><p>a</p><table>"));
    assert!(html("> [!NOTE]\n> [t][r]\n\n[r]: /x").contains("<a href=\"/x\">t</a>"));
    // An alert ends with its quote: no lazy lines.
    assert!(html("> [!NOTE]\n> a\nb").ends_with("</div><p>b</p>"));
}

#[test]
fn inlines_in_inlines() {
    // §3.3, §4.1, §4.2, §10.1
    all(&[
        ("` a ` `` b` ``", "<p><code> a </code> <code>b`</code></p>".replace("b`", " b` ").as_str()),
        ("==a=b== ==\\=x== ==a *b*==", "<p>==a=b== <mark>=x</mark> <mark>a <em>b</em></mark></p>"),
        ("*a [b*c](/x)*", "<p><em>a <a href=\"/x\">b*c</a></em></p>"),
        ("[[]] [[|x]] [[x|]] a![[b]]", "<p>[[]] [[|x]] [[x|]] a!<a class=\"wikilink\" href=\"/b\">b</a></p>"),
        ("[[Page#日本]]", "<p><a class=\"wikilink\" href=\"/Page#日本\">Page#日本</a></p>"),
        ("[](/u) [a](</b c> \"t\")", "<p><a href=\"/u\">/u</a> <a href=\"/b%20c\" title=\"t\">a</a></p>"),
        ("[a](/x?a=1&reg=2)", "<p><a href=\"/x?a=1&amp;reg=2\">a</a></p>"),
        ("- [ ]x", "<ul><li>[ ]x</li></ul>"),
        (
            "1. [x] a\n\n   b\n2. [ ] c",
            "<ol><li class=\"task-list-item\"><p><input class=\"task-list-item-checkbox\" type=\"checkbox\" aria-label=\"Task\" disabled=\"\" checked=\"\">a</p><p>b</p></li>\
             <li class=\"task-list-item\"><p><input class=\"task-list-item-checkbox\" type=\"checkbox\" aria-label=\"Task\" disabled=\"\">c</p></li></ol>",
        ),
        ("[toc]\n\n+++ toml", "<p>[toc]</p><p>+++ toml</p>"),
    ]);
    assert!(html("$a*b*c$ *d*").contains("</math> <em>d</em>"));
    assert!(html("# A ![i](u) b").contains("<h1 id=\"a-b\">"), "{}", html("# A ![i](u) b"));
    assert_eq!(html("# HTML\n\n[HTML](/x)\n\n*[HTML]: H").matches("<abbr title=\"H\">HTML</abbr>").count(), 2);
    for (word, class) in [("blue", "primary"), ("yellow", "secondary"), ("red", "danger"), ("green", "success")] {
        assert!(html(&format!("::: {word}\nx\n:::")).contains(&format!("alert alert-{class} mb-20")), "{word}");
    }
    assert!(html("::: none\nx\n:::").contains("class=\"alert mb-20\""));
    for (kind, label) in [("IMPORTANT", "Important"), ("caution", "Caution")] {
        let page = html(&format!("> [!{kind}]\n> text"));
        assert!(
            page.contains(label) && page.contains(&format!("quote-alert-{}", kind.to_lowercase())) && page.contains("<p>text</p>"),
            "{page}"
        );
    }
}

#[test]
fn every_harmless_element_and_attribute_stays() {
    // §11.3
    for tag in "p span div i b strong em u s strike del ins sub sup mark small ul ol li dl dt dd h1 h2 h3 h4 h5 h6 code pre kbd samp var blockquote q cite \
                table a abbr address time details summary video audio label figure figcaption"
        .split_whitespace()
    {
        let page = html(&format!("<{tag} id=\"i\" class=\"c\" title=\"t\" lang=\"en\" dir=\"ltr\" style=\"color:red\">x</{tag}>"));
        for attribute in ["id=\"i\"", "class=\"c\"", "title=\"t\"", "lang=\"en\"", "dir=\"ltr\"", "style=\"color:red\""] {
            assert!(page.contains(&format!("<{tag} ")) && page.contains(attribute), "{tag} {attribute}: {page}");
        }
    }
    for element in [
        "<a href=\"/x\" name=\"n\">x</a>",
        "<img src=\"/x\" alt=\"a\" width=\"1\" height=\"2\" loading=\"lazy\">",
        "<time datetime=\"2026-11-21\">x</time>",
        "<video controls=\"\" width=\"1\" height=\"2\" poster=\"/p\" src=\"/v\"></video>",
        "<audio controls=\"\" src=\"/a\"></audio>",
        "<input type=\"checkbox\" checked=\"\" value=\"v\" disabled=\"\">",
        "<label for=\"i\">x</label>",
        "<details open=\"\"><summary>s</summary>x</details>",
        "<ol start=\"3\" type=\"a\"><li>x</li></ol>",
        "<div align=\"center\" role=\"note\">x</div>",
        "<table border=\"1\" cellpadding=\"2\" cellspacing=\"3\" width=\"4\"><caption>c</caption><colgroup><col span=\"1\" width=\"2\"></colgroup><tbody><tr><td colspan=\"2\" rowspan=\"1\" align=\"left\" valign=\"top\" width=\"5\">x</td></tr></tbody></table>",
    ] {
        let page = html(element);
        let words = |text: &str| text.split([' ', '>']).map(str::to_string).collect::<std::collections::BTreeSet<_>>();
        assert!(words(element).is_subset(&words(&page)), "{element}: {page}");
    }
    for element in [
        "center", "font", "button", "section", "svg", "style", "script", "object", "embed", "form", "textarea", "iframe", "ruby", "nav",
        "tt",
    ] {
        assert!(!html(&format!("<{element}>x</{element}>")).contains(&format!("<{element}")), "{element}");
    }
}

struct Shelf;
impl Pages for Shelf {
    fn page(&self, path: &str) -> Option<IncludedPage> {
        let source = match path.strip_prefix("L").and_then(|n| n.parse::<u32>().ok()) {
            Some(level) => format!("level {level}\n\n{{{{Include|src=/L{}}}}}", level + 1),
            None => (path == "Doc").then(|| "# One\n\na\n\n## 日本\n\nb".to_string())?,
        };
        Some(IncludedPage { path: path.into(), source })
    }
    fn files(&self, _: &str) -> Vec<FileEntry> {
        let file = |name: &str| FileEntry {
            name: name.into(),
            bytes: 70,
            date: "2026-11-21 09:00".into(),
            author: "Ann".into(),
            message: "one\ntwo".into(),
        };
        vec![file("a b.png"), file("c.txt")]
    }
    fn file_length(&self, path: &str) -> Option<u64> {
        self.file(path).map(|bytes| if path.ends_with("long.csv") { 2 << 20 } else { bytes.len() as u64 })
    }
    fn file(&self, path: &str) -> Option<Vec<u8>> {
        (path == "A/B/x.png" || path.ends_with(".csv")).then(|| b"k;v\n'a;b';2\n".to_vec())
    }
    fn below(&self, path: &str) -> Vec<PageEntry> {
        assert_eq!(path, "A/B");
        let entry = |title: &str, exists| PageEntry { path: format!("A/B/{title}"), title: title.into(), exists };
        vec![entry("Sub", true), entry("Sub/Deep", true), entry("Tools", false), entry("Tools/Saw", true)]
    }
    fn headings(&self, path: &str) -> Vec<(u8, String, String)> {
        vec![(1, path.into(), "t".into()), (2, "Inside".into(), "inside".into())]
    }
}

fn with_pages(source: &str) -> String {
    render(source, &Context { page_url: Some("/A/B"), pages: Some(&Shelf), ..Context::default() })
        .html
        .into_string()
        .trim()
        .replace('\n', "")
}

#[test]
fn options_of_embeddings() {
    // §12.4 to §12.8
    let info = with_pages("{{InfoBox\n|float=LEFT|text-align=center|style=color:red;position:fixed\n|_caption=c\ntext\n}}");
    assert!(
        info.contains("class=\"infobox infobox-float-left\" style=\"width:35%\"")
            && info.contains("text-align:center")
            && info.contains("<strong>caption</strong>"),
        "{info}"
    );
    assert!(with_pages("{{InfoBox|style=color:red;zoom:2|a=b}}").contains("style=\"width:35%;color:red\""));
    let frame = with_pages("{{ImageFrame|src=./x.png|caption=a *b*|pos=left|align=center|style=color:red|alt=t|content=*c*}}");
    for part in [
        "imageframe-float-left",
        "width:30%;text-align:center;color:red",
        "alt=\"t\"",
        "src=\"/A/B/x.png\"",
        "<em>c</em>",
        "<div class=\"imageframe\">a <em>b</em></div>",
    ] {
        assert!(frame.contains(part), "{part}: {frame}");
    }
    assert!(with_pages("{{ImageFrame|src=y.png}}").contains("&quot;y.png&quot; not found"));
    let video = with_pages("{{Video\n|controls=false|muted=no|loop=0|autoplay=yes\n|/a.mp4\n|/b.webm\n}}");
    assert!(
        video.contains("<video autoplay=\"\" preload")
            && video.contains("<source src=\"/a.mp4\" type=\"video/mp4\">")
            && video.contains("src=\"/b.webm\""),
        "{video}"
    );
    assert!(with_pages("{{Video\n/a.mp4\nhttps://youtu.be/abc\n}}").contains("Cannot mix YouTube links"));
    assert!(
        with_pages("{{Video|src=https://youtu.be/abc|controls=0|autoplay=1}}")
            .contains("embed/abc?controls=0&amp;autoplay=1&amp;mute=1&amp;loop=1&amp;playlist=abc")
    );
    let figure = with_pages("{{Figure|align=left|width=50%|height=10em|caption=*c*\ntext\n}}");
    assert!(
        figure.contains("width:50%;margin-left:0;margin-right:auto")
            && figure.contains("max-height:10em;overflow-y:auto")
            && figure.contains("<em>c</em>"),
        "{figure}"
    );
    let table = with_pages("{{DataTable|Sortable=no|searchable=false|paging=0|perPage=5|caption=*c*\n| a |\n|---|\n| 1 |\n}}");
    assert!(
        table.contains("datatable-embedding datatable-not-sortable datatable-not-searchable datatable-not-paging datatable-rows-5")
            && table.contains("*c*</div>"),
        "{table}"
    );
    assert!(with_pages("{{DataTable|src=x.csv|quotechar='}}").contains("<td>a;b</td><td>2</td>"));
    assert!(with_pages("{{DataTable|src=long.csv}}").contains("longer than 1024 KiB"));
}

#[test]
fn lists_of_files_and_pages() {
    // §12.9, §12.10
    let full = with_pages("{{Attachment List|caption=<c>}}");
    for part in [
        "<caption>&lt;c&gt;</caption>",
        "<th>Comment</th>",
        "<img alt=\"\" loading=\"lazy\" src=\"/A/B/a%20b.png?thumbnail\">",
        "<td>70.0B</td>",
        "<td class=\"text-wrap\">one</td>",
        "fa-file",
    ] {
        assert!(full.contains(part), "{part}: {full}");
    }
    let details = with_pages("{{Attachments|format=details|icons=false|filter=*.TXT}}");
    assert!(
        details.contains("<thead><tr><th>Filename</th><th>Size</th><th>Date</th></tr></thead>") && !details.contains("a%20b"),
        "{details}"
    );
    assert!(with_pages("{{AttachmentList|fmt=minimal}}").contains("<thead><tr><th>Attachment</th></tr></thead>"));
    let index = with_pages("{{PageIndex}}");
    assert!(
        index.contains("pageindex-header\">S</h2>")
            && index.contains("pageindex-folder font-weight-bold pageindex-depth-0\" href=\"/A/B/Tools\"")
            && index.contains("padding-left:1.5rem"),
        "{index}"
    );
    assert!(!index.contains("#inside"));
    let list = with_pages("{{Page Index|style=list|src=Sub*|toc=true}}");
    assert_eq!(list.matches("<li>").count(), 4, "{list}");
    assert!(
        list.contains("<li><a href=\"/A/B/Sub/Deep\">Sub/Deep</a><ul><li><a href=\"/A/B/Sub/Deep#inside\">Inside</a>")
            && !list.contains("Tools"),
        "{list}"
    );
}

#[test]
fn pages_in_pages() {
    // §12.11
    let deep = with_pages("{{Include|src=/L0}}");
    assert!(deep.contains("level 7") && deep.contains("maximum include depth (8) exceeded") && !deep.contains("level 9"), "{deep}");
    assert!(
        with_pages("{{Include|src=/Doc|section=日本}}").ends_with("<p>b</p></div>")
            && !with_pages("{{Include|src=/Doc|section=日本}}").contains("<p>a</p>")
    );
    let unknown = with_pages("{{Include|src=/Doc|section=none}}");
    assert!(unknown.contains("section &quot;none&quot; not found in &quot;/Doc&quot; (available: one, 日本)"), "{unknown}");
    assert!(with_pages("{{Include|src=../Doc}}").contains("path traversal is not allowed"));
    assert!(with_pages("{{Include|src=/Nowhere}}").contains("page &quot;/Nowhere&quot; not found"));
}

#[test]
fn titles_are_looked_for_at_the_beginning_only() {
    // §15
    assert_eq!(title(&format!("{}\n# Late", "x ".repeat(300))), None);
    assert_eq!(title("text\n\n# *First* `one` #\n\n# Second").as_deref(), Some("First one"));
    assert_eq!(title("Set\n===\n\n## Later").as_deref(), Some("Later"));
    assert_eq!(title("Set\n---").as_deref(), Some("Set"));
}

#[test]
fn a_background_is_a_colour() {
    assert!(with_pages("<span style=\"background: #ff0; color:red\">x</span>").contains("style=\"background-color:#ff0;color:red\""));
    assert!(with_pages("{{Figure|style=background:red\nx\n}}").contains("background-color:red"));
    assert!(!with_pages("<span style=\"background: image-set('//evil')\">x</span>").contains("background"));
}
