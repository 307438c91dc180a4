//! Shapes of bodies, for the documentation only: bodies are read field by field (see `fields`).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A question to a chat app.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct ChatRequest {
    /// Values of the app's variables.
    pub inputs: serde_json::Map<String, serde_json::Value>,
    pub query: String,
    /// Your own name for the end user.
    pub user: String,
    /// `blocking` (default) or `streaming`.
    pub response_mode: Option<String>,
    /// Continues a conversation; empty begins one.
    pub conversation_id: Option<String>,
    pub files: Option<Vec<FileMapping>>,
    /// Let a model name a new conversation (default true).
    pub auto_generate_name: Option<bool>,
    /// Chatflow only: a published version other than the live one.
    pub workflow_id: Option<String>,
    pub trace_id: Option<String>,
}

/// A request to a completion app.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct CompletionRequest {
    pub inputs: serde_json::Map<String, serde_json::Value>,
    pub query: Option<String>,
    pub user: String,
    /// `blocking` (default) or `streaming`.
    pub response_mode: Option<String>,
    pub files: Option<Vec<FileMapping>>,
    pub trace_id: Option<String>,
}

/// What an answer cost; prices are texts.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct UsageBody {
    pub prompt_tokens: u64,
    pub prompt_unit_price: String,
    pub prompt_price_unit: String,
    pub prompt_price: String,
    pub completion_tokens: u64,
    pub completion_unit_price: String,
    pub completion_price_unit: String,
    pub completion_price: String,
    pub total_tokens: u64,
    pub total_price: String,
    pub currency: String,
    /// Seconds.
    pub latency: f64,
    pub time_to_first_token: Option<f64>,
    pub time_to_generate: Option<f64>,
}

/// What is told beside an answer.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct AnswerMetadata {
    pub annotation_reply: Option<serde_json::Map<String, serde_json::Value>>,
    /// Citations.
    pub retriever_resources: Vec<serde_json::Map<String, serde_json::Value>>,
    pub usage: UsageBody,
}

/// The answer of a chat app.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct ChatAnswer {
    /// Always `message`.
    pub event: String,
    pub task_id: Uuid,
    pub id: Uuid,
    pub message_id: Uuid,
    pub conversation_id: Uuid,
    pub mode: String,
    pub answer: String,
    pub metadata: AnswerMetadata,
    pub created_at: i64,
}

/// The answer of a completion app.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct CompletionAnswer {
    /// Always `message`.
    pub event: String,
    pub task_id: Uuid,
    pub id: Uuid,
    pub message_id: Uuid,
    pub mode: String,
    pub answer: String,
    pub metadata: AnswerMetadata,
    pub created_at: i64,
}

/// How a workflow ended.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct RunResult {
    pub id: Uuid,
    pub workflow_id: Uuid,
    /// `succeeded`, `failed`, `stopped`, `partial-succeeded` or `paused`.
    pub status: String,
    pub outputs: Option<serde_json::Map<String, serde_json::Value>>,
    pub error: Option<String>,
    pub elapsed_time: f64,
    pub total_tokens: u64,
    pub total_steps: u32,
    pub created_at: i64,
    pub finished_at: Option<i64>,
}

/// The result of a workflow.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct RunAnswer {
    pub task_id: Uuid,
    pub workflow_run_id: Uuid,
    pub data: RunResult,
}

/// Who asks, or nobody in particular.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct OptionalUserBody {
    pub user: Option<String>,
}

/// A request to a workflow.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct RunRequestBody {
    pub inputs: serde_json::Map<String, serde_json::Value>,
    pub user: String,
    /// `blocking` (default) or `streaming`.
    pub response_mode: Option<String>,
    pub files: Option<Vec<FileMapping>>,
    pub trace_id: Option<String>,
}

/// A file that comes with a request.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct FileMapping {
    /// `image`, `document`, `audio`, `video` or `custom`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// `remote_url` or `local_file`.
    pub transfer_method: String,
    pub url: Option<String>,
    pub upload_file_id: Option<Uuid>,
}

/// Who asks.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct UserBody {
    pub user: String,
}

/// It is done.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct ResultBody {
    /// Always `success`.
    pub result: String,
}

/// A rating.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct FeedbackBody {
    /// `like`, `dislike`, or null to take the rating back.
    pub rating: Option<String>,
    pub content: Option<String>,
    pub user: String,
}

/// A conversation's new name.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct NameBody {
    pub name: Option<String>,
    /// Let a model find one.
    pub auto_generate: Option<bool>,
    pub user: Option<String>,
}

/// A variable's new value.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct VariableBody {
    pub value: serde_json::Value,
    pub user: Option<String>,
}

/// An uploaded file.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct UploadBody {
    /// The file.
    #[schema(value_type = String, format = Binary)]
    pub file: Vec<u8>,
    pub user: Option<String>,
}
