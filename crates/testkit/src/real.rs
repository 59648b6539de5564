//! Where real things are on this machine: a browser, the data shared between projects. And how a test says that it goes without.

use std::io::Write as _;
use std::path::{Path, PathBuf};

/// A Chromium-like browser: `HOLT_CHROMIUM`, else what the PATH has.
pub fn chromium() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("HOLT_CHROMIUM") {
        return Some(path.into());
    }
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome"];
    std::env::split_paths(&path).flat_map(|dir| names.map(|name| dir.join(name))).find(|program| program.is_file())
}

/// The sentence model that `scripts/test-tools.sh` lays beside what Cargo builds, or the one that `HOLT_TEST_MODEL` names.
pub fn sentence_model() -> Option<PathBuf> {
    let built = std::env::current_exe().ok()?;
    let beside = || built.ancestors().skip(1).map(|dir| dir.join("sentence-model")).find(|dir| dir.is_dir());
    std::env::var_os("HOLT_TEST_MODEL").map(PathBuf::from).or_else(beside).filter(|dir| dir.join("model.safetensors").is_file())
}

/// Real input kept outside the project, `../shared/corpus`; absent in a clone of the project alone.
pub fn shared_corpus() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.join("../shared/corpus").canonicalize().ok().filter(|dir| dir.is_dir())
}

/// Says on the terminal, past the test runner's capture, that `test` skips. Prefer [`crate::skip!`].
///
/// # Panics
/// Where `HOLT_TESTS_REQUIRE=all` and what is missing is a program, not data kept outside the project.
pub fn report_skip(test: &str, reason: &str) {
    let required = std::env::var_os("HOLT_TESTS_REQUIRE").is_some_and(|value| value == "all");
    assert!(!required || reason.contains("shared"), "{test} may not skip here: {reason}");
    // A closed terminal is no reason to fail a test.
    let _ = writeln!(std::io::stderr(), "SKIPPED {test}: {reason}");
}
