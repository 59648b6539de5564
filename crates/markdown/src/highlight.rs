//! Colours of code: TextMate's grammars, run over a block line by line, within a budget that is counted and not timed.

use crate::typed::escape;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use syntaxmate::{Catalog, PreparedLanguage, ScopeStackId, Scopes, Tokenizer, TokenizerOptions};

/// What colouring the code of a page may cost: a byte costs one, a token as many as it is nested. Real code costs three to five a byte.
/// What goes beyond is shown plain, as are long lines and what comes after deep nesting.
pub(crate) const BUDGET: usize = 2 * 1024 * 1024;
const PER_LINE: usize = 16;
const LINE: usize = 1024;
const NESTING: usize = 64;
/// Lines whose tokens are remembered while a block is coloured: code repeats itself.
const REMEMBERED: usize = 512;

/// Grammars, unpacked one by one when a block needs them and never before.
static GRAMMARS: LazyLock<Catalog> = LazyLock::new(Catalog::bundled);

/// The grammars used last, ready to run: making them ready takes a millisecond, for some languages thirty. Those take ten megabytes, too, so they
/// are few.
static READY: Mutex<Vec<(String, Arc<PreparedLanguage>)>> = Mutex::new(Vec::new());
const MOST_READY: usize = 6;

/// Names that people and Pygments use for grammars that are called something else.
const ALIASES: &[(&str, &str)] = &[
    ("bash-session", "shellsession"),
    ("shell-session", "shellsession"),
    ("ksh", "shellscript"),
    ("py3", "python"),
    ("pycon", "python"),
    ("golang", "go"),
    ("objectivec", "objective-c"),
    ("django", "jinja-html"),
    ("jinja2", "jinja-html"),
    ("html+jinja", "jinja-html"),
    ("dosbatch", "bat"),
    ("batchfile", "bat"),
    ("mf", "make"),
    ("udiff", "diff"),
    ("patch", "diff"),
    ("cfg", "ini"),
    ("dosini", "ini"),
    ("conf", "ini"),
    ("apacheconf", "apache"),
    ("nginxconf", "nginx"),
    ("plpgsql", "sql"),
    ("mysql", "sql"),
    ("sqlite", "sql"),
    ("sqlite3", "sql"),
    ("jsonld", "json"),
    ("splus", "r"),
    ("nasm", "asm"),
    ("gas", "asm"),
    ("fortran", "fortran-free-form"),
    ("delphi", "pascal"),
    ("systemverilog", "system-verilog"),
    ("sed", "shellscript"),
    ("rust-script", "rust"),
];

/// Names of code that has no grammar: it is code all the same.
const PLAIN: &[&str] = &["text", "plain", "plaintext", "txt", "output", "none"];

/// A language that is known, by any of its names.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Language {
    /// Without colours.
    Plain,
    /// By the name of its grammar.
    Grammar(&'static str),
}

impl Language {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let name = name.to_lowercase();
        if PLAIN.contains(&name.as_str()) {
            return Some(Self::Plain);
        }
        if name == "mermaid" {
            // In small letters it is a diagram and does not come here; otherwise no language (spec/markdown.md §6).
            return None;
        }
        let known = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name.as_str(), |(_, known)| *known);
        GRAMMARS.canonical_language(known).map(Self::Grammar)
    }

    /// One piece of HTML per line, each balanced. Costs some of the `budget`; what comes after its end, or after nesting too deep, has no
    /// colours. None if there are none at all.
    pub(crate) fn coloured(self, code: &str, budget: &mut usize) -> Option<Vec<String>> {
        match self {
            Self::Grammar(name) if *budget > 0 => coloured(name, code, budget),
            _ => None,
        }
    }
}

fn ready(name: &str) -> Option<Arc<PreparedLanguage>> {
    let mut ready = READY.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(at) = ready.iter().position(|(known, _)| known == name) {
        // The last one is the one used last.
        let entry = ready.remove(at);
        ready.push(entry);
        return ready.last().map(|(_, language)| Arc::clone(language));
    }
    drop(ready);
    let language = Arc::new(PreparedLanguage::from_catalog(&GRAMMARS, name).ok()?);
    let mut ready = READY.lock().unwrap_or_else(PoisonError::into_inner);
    if ready.len() >= MOST_READY {
        ready.remove(0);
    }
    ready.push((name.to_string(), Arc::clone(&language)));
    Some(language)
}

fn coloured(name: &str, code: &str, budget: &mut usize) -> Option<Vec<String>> {
    let options = TokenizerOptions { max_line_bytes: LINE, line_cache_entries: REMEMBERED };
    let mut tokenizer = Tokenizer::from_prepared(&*ready(name)?, options);
    let mut state = tokenizer.initial_state();
    let mut classes: HashMap<ScopeStackId, Option<&'static str>> = HashMap::new();
    let mut tokens = Vec::new();
    let mut lines = Vec::new();
    for line in code.split_inclusive('\n') {
        let (text, end) = line.strip_suffix('\n').map_or((line, ""), |text| (text, "\n"));
        let mut out = String::with_capacity(line.len() * 3);
        tokens.clear();
        let affordable = text.len() + PER_LINE <= *budget && state.depth() <= NESTING;
        if affordable && tokenizer.tokenize_line_into(text, &mut state, &mut tokens).is_ok() {
            // A token costs as much as it is nested: the tokenizer copies the names of all that it is in.
            let cost = text.len() + PER_LINE + tokens.iter().map(|token| token.scopes().len()).sum::<usize>();
            *budget = budget.saturating_sub(cost);
        }
        let (mut done, mut open) = (0, None);
        for token in &tokens {
            let class = token.scope_stack().and_then(|stack| *classes.entry(stack).or_insert_with(|| class(token.scopes())));
            let range = token.range();
            let piece = text.get(done..range.end)?;
            // Neighbours of one colour are one piece, and white space begins none.
            if class != open {
                if open.take().is_some() {
                    out.push_str("</span>");
                }
                if let Some(class) = class.filter(|_| !piece.trim().is_empty()) {
                    out.push_str("<span class=\"");
                    out.push_str(class);
                    out.push_str("\">");
                    open = Some(class);
                }
            }
            escape(&mut out, piece);
            done = range.end;
        }
        if open.is_some() {
            out.push_str("</span>");
        }
        escape(&mut out, text.get(done..)?);
        out.push_str(end);
        lines.push(out);
    }
    Some(lines)
}

/// The short code of Pygments, which themes are written for, of the innermost name that has one.
fn class(scopes: Scopes<'_>) -> Option<&'static str> {
    let names: Vec<&str> = scopes.collect();
    names
        .iter()
        .rev()
        .find_map(|name| {
            let begins = |prefix: &str| name.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
            CLASSES.iter().find(|(prefix, _)| begins(prefix)).map(|(_, class)| *class)
        })
        .filter(|class| !class.is_empty())
}

/// Names of TextMate's grammars, the more special first. An empty class stops the search: what is in a string is no string if it is code.
const CLASSES: &[(&str, &str)] = &[
    ("comment.line.shebang", "ch"),
    ("comment.block", "cm"),
    ("comment", "c1"),
    ("string.quoted.double", "s2"),
    ("string.quoted.single", "s1"),
    ("string.regexp", "sr"),
    ("string.unquoted", ""),
    ("string", "s"),
    ("constant.character.escape", "se"),
    ("constant.numeric.float", "mf"),
    ("constant.numeric.hex", "mh"),
    ("constant.numeric", "mi"),
    ("constant.language", "kc"),
    ("constant.other.color", "mh"),
    ("constant", "no"),
    ("keyword.operator.expression", "k"),
    ("keyword.operator.logical.python", "ow"),
    ("keyword.operator.word", "ow"),
    ("keyword.operator.new", "k"),
    ("keyword.operator", "o"),
    ("keyword.control.import", "kn"),
    ("keyword.control.from", "kn"),
    ("keyword.control.directive", "cp"),
    ("keyword.other.unit", "kt"),
    ("keyword.declaration", "kd"),
    ("keyword", "k"),
    ("storage.type.function", "k"),
    ("storage.type.class", "k"),
    ("storage.type.rust", "k"),
    ("storage.type.js", "kd"),
    ("storage.type.ts", "kd"),
    ("storage.type", "kt"),
    ("storage", "k"),
    ("entity.name.function", "nf"),
    ("entity.name.command", "nb"),
    ("entity.name.class", "nc"),
    ("entity.name.type", "nc"),
    ("entity.name.namespace", "nn"),
    ("entity.name.module", "nn"),
    ("entity.name.tag", "nt"),
    ("entity.name.section", "gh"),
    ("entity.other.attribute-name", "na"),
    ("entity.other.inherited-class", "nc"),
    ("entity.name", "n"),
    ("support.function", "nb"),
    ("support.type.property-name", "nt"),
    ("support.type", "kt"),
    ("support.class", "nc"),
    ("support.constant", "no"),
    ("support", "nb"),
    ("variable.language", "bp"),
    ("variable.parameter", "nv"),
    ("variable.other.constant", "no"),
    ("variable.other.property", "na"),
    ("variable.other", ""),
    ("variable", "nv"),
    ("meta.diff.header", "gh"),
    ("meta.diff.range", "gu"),
    ("meta.preprocessor", "cp"),
    ("meta.embedded", ""),
    ("meta.interpolation", ""),
    ("meta.template.expression", ""),
    ("markup.inserted", "gi"),
    ("markup.deleted", "gd"),
    ("markup.changed", "gu"),
    ("markup.heading", "gh"),
    ("markup.bold", "gs"),
    ("markup.italic", "ge"),
    ("markup.inline.raw", "s"),
    ("invalid", "err"),
    ("punctuation.definition.comment", "c1"),
    ("punctuation.separator", "p"),
    ("punctuation.terminator", "p"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn coloured(language: &str, code: &str) -> Vec<String> {
        Language::parse(language).unwrap().coloured(code, &mut BUDGET.clone()).unwrap()
    }

    #[test]
    fn a_hundred_and_fifty_languages_are_known() {
        assert!(GRAMMARS.languages().len() >= 150);
        for language in "bash sh shell zsh console python py js javascript ts typescript json yaml yml toml ini xml html css sql diff c c++ cpp java go \
                         rust rs php ruby rb perl lua powershell ps1 docker dockerfile nginx make makefile text kotlin swift scala haskell hs elixir \
                         erlang clojure r julia dart zig nim ocaml fsharp f# csharp c# cs groovy terraform tf hcl graphql protobuf vim latex tex scss \
                         sass less vue svelte jsx tsx json5 jsonc bat batch markdown md http cmake objc objective-c lisp common-lisp scheme vb matlab \
                         pascal fortran ada cobol prolog tcl awk fish nix solidity wasm glsl systemd desktop apache log csv rst asciidoc jinja jinja2"
            .split_whitespace()
        {
            assert!(Language::parse(language).is_some(), "{language}");
        }
        for (alias, name) in ALIASES {
            assert!(GRAMMARS.canonical_language(name).is_some() && GRAMMARS.canonical_language(alias).is_none(), "{alias}");
        }
    }

    #[test]
    fn languages_have_their_colours() {
        for (language, code, expected) in [
            ("python", "def f(x): return 'a'", "<span class=\"k\">def</span> <span class=\"nf\">f</span>"),
            ("rust", "fn main() { let x = 0x1f; } // c", "<span class=\"c1\">// c</span>"),
            ("javascript", "const a = `x${b}y`;", "<span class=\"kd\">const</span>"),
            ("bash", "if [ -f x ]; then echo \"$HOME\"; fi", "<span class=\"nb\">echo</span>"),
            ("json", "{\"a\": 1}", "<span class=\"mi\">1</span>"),
            ("yaml", "a: true", "<span class=\"nt\">a</span>"),
            ("html", "<p class=\"x\">", "<span class=\"nt\">p</span>"),
            ("diff", "+new", "<span class=\"gi\">"),
            ("sql", "select 1", "<span class=\"k\">select</span>"),
            ("powershell", "Get-Item $x", "<span class=\"nb\">Get-Item</span>"),
        ] {
            let shown = coloured(language, code).concat();
            assert!(shown.contains(expected), "{language}: {shown}");
        }
    }

    #[test]
    fn every_line_is_a_piece_of_its_own() {
        let lines = coloured("python", "x = \"\"\"a\nb\n\"\"\"\n");
        assert_eq!(lines.len(), 3);
        assert!(lines.iter().all(|line| line.matches("<span").count() == line.matches("</span>").count()), "{lines:?}");
    }

    #[test]
    fn the_budget_ends() {
        let mut budget = 200;
        let code = "x = 1\n".repeat(1000);
        let lines = Language::parse("python").unwrap().coloured(&code, &mut budget).unwrap();
        assert!(lines[0].contains("<span") && !lines[999].contains("<span") && lines.len() == 1000);
    }
}
