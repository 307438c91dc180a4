//! What a search reads and leaves behind: what the hits stand for, counts and questions.

use ox_types::{AppId, ChildChunkId, DatasetId, DocumentId, SegmentId, TenantId, boxed};
use sea_orm::{
    ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::{Expr, ExprTrait, Query},
};
use uuid::Uuid;

use super::{row, skipped};
use crate::{
    Result, Source, Tx,
    entity::{JsonText, child_chunks, dataset_metadatas, dataset_queries, document_segments, documents},
    model::{DatasetQuery, FoundChild, FoundDocument, FoundRow},
};

/// Rows of one statement.
const CHUNK: usize = 500;

/// The documents of a dataset whose chunks can be found, a page after an id.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn searchable_documents(
    source: &dyn Source,
    dataset: DatasetId,
    after: Option<DocumentId>,
    limit: u64,
) -> Result<Vec<FoundDocument>> {
    use documents::Column as Of;
    let mut query = documents::Entity::find()
        .filter(Of::DatasetId.eq(dataset.0))
        .filter(Of::IndexingStatus.eq("completed"))
        .filter(Of::Enabled.eq(true))
        .filter(Of::Archived.eq(false));
    if let Some(after) = after {
        query = query.filter(Of::Id.gt(after.0));
    }
    let rows = query.order_by_asc(Of::Id).limit(limit).all(&source.executor()).await?;
    Ok(rows.into_iter().map(FoundDocument::from).collect())
}

/// Documents by id.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn documents(source: &dyn Source, tenant: TenantId, ids: &[DocumentId]) -> Result<Vec<FoundDocument>> {
    use documents::Column as Of;
    let mut found = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(CHUNK) {
        let rows = documents::Entity::find()
            .filter(Of::Id.is_in(chunk.iter().map(|id| id.0)))
            .filter(Of::TenantId.eq(tenant.0))
            .all(&source.executor())
            .await?;
        found.extend(rows.into_iter().map(FoundDocument::from));
    }
    Ok(found)
}

impl From<documents::Model> for FoundDocument {
    fn from(row: documents::Model) -> Self {
        Self {
            id: DocumentId(row.id),
            dataset_id: DatasetId(row.dataset_id),
            name: row.name,
            data_source_type: row.data_source_type,
            doc_form: row.doc_form,
            doc_type: row.doc_type,
            doc_metadata: row.doc_metadata.map(|JsonText(json)| json),
        }
    }
}

/// Segments by id: only those that may be found.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn segments(source: &dyn Source, tenant: TenantId, ids: &[SegmentId]) -> Result<Vec<FoundRow>> {
    use document_segments::Column as Of;
    let mut found = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(CHUNK) {
        let rows = document_segments::Entity::find()
            .filter(Of::Id.is_in(chunk.iter().map(|id| id.0)))
            .filter(Of::TenantId.eq(tenant.0))
            .filter(Of::Enabled.eq(true))
            .filter(Of::Status.eq("completed"))
            .all(&source.executor())
            .await?;
        found.extend(rows.into_iter().map(FoundRow::from));
    }
    Ok(found)
}

/// Segments of documents by their positions: only those that may be found.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn at_positions(
    source: &dyn Source,
    tenant: TenantId,
    places: &[(DocumentId, Vec<i32>)],
) -> Result<Vec<FoundRow>> {
    use document_segments::Column as Of;
    let mut found = Vec::new();
    for (document, positions) in places {
        let rows = document_segments::Entity::find()
            .filter(Of::DocumentId.eq(document.0))
            .filter(Of::Position.is_in(positions.iter().copied()))
            .filter(Of::TenantId.eq(tenant.0))
            .filter(Of::Enabled.eq(true))
            .filter(Of::Status.eq("completed"))
            .order_by_asc(Of::Position)
            .all(&source.executor())
            .await?;
        found.extend(rows.into_iter().map(FoundRow::from));
    }
    Ok(found)
}

/// How many segments of a dataset can be found, and their characters.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn size(source: &dyn Source, dataset: DatasetId) -> Result<(u64, u64)> {
    use document_segments::Column as Of;
    let found: Option<(i64, Option<i64>)> = findable(dataset)
        .select_only()
        .column_as(Of::Id.count(), "segments")
        .column_as(Of::WordCount.sum().cast_as("bigint"), "characters")
        .into_tuple()
        .one(&source.executor())
        .await?;
    let (segments, characters) = found.unwrap_or_default();
    Ok((segments.unsigned_abs(), characters.unwrap_or_default().unsigned_abs()))
}

/// All segments of a dataset that can be found, in the order of their documents; no more than `limit`.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn whole(source: &dyn Source, dataset: DatasetId, limit: u64) -> Result<Vec<FoundRow>> {
    use document_segments::Column as Of;
    let rows = findable(dataset)
        .order_by_asc(Of::DocumentId)
        .order_by_asc(Of::Position)
        .limit(limit)
        .all(&source.executor())
        .await?;
    Ok(rows.into_iter().map(FoundRow::from).collect())
}

fn findable(dataset: DatasetId) -> Select<document_segments::Entity> {
    use document_segments::Column as Of;
    let open = Query::select()
        .column(documents::Column::Id)
        .from(documents::Entity)
        .and_where(documents::Column::DatasetId.eq(dataset.0))
        .and_where(documents::Column::IndexingStatus.eq("completed"))
        .and_where(documents::Column::Enabled.eq(true))
        .and_where(documents::Column::Archived.eq(false))
        .to_owned();
    document_segments::Entity::find()
        .filter(Of::DatasetId.eq(dataset.0))
        .filter(Of::Enabled.eq(true))
        .filter(Of::Status.eq("completed"))
        .filter(Of::DocumentId.in_subquery(open))
}

/// The documents of a dataset that have one of these names.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn documents_named(
    source: &dyn Source,
    dataset: DatasetId,
    names: &[String],
) -> Result<Vec<(String, DocumentId)>> {
    use documents::Column as Of;
    let mut found = Vec::new();
    for names in names.chunks(CHUNK) {
        let rows: Vec<(String, Uuid)> = documents::Entity::find()
            .select_only()
            .columns([Of::Name, Of::Id])
            .filter(Of::DatasetId.eq(dataset.0))
            .filter(Of::Name.is_in(names))
            .order_by_asc(Of::Id)
            .into_tuple()
            .all(&source.executor())
            .await?;
        found.extend(rows.into_iter().map(|(name, id)| (name, DocumentId(id))));
    }
    Ok(found)
}

impl From<document_segments::Model> for FoundRow {
    fn from(row: document_segments::Model) -> Self {
        let keywords = row.keywords.and_then(|JsonText(list)| serde_json::from_value(list).ok()).unwrap_or_default();
        Self {
            id: SegmentId(row.id),
            dataset_id: DatasetId(row.dataset_id),
            document_id: DocumentId(row.document_id),
            position: row.position,
            content: row.content,
            answer: row.answer,
            word_count: row.word_count,
            tokens: row.tokens,
            keywords,
            page: row.page,
            heading: row.heading,
            index_node_id: row.index_node_id,
            index_node_hash: row.index_node_hash,
            hit_count: row.hit_count,
            created_by: row.created_by,
            created_at: row.created_at,
            indexing_at: row.indexing_at,
            completed_at: row.completed_at,
        }
    }
}

/// Child chunks by their place in the index.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn children(source: &dyn Source, tenant: TenantId, nodes: &[Uuid]) -> Result<Vec<FoundChild>> {
    use child_chunks::Column as Of;
    let mut found = Vec::with_capacity(nodes.len());
    for chunk in nodes.chunks(CHUNK) {
        let rows = child_chunks::Entity::find()
            .filter(Of::IndexNodeId.is_in(chunk.iter().copied()))
            .filter(Of::TenantId.eq(tenant.0))
            .all(&source.executor())
            .await?;
        found.extend(rows.into_iter().map(|row| FoundChild {
            id: ChildChunkId(row.id),
            segment_id: SegmentId(row.segment_id),
            index_node_id: row.index_node_id,
            position: row.position,
            content: row.content,
        }));
    }
    Ok(found)
}

/// The names of the metadata fields of some datasets, each once.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn metadata_fields(source: &dyn Source, tenant: TenantId, ids: &[DatasetId]) -> Result<Vec<String>> {
    use dataset_metadatas::Column as Of;
    let names: Vec<String> = dataset_metadatas::Entity::find()
        .select_only()
        .column(Of::Name)
        .distinct()
        .filter(Of::DatasetId.is_in(ids.iter().map(|id| id.0)))
        .filter(Of::TenantId.eq(tenant.0))
        .order_by_asc(Of::Name)
        .into_tuple()
        .all(&source.executor())
        .await?;
    Ok(names)
}

/// Counts that these segments were found.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn count_hits(tx: &Tx, tenant: TenantId, ids: &[SegmentId]) -> Result<()> {
    use document_segments::Column as Of;
    for chunk in ids.chunks(CHUNK) {
        document_segments::Entity::update_many()
            .col_expr(Of::HitCount, Expr::col(Of::HitCount).add(1))
            .filter(Of::Id.is_in(chunk.iter().map(|id| id.0)))
            .filter(Of::TenantId.eq(tenant.0))
            .exec(tx.connection())
            .await?;
    }
    Ok(())
}

/// Keeps a question.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn log_query(tx: &Tx, query: DatasetQuery) -> Result<()> {
    let row = dataset_queries::Model {
        id: query.id,
        tenant_id: query.tenant_id.0,
        dataset_id: query.dataset_id.0,
        content: query.content,
        source: query.source,
        source_app_id: query.source_app_id.map(|id| id.0),
        created_by_role: query.created_by_role,
        created_by: query.created_by,
        created_at: query.created_at,
    };
    row::insert::<dataset_queries::Entity>(tx, row).await
}

/// A page (1-based) of the questions asked of a dataset, newest first, and how many there are.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn queries(
    source: &dyn Source,
    tenant: TenantId,
    dataset: DatasetId,
    page: u64,
    limit: u64,
) -> Result<(Vec<DatasetQuery>, u64)> {
    use dataset_queries::Column as Of;
    let query = dataset_queries::Entity::find().filter(Of::DatasetId.eq(dataset.0)).filter(Of::TenantId.eq(tenant.0));
    let total = query.clone().count(&source.executor()).await?;
    let rows = query
        .order_by_desc(Of::CreatedAt)
        .order_by_desc(Of::Id)
        .offset(skipped(page, limit))
        .limit(limit)
        .all(&source.executor())
        .await?;
    let queries = rows.into_iter().map(|row| DatasetQuery {
        id: row.id,
        tenant_id: TenantId(row.tenant_id),
        dataset_id: DatasetId(row.dataset_id),
        content: row.content,
        source: row.source,
        source_app_id: row.source_app_id.map(AppId),
        created_by_role: row.created_by_role,
        created_by: row.created_by,
        created_at: row.created_at,
    });
    Ok((queries.collect(), total))
}
