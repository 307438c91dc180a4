//! Providers and models as data: forms, features, limits, parameters, prices.

use std::borrow::Cow;

use ox_types::Json;
use serde::{Deserialize, Serialize};

use crate::{Decimal, ErrorClass, ModelError};

/// A text in the languages we ship. Serialises with both wire keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct I18n {
    #[serde(rename = "zh_Hans")]
    pub zh: String,
    #[serde(rename = "en_US")]
    pub en: String,
}

impl I18n {
    /// A text in both languages.
    #[must_use]
    pub fn new(en: &str, zh: &str) -> Self {
        Self { zh: zh.to_owned(), en: en.to_owned() }
    }

    /// A name that is the same in both.
    #[must_use]
    pub fn same(text: &str) -> Self {
        Self::new(text, text)
    }
}

macro_rules! wire_enum {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $wire:literal $(| $alias:literal)*),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name { $(#[serde(rename = $wire $(, alias = $alias)*)] $variant),+ }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The wire name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $wire),+ }
            }

            /// Reads a wire name.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($wire $(| $alias)* => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

wire_enum! {
    /// What a model is for.
    ModelKind {
        Llm = "llm" | "text-generation",
        TextEmbedding = "text-embedding" | "embeddings",
        Rerank = "rerank" | "reranking",
        Speech2Text = "speech2text",
        Tts = "tts",
        Moderation = "moderation",
    }
}

wire_enum! {
    /// How a language model is asked.
    ModelMode { Chat = "chat", Completion = "completion" }
}

wire_enum! {
    /// What a language model can do.
    ModelFeature {
        ToolCall = "tool-call",
        MultiToolCall = "multi-tool-call",
        AgentThought = "agent-thought",
        Vision = "vision",
        StreamToolCall = "stream-tool-call",
        Document = "document",
        Video = "video",
        Audio = "audio",
        StructuredOutput = "structured-output",
    }
}

wire_enum! {
    /// Where a model comes from.
    FetchFrom { Predefined = "predefined-model", Customizable = "customizable-model" }
}

wire_enum! {
    /// Type of a credential form field.
    FieldType {
        TextInput = "text-input",
        SecretInput = "secret-input",
        Select = "select",
        Radio = "radio",
        Switch = "switch",
    }
}

wire_enum! {
    /// Type of a completion parameter.
    ParameterType { Float = "float", Int = "int", String = "string", Boolean = "boolean", Text = "text" }
}

/// What all tokens of a call cost whose prompt is longer than so many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LongPrompt {
    /// The longest prompt at the lower price.
    pub tokens: u64,
    pub input: Decimal,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Decimal>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached: Option<Decimal>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<Decimal>,
}

/// Price of tokens: `tokens × price × unit`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pricing {
    pub input: Decimal,
    #[serde(default)]
    pub output: Option<Decimal>,
    /// `0.000001` means the price is per million tokens.
    pub unit: Decimal,
    pub currency: String,
    /// Of prompt tokens that came out of the vendor's cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached: Option<Decimal>,
    /// Of prompt tokens that went into it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<Decimal>,
    /// Prices of long prompts, the shortest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub above: Vec<LongPrompt>,
}

impl Pricing {
    /// The prices of a call with a prompt of so many tokens, what was cached of it included.
    #[must_use]
    pub fn for_prompt(&self, tokens: u64) -> Cow<'_, Self> {
        let Some(long) = self.above.iter().rfind(|long| tokens > long.tokens) else { return Cow::Borrowed(self) };
        Cow::Owned(Self {
            input: long.input,
            output: long.output.or(self.output),
            unit: self.unit,
            currency: self.currency.clone(),
            cached: long.cached.or(self.cached),
            cache_write: long.cache_write.or(self.cache_write),
            above: Vec::new(),
        })
    }
}

/// One completion parameter a model takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParameterRule {
    pub name: String,
    #[serde(default)]
    pub use_template: Option<String>,
    pub label: I18n,
    #[serde(rename = "type")]
    pub kind: ParameterType,
    #[serde(default)]
    pub help: Option<I18n>,
    #[serde(default)]
    pub required: bool,
    #[serde(default)]
    pub default: Option<Json>,
    #[serde(default)]
    pub min: Option<f64>,
    #[serde(default)]
    pub max: Option<f64>,
    #[serde(default)]
    pub precision: Option<u32>,
    #[serde(default)]
    pub options: Vec<String>,
}

/// A model, as far as it is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelSpec {
    pub model: String,
    pub label: I18n,
    #[serde(rename = "model_type")]
    pub kind: ModelKind,
    pub features: Vec<ModelFeature>,
    pub fetch_from: FetchFrom,
    /// `mode`, `context_size`, `max_chunks`, … as on the wire.
    pub model_properties: serde_json::Map<String, Json>,
    pub parameter_rules: Vec<ParameterRule>,
    pub pricing: Option<Pricing>,
    pub deprecated: bool,
}

impl ModelSpec {
    /// Tokens that prompt and answer may have together; `None` when nobody told.
    #[must_use]
    pub fn context_size(&self) -> Option<u64> {
        self.model_properties.get("context_size").and_then(Json::as_u64)
    }

    /// How it is asked.
    #[must_use]
    pub fn mode(&self) -> ModelMode {
        let mode = self.model_properties.get("mode").and_then(Json::as_str);
        mode.and_then(ModelMode::parse).unwrap_or(ModelMode::Chat)
    }

    /// Whether it can do this.
    #[must_use]
    pub fn has(&self, feature: ModelFeature) -> bool {
        self.features.contains(&feature)
    }

    /// Whether it calls tools.
    #[must_use]
    pub fn calls_tools(&self) -> bool {
        self.has(ModelFeature::ToolCall) || self.has(ModelFeature::MultiToolCall)
    }

    /// Whether it takes an answer schema on the wire.
    #[must_use]
    pub fn has_json_schema(&self) -> bool {
        self.has(ModelFeature::StructuredOutput)
    }

    /// Whether a parameter is sent. Compat: what a described model has no rule for is left out, as
    /// imports carry leftovers of other models; a custom model gets all its user wrote.
    fn takes(&self, name: &str) -> bool {
        self.fetch_from == FetchFrom::Customizable
            || UNLISTED.contains(&name)
            || self.parameter_rules.iter().any(|rule| rule.name == name)
    }

    /// Checks configured parameters against the rules and fills what is required.
    ///
    /// # Errors
    /// `BadRequest` naming the parameter, with the compatible system's texts.
    pub fn check_parameters(
        &self,
        provider: &str,
        configured: &serde_json::Map<String, Json>,
    ) -> Result<serde_json::Map<String, Json>, ModelError> {
        let mut out = configured.clone();
        for rule in &self.parameter_rules {
            let name = rule.name.as_str();
            let alias = rule.use_template.as_deref().filter(|alias| *alias != name);
            if !out.contains_key(name)
                && let Some(value) = alias.and_then(|alias| out.shift_remove(alias))
            {
                out.insert(name.to_owned(), value);
            }
            match out.get(name) {
                None | Some(Json::Null) if rule.required => match &rule.default {
                    Some(value) => _ = out.insert(name.to_owned(), value.clone()),
                    None => return Err(bad(provider, format!("Model Parameter {name} is required."))),
                },
                None | Some(Json::Null) => _ = out.shift_remove(name),
                Some(value) => {
                    let checked = rule.check(value).map_err(|why| bad(provider, why))?;
                    out.insert(name.to_owned(), checked);
                }
            }
        }
        out.retain(|name, value| !value.is_null() && self.takes(name));
        Ok(out)
    }
}

/// Parameters of the protocol that go through although no rule shows them.
const UNLISTED: &[&str] = &[
    "json_schema",
    "logit_bias",
    "logprobs",
    "parallel_tool_calls",
    "reasoning_effort",
    "response_format",
    "seed",
    "service_tier",
    "stop",
    "top_logprobs",
    "verbosity",
];

fn bad(provider: &str, text: String) -> ModelError {
    ModelError::new(ErrorClass::BadRequest, provider, text)
}

impl ParameterRule {
    /// The value in the rule's type, or why it cannot be.
    fn check(&self, value: &Json) -> Result<Json, String> {
        let name = &self.name;
        match self.kind {
            ParameterType::Int => {
                // Compat: a whole float (`256.0`, as some exports hold) is an integer.
                #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and small")]
                let whole = value.as_i64().or_else(|| {
                    value.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < 1e15).map(|float| float as i64)
                });
                let number = whole.ok_or_else(|| format!("Model Parameter {name} should be int."))?;
                #[expect(clippy::cast_precision_loss, reason = "limits of parameters are small")]
                self.check_range(number as f64)?;
                Ok(number.into())
            }
            ParameterType::Float => {
                let number = value.as_f64().ok_or_else(|| format!("Model Parameter {name} should be float."))?;
                self.check_range(number)?;
                Ok(value.clone())
            }
            ParameterType::Boolean => match value {
                Json::Bool(_) => Ok(value.clone()),
                _ => Err(format!("Model Parameter {name} should be bool.")),
            },
            ParameterType::String | ParameterType::Text => match value {
                // A schema may come as itself instead of as its text.
                Json::Object(_) if name == "json_schema" => Ok(value.clone()),
                Json::String(text) if self.options.is_empty() || self.options.contains(text) => Ok(value.clone()),
                // Compat: what older definitions of models call the formats.
                Json::String(text) if name == "response_format" && matches!(text.as_str(), "JSON" | "XML") => {
                    Ok(value.clone())
                }
                Json::String(_) => Err(format!("Model Parameter {name} should be one of {:?}.", self.options)),
                _ => Err(format!("Model Parameter {name} should be string.")),
            },
        }
    }

    fn check_range(&self, number: f64) -> Result<(), String> {
        if let Some(min) = self.min.filter(|min| number < *min) {
            return Err(format!("Model Parameter {} should be greater than or equal to {min}.", self.name));
        }
        if let Some(max) = self.max.filter(|max| number > *max) {
            return Err(format!("Model Parameter {} should be less than or equal to {max}.", self.name));
        }
        Ok(())
    }
}

/// Shows a field only when another has a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShowOn {
    pub variable: String,
    pub value: String,
}

/// One choice of a form field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldOption {
    pub label: I18n,
    pub value: String,
    #[serde(default)]
    pub show_on: Vec<ShowOn>,
}

/// One field of a credential form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormField {
    pub variable: String,
    pub label: I18n,
    #[serde(rename = "type")]
    pub kind: FieldType,
    pub required: bool,
    pub default: Option<String>,
    pub options: Option<Vec<FieldOption>>,
    pub placeholder: Option<I18n>,
    pub max_length: u32,
    pub show_on: Vec<ShowOn>,
}

/// A titled link to the page where keys are made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderHelp {
    pub title: I18n,
    pub url: I18n,
}

/// A provider: how it is shown, what it is asked for, which models it brings.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderSpec {
    /// `author/plugin/name`.
    pub id: String,
    /// Other ids that mean this one.
    pub aliases: Vec<String>,
    pub label: I18n,
    pub description: I18n,
    pub help: Option<ProviderHelp>,
    /// SVG text.
    pub icon: String,
    pub background: Option<String>,
    pub supported_kinds: Vec<ModelKind>,
    /// One key for all its models, or one for each model.
    pub configurate_methods: Vec<FetchFrom>,
    /// Form of the provider's key; empty when it has none.
    pub provider_form: Vec<FormField>,
    /// Form of one model's key and properties; empty when models cannot be added.
    pub model_form: Vec<FormField>,
    pub models: Vec<ModelSpec>,
    /// Parameters of a model nobody described.
    pub default_rules: Vec<ParameterRule>,
    /// No answer of this vendor itself was ever recorded, and none of its programs is among the tests: only its
    /// protocol was tried.
    pub untested: bool,
}

impl ProviderSpec {
    /// A model it brings.
    #[must_use]
    pub fn model(&self, name: &str, kind: ModelKind) -> Option<&ModelSpec> {
        self.models.iter().find(|model| model.model == name && model.kind == kind)
    }

    /// The fields of the forms that hold secrets.
    pub fn secret_fields(&self) -> impl Iterator<Item = &str> {
        self.provider_form
            .iter()
            .chain(&self.model_form)
            .filter(|field| field.kind == FieldType::SecretInput)
            .map(|field| field.variable.as_str())
    }
}
