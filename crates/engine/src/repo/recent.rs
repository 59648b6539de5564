//! The objects of the last commits made here, kept in memory. A save is read back at once, by the index and by the next save; without these
//! the first such read would make the object database list and open the packs again, which takes longer than the commit.

use gix::odb::memory::Storage;
use holt_core::RevisionId;
use std::sync::{Mutex, PoisonError};

/// Most bytes kept: a few saves of ordinary pages. A commit that is larger is read from its pack.
const BYTES: usize = 64 * 1024;

/// Objects that the branch reaches from the last commit made here.
#[derive(Default)]
pub(super) struct Recent(Mutex<Option<(RevisionId, Storage)>>);

impl Recent {
    /// What there is, for reading: an object is the same wherever it comes from.
    pub(super) fn objects(&self) -> Option<Storage> {
        let recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        recent.as_ref().map(|(_, objects)| objects.clone())
    }
    /// What there is if it ends at `base`; then all of it is in the history of whatever is committed on top, and need not be written again.
    pub(super) fn below(&self, base: Option<RevisionId>) -> Storage {
        let recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        recent.as_ref().filter(|(revision, _)| Some(*revision) == base).map(|(_, objects)| objects.clone()).unwrap_or_default()
    }
    /// `commit` was made of `new`, on top of what [`Recent::below`] gave as `before`.
    pub(super) fn committed(&self, commit: RevisionId, mut before: Storage, new: &Storage) {
        let bytes = |objects: &Storage| objects.values().map(|(_, content)| content.len() + 64).sum::<usize>();
        let size = bytes(new);
        let kept = (size <= BYTES).then(|| {
            if bytes(&before) + size > BYTES {
                before.clear();
            }
            before.extend(new.iter().map(|(id, object)| (*id, object.clone())));
            (commit, before)
        });
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = kept;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects(sizes: &[(u8, usize)]) -> Storage {
        let mut storage = Storage::default();
        for (id, size) in sizes {
            storage.insert(gix::ObjectId::from([*id; 20]), (gix::objs::Kind::Blob, vec![0; *size]));
        }
        storage
    }

    #[test]
    fn what_is_kept_is_bounded_and_belongs_to_one_history() {
        let (first, second) = (RevisionId::from_bytes([1; 20]), RevisionId::from_bytes([2; 20]));
        let recent = Recent::default();
        assert!(recent.objects().is_none() && recent.below(None).is_empty());
        recent.committed(first, objects(&[]), &objects(&[(1, 10)]));
        assert_eq!(recent.below(Some(first)).len(), 1);
        assert_eq!(recent.below(Some(second)).len(), 0, "another history: its objects may have been pruned");
        recent.committed(second, objects(&[(1, 10)]), &objects(&[(2, 20)]));
        assert_eq!(recent.objects().map(|o| o.len()), Some(2));
        recent.committed(first, objects(&[(1, 100)]), &objects(&[(2, BYTES - 100)]));
        assert_eq!(recent.objects().map(|o| o.len()), Some(1), "the new ones alone");
        recent.committed(second, objects(&[(1, 10)]), &objects(&[(2, BYTES)]));
        assert!(recent.objects().is_none());
    }
}
