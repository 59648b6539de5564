//! The truth and the use cases. Everything a door (web, API, command line) may do with a wiki is a function of this crate.
//!
//! Blocking on purpose: no runtime, no globals, so that a server, a command, a Lambda or a test can call it alike. A server moves each
//! use case to its blocking pool in one place.
//!
//! | module | knows |
//! |---|---|
//! | [`engine`] | the data directory: its lock, the platform database, the fragments, all wikis |
//! | `hosts` | under which names a wiki answers |
//! | [`open_wikis`] | which wikis are alive, how many may be |
//! | [`wiki`], [`scope`] | one wiki, opened late; what an actor may do with it |
//! | [`pages`] | the use cases, one file each |
//! | [`sync`] | `catch_up`: bring index and fragments to HEAD |
//! | [`publish`] | pages to fragments |
//! | [`meaning`] | pages in pieces that can be found by what they mean |
//! | [`maintenance`] | what files want done that nobody waits for |
//! | [`import`] | other wikis to wikis |
//! | [`repo`] | git, and nothing else does |
//! | [`db`], [`directory`] | SQLite, and nothing else does |
//! | [`frontmatter`] | the properties of a page as JSON |
//! | [`accounts`] | passwords and the rules for names |

pub mod accounts;
pub mod clock;
pub mod db;
pub mod directory;
pub mod engine;
pub mod failpoint;
pub mod frontmatter;
mod hosts;
pub mod import;
mod kept;
mod keys;
mod listeners;
mod lock;
pub mod maintenance;
pub mod meaning;
pub mod open_wikis;
pub mod pages;
pub mod publish;
pub mod repo;
pub mod scope;
pub mod sync;
pub mod wiki;

pub use clock::Clock;
pub use engine::{Engine, EngineOptions, Foundation, repository};
pub use lock::{Post, Standing, Taken};
pub use scope::{Admin, Read, Scope, Upload, Write};
pub use wiki::Wiki;

/// The examples of docs/library.md run as tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/library.md")]
struct Guide;
