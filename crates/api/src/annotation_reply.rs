//! Answers from annotations, as both surfaces switch them.

use ox_app::annotation_reply::{Job, ReplyForm};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// How answers from annotations are given.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct ReplyRequest {
    /// How alike a question must be: 0 to 1.
    pub score_threshold: f64,
    pub embedding_provider_name: String,
    pub embedding_model_name: String,
}

impl From<ReplyRequest> for ReplyForm {
    fn from(body: ReplyRequest) -> Self {
        Self {
            score_threshold: body.score_threshold,
            embedding_provider_name: body.embedding_provider_name,
            embedding_model_name: body.embedding_model_name,
        }
    }
}

/// A job that was begun.
#[derive(Serialize, ToSchema)]
pub struct ReplyJob {
    pub job_id: Uuid,
    /// `waiting`, or `processing` when another one is under way.
    pub job_status: String,
}

impl From<Job> for ReplyJob {
    fn from(job: Job) -> Self {
        Self { job_id: job.id, job_status: job.status }
    }
}

/// What became of a job.
#[derive(Serialize, ToSchema)]
pub struct ReplyJobState {
    pub job_id: Uuid,
    /// `waiting`, `processing`, `completed` or `error`.
    pub job_status: String,
    pub error_msg: String,
}

impl From<Job> for ReplyJobState {
    fn from(job: Job) -> Self {
        Self { job_id: job.id, job_status: job.status, error_msg: job.error }
    }
}
