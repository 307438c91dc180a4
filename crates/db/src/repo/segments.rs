//! Chunks of documents.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use ox_types::{AccountId, DatasetId, DocumentId, FileId, SegmentId, TenantId, boxed};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait},
};
use uuid::Uuid;

use super::{keyword::Keyword, row, skipped};
use crate::{
    Result, Source, Tx,
    entity::{
        child_chunks, datasets, document_segment_summaries as summaries,
        document_segments::{Column, Entity, Model},
        segment_attachment_bindings as bindings, upload_files,
    },
    model::Segment,
    now,
};

/// Rows of one statement.
const CHUNK: usize = 300;

/// What a list of chunks is filtered by.
#[derive(Clone, Debug, Default)]
pub struct SegmentFilter {
    pub keyword: Option<String>,
    pub statuses: Vec<String>,
    pub enabled: Option<bool>,
    pub least_hits: Option<i64>,
    /// From 1.
    pub page: u64,
    pub limit: u64,
}

/// One page by position, and how many there are.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn list(source: &dyn Source, document: DocumentId, filter: &SegmentFilter) -> Result<(Vec<Segment>, u64)> {
    let mut query = Entity::find().filter(Column::DocumentId.eq(document.0));
    if !filter.statuses.is_empty() {
        query = query.filter(Column::Status.is_in(&filter.statuses));
    }
    if let Some(enabled) = filter.enabled {
        query = query.filter(Column::Enabled.eq(enabled));
    }
    if let Some(least) = filter.least_hits {
        query = query.filter(Column::HitCount.gte(least));
    }
    if let Some(keyword) = Keyword::new(source, filter.keyword.as_deref()) {
        query = query.filter(keyword.in_any([Column::Content, Column::Answer, Column::Keywords]));
    }
    let total = query.clone().count(&source.executor()).await?;
    let rows = query
        .order_by_asc(Column::Position)
        .order_by_asc(Column::Id)
        .offset(skipped(filter.page, filter.limit))
        .limit(filter.limit)
        .all(&source.executor())
        .await?;
    Ok((rows.into_iter().map(Segment::from).collect(), total))
}

/// Chunks of a document after a position whose work is not done, in their order.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn unfinished(source: &dyn Source, document: DocumentId, after: i32, limit: u64) -> Result<Vec<Segment>> {
    let rows = Entity::find()
        .filter(Column::DocumentId.eq(document.0))
        .filter(Column::Position.gt(after))
        .filter(Column::Status.is_not_in(["completed", "error"]))
        .order_by_asc(Column::Position)
        .limit(limit)
        .all(&source.executor())
        .await?;
    Ok(rows.into_iter().map(Segment::from).collect())
}

/// Chunks of a document after a position, with their positions, in their order.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn ids_after(
    source: &dyn Source,
    document: DocumentId,
    after: i32,
    limit: u64,
) -> Result<Vec<(SegmentId, i32)>> {
    let rows: Vec<(Uuid, i32)> = Entity::find()
        .select_only()
        .columns([Column::Id, Column::Position])
        .filter(Column::DocumentId.eq(document.0))
        .filter(Column::Position.gt(after))
        .order_by_asc(Column::Position)
        .limit(limit)
        .into_tuple()
        .all(&source.executor())
        .await?;
    Ok(rows.into_iter().map(|(id, position)| (SegmentId(id), position)).collect())
}

/// Characters and tokens of a document's finished chunks.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn sums(source: &dyn Source, document: DocumentId) -> Result<(i64, i64)> {
    let found: Option<(Option<i64>, Option<i64>)> = Entity::find()
        .select_only()
        .column_as(Column::WordCount.sum().cast_as("bigint"), "words")
        .column_as(Column::Tokens.sum().cast_as("bigint"), "tokens")
        .filter(Column::DocumentId.eq(document.0))
        .into_tuple()
        .one(&source.executor())
        .await?;
    let (words, tokens) = found.unwrap_or_default();
    Ok((words.unwrap_or_default(), tokens.unwrap_or_default()))
}

/// One of a document.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn find(
    source: &dyn Source,
    tenant: TenantId,
    document: DocumentId,
    id: SegmentId,
) -> Result<Option<Segment>> {
    let query =
        Entity::find_by_id(id.0).filter(Column::TenantId.eq(tenant.0)).filter(Column::DocumentId.eq(document.0));
    Ok(query.one(&source.executor()).await?.map(Segment::from))
}

/// Several of a knowledge base, in no order.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn find_all(
    source: &dyn Source,
    tenant: TenantId,
    dataset: DatasetId,
    ids: &[SegmentId],
) -> Result<Vec<Segment>> {
    let mut out = Vec::new();
    for ids in ids.chunks(CHUNK) {
        let rows = Entity::find()
            .filter(Column::TenantId.eq(tenant.0))
            .filter(Column::DatasetId.eq(dataset.0))
            .filter(Column::Id.is_in(ids.iter().map(|id| id.0)))
            .all(&source.executor())
            .await?;
        out.extend(rows.into_iter().map(Segment::from));
    }
    Ok(out)
}

/// The position after the last.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn next_position(source: &dyn Source, document: DocumentId) -> Result<i32> {
    let last: Option<Option<i32>> = Entity::find()
        .select_only()
        .column_as(Column::Position.max(), "last")
        .filter(Column::DocumentId.eq(document.0))
        .into_tuple()
        .one(&source.executor())
        .await?;
    Ok(last.flatten().unwrap_or(0).saturating_add(1))
}

/// Adds several.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn insert(tx: &Tx, items: Vec<Segment>) -> Result<()> {
    let mut rows = items.into_iter().map(|item| Model::from(item).into_active_model().reset_all()).peekable();
    while rows.peek().is_some() {
        let chunk: Vec<_> = rows.by_ref().take(CHUNK).collect();
        Entity::insert_many(chunk).exec_without_returning(tx.connection()).await?;
    }
    Ok(())
}

/// Writes one anew.
///
/// # Errors
/// Not found when it is gone.
#[boxed]
pub async fn update(tx: &Tx, item: Segment) -> Result<()> {
    row::update::<Entity>(tx, "segment", item).await
}

/// Notes that chunks can be found; `tokens` beside each.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn complete(tx: &Tx, items: &[(SegmentId, i32)], at: DateTime<Utc>) -> Result<()> {
    // Equal numbers of tokens are written together.
    let mut by_tokens: HashMap<i32, Vec<Uuid>> = HashMap::new();
    for (id, tokens) in items {
        by_tokens.entry(*tokens).or_default().push(id.0);
    }
    for (tokens, ids) in by_tokens {
        for ids in ids.chunks(CHUNK) {
            Entity::update_many()
                .col_expr(Column::Status, Expr::value("completed"))
                .col_expr(Column::Enabled, Expr::value(true))
                .col_expr(Column::Tokens, Expr::value(tokens))
                .col_expr(Column::CompletedAt, Expr::value(Some(at)))
                .col_expr(Column::Error, Expr::value(Option::<String>::None))
                .filter(Column::Id.is_in(ids.iter().copied()))
                .exec(tx.connection())
                .await?;
        }
    }
    Ok(())
}

/// Marks the chunks of a document that is worked on anew.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn mark(tx: &Tx, document: DocumentId, status: &str) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::Status, Expr::value(status))
        .filter(Column::DocumentId.eq(document.0))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// Switches chunks of a document on or off.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn set_enabled(
    tx: &Tx,
    document: DocumentId,
    ids: &[SegmentId],
    by: Option<(AccountId, DateTime<Utc>)>,
) -> Result<()> {
    for ids in ids.chunks(CHUNK) {
        Entity::update_many()
            .col_expr(Column::Enabled, Expr::value(by.is_none()))
            .col_expr(Column::DisabledBy, Expr::value(by.map(|(account, _)| account.0)))
            .col_expr(Column::DisabledAt, Expr::value(by.map(|(_, at)| at)))
            .col_expr(Column::UpdatedAt, Expr::value(now()))
            .filter(Column::DocumentId.eq(document.0))
            .filter(Column::Id.is_in(ids.iter().map(|id| id.0)))
            .exec(tx.connection())
            .await?;
    }
    Ok(())
}

/// Chunks of a document that are not found even when the document is.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn off(source: &dyn Source, document: DocumentId) -> Result<Vec<SegmentId>> {
    let rows: Vec<Uuid> = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::DocumentId.eq(document.0))
        .filter(Column::Enabled.eq(false))
        .into_tuple()
        .all(&source.executor())
        .await?;
    Ok(rows.into_iter().map(SegmentId).collect())
}

/// Removes chunks of a document with their parts, summaries and attachments; all of them without ids. Returns how many.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn delete(tx: &Tx, document: DocumentId, ids: Option<&[SegmentId]>) -> Result<u64> {
    let connection = tx.connection();
    let parts = child_chunks::Entity::delete_many().filter(child_chunks::Column::DocumentId.eq(document.0));
    let told = summaries::Entity::delete_many().filter(summaries::Column::DocumentId.eq(document.0));
    let bound = bindings::Entity::delete_many().filter(bindings::Column::DocumentId.eq(document.0));
    let whole = Entity::delete_many().filter(Column::DocumentId.eq(document.0));
    let Some(ids) = ids else {
        parts.exec(connection).await?;
        told.exec(connection).await?;
        bound.exec(connection).await?;
        return Ok(whole.exec(connection).await?.rows_affected);
    };
    let mut count = 0;
    for ids in ids.chunks(CHUNK) {
        let ids = || ids.iter().map(|id| id.0);
        parts.clone().filter(child_chunks::Column::SegmentId.is_in(ids())).exec(connection).await?;
        told.clone().filter(summaries::Column::ChunkId.is_in(ids())).exec(connection).await?;
        bound.clone().filter(bindings::Column::SegmentId.is_in(ids())).exec(connection).await?;
        count += whole.clone().filter(Column::Id.is_in(ids())).exec(connection).await?.rows_affected;
    }
    Ok(count)
}

/// The files that belong to chunks.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn attachments(source: &dyn Source, ids: &[SegmentId]) -> Result<HashMap<SegmentId, Vec<FileId>>> {
    let mut out: HashMap<SegmentId, Vec<FileId>> = HashMap::new();
    for ids in ids.chunks(CHUNK) {
        let rows: Vec<(Uuid, Uuid)> = bindings::Entity::find()
            .select_only()
            .columns([bindings::Column::SegmentId, bindings::Column::AttachmentId])
            .filter(bindings::Column::SegmentId.is_in(ids.iter().map(|id| id.0)))
            .order_by_asc(bindings::Column::CreatedAt)
            .order_by_asc(bindings::Column::Id)
            .into_tuple()
            .all(&source.executor())
            .await?;
        for (segment, file) in rows {
            out.entry(SegmentId(segment)).or_default().push(FileId(file));
        }
    }
    Ok(out)
}

/// Binds files to chunks of a knowledge base, beside those they have, and notes there that it has some.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn attach(tx: &Tx, segments: &[Segment], files: &HashMap<SegmentId, Vec<FileId>>) -> Result<()> {
    let created_at = now();
    let row = |segment: &Segment, file: &FileId| bindings::Model {
        id: ox_types::new_uuid(),
        tenant_id: segment.tenant_id.0,
        dataset_id: segment.dataset_id.0,
        document_id: segment.document_id.0,
        segment_id: segment.id.0,
        attachment_id: file.0,
        created_at,
    };
    let (mut rows, mut marked) = (Vec::new(), Vec::new());
    for segment in segments {
        for file in files.get(&segment.id).into_iter().flatten() {
            rows.push(row(segment, file).into_active_model().reset_all());
            if !marked.contains(&segment.dataset_id.0) {
                marked.push(segment.dataset_id.0);
            }
        }
    }
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let chunk: Vec<_> = rows.by_ref().take(CHUNK).collect();
        bindings::Entity::insert_many(chunk).exec_without_returning(tx.connection()).await?;
    }
    if !marked.is_empty() {
        datasets::Entity::update_many()
            .col_expr(datasets::Column::HasAttachments, Expr::value(true))
            .filter(datasets::Column::Id.is_in(marked))
            .filter(datasets::Column::HasAttachments.eq(false))
            .exec(tx.connection())
            .await?;
    }
    Ok(())
}

/// Binds files to a chunk, in place of those before.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn set_attachments(tx: &Tx, segment: &Segment, files: &[FileId]) -> Result<()> {
    bindings::Entity::delete_many().filter(bindings::Column::SegmentId.eq(segment.id.0)).exec(tx.connection()).await?;
    attach(tx, std::slice::from_ref(segment), &HashMap::from([(segment.id, files.to_vec())])).await
}

/// Pictures that were taken out of a document and are bound to no chunk any more: all of them, or those among some
/// files.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn left_pictures(
    source: &dyn Source,
    tenant: TenantId,
    document: DocumentId,
    among: Option<&[FileId]>,
) -> Result<Vec<FileId>> {
    let mut query = upload_files::Entity::find()
        .select_only()
        .column(upload_files::Column::Id)
        .filter(upload_files::Column::TenantId.eq(tenant.0))
        .filter(upload_files::Column::UsedBy.eq(document.0));
    if let Some(among) = among {
        query = query.filter(upload_files::Column::Id.is_in(among.iter().map(|id| id.0)));
    }
    let found: Vec<Uuid> = query.into_tuple().all(&source.executor()).await?;
    let mut out = Vec::with_capacity(found.len());
    for chunk in found.chunks(CHUNK) {
        let bound: Vec<Uuid> = bindings::Entity::find()
            .select_only()
            .column(bindings::Column::AttachmentId)
            .filter(bindings::Column::AttachmentId.is_in(chunk.iter().copied()))
            .into_tuple()
            .all(&source.executor())
            .await?;
        out.extend(chunk.iter().filter(|id| !bound.contains(id)).copied().map(FileId));
    }
    Ok(out)
}

/// Chunks of a document that no answer was made for yet, in their order.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn without_answer(source: &dyn Source, document: DocumentId, limit: u64) -> Result<Vec<Segment>> {
    let rows = Entity::find()
        .filter(Column::DocumentId.eq(document.0))
        .filter(Column::Answer.is_null())
        .order_by_asc(Column::Position)
        .limit(limit)
        .all(&source.executor())
        .await?;
    Ok(rows.into_iter().map(Segment::from).collect())
}
