//! Numbers over many runs: counts by status, figures of the apps list, histograms of the log.
//!
//! Everything is bounded by app and time, which `(app_id, created_at, id)` indexes.

use std::collections::HashMap;

use chrono::{DateTime, Duration, Utc};
use ox_types::{AppId, TenantId, boxed};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryResult, QuerySelect, Statement, Value,
};
use uuid::Uuid;

use super::{
    keyword::Keyword,
    runs::{LogFilter, LogQuery},
};
use crate::{Result, Source, entity::apps};

/// Counting stops here.
const COUNTED: i64 = 1_000_000;

/// Which runs are counted.
#[derive(Clone, Debug, Default)]
pub struct CountFilter {
    pub triggered_from: String,
    pub status: Option<String>,
    pub since: Option<DateTime<Utc>>,
}

/// How many runs of an app have each status.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn count(
    source: &dyn Source,
    tenant: TenantId,
    app: AppId,
    filter: &CountFilter,
) -> Result<HashMap<String, i64>> {
    let mut sql = String::from(
        "SELECT c.status AS status, COUNT(*) AS n FROM (SELECT r.status FROM workflow_runs r WHERE r.app_id = $1 AND \
         r.tenant_id = $2 AND r.triggered_from = $3",
    );
    let mut values: Vec<Value> = vec![app.0.into(), tenant.0.into(), filter.triggered_from.as_str().into()];
    if let Some(status) = &filter.status {
        values.push(status.as_str().into());
        sql.push_str(&format!(" AND r.status = ${}", values.len()));
    }
    if let Some(since) = filter.since {
        values.push(since.into());
        sql.push_str(&format!(" AND r.created_at >= ${}", values.len()));
    }
    sql.push_str(&format!(" LIMIT {COUNTED}) AS c GROUP BY c.status"));
    let executor = source.executor();
    let statement = Statement::from_sql_and_values(executor.get_database_backend(), sql, values);
    let rows = executor.query_all_raw(statement).await?;
    let pair = |row: &QueryResult| Ok((row.try_get("", "status")?, row.try_get("", "n")?));
    rows.iter().map(pair).collect()
}

/// What happened in one app.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    pub runs: i64,
    pub succeeded: i64,
    pub failed: i64,
    pub tokens: i64,
    pub price: f64,
    pub currency: Option<String>,
    /// The time that 95 of 100 finished runs did not exceed.
    pub p95_seconds: Option<f64>,
    /// Runs in each hour, the oldest first.
    pub per_hour: Vec<i64>,
}

/// Figures of some apps of a workspace in the hours from a time on, in one query: runs of graph apps, messages of the others.
/// What the editor ran is left out. An app without runs has zeros; those of others are not in the answer.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn of_apps(
    source: &dyn Source,
    tenant: TenantId,
    ids: &[AppId],
    since: DateTime<Utc>,
    hours: usize,
) -> Result<HashMap<AppId, Figures>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let executor = source.executor();
    let backend = executor.get_database_backend();
    let span = Duration::hours(i64::from(u16::try_from(hours).unwrap_or(u16::MAX)));
    let until = since.checked_add_signed(span).unwrap_or(since);
    let mut values: Vec<Value> = vec![tenant.0.into(), since.into(), since.timestamp().into(), until.into()];
    let list: Vec<String> = ids
        .iter()
        .map(|app| {
            values.push(app.0.into());
            format!("${}", values.len())
        })
        .collect();
    let list = list.join(", ");
    let epoch = epoch(backend, "created_at");
    let sql = format!(
        "WITH done AS (
            SELECT r.app_id, r.created_at, r.status, CASE WHEN r.finished_at IS NULL THEN NULL ELSE r.elapsed_time END AS seconds,
                r.total_tokens AS tokens, r.total_price AS price, r.currency
            FROM workflow_runs r JOIN apps a ON a.id = r.app_id AND a.tenant_id = $1
            WHERE r.app_id IN ({list}) AND r.created_at >= $2 AND r.created_at < $4
                AND r.triggered_from NOT IN ('debugging', 'replay', 'rag-pipeline-debugging')
            UNION ALL
            SELECT m.app_id, m.created_at, CASE m.status WHEN 'error' THEN 'failed' ELSE 'succeeded' END,
                m.provider_response_latency, CAST(m.message_tokens + m.answer_tokens AS BIGINT), m.total_price, m.currency
            FROM messages m JOIN apps a ON a.id = m.app_id AND a.tenant_id = $1
            WHERE m.app_id IN ({list}) AND m.created_at >= $2 AND m.created_at < $4 AND m.workflow_run_id IS NULL
                AND (m.invoke_from IS NULL OR m.invoke_from <> 'debugger')
        ), placed AS (
            SELECT done.*, COUNT(seconds) OVER (PARTITION BY app_id) AS timed,
                ROW_NUMBER() OVER (PARTITION BY app_id, CASE WHEN seconds IS NULL THEN 1 ELSE 0 END ORDER BY seconds) AS place
            FROM done
        )
        SELECT app_id, ({epoch} - $3) / 3600 AS slot, COUNT(*) AS runs,
            SUM(CASE WHEN status IN ('succeeded', 'partial-succeeded') THEN 1 ELSE 0 END) AS succeeded,
            SUM(CASE WHEN status = 'failed' THEN 1 ELSE 0 END) AS failed, CAST(SUM(tokens) AS BIGINT) AS tokens,
            SUM(CAST(NULLIF(price, '') AS DOUBLE PRECISION)) AS price, MAX(currency) AS currency,
            MIN(CASE WHEN seconds IS NOT NULL AND place * 100 >= timed * 95 THEN seconds END) AS p95
        FROM placed GROUP BY app_id, slot"
    );
    let own: Vec<Uuid> = apps::Entity::find()
        .select_only()
        .column(apps::Column::Id)
        .filter(apps::Column::TenantId.eq(tenant.0))
        .filter(apps::Column::Id.is_in(ids.iter().map(|app| app.0)))
        .into_tuple()
        .all(&executor)
        .await?;
    let empty = Figures { per_hour: vec![0; hours], ..Figures::default() };
    let mut found: HashMap<AppId, Figures> = own.into_iter().map(|id| (AppId(id), empty.clone())).collect();
    for row in &executor.query_all_raw(Statement::from_sql_and_values(backend, sql, values)).await? {
        if let Some(figures) = found.get_mut(&AppId(row.try_get("", "app_id")?)) {
            add(figures, row)?;
        }
    }
    Ok(found)
}

fn add(figures: &mut Figures, row: &QueryResult) -> Result<()> {
    let runs: i64 = row.try_get("", "runs")?;
    figures.runs += runs;
    figures.succeeded += row.try_get::<i64>("", "succeeded")?;
    figures.failed += row.try_get::<i64>("", "failed")?;
    figures.tokens += row.try_get::<Option<i64>>("", "tokens")?.unwrap_or(0);
    figures.price += row.try_get::<Option<f64>>("", "price")?.unwrap_or(0.0);
    figures.currency = figures.currency.take().or(row.try_get("", "currency")?);
    if let Some(p95) = row.try_get::<Option<f64>>("", "p95")? {
        figures.p95_seconds = Some(figures.p95_seconds.map_or(p95, |known| known.min(p95)));
    }
    let slot: i64 = row.try_get("", "slot")?;
    // What began in this very second may be just past the last hour.
    let last = figures.per_hour.len().saturating_sub(1);
    if let Some(hour) = figures.per_hour.get_mut(usize::try_from(slot).unwrap_or(0).min(last)) {
        *hour += runs;
    }
    Ok(())
}

/// Seconds since 1970 of a column, as a whole number.
fn epoch(backend: DbBackend, column: &str) -> String {
    match backend {
        DbBackend::Postgres => format!("CAST(FLOOR(EXTRACT(EPOCH FROM {column})) AS BIGINT)"),
        _ => format!("CAST(strftime('%s', {column}) AS INTEGER)"),
    }
}

/// One bar of a histogram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bar {
    pub total: i64,
    pub succeeded: i64,
    pub failed: i64,
}

/// The bars of a histogram.
#[derive(Clone, Copy, Debug)]
pub struct Bars {
    pub since: DateTime<Utc>,
    pub until: DateTime<Utc>,
    pub step_seconds: i64,
    pub number: usize,
}

/// The run log of an app in bars. The filter's own times are not looked at.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn log_bars(
    source: &dyn Source,
    tenant: TenantId,
    app: AppId,
    filter: &LogFilter,
    bars: Bars,
) -> Result<Vec<Bar>> {
    let filter = LogFilter { before: Some(bars.until), after: Some(bars.since), ..filter.clone() };
    let mut query = LogQuery::new(source, tenant, app, &filter, true);
    // The partitions of other days are left out.
    let margin = chrono::Duration::hours(1);
    query.and(
        " AND r.created_at >= ? AND r.created_at <= ?",
        [(bars.since - margin).into(), (bars.until + margin).into()],
    );
    let succeeded = "r.status IN ('succeeded', 'partial-succeeded')";
    slots(source, "l.created_at", succeeded, "r.status = 'failed'", query, bars).await
}

/// The messages of an app in bars, those of the editor left out. The filter's own times are not looked at.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn message_bars(
    source: &dyn Source,
    tenant: TenantId,
    app: AppId,
    filter: &LogFilter,
    bars: Bars,
) -> Result<Vec<Bar>> {
    let mut query =
        LogQuery { from_where: String::from("FROM messages m JOIN apps a ON a.id = m.app_id"), values: Vec::new() };
    if filter.end_user_session.is_some() {
        query.from_where.push_str(" JOIN end_users e ON e.id = m.from_end_user_id");
    }
    query.from_where.push_str(" WHERE");
    query.and(" m.app_id = ? AND a.tenant_id = ?", [app.0.into(), tenant.0.into()]);
    query.and(" AND m.created_at >= ? AND m.created_at <= ?", [bars.since.into(), bars.until.into()]);
    query.from_where.push_str(" AND (m.invoke_from IS NULL OR m.invoke_from <> 'debugger')");
    match filter.status.as_deref() {
        None => {}
        Some("failed") => query.from_where.push_str(" AND m.status = 'error'"),
        Some("succeeded") => query.from_where.push_str(" AND m.status <> 'error'"),
        Some(_) => query.from_where.push_str(" AND 1 = 0"),
    }
    if let Some(session) = &filter.end_user_session {
        query.and(" AND e.session_id = ?", [session.as_str().into()]);
    }
    if let Some(account) = filter.account {
        query.and(" AND m.from_account_id = ?", [account.into()]);
    }
    if let Some(keyword) = Keyword::new(source, filter.keyword.as_deref()) {
        let any = format!(" AND ({} OR {})", keyword.sql("m.query"), keyword.sql("m.answer"));
        query.and(&any, [keyword.value(), keyword.value()]);
    }
    slots(source, "m.created_at", "m.status <> 'error'", "m.status = 'error'", query, bars).await
}

async fn slots(
    source: &dyn Source,
    time: &str,
    succeeded: &str,
    failed: &str,
    query: LogQuery,
    bars: Bars,
) -> Result<Vec<Bar>> {
    let executor = source.executor();
    let backend = executor.get_database_backend();
    let LogQuery { from_where, mut values } = query;
    let step = bars.step_seconds.max(1);
    values.push(bars.since.timestamp().into());
    let since = values.len();
    let epoch = epoch(backend, time);
    let sql = format!(
        "SELECT ({epoch} - ${since}) / {step} AS slot, COUNT(*) AS total, SUM(CASE WHEN {succeeded} THEN 1 ELSE 0 END) \
         AS succeeded, SUM(CASE WHEN {failed} THEN 1 ELSE 0 END) AS failed {from_where} GROUP BY slot"
    );
    let rows = executor.query_all_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
    let mut found = vec![Bar::default(); bars.number];
    for row in &rows {
        let slot = usize::try_from(row.try_get::<i64>("", "slot")?).unwrap_or(0);
        // The end belongs to the last bar.
        if let Some(bar) = found.get_mut(slot.min(bars.number.saturating_sub(1))) {
            bar.total += row.try_get::<i64>("", "total")?;
            bar.succeeded += row.try_get::<i64>("", "succeeded")?;
            bar.failed += row.try_get::<i64>("", "failed")?;
        }
    }
    Ok(found)
}
