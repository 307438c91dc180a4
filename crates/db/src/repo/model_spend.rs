//! Sums over calls of models: of a scope and a window, by day, and by whatever they have in common.

use std::collections::BTreeMap;

use ox_types::{TenantId, boxed};
use sea_orm::{ConnectionTrait, DbErr, QueryResult, Statement, Value};

use super::{model_calls::CallFilter, statistics::Day};
use crate::{Result, Source, model::Spent};

/// What a scope used from a day to another, both included, by currency; everything where no day is given.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn spent(
    source: &dyn Source,
    tenant: TenantId,
    scope: &str,
    subject: &str,
    days: Option<(&str, &str)>,
) -> Result<Vec<(String, Spent)>> {
    let mut values: Vec<Value> = vec![tenant.0.into(), scope.into(), subject.into()];
    let mut sql = String::from(
        "SELECT currency, CAST(SUM(calls) AS BIGINT) AS calls, CAST(SUM(tokens) AS BIGINT) AS tokens, CAST(SUM(price) AS \
         BIGINT) AS price FROM model_spend_days WHERE tenant_id = $1 AND scope = $2 AND subject = $3",
    );
    if let Some((first, last)) = days {
        values.extend([Value::from(first), Value::from(last)]);
        sql.push_str(" AND day >= $4 AND day <= $5");
    }
    sql.push_str(" GROUP BY currency ORDER BY currency");
    let executor = source.executor();
    let statement = Statement::from_sql_and_values(executor.get_database_backend(), sql, values);
    let rows = executor.query_all_raw(statement).await?;
    let one = |row: &QueryResult| {
        let spent = Spent {
            calls: row.try_get("", "calls")?,
            tokens: row.try_get("", "tokens")?,
            price: row.try_get("", "price")?,
        };
        Ok((row.try_get("", "currency")?, spent))
    };
    rows.iter().map(one).collect()
}

/// What some calls used together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpendSum {
    pub currency: String,
    pub calls: i64,
    /// Of them, those that were not answered.
    pub failed: i64,
    pub prompt_tokens: i64,
    pub cached_tokens: i64,
    pub completion_tokens: i64,
    /// In ten-millionths.
    pub price: i64,
    pub latency_ms: i64,
    /// Of the calls, those that were answered from what is kept. Their tokens are not in the sums above.
    pub hits: i64,
    pub saved_tokens: i64,
    /// What they would have cost, in ten-millionths.
    pub saved_price: i64,
}

const SUMS: &str = "c.currency AS currency, COUNT(*) AS calls, CAST(SUM(CASE WHEN c.outcome = 'ok' THEN 0 ELSE 1 END) AS \
    BIGINT) AS failed, CAST(SUM(CASE WHEN c.cache IS NULL THEN c.prompt_tokens ELSE 0 END) AS BIGINT) AS prompt_tokens, \
    CAST(SUM(CASE WHEN c.cache IS NULL THEN c.cached_tokens ELSE 0 END) AS BIGINT) AS cached_tokens, CAST(SUM(CASE WHEN \
    c.cache IS NULL THEN c.completion_tokens ELSE 0 END) AS BIGINT) AS completion_tokens, CAST(SUM(CASE WHEN c.cache IS \
    NULL THEN 0 ELSE 1 END) AS BIGINT) AS hits, CAST(SUM(CASE WHEN c.cache IS NULL THEN 0 ELSE c.prompt_tokens + \
    c.completion_tokens END) AS BIGINT) AS saved_tokens, CAST(SUM(ROUND(CAST(COALESCE(c.saved_price, '0') AS DOUBLE \
    PRECISION) * 10000000)) AS BIGINT) AS saved_price, CAST(SUM(ROUND(CAST(c.price AS DOUBLE \
    PRECISION) * 10000000)) AS BIGINT) AS price, CAST(SUM(c.latency_ms) AS BIGINT) AS latency_ms";

fn sum(row: &QueryResult) -> Result<SpendSum, DbErr> {
    Ok(SpendSum {
        currency: row.try_get("", "currency")?,
        calls: row.try_get("", "calls")?,
        failed: row.try_get("", "failed")?,
        prompt_tokens: row.try_get("", "prompt_tokens")?,
        cached_tokens: row.try_get("", "cached_tokens")?,
        completion_tokens: row.try_get("", "completion_tokens")?,
        price: row.try_get("", "price")?,
        latency_ms: row.try_get("", "latency_ms")?,
        hits: row.try_get("", "hits")?,
        saved_tokens: row.try_get("", "saved_tokens")?,
        saved_price: row.try_get("", "saved_price")?,
    })
}

/// The sums of each of some days by their numbers, by currency; a day without calls is not in the answer. The days bound
/// what is looked at; the filter's own times are not looked at.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn days(
    source: &dyn Source,
    tenant: TenantId,
    filter: &CallFilter,
    days: &[Day],
) -> Result<BTreeMap<usize, Vec<SpendSum>>> {
    let (Some(first), Some(last)) = (days.first(), days.last()) else { return Ok(BTreeMap::new()) };
    let filter = CallFilter { since: Some(first.since), until: Some(last.until), ..filter.clone() };
    let mut values = Vec::new();
    let bounds = filter.sql(tenant, &mut values);
    let rows: Vec<String> = days
        .iter()
        .enumerate()
        .map(|(number, day)| {
            values.extend([Value::from(day.since), Value::from(day.until)]);
            format!("({number}, ${}, ${})", values.len() - 1, values.len())
        })
        .collect();
    let sql = format!(
        "WITH days(n, since, until) AS (VALUES {}) SELECT CAST(d.n AS BIGINT) AS n, {SUMS} FROM days d JOIN model_calls c \
         ON c.created_at >= d.since AND c.created_at < d.until WHERE {bounds} GROUP BY d.n, c.currency ORDER BY d.n, \
         c.currency",
        rows.join(", ")
    );
    let executor = source.executor();
    let statement = Statement::from_sql_and_values(executor.get_database_backend(), sql, values);
    let mut found: BTreeMap<usize, Vec<SpendSum>> = BTreeMap::new();
    for row in &executor.query_all_raw(statement).await? {
        let number: i64 = row.try_get("", "n")?;
        found.entry(usize::try_from(number).unwrap_or(0)).or_default().push(sum(row)?);
    }
    Ok(found)
}

/// What calls have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Everything.
    All,
    Model,
    App,
    User,
    Key,
}

/// The sums of some calls that have something in common.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpendGroup {
    /// The model's name, or the id of the app, user or key; none for calls without one.
    pub name: Option<String>,
    /// Of a model.
    pub provider: Option<String>,
    pub sum: SpendSum,
}

/// Sums by what calls have in common, and by currency; the most expensive first.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn groups(
    source: &dyn Source,
    tenant: TenantId,
    filter: &CallFilter,
    by: Group,
    limit: u64,
) -> Result<Vec<SpendGroup>> {
    let (name, provider, also) = match by {
        Group::All => ("CAST(NULL AS TEXT)", "CAST(NULL AS TEXT)", ""),
        Group::Model => ("c.model", "c.provider", ", c.model, c.provider"),
        Group::App => ("c.app_id", "CAST(NULL AS TEXT)", ", c.app_id"),
        Group::User => ("c.user_id", "CAST(NULL AS TEXT)", ", c.user_id"),
        Group::Key => ("c.key_id", "CAST(NULL AS TEXT)", ", c.key_id"),
    };
    let mut values = Vec::new();
    let bounds = filter.sql(tenant, &mut values);
    let sql = format!(
        "SELECT {name} AS name, {provider} AS provider, {SUMS} FROM model_calls c WHERE {bounds} GROUP BY c.currency{also} \
         ORDER BY price DESC, calls DESC, 1, 2 LIMIT {limit}"
    );
    let executor = source.executor();
    let statement = Statement::from_sql_and_values(executor.get_database_backend(), sql, values);
    let rows = executor.query_all_raw(statement).await?;
    let one = |row: &QueryResult| {
        let name = match by {
            Group::App | Group::Key => row.try_get::<Option<uuid::Uuid>>("", "name")?.map(|id| id.to_string()),
            _ => row.try_get("", "name")?,
        };
        Ok(SpendGroup { name, provider: row.try_get("", "provider")?, sum: sum(row)? })
    };
    rows.iter().map(one).collect()
}

/// The most that one subject of a scope used from a day to another: of tokens, and of money in a currency.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn most(
    source: &dyn Source,
    tenant: TenantId,
    scope: &str,
    currency: &str,
    days: Option<(&str, &str)>,
) -> Result<Spent> {
    let mut values: Vec<Value> = vec![tenant.0.into(), scope.into(), currency.into()];
    let mut bounds = String::new();
    if let Some((first, last)) = days {
        values.extend([Value::from(first), Value::from(last)]);
        bounds.push_str(" AND day >= $4 AND day <= $5");
    }
    let sql = format!(
        "SELECT CAST(MAX(s.calls) AS BIGINT) AS calls, CAST(MAX(s.tokens) AS BIGINT) AS tokens, CAST(MAX(s.price) AS BIGINT) \
         AS price FROM (SELECT SUM(calls) AS calls, SUM(tokens) AS tokens, SUM(CASE WHEN currency = $3 THEN price ELSE 0 \
         END) AS price FROM model_spend_days WHERE tenant_id = $1 AND scope = $2{bounds} GROUP BY subject) s"
    );
    let executor = source.executor();
    let statement = Statement::from_sql_and_values(executor.get_database_backend(), sql, values);
    let Some(row) = executor.query_one_raw(statement).await? else { return Ok(Spent::default()) };
    let number = |name: &str| row.try_get::<Option<i64>>("", name).map(Option::unwrap_or_default);
    Ok(Spent { calls: number("calls")?, tokens: number("tokens")?, price: number("price")? })
}
