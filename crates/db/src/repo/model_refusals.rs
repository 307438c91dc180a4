//! Calls of models that the rules of a workspace refused, counted by day.

use ox_types::{AppId, TenantId, boxed};
use sea_orm::{ConnectionTrait, Statement, Value};
use uuid::Uuid;

use crate::{Result, Source, Tx, model::ModelRefusal};

/// Rows of one statement.
const CHUNK: usize = 300;
const COLUMNS: usize = 8;

/// Adds to what was counted. Rows come in the order of their keys: two processes that add to the same do not wait for
/// each other in a circle.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn add(tx: &Tx, refusals: &[ModelRefusal]) -> Result<()> {
    let connection = tx.connection();
    for chunk in refusals.chunks(CHUNK) {
        let mut values: Vec<Value> = Vec::with_capacity(chunk.len() * COLUMNS);
        let mut rows = Vec::with_capacity(chunk.len());
        for one in chunk {
            let first = values.len();
            values.extend([
                one.tenant_id.0.into(),
                one.day.as_str().into(),
                one.reason.as_str().into(),
                one.model.as_str().into(),
                one.count.into(),
                one.last_at.into(),
                one.last_why.as_str().into(),
                one.last_app_id.map(|app| app.0).into(),
            ]);
            let marks: Vec<String> = (1..=COLUMNS).map(|at| format!("${}", first + at)).collect();
            rows.push(format!("({})", marks.join(", ")));
        }
        let sql = format!(
            "INSERT INTO model_refusals (tenant_id, day, reason, model, count, last_at, last_why, last_app_id) VALUES {} \
             ON CONFLICT (tenant_id, day, reason, model) DO UPDATE SET count = model_refusals.count + excluded.count, \
             last_at = excluded.last_at, last_why = excluded.last_why, last_app_id = excluded.last_app_id",
            rows.join(", ")
        );
        let statement = Statement::from_sql_and_values(connection.get_database_backend(), sql, values);
        connection.execute_raw(statement).await?;
    }
    Ok(())
}

/// What was refused from a day on, the latest first.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn since(source: &dyn Source, tenant: TenantId, day: &str, limit: u64) -> Result<Vec<ModelRefusal>> {
    let executor = source.executor();
    let statement = Statement::from_sql_and_values(
        executor.get_database_backend(),
        "SELECT day, reason, model, count, last_at, last_why, last_app_id FROM model_refusals WHERE tenant_id = $1 AND day \
         >= $2 ORDER BY last_at DESC LIMIT $3",
        [tenant.0.into(), day.into(), i64::try_from(limit).unwrap_or(i64::MAX).into()],
    );
    let mut found = Vec::new();
    for row in executor.query_all_raw(statement).await? {
        found.push(ModelRefusal {
            tenant_id: tenant,
            day: row.try_get("", "day")?,
            reason: row.try_get("", "reason")?,
            model: row.try_get("", "model")?,
            count: row.try_get("", "count")?,
            last_at: row.try_get("", "last_at")?,
            last_why: row.try_get("", "last_why")?,
            last_app_id: row.try_get::<Option<Uuid>>("", "last_app_id")?.map(AppId),
        });
    }
    Ok(found)
}

/// Removes what is older than a day; tells how many rows.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn remove_before(tx: &Tx, day: &str) -> Result<u64> {
    let connection = tx.connection();
    let statement = Statement::from_sql_and_values(
        connection.get_database_backend(),
        "DELETE FROM model_refusals WHERE day < $1",
        [day.into()],
    );
    Ok(connection.execute_raw(statement).await?.rows_affected())
}
