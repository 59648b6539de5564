//! A bounded memory of what was read or written lately. Two generations: what is used moves to the young one; when that is full, the old
//! one is forgotten. Constant time, no lists to keep.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

/// Values by key, and how many bytes each takes.
pub struct Cache<K, V> {
    young: HashMap<K, (V, usize)>,
    old: HashMap<K, (V, usize)>,
    /// Bytes in the young generation, and how many it may hold: half of the budget.
    bytes: usize,
    limit: usize,
}

impl<K: Eq + Hash, V> Cache<K, V> {
    /// Of at most `budget` bytes.
    pub fn new(budget: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), bytes: 0, limit: budget / 2 }
    }
    /// What is remembered of `key`, which is used by that.
    pub fn get<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        if !self.young.contains_key(key) {
            let (key, (value, bytes)) = self.old.remove_entry(key)?;
            self.insert(key, value, bytes);
        }
        self.young.get(key).map(|(value, _)| value)
    }
    /// Remembers a value that takes so many bytes.
    pub fn put(&mut self, key: K, value: V, bytes: usize) {
        // The maps' own share.
        self.insert(key, value, bytes + 128);
    }
    fn insert(&mut self, key: K, value: V, bytes: usize) {
        if self.bytes + bytes > self.limit {
            self.old = std::mem::take(&mut self.young);
            self.bytes = 0;
        }
        self.old.remove(&key);
        if let Some((_, before)) = self.young.insert(key, (value, bytes)) {
            self.bytes -= before;
        }
        self.bytes += bytes;
    }
    pub(crate) fn remove(&mut self, key: &K) {
        self.old.remove(key);
        if let Some((_, bytes)) = self.young.remove(key) {
            self.bytes -= bytes;
        }
    }
    pub(crate) fn retain(&mut self, keep: impl Fn(&K) -> bool) {
        self.old.retain(|key, _| keep(key));
        self.young.retain(|key, _| keep(key));
        self.bytes = self.young.values().map(|(_, bytes)| bytes).sum();
    }
    #[cfg(test)]
    fn total(&self) -> usize {
        self.young.values().chain(self.old.values()).map(|(_, bytes)| bytes).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_the_bound_holds() {
        let mut cache = Cache::new(10_000);
        cache.put(0, "hot", 100);
        for i in 1..1000 {
            cache.put(i, "cold", 100);
            assert_eq!(cache.get(&0), Some(&"hot"));
            assert!(cache.total() <= 10_000 + 228);
        }
        assert_eq!(cache.get(&1), None);
        cache.remove(&0);
        assert_eq!(cache.get(&0), None);
    }
}
