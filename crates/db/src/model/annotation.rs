//! Answers that an app's makers wrote themselves.

use chrono::{DateTime, Utc};
use ox_types::{AccountId, AppId, ConversationId, MessageId};
use uuid::Uuid;

use crate::entity;

/// A question with the answer it should get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    pub id: Uuid,
    pub app_id: AppId,
    /// Where it was made from, if from a message.
    pub conversation_id: Option<ConversationId>,
    pub message_id: Option<MessageId>,
    pub question: String,
    pub content: String,
    pub hit_count: i32,
    pub account_id: AccountId,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<entity::message_annotations::Model> for Annotation {
    fn from(row: entity::message_annotations::Model) -> Self {
        Self {
            id: row.id,
            app_id: AppId(row.app_id),
            conversation_id: row.conversation_id.map(ConversationId),
            message_id: row.message_id.map(MessageId),
            question: row.question,
            content: row.content,
            hit_count: row.hit_count,
            account_id: AccountId(row.account_id),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<Annotation> for entity::message_annotations::Model {
    fn from(item: Annotation) -> Self {
        Self {
            id: item.id,
            app_id: item.app_id.0,
            conversation_id: item.conversation_id.map(|id| id.0),
            message_id: item.message_id.map(|id| id.0),
            question: item.question,
            content: item.content,
            hit_count: item.hit_count,
            account_id: item.account_id.0,
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}

/// An annotation was the answer to a question.
#[derive(Clone, Debug, PartialEq)]
pub struct AnnotationHit {
    pub id: Uuid,
    pub app_id: AppId,
    pub annotation_id: Uuid,
    pub source: String,
    /// As it was asked.
    pub question: String,
    pub account_id: Uuid,
    pub score: f64,
    pub message_id: MessageId,
    /// The annotation as it was then.
    pub annotation_question: String,
    pub annotation_content: String,
    pub created_at: DateTime<Utc>,
}

impl From<entity::app_annotation_hit_histories::Model> for AnnotationHit {
    fn from(row: entity::app_annotation_hit_histories::Model) -> Self {
        Self {
            id: row.id,
            app_id: AppId(row.app_id),
            annotation_id: row.annotation_id,
            source: row.source,
            question: row.question,
            account_id: row.account_id,
            score: row.score,
            message_id: MessageId(row.message_id),
            annotation_question: row.annotation_question,
            annotation_content: row.annotation_content,
            created_at: row.created_at,
        }
    }
}

impl From<AnnotationHit> for entity::app_annotation_hit_histories::Model {
    fn from(item: AnnotationHit) -> Self {
        Self {
            id: item.id,
            app_id: item.app_id.0,
            annotation_id: item.annotation_id,
            source: item.source,
            question: item.question,
            account_id: item.account_id,
            score: item.score,
            message_id: item.message_id.0,
            annotation_question: item.annotation_question,
            annotation_content: item.annotation_content,
            created_at: item.created_at,
        }
    }
}
