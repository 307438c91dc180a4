//! Files as parts of a message to a model.

use base64::{Engine, engine::general_purpose::STANDARD};
use ox_engine::{NodeContext, NodeFailure, Pool};
use ox_models::{ContentPart, Media, MediaSource, ModelFeature, ModelSpec};
use ox_types::{File, FileKind, Json, Value, ValueType, boxed};
use serde::{Deserialize, Deserializer};
use serde_json::json;

use crate::{MultimodalFormat, PortError, Ports, config};

/// Whether and which files go to the model.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Vision {
    #[serde(default, deserialize_with = "config::nullable")]
    pub enabled: bool,
    #[serde(default, deserialize_with = "config::nullable")]
    pub configs: VisionConfig,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct VisionConfig {
    #[serde(deserialize_with = "selector")]
    pub variable_selector: Vec<String>,
    #[serde(deserialize_with = "detail")]
    pub detail: String,
}

impl Default for VisionConfig {
    fn default() -> Self {
        Self { variable_selector: sys_files(), detail: "high".into() }
    }
}

fn sys_files() -> Vec<String> {
    vec!["sys".into(), "files".into()]
}

fn selector<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let selector = Option::<Vec<String>>::deserialize(deserializer)?;
    Ok(selector.filter(|selector| !selector.is_empty()).unwrap_or_else(sys_files))
}

fn detail<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.unwrap_or_else(|| "high".into()))
}

impl Vision {
    /// The files that go to the model.
    ///
    /// # Errors
    /// `InvalidVariableTypeError` when the variable has something else than files.
    pub fn files(&self, pool: &Pool) -> Result<Vec<Value>, Box<NodeFailure>> {
        if !self.enabled {
            return Ok(Vec::new());
        }
        let value = pool.get(&self.configs.variable_selector).unwrap_or_default();
        let files = files_of(&value);
        let is_files = match &value {
            Value::None | Value::File(_) | Value::Array(ValueType::ArrayAny, _) => true,
            Value::Array(_, items) => items.len() == files.len(),
            _ => false,
        };
        if is_files {
            return Ok(files);
        }
        let why = format!("Invalid variable type: {}", value.value_type().as_str());
        Err(NodeFailure::new("InvalidVariableTypeError", why))
    }
}

/// The files in a value.
pub fn files_of(value: &Value) -> Vec<Value> {
    match value {
        Value::File(_) => vec![value.clone()],
        Value::Array(_, items) => items.iter().filter(|item| matches!(item, Value::File(_))).cloned().collect(),
        _ => Vec::new(),
    }
}

/// Files as message parts; those the model cannot take are left out, before they are read.
///
/// # Errors
/// When a file cannot be read.
#[boxed]
pub async fn parts(
    files: &[Value],
    detail: &str,
    model: Option<&ModelSpec>,
    cx: &NodeContext,
    ports: &Ports,
) -> Result<Vec<ContentPart>, PortError> {
    let mut parts = Vec::with_capacity(files.len());
    for file in files {
        let Value::File(file) = file else { continue };
        if !takes(model, file.kind) {
            continue;
        }
        parts.push(part(file, detail, cx, ports).await?);
    }
    Ok(parts)
}

/// The files that the model cannot take, as traces tell them.
pub fn refused(files: &[Value], model: Option<&ModelSpec>) -> impl Iterator<Item = Json> {
    files.iter().filter_map(move |file| match file {
        Value::File(file) if !takes(model, file.kind) => {
            Some(json!({"name": file.filename, "type": file.kind.as_str()}))
        }
        _ => None,
    })
}

/// Whether the model takes files of this kind. Nothing is held back from a model nobody described.
fn takes(model: Option<&ModelSpec>, kind: FileKind) -> bool {
    let feature = match kind {
        FileKind::Image => ModelFeature::Vision,
        FileKind::Document => ModelFeature::Document,
        FileKind::Audio => ModelFeature::Audio,
        FileKind::Video => ModelFeature::Video,
        FileKind::Custom => return true,
    };
    model.is_none_or(|model| model.has(feature))
}

async fn part(file: &File, detail: &str, cx: &NodeContext, ports: &Ports) -> Result<ContentPart, PortError> {
    let name = file.filename.as_deref().unwrap_or_default();
    let wrap = match file.kind {
        FileKind::Image => ContentPart::Image,
        FileKind::Document => ContentPart::Document,
        FileKind::Audio => ContentPart::Audio,
        FileKind::Video => ContentPart::Video,
        FileKind::Custom => return Ok(ContentPart::text(format!("[Unsupported file type: {name} (custom)]"))),
    };
    let source = match ports.limits.multimodal {
        MultimodalFormat::Url => MediaSource::Url(ports.files.url(&cx.run, file).await?),
        MultimodalFormat::Base64 => MediaSource::Base64(STANDARD.encode(ports.files.read(&cx.run, file).await?)),
    };
    Ok(wrap(Media {
        source,
        mime: file.mime_type.clone().unwrap_or_else(|| "application/octet-stream".into()),
        filename: file.filename.clone(),
        detail: (file.kind == FileKind::Image).then(|| detail.to_owned()),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legacy_forms_of_vision() {
        for (config, enabled) in [
            (json!({"enabled": true}), true),
            (json!({"enabled": true, "configs": null}), true),
            (json!({"enabled": false, "configs": {"variable_selector": [], "detail": null}}), false),
            (json!({}), false),
        ] {
            let vision: Vision = serde_json::from_value(config).unwrap();
            assert_eq!(vision.enabled, enabled);
            assert_eq!(vision.configs.variable_selector, ["sys", "files"]);
            assert_eq!(vision.configs.detail, "high");
        }
    }
}
