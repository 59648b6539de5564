//! How much somebody may ask of the API in a minute (security.md RATE-1): two buckets for each token, person or network, one for what reads and
//! one for what changes. They fill evenly and hold a minute's worth. In memory alone: after a restart all are full.

use crate::api::credentials::Identity;
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};

/// Most that are remembered. Who is forgotten has full buckets again.
const BUCKETS: usize = 10_000;
/// A bucket that holds what a minute brings is full after a minute.
const MINUTE: i64 = 60;

/// What is counted apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Looking at something.
    Read,
    /// Changing something.
    Write,
}

/// How much of each a minute brings; none: as much as one likes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {
    /// See [`Kind::Read`].
    pub reads: Option<NonZeroU32>,
    /// See [`Kind::Write`].
    pub writes: Option<NonZeroU32>,
}

/// All buckets.
#[derive(Debug, Default)]
pub struct Rates {
    limits: Limits,
    buckets: Mutex<HashMap<(Identity, Kind), Bucket>>,
}

/// What was taken out and has not come back yet, in sixtieths: a second brings as many of them as a minute brings wholes.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    taken: i64,
    /// Unix seconds.
    at: i64,
}

impl Bucket {
    fn at(self, now: i64, per_minute: i64) -> i64 {
        // A clock that was set back brings nothing and takes nothing.
        let came_back = now.saturating_sub(self.at).clamp(0, MINUTE).saturating_mul(per_minute);
        (self.taken - came_back).max(0)
    }
}

impl Rates {
    /// With these limits.
    pub fn new(limits: Limits) -> Self {
        Self { limits, buckets: Mutex::default() }
    }
    /// How much of each a minute brings.
    pub fn limits(&self) -> Limits {
        self.limits
    }
    /// Takes `cost` for something of `kind` that `identity` asks at the second `now`, or says after how many seconds it can be had. What
    /// costs more than a whole bucket takes a whole bucket.
    pub fn take(&self, identity: &Identity, kind: Kind, cost: u32, now: i64) -> Result<(), u16> {
        self.take_of(self.limit(kind), identity, kind, cost, now)
    }
    /// The same where something else says how much a minute brings: a wiki's plan.
    pub fn take_of(&self, limit: Option<NonZeroU32>, identity: &Identity, kind: Kind, cost: u32, now: i64) -> Result<(), u16> {
        self.count(limit, identity, kind, now, |per_minute, bucket| {
            let cost = i64::from(cost).min(per_minute) * MINUTE;
            seconds(bucket.taken + cost, per_minute)?;
            bucket.taken += cost;
            Ok(())
        })
    }
    /// After how many seconds the least of `kind` can be had, if that is not now. Takes nothing.
    pub fn wait(&self, identity: &Identity, kind: Kind, now: i64) -> Result<(), u16> {
        self.wait_of(self.limit(kind), identity, kind, now)
    }
    /// The same where something else says how much a minute brings.
    pub fn wait_of(&self, limit: Option<NonZeroU32>, identity: &Identity, kind: Kind, now: i64) -> Result<(), u16> {
        self.count(limit, identity, kind, now, |per_minute, bucket| seconds(bucket.taken + MINUTE, per_minute))
    }
    fn limit(&self, kind: Kind) -> Option<NonZeroU32> {
        match kind {
            Kind::Read => self.limits.reads,
            Kind::Write => self.limits.writes,
        }
    }
    fn count(
        &self,
        limit: Option<NonZeroU32>,
        identity: &Identity,
        kind: Kind,
        now: i64,
        work: impl FnOnce(i64, &mut Bucket) -> Result<(), u16>,
    ) -> Result<(), u16> {
        let Some(per_minute) = limit.map(|limit| i64::from(limit.get())) else { return Ok(()) };
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (identity.clone(), kind);
        if buckets.len() >= BUCKETS && !buckets.contains_key(&key) {
            forget(&mut buckets, now);
        }
        let bucket = buckets.entry(key).or_insert(Bucket { taken: 0, at: now });
        *bucket = Bucket { taken: bucket.at(now, per_minute), at: now };
        work(per_minute, bucket)
    }
}

/// After how many seconds so much more than nothing may be taken, if that is not now.
fn seconds(taken: i64, per_minute: i64) -> Result<(), u16> {
    let missing = taken - per_minute * MINUTE;
    if missing <= 0 { Ok(()) } else { Err(u16::try_from((missing + per_minute - 1) / per_minute).unwrap_or(u16::MAX)) }
}

/// Makes room: those that are full again are as good as none; if that is not enough, the half that was asked longest ago.
fn forget(buckets: &mut HashMap<(Identity, Kind), Bucket>, now: i64) {
    buckets.retain(|_, bucket| now.saturating_sub(bucket.at) < MINUTE);
    if buckets.len() < BUCKETS {
        return;
    }
    let mut times: Vec<i64> = buckets.values().map(|bucket| bucket.at).collect();
    times.sort_unstable();
    let middle = times[times.len() / 2];
    buckets.retain(|_, bucket| bucket.at > middle);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(reads: u32, writes: u32) -> Rates {
        Rates::new(Limits { reads: NonZeroU32::new(reads), writes: NonZeroU32::new(writes) })
    }

    #[test]
    fn a_bucket_empties_and_fills_evenly() {
        let (rates, ann, bob) = (rates(0, 120), Identity::Token(1), Identity::Token(2));
        let take = |who: &Identity, cost, now| rates.take(who, Kind::Write, cost, now);
        for _ in 0..120 {
            assert_eq!(take(&ann, 1, 1000), Ok(()));
        }
        // Two a second.
        assert_eq!((take(&ann, 1, 1000), take(&ann, 3, 1000), take(&ann, 120, 1000)), (Err(1), Err(2), Err(60)));
        assert_eq!((take(&ann, 1, 1001), take(&ann, 1, 1001), take(&ann, 1, 1001)), (Ok(()), Ok(()), Err(1)));
        // Asking takes nothing.
        assert_eq!((rates.wait(&ann, Kind::Write, 1001), rates.wait(&bob, Kind::Write, 1001)), (Err(1), Ok(())));
        // Somebody else, and what is not limited, have nothing to do with it.
        assert_eq!((take(&bob, 120, 1001), rates.take(&ann, Kind::Read, u32::MAX, 1001)), (Ok(()), Ok(())));
        // What was refused took nothing; waiting as long as was said is enough.
        assert_eq!((take(&ann, 100, 1001), take(&ann, 100, 1050), take(&ann, 100, 1051)), (Err(50), Err(1), Ok(())));
        // More than a bucket holds costs all of it; a clock set back frees nobody and holds nobody.
        assert_eq!(
            (take(&ann, 500, 5000), take(&ann, 1, 5000), take(&ann, 1, 4000), take(&ann, 1, 4001)),
            (Ok(()), Err(1), Err(1), Ok(()))
        );
    }

    #[test]
    fn memory_is_bounded() {
        let rates = rates(1, 1);
        let held = || rates.buckets.lock().unwrap().len();
        let ask = |i: i64, now| rates.take(&Identity::Token(i), Kind::Read, 1, now);
        for i in 0..3 * i64::try_from(BUCKETS).unwrap() {
            // Some in the same second, so that no order tells them apart.
            assert_eq!(ask(i, 1000 + i / 7), Ok(()));
            assert!(held() <= BUCKETS);
        }
        let last = 3 * i64::try_from(BUCKETS).unwrap() - 1;
        assert!(ask(last, 1000 + last / 7).is_err(), "who just asked is not forgotten");
        for i in 0..=i64::try_from(BUCKETS).unwrap() {
            let _ = ask(-i, 1_000_000);
        }
        assert!(held() <= BUCKETS);
    }
}
