//! What is wrong with the options of an embedding. Otterwiki keeps silent about it; so do pages without the extras.

use crate::embed::Arguments;

/// What a value may be.
enum Kind {
    /// Anything.
    Text,
    /// CSS: a number with or without a unit.
    Length,
    /// yes or no.
    Flag,
    /// A number above 0.
    Count,
    /// One of these.
    OneOf(&'static [&'static str]),
}

const FLOAT: Kind = Kind::OneOf(&["left", "right"]);
const ALIGN: Kind = Kind::OneOf(&["left", "center", "right", "justify"]);
const FORMATS: &[&str] = &["full", "details", "minimal"];
const YES_AND_NO: &[&str] = &["yes", "true", "on", "1", "y", "no", "false", "off", "0", "n"];

/// The options of an embedding by its name in lower case without blanks. An info box shows what it does not know as rows.
fn known(kind: &str) -> &'static [(&'static str, Kind)] {
    use Kind::{Count, Flag, Length, OneOf, Text};
    match kind {
        "infobox" => &[
            ("caption", Text),
            ("width", Length),
            ("float", FLOAT),
            ("position", FLOAT),
            ("pos", FLOAT),
            ("text-align", ALIGN),
            ("align", ALIGN),
            ("style", Text),
        ],
        "imageframe" => &[
            ("src", Text),
            ("alt", Text),
            ("caption", Text),
            ("content", Text),
            ("width", Length),
            ("position", FLOAT),
            ("pos", FLOAT),
            ("float", FLOAT),
            ("text-align", ALIGN),
            ("align", ALIGN),
            ("style", Text),
        ],
        "figure" => {
            &[("caption", Text), ("align", OneOf(&["left", "center", "right"])), ("width", Length), ("height", Length), ("style", Text)]
        }
        "video" => {
            &[("src", Text), ("width", Length), ("height", Text), ("controls", Flag), ("muted", Flag), ("loop", Flag), ("autoplay", Flag)]
        }
        "datatable" => &[
            ("src", Text),
            ("caption", Text),
            ("sortable", Flag),
            ("searchable", Flag),
            ("paging", Flag),
            ("fixedheight", Flag),
            ("perpage", Count),
            ("delimiter", Text),
            ("sep", Text),
            ("separator", Text),
            ("quotechar", Text),
            ("header", Flag),
            ("headers", Text),
            ("columns", Text),
            ("column0", Text),
        ],
        "include" => &[("src", Text), ("section", Text), ("children", Flag), ("heading", Flag)],
        "pageindex" => &[("src", Text), ("style", OneOf(&["list", "pageindex"])), ("toc", Flag), ("toggle", Flag)],
        "attachmentlist" | "attachments" => {
            &[("filter", Text), ("format", OneOf(FORMATS)), ("fmt", OneOf(FORMATS)), ("icons", Flag), ("caption", Text)]
        }
        _ => &[],
    }
}

/// One sentence for each option that is not understood, at most ten. `kind` is the name in lower case without blanks.
pub(crate) fn misunderstood(kind: &str, arguments: &Arguments) -> Vec<String> {
    arguments.options().filter_map(|(key, value)| problem(kind, key.trim(), value.trim())).take(10).collect()
}

fn problem(kind: &str, key: &str, value: &str) -> Option<String> {
    let options = known(kind);
    let exact = ["infobox", "imageframe", "figure"].contains(&kind);
    let found = options.iter().find(|(name, _)| if exact { *name == key } else { name.eq_ignore_ascii_case(key) });
    let Some((name, wanted)) = found else {
        let names: Vec<&str> = options.iter().map(|(name, _)| *name).collect();
        return (kind != "infobox" && !options.is_empty())
            .then(|| format!("there is no option \"{key}\"; there are {}.", names.join(", ")));
    };
    let is = |one: &&&str| one.eq_ignore_ascii_case(value);
    let remedy = match wanted {
        Kind::Text => return None,
        Kind::Length if crate::embed::is_length(value) => return None,
        Kind::Length => "a size such as 30% or 20rem".to_string(),
        Kind::Flag if YES_AND_NO.iter().any(|one| is(&one)) => return None,
        Kind::Flag => "yes or no".to_string(),
        Kind::Count if value.parse::<u32>().is_ok_and(|count| count > 0) => return None,
        Kind::Count => "a number above 0".to_string(),
        Kind::OneOf(words) if words.iter().any(|one| is(&one)) => return None,
        Kind::OneOf(words) => words.join(" or "),
    };
    Some(format!("{name} is {remedy}, not \"{value}\"."))
}
