//! Conversations, messages and their users.

use chrono::{DateTime, Utc};
use ox_types::{AccountId, AppId, ConversationId, EndUserId, FileId, Json, MessageId, RunId, TenantId};
use uuid::Uuid;

use crate::entity::{self, JsonText};

/// Live value of a conversation variable.
#[derive(Clone, Debug, PartialEq)]
pub struct ConversationVariable {
    /// Id of the variable in the workflow.
    pub id: Uuid,
    pub conversation_id: ConversationId,
    pub app_id: AppId,
    /// The variable with its value.
    pub data: Json,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<entity::workflow_conversation_variables::Model> for ConversationVariable {
    fn from(row: entity::workflow_conversation_variables::Model) -> Self {
        Self {
            id: row.id,
            conversation_id: ConversationId(row.conversation_id),
            app_id: AppId(row.app_id),
            data: row.data.0,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<ConversationVariable> for entity::workflow_conversation_variables::Model {
    fn from(item: ConversationVariable) -> Self {
        Self {
            id: item.id,
            conversation_id: item.conversation_id.0,
            app_id: item.app_id.0,
            data: JsonText(item.data),
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}

/// A conversation of a chat app.
#[derive(Clone, Debug, PartialEq)]
pub struct Conversation {
    pub id: ConversationId,
    pub app_id: AppId,
    pub app_model_config_id: Option<Uuid>,
    pub model_provider: Option<String>,
    pub model_id: Option<String>,
    pub override_model_configs: Option<Json>,
    pub mode: String,
    pub name: String,
    pub summary: Option<String>,
    pub inputs: Json,
    pub introduction: Option<String>,
    pub system_instruction: Option<String>,
    pub system_instruction_tokens: i32,
    pub status: String,
    pub invoke_from: Option<String>,
    /// `console` or `api`.
    pub from_source: String,
    pub from_end_user_id: Option<EndUserId>,
    pub from_account_id: Option<AccountId>,
    pub read_at: Option<DateTime<Utc>>,
    pub read_account_id: Option<AccountId>,
    pub dialogue_count: i32,
    pub is_deleted: bool,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<entity::conversations::Model> for Conversation {
    fn from(row: entity::conversations::Model) -> Self {
        Self {
            id: ConversationId(row.id),
            app_id: AppId(row.app_id),
            app_model_config_id: row.app_model_config_id,
            model_provider: row.model_provider,
            model_id: row.model_id,
            override_model_configs: row.override_model_configs.map(|json| json.0),
            mode: row.mode,
            name: row.name,
            summary: row.summary,
            inputs: row.inputs.0,
            introduction: row.introduction,
            system_instruction: row.system_instruction,
            system_instruction_tokens: row.system_instruction_tokens,
            status: row.status,
            invoke_from: row.invoke_from,
            from_source: row.from_source,
            from_end_user_id: row.from_end_user_id.map(EndUserId),
            from_account_id: row.from_account_id.map(AccountId),
            read_at: row.read_at,
            read_account_id: row.read_account_id.map(AccountId),
            dialogue_count: row.dialogue_count,
            is_deleted: row.is_deleted,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<Conversation> for entity::conversations::Model {
    fn from(item: Conversation) -> Self {
        Self {
            id: item.id.0,
            app_id: item.app_id.0,
            app_model_config_id: item.app_model_config_id,
            model_provider: item.model_provider,
            model_id: item.model_id,
            override_model_configs: item.override_model_configs.map(JsonText),
            mode: item.mode,
            name: item.name,
            summary: item.summary,
            inputs: JsonText(item.inputs),
            introduction: item.introduction,
            system_instruction: item.system_instruction,
            system_instruction_tokens: item.system_instruction_tokens,
            status: item.status,
            invoke_from: item.invoke_from,
            from_source: item.from_source,
            from_end_user_id: item.from_end_user_id.map(|id| id.0),
            from_account_id: item.from_account_id.map(|id| id.0),
            read_at: item.read_at,
            read_account_id: item.read_account_id.map(|id| id.0),
            dialogue_count: item.dialogue_count,
            is_deleted: item.is_deleted,
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}

/// A question with its answer. On PostgreSQL partitioned by day.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub id: MessageId,
    pub app_id: AppId,
    pub conversation_id: ConversationId,
    pub parent_message_id: Option<MessageId>,
    pub model_provider: Option<String>,
    pub model_id: Option<String>,
    /// JSON text.
    pub override_model_configs: Option<String>,
    /// JSON text.
    pub inputs: String,
    pub query: String,
    /// JSON text: the prompt messages sent.
    pub message: Option<String>,
    pub answer: String,
    pub message_tokens: i32,
    /// Decimal text, like all prices.
    pub message_unit_price: String,
    pub message_price_unit: String,
    pub answer_tokens: i32,
    pub answer_unit_price: String,
    pub answer_price_unit: String,
    pub total_price: Option<String>,
    pub currency: String,
    /// Seconds.
    pub provider_response_latency: f64,
    /// `normal`, `error`, `paused`.
    pub status: String,
    pub error: Option<String>,
    /// JSON text.
    pub message_metadata: Option<String>,
    pub invoke_from: Option<String>,
    pub from_source: String,
    pub from_end_user_id: Option<EndUserId>,
    pub from_account_id: Option<AccountId>,
    pub agent_based: bool,
    pub workflow_run_id: Option<RunId>,
    pub app_mode: Option<String>,
    /// The process that writes the answer of a basic app; `None` once it is complete. A run has an owner of its own.
    pub owner: Option<Uuid>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<entity::messages::Model> for Message {
    fn from(row: entity::messages::Model) -> Self {
        Self {
            id: MessageId(row.id),
            app_id: AppId(row.app_id),
            conversation_id: ConversationId(row.conversation_id),
            parent_message_id: row.parent_message_id.map(MessageId),
            model_provider: row.model_provider,
            model_id: row.model_id,
            override_model_configs: row.override_model_configs,
            inputs: row.inputs,
            query: row.query,
            message: row.message,
            answer: row.answer,
            message_tokens: row.message_tokens,
            message_unit_price: row.message_unit_price,
            message_price_unit: row.message_price_unit,
            answer_tokens: row.answer_tokens,
            answer_unit_price: row.answer_unit_price,
            answer_price_unit: row.answer_price_unit,
            total_price: row.total_price,
            currency: row.currency,
            provider_response_latency: row.provider_response_latency,
            status: row.status,
            error: row.error,
            message_metadata: row.message_metadata,
            invoke_from: row.invoke_from,
            from_source: row.from_source,
            from_end_user_id: row.from_end_user_id.map(EndUserId),
            from_account_id: row.from_account_id.map(AccountId),
            agent_based: row.agent_based,
            workflow_run_id: row.workflow_run_id.map(RunId),
            app_mode: row.app_mode,
            owner: row.owner,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<Message> for entity::messages::Model {
    fn from(item: Message) -> Self {
        Self {
            id: item.id.0,
            app_id: item.app_id.0,
            conversation_id: item.conversation_id.0,
            parent_message_id: item.parent_message_id.map(|id| id.0),
            model_provider: item.model_provider,
            model_id: item.model_id,
            override_model_configs: item.override_model_configs,
            inputs: item.inputs,
            query: item.query,
            message: item.message,
            answer: item.answer,
            message_tokens: item.message_tokens,
            message_unit_price: item.message_unit_price,
            message_price_unit: item.message_price_unit,
            answer_tokens: item.answer_tokens,
            answer_unit_price: item.answer_unit_price,
            answer_price_unit: item.answer_price_unit,
            total_price: item.total_price,
            currency: item.currency,
            provider_response_latency: item.provider_response_latency,
            status: item.status,
            error: item.error,
            message_metadata: item.message_metadata,
            invoke_from: item.invoke_from,
            from_source: item.from_source,
            from_end_user_id: item.from_end_user_id.map(|id| id.0),
            from_account_id: item.from_account_id.map(|id| id.0),
            agent_based: item.agent_based,
            workflow_run_id: item.workflow_run_id.map(|id| id.0),
            app_mode: item.app_mode,
            owner: item.owner,
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}

/// Like or dislike of one message.
#[derive(Clone, Debug, PartialEq)]
pub struct MessageFeedback {
    pub id: Uuid,
    pub app_id: AppId,
    pub conversation_id: ConversationId,
    pub message_id: MessageId,
    /// `like` or `dislike`.
    pub rating: String,
    /// `user` or `admin`.
    pub from_source: String,
    pub content: Option<String>,
    pub from_end_user_id: Option<EndUserId>,
    pub from_account_id: Option<AccountId>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<entity::message_feedbacks::Model> for MessageFeedback {
    fn from(row: entity::message_feedbacks::Model) -> Self {
        Self {
            id: row.id,
            app_id: AppId(row.app_id),
            conversation_id: ConversationId(row.conversation_id),
            message_id: MessageId(row.message_id),
            rating: row.rating,
            from_source: row.from_source,
            content: row.content,
            from_end_user_id: row.from_end_user_id.map(EndUserId),
            from_account_id: row.from_account_id.map(AccountId),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<MessageFeedback> for entity::message_feedbacks::Model {
    fn from(item: MessageFeedback) -> Self {
        Self {
            id: item.id,
            app_id: item.app_id.0,
            conversation_id: item.conversation_id.0,
            message_id: item.message_id.0,
            rating: item.rating,
            from_source: item.from_source,
            content: item.content,
            from_end_user_id: item.from_end_user_id.map(|id| id.0),
            from_account_id: item.from_account_id.map(|id| id.0),
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}

/// A file of a message.
#[derive(Clone, Debug, PartialEq)]
pub struct MessageFile {
    pub id: Uuid,
    pub message_id: MessageId,
    /// `image`, `document`, `audio`, `video`, `custom`.
    pub kind: String,
    pub transfer_method: String,
    /// `user` or `assistant`.
    pub belongs_to: Option<String>,
    pub url: Option<String>,
    pub upload_file_id: Option<FileId>,
    pub created_by_role: String,
    pub created_by: Uuid,
    pub created_at: DateTime<Utc>,
}

impl From<entity::message_files::Model> for MessageFile {
    fn from(row: entity::message_files::Model) -> Self {
        Self {
            id: row.id,
            message_id: MessageId(row.message_id),
            kind: row.kind,
            transfer_method: row.transfer_method,
            belongs_to: row.belongs_to,
            url: row.url,
            upload_file_id: row.upload_file_id.map(FileId),
            created_by_role: row.created_by_role,
            created_by: row.created_by,
            created_at: row.created_at,
        }
    }
}

impl From<MessageFile> for entity::message_files::Model {
    fn from(item: MessageFile) -> Self {
        Self {
            id: item.id,
            message_id: item.message_id.0,
            kind: item.kind,
            transfer_method: item.transfer_method,
            belongs_to: item.belongs_to,
            url: item.url,
            upload_file_id: item.upload_file_id.map(|id| id.0),
            created_by_role: item.created_by_role,
            created_by: item.created_by,
            created_at: item.created_at,
        }
    }
}

/// A message kept by a user of a completion app.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedMessage {
    pub id: Uuid,
    pub app_id: AppId,
    pub message_id: MessageId,
    pub created_by_role: String,
    pub created_by: Uuid,
    pub created_at: DateTime<Utc>,
}

impl From<entity::saved_messages::Model> for SavedMessage {
    fn from(row: entity::saved_messages::Model) -> Self {
        Self {
            id: row.id,
            app_id: AppId(row.app_id),
            message_id: MessageId(row.message_id),
            created_by_role: row.created_by_role,
            created_by: row.created_by,
            created_at: row.created_at,
        }
    }
}

impl From<SavedMessage> for entity::saved_messages::Model {
    fn from(item: SavedMessage) -> Self {
        Self {
            id: item.id,
            app_id: item.app_id.0,
            message_id: item.message_id.0,
            created_by_role: item.created_by_role,
            created_by: item.created_by,
            created_at: item.created_at,
        }
    }
}

/// A conversation a user keeps on top.
#[derive(Clone, Debug, PartialEq)]
pub struct PinnedConversation {
    pub id: Uuid,
    pub app_id: AppId,
    pub conversation_id: ConversationId,
    pub created_by_role: String,
    pub created_by: Uuid,
    pub created_at: DateTime<Utc>,
}

impl From<entity::pinned_conversations::Model> for PinnedConversation {
    fn from(row: entity::pinned_conversations::Model) -> Self {
        Self {
            id: row.id,
            app_id: AppId(row.app_id),
            conversation_id: ConversationId(row.conversation_id),
            created_by_role: row.created_by_role,
            created_by: row.created_by,
            created_at: row.created_at,
        }
    }
}

impl From<PinnedConversation> for entity::pinned_conversations::Model {
    fn from(item: PinnedConversation) -> Self {
        Self {
            id: item.id,
            app_id: item.app_id.0,
            conversation_id: item.conversation_id.0,
            created_by_role: item.created_by_role,
            created_by: item.created_by,
            created_at: item.created_at,
        }
    }
}

/// A user of a published app.
#[derive(Clone, Debug, PartialEq)]
pub struct EndUser {
    pub id: EndUserId,
    pub tenant_id: TenantId,
    pub app_id: Option<AppId>,
    /// `service-api`, `browser`, ….
    pub kind: String,
    pub external_user_id: Option<String>,
    pub name: Option<String>,
    pub is_anonymous: bool,
    pub session_id: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<entity::end_users::Model> for EndUser {
    fn from(row: entity::end_users::Model) -> Self {
        Self {
            id: EndUserId(row.id),
            tenant_id: TenantId(row.tenant_id),
            app_id: row.app_id.map(AppId),
            kind: row.kind,
            external_user_id: row.external_user_id,
            name: row.name,
            is_anonymous: row.is_anonymous,
            session_id: row.session_id,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<EndUser> for entity::end_users::Model {
    fn from(item: EndUser) -> Self {
        Self {
            id: item.id.0,
            tenant_id: item.tenant_id.0,
            app_id: item.app_id.map(|id| id.0),
            kind: item.kind,
            external_user_id: item.external_user_id,
            name: item.name,
            is_anonymous: item.is_anonymous,
            session_id: item.session_id,
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}
