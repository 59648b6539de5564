//! What a text means, as a vector: a sentence model of the BERT family, such as all-MiniLM-L6-v2, run here and asked nowhere else.
//!
//! A model is a directory with `model.safetensors`, `vocab.txt` and `config.json`, as sentence-transformers writes it. Nothing is read before
//! [`Model::open`], and what stands for single words stays in the file: an open model takes 43 MB, dropping it gives them back.
//!
//! | module | knows |
//! |---|---|
//! | `words` | text to numbers of pieces of words |
//! | `weights` | numbers in a file |
//! | `layers` | numbers of pieces to one vector |

mod layers;
mod weights;
mod words;

use holt_core::{Error, Result};
use layers::Layers;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use weights::Weights;
use words::Words;

/// Another number means other vectors of the same files.
const FORMAT: u32 = 1;
/// The files that make a model what it is.
pub const FILES: [&str; 3] = ["config.json", "model.safetensors", "vocab.txt"];
/// Files that say something more, where they are there.
pub const MORE_FILES: [&str; 3] = ["sentence_bert_config.json", "tokenizer_config.json", "1_Pooling/config.json"];
/// Pieces of words that are looked at of a text, if the model does not say.
const PIECES: usize = 256;

/// all-MiniLM-L6-v2, which everything here is tested with: its files and their SHA-256.
pub const MINILM: [(&str, &str); 3] = [
    ("config.json", "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
    ("model.safetensors", "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
    ("vocab.txt", "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"),
];

/// A model in memory. Shared freely between threads; each call uses one.
pub struct Model {
    identity: String,
    words: Words,
    layers: Layers,
    most_pieces: usize,
}

impl Model {
    /// Reads the model in `dir`. `NotFound` if there is none, `Invalid` if it is none that can be used here.
    pub fn open(dir: &Path) -> Result<Self> {
        let identity = identify(dir)?;
        let config = json(dir, "config.json")?;
        let said = |file: &str, name: &str| json(dir, file).ok().map(|config| config[name].clone());
        if said("1_Pooling/config.json", "pooling_mode_mean_tokens").is_some_and(|mean| mean == false) {
            return Err(unusable(dir, "its vectors are no means"));
        }
        let lowercase = said("tokenizer_config.json", "do_lower_case").is_none_or(|lowercase| lowercase != false);
        let most = said("sentence_bert_config.json", "max_seq_length").and_then(|most| most.as_u64());
        let words = Words::read(&dir.join("vocab.txt"), lowercase).map_err(|error| at(dir, error))?;
        let layers = Layers::read(&config, &Weights::open(&dir.join("model.safetensors")).map_err(|error| at(dir, error))?)
            .map_err(|error| at(dir, error))?;
        if words.len() > layers.vocabulary() {
            return Err(unusable(dir, "vocab.txt has more words than the weights"));
        }
        let most_pieces = most.and_then(|most| usize::try_from(most).ok()).unwrap_or(PIECES).clamp(3, layers.most_pieces());
        Ok(Self { identity, words, layers, most_pieces })
    }
    /// What tells it from any other model: vectors of models with different identities say nothing of each other.
    pub fn identity(&self) -> &str {
        &self.identity
    }
    /// A vector of length 1 for each text. Equal texts have equal vectors, whatever else is asked along with them.
    pub fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>> {
        texts.iter().map(|text| self.layers.vector(&self.words.pieces(text, self.most_pieces))).collect()
    }
    /// The numbers of the pieces that `text` is taken for.
    pub fn pieces(&self, text: &str) -> Vec<u32> {
        self.words.pieces(text, self.most_pieces)
    }
}

/// What [`Model::identity`] would say of the model in `dir`: made of every byte of its files. Reads them all, keeps nothing.
pub fn identify(dir: &Path) -> Result<String> {
    let mut all = Sha256::new();
    all.update(FORMAT.to_be_bytes());
    for file in FILES {
        all.update(digest(&dir.join(file))?);
    }
    for file in MORE_FILES {
        if dir.join(file).is_file() {
            all.update(digest(&dir.join(file))?);
        }
    }
    let name = json(dir, "config.json")?["_name_or_path"].as_str().and_then(|name| name.rsplit('/').next()).unwrap_or_default().to_string();
    let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c)).take(60).collect();
    Ok(format!("{}@{}", if name.is_empty() { "model" } else { &name }, &hex(&all.finalize())[..32]))
}

/// The SHA-256 of a file, in digits.
pub fn sha256(path: &Path) -> Result<String> {
    Ok(hex(&digest(path)?))
}

fn digest(path: &Path) -> Result<[u8; 32]> {
    let failed = |error| Error::io(format!("read {}", path.display()), error);
    let mut file = File::open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Error::not_found(format!("there is no {}", path.display())),
        _ => failed(error),
    })?;
    let (mut hash, mut part) = (Sha256::new(), vec![0; 1 << 18]);
    loop {
        match file.read(&mut part).map_err(failed)? {
            0 => return Ok(hash.finalize().into()),
            n => hash.update(&part[..n]),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn json(dir: &Path, name: &str) -> Result<Value> {
    let path = dir.join(name);
    let text = std::fs::read(&path).map_err(|error| Error::io(format!("read {}", path.display()), error))?;
    serde_json::from_slice(&text).map_err(|_| unusable(dir, &format!("{name} is no JSON")))
}

fn unusable(dir: &Path, why: &str) -> Error {
    at(dir, Error::invalid(why))
}

fn at(dir: &Path, mut error: Error) -> Error {
    error.message = format!("the model in {} cannot be used: {}", dir.display(), error.message);
    error.hint("It has to be a sentence model of the BERT family in single precision, as all-MiniLM-L6-v2: `holt model fetch` brings that.")
}
