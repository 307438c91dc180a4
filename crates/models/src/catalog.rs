//! Tables of models: files under `data/` become [`ModelSpec`]s.

use ox_types::Json;
use serde::Deserialize;

use crate::{FetchFrom, I18n, ModelFeature, ModelKind, ModelMode, ModelSpec, ParameterRule, Pricing, form};

#[derive(Deserialize)]
struct Table {
    models: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    model: String,
    kind: ModelKind,
    #[serde(default)]
    mode: Option<ModelMode>,
    #[serde(default)]
    context_size: Option<u64>,
    #[serde(default)]
    max_output_tokens: Option<u64>,
    #[serde(default)]
    dimensions: Option<u64>,
    /// Of models that speak.
    #[serde(default)]
    voices: Vec<String>,
    #[serde(default)]
    features: Vec<ModelFeature>,
    #[serde(default)]
    reasoning: bool,
    #[serde(default)]
    pricing: Option<Pricing>,
    #[serde(default)]
    deprecated: bool,
}

/// How the rules of a vendor's reasoning models differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReasoningRules {
    /// As every other model.
    Usual,
    /// No sampling parameters, `max_completion_tokens`, `reasoning_effort`.
    OpenAi,
}

/// Reads a table. A row that cannot be read is a defect of the build; the test reads every file.
pub fn read(text: &str, reasoning: ReasoningRules) -> Vec<ModelSpec> {
    let table: Table = match serde_json::from_str(text) {
        Ok(table) => table,
        Err(error) => {
            tracing::error!(%error, "a model table of this build cannot be read");
            return Vec::new();
        }
    };
    table.models.into_iter().map(|row| spec(row, reasoning)).collect()
}

fn spec(row: Row, reasoning: ReasoningRules) -> ModelSpec {
    let mut properties = serde_json::Map::new();
    if let Some(mode) = row.mode {
        properties.insert("mode".into(), mode.as_str().into());
    }
    for (name, value) in [("context_size", row.context_size), ("dimensions", row.dimensions)] {
        if let Some(value) = value {
            properties.insert(name.into(), value.into());
        }
    }
    if row.kind == ModelKind::TextEmbedding {
        properties.insert("max_chunks".into(), 32.into());
    }
    if row.kind == ModelKind::Tts {
        properties.extend(voices(row.voices.iter().map(String::as_str)));
    }
    let parameter_rules = match row.kind {
        ModelKind::Llm => rules(
            row.max_output_tokens,
            row.reasoning && reasoning == ReasoningRules::OpenAi,
            row.features.contains(&ModelFeature::StructuredOutput),
        ),
        _ => Vec::new(),
    };
    ModelSpec {
        label: I18n::same(&row.model),
        model: row.model,
        kind: row.kind,
        features: row.features,
        fetch_from: FetchFrom::Predefined,
        model_properties: properties,
        parameter_rules,
        pricing: row.pricing,
        deprecated: row.deprecated,
    }
}

/// The properties of a model that speaks with these voices, in every language.
pub fn voices<'a>(names: impl Iterator<Item = &'a str>) -> serde_json::Map<String, Json> {
    let title = |name: &str| {
        let mut letters = name.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>()).unwrap_or_default()
    };
    let voices: Vec<Json> =
        names.map(|name| serde_json::json!({"mode": name, "name": title(name), "language": []})).collect();
    let default = voices.first().and_then(|voice| voice.get("mode")).cloned().unwrap_or_default();
    serde_json::Map::from_iter([
        ("default_voice".to_owned(), default),
        ("voices".to_owned(), Json::Array(voices)),
        ("word_limit".to_owned(), 3500.into()),
        ("audio_type".to_owned(), "mp3".into()),
    ])
}

/// The rules of a language model.
pub fn rules(max_output: Option<u64>, is_reasoning: bool, has_schema: bool) -> Vec<ParameterRule> {
    let names: &[&str] = if is_reasoning {
        &["max_completion_tokens", "reasoning_effort", "response_format", "json_schema"]
    } else {
        &[
            "temperature",
            "top_p",
            "presence_penalty",
            "frequency_penalty",
            "max_tokens",
            "seed",
            "response_format",
            "json_schema",
        ]
    };
    let mut rules: Vec<_> = names.iter().filter_map(|name| form::rule(name)).collect();
    for rule in &mut rules {
        if rule.use_template.as_deref() == Some("max_tokens") {
            rule.min = Some(1.0);
            #[expect(clippy::cast_precision_loss, reason = "limits of answers are small")]
            let max = max_output.map(|max| max as f64);
            rule.max = max;
            rule.default = Some(Json::from(max_output.map_or(512, |max| max.min(512))));
        }
        if rule.name == "response_format" && !has_schema {
            rule.options.retain(|option| option != "json_schema");
        }
    }
    rules.retain(|rule| has_schema || rule.name != "json_schema");
    rules
}
