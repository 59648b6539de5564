//! Amazon CloudFront: `CreateInvalidation` of API 2020-05-31, signed (Signature Version 4) with the credentials that object stores are asked with,
//! from the environment, a role or the machine's own. It knows paths and no hosts: a whole wiki is `/*`, of all wikis of a distribution.

use super::client::{Client, request};
use super::{Driver, Pages, Refusal, Stale, Surroundings};
use crate::connect::{Connect, Patience};
use async_trait::async_trait;
use holt_core::{Error, Result};
use http::header;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, AwsAuthorizer, AwsCredentialProvider};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Paths of one invalidation; CloudFront's own limit is 3,000 under way. What is more is `/*`, which counts as one.
const PATHS: usize = 1_000;
/// CloudFront is signed for as if it were here, wherever it is.
const REGION: &str = "us-east-1";

pub(super) struct CloudFront {
    url: String,
    credentials: AwsCredentialProvider,
    /// Two invalidations never have the same reference: when this began, and a number.
    began: i64,
    number: AtomicU64,
}

impl CloudFront {
    pub(super) fn new(distribution: &str, around: &Surroundings<'_>) -> Result<Self> {
        let endpoint = around.or("AWS_ENDPOINT_URL_CLOUDFRONT", "https://cloudfront.amazonaws.com")?;
        let patience = Patience { connect: Duration::from_secs(3), answer: Duration::from_secs(5) };
        // A bucket that is never asked: it finds credentials wherever those for S3 are found.
        let mut builder = AmazonS3Builder::from_env().with_bucket_name("credentials").with_http_connector(Connect(patience));
        let keys = [
            (AmazonS3ConfigKey::AccessKeyId, "AWS_ACCESS_KEY_ID"),
            (AmazonS3ConfigKey::SecretAccessKey, "AWS_SECRET_ACCESS_KEY"),
            (AmazonS3ConfigKey::Token, "AWS_SESSION_TOKEN"),
        ];
        for (key, name) in keys {
            if let Some(value) = (around.named)(name)? {
                builder = builder.with_config(key, value);
            }
        }
        let store = builder.build().map_err(|e| Error::invalid("the credentials for CloudFront cannot be used").because(e))?;
        Ok(Self {
            url: format!("{}/2020-05-31/distribution/{distribution}/invalidation", endpoint.trim_end_matches('/')),
            credentials: store.credentials().clone(),
            began: (around.now)(),
            number: AtomicU64::new(0),
        })
    }
    fn document(&self, paths: &BTreeSet<&str>) -> String {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let mut text = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<InvalidationBatch xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\"><Paths><Quantity>{}</Quantity><Items>",
            paths.len()
        );
        for path in paths {
            let _ = write!(text, "<Path>{}</Path>", path.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"));
        }
        let _ = write!(text, "</Items></Paths><CallerReference>holt-{}-{number}</CallerReference></InvalidationBatch>", self.began);
        text
    }
}

/// What is to be forgotten: `/*` for whole wikis, and where there are too many paths.
fn paths(stale: &[Stale]) -> BTreeSet<&str> {
    let mut paths = BTreeSet::new();
    for stale in stale {
        match &stale.pages {
            Pages::All(_) => return BTreeSet::from(["/*"]),
            Pages::These(pages) => paths.extend(pages.iter().flat_map(|page| page.paths.iter().map(String::as_str))),
        }
    }
    if paths.len() > PATHS { BTreeSet::from(["/*"]) } else { paths }
}

#[async_trait]
impl Driver for CloudFront {
    async fn purge(&self, client: &Client, stale: &[Stale]) -> std::result::Result<(), Refusal> {
        let paths = paths(stale);
        if paths.is_empty() {
            return Ok(());
        }
        let mut request = request("POST", &self.url, &[(header::CONTENT_TYPE, "text/xml".into())], self.document(&paths))?;
        let credential = self.credentials.get_credential().await.map_err(|_| Refusal::new("there are no credentials for it"))?;
        let signed = AwsAuthorizer::new(&credential, "cloudfront", REGION).try_authorize(&mut request, None);
        signed.map_err(|_| Refusal::new("the request to it cannot be signed"))?;
        client.ask(request).await?.done().map(drop)
    }
}
