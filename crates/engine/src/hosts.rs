//! Under which names a wiki answers: what `holt.db` says of it, told to the fragment store, which is all that the edge reads.

use crate::directory::{DomainRecord, Doubt, WikiRecord};
use crate::engine::Engine;
use holt_core::{DomainName, Error, Result, WikiId};
use holt_fragments::Hosted;
use std::sync::PoisonError;

impl Engine {
    /// Lets every name of a wiki lead to it, and none if it waits to be removed; done when it returns. Can be repeated.
    pub fn show_hosts(&self, id: WikiId) -> Result<()> {
        let _order = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        match self.directory().wiki(id)? {
            Some(record) => self.write_hosts(&record),
            None => Err(Error::not_found("there is no such wiki")),
        }
    }
    /// To be called with the lock, so that of two changes the later one is the one that shows.
    fn write_hosts(&self, record: &WikiRecord) -> Result<()> {
        let (directory, fragments) = (self.directory(), self.fragments());
        let names: Vec<DomainRecord> = directory.domains_of(record.id, self.clock().now())?;
        let gone = record.trashed.is_some();
        // One that is suspended says nothing of its names, and nobody is led to one whose text is missing: it may be somebody else's.
        let main = names.iter().find(|domain| domain.main && domain.lost.is_none() && record.answers()).map(|domain| domain.name.clone());
        let to = |name: Option<&DomainName>| Hosted {
            wiki: record.id,
            moved: main.as_ref().filter(|main| Some(*main) != name).map(|main| main.as_str().into()),
        };
        for domain in &names {
            match domain.verified {
                Some(_) if !gone => fragments.put_domain(&domain.name, &to(Some(&domain.name)))?,
                Some(_) => fragments.remove_domain(&domain.name)?,
                // What this wiki only claims may be another one's.
                None if directory.domain_holder(&domain.name)?.is_none() => fragments.remove_domain(&domain.name)?,
                None => {}
            }
        }
        match gone {
            true => fragments.remove_host(record.slug.as_str()),
            false => fragments.put_hosted(record.slug.as_str(), &to(None)),
        }
    }
    /// No name leads to a wiki any more that is about to be removed.
    pub(crate) fn forget_hosts(&self, record: &WikiRecord) -> Result<()> {
        let _order = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        for domain in self.directory().domains_of(record.id, self.clock().now())?.iter().filter(|domain| domain.verified.is_some()) {
            self.fragments().remove_domain(&domain.name)?;
        }
        self.fragments().remove_host(record.slug.as_str())
    }
    fn change_hosts<T>(&self, id: WikiId, change: impl FnOnce() -> Result<T>) -> Result<T> {
        let _order = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let record = self.directory().wiki(id)?.ok_or_else(|| Error::not_found("there is no such wiki"))?;
        let changed = change()?;
        self.write_hosts(&record)?;
        Ok(changed)
    }
    /// Lets the names of all wikis that have some lead where `holt.db` says: what an interruption between the two may have left undone.
    pub fn show_all_hosts(&self) -> Result<()> {
        for wiki in self.directory().wikis_with_domains()? {
            if let Err(error) = self.show_hosts(wiki) {
                tracing::error!(wiki.id = %wiki, "could not show the names of a wiki: {}", error.chain());
            }
        }
        Ok(())
    }
    /// The text of a claim was seen: the wiki answers at that name from now on. See [`Directory::prove_domain`].
    ///
    /// [`Directory::prove_domain`]: crate::directory::Directory::prove_domain
    pub fn prove_domain(&self, wiki: WikiId, name: &DomainName) -> Result<DomainRecord> {
        self.change_hosts(wiki, || self.directory().prove_domain(wiki, name, self.clock().now()))
    }
    /// The text of a name is not there. After a week the wiki no longer answers at it.
    pub fn doubt_domain(&self, wiki: WikiId, name: &DomainName) -> Result<Doubt> {
        self.change_hosts(wiki, || self.directory().doubt_domain(wiki, name, self.clock().now()))
    }
    /// Nothing could be found out about a name. After a month the wiki no longer answers at it.
    pub fn miss_domain(&self, wiki: WikiId, name: &DomainName) -> Result<Doubt> {
        self.change_hosts(wiki, || self.directory().miss_domain(wiki, name, self.clock().now()))
    }
    /// Makes one of a wiki's names its address, to which the others lead; none: its slug.
    pub fn set_main_domain(&self, wiki: WikiId, name: Option<&DomainName>) -> Result<()> {
        self.change_hosts(wiki, || self.directory().set_main_domain(wiki, name))
    }
    /// Gives up a name or a claim: the wiki does not answer at it any more.
    pub fn remove_domain(&self, wiki: WikiId, name: &DomainName) -> Result<()> {
        self.change_hosts(wiki, || {
            // First nobody gets there, then it is forgotten: an interruption leaves nothing behind that nobody knows of.
            if self.directory().domain(wiki, name)?.verified.is_some() {
                self.fragments().remove_domain(name)?;
            }
            self.directory().remove_domain(wiki, name)
        })
    }
}
