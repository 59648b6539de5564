//! Accounts: passwords, and the rules for what people and addresses may be called. Stores through [`Directory`], knows no SQL.

pub mod password;

pub use crate::directory::Rank;

use crate::clock::Clock;
use crate::directory::{Directory, NewUser};
use holt_core::{Error, Result};

/// Longest mail address, in bytes.
const EMAIL_BYTES: usize = 254;
/// Longest name, in characters.
const NAME_CHARS: usize = 50;

/// A mail address, trimmed and in lower case. `Invalid` if nobody could be written to there.
pub fn check_email(text: &str) -> Result<String> {
    let email = text.trim().to_lowercase();
    let refused = || Error::invalid("that is not a mail address").hint("Write it like name@example.org.");
    let (local, domain) = email.rsplit_once('@').ok_or_else(refused)?;
    let harmless = |c: char| !c.is_control() && !c.is_whitespace() && !"\"(),:;<>@[\\]".contains(c);
    let dots = |part: &str| !part.starts_with('.') && !part.ends_with('.') && !part.contains("..");
    let local_good = (1..=64).contains(&local.len()) && local.chars().all(harmless) && dots(local);
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if email.len() > EMAIL_BYTES || !local_good || !domain.split('.').all(label) {
        return Err(refused());
    }
    Ok(email)
}

/// A name for a person, trimmed: one line, at most 50 characters, with a letter or digit in it. It goes into commits, so `<` and `>` stay out.
pub fn check_name(text: &str) -> Result<String> {
    let name = text.trim();
    let invisible = |c: char| {
        c.is_control()
            || matches!(c, '<' | '>' | '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
    };
    if name.chars().count() > NAME_CHARS {
        return Err(Error::invalid(format!("the name is longer than {NAME_CHARS} characters")).hint("Shorten the name."));
    }
    if !name.chars().any(char::is_alphanumeric) || name.chars().any(invisible) {
        return Err(Error::invalid("that is not a name to be called by").hint("Use letters, spaces, hyphens and apostrophes."));
    }
    Ok(name.to_string())
}

/// What [`add`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// There is a new account.
    New,
    /// There was one; it has a new password, and whoever was logged in with it is logged out.
    PasswordChanged,
}

/// Makes an account with a password, or gives an existing one a new password. A rank of operator is given, never taken away.
pub fn add(directory: &Directory, clock: &Clock, email: &str, name: Option<&str>, password: &str, rank: Rank) -> Result<Added> {
    let email = check_email(email)?;
    let name = name.map(check_name).transpose()?;
    password::check(password)?;
    let hash = password::hash(password)?;
    if let Some(known) = directory.user_by_email(&email)? {
        directory.set_password_hash(known.id, Some(&hash))?;
        if let Some(name) = &name {
            directory.set_name(known.id, name)?;
        }
        if rank == Rank::Operator {
            directory.set_rank(known.id, rank)?;
        }
        directory.end_all_sessions(known.id)?;
        return Ok(Added::PasswordChanged);
    }
    let default = email.split('@').next().unwrap_or_default();
    let now = clock.now();
    let user = NewUser {
        email: &email,
        name: name.as_deref().unwrap_or(default),
        password_hash: Some(&hash),
        rank,
        email_confirmed: true,
        created: now,
        last_seen: now,
    };
    directory.create_user(&user)?;
    Ok(Added::New)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, email) in [
            (" Ann@Example.ORG ", "ann@example.org"),
            ("o'neill+wiki@mail.example.co", "o'neill+wiki@mail.example.co"),
            ("a@localhost", "a@localhost"),
        ] {
            assert_eq!(check_email(text).unwrap(), email);
        }
        let long = format!("{}@example.org", "a".repeat(65));
        for bad in [
            "",
            "ann",
            "@example.org",
            "ann@",
            "a b@example.org",
            "a<b@example.org",
            "a@b@c",
            "a..b@example.org",
            "a@-x.org",
            "a@x..org",
            "a\n@example.org",
            &long,
        ] {
            assert!(check_email(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn names() {
        for good in ["Olga O'Neill", "Jean-Luc", "山田太郎", "R2D2", "Ö"] {
            assert_eq!(check_name(good).unwrap(), good);
        }
        for bad in ["", "  ", "--", "a\nb", "Eve <root>", "a\u{202E}b", &"x".repeat(51)] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
    }
}
