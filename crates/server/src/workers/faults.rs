//! Faults that a test has workers commit, in builds for tests alone: what happens then is the host's affair.

use super::{Budget, Name, Turn};
use std::str::FromStr;
use std::time::Duration;

/// What a worker does instead of its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Panic,
    /// Never ends and never says that it lives.
    Hang,
    /// Takes four gigabytes, slowly enough to be seen.
    Allocate,
    /// Takes memory until it is told to end, once, and keeps it for a while.
    Swell,
}

/// A worker and its fault: `care=panic`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    name: Name,
    deed: Deed,
}

impl FromStr for Fault {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, deed) = text.split_once('=').ok_or("write WORKER=FAULT")?;
        let name = super::NAMES.iter().find(|known| known.as_str() == name).copied().ok_or("there is no such worker")?;
        let deed = match deed {
            "panic" => Deed::Panic,
            "hang" => Deed::Hang,
            "allocate" => Deed::Allocate,
            "swell" => Deed::Swell,
            _ => return Err("faults are panic, hang, allocate and swell".to_string()),
        };
        Ok(Self { name, deed })
    }
}

/// A worker that hangs is found out sooner than usual.
pub(super) fn budget(faults: &[Fault], name: Name, budget: Budget) -> Budget {
    match faults.iter().any(|fault| fault.name == name && fault.deed != Deed::Swell) {
        true => Budget { silence: Duration::from_secs(1), ..budget },
        false => budget,
    }
}

/// Commits the fault of this worker, if it has one.
pub(super) fn commit(faults: &[Fault], name: Name, turn: &Turn<'_>) {
    match faults.iter().find(|fault| fault.name == name).map(|fault| fault.deed) {
        None => {}
        Some(Deed::Panic) => panic!("a planned panic"),
        Some(Deed::Hang) => loop {
            std::hint::spin_loop();
        },
        Some(Deed::Allocate) => {
            let mut kept: Vec<Vec<u8>> = Vec::new();
            for step in 0..1024_u32 {
                kept.push(vec![u8::try_from(step % 251).unwrap_or_default() + 1; 4 << 20]);
                turn.beat();
                std::thread::sleep(Duration::from_millis(5));
            }
            std::hint::black_box(&kept);
        }
        Some(Deed::Swell) => {
            static ONCE: std::sync::Once = std::sync::Once::new();
            ONCE.call_once(|| {
                let mut kept: Vec<Vec<u8>> = Vec::new();
                while turn.goes_on() && kept.len() < 128 {
                    kept.push(vec![u8::try_from(kept.len()).unwrap_or_default() + 1; 4 << 20]);
                    std::thread::sleep(Duration::from_millis(5));
                }
                std::thread::sleep(Duration::from_secs(3));
                std::hint::black_box(&kept);
            });
        }
    }
}
