//! Code blocks: the copy button, highlighting, line numbers (spec/markdown.md §6).

use crate::typed::escape as escape_into;
use std::ops::RangeInclusive;
use std::sync::LazyLock;
use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxReference, SyntaxSet};

/// Most code of a page that is coloured, in bytes, and the longest line: grammars are regular expressions that backtrack, at a tenth of a
/// megabyte a second. What goes beyond is shown plain.
pub(crate) const BUDGET: usize = 64 * 1024;
const LINE: usize = 2 * 1024;

const COPY: &str = "<div class=\"copy-to-clipboard-outer\"><div class=\"copy-to-clipboard-inner\"><button class=\"btn alt-dm btn-xsm copy-to-clipboard\" type=\"button\" aria-label=\"Copy to clipboard\"><i class=\"fa fa-copy\" aria-hidden=\"true\"></i></button></div><pre class=\"copy-to-clipboard code\">";
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

/// A code block, with everything in it escaped. Colouring it is taken from the `budget`.
pub(crate) fn block(info: &Info, code: &str, budget: &mut usize) -> String {
    let mut out = String::with_capacity(code.len() * 2 + 400);
    if let Some(title) = &info.title {
        out.push_str("<div class=\"code-title\">");
        escape_into(&mut out, title);
        out.push_str("</div>");
    }
    let known = Some(info.language.as_str()).filter(|language| !language.is_empty()).and_then(syntax);
    let shown = if known.is_some() { code.trim_matches('\n') } else { code };
    // Each line costs, however short.
    let cost = code.len() + 16 * code.lines().count();
    let lines = known.filter(|_| cost <= *budget).and_then(|syntax| {
        *budget -= cost;
        highlighted(syntax, shown)
    });
    let is_plain = known.is_none() && info.numbers.is_none() && info.stressed.is_empty();
    if is_plain {
        out.push_str(COPY);
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
    out.push_str(COPY);
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

/// Grammars, read when the first block of code is highlighted and never before.
static SYNTAXES: LazyLock<SyntaxSet> = LazyLock::new(two_face::syntax::extra_newlines);

/// Names that people and Pygments use for grammars that are called something else.
const ALIASES: &[(&str, &str)] = &[
    ("shell", "bash"),
    ("console", "bash"),
    ("shell-session", "bash"),
    ("bash-session", "bash"),
    ("zsh", "bash"),
    ("ksh", "bash"),
    ("python3", "python"),
    ("py3", "python"),
    ("pycon", "python"),
    ("golang", "go"),
    ("rs", "rust"),
    ("node", "javascript"),
    ("jsx", "javascript"),
    ("c#", "cs"),
    ("csharp", "cs"),
    ("fsharp", "f#"),
    ("objc", "m"),
    ("objective-c", "m"),
    ("docker", "dockerfile"),
    ("jinja", "jinja2"),
    ("django", "jinja2"),
    ("html+jinja", "jinja2"),
    ("ps1", "plain text"),
    ("pwsh", "plain text"),
    // There is no grammar for it; it is code all the same.
    ("powershell", "plain text"),
    ("bat", "batch file"),
    ("batch", "batch file"),
    ("dosbatch", "batch file"),
    ("make", "makefile"),
    ("mf", "makefile"),
    ("udiff", "diff"),
    ("patch", "diff"),
    ("cfg", "ini"),
    ("dosini", "ini"),
    ("conf", "ini"),
    ("systemd", "ini"),
    ("desktop", "ini"),
    ("apacheconf", "apache conf"),
    ("apache", "apache conf"),
    ("nginxconf", "nginx"),
    ("viml", "viml"),
    ("vim", "viml"),
    ("plpgsql", "sql"),
    ("postgresql", "sql"),
    ("postgres", "sql"),
    ("mysql", "sql"),
    ("sqlite3", "sql"),
    ("jsonc", "json"),
    ("json5", "json"),
    ("jsonld", "json"),
    ("hcl", "terraform"),
    ("tf", "terraform"),
    ("common-lisp", "lisp"),
    ("emacs-lisp", "lisp"),
    ("elisp", "lisp"),
    ("splus", "r"),
    ("proto", "protocol buffer"),
    ("protobuf", "protocol buffer"),
    ("asm", "x86_64 assembly"),
    ("nasm", "x86_64 assembly"),
    ("gas", "x86_64 assembly"),
    ("text", "plain text"),
    ("plain", "plain text"),
    ("plaintext", "plain text"),
];

fn syntax(language: &str) -> Option<&'static SyntaxReference> {
    let language = language.to_lowercase();
    let set = &*SYNTAXES;
    let find = |name: &str| {
        set.syntaxes()
            .iter()
            .rev()
            .find(|syntax| syntax.name.eq_ignore_ascii_case(name) || syntax.file_extensions.iter().any(|e| e.eq_ignore_ascii_case(name)))
    };
    let alias = ALIASES.iter().find(|(alias, _)| *alias == language).map(|(_, name)| *name);
    alias.and_then(find).or_else(|| find(&language))
}

/// One piece of HTML per line, each balanced. None if the grammar gives up.
fn highlighted(syntax: &SyntaxReference, code: &str) -> Option<Vec<String>> {
    let mut state = ParseState::new(syntax);
    let mut stack = ScopeStack::new();
    let mut lines = Vec::new();
    for line in code.split_inclusive('\n') {
        let mut out = String::with_capacity(line.len() * 2);
        if line.len() > LINE {
            escape_into(&mut out, line);
            lines.push(out);
            continue;
        }
        let mut from = 0;
        let put = |out: &mut String, text: &str, stack: &ScopeStack| {
            if text.is_empty() {
                return;
            }
            match stack.as_slice().iter().rev().find_map(|scope| class(*scope)) {
                Some(class) if !text.trim().is_empty() => {
                    // A line's end stays outside, so that every line is a piece of its own.
                    let (text, end) = text.strip_suffix('\n').map_or((text, ""), |text| (text, "\n"));
                    out.push_str("<span class=\"");
                    out.push_str(class);
                    out.push_str("\">");
                    escape_into(out, text);
                    out.push_str("</span>");
                    out.push_str(end);
                }
                _ => escape_into(out, text),
            }
        };
        for (at, operation) in state.parse_line(line, &SYNTAXES).ok()? {
            put(&mut out, line.get(from..at)?, &stack);
            from = at;
            stack.apply(&operation).ok()?;
        }
        put(&mut out, line.get(from..)?, &stack);
        lines.push(out);
    }
    Some(lines)
}

/// Scopes of the grammars and the short codes of Pygments that themes are written for, the more special first.
static CLASSES: LazyLock<Vec<(Scope, &'static str)>> = LazyLock::new(|| {
    [
        ("comment.line.shebang", "ch"),
        ("comment.block.documentation", "cm"),
        ("comment.block", "cm"),
        ("comment", "c1"),
        ("string.quoted.double", "s2"),
        ("string.quoted.single", "s1"),
        ("string.regexp", "sr"),
        ("string", "s"),
        ("constant.character.escape", "se"),
        ("constant.numeric.float", "mf"),
        ("constant.numeric.integer.hexadecimal", "mh"),
        ("constant.numeric", "mi"),
        ("constant.language", "kc"),
        ("constant", "no"),
        ("keyword.operator.word", "ow"),
        ("keyword.operator.logical.python", "ow"),
        ("keyword.operator", "o"),
        ("keyword.control.import", "kn"),
        ("keyword.declaration", "kd"),
        ("keyword", "k"),
        ("storage.type", "kt"),
        ("storage", "k"),
        ("entity.name.function", "nf"),
        ("entity.name.class", "nc"),
        ("entity.name.type", "nc"),
        ("entity.name.struct", "nc"),
        ("entity.name.enum", "nc"),
        ("entity.name.trait", "nc"),
        ("entity.name.namespace", "nn"),
        ("entity.name.module", "nn"),
        ("entity.name.tag", "nt"),
        ("entity.name.constant", "no"),
        ("entity.name.section", "gh"),
        ("entity.other.attribute-name", "na"),
        ("entity.other.inherited-class", "nc"),
        ("entity.name", "n"),
        ("support.function", "nb"),
        ("support.type", "kt"),
        ("support.class", "nc"),
        ("support.constant", "no"),
        ("support", "nb"),
        ("variable.function", "nf"),
        ("variable.language", "bp"),
        ("variable.parameter", "nv"),
        ("variable.other.member", "na"),
        ("variable", "nv"),
        ("meta.diff.header", "gh"),
        ("meta.diff.range", "gu"),
        ("markup.inserted", "gi"),
        ("markup.deleted", "gd"),
        ("markup.heading", "gh"),
        ("markup.bold", "gs"),
        ("markup.italic", "ge"),
        ("invalid", "err"),
        ("punctuation.definition.comment", "c1"),
        ("punctuation", "p"),
    ]
    .iter()
    .filter_map(|(scope, class)| Some((Scope::new(scope).ok()?, *class)))
    .collect()
});

fn class(scope: Scope) -> Option<&'static str> {
    CLASSES.iter().find(|(prefix, _)| prefix.is_prefix_of(scope)).map(|(_, class)| *class)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(info: &Info, code: &str) -> String {
        super::block(info, code, &mut BUDGET.clone())
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

    #[test]
    fn a_hundred_and_fifty_languages_are_known() {
        let named: std::collections::BTreeSet<&str> = SYNTAXES.syntaxes().iter().filter(|s| !s.hidden).map(|s| s.name.as_str()).collect();
        assert!(named.len() >= 150, "{}", named.len());
        for language in "bash sh shell console python py js javascript ts typescript json yaml yml toml ini xml html css sql diff c c++ cpp java go rust php \
                         ruby rb perl lua powershell docker dockerfile nginx make makefile text kotlin swift scala haskell elixir erlang clojure r julia \
                         dart zig nim ocaml fsharp csharp groovy terraform graphql protobuf vim latex scss sass less vue svelte"
            .split_whitespace()
        {
            assert!(syntax(language).is_some(), "{language}");
        }
        for (_, name) in ALIASES {
            assert!(syntax(name).is_some(), "{name}");
        }
    }

    #[test]
    fn every_line_is_a_piece_of_its_own() {
        let lines = highlighted(syntax("python").unwrap(), "x = \"\"\"a\nb\n\"\"\"\n").unwrap();
        assert_eq!(lines.len(), 3);
        assert!(lines.iter().all(|line| line.matches("<span").count() == line.matches("</span>").count()), "{lines:?}");
    }
}
