//! Which nodes of a workflow take long, and which fail. What the editor ran is left out.
//!
//! The runs come by `(app_id, created_at, id)`, their nodes by `(workflow_run_id, index)`; both are bounded.

use ox_types::{AppId, TenantId, boxed};
use sea_orm::{ConnectionTrait, QueryResult, Statement, Value};

use super::statistics::Day;
use crate::{Result, Source};

/// What is looked at, and how much is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The newest runs of the time.
    pub runs: u32,
    /// Executions of their nodes.
    pub executions: u32,
    /// Nodes in the answer.
    pub nodes: u32,
}

/// How one node of a workflow fared.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeTimes {
    pub node_id: String,
    pub kind: String,
    /// As it was called the last time it ran.
    pub title: String,
    /// How often it ended.
    pub executions: i64,
    /// Of them, those that failed: also where the run went on.
    pub failed: i64,
    pub p50: f64,
    /// What 95 of 100 executions did not exceed, in seconds.
    pub p95: f64,
}

/// The slowest nodes of an app.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SlowNodes {
    /// By their p95, the slowest first.
    pub nodes: Vec<NodeTimes>,
    /// There was more than was looked at: not all of it is counted.
    pub sampled: bool,
}

/// The nodes of an app's runs in a time, the slowest first. Percentiles are by the nearest rank.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn slowest(source: &dyn Source, tenant: TenantId, app: AppId, span: Day, most: Bounds) -> Result<SlowNodes> {
    let Bounds { runs, executions, nodes } = most;
    // One more of each, to know that there were more.
    let (runs_read, executions_read) = (u64::from(runs) + 1, u64::from(executions) + 1);
    let sql = format!(
        "WITH picked AS MATERIALIZED (
            SELECT r.id FROM workflow_runs r WHERE r.app_id = $1 AND r.tenant_id = $2 AND r.created_at >= $3
                AND r.created_at < $4 AND r.triggered_from NOT IN ('debugging', 'replay', 'rag-pipeline-debugging')
            ORDER BY r.created_at DESC, r.id DESC LIMIT {runs_read}
        ), done AS MATERIALIZED (
            SELECT x.node_id, x.node_type, x.title, x.status, x.elapsed_time AS seconds, x.created_at, x.id
            FROM picked p CROSS JOIN workflow_node_executions x
            WHERE x.workflow_run_id = p.id AND x.created_at >= $3 AND x.tenant_id = $2
                AND x.finished_at IS NOT NULL AND x.status IN ('succeeded', 'failed', 'exception')
            LIMIT {executions_read}
        ), placed AS (
            SELECT node_id, node_type, title, status, seconds, COUNT(*) OVER (PARTITION BY node_id, node_type) AS whole,
                ROW_NUMBER() OVER (PARTITION BY node_id, node_type ORDER BY seconds) AS place,
                ROW_NUMBER() OVER (PARTITION BY node_id, node_type ORDER BY created_at DESC, id DESC) AS newest
            FROM done
        )
        SELECT node_id, node_type, MAX(CASE WHEN newest = 1 THEN title END) AS title, COUNT(*) AS executions,
            CAST(SUM(CASE WHEN status = 'succeeded' THEN 0 ELSE 1 END) AS BIGINT) AS failed,
            MIN(CASE WHEN place * 100 >= whole * 50 THEN seconds END) AS p50,
            MIN(CASE WHEN place * 100 >= whole * 95 THEN seconds END) AS p95,
            (SELECT COUNT(*) FROM picked) AS runs_read, (SELECT COUNT(*) FROM done) AS executions_read
        FROM placed GROUP BY node_id, node_type ORDER BY p95 DESC, executions DESC, node_id LIMIT {nodes}"
    );
    let executor = source.executor();
    let values: [Value; 4] = [app.0.into(), tenant.0.into(), span.since.into(), span.until.into()];
    let statement = Statement::from_sql_and_values(executor.get_database_backend(), sql, values);
    let rows = executor.query_all_raw(statement).await?;
    let mut found = SlowNodes::default();
    for row in &rows {
        let read = |name: &str| row.try_get::<i64>("", name);
        found.sampled |= read("runs_read")? > i64::from(runs) || read("executions_read")? > i64::from(executions);
        found.nodes.push(node(row)?);
    }
    Ok(found)
}

fn node(row: &QueryResult) -> Result<NodeTimes> {
    Ok(NodeTimes {
        node_id: row.try_get("", "node_id")?,
        kind: row.try_get("", "node_type")?,
        title: row.try_get("", "title")?,
        executions: row.try_get("", "executions")?,
        failed: row.try_get("", "failed")?,
        p50: row.try_get("", "p50")?,
        p95: row.try_get("", "p95")?,
    })
}
