//! Where quoted words are in a page that has changed since. Compared are letters and digits alone: line breaks, markup and the buttons beside
//! headings come and go.

use crate::db::comments::Quote;

/// Signs of a quote above which it is unlikely to stand in a page twice by chance.
const TELLING: usize = 16;
/// Signs around a shorter one that have to be there still.
const AROUND: usize = 6;

/// The words of a page, made ready to be searched.
pub(crate) struct Words {
    letters: String,
    signs: String,
}

impl Words {
    /// Of a page's text.
    pub(crate) fn of(text: &str) -> Self {
        Self { letters: letters(text), signs: signs(text) }
    }
    /// Whether the quote is there.
    pub(crate) fn have(&self, quote: &Quote) -> bool {
        let (text, fold): (&str, fn(&str) -> String) = match letters(&quote.text).is_empty() {
            false => (&self.letters, letters),
            // Only signs were quoted: an arrow, an emoji.
            true => (&self.signs, signs),
        };
        let (wanted, before, after) = (fold(&quote.text), fold(&quote.before), fold(&quote.after));
        if wanted.is_empty() {
            return false;
        }
        if wanted.chars().nth(TELLING - 1).is_some() {
            return text.contains(&wanted);
        }
        // A page of a single word, say, has nothing around it.
        let enough = AROUND.min(before.chars().count() + after.chars().count());
        text.match_indices(&wanted).any(|(at, _)| {
            let left = text[..at].chars().rev().zip(before.chars().rev()).take_while(|(a, b)| a == b).count();
            let right = text[at + wanted.len()..].chars().zip(after.chars()).take_while(|(a, b)| a == b).count();
            left + right >= enough
        })
    }
}

/// The text between the tags of HTML that the renderer made.
pub(crate) fn visible(html: &str) -> String {
    let (mut text, mut rest) = (String::with_capacity(html.len() / 2), html);
    while let Some(at) = rest.find(['<', '&']) {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = if rest.starts_with('<') { tag_end(rest) } else { rest.find(';').map_or(1, |end| end + 1) };
        text.push(if rest.starts_with('<') { ' ' } else { character(&rest[..end]) });
        rest = &rest[end..];
    }
    text + rest
}

/// Behind the tag that `html` begins with; a `>` between quotes does not end it.
fn tag_end(html: &str) -> usize {
    let mut quote = None;
    for (at, c) in html.char_indices() {
        match (quote, c) {
            (None, '>') => return at + 1,
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    html.len()
}

/// What a reference like `&lt;` or `&#39;` stands for; a space for one that the renderer does not write.
fn character(reference: &str) -> char {
    let name = reference.trim_start_matches('&').trim_end_matches(';');
    let number = match name.strip_prefix("#x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => name.strip_prefix('#').and_then(|digits| digits.parse().ok()),
    };
    match name {
        "lt" => '<',
        "gt" => '>',
        "amp" | "" => '&',
        "quot" => '"',
        _ => number.and_then(char::from_u32).unwrap_or(' '),
    }
}

fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn signs(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quote(before: &str, text: &str, after: &str) -> Quote {
        Quote { text: text.into(), before: before.into(), after: after.into() }
    }

    #[test]
    fn words_are_found_wherever_they_went() {
        let long = quote("The", "otter swims under\n water", "and back");
        for page in ["The otter swims under water and back.", "Now: the Otter — swims *under* water.\n\nMore.", "otter swims\nunder water"]
        {
            assert!(Words::of(page).have(&long), "{page}");
        }
        for page in ["", "The otter swims under the water and back.", "otter"] {
            assert!(!Words::of(page).have(&long), "{page}");
        }
    }

    #[test]
    fn a_short_quote_needs_something_around_it() {
        let short = quote("wait for ", "3", " minutes");
        assert!(Words::of("First wait for 3 minutes.").have(&short));
        assert!(Words::of("30 eggs: wait for 3.").have(&short), "what stood before is there");
        assert!(Words::of("wait 3 minutes").have(&short), "what stood behind is there");
        assert!(!Words::of("3 eggs").have(&short));
        assert!(Words::of("One").have(&quote("", "One", "")));
    }

    #[test]
    fn tags_are_no_text() {
        for (html, text) in [
            ("<p>One <em title=\"a > b\">two</em></p>", " One  two  "),
            ("a &lt;b&gt; &amp;amp; &#39;&#x27; &nbsp;c", "a <b> &amp; \'\'  c"),
            ("a & b", "a & b"),
            ("<a href='\">'>x", " x"),
            ("<open", " "),
            ("&", "&"),
        ] {
            assert_eq!(visible(html), text, "{html}");
        }
    }

    #[test]
    fn signs_alone_are_words_too() {
        assert!(Words::of("Go → there").have(&quote("Go ", "→", " there")));
        assert!(!Words::of("Go there").have(&quote("Go ", "→", " there")));
        assert!(!Words::of("Go there").have(&quote("", " ", "")));
        assert!(
            Words::of("日本語の文章").have(&quote("日本", "語", "の文章")) && !Words::of("英語").have(&quote("日本", "語", "の文章はここ"))
        );
    }
}
