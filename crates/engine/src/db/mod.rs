//! The SQLite files of one wiki, and how Holt opens any SQLite file. Together with [`crate::directory`] the only code that names rusqlite.
//!
//! | file | module | if it is lost |
//! |---|---|---|
//! | `wiki.db` | [`wiki_db`], [`preferences`], [`comments`], [`watches`], [`proposals`], [`proposal_notices`], [`pushers`] | settings, members, drafts, comments, the review queue and who pushed are gone: never made anew behind anybody's back |
//! | `index.db` | [`index`] | nothing: made again from git |

pub mod comments;
mod connection;
mod foreign;
pub mod index;
pub mod otterwiki;
pub mod preferences;
pub mod proposal_notices;
pub mod proposals;
pub mod pushers;
pub mod robot_wtf;
pub mod watches;
pub mod wiki_db;

pub use connection::is_damaged;
pub(crate) use connection::{Durability, Existence, Kind, decode, open, open_as_it_is, problems, upkeep, wal_of, wrap};
