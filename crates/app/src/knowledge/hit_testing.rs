//! Trying a knowledge base out: a question, and what it would find; with other settings than it keeps, if wanted.

use ox_db::{model::DatasetQuery, repo};
use ox_rag::{Filter, RetrievalSettings, SearchMethod};
use ox_types::{DatasetId, Json, boxed};
use serde::{Deserialize, de::DeserializeOwned};

use super::{
    asked::{Asked, Source},
    datasets,
    retrieval::{Found, settings_of},
};
use crate::{Error, Principal, Result, Services};

/// Characters of a question.
const MAX_QUESTION: usize = 250;

/// A question to one knowledge base.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trial {
    pub question: String,
    /// Settings instead of those it keeps.
    pub retrieval_model: Option<Json>,
    /// The same, for knowledge bases of others.
    pub external_retrieval_model: Option<Json>,
    pub metadata_filtering_conditions: Option<Json>,
    pub has_attachments: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ExternalSettings {
    top_k: Option<usize>,
    score_threshold: Option<f64>,
    score_threshold_enabled: Option<bool>,
}

/// What a question finds.
///
/// # Errors
/// 404 for an unknown knowledge base, 400 for a question or settings that make no sense, or a model that refuses.
#[boxed]
pub async fn find(services: &Services, principal: &Principal, id: DatasetId, trial: Trial) -> Result<Found> {
    let dataset = std::sync::Arc::new(datasets::find(services, principal, id).await?);
    let question = trial.question.replace('\0', "");
    if question.trim().is_empty() {
        let text = if trial.has_attachments {
            "The embedding model of this knowledge base does not see pictures: ask in words."
        } else {
            "query or attachment_ids is required"
        };
        return Err(Error::invalid_field("query", text));
    }
    if question.chars().count() > MAX_QUESTION {
        return Err(Error::invalid_field("query", format!("query cannot exceed {MAX_QUESTION} characters")));
    }
    let is_external = dataset.provider == "external";
    if !is_external && dataset.indexing_technique.is_none() {
        let text = "The dataset is still being initialized or indexing. Please wait a moment.";
        return Err(Error::new(400, "dataset_not_initialized", text));
    }
    let filter: Option<Filter> = read(trial.metadata_filtering_conditions, "metadata_filtering_conditions")?;
    let settings = if is_external {
        external_settings(&dataset, trial.external_retrieval_model.or(trial.retrieval_model))?
    } else {
        let given: Option<RetrievalSettings> = read(trial.retrieval_model, "retrieval_model")?;
        let mut settings = given.unwrap_or_else(|| settings_of(&dataset));
        if dataset.indexing_technique.as_deref() == Some("economy") {
            settings.search_method = SearchMethod::Keyword;
        }
        settings
    };
    let found = services.retriever.search(&dataset, &question, &settings, filter.as_ref()).await?;
    let asked = Asked {
        tenant_id: dataset.tenant_id,
        question,
        source: Source::HitTesting,
        role: "account",
        user: principal.account_id()?.0,
    };
    services.retriever.note(asked, vec![id], &found.records);
    Ok(found)
}

fn external_settings(dataset: &ox_db::model::Dataset, given: Option<Json>) -> Result<RetrievalSettings> {
    let given: Option<ExternalSettings> = read(given, "external_retrieval_model")?;
    let kept = || dataset.retrieval_model.clone().and_then(|json| serde_json::from_value(json).ok());
    let settings: ExternalSettings = given.or_else(kept).unwrap_or_default();
    Ok(RetrievalSettings {
        top_k: settings.top_k.unwrap_or(2),
        score_threshold: settings.score_threshold,
        score_threshold_enabled: settings.score_threshold_enabled.unwrap_or(false),
        ..RetrievalSettings::default()
    })
}

fn read<T: DeserializeOwned>(json: Option<Json>, field: &str) -> Result<Option<T>> {
    let Some(json) = json.filter(|json| !json.is_null()) else { return Ok(None) };
    serde_json::from_value(json).map(Some).map_err(|error| Error::invalid_field(field, format!("{field}: {error}")))
}

/// A page (1-based) of the questions that were asked of a knowledge base, newest first, and how many there are.
///
/// # Errors
/// 404 for an unknown knowledge base.
#[boxed]
pub async fn queries(
    services: &Services,
    principal: &Principal,
    id: DatasetId,
    page: u64,
    limit: u64,
) -> Result<(Vec<DatasetQuery>, u64)> {
    let dataset = datasets::find(services, principal, id).await?;
    Ok(repo::retrieval::queries(&services.db, dataset.tenant_id, id, page, limit).await?)
}
