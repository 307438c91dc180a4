//! Whose turn a document is, and what each step of the work makes of it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use ox_types::{DocumentId, boxed};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, Statement, UpdateMany,
    sea_query::{Expr, ExprTrait},
};
use uuid::Uuid;

use crate::{
    Result, Source, Tx,
    entity::documents::{Column, Entity},
    model::Document,
    time::shared_now,
};

/// Takes documents that nobody works on, a workspace after the other, the oldest first. Returns them as they are now:
/// each is this process's until its lease ends.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn claim(tx: &Tx, process: Uuid, life: Duration, limit: u64) -> Result<Vec<Document>> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
    }
    let at = shared_now(tx).await?;
    let connection = tx.connection();
    let statement = Statement::from_sql_and_values(
        connection.get_database_backend(),
        "SELECT id FROM (SELECT d.id, d.created_at, ROW_NUMBER() OVER (PARTITION BY d.tenant_id ORDER BY d.created_at, \
         d.id) AS turn FROM documents d LEFT JOIN processes p ON p.id = d.leased_by WHERE d.indexing_status IN \
         ('waiting', 'parsing', 'cleaning', 'splitting', 'indexing') AND d.is_paused = $3 AND (d.leased_by IS NULL OR \
         d.leased_until < $1 OR p.id IS NULL)) q ORDER BY turn, created_at, id LIMIT $2",
        [at.into(), i64::try_from(limit).unwrap_or(i64::MAX).into(), false.into()],
    );
    let found = Row::find_by_statement(statement).all(connection).await?;
    let mut out = Vec::with_capacity(found.len());
    for Row { id } in found {
        let free = Condition::any()
            .add(Column::LeasedBy.is_null())
            .add(Column::LeasedUntil.lt(at))
            .add(Expr::cust("NOT EXISTS (SELECT 1 FROM processes p WHERE p.id = documents.leased_by)"));
        let done = Entity::update_many()
            .col_expr(Column::LeasedBy, Expr::value(process))
            .col_expr(Column::LeasedUntil, Expr::value(at + life))
            .col_expr(Column::Attempts, Expr::col(Column::Attempts).add(1))
            .filter(Column::Id.eq(id))
            .filter(Column::IsPaused.eq(false))
            .filter(free)
            .exec(connection)
            .await?;
        let found = if done.rows_affected > 0 { Entity::find_by_id(id).one(connection).await? } else { None };
        let Some(row) = found else { continue };
        let mut document = Document::from(row);
        if document.indexing_status != "indexing" {
            advance(tx, process, document.id, &Stage::Parsing { at }).await?;
            document.processing_started_at = Some(at);
            "parsing".clone_into(&mut document.indexing_status);
        }
        out.push(document);
    }
    Ok(out)
}

/// Prolongs the leases of what this process works on.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn prolong(tx: &Tx, process: Uuid, ids: &[DocumentId], life: Duration) -> Result<()> {
    let at = shared_now(tx).await?;
    Entity::update_many()
        .col_expr(Column::LeasedUntil, Expr::value(at + life))
        .filter(Column::LeasedBy.eq(process))
        .filter(Column::Id.is_in(ids.iter().map(|id| id.0)))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// Gives back what this process works on.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn release(tx: &Tx, process: Uuid, id: DocumentId) -> Result<()> {
    held(process, id)
        .col_expr(Column::LeasedBy, Expr::value(Option::<Uuid>::None))
        .col_expr(Column::LeasedUntil, Expr::value(Option::<DateTime<Utc>>::None))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// What a step of the work makes of a document.
#[derive(Clone, Debug, PartialEq)]
pub enum Stage {
    /// It is being read.
    Parsing { at: DateTime<Utc> },
    /// Its chunks are being made.
    Splitting { at: DateTime<Utc> },
    /// All chunks are saved.
    Indexing { at: DateTime<Utc>, words: i64 },
    /// It can be found.
    Completed { at: DateTime<Utc>, words: i64, tokens: i64, seconds: f64 },
    /// It cannot be done.
    Failed { at: DateTime<Utc>, error: String },
    /// As before; only whether it is still ours.
    Same,
}

pub(super) fn held(process: Uuid, id: DocumentId) -> UpdateMany<Entity> {
    Entity::update_many().filter(Column::Id.eq(id.0)).filter(Column::LeasedBy.eq(process))
}

/// Moves a document on, if it is still this process's and nobody paused it; else false, and the work on it ends.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn advance(tx: &Tx, process: Uuid, id: DocumentId, stage: &Stage) -> Result<bool> {
    let base = held(process, id);
    let status = |status: &'static str| (Column::IndexingStatus, Expr::value(status));
    let time = |column: Column, at: DateTime<Utc>| (column, Expr::value(Some(at)));
    let changes = match stage {
        Stage::Parsing { at } => vec![
            status("parsing"),
            time(Column::ProcessingStartedAt, *at),
            (Column::ParsingCompletedAt, Expr::value(Option::<DateTime<Utc>>::None)),
            (Column::CleaningCompletedAt, Expr::value(Option::<DateTime<Utc>>::None)),
            (Column::SplittingCompletedAt, Expr::value(Option::<DateTime<Utc>>::None)),
            (Column::CompletedAt, Expr::value(Option::<DateTime<Utc>>::None)),
            (Column::StoppedAt, Expr::value(Option::<DateTime<Utc>>::None)),
            (Column::Error, Expr::value(Option::<String>::None)),
        ],
        Stage::Splitting { at } => vec![status("splitting"), time(Column::ParsingCompletedAt, *at)],
        Stage::Indexing { at, words } => vec![
            status("indexing"),
            (Column::WordCount, Expr::value(*words)),
            time(Column::CleaningCompletedAt, *at),
            time(Column::SplittingCompletedAt, *at),
        ],
        Stage::Completed { at, words, tokens, seconds } => vec![
            status("completed"),
            (Column::WordCount, Expr::value(*words)),
            (Column::Tokens, Expr::value(*tokens)),
            (Column::IndexingLatency, Expr::value(*seconds)),
            (Column::Error, Expr::value(Option::<String>::None)),
            (Column::ParsingCompletedAt, Expr::col(Column::ParsingCompletedAt).if_null(*at)),
            (Column::CleaningCompletedAt, Expr::col(Column::CleaningCompletedAt).if_null(*at)),
            (Column::SplittingCompletedAt, Expr::col(Column::SplittingCompletedAt).if_null(*at)),
            time(Column::CompletedAt, *at),
            (Column::Attempts, Expr::value(0)),
            (Column::LeasedBy, Expr::value(Option::<Uuid>::None)),
            (Column::LeasedUntil, Expr::value(Option::<DateTime<Utc>>::None)),
        ],
        Stage::Failed { at, error } => vec![
            status("error"),
            (Column::Error, Expr::value(error.as_str())),
            time(Column::StoppedAt, *at),
            (Column::LeasedBy, Expr::value(Option::<Uuid>::None)),
            (Column::LeasedUntil, Expr::value(Option::<DateTime<Utc>>::None)),
        ],
        Stage::Same => vec![(Column::LeasedBy, Expr::value(process))],
    };
    let mut update = changes.into_iter().fold(base, |update, (column, value)| update.col_expr(column, value));
    // A failure is told even if it was paused meanwhile.
    if !matches!(stage, Stage::Failed { .. }) {
        update = update.filter(Column::IsPaused.eq(false));
    }
    Ok(update.exec(tx.connection()).await?.rows_affected > 0)
}

/// Whether any document waits for somebody to work on it.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn is_waiting(source: &dyn Source) -> Result<bool> {
    let executor = source.executor();
    let at = shared_now(source).await?;
    let statement = Statement::from_sql_and_values(
        executor.get_database_backend(),
        "SELECT d.id FROM documents d LEFT JOIN processes p ON p.id = d.leased_by WHERE d.indexing_status IN ('waiting', \
         'parsing', 'cleaning', 'splitting', 'indexing') AND d.is_paused = $2 AND (d.leased_by IS NULL OR d.leased_until \
         < $1 OR p.id IS NULL) LIMIT 1",
        [at.into(), false.into()],
    );
    Ok(executor.query_one_raw(statement).await?.is_some())
}
