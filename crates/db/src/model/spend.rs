//! Calls of models with what they used, and how much may be used.

use chrono::{DateTime, Utc};
use ox_types::{AccountId, AppId, GatewayKeyId, RunId, TenantId};
use uuid::Uuid;

use crate::entity;

/// One call of a model, as it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelCall {
    pub id: Uuid,
    pub tenant_id: TenantId,
    pub app_id: Option<AppId>,
    /// An account, an end user, or whom a caller from outside names.
    pub user_id: Option<String>,
    pub key_id: Option<GatewayKeyId>,
    pub run_id: Option<RunId>,
    pub node_id: Option<String>,
    pub provider: String,
    pub model: String,
    pub kind: String,
    /// What was asked for, when another model answered.
    pub wanted_provider: Option<String>,
    pub wanted_model: Option<String>,
    pub prompt_tokens: i64,
    pub cached_tokens: i64,
    pub completion_tokens: i64,
    /// A decimal text.
    pub price: String,
    pub currency: String,
    /// Counted here, as the provider did not tell.
    pub estimated: bool,
    pub latency_ms: i64,
    pub first_token_ms: Option<i64>,
    /// `ok`, `cancelled`, or the class of the error.
    pub outcome: String,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// `hit` or `semantic`: the answer was kept, and nobody was asked.
    pub cache: Option<String>,
    /// What it would have cost; a decimal text.
    pub saved_price: Option<String>,
    /// Why another model answered, or was asked as well: `fallback`, `tier` or `hedge`.
    pub route: Option<String>,
    /// The name of the rule.
    pub rule: Option<String>,
    /// What was used beside tokens, where it is known.
    pub units: Option<i64>,
    /// Of what: `searches`, `seconds` or `characters`.
    pub unit: Option<String>,
    /// The stored key by which it was made: of the provider, of the model, or one of several of the model.
    pub credential_id: Option<Uuid>,
}

impl From<entity::model_calls::Model> for ModelCall {
    fn from(row: entity::model_calls::Model) -> Self {
        Self {
            id: row.id,
            tenant_id: TenantId(row.tenant_id),
            app_id: row.app_id.map(AppId),
            user_id: row.user_id,
            key_id: row.key_id.map(GatewayKeyId),
            run_id: row.run_id.map(RunId),
            node_id: row.node_id,
            provider: row.provider,
            model: row.model,
            kind: row.kind,
            wanted_provider: row.wanted_provider,
            wanted_model: row.wanted_model,
            prompt_tokens: row.prompt_tokens,
            cached_tokens: row.cached_tokens,
            completion_tokens: row.completion_tokens,
            price: row.price,
            currency: row.currency,
            estimated: row.estimated,
            latency_ms: row.latency_ms,
            first_token_ms: row.first_token_ms,
            outcome: row.outcome,
            created_at: row.created_at,
            cache: row.cache,
            saved_price: row.saved_price,
            route: row.route,
            rule: row.rule,
            units: row.units,
            unit: row.unit,
            credential_id: row.credential_id,
        }
    }
}

impl From<ModelCall> for entity::model_calls::Model {
    fn from(item: ModelCall) -> Self {
        Self {
            id: item.id,
            tenant_id: item.tenant_id.0,
            app_id: item.app_id.map(|id| id.0),
            user_id: item.user_id,
            key_id: item.key_id.map(|id| id.0),
            run_id: item.run_id.map(|id| id.0),
            node_id: item.node_id,
            provider: item.provider,
            model: item.model,
            kind: item.kind,
            wanted_provider: item.wanted_provider,
            wanted_model: item.wanted_model,
            prompt_tokens: item.prompt_tokens,
            cached_tokens: item.cached_tokens,
            completion_tokens: item.completion_tokens,
            price: item.price,
            currency: item.currency,
            estimated: item.estimated,
            latency_ms: item.latency_ms,
            first_token_ms: item.first_token_ms,
            outcome: item.outcome,
            created_at: item.created_at,
            cache: item.cache,
            saved_price: item.saved_price,
            route: item.route,
            rule: item.rule,
            units: item.units,
            unit: item.unit,
            credential_id: item.credential_id,
        }
    }
}

/// What a workspace decides about its calls of models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelPolicies {
    pub tenant_id: TenantId,
    /// JSON.
    pub body: String,
    pub updated_by: Option<AccountId>,
    pub updated_at: DateTime<Utc>,
}

impl From<entity::model_policies::Model> for ModelPolicies {
    fn from(row: entity::model_policies::Model) -> Self {
        Self {
            tenant_id: TenantId(row.tenant_id),
            body: row.body,
            updated_by: row.updated_by.map(AccountId),
            updated_at: row.updated_at,
        }
    }
}

impl From<ModelPolicies> for entity::model_policies::Model {
    fn from(item: ModelPolicies) -> Self {
        Self {
            tenant_id: item.tenant_id.0,
            body: item.body,
            updated_by: item.updated_by.map(|id| id.0),
            updated_at: item.updated_at,
        }
    }
}

/// Calls of a model that were refused for one reason on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelRefusal {
    pub tenant_id: TenantId,
    /// `YYYY-MM-DD`, UTC.
    pub day: String,
    /// `rate`, `access` or `budget`.
    pub reason: String,
    /// `provider/model`.
    pub model: String,
    pub count: i64,
    pub last_at: DateTime<Utc>,
    pub last_why: String,
    pub last_app_id: Option<AppId>,
}

/// A part of what a call used, as it counts for one scope on one day.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SpendKey {
    pub tenant_id: TenantId,
    pub scope: &'static str,
    /// The id in its scope; empty for the workspace.
    pub subject: String,
    /// `YYYY-MM-DD`, UTC.
    pub day: String,
    pub currency: String,
}

/// What was used together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    pub calls: i64,
    pub tokens: i64,
    /// In ten-millionths.
    pub price: i64,
}

/// How much may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelBudget {
    pub id: Uuid,
    pub tenant_id: TenantId,
    pub name: String,
    /// `workspace`, `app`, `user` or `key`.
    pub scope: String,
    /// Whose; without one, each app, user or key has one of its own.
    pub subject: Option<String>,
    /// `day`, `month` or `total`.
    pub period: String,
    /// `warn`, `throttle` or `stop`.
    pub action: String,
    pub token_limit: Option<i64>,
    /// A decimal text.
    pub money_limit: Option<String>,
    pub currency: String,
    /// Calls in a minute, once a throttling budget is spent.
    pub calls_per_minute: i32,
    pub enabled: bool,
    /// Whether owners and admins get a mail.
    pub mail: bool,
    pub webhook_url: Option<String>,
    /// Encrypted.
    pub webhook_secret: Option<String>,
    pub created_by: AccountId,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<entity::model_budgets::Model> for ModelBudget {
    fn from(row: entity::model_budgets::Model) -> Self {
        Self {
            id: row.id,
            tenant_id: TenantId(row.tenant_id),
            name: row.name,
            scope: row.scope,
            subject: row.subject,
            period: row.period,
            action: row.action,
            token_limit: row.token_limit,
            money_limit: row.money_limit,
            currency: row.currency,
            calls_per_minute: row.calls_per_minute,
            enabled: row.enabled,
            mail: row.mail,
            webhook_url: row.webhook_url,
            webhook_secret: row.webhook_secret,
            created_by: AccountId(row.created_by),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<ModelBudget> for entity::model_budgets::Model {
    fn from(item: ModelBudget) -> Self {
        Self {
            id: item.id,
            tenant_id: item.tenant_id.0,
            name: item.name,
            scope: item.scope,
            subject: item.subject,
            period: item.period,
            action: item.action,
            token_limit: item.token_limit,
            money_limit: item.money_limit,
            currency: item.currency,
            calls_per_minute: item.calls_per_minute,
            enabled: item.enabled,
            mail: item.mail,
            webhook_url: item.webhook_url,
            webhook_secret: item.webhook_secret,
            created_by: item.created_by.0,
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}

/// What was told about a budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetAlert {
    pub id: Uuid,
    pub tenant_id: TenantId,
    pub budget_id: Uuid,
    pub subject: String,
    /// The first day of the window, or `total`.
    pub period_start: String,
    /// In percent.
    pub threshold: i32,
    pub used_tokens: i64,
    /// In ten-millionths.
    pub used_price: i64,
    /// Of the webhook: `none`, `pending`, `delivered` or `failed`.
    pub status: String,
    pub attempts: i32,
    pub next_attempt_at: DateTime<Utc>,
    pub last_error: Option<String>,
    pub created_at: DateTime<Utc>,
}

impl From<entity::model_budget_alerts::Model> for BudgetAlert {
    fn from(row: entity::model_budget_alerts::Model) -> Self {
        Self {
            id: row.id,
            tenant_id: TenantId(row.tenant_id),
            budget_id: row.budget_id,
            subject: row.subject,
            period_start: row.period_start,
            threshold: row.threshold,
            used_tokens: row.used_tokens,
            used_price: row.used_price,
            status: row.status,
            attempts: row.attempts,
            next_attempt_at: row.next_attempt_at,
            last_error: row.last_error,
            created_at: row.created_at,
        }
    }
}

impl From<BudgetAlert> for entity::model_budget_alerts::Model {
    fn from(item: BudgetAlert) -> Self {
        Self {
            id: item.id,
            tenant_id: item.tenant_id.0,
            budget_id: item.budget_id,
            subject: item.subject,
            period_start: item.period_start,
            threshold: item.threshold,
            used_tokens: item.used_tokens,
            used_price: item.used_price,
            status: item.status,
            attempts: item.attempts,
            next_attempt_at: item.next_attempt_at,
            last_error: item.last_error,
            created_at: item.created_at,
        }
    }
}
