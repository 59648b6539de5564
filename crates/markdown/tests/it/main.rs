//! The renderer from outside: constructs, safety, hostile input, real pages.
#![allow(clippy::unwrap_used)]

mod bounds;
mod details;
mod dialect;
mod extras;
mod invariants;

use invariants::{hold, judge};

use holt_markdown::{Context, Links, Options, Target, WikilinkStyle, render};
use proptest::prelude::*;

fn html(source: &str) -> String {
    render(source, &Context { page_url: Some("/Some/Page"), ..Context::default() }).html.into_string()
}

fn check(source: &str, expected: &str) {
    assert_eq!(html(source).trim(), expected, "{source}");
}

#[test]
fn the_base_dialect() {
    check("a\nb", "<p>a\nb</p>");
    check("a  \nb", "<p>a<br>\nb</p>");
    check("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>");
    check("- a\n\n- b", "<ul>\n<li><p>a</p>\n</li>\n<li><p>b</p>\n</li>\n</ul>");
    check("3) a", "<ol start=\"3\">\n<li>a</li>\n</ol>");
    check("~~x~~ ==y== **z** *e* `c<`", "<p><del>x</del> <mark>y</mark> <strong>z</strong> <em>e</em> <code>c&lt;</code></p>");
    check("> q", "<blockquote>\n<p>q</p>\n</blockquote>");
    check(
        "| a | b |\n|:--|--:|\n| 1 | 2 |",
        "<table>\n<thead>\n<tr>\n<th style=\"text-align:left\">a</th>\n<th style=\"text-align:right\">b</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td style=\"text-align:left\">1</td>\n<td style=\"text-align:right\">2</td>\n</tr>\n</tbody></table>",
    );
    check(
        "- [x] b",
        "<ul>\n<li class=\"task-list-item\"><input class=\"task-list-item-checkbox\" type=\"checkbox\" aria-label=\"Task\" disabled=\"\" checked=\"\">b</li>\n</ul>",
    );
    check(
        "![a & *b*](./x.png \"t\")",
        "<p><img class=\"img-fluid\" loading=\"lazy\" alt=\"a &amp; b\" src=\"/Some/Page/x.png\" title=\"t\"></p>",
    );
    check("&copy; &lt;b&gt; AT&T", "<p>© &lt;b&gt; AT&amp;T</p>");
    check("[a](javascript:alert(1))", "<p><a href=\"#harmful-link\">a</a></p>");
    check(
        "> [!NOTE]\n> a",
        "<div class=\"quote-alert quote-alert-note\"><div class=\"quote-alert-header\"><i class=\"fas fa-info-circle\"></i> Note</div><p>a</p>\n</div>",
    );
    check(
        "::: x\" onmouseover=\"y\na\n:::",
        "<div class=\"alert alert-x&quot; onmouseover=&quot;y mb-20\" role=\"alert\"><p>a</p>\n</div>",
    );
    check("```mermaid\nA-->B\n```", "<pre class=\"mermaid\">A--&gt;B\n</pre>");
    assert!(html("```rust,ignore\nfn\n```").contains("class=\"highlight\""));
    assert!(html("x[^n] y\n\n[^n]: note *e*").contains("<section class=\"footnotes\">"));
}

#[test]
fn headings_have_anchors_and_make_the_outline() {
    let page = render("# Ä *b*\n\nText\n\n## A\n\n## A\n", &Context::default());
    let outline: Vec<(u8, &str, &str)> = page.toc.iter().map(|h| (h.level, h.text.as_str(), h.anchor.as_str())).collect();
    assert_eq!(outline, [(1, "Ä b", "a-b"), (2, "A", "a"), (2, "A", "a-1")]);
    assert_eq!(page.toc[0].html.as_str(), "Ä <em>b</em>");
    assert!(page.html.as_str().contains("<h2 id=\"a-1\">A<a class=\"anchor\" href=\"#a-1\""));
    assert_eq!(page.text, "Ä b\nText\nA\nA\n");
    assert_eq!(page.description, "Text A A");
}

struct Known;
impl Links for Known {
    fn target(&self, path: &str) -> Target {
        match path.to_lowercase().as_str() {
            "guide" => Target::Page { url: "/Guide".into() },
            "some/page/x.png" => Target::Unknown,
            _ => Target::Missing,
        }
    }
}

#[test]
fn links_know_what_exists() {
    let context = Context {
        page_url: Some("/Some/Page"),
        options: Options { wikilink_style: WikilinkStyle::TargetFirst, ..Options::default() },
        links: Some(&Known),
        ..Context::default()
    };
    let page = render("[[guide#A b|t]] [[None]] [x](/guide?a#b) [y](../guide.md) [z](./x.png) `[[Code]]` [e](https://e.org)", &context);
    let expected = "<p><a class=\"wikilink\" href=\"/Guide#a-b\">t</a> <a class=\"wikilink missing\" href=\"/None\">None</a> <a href=\"/Guide?a#b\">x</a> \
<a href=\"/Guide\">y</a> <a href=\"/Some/Page/x.png\">z</a> <code>[[Code]]</code> <a href=\"https://e.org\" rel=\"nofollow noopener noreferrer ugc\">e</a></p>";
    assert_eq!(page.html.as_str().trim(), expected);
    let targets: Vec<&str> = page.links.iter().map(|l| l.target.as_str()).collect();
    assert_eq!(targets, ["guide", "None", "guide", "guide", "Some/Page/x.png"]);
}

#[test]
fn links_say_in_which_line_they_stand_and_to_which_place_they_lead() {
    let source = "---\ntitle: x\n---\n# One\r\n\n[[A#Some Place]] and\n[b](/B#b%20c) [no](#) [top](#top)\n\n> [!NOTE]\n> [[C]] [own](#one)\n\n::: info\n[[D]]\n:::\n\n| a |\n|---|\n| [[E]] |\n\n[[#Two]] <b id=\"typed\">x</b> ![](./p.png)\n";
    let page = render(source, &Context { page_url: Some("/Page"), ..Context::default() });
    let links: Vec<_> = page.links.iter().map(|link| (link.target.as_str(), link.place.as_deref(), link.line)).collect();
    let expected =
        [("A", Some("some-place"), 6), ("B", Some("b c"), 7), ("C", None, 9), ("D", None, 12), ("E", None, 18), ("Page/p.png", None, 20)];
    assert_eq!(links, expected);
    let places: Vec<_> = page.places.iter().map(|link| (link.place.as_str(), link.line)).collect();
    assert_eq!(places, [("one", 9), ("two", 20)]);
    assert!(page.ids().contains(&"one") && page.ids().contains(&"typed"), "{:?}", page.ids());
}

#[test]
fn harmless_html_stays_and_the_rest_is_shown() {
    check("<details><summary>s</summary>\n\n**b**\n\n</details>", "<details><summary>s</summary>\n<p><strong>b</strong></p>\n</details>");
    check("a <kbd>K</kbd> <span style=\"color:red\">r</span>", "<p>a <kbd>K</kbd> <span style=\"color:red\">r</span></p>");
    check("x <script>alert(1)</script> y", "<p>x &lt;script&gt;alert(1)</script> y</p>".replace("</script>", "").as_str());
    check("<div onclick=alert(1)>x</div>", "&lt;div onclick=alert(1)&gt;x&lt;/div&gt;");
    check("<iframe src=\"https://e.org\"></iframe>", "&lt;iframe src=&quot;https://e.org&quot;&gt;&lt;/iframe&gt;");
    // An unclosed element ends with the page and never swallows the frame.
    check("<div>\n\nx", "<div>\n<p>x</p>\n</div>");
    assert!(!html("<b id=\"holt-menu\">x</b>").contains("holt-menu"));
    assert!(!html("<span style=\"position:fixed;color:red\">x</span>").contains("<span"));
}

#[test]
fn the_judge_sees_what_runs() {
    for active in [
        "<script>",
        "<p onclick=x>",
        "<a href=\"java\tscript:x\">",
        "<IFRAME src=x>",
        "<svg/onload=x>",
        "<p style=\"background:url(x)\">",
        "<p id=holt-x>",
        "</article></main>",
        "<div>",
        "<textarea>",
        "<main>",
        "<!--",
    ] {
        assert!(judge(active).is_err(), "{active}");
    }
    assert_eq!(judge("<p>a <b>b</b></p><math><mi>x</mi></math>"), Ok(()));
}

#[test]
fn nothing_a_writer_types_runs() {
    for source in [
        "<img src=x onerror=alert(1)>",
        "<div onclick=alert(1) \n\nx",
        "<iframe src=javascript:alert(1) \n\nx",
        "<a href=\"jav&#x09;ascript:alert(1)\">x</a>",
        "<a href=\"&#x6a;avascript:alert(1)\">x</a>",
        "<a href=\"javascript&colon;alert(1)\">x</a>",
        "<a href=\"&amp;#106;avascript:x\">x</a>",
        "<a href='da&#9;ta:text/html,x'>x</a>",
        "<svg><script>alert(1)</script></svg>",
        "<math><mi//xlink:href=\"data:x,<script>alert(4)</script>\">",
        "<style>*{}</style>",
        "<!--><script>alert(1)</script>-->",
        "<b style=\"background:url(javascript:x)\">x</b>",
        "[x](  javascript:alert(1))",
        "[x](<java\tscript:alert(1)>)",
        "![x](javascript:alert(1))",
        "![\"><script>alert(1)</script>](x)",
        "[x](x \"\\\"><script>alert(1)</script>\")",
        "# <script>alert(1)</script>",
        "```\"><script>\nx\n```",
        "---\ntitle: \"<script>alert(1)</script>\"\n---\n",
        "::: \"><script>alert(1)</script>\nx\n:::",
        "[[<script>alert(1)</script>]]",
        "[[\"><script>|javascript:alert(1)]]",
        "$<script>alert(1)</script>$",
        "```mermaid\n</pre><script>alert(1)</script>\n```",
        "> [!NOTE] <script>alert(1)</script>\n> x",
        "<p title=\"</p><script>alert(1)</script>\">x</p>",
        "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
        "<form action=x><input type=submit></form>",
        "<input type=image src=x onerror=x>",
        "<details ontoggle=alert(1) open>x</details>",
        "<video><source onerror=alert(1)></video>",
        "<a\u{c}href=\"javascript:x\">x</a>",
        "<x-y onclick=a>",
        "<a href=\"java\u{0}script:x\">y</a>",
    ] {
        hold(source);
    }
}

/// A family of hostile texts of about this many bytes.
type Family = fn(usize) -> String;

const HOSTILE: &[(&str, Family)] = &[
    ("quotes", |n| ">".repeat(n)),
    ("brackets", |n| "[".repeat(n)),
    ("stars", |n| "*".repeat(n)),
    ("wikilinks", |n| "[[a".repeat(n / 3)),
    ("blocks", |n| "::: a\n".repeat(n / 6)),
    ("lists", |n| (0..n / 250).map(|i| format!("{}- a\n", "  ".repeat(i.min(250)))).collect()),
    ("escapes", |n| format!("$${}", "\\\\".repeat(n / 2))),
    ("tags", |n| "<b ".repeat(n / 3)),
    ("open tags", |n| "<b>".repeat(n / 3)),
    ("divs", |n| "<div>\n\n".repeat(n / 7)),
    ("stray ends", |n| "<div></b>\n\n".repeat(n / 11)),
    ("backticks", |n| "`a".repeat(n / 2)),
    ("tables", |n| format!("|a|\n|-|\n{}", "|x|\n".repeat(n / 4))),
    ("entities", |n| "&amp".repeat(n / 4)),
    ("alert markers", |n| "> [!NOTE]\n".repeat(n / 10)),
    ("alerts in a row", |n| "> [!NOTE]\n> a\n".repeat(n / 14)),
    ("spoilers", |n| ">! x\n\n".repeat(n / 6)),
    ("folds", |n| ">| a\n".repeat(n / 5)),
    ("code", |n| "```python\nx = 1\n```\n".repeat(n / 20)),
    ("embeddings", |n| "{{InfoBox|a=b}}\n".repeat(n / 16)),
    ("open embeddings", |n| "{{a\n".repeat(n / 4)),
    ("formulas", |n| "$a$ ".repeat(n / 4)),
    ("open formulas", |n| "$$\na\n".repeat(n / 5)),
    ("footnotes", |n| (0..n / 24).map(|i| format!("x[^{i}]\n\n[^{i}]: n\n")).collect()),
    // A little text that could become much.
    ("long abbreviations", |n| format!("*[A]: {}\n\n{}", "x".repeat(n / 2), "A ".repeat(n / 4))),
    ("long references", |n| format!("[a]: /{}\n\n{}", "x".repeat(n / 2), "[a] ".repeat(n / 8))),
    ("long references in boxes", |n| format!("[a]: /{}\n\n> [!NOTE]\n> {}", "x".repeat(n / 2), "[a] ".repeat(n / 8))),
    ("wide tables", |n| format!("|{}\n|{}\n{}\n", "a|".repeat(500), "-|".repeat(500), "|x\n".repeat(500)).repeat(n / 3500)),
    ("wide tables in quotes", |n| format!("> |{}\n> |{}\n{}\n", "a|".repeat(500), "-|".repeat(500), "> |x\n".repeat(500)).repeat(n / 4500)),
    ("formatting that leaks", |n| format!("<p><b title=\"{}\">x</p>{}", "y".repeat(1000), "<p>x</p>".repeat(n / 8))),
    ("formatting that leaks out of paragraphs", |n| format!("x <b title=\"{}\">y\n\n{}", "y".repeat(1000), "z\n\n".repeat(n / 3))),
    ("formatting that leaks into cells", |n| format!("<table><tr><td><i class=\"{}\">x{}", "y".repeat(1000), "<td>x".repeat(n / 5))),
    ("formatting around blocks", |n| format!("<a href=\"/{}\">{}", "y".repeat(1000), "<div>x</div>".repeat(n / 12))),
    ("many options", |n| format!("{{{{InfoBox\n{}}}}}\n", (0..n / 8).map(|i| format!("|{i}=b\n")).collect::<String>())),
    ("autolinks", |n| "<http://a".repeat(n / 9)),
    ("addresses", |n| "www.a<".repeat(n / 6)),
    ("mail addresses", |n| "a@b.c<".repeat(n / 6)),
    ("ampersands in an attribute", |n| format!("<span title=\"{}\">", "&".repeat(n))),
    ("ampersands beside HTML", |n| format!("<b>x</b> {}", "&\u{a7}".repeat(n / 3))),
    ("ampersands in HTML", |n| format!("<div>{}</div>", "&\u{a7}".repeat(n / 3))),
    ("lines of ampersands beside HTML", |n| format!("<b>x</b> {}", "&&&&&&&&&&&&\n".repeat(n / 13))),
    ("abbreviations", |n| (0..200).map(|i| format!("*[A{i}]: x\n")).collect::<String>() + &"A1 B ".repeat(n / 5)),
];

/// What this thread has computed so far: whatever else the machine does is not the input's doing.
fn computed() -> std::time::Duration {
    let spent = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    std::time::Duration::from_nanos(spent.split(' ').next().unwrap().parse().unwrap())
}

/// Time is compared only with time of the same run: four times the text may take four times as long, and half as long again for noise; with the
/// square it would be sixteen. What bounds make cheaper may.
#[test]
fn hostile_input_is_linear_and_never_overflows() {
    let time = |source: &str| {
        let once = || {
            let start = computed();
            let out = html(source);
            assert!(out.len() <= 100 * source.len() + 1_000_000, "{} bytes from {}", out.len(), source.len());
            computed() - start
        };
        (0..3).map(|_| once()).min().unwrap()
    };
    // What is read at first use is not the input's doing.
    html("```python\nx\n```\n$a$");
    let mut slow = Vec::new();
    for (name, family) in HOSTILE {
        let (short, long) = (family(20_000), family(80_000));
        // A neighbour that empties the caches for a moment can slow one of the two; a square is there every time.
        let found: Vec<String> = (0..5)
            .map(|_| (time(&short), time(&long)))
            .take_while(|(short, long)| long.as_millis() > 40 && *long > *short * 10)
            .map(|(short, long)| format!("{short:?}, then {long:?}"))
            .collect();
        if found.len() == 5 {
            slow.push(format!("{name}: {}", found.join("; ")));
        }
    }
    assert!(slow.is_empty(), "{slow:#?}");
}

proptest! {
    #[test]
    fn no_text_makes_anything_active(source in "[<>/\"'=a-c \\n`*_\\[\\]()!|:#&;$~^.\\\\-]{0,120}|(<(script|img|a|svg|div)[ /]?(onload|href|src|style)?=?(javascript:|\"|'|x)?>?){1,6}") {
        hold(&source);
    }
}
