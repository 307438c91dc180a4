//! Parts of chunks, found in their place.

use std::collections::HashMap;

use ox_types::{ChildChunkId, SegmentId, boxed};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};

use super::{keyword::Keyword, row, skipped};
use crate::{
    Result, Source, Tx,
    entity::child_chunks::{Column, Entity, Model},
    model::ChildChunk,
};

/// Rows of one statement.
const CHUNK: usize = 300;

/// One page by position, and how many there are.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn list(
    source: &dyn Source,
    segment: SegmentId,
    keyword: Option<&str>,
    page: u64,
    limit: u64,
) -> Result<(Vec<ChildChunk>, u64)> {
    let mut query = Entity::find().filter(Column::SegmentId.eq(segment.0));
    if let Some(keyword) = Keyword::new(source, keyword) {
        query = query.filter(keyword.in_any([Column::Content]));
    }
    let total = query.clone().count(&source.executor()).await?;
    let rows = query
        .order_by_asc(Column::Position)
        .order_by_asc(Column::Id)
        .offset(skipped(page, limit))
        .limit(limit)
        .all(&source.executor())
        .await?;
    Ok((rows.into_iter().map(ChildChunk::from).collect(), total))
}

/// The parts of several chunks, by position.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn of_segments(source: &dyn Source, ids: &[SegmentId]) -> Result<HashMap<SegmentId, Vec<ChildChunk>>> {
    let mut out: HashMap<SegmentId, Vec<ChildChunk>> = HashMap::new();
    for ids in ids.chunks(CHUNK) {
        let rows = Entity::find()
            .filter(Column::SegmentId.is_in(ids.iter().map(|id| id.0)))
            .order_by_asc(Column::Position)
            .order_by_asc(Column::Id)
            .all(&source.executor())
            .await?;
        for row in rows {
            out.entry(SegmentId(row.segment_id)).or_default().push(ChildChunk::from(row));
        }
    }
    Ok(out)
}

/// One of a chunk.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn find(source: &dyn Source, segment: SegmentId, id: ChildChunkId) -> Result<Option<ChildChunk>> {
    let query = Entity::find_by_id(id.0).filter(Column::SegmentId.eq(segment.0));
    Ok(query.one(&source.executor()).await?.map(ChildChunk::from))
}

/// Several by their ids alone, in no order: hits name them.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn find_all(source: &dyn Source, ids: &[ChildChunkId]) -> Result<Vec<ChildChunk>> {
    let mut out = Vec::new();
    for ids in ids.chunks(CHUNK) {
        let rows = Entity::find().filter(Column::Id.is_in(ids.iter().map(|id| id.0))).all(&source.executor()).await?;
        out.extend(rows.into_iter().map(ChildChunk::from));
    }
    Ok(out)
}

/// Adds several.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn insert(tx: &Tx, items: Vec<ChildChunk>) -> Result<()> {
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
pub async fn update(tx: &Tx, item: ChildChunk) -> Result<()> {
    row::update::<Entity>(tx, "child chunk", item).await
}

/// Removes some of a chunk.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn delete(tx: &Tx, segment: SegmentId, ids: &[ChildChunkId]) -> Result<()> {
    for ids in ids.chunks(CHUNK) {
        Entity::delete_many()
            .filter(Column::SegmentId.eq(segment.0))
            .filter(Column::Id.is_in(ids.iter().map(|id| id.0)))
            .exec(tx.connection())
            .await?;
    }
    Ok(())
}

/// Removes all of a chunk.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn delete_all(tx: &Tx, segment: SegmentId) -> Result<()> {
    Entity::delete_many().filter(Column::SegmentId.eq(segment.0)).exec(tx.connection()).await?;
    Ok(())
}
