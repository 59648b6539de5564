//! Whom a comment names: `@Ann`, `@Ann Otter`, `@ann@example.org`. Only people of the wiki can be named.

use crate::directory::UserRecord;
use crate::scope::{Read, Scope};
use holt_core::{Action, Actor, PagePath, Person, Result, UserId};
use std::collections::BTreeSet;

/// Most signs `@` of a comment that are looked at.
const PLACES: usize = 100;
/// Most people that a comment tells.
const PEOPLE: usize = 20;

/// Everybody whom `text`, said about a page, names and who may read that page, without whoever asks.
pub(super) fn mentioned(scope: &Scope<'_, Read>, page: &PagePath, author: UserId, text: &str) -> Result<Vec<UserId>> {
    if !text.contains('@') {
        return Ok(Vec::new());
    }
    let mut people = people(scope)?;
    let mut found = named(text, &people);
    found.retain(|user| *user != author);
    people.retain(|person| found.contains(&person.id));
    for person in people {
        let id = person.id;
        if !scope.wiki().may_at(&Actor::Person(person), Action::Read, &page.key())? {
            found.retain(|user| *user != id);
        }
    }
    found.truncate(PEOPLE);
    Ok(found)
}

/// Members, whoever commented here, and who administers the installation.
fn people(scope: &Scope<'_, Read>) -> Result<Vec<Person>> {
    let (wiki, directory) = (scope.wiki(), &scope.wiki().shared.directory);
    let db = wiki.db()?;
    let mut ids: BTreeSet<UserId> = db.members()?.into_iter().map(|member| member.user).collect();
    ids.extend(db.commentators()?);
    let mut people: Vec<Person> = directory.operators()?.iter().map(UserRecord::person).collect();
    for id in ids.into_iter().filter(|id| !people.iter().any(|person| person.id == *id)).collect::<Vec<_>>() {
        people.extend(directory.user(id)?.map(|user| user.person()));
    }
    Ok(people)
}

/// The people whose name or address stands behind an `@`: of several names the longest, of several people of that name all.
fn named(text: &str, people: &[Person]) -> Vec<UserId> {
    let text = text.to_lowercase();
    let names: Vec<(String, UserId)> = people
        .iter()
        .flat_map(|person| [(person.name.trim().to_lowercase(), person.id), (person.email.to_lowercase(), person.id)])
        .filter(|(name, _)| !name.is_empty())
        .collect();
    let mut found: Vec<UserId> = Vec::new();
    for (at, _) in text.match_indices('@').take(PLACES) {
        // `bob@example.org` is an address, not somebody called example.
        if text[..at].chars().next_back().is_some_and(is_word) {
            continue;
        }
        let rest = &text[at + 1..];
        let ends = |name: &str| !rest[name.len()..].chars().next().is_some_and(|c| is_word(c) || c == '@');
        let fits = names.iter().filter(|(name, _)| rest.starts_with(name.as_str()) && ends(name));
        let longest = fits.clone().map(|(name, _)| name.len()).max().unwrap_or_default();
        for (_, id) in fits.filter(|(name, _)| name.len() == longest) {
            if !found.contains(id) {
                found.push(*id);
            }
        }
    }
    found
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(id: i64, name: &str, email: &str) -> Person {
        Person { id: UserId(id), name: name.into(), email: email.into(), operator: false, through: None }
    }

    #[test]
    fn names_and_addresses_are_found() {
        let people = [
            person(1, "Ann", "ann@example.org"),
            person(2, "Ann Otter", "otter@example.org"),
            person(3, "Bob", "bob@example.org"),
            person(4, "Bob", "bob@example.com"),
            person(5, "O'Neill (ops)", "o@example.org"),
            person(6, "", "nameless@example.org"),
        ];
        for (text, expected) in [
            ("@Ann: look", vec![1]),
            ("(@ann)", vec![1]),
            ("@Ann Otter, and @ann", vec![2, 1]),
            ("@Annabel", vec![]),
            ("@bob", vec![3, 4]),
            ("@bob@example.com.", vec![4]),
            ("mail bob@example.org", vec![]),
            ("@ nobody, @, @@Ann", vec![1]),
            ("@O'Neill (ops)!", vec![5]),
            ("@nameless@example.org", vec![6]),
            ("@bob@example.net", vec![]),
            ("@ANN", vec![1]),
        ] {
            let found: Vec<i64> = named(text, &people).into_iter().map(|id| id.0).collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}
