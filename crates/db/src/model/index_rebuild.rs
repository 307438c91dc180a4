//! How far the rebuild or the move of an index is.

use chrono::{DateTime, Utc};
use ox_types::{AccountId, DatasetId, TenantId};
use uuid::Uuid;

use crate::entity::index_rebuilds::Model;

/// Where the index of a knowledge base is made anew from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RebuildOrigin {
    /// A server does it, and another takes it over.
    Studio,
    /// `oxidify index` does it, and nobody takes it over.
    Command,
}

impl RebuildOrigin {
    /// As it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Studio => "studio",
            Self::Command => "command",
        }
    }
}

/// What is done to an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RebuildKind {
    /// Its copies are made anew.
    Rebuild,
    /// Another store is filled.
    Move,
}

impl RebuildKind {
    /// As it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rebuild => "rebuild",
            Self::Move => "move",
        }
    }
}

/// A rebuild or a move that begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewIndexRebuild {
    pub tenant_id: TenantId,
    pub dataset_id: DatasetId,
    pub kind: RebuildKind,
    pub origin: RebuildOrigin,
    /// `local`, or the name of a vector store.
    pub target: String,
    /// None: a command.
    pub created_by: Option<AccountId>,
}

/// How far it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RebuildStep {
    pub target: String,
    /// `waiting`, `reading` or `graph`.
    pub phase: String,
    pub done: i64,
    pub total: i64,
    /// A second; none until there is something to count.
    pub rate: Option<i64>,
}

/// The last rebuild or move of a knowledge base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexRebuild {
    pub dataset_id: DatasetId,
    pub tenant_id: TenantId,
    /// The attempt.
    pub id: Uuid,
    pub kind: String,
    pub origin: String,
    pub step: RebuildStep,
    /// `running`, `completed`, `error` or `stopped`.
    pub status: String,
    pub error: Option<String>,
    /// How often a process has begun it.
    pub attempts: i32,
    pub leased_by: Option<Uuid>,
    pub leased_until: Option<DateTime<Utc>>,
    pub created_by: Option<AccountId>,
    pub started_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
}

impl From<Model> for IndexRebuild {
    fn from(row: Model) -> Self {
        Self {
            dataset_id: DatasetId(row.dataset_id),
            tenant_id: TenantId(row.tenant_id),
            id: row.id,
            kind: row.kind,
            origin: row.origin,
            step: RebuildStep {
                target: row.target,
                phase: row.phase,
                done: row.done,
                total: row.total,
                rate: row.rate,
            },
            status: row.status,
            error: row.error,
            attempts: row.attempts,
            leased_by: row.leased_by,
            leased_until: row.leased_until,
            created_by: row.created_by.map(AccountId),
            started_at: row.started_at,
            updated_at: row.updated_at,
            finished_at: row.finished_at,
        }
    }
}
