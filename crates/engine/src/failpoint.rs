//! Named places where a test makes the engine fail or die, one per row of the crash table (ARCHITECTURE.md).
//!
//! Armed per thread, by tests only; in production a hit is one thread-local read.

use holt_core::{Error, Result};
use std::cell::Cell;

thread_local! {
    static ARMED: Cell<Option<(&'static str, Action)>> = const { Cell::new(None) };
}

/// What happens at an armed point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The step returns an error, as if the machine had refused it.
    Fail,
    /// The process dies at once, without running destructors.
    Abort,
}

/// Arms `name` on this thread until [`disarm`].
pub fn arm(name: &'static str, action: Action) {
    ARMED.set(Some((name, action)));
}

/// Disarms this thread.
pub fn disarm() {
    ARMED.set(None);
}

/// Passes the point `name`: an error or death if armed, else nothing.
pub fn hit(name: &'static str) -> Result<()> {
    match ARMED.get() {
        Some((armed, Action::Fail)) if armed == name => Err(Error::internal(format!("failure planned at {name}"))),
        Some((armed, Action::Abort)) if armed == name => std::process::abort(),
        _ => Ok(()),
    }
}
