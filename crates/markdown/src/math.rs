//! Formulas: TeX in, MathML out (spec/markdown.md §7). The reader needs no script.

use crate::typed::escape as escape_into;
use holt_core::Language;
use pulldown_latex::config::{DisplayMode, RenderConfig};
use pulldown_latex::{Event, Parser, Storage, push_mathml};

/// Longest formula, in bytes, and deepest nesting of its braces.
const LENGTH: usize = 8 * 1024;
const NESTING: usize = 64;
/// Parts of one formula; what has more is no formula.
const EVENTS: usize = 20_000;

/// Where a formula stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Inline,
    Block,
}

/// The formula as MathML; if it cannot be read, its source with what is wrong with it.
pub(crate) fn mathml(tex: &str, place: Place, language: Language) -> String {
    convert(tex, place).unwrap_or_else(|problem| {
        let mut html = String::from("<span class=\"math-error\" title=\"");
        let problem = problem.trim_start_matches("parsing error: ");
        escape_into(&mut html, &language.say_with("This formula cannot be read: {}", &[&language.say(problem)]));
        html.push_str("\"><code>");
        escape_into(&mut html, tex.trim());
        html.push_str("</code></span>");
        html
    })
}

fn convert(tex: &str, place: Place) -> Result<String, String> {
    if tex.len() > LENGTH {
        return Err(format!("The formula is longer than {LENGTH} bytes."));
    }
    if nesting(tex) > NESTING {
        return Err(format!("The formula is nested more than {NESTING} deep."));
    }
    // Macros could call themselves; what they define would not outlive the formula anyway.
    if ["def", "gdef", "edef", "xdef", "let", "futurelet", "newcommand", "renewcommand", "providecommand"]
        .iter()
        .any(|name| has_command(tex, name))
    {
        return Err("A formula cannot define commands.".into());
    }
    let storage = Storage::new();
    let mut events: Vec<Event<'_>> = Vec::new();
    for event in Parser::new(tex, &storage) {
        if events.len() >= EVENTS {
            return Err("The formula has too many parts.".into());
        }
        events.push(event.map_err(|error| first_line(&error.to_string()))?);
    }
    let display_mode = if place == Place::Block { DisplayMode::Block } else { DisplayMode::Inline };
    let mut html = String::new();
    push_mathml(
        &mut html,
        events.into_iter().map(Ok::<_, std::convert::Infallible>),
        RenderConfig { display_mode, ..RenderConfig::default() },
    )
    .map_err(|error| error.to_string())?;
    clean(&html).ok_or_else(|| "The formula cannot be shown safely.".into())
}

fn first_line(text: &str) -> String {
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("The formula cannot be read.").to_string()
}

fn has_command(tex: &str, name: &str) -> bool {
    tex.match_indices('\\')
        .any(|(at, _)| tex[at + 1..].strip_prefix(name).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphabetic())))
}

fn nesting(tex: &str) -> usize {
    let (mut open, mut deepest) = (0_usize, 0);
    for byte in tex.bytes() {
        match byte {
            b'{' | b'[' | b'(' => open += 1,
            b'}' | b']' | b')' => open = open.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(open);
    }
    let commands = tex.matches("\\left").count().max(tex.matches("\\begin").count());
    deepest.max(commands)
}

const TAGS: &[&str] = &[
    "math",
    "mrow",
    "mi",
    "mn",
    "mo",
    "ms",
    "mtext",
    "mspace",
    "mfrac",
    "msqrt",
    "mroot",
    "mstyle",
    "mpadded",
    "mphantom",
    "msub",
    "msup",
    "msubsup",
    "munder",
    "mover",
    "munderover",
    "mmultiscripts",
    "mprescripts",
    "none",
    "mtable",
    "mtr",
    "mtd",
    "menclose",
];
const ATTRIBUTES: &[&str] = &[
    "display",
    "mathvariant",
    "stretchy",
    "symmetric",
    "minsize",
    "maxsize",
    "lspace",
    "rspace",
    "form",
    "fence",
    "separator",
    "largeop",
    "movablelimits",
    "accent",
    "accentunder",
    "width",
    "height",
    "depth",
    "voffset",
    "linethickness",
    "displaystyle",
    "scriptlevel",
    "columnalign",
    "rowalign",
    "columnspacing",
    "rowspacing",
    "columnlines",
    "rowlines",
    "frame",
    "columnspan",
    "rowspan",
    "notation",
    "style",
    "class",
    "mathcolor",
    "mathbackground",
    "mathsize",
    "dir",
];

/// What the converter wrote, with nothing but MathML in it (security.md MD-3): it does not escape `<` and `>` that are operators, and is not
/// trusted with the rest. None if elements do not match.
fn clean(html: &str) -> Option<String> {
    let mut out = String::with_capacity(html.len() + 16);
    let mut open: Vec<&str> = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find(['<', '>', '&']) {
        out.push_str(&rest[..at]);
        let byte = rest.as_bytes()[at];
        rest = &rest[at..];
        let taken = match byte {
            b'<' => element(rest, &mut open)?,
            b'&' => rest
                .find(';')
                .filter(|end| *end > 1 && *end < 10 && rest[1..*end].bytes().all(|b| b.is_ascii_alphanumeric() || b == b'#'))
                .map(|end| end + 1),
            _ => None,
        };
        match (taken, byte) {
            (Some(length), _) => {
                out.push_str(&rest[..length]);
                rest = &rest[length..];
                continue;
            }
            (None, b'<') => out.push_str("&lt;"),
            (None, b'>') => out.push_str("&gt;"),
            (None, _) => out.push_str("&amp;"),
        }
        rest = &rest[1..];
    }
    out.push_str(rest);
    open.is_empty().then_some(out)
}

/// Length of the tag that `text` begins with; `Some(None)` if it is none of MathML, and so text. None if it does not fit what is open.
#[expect(clippy::option_option, reason = "three outcomes: a tag, text, a mistake")]
fn element<'t>(text: &'t str, open: &mut Vec<&'t str>) -> Option<Option<usize>> {
    let Some(end) = text.find('>') else { return Some(None) };
    let inside = &text[1..end];
    let (closing, inside) = inside.strip_prefix('/').map_or((false, inside), |inside| (true, inside));
    let (empty, inside) = inside.strip_suffix('/').map_or((false, inside), |inside| (true, inside));
    let (name, attributes) = inside.split_once(' ').unwrap_or((inside, ""));
    if !TAGS.contains(&name) || !attributes_are_known(attributes) {
        return Some(None);
    }
    if closing {
        (open.pop()? == name).then_some(())?;
    } else if !empty {
        open.push(name);
    }
    Some(Some(end + 1))
}

fn attributes_are_known(text: &str) -> bool {
    let mut rest = text.trim();
    while !rest.is_empty() {
        let Some((name, after)) = rest.split_once("=\"") else { return false };
        let Some((value, after)) = after.split_once('"') else { return false };
        if !ATTRIBUTES.contains(&name.trim()) || value.contains("url(") || value.contains('\\') {
            return false;
        }
        rest = after.trim_start();
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_become_mathml() {
        let html = mathml(r"\frac{a}{b} + \sqrt{x_1^2} < \infty", Place::Inline, Language::English);
        assert!(html.starts_with("<math") && html.contains("<mfrac>") && html.contains("<msqrt>") && html.contains("&lt;"), "{html}");
        assert!(mathml("a", Place::Block, Language::English).contains("display=\"block\""));
        let aligned = mathml(r"\begin{align} a &= b \\ c &= d \end{align}", Place::Block, Language::English);
        assert!(aligned.contains("<mtable"), "{aligned}");
    }

    #[test]
    fn what_cannot_be_read_is_shown_with_the_reason() {
        for tex in [r"\frac{a}", r"\nosuchcommand x", "{", r"\def\a{\a}\a", r"\newcommand{\x}{y}", &"{".repeat(100), &"x".repeat(9000)] {
            let html = mathml(tex, Place::Inline, Language::English);
            assert!(html.starts_with("<span class=\"math-error\" title=\"") && html.contains("<code>"), "{html}");
        }
    }

    #[test]
    fn nothing_but_mathml_comes_out() {
        for tex in [
            r"\text{<img src=x onerror=alert(1)>}",
            r"\mathrm{<script>}",
            r"\href{javascript:alert(1)}{x}",
            r#"\class{" onclick="alert(1)}{x}"#,
            r#"\style{background:url(x)}{x}"#,
            r"<img src=x onerror=alert(1)>",
            r"\unknown<img>",
            r"\operatorname{<b>}",
            r"\begin{<b>}x\end{<b>}",
            r#"\color{red" onclick="x}y"#,
            r"\tag{<b>}",
        ] {
            let html = mathml(tex, Place::Inline, Language::English);
            assert!(!html.contains("<img") && !html.contains("<script") && !html.contains("<b>"), "{tex}: {html}");
            assert!(html.starts_with("<span class=\"math-error\"") || clean(&html).as_deref() == Some(html.as_str()), "{tex}: {html}");
        }
    }
}
