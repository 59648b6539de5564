//! Path rules: parts of a wiki that fewer people may read or change than the wiki itself (DESIGN §6, "private pages inside a wiki").
//!
//! A rule is about a page and everything below it, files included, and only ever narrows: whoever may not read the wiki reads nothing of it, and
//! where several rules cover a page all of them must agree. That keeps every decision local and makes a forgotten rule harmless.

use super::{AccessLevel, Action, Actor, MemberFlags, UserId};
use crate::path::{PageKey, PagePath};
use std::collections::BTreeSet;

/// Who may read and change a page and what is below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubtreeRule {
    /// The page, as somebody wrote it; it need not exist.
    pub path: PagePath,
    /// Who may read without being named.
    pub read: AccessLevel,
    /// Who may write and upload without being named; they must be able to read.
    pub write: AccessLevel,
    /// Who may read whatever the level says.
    pub readers: BTreeSet<UserId>,
    /// Who may read and write whatever the levels say.
    pub writers: BTreeSet<UserId>,
}

impl SubtreeRule {
    fn allows(&self, actor: &Actor, flags: MemberFlags, action: Action) -> bool {
        let person = match actor {
            Actor::Person(person) => Some(person.id),
            _ => None,
        };
        let named = |people: &BTreeSet<UserId>| person.is_some_and(|id| people.contains(&id));
        let reached = |level| super::reaches(level, person.is_some(), flags);
        let read = reached(self.read) || named(&self.readers) || named(&self.writers);
        match action {
            Action::Read => read,
            Action::Write | Action::Upload => read && (reached(self.write) || named(&self.writers)),
            Action::Admin => true,
        }
    }
    fn covers(&self, key: &str) -> bool {
        is_at_or_below(key, self.path.key().as_str())
    }
}

/// The rules of a wiki.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SubtreeRules {
    rules: Vec<SubtreeRule>,
    /// The rules could not be read: only administrators see anything.
    damaged: bool,
}

impl SubtreeRules {
    /// These, in their order.
    pub fn new(rules: Vec<SubtreeRule>) -> Self {
        Self { rules, damaged: false }
    }
    /// Rules that nobody could read: they open nothing to anybody but administrators.
    pub fn damaged() -> Self {
        Self { rules: Vec::new(), damaged: true }
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty() && !self.damaged
    }
    /// Whether they were [`SubtreeRules::damaged`].
    pub fn is_damaged(&self) -> bool {
        self.damaged
    }
    /// All, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &SubtreeRule> {
        self.rules.iter()
    }
    /// Whether anything could be kept from `actor`: by a rule, or because they are a program for a part of the wiki.
    pub fn concern(&self, actor: &Actor) -> bool {
        !self.is_empty() || actor.within().is_some()
    }
    /// Whether the rules, and the part of the wiki that a program is for, let `actor`, who may do `action` in the wiki as a whole, do it at `key`.
    pub fn allow(&self, actor: &Actor, flags: Option<MemberFlags>, action: Action, key: &PageKey) -> bool {
        if actor.within().is_some_and(|top| !is_at_or_below(key.as_str(), top.key().as_str())) {
            return false;
        }
        let flags = flags.unwrap_or_default();
        if administers(actor, flags) {
            return true;
        }
        !self.damaged && self.rules.iter().filter(|rule| rule.covers(key.as_str())).all(|rule| rule.allows(actor, flags, action))
    }
    /// What `actor` does not get to see.
    pub fn hidden_from(&self, actor: &Actor, flags: Option<MemberFlags>) -> Hidden {
        self.closed_to(actor, flags, Action::Read)
    }
    /// Where `actor` may not do `action`.
    pub fn closed_to(&self, actor: &Actor, flags: Option<MemberFlags>, action: Action) -> Hidden {
        let flags = flags.unwrap_or_default();
        let outside = Hidden { only: actor.within().map(PagePath::key), ..Hidden::default() };
        if administers(actor, flags) {
            return outside;
        }
        let refused = self.rules.iter().filter(|rule| !rule.allows(actor, flags, action));
        Hidden::new(refused.map(|rule| rule.path.key()), self.damaged).and(&outside)
    }
    /// What a page must not show because some of its readers may not see it: every part of the wiki with readers of its own that the page is not
    /// itself in. With no page, every such part.
    pub fn hidden_in(&self, page: Option<&PageKey>) -> Hidden {
        let own = |rule: &&SubtreeRule| page.is_some_and(|key| rule.covers(key.as_str()));
        let narrowing = self.rules.iter().filter(|rule| rule.read != AccessLevel::Anonymous);
        Hidden::new(narrowing.filter(|rule| !own(rule)).map(|rule| rule.path.key()), self.damaged)
    }
    /// These, and for every rule about `from` or something below it one more about its new place: a page that moves takes its rules along. The
    /// old ones stay, for what was there. None if there are no such rules.
    #[must_use]
    pub fn along(&self, from: &PagePath, to: &PagePath) -> Option<Self> {
        let mut rules = self.rules.clone();
        for rule in self.rules.iter().filter(|rule| is_at_or_below(rule.path.key().as_str(), from.key().as_str())) {
            let rest: Vec<&str> = rule.path.segments().skip(from.segments().count()).collect();
            let Ok(path) = PagePath::parse(&[&[to.as_str()], rest.as_slice()].concat().join("/")) else { continue };
            match rules.iter_mut().find(|other| other.path.key() == path.key()) {
                Some(other) if other.path == path => {}
                _ => rules.push(SubtreeRule { path, ..rule.clone() }),
            }
        }
        (rules != self.rules).then_some(Self { rules, damaged: self.damaged })
    }
    /// Whether a page that moves gets readers that it had not: it leaves a part with readers of its own, and the rule stays behind.
    pub fn opens(&self, from: &PageKey, to: &PageKey) -> bool {
        let (from, to) = (from.as_str(), to.as_str());
        let stays = |rule: &&SubtreeRule| rule.read != AccessLevel::Anonymous && rule.covers(from) && rule.path.key().as_str() != from;
        self.rules.iter().filter(stays).any(|rule| !rule.covers(to))
    }
    /// Whether the page has readers of its own: it is never answered without asking who reads.
    pub fn restrict(&self, page: &PageKey) -> bool {
        self.damaged || self.rules.iter().any(|rule| rule.read != AccessLevel::Anonymous && rule.covers(page.as_str()))
    }
}

fn administers(actor: &Actor, flags: MemberFlags) -> bool {
    match actor {
        Actor::System => true,
        Actor::Anonymous => false,
        Actor::Person(person) => person.operator || flags.admin,
    }
}

pub(super) fn is_at_or_below(key: &str, top: &str) -> bool {
    key.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The parts of a wiki that somebody does not get to see. Equal parts are equal values.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Hidden {
    tops: Vec<PageKey>,
    /// What is not at or below this page is hidden, too.
    only: Option<PageKey>,
    everything: bool,
}

impl Hidden {
    fn new(tops: impl Iterator<Item = PageKey>, everything: bool) -> Self {
        let mut tops: Vec<PageKey> = tops.collect();
        // Upper ones first, so that what lies below one of them can go.
        tops.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        let mut kept: Vec<PageKey> = Vec::new();
        for top in tops {
            if !kept.iter().any(|upper| is_at_or_below(top.as_str(), upper.as_str())) {
                kept.push(top);
            }
        }
        Self { tops: kept, only: None, everything }
    }
    /// Whether nothing is hidden.
    pub fn is_empty(&self) -> bool {
        self.tops.is_empty() && self.only.is_none() && !self.everything
    }
    /// Whether the page of this key, or a file beside it, is hidden.
    pub fn covers(&self, key: &str) -> bool {
        let outside = self.only.as_ref().is_some_and(|top| !is_at_or_below(key, top.as_str()));
        self.everything || outside || self.tops.iter().any(|top| is_at_or_below(key, top.as_str()))
    }
    /// Whether a file of the repository is hidden: a page, or what is beside one. A name that cannot be read as either is, if anything is.
    pub fn covers_file(&self, file: &str) -> bool {
        if self.is_empty() {
            return false;
        }
        let page = match PagePath::from_tree(file) {
            Some(page) => Ok(page),
            None => match file.rsplit_once('/') {
                Some((directory, _)) => PagePath::parse(directory),
                // Beside no page.
                None => return self.everything || self.only.is_some(),
            },
        };
        // What is beside a page stands where a folder of pages would: at the top of a part it is in that part.
        let is_top = || PagePath::parse(file).is_ok_and(|path| self.tops.iter().any(|top| *top == path.key()));
        page.map_or(true, |page| self.covers(page.key().as_str())) || is_top()
    }
    /// What either hides.
    #[must_use]
    pub fn and(&self, more: &Self) -> Self {
        let (only, apart) = match (&self.only, &more.only) {
            (Some(one), Some(other)) if is_at_or_below(one.as_str(), other.as_str()) => (Some(one), false),
            (Some(one), Some(other)) => (Some(other), !is_at_or_below(other.as_str(), one.as_str())),
            (one, other) => (one.as_ref().or(other.as_ref()), false),
        };
        let tops = self.tops.iter().chain(&more.tops).cloned();
        Self { only: only.cloned(), ..Self::new(tops, self.everything || more.everything || apart) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Person, Program};

    fn rule(path: &str, read: AccessLevel, write: AccessLevel, readers: &[i64], writers: &[i64]) -> SubtreeRule {
        let people = |ids: &[i64]| ids.iter().map(|id| UserId(*id)).collect();
        SubtreeRule { path: PagePath::parse(path).unwrap(), read, write, readers: people(readers), writers: people(writers) }
    }
    fn person(id: i64) -> Actor {
        Actor::Person(Person { id: UserId(id), name: String::new(), email: String::new(), operator: false, through: None })
    }
    fn key(path: &str) -> PageKey {
        PagePath::parse(path).unwrap().key()
    }
    fn rules() -> SubtreeRules {
        SubtreeRules::new(vec![
            rule("Staff", AccessLevel::Approved, AccessLevel::Approved, &[7], &[]),
            rule("Staff/Board", AccessLevel::Admin, AccessLevel::Admin, &[1], &[2]),
            rule("Handbook", AccessLevel::Anonymous, AccessLevel::Admin, &[], &[3]),
        ])
    }
    const APPROVED: Option<MemberFlags> =
        Some(MemberFlags { admin: false, approved: true, allow_read: false, allow_write: false, allow_upload: false });
    const ADMIN: Option<MemberFlags> =
        Some(MemberFlags { admin: true, approved: false, allow_read: false, allow_write: false, allow_upload: false });

    /// Who may do what where, as a matrix: a change of any cell is a change of policy.
    #[test]
    fn who_may_do_what_where() {
        let who: [(&str, Actor, Option<MemberFlags>); 7] = [
            ("anonymous", Actor::Anonymous, None),
            ("stranger 9", person(9), None),
            ("named 7", person(7), None),
            ("approved 1", person(1), APPROVED),
            ("approved 2", person(2), APPROVED),
            ("approved 3", person(3), APPROVED),
            ("admin", person(8), ADMIN),
        ];
        let mut table = String::new();
        for (name, actor, flags) in who {
            table.push_str(&format!("{name:<11}"));
            for path in ["Home", "STAFF", "Staff/Plan", "Staff/Board/Pay", "Handbook/A"] {
                let may = |action| if rules().allow(&actor, flags, action, &key(path)) { 'y' } else { '-' };
                table.push_str(&format!(" {}{}", may(Action::Read), may(Action::Write)));
            }
            table.push('\n');
        }
        let expected = "\
anonymous   yy -- -- -- y-
stranger 9  yy -- -- -- y-
named 7     yy y- y- -- y-
approved 1  yy yy yy y- y-
approved 2  yy yy yy yy y-
approved 3  yy yy yy -- yy
admin       yy yy yy yy yy
";
        assert_eq!(table, expected);
    }

    #[test]
    fn what_is_hidden_is_what_may_not_be_read() {
        for (actor, flags) in
            [(Actor::Anonymous, None), (person(7), None), (person(1), APPROVED), (person(8), ADMIN), (Actor::System, None)]
        {
            let hidden = rules().hidden_from(&actor, flags);
            for path in ["Home", "Staff", "Staffing", "Staff/Plan", "staff/board", "Staff/Board/Pay", "Handbook"] {
                assert_eq!(hidden.covers(key(path).as_str()), !rules().allow(&actor, flags, Action::Read, &key(path)), "{actor:?} {path}");
            }
        }
    }

    #[test]
    fn files_are_hidden_with_their_page() {
        let hidden = rules().hidden_from(&Actor::Anonymous, None);
        for file in ["Staff.md", "staff/Plan.md", "STAFF/pic.png", "Staff/Board/a.pdf", "../b.png"] {
            assert!(hidden.covers_file(file), "{file}");
        }
        for file in ["Home.md", "Staffing.md", "Staffing/pic.png", "robots.txt", "Handbook/x.png"] {
            assert!(!hidden.covers_file(file), "{file}");
        }
        assert!(!Hidden::default().covers_file("../b.png"));
    }

    #[test]
    fn pages_show_nothing_that_some_of_their_readers_may_not_see() {
        let hides = |page: Option<&str>, what: &str| rules().hidden_in(page.map(key).as_ref()).covers(key(what).as_str());
        assert!(hides(None, "Staff") && hides(Some("Home"), "Staff/Plan") && hides(Some("Staff"), "Staff/Board"));
        assert!(!hides(Some("Staff/Board/Pay"), "Staff/Plan") && !hides(Some("Staff/Plan"), "Staff") && !hides(None, "Handbook"));
        assert!(rules().restrict(&key("staff/x")) && !rules().restrict(&key("Handbook")) && !rules().restrict(&key("Home")));
    }

    #[test]
    fn pages_take_their_rules_along() {
        let path = |text| PagePath::parse(text).unwrap();
        let moved = rules().along(&path("staff"), &path("Crew")).unwrap();
        let tops: Vec<&str> = moved.iter().map(|rule| rule.path.as_str()).collect();
        assert_eq!(tops, ["Staff", "Staff/Board", "Handbook", "Crew", "Crew/Board"]);
        assert!(!moved.allow(&person(1), APPROVED, Action::Write, &key("crew/board/pay")));
        assert!(rules().along(&path("Home"), &path("Start")).is_none() && rules().along(&path("Staff/Plan"), &path("Plan")).is_none());
        let opens = |from: &str, to: &str| rules().opens(&key(from), &key(to));
        assert!(opens("Staff/Plan", "Plan") && opens("Staff/Board/Pay", "Staff/Pay") && opens("Staff/Board", "Board"));
        assert!(!opens("Staff", "Crew") && !opens("Home", "Staff/Home") && !opens("Staff/A", "Staff/B") && !opens("Handbook/A", "A"));
    }

    /// A program for a part of the wiki is kept out of the rest, and the rules hold in that part as well: even for who administers the wiki.
    #[test]
    fn a_program_sees_its_part_and_nothing_else() {
        let through = |id, within: &str| {
            let Actor::Person(person) = person(id) else { unreachable!() };
            let program = Program {
                name: String::new(),
                ceiling: Action::Admin,
                handling: super::super::Handling::Direct,
                within: Some(PagePath::parse(within).unwrap()),
                session: None,
            };
            Actor::Person(Person { through: Some(program), ..person })
        };
        let places = ["Home", "Staff", "Staffing", "Staff/Plan", "STAFF/board", "Staff/Board/Pay", "Handbook/A"];
        for (rules, id, flags, within, seen) in [
            (rules(), 8, ADMIN, "staff", "Staff Staff/Plan STAFF/board Staff/Board/Pay"),
            (rules(), 8, ADMIN, "Staff/Board", "STAFF/board Staff/Board/Pay"),
            (rules(), 3, APPROVED, "Staff", "Staff Staff/Plan"),
            (rules(), 3, APPROVED, "Staff/Board", ""),
            (SubtreeRules::default(), 3, APPROVED, "Handbook", "Handbook/A"),
            (SubtreeRules::default(), 3, APPROVED, "Nowhere", ""),
        ] {
            let actor = through(id, within);
            let hidden = rules.hidden_from(&actor, flags);
            let may = |place: &&&str| rules.allow(&actor, flags, Action::Read, &key(place));
            assert_eq!(places.iter().filter(may).copied().collect::<Vec<_>>().join(" "), seen, "{within}");
            assert!(rules.concern(&actor) && !hidden.is_empty() && hidden.covers_file("robots.txt"));
            for place in places {
                assert_eq!(hidden.covers(key(place).as_str()), !may(&&place), "{within} {place}");
                assert_eq!(hidden.covers_file(&format!("{place}/x.png")), !may(&&place), "{within} {place}");
            }
        }
        let both = |one: &str, other: &str| {
            let hidden = |within: &str| SubtreeRules::default().hidden_from(&through(1, within), None);
            places
                .iter()
                .filter(|place| !hidden(one).and(&hidden(other)).covers(key(place).as_str()))
                .copied()
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(
            (both("Staff", "staff/board"), both("Staff/Board", "Staff")),
            ("STAFF/board Staff/Board/Pay".into(), "STAFF/board Staff/Board/Pay".into())
        );
        assert_eq!(both("Staff", "Handbook"), "");
    }

    #[test]
    fn damaged_rules_open_nothing() {
        let damaged = SubtreeRules::damaged();
        assert!(
            !damaged.allow(&person(1), APPROVED, Action::Read, &key("Home"))
                && damaged.allow(&person(8), ADMIN, Action::Read, &key("Home"))
        );
        assert!(damaged.hidden_from(&Actor::Anonymous, None).covers_file("robots.txt") && damaged.restrict(&key("Home")));
        assert!(damaged.hidden_in(Some(&key("Home"))).covers("home"));
    }
}
