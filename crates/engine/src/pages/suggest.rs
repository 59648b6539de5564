//! Pages and headings by a few letters, typed in a hurry: the quick switcher and the editor's completion.

use crate::db::index::FoundHeading;
use crate::db::preferences::Preferences;
use crate::scope::{Read, Scope};
use holt_core::{PagePath, Result};

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
    let query: String = query.chars().take(QUERY).collect::<String>().to_lowercase();
    let words: Vec<&str> = query.split(|c: char| c.is_whitespace() || c == '/').filter(|word| !word.is_empty()).collect();
    if words.is_empty() {
        let newest = index.newest_pages(limit)?.into_iter();
        return Ok(newest.map(|row| named(&preferences, row.path, row.title)).collect());
    }
    let mut found: Vec<(u32, usize, Suggestion)> = Vec::new();
    let mut others = Vec::new();
    for (path, title) in index.names()? {
        let name = preferences.display_name(&path, title.as_deref()).to_lowercase();
        let heading = title.as_deref().unwrap_or_default().to_lowercase();
        match score(&name, &query, &words).max(score(&heading, &query, &words)) {
            0 => others.push((name, heading, path, title)),
            score => found.push((score, name.len(), named(&preferences, path, title))),
        }
    }
    for FoundHeading { path, title, text, anchor } in index.headings_like(words[0])? {
        // A page says more than a heading of it.
        let text_lower = text.to_lowercase();
        let score = score(&text_lower, &query, &words).max(mistyped(&text_lower, &words)) / 2;
        if score > 0 {
            let title = title.unwrap_or_else(|| preferences.display_name(&path, None));
            found.push((score, text.len() + 20, Suggestion { path, title, heading: Some((text, anchor)) }));
        }
    }
    // Mistakes are looked for last, because that takes longest: whatever they find comes after all that fits.
    if found.len() < limit {
        for (name, heading, path, title) in others {
            let score = mistyped(&name, &words).max(mistyped(&heading, &words));
            if score > 0 {
                found.push((score, name.len(), named(&preferences, path, title)));
            }
        }
    }
    found.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)).then_with(|| a.2.path.cmp(&b.2.path)));
    Ok(found.into_iter().take(limit).map(|(_, _, suggestion)| suggestion).collect())
}

fn named(preferences: &Preferences, path: PagePath, title: Option<String>) -> Suggestion {
    let title = title.unwrap_or_else(|| preferences.display_name(&path, None));
    Suggestion { path, title, heading: None }
}

/// How well a name fits; 0 is not at all. Both in lower case.
fn score(name: &str, query: &str, words: &[&str]) -> u32 {
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
    if words.iter().all(|word| name.contains(word)) { 50 } else { 0 }
}

/// How well a name fits what was typed wrong; less than anything that fits. In lower case.
fn mistyped(name: &str, words: &[&str]) -> u32 {
    let parts = || name.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty());
    let close = |word: &&str| parts().any(|part| is_close(part, word));
    if words.iter().all(close) { 20 } else { 0 }
}

/// Whether `word` is the beginning of `part` but for a mistake or two: a letter wrong, missing, too much, or two exchanged.
fn is_close(part: &str, word: &str) -> bool {
    if word.len() <= 3 {
        return false;
    }
    let (part, word): (Vec<char>, Vec<char>) = (part.chars().take(40).collect(), word.chars().take(40).collect());
    let allowed = match word.len() {
        0..=3 => return false,
        4..=7 => 1,
        _ => 2,
    };
    if part.len() + allowed < word.len() {
        return false;
    }
    // Optimal string alignment, with the rest of `part` for nothing.
    let mut rows: Vec<Vec<usize>> = vec![(0..=part.len()).collect()];
    for (i, w) in word.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, p) in part.iter().enumerate() {
            let mut best = (rows[i][j] + usize::from(w != p)).min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *w == part[j - 1] && word[i - 1] == *p {
                best = best.min(rows[i - 1][j - 1] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[word.len()].iter().any(|distance| *distance <= allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, query: &str) -> u32 {
        let words: Vec<&str> = query.split_whitespace().collect();
        score(name, query, &words).max(mistyped(name, &words))
    }

    #[test]
    fn better_fits_count_more() {
        let name = "guide/getting started";
        let scores = ["getting started", "getting", "gui sta", "tting", "gettign"].map(|query| of(name, query));
        assert!(scores.windows(2).all(|pair| pair[0] > pair[1]) && scores[4] > 0, "{scores:?}");
        for nothing in ["zebra", "gxxting", "xyz"] {
            assert_eq!(of(name, nothing), 0, "{nothing}");
        }
        assert!(is_close("installation", "instalation") && is_close("setup", "stup") && !is_close("setup", "sxxp"));
    }
}
