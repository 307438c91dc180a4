//! What agents thought and did.

use chrono::{DateTime, Utc};
use ox_types::{Json, MessageId};
use uuid::Uuid;

use crate::entity;

/// One round of an agent on the way to an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentThought {
    pub id: Uuid,
    pub message_id: MessageId,
    /// From 1.
    pub position: i32,
    pub thought: Option<String>,
    /// Names of the tools that were called, joined by semicolons.
    pub tool: Option<String>,
    /// Name to label in each language.
    pub tool_labels: Json,
    /// Name to how its call went: time, error, settings.
    pub tool_meta: Json,
    /// JSON text: name to arguments.
    pub tool_input: Option<String>,
    /// JSON text: name to answer.
    pub observation: Option<String>,
    pub tool_process_data: Option<String>,
    /// The prompt, as the log shows it.
    pub message: Option<String>,
    pub message_token: i32,
    pub message_unit_price: String,
    pub message_price_unit: String,
    /// Ids of message files that tools made.
    pub message_files: Json,
    /// What the model said.
    pub answer: Option<String>,
    pub answer_token: i32,
    pub answer_unit_price: String,
    pub answer_price_unit: String,
    pub tokens: i32,
    pub total_price: String,
    pub currency: String,
    /// Seconds.
    pub latency: f64,
    pub created_by_role: String,
    pub created_by: Uuid,
    pub created_at: DateTime<Utc>,
}

impl From<entity::message_agent_thoughts::Model> for AgentThought {
    fn from(row: entity::message_agent_thoughts::Model) -> Self {
        Self {
            id: row.id,
            message_id: MessageId(row.message_id),
            position: row.position,
            thought: row.thought,
            tool: row.tool,
            tool_labels: row.tool_labels_str.0,
            tool_meta: row.tool_meta_str.0,
            tool_input: row.tool_input,
            observation: row.observation,
            tool_process_data: row.tool_process_data,
            message: row.message,
            message_token: row.message_token,
            message_unit_price: row.message_unit_price,
            message_price_unit: row.message_price_unit,
            message_files: row.message_files.0,
            answer: row.answer,
            answer_token: row.answer_token,
            answer_unit_price: row.answer_unit_price,
            answer_price_unit: row.answer_price_unit,
            tokens: row.tokens,
            total_price: row.total_price,
            currency: row.currency,
            latency: row.latency,
            created_by_role: row.created_by_role,
            created_by: row.created_by,
            created_at: row.created_at,
        }
    }
}
