//! What an administrator changes: preferences and members. Published pages follow before the answer.

use crate::db::wiki_db::Member;
use crate::publish;
use crate::scope::{Admin, Scope};
use holt_core::{Error, MemberFlags, Result, UserId};

/// Changes preferences. A wiki that becomes private is taken off public view before this returns (security.md CDN-5).
pub fn set_preferences(scope: &Scope<'_, Admin>, rows: &[(&str, &str)]) -> Result<()> {
    if rows.iter().any(|(_, value)| value.len() > 64 * 1024) {
        return Err(Error::too_large("a setting is longer than 64 KiB"));
    }
    let wiki = scope.wiki();
    // What was public may not be any more: a crash before the pages follow is made up for at the next start.
    wiki.mark_dirty()?;
    wiki.db()?.set_preferences(rows.iter().copied())?;
    wiki.shared.directory.set_wiki_name(wiki.id(), &wiki.preferences()?.site_name)?;
    publish::settings_changed(wiki)
}

/// The members of the wiki.
pub fn members(scope: &Scope<'_, Admin>) -> Result<Vec<Member>> {
    scope.wiki().db()?.members()
}

/// Makes people members, or changes what they may do; all or none. The last administrator stays one.
pub fn put_members(scope: &Scope<'_, Admin>, members: &[Member]) -> Result<()> {
    scope.wiki().db()?.change_members(members)?;
    publish::settings_changed(scope.wiki())
}

/// Makes somebody no member any more, and ends what opens this wiki to them. The last administrator stays.
pub fn remove_member(scope: &Scope<'_, Admin>, user: UserId) -> Result<()> {
    scope.wiki().db()?.remove_member(user)?;
    scope.wiki().shared.directory.lock_out(user, scope.wiki().id())?;
    publish::settings_changed(scope.wiki())
}

/// Somebody accepted an invitation: they are an approved member, and have what it gives beside what they had.
pub fn admit(wiki: &crate::Wiki, user: UserId, given: MemberFlags) -> Result<()> {
    let now = wiki.shared.clock.now();
    let db = wiki.db()?;
    let known = db.member(user)?;
    let had = known.map(|member| member.flags).unwrap_or_default();
    let flags = MemberFlags { approved: true, ..had.and(given) };
    db.put_member(&Member { user, flags, first_seen: known.map_or(now, |member| member.first_seen), last_seen: now })?;
    publish::settings_changed(wiki)
}

/// Somebody registered: they become a member without rights, or approved if the wiki says so.
pub fn join(wiki: &crate::Wiki, user: UserId) -> Result<()> {
    let approved = wiki.preferences()?.is_on("AUTO_APPROVAL");
    let now = wiki.shared.clock.now();
    let flags = MemberFlags { approved, ..Default::default() };
    if wiki.db()?.member(user)?.is_none() {
        wiki.db()?.put_member(&Member { user, flags, first_seen: now, last_seen: now })?;
        publish::settings_changed(wiki)?;
    }
    Ok(())
}
