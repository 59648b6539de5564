//! The binary from outside: real processes, real connections, real git.
#![allow(clippy::unwrap_used)]

mod client;
mod http;
mod kill;
mod startup;
