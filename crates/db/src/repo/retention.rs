//! What is older than it may be: whole days at once on PostgreSQL, small transactions everywhere else.
//!
//! Runs that have not ended stay, and so does everything of their time that they may still need. Annotations outlive the
//! messages that they were made from.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use ox_types::{AppId, WorkflowId, boxed};
use sea_orm::{ConnectionTrait, Statement, Value};
use uuid::Uuid;

use crate::{Database, Result, Source, Tx};

/// How long a drop waits for whoever uses the table; then it is tried again with the next upkeep.
const LOCK_WAIT: &str = "SET LOCAL lock_timeout = '5s'";
/// Tables whose rows go with a run, by the column that names it. Children of children come first.
const OF_RUNS: [(&str, &str); 6] = [
    ("run_intents", "run_id"),
    ("workflow_run_origins", "run_id"),
    ("result_webhooks", "run_id"),
    ("workflow_pauses", "workflow_run_id"),
    ("human_input_forms", "workflow_run_id"),
    ("workflow_trigger_logs", "workflow_run_id"),
];
const FORMS_OF: &str = "DELETE FROM human_input_recipients WHERE form_id IN (SELECT f.id FROM human_input_forms f WHERE f.workflow_run_id IN";
/// Tables whose rows go with a message.
const OF_MESSAGES: [&str; 4] = ["message_agent_thoughts", "message_files", "message_feedbacks", "saved_messages"];
/// Tables whose rows go with a conversation.
const OF_CONVERSATIONS: [&str; 2] = ["pinned_conversations", "workflow_conversation_variables"];

/// Which whole days go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Runs and the executions of nodes.
    Runs,
    Messages,
}

/// Drops the days of runs or messages that end before a time, on PostgreSQL; tells which. Elsewhere there are none.
/// A day stays while a run of it, or of an earlier one, has not ended.
///
/// # Errors
/// When the database fails, or somebody holds a table for longer than five seconds.
#[boxed]
pub async fn drop_days(db: &Database, kind: Kind, before: DateTime<Utc>) -> Result<Vec<NaiveDate>> {
    let mut dropped = Vec::new();
    if !db.is_postgres() {
        return Ok(dropped);
    }
    let (parent, with) = match kind {
        Kind::Runs => ("workflow_runs", Some("workflow_node_executions")),
        Kind::Messages => ("messages", None),
    };
    let open = oldest_open(db, before).await?.unwrap_or(before);
    for (day, table) in days(db, parent).await? {
        let end = day.checked_add_days(Days::new(1)).map(|next| next.and_time(NaiveTime::MIN).and_utc());
        if end.is_none_or(|end| end > before || end > open) {
            continue;
        }
        let tx = db.begin().await?;
        execute(&tx, LOCK_WAIT, []).await?;
        match kind {
            Kind::Runs => {
                execute(&tx, &format!("{FORMS_OF} (SELECT id FROM {table}))"), []).await?;
                for (child, column) in OF_RUNS {
                    execute(&tx, &format!("DELETE FROM {child} WHERE {column} IN (SELECT id FROM {table})"), [])
                        .await?;
                }
            }
            Kind::Messages => {
                for child in OF_MESSAGES {
                    execute(&tx, &format!("DELETE FROM {child} WHERE message_id IN (SELECT id FROM {table})"), [])
                        .await?;
                }
            }
        }
        if let Some(other) = with {
            execute(&tx, &format!("DROP TABLE IF EXISTS {other}_{}", day.format("%Y%m%d")), []).await?;
        }
        execute(&tx, &format!("DROP TABLE {table}"), []).await?;
        tx.commit().await?;
        dropped.push(day);
    }
    Ok(dropped)
}

/// The daily partitions of a table, oldest first.
async fn days(db: &Database, parent: &str) -> Result<Vec<(NaiveDate, String)>> {
    let executor = db.executor();
    let sql = "SELECT c.relname::text AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = \
               to_regclass($1) ORDER BY 1";
    let statement = Statement::from_sql_and_values(executor.get_database_backend(), sql, [parent.into()]);
    let rows = executor.query_all_raw(statement).await?;
    let names: Vec<String> = rows.iter().map(|row| row.try_get("", "name")).collect::<Result<_, _>>()?;
    let day = |name: &String| NaiveDate::parse_from_str(name.strip_prefix(parent)?.strip_prefix('_')?, "%Y%m%d").ok();
    Ok(names.into_iter().filter_map(|name| Some((day(&name)?, name))).collect())
}

/// When the oldest run began that has not ended.
async fn oldest_open(db: &Database, before: DateTime<Utc>) -> Result<Option<DateTime<Utc>>> {
    let executor = db.executor();
    let sql = "SELECT MIN(created_at) AS at FROM workflow_runs WHERE finished_at IS NULL AND created_at < $1";
    let statement = Statement::from_sql_and_values(executor.get_database_backend(), sql, [before.into()]);
    let row = executor.query_one_raw(statement).await?;
    Ok(row.map(|row| row.try_get("", "at")).transpose()?.flatten())
}

/// The next apps of the installation after one, by id.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn apps_after(source: &dyn Source, after: Option<AppId>, limit: u64) -> Result<Vec<AppId>> {
    let executor = source.executor();
    let sql = format!("SELECT id FROM apps WHERE id > $1 ORDER BY id LIMIT {limit}");
    let after = after.map_or(Uuid::nil(), |app| app.0);
    let statement = Statement::from_sql_and_values(executor.get_database_backend(), sql, [after.into()]);
    let rows = executor.query_all_raw(statement).await?;
    Ok(rows.iter().map(|row| row.try_get("", "id").map(AppId)).collect::<Result<_, _>>()?)
}

/// Removes the next ended runs of an app from before a time, of all workflows or of some, with everything that hangs on
/// them; tells how many.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn runs_step(
    tx: &Tx,
    app: AppId,
    before: DateTime<Utc>,
    workflows: &[WorkflowId],
    batch: u64,
) -> Result<u64> {
    let mut values: Vec<Value> = vec![app.0.into(), before.into()];
    let mut only = String::new();
    if !workflows.is_empty() {
        let marks: Vec<String> = (0..workflows.len()).map(|at| format!("${}", at + 3)).collect();
        only = format!(" AND workflow_id IN ({})", marks.join(", "));
        values.extend(workflows.iter().map(|id| Value::from(id.0)));
    }
    let sql = format!(
        "SELECT id FROM workflow_runs WHERE app_id = $1 AND created_at < $2 AND finished_at IS NOT NULL{only} ORDER BY \
         created_at, id LIMIT {batch}"
    );
    let ids = ids(tx, &sql, values).await?;
    if ids.is_empty() {
        return Ok(0);
    }
    let marks = marks(&ids, 0);
    execute(tx, &format!("{FORMS_OF} ({marks}))"), values_of(&ids)).await?;
    for (child, column) in OF_RUNS {
        execute(tx, &format!("DELETE FROM {child} WHERE {column} IN ({marks})"), values_of(&ids)).await?;
    }
    execute(tx, &format!("DELETE FROM workflow_app_logs WHERE workflow_run_id IN ({marks})"), values_of(&ids)).await?;
    execute(tx, &format!("DELETE FROM workflow_node_executions WHERE workflow_run_id IN ({marks})"), values_of(&ids))
        .await?;
    let later = self::marks(&ids, 1);
    let sql = format!("DELETE FROM workflow_runs WHERE created_at < $1 AND id IN ({later})");
    let values = std::iter::once(Value::from(before)).chain(values_of(&ids));
    execute(tx, &sql, values).await
}

/// Removes the next entries of an app's run log whose runs are gone; tells how many.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn logs_step(tx: &Tx, app: AppId, before: DateTime<Utc>, batch: u64) -> Result<u64> {
    let sql = format!(
        "DELETE FROM workflow_app_logs WHERE id IN (SELECT l.id FROM workflow_app_logs l WHERE l.app_id = $1 AND \
         l.created_at < $2 AND NOT EXISTS (SELECT 1 FROM workflow_runs r WHERE r.id = l.workflow_run_id AND r.created_at < \
         $2) ORDER BY l.created_at, l.id LIMIT {batch})"
    );
    execute(tx, &sql, [app.0.into(), before.into()]).await
}

/// Removes the next messages of an app from before a time, with what hangs on them; tells how many. Those of runs that
/// have not ended stay.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn messages_step(tx: &Tx, app: AppId, before: DateTime<Utc>, batch: u64) -> Result<u64> {
    let sql = format!(
        "SELECT m.id AS id FROM messages m WHERE m.app_id = $1 AND m.created_at < $2 AND (m.workflow_run_id IS NULL OR NOT \
         EXISTS (SELECT 1 FROM workflow_runs r WHERE r.id = m.workflow_run_id AND r.created_at < $2 AND r.finished_at IS \
         NULL)) ORDER BY m.created_at, m.id LIMIT {batch}"
    );
    let ids = ids(tx, &sql, vec![app.0.into(), before.into()]).await?;
    if ids.is_empty() {
        return Ok(0);
    }
    let marks = marks(&ids, 0);
    for child in OF_MESSAGES {
        execute(tx, &format!("DELETE FROM {child} WHERE message_id IN ({marks})"), values_of(&ids)).await?;
    }
    let later = self::marks(&ids, 1);
    let sql = format!("DELETE FROM messages WHERE created_at < $1 AND id IN ({later})");
    execute(tx, &sql, std::iter::once(Value::from(before)).chain(values_of(&ids))).await
}

/// Removes the next conversations of an app that nothing was added to since before a time and that have no messages any
/// more; tells how many.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn conversations_step(tx: &Tx, app: AppId, before: DateTime<Utc>, batch: u64) -> Result<u64> {
    let sql = format!(
        "SELECT c.id AS id FROM conversations c WHERE c.app_id = $1 AND c.updated_at < $2 AND NOT EXISTS (SELECT 1 FROM \
         messages m WHERE m.conversation_id = c.id) ORDER BY c.updated_at, c.id LIMIT {batch}"
    );
    let ids = ids(tx, &sql, vec![app.0.into(), before.into()]).await?;
    if ids.is_empty() {
        return Ok(0);
    }
    let marks = marks(&ids, 0);
    for child in OF_CONVERSATIONS {
        execute(tx, &format!("DELETE FROM {child} WHERE conversation_id IN ({marks})"), values_of(&ids)).await?;
    }
    execute(tx, &format!("DELETE FROM conversations WHERE id IN ({marks})"), values_of(&ids)).await
}

async fn ids(tx: &Tx, sql: &str, values: Vec<Value>) -> Result<Vec<Uuid>> {
    let connection = tx.connection();
    let statement = Statement::from_sql_and_values(connection.get_database_backend(), sql, values);
    let rows = connection.query_all_raw(statement).await?;
    Ok(rows.iter().map(|row| row.try_get("", "id")).collect::<Result<_, _>>()?)
}

/// `$1, $2, …` for ids that come after some other values.
fn marks(ids: &[Uuid], after: usize) -> String {
    let marks: Vec<String> = (1..=ids.len()).map(|number| format!("${}", number + after)).collect();
    marks.join(", ")
}

fn values_of(ids: &[Uuid]) -> impl Iterator<Item = Value> {
    ids.iter().map(|id| Value::from(*id))
}

async fn execute(tx: &Tx, sql: &str, values: impl IntoIterator<Item = Value>) -> Result<u64> {
    let connection = tx.connection();
    let statement = Statement::from_sql_and_values(connection.get_database_backend(), sql, values);
    Ok(connection.execute_raw(statement).await?.rows_affected())
}
