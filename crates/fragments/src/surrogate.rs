//! What caches call the answers they keep, so that they can be told which to forget: one word for everything of a wiki, one for a page. Like
//! names in the store, they are hex digits: nothing of a slug or a path can be read from them, nor guessed without the wiki's number.

use crate::key::digest;
use holt_core::{PageKey, WikiId};

/// The word on everything that a wiki shows: `w` and 16 hex digits.
pub fn wiki(wiki: WikiId) -> String {
    format!("w{}", &digest(b"holt cached wiki 1", &wiki.to_store().to_be_bytes())[..16])
}

/// The word on everything that shows a page: `p` and 16 hex digits.
pub fn page(wiki: WikiId, page: &PageKey) -> String {
    let mut named = wiki.to_store().to_be_bytes().to_vec();
    named.extend(page.as_str().as_bytes());
    format!("p{}", &digest(b"holt cached page 1", &named)[..16])
}

#[cfg(test)]
mod tests {
    use super::*;
    use holt_core::PagePath;

    #[test]
    fn words_are_of_one_wiki_and_one_page() {
        let (one, two) = (WikiId::from_random(1), WikiId::from_random(2));
        let key = |path: &str| PagePath::parse(path).unwrap().key();
        let words = [wiki(one), wiki(two), page(one, &key("Guide")), page(two, &key("Guide")), page(one, &key("Home"))];
        assert!(words.iter().all(|word| word.len() == 17 && word[1..].bytes().all(|byte| byte.is_ascii_hexdigit())), "{words:?}");
        assert_eq!(words.iter().collect::<std::collections::BTreeSet<_>>().len(), words.len());
        assert_eq!(page(one, &key("guide")), words[2], "however it is spelled");
    }
}
