//! What is fuzzed: a name, where the first inputs come from, and what is done with one.

mod conditions;
mod dsl;
mod paths;
mod proxy;
mod responses;
mod templates;

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
};

/// Does something with an input and says how it went: equal numbers for equal behaviour.
pub type Run = Box<dyn FnMut(&[u8]) -> u64>;

pub struct Target {
    pub name: &'static str,
    pub seeds: fn() -> Vec<Vec<u8>>,
    pub words: &'static [&'static str],
    pub start: fn() -> anyhow::Result<Run>,
}

pub const TARGETS: &[Target] =
    &[conditions::TARGET, dsl::TARGET, paths::TARGET, proxy::TARGET, responses::TARGET, templates::TARGET];

/// A number for a behaviour; digits and quoted parts of a text do not count.
pub fn signature(parts: &[&str]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for part in parts {
        let plain: String =
            part.split(['\'', '"']).step_by(2).flat_map(str::chars).filter(|c| !c.is_ascii_digit()).take(60).collect();
        plain.hash(&mut hasher);
    }
    hasher.finish()
}

/// Files of these folders with one of these endings.
pub fn files(endings: &[&str]) -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let shared = std::env::var("OXIDIFY_SHARED").map_or_else(|_| root.join("../shared"), PathBuf::from);
    let mut found = Vec::new();
    for folder in [root.join("tests/apps"), shared.join("fixtures/dsl")] {
        let Ok(entries) = fs::read_dir(folder) else { continue };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        let fits = |path: &&PathBuf| endings.iter().any(|ending| path.to_string_lossy().ends_with(ending));
        found.extend(paths.iter().filter(fits).filter_map(|path| fs::read(path).ok()));
    }
    found
}

/// The seeds of a list of texts.
pub fn texts(list: &[&str]) -> Vec<Vec<u8>> {
    list.iter().map(|text| text.as_bytes().to_vec()).collect()
}
