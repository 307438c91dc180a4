//! What hangs on a deleted app: removed in small transactions, after the app itself has gone.
//!
//! Which tables that are is read from the schema: a table with an `app_id` hangs on the app, one without it that
//! has a `message_id`, `conversation_id`, `workflow_run_id` or `form_id` hangs on one of these. A new table needs no line here.
//! Invariants: a step removes children before their parents, so that a deletion that was interrupted finds
//! everything again; it ends when a pass finds nothing.

use chrono::{DateTime, Utc};
use ox_types::{AppId, TenantId, boxed};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect,
    Statement, Value,
};
use uuid::Uuid;

use super::row;
use crate::{
    Result, Source, Tx,
    entity::deletions::{Column, Entity, Model},
    now,
};

/// Rows of one kind that one transaction removes.
const BATCH: i64 = 500;
/// Who did what stays, whatever became of it. Contents of draft variables go with their files, once an hour
/// (`draft_variables::take_orphans`), and so do files of runs (`run_files::take_orphans`). The stop of its runs is still
/// to be read by other processes.
const KEPT: &[&str] = &["apps", "audit_events", "run_files", "run_stops", "workflow_draft_variable_files"];
/// Removed by the steps that know their parents, who are needed to find them by an index.
const BY_PARENT: &[&str] = &[
    "messages",
    "conversations",
    "workflow_conversation_variables",
    "workflow_runs",
    "workflow_node_executions",
    "workflows",
    "end_users",
];

/// A deletion under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deletion {
    pub id: Uuid,
    pub tenant_id: TenantId,
    pub app_id: AppId,
    pub created_at: DateTime<Utc>,
}

/// A stored object that goes with the app, and the row that names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    pub id: Uuid,
    pub key: String,
    /// Made by a tool, not uploaded.
    pub is_of_tool: bool,
}

/// The tables that hang on apps, as the schema tells.
#[derive(Clone, Debug, Default)]
pub struct Hanging {
    by_app: Vec<String>,
    by_message: Vec<String>,
    by_conversation: Vec<String>,
    by_run: Vec<(String, String)>,
    by_form: Vec<String>,
}

/// Notes that an app was deleted.
pub(super) async fn begin(tx: &Tx, tenant: TenantId, app: AppId) -> Result<()> {
    let row = Model {
        id: ox_types::new_uuid(),
        tenant_id: tenant.0,
        kind: "app".to_owned(),
        target_id: app.0,
        created_at: now(),
    };
    row::insert::<Entity>(tx, row).await
}

/// Deletions under way, oldest first.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn pending(source: &dyn Source, limit: u64) -> Result<Vec<Deletion>> {
    let rows = Entity::find()
        .filter(Column::Kind.eq("app"))
        .order_by_asc(Column::CreatedAt)
        .limit(limit)
        .all(&source.executor())
        .await?;
    let deletion = |row: Model| Deletion {
        id: row.id,
        tenant_id: TenantId(row.tenant_id),
        app_id: AppId(row.target_id),
        created_at: row.created_at,
    };
    Ok(rows.into_iter().map(deletion).collect())
}

/// Notes that nothing is left of it.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn done(tx: &Tx, id: Uuid) -> Result<()> {
    Entity::delete_by_id(id).exec(tx.connection()).await?;
    Ok(())
}

/// Reads from the schema what hangs on apps.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn hanging(source: &dyn Source) -> Result<Hanging> {
    #[derive(FromQueryResult)]
    struct Found {
        table_name: String,
        column_name: String,
    }
    let executor = source.executor();
    let backend = executor.get_database_backend();
    let sql = match backend {
        DbBackend::Postgres => {
            "SELECT c.relname::text AS table_name, a.attname::text AS column_name FROM pg_class c JOIN pg_attribute a ON \
             a.attrelid = c.oid WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT \
             c.relispartition AND a.attnum > 0 AND NOT a.attisdropped ORDER BY 1, 2"
        }
        _ => {
            "SELECT m.name AS table_name, p.name AS column_name FROM sqlite_master m JOIN pragma_table_info(m.name) p \
             WHERE m.type = 'table' ORDER BY 1, 2"
        }
    };
    let found = Found::find_by_statement(Statement::from_string(backend, sql)).all(&executor).await?;
    let has = |table: &str, column: &str| found.iter().any(|it| it.table_name == table && it.column_name == column);
    let mut out = Hanging::default();
    let mut tables: Vec<&str> = found.iter().map(|it| it.table_name.as_str()).collect();
    tables.dedup();
    for table in tables.into_iter().filter(|table| !KEPT.contains(table) && !BY_PARENT.contains(table)) {
        let name = table.to_owned();
        let run_column = ["workflow_run_id", "run_id"].into_iter().find(|column| has(table, column));
        if has(table, "app_id") {
            out.by_app.push(name);
        } else if has(table, "message_id") {
            out.by_message.push(name);
        } else if has(table, "conversation_id") {
            out.by_conversation.push(name);
        } else if let Some(column) = run_column {
            out.by_run.push((name, column.to_owned()));
        } else if has(table, "form_id") {
            out.by_form.push(name);
        }
    }
    Ok(out)
}

/// Some of the objects that go with an app: what its users uploaded and what was made for them. They are removed
/// before [`forget_files`] removes their rows.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn files(source: &dyn Source, app: AppId) -> Result<Vec<StoredFile>> {
    #[derive(FromQueryResult)]
    struct Found {
        id: Uuid,
        object_key: String,
    }
    const QUERIES: [(&str, bool); 3] = [
        (
            "SELECT f.id, f.\"key\" AS object_key FROM upload_files f JOIN end_users u ON u.id = f.created_by WHERE \
             u.app_id = $1 LIMIT $2",
            false,
        ),
        (
            "SELECT f.id, f.file_key AS object_key FROM tool_files f JOIN end_users u ON u.id = f.user_id WHERE \
             u.app_id = $1 LIMIT $2",
            true,
        ),
        (
            "SELECT f.id, f.file_key AS object_key FROM tool_files f JOIN conversations c ON c.id = f.conversation_id \
             WHERE c.app_id = $1 LIMIT $2",
            true,
        ),
    ];
    let executor = source.executor();
    let backend = executor.get_database_backend();
    let mut out = Vec::new();
    for (sql, is_of_tool) in QUERIES {
        let statement = Statement::from_sql_and_values(backend, sql, [app.0.into(), BATCH.into()]);
        let rows = Found::find_by_statement(statement).all(&executor).await?;
        out.extend(rows.into_iter().map(|row| StoredFile { id: row.id, key: row.object_key, is_of_tool }));
    }
    Ok(out)
}

/// Removes the rows of files whose objects are gone.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn forget_files(tx: &Tx, files: &[StoredFile]) -> Result<()> {
    for is_of_tool in [false, true] {
        let ids: Vec<Uuid> = files.iter().filter(|file| file.is_of_tool == is_of_tool).map(|file| file.id).collect();
        for ids in ids.chunks(BATCH.unsigned_abs() as usize) {
            delete_in(tx, if is_of_tool { "tool_files" } else { "upload_files" }, "id", ids).await?;
        }
    }
    Ok(())
}

/// Removes the next rows that hang on an app, children first; false when there are none any more.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn step(tx: &Tx, app: AppId, hanging: &Hanging) -> Result<bool> {
    let messages = ids_of(tx, "messages", app).await?;
    if !messages.is_empty() {
        for table in &hanging.by_message {
            delete_in(tx, table, "message_id", &messages).await?;
        }
        return delete_in(tx, "messages", "id", &messages).await;
    }
    let conversations = ids_of(tx, "conversations", app).await?;
    if !conversations.is_empty() {
        for table in &hanging.by_conversation {
            delete_in(tx, table, "conversation_id", &conversations).await?;
        }
        delete_in(tx, "workflow_conversation_variables", "conversation_id", &conversations).await?;
        return delete_in(tx, "conversations", "id", &conversations).await;
    }
    let runs = ids_of(tx, "workflow_runs", app).await?;
    if !runs.is_empty() {
        for (table, column) in &hanging.by_run {
            delete_in(tx, table, column, &runs).await?;
        }
        delete_in(tx, "workflow_node_executions", "workflow_run_id", &runs).await?;
        return delete_in(tx, "workflow_runs", "id", &runs).await;
    }
    for table in &hanging.by_form {
        let sql = format!(
            "DELETE FROM {table} WHERE id IN (SELECT t.id FROM {table} t JOIN human_input_forms f ON f.id = t.form_id WHERE \
             f.app_id = $1 LIMIT $2)"
        );
        if execute(tx, &sql, [app.0.into(), BATCH.into()]).await? {
            return Ok(true);
        }
    }
    for table in &hanging.by_app {
        if delete_of_app(tx, table, app).await? {
            return Ok(true);
        }
    }
    // Single steps of the editor have no run.
    let steps = "DELETE FROM workflow_node_executions WHERE id IN (SELECT e.id FROM workflow_node_executions e JOIN \
                 workflows w ON w.id = e.workflow_id WHERE w.app_id = $1 AND e.debug LIMIT $2)";
    Ok(execute(tx, steps, [app.0.into(), BATCH.into()]).await?
        || delete_of_app(tx, "workflows", app).await?
        || delete_of_app(tx, "end_users", app).await?)
}

async fn ids_of(tx: &Tx, table: &str, app: AppId) -> Result<Vec<Uuid>> {
    let connection = tx.connection();
    let sql = format!("SELECT id FROM {table} WHERE app_id = $1 LIMIT $2");
    let statement =
        Statement::from_sql_and_values(connection.get_database_backend(), sql, [app.0.into(), BATCH.into()]);
    let rows = connection.query_all_raw(statement).await?;
    Ok(rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?)
}

async fn delete_in(tx: &Tx, table: &str, column: &str, ids: &[Uuid]) -> Result<bool> {
    let marks: Vec<String> = (1..=ids.len()).map(|number| format!("${number}")).collect();
    let sql = format!("DELETE FROM {table} WHERE {column} IN ({})", marks.join(", "));
    execute(tx, &sql, ids.iter().map(|id| (*id).into())).await
}

/// By the rows' places: not every table has an id. None of these tables is partitioned.
async fn delete_of_app(tx: &Tx, table: &str, app: AppId) -> Result<bool> {
    let sql = match tx.connection().get_database_backend() {
        DbBackend::Postgres => {
            format!(
                "DELETE FROM {table} WHERE app_id = $1 AND ctid = ANY (ARRAY(SELECT ctid FROM {table} WHERE app_id = $1 LIMIT $2))"
            )
        }
        _ => format!("DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} WHERE app_id = $1 LIMIT $2)"),
    };
    execute(tx, &sql, [app.0.into(), BATCH.into()]).await
}

async fn execute(tx: &Tx, sql: &str, values: impl IntoIterator<Item = Value>) -> Result<bool> {
    let connection = tx.connection();
    let statement = Statement::from_sql_and_values(connection.get_database_backend(), sql, values);
    Ok(connection.execute_raw(statement).await?.rows_affected() > 0)
}
