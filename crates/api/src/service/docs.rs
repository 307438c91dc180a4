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

/// A request to a completion app or a workflow.
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
