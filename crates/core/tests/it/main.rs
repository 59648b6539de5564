//! The house rules as tests: what the compiler cannot hold is held here, for the whole repository. Every rule carries samples it must catch.

#![allow(clippy::unwrap_used)]

mod dependencies;
mod source;
mod tidy;
mod words;
