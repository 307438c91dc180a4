//! How a dataset is searched: `retrieval_model`.

use serde::{Deserialize, Deserializer, Serialize};

use crate::Filter;

/// Most results of one search.
pub const MAX_TOP_K: usize = 1000;

/// Chunks on each side of one that is found.
pub const MAX_NEIGHBOURS: u32 = 5;

/// Characters of a dataset that is given as a whole.
pub const MAX_FULL_CONTEXT: u64 = 2_000_000;

/// What is wrong with the settings of a search.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {why}")]
pub struct SettingsError {
    pub field: &'static str,
    pub why: String,
}

/// How chunks are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SearchMethod {
    #[default]
    #[serde(rename = "semantic_search")]
    Semantic,
    #[serde(rename = "full_text_search")]
    FullText,
    #[serde(rename = "hybrid_search")]
    Hybrid,
    #[serde(rename = "keyword_search")]
    Keyword,
}

impl SearchMethod {
    /// Whether the meaning of the question is compared.
    #[must_use]
    pub const fn uses_vectors(self) -> bool {
        matches!(self, Self::Semantic | Self::Hybrid)
    }

    /// Whether the words of the question are looked up.
    #[must_use]
    pub const fn uses_words(self) -> bool {
        !matches!(self, Self::Semantic)
    }
}

/// What orders the results anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RerankMode {
    #[serde(rename = "reranking_model")]
    Model,
    #[serde(rename = "weighted_score")]
    Weighted,
}

/// A rerank model by its names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RerankModel {
    #[serde(default, deserialize_with = "or_default")]
    pub reranking_provider_name: String,
    #[serde(default, deserialize_with = "or_default")]
    pub reranking_model_name: String,
}

/// Which side of a weighted score comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WeightType {
    SemanticFirst,
    KeywordFirst,
    Customized,
}

/// The share of meaning in a weighted score, and the model that finds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VectorSetting {
    #[serde(default = "vector_share")]
    pub vector_weight: f64,
    #[serde(default, deserialize_with = "or_default")]
    pub embedding_provider_name: String,
    #[serde(default, deserialize_with = "or_default")]
    pub embedding_model_name: String,
}

/// The share of words in a weighted score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeywordSetting {
    #[serde(default = "keyword_share")]
    pub keyword_weight: f64,
}

const fn vector_share() -> f64 {
    0.7
}

const fn keyword_share() -> f64 {
    0.3
}

/// The parts of a weighted score.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Weights {
    #[serde(default, deserialize_with = "choice")]
    pub weight_type: Option<WeightType>,
    #[serde(default)]
    pub vector_setting: Option<VectorSetting>,
    #[serde(default)]
    pub keyword_setting: Option<KeywordSetting>,
}

impl Weights {
    /// The share of meaning.
    #[must_use]
    pub fn vector(&self) -> f64 {
        let given = self.vector_setting.as_ref().map(|setting| setting.vector_weight);
        given
            .unwrap_or_else(|| self.keyword_setting.as_ref().map_or(vector_share(), |other| 1.0 - other.keyword_weight))
    }

    /// The share of words.
    #[must_use]
    pub fn keyword(&self) -> f64 {
        let given = self.keyword_setting.as_ref().map(|setting| setting.keyword_weight);
        given.unwrap_or_else(|| self.vector_setting.as_ref().map_or(keyword_share(), |other| 1.0 - other.vector_weight))
    }
}

/// How a dataset is searched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RetrievalSettings {
    #[serde(default, deserialize_with = "or_default")]
    pub search_method: SearchMethod,
    #[serde(default, deserialize_with = "or_default")]
    pub reranking_enable: bool,
    #[serde(default, deserialize_with = "choice")]
    pub reranking_mode: Option<RerankMode>,
    #[serde(default, deserialize_with = "or_default")]
    pub reranking_model: RerankModel,
    #[serde(default)]
    pub weights: Option<Weights>,
    #[serde(default = "top_k", deserialize_with = "or_top_k")]
    pub top_k: usize,
    #[serde(default, deserialize_with = "or_default")]
    pub score_threshold_enabled: bool,
    #[serde(default)]
    pub score_threshold: Option<f64>,
    /// Chunks before and after each that is found, given to the model with it; ours.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "is_zero")]
    pub neighbours: u32,
    /// All of a dataset is given to the model, in its order, when it has no more characters than this; ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_context_limit: Option<u64>,
    /// Only in what a search is asked for, not in what a dataset keeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata_filtering_conditions: Option<Filter>,
}

const fn top_k() -> usize {
    4
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde calls")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Default for RetrievalSettings {
    fn default() -> Self {
        Self {
            search_method: SearchMethod::default(),
            reranking_enable: false,
            reranking_mode: None,
            reranking_model: RerankModel::default(),
            weights: None,
            top_k: top_k(),
            score_threshold_enabled: false,
            score_threshold: None,
            neighbours: 0,
            full_context_limit: None,
            metadata_filtering_conditions: None,
        }
    }
}

/// What is done after the search, before the threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rerank<'s> {
    Nothing,
    Model(&'s RerankModel),
    Weighted { vector: f64, keyword: f64 },
}

impl RetrievalSettings {
    /// Whether the values make sense.
    ///
    /// # Errors
    /// The first that does not.
    pub fn check(&self) -> Result<(), SettingsError> {
        if !(1..=MAX_TOP_K).contains(&self.top_k) {
            return Err(SettingsError { field: "top_k", why: format!("must be between 1 and {MAX_TOP_K}") });
        }
        if self.neighbours > MAX_NEIGHBOURS {
            return Err(SettingsError { field: "neighbours", why: format!("must be between 0 and {MAX_NEIGHBOURS}") });
        }
        if self.full_context_limit.is_some_and(|limit| !(1..=MAX_FULL_CONTEXT).contains(&limit)) {
            let why = format!("must be between 1 and {MAX_FULL_CONTEXT}");
            return Err(SettingsError { field: "full_context_limit", why });
        }
        let weights = self.weights.as_ref();
        for (field, share) in [
            ("score_threshold", self.score_threshold.filter(|_| self.score_threshold_enabled)),
            ("weights.vector_setting.vector_weight", weights.map(Weights::vector)),
            ("weights.keyword_setting.keyword_weight", weights.map(Weights::keyword)),
        ] {
            if share.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
                return Err(SettingsError { field, why: "must be between 0 and 1".to_owned() });
            }
        }
        Ok(())
    }

    /// The lowest score that counts, if any.
    #[must_use]
    pub fn threshold(&self) -> Option<f64> {
        self.score_threshold.filter(|threshold| self.score_threshold_enabled && *threshold > 0.0)
    }

    /// What orders the results anew. A weighted score needs no switch in a hybrid search: its weights are enough.
    #[must_use]
    pub fn rerank(&self) -> Rerank<'_> {
        let is_weighted = self.reranking_mode == Some(RerankMode::Weighted);
        if is_weighted
            && (self.reranking_enable || self.search_method == SearchMethod::Hybrid)
            && let Some(weights) = &self.weights
        {
            return Rerank::Weighted { vector: weights.vector(), keyword: weights.keyword() };
        }
        let has_model = !self.reranking_model.reranking_model_name.is_empty();
        if self.reranking_enable && !is_weighted && has_model {
            return Rerank::Model(&self.reranking_model);
        }
        Rerank::Nothing
    }
}

/// A value that may be null.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A number, perhaps as text or as a float.
fn or_top_k<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    use serde::de::Error;
    let json = serde_json::Value::deserialize(deserializer)?;
    match &json {
        serde_json::Value::Null => Ok(top_k()),
        serde_json::Value::Number(number) => {
            let number = number.as_u64().or_else(|| crate::rule::whole(number.as_f64()?));
            number.and_then(|number| usize::try_from(number).ok()).ok_or_else(|| D::Error::custom("top_k is invalid"))
        }
        serde_json::Value::String(text) => text.trim().parse().map_err(|_| D::Error::custom("top_k is invalid")),
        _ => Err(D::Error::custom("top_k is invalid")),
    }
}

/// One of a list, or nothing, which may be written as an empty text.
fn choice<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    use serde::de::{Error, IntoDeserializer};
    let text = Option::<String>::deserialize(deserializer)?.filter(|text| !text.is_empty());
    text.map(|text| {
        T::deserialize(text.into_deserializer()).map_err(|error: serde::de::value::Error| D::Error::custom(error))
    })
    .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<RetrievalSettings, String> {
        serde_json::from_str(text).map_err(|error: serde_json::Error| error.to_string())
    }

    #[test]
    fn what_is_not_said_has_a_default() {
        let nulls = r#"{"search_method":null,"reranking_enable":null,"reranking_mode":"","reranking_model":null,"weights":null,
            "top_k":null,"neighbours":null,"full_context_limit":null,"score_threshold_enabled":null,"score_threshold":null,"metadata_filtering_conditions":null}"#;
        for text in ["{}", nulls] {
            assert_eq!(read(text), Ok(RetrievalSettings::default()), "{text}");
        }
        assert_eq!(
            serde_json::to_string(&RetrievalSettings::default()).unwrap(),
            r#"{"search_method":"semantic_search","reranking_enable":false,"reranking_mode":null,"reranking_model":{"reranking_provider_name":"","reranking_model_name":""},"weights":null,"top_k":4,"score_threshold_enabled":false,"score_threshold":null}"#
        );
    }

    #[test]
    fn what_clients_send() {
        let text = r#"{"search_method":"hybrid_search","reranking_enable":false,"reranking_mode":"weighted_score",
            "reranking_model":{"reranking_provider_name":"","reranking_model_name":""},
            "weights":{"weight_type":"customized","keyword_setting":{"keyword_weight":0.4},"vector_setting":{"vector_weight":0.6,"embedding_provider_name":"p","embedding_model_name":"m"}},
            "top_k":"3","score_threshold_enabled":true,"score_threshold":0.5}"#;
        let settings = read(text).unwrap();
        assert_eq!((settings.top_k, settings.threshold()), (3, Some(0.5)));
        assert_eq!(settings.rerank(), Rerank::Weighted { vector: 0.6, keyword: 0.4 });
        assert_eq!(settings.check(), Ok(()));
        let again = serde_json::to_string(&settings).unwrap();
        assert_eq!(read(&again), Ok(settings));
        let model = read(r#"{"reranking_enable":true,"reranking_model":{"reranking_provider_name":"p","reranking_model_name":"m"},"top_k":2.0}"#).unwrap();
        assert!(matches!(model.rerank(), Rerank::Model(model) if model.reranking_model_name == "m"));
        let off =
            read(r#"{"reranking_enable":false,"reranking_model":{"reranking_model_name":"m"},"score_threshold":0.5}"#)
                .unwrap();
        assert_eq!((off.rerank(), off.threshold()), (Rerank::Nothing, None));
        let half = read(r#"{"weights":{"vector_setting":{"vector_weight":0.2}}}"#).unwrap().weights.unwrap();
        assert_eq!((half.vector(), half.keyword()), (0.2, 0.8));
        assert_eq!((Weights::default().vector(), Weights::default().keyword()), (0.7, 0.3));
    }

    #[test]
    fn what_is_wrong() {
        for (text, part) in [
            (r#"{"search_method":"magic"}"#, "unknown variant `magic`, expected one of `semantic_search`"),
            (r#"{"reranking_mode":"magic"}"#, "unknown variant `magic`"),
            (r#"{"weights":{"weight_type":"magic"}}"#, "unknown variant `magic`"),
            (r#"{"top_k":-1}"#, "top_k is invalid"),
            (r#"{"top_k":2.5}"#, "top_k is invalid"),
            (r#"{"top_k":0}"#, "top_k must be between 1 and 1000"),
            (r#"{"neighbours":6}"#, "neighbours must be between 0 and 5"),
            (r#"{"full_context_limit":0}"#, "full_context_limit must be between 1 and 2000000"),
            (r#"{"top_k":1001}"#, "top_k must be between 1 and 1000"),
            (r#"{"score_threshold_enabled":true,"score_threshold":1.5}"#, "score_threshold must be between 0 and 1"),
            (r#"{"weights":{"keyword_setting":{"keyword_weight":2}}}"#, "weights.vector_setting.vector_weight must be"),
        ] {
            let error =
                read(text).and_then(|settings| settings.check().map_err(|error| error.to_string())).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
