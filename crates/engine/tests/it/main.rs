//! Tests of the engine against real git and real SQLite, one module per use case.
#![allow(clippy::unwrap_used)]

mod accounts;
mod batch;
mod care;
mod changes;
mod comments;
mod crash;
mod db;
mod directory;
mod facts;
mod git;
mod inbox;
mod lazy;
mod list;
mod meaning;
mod oauth;
mod pages;
mod private;
mod proposal_notices;
mod proposals;
mod redirects;
mod repo;
mod robot_wtf;
mod save;
mod undo;
mod webhooks;
mod wikis;
mod work;
