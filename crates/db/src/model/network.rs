//! Where the calls of a workspace may go.

use chrono::{DateTime, Utc};
use ox_types::{AccountId, TenantId};

use crate::entity;

/// The network rules of a workspace, as they were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkRules {
    pub tenant_id: TenantId,
    /// Keep to `allowed`.
    pub only_listed: bool,
    pub allowed: Vec<String>,
    pub private: Vec<String>,
    pub updated_by: Option<AccountId>,
    pub updated_at: DateTime<Utc>,
}

fn lines(text: &str) -> Vec<String> {
    text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

impl From<entity::tenant_network_rules::Model> for NetworkRules {
    fn from(row: entity::tenant_network_rules::Model) -> Self {
        Self {
            tenant_id: TenantId(row.tenant_id),
            only_listed: row.only_listed,
            allowed: lines(&row.allowed),
            private: lines(&row.private),
            updated_by: row.updated_by.map(AccountId),
            updated_at: row.updated_at,
        }
    }
}

impl From<NetworkRules> for entity::tenant_network_rules::Model {
    fn from(rules: NetworkRules) -> Self {
        Self {
            tenant_id: rules.tenant_id.0,
            only_listed: rules.only_listed,
            allowed: rules.allowed.join("\n"),
            private: rules.private.join("\n"),
            updated_by: rules.updated_by.map(|id| id.0),
            updated_at: rules.updated_at,
        }
    }
}
