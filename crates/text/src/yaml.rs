//! YAML as the compatible system reads and writes it: version 1.1 typing, one document.

use ox_types::Json;
use serde_saphyr::{DuplicateKeyPolicy, Options};

/// Nesting allowed in a document.
const MAX_DEPTH: usize = 100;
/// Mappings, sequences and scalars allowed in a document, aliases counted as often as used.
const MAX_NODES: usize = 1_000_000;
/// What aliases may repeat; real documents hardly use them, hostile ones grow by them.
const MAX_REPEATED: usize = 100_000;
/// Stack for [`MAX_DEPTH`] levels with room to spare in unoptimised builds.
const STACK_BYTES: usize = 16 << 20;

/// A text is not usable YAML.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{why}", place(*.line, *.column))]
pub struct YamlError {
    pub why: String,
    /// 1-based; 0 when unknown.
    pub line: u64,
    /// 1-based; 0 when unknown.
    pub column: u64,
}

fn place(line: u64, column: u64) -> String {
    if line == 0 { String::new() } else { format!("line {line}, column {column}: ") }
}

/// Reads one YAML document. Key order is kept; of equal keys the last one counts, as in PyYAML.
///
/// # Errors
/// When it is not YAML, nests too deep or is too large, with the place.
pub fn parse(text: &str) -> Result<Json, YamlError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Ok(Json::Null);
    }
    with_stack(|| {
        serde_saphyr::from_str_with_options(text, options()).map_err(|error| {
            let error = error.without_snippet();
            let (line, column) = error.location().map_or((0, 0), |at| (at.line(), at.column()));
            YamlError { why: short(&error.to_string()), line, column }
        })
    })
}

/// Runs recursive work where nesting cannot overflow the stack, whoever calls.
fn with_stack<T: Send>(work: impl FnOnce() -> Result<T, YamlError> + Send) -> Result<T, YamlError> {
    let internal = |why: String| YamlError { why, line: 0, column: 0 };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("yaml".into())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, work)
            .map_err(|error| internal(format!("no thread to read YAML with: {error}")))?;
        thread.join().unwrap_or_else(|_| Err(internal("the YAML reader failed on this document".into())))
    })
}

fn options() -> Options {
    let mut options = Options::default();
    options.legacy_octal_numbers = true;
    options.duplicate_keys = DuplicateKeyPolicy::LastWins;
    options.alias_limits.max_total_replayed_events = MAX_REPEATED;
    if let Some(budget) = options.budget.as_mut() {
        budget.max_depth = MAX_DEPTH;
        budget.flow_nesting_limit = MAX_DEPTH;
        budget.max_nodes = MAX_NODES;
        budget.max_recorded_anchor_events = MAX_REPEATED;
        budget.max_events = MAX_NODES * 2;
    }
    options
}

/// The message alone: the place is told apart, and only the first line is for people.
fn short(message: &str) -> String {
    let first = message.lines().next().unwrap_or_default().trim();
    match first.find(" at line ") {
        Some(end) => first.get(..end).unwrap_or(first).to_owned(),
        None => first.to_owned(),
    }
}

/// Writes a document in block style. A text that a YAML 1.1 reader would take for something else is
/// quoted; texts of several lines are block scalars.
///
/// # Errors
/// Only when the writer itself fails.
pub fn write(json: &Json) -> Result<String, YamlError> {
    let mut options = serde_saphyr::SerializerOptions::default();
    // Folding would change nothing for a reader but hides the text from a diff.
    options.folded_wrap_chars = usize::MAX;
    serde_saphyr::to_string_with_options(json, options).map_err(|error| YamlError {
        why: error.to_string(),
        line: 0,
        column: 0,
    })
}
