//! What people are called elsewhere, as others see it: in lists of members. A handle of the AT Protocol can be somebody else's tomorrow, so it is looked at
//! daily (spec/platform.md §3.3), in both directions, as when somebody logs in. It opens nothing.

use crate::elsewhere::Elsewhere;
use holt_core::Result;
use holt_engine::directory::{Directory, Identity, UserRecord};

/// Looked at in one round.
const LOOKS: usize = 10;
/// A label is good for so long, in seconds.
const GOOD: i64 = 86_400;

/// Looks at labels that were not looked at for a day, as long as `go_on` says so. One that cannot be looked at keeps what is known, and is asked for again
/// tomorrow: a server that is down takes nobody's name.
pub fn check_due(directory: &Directory, elsewhere: &Elsewhere, now: i64, go_on: impl Fn() -> bool) -> Result<()> {
    for (provider, moving) in elsewhere.with_moving_labels() {
        for subject in directory.identities_to_look_at(provider, now.saturating_sub(GOOD), LOOKS)? {
            if !go_on() {
                return Ok(());
            }
            let label = moving.label_today(&subject).unwrap_or_else(|error| {
                tracing::debug!("could not look what {subject} is called: {}", error.chain());
                None
            });
            directory.identity_looked_at(Identity { provider, subject: &subject }, label.as_deref(), now)?;
        }
    }
    Ok(())
}

/// What others see as somebody's address, if that is only the number by which they are known: their handle. Whoever has a mail address here is shown by
/// that: with what else it is connected is theirs to know.
pub fn shown(directory: &Directory, user: &UserRecord) -> Result<Option<String>> {
    let Some(subject) = user.email.strip_prefix('@') else { return Ok(None) };
    let all = directory.identities_of(user.id)?;
    let handle = all.into_iter().find(|one| one.subject == subject && one.label != one.subject && !one.label.is_empty());
    Ok(handle.map(|one| format!("@{}", one.label)))
}
