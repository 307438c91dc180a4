//! Questions whose answers are known, and how well they are found.

use chrono::{DateTime, Utc};
use ox_types::{AccountId, DatasetId, DocumentId, Json, SegmentId, TenantId};
use serde_json::json;
use uuid::Uuid;

use crate::entity::{
    JsonText, retrieval_evaluation_results as results, retrieval_evaluations as evaluations,
    retrieval_questions as questions,
};

/// What a search should find.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Expected {
    pub document_id: DocumentId,
    /// This chunk of it; without one, any.
    pub segment_id: Option<SegmentId>,
}

impl Expected {
    /// As it is stored.
    #[must_use]
    pub fn to_json(&self) -> Json {
        json!({"document_id": self.document_id, "segment_id": self.segment_id})
    }

    /// From what was stored.
    #[must_use]
    pub fn from_json(json: &Json) -> Option<Self> {
        let text = |name: &str| json.get(name).and_then(Json::as_str);
        let segment_id = text("segment_id").and_then(|id| id.parse().ok());
        Some(Self { document_id: text("document_id")?.parse().ok()?, segment_id })
    }
}

/// A question whose answers are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetrievalQuestion {
    pub id: Uuid,
    pub tenant_id: TenantId,
    pub dataset_id: DatasetId,
    pub question: String,
    pub question_hash: String,
    pub expected: Vec<Expected>,
    /// `manual`, `test`, `csv` or `log`.
    pub source: String,
    pub created_by: AccountId,
    pub updated_by: Option<AccountId>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// All questions, asked by some settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    pub id: Uuid,
    pub tenant_id: TenantId,
    pub dataset_id: DatasetId,
    pub settings: Json,
    /// `running`, `completed`, `stopped` or `error`.
    pub status: String,
    pub error: Option<String>,
    /// Questions times settings.
    pub total: i32,
    pub done: i32,
    pub summary: Option<Json>,
    pub leased_by: Option<Uuid>,
    pub leased_until: Option<DateTime<Utc>>,
    pub created_by: AccountId,
    pub created_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
}

/// What one question found by one setting.
#[derive(Clone, Debug, PartialEq)]
pub struct EvaluationResult {
    pub evaluation_id: Uuid,
    pub question_id: Uuid,
    /// Which of the settings, from 0.
    pub setting: i32,
    pub dataset_id: DatasetId,
    pub question: String,
    pub expected: Json,
    pub found: Json,
    pub recall: f64,
    pub ndcg: f64,
    pub reciprocal_rank: f64,
    pub took_ms: f64,
    pub error: Option<String>,
}

impl From<questions::Model> for RetrievalQuestion {
    fn from(row: questions::Model) -> Self {
        let JsonText(expected) = row.expected;
        Self {
            id: row.id,
            tenant_id: TenantId(row.tenant_id),
            dataset_id: DatasetId(row.dataset_id),
            question: row.question,
            question_hash: row.question_hash,
            expected: expected.as_array().into_iter().flatten().filter_map(Expected::from_json).collect(),
            source: row.source,
            created_by: AccountId(row.created_by),
            updated_by: row.updated_by.map(AccountId),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<RetrievalQuestion> for questions::Model {
    fn from(item: RetrievalQuestion) -> Self {
        Self {
            id: item.id,
            tenant_id: item.tenant_id.0,
            dataset_id: item.dataset_id.0,
            question: item.question,
            question_hash: item.question_hash,
            expected: JsonText(item.expected.iter().map(Expected::to_json).collect()),
            source: item.source,
            created_by: item.created_by.0,
            updated_by: item.updated_by.map(|id| id.0),
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}

impl From<evaluations::Model> for Evaluation {
    fn from(row: evaluations::Model) -> Self {
        let JsonText(settings) = row.settings;
        Self {
            id: row.id,
            tenant_id: TenantId(row.tenant_id),
            dataset_id: DatasetId(row.dataset_id),
            settings,
            status: row.status,
            error: row.error,
            total: row.total,
            done: row.done,
            summary: row.summary.map(|JsonText(json)| json),
            leased_by: row.leased_by,
            leased_until: row.leased_until,
            created_by: AccountId(row.created_by),
            created_at: row.created_at,
            finished_at: row.finished_at,
        }
    }
}

impl From<Evaluation> for evaluations::Model {
    fn from(item: Evaluation) -> Self {
        Self {
            id: item.id,
            tenant_id: item.tenant_id.0,
            dataset_id: item.dataset_id.0,
            settings: JsonText(item.settings),
            status: item.status,
            error: item.error,
            total: item.total,
            done: item.done,
            summary: item.summary.map(JsonText),
            leased_by: item.leased_by,
            leased_until: item.leased_until,
            created_by: item.created_by.0,
            created_at: item.created_at,
            finished_at: item.finished_at,
        }
    }
}

impl From<results::Model> for EvaluationResult {
    fn from(row: results::Model) -> Self {
        let (JsonText(expected), JsonText(found)) = (row.expected, row.found);
        Self {
            evaluation_id: row.evaluation_id,
            question_id: row.question_id,
            setting: row.setting,
            dataset_id: DatasetId(row.dataset_id),
            question: row.question,
            expected,
            found,
            recall: row.recall,
            ndcg: row.ndcg,
            reciprocal_rank: row.reciprocal_rank,
            took_ms: row.took_ms,
            error: row.error,
        }
    }
}

impl From<EvaluationResult> for results::Model {
    fn from(item: EvaluationResult) -> Self {
        Self {
            evaluation_id: item.evaluation_id,
            question_id: item.question_id,
            setting: item.setting,
            dataset_id: item.dataset_id.0,
            question: item.question,
            expected: JsonText(item.expected),
            found: JsonText(item.found),
            recall: item.recall,
            ndcg: item.ndcg,
            reciprocal_rank: item.reciprocal_rank,
            took_ms: item.took_ms,
            error: item.error,
        }
    }
}
