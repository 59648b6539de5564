//! For tests only: a wiki from a string, real git with a clean environment, a clock that a test moves, and where real things are.
//!
//! Knows the words of `holt-core` and nothing of the engine or the server.

mod clock;
mod dns;
mod fixture;
mod git;
pub mod lambda;
mod real;
mod robot_wtf;

pub use clock::FixedClock;
pub use dns::{DnsConduct, DnsServer};
pub use fixture::{FixtureCommit, commits};
pub use git::{git, repository};
pub use real::{chromium, report_skip, sentence_model, shared_corpus};
pub use robot_wtf::{ROBOT_BROKEN, ROBOT_GOOD, ROBOT_TOKEN, RunSql, robot_wtf};

/// Leaves the test, saying loudly why: `skip!("no ../shared/corpus here")`. Fails instead where `HOLT_TESTS_REQUIRE=all`, unless what is
/// missing is data kept outside the project.
#[macro_export]
macro_rules! skip {
    ($($reason:tt)*) => {{
        $crate::report_skip(module_path!(), &format!($($reason)*));
        return;
    }};
}
