//! The dialect of Otterwiki, construct by construct (spec/markdown.md; the section is named at each table).

use holt_markdown::{Context, Options, WikilinkStyle, render};

fn html(source: &str) -> String {
    render(source, &Context { page_url: Some("/Some/Page"), ..Context::default() }).html.into_string()
}

/// Sources and results; white space between blocks does not count.
fn table(rows: &[(&str, &str)]) {
    let squeeze = |html: &str| html.replace(">\n<", "><").trim().to_string();
    let wrong: Vec<String> = rows
        .iter()
        .filter_map(|(source, expected)| {
            let got = squeeze(&html(source));
            (got != squeeze(expected)).then(|| format!("{source:?}\n  expected {expected}\n  got      {got}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn blocks() {
    // §3.2
    table(&[
        (
            "Title\n-",
            "<h2 id=\"title\">Title<a class=\"anchor\" href=\"#title\" aria-label=\"Link to “Title”\"><i class=\"fas fa-link\"></i></a></h2>",
        ),
        (
            "text\n    four spaces",
            "<p>text</p><div class=\"copy-to-clipboard-outer\"><div class=\"copy-to-clipboard-inner\"><button class=\"btn alt-dm btn-xsm copy-to-clipboard\" type=\"button\" aria-label=\"Copy to clipboard\"><i class=\"fa fa-copy\" aria-hidden=\"true\"></i></button></div><pre class=\"copy-to-clipboard code\">four spaces\n</pre></div>",
        ),
        ("text\n2. no", "<p>text\n2. no</p>"),
        ("#x", "<p>#x</p>"),
        ("[//]: # (comment)", ""),
        ("[modeline]: # ( vim: set x: )", ""),
        ("1. A\n    - B", "<ol><li>A\n<ul><li>B</li></ul></li></ol>"),
        ("- a\n    b\n", "<ul><li>a\nb</li></ul>"),
        (
            "- a\n\n      code\n",
            "<ul><li><p>a</p><div class=\"copy-to-clipboard-outer\"><div class=\"copy-to-clipboard-inner\"><button class=\"btn alt-dm btn-xsm copy-to-clipboard\" type=\"button\" aria-label=\"Copy to clipboard\"><i class=\"fa fa-copy\" aria-hidden=\"true\"></i></button></div><pre class=\"copy-to-clipboard code\">code\n</pre></div></li></ul>",
        ),
    ]);
}

#[test]
fn inlines() {
    // §3.3
    table(&[
        ("2*3*4 a_b_c", "<p>2<em>3</em>4 a_b_c</p>"),
        ("`a  b`", "<p><code>a  b</code></p>"),
        ("~x~ ~~x~~ ~~ x~~", "<p>~x~ <del>x</del> ~~ x~~</p>"),
        ("==x== ==\\=x== == x==", "<p><mark>x</mark> <mark>=x</mark> == x==</p>"),
        ("&copy; &lt;b&gt; &nosuch; AT&T", "<p>© &lt;b&gt; &amp;nosuch; AT&amp;T</p>"),
        ("www.x.y a@b.c mailto:a@b.c", "<p>www.x.y a@b.c mailto:a@b.c</p>"),
        ("[www.x.y](http://www.x.y)", "<p><a href=\"http://www.x.y\" rel=\"nofollow noopener noreferrer ugc\">www.x.y</a></p>"),
        ("<a@b.c>", "<p><a href=\"mailto:a@b.c\" rel=\"nofollow noopener noreferrer ugc\">a@b.c</a></p>"),
        ("**http://x.y**", "<p><strong><a href=\"http://x.y\" rel=\"nofollow noopener noreferrer ugc\">http://x.y</a></strong></p>"),
        (":smile: x^2^ H~2~O", "<p>:smile: x^2^ H~2~O</p>"),
        ("\\[x\\] \\(a\\)", "<p>[x] (a)</p>"),
    ]);
    assert!(!html("~~s~t~r~i~k~e~3~~").contains("<del>strike3</del>"));
}

#[test]
fn wikilinks() {
    // §4.1
    let link = |href: &str, text: &str| format!("<p><a class=\"wikilink\" href=\"{href}\">{text}</a></p>");
    for (source, href, text) in [
        ("[[Page]]", "/Page", "Page"),
        ("[[Title|Page]]", "/Page", "Title"),
        ("[[A B]]", "/A%20B", "A B"),
        ("[[a%20b]]", "/a%20b", "a%20b"),
        ("[[/a/b]]", "/a/b", "/a/b"),
        ("[[#anchor Here]]", "#anchor-here", "#anchor Here"),
        ("[[T|Page#Ünï Code!]]", "/Page#uni-code", "T"),
        ("[[T#x|Page]]", "/Page", "T#x"),
        ("[[**b**|Page]]", "/Page", "<strong>b</strong>"),
        ("[[a?b=c]]", "/a%3Fb%3Dc", "a?b=c"),
        ("[[x|javascript:alert(1)]]", "/javascript%3Aalert%281%29", "x"),
        ("[[x|//evil.com]]", "/evil.com", "x"),
    ] {
        assert_eq!(html(source).trim(), link(href, text), "{source}");
    }
    table(&[
        ("`[[a|b]]`", "<p><code>[[a|b]]</code></p>"),
        ("\\[[a]]", "<p>[[a]]</p>"),
        ("<b>[[x|y]]</b>", "<p><b><a class=\"wikilink\" href=\"/y\">x</a></b></p>"),
        ("<div>[[a|b]]</div>", "<div>[[a|b]]</div>"),
        (
            "| [[T|P]] | [[Q]] |\n|--|--|\n| [[a|b]] | `x \\| y` |",
            "<table><thead><tr><th><a class=\"wikilink\" href=\"/P\">T</a></th><th><a class=\"wikilink\" href=\"/Q\">Q</a></th></tr></thead><tbody><tr><td><a class=\"wikilink\" href=\"/b\">a</a></td><td><code>x | y</code></td></tr></tbody></table>",
        ),
    ]);
    let options = Options { wikilink_style: WikilinkStyle::TargetFirst, ..Options::default() };
    let page = render("[[/a/b#C D|Title]]", &Context { options, ..Context::default() });
    assert_eq!(page.html.as_str().trim(), link("/a/b#c-d", "Title"));
}

#[test]
fn footnotes() {
    // §4.3
    let page = html("x[^2] y[^1] z[^2] [^no]\n\n[^1]: one\n[^2]: two *t*\n[^3]: unused\n");
    for part in [
        "x<sup class=\"footnote-ref\" id=\"fnref-1\"><a href=\"#fn-2\">2</a></sup>",
        "y<sup class=\"footnote-ref\" id=\"fnref-2\"><a href=\"#fn-1\">1</a></sup>",
        "z<sup class=\"footnote-ref\" id=\"fnref-3\"><a href=\"#fn-2\">2</a></sup> [^no]",
        "<hr><section class=\"footnotes\">\n<ol>\n<li id=\"fn-1\" value=\"1\"><a class=\"footnote\" href=\"#fnref-2\"",
        "<a class=\"footnote\" href=\"#fnref-1\">a</a>, <a class=\"footnote\" href=\"#fnref-3\">b</a> two <em>t</em></li>",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    assert!(!page.contains("unused"));
    // Several paragraphs, a list, code: indented lines belong to the note.
    let page = html("a[^big]\n\n[^big]: first\n\n    second\n\n    - item\n\n          code\n\nafter");
    assert!(page.contains("first\n<p>second</p>") && page.contains("<li>") && page.contains("code\n</pre>"), "{page}");
    assert!(page.find("after").unwrap() < page.find("first").unwrap(), "{page}");
    // In tables, headings, alerts; and notes that refer to notes.
    let page = html("# h[^1]\n\n> [!NOTE]\n> x[^2]\n\n[^1]: one[^3]\n[^2]: two\n[^3]: three");
    assert_eq!(page.matches("<li id=\"fn-").count(), 3, "{page}");
    assert!(page.contains("id=\"h1\""), "{page}");
    let many = format!("{}\n\n[^a]: note", "x[^a] ".repeat(27));
    assert!(html(&many).contains("<a class=\"footnote\" href=\"#fnref-27\">aa</a>"));
    assert_eq!(html("[^a]: only defined").trim(), "");
    assert!(html("![a[^1]](u)\n\n[^1]: n").contains("alt=\"a1\"") && !html("![a[^1]](u)\n\n[^1]: n").contains("<sup"));
}

#[test]
fn abbreviations() {
    // §4.4
    table(&[
        (
            "*[HTML]: Hyper \"Text\"\n\nHTML XHTML `HTML`",
            "<p><abbr title=\"Hyper &quot;Text&quot;\">HTML</abbr> XHTML <code>HTML</code></p>",
        ),
        ("AB A\n*[A]: one\n*[AB]: two\n", "<p><abbr title=\"two\">AB</abbr> <abbr title=\"one\">A</abbr></p>"),
        ("*[K]:\n    next line\n\nK", "<p><abbr title=\"next line\">K</abbr></p>"),
        ("*[C++]: a language\n\nC++, C++x", "<p><abbr title=\"a language\">C++</abbr>, <abbr title=\"a language\">C++</abbr>x</p>"),
    ]);
}

#[test]
fn tables() {
    // §4.5: rows are filled up or cut, as on GitHub.
    table(&[
        ("| a |\n|-|", "<table><thead><tr><th>a</th></tr></thead><tbody></tbody></table>"),
        ("a | b\n--|--\n1\n", "<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>1</td><td></td></tr></tbody></table>"),
        // An escaped pipe moves what follows it: links and struck words stay what they are.
        (
            "| [[T|P]] [x](/y) ~~z~~ ~w~ |\n|--|\n| a \\| [x](/y) ~~*z*~~ www.a.b |",
            "<table><thead><tr><th><a class=\"wikilink\" href=\"/P\">T</a> <a href=\"/y\">x</a> <del>z</del> ~w~</th></tr></thead><tbody><tr><td>a | <a href=\"/y\">x</a> <del><em>z</em></del> www.a.b</td></tr></tbody></table>",
        ),
        ("| a | b |\n| 1 | 2 |", "<p>| a | b |\n| 1 | 2 |</p>"),
    ]);
}

#[test]
fn spoilers_folds_and_alerts() {
    // §4.6 to §4.8
    const EYE: &str =
        "<button class=\"spoiler-button\" type=\"button\" aria-label=\"Show what is hidden\"><i class=\"far fa-eye\"></i></button>";
    let spoiler = |body: &str| format!("<div class=\"spoiler\">{EYE}{body}</div>");
    let fold = |summary: &str, body: &str| {
        format!(
            "<details class=\"collapse-panel\"><summary class=\"collapse-header\">\n{summary}\n</summary><div class=\"collapse-content\">{body}</div></details>"
        )
    };
    let alert = |class: &str, label: &str, icon: &str, body: &str| {
        format!(
            "<div class=\"quote-alert quote-alert-{class}\"><div class=\"quote-alert-header\"><i class=\"{icon}\"></i> {label}</div>{body}</div>"
        )
    };
    let note = |body: &str| alert("note", "Note", "fas fa-info-circle", body);
    table(&[
        (">! s", &spoiler("<p>s</p>")),
        ("- a\n>! s\ntext", &format!("<ul><li>a</li></ul>{}<p>text</p>", spoiler("<p>s</p>"))),
        ("- a\n  >! s\n- b", &format!("<ul><li>a\n{}</li><li>b</li></ul>", spoiler("<p>s</p>"))),
        ("> q\n> >! s", &format!("<blockquote><p>q</p>{}</blockquote>", spoiler("<p>s</p>"))),
        (">| # Head\n>| body", &fold("Head", "<p>body</p>")),
        (">| # *H* <b>\n>| body", &fold("*H* &lt;b&gt;", "<p>body</p>")),
        (">| body\n", &fold("...", "<p>body</p>")),
        (">|", &fold("...", "")),
        ("> [!NOTE]\n> a", &note("<p>a</p>")),
        (">[!note] title\n> body", &note("<p>title\nbody</p>")),
        ("> [!NOTE]\n> a\n> [!TIP]\n> b", &(note("<p>a</p>") + &alert("tip", "Tip", "far fa-lightbulb", "<p>b</p>"))),
        ("> [!WARNING]\n> a\nlazy", &format!("{}<p>lazy</p>", alert("warning", "Warning", "fas fa-exclamation-triangle", "<p>a</p>"))),
        ("> [!NOTE]", "<blockquote><p>[!NOTE]</p></blockquote>"),
        ("> [!NOSUCH]\n> a", "<blockquote><p>[!NOSUCH]\na</p></blockquote>"),
        ("text\n> [!NOTE]\n> a", &format!("<p>text</p>{}", note("<p>a</p>"))),
    ]);
    let page = render("> [!NOTE]\n> # In\n\n>! ## Hidden\n\n>| # Sum\n>| ## Fold", &Context::default());
    let outline: Vec<&str> = page.toc.iter().map(|h| h.text.as_str()).collect();
    assert_eq!(outline, ["In", "Hidden", "Fold"]);
    // Code inside keeps its lines.
    assert!(html(">! ```\n>! a\n>!  b\n>! ```").contains("code\">a\n b\n</pre>"), "{}", html(">! ```\n>! a\n>!  b\n>! ```"));
}

#[test]
fn fancy_blocks() {
    // §4.9
    let block = |class: &str, body: &str| format!("<div class=\"{class}\" role=\"alert\">{body}</div>");
    table(&[
        ("::: info\n# H\nx\n:::", &block("alert alert-primary mb-20", "<h4 class=\"alert-heading\">H</h4><p>x</p>")),
        ("::: warning\n# *H* <b>\n:::", &block("alert alert-secondary mb-20", "<h4 class=\"alert-heading\">*H* &lt;b&gt;</h4>")),
        (":::danger\na\n\nb\n:::\nafter", &(block("alert alert-danger mb-20", "<p>a</p><p>b</p>") + "<p>after</p>")),
        ("::: success\nunclosed", &block("alert alert-success mb-20", "<p>unclosed</p>")),
        ("::: empty\nx\n:::", &block("alert mb-20", "<p>x</p>")),
        (":::\nx\n:::", &block("alert alert- mb-20", "<p>x</p>")),
        (":::info\n:::", &block("alert alert-primary mb-20", "")),
        ("text\n::: info\nx\n:::", &("<p>text</p>".to_string() + &block("alert alert-primary mb-20", "<p>x</p>"))),
        (
            "::: info\n::: danger\nx\n:::\ny\n:::\nz",
            &(block("alert alert-primary mb-20", &(block("alert alert-danger mb-20", "<p>x</p>") + "<p>y</p>")) + "<p>z</p>"),
        ),
    ]);
    assert!(html("::: info\n```\n:::\n```\nin\n:::\nout").contains("<p>in</p>\n</div>"));
    assert!(!html(&"::: a\n".repeat(400)).is_empty());
}

#[test]
fn code() {
    // §6
    assert!(html("```python\nprint(1)\n```").contains("<div class=\"highlight\"><div class=\"copy-to-clipboard-outer\">"));
    assert!(html("```python=\nprint(1)\n```").contains("<td class=\"linenos\">"));
    assert!(html("```unknown\nx\n```").contains("code\">unknown\nx\n</pre>"));
    for (language, code) in [("python", "df[['a', 'b']] = 1"), ("bash", "[[ $a == 1 || $b ]]"), ("nosuch", "[[a|b]]")] {
        let page = render(&format!("```{language}\n{code}\n```"), &Context::default());
        assert!(page.text.contains(code), "{}", page.text);
        let mut shown = page.html.as_str().to_string();
        while let (Some(from), Some(to)) = (shown.find('<'), shown.find('>')) {
            shown.replace_range(from..=to, "");
        }
        assert!(shown.replace("&#39;", "'").contains(code), "{shown}");
    }
    // What looks like a block of ours in code is code.
    for source in [
        "```\n::: info\n>! x\n{{Video}}\n$$\n```",
        "    ::: info\n    >! x\n",
        "~~~\n*[A]: b\n[^1]: c\n~~~",
        "- x\n  ```\n  ::: info\n  ```\n",
    ] {
        let page = html(source);
        assert!(
            !page.contains("alert-primary") && !page.contains("spoiler") && !page.contains("<!--") && !page.contains("Embedding"),
            "{source:?}: {page}"
        );
    }
    assert!(html("<pre>\n::: info\n\n>! x\n</pre>").contains("::: info"));
}

#[test]
fn formulas_and_diagrams() {
    // §7, §8
    for source in ["$a$", "x $$a$$ y", "$$\na\n\nb\n$$", "`$a$`", "```math\na\n```", "- $a$", "| $a$ |\n|-|", "text\n$$\na\n$$\ntext"] {
        let page = render(source, &Context::default());
        assert!(page.html.as_str().contains("<math") && page.requires.mathjax, "{source}: {}", page.html.as_str());
    }
    for source in ["$ a $", "a $5 and $6", "\\$a\\$", "`$`", "`$x=2`", "```\n$a$\n```"] {
        let page = render(source, &Context::default());
        assert!(!page.html.as_str().contains("<math") && !page.requires.mathjax, "{source}: {}", page.html.as_str());
    }
    // Nothing is swallowed.
    let page = html("$$a$$ x\n\nkept\n\n$$b$$");
    assert!(page.contains("kept") && page.matches("<math").count() == 2, "{page}");
    assert_eq!(html("```math\na\nb\n```").matches("<math").count(), 2);
    assert_eq!(html("```math\n\\begin{align}\na &= b \\\\\nc &= d\n\\end{align}\n```").matches("<math").count(), 1);
    assert!(html("$[[a]]$").contains("<mo"), "{}", html("$[[a]]$"));
    assert!(html("# $x$").contains("id=\"x\""));
    let page = render("```mermaid\nA-->B\\nC\nD[[x|y]]\n```", &Context::default());
    assert!(
        page.requires.mermaid && page.html.as_str().contains("<pre class=\"mermaid\">A--&gt;B&lt;br/&gt;C\nD[[x|y]]\n</pre>"),
        "{}",
        page.html.as_str()
    );
}

#[test]
fn front_matter() {
    // §9
    let panel = |yaml: &str| {
        format!(
            "<details class=\"collapse-panel\" id=\"frontmatter\"><summary class=\"collapse-header\">Properties</summary><div class=\"collapse-content\"><pre>{yaml}</pre></div></details>"
        )
    };
    table(&[
        ("---\ntitle: T\n---\nbody", &format!("{}<h1>T</h1><p>body</p>", panel("title: T"))),
        ("---\ntitle: <b>\ntags: [a]\n---\n", &format!("{}<h1>&lt;b&gt;</h1>", panel("title: &lt;b&gt;\ntags: [a]"))),
        ("---\ntitle: 1\n---\n", &panel("title: 1")),
        ("---\n", "<hr>"),
        ("---\n---\n", "<hr><hr>"),
    ]);
    for (written, shown) in [
        ("\"say \\\"hi\\\"\"", "say &quot;hi&quot;"),
        ("'it''s'", "it&#39;s"),
        ("\"a\\nb\"", "a b"),
        ("x # comment", "x"),
        ("a: b", "a: b"),
    ] {
        assert!(html(&format!("---\ntitle: {written}\n---\nx")).contains(&format!("<h1>{shown}</h1>")), "{written}");
    }
    for no_string in ["[a]", "{a: b}", "true", "No", "~", "2024-01-02", "1.5", "|", "\"open", "# x", ""] {
        assert!(!html(&format!("---\ntitle: {no_string}\n---\nx")).contains("<h1>"), "{no_string}");
    }
    assert!(html("---\n\"title\": q\n---\n").contains("<h1>q</h1>") && !html("---\nsubtitle: q\n---\n").contains("<h1>"));
    assert!(!html("---\ntitle: T\n---\n# Own").contains("<h1>T</h1>"));
    assert!(!html("---\ntitle: T\n---\nOwn\n===").contains("<h1>T</h1>"), "a setext heading is a heading");
    assert!(html("---\ntitle: T\n---\n```\n# not a heading\n```").contains("<h1>T</h1>"));
}

#[test]
fn embeddings() {
    // §12
    table(&[
        (
            "{{InfoBox\n|caption=C *x*\n|Key=*v*\nbody **b**\n}}",
            "<div class=\"infobox infobox-float-right\" style=\"width:35%\"><div class=\"infobox-caption\">C <em>x</em></div><table class=\"infobox\"><tr class=\"infobox-args\"><td colspan=\"2\">body <strong>b</strong></td></tr><tr class=\"infobox-key-value\"><td><strong>Key</strong></td><td><em>v</em></td></tr></table></div>",
        ),
        (
            "{{ ImageFrame |src=./x.png}}",
            "<div class=\"imageframe-caption imageframe-float-right\" style=\"width:30%\"><a target=\"_blank\" rel=\"noopener\" href=\"/Some/Page/x.png\"><img loading=\"lazy\" alt=\"x.png\" src=\"/Some/Page/x.png\" style=\"width:100%\"></a></div>",
        ),
        (
            "{{Figure\n|caption=C\n|align=left\ntext\n}}",
            "<div class=\"figure-embedding\" style=\"width:100%;margin-left:0;margin-right:auto\"><div class=\"figure-embedding-content\"><p>text</p></div><div class=\"figure-embedding-caption\">C</div></div>",
        ),
        (
            "{{Video|/a.mp4}}",
            "<video controls=\"\" loop=\"\" muted=\"\" preload=\"metadata\" width=\"100%\"><source src=\"/a.mp4\" type=\"video/mp4\">\nYour browser does not support the video tag.\n</video>",
        ),
        ("{{NoSuch}}", "<p class=\"text-danger\">Unknown Embedding:&nbsp;<tt>NoSuch</tt></p>"),
        ("{{Video}}", "<p class=\"text-danger\"><tt>Video</tt> Error: No src given.</p>"),
        ("{{}} {{1a}}", "<p>{{}} {{1a}}</p>"),
        ("text {{InfoBox|a=b}}", "<p>text {{InfoBox|a=b}}</p>"),
        ("{{Unclosed\ntext", "<p>{{Unclosed\ntext</p>"),
    ]);
    assert!(
        html("{{Video|src=https://youtu.be/abc}}")
            .contains("src=\"https://www.youtube-nocookie.com/embed/abc?mute=1&amp;loop=1&amp;playlist=abc\"")
    );
    for source in [
        "{{Video|src=https://www.youtube.com/watch?v=a\"%20data-injected=\"1}}",
        "{{InfoBox\n|style=x\"></div><script>alert(1)</script>\n|a=b\n}}",
        "{{InfoBox|width=1\" onload=\"x|a=b}}",
        "{{ImageFrame|src=javascript:alert(1)}}",
        "{{Figure|style=position:fixed\nx\n}}",
    ] {
        let page = html(source);
        assert!(
            !page.contains("<script") && !page.contains("data-injected=\"") && !page.contains(" onload=\"x") && !page.contains("position"),
            "{source}: {page}"
        );
    }
    let page = render("{{InfoBox\n|a=# Heading\n}}", &Context::default());
    assert_eq!(page.toc.len(), 1, "headings inside are headings of the page");
}

#[test]
fn places_of_ours_cannot_be_forged() {
    for source in [
        "<!--holt-0-0-->",
        ">! secret\n\n<!--holt-1-0-->\n<!--holt-0-0-->",
        "\u{FDD0}0\u{FDD0} $a$",
        "<b>&#xFDD0;0&#xFDD0;</b> $a$",
        "<span title=\"&#64976;0&#64976;\">x</span> $a$",
        "&lt;!--&#104;olt-0-0--&gt;\n\n>! secret",
        "[holt-0-note:0] [x](holt-0-note:0) y[^1]\n\n[^1]: n",
    ] {
        let page = html(source);
        assert!(page.matches("<math").count() <= 1 && page.matches("class=\"spoiler\"").count() <= 1, "{source:?}: {page}");
        assert!(page.matches("<sup").count() <= 1 && page.matches("secret").count() <= 1, "{source:?}: {page}");
    }
}

#[test]
fn more_html_where_the_administrator_allows_it() {
    // §11.4
    let source = "<center>a</center>\n\n<td bgcolor=\"#eee\" onclick=\"x\">b</td>\n\n<font color=red>c</font>\n\n<script>alert(1)</script>";
    let with = |list: &str| {
        let options = Options { html_allowlist: holt_markdown::Allowlist::parse(list), ..Options::default() };
        render(source, &Context { options, ..Context::default() }).html.into_string()
    };
    assert!(!with("").contains("<center>") && !with("").contains("<font"));
    let allowed = with("center,td[bgcolor onclick],font[color],script");
    assert!(allowed.contains("<center>a</center>") && allowed.contains("<font color=\"red\">"), "{allowed}");
    assert!(!allowed.contains("<script") && !allowed.contains("<td"), "{allowed}");
}

#[test]
fn a_tab_behind_a_list_marker_is_one_byte() {
    assert_eq!(html("-\té\n-\tü").replace('\n', ""), "<ul><li>é</li><li>ü</li></ul>");
    assert_eq!(html("-\t=日本").replace('\n', ""), "<ul><li>=日本</li></ul>");
    assert!(html("-\t```\n\t::: info\n\t```").contains("::: info"));
}

#[test]
fn the_cursor_stands_once_and_changes_nothing_else() {
    // §14
    let source = "---\ntitle: x\n---\n# One\n\ntext\nmore\n\n- a\n- b\n\n  c\n\n> q\n\n::: info\nin\n:::\n\n```rust\nfn\n```\n\n| a |\n|---|\n| 1 |\n\n>! hidden\n\nx[^1]\n\n[^1]: note\n\n    code\n\n<div>raw</div>\n\n{{InfoBox|a=b}}\n\nlast";
    let with = |line| render(source, &Context { page_url: Some("/A/B"), cursor_line: line, ..Context::default() }).html.into_string();
    let plain = with(None);
    const MARK: &str = " <span id=\"otterwiki_cursor\"></span> ";
    let mut before = 0;
    for line in 0..source.lines().count() + 2 {
        let html = with(Some(line));
        assert_eq!(html.matches(MARK).count(), 1, "line {line}: {html}");
        assert_eq!(html.replace(MARK, ""), plain, "line {line}");
        let at = html.find(MARK).unwrap();
        assert!(at >= before, "line {line} is before line {}", line.saturating_sub(1));
        before = at;
    }
    let html = with(Some(6));
    assert!(html.contains(&format!("{MARK}<p>text")), "{html}");
    assert!(with(Some(source.lines().count() - 1)).contains(&format!("{MARK}<p>last")));
}
