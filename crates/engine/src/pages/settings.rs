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

/// Makes people members, or changes what they may do; all or none. The last administrator stays one, and so does the owner.
pub fn put_members(scope: &Scope<'_, Admin>, members: &[Member]) -> Result<()> {
    if let Some(owner) = owner(scope.wiki())?
        && members.iter().any(|member| member.user == owner && !(member.flags.admin && member.flags.approved))
    {
        return Err(owner_stays());
    }
    check_member_limit(scope.wiki(), &members.iter().map(|member| member.user).collect::<Vec<_>>())?;
    scope.wiki().db()?.change_members(members)?;
    publish::settings_changed(scope.wiki())
}

/// Makes somebody no member any more, and ends what opens this wiki to them. The last administrator stays, and so does the owner.
pub fn remove_member(scope: &Scope<'_, Admin>, user: UserId) -> Result<()> {
    if owner(scope.wiki())? == Some(user) {
        return Err(owner_stays());
    }
    scope.wiki().db()?.remove_member(user)?;
    scope.wiki().shared.directory.lock_out(user, scope.wiki().id())?;
    publish::settings_changed(scope.wiki())
}

/// Somebody accepted an invitation: they are an approved member, and have what it gives beside what they had.
pub fn admit(wiki: &crate::Wiki, user: UserId, given: MemberFlags) -> Result<()> {
    let now = wiki.shared.clock.now();
    let db = wiki.db()?;
    let known = db.member(user)?;
    check_member_limit(wiki, &[user])?;
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
        check_member_limit(wiki, &[user])?;
        wiki.db()?.put_member(&Member { user, flags, first_seen: now, last_seen: now })?;
        publish::settings_changed(wiki)?;
    }
    Ok(())
}

fn owner(wiki: &crate::Wiki) -> Result<Option<UserId>> {
    Ok(wiki.shared.directory.wiki(wiki.id())?.and_then(|record| record.owner))
}

fn owner_stays() -> Error {
    Error::invalid("the owner of a wiki stays its administrator").hint("Give the wiki to somebody else first.")
}

/// Refuses more members than the wiki may have; who is one already may be changed however many there are.
fn check_member_limit(wiki: &crate::Wiki, users: &[UserId]) -> Result<()> {
    let Some(most) = wiki.shared.directory.limits(wiki.id())?.members else { return Ok(()) };
    let there: Vec<UserId> = wiki.db()?.members()?.into_iter().map(|member| member.user).collect();
    let new = users.iter().filter(|user| !there.contains(user)).count();
    if new > 0 && there.len() + new > most as usize {
        return Err(Error::too_large(format!("this wiki has at most {most} members"))
            .hint("Remove somebody who is no longer there, or ask whoever runs the server for a larger plan."));
    }
    Ok(())
}
