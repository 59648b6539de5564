//! What looks like a secret in a text. It is said where and of what kind, never which: reports go to more people than should know.
//!
//! Sure signs are the beginnings that services give their keys. Besides, what is called a password or a key and is followed by letters and
//! digits in no order. Examples of documentations, and what stands for something to fill in, are left out.

use regex::Regex;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Most that are told of a page.
const MOST: usize = 20;

/// A kind of secrets: whose, what it looks like, and how many of its letters are the same in all of them.
struct Kind {
    of: &'static str,
    looks: &'static str,
    known: usize,
}

const KINDS: &[Kind] = &[
    Kind { of: "AWS", looks: r"(?:AKIA|ASIA)[0-9A-Z]{16}\b", known: 4 },
    Kind { of: "GitHub", looks: r"gh[pousr]_[0-9A-Za-z]{36,255}\b", known: 4 },
    Kind { of: "GitHub", looks: r"github_pat_[0-9A-Za-z_]{22,255}\b", known: 11 },
    Kind { of: "GitLab", looks: r"glpat-[0-9A-Za-z_-]{20,64}", known: 6 },
    Kind { of: "Slack", looks: r"xox[abeprs]-[0-9A-Za-z-]{10,255}", known: 5 },
    Kind { of: "Google", looks: r"AIza[0-9A-Za-z_-]{35}", known: 4 },
    Kind { of: "Stripe", looks: r"[rs]k_live_[0-9A-Za-z]{16,255}\b", known: 8 },
    Kind { of: "Anthropic", looks: r"sk-ant-[0-9A-Za-z_-]{20,255}", known: 7 },
    Kind { of: "OpenAI", looks: r"sk-proj-[0-9A-Za-z_-]{20,255}", known: 8 },
    Kind { of: "Holt", looks: r"holt[acqrs]?_[0-9A-Za-z_-]{32,64}", known: 5 },
    Kind { of: "JWT", looks: r"eyJ[0-9A-Za-z_-]{8,2048}\.eyJ[0-9A-Za-z_-]{8,4096}\.[0-9A-Za-z_-]{8,1024}", known: 3 },
];

/// All kinds, one group for each.
static TOKENS: LazyLock<Regex> = LazyLock::new(|| {
    let kinds: Vec<String> = KINDS.iter().map(|kind| format!("({})", kind.looks)).collect();
    Regex::new(&format!(r"(?-u)\b(?:{})", kinds.join("|"))).expect("a constant, which a test compiles")
});
static PRIVATE_KEY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?-u)-----BEGIN (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY(?: BLOCK)?-----").expect("a constant, which a test compiles")
});
/// What is called a secret, and its value.
static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    let name = r"(password|passwd|pwd|passphrase|secret|api[_-]?key|access[_-]?key|client[_-]?secret|auth[_-]?token|access[_-]?token)";
    let value = r#"([0-9A-Za-z!@#%^&*+=~?.,:;_/-]{10,256})"#;
    Regex::new(&format!(r#"(?i-u)\b{name}["']?[ \t]{{0,3}}[:=][ \t]{{0,3}}["'`]?{value}"#)).expect("a constant, which a test compiles")
});

/// The line, from 1, and kind of each thing in `text` that looks like a secret, in order; of a line one at most.
pub(super) fn find(text: &str) -> Vec<(usize, String)> {
    let mut found: BTreeMap<usize, String> = BTreeMap::new();
    for one in PRIVATE_KEY.find_iter(text).take(MOST) {
        found.insert(one.start(), "PRIVATE KEY".into());
    }
    for groups in TOKENS.captures_iter(text).take(MOST) {
        let Some((at, one)) = groups.iter().skip(1).enumerate().find_map(|(at, group)| Some((at, group?))) else { continue };
        if let Some(kind) = KINDS.get(at).filter(|_| !is_made_up(one.as_str())) {
            found.insert(one.start(), format!("{} {}…", kind.of, &one.as_str()[..kind.known]));
        }
    }
    for groups in NAMED.captures_iter(text).take(MOST) {
        let (Some(name), Some(value)) = (groups.get(1), groups.get(2)) else { continue };
        if is_random(value.as_str()) && !is_made_up(value.as_str()) {
            found.entry(name.start()).or_insert_with(|| format!("{}=…", name.as_str().to_lowercase()));
        }
    }
    let (mut line, mut counted) = (1, 0);
    let mut lines: Vec<(usize, String)> = Vec::new();
    for (at, what) in found {
        line += text.as_bytes()[counted..at].iter().filter(|b| **b == b'\n').count();
        counted = at;
        match lines.last_mut() {
            // A token says more than that it is called one.
            Some((last, known)) if *last == line => {
                if known.ends_with("=…") {
                    *known = what;
                }
            }
            _ => lines.push((line, what)),
        }
    }
    lines.truncate(MOST);
    lines
}

/// Whether it is an example, or stands for something to fill in.
fn is_made_up(value: &str) -> bool {
    let lower = value.to_lowercase();
    let words =
        ["example", "changeme", "change-me", "change_me", "placeholder", "your", "xxxx", "....", "****", "dummy", "redacted", "123456789"];
    words.iter().any(|word| lower.contains(word))
}

/// Whether letters and digits follow each other in no order: not words, addresses, paths or calls.
fn is_random(value: &str) -> bool {
    let both = value.bytes().any(|b| b.is_ascii_digit()) && value.bytes().any(|b| b.is_ascii_alphabetic());
    if !both || value.contains("://") || value.starts_with('/') {
        return false;
    }
    let mut counts = [0_u32; 256];
    for byte in value.bytes() {
        counts[usize::from(byte)] += 1;
    }
    let length = f64::from(u32::try_from(value.len()).unwrap_or(u32::MAX));
    let bits: f64 = counts.iter().filter(|n| **n > 0).map(|n| f64::from(*n) / length).map(|share| -share * share.log2()).sum();
    bits >= 3.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whats(text: &str) -> Vec<String> {
        find(text).into_iter().map(|(line, what)| format!("{line} {what}")).collect()
    }

    #[test]
    fn beginnings_of_services_are_known() {
        let long = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0";
        let text = format!(
            "x\nAKIA{}\nghp_{long}\ngithub_pat_{long}\nglpat-{}\nxoxb-1111111111-abc\nAIza{}\nsk_live_{long}\nsk-ant-{long}\nsk-proj-{long}\nholt_{long}\neyJ{long}.eyJ{long}.{long}\n-----BEGIN OPENSSH PRIVATE KEY-----\n",
            "Z7Q2J5K8M1N4P6R9",
            &long[..20],
            &long[..35]
        );
        assert_eq!(
            whats(&text),
            [
                "2 AWS AKIA…",
                "3 GitHub ghp_…",
                "4 GitHub github_pat_…",
                "5 GitLab glpat-…",
                "6 Slack xoxb-…",
                "7 Google AIza…",
                "8 Stripe sk_live_…",
                "9 Anthropic sk-ant-…",
                "10 OpenAI sk-proj-…",
                "11 Holt holt_…",
                "12 JWT eyJ…",
                "13 PRIVATE KEY"
            ]
        );
    }

    #[test]
    fn what_is_called_a_secret_and_looks_like_one_is_one() {
        assert_eq!(
            whats("a\n\nDB_PASSWORD: x\npassword = 'kR7v!pQ2zLw9'\napi_key: \"9f8e7d6c5b4a3f2e1d0c\""),
            ["4 password=…", "5 api_key=…"]
        );
        // A token says more than its name.
        assert_eq!(whats("secret: ghp_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"), ["1 GitHub ghp_…"]);
    }

    #[test]
    fn words_and_examples_are_none() {
        for text in [
            "AKIAIOSFODNN7EXAMPLE",
            "password: changeme1234",
            "password = correct-horse-battery-staple",
            "secret: https://vault.example.org/a1b2c3",
            "password: your-password-1",
            "access_token=xxxxxxxxxxxx1",
            "The password is long.",
            "snakeholt_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6",
            "AKIA1234",
            "",
        ] {
            assert_eq!(whats(text), [""; 0], "{text}");
        }
    }
}
