//! What pages mean: vectors of those that changed, for search by meaning. Its cursor stands in the index, beside the vectors.

use super::{Name, Next, Turn, Worker};
use crate::app::App;
use holt_core::{Error, Result, WikiId};
use holt_engine::Wiki;
use holt_engine::meaning::{self, Embedder, Pace};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

/// The setting that says by which model all wikis were looked at.
const LOOKED: &str = "embedded";

/// The worker.
#[derive(Default)]
pub struct Embedding {
    /// How far it came with showing all wikis to another model.
    round: Mutex<Round>,
}

#[derive(Default)]
struct Round {
    /// What can be seen of the model's files.
    stamp: String,
    /// The last slug; none when all had their turn.
    after: Option<String>,
}

impl Worker for Embedding {
    fn serve(&self, wiki: &Arc<Wiki>, turn: &Turn<'_>) -> Result<Next> {
        if !turn.app.model.is_there() {
            return Ok(Next::Done);
        }
        let done = aside(&turn.app.model, |model| meaning::embed(wiki, model, turn))?;
        Ok(if done { Next::Done } else { Next::More })
    }
    /// All wikis, once, when there is another model: nothing in them moved.
    fn due(&self, app: &App, _now: i64, most: u32) -> Result<Vec<WikiId>> {
        let mut round = self.round.lock().unwrap_or_else(PoisonError::into_inner);
        let directory = app.engine.directory();
        let stamp = app.model.stamp()?;
        if round.stamp != stamp {
            let is_known = directory.setting(LOOKED)?.as_ref() == Some(&stamp);
            *round = Round { stamp, after: (!is_known).then(String::new) };
        }
        let Some(after) = &round.after else { return Ok(Vec::new()) };
        let wikis = directory.list_wikis_after(after, most as usize)?;
        round.after = wikis.last().map(|last| last.slug.as_str().to_string());
        if round.after.is_none() {
            directory.set_setting(LOOKED, &round.stamp)?;
        }
        Ok(wikis.into_iter().map(|wiki| wiki.id).collect())
    }
    fn idle_because(&self, app: &App) -> Option<&'static str> {
        (!app.model.is_there()).then_some(Name::Embed.wants())
    }
}

impl Pace for Turn<'_> {
    fn goes_on(&self) -> bool {
        Turn::goes_on(self)
    }
    fn beat(&self) {
        Turn::beat(self);
    }
}

/// Texts, and where their vectors go.
type Asked = (Vec<String>, SyncSender<Result<Vec<Vec<f32>>>>);

/// A model whose vectors are made on another thread.
struct Aside<'m> {
    model: &'m dyn Embedder,
    asks: SyncSender<Asked>,
}

/// Does `work` with a model that computes on a thread of its own, which has what nobody else wants of the processors (SCHED_IDLE, sched(7)). Making vectors
/// is computing alone, for minutes: a nice thread may still finish its slice of some milliseconds before whoever waits for a page. What takes locks stays
/// on the caller's thread, so that nobody waits for the idle one.
fn aside<T>(model: &dyn Embedder, work: impl FnOnce(&dyn Embedder) -> Result<T>) -> Result<T> {
    std::thread::scope(|scope| {
        let (asks, asked) = sync_channel::<Asked>(0);
        let compute = move || {
            step_aside();
            for (texts, answer) in asked {
                // Nobody waits any more: the turn has ended.
                let _ = answer.send(model.embed(&texts.iter().map(String::as_str).collect::<Vec<_>>()));
            }
        };
        let thread = std::thread::Builder::new().name("holt-meaning".to_string()).spawn_scoped(scope, compute);
        thread.map_err(|error| Error::io("start a thread that makes vectors", error))?;
        work(&Aside { model, asks })
    })
}

/// Best effort: without it the thread is as polite as the worker's own.
fn step_aside() {
    #[cfg(target_os = "linux")]
    {
        use thread_priority::{NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy};
        let policy = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
        let _ = thread_priority::set_thread_priority_and_policy(thread_priority::thread_native_id(), ThreadPriority::Min, policy);
    }
}

impl Embedder for Aside<'_> {
    fn is_there(&self) -> bool {
        self.model.is_there()
    }
    fn identity(&self) -> Result<String> {
        self.model.identity()
    }
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>> {
        let gone = || Error::internal("make vectors: the thread that does it is gone");
        let (answer, answered) = sync_channel(1);
        self.asks.send((texts.iter().map(ToString::to_string).collect(), answer)).map_err(|_| gone())?;
        answered.recv().map_err(|_| gone())?
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    /// Says on which threads it was asked.
    struct Watched(Mutex<Vec<String>>);

    impl Embedder for Watched {
        fn is_there(&self) -> bool {
            true
        }
        fn identity(&self) -> Result<String> {
            Ok("watched".to_string())
        }
        fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>> {
            // The 41st field: proc_pid_stat(5).
            let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
            self.0.lock().unwrap().push(stat.rsplit(')').next().unwrap().split_whitespace().nth(38).unwrap().to_string());
            assert_ne!(texts, ["panic"]);
            Ok(vec![vec![1.0]; texts.len()])
        }
    }

    #[test]
    fn vectors_are_made_on_an_idle_thread() {
        let model = Watched(Mutex::default());
        let twice = |model: &dyn Embedder| Ok((model.embed(&["a", "b"])?.len(), model.embed(&["c"])?.len()));
        assert_eq!(aside(&model, twice).unwrap(), (2, 1));
        // SCHED_IDLE, and this thread is what it was.
        assert_eq!(*model.0.lock().unwrap(), ["5", "5"]);
        model.embed(&["d"]).unwrap();
        assert_eq!(model.0.lock().unwrap().last().unwrap(), "0");
    }

    #[test]
    fn a_panic_there_is_one_here() {
        let caught =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| aside(&Watched(Mutex::default()), |model| model.embed(&["panic"]))));
        assert!(caught.is_err());
    }
}
