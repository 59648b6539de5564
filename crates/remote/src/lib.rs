//! Published wikis in an object store: Amazon S3 and what speaks its protocol, Google Cloud Storage, Azure Blob Storage, or a folder; and the
//! caches in front of whoever reads them there ([`purge`]).
//!
//! The store needs nothing but whole reads and writes of one name: no conditional writes, no listing that is up to date (formats.md). Whoever
//! publishes puts what a manifest names first and the manifest last; whoever reads begins at the manifest.

mod connect;
#[cfg(test)]
mod faults;
pub mod purge;
pub mod ship;
pub mod verify;

use connect::{Connect, Patience};
use futures_util::future::join_all;
use futures_util::{StreamExt, TryStreamExt, stream};
use holt_core::{Error, Result};
use holt_fragments::export::{Exported, File};
use holt_fragments::{Answer, FragmentStore};
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{Attribute, Attributes, BackoffConfig, GetOptions, ObjectStore, ObjectStoreExt, PutOptions, RetryConfig};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::time::{Instant, timeout};

/// Puts that are under way at once.
const AT_ONCE: usize = 32;

/// How long a store that did not answer in time is left alone by readers.
const REST: Duration = Duration::from_secs(2);

/// Who uses a store: how long they wait and how often they try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Somebody waits for a page.
    Reading,
    /// Nobody waits.
    Publishing,
}

/// A place in an object store. Clones share its connections.
#[derive(Debug, Clone)]
pub struct Remote {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    /// Time for one file, tries included.
    patience: Duration,
    /// Until when a reader does not ask a store that kept it waiting.
    rest: Arc<Mutex<Option<Instant>>>,
    /// How long that is, each time.
    resting: Duration,
    usage: Use,
    care: Care,
}

/// How closely is looked at what is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Care {
    /// Where a manifest is there as it should be, so is what it names: that was put before it.
    Manifests,
    /// Every file is read: somebody may have removed or damaged one.
    Everything,
}

impl Remote {
    /// `s3://BUCKET/PREFIX`, `gs://BUCKET/PREFIX`, `az://CONTAINER/PREFIX` or `file:///FOLDER`. Credentials, region and endpoint are the
    /// environment's, by the names that the vendors' own tools use: `AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL`, `AWS_ALLOW_HTTP`,
    /// `GOOGLE_SERVICE_ACCOUNT`, `AZURE_STORAGE_ACCOUNT_NAME` and so on. `Invalid` if it is none of these. Connects to nothing.
    pub fn open(url: &str, usage: Use) -> Result<Self> {
        let wrong = |what: String| {
            Error::invalid(format!("{url} is no object store: {what}"))
                .hint("Give s3://BUCKET, gs://BUCKET, az://CONTAINER or file:///FOLDER, with a path behind it if you like.")
        };
        let parsed = url::Url::parse(url).map_err(|e| wrong(e.to_string()))?;
        if !parsed.username().is_empty() || parsed.query().is_some() || parsed.fragment().is_some() {
            return Err(wrong("credentials and options are given by the environment".into()));
        }
        let bucket = parsed.host_str().unwrap_or_default();
        let (connect, retry) = (Connect(usage.patience()), usage.retry());
        let cause = |e: object_store::Error| Error::invalid(format!("cannot use {url} as an object store")).because(e);
        let store: Arc<dyn ObjectStore> = match parsed.scheme() {
            "s3" if !bucket.is_empty() => Arc::new(
                AmazonS3Builder::from_env()
                    .with_bucket_name(bucket)
                    .with_http_connector(connect)
                    .with_retry(retry)
                    .build()
                    .map_err(cause)?,
            ),
            "gs" if !bucket.is_empty() => {
                let builder = GoogleCloudStorageBuilder::from_env().with_bucket_name(bucket).with_http_connector(connect);
                Arc::new(builder.with_retry(retry).build().map_err(cause)?)
            }
            "az" if !bucket.is_empty() => {
                let builder = MicrosoftAzureBuilder::from_env().with_container_name(bucket).with_http_connector(connect);
                Arc::new(builder.with_retry(retry).build().map_err(cause)?)
            }
            "file" if bucket.is_empty() => {
                let folder = parsed.to_file_path().map_err(|()| wrong("that is no path of a folder".into()))?;
                let store = LocalFileSystem::new_with_prefix(&folder);
                let store = store.map_err(|e| {
                    Error::invalid(format!("cannot use {} as a store", folder.display())).hint("Make that folder first.").because(e)
                })?;
                return Ok(Self {
                    store: Arc::new(store),
                    prefix: Path::default(),
                    patience: usage.whole(),
                    rest: Arc::default(),
                    resting: REST,
                    usage,
                    care: Care::Manifests,
                });
            }
            _ => return Err(wrong("its scheme or its bucket is missing".into())),
        };
        let prefix = Path::from_url_path(parsed.path()).map_err(|e| wrong(e.to_string()))?;
        Ok(Self { store, prefix, patience: usage.whole(), rest: Arc::default(), resting: REST, usage, care: Care::Manifests })
    }

    fn at(&self, path: &str) -> Path {
        // Both are ASCII that needs no escaping: hex digits, slashes and fixed words.
        Path::from_iter(self.prefix.parts().chain(Path::from(path).parts()))
    }

    /// Reads a file. `tag`: that of what is known already.
    pub async fn get(&self, path: &str, tag: Option<String>) -> Answer {
        let options = GetOptions { if_none_match: tag, ..GetOptions::default() };
        let read = async {
            let found = self.store.get_opts(&self.at(path), options).await?;
            let tag = found.meta.e_tag.clone();
            let length = found.meta.size;
            let bytes = found.bytes().await?;
            Ok::<_, object_store::Error>((bytes, tag, length))
        };
        if self.rests() {
            return Answer::Failed;
        }
        let answered = timeout(self.patience, read).await;
        *self.rest.lock().unwrap_or_else(PoisonError::into_inner) = answered.is_err().then(|| Instant::now() + self.resting);
        match answered {
            Ok(Ok((bytes, tag, length))) if bytes.len() as u64 == length => Answer::Found(bytes, tag),
            Ok(Err(object_store::Error::NotFound { .. })) => Answer::Missing,
            Ok(Err(object_store::Error::NotModified { .. })) => Answer::Unchanged,
            Ok(_) | Err(_) => Answer::Failed,
        }
    }

    /// Whether the store is left alone. A page is several files: where each of them waited for a store that says nothing, whoever reads what is known here
    /// would wait for all of them, one after the other, and so would everybody after them.
    fn rests(&self) -> bool {
        if self.usage == Use::Publishing {
            return false;
        }
        let mut rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        match *rest {
            Some(until) if now < until => true,
            // The first who comes then finds out; the others go on without, meanwhile.
            Some(_) => {
                *rest = Some(now + self.patience);
                false
            }
            None => false,
        }
    }

    /// Fetches what a reader of `store` wants, all at once. Whether it is worth reading again: everything was answered, or is known from before.
    pub async fn fetch(&self, store: &FragmentStore, wanted: &[String]) -> bool {
        let learn = wanted.iter().map(|path| async move { store.learn(path, self.get(path, store.tag(path)).await) });
        join_all(learn).await.into_iter().all(|learned| learned)
    }

    /// Stores a file.
    pub async fn put(&self, file: &File) -> Result<()> {
        let put = async { self.store.put(&self.at(&file.path), file.bytes.clone().into()).await };
        match timeout(self.patience, put).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(Error::busy("the object store did not take a file").because(error)),
            Err(late) => Err(Error::busy("the object store did not take a file in time").because(late)),
        }
    }

    /// Stores a file whose name is made from its content, so that whoever reads the store without us knows what it is and keeps it.
    async fn put_for_ever(&self, file: &File, kind: &'static str) -> Result<()> {
        let said = [(Attribute::ContentType, kind), (Attribute::CacheControl, "public, max-age=31536000, immutable")];
        let options = PutOptions { attributes: Attributes::from_iter(said), ..PutOptions::default() };
        let put = async { self.store.put_opts(&self.at(&file.path), file.bytes.clone().into(), options).await };
        match timeout(self.patience, put).await {
            // A folder keeps bytes alone.
            Ok(Err(object_store::Error::NotImplemented { .. })) => self.put(file).await,
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(Error::busy("the object store did not take a file").because(error)),
            Err(late) => Err(Error::busy("the object store did not take a file in time").because(late)),
        }
    }

    /// Whether a file of this name is there.
    async fn exists(&self, path: &str) -> Result<bool> {
        match timeout(self.patience, self.store.head(&self.at(path))).await {
            Ok(Ok(_)) => Ok(true),
            Ok(Err(object_store::Error::NotFound { .. })) => Ok(false),
            Ok(Err(error)) => Err(Error::busy("the object store did not answer").because(error)),
            Err(late) => Err(Error::busy("the object store did not answer in time").because(late)),
        }
    }

    /// Removes a file. Nothing happens if there is none.
    pub async fn delete(&self, path: &str) -> Result<()> {
        match timeout(self.patience, self.store.delete(&self.at(path))).await {
            Ok(Ok(()) | Err(object_store::Error::NotFound { .. })) => Ok(()),
            Ok(Err(error)) => Err(Error::busy("the object store did not remove a file").because(error)),
            Err(late) => Err(Error::busy("the object store did not remove a file in time").because(late)),
        }
    }

    /// The same, looking at what is there with this care.
    pub fn with_care(self, care: Care) -> Self {
        Self { care, ..self }
    }
    /// Makes readers see what was exported, if they do not already: what the manifest names first, then the manifest. How many files were put.
    pub async fn publish(&self, exported: &Exported) -> Result<usize> {
        if self.holds(&exported.manifest).await? {
            let mut put = 0;
            for file in exported.named.iter().filter(|_| self.care == Care::Everything) {
                if !self.holds(file).await? {
                    self.put(file).await?;
                    put += 1;
                }
            }
            return Ok(put);
        }
        self.put_all(exported).await?;
        Ok(exported.named.len() + 1)
    }

    /// As [`Remote::publish`], without looking first.
    async fn put_all(&self, exported: &Exported) -> Result<()> {
        stream::iter(exported.named.clone())
            .map(|file| async move { self.put(&file).await })
            .buffer_unordered(AT_ONCE)
            .try_collect::<Vec<()>>()
            .await?;
        self.put(&exported.manifest).await
    }

    /// Whether exactly this is stored.
    pub async fn holds(&self, file: &File) -> Result<bool> {
        match self.get(&file.path, None).await {
            Answer::Found(bytes, _) => Ok(bytes == file.bytes),
            Answer::Missing => Ok(false),
            Answer::Unchanged | Answer::Failed => Err(Error::busy("the object store did not answer")),
        }
    }

    /// The folders at the top of our path.
    async fn folders(&self) -> Result<Vec<String>> {
        let listed = timeout(self.patience, self.store.list_with_delimiter(Some(&self.prefix))).await;
        let silent = || Error::busy("the object store did not say what it holds");
        let folders = listed.map_err(|late| silent().because(late))?.map_err(|error| silent().because(error))?.common_prefixes;
        Ok(folders.iter().filter_map(|folder| folder.parts().next_back().map(|name| name.as_ref().to_string())).collect())
    }

    /// The names of all files below `prefix`, and when they were written. What was put lately may be missing.
    pub async fn list(&self, prefix: &str) -> Result<Vec<(String, SystemTime)>> {
        let base = self.prefix.as_ref().len();
        let found = self.store.list(Some(&self.at(prefix))).map_ok(|meta| {
            let whole = meta.location.as_ref();
            (whole[base..].trim_start_matches('/').to_string(), SystemTime::from(meta.last_modified))
        });
        found.try_collect().await.map_err(|e| Error::busy("the object store did not say what it holds").because(e))
    }
}

impl Use {
    fn patience(self) -> Patience {
        match self {
            Self::Reading => Patience { connect: Duration::from_secs(1), answer: Duration::from_secs(2) },
            Self::Publishing => Patience { connect: Duration::from_secs(5), answer: Duration::from_secs(30) },
        }
    }
    fn whole(self) -> Duration {
        match self {
            Self::Reading => Duration::from_millis(2_500),
            Self::Publishing => Duration::from_secs(60),
        }
    }
    fn retry(self) -> RetryConfig {
        let backoff =
            |first, last| BackoffConfig { init_backoff: Duration::from_millis(first), max_backoff: Duration::from_millis(last), base: 2. };
        match self {
            Self::Reading => RetryConfig { backoff: backoff(50, 500), max_retries: 2, retry_timeout: Duration::from_secs(3) },
            Self::Publishing => RetryConfig { backoff: backoff(100, 5_000), max_retries: 6, retry_timeout: Duration::from_secs(40) },
        }
    }
}
