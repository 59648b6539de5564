//! Code blocks: the copy button, highlighting, line numbers (spec/markdown.md §6).

use crate::highlight::Language;
use crate::typed::escape as escape_into;
use std::ops::RangeInclusive;

const COPY: &str = "<div class=\"copy-to-clipboard-outer\"><div class=\"copy-to-clipboard-inner\"><button class=\"btn alt-dm btn-xsm copy-to-clipboard\" type=\"button\" aria-label=\"{}\"><i class=\"fa fa-copy\" aria-hidden=\"true\"></i></button></div><pre class=\"copy-to-clipboard code\">";
const COPY_END: &str = "</pre></div>";

/// What stands after the opening fence.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Info {
    /// As typed, without `=`.
    pub(crate) language: String,
    /// Whether lines are numbered, and from where.
    pub(crate) numbers: Option<usize>,
    /// Lines to stress, from 1.
    stressed: Vec<RangeInclusive<usize>>,
    title: Option<String>,
    /// Only one word, or nothing.
    plain: bool,
}

impl Info {
    /// `python`, `python=`, `python=5`, `python {1,3-5} title="x"`.
    pub(crate) fn parse(info: &str) -> Self {
        let info = info.trim();
        let end = info.find(|c: char| c.is_whitespace() || matches!(c, '{' | '=' | ',')).unwrap_or(info.len());
        let (language, mut rest) = info.split_at(end);
        let mut parsed = Self { language: language.to_string(), plain: rest.trim().is_empty() || rest.trim() == "=", ..Self::default() };
        if let Some(after) = rest.trim_start().strip_prefix('=') {
            let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            parsed.numbers = Some(after[..digits].parse().unwrap_or(1).min(1_000_000));
            rest = &after[digits..];
        }
        if let Some((_, after)) = rest.split_once('{')
            && let Some((list, _)) = after.split_once('}')
        {
            parsed.stressed = list.split(',').filter_map(range).take(200).collect();
        }
        if let Some((_, after)) = rest.split_once("title=\"") {
            parsed.title = after.split_once('"').map(|(title, _)| title.to_string());
        }
        parsed
    }
}

fn range(text: &str) -> Option<RangeInclusive<usize>> {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    Some(from.trim().parse().ok()?..=to.trim().parse().ok()?)
}

/// A code block, with everything in it escaped; `label` is HTML that says what its button does. Colouring it is taken from the `budget`.
pub(crate) fn block(info: &Info, code: &str, label: &str, budget: &mut usize) -> String {
    let copy = COPY.replace("{}", label);
    let mut out = String::with_capacity(code.len() * 2 + 400);
    if let Some(title) = &info.title {
        out.push_str("<div class=\"code-title\">");
        escape_into(&mut out, title);
        out.push_str("</div>");
    }
    let known = Some(info.language.as_str()).filter(|language| !language.is_empty()).and_then(Language::parse);
    let shown = if known.is_some() { code.trim_matches('\n') } else { code };
    let lines = known.and_then(|language| language.coloured(shown, budget));
    let is_plain = known.is_none() && info.numbers.is_none() && info.stressed.is_empty();
    if is_plain {
        out.push_str(&copy);
        if info.plain && !info.language.is_empty() {
            // An unknown language is part of what the writer wanted to show (spec §6.2).
            escape_into(&mut out, &info.language);
            out.push('\n');
        }
        escape_into(&mut out, code);
        out.push_str(COPY_END);
        return out;
    }
    let lines = lines.unwrap_or_else(|| {
        let escaped = |line: &str| {
            let mut out = String::new();
            escape_into(&mut out, line);
            out
        };
        shown.split_inclusive('\n').map(escaped).collect()
    });
    out.push_str("<div class=\"highlight\">");
    if let Some(first) = info.numbers {
        out.push_str("<table class=\"highlighttable\"><tr><td class=\"linenos\"><div class=\"linenodiv\"><pre>");
        for number in 0..lines.len() {
            if number > 0 {
                out.push('\n');
            }
            out.push_str(&format!("<span class=\"normal\">{}</span>", first + number));
        }
        out.push_str("</pre></div></td><td class=\"code\"><div>");
    }
    out.push_str(&copy);
    for (number, line) in lines.iter().enumerate() {
        if info.stressed.iter().any(|range| range.contains(&(number + 1))) {
            out.push_str("<span class=\"hll\">");
            out.push_str(line);
            out.push_str("</span>");
        } else {
            out.push_str(line);
        }
    }
    out.push_str(COPY_END);
    if info.numbers.is_some() {
        out.push_str("</div></td></tr></table>");
    }
    out.push_str("</div>");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(info: &Info, code: &str) -> String {
        super::block(info, code, "Copy", &mut crate::highlight::BUDGET.clone())
    }

    fn words(html: &str) -> String {
        let mut text = String::new();
        let mut rest = html;
        while let Some((before, after)) = rest.split_once('<') {
            text.push_str(before);
            rest = after.split_once('>').unwrap().1;
        }
        text.push_str(rest);
        text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&")
    }

    #[test]
    fn what_stands_after_the_fence_is_understood() {
        assert_eq!(Info::parse("python=").numbers, Some(1));
        assert_eq!(Info::parse("python=5").numbers, Some(5));
        assert_eq!(Info::parse("python =").numbers, Some(1));
        let info = Info::parse("rust {1,3-5} title=\"src/main.rs\"");
        assert_eq!((info.language.as_str(), info.stressed, info.title.as_deref()), ("rust", vec![1..=1, 3..=5], Some("src/main.rs")));
        assert_eq!(Info::parse(""), Info { plain: true, ..Info::default() });
    }

    #[test]
    fn code_is_coloured_and_its_text_stays() {
        let code = "def f(x):\n    return f\"{x} < 3\"  # [[not a link]]\n";
        let html = block(&Info::parse("python"), code);
        assert!(
            html.contains("<div class=\"highlight\">")
                && html.contains("<span class=\"nf\">f</span>")
                && html.contains("<span class=\"c1\">"),
            "{html}"
        );
        assert_eq!(words(&html), code.trim_matches('\n'));
        let numbered = block(&Info::parse("python=3"), code);
        assert!(
            numbered.contains("<table class=\"highlighttable\">")
                && numbered.contains("<span class=\"normal\">3</span>\n<span class=\"normal\">4</span>")
        );
        assert!(block(&Info::parse("rust {2}"), "a\nb\n").contains("<span class=\"hll\">"));
        assert!(block(&Info::parse("nosuchlanguage"), "<b>\n").contains("code\">nosuchlanguage\n&lt;b&gt;\n</pre>"));
        assert!(block(&Info::parse("nosuch title=\"<x>\""), "a\n").contains("<div class=\"code-title\">&lt;x&gt;</div>"));
    }
}
