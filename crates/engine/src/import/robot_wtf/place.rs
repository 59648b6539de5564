//! Where the parts of a wiki are: below the data directory, under the wiki's slug, and nowhere else, whatever the database says of paths.

use holt_core::{Error, Result, WikiName};
use std::fs::{self, FileType};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The parts of one wiki.
pub(super) struct Place {
    /// A directory that holds a repository of its own.
    pub repository: PathBuf,
    /// Its `wiki.db`; none if it was never opened.
    pub database: Option<PathBuf>,
}

impl Place {
    /// Looks for the parts of `slug`. No symbolic link is followed, and a repository that leans on another one is refused: what it says would
    /// be read, and published, from anywhere on this machine.
    pub fn find(source: &Path, slug: &WikiName) -> Result<Self> {
        let wikis = source.join("wikis");
        let dir = wikis.join(slug.as_str());
        let repository = dir.join("repo");
        for (dir, what) in [(&wikis, "the directory of wikis"), (&dir, "its directory"), (&repository, "its repository")] {
            match kind(dir)? {
                Some(kind) if kind.is_dir() => {}
                Some(_) => return Err(refused(dir, "is not a plain directory")),
                None => return Err(Error::not_found(format!("{what} is missing: {}", dir.display())).hint("Restore it from a backup.")),
            }
        }
        check(&repository)?;
        let database = dir.join("wiki.db");
        let database = match kind(&database)? {
            None => None,
            Some(kind) if !kind.is_file() => return Err(refused(&database, "is not a plain file")),
            // Made, but never opened: robot.wtf fills it at the first request.
            Some(_) if fs::metadata(&database).is_ok_and(|file| file.len() == 0) => None,
            Some(_) => Some(database),
        };
        Ok(Self { repository, database })
    }
}

fn kind(path: &Path) -> Result<Option<FileType>> {
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(Some(found.file_type())),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(Error::io(format!("look at {}", path.display()), error)),
    }
}

fn refused(path: &Path, why: &str) -> Error {
    Error::invalid(format!("{} {why}", path.display())).hint("Symbolic links are not followed. Put the real thing there.")
}

/// Refuses a repository that is not all there: links, other work trees, objects borrowed from elsewhere.
fn check(repository: &Path) -> Result<()> {
    let inner = repository.join(".git");
    let git = match kind(&inner)? {
        Some(kind) if kind.is_dir() => inner,
        Some(_) => return Err(refused(&inner, "is not a plain directory")),
        None => repository.to_path_buf(),
    };
    for part in ["HEAD", "objects", "refs"] {
        if kind(&git.join(part))?.is_none() {
            return Err(Error::invalid(format!("{} is no git repository: it has no {part}", repository.display()))
                .hint("Restore it from a backup."));
        }
    }
    for part in ["commondir", "objects/info/alternates", "objects/info/http-alternates"] {
        if kind(&git.join(part))?.is_some() {
            return Err(Error::invalid(format!("{} borrows from another repository ({part})", repository.display()))
                .hint("Run `git repack -ad` in it, remove that file, and try again."));
        }
    }
    only_plain(&git)
}

fn only_plain(dir: &Path) -> Result<()> {
    for entry in fs::read_dir(dir).map_err(|e| Error::io(format!("read {}", dir.display()), e))? {
        let entry = entry.map_err(|e| Error::io(format!("read {}", dir.display()), e))?;
        let kind = entry.file_type().map_err(|e| Error::io(format!("look at {}", entry.path().display()), e))?;
        // Hooks are never run nor read.
        if kind.is_dir() && entry.file_name() != "hooks" {
            only_plain(&entry.path())?;
        } else if !kind.is_dir() && !kind.is_file() {
            return Err(refused(&entry.path(), "is not a plain file"));
        }
    }
    Ok(())
}

/// A directory for copies, which goes with the value. The data directory is locked: nobody else has one.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    /// Makes it, in place of what an interrupted import may have left.
    pub fn new(data: &Path) -> Result<Self> {
        let scratch = Self(data.join("import.tmp"));
        scratch.remake(&scratch.0)?;
        Ok(scratch)
    }
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
    /// An empty directory in it, in place of the one there was.
    pub fn fresh(&self, name: &'static str) -> Result<PathBuf> {
        let dir = self.0.join(name);
        self.remake(&dir)?;
        Ok(dir)
    }
    fn remake(&self, dir: &Path) -> Result<()> {
        match fs::remove_dir_all(dir) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io(format!("empty {}", dir.display()), error)),
            _ => fs::create_dir(dir).map_err(|e| Error::io(format!("create {}", dir.display()), e)),
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What resists is removed by the next import.
        let _ = fs::remove_dir_all(&self.0);
    }
}
