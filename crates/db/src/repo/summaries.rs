//! Summaries of chunks: which are wanted, whose turn it is to be made, and what became of them.

use std::{collections::HashMap, time::Duration};

use chrono::{DateTime, Utc};
use ox_types::{DatasetId, DocumentId, SegmentId, TenantId, boxed};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, IntoActiveModel,
    QueryFilter, QueryOrder, QuerySelect, Statement, UpdateMany,
    sea_query::{Expr, ExprTrait, OnConflict},
};
use uuid::Uuid;

use crate::{
    Result, Source, Tx,
    entity::{
        document_segment_summaries::{Column, Entity, Model},
        document_segments as segments,
    },
    model::{Segment, SegmentSummary},
    now,
    time::shared_now,
};

/// Rows of one statement.
const CHUNK: usize = 300;
const UNFINISHED: [&str; 2] = ["not_started", "generating"];

/// How many summaries of a document are how far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SummaryCounts {
    pub not_started: u64,
    pub generating: u64,
    pub completed: u64,
    pub error: u64,
    pub timeout: u64,
}

impl SummaryCounts {
    /// Whether some are still to be made.
    #[must_use]
    pub const fn is_unfinished(&self) -> bool {
        self.not_started + self.generating > 0
    }
}

/// A text in place of a summary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSummary {
    pub content: String,
    pub hash: String,
    pub tokens: i32,
}

fn blank(segment: &Segment) -> Model {
    let at = now();
    Model {
        id: ox_types::new_uuid(),
        tenant_id: segment.tenant_id.0,
        dataset_id: segment.dataset_id.0,
        document_id: segment.document_id.0,
        chunk_id: segment.id.0,
        summary_content: None,
        summary_index_node_id: ox_types::new_uuid(),
        summary_index_node_hash: None,
        tokens: 0,
        status: "not_started".to_owned(),
        error: None,
        leased_by: None,
        leased_until: None,
        attempts: 0,
        created_at: at,
        updated_at: at,
    }
}

/// Wants the summaries of chunks made, anew where there are some: those stay until the new ones are there.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn want(tx: &Tx, segments: &[Segment]) -> Result<()> {
    let again =
        [Column::Status, Column::Error, Column::LeasedBy, Column::LeasedUntil, Column::Attempts, Column::UpdatedAt];
    for segments in segments.chunks(CHUNK) {
        let rows = segments.iter().map(|segment| blank(segment).into_active_model().reset_all());
        Entity::insert_many(rows)
            .on_conflict(OnConflict::column(Column::ChunkId).update_columns(again).to_owned())
            .exec_without_returning(tx.connection())
            .await?;
    }
    Ok(())
}

/// Wants all summaries of a knowledge base made anew.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn want_again(tx: &Tx, dataset: DatasetId) -> Result<()> {
    freed(Entity::update_many())
        .col_expr(Column::Status, Expr::value("not_started"))
        .col_expr(Column::Error, Expr::value(Option::<String>::None))
        .col_expr(Column::Attempts, Expr::value(0))
        .filter(Column::DatasetId.eq(dataset.0))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// Gives up what is still to be made of a knowledge base: what was there before stays.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn give_up(tx: &Tx, dataset: DatasetId) -> Result<()> {
    let unfinished = || Condition::all().add(Column::DatasetId.eq(dataset.0)).add(Column::Status.is_in(UNFINISHED));
    Entity::delete_many().filter(unfinished()).filter(Column::SummaryContent.is_null()).exec(tx.connection()).await?;
    freed(Entity::update_many())
        .col_expr(Column::Status, Expr::value("completed"))
        .filter(unfinished())
        .exec(tx.connection())
        .await?;
    Ok(())
}

fn freed(update: UpdateMany<Entity>) -> UpdateMany<Entity> {
    update
        .col_expr(Column::LeasedBy, Expr::value(Option::<Uuid>::None))
        .col_expr(Column::LeasedUntil, Expr::value(Option::<DateTime<Utc>>::None))
        .col_expr(Column::UpdatedAt, Expr::value(now()))
}

/// Forgets what was told of a chunk: its summary is to be made for another text.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn clear(tx: &Tx, segment: SegmentId) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::SummaryContent, Expr::value(Option::<String>::None))
        .col_expr(Column::SummaryIndexNodeHash, Expr::value(Option::<String>::None))
        .col_expr(Column::Tokens, Expr::value(0))
        .filter(Column::ChunkId.eq(segment.0))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// Stores a summary that somebody wrote. Returns the node it is found by.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn write(tx: &Tx, segment: &Segment, summary: NewSummary) -> Result<Uuid> {
    let row = Model {
        summary_content: Some(summary.content),
        summary_index_node_hash: Some(summary.hash),
        tokens: summary.tokens,
        status: "completed".to_owned(),
        ..blank(segment)
    };
    let written = [
        Column::SummaryContent,
        Column::SummaryIndexNodeHash,
        Column::Tokens,
        Column::Status,
        Column::Error,
        Column::LeasedBy,
        Column::LeasedUntil,
        Column::Attempts,
        Column::UpdatedAt,
    ];
    let fresh = row.summary_index_node_id;
    Entity::insert(row.into_active_model().reset_all())
        .on_conflict(OnConflict::column(Column::ChunkId).update_columns(written).to_owned())
        .exec_without_returning(tx.connection())
        .await?;
    let kept: Option<Uuid> = Entity::find()
        .select_only()
        .column(Column::SummaryIndexNodeId)
        .filter(Column::ChunkId.eq(segment.id.0))
        .into_tuple()
        .one(tx.connection())
        .await?;
    Ok(kept.unwrap_or(fresh))
}

/// Removes the summary of a chunk.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn delete(tx: &Tx, segment: SegmentId) -> Result<()> {
    Entity::delete_many().filter(Column::ChunkId.eq(segment.0)).exec(tx.connection()).await?;
    Ok(())
}

/// The summaries of chunks.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn of_segments(
    source: &dyn Source,
    tenant: TenantId,
    ids: &[SegmentId],
) -> Result<HashMap<SegmentId, SegmentSummary>> {
    let mut out = HashMap::with_capacity(ids.len());
    for ids in ids.chunks(CHUNK) {
        let rows = Entity::find()
            .filter(Column::TenantId.eq(tenant.0))
            .filter(Column::ChunkId.is_in(ids.iter().map(|id| id.0)))
            .all(&source.executor())
            .await?;
        out.extend(rows.into_iter().map(|row| (SegmentId(row.chunk_id), SegmentSummary::from(row))));
    }
    Ok(out)
}

/// How far documents are that have summaries, or are to have some.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn counts(source: &dyn Source, ids: &[DocumentId]) -> Result<HashMap<DocumentId, SummaryCounts>> {
    let mut out: HashMap<DocumentId, SummaryCounts> = HashMap::new();
    for ids in ids.chunks(CHUNK) {
        let rows: Vec<(Uuid, String, i64)> = Entity::find()
            .select_only()
            .columns([Column::DocumentId, Column::Status])
            .column_as(Column::Id.count(), "total")
            .filter(Column::DocumentId.is_in(ids.iter().map(|id| id.0)))
            .group_by(Column::DocumentId)
            .group_by(Column::Status)
            .into_tuple()
            .all(&source.executor())
            .await?;
        for (document, status, total) in rows {
            let counts = out.entry(DocumentId(document)).or_default();
            let total = total.unsigned_abs();
            match status.as_str() {
                "completed" => counts.completed = total,
                "error" => counts.error = total,
                "generating" => counts.generating = total,
                "timeout" => counts.timeout = total,
                _ => counts.not_started = total,
            }
        }
    }
    Ok(out)
}

/// A page (from 1) of the chunks of a document that are found, with their places, and how many there are.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn places(
    source: &dyn Source,
    document: DocumentId,
    page: u64,
    limit: u64,
) -> Result<(Vec<(SegmentId, i32)>, u64)> {
    use sea_orm::PaginatorTrait as _;
    use segments::Column as Of;
    let query = segments::Entity::find()
        .filter(Of::DocumentId.eq(document.0))
        .filter(Of::Enabled.eq(true))
        .filter(Of::Status.eq("completed"));
    let total = query.clone().count(&source.executor()).await?;
    let rows: Vec<(Uuid, i32)> = query
        .select_only()
        .columns([Of::Id, Of::Position])
        .order_by_asc(Of::Position)
        .order_by_asc(Of::Id)
        .offset(super::skipped(page, limit))
        .limit(limit)
        .into_tuple()
        .all(&source.executor())
        .await?;
    Ok((rows.into_iter().map(|(id, position)| (SegmentId(id), position)).collect(), total))
}

/// Chunks of a document that are found, after a position, in their order: those that summaries are made of.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn found_after(source: &dyn Source, document: DocumentId, after: i32, limit: u64) -> Result<Vec<Segment>> {
    use segments::Column as Of;
    let rows = segments::Entity::find()
        .filter(Of::DocumentId.eq(document.0))
        .filter(Of::Position.gt(after))
        .filter(Of::Enabled.eq(true))
        .filter(Of::Status.eq("completed"))
        .order_by_asc(Of::Position)
        .limit(limit)
        .all(&source.executor())
        .await?;
    Ok(rows.into_iter().map(Segment::from).collect())
}

/// Whether any summary waits to be made.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn is_waiting(source: &dyn Source) -> Result<bool> {
    let executor = source.executor();
    let at = shared_now(source).await?;
    let statement = Statement::from_sql_and_values(
        executor.get_database_backend(),
        "SELECT s.id FROM document_segment_summaries s LEFT JOIN processes p ON p.id = s.leased_by WHERE s.status IN \
         ('not_started', 'generating') AND (s.leased_by IS NULL OR s.leased_until < $1 OR p.id IS NULL) LIMIT 1",
        [at.into()],
    );
    Ok(executor.query_one_raw(statement).await?.is_some())
}

/// Takes summaries that nobody makes, a workspace after the other, the oldest first: each is this process's until its
/// lease ends.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn claim(tx: &Tx, process: Uuid, life: Duration, limit: u64) -> Result<Vec<SegmentSummary>> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
    }
    let at = shared_now(tx).await?;
    let connection = tx.connection();
    let statement = Statement::from_sql_and_values(
        connection.get_database_backend(),
        "SELECT id FROM (SELECT s.id, s.created_at, ROW_NUMBER() OVER (PARTITION BY s.tenant_id ORDER BY s.created_at, \
         s.id) AS turn FROM document_segment_summaries s LEFT JOIN processes p ON p.id = s.leased_by WHERE s.status IN \
         ('not_started', 'generating') AND (s.leased_by IS NULL OR s.leased_until < $1 OR p.id IS NULL)) q ORDER BY \
         turn, created_at, id LIMIT $2",
        [at.into(), i64::try_from(limit).unwrap_or(i64::MAX).into()],
    );
    let found = Row::find_by_statement(statement).all(connection).await?;
    let mut out = Vec::with_capacity(found.len());
    for Row { id } in found {
        let free = Condition::any().add(Column::LeasedBy.is_null()).add(Column::LeasedUntil.lt(at)).add(Expr::cust(
            "NOT EXISTS (SELECT 1 FROM processes p WHERE p.id = document_segment_summaries.leased_by)",
        ));
        let done = Entity::update_many()
            .col_expr(Column::LeasedBy, Expr::value(process))
            .col_expr(Column::LeasedUntil, Expr::value(at + life))
            .col_expr(Column::Attempts, Expr::col(Column::Attempts).add(1))
            .col_expr(Column::Status, Expr::value("generating"))
            .filter(Column::Id.eq(id))
            .filter(Column::Status.is_in(UNFINISHED))
            .filter(free)
            .exec(connection)
            .await?;
        let found = if done.rows_affected > 0 { Entity::find_by_id(id).one(connection).await? } else { None };
        out.extend(found.map(SegmentSummary::from));
    }
    Ok(out)
}

fn held(process: Uuid, id: Uuid) -> UpdateMany<Entity> {
    freed(Entity::update_many()).filter(Column::Id.eq(id)).filter(Column::LeasedBy.eq(process))
}

/// Stores what was made, if it is still this process's to make; else false.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn finish(tx: &Tx, process: Uuid, id: Uuid, made: NewSummary) -> Result<bool> {
    let done = held(process, id)
        .col_expr(Column::SummaryContent, Expr::value(Some(made.content)))
        .col_expr(Column::SummaryIndexNodeHash, Expr::value(Some(made.hash)))
        .col_expr(Column::Tokens, Expr::value(made.tokens))
        .col_expr(Column::Status, Expr::value("completed"))
        .col_expr(Column::Error, Expr::value(Option::<String>::None))
        .exec(tx.connection())
        .await?;
    Ok(done.rows_affected > 0)
}

/// Notes why there is none, or `not_started` to begin again; nothing happens when it is another's meanwhile.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn fail(tx: &Tx, process: Uuid, id: Uuid, status: &str, error: Option<&str>) -> Result<()> {
    held(process, id)
        .col_expr(Column::Status, Expr::value(status))
        .col_expr(Column::Error, Expr::value(error))
        .exec(tx.connection())
        .await?;
    Ok(())
}
