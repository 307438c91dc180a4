//! What a search of a knowledge base found, as both surfaces show it.

use ox_app::{
    Services,
    knowledge::{
        hit_testing::Trial,
        retrieval::{ExternalRecord, Found, Own, Place, Record, Scores, Times},
        signed,
    },
};
use ox_types::FileId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json_};
use utoipa::ToSchema;
use uuid::Uuid;

use super::AttachmentBody;

/// A question to a knowledge base.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct HitRequest {
    /// 1 to 250 characters; may be empty beside pictures.
    pub query: Option<String>,
    /// Settings instead of those the knowledge base keeps; may hold `metadata_filtering_conditions`.
    #[schema(value_type = Option<Object>)]
    pub retrieval_model: Option<Json_>,
    #[schema(value_type = Option<Object>)]
    pub external_retrieval_model: Option<Json_>,
    /// Uploaded pictures to look for, where the embedding model sees.
    pub attachment_ids: Option<Vec<Uuid>>,
    #[schema(value_type = Option<Object>)]
    pub metadata_filtering_conditions: Option<Json_>,
}

impl From<HitRequest> for Trial {
    fn from(body: HitRequest) -> Self {
        Self {
            question: body.query.unwrap_or_default(),
            retrieval_model: body.retrieval_model,
            external_retrieval_model: body.external_retrieval_model,
            metadata_filtering_conditions: body.metadata_filtering_conditions,
            attachments: body.attachment_ids.unwrap_or_default().into_iter().map(FileId).collect(),
        }
    }
}

/// What was asked.
#[derive(Serialize, ToSchema)]
pub struct HitQuery {
    pub content: String,
}

/// The document of a hit.
#[derive(Serialize, ToSchema)]
pub struct HitDocument {
    pub id: Option<Uuid>,
    pub data_source_type: String,
    pub name: String,
    pub doc_type: Option<String>,
    #[schema(value_type = Option<Object>)]
    pub doc_metadata: Option<Json_>,
}

/// A chunk that was found.
#[derive(Serialize, ToSchema)]
pub struct HitSegment {
    pub id: Option<Uuid>,
    pub position: Option<i32>,
    pub document_id: Option<Uuid>,
    pub content: String,
    /// With addresses of files that can be opened.
    pub sign_content: String,
    pub answer: Option<String>,
    pub word_count: Option<i32>,
    pub tokens: Option<i32>,
    pub keywords: Vec<String>,
    pub index_node_id: Option<Uuid>,
    pub index_node_hash: Option<String>,
    pub hit_count: Option<i64>,
    pub enabled: bool,
    pub disabled_at: Option<i64>,
    pub disabled_by: Option<Uuid>,
    pub status: String,
    pub created_by: Option<Uuid>,
    pub created_at: Option<i64>,
    pub indexing_at: Option<i64>,
    pub completed_at: Option<i64>,
    pub error: Option<String>,
    pub stopped_at: Option<i64>,
    pub document: HitDocument,
    /// The page it is from, from 0; ours.
    pub page: Option<i32>,
    /// The headings it stands under; ours.
    pub heading: Option<String>,
    /// The chunks before it that are read with it; ours.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<String>,
    /// The chunks after it that are read with it; ours.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
}

/// A child chunk that was found.
#[derive(Serialize, ToSchema)]
pub struct HitChild {
    pub id: Uuid,
    pub content: String,
    pub position: i32,
    pub score: f64,
}

/// One finding.
#[derive(Serialize, ToSchema)]
pub struct HitRecord {
    pub segment: HitSegment,
    pub child_chunks: Vec<HitChild>,
    pub score: f64,
    /// Always null: there is no map of the vectors.
    #[schema(value_type = Option<Object>)]
    pub tsne_position: Option<Json_>,
    pub files: Vec<AttachmentBody>,
    pub summary: Option<String>,
}

/// One finding with what its score is made of.
#[derive(Serialize, ToSchema)]
pub struct ExplainedRecord {
    #[serde(flatten)]
    pub record: HitRecord,
    /// Ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scores: Option<HitScores>,
}

/// The scores of each side for one finding, each on its own scale; null where a side did not score it.
#[derive(Serialize, ToSchema)]
pub struct HitScores {
    /// BM25: it has no upper end.
    pub words: Option<f64>,
    /// The cosine of the vectors.
    pub meaning: Option<f64>,
    /// What the rerank model said.
    pub rerank: Option<f64>,
}

impl HitScores {
    /// Nothing where no side is known.
    fn new(scores: Scores) -> Option<Self> {
        let Scores { words, meaning, rerank } = scores;
        (scores != Scores::default()).then_some(Self { words, meaning, rerank })
    }
}

/// Seconds of each step of a search; null where it was not taken. Steps may run at the same time.
#[derive(Serialize, ToSchema)]
pub struct HitTimes {
    pub embedding: Option<f64>,
    pub words: Option<f64>,
    pub vectors: Option<f64>,
    pub rerank: Option<f64>,
    pub total: f64,
}

impl From<Times> for HitTimes {
    fn from(times: Times) -> Self {
        let seconds = |took: Option<std::time::Duration>| took.map(|took| took.as_secs_f64());
        Self {
            embedding: seconds(times.embedding),
            words: seconds(times.words),
            vectors: seconds(times.vectors),
            rerank: seconds(times.rerank),
            total: times.total.as_secs_f64(),
        }
    }
}

/// What a question found, the best first.
#[derive(Serialize, ToSchema)]
pub struct Hits {
    pub query: HitQuery,
    pub records: Vec<HitRecord>,
    /// Why it may be less than there is; ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shortcoming: Option<String>,
}

/// What a question found, with the ranking and the time it took explained: the console's test.
#[derive(Serialize, ToSchema)]
pub struct ExplainedHits {
    pub query: HitQuery,
    pub records: Vec<ExplainedRecord>,
    /// Why it may be less than there is; ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shortcoming: Option<String>,
    /// Where the time went; ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<HitTimes>,
}

impl Hits {
    pub fn new(services: &Services, query: String, found: Found) -> Self {
        let records = found.records.into_iter().map(|record| HitRecord::new(services, record)).collect();
        Self { query: HitQuery { content: query }, records, shortcoming: found.shortcoming }
    }
}

impl ExplainedHits {
    pub fn new(services: &Services, query: String, found: Found) -> Self {
        let times = found.times.map(HitTimes::from);
        let scores: Vec<_> = found.records.iter().map(|record| HitScores::new(record.scores)).collect();
        let Hits { query, records, shortcoming } = Hits::new(services, query, found);
        let records =
            records.into_iter().zip(scores).map(|(record, scores)| ExplainedRecord { record, scores }).collect();
        Self { query, records, shortcoming, times }
    }
}

impl HitRecord {
    fn new(services: &Services, record: Record) -> Self {
        let score = record.score;
        let mut files = Vec::new();
        let (segment, child_chunks, summary) = match record.place {
            Place::Own(mut own) => {
                let bound = std::mem::take(&mut own.files).into_iter();
                files.extend(bound.map(|file| AttachmentBody::new(services, file)));
                of_ours(services, *own)
            }
            Place::External(one) => (of_others(*one), Vec::new(), None),
        };
        Self { segment, child_chunks, score, tsne_position: None, files, summary }
    }
}

fn of_ours(services: &Services, own: Own) -> (HitSegment, Vec<HitChild>, Option<String>) {
    let around = own.around.clone();
    let Own { document, segment, children, summary, .. } = own;
    let seconds = |at: Option<chrono::DateTime<chrono::Utc>>| at.map(|at| at.timestamp());
    let children = children.into_iter().map(|(child, score)| HitChild {
        id: child.id.0,
        content: child.content,
        position: child.position,
        score,
    });
    let shown = HitSegment {
        id: Some(segment.id.0),
        position: Some(segment.position),
        document_id: Some(document.id.0),
        sign_content: signed(services, &segment.content),
        content: segment.content,
        answer: segment.answer,
        word_count: Some(segment.word_count),
        tokens: Some(segment.tokens),
        keywords: segment.keywords,
        index_node_id: segment.index_node_id,
        index_node_hash: segment.index_node_hash,
        hit_count: Some(segment.hit_count),
        // What is not does not turn up.
        enabled: true,
        disabled_at: None,
        disabled_by: None,
        status: "completed".into(),
        created_by: Some(segment.created_by),
        created_at: Some(segment.created_at.timestamp()),
        indexing_at: seconds(segment.indexing_at),
        completed_at: seconds(segment.completed_at),
        error: None,
        stopped_at: None,
        document: HitDocument {
            id: Some(document.id.0),
            data_source_type: document.data_source_type,
            name: document.name,
            doc_type: document.doc_type,
            doc_metadata: document.doc_metadata,
        },
        page: segment.page,
        heading: segment.heading,
        before: around.before,
        after: around.after,
    };
    (shown, children.collect(), summary)
}

fn of_others(one: ExternalRecord) -> HitSegment {
    HitSegment {
        id: None,
        position: None,
        document_id: None,
        sign_content: one.content.clone(),
        content: one.content,
        answer: None,
        word_count: None,
        tokens: None,
        keywords: Vec::new(),
        index_node_id: None,
        index_node_hash: None,
        hit_count: None,
        enabled: true,
        disabled_at: None,
        disabled_by: None,
        status: "completed".into(),
        created_by: None,
        created_at: None,
        indexing_at: None,
        completed_at: None,
        error: None,
        stopped_at: None,
        document: HitDocument {
            id: None,
            data_source_type: "external".into(),
            name: one.title,
            doc_type: None,
            doc_metadata: Some(Json_::Object(one.metadata)),
        },
        page: None,
        heading: None,
        before: Vec::new(),
        after: Vec::new(),
    }
}

/// A finding of somebody else's knowledge base.
#[derive(Serialize, ToSchema)]
pub struct ExternalHit {
    pub content: String,
    pub title: String,
    pub score: f64,
    #[schema(value_type = Object)]
    pub metadata: Map<String, Json_>,
}

/// What a question to somebody else's knowledge base found.
#[derive(Serialize, ToSchema)]
pub struct ExternalHits {
    pub query: HitQuery,
    pub records: Vec<ExternalHit>,
}

impl ExternalHits {
    pub fn new(query: String, found: Found) -> Self {
        let records = found.records.into_iter().filter_map(|record| match record.place {
            Place::External(one) => Some(ExternalHit {
                content: one.content,
                title: one.title,
                score: record.score,
                metadata: one.metadata,
            }),
            Place::Own(_) => None,
        });
        Self { query: HitQuery { content: query }, records: records.collect() }
    }
}
