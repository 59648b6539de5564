//! Pages and headings by a few letters, typed in a hurry: the quick switcher and the editor's completion.

use crate::db::index::FoundHeading;
use crate::repo::FileMode;
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
    let mut pages: Vec<_> = index.pages()?.into_iter().filter(|row| row.mode != FileMode::Symlink).collect();
    if words.is_empty() {
        pages.sort_by_key(|row| std::cmp::Reverse(row.last_change().time.seconds));
    }
    let mut found: Vec<(u32, usize, Suggestion)> = Vec::new();
    for row in &pages {
        let name = preferences.display_name(&row.path, row.title.as_deref());
        let title = row.title.as_deref().unwrap_or_default().to_lowercase();
        let score = if words.is_empty() { 1 } else { score(&name.to_lowercase(), &query, &words).max(score(&title, &query, &words)) };
        if score > 0 {
            let length = name.len();
            found.push((score, length, Suggestion { path: row.path.clone(), title: row.title.clone().unwrap_or(name), heading: None }));
        }
        if words.is_empty() && found.len() >= limit {
            break;
        }
    }
    if !words.is_empty() {
        for FoundHeading { path, title, text, anchor } in index.headings_like(words[0])? {
            // A page says more than a heading of it.
            let score = score(&text.to_lowercase(), &query, &words) / 2;
            if score > 0 {
                let title = title.unwrap_or_else(|| preferences.display_name(&path, None));
                found.push((score, text.len() + 20, Suggestion { path, title, heading: Some((text, anchor)) }));
            }
        }
        found.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)).then_with(|| a.2.path.cmp(&b.2.path)));
    }
    Ok(found.into_iter().take(limit).map(|(_, _, suggestion)| suggestion).collect())
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
    if words.iter().all(|word| name.contains(word)) {
        return 50;
    }
    let close = |word: &&str| parts.iter().any(|part| is_close(part, word));
    if words.iter().all(close) { 20 } else { 0 }
}

/// Whether `word` is the beginning of `part` but for a mistake or two: a letter wrong, missing, too much, or two exchanged.
fn is_close(part: &str, word: &str) -> bool {
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
        score(name, query, &query.split_whitespace().collect::<Vec<_>>())
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
