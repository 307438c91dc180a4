//! How the models of a workspace were used lately: by provider, by model and by key. Answers that were kept are left out, as nobody
//! was asked for them. Everything is bounded by tenant and time, which `(tenant_id, created_at, id)` indexes.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use ox_types::{TenantId, boxed};
use sea_orm::{ConnectionTrait, QueryResult, Statement, Value};
use uuid::Uuid;

use super::statistics::Day;
use crate::{Result, Source};

/// The calls of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderUse {
    pub provider: String,
    pub calls: i64,
    /// Of them, those that were not answered.
    pub failed: i64,
    /// Apps that called.
    pub apps: i64,
    pub last: DateTime<Utc>,
    /// What half of the answered calls did not exceed.
    pub latency_p50_ms: Option<i64>,
    /// The same of those whose first token was timed.
    pub first_token_p50_ms: Option<i64>,
}

/// The calls of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelUse {
    pub provider: String,
    pub model: String,
    pub calls: i64,
    /// Of them, those that were not answered.
    pub failed: i64,
    /// Apps that called.
    pub apps: i64,
}

/// The calls of a model by one stored key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialUse {
    pub provider: String,
    pub credential: Uuid,
    pub model: String,
    pub calls: i64,
    /// Of them, those that were not answered.
    pub failed: i64,
    pub last: DateTime<Utc>,
}

/// From when on at most `most` calls of a workspace began before `span` ends; its own beginning when there were no more.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn since(source: &dyn Source, tenant: TenantId, span: Day, most: u32) -> Result<DateTime<Utc>> {
    let sql = format!(
        "SELECT created_at FROM model_calls WHERE tenant_id = $1 AND created_at >= $2 AND created_at < $3 ORDER BY \
         created_at DESC, id DESC LIMIT 1 OFFSET {most}"
    );
    let executor = source.executor();
    let statement = Statement::from_sql_and_values(executor.get_database_backend(), sql, bounds(tenant, span));
    let Some(row) = executor.query_one_raw(statement).await? else { return Ok(span.since) };
    let before: DateTime<Utc> = row.try_get("", "created_at")?;
    // Times are kept to the microsecond.
    Ok(before + Duration::microseconds(1))
}

fn bounds(tenant: TenantId, span: Day) -> Vec<Value> {
    vec![tenant.0.into(), span.since.into(), span.until.into()]
}

const CALLS: &str = "c.tenant_id = $1 AND c.created_at >= $2 AND c.created_at < $3 AND c.cache IS NULL";

const COUNTS: &str = "COUNT(*) AS calls, CAST(SUM(CASE WHEN c.outcome = 'ok' THEN 0 ELSE 1 END) AS BIGINT) AS failed, \
    COUNT(DISTINCT c.app_id) AS apps";

/// What each provider was asked, the most used first. Medians are by the nearest rank.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn providers(source: &dyn Source, tenant: TenantId, span: Day, limit: u64) -> Result<Vec<ProviderUse>> {
    let sql = format!(
        "WITH timed AS (
            SELECT c.provider, c.app_id, c.outcome, c.created_at,
                CASE WHEN c.outcome = 'ok' THEN c.latency_ms END AS latency,
                CASE WHEN c.outcome = 'ok' THEN c.first_token_ms END AS first_token
            FROM model_calls c WHERE {CALLS}
        ), placed AS (
            SELECT provider, app_id, outcome, created_at, latency, first_token,
                COUNT(latency) OVER (PARTITION BY provider) AS whole,
                ROW_NUMBER() OVER (PARTITION BY provider, CASE WHEN latency IS NULL THEN 1 ELSE 0 END ORDER BY latency)
                    AS place,
                COUNT(first_token) OVER (PARTITION BY provider) AS first_whole,
                ROW_NUMBER() OVER (PARTITION BY provider, CASE WHEN first_token IS NULL THEN 1 ELSE 0 END
                    ORDER BY first_token) AS first_place
            FROM timed
        )
        SELECT c.provider AS provider, {COUNTS}, MAX(c.created_at) AS last,
            MIN(CASE WHEN c.latency IS NOT NULL AND c.place * 2 >= c.whole THEN c.latency END) AS latency_p50,
            MIN(CASE WHEN c.first_token IS NOT NULL AND c.first_place * 2 >= c.first_whole THEN c.first_token END)
                AS first_p50
        FROM placed c GROUP BY c.provider ORDER BY calls DESC, c.provider LIMIT {limit}"
    );
    let executor = source.executor();
    let statement = Statement::from_sql_and_values(executor.get_database_backend(), sql, bounds(tenant, span));
    let rows = executor.query_all_raw(statement).await?;
    let one = |row: &QueryResult| {
        Ok(ProviderUse {
            provider: row.try_get("", "provider")?,
            calls: row.try_get("", "calls")?,
            failed: row.try_get("", "failed")?,
            apps: row.try_get("", "apps")?,
            last: row.try_get("", "last")?,
            latency_p50_ms: row.try_get("", "latency_p50")?,
            first_token_p50_ms: row.try_get("", "first_p50")?,
        })
    };
    rows.iter().map(one).collect()
}

/// What each model was asked, the most used first.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn models(source: &dyn Source, tenant: TenantId, span: Day, limit: u64) -> Result<Vec<ModelUse>> {
    let sql = format!(
        "SELECT c.provider AS provider, c.model AS model, {COUNTS} FROM model_calls c WHERE {CALLS} GROUP BY c.provider, \
         c.model ORDER BY calls DESC, c.provider, c.model LIMIT {limit}"
    );
    let executor = source.executor();
    let statement = Statement::from_sql_and_values(executor.get_database_backend(), sql, bounds(tenant, span));
    let rows = executor.query_all_raw(statement).await?;
    let one = |row: &QueryResult| {
        Ok(ModelUse {
            provider: row.try_get("", "provider")?,
            model: row.try_get("", "model")?,
            calls: row.try_get("", "calls")?,
            failed: row.try_get("", "failed")?,
            apps: row.try_get("", "apps")?,
        })
    };
    rows.iter().map(one).collect()
}

/// What was asked by each stored key of each model, the most used first. Calls of which no key is known are left out.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn credentials(source: &dyn Source, tenant: TenantId, span: Day, limit: u64) -> Result<Vec<CredentialUse>> {
    let sql = format!(
        "SELECT c.provider AS provider, c.credential_id AS credential, c.model AS model, {COUNTS}, MAX(c.created_at) AS \
         last FROM model_calls c WHERE {CALLS} AND c.credential_id IS NOT NULL GROUP BY c.provider, c.credential_id, \
         c.model ORDER BY calls DESC, c.provider, c.credential_id, c.model LIMIT {limit}"
    );
    let executor = source.executor();
    let statement = Statement::from_sql_and_values(executor.get_database_backend(), sql, bounds(tenant, span));
    let rows = executor.query_all_raw(statement).await?;
    let one = |row: &QueryResult| {
        Ok(CredentialUse {
            provider: row.try_get("", "provider")?,
            credential: row.try_get("", "credential")?,
            model: row.try_get("", "model")?,
            calls: row.try_get("", "calls")?,
            failed: row.try_get("", "failed")?,
            last: row.try_get("", "last")?,
        })
    };
    rows.iter().map(one).collect()
}

/// The calls of each provider in each of some steps of time, by their numbers; steps without calls are 0.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn steps(source: &dyn Source, tenant: TenantId, steps: &[Day]) -> Result<BTreeMap<String, Vec<i64>>> {
    let (Some(first), Some(last)) = (steps.first(), steps.last()) else { return Ok(BTreeMap::new()) };
    let mut values = bounds(tenant, Day { since: first.since, until: last.until });
    let rows: Vec<String> = steps
        .iter()
        .enumerate()
        .map(|(number, step)| {
            values.extend([Value::from(step.since), Value::from(step.until)]);
            format!("({number}, ${}, ${})", values.len() - 1, values.len())
        })
        .collect();
    let sql = format!(
        "WITH steps(n, since, until) AS (VALUES {}) SELECT CAST(s.n AS BIGINT) AS n, c.provider AS provider, COUNT(*) AS \
         calls FROM steps s JOIN model_calls c ON c.created_at >= s.since AND c.created_at < s.until WHERE {CALLS} GROUP \
         BY s.n, c.provider",
        rows.join(", ")
    );
    let executor = source.executor();
    let statement = Statement::from_sql_and_values(executor.get_database_backend(), sql, values);
    let mut found: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for row in &executor.query_all_raw(statement).await? {
        let number: i64 = row.try_get("", "n")?;
        let line = found.entry(row.try_get("", "provider")?).or_insert_with(|| vec![0; steps.len()]);
        if let Some(place) = usize::try_from(number).ok().and_then(|number| line.get_mut(number)) {
            *place = row.try_get("", "calls")?;
        }
    }
    Ok(found)
}
