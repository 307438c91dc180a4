//! What happened in an app on each of some days. What the editor ran is left out.
//!
//! The days come from the caller, who knows the time zone: they need not be 24 hours long. Everything is bounded by
//! app and time, which `(app_id, created_at, id)` indexes.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use ox_types::{AppId, TenantId, boxed};
use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement, Value};

use crate::{Result, Source};

/// A day: from its beginning to that of the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    pub since: DateTime<Utc>,
    pub until: DateTime<Utc>,
}

/// The messages of a day.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MessageDay {
    pub messages: i64,
    pub conversations: i64,
    pub end_users: i64,
    pub tokens: i64,
    pub answer_tokens: i64,
    /// In ten-millionths, as prices are kept.
    pub price: i64,
    /// Seconds that the answers took together.
    pub seconds: f64,
}

/// The runs of a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunDay {
    pub runs: i64,
    pub users: i64,
    pub tokens: i64,
}

/// `WITH days …` with its values after those of app and tenant.
struct Days {
    with: String,
    values: Vec<Value>,
}

impl Days {
    fn new(tenant: TenantId, app: AppId, days: &[Day]) -> Option<Self> {
        let (first, last) = (days.first()?, days.last()?);
        let mut values: Vec<Value> = vec![app.0.into(), tenant.0.into(), first.since.into(), last.until.into()];
        let rows: Vec<String> = days
            .iter()
            .enumerate()
            .map(|(number, day)| {
                values.extend([Value::from(day.since), Value::from(day.until)]);
                format!("({number}, ${}, ${})", values.len() - 1, values.len())
            })
            .collect();
        Some(Self { with: format!("WITH days(n, since, until) AS (VALUES {})", rows.join(", ")), values })
    }

    async fn read<T>(
        self,
        source: &dyn Source,
        rest: &str,
        read: impl Fn(&QueryResult) -> Result<T, sea_orm::DbErr>,
    ) -> Result<BTreeMap<usize, T>> {
        let executor = source.executor();
        let sql = format!("{} {rest}", self.with);
        let statement = Statement::from_sql_and_values(executor.get_database_backend(), sql, self.values);
        let rows = executor.query_all_raw(statement).await?;
        let pair = |row: &QueryResult| {
            let number: i64 = row.try_get("", "n")?;
            Ok((usize::try_from(number).unwrap_or(0), read(row)?))
        };
        rows.iter().map(pair).collect()
    }
}

/// Messages that count: of the app, in the time, not from the editor.
const MESSAGES: &str = "JOIN messages m ON m.app_id = $1 AND m.created_at >= d.since AND m.created_at < d.until \
    AND m.created_at >= $3 AND m.created_at < $4 AND (m.invoke_from IS NULL OR m.invoke_from <> 'debugger') \
    JOIN apps a ON a.id = m.app_id AND a.tenant_id = $2";

/// The messages of an app day by day; a day without any is not in the answer.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn message_days(
    source: &dyn Source,
    tenant: TenantId,
    app: AppId,
    days: &[Day],
) -> Result<BTreeMap<usize, MessageDay>> {
    let Some(days) = Days::new(tenant, app, days) else { return Ok(BTreeMap::new()) };
    let sql = format!(
        "SELECT CAST(d.n AS BIGINT) AS n, COUNT(*) AS messages, COUNT(DISTINCT m.conversation_id) AS conversations,
            COUNT(DISTINCT m.from_end_user_id) AS end_users,
            CAST(SUM(m.message_tokens + m.answer_tokens) AS BIGINT) AS tokens, CAST(SUM(m.answer_tokens) AS BIGINT) AS answer_tokens,
            CAST(SUM(ROUND(CAST(COALESCE(NULLIF(m.total_price, ''), '0') AS DOUBLE PRECISION) * 10000000)) AS BIGINT) AS price,
            SUM(m.provider_response_latency) AS seconds
        FROM days d {MESSAGES} GROUP BY d.n"
    );
    days.read(source, &sql, |row| {
        Ok(MessageDay {
            messages: row.try_get("", "messages")?,
            conversations: row.try_get("", "conversations")?,
            end_users: row.try_get("", "end_users")?,
            tokens: row.try_get("", "tokens")?,
            answer_tokens: row.try_get("", "answer_tokens")?,
            price: row.try_get("", "price")?,
            seconds: row.try_get("", "seconds")?,
        })
    })
    .await
}

/// Messages of a day that were rated, by whichever side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RatedDay {
    pub likes: i64,
    /// One that a side likes and the other does not is in both.
    pub dislikes: i64,
}

/// How many messages of each day are liked, and how many are disliked; a day without ratings is not in the answer.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn rated_days(
    source: &dyn Source,
    tenant: TenantId,
    app: AppId,
    days: &[Day],
) -> Result<BTreeMap<usize, RatedDay>> {
    let Some(days) = Days::new(tenant, app, days) else { return Ok(BTreeMap::new()) };
    let sql = format!(
        "SELECT CAST(d.n AS BIGINT) AS n, COUNT(DISTINCT CASE WHEN f.rating = 'like' THEN m.id END) AS likes,
            COUNT(DISTINCT CASE WHEN f.rating = 'dislike' THEN m.id END) AS dislikes
        FROM days d {MESSAGES} JOIN message_feedbacks f ON f.message_id = m.id AND f.rating IN ('like', 'dislike')
        GROUP BY d.n"
    );
    days.read(source, &sql, |row| {
        Ok(RatedDay { likes: row.try_get("", "likes")?, dislikes: row.try_get("", "dislikes")? })
    })
    .await
}

/// Conversations by the day on which they began: how many, and their messages.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn session_days(
    source: &dyn Source,
    tenant: TenantId,
    app: AppId,
    days: &[Day],
) -> Result<BTreeMap<usize, (i64, i64)>> {
    let Some(days) = Days::new(tenant, app, days) else { return Ok(BTreeMap::new()) };
    let sql = "SELECT CAST(d.n AS BIGINT) AS n, COUNT(DISTINCT c.id) AS sessions, COUNT(*) AS messages
        FROM days d JOIN conversations c ON c.app_id = $1 AND c.created_at >= d.since AND c.created_at < d.until
        JOIN apps a ON a.id = c.app_id AND a.tenant_id = $2
        JOIN messages m ON m.conversation_id = c.id AND m.created_at >= $3
            AND (m.invoke_from IS NULL OR m.invoke_from <> 'debugger')
        WHERE c.created_at < $4 GROUP BY d.n";
    days.read(source, sql, |row| Ok((row.try_get("", "sessions")?, row.try_get("", "messages")?))).await
}

/// The runs of a workflow app day by day.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn run_days(
    source: &dyn Source,
    tenant: TenantId,
    app: AppId,
    days: &[Day],
) -> Result<BTreeMap<usize, RunDay>> {
    let Some(days) = Days::new(tenant, app, days) else { return Ok(BTreeMap::new()) };
    let sql = "SELECT CAST(d.n AS BIGINT) AS n, COUNT(*) AS runs, COUNT(DISTINCT r.created_by) AS users,
            CAST(SUM(r.total_tokens) AS BIGINT) AS tokens
        FROM days d JOIN workflow_runs r ON r.app_id = $1 AND r.tenant_id = $2 AND r.created_at >= d.since
            AND r.created_at < d.until AND r.created_at >= $3 AND r.created_at < $4
            AND r.triggered_from NOT IN ('debugging', 'replay', 'rag-pipeline-debugging')
        GROUP BY d.n";
    days.read(source, sql, |row| {
        Ok(RunDay {
            runs: row.try_get("", "runs")?,
            users: row.try_get("", "users")?,
            tokens: row.try_get("", "tokens")?,
        })
    })
    .await
}

/// What is measured in [`times`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timed {
    /// Messages, by the time their answers took.
    Messages,
    /// Finished runs, by the time they took.
    Runs,
}

/// How long the answers of a day took, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TimesDay {
    pub measured: i64,
    /// What half of them did not exceed.
    pub p50: f64,
    /// What 95 of 100 did not exceed.
    pub p95: f64,
    /// What 99 of 100 did not exceed.
    pub p99: f64,
    /// What half of those did not exceed whose first token was timed.
    pub first_token_p50: Option<f64>,
    /// What 95 of 100 of them did not exceed.
    pub first_token_p95: Option<f64>,
    /// There were more: only the newest were looked at.
    pub sampled: bool,
}

/// Percentiles of the times of each day, by the nearest rank; a day without any is not in the answer. Of a day, little more
/// than the newest `most` are looked at: as well those of the same instant as the next. What took no time has no
/// answer yet, or never had one.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn times(
    source: &dyn Source,
    tenant: TenantId,
    app: AppId,
    days: &[Day],
    of: Timed,
    most: u32,
) -> Result<BTreeMap<usize, TimesDay>> {
    let Some(days) = Days::new(tenant, app, days) else { return Ok(BTreeMap::new()) };
    let backend = source.executor().get_database_backend();
    let first = match backend {
        // No cast to JSON, which fails as a whole for one broken text.
        DbBackend::Postgres => {
            r#"CAST(substring(x.message_metadata from '"time_to_first_token": *([0-9.]+)') AS DOUBLE PRECISION)"#
        }
        _ => {
            "CASE WHEN json_valid(x.message_metadata) THEN CAST(json_extract(x.message_metadata, \
             '$.usage.time_to_first_token') AS REAL) END"
        }
    };
    let (table, first, seconds, filter) = match of {
        Timed::Messages => (
            "messages",
            first,
            "x.provider_response_latency",
            "x.provider_response_latency > 0 AND (x.invoke_from IS NULL OR x.invoke_from <> 'debugger')",
        ),
        Timed::Runs => (
            "workflow_runs",
            "CAST(NULL AS DOUBLE PRECISION)",
            "x.elapsed_time",
            "x.finished_at IS NOT NULL AND x.tenant_id = $2
                AND x.triggered_from NOT IN ('debugging', 'replay', 'rag-pipeline-debugging')",
        ),
    };
    // The whole time leaves out partitions of PostgreSQL. SQLite would seek by it instead of by the day.
    let whole_time = match backend {
        DbBackend::Postgres => "x.created_at >= $3 AND x.created_at < $4",
        _ => "d.until > $3 AND d.since < $4",
    };
    let span = format!("x.app_id = $1 AND {whole_time} AND x.created_at < d.until");
    let sql = format!(
        ", cut AS MATERIALIZED (
            SELECT d.n, d.since, d.until, (SELECT x.created_at FROM {table} x WHERE {span} AND x.created_at >= d.since
                ORDER BY x.created_at DESC LIMIT 1 OFFSET {most}) AS earliest
            FROM days d
        ), timed AS (
            SELECT d.n, d.earliest, {seconds} AS seconds, {first} AS first_token
            FROM cut d CROSS JOIN {table} x JOIN apps a ON a.id = x.app_id AND a.tenant_id = $2
            WHERE {span} AND x.created_at >= COALESCE(d.earliest, d.since) AND {filter}
        ), placed AS (
            SELECT n, earliest, seconds, first_token, COUNT(*) OVER (PARTITION BY n) AS whole,
                ROW_NUMBER() OVER (PARTITION BY n ORDER BY seconds) AS place,
                COUNT(first_token) OVER (PARTITION BY n) AS first_whole,
                ROW_NUMBER() OVER (PARTITION BY n, CASE WHEN first_token IS NULL THEN 1 ELSE 0 END ORDER BY first_token)
                    AS first_place
            FROM timed
        )
        SELECT CAST(n AS BIGINT) AS n, COUNT(*) AS measured,
            MIN(CASE WHEN place * 100 >= whole * 50 THEN seconds END) AS p50,
            MIN(CASE WHEN place * 100 >= whole * 95 THEN seconds END) AS p95,
            MIN(CASE WHEN place * 100 >= whole * 99 THEN seconds END) AS p99,
            MIN(CASE WHEN first_token IS NOT NULL AND first_place * 100 >= first_whole * 50 THEN first_token END) AS first_p50,
            MIN(CASE WHEN first_token IS NOT NULL AND first_place * 100 >= first_whole * 95 THEN first_token END) AS first_p95,
            CAST(COUNT(earliest) AS BIGINT) AS sampled
        FROM placed GROUP BY n"
    );
    days.read(source, &sql, |row| {
        Ok(TimesDay {
            measured: row.try_get("", "measured")?,
            p50: row.try_get("", "p50")?,
            p95: row.try_get("", "p95")?,
            p99: row.try_get("", "p99")?,
            first_token_p50: row.try_get("", "first_p50")?,
            first_token_p95: row.try_get("", "first_p95")?,
            sampled: row.try_get::<i64>("", "sampled")? > 0,
        })
    })
    .await
}

/// When the first message, or run, of an app was.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn first(source: &dyn Source, tenant: TenantId, app: AppId, of_runs: bool) -> Result<Option<DateTime<Utc>>> {
    let table = if of_runs { "workflow_runs" } else { "messages" };
    // Whether the app is the tenant's is asked once, so that the index still gives the first row.
    let sql = format!(
        "SELECT x.created_at FROM {table} x WHERE x.app_id = $1 AND EXISTS (SELECT 1 FROM apps a WHERE a.id = $1 AND \
         a.tenant_id = $2) ORDER BY x.created_at, x.id LIMIT 1"
    );
    let executor = source.executor();
    let values: [Value; 2] = [app.0.into(), tenant.0.into()];
    let statement = Statement::from_sql_and_values(executor.get_database_backend(), sql, values);
    let row = executor.query_one_raw(statement).await?;
    Ok(row.map(|row| row.try_get("", "created_at")).transpose()?)
}
