//! Otterwiki's `settings.cfg`: assignments in Python syntax, of which plain strings, numbers and booleans are read (spec/wiki.md §1.1).

use std::collections::BTreeMap;

/// Upper-case names and their values as text (`True`/`False` for booleans). Lines that are anything else are passed over.
pub(super) fn parse(text: &str) -> BTreeMap<String, String> {
    text.lines().filter_map(assignment).collect()
}

fn assignment(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once('=')?;
    let name = name.trim();
    let upper = !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    let value = value.trim();
    let value = match value.chars().next()? {
        quote @ ('\'' | '"') => string(&value[1..], quote)?,
        _ => {
            let bare = value.split('#').next().unwrap_or_default().trim();
            let known = matches!(bare, "True" | "False") || (!bare.is_empty() && bare.bytes().all(|b| b.is_ascii_digit() || b == b'-'));
            known.then(|| bare.to_string())?
        }
    };
    upper.then(|| (name.to_string(), value))
}

fn string(rest: &str, quote: char) -> Option<String> {
    let mut text = String::new();
    let mut chars = rest.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next()? {
                'n' => text.push('\n'),
                't' => text.push('\t'),
                other => text.push(other),
            },
            c if c == quote => return Some(text),
            c => text.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_otterwiki_writes() {
        let read = parse(
            "REPOSITORY = '/app-data/repository'\n# SITE_NAME = 'no'\nSITE_NAME=\"Otter's \\\"Den\\\"\"  # why\nRETAIN_PAGE_NAME_CASE = True\nMAIL_PORT = 25\nlower = 'x'\nX = os.environ['X']\nBROKEN = 'open\n",
        );
        let pairs: Vec<(&str, &str)> = read.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(
            pairs,
            [
                ("MAIL_PORT", "25"),
                ("REPOSITORY", "/app-data/repository"),
                ("RETAIN_PAGE_NAME_CASE", "True"),
                ("SITE_NAME", "Otter's \"Den\"")
            ]
        );
    }
}
