//! Builds the value of a document from parser events, without recursion.

use std::{collections::HashMap, fmt::Write as _};

use granit_parser::{Event, Options, Parser, Span, Tag};
use ox_types::{Json, python_float};
use serde_json::Map;

use super::{YamlError, scalar};

/// Nesting allowed in a document: below what JSON readers allow (128), so that stored parts can be read.
pub const MAX_DEPTH: usize = 120;
/// Mappings, sequences and scalars allowed in a document.
const MAX_NODES: usize = 1_000_000;
/// Nodes and bytes that aliases may repeat; real documents hardly use them, hostile ones grow by them.
const MAX_REPEATED_NODES: usize = 100_000;
const MAX_REPEATED_BYTES: usize = 16 << 20;

/// Reads the one document of a text.
pub fn compose(text: &str) -> Result<Json, YamlError> {
    let mut options = Options::default();
    options.set_emit_comments(false);
    options.flow_nesting_limit = MAX_DEPTH + 1;
    options.block_nesting_limit = MAX_DEPTH + 1;
    let mut composer = Composer::default();
    for item in Parser::new_from_str_with_options(text, options) {
        let (event, span) = item.map_err(|error| YamlError {
            why: error.info(),
            line: error.marker().line() as u64,
            column: error.marker().col() as u64 + 1,
        })?;
        composer.take(event).map_err(|why| at(&span, why))?;
    }
    Ok(composer.result.unwrap_or_default())
}

fn at(span: &Span, why: String) -> YamlError {
    YamlError { why, line: span.start.line() as u64, column: span.start.col() as u64 + 1 }
}

#[derive(Default)]
struct Composer {
    open: Vec<Open>,
    anchors: HashMap<usize, Anchored>,
    result: Option<Json>,
    documents: usize,
    nodes: usize,
    repeated_nodes: usize,
    repeated_bytes: usize,
}

/// A collection whose end has not come yet.
struct Open {
    anchor: usize,
    nodes_before: usize,
    content: Content,
}

enum Content {
    Sequence(Vec<Json>),
    Mapping { own: Map<String, Json>, merged: Vec<Map<String, Json>>, key: Option<Key> },
}

enum Key {
    Text(String),
    /// `<<`: the value is taken in.
    Merge,
}

struct Anchored {
    value: Json,
    nodes: usize,
    bytes: usize,
}

/// A finished node on its way into its parent.
enum Done {
    Value(Json),
    /// The plain scalar `<<`, special only as a key.
    MergeSign,
}

impl Composer {
    fn take(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err("expected a single document, but another one begins here".into());
                }
            }
            Event::Alias(anchor) => return self.alias(anchor),
            Event::Scalar(text, style, anchor, tag) => {
                self.count()?;
                let done = match (&*text, style, &tag) {
                    ("<<", granit_parser::ScalarStyle::Plain, None) => Done::MergeSign,
                    _ => Done::Value(scalar::value(&text, style, tag.as_deref())?),
                };
                return self.finish(done, anchor, 1);
            }
            Event::SequenceStart(_, anchor, tag) => {
                check_tag(tag.as_deref(), "seq")?;
                self.open(anchor, Content::Sequence(Vec::new()))?;
            }
            Event::MappingStart(_, anchor, tag) => {
                check_tag(tag.as_deref(), "map")?;
                self.open(anchor, Content::Mapping { own: Map::new(), merged: Vec::new(), key: None })?;
            }
            Event::SequenceEnd | Event::MappingEnd => return self.close(),
            _ => {}
        }
        Ok(())
    }

    fn count(&mut self) -> Result<(), String> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(format!("the document has more than {MAX_NODES} values"));
        }
        Ok(())
    }

    fn open(&mut self, anchor: usize, content: Content) -> Result<(), String> {
        self.count()?;
        if self.open.len() >= MAX_DEPTH {
            return Err(format!("the document is nested more than {MAX_DEPTH} levels deep"));
        }
        self.open.push(Open { anchor, nodes_before: self.nodes, content });
        Ok(())
    }

    fn close(&mut self) -> Result<(), String> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let nodes = self.nodes - open.nodes_before + 1;
        let value = match open.content {
            Content::Sequence(items) => Json::Array(items),
            Content::Mapping { own, merged, .. } if merged.is_empty() => Json::Object(own),
            Content::Mapping { own, merged, .. } => Json::Object(merged.into_iter().flatten().chain(own).collect()),
        };
        self.finish(Done::Value(value), open.anchor, nodes)
    }

    fn alias(&mut self, anchor: usize) -> Result<(), String> {
        let Some(anchored) = self.anchors.get(&anchor) else {
            return Err("an alias refers to a value that contains it".into());
        };
        self.repeated_nodes += anchored.nodes;
        self.repeated_bytes += anchored.bytes;
        if self.repeated_nodes > MAX_REPEATED_NODES || self.repeated_bytes > MAX_REPEATED_BYTES {
            return Err("aliases make the document too large".into());
        }
        let (value, nodes) = (anchored.value.clone(), anchored.nodes);
        self.nodes += nodes;
        self.finish(Done::Value(value), 0, nodes)
    }

    fn finish(&mut self, done: Done, anchor: usize, nodes: usize) -> Result<(), String> {
        if anchor != 0 {
            let value = match &done {
                Done::Value(value) => value.clone(),
                Done::MergeSign => Json::from("<<"),
            };
            let bytes = text_bytes(&value);
            self.repeated_nodes += nodes;
            self.repeated_bytes += bytes;
            if self.repeated_nodes > MAX_REPEATED_NODES || self.repeated_bytes > MAX_REPEATED_BYTES {
                return Err("anchors make the document too large".into());
            }
            self.anchors.insert(anchor, Anchored { value, nodes, bytes });
        }
        match self.open.last_mut().map(|open| &mut open.content) {
            None => self.result = Some(plain(done)),
            Some(Content::Sequence(items)) => items.push(plain(done)),
            Some(Content::Mapping { own, merged, key }) => match key.take() {
                None => *key = Some(read_key(done)?),
                Some(Key::Text(name)) => {
                    own.insert(name, plain(done));
                }
                Some(Key::Merge) => merge(merged, plain(done))?,
            },
        }
        Ok(())
    }
}

fn plain(done: Done) -> Json {
    match done {
        Done::Value(value) => value,
        Done::MergeSign => Json::from("<<"),
    }
}

/// Keys are text: other scalars become the text JSON would give them as keys.
fn read_key(done: Done) -> Result<Key, String> {
    Ok(Key::Text(match done {
        Done::MergeSign => return Ok(Key::Merge),
        Done::Value(Json::String(text)) => text,
        Done::Value(Json::Number(number)) if number.is_f64() => python_float(number.as_f64().unwrap_or_default()),
        Done::Value(Json::Array(_) | Json::Object(_)) => {
            return Err("a list or mapping cannot be the key of a mapping".into());
        }
        Done::Value(other) => other.to_string(),
    }))
}

/// Earlier mappings of a list count before later ones.
fn merge(merged: &mut Vec<Map<String, Json>>, value: Json) -> Result<(), String> {
    let refused = || "only a mapping or a list of mappings can be merged with <<".to_owned();
    match value {
        Json::Object(map) => merged.push(map),
        Json::Array(items) => {
            for item in items.into_iter().rev() {
                let Json::Object(map) = item else { return Err(refused()) };
                merged.push(map);
            }
        }
        _ => return Err(refused()),
    }
    Ok(())
}

fn text_bytes(value: &Json) -> usize {
    match value {
        Json::String(text) => text.len(),
        Json::Array(items) => items.iter().map(text_bytes).sum(),
        Json::Object(map) => map.iter().map(|(key, value)| key.len() + text_bytes(value)).sum(),
        _ => 0,
    }
}

fn check_tag(tag: Option<&Tag>, expected: &str) -> Result<(), String> {
    match tag {
        None => Ok(()),
        Some(tag) if tag.is_yaml_core_schema_tag(expected) || (tag.handle() == "!" && tag.suffix().is_empty()) => {
            Ok(())
        }
        Some(tag) => Err(unknown_tag(tag)),
    }
}

pub fn unknown_tag(tag: &Tag) -> String {
    let mut out = String::from("the tag ");
    let _ = write!(out, "{}", tag.original());
    out.push_str(" is not allowed here");
    out
}
