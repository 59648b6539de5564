//! F1: any text as a page.
#![no_main]

#[path = "../../crates/markdown/tests/it/invariants.rs"]
mod invariants;

libfuzzer_sys::fuzz_target!(|source: &str| invariants::hold(source));
