//! The model beside what others make of the same files: numpy by the book of BERT (vectors), Hugging Face's tokenizers (pieces).
#![allow(clippy::unwrap_used)]

use holt_core::ErrorKind;
use holt_semantic::{FILES, MINILM, Model, identify, sha256};
use holt_testkit::{sentence_model, skip};
use serde_json::Value;
use std::path::Path;

fn json(text: &str) -> Vec<Value> {
    serde_json::from_str(text).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn cosine(a: &[f32], b: &[f64]) -> f64 {
    let length = |of: &mut dyn Iterator<Item = f64>| of.map(|x| x * x).sum::<f64>().sqrt();
    let sum: f64 = a.iter().zip(b).map(|(a, b)| f64::from(*a) * b).sum();
    sum / length(&mut a.iter().map(|a| f64::from(*a))) / length(&mut b.iter().copied())
}

#[test]
fn vectors_are_those_of_sentence_transformers() {
    let Some(dir) = sentence_model() else { skip!("no sentence model here: scripts/test-tools.sh brings it") };
    let model = Model::open(&dir).unwrap();
    let known = json(include_str!("minilm.json"));
    let texts: Vec<&str> = known.iter().map(|one| one["text"].as_str().unwrap()).collect();
    let vectors = model.embed(&texts).unwrap();
    for (one, vector) in known.iter().zip(&vectors) {
        let alike = cosine(vector, &numbers(&one["vector"]));
        assert!(alike > 0.99999, "{}: {alike}", one["text"]);
        assert!((vector.iter().map(|x| x * x).sum::<f32>() - 1.0).abs() < 1e-5);
    }
    // What the model's own page says of its first example.
    assert!((vectors[0][0] - 0.067_656_9).abs() < 1e-5 && (vectors[0][1] - 0.063_496_0).abs() < 1e-5);
    assert_eq!(model.embed(&[texts[2]]).unwrap()[0], vectors[2], "alone or in company");
    // The control: another text is not as near.
    assert!(cosine(&vectors[1], &numbers(&known[0]["vector"])) < 0.9);
}

#[test]
fn pieces_are_those_of_the_tokenizers_it_was_trained_with() {
    let Some(dir) = sentence_model() else { skip!("no sentence model here: scripts/test-tools.sh brings it") };
    let model = Model::open(&dir).unwrap();
    for one in json(include_str!("minilm.json")).iter().chain(&json(include_str!("pieces.json"))) {
        let expected: Vec<u32> = numbers(&one["pieces"]).into_iter().map(|number| number as u32).collect();
        assert_eq!(model.pieces(one["text"].as_str().unwrap()), expected, "{}", one["text"]);
    }
    // But for names of marks: a text cannot say that it ends.
    assert_eq!(model.pieces("[SEP]").iter().filter(|piece| **piece == 102).count(), 1);
}

#[test]
fn a_model_is_known_by_every_byte_of_it() {
    let Some(dir) = sentence_model() else { skip!("no sentence model here: scripts/test-tools.sh brings it") };
    for (file, sum) in MINILM {
        assert_eq!(sha256(&dir.join(file)).unwrap(), sum, "{file}");
    }
    let known = Model::open(&dir).unwrap().identity().to_string();
    assert_eq!(identify(&dir).unwrap(), known);
    let other = tempfile::tempdir().unwrap();
    let copy = |dir: &Path| FILES.map(|file| std::fs::copy(dir.join(file), other.path().join(file)).unwrap());
    copy(&dir);
    let mut words = std::fs::read_to_string(other.path().join("vocab.txt")).unwrap();
    words = words.replacen("[unused0]", "[used0]", 1);
    std::fs::write(other.path().join("vocab.txt"), words).unwrap();
    assert_ne!(identify(other.path()).unwrap(), known);
}

#[test]
fn what_is_no_model_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let refused = |dir: &Path| Model::open(dir).map(drop).unwrap_err();
    assert_eq!(refused(dir.path()).kind, ErrorKind::NotFound);
    let Some(whole) = sentence_model() else { skip!("no sentence model here: scripts/test-tools.sh brings it") };
    let put = |file: &str, bytes: &[u8]| std::fs::write(dir.path().join(file), bytes).unwrap();
    let original = |file: &str| std::fs::read(whole.join(file)).unwrap();
    FILES.iter().for_each(|file| put(file, &original(file)));
    Model::open(dir.path()).unwrap();
    let weights = original("model.safetensors");
    for (file, bytes) in [
        ("config.json", &b"{}"[..]),
        ("config.json", b"no"),
        ("vocab.txt", b"a\nb"),
        ("model.safetensors", b""),
        ("model.safetensors", &[0xff; 64]),
        ("model.safetensors", &weights[..1000]),
        ("model.safetensors", &weights[..weights.len() / 2]),
    ] {
        put(file, bytes);
        let error = refused(dir.path());
        assert!(matches!(error.kind, ErrorKind::Invalid | ErrorKind::Internal), "{file}: {error:?}");
        put(file, &original(file));
    }
}
