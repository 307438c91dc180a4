//! What a user is asked for before a run: start-node variables and `user_input_form` in one form.

mod check;
#[cfg(test)]
mod tests;

pub use check::{Input, InputError, Inputs, validate_inputs};
use ox_types::Json;
use serde_json::Map;

use crate::graph::Graph;

/// One field of the form.
#[derive(Clone, Debug, PartialEq)]
pub struct InputField {
    pub variable: String,
    pub label: String,
    pub description: String,
    pub kind: InputKind,
    pub required: bool,
    /// Not shown, but settable by a caller.
    pub hide: bool,
    /// Used when nothing is given; null when absent.
    pub default: Json,
    /// Characters of a text, or number of files.
    pub max_length: Option<u64>,
    pub options: Vec<String>,
    pub allowed_file_types: Vec<String>,
    pub allowed_file_extensions: Vec<String>,
    pub allowed_file_upload_methods: Vec<String>,
    pub json_schema: Option<Json>,
    /// The stored form, unchanged.
    pub raw: Json,
}

/// Kind of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputKind {
    TextInput,
    Paragraph,
    Select,
    Number,
    Checkbox,
    File,
    FileList,
    JsonObject,
    /// Filled by a call to an external tool, not by the user.
    ExternalDataTool,
}

impl InputKind {
    const ALL: [Self; 9] = [
        Self::TextInput,
        Self::Paragraph,
        Self::Select,
        Self::Number,
        Self::Checkbox,
        Self::File,
        Self::FileList,
        Self::JsonObject,
        Self::ExternalDataTool,
    ];

    /// The name in files and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TextInput => "text-input",
            Self::Paragraph => "paragraph",
            Self::Select => "select",
            Self::Number => "number",
            Self::Checkbox => "checkbox",
            Self::File => "file",
            Self::FileList => "file-list",
            Self::JsonObject => "json_object",
            Self::ExternalDataTool => "external_data_tool",
        }
    }

    /// Reads the name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A form cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("input field {which}: {why}")]
pub struct FormError {
    /// The variable's name, or its number when it has none.
    pub which: String,
    pub why: String,
}

/// The fields of a workflow: the variables of its first start node; none when a trigger starts it.
///
/// # Errors
/// The first field that cannot be read.
pub fn from_graph(graph: &Graph) -> Result<Vec<InputField>, FormError> {
    graph.nodes.iter().find(|node| node.kind == "start").map_or(Ok(Vec::new()), |node| from_start_data(&node.data))
}

/// The fields of a start node's configuration.
///
/// # Errors
/// The first field that cannot be read.
pub fn from_start_data(data: &Json) -> Result<Vec<InputField>, FormError> {
    let items = list(data.get("variables"), "variables")?;
    items
        .iter()
        .enumerate()
        .map(|(index, raw)| {
            let which = which(raw, index);
            let kind = raw.get("type").and_then(Json::as_str).unwrap_or_default();
            InputField::read(kind, raw).map_err(|why| FormError { which, why })
        })
        .collect()
}

/// The fields of a basic app. Those filled by an external tool are no questions to the user.
///
/// # Errors
/// The first field that cannot be read.
pub fn from_model_config(config: &Json) -> Result<Vec<InputField>, FormError> {
    let items = list(config.get("user_input_form"), "user_input_form")?;
    let mut fields = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let entry = item.as_object().and_then(|entry| entry.iter().next());
        let Some((kind, raw)) = entry else {
            let why = "it must be a mapping of a type to its settings".to_owned();
            return Err(FormError { which: (index + 1).to_string(), why });
        };
        let field = InputField::read(kind, raw).map_err(|why| FormError { which: which(raw, index), why })?;
        fields.push(field);
    }
    Ok(fields)
}

fn list<'a>(json: Option<&'a Json>, name: &str) -> Result<&'a [Json], FormError> {
    match json {
        None | Some(Json::Null) => Ok(&[]),
        Some(Json::Array(items)) => Ok(items),
        Some(_) => Err(FormError { which: name.to_owned(), why: "it must be a list".into() }),
    }
}

fn which(raw: &Json, index: usize) -> String {
    raw.get("variable").and_then(Json::as_str).map_or_else(|| (index + 1).to_string(), str::to_owned)
}

/// The form as `/parameters` tells it: one-key mappings with the stored settings.
#[must_use]
pub fn user_input_form(fields: &[InputField]) -> Json {
    let item = |field: &InputField| Json::Object(Map::from_iter([(field.kind.as_str().to_owned(), field.raw.clone())]));
    Json::Array(fields.iter().map(item).collect())
}

impl InputField {
    fn read(kind: &str, raw: &Json) -> Result<Self, String> {
        let kind_read = InputKind::parse(kind).ok_or_else(|| format!("unknown type {kind:?}"))?;
        let text = |key: &str| raw.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
        let flag = |key: &str| raw.get(key).and_then(Json::as_bool).unwrap_or(false);
        let texts = |key: &str| {
            let items = raw.get(key).and_then(Json::as_array).into_iter().flatten();
            items.filter_map(Json::as_str).map(str::to_owned).collect()
        };
        let variable = text("variable");
        if variable.is_empty() {
            return Err("it has no variable name".into());
        }
        Ok(Self {
            label: Some(text("label")).filter(|label| !label.is_empty()).unwrap_or_else(|| variable.clone()),
            variable,
            description: text("description"),
            kind: kind_read,
            required: flag("required"),
            hide: flag("hide"),
            default: raw.get("default").cloned().unwrap_or_default(),
            max_length: raw.get("max_length").and_then(length).filter(|length| *length > 0),
            options: texts("options"),
            allowed_file_types: texts("allowed_file_types"),
            allowed_file_extensions: texts("allowed_file_extensions"),
            allowed_file_upload_methods: texts("allowed_file_upload_methods"),
            json_schema: json_schema(raw.get("json_schema")),
            raw: raw.clone(),
        })
    }
}

fn length(json: &Json) -> Option<u64> {
    json.as_u64().or_else(|| json.as_str()?.trim().parse().ok())
}

/// A schema may be a mapping or its JSON text.
fn json_schema(json: Option<&Json>) -> Option<Json> {
    match json? {
        Json::String(text) => serde_json::from_str(text).ok().filter(Json::is_object),
        schema @ Json::Object(_) => Some(schema.clone()),
        _ => None,
    }
}
