//! The binary from outside: real processes, real connections, real git.
#![allow(clippy::unwrap_used)]

mod accounts;
mod addresses;
mod api;
mod atproto;
mod client;
mod commands;
mod comments;
mod digests;
mod faults;
mod files;
mod git;
mod http;
mod isolation;
mod judged;
mod kill;
mod languages;
mod matrix;
mod mcp;
mod metrics;
mod mistakes;
mod oauth;
mod oidc;
mod passkeys;
mod platform;
mod private;
mod publish;
mod purging;
mod review;
mod smtp;
mod startup;
mod structure;
mod vouched;
mod workers;
