//! Which process runs what, and taking over from one that died.
//!
//! A process keeps one row with an expiry time and prolongs it ([`heartbeat`]); that covers all its runs. A run
//! whose owner is gone or has expired can be claimed by another process; the writer of the old owner then refuses
//! to write it. The times of leases are those of the clock that the processes share ([`shared_now`]).

use ox_types::boxed;
use std::time::Duration;

use chrono::{DateTime, Utc};
use ox_types::RunId;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect,
    Statement, sea_query::Expr,
};
use uuid::Uuid;

use super::row;
use crate::{
    Result, Source, Span, Tx,
    entity::{messages, processes, run_intents, workflow_runs as runs},
    model::{NodeExecution, Process, RunIntent, WorkflowRun},
    time::{in_span, shared_now},
};

/// A run without a living owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpiredLease {
    pub run_id: RunId,
    /// Its last owner.
    pub owner: Option<Uuid>,
}

/// What is recorded of a run that somebody else has begun.
#[derive(Clone, Debug)]
pub struct Takeover {
    pub run: WorkflowRun,
    /// In the order in which they finished.
    pub finished: Vec<NodeExecution>,
    /// Started and not finished, in the order in which they started.
    pub unfinished: Vec<NodeExecution>,
    /// Side effects that may have happened.
    pub intents: Vec<RunIntent>,
}

/// Announces this process.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn register(tx: &Tx, process: Process) -> Result<()> {
    row::insert::<processes::Entity>(tx, process).await
}

/// Prolongs the lease of all runs of this process. False when the process is not known any more: others have taken
/// its runs, and it must stop them.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn heartbeat(tx: &Tx, process: Uuid, life: Duration) -> Result<bool> {
    let at = shared_now(tx).await?;
    let changed = processes::Entity::update_many()
        .col_expr(processes::Column::HeartbeatAt, Expr::value(at))
        .col_expr(processes::Column::ExpiresAt, Expr::value(at + life))
        .filter(processes::Column::Id.eq(process))
        .exec(tx.connection())
        .await?;
    Ok(changed.rows_affected > 0)
}

/// Has leases that last beyond `longest` end at `end`; tells how many. None is made for so long: the clock was set back.
/// A living process prolongs its own by then.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn shorten(tx: &Tx, longest: DateTime<Utc>, end: DateTime<Utc>) -> Result<u64> {
    let changed = processes::Entity::update_many()
        .col_expr(processes::Column::ExpiresAt, Expr::value(end))
        .filter(processes::Column::ExpiresAt.gt(longest))
        .exec(tx.connection())
        .await?;
    Ok(changed.rows_affected)
}

/// Whether a process was not struck off; until the end of the transaction nobody strikes it off. So what it takes here,
/// no heir of its runs finds.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn hold(tx: &Tx, process: Uuid) -> Result<bool> {
    // SQLite writes one transaction at a time: it needs no lock, and is given none.
    let found = processes::Entity::find_by_id(process).lock_shared().one(tx.connection()).await?;
    Ok(found.is_some())
}

/// Gives up all leases of this process, so that what it leaves is taken over at once.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn release(tx: &Tx, process: Uuid) -> Result<()> {
    processes::Entity::delete_by_id(process).exec(tx.connection()).await?;
    Ok(())
}

/// Strikes off every process: the caller, not yet registered, holds the database alone and knows them all dead.
/// What they ran can be claimed without waiting for their leases to run out. Tells how many there were.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn strike_off_all(tx: &Tx) -> Result<u64> {
    Ok(processes::Entity::delete_many().exec(tx.connection()).await?.rows_affected)
}

/// Running processes.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn processes(source: &dyn Source) -> Result<Vec<Process>> {
    let found = processes::Entity::find().order_by_asc(processes::Column::StartedAt).all(&source.executor()).await?;
    Ok(found.into_iter().map(Process::from).collect())
}

/// Unfinished runs whose owner is gone or has expired, oldest first.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn expired(source: &dyn Source, at: DateTime<Utc>, limit: u64) -> Result<Vec<ExpiredLease>> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
        owner: Option<Uuid>,
    }
    let executor = source.executor();
    let statement = Statement::from_sql_and_values(
        executor.get_database_backend(),
        "SELECT r.id, r.owner FROM workflow_runs r LEFT JOIN processes p ON p.id = r.owner WHERE r.finished_at IS NULL \
         AND r.status IN ('running', 'scheduled') AND (p.id IS NULL OR p.expires_at < $1) ORDER BY r.created_at LIMIT $2",
        [at.into(), i64::try_from(limit).unwrap_or(i64::MAX).into()],
    );
    let rows = Row::find_by_statement(statement).all(&executor).await?;
    Ok(rows.into_iter().map(|row| ExpiredLease { run_id: RunId(row.id), owner: row.owner }).collect())
}

/// Takes a run from its dead owner, which is struck off at once: if it comes back to life, its heartbeat fails and
/// its writer refuses. False when somebody else was quicker, the owner lives after all, or the run has finished.
/// A process never takes over from itself: after a long sleep its runs go on where they were.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn claim(tx: &Tx, lease: ExpiredLease, process: Uuid) -> Result<bool> {
    let old = match lease.owner {
        Some(owner) if owner == process => return Ok(false),
        Some(owner) => {
            let of_owner = processes::Entity::find_by_id(owner);
            processes::Entity::delete_by_id(owner)
                .filter(processes::Column::ExpiresAt.lt(shared_now(tx).await?))
                .exec(tx.connection())
                .await?;
            // The old owner may have come back to life since the lease was seen expired.
            if of_owner.one(tx.connection()).await?.is_some() {
                return Ok(false);
            }
            Condition::all().add(runs::Column::Owner.eq(owner))
        }
        None => Condition::all().add(runs::Column::Owner.is_null()),
    };
    let changed = runs::Entity::update_many()
        .col_expr(runs::Column::Owner, Expr::value(process))
        .filter(runs::Column::Id.eq(lease.run_id.0))
        .filter(in_span(runs::Column::CreatedAt, Span::of(lease.run_id.0)))
        .filter(runs::Column::FinishedAt.is_null())
        .filter(old)
        .exec(tx.connection())
        .await?;
    Ok(changed.rows_affected > 0)
}

/// Processes that died while they wrote the answers of basic apps.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn dead_authors(source: &dyn Source, process: Uuid, at: DateTime<Utc>) -> Result<Vec<Uuid>> {
    let executor = source.executor();
    let statement = Statement::from_sql_and_values(
        executor.get_database_backend(),
        "SELECT DISTINCT m.owner FROM messages m LEFT JOIN processes p ON p.id = m.owner WHERE m.owner IS NOT NULL AND \
         m.owner <> $1 AND (p.id IS NULL OR p.expires_at < $2)",
        [process.into(), at.into()],
    );
    let rows = executor.query_all_raw(statement).await?;
    Ok(rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?)
}

/// Ends the messages that a dead process was answering: they keep what was recorded of their answers, and say why
/// there is no more. As with [`claim`], the process is struck off first; none are ended when it lives after all.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn end_messages_of(tx: &Tx, author: Uuid, why: &str) -> Result<u64> {
    use messages::Column;
    let at = shared_now(tx).await?;
    processes::Entity::delete_by_id(author).filter(processes::Column::ExpiresAt.lt(at)).exec(tx.connection()).await?;
    if processes::Entity::find_by_id(author).one(tx.connection()).await?.is_some() {
        return Ok(0);
    }
    let ended = messages::Entity::update_many()
        .col_expr(Column::Status, Expr::value("error"))
        .col_expr(Column::Error, Expr::value(why))
        .col_expr(Column::Owner, Expr::value(None::<Uuid>))
        .col_expr(Column::UpdatedAt, Expr::value(at))
        .filter(Column::Owner.eq(author))
        .exec(tx.connection())
        .await?;
    Ok(ended.rows_affected)
}

/// Removes other processes than this one that expired and own nothing unfinished any more.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn purge(tx: &Tx, process: Uuid, before: DateTime<Utc>) -> Result<u64> {
    let statement = Statement::from_sql_and_values(
        tx.connection().get_database_backend(),
        "DELETE FROM processes WHERE expires_at < $1 AND id <> $2 AND NOT EXISTS (SELECT 1 FROM workflow_runs r WHERE \
         r.finished_at IS NULL AND r.owner = processes.id)",
        [before.into(), process.into()],
    );
    Ok(tx.connection().execute_raw(statement).await?.rows_affected())
}

/// Everything recorded of a run, to go on with it.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn load_for_takeover(source: &dyn Source, id: RunId) -> Result<Option<Takeover>> {
    let executor = source.executor();
    let run = runs::Entity::find()
        .filter(runs::Column::Id.eq(id.0))
        .filter(in_span(runs::Column::CreatedAt, Span::of(id.0)))
        .one(&executor)
        .await?;
    let Some(run) = run.map(WorkflowRun::from) else {
        return Ok(None);
    };
    let executions = super::runs::executions_of(source, &run).await?;
    let (mut finished, unfinished): (Vec<_>, Vec<_>) =
        executions.into_iter().partition(|node| node.finish_seq.is_some());
    finished.sort_by_key(|node| node.finish_seq);
    let intents = run_intents::Entity::find()
        .filter(run_intents::Column::RunId.eq(id.0))
        .order_by_asc(run_intents::Column::Id)
        .all(&executor)
        .await?;
    Ok(Some(Takeover { run, finished, unfinished, intents: intents.into_iter().map(RunIntent::from).collect() }))
}
