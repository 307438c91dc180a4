//! How well a knowledge base answers: questions whose answers are known, asked by some settings, and measured.
//!
//! An evaluation is work that goes on without its caller: it is leased to one process, keeps its results in steps and
//! is gone on with where a process died.

mod import;
mod measure;
mod questions;
mod work;

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, Utc};
use ox_db::{
    model::{Dataset, Evaluation, EvaluationResult, Expected},
    now,
    repo::{self, evaluations},
};
use ox_rag::{RetrievalSettings, SearchMethod};
use ox_types::{AccountId, DatasetId, DocumentId, Json, SegmentId, boxed};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

pub use import::{Imported, Problem, import};
pub use questions::{Mark, NewQuestion, QuestionQuery, QuestionView, add, change, list as questions, mark, remove};
pub(super) use work::resume;

use super::datasets;
use crate::{Error, Principal, Result, Services, audit};

/// Questions of one knowledge base.
pub const MAX_QUESTIONS: u64 = 1000;
/// Settings compared at a time.
pub const MAX_SETTINGS: usize = 4;
/// Characters of a setting's name.
const MAX_NAME: usize = 60;
/// Evaluations that are kept of a knowledge base.
const KEPT: u64 = 20;

/// Settings of a search under a name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Setting {
    pub name: String,
    pub retrieval_model: Json,
}

/// What one question was expected to find.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExpectedView {
    pub document_id: DocumentId,
    pub document_name: Option<String>,
    pub segment_id: Option<SegmentId>,
    /// The place of the chunk in its document.
    pub position: Option<i32>,
    /// The chunk or the document is gone.
    pub is_missing: bool,
}

/// One thing a question found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FoundView {
    /// Among what is told apart, from 1.
    pub place: usize,
    /// Among all chunks, from 1.
    pub rank: usize,
    pub document_id: DocumentId,
    pub document_name: String,
    pub segment_id: SegmentId,
    pub position: i32,
    pub page: Option<i32>,
    pub score: f64,
    pub is_expected: bool,
    pub excerpt: String,
}

/// The measures of one setting, over all questions that could be asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SettingSummary {
    pub name: String,
    /// Chunks that an app would be given.
    pub top_k: usize,
    pub questions: usize,
    pub failed: usize,
    /// Questions for which nothing that was expected was among the first `top_k`.
    pub missed: usize,
    pub recall: f64,
    pub ndcg: f64,
    pub mrr: f64,
    pub took_ms: f64,
    pub took_ms_p95: f64,
}

/// An evaluation as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct EvaluationView {
    pub id: Uuid,
    pub status: String,
    pub error: Option<String>,
    pub total: i32,
    pub done: i32,
    pub settings: Vec<Setting>,
    /// Of what is done so far.
    pub summary: Vec<SettingSummary>,
    pub created_by: AccountId,
    pub created_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
}

/// What one question found by each setting.
#[derive(Clone, Debug, PartialEq)]
pub struct QuestionResult {
    pub question_id: Uuid,
    pub question: String,
    pub expected: Vec<ExpectedView>,
    /// In the order of the settings; none where it was not asked yet.
    pub by_setting: Vec<Option<SettingResult>>,
}

/// What one question found by one setting.
#[derive(Clone, Debug, PartialEq)]
pub struct SettingResult {
    pub recall: f64,
    pub ndcg: f64,
    pub reciprocal_rank: f64,
    pub took_ms: f64,
    pub error: Option<String>,
    pub found: Vec<FoundView>,
}

/// Which questions of an evaluation are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Which {
    #[default]
    All,
    /// Those of which some setting missed something.
    Missed,
    /// Those that do better by one setting than by another.
    Different,
}

async fn dataset_of(services: &Services, principal: &Principal, id: DatasetId, edits: bool) -> Result<Dataset> {
    let dataset = if edits {
        datasets::find_to_edit(services, principal, id).await?
    } else {
        datasets::find(services, principal, id).await?
    };
    if dataset.provider == "external" {
        return Err(Error::invalid("The documents of an external knowledge base are not known here."));
    }
    Ok(dataset)
}

/// The settings as a search takes them.
fn read_settings(dataset: &Dataset, json: &Json) -> Result<RetrievalSettings> {
    let settings: std::result::Result<RetrievalSettings, _> = serde_json::from_value(json.clone());
    let mut settings =
        settings.map_err(|error| Error::invalid_field("settings", format!("retrieval_model: {error}")))?;
    settings.check().map_err(|error| Error::invalid_field("settings", format!("retrieval_model.{error}")))?;
    if dataset.indexing_technique.as_deref() == Some("economy") {
        settings.search_method = SearchMethod::Keyword;
    }
    Ok(settings)
}

fn checked_settings(dataset: &Dataset, given: Vec<Setting>) -> Result<Vec<Setting>> {
    let given = if given.is_empty() {
        let own = serde_json::to_value(super::retrieval::settings_of(dataset)).map_err(Error::internal)?;
        vec![Setting { name: String::new(), retrieval_model: own }]
    } else {
        given
    };
    if given.len() > MAX_SETTINGS {
        return Err(Error::invalid_field(
            "settings",
            format!("At most {MAX_SETTINGS} settings are compared at a time."),
        ));
    }
    let checked = given.into_iter().map(|one| {
        let name: String = one.name.trim().chars().take(MAX_NAME).collect();
        read_settings(dataset, &one.retrieval_model)?;
        Ok(Setting { name, ..one })
    });
    checked.collect()
}

/// Asks all questions whose answers are known, in the background.
///
/// # Errors
/// 400 for settings that make no sense or without questions, 409 while another evaluation runs.
#[boxed]
pub async fn start(
    services: &Arc<Services>,
    principal: &Principal,
    id: DatasetId,
    settings: Vec<Setting>,
) -> Result<EvaluationView> {
    let dataset = dataset_of(services, principal, id, true).await?;
    if dataset.indexing_technique.is_none() {
        let text = "The dataset is still being initialized or indexing. Please wait a moment.";
        return Err(Error::new(400, "dataset_not_initialized", text));
    }
    let settings = checked_settings(&dataset, settings)?;
    let (_, known) = evaluations::count(&services.db, id).await?;
    if known == 0 {
        return Err(Error::invalid(
            "No question has an expected document yet. Add questions and what they should find.",
        ));
    }
    let tx = services.db.begin().await?;
    let before = evaluations::list(&tx, dataset.tenant_id, id, KEPT + 10).await?;
    if before.iter().any(|one| one.status == "running") {
        let text = "An evaluation of this knowledge base is running. Wait for its end or stop it.";
        return Err(Error::conflict("evaluation_running", text));
    }
    let total = known.saturating_mul(settings.len() as u64);
    let evaluation = Evaluation {
        id: ox_types::new_uuid(),
        tenant_id: dataset.tenant_id,
        dataset_id: id,
        settings: json!(settings),
        status: "running".into(),
        error: None,
        total: i32::try_from(total).unwrap_or(i32::MAX),
        done: 0,
        summary: None,
        leased_by: None,
        leased_until: None,
        created_by: principal.account_id()?,
        created_at: now(),
        finished_at: None,
    };
    for old in before.iter().skip(usize::try_from(KEPT).unwrap_or(20).saturating_sub(1)) {
        evaluations::delete(&tx, dataset.tenant_id, id, old.id).await?;
    }
    evaluations::insert(&tx, evaluation.clone()).await?;
    tx.commit().await?;
    let told = json!({"evaluation": evaluation.id, "settings": settings.len(), "questions": known});
    audit::record(services, principal, "dataset.evaluation.start", "dataset", id.0, None, Some(told)).await;
    work::start(services, evaluation.id, dataset);
    view_of(services, evaluation).await
}

/// The last evaluations of a knowledge base, newest first.
///
/// # Errors
/// As for the knowledge base.
#[boxed]
pub async fn list(services: &Arc<Services>, principal: &Principal, id: DatasetId) -> Result<Vec<EvaluationView>> {
    let dataset = dataset_of(services, principal, id, false).await?;
    let found = evaluations::list(&services.db, dataset.tenant_id, id, KEPT).await?;
    work::revive(services, &dataset, &found);
    let mut views = Vec::with_capacity(found.len());
    for one in found {
        views.push(view_of(services, one).await?);
    }
    Ok(views)
}

async fn evaluation(services: &Services, dataset: &Dataset, id: Uuid) -> Result<Evaluation> {
    let found = evaluations::find(&services.db, dataset.tenant_id, dataset.id, id).await?;
    found.ok_or_else(|| Error::not_found("Evaluation not found."))
}

/// One evaluation as it stands.
///
/// # Errors
/// 404 for an unknown one.
#[boxed]
pub async fn get(services: &Arc<Services>, principal: &Principal, id: DatasetId, run: Uuid) -> Result<EvaluationView> {
    let dataset = dataset_of(services, principal, id, false).await?;
    let found = evaluation(services, &dataset, run).await?;
    work::revive(services, &dataset, std::slice::from_ref(&found));
    view_of(services, found).await
}

async fn view_of(services: &Services, one: Evaluation) -> Result<EvaluationView> {
    let settings: Vec<Setting> = serde_json::from_value(one.settings).unwrap_or_default();
    let summary = match one.summary {
        Some(summary) => serde_json::from_value(summary).unwrap_or_default(),
        None => summarised(&settings, &evaluations::results(&services.db, one.id).await?),
    };
    Ok(EvaluationView {
        id: one.id,
        status: one.status,
        error: one.error,
        total: one.total,
        done: one.done,
        settings,
        summary,
        created_by: one.created_by,
        created_at: one.created_at,
        finished_at: one.finished_at,
    })
}

/// The measures of each setting.
fn summarised(settings: &[Setting], results: &[EvaluationResult]) -> Vec<SettingSummary> {
    let of = |(number, setting): (usize, &Setting)| {
        let own: Vec<&EvaluationResult> =
            results.iter().filter(|result| usize::try_from(result.setting) == Ok(number)).collect();
        let asked: Vec<&&EvaluationResult> = own.iter().filter(|result| result.error.is_none()).collect();
        let mean = |value: fn(&EvaluationResult) -> f64| {
            let sum: f64 = asked.iter().map(|result| value(result)).sum();
            if asked.is_empty() { 0.0 } else { sum / asked.len() as f64 }
        };
        let mut took: Vec<f64> = asked.iter().map(|result| result.took_ms).collect();
        took.sort_by(f64::total_cmp);
        let at = (took.len() * 95).div_ceil(100).saturating_sub(1);
        let top_k = setting.retrieval_model.get("top_k").and_then(Json::as_u64).unwrap_or(4);
        SettingSummary {
            name: setting.name.clone(),
            top_k: usize::try_from(top_k).unwrap_or(4),
            questions: asked.len(),
            failed: own.len() - asked.len(),
            missed: asked.iter().filter(|result| result.recall <= 0.0).count(),
            recall: mean(|result| result.recall),
            ndcg: mean(|result| result.ndcg),
            mrr: mean(|result| result.reciprocal_rank),
            took_ms: mean(|result| result.took_ms),
            took_ms_p95: took.get(at).copied().unwrap_or_default(),
        }
    };
    settings.iter().enumerate().map(of).collect()
}

/// A page (1-based) of what each question found, the worst first, and how many there are.
///
/// # Errors
/// 404 for an unknown evaluation.
#[boxed]
pub async fn results(
    services: &Services,
    principal: &Principal,
    (id, run): (DatasetId, Uuid),
    which: Which,
    page: u64,
    limit: u64,
) -> Result<(Vec<QuestionResult>, u64)> {
    let dataset = dataset_of(services, principal, id, false).await?;
    let run = evaluation(services, &dataset, run).await?;
    let count = run.settings.as_array().map_or(0, Vec::len);
    let rows = evaluations::results(&services.db, run.id).await?;
    let mut all = grouped(rows, count);
    all.retain(|one| which.fits(one));
    let mean = |one: &QuestionResult| {
        let asked = one.by_setting.iter().flatten();
        asked.clone().map(|result| result.ndcg).sum::<f64>() / (asked.count().max(1) as f64)
    };
    all.sort_by(|a, b| mean(a).total_cmp(&mean(b)));
    let total = all.len() as u64;
    let skip = usize::try_from(page.saturating_sub(1).saturating_mul(limit)).unwrap_or(usize::MAX);
    let shown = all.into_iter().skip(skip).take(usize::try_from(limit).unwrap_or(usize::MAX)).collect();
    Ok((shown, total))
}

impl Which {
    fn fits(self, one: &QuestionResult) -> bool {
        let mut asked = one.by_setting.iter().flatten();
        match self {
            Self::All => true,
            Self::Missed => asked.any(|result| result.error.is_some() || result.recall < 1.0),
            Self::Different => {
                let first = asked.next().map(|result| result.ndcg);
                asked.any(|result| first.is_some_and(|first| (first - result.ndcg).abs() > 1e-9))
            }
        }
    }
}

fn grouped(rows: Vec<EvaluationResult>, settings: usize) -> Vec<QuestionResult> {
    let mut places: HashMap<Uuid, usize> = HashMap::new();
    let mut all: Vec<QuestionResult> = Vec::new();
    for row in rows {
        let place = *places.entry(row.question_id).or_insert(all.len());
        if place == all.len() {
            all.push(QuestionResult {
                question_id: row.question_id,
                question: row.question,
                expected: serde_json::from_value(row.expected).unwrap_or_default(),
                by_setting: vec![None; settings],
            });
        }
        let slot = all.get_mut(place).zip(usize::try_from(row.setting).ok());
        let slot = slot.and_then(|(one, setting)| one.by_setting.get_mut(setting));
        if let Some(slot) = slot {
            *slot = Some(SettingResult {
                recall: row.recall,
                ndcg: row.ndcg,
                reciprocal_rank: row.reciprocal_rank,
                took_ms: row.took_ms,
                error: row.error,
                found: serde_json::from_value(row.found).unwrap_or_default(),
            });
        }
    }
    all
}

/// Ends an evaluation that runs; what it has found so far stays.
///
/// # Errors
/// 404 for an unknown one.
#[boxed]
pub async fn stop(services: &Arc<Services>, principal: &Principal, id: DatasetId, run: Uuid) -> Result<EvaluationView> {
    let dataset = dataset_of(services, principal, id, true).await?;
    let found = evaluation(services, &dataset, run).await?;
    let settings: Vec<Setting> = serde_json::from_value(found.settings).unwrap_or_default();
    let tx = services.db.begin().await?;
    let summary = summarised(&settings, &evaluations::results(&tx, run).await?);
    evaluations::finish(&tx, run, "stopped", None, Some(json!(summary)), now()).await?;
    tx.commit().await?;
    view_of(services, evaluation(services, &dataset, run).await?).await
}

/// Removes an evaluation with what it found.
///
/// # Errors
/// 404 for an unknown one.
#[boxed]
pub async fn delete(services: &Services, principal: &Principal, id: DatasetId, run: Uuid) -> Result<()> {
    let dataset = dataset_of(services, principal, id, true).await?;
    let tx = services.db.begin().await?;
    if !evaluations::delete(&tx, dataset.tenant_id, id, run).await? {
        return Err(Error::not_found("Evaluation not found."));
    }
    Ok(tx.commit().await?)
}

/// What is expected, with names; documents of other knowledge bases count as gone.
async fn named(
    services: &Services,
    dataset: &Dataset,
    expected: &[Expected],
) -> Result<HashMap<Expected, ExpectedView>> {
    let mut documents: Vec<DocumentId> = expected.iter().map(|one| one.document_id).collect();
    documents.sort_unstable();
    documents.dedup();
    let mut segments: Vec<SegmentId> = expected.iter().filter_map(|one| one.segment_id).collect();
    segments.sort_unstable();
    segments.dedup();
    let tenant = dataset.tenant_id;
    let found = repo::retrieval::documents(&services.db, tenant, &documents).await?;
    let names: HashMap<DocumentId, String> = found
        .into_iter()
        .filter(|document| document.dataset_id == dataset.id)
        .map(|document| (document.id, document.name))
        .collect();
    let found = repo::segments::find_all(&services.db, tenant, dataset.id, &segments).await?;
    let positions: HashMap<SegmentId, i32> = found.into_iter().map(|segment| (segment.id, segment.position)).collect();
    let view = |one: &Expected| {
        let document_name = names.get(&one.document_id).cloned();
        let position = one.segment_id.and_then(|id| positions.get(&id).copied());
        let is_missing = document_name.is_none() || (one.segment_id.is_some() && position.is_none());
        let (document_id, segment_id) = (one.document_id, one.segment_id);
        (*one, ExpectedView { document_id, document_name, segment_id, position, is_missing })
    };
    Ok(expected.iter().map(view).collect())
}

#[cfg(test)]
mod tests;
