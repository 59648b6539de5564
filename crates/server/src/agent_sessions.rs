//! Which session an agent works in that does not say so itself. The protocol remembers nothing between two messages; people who look at what an
//! agent did want to see what it did in one go. In memory alone: after a restart everybody begins a new one.

use crate::api::credentials::Identity;
use holt_core::{SessionName, WikiId};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Seconds without a call after which a session is over.
const OVER: i64 = 30 * 60;
/// Most that are remembered. Whoever finds no room has a session a call.
const MOST: usize = 10_000;

/// Of whom a session is: in a wiki, with a token, and what the client calls itself.
type Whose = (WikiId, Identity, String);

/// The sessions that go on.
#[derive(Debug, Default)]
pub struct AgentSessions {
    open: Mutex<HashMap<Whose, (SessionName, i64)>>,
}

impl AgentSessions {
    /// The session of `client`, which asks now. None only if the system has no random numbers.
    pub fn of(&self, wiki: WikiId, identity: &Identity, client: &str, now: i64) -> Option<SessionName> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let whose = (wiki, identity.clone(), client.to_string());
        if let Some((name, seen)) = open.get_mut(&whose)
            && now.saturating_sub(*seen) < OVER
        {
            *seen = (*seen).max(now);
            return Some(name.clone());
        }
        if open.len() >= MOST {
            open.retain(|_, (_, seen)| now.saturating_sub(*seen) < OVER);
        }
        let name = fresh()?;
        if open.len() < MOST || open.contains_key(&whose) {
            open.insert(whose, (name.clone(), now));
        }
        Some(name)
    }
}

/// A name that nothing else has.
pub fn fresh() -> Option<SessionName> {
    let mut random = [0; 6];
    getrandom::fill(&mut random).ok()?;
    let digits: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    SessionName::parse(&digits).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_after_half_an_hour_of_silence_and_belongs_to_one_client() {
        let sessions = AgentSessions::default();
        let wiki = WikiId::from_random(7);
        let of = |token, client: &str, now| sessions.of(wiki, &Identity::Token(token), client, now).unwrap();
        let first = of(1, "otter", 0);
        assert_eq!(of(1, "otter", OVER - 1), first);
        assert_eq!(of(1, "otter", 2 * OVER - 2), first, "each call makes it last");
        assert_ne!(of(1, "otter", 3 * OVER - 2), first);
        assert_ne!(of(1, "badger", 10), of(1, "otter", 10));
        assert_ne!(of(2, "otter", 10), of(1, "otter", 10));
        assert_eq!(first.as_str().len(), 12);
    }

    #[test]
    fn a_full_table_remembers_those_it_has_and_makes_room_for_others_when_they_are_silent() {
        let sessions = AgentSessions::default();
        let wiki = WikiId::from_random(7);
        let of = |token, now| sessions.of(wiki, &Identity::Token(token), "otter", now).unwrap();
        let all: Vec<_> = (0..i64::try_from(MOST).unwrap()).map(|token| of(token, 0)).collect();
        assert_ne!(of(-1, 1), of(-1, 1), "no room");
        assert_eq!(of(7, 1), all[7]);
        assert_eq!(of(-1, OVER), of(-1, OVER + 1), "room again");
        assert_eq!(sessions.open.lock().unwrap().len(), 2);
    }
}
