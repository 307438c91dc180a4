//! YAML as the compatible system reads and writes it: version 1.1 typing, one document.

mod compose;
mod scalar;

use ox_types::Json;

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

/// Reads one YAML (or JSON) document. Key order is kept; of equal keys the last one counts, as in PyYAML.
///
/// # Errors
/// When it is not YAML, nests too deep or is too large, with the place.
pub fn parse(text: &str) -> Result<Json, YamlError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Ok(Json::Null);
    }
    // JSON is not quite YAML: emoji as two escapes, long keys and tabs are fine there only.
    if text.trim_start().starts_with('{')
        && let Ok(json) = serde_json::from_str(text)
        // What is read must be readable again after it was written as YAML.
        && depth(&json) <= compose::MAX_DEPTH
    {
        return Ok(json);
    }
    compose::compose(text)
}

/// How deep a value nests. Its reader has bounded that.
fn depth(json: &Json) -> usize {
    let deepest = match json {
        Json::Array(items) => items.iter().map(depth).max(),
        Json::Object(fields) => fields.values().map(depth).max(),
        _ => return 0,
    };
    deepest.unwrap_or(0) + 1
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
