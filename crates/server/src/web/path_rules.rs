//! `/-/admin/path_rules`: parts of the wiki that fewer people read or change.

use super::admin::CHOICES;
use super::views::{Choice, PathRuleRow, PathRulesView, Problem, tabs};
use super::{Context, audit, problem};
use crate::reply::{Reply, see_other};
use holt_core::{AccessLevel, Error, ErrorKind, PagePath, Result, SubtreeRule, SubtreeRules, UserId};
use holt_engine::db::preferences::path_access_text;
use holt_engine::{Admin, pages};
use http::StatusCode;
use std::collections::{BTreeMap, BTreeSet};

const PATH: &str = "/-/admin/path_rules";
/// Most rules of a wiki: each is looked at whenever anything of the wiki is read.
const RULES: usize = 50;

/// A rule as it stands in the form.
#[derive(Default)]
struct Typed {
    path: String,
    read: String,
    write: String,
    readers: String,
    writers: String,
}

/// `GET`
pub fn form(context: &Context<'_>) -> Result<Reply> {
    form_with(context, StatusCode::OK, None)
}

/// The rules as they are stored.
fn form_with(context: &Context<'_>, status: StatusCode, said: Option<Problem>) -> Result<Reply> {
    let addresses = addresses(context)?;
    let preferences = context.preferences()?;
    let rules = &preferences.path_access;
    let names = |people: &BTreeSet<UserId>| people.iter().filter_map(|id| addresses.get(id).cloned()).collect::<Vec<_>>().join(", ");
    let typed = rules.iter().map(|rule| Typed {
        path: rule.path.to_string(),
        read: rule.read.as_str().to_string(),
        write: rule.write.as_str().to_string(),
        readers: names(&rule.readers),
        writers: names(&rule.writers),
    });
    let damaged = rules.is_damaged().then(|| Problem {
        message: "The stored rules cannot be read.".into(),
        hint: Some("Until you save rules here, nobody but administrators sees anything of this wiki.".into()),
    });
    show(context, status, typed.collect(), said.or(damaged))
}

/// `POST`
pub fn set(context: &Context<'_>) -> Result<Reply> {
    let typed = typed(context);
    let stored = context.preferences()?.get("PATH_ACCESS").unwrap_or_default().to_string();
    if context.request.body.get("before") != stored {
        let error =
            Error::conflict("somebody changed the rules after this form was made").hint("These are the rules of now: change them again.");
        return form_with(context, StatusCode::CONFLICT, Some(problem(&error)));
    }
    let saved = checked(context, &typed).and_then(|rules| {
        let text = path_access_text(&rules);
        pages::set_preferences(&context.scope::<Admin>()?, &[("PATH_ACCESS", &text)])?;
        let tops: Vec<&str> = rules.iter().map(|rule| rule.path.as_str()).collect();
        audit::done(context, "wiki.path_rules", &tops.join(", "));
        context.app.confirm(context.wiki.id())
    });
    match saved {
        Ok(()) => Ok(see_other(&format!("{PATH}?saved=1"))),
        Err(error) if error.kind == ErrorKind::Internal => Err(error),
        Err(error) => show(context, crate::error::status(&error), typed, Some(problem(&error))),
    }
}

/// The addresses of the members.
fn addresses(context: &Context<'_>) -> Result<BTreeMap<UserId, String>> {
    let directory = context.app.engine.directory();
    let mut found = BTreeMap::new();
    for member in pages::members(&context.scope::<Admin>()?)? {
        found.extend(directory.user(member.user)?.map(|account| (member.user, account.email)));
    }
    Ok(found)
}

/// What was sent, without rules that name no page.
fn typed(context: &Context<'_>) -> Vec<Typed> {
    let form = &context.request.body;
    let column = |name: &'static str| form.all(name).map(|value| value.trim().to_string()).collect::<Vec<_>>();
    let [read, write, readers, writers] = ["read", "write", "readers", "writers"].map(column);
    let at = |column: &[String], row: usize| column.get(row).cloned().unwrap_or_default();
    let row =
        |(row, path)| Typed { path, read: at(&read, row), write: at(&write, row), readers: at(&readers, row), writers: at(&writers, row) };
    column("path").into_iter().enumerate().map(row).filter(|rule| !rule.path.is_empty()).collect()
}

fn checked(context: &Context<'_>, typed: &[Typed]) -> Result<SubtreeRules> {
    if typed.len() > RULES {
        return Err(Error::invalid(format!("a wiki has at most {RULES} rules")).hint("Put pages with the same readers below one page."));
    }
    let addresses = addresses(context)?;
    let mut rules: Vec<SubtreeRule> = Vec::new();
    for rule in typed {
        let path = PagePath::parse(rule.path.trim_matches('/')).map_err(|error| match rule.path.trim_matches('/') {
            "" => Error::invalid("a rule is about a page").hint("Who may read the whole wiki is chosen under General."),
            _ => error,
        })?;
        if rules.iter().any(|other| other.path.key() == path.key()) {
            return Err(Error::invalid(format!("there are two rules for {path}")).hint("Make one of them."));
        }
        let level = |word: &str| {
            let known = CHOICES.iter().find(|(level, _)| level.as_str() == word);
            known.map(|(level, _)| *level).ok_or_else(|| Error::invalid("there is no such choice").hint("Choose one of the list."))
        };
        let people = |text: &str| {
            let words = text.split([',', ';', ' ', '\n', '\t']).filter(|word| !word.is_empty());
            let find = |word: &str| addresses.iter().find(|(_, email)| email.eq_ignore_ascii_case(word)).map(|(id, _)| *id);
            words
                .map(|word| {
                    find(word).ok_or_else(|| {
                        Error::invalid(format!("{word} is no member of this wiki"))
                            .hint("Members are named by their mail addresses, with commas between them.")
                    })
                })
                .collect::<Result<BTreeSet<UserId>>>()
        };
        rules.push(SubtreeRule {
            path,
            read: level(&rule.read)?,
            write: level(&rule.write)?,
            readers: people(&rule.readers)?,
            writers: people(&rule.writers)?,
        });
    }
    Ok(SubtreeRules::new(rules))
}

fn show(context: &Context<'_>, status: StatusCode, typed: Vec<Typed>, problem: Option<Problem>) -> Result<Reply> {
    let choices = |chosen: &str| {
        let choice = |(level, label): (AccessLevel, &str)| Choice {
            value: level.as_str().to_string(),
            label: label.to_string(),
            chosen: level.as_str() == chosen,
        };
        CHOICES.map(choice).to_vec()
    };
    let row = |(is_new, rule): (bool, Typed)| PathRuleRow {
        is_new,
        read: choices(&rule.read),
        write: choices(&rule.write),
        path: rule.path,
        readers: rule.readers,
        writers: rule.writers,
    };
    let admin = || AccessLevel::Admin.as_str().to_string();
    let fresh = Typed { read: admin(), write: admin(), ..Typed::default() };
    let rules = typed.into_iter().map(|rule| (false, rule)).chain([(true, fresh)]).map(row).collect();
    let members = addresses(context)?.into_values().collect();
    let notice = context.request.query("saved").map(|_| "Saved.".to_string());
    let before = context.preferences()?.get("PATH_ACCESS").unwrap_or_default().to_string();
    let view = |csrf| PathRulesView { csrf, before, tabs: tabs(PATH), rules, members, problem, notice };
    context.form(status, "Private pages", view)
}
