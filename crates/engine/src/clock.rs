//! What time it is, handed in by whoever starts the engine: tests stop the clock, nothing below reads the machine's.

use std::sync::Arc;

/// Unix seconds, on demand.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> i64 + Send + Sync>);

impl Clock {
    /// A clock that asks `now`.
    pub fn new(now: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }
    /// A clock that stands still.
    pub fn fixed(now: i64) -> Self {
        Self::new(move || now)
    }
    /// Unix seconds.
    pub fn now(&self) -> i64 {
        (self.0)()
    }
}
