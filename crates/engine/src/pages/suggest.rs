//! Pages and headings by a few letters, typed in a hurry: the quick switcher and the editor's completion.

use crate::db::index::{FoundHeading, Names, plain};
use crate::db::preferences::Preferences;
use crate::scope::{Read, Scope};
use holt_core::{PagePath, Result};
use std::collections::BTreeSet;

/// A page, or a heading of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// The page.
    pub path: PagePath,
    /// Its first heading, or its name.
    pub title: String,
    /// The heading that fits, with its anchor; none if the page itself does.
    pub heading: Option<(String, String)>,
}

/// Most letters that are looked at.
const QUERY: usize = 100;

/// What fits `query` best, at most `limit`: exact and beginning before contained, one or two letters typed wrong last. Of an empty query the
/// pages changed last.
pub fn suggest(scope: &Scope<'_, Read>, query: &str, limit: usize) -> Result<Vec<Suggestion>> {
    let wiki = scope.wiki();
    let (index, preferences) = (scope.index()?, wiki.preferences()?);
    let query = plain(&query.chars().take(QUERY).collect::<String>());
    let words: Vec<&str> = query.split(|c: char| c.is_whitespace() || c == '/').filter(|word| !word.is_empty()).collect();
    if words.is_empty() {
        let newest = index.newest_pages(limit)?.into_iter();
        return Ok(newest.map(|row| named(&preferences, row.path, row.title)).collect());
    }
    let names = index.names()?;
    let mut found: Vec<(u32, usize, Fit)> = Vec::new();
    for (number, name) in names.list.iter().enumerate() {
        let score = score(&name.plain_path, &query, &words).max(score(&name.plain_title, &query, &words));
        if score > 0 {
            found.push((score, name.plain_path.len(), Fit::Page(number)));
        }
    }
    for heading in index.headings_with(&words)? {
        // A page says more than a heading of it.
        let score = score(&plain(&heading.text), &query, &words) / 2;
        if score > 0 {
            found.push((score, heading.text.len() + 20, Fit::Heading(heading)));
        }
    }
    // Mistakes are looked for last: whatever they find comes after all that fits.
    if found.len() < limit {
        let fits: BTreeSet<usize> =
            found.iter().filter_map(|(_, _, fit)| if let Fit::Page(number) = fit { Some(*number) } else { None }).collect();
        let mistyped = names.mistyped(&words).into_iter().filter(|(number, _)| !fits.contains(number)).take(limit);
        found.extend(
            mistyped.map(|(number, mistakes)| (20_u32.saturating_sub(mistakes), names.list[number].plain_path.len(), Fit::Page(number))),
        );
        let wrong = index.mistyped_headings(&names, &words)?.into_iter().filter(|(_, mistakes)| *mistakes > 0);
        found.extend(wrong.map(|(heading, mistakes)| (10_u32.saturating_sub(mistakes), heading.text.len(), Fit::Heading(heading))));
    }
    found.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)).then_with(|| a.2.path(&names).cmp(b.2.path(&names))));
    let suggestion = |fit: Fit| match fit {
        Fit::Page(number) => named(&preferences, names.list[number].path.clone(), names.list[number].title.clone()),
        Fit::Heading(FoundHeading { path, title, text, anchor }) => {
            let title = title.unwrap_or_else(|| preferences.display_name(&path, None));
            Suggestion { path, title, heading: Some((text, anchor)) }
        }
    };
    Ok(found.into_iter().take(limit).map(|(_, _, fit)| suggestion(fit)).collect())
}

/// What was found.
enum Fit {
    /// A page, by its place among the names.
    Page(usize),
    /// A heading.
    Heading(FoundHeading),
}

impl Fit {
    fn path<'f>(&'f self, names: &'f Names) -> &'f PagePath {
        match self {
            Self::Page(number) => &names.list[*number].path,
            Self::Heading(heading) => &heading.path,
        }
    }
}

fn named(preferences: &Preferences, path: PagePath, title: Option<String>) -> Suggestion {
    let title = title.unwrap_or_else(|| preferences.display_name(&path, None));
    Suggestion { path, title, heading: None }
}

/// How well a name fits; 0 is not at all. Both [`plain`].
fn score(name: &str, query: &str, words: &[&str]) -> u32 {
    // Most do not, and are done with here.
    if !words.iter().all(|word| name.contains(word)) {
        return 0;
    }
    let leaf = name.rsplit('/').next().unwrap_or(name);
    if name == query || leaf == query {
        return 100;
    }
    if leaf.starts_with(query) {
        return 90;
    }
    let parts: Vec<&str> = name.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty()).collect();
    if words.iter().all(|word| parts.iter().any(|part| part.starts_with(word))) {
        return 70;
    }
    50
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, query: &str) -> u32 {
        let words: Vec<&str> = query.split_whitespace().collect();
        score(name, query, &words)
    }

    #[test]
    fn better_fits_count_more() {
        let name = "guide/getting started";
        let scores = ["getting started", "getting", "gui sta", "tting"].map(|query| of(name, query));
        assert!(scores.windows(2).all(|pair| pair[0] > pair[1]) && scores[3] > 0, "{scores:?}");
        for nothing in ["zebra", "gettign", "xyz"] {
            assert_eq!(of(name, nothing), 0, "{nothing}");
        }
    }
}
