//! Bad input is shown politely in its place and never fails the page.

use crate::invariants::judge;
use holt_markdown::{Context, render};

fn html(source: &str) -> String {
    let html = render(source, &Context { page_url: Some("/A/B"), ..Context::default() }).html.into_string();
    judge(&html).unwrap();
    html
}

#[test]
fn large_pages_are_whole() {
    let cells = format!("|{}\n|{}\n{}", "a|".repeat(50), "-|".repeat(50), format!("|{}\n", "b|".repeat(50)).repeat(1000));
    assert_eq!(html(&cells).matches("<td>b</td>").count(), 50_000);
    let links: String = (0..5000).map(|n| format!("[[Page {n}]] ")).collect();
    let page = render(&links, &Context::default());
    assert_eq!((page.links.len(), page.html.as_str().matches("<a ").count()), (5000, 5000));
    // More are links all the same; only remembering them ends.
    let page = render(&format!("{links}[[More]]"), &Context::default());
    assert_eq!((page.links.len(), page.html.as_str().matches("<a ").count()), (5000, 5001));
    let prose = "word ".repeat(200_000);
    assert!(html(&prose).len() > 990_000);
}

#[test]
fn tables_are_filled_up_to_a_bound_and_then_end() {
    let wide = format!("|{}\n|{}\n{}", "a|".repeat(500), "-|".repeat(500), "|x\n".repeat(500));
    let page = html(&wide);
    let cells = page.matches("<td>").count();
    assert!((50_000..60_000).contains(&cells) && page.matches('x').count() == 500, "{cells}");
    // What looks like a table in code is code, however wide.
    let code = format!("```\n{wide}\n```");
    assert!(!html(&code).contains("<td>") && html(&code).contains(&"|x\n".repeat(500)));
}

#[test]
fn nesting_beyond_the_bounds_is_flat() {
    for (source, what) in [
        (">! x\n".to_string() + &">".repeat(60) + "! deep\n", "deep"),
        ("::: info\n".repeat(40) + "deep\n", "deep"),
        ("> ".repeat(200) + "deep\n", "deep"),
        ((0..200).map(|n| format!("{}- x\n", "  ".repeat(n))).collect::<String>() + &"  ".repeat(200) + "- deep\n", "deep"),
        ("<div>\n\n".repeat(300) + "deep\n", "deep"),
        ("*".repeat(5000) + "deep" + &"*".repeat(5000), "deep"),
    ] {
        assert!(html(&source).contains(what), "{}", &source[..40]);
    }
    for tag in ["<blockquote>", "<ul>"] {
        let source = if tag == "<ul>" { "- ".repeat(100) } else { "> ".repeat(100) } + "deep";
        assert_eq!(html(&source).matches(tag).count(), 40, "{tag}");
    }
}

#[test]
fn properties_are_never_interpreted() {
    let bomb: String = std::iter::once("a: &a [x,x,x,x,x,x,x,x,x]\n".to_string())
        .chain(('b'..='z').map(|c| format!("{c}: &{c} [{}]\n", format!("*{},", (c as u8 - 1) as char).repeat(9))))
        .collect();
    let page = html(&format!("---\n{bomb}---\ntext"));
    assert!(page.len() < 4 * bomb.len() && page.contains("<p>text</p>"));
    for broken in [
        "---\n: : :\n  - [\n---\ntext",
        "---\ntitle: [a, b\n---\ntext",
        "---\n\"\n---\ntext",
        "---\ntitle: !!python/object:os.system x\n---\ntext",
    ] {
        assert!(html(broken).contains("<p>text</p>"), "{broken}");
    }
}

#[test]
fn wrong_options_say_so_in_their_place() {
    for (source, message) in [
        ("{{Nothing|a=b}}", "Unknown Embedding"),
        ("{{Video}}", "No src given."),
        ("{{Video|src=https://youtu.be/<x>}}", "this is no YouTube video."),
        ("{{Include}}", "|src= is required."),
        ("{{Include|src=../x}}", "path traversal is not allowed"),
        ("{{Include|src=/x}}", "no page context available"),
        ("{{ImageFrame|src=/x}}", "invalid absolute src"),
        ("{{ImageFrame|src=a/../../b.png}}", "path traversal"),
        ("{{DataTable|src=../x.csv}}", "path traversal"),
        ("{{DataTable|src=x.csv}}", "no page context available"),
        ("{{InfoBox|width=100vw;position:fixed|float=\"><script>|style=position:fixed}}", "width:35%"),
        ("{{Figure|width=expression(x)|height=url(x)\ntext\n}}", "width:100%"),
    ] {
        let page = html(&format!("before\n\n{source}\n\nafter"));
        assert!(page.contains(message) && page.contains("<p>before</p>") && page.contains("<p>after</p>"), "{source}: {page}");
    }
    assert!(html("$\\frac{a}{$ after").contains("after"));
    assert!(html("$$\n\\begin{x}\n$$\n\nafter").contains("<p>after</p>"));
}
