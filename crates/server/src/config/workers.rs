//! What `holt worker` and `holt workers` are told.

use super::{DataArgs, OutputArgs, ServeArgs};
use crate::workers::Name;
use clap::{Args, Subcommand};

/// `holt worker`.
#[derive(Debug, Args)]
pub struct WorkerArgs {
    /// Which worker
    #[arg(value_name = "NAME", required_unless_present = "all", conflicts_with = "all")]
    pub name: Option<Name>,
    /// All of them, but those that have processes of their own
    #[arg(long)]
    pub all: bool,
    /// End, to be started again, when this process takes more memory: bytes, or a number with K, M or G
    #[arg(long, env = "HOLT_WORKER_MEMORY", value_name = "BYTES", value_parser = bytes)]
    pub memory: Option<u64>,
    /// What the server is told.
    #[command(flatten)]
    pub server: ServeArgs,
}

/// `holt workers`.
#[derive(Debug, Subcommand)]
pub enum WorkersCommand {
    /// Say what each is doing, what waits, and what failed
    #[command(after_help = "Example:\n  holt workers status --data /srv/holt --json")]
    Status {
        /// Where the data is.
        #[command(flatten)]
        data: DataArgs,
        /// Which; all if it is left out
        name: Option<Name>,
        /// How to print.
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Let one rest, in whatever process it is, until it is resumed: over restarts, too
    Pause(ToldArgs),
    /// Let one go on that rests
    Resume(ToldArgs),
    /// Have one begin anew, and try again whatever failed
    Restart(ToldArgs),
}

/// Which worker is told something.
#[derive(Debug, Args)]
pub struct ToldArgs {
    /// Where the data is.
    #[command(flatten)]
    pub data: DataArgs,
    /// Which; all if it is left out
    pub name: Option<Name>,
}

/// Bytes as people write them.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let (digits, unit) = match text.char_indices().last() {
        Some((at, 'K' | 'k')) => (&text[..at], 1 << 10),
        Some((at, 'M' | 'm')) => (&text[..at], 1 << 20),
        Some((at, 'G' | 'g')) => (&text[..at], 1 << 30),
        _ => (text, 1),
    };
    let number: u64 = digits.parse().map_err(|_| "write a number of bytes, like 268435456 or 256M".to_string())?;
    number.checked_mul(unit).filter(|bytes| *bytes >= 32 << 20).ok_or_else(|| "it takes at least 32M".to_string())
}

#[cfg(test)]
mod tests {
    #[test]
    fn sizes_are_read() {
        assert_eq!([super::bytes("256M"), super::bytes("1G"), super::bytes("67108864")], [Ok(256 << 20), Ok(1 << 30), Ok(64 << 20)]);
        assert!(["", "M", "-1M", "10M", "99999999999G"].into_iter().all(|text| super::bytes(text).is_err()));
    }
}
