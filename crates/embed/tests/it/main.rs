//! Models of a few kilobytes, made for the tests (`tests/golden.py tiny`), and the real one where it is at hand.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test may fail loudly, and says what it skips"
)]

mod files;
mod golden;
mod library;
mod pull;

use std::{
    fs,
    path::{Path, PathBuf},
};

use ox_embed::{Description, Library, Model, Settings};

/// What the tests bring.
fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

/// A directory of models with copies of the small ones.
fn home() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for name in ["tiny", "tiny-rerank"] {
        copy(&data().join(name), &dir.path().join(name));
    }
    dir
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

fn settings(dir: &Path) -> Settings {
    Settings {
        dir: dir.to_owned(),
        threads: 2,
        keep: std::time::Duration::from_secs(60),
        hub: "http://127.0.0.1:9".into(),
        is_usual_hub: false,
    }
}

fn library(dir: &Path) -> Library {
    Library::new(settings(dir))
}

fn load(dir: &Path) -> Model {
    Model::load(&Description::read("m", dir).unwrap()).unwrap()
}

/// Where `scripts/install-test-tools.sh` puts the real model; `None` is told.
fn real() -> Option<PathBuf> {
    let cache = std::env::var("OXIDIFY_TEST_MODELS")
        .map(PathBuf::from)
        .ok()
        .or_else(|| std::env::var("HOME").ok().map(|home| Path::new(&home).join(".cache/oxidify/models")))?;
    let dir = cache.join("all-minilm-l6-v2");
    if dir.join("model.safetensors").is_file() {
        return Some(dir);
    }
    println!("skipped: {} is not there; scripts/install-test-tools.sh gets it", dir.display());
    None
}

#[track_caller]
fn assert_near(found: &[f32], expected: &[f32], most: f32) {
    assert_eq!(found.len(), expected.len());
    let far = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(far <= most, "differs by {far}");
}
