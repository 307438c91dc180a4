//! What can be found in a dataset, numbered by its last change, so that every index can read what is new to it.

use std::collections::HashMap;

use ox_types::{DatasetId, DocumentId, SegmentId, TenantId, boxed};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, Select,
    sea_query::{Expr, ExprTrait, OnConflict},
};
use uuid::Uuid;

use super::embeddings::vector_of;
use crate::{
    Error, Result, Source, Tx,
    entity::{
        JsonText, datasets, embeddings,
        index_nodes::{Column, Entity, Model},
    },
    model::{IndexChange, IndexEntry, IndexNodeKind, IndexNodes, IndexState, NewIndexNode},
    time::now,
};

/// Rows of one statement.
const CHUNK: usize = 500;

/// Where the index of a dataset stands.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn state(source: &dyn Source, tenant: TenantId, dataset: DatasetId) -> Result<Option<IndexState>> {
    use datasets::Column as Of;
    let found: Option<(i64, i32, i64)> = datasets::Entity::find_by_id(dataset.0)
        .filter(Of::TenantId.eq(tenant.0))
        .select_only()
        .columns([Of::IndexSeq, Of::IndexGeneration, Of::PurgedSeq])
        .into_tuple()
        .one(&source.executor())
        .await?;
    Ok(found.map(|(seq, generation, purged_seq)| IndexState {
        tenant_id: tenant,
        dataset_id: dataset,
        seq,
        generation,
        purged_seq,
    }))
}

/// Whether what was read after a change is all there was: a generation that is left loses its rows, and removals are
/// not told for ever. Asked after reading.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn is_whole_since(source: &dyn Source, wanted: IndexState, seq: i64) -> Result<bool> {
    let now = state(source, wanted.tenant_id, wanted.dataset_id).await?;
    Ok(now.is_some_and(|now| {
        now.generation <= wanted.generation && (now.purged_seq <= wanted.purged_seq || now.purged_seq <= seq)
    }))
}

/// The number of a change that this transaction makes. Other changes of the dataset wait for its end.
async fn next(tx: &Tx, tenant: TenantId, dataset: DatasetId) -> Result<IndexState> {
    use datasets::Column as Of;
    let done = datasets::Entity::update_many()
        .col_expr(Of::IndexSeq, Expr::col(Of::IndexSeq).add(1))
        .filter(Of::Id.eq(dataset.0))
        .filter(Of::TenantId.eq(tenant.0))
        .exec(tx.connection())
        .await?;
    if done.rows_affected == 0 {
        return Err(Error::NotFound("dataset"));
    }
    state(tx, tenant, dataset).await?.ok_or(Error::NotFound("dataset"))
}

/// Puts nodes in, in place of those with their ids, into the generation that is searched.
///
/// # Errors
/// Not found when the dataset is gone.
#[boxed]
pub async fn put(tx: &Tx, tenant: TenantId, dataset: DatasetId, nodes: Vec<NewIndexNode>) -> Result<()> {
    let state = next(tx, tenant, dataset).await?;
    put_into(tx, state, state.generation, nodes).await
}

/// Puts nodes into a generation that is being made beside the one that is searched.
///
/// # Errors
/// Not found when the dataset is gone.
#[boxed]
pub async fn put_beside(
    tx: &Tx,
    tenant: TenantId,
    dataset: DatasetId,
    generation: i32,
    nodes: Vec<NewIndexNode>,
) -> Result<()> {
    let state = next(tx, tenant, dataset).await?;
    put_into(tx, state, generation, nodes).await
}

/// Takes the pictures of segments out of a generation that is being made, but for some nodes: a segment that is read
/// again may have lost one meanwhile.
///
/// # Errors
/// Not found when the dataset is gone.
#[boxed]
pub async fn forget_pictures_beside(tx: &Tx, beside: IndexState, segments: &[SegmentId], kept: &[Uuid]) -> Result<()> {
    let state = next(tx, beside.tenant_id, beside.dataset_id).await?;
    for chunk in segments.chunks(CHUNK) {
        let mut these = of(beside.dataset_id, &IndexNodes::Segments(chunk))
            .add(Column::Generation.eq(beside.generation))
            .add(Column::Kind.eq(IndexNodeKind::Picture.as_str()));
        if !kept.is_empty() {
            these = these.add(Column::Id.is_not_in(kept.iter().copied()));
        }
        take_out(tx, state, these).await?;
    }
    Ok(())
}

async fn put_into(tx: &Tx, state: IndexState, generation: i32, nodes: Vec<NewIndexNode>) -> Result<()> {
    let mut rows = nodes.into_iter().map(|node| row(state, generation, node)).peekable();
    let all = [
        Column::DocumentId,
        Column::SegmentId,
        Column::Kind,
        Column::Content,
        Column::Keywords,
        Column::EmbeddingId,
        Column::Active,
        Column::RemovedAt,
        Column::Seq,
    ];
    while rows.peek().is_some() {
        let chunk: Vec<_> = rows.by_ref().take(CHUNK).map(|row| row.into_active_model().reset_all()).collect();
        Entity::insert_many(chunk)
            .on_conflict(OnConflict::columns([Column::Id, Column::Generation]).update_columns(all).to_owned())
            .exec_without_returning(tx.connection())
            .await?;
    }
    Ok(())
}

fn row(state: IndexState, generation: i32, node: NewIndexNode) -> Model {
    let keywords = (!node.keywords.is_empty()).then(|| JsonText(node.keywords.into()));
    Model {
        id: node.id,
        generation,
        tenant_id: state.tenant_id.0,
        dataset_id: state.dataset_id.0,
        document_id: node.document_id.0,
        segment_id: node.segment_id.0,
        kind: node.kind.as_str().to_owned(),
        content: node.content,
        keywords,
        embedding_id: node.embedding_id,
        active: node.active,
        removed_at: None,
        seq: state.seq,
    }
}

fn of(dataset: DatasetId, nodes: &IndexNodes<'_>) -> Condition {
    let base = Condition::all().add(Column::DatasetId.eq(dataset.0)).add(Column::RemovedAt.is_null());
    match nodes {
        IndexNodes::Documents(ids) => base.add(Column::DocumentId.is_in(ids.iter().map(|id| id.0))),
        IndexNodes::Segments(ids) => base.add(Column::SegmentId.is_in(ids.iter().map(|id| id.0))),
        IndexNodes::Nodes(ids) => base.add(Column::Id.is_in(ids.iter().copied())),
        IndexNodes::All => base,
    }
}

/// Lets nodes be found, or not. Returns how many changed.
///
/// # Errors
/// Not found when the dataset is gone.
#[boxed]
pub async fn set_active(
    tx: &Tx,
    tenant: TenantId,
    dataset: DatasetId,
    nodes: &IndexNodes<'_>,
    active: bool,
) -> Result<u64> {
    let state = next(tx, tenant, dataset).await?;
    let done = Entity::update_many()
        .col_expr(Column::Active, Expr::value(active))
        .col_expr(Column::Seq, Expr::value(state.seq))
        .filter(of(dataset, nodes))
        .filter(Column::Active.ne(active))
        .exec(tx.connection())
        .await?;
    Ok(done.rows_affected)
}

/// Takes nodes out for good, in every generation. Their rows stay, empty, until every index has had time to read it
/// ([`purge`]). Returns how many went.
///
/// # Errors
/// Not found when the dataset is gone.
#[boxed]
pub async fn remove(tx: &Tx, tenant: TenantId, dataset: DatasetId, nodes: &IndexNodes<'_>) -> Result<u64> {
    let state = next(tx, tenant, dataset).await?;
    take_out(tx, state, of(dataset, nodes)).await
}

/// Whose a document is of which not all nodes were taken out; none when they were.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn holder(source: &dyn Source, document: DocumentId) -> Result<Option<(TenantId, DatasetId)>> {
    let found: Option<(Uuid, Uuid)> = Entity::find()
        .select_only()
        .columns([Column::TenantId, Column::DatasetId])
        .filter(Column::DocumentId.eq(document.0))
        .filter(Column::RemovedAt.is_null())
        .limit(1)
        .into_tuple()
        .one(&source.executor())
        .await?;
    Ok(found.map(|(tenant, dataset)| (TenantId(tenant), DatasetId(dataset))))
}

async fn take_out(tx: &Tx, state: IndexState, nodes: Condition) -> Result<u64> {
    let done = Entity::update_many()
        .col_expr(Column::Active, Expr::value(false))
        .col_expr(Column::Content, Expr::value(""))
        .col_expr(Column::Keywords, Expr::value(Option::<String>::None))
        .col_expr(Column::EmbeddingId, Expr::value(Option::<Uuid>::None))
        .col_expr(Column::RemovedAt, Expr::value(now()))
        .col_expr(Column::Seq, Expr::value(state.seq))
        .filter(nodes)
        .exec(tx.connection())
        .await?;
    Ok(done.rows_affected)
}

/// What changed in a generation after a place, in order, at most `limit`.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn changes(
    source: &dyn Source,
    state: IndexState,
    after: (i64, Uuid),
    limit: u64,
) -> Result<Vec<IndexChange>> {
    let rows = after_place(state, after).limit(limit).all(&source.executor()).await?;
    let ids: Vec<Uuid> = rows.iter().filter(|row| row.active).filter_map(|row| row.embedding_id).collect();
    let vectors = vectors(source, &ids).await?;
    Ok(rows.into_iter().map(|row| change(row, &vectors)).collect())
}

/// As [`changes`], without the vectors.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn changes_of_words(
    source: &dyn Source,
    state: IndexState,
    after: (i64, Uuid),
    limit: u64,
) -> Result<Vec<IndexChange>> {
    let rows = after_place(state, after).limit(limit).all(&source.executor()).await?;
    Ok(rows.into_iter().map(|row| change(row, &HashMap::new())).collect())
}

/// How many changes [`changes`] has to tell after a place.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn count_after(source: &dyn Source, state: IndexState, after: (i64, Uuid)) -> Result<u64> {
    Ok(after_place(state, after).select_only().column(Column::Id).count(&source.executor()).await?)
}

/// The rows of a generation after a place, in the order of changes.
fn after_place(state: IndexState, (seq, id): (i64, Uuid)) -> Select<Entity> {
    let later =
        Condition::any().add(Column::Seq.gt(seq)).add(Condition::all().add(Column::Seq.eq(seq)).add(Column::Id.gt(id)));
    Entity::find()
        .filter(Column::DatasetId.eq(state.dataset_id.0))
        .filter(Column::Generation.eq(state.generation))
        // The first alone lets the index jump to the place.
        .filter(Column::Seq.gte(seq))
        .filter(later)
        .order_by_asc(Column::Seq)
        .order_by_asc(Column::Id)
}

fn change(row: Model, vectors: &HashMap<Uuid, Vec<f32>>) -> IndexChange {
    let keywords = row.keywords.and_then(|JsonText(list)| serde_json::from_value(list).ok()).unwrap_or_default();
    IndexChange {
        seq: row.seq,
        id: row.id,
        document_id: DocumentId(row.document_id),
        segment_id: SegmentId(row.segment_id),
        kind: IndexNodeKind::of(&row.kind),
        content: row.content,
        keywords,
        embedding: row.embedding_id.and_then(|id| vectors.get(&id).cloned()),
        active: row.active,
    }
}

/// Which of these nodes of a generation were not taken out for good.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn alive(source: &dyn Source, state: IndexState, ids: &[Uuid]) -> Result<Vec<Uuid>> {
    let mut out = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(CHUNK) {
        let rows: Vec<Uuid> = Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(Column::Id.is_in(chunk.iter().copied()))
            .filter(Column::Generation.eq(state.generation))
            .filter(Column::RemovedAt.is_null())
            .into_tuple()
            .all(&source.executor())
            .await?;
        out.extend(rows);
    }
    Ok(out)
}

/// Vectors by their ids.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn vectors(source: &dyn Source, ids: &[Uuid]) -> Result<HashMap<Uuid, Vec<f32>>> {
    use embeddings::Column as Of;
    let mut found = HashMap::with_capacity(ids.len());
    for chunk in ids.chunks(CHUNK) {
        let rows: Vec<(Uuid, Vec<u8>)> = embeddings::Entity::find()
            .select_only()
            .columns([Of::Id, Of::Embedding])
            .filter(Of::Id.is_in(chunk.iter().copied()))
            .into_tuple()
            .all(&source.executor())
            .await?;
        found.extend(rows.into_iter().map(|(id, bytes)| (id, vector_of(&bytes))));
    }
    Ok(found)
}

/// The vectors of nodes of a generation, by their nodes; none where there is no such node or it has none.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn vectors_of_nodes(source: &dyn Source, state: IndexState, ids: &[Uuid]) -> Result<HashMap<Uuid, Vec<f32>>> {
    let mut pairs: Vec<(Uuid, Uuid)> = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(CHUNK) {
        let rows: Vec<(Uuid, Option<Uuid>)> = Entity::find()
            .select_only()
            .columns([Column::Id, Column::EmbeddingId])
            .filter(Column::Id.is_in(chunk.iter().copied()))
            .filter(Column::Generation.eq(state.generation))
            .into_tuple()
            .all(&source.executor())
            .await?;
        pairs.extend(rows.into_iter().filter_map(|(id, embedding)| Some((id, embedding?))));
    }
    let wanted: Vec<Uuid> = pairs.iter().map(|(_, embedding)| *embedding).collect();
    let found = vectors(source, &wanted).await?;
    Ok(pairs.into_iter().filter_map(|(id, embedding)| Some((id, found.get(&embedding)?.clone()))).collect())
}

/// Whether a generation has anything that is found by its vector.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn has_vectors(source: &dyn Source, state: IndexState) -> Result<bool> {
    let found: Option<Uuid> = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::DatasetId.eq(state.dataset_id.0))
        .filter(Column::Generation.eq(state.generation))
        .filter(Column::Active.eq(true))
        .filter(Column::EmbeddingId.is_not_null())
        .limit(1)
        .into_tuple()
        .one(&source.executor())
        .await?;
    Ok(found.is_some())
}

/// The rows of a generation after a place, in the order of changes, without what they say.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn entries(
    source: &dyn Source,
    state: IndexState,
    after: (i64, Uuid),
    limit: u64,
) -> Result<Vec<IndexEntry>> {
    let rows: Vec<(Uuid, i64, bool, Option<Uuid>)> = after_place(state, after)
        .select_only()
        .columns([Column::Id, Column::Seq, Column::Active, Column::EmbeddingId])
        .limit(limit)
        .into_tuple()
        .all(&source.executor())
        .await?;
    let entry = |(id, seq, active, embedding): (Uuid, i64, bool, Option<Uuid>)| IndexEntry {
        id,
        seq,
        active,
        has_vector: embedding.is_some(),
    };
    Ok(rows.into_iter().map(entry).collect())
}

/// Removes for good, of every dataset, what was taken out before a time; at most `limit` rows of one dataset. Returns
/// how many went.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn purge(tx: &Tx, before: chrono::DateTime<chrono::Utc>, limit: u64) -> Result<u64> {
    use datasets::Column as Of;
    let rows: Vec<(Uuid, Uuid, i64)> = Entity::find()
        .select_only()
        .columns([Column::Id, Column::DatasetId, Column::Seq])
        .filter(Column::RemovedAt.lt(before))
        .order_by_asc(Column::RemovedAt)
        .limit(limit)
        .into_tuple()
        .all(tx.connection())
        .await?;
    let mut gone: HashMap<Uuid, (i64, Vec<Uuid>)> = HashMap::new();
    for (id, dataset, seq) in rows {
        let entry = gone.entry(dataset).or_default();
        entry.0 = Ord::max(entry.0, seq);
        entry.1.push(id);
    }
    let mut count = 0;
    for (dataset, (seq, ids)) in gone {
        datasets::Entity::update_many()
            .col_expr(Of::PurgedSeq, Expr::value(seq))
            .filter(Of::Id.eq(dataset))
            .filter(Of::PurgedSeq.lt(seq))
            .exec(tx.connection())
            .await?;
        for chunk in ids.chunks(CHUNK) {
            let done = Entity::delete_many()
                .filter(Column::Id.is_in(chunk.iter().copied()))
                .filter(Column::RemovedAt.lt(before))
                .exec(tx.connection())
                .await?;
            count += done.rows_affected;
        }
    }
    Ok(count)
}

/// The generation of a dataset that is searched, by its id alone; none when it is gone.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn generation(source: &dyn Source, dataset: DatasetId) -> Result<Option<i32>> {
    let query = datasets::Entity::find_by_id(dataset.0).select_only().column(datasets::Column::IndexGeneration);
    Ok(query.into_tuple().one(&source.executor()).await?)
}
