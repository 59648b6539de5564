//! What whoever watches the process asks: is it alive, and can it do its work (spec/platform.md §14)?

use crate::app::App;
use crate::reply::{Reply, text};
use http::StatusCode;

/// Of a disk's blocks, so many of a hundred have to be free.
const FREE_PERCENT: u128 = 5;

/// `GET /-/healthz`: 200 while requests are answered.
pub fn alive() -> Reply {
    text(StatusCode::OK, "ok\n")
}

/// `GET /-/readyz`: 200 while the platform database answers and the data directory's disk has more than a twentieth free; else 503 with the reason. Nothing more is
/// said, as everybody may ask. A disk that cannot be asked is no reason: some file systems know no sizes.
pub fn ready(app: &App) -> Reply {
    if let Err(error) = app.engine.directory().has_operator() {
        tracing::error!("the platform database does not answer: {}", error.chain());
        return text(StatusCode::SERVICE_UNAVAILABLE, "the platform database does not answer\n");
    }
    match rustix::fs::statvfs(app.engine.data()) {
        Ok(disk) if is_nearly_full(disk.f_bavail, disk.f_blocks) => {
            tracing::warn!(free = disk.f_bavail, blocks = disk.f_blocks, "the disk of the data directory is nearly full");
            text(StatusCode::SERVICE_UNAVAILABLE, "the disk is nearly full\n")
        }
        _ => alive(),
    }
}

fn is_nearly_full(free: u64, blocks: u64) -> bool {
    blocks > 0 && u128::from(free) * 100 <= u128::from(blocks) * FREE_PERCENT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_nearly_full_at_a_twentieth() {
        assert!(is_nearly_full(5, 100) && is_nearly_full(0, 1) && is_nearly_full(0, u64::MAX));
        assert!(!is_nearly_full(6, 100) && !is_nearly_full(0, 0) && !is_nearly_full(u64::MAX, u64::MAX));
    }
}
