//! What an administrator changes: preferences and members. Published pages follow before the answer.

use crate::db::wiki_db::Member;
use crate::publish;
use crate::scope::{Admin, Scope};
use holt_core::{Error, Result, UserId};

/// Changes preferences. A wiki that becomes private is taken off public view before this returns (security.md CDN-5).
pub fn set_preferences(scope: &Scope<'_, Admin>, rows: &[(&str, &str)]) -> Result<()> {
    if rows.iter().any(|(_, value)| value.len() > 64 * 1024) {
        return Err(Error::too_large("a setting is longer than 64 KiB"));
    }
    scope.wiki().db()?.set_preferences(rows.iter().copied())?;
    let wiki = scope.wiki();
    wiki.shared.directory.set_wiki_name(wiki.id(), &wiki.preferences()?.site_name)?;
    publish::settings_changed(wiki)
}

/// The members of the wiki.
pub fn members(scope: &Scope<'_, Admin>) -> Result<Vec<Member>> {
    scope.wiki().db()?.members()
}

/// Makes somebody a member, or changes what they may do.
pub fn put_member(scope: &Scope<'_, Admin>, member: &Member) -> Result<()> {
    scope.wiki().db()?.put_member(member)?;
    publish::settings_changed(scope.wiki())
}

/// Somebody registered: they become a member without rights, or approved if the wiki says so.
pub fn join(wiki: &crate::Wiki, user: UserId) -> Result<()> {
    let approved = wiki.preferences()?.get("AUTO_APPROVAL").is_some_and(|value| matches!(value.to_lowercase().as_str(), "true" | "yes"));
    let now = wiki.shared.clock.now();
    let flags = holt_core::MemberFlags { approved, ..Default::default() };
    if wiki.db()?.member(user)?.is_none() {
        wiki.db()?.put_member(&Member { user, flags, first_seen: now, last_seen: now })?;
        publish::settings_changed(wiki)?;
    }
    Ok(())
}
