//! Tables of models: files under `data/` become [`ModelSpec`]s.

use std::{collections::HashMap, sync::LazyLock};

use ox_types::Json;
use serde::Deserialize;

use crate::{
    Credentials, FetchFrom, I18n, ModelFeature, ModelKind, ModelMode, ModelSpec, ParameterRule, Pricing, credential,
    form, providers,
};

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
    /// Texts in one request for vectors.
    #[serde(default)]
    max_chunks: Option<u64>,
    /// Of models that speak.
    #[serde(default)]
    voices: Vec<String>,
    #[serde(default)]
    features: Vec<ModelFeature>,
    #[serde(default)]
    reasoning: bool,
    /// How its requests differ from those of its vendor's other models.
    #[serde(default)]
    quirks: Vec<String>,
    #[serde(default)]
    pricing: Option<Pricing>,
    #[serde(default)]
    deprecated: bool,
}

/// The words in which a protocol's models take their parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// As most.
    Usual,
    /// As most, but reasoning models take no sampling parameters, `max_completion_tokens`, `reasoning_effort`.
    OpenAi,
    Anthropic,
    Bedrock,
    Cohere,
    Gemini,
    Ollama,
}

/// A model that thinks by itself, as much as an effort says.
pub const ADAPTIVE: &str = "adaptive-thinking";
/// A model that refuses sampling parameters.
pub const NO_SAMPLING: &str = "no-sampling";
/// A model that is asked by the Responses API only.
pub const RESPONSES: &str = "responses";
/// A model that takes a level of thinking instead of a number of tokens.
pub const LEVELS: &str = "thinking-levels";

/// Whether a model's row tells this of it.
pub fn has_quirk(spec: Option<&ModelSpec>, quirk: &str) -> bool {
    let quirks = spec.and_then(|spec| spec.model_properties.get("quirks")).and_then(Json::as_array);
    quirks.is_some_and(|quirks| quirks.iter().any(|one| one.as_str() == Some(quirk)))
}

/// The longest answer of a model, where it is known.
pub fn longest_answer(spec: Option<&ModelSpec>) -> Option<u64> {
    let is_limit = |rule: &&ParameterRule| rule.use_template.as_deref() == Some("max_tokens");
    let max = spec?.parameter_rules.iter().find(is_limit)?.max?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "limits of answers are small")]
    (1.0..1e12).contains(&max).then_some(max as u64)
}

/// Reads a table. A row that cannot be read is a defect of the build; the test reads every file.
pub fn read(text: &str, dialect: Dialect) -> Vec<ModelSpec> {
    let table: Table = match serde_json::from_str(text) {
        Ok(table) => table,
        Err(error) => {
            tracing::error!(%error, "a model table of this build cannot be read");
            return Vec::new();
        }
    };
    table.models.into_iter().map(|row| spec(row, dialect)).collect()
}

fn spec(row: Row, dialect: Dialect) -> ModelSpec {
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
        properties.insert("max_chunks".into(), row.max_chunks.unwrap_or(32).into());
    }
    if row.kind == ModelKind::Tts {
        properties.extend(voices(row.voices.iter().map(String::as_str)));
    }
    let parameter_rules = match row.kind {
        ModelKind::Llm => rules(
            dialect,
            &Facts {
                max_output: row.max_output_tokens,
                reasoning: row.reasoning,
                schema: row.features.contains(&ModelFeature::StructuredOutput),
                quirks: &row.quirks,
            },
        ),
        _ => Vec::new(),
    };
    if !row.quirks.is_empty() {
        properties.insert("quirks".into(), row.quirks.into());
    }
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

/// What the credentials of a model that nobody described say of it.
pub fn custom(model: &str, kind: ModelKind, credentials: &Credentials, dialect: Dialect) -> ModelSpec {
    let number = |name: &str| {
        let value = credentials.get(name)?;
        value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
    };
    let is = |name: &str, values: &[&str]| credential(credentials, name).is_some_and(|value| values.contains(&value));
    let mut properties = serde_json::Map::new();
    if let Some(size) = number("context_size") {
        properties.insert("context_size".into(), size.into());
    }
    let mut features = Vec::new();
    let mut parameter_rules = Vec::new();
    match kind {
        ModelKind::Llm => {
            properties.insert("mode".into(), credential(credentials, "mode").unwrap_or("chat").into());
            if is("function_calling_type", &["tool_call", "function_call"]) || is("function_call_support", &["true"]) {
                features.extend([ModelFeature::ToolCall, ModelFeature::MultiToolCall, ModelFeature::AgentThought]);
            }
            if is("stream_function_calling", &["supported"]) {
                features.push(ModelFeature::StreamToolCall);
            }
            if is("vision_support", &["support", "true"]) {
                features.push(ModelFeature::Vision);
            }
            if is("structured_output_support", &["supported"]) {
                features.push(ModelFeature::StructuredOutput);
            }
            let max_output = number("max_tokens_to_sample").or_else(|| number("max_tokens"));
            let reasoning = !matches!(dialect, Dialect::Usual | Dialect::OpenAi);
            parameter_rules = rules(dialect, &Facts { max_output, reasoning, schema: true, quirks: &[] });
        }
        ModelKind::TextEmbedding => {
            properties.insert("max_chunks".into(), number("max_chunks").unwrap_or(1).into());
        }
        ModelKind::Tts => {
            let names = credential(credentials, "voices").unwrap_or("alloy");
            properties.extend(voices(names.split(',').map(str::trim).filter(|name| !name.is_empty())));
        }
        _ => {}
    }
    let label = credential(credentials, "display_name").unwrap_or(model);
    ModelSpec {
        model: model.to_owned(),
        label: I18n::same(label),
        kind,
        features,
        fetch_from: FetchFrom::Customizable,
        model_properties: properties,
        parameter_rules,
        pricing: None,
        deprecated: false,
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

/// What decides which parameters a language model takes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts<'a> {
    pub max_output: Option<u64>,
    pub reasoning: bool,
    pub schema: bool,
    pub quirks: &'a [String],
}

/// The rules of a language model.
pub fn rules(dialect: Dialect, facts: &Facts<'_>) -> Vec<ParameterRule> {
    let has = |quirk: &str| facts.quirks.iter().any(|one| one == quirk);
    let mut rules: Vec<_> = names(dialect, facts.reasoning, has(ADAPTIVE), has(LEVELS))
        .into_iter()
        .filter(|name| !(has(NO_SAMPLING) && SAMPLING.contains(name)))
        .chain(has(RESPONSES).then_some("reasoning_summary"))
        .filter_map(form::rule)
        .collect();
    // These vendors end their scale at one.
    let is_short = matches!(dialect, Dialect::Anthropic | Dialect::Bedrock | Dialect::Cohere);
    for rule in &mut rules {
        if rule.use_template.as_deref() == Some("max_tokens") {
            rule.min = Some(1.0);
            #[expect(clippy::cast_precision_loss, reason = "limits of answers are small")]
            let max = facts.max_output.map(|max| max as f64);
            rule.max = max;
            rule.default = Some(Json::from(facts.max_output.map_or(512, |max| max.min(512))));
        }
        if is_short && SAMPLING.contains(&rule.name.as_str()) && rule.max == Some(2.0) {
            (rule.min, rule.max) = (Some(0.0), Some(1.0));
        }
        if rule.name == "response_format" && !facts.schema {
            rule.options.retain(|option| option != "json_schema");
        }
    }
    rules.retain(|rule| facts.schema || rule.name != "json_schema");
    rules
}

const SAMPLING: &[&str] = &["temperature", "top_p", "top_k", "presence_penalty", "frequency_penalty"];

fn names(dialect: Dialect, reasoning: bool, adaptive: bool, levels: bool) -> Vec<&'static str> {
    let (mut names, thinking): (Vec<_>, &[_]) = match dialect {
        Dialect::OpenAi if reasoning => (vec!["max_completion_tokens", "reasoning_effort"], &[]),
        Dialect::Usual | Dialect::OpenAi => {
            (vec!["temperature", "top_p", "presence_penalty", "frequency_penalty", "max_tokens", "seed"], &[])
        }
        Dialect::Anthropic => (
            vec![
                "temperature",
                "top_p",
                "top_k",
                "max_tokens",
                "prompt_caching_system_message",
                "prompt_caching_tool_definitions",
            ],
            if adaptive { &["thinking", "effort"] } else { &["thinking", "thinking_budget"] },
        ),
        Dialect::Bedrock => (vec!["temperature", "top_p", "max_tokens"], &["thinking", "thinking_budget"]),
        Dialect::Cohere => (
            vec!["temperature", "p", "k", "presence_penalty", "frequency_penalty", "max_tokens", "seed"],
            &["thinking", "thinking_budget"],
        ),
        Dialect::Gemini => (
            vec!["temperature", "top_p", "top_k", "presence_penalty", "frequency_penalty", "max_output_tokens", "seed"],
            if levels { &["thinking_level", "include_thoughts"] } else { &["thinking_budget", "include_thoughts"] },
        ),
        Dialect::Ollama => (
            vec!["temperature", "top_p", "top_k", "repeat_penalty", "num_predict", "num_ctx", "seed", "keep_alive"],
            &["think"],
        ),
    };
    if reasoning {
        names.extend(thinking);
    }
    names.extend(["response_format", "json_schema"]);
    names
}

/// Tables of the protocols of their own, whose models gateways pass on under the same names.
const NATIVE: &[&str] = &[
    include_str!("../data/anthropic.json"),
    include_str!("../data/google.json"),
    include_str!("../data/cohere.json"),
    include_str!("../data/jina.json"),
    include_str!("../data/voyage.json"),
];

/// The row of a model in any vendor's table, by the last part of its name, in the words of the usual protocol.
pub fn known_elsewhere(model: &str, kind: ModelKind) -> Option<&'static ModelSpec> {
    static KNOWN: LazyLock<HashMap<(String, ModelKind), ModelSpec>> = LazyLock::new(|| {
        let mut known = HashMap::new();
        let native = NATIVE.iter().flat_map(|text| read(text, Dialect::Usual));
        for model in providers::openai_compatible::models().chain(native) {
            let name = model.model.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
            known.entry((name, model.kind)).or_insert(model);
        }
        known
    });
    KNOWN.get(&(model.rsplit('/').next()?.to_ascii_lowercase(), kind))
}
