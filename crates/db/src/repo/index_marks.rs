//! How far vector stores outside have read the changes of datasets, and whose turn it is to write to them.
//!
//! A store is known by a text that names its kind and its place. Who writes to a collection holds the lease of its
//! mark; a mark moves on only from where its holder has read it, so that a reset is never lost.

use std::time::Duration;

use chrono::{DateTime, Utc};
use ox_types::{DatasetId, TenantId, boxed};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, IntoActiveModel,
    QueryFilter, QueryOrder, QuerySelect, Statement, UpdateMany,
    sea_query::{Expr, ExprTrait, OnConflict},
};
use uuid::Uuid;

use crate::{
    Result, Source, Tx,
    entity::{
        datasets,
        index_marks::{Column, Entity, Model},
    },
    model::{IndexLag, IndexMark, IndexState},
    time::shared_now,
};

impl From<Model> for IndexMark {
    fn from(row: Model) -> Self {
        Self {
            tenant_id: TenantId(row.tenant_id),
            dataset_id: DatasetId(row.dataset_id),
            generation: row.generation,
            seq: row.seq,
            node_id: row.node_id,
            is_ready: row.is_ready,
            error: row.error,
            attempts: row.attempts,
        }
    }
}

/// The datasets with vectors that have an index.
const WITH_VECTORS: &str = "d.indexing_technique = 'high_quality' AND d.provider = 'vendor' AND d.index_seq > 0";
/// Nobody writes to the collection.
const FREE: &str = "(m.leased_by IS NULL OR m.leased_until < $2 OR NOT EXISTS (SELECT 1 FROM processes p WHERE p.id = \
                    m.leased_by))";

fn one(store: &str, dataset: DatasetId, generation: i32) -> Condition {
    Condition::all()
        .add(Column::Store.eq(store))
        .add(Column::DatasetId.eq(dataset.0))
        .add(Column::Generation.eq(generation))
}

/// The mark of one generation of a dataset.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn find(source: &dyn Source, store: &str, dataset: DatasetId, generation: i32) -> Result<Option<IndexMark>> {
    let found = Entity::find().filter(one(store, dataset, generation)).one(&source.executor()).await?;
    Ok(found.map(IndexMark::from))
}

/// All marks of a store, in the order of their datasets.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn all(source: &dyn Source, store: &str) -> Result<Vec<IndexMark>> {
    let rows = Entity::find()
        .filter(Column::Store.eq(store))
        .order_by_asc(Column::DatasetId)
        .order_by_asc(Column::Generation)
        .all(&source.executor())
        .await?;
    Ok(rows.into_iter().map(IndexMark::from).collect())
}

/// The stores that have marks.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn stores(source: &dyn Source) -> Result<Vec<String>> {
    let query = Entity::find().select_only().column(Column::Store).distinct().order_by_asc(Column::Store);
    Ok(query.into_tuple().all(&source.executor()).await?)
}

#[derive(FromQueryResult)]
struct StateRow {
    id: Uuid,
    tenant_id: Uuid,
    index_seq: i64,
    index_generation: i32,
    purged_seq: i64,
}

impl From<StateRow> for IndexState {
    fn from(row: StateRow) -> Self {
        Self {
            tenant_id: TenantId(row.tenant_id),
            dataset_id: DatasetId(row.id),
            seq: row.index_seq,
            generation: row.index_generation,
            purged_seq: row.purged_seq,
        }
    }
}

/// Datasets with vectors, after one of them, in the order of their ids.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn datasets(source: &dyn Source, after: Option<DatasetId>, limit: u64) -> Result<Vec<IndexState>> {
    let executor = source.executor();
    let sql = format!(
        "SELECT d.id, d.tenant_id, d.index_seq, d.index_generation, d.purged_seq FROM datasets d WHERE {WITH_VECTORS} AND \
         d.id > $1 ORDER BY d.id LIMIT $2"
    );
    let values = [after.map_or(Uuid::nil(), |id| id.0).into(), i64::try_from(limit).unwrap_or(i64::MAX).into()];
    let statement = Statement::from_sql_and_values(executor.get_database_backend(), sql, values);
    Ok(StateRow::find_by_statement(statement).all(&executor).await?.into_iter().map(IndexState::from).collect())
}

/// All datasets that have an index, after one of them, in the order of their ids.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn indexed(source: &dyn Source, after: Option<DatasetId>, limit: u64) -> Result<Vec<IndexState>> {
    use datasets::Column as Of;
    let rows: Vec<(Uuid, Uuid, i64, i32, i64)> = datasets::Entity::find()
        .select_only()
        .columns([Of::Id, Of::TenantId, Of::IndexSeq, Of::IndexGeneration, Of::PurgedSeq])
        .filter(Of::Id.gt(after.map_or(Uuid::nil(), |id| id.0)))
        .filter(Of::IndexSeq.gt(0))
        .order_by_asc(Of::Id)
        .limit(limit)
        .into_tuple()
        .all(&source.executor())
        .await?;
    let state = |(id, tenant_id, index_seq, index_generation, purged_seq)| {
        IndexState::from(StateRow { id, tenant_id, index_seq, index_generation, purged_seq })
    };
    Ok(rows.into_iter().map(state).collect())
}

/// Datasets with changes that a store has not read, whose turn it is, and to which nobody writes.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn behind(source: &dyn Source, store: &str, limit: u64) -> Result<Vec<IndexState>> {
    let at = shared_now(source).await?;
    let executor = source.executor();
    let sql = format!(
        "SELECT d.id, d.tenant_id, d.index_seq, d.index_generation, d.purged_seq FROM datasets d LEFT JOIN index_marks m \
         ON m.store = $1 AND m.dataset_id = d.id AND m.generation = d.index_generation WHERE {WITH_VECTORS} AND \
         (m.dataset_id IS NULL OR (m.seq < d.index_seq AND m.due_at <= $2 AND {FREE})) ORDER BY m.due_at, d.id LIMIT $3"
    );
    let values = [store.into(), at.into(), i64::try_from(limit).unwrap_or(i64::MAX).into()];
    let statement = Statement::from_sql_and_values(executor.get_database_backend(), sql, values);
    Ok(StateRow::find_by_statement(statement).all(&executor).await?.into_iter().map(IndexState::from).collect())
}

/// Marks of datasets and generations that are gone, whose turn it is, and to which nobody writes.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn gone(source: &dyn Source, store: &str, limit: u64) -> Result<Vec<IndexMark>> {
    let at = shared_now(source).await?;
    let executor = source.executor();
    let sql = format!(
        "SELECT m.* FROM index_marks m LEFT JOIN datasets d ON d.id = m.dataset_id WHERE m.store = $1 AND m.due_at <= $2 \
         AND (d.id IS NULL OR m.generation < d.index_generation) AND {FREE} ORDER BY m.due_at LIMIT $3"
    );
    let values = [store.into(), at.into(), i64::try_from(limit).unwrap_or(i64::MAX).into()];
    let statement = Statement::from_sql_and_values(executor.get_database_backend(), sql, values);
    Ok(Model::find_by_statement(statement).all(&executor).await?.into_iter().map(IndexMark::from).collect())
}

/// How much a store has not read yet.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn lag(source: &dyn Source, store: &str) -> Result<IndexLag> {
    #[derive(FromQueryResult)]
    struct Row {
        datasets: i64,
        behind: Option<i64>,
        changes: Option<i64>,
        error: Option<String>,
    }
    let executor = source.executor();
    let backend = executor.get_database_backend();
    let sql = format!(
        "SELECT COUNT(*) AS datasets, CAST(SUM(CASE WHEN COALESCE(m.seq, 0) < d.index_seq THEN 1 ELSE 0 END) AS bigint) AS \
         behind, CAST(SUM(CASE WHEN COALESCE(m.seq, 0) < d.index_seq THEN d.index_seq - COALESCE(m.seq, 0) ELSE 0 END) AS \
         bigint) AS changes, MAX(m.error) AS error FROM datasets d LEFT JOIN index_marks m ON m.store = $1 AND \
         m.dataset_id = d.id AND m.generation = d.index_generation WHERE {WITH_VECTORS}"
    );
    let statement = Statement::from_sql_and_values(backend, sql, [store.into()]);
    let Some(row) = Row::find_by_statement(statement).one(&executor).await? else { return Ok(IndexLag::default()) };
    let statement = Statement::from_sql_and_values(
        backend,
        "SELECT COUNT(*) FROM index_marks m LEFT JOIN datasets d ON d.id = m.dataset_id WHERE m.store = $1 AND (d.id IS \
         NULL OR m.generation < d.index_generation)",
        [store.into()],
    );
    let gone: i64 = match executor.query_one_raw(statement).await? {
        Some(row) => row.try_get_by_index(0)?,
        None => 0,
    };
    Ok(IndexLag {
        datasets: row.datasets.unsigned_abs(),
        behind: row.behind.unwrap_or_default().unsigned_abs(),
        changes: row.changes.unwrap_or_default().unsigned_abs(),
        gone: gone.unsigned_abs(),
        error: row.error,
    })
}

/// Makes a mark where there is none: nothing was read.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn begin(tx: &Tx, store: &str, state: IndexState) -> Result<()> {
    let row = Model {
        store: store.to_owned(),
        dataset_id: state.dataset_id.0,
        generation: state.generation,
        tenant_id: state.tenant_id.0,
        seq: 0,
        node_id: Uuid::nil(),
        is_ready: false,
        error: None,
        attempts: 0,
        due_at: shared_now(tx).await?,
        leased_by: None,
        leased_until: None,
    };
    let key = [Column::Store, Column::DatasetId, Column::Generation];
    Entity::insert(row.into_active_model().reset_all())
        .on_conflict(OnConflict::columns(key).do_nothing().to_owned())
        .exec_without_returning(tx.connection())
        .await?;
    Ok(())
}

/// Takes the right to write to a collection; none when somebody else has it, or the mark is gone.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn claim(
    tx: &Tx,
    store: &str,
    dataset: DatasetId,
    generation: i32,
    process: Uuid,
    life: Duration,
) -> Result<Option<IndexMark>> {
    let at = shared_now(tx).await?;
    let free = Condition::any()
        .add(Column::LeasedBy.is_null())
        .add(Column::LeasedBy.eq(process))
        .add(Column::LeasedUntil.lt(at))
        .add(Expr::cust("NOT EXISTS (SELECT 1 FROM processes p WHERE p.id = index_marks.leased_by)"));
    let done = Entity::update_many()
        .col_expr(Column::LeasedBy, Expr::value(process))
        .col_expr(Column::LeasedUntil, Expr::value(at + life))
        .filter(one(store, dataset, generation))
        .filter(free)
        .exec(tx.connection())
        .await?;
    if done.rows_affected == 0 { Ok(None) } else { find(tx, store, dataset, generation).await }
}

fn held(store: &str, mark: &IndexMark, process: Uuid) -> UpdateMany<Entity> {
    Entity::update_many()
        .filter(one(store, mark.dataset_id, mark.generation))
        .filter(Column::LeasedBy.eq(process))
        .filter(Column::Seq.eq(mark.seq))
        .filter(Column::NodeId.eq(mark.node_id))
}

/// Whether the mark is still the holder's, and where it was; the lease is prolonged.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn prolong(tx: &Tx, store: &str, mark: &IndexMark, process: Uuid, life: Duration) -> Result<bool> {
    let until: DateTime<Utc> = shared_now(tx).await? + life;
    let done =
        held(store, mark, process).col_expr(Column::LeasedUntil, Expr::value(until)).exec(tx.connection()).await?;
    Ok(done.rows_affected > 0)
}

/// Moves a mark on to a place; false when it is not the holder's any more, or was reset.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn advance(
    tx: &Tx,
    store: &str,
    mark: &IndexMark,
    process: Uuid,
    to: (i64, Uuid),
    is_ready: bool,
    life: Duration,
) -> Result<bool> {
    let until: DateTime<Utc> = shared_now(tx).await? + life;
    let done = held(store, mark, process)
        .col_expr(Column::Seq, Expr::value(to.0))
        .col_expr(Column::NodeId, Expr::value(to.1))
        .col_expr(Column::IsReady, Expr::value(is_ready))
        .col_expr(Column::Error, Expr::value(Option::<String>::None))
        .col_expr(Column::Attempts, Expr::value(0))
        .col_expr(Column::LeasedUntil, Expr::value(until))
        .exec(tx.connection())
        .await?;
    Ok(done.rows_affected > 0)
}

/// Gives the right to write back; with what failed, and when it is to be tried again.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn release(
    tx: &Tx,
    store: &str,
    mark: &IndexMark,
    process: Uuid,
    failed: Option<(&str, Duration)>,
) -> Result<()> {
    let mut update = Entity::update_many()
        .filter(one(store, mark.dataset_id, mark.generation))
        .filter(Column::LeasedBy.eq(process))
        .col_expr(Column::LeasedBy, Expr::value(Option::<Uuid>::None))
        .col_expr(Column::LeasedUntil, Expr::value(Option::<DateTime<Utc>>::None));
    if let Some((error, pause)) = failed {
        let due: DateTime<Utc> = shared_now(tx).await? + pause;
        update = update
            .col_expr(Column::Error, Expr::value(error))
            .col_expr(Column::Attempts, Expr::col(Column::Attempts).add(1))
            .col_expr(Column::DueAt, Expr::value(due));
    }
    update.exec(tx.connection()).await?;
    Ok(())
}

/// Lets everything of a collection be read anew. What is in it is searched meanwhile.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn reset(tx: &Tx, store: &str, dataset: DatasetId, generation: i32) -> Result<()> {
    Entity::update_many()
        .filter(one(store, dataset, generation))
        .col_expr(Column::Seq, Expr::value(0))
        .col_expr(Column::NodeId, Expr::value(Uuid::nil()))
        .col_expr(Column::DueAt, Expr::value(shared_now(tx).await?))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// Lets what failed be tried again at once: the store answers.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn retry_now(tx: &Tx, store: &str) -> Result<()> {
    let at = shared_now(tx).await?;
    Entity::update_many()
        .filter(Column::Store.eq(store))
        .filter(Column::DueAt.gt(at))
        .filter(Column::Error.is_not_null())
        .col_expr(Column::DueAt, Expr::value(at))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// Forgets a mark: its collection is gone.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn forget(tx: &Tx, store: &str, dataset: DatasetId, generation: i32) -> Result<()> {
    Entity::delete_many().filter(one(store, dataset, generation)).exec(tx.connection()).await?;
    Ok(())
}
