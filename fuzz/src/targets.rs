//! What is fuzzed: a name, where the first inputs come from, and what is done with one.

mod conditions;
mod dsl;
mod paths;
mod proxy;
mod responses;
mod runs;
mod templates;

use serde_json::{Value as Json, json};
use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
};

/// Does something with an input and says how it went: equal numbers for equal behaviour.
pub type Run = Box<dyn FnMut(&[u8]) -> u64>;

/// What inputs are: documents are also changed as documents.
#[derive(Clone, Copy)]
pub enum Shape {
    Text,
    Json,
    Yaml,
}

pub struct Target {
    pub name: &'static str,
    pub shape: Shape,
    pub seeds: fn() -> Vec<Vec<u8>>,
    pub words: &'static [&'static str],
    pub start: fn() -> anyhow::Result<Run>,
}

pub const TARGETS: &[Target] = &[
    conditions::TARGET,
    dsl::TARGET,
    paths::TARGET,
    proxy::TARGET,
    responses::TARGET,
    runs::TARGET,
    templates::TARGET,
];

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

/// The groups of the transcripts of the node kinds: configurations of every kind.
fn groups() -> Vec<Json> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/nodes/tests/transcripts");
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let texts = paths.iter().filter_map(|path| fs::read_to_string(path).ok());
    let parsed = texts.filter_map(|text| ox_text::yaml::parse(&text).ok());
    parsed.flat_map(|file| file.as_array().cloned().unwrap_or_default()).collect()
}

/// Apps made of the transcripts, one for each group and one for each case that changes a node.
pub fn apps() -> Vec<Vec<u8>> {
    let mut apps = Vec::new();
    for group in groups() {
        apps.extend(app(&group, None));
        for case in group["cases"].as_array().into_iter().flatten().filter(|case| case["with"].is_object()).take(6) {
            apps.extend(app(&group, Some(&case["with"])));
        }
    }
    apps
}

fn app(group: &Json, with: Option<&Json>) -> Option<Vec<u8>> {
    let mut nodes = Vec::new();
    for (id, data) in group["nodes"].as_object()? {
        let mut data = data.clone();
        let fields = data.as_object_mut()?;
        fields.entry("title").or_insert_with(|| Json::from(id.as_str()));
        fields.extend(with.and_then(|with| with[id].as_object()).cloned().unwrap_or_default());
        nodes.push(json!({"id": id, "type": "custom", "data": data}));
    }
    let mut edges = Vec::new();
    for edge in group["edges"].as_array()? {
        let (from, to) = edge.as_str()?.split_once("->")?;
        let (source, handle) = from.trim().split_once(' ').unwrap_or((from.trim(), "source"));
        edges.push(json!({"source": source, "sourceHandle": handle.trim(), "target": to.trim()}));
    }
    let is_chat = nodes.iter().any(|node| node["data"]["type"] == "answer");
    let given = &group["given"];
    let variables = |map: &Json| -> Vec<Json> {
        map.as_object()
            .into_iter()
            .flatten()
            .map(|(name, value)| json!({"name": name, "value": value, "value_type": kind(value), "id": name}))
            .collect()
    };
    let document = json!({
        "kind": "app", "version": "0.6.0",
        "app": {"name": group["name"], "mode": if is_chat { "advanced-chat" } else { "workflow" }},
        "workflow": {
            "graph": {"nodes": nodes, "edges": edges}, "features": {},
            "environment_variables": variables(&given["env"]),
            "conversation_variables": variables(&given["conversation"]),
        },
    });
    Some(ox_text::yaml::write(&document).ok()?.into_bytes())
}

fn kind(value: &Json) -> &'static str {
    match value {
        Json::Number(_) => "number",
        Json::Array(_) => "array[object]",
        Json::Object(_) => "object",
        _ => "string",
    }
}

/// Everything in the transcripts and fixtures that `find` picks.
pub fn pieces(mut find: impl FnMut(&Json, &mut Vec<Json>)) -> Vec<Json> {
    fn walk(json: &Json, find: &mut impl FnMut(&Json, &mut Vec<Json>), found: &mut Vec<Json>) {
        find(json, found);
        match json {
            Json::Array(items) => items.iter().for_each(|item| walk(item, find, found)),
            Json::Object(fields) => fields.values().for_each(|value| walk(value, find, found)),
            _ => {}
        }
    }
    let documents = files(&[".yml"]);
    let documents = documents.iter().filter_map(|bytes| ox_text::yaml::parse(&String::from_utf8_lossy(bytes)).ok());
    let mut found = Vec::new();
    for document in documents.chain(groups()) {
        walk(&document, &mut find, &mut found);
    }
    found.sort_by_key(Json::to_string);
    found.dedup();
    found
}
