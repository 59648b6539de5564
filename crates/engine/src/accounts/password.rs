//! Password hashes: Argon2id for new ones, and every form an Otterwiki database may hold (spec/wiki.md §3.9).
//!
//! Stored hashes come from imported databases, so their cost parameters are somebody else's input: dear ones are refused, never computed.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, Version};
use hmac::{Hmac, KeyInit, Mac};
use holt_core::{Error, Result};
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq;

/// Longest password, in bytes: long enough for anybody, short enough to hash.
pub const PASSWORD_BYTES: usize = 1024;
/// Shortest password, in characters.
pub const PASSWORD_CHARS: usize = 8;

/// 19 MiB, two passes, one lane (security.md SES-7).
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Most memory an imported hash may ask for: twice what Otterwiki's own takes.
const MAX_MEMORY: u64 = 64 * 1024 * 1024;
/// Most work, in 128-byte blocks that scrypt mixes: eight times Otterwiki's own.
const MAX_SCRYPT_BLOCKS: u64 = 8 * 32768 * 8;
/// Most PBKDF2 rounds: twice the newest default.
const MAX_ROUNDS: u32 = 2_000_000;
/// The default of the library that Otterwiki uses.
const DEFAULT_ROUNDS: u32 = 1_000_000;
/// Longest salt and longest key that are looked at, in bytes.
const MAX_SALT: usize = 128;
const MAX_KEY: usize = 64;

/// What comparing a password with a hash says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is another password, or the hash is none that can be verified.
    NoMatch,
    /// It is the password.
    Match,
    /// It is the password, and the hash is of an old kind: replace it by [`hash`] now.
    MatchUpgrade,
}

/// Whether somebody may choose this password.
pub fn check(password: &str) -> Result<()> {
    if password.len() > PASSWORD_BYTES {
        return Err(Error::invalid(format!("the password is longer than {PASSWORD_BYTES} bytes")).hint("Choose a shorter one."));
    }
    if password.chars().count() < PASSWORD_CHARS {
        return Err(Error::invalid(format!("the password is shorter than {PASSWORD_CHARS} characters"))
            .hint("Choose a longer one; a few words are fine."));
    }
    Ok(())
}

/// A new hash, as a PHC string. Takes about 30 ms and 19 MiB.
pub fn hash(password: &str) -> Result<String> {
    let refused = |e: &dyn std::fmt::Display| Error::internal(format!("hash a password: {e}"));
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|e| refused(&e))?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash: PasswordHash = argon2::PasswordHasher::hash_password(&argon2, password.as_bytes()).map_err(|e| refused(&e))?;
    Ok(hash.to_string())
}

/// Whether `password` is what `stored` was made from. Unknown and malformed hashes match nothing.
pub fn verify(password: &str, stored: &str) -> Verdict {
    if password.len() > PASSWORD_BYTES {
        return Verdict::NoMatch;
    }
    if stored.starts_with("$argon2") {
        return argon2id(password, stored).unwrap_or(Verdict::NoMatch);
    }
    match werkzeug(password.as_bytes(), stored) {
        Some(true) => Verdict::MatchUpgrade,
        _ => Verdict::NoMatch,
    }
}

/// [`verify`] for whatever the directory has: without account or password hash it takes as long as a new hash and says no (SES-7).
pub fn verify_login(password: &str, stored: Option<&str>) -> Verdict {
    match stored.filter(|stored| !stored.is_empty()) {
        Some(stored) => verify(password, stored),
        None => {
            // Same work, result thrown away: whether the account exists does not show in the time.
            let _ = hash(password.get(..PASSWORD_BYTES).unwrap_or(password));
            Verdict::NoMatch
        }
    }
}

fn argon2id(password: &str, stored: &str) -> Option<Verdict> {
    let hash = PasswordHash::new(stored).ok()?;
    let params = Params::try_from(&hash).ok()?;
    let affordable = u64::from(params.m_cost()) * 1024 <= MAX_MEMORY && params.t_cost() <= 10 && params.p_cost() <= 4;
    if !affordable {
        return None;
    }
    argon2::PasswordVerifier::verify_password(&Argon2::default(), password.as_bytes(), &hash).ok()?;
    let current = stored.starts_with("$argon2id$v=19$") && params.m_cost() >= MEMORY_KIB && params.t_cost() >= PASSES;
    Some(if current { Verdict::Match } else { Verdict::MatchUpgrade })
}

/// `method[:parameters]$salt$hex`. The salt is the text itself, not what it may encode.
fn werkzeug(password: &[u8], stored: &str) -> Option<bool> {
    let mut parts = stored.split('$');
    let (method, salt, hex, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else { return None };
    if salt.is_empty() || salt.len() > MAX_SALT || hex.len() > 2 * MAX_KEY {
        return None;
    }
    let expected = unhex(hex)?;
    let mut computed = vec![0; expected.len()];
    let salt = salt.as_bytes();
    let parameters: Vec<&str> = method.split(':').collect();
    match parameters.as_slice() {
        ["scrypt"] => scrypt(password, salt, [32768, 8, 1], &mut computed)?,
        ["scrypt", n, r, p] => scrypt(password, salt, [number(n)?, number(r)?, number(p)?], &mut computed)?,
        ["pbkdf2"] => pbkdf2(password, salt, "sha256", DEFAULT_ROUNDS, &mut computed)?,
        ["pbkdf2", digest] => pbkdf2(password, salt, digest, DEFAULT_ROUNDS, &mut computed)?,
        ["pbkdf2", digest, rounds] => pbkdf2(password, salt, digest, number(rounds)?, &mut computed)?,
        ["sha256"] => computed = hmac::<Hmac<Sha256>>(salt, password)?,
        ["sha512"] => computed = hmac::<Hmac<Sha512>>(salt, password)?,
        _ => return None,
    }
    Some(computed.ct_eq(&expected).into())
}

fn number(text: &str) -> Option<u32> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

fn scrypt(password: &[u8], salt: &[u8], [n, r, p]: [u32; 3], key: &mut [u8]) -> Option<()> {
    let [blocks, r64, p64] = [n, r, p].map(u64::from);
    let affordable =
        n.is_power_of_two() && n > 1 && r > 0 && p > 0 && 128 * blocks * r64 <= MAX_MEMORY && blocks * r64 * p64 <= MAX_SCRYPT_BLOCKS;
    if !affordable || key.len() != 64 {
        return None;
    }
    let params = scrypt::Params::new(u8::try_from(n.ilog2()).ok()?, r, p).ok()?;
    scrypt::scrypt(password, salt, &params, key).ok()
}

fn pbkdf2(password: &[u8], salt: &[u8], digest: &str, rounds: u32, key: &mut [u8]) -> Option<()> {
    if rounds == 0 || rounds > MAX_ROUNDS {
        return None;
    }
    match (digest, key.len()) {
        ("sha256", 32) => pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, rounds, key),
        ("sha512", 64) => pbkdf2::pbkdf2_hmac::<Sha512>(password, salt, rounds, key),
        _ => return None,
    }
    Some(())
}

fn hmac<M: Mac + KeyInit>(key: &[u8], message: &[u8]) -> Option<Vec<u8>> {
    let mut mac = <M as KeyInit>::new_from_slice(key).ok()?;
    mac.update(message);
    Some(mac.finalize().into_bytes().to_vec())
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect();
    let digits = digits.filter(|d| !d.is_empty() && d.len() % 2 == 0)?;
    Some(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}
