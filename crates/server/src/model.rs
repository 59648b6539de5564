//! The sentence model, where there is one: a directory that nothing is read of before somebody asks what a text means, and that is forgotten again
//! when nobody did for some minutes.

use holt_core::{Error, Result};
use holt_engine::meaning::Embedder;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The name of the directory in the data directory.
pub const DIRECTORY: &str = "model";

/// A model that is in memory when it is used.
pub struct SentenceModel {
    dir: PathBuf,
    #[cfg(feature = "semantic")]
    kept: std::sync::Arc<kept::Kept>,
}

impl SentenceModel {
    /// That in `dir`, which need not be there yet. Touches nothing.
    pub fn new(dir: PathBuf, idle: Duration) -> Self {
        #[cfg(not(feature = "semantic"))]
        let _ = idle;
        Self {
            #[cfg(feature = "semantic")]
            kept: kept::Kept::new(dir.clone(), idle),
            dir,
        }
    }
    /// Where it is, or would be.
    pub fn dir(&self) -> &Path {
        &self.dir
    }
    /// What can be seen of its files without reading them: another text where they are others.
    pub fn stamp(&self) -> Result<String> {
        #[cfg(feature = "semantic")]
        return Ok(format!("{:?}", self.kept.stamp()?));
        #[cfg(not(feature = "semantic"))]
        Ok(String::new())
    }
    /// Keeps it in memory no longer, until somebody asks again.
    pub fn forget(&self) {
        #[cfg(feature = "semantic")]
        self.kept.forget();
    }
    /// Says why nothing is found by meaning, if so.
    pub fn require(&self) -> Result<()> {
        if self.is_there() {
            return Ok(());
        }
        Err(match cfg!(feature = "semantic") {
            true => Error::busy("there is no sentence model here, which search by meaning needs")
                .hint("Search by words. Whoever runs the server brings a model with `holt model fetch`."),
            false => Error::busy("this server was built without search by meaning").hint("Search by words."),
        })
    }
}

#[cfg(not(feature = "semantic"))]
impl Embedder for SentenceModel {
    fn is_there(&self) -> bool {
        false
    }
    fn identity(&self) -> Result<String> {
        self.require().map(|()| String::new())
    }
    fn embed(&self, _: &[&str]) -> Result<Vec<Vec<f32>>> {
        self.require().map(|()| Vec::new())
    }
}

#[cfg(feature = "semantic")]
impl Embedder for SentenceModel {
    fn is_there(&self) -> bool {
        self.dir.join("model.safetensors").is_file()
    }
    fn identity(&self) -> Result<String> {
        self.require()?;
        self.kept.identity()
    }
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>> {
        self.require()?;
        self.kept.embed(texts)
    }
}

#[cfg(feature = "semantic")]
mod kept {
    use holt_core::{Error, Result};
    use holt_semantic::{FILES, Model};
    use std::path::PathBuf;
    use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
    use std::time::{Duration, SystemTime};

    /// What can be seen of files from outside, so that other files are noticed.
    pub(super) type Stamp = Vec<(u64, Option<SystemTime>)>;

    pub(super) struct Kept {
        dir: PathBuf,
        idle: Duration,
        state: Mutex<State>,
        used: Condvar,
    }

    #[derive(Default)]
    struct State {
        /// What the files were called when they looked so.
        identity: Option<(Stamp, String)>,
        model: Option<Arc<Model>>,
        /// How often it was used.
        uses: u64,
    }

    /// The allocator (mimalloc) keeps what was freed for a second, and looks for what it kept longer when a thread that took much ends: else that might be
    /// tomorrow.
    fn give_back() {
        std::thread::sleep(Duration::from_millis(1_500));
        drop(std::hint::black_box(Vec::<u8>::with_capacity(64 << 20)));
    }

    impl Kept {
        pub(super) fn new(dir: PathBuf, idle: Duration) -> Arc<Self> {
            Arc::new(Self { dir, idle, state: Mutex::default(), used: Condvar::new() })
        }
        fn lock(&self) -> MutexGuard<'_, State> {
            self.state.lock().unwrap_or_else(PoisonError::into_inner)
        }
        pub(super) fn stamp(&self) -> Result<Stamp> {
            let of = |file: &str| {
                let about =
                    self.dir.join(file).metadata().map_err(|e| Error::io(format!("look at {}", self.dir.join(file).display()), e))?;
                Ok((about.len(), about.modified().ok()))
            };
            FILES.iter().map(|file| of(file)).collect()
        }
        pub(super) fn identity(&self) -> Result<String> {
            let stamp = self.stamp()?;
            let mut state = self.lock();
            if let Some((known, identity)) = &state.identity
                && *known == stamp
            {
                return Ok(identity.clone());
            }
            let identity = holt_semantic::identify(&self.dir)?;
            // Other files are another model.
            state.model = None;
            state.identity = Some((stamp, identity.clone()));
            Ok(identity)
        }
        pub(super) fn embed(self: &Arc<Self>, texts: &[&str]) -> Result<Vec<Vec<f32>>> {
            let identity = self.identity()?;
            let model = {
                let mut state = self.lock();
                state.uses += 1;
                match &state.model {
                    Some(model) => model.clone(),
                    None => self.open(&mut state, &identity)?,
                }
            };
            let vectors = model.embed(texts);
            self.lock().uses += 1;
            vectors
        }
        pub(super) fn forget(&self) {
            self.lock().model = None;
            self.used.notify_all();
        }
        /// Whoever comes meanwhile waits, and has it then.
        fn open(self: &Arc<Self>, state: &mut State, identity: &str) -> Result<Arc<Model>> {
            let (done, opened) = mpsc::channel();
            let kept = self.clone();
            let thread = std::thread::Builder::new().name("holt-model".into()).spawn(move || kept.keep(&done));
            thread.map_err(|e| Error::io("start a thread", e))?;
            let model = opened.recv().map_err(|_| Error::internal("read the sentence model: see the log"))??;
            if model.identity() != identity {
                return Err(Error::busy("the sentence model is being replaced").hint("Try again in a moment."));
            }
            tracing::info!(model = identity, "the sentence model is in memory");
            state.model = Some(model.clone());
            Ok(model)
        }
        /// The thread that has the model: reads it, and when nobody used it for a while forgets it and ends. What a thread took the allocator gives back
        /// when the same thread lets it go.
        fn keep(&self, done: &mpsc::Sender<Result<Arc<Model>>>) {
            let model = match Model::open(&self.dir) {
                Ok(model) => Arc::new(model),
                Err(error) => {
                    let _ = done.send(Err(error));
                    return;
                }
            };
            let _ = done.send(Ok(model.clone()));
            let mut state = self.lock();
            let is_kept = |state: &State| state.model.as_ref().is_some_and(|kept| Arc::ptr_eq(kept, &model));
            while is_kept(&state) {
                let before = state.uses;
                (state, _) = self.used.wait_timeout(state, self.idle).unwrap_or_else(PoisonError::into_inner);
                if state.uses == before && is_kept(&state) {
                    state.model = None;
                    tracing::info!("nobody asked for meanings: the sentence model is not in memory any more");
                }
            }
            drop((state, model));
            give_back();
        }
    }
}
