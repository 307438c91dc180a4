//! Runs, their node executions and the run log of an app, for reading.

use chrono::{DateTime, Utc};
use ox_types::{AppId, NodeRunId, RunId, TenantId, WorkflowId, boxed};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Statement, Value};
use uuid::Uuid;

use super::keyword::Keyword;
use crate::{
    Page, PageOf, Result, Source, Span,
    entity::{workflow_app_logs as logs, workflow_node_executions as nodes, workflow_runs as runs},
    model::{NodeExecution, WorkflowAppLog, WorkflowRun},
    page,
    time::in_span,
};

/// A run of an app.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn find(source: &dyn Source, tenant: TenantId, app: AppId, id: RunId) -> Result<Option<WorkflowRun>> {
    let found = runs::Entity::find()
        .filter(runs::Column::Id.eq(id.0))
        .filter(in_span(runs::Column::CreatedAt, Span::of(id.0)))
        .filter(runs::Column::TenantId.eq(tenant.0))
        .filter(runs::Column::AppId.eq(app.0))
        .one(&source.executor())
        .await?;
    Ok(found.map(WorkflowRun::from))
}

/// A run of a workspace.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn find_in(source: &dyn Source, tenant: TenantId, id: RunId) -> Result<Option<WorkflowRun>> {
    let found = runs::Entity::find()
        .filter(runs::Column::Id.eq(id.0))
        .filter(in_span(runs::Column::CreatedAt, Span::of(id.0)))
        .filter(runs::Column::TenantId.eq(tenant.0))
        .one(&source.executor())
        .await?;
    Ok(found.map(WorkflowRun::from))
}

/// Several runs of an app, in no order; unknown ids are left out.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn find_many(source: &dyn Source, tenant: TenantId, app: AppId, ids: &[RunId]) -> Result<Vec<WorkflowRun>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let found = runs::Entity::find()
        .filter(runs::Column::Id.is_in(ids.iter().map(|id| id.0)))
        .filter(in_span(runs::Column::CreatedAt, Span::of_all(ids.iter().map(|id| id.0))))
        .filter(runs::Column::TenantId.eq(tenant.0))
        .filter(runs::Column::AppId.eq(app.0))
        .all(&source.executor())
        .await?;
    Ok(found.into_iter().map(WorkflowRun::from).collect())
}

/// Which runs a list shows.
#[derive(Clone, Debug, Default)]
pub struct RunFilter {
    /// Empty: all.
    pub triggered_from: Vec<String>,
    pub status: Option<String>,
}

/// Runs of an app, newest first.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn list(
    source: &dyn Source,
    tenant: TenantId,
    app: AppId,
    filter: &RunFilter,
    page: Page,
) -> Result<PageOf<WorkflowRun>> {
    use runs::Column;
    let mut query = runs::Entity::find()
        .filter(Column::AppId.eq(app.0))
        .filter(Column::TenantId.eq(tenant.0))
        .filter(page::before(Column::CreatedAt, Column::Id, page));
    if !filter.triggered_from.is_empty() {
        query = query.filter(Column::TriggeredFrom.is_in(filter.triggered_from.iter().map(String::as_str)));
    }
    if let Some(status) = &filter.status {
        query = query.filter(Column::Status.eq(status.as_str()));
    }
    let rows =
        page::newest_first(query, Column::CreatedAt, Column::Id).limit(page.limit + 1).all(&source.executor()).await?;
    Ok(PageOf::cut(rows.into_iter().map(WorkflowRun::from).collect(), page.limit))
}

/// How many runs and answers of an app are under way in other processes.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn under_way_elsewhere(source: &dyn Source, app: AppId, process: Uuid) -> Result<u64> {
    let executor = source.executor();
    let statement = Statement::from_sql_and_values(
        executor.get_database_backend(),
        "SELECT (SELECT count(*) FROM workflow_runs WHERE app_id = $1 AND finished_at IS NULL AND status = 'running' \
         AND owner <> $2) + (SELECT count(*) FROM messages WHERE app_id = $1 AND owner <> $2)",
        [app.0.into(), process.into()],
    );
    let row = executor.query_one_raw(statement).await?;
    let count: i64 = row.map_or(Ok(0), |row| row.try_get_by_index(0))?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// The node executions of a run, in the order in which they started.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn executions_of(source: &dyn Source, run: &WorkflowRun) -> Result<Vec<NodeExecution>> {
    let found = nodes::Entity::find()
        .filter(nodes::Column::WorkflowRunId.eq(run.id.0))
        // Nodes start after their run; a paused run may go on days later.
        .filter(nodes::Column::CreatedAt.gte(run.created_at - chrono::Duration::hours(1)))
        .order_by_asc(nodes::Column::Index)
        .order_by_asc(nodes::Column::CreatedAt)
        .all(&source.executor())
        .await?;
    Ok(found.into_iter().map(NodeExecution::from).collect())
}

/// One execution of a node of an app.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn execution(
    source: &dyn Source,
    tenant: TenantId,
    app: AppId,
    id: NodeRunId,
) -> Result<Option<NodeExecution>> {
    let found = nodes::Entity::find()
        .filter(nodes::Column::Id.eq(id.0))
        .filter(in_span(nodes::Column::CreatedAt, Span::of(id.0)))
        .filter(nodes::Column::TenantId.eq(tenant.0))
        .filter(nodes::Column::AppId.eq(app.0))
        .one(&source.executor())
        .await?;
    Ok(found.map(NodeExecution::from))
}

/// The newest execution of a node in the editor, whatever started it.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn last_of_node(
    source: &dyn Source,
    tenant: TenantId,
    draft: WorkflowId,
    node_id: &str,
) -> Result<Option<NodeExecution>> {
    let found = nodes::Entity::find()
        .filter(nodes::Column::WorkflowId.eq(draft.0))
        .filter(nodes::Column::NodeId.eq(node_id))
        .filter(nodes::Column::Debug.eq(true))
        .filter(nodes::Column::TenantId.eq(tenant.0))
        .order_by_desc(nodes::Column::CreatedAt)
        .one(&source.executor())
        .await?;
    Ok(found.map(NodeExecution::from))
}

/// Which entries the run log of an app shows.
#[derive(Clone, Debug, Default)]
pub struct LogFilter {
    /// Part of the inputs or outputs, or the session id of the end user, or a run id.
    pub keyword: Option<String>,
    pub status: Option<String>,
    pub before: Option<DateTime<Utc>>,
    pub after: Option<DateTime<Utc>>,
    pub end_user_session: Option<String>,
    pub account: Option<Uuid>,
}

/// An entry of the run log with its run.
#[derive(Clone, Debug)]
pub struct LogEntry {
    pub log: WorkflowAppLog,
    pub run: WorkflowRun,
}

/// Counting stops here; a list that long is not read to its end.
const COUNTED: i64 = 10_000;

/// One page (1-based) of the run log of an app, newest first, and how many entries there are (at most 10 000 are
/// counted).
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn log_page(
    source: &dyn Source,
    tenant: TenantId,
    app: AppId,
    filter: &LogFilter,
    page: u64,
    limit: u64,
) -> Result<(Vec<LogEntry>, u64)> {
    let executor = source.executor();
    let backend = executor.get_database_backend();
    let query = LogQuery::new(source, tenant, app, filter, filter.status.is_some() || filter.keyword.is_some());
    let counted = format!("SELECT COUNT(*) AS n FROM (SELECT 1 AS one {} LIMIT {COUNTED}) AS c", query.from_where);
    let total = executor
        .query_one_raw(Statement::from_sql_and_values(backend, counted, query.values.clone()))
        .await?
        .map_or(Ok(0), |row| row.try_get::<i64>("", "n"))?;
    let offset = page.saturating_sub(1).saturating_mul(limit);
    let ids = format!(
        "SELECT l.id AS id {} ORDER BY l.created_at DESC, l.id DESC LIMIT {limit} OFFSET {offset}",
        query.from_where
    );
    let ids = executor.query_all_raw(Statement::from_sql_and_values(backend, ids, query.values)).await?;
    let ids: Vec<Uuid> = ids.iter().map(|row| row.try_get("", "id")).collect::<Result<_, _>>()?;
    let entries = entries(source, tenant, app, &ids).await?;
    Ok((entries, u64::try_from(total).unwrap_or(0)))
}

/// The entries of the run log after a place (the `created_at` and id of the last one read), newest first; and the place
/// of the last one, when there may be more.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn log_after(
    source: &dyn Source,
    tenant: TenantId,
    app: AppId,
    filter: &LogFilter,
    page: Page,
) -> Result<(Vec<LogEntry>, Option<(DateTime<Utc>, Uuid)>)> {
    let executor = source.executor();
    let mut query = LogQuery::new(source, tenant, app, filter, filter.status.is_some() || filter.keyword.is_some());
    if let Some((at, id)) = page.after {
        query.and(" AND l.created_at <= ? AND (l.created_at < ? OR l.id < ?)", [at.into(), at.into(), id.into()]);
    }
    let sql = format!(
        "SELECT l.id AS id, l.created_at AS at {} ORDER BY l.created_at DESC, l.id DESC LIMIT {}",
        query.from_where, page.limit
    );
    let statement = Statement::from_sql_and_values(executor.get_database_backend(), sql, query.values);
    let rows = executor.query_all_raw(statement).await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.try_get("", "id")).collect::<Result<_, _>>()?;
    let last = rows.last().filter(|_| rows.len() as u64 == page.limit);
    let last = last.map(|row| Ok::<_, sea_orm::DbErr>((row.try_get("", "at")?, row.try_get("", "id")?))).transpose()?;
    Ok((entries(source, tenant, app, &ids).await?, last))
}

/// Entries by id, in that order, with their runs; those whose runs are gone are left out.
async fn entries(source: &dyn Source, tenant: TenantId, app: AppId, ids: &[Uuid]) -> Result<Vec<LogEntry>> {
    let found =
        logs::Entity::find().filter(logs::Column::Id.is_in(ids.iter().copied())).all(&source.executor()).await?;
    let run_ids: Vec<RunId> = found.iter().map(|log| RunId(log.workflow_run_id)).collect();
    let mut found_runs = find_many(source, tenant, app, &run_ids).await?;
    let mut entries = Vec::with_capacity(ids.len());
    for id in ids {
        let log = found.iter().find(|log| log.id == *id).cloned().map(WorkflowAppLog::from);
        let at = log.as_ref().and_then(|log| found_runs.iter().position(|run| run.id == log.workflow_run_id));
        if let (Some(log), Some(at)) = (log, at) {
            entries.push(LogEntry { log, run: found_runs.swap_remove(at) });
        }
    }
    Ok(entries)
}

/// `FROM … WHERE …` of the run log with its values.
pub(super) struct LogQuery {
    pub from_where: String,
    pub values: Vec<Value>,
}

impl LogQuery {
    /// The entry is `l`, its end user `e` where the filter asks for one, and its run `r` where asked for.
    pub fn new(source: &dyn Source, tenant: TenantId, app: AppId, filter: &LogFilter, with_run: bool) -> Self {
        let mut query = Self { from_where: String::from("FROM workflow_app_logs l"), values: Vec::new() };
        if with_run {
            query.from_where.push_str(" JOIN workflow_runs r ON r.id = l.workflow_run_id");
        }
        if filter.end_user_session.is_some() || filter.keyword.is_some() {
            query
                .from_where
                .push_str(" LEFT JOIN end_users e ON l.created_by_role = 'end_user' AND e.id = l.created_by");
        }
        query.from_where.push_str(" WHERE");
        query.and(" l.app_id = ?", [app.0.into()]);
        query.and(" AND l.tenant_id = ?", [tenant.0.into()]);
        if let Some(status) = &filter.status {
            query.and(" AND r.status = ?", [status.as_str().into()]);
        }
        if let Some(before) = filter.before {
            query.and(" AND l.created_at <= ?", [before.into()]);
        }
        if let Some(after) = filter.after {
            query.and(" AND l.created_at >= ?", [after.into()]);
        }
        if let Some(session) = &filter.end_user_session {
            query.and(" AND e.session_id = ?", [session.as_str().into()]);
        }
        if let Some(account) = filter.account {
            query.and(" AND l.created_by_role = 'account' AND l.created_by = ?", [account.into()]);
        }
        if let Some(keyword) = Keyword::new(source, filter.keyword.as_deref()) {
            let run = filter.keyword.as_deref().and_then(|id| Uuid::parse_str(id.trim()).ok());
            query.keyword(&keyword, run);
        }
        query
    }

    /// What went in or came out, who asked, or the run's id.
    fn keyword(&mut self, keyword: &Keyword, run: Option<Uuid>) {
        let columns = ["r.inputs", "r.outputs", "e.session_id"];
        let mut any = columns.map(|column| keyword.sql(column)).join(" OR ");
        if run.is_some() {
            any.push_str(" OR r.id = ?");
        }
        let values = columns.map(|_| keyword.value()).into_iter().chain(run.map(Value::from));
        self.and(&format!(" AND ({any})"), values);
    }

    /// Adds a condition; both databases know numbered parameters.
    pub fn and(&mut self, sql: &str, values: impl IntoIterator<Item = Value>) {
        let mut number = self.values.len();
        for piece in sql.split_inclusive('?') {
            self.from_where.push_str(piece.trim_end_matches('?'));
            if piece.ends_with('?') {
                number += 1;
                self.from_where.push_str(&format!("${number}"));
            }
        }
        self.values.extend(values);
    }
}
