//! The published form of a wiki: what a reader gets, stored in pieces.
//!
//! Fragments are immutable and named by their content; a page's manifest names its fragments; a wiki's manifest names the frame they go into.
//! Knows bytes, names and files; knows no git, no database, no Markdown, no HTTP. `docs/formats.md` describes what is on disk.

pub mod assemble;
pub mod assets;
mod cache;
mod crc;
pub mod export;
pub mod fragment;
pub mod frame;
pub mod key;
pub mod manifest;
pub mod pack;
pub mod redirects;
pub mod store;
pub mod surrogate;
mod zstd_frame;

pub use assemble::{Assembly, Encoding, assemble};
pub use cache::Cache;
pub use fragment::{Forms, Fragment};
pub use frame::{Frame, Slot};
pub use key::{FragmentKey, Kind};
pub use manifest::{PageManifest, Readers, WikiManifest};
pub use pack::Pack;
pub use redirects::Redirect;
pub use store::{Answer, Change, Changed, FragmentStore, Freshness, HostName, Hosted, Since, Told};
