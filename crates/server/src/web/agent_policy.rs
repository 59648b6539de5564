//! `/-/admin/agent_policy`: what programs may change where, and what has to wait until somebody accepts it (docs/review.md).

use super::views::{AgentPolicyView, AgentRuleRow, Choice, Problem, tabs};
use super::{Context, audit, problem};
use crate::reply::{Reply, see_other};
use holt_core::{AgentPolicy, ClientPattern, Error, ErrorKind, Handling, POLICY_RULES, PagePath, PolicyRule, Result};
use holt_engine::db::preferences::agent_policy_text;
use holt_engine::{Admin, pages};
use http::StatusCode;

const PATH: &str = "/-/admin/agent_policy";

/// Days that a proposal may wait.
const DAYS: std::ops::RangeInclusive<u16> = 1..=365;

const HANDLINGS: [(Handling, &str); 3] =
    [(Handling::Direct, "Are made"), (Handling::Propose, "Wait until somebody accepts them"), (Handling::Deny, "Are refused")];

/// A rule as it stands in the form.
struct Typed {
    client: String,
    path: String,
    handling: String,
}

/// `GET`
pub fn form(context: &Context<'_>) -> Result<Reply> {
    form_with(context, StatusCode::OK, None)
}

/// The policy as it is stored.
fn form_with(context: &Context<'_>, status: StatusCode, said: Option<Problem>) -> Result<Reply> {
    let preferences = context.preferences()?;
    let policy = &preferences.agent_policy;
    let typed = policy.iter().map(|rule| Typed {
        client: rule.client.to_string(),
        path: rule.path.as_ref().map(ToString::to_string).unwrap_or_default(),
        handling: rule.handling.as_str().to_string(),
    });
    let damaged = policy.is_damaged().then(|| Problem {
        message: "The stored rules cannot be read.".into(),
        hint: Some("Until you save rules here, programs change nothing.".into()),
    });
    show(context, status, typed.collect(), &preferences.proposal_days.to_string(), said.or(damaged))
}

/// `POST`
pub fn set(context: &Context<'_>) -> Result<Reply> {
    let typed = typed(context);
    let stored = context.preferences()?.get("AGENT_POLICY").unwrap_or_default().to_string();
    if context.request.body.get("before") != stored {
        let error =
            Error::conflict("somebody changed the rules after this form was made").hint("These are the rules of now: change them again.");
        return form_with(context, StatusCode::CONFLICT, Some(problem(&error)));
    }
    let days = typed_days(context)?;
    let saved = checked(&typed).and_then(|policy| {
        let (policy_text, days) = (agent_policy_text(&policy), checked_days(&days)?);
        pages::set_preferences(&context.scope::<Admin>()?, &[("AGENT_POLICY", &policy_text), ("PROPOSAL_DAYS", &days)])?;
        let clients: Vec<&str> = policy.iter().map(|rule| rule.client.as_str()).collect();
        audit::done(context, "wiki.agent_policy", &clients.join(", "));
        Ok(())
    });
    match saved {
        Ok(()) => Ok(see_other(&format!("{PATH}?saved=1"))),
        Err(error) if error.kind == ErrorKind::Internal => Err(error),
        Err(error) => show(context, crate::error::status(&error), typed, &days, Some(problem(&error))),
    }
}

/// What was sent, without rules that name no client.
fn typed(context: &Context<'_>) -> Vec<Typed> {
    let form = &context.request.body;
    let column = |name: &'static str| form.all(name).map(|value| value.trim().to_string()).collect::<Vec<_>>();
    let [path, handling] = ["path", "handling"].map(column);
    let at = |column: &[String], row: usize| column.get(row).cloned().unwrap_or_default();
    let row = |(row, client)| Typed { client, path: at(&path, row), handling: at(&handling, row) };
    column("client").into_iter().enumerate().map(row).filter(|rule| !rule.client.is_empty()).collect()
}

/// How long proposals wait, as it was typed; what holds now, if the form has no such field.
fn typed_days(context: &Context<'_>) -> Result<String> {
    let now = || Ok(context.preferences()?.proposal_days.to_string());
    context.request.body.find("days").map_or_else(now, |days| Ok(days.trim().to_string()))
}

fn checked_days(typed: &str) -> Result<String> {
    let days = typed.parse::<u16>().ok().filter(|days| DAYS.contains(days));
    days.map(|days| days.to_string()).ok_or_else(|| {
        Error::invalid("a proposal cannot wait for so many days").hint(format!("Choose {} to {} days.", DAYS.start(), DAYS.end()))
    })
}

fn checked(typed: &[Typed]) -> Result<AgentPolicy> {
    if typed.len() > POLICY_RULES {
        return Err(Error::invalid(format!("a wiki has at most {POLICY_RULES} rules")).hint("Use * for several clients at once."));
    }
    let rule = |rule: &Typed| {
        Ok(PolicyRule {
            client: ClientPattern::parse(&rule.client)?,
            path: match rule.path.trim_matches('/') {
                "" => None,
                path => Some(PagePath::parse(path)?),
            },
            handling: Handling::parse(&rule.handling)
                .ok_or_else(|| Error::invalid("there is no such choice").hint("Choose one of the list."))?,
        })
    };
    Ok(AgentPolicy::new(typed.iter().map(rule).collect::<Result<_>>()?))
}

fn show(context: &Context<'_>, status: StatusCode, typed: Vec<Typed>, days: &str, problem: Option<Problem>) -> Result<Reply> {
    let choices = |chosen: &str| {
        let choice = |(handling, label): (Handling, &str)| Choice {
            value: handling.as_str().to_string(),
            label: label.to_string(),
            chosen: handling.as_str() == chosen,
        };
        HANDLINGS.map(choice).to_vec()
    };
    let row =
        |(is_new, rule): (bool, Typed)| AgentRuleRow { is_new, handling: choices(&rule.handling), client: rule.client, path: rule.path };
    let fresh = Typed { client: String::new(), path: String::new(), handling: Handling::Propose.as_str().to_string() };
    let rules = typed.into_iter().map(|rule| (false, rule)).chain([(true, fresh)]).map(row).collect();
    let notice = context.request.query("saved").map(|_| "Saved.".to_string());
    let before = context.preferences()?.get("AGENT_POLICY").unwrap_or_default().to_string();
    let view = |csrf| AgentPolicyView { csrf, before, tabs: tabs(PATH), rules, days: days.to_string(), problem, notice };
    context.form(status, "Agents", view)
}
