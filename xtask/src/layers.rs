//! The direction rule: a crate depends only on crates of lower layers, or of its own layer when listed.

use std::{collections::BTreeMap, process::Command};

use anyhow::{Context, bail};
use serde_json::Value;

/// Layers from the bottom up; a crate may use everything in lower layers.
const LAYERS: &[&[&str]] = &[
    &["types"],
    &["text"],
    &["dsl", "extract", "rag"],
    &["obs", "net"],
    &["db", "kv", "store", "auth", "mail", "sandbox", "vector", "embed"],
    &["models"],
    &["gateway"],
    &["engine"],
    &["nodes"],
    &["tools", "agents"],
    &["app"],
    &["api"],
    &["web"],
    &["cli"],
    &["testkit"],
];

/// What must stay out of a crate for its promise to hold.
const FORBIDDEN: &[(&str, &[&str])] = &[
    ("types", &["tokio", "reqwest", "axum", "sea-orm"]),
    ("text", &["tokio", "reqwest", "axum", "sea-orm"]),
    ("dsl", &["tokio", "reqwest", "axum", "sea-orm"]),
    ("rag", &["tokio", "reqwest", "axum", "sea-orm"]),
    ("extract", &["tokio", "reqwest", "axum", "sea-orm"]),
    ("engine", &["reqwest", "axum", "sea-orm", "sqlx", "ox-models", "ox-net"]),
    ("app", &["axum", "utoipa"]),
    ("api", &["sea-orm", "sqlx", "ox-db", "ox-engine"]),
];

/// Reads the manifests and fails on an arrow the wrong way.
pub fn check() -> anyhow::Result<()> {
    let output = Command::new(env!("CARGO")).args(["metadata", "--no-deps", "--format-version", "1"]).output()?;
    let metadata: Value = serde_json::from_slice(&output.stdout).context("cargo metadata")?;
    let rank: BTreeMap<&str, usize> =
        LAYERS.iter().enumerate().flat_map(|(rank, names)| names.iter().map(move |name| (*name, rank))).collect();
    let mut problems = Vec::new();
    for package in metadata["packages"].as_array().context("packages")? {
        let Some(name) = package["name"].as_str().and_then(|name| name.strip_prefix("ox-")) else { continue };
        let Some(own) = rank.get(name) else {
            problems.push(format!("{name} is in no layer: add it to xtask/src/layers.rs"));
            continue;
        };
        let shipped = package["dependencies"].as_array().into_iter().flatten().filter(|dep| dep["kind"] != "dev");
        for dependency in shipped.filter_map(|dep| dep["name"].as_str()) {
            if let Some(other) = dependency.strip_prefix("ox-")
                && rank.get(other).is_none_or(|other| other >= own)
            {
                problems.push(format!("{name} -> {other} points sideways or down"));
            }
            let banned = FORBIDDEN.iter().any(|(crate_name, names)| *crate_name == name && names.contains(&dependency));
            if banned {
                problems.push(format!("{name} must not depend on {dependency}"));
            }
        }
    }
    if !problems.is_empty() {
        bail!("layer rule broken:\n  {}", problems.join("\n  "));
    }
    println_layers();
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a command-line tool")]
fn println_layers() {
    println!("layers: every arrow points up");
}
