//! Trying a knowledge base out: a question in words, pictures or both, and what it would find; with other settings than
//! it keeps, if wanted.

use std::collections::HashMap;

use ox_db::{
    model::{Dataset, DatasetQuery, UploadFile},
    repo,
};
use ox_models::Media;
use ox_rag::{Filter, RetrievalSettings, SearchMethod};
use ox_types::{DatasetId, FileId, Json, boxed};
use serde::{Deserialize, de::DeserializeOwned};

use super::{
    asked::{Asked, Source, pictures_in},
    datasets::{self, embedding_model},
    pictures,
    retrieval::{Found, settings_of},
};
use crate::{Error, Principal, Result, Services};

/// Characters of a question.
const MAX_QUESTION: usize = 250;
/// Pictures of a question.
const MAX_PICTURES: usize = 10;
const BLIND: &str = "The embedding model of this knowledge base does not see pictures";

/// A question to one knowledge base.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trial {
    pub question: String,
    /// Settings instead of those it keeps.
    pub retrieval_model: Option<Json>,
    /// The same, for knowledge bases of others.
    pub external_retrieval_model: Option<Json>,
    pub metadata_filtering_conditions: Option<Json>,
    /// Files with pictures to look for.
    pub attachments: Vec<FileId>,
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
    if question.trim().is_empty() && trial.attachments.is_empty() {
        return Err(Error::invalid_field("query", "query or attachment_ids is required"));
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
    let sees = dataset.is_multimodal && embedding_model(&dataset).is_some();
    let is_blind = !sees && !trial.attachments.is_empty();
    if is_blind && question.trim().is_empty() {
        return Err(Error::invalid_field("attachment_ids", format!("{BLIND}: ask in words.")));
    }
    let attachments = if is_blind { Vec::new() } else { trial.attachments };
    let pictures = pictures_of(services, &dataset, &attachments).await?;
    let mut found =
        services.retriever.search_seeing(&dataset, &question, &pictures, &settings, filter.as_ref()).await?;
    if is_blind {
        found.shortcoming.get_or_insert_with(|| format!("{BLIND}: only the words were looked for."));
    }
    let asked = Asked {
        tenant_id: dataset.tenant_id,
        question,
        pictures: attachments.iter().map(ToString::to_string).collect(),
        source: Source::HitTesting,
        role: "account",
        user: principal.account_id()?.0,
    };
    services.retriever.note(asked, vec![id], &found.records);
    Ok(found)
}

/// The pictures that are asked with.
async fn pictures_of(services: &Services, dataset: &Dataset, ids: &[FileId]) -> Result<Vec<Media>> {
    let wrong = |text: String| Error::invalid_field("attachment_ids", text);
    if ids.len() > MAX_PICTURES {
        return Err(wrong(format!("A question has at most {MAX_PICTURES} pictures.")));
    }
    let mut out = Vec::with_capacity(ids.len());
    for id in ids {
        let file = services.files.find(dataset.tenant_id, *id).await?;
        let file = file.ok_or_else(|| Error::not_found(format!("The file {id} was not found.")))?;
        let read = pictures::media(&services.files, &file).await?;
        out.push(read.ok_or_else(|| {
            let most = pictures::LARGEST / 1024 / 1024;
            wrong(format!("{} is not a PNG, JPEG, WebP or GIF picture of at most {most} MB.", file.name))
        })?);
    }
    Ok(out)
}

fn external_settings(dataset: &Dataset, given: Option<Json>) -> Result<RetrievalSettings> {
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

/// The files of the pictures that questions were asked with, by their ids: those that are still there.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn asked_files(
    services: &Services,
    principal: &Principal,
    asked: &[DatasetQuery],
) -> Result<HashMap<String, UploadFile>> {
    let ids: Vec<FileId> = asked.iter().flat_map(|query| pictures_in(&query.content)).collect();
    let found = repo::upload_files::find_all(&services.db, principal.tenant_id(), &ids).await?;
    Ok(found.into_iter().map(|file| (file.id.to_string(), file)).collect())
}
