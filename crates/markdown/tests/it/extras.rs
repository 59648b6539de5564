//! What new wikis have and imported ones do not.

use holt_markdown::{Context, Extras, Options, WikilinkStyle, render};

fn with(extras: Extras, source: &str) -> String {
    let options = Options { extras, wikilink_style: WikilinkStyle::TargetFirst, ..Options::default() };
    render(source, &Context { page_url: Some("/A/B"), options, ..Context::default() }).html.into_string().trim().replace('\n', "")
}

#[test]
fn each_means_something_here_and_nothing_in_an_imported_wiki() {
    for (source, on, off) in [
        ("H~2~O x^2^", "<p>H<sub>2</sub>O x<sup>2</sup></p>", "<p>H~2~O x^2^</p>"),
        (
            "2^10 and 2^20, ~5 or ~6, ~~gone~~",
            "<p>2^10 and 2^20, ~5 or ~6, <del>gone</del></p>",
            "<p>2^10 and 2^20, ~5 or ~6, <del>gone</del></p>",
        ),
        (
            ":smile: `:smile:` 10:30:45 :nosuch:",
            "<p>😄 <code>:smile:</code> 10:30:45 :nosuch:</p>",
            "<p>:smile: <code>:smile:</code> 10:30:45 :nosuch:</p>",
        ),
        (
            "Term\n\n: What *it* is\n: Or this",
            "<dl><dt>Term</dt><dd>What <em>it</em> is</dd><dd>Or this</dd></dl>",
            "<p>Term</p><p>: What <em>it</em> is: Or this</p>",
        ),
        (
            "> [!WARNING] Mind <the> gap\n> text",
            "<div class=\"quote-alert quote-alert-warning\"><div class=\"quote-alert-header\"><i class=\"fas fa-exclamation-triangle\"></i> Mind &lt;the&gt; gap</div><p>text</p></div>",
            "<div class=\"quote-alert quote-alert-warning\"><div class=\"quote-alert-header\"><i class=\"fas fa-exclamation-triangle\"></i> Warning</div><p>Mind &lt;the&gt; gaptext</p></div>",
        ),
        (
            "![alt](/x.png \"A <caption>\")",
            "<figure class=\"image\"><img class=\"img-fluid\" loading=\"lazy\" alt=\"alt\" src=\"/x.png\" title=\"A &lt;caption&gt;\"><figcaption>A &lt;caption&gt;</figcaption></figure>",
            "<p><img class=\"img-fluid\" loading=\"lazy\" alt=\"alt\" src=\"/x.png\" title=\"A &lt;caption&gt;\"></p>",
        ),
        (
            "![alt](/x.png \"t\") and text",
            "<p><img class=\"img-fluid\" loading=\"lazy\" alt=\"alt\" src=\"/x.png\" title=\"t\"> and text</p>",
            "<p><img class=\"img-fluid\" loading=\"lazy\" alt=\"alt\" src=\"/x.png\" title=\"t\"> and text</p>",
        ),
    ] {
        assert_eq!(with(Extras::On, source), on, "{source}");
        assert_eq!(with(Extras::Off, source), off, "{source}");
    }
}

#[test]
fn contents_stand_where_they_are_asked_for() {
    let source = "[[toc]]\n\n# A <b\n\n### C\n\n## B\n\n# D\n\n[[_TOC_]]";
    let nav = "<nav class=\"toc-inline\" aria-label=\"Contents\"><ul><li><a href=\"#a-b\">A &lt;b</a><ul><li><a href=\"#c\">C</a></li></ul><ul><li><a href=\"#b\">B</a></li></ul></li><li><a href=\"#d\">D</a></li></ul></nav>";
    let html = with(Extras::On, source);
    assert!(html.starts_with(nav) && html.ends_with(nav), "{html}");
    assert!(with(Extras::Off, source).contains("<a class=\"wikilink\" href=\"/toc\">toc</a>"));
    // In a sentence it is a link, and code is code.
    assert!(with(Extras::On, "see [[toc]]").contains("href=\"/toc\"") && !with(Extras::On, "```\n[[toc]]\n```").contains("<nav"));
    // A page without headings has an empty list, and raw HTML beside it does not hurt it.
    assert!(with(Extras::On, "<div>x</div>\n\n[[toc]]\n\n# A").contains("<a href=\"#a\">A</a></li></ul></nav>"));
}

#[test]
fn links_to_headings_find_them() {
    let source = "[a](#My%20Heading) [b](#my--heading) [c](<#Über uns>) [d](#über-uns) [e](#nowhere) [[#日本]] [f](#Typed) [g](#my-heading)\n\n# My Heading\n\n## Über uns\n\n## 日本\n\n## typed\n\n<a name=\"Typed\"></a>";
    let html = with(Extras::On, source);
    for (name, id) in [
        ("a", "my-heading"),
        ("b", "my-heading"),
        ("c", "uber-uns"),
        ("d", "uber-uns"),
        ("e", "nowhere"),
        ("f", "Typed"),
        ("g", "my-heading"),
    ] {
        assert!(html.contains(&format!("<a href=\"#{id}\">{name}</a>")), "{name}: {html}");
    }
    assert!(html.contains("<a class=\"wikilink\" href=\"#日本\">"), "{html}");
    assert!(with(Extras::Off, source).contains("<a href=\"#My%20Heading\">a</a>"));
}

#[test]
fn wrong_options_are_named() {
    let says = |source: &str, what: &str| {
        let html = with(Extras::On, source);
        assert!(html.contains(what), "{source}: {html}");
        assert!(!with(Extras::Off, source).contains(what), "{source}: imported pages stay as they were");
    };
    says("{{InfoBox\n|float=middle\n|a=b\n}}", "<tt>InfoBox</tt>: float is left or right, not &quot;middle&quot;.");
    says("{{Figure|width=a b\n}}", "<tt>Figure</tt>: width is a size such as 30% or 20rem, not &quot;a b&quot;.");
    says("{{Video|src=/a.mp4|loop=<b>}}", "<tt>Video</tt>: loop is yes or no, not &quot;&lt;b&gt;&quot;.");
    says("{{DataTable\n|perPage=many\n|a|\n|-|\n}}", "perpage is a number above 0, not &quot;many&quot;.");
    says("{{Figure\n|scr=x\ntext\n}}", "there is no option &quot;scr&quot;; there are caption, align, width, height, style.");
    says("{{Figure\n|ALIGN=left\ntext\n}}", "there is no option &quot;ALIGN&quot;");
    says("{{DataTable}}", "There is no table in this DataTable.");
    for fine in
        ["{{InfoBox|Float=middle|any=thing}}", "{{Figure|align=Left\nx\n}}", "{{DataTable|fixedHeight=true|perPage=10\n|a|\n|-|\n}}"]
    {
        assert!(!with(Extras::On, fine).contains("</tt>: "), "{fine}: {}", with(Extras::On, fine));
    }
}
