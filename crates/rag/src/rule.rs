//! Process rules: how a document is cleaned and split.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::{Map, Value as Json, json};

/// Upper bound of a segment's length when nothing else is configured.
pub const MAX_SEGMENT_LENGTH: usize = 4000;
/// Lower bound of a segment's length.
pub const MIN_SEGMENT_LENGTH: usize = 50;
/// Most separators of one rule, and most characters of one.
const MAX_SEPARATORS: usize = 32;
const MAX_SEPARATOR_LENGTH: usize = 1000;

/// What is wrong with a rule. The texts are the compatible API's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    #[error("Process rule {0} is required")]
    Required(String),
    #[error("Process rule {0} is invalid")]
    Invalid(String),
    #[error("Custom segment length should be between {MIN_SEGMENT_LENGTH} and {limit}.")]
    Length { limit: usize },
    #[error("Got a larger chunk overlap ({overlap}) than chunk size ({size}), should be smaller.")]
    Overlap { overlap: usize, size: usize },
    /// The rule counts tokens and nobody can count them.
    #[error("The process rule counts tokens, but no tokenizer is available")]
    Uncounted,
}

fn required(path: impl Into<String>) -> RuleError {
    RuleError::Required(path.into())
}

fn invalid(path: impl Into<String>) -> RuleError {
    RuleError::Invalid(path.into())
}

/// What a document's chunks look like: `doc_form`, `chunk_structure`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ChunkForm {
    #[default]
    #[serde(rename = "text_model")]
    Text,
    #[serde(rename = "qa_model")]
    Qa,
    #[serde(rename = "hierarchical_model")]
    Hierarchical,
}

impl ChunkForm {
    /// The wire name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text_model",
            Self::Qa => "qa_model",
            Self::Hierarchical => "hierarchical_model",
        }
    }

    /// The form of a wire name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Text, Self::Qa, Self::Hierarchical].into_iter().find(|form| form.as_str() == name)
    }
}

/// Who made the rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RuleMode {
    #[default]
    Automatic,
    Custom,
    Hierarchical,
}

impl RuleMode {
    /// The wire name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Automatic => "automatic",
            Self::Custom => "custom",
            Self::Hierarchical => "hierarchical",
        }
    }

    /// The mode of a wire name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Automatic, Self::Custom, Self::Hierarchical].into_iter().find(|mode| mode.as_str() == name)
    }
}

/// What a parent is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ParentMode {
    #[default]
    Paragraph,
    FullDoc,
}

impl ParentMode {
    /// The wire name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Paragraph => "paragraph",
            Self::FullDoc => "full-doc",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::Paragraph, Self::FullDoc].into_iter().find(|mode| mode.as_str() == name)
    }
}

/// What lengths are counted in. Compat: the names of the limits say tokens whatever is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Unit {
    #[default]
    Characters,
    Tokens,
}

impl Unit {
    /// The wire name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Characters => "characters",
            Self::Tokens => "tokens",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::Characters, Self::Tokens].into_iter().find(|unit| unit.as_str() == name)
    }
}

/// Where and how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segmentation {
    /// As written, escapes and all. A text is split at every one of them.
    pub separators: Vec<String>,
    pub max_tokens: usize,
    pub chunk_overlap: usize,
    pub unit: Unit,
}

impl Segmentation {
    /// One separator, counted in characters.
    #[must_use]
    pub fn new(separator: &str, max_tokens: usize, chunk_overlap: usize) -> Self {
        Self { separators: vec![separator.to_owned()], max_tokens, chunk_overlap, unit: Unit::Characters }
    }

    fn read(json: &Json, path: &str) -> Result<Self, RuleError> {
        let object = json.as_object().ok_or_else(|| invalid(path))?;
        let max = format!("{path} max_tokens");
        let unit = match object.get("unit") {
            None | Some(Json::Null) => Unit::default(),
            Some(unit) => unit.as_str().and_then(Unit::parse).ok_or_else(|| invalid(format!("{path} unit")))?,
        };
        Ok(Self {
            separators: separators(object, path)?,
            max_tokens: number(object.get("max_tokens"), &max)?.ok_or_else(|| required(&max))?,
            chunk_overlap: number(object.get("chunk_overlap"), &format!("{path} chunk_overlap"))?.unwrap_or(0),
            unit,
        })
    }

    fn write(&self) -> Json {
        let separator = match self.separators.as_slice() {
            [one] => json!(one),
            many => json!(many),
        };
        let mut out =
            json!({"separator": separator, "max_tokens": self.max_tokens, "chunk_overlap": self.chunk_overlap});
        if let (Unit::Tokens, Some(object)) = (self.unit, out.as_object_mut()) {
            object.insert("unit".into(), json!(self.unit.as_str()));
        }
        out
    }

    fn check(&self, path: &str, limit: usize) -> Result<(), RuleError> {
        let name = format!("{path} separator");
        if self.separators.is_empty() || self.separators.iter().any(String::is_empty) {
            return Err(required(name));
        }
        if self.separators.len() > MAX_SEPARATORS
            || self.separators.iter().any(|separator| separator.chars().count() > MAX_SEPARATOR_LENGTH)
        {
            return Err(invalid(name));
        }
        if !(MIN_SEGMENT_LENGTH..=limit).contains(&self.max_tokens) {
            return Err(RuleError::Length { limit });
        }
        self.check_overlap()
    }

    /// An overlap must fit into a chunk.
    pub(crate) const fn check_overlap(&self) -> Result<(), RuleError> {
        if self.chunk_overlap > self.max_tokens {
            return Err(RuleError::Overlap { overlap: self.chunk_overlap, size: self.max_tokens });
        }
        Ok(())
    }
}

/// Compat: the stored automatic rule calls its separator `delimiter`.
fn separators(object: &Map<String, Json>, path: &str) -> Result<Vec<String>, RuleError> {
    let wrong = || invalid(format!("{path} separator"));
    match object.get("separator").or_else(|| object.get("delimiter")) {
        None | Some(Json::Null) => Ok(vec!["\n".to_owned()]),
        Some(Json::String(one)) => Ok(vec![one.clone()]),
        Some(Json::Array(many)) => many.iter().map(|one| one.as_str().map(str::to_owned).ok_or_else(wrong)).collect(),
        Some(_) => Err(wrong()),
    }
}

/// A whole number, written as such, as a float or as text.
fn number(json: Option<&Json>, path: &str) -> Result<Option<usize>, RuleError> {
    let number = match json {
        None | Some(Json::Null) => return Ok(None),
        Some(Json::Number(number)) => number.as_u64().or_else(|| whole(number.as_f64()?)),
        Some(Json::String(text)) => text.trim().parse().ok(),
        Some(_) => None,
    };
    number.and_then(|number| usize::try_from(number).ok()).map(Some).ok_or_else(|| invalid(path))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and in range")]
pub(crate) fn whole(number: f64) -> Option<u64> {
    (number.fract() == 0.0 && (0.0..1e15).contains(&number)).then_some(number as u64)
}

/// A step of cleaning and whether it is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreProcessing {
    pub id: String,
    pub enabled: bool,
}

/// Steps of cleaning; the last one is accepted and does nothing.
const STEPS: [&str; 3] = ["remove_extra_spaces", "remove_urls_emails", "remove_stopwords"];

impl PreProcessing {
    fn read(json: &Json) -> Result<Self, RuleError> {
        const PATH: &str = "pre_processing_rules";
        let id = match json.get("id") {
            None | Some(Json::Null) => return Err(required(format!("{PATH} id"))),
            Some(id) => id.as_str().ok_or_else(|| invalid(format!("{PATH} id")))?,
        };
        let enabled = match json.get("enabled") {
            None | Some(Json::Null) => return Err(required(format!("{PATH} enabled"))),
            Some(enabled) => enabled.as_bool().ok_or_else(|| invalid(format!("{PATH} enabled")))?,
        };
        Ok(Self { id: id.to_owned(), enabled })
    }
}

/// What a rule says; what it does not say is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    pub pre_processing_rules: Option<Vec<PreProcessing>>,
    pub segmentation: Option<Segmentation>,
    pub parent_mode: Option<ParentMode>,
    pub subchunk_segmentation: Option<Segmentation>,
}

impl Rules {
    fn read(json: &Json) -> Result<Self, RuleError> {
        let object = json.as_object().ok_or_else(|| invalid("rules"))?;
        let given = |name: &str| object.get(name).filter(|json| !json.is_null());
        let steps = match given("pre_processing_rules") {
            None => None,
            Some(Json::Array(steps)) => Some(steps.iter().map(PreProcessing::read).collect::<Result<_, _>>()?),
            Some(_) => return Err(invalid("pre_processing_rules")),
        };
        let part = |name| given(name).map(|json| Segmentation::read(json, name)).transpose();
        let parent_mode = match given("parent_mode") {
            None => None,
            Some(mode) => Some(mode.as_str().and_then(ParentMode::parse).ok_or_else(|| invalid("parent_mode"))?),
        };
        // Parents that are whole documents are not split: what their segmentation says does not count.
        let segmentation = match part("segmentation") {
            Err(_) if parent_mode == Some(ParentMode::FullDoc) => None,
            segmentation => segmentation?,
        };
        let subchunk_segmentation = part("subchunk_segmentation")?;
        Ok(Self { pre_processing_rules: steps, segmentation, parent_mode, subchunk_segmentation })
    }

    fn write(&self) -> Json {
        let mut out = Map::new();
        if let Some(steps) = &self.pre_processing_rules {
            let steps: Vec<Json> = steps.iter().map(|step| json!({"id": step.id, "enabled": step.enabled})).collect();
            out.insert("pre_processing_rules".into(), json!(steps));
        }
        if let Some(segmentation) = &self.segmentation {
            out.insert("segmentation".into(), segmentation.write());
        }
        if let Some(mode) = self.parent_mode {
            out.insert("parent_mode".into(), json!(mode.as_str()));
        }
        if let Some(segmentation) = &self.subchunk_segmentation {
            out.insert("subchunk_segmentation".into(), segmentation.write());
        }
        Json::Object(out)
    }

    /// Whether a step of cleaning is asked for.
    #[must_use]
    pub fn cleans(&self, step: &str) -> bool {
        self.pre_processing_rules.iter().flatten().any(|rule| rule.enabled && rule.id == step)
    }
}

/// How a document is cleaned and split: `process_rule`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProcessRule {
    pub mode: RuleMode,
    pub rules: Option<Rules>,
}

impl ProcessRule {
    /// The rule nobody had to make.
    #[must_use]
    pub fn automatic() -> Self {
        Self { mode: RuleMode::Automatic, rules: Some(Self::defaults(500)) }
    }

    /// What the wizard begins with.
    #[must_use]
    pub fn wizard() -> Self {
        Self { mode: RuleMode::Custom, rules: Some(Self::defaults(1024)) }
    }

    fn defaults(length: usize) -> Rules {
        let step = |id: &str, enabled| PreProcessing { id: id.to_owned(), enabled };
        Rules {
            pre_processing_rules: Some(vec![step("remove_extra_spaces", true), step("remove_urls_emails", false)]),
            segmentation: Some(Segmentation::new("\n", length, 50)),
            parent_mode: None,
            subchunk_segmentation: None,
        }
    }

    /// Reads what a client sent or the database holds. What is missing stays missing: see [`Self::check`].
    ///
    /// # Errors
    /// What has the wrong form.
    pub fn read(json: &Json) -> Result<Self, RuleError> {
        let mode = match json.get("mode") {
            None | Some(Json::Null) => return Err(required("mode")),
            Some(mode) => mode.as_str().and_then(RuleMode::parse).ok_or_else(|| invalid("mode"))?,
        };
        if mode == RuleMode::Automatic {
            return Ok(Self::automatic());
        }
        let rules = json.get("rules").filter(|rules| !rules.is_null());
        Ok(Self { mode, rules: rules.map(Rules::read).transpose()? })
    }

    /// The rule in the wire's form.
    #[must_use]
    pub fn to_json(&self) -> Json {
        json!({"mode": self.mode.as_str(), "rules": self.rules_json()})
    }

    /// The rules alone, as the table of rules keeps them.
    #[must_use]
    pub fn rules_json(&self) -> Json {
        self.rules.as_ref().map_or(Json::Null, Rules::write)
    }

    /// Whether documents can be split by this rule.
    ///
    /// # Errors
    /// The first thing that is missing or out of bounds.
    pub fn check(&self) -> Result<(), RuleError> {
        self.check_within(MAX_SEGMENT_LENGTH)
    }

    /// The same with a configured upper bound of a segment's length.
    ///
    /// # Errors
    /// The first thing that is missing or out of bounds.
    pub fn check_within(&self, limit: usize) -> Result<(), RuleError> {
        if self.mode == RuleMode::Automatic {
            return Ok(());
        }
        let rules = self.rules.as_ref().ok_or_else(|| required("rules"))?;
        let steps = rules.pre_processing_rules.as_ref().ok_or_else(|| required("pre_processing_rules"))?;
        if steps.iter().any(|step| !STEPS.contains(&step.id.as_str())) {
            return Err(invalid("pre_processing_rules id"));
        }
        let is_hierarchical = self.mode == RuleMode::Hierarchical;
        let is_whole = is_hierarchical && rules.parent_mode == Some(ParentMode::FullDoc);
        if !is_whole {
            let segmentation = rules.segmentation.as_ref().ok_or_else(|| required("segmentation"))?;
            segmentation.check("segmentation", limit)?;
        }
        if is_hierarchical {
            let children = rules.subchunk_segmentation.as_ref();
            let children = children.ok_or_else(|| required("subchunk_segmentation"))?;
            children.check("subchunk_segmentation", limit)?;
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for ProcessRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(&Json::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl Serialize for ProcessRule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

#[cfg(test)]
mod tests;
