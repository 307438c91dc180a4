//! Documents of knowledge bases: lists, switches, and whose turn it is to be worked on.

mod leases;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use ox_types::{AccountId, DatasetId, DocumentId, FileId, Json, TenantId, boxed};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, UpdateMany,
    sea_query::{Expr, ExprTrait, Func},
};
use uuid::Uuid;

use leases::held;
pub use leases::{Stage, advance, claim, is_waiting, prolong, release};

use super::{keyword::Keyword, row, skipped};
use crate::{
    Result, Source, Tx,
    entity::{
        JsonText, document_segments as segments,
        documents::{Column, Entity, Model},
        segment_attachment_bindings as bindings, upload_files,
    },
    model::Document,
};

/// Rows of one statement.
const CHUNK: usize = 300;

/// What callers ask a document's state by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisplayStatus {
    Queuing,
    Paused,
    Indexing,
    Error,
    Available,
    Disabled,
    Archived,
}

impl DisplayStatus {
    /// Reads the name; `active` and `enabled` are `available`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "queuing" => Self::Queuing,
            "paused" => Self::Paused,
            "indexing" => Self::Indexing,
            "error" => Self::Error,
            "available" | "active" | "enabled" => Self::Available,
            "disabled" => Self::Disabled,
            "archived" => Self::Archived,
            _ => return None,
        })
    }

    fn condition(self) -> Condition {
        const WORKING: [&str; 4] = ["parsing", "cleaning", "splitting", "indexing"];
        let all = Condition::all();
        let done = || Condition::all().add(Column::IndexingStatus.eq("completed"));
        match self {
            Self::Queuing => all.add(Column::IndexingStatus.eq("waiting")),
            Self::Paused => all.add(Column::IndexingStatus.is_in(WORKING)).add(Column::IsPaused.eq(true)),
            Self::Indexing => all.add(Column::IndexingStatus.is_in(WORKING)).add(Column::IsPaused.eq(false)),
            Self::Error => all.add(Column::IndexingStatus.eq("error")),
            Self::Available => done().add(Column::Archived.eq(false)).add(Column::Enabled.eq(true)),
            Self::Disabled => done().add(Column::Archived.eq(false)).add(Column::Enabled.eq(false)),
            Self::Archived => done().add(Column::Archived.eq(true)),
        }
    }
}

/// The order of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DocumentOrder {
    #[default]
    Newest,
    Oldest,
    MostHits,
    FewestHits,
}

/// What a list of documents is filtered by.
#[derive(Clone, Debug, Default)]
pub struct DocumentFilter {
    pub keyword: Option<String>,
    pub status: Option<DisplayStatus>,
    pub order: DocumentOrder,
    /// From 1.
    pub page: u64,
    pub limit: u64,
}

/// One page and how many there are.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn list(source: &dyn Source, dataset: DatasetId, filter: &DocumentFilter) -> Result<(Vec<Document>, u64)> {
    let mut query = Entity::find().filter(Column::DatasetId.eq(dataset.0));
    if let Some(status) = filter.status {
        query = query.filter(status.condition());
    }
    if let Some(keyword) = Keyword::new(source, filter.keyword.as_deref()) {
        query = query.filter(keyword.in_any([Column::Name]));
    }
    let total = query.clone().count(&source.executor()).await?;
    let hits = || {
        Expr::cust("(SELECT COALESCE(SUM(s.hit_count), 0) FROM document_segments s WHERE s.document_id = documents.id)")
    };
    let query = match filter.order {
        DocumentOrder::Newest => query.order_by_desc(Column::CreatedAt).order_by_desc(Column::Position),
        DocumentOrder::Oldest => query.order_by_asc(Column::CreatedAt).order_by_asc(Column::Position),
        DocumentOrder::MostHits => query.order_by_desc(hits()).order_by_asc(Column::Position),
        DocumentOrder::FewestHits => query.order_by_asc(hits()).order_by_asc(Column::Position),
    };
    let rows = query.offset(skipped(filter.page, filter.limit)).limit(filter.limit).all(&source.executor()).await?;
    Ok((rows.into_iter().map(Document::from).collect(), total))
}

fn of(tenant: TenantId, dataset: DatasetId) -> Condition {
    Condition::all().add(Column::DatasetId.eq(dataset.0)).add(Column::TenantId.eq(tenant.0))
}

/// One of a knowledge base.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn find(
    source: &dyn Source,
    tenant: TenantId,
    dataset: DatasetId,
    id: DocumentId,
) -> Result<Option<Document>> {
    let query = Entity::find_by_id(id.0).filter(of(tenant, dataset));
    Ok(query.one(&source.executor()).await?.map(Document::from))
}

/// Several of a knowledge base, in their order in it.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn find_all(
    source: &dyn Source,
    tenant: TenantId,
    dataset: DatasetId,
    ids: &[DocumentId],
) -> Result<Vec<Document>> {
    let mut out = Vec::new();
    for ids in ids.chunks(CHUNK) {
        let query = Entity::find().filter(of(tenant, dataset)).filter(Column::Id.is_in(ids.iter().map(|id| id.0)));
        out.extend(query.all(&source.executor()).await?.into_iter().map(Document::from));
    }
    out.sort_by_key(|document| document.position);
    Ok(out)
}

/// Those that were uploaded together, all of them without a batch.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn of_batch(source: &dyn Source, dataset: DatasetId, batch: Option<&str>) -> Result<Vec<Document>> {
    let mut query = Entity::find().filter(Column::DatasetId.eq(dataset.0));
    if let Some(batch) = batch {
        query = query.filter(Column::Batch.eq(batch));
    }
    let rows = query.order_by_asc(Column::Position).all(&source.executor()).await?;
    Ok(rows.into_iter().map(Document::from).collect())
}

/// Those that failed or were paused.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn failed(source: &dyn Source, dataset: DatasetId) -> Result<Vec<Document>> {
    let rows = Entity::find()
        .filter(Column::DatasetId.eq(dataset.0))
        .filter(Column::IndexingStatus.is_in(["error", "paused"]))
        .order_by_asc(Column::Position)
        .all(&source.executor())
        .await?;
    Ok(rows.into_iter().map(Document::from).collect())
}

/// An enabled uploaded document of this name.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn named(source: &dyn Source, dataset: DatasetId, name: &str) -> Result<Option<Document>> {
    let query = Entity::find()
        .filter(Column::DatasetId.eq(dataset.0))
        .filter(Column::Name.eq(name))
        .filter(Column::DataSourceType.eq("upload_file"))
        .filter(Column::Enabled.eq(true));
    Ok(query.one(&source.executor()).await?.map(Document::from))
}

/// The position after the last.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn next_position(source: &dyn Source, dataset: DatasetId) -> Result<i32> {
    let last: Option<Option<i32>> = Entity::find()
        .select_only()
        .column_as(Column::Position.max(), "last")
        .filter(Column::DatasetId.eq(dataset.0))
        .into_tuple()
        .one(&source.executor())
        .await?;
    Ok(last.flatten().unwrap_or(0).saturating_add(1))
}

/// The form that all documents of a knowledge base have.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn form(source: &dyn Source, dataset: DatasetId) -> Result<Option<String>> {
    let found: Option<String> = Entity::find()
        .select_only()
        .column(Column::DocForm)
        .filter(Column::DatasetId.eq(dataset.0))
        .order_by_asc(Column::CreatedAt)
        .into_tuple()
        .one(&source.executor())
        .await?;
    Ok(found)
}

/// Adds several.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn insert(tx: &Tx, items: Vec<Document>) -> Result<()> {
    let mut rows = items.into_iter().map(|item| Model::from(item).into_active_model().reset_all()).peekable();
    while rows.peek().is_some() {
        let chunk: Vec<_> = rows.by_ref().take(CHUNK).collect();
        Entity::insert_many(chunk).exec_without_returning(tx.connection()).await?;
    }
    Ok(())
}

/// Writes one anew that nobody works on.
///
/// # Errors
/// Not found when it is gone.
#[boxed]
pub async fn update(tx: &Tx, item: Document) -> Result<()> {
    row::update::<Entity>(tx, "document", item).await
}

/// Gives a document the file that its source was kept as, while the process works on it; false when it does not.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn set_file(tx: &Tx, process: Uuid, id: DocumentId, file: FileId, info: Json) -> Result<bool> {
    let done = held(process, id)
        .col_expr(Column::FileId, Expr::value(Some(file.0)))
        .col_expr(Column::DataSourceInfo, Expr::value(Some(JsonText(info))))
        .exec(tx.connection())
        .await?;
    Ok(done.rows_affected > 0)
}

/// Gives one another name.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn rename(tx: &Tx, id: DocumentId, name: &str, file: Option<FileId>) -> Result<()> {
    change(id).col_expr(Column::Name, Expr::value(name)).exec(tx.connection()).await?;
    if let Some(file) = file {
        upload_files::Entity::update_many()
            .col_expr(upload_files::Column::Name, Expr::value(name))
            .filter(upload_files::Column::Id.eq(file.0))
            .exec(tx.connection())
            .await?;
    }
    Ok(())
}

/// Notes that its chunks are to have summaries.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn set_need_summary(tx: &Tx, id: DocumentId) -> Result<()> {
    change(id).col_expr(Column::NeedSummary, Expr::value(true)).exec(tx.connection()).await?;
    Ok(())
}

/// Stores the values of its metadata.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn set_metadata(tx: &Tx, id: DocumentId, doc_type: Option<&str>, metadata: Option<Json>) -> Result<()> {
    change(id)
        .col_expr(Column::DocType, Expr::value(doc_type))
        .col_expr(Column::DocMetadata, Expr::value(metadata.map(JsonText)))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// Switches it on or off.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn set_enabled(tx: &Tx, id: DocumentId, by: Option<(AccountId, DateTime<Utc>)>) -> Result<()> {
    change(id)
        .col_expr(Column::Enabled, Expr::value(by.is_none()))
        .col_expr(Column::DisabledBy, Expr::value(by.map(|(account, _)| account.0)))
        .col_expr(Column::DisabledAt, Expr::value(by.map(|(_, at)| at)))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// Archives it, or takes it out of the archive.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn set_archived(tx: &Tx, id: DocumentId, by: Option<(AccountId, DateTime<Utc>)>) -> Result<()> {
    change(id)
        .col_expr(Column::Archived, Expr::value(by.is_some()))
        .col_expr(Column::ArchivedBy, Expr::value(by.map(|(account, _)| account.0)))
        .col_expr(Column::ArchivedAt, Expr::value(by.map(|(_, at)| at)))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// Stops the work on it, or lets it go on. False when its state is another.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn set_paused(tx: &Tx, id: DocumentId, by: Option<(AccountId, DateTime<Utc>)>) -> Result<bool> {
    let states = ["waiting", "parsing", "cleaning", "splitting", "indexing"];
    let done = change(id)
        .col_expr(Column::IsPaused, Expr::value(by.is_some()))
        .col_expr(Column::PausedBy, Expr::value(by.map(|(account, _)| account.0)))
        .col_expr(Column::PausedAt, Expr::value(by.map(|(_, at)| at)))
        .col_expr(Column::Attempts, Expr::value(0))
        .filter(Column::IsPaused.eq(by.is_none()))
        .filter(Column::IndexingStatus.is_in(states))
        .exec(tx.connection())
        .await?;
    Ok(done.rows_affected > 0)
}

/// Lets failed ones begin anew.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn retry(tx: &Tx, dataset: DatasetId, ids: &[DocumentId]) -> Result<u64> {
    let mut count = 0;
    for ids in ids.chunks(CHUNK) {
        let done = Entity::update_many()
            .col_expr(Column::IndexingStatus, Expr::value("waiting"))
            .col_expr(Column::Error, Expr::value(Option::<String>::None))
            .col_expr(Column::StoppedAt, Expr::value(Option::<DateTime<Utc>>::None))
            .col_expr(Column::IsPaused, Expr::value(false))
            .col_expr(Column::Attempts, Expr::value(0))
            .col_expr(Column::LeasedBy, Expr::value(Option::<Uuid>::None))
            .col_expr(Column::LeasedUntil, Expr::value(Option::<DateTime<Utc>>::None))
            .filter(Column::DatasetId.eq(dataset.0))
            .filter(Column::Id.is_in(ids.iter().map(|id| id.0)))
            .filter(Column::IndexingStatus.eq("error"))
            .exec(tx.connection())
            .await?;
        count += done.rows_affected;
    }
    Ok(count)
}

/// Deletes some; their chunks go afterwards (`datasets::step`). Returns their files that no other document has.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn delete(tx: &Tx, dataset: DatasetId, ids: &[DocumentId]) -> Result<Vec<FileId>> {
    let mut files: Vec<Uuid> = Vec::new();
    for ids in ids.chunks(CHUNK) {
        let wanted = || Column::Id.is_in(ids.iter().map(|id| id.0)).and(Column::DatasetId.eq(dataset.0));
        let rows: Vec<Option<Uuid>> = Entity::find()
            .select_only()
            .column(Column::FileId)
            .filter(wanted())
            .into_tuple()
            .all(tx.connection())
            .await?;
        files.extend(rows.into_iter().flatten());
        Entity::delete_many().filter(wanted()).exec(tx.connection()).await?;
    }
    alone(tx, files).await
}

/// Some files of a knowledge base that is gone.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn files_of(tx: &Tx, dataset: DatasetId, limit: u64) -> Result<Vec<FileId>> {
    let ids: Vec<(Uuid, Uuid)> = Entity::find()
        .select_only()
        .columns([Column::Id, Column::FileId])
        .filter(Column::DatasetId.eq(dataset.0))
        .filter(Column::FileId.is_not_null())
        .limit(limit)
        .into_tuple()
        .all(tx.connection())
        .await?;
    let (documents, files): (Vec<Uuid>, Vec<Uuid>) = ids.into_iter().unzip();
    Entity::update_many()
        .col_expr(Column::FileId, Expr::value(Option::<Uuid>::None))
        .filter(Column::Id.is_in(documents))
        .exec(tx.connection())
        .await?;
    alone(tx, files).await
}

/// Those of some files that no document is made of and no chunk is bound to.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn unnamed_files(source: &dyn Source, files: &[FileId]) -> Result<Vec<FileId>> {
    use bindings::Column as Bound;
    let mut out = Vec::new();
    for chunk in files.chunks(CHUNK) {
        let ids = || chunk.iter().map(|id| id.0);
        let made: Vec<Uuid> = Entity::find()
            .select_only()
            .column(Column::FileId)
            .filter(Column::FileId.is_in(ids()))
            .into_tuple()
            .all(&source.executor())
            .await?;
        let bound: Vec<Uuid> = bindings::Entity::find()
            .select_only()
            .column(Bound::AttachmentId)
            .filter(Bound::AttachmentId.is_in(ids()))
            .into_tuple()
            .all(&source.executor())
            .await?;
        out.extend(chunk.iter().filter(|id| !made.contains(&id.0) && !bound.contains(&id.0)).copied());
    }
    Ok(out)
}

async fn alone(tx: &Tx, files: Vec<Uuid>) -> Result<Vec<FileId>> {
    let mut out = Vec::new();
    for chunk in files.chunks(CHUNK) {
        let used: Vec<Uuid> = Entity::find()
            .select_only()
            .column(Column::FileId)
            .filter(Column::FileId.is_in(chunk.iter().copied()))
            .into_tuple()
            .all(tx.connection())
            .await?;
        out.extend(chunk.iter().filter(|id| !used.contains(id)).copied().map(FileId));
    }
    Ok(out)
}

fn change(id: DocumentId) -> UpdateMany<Entity> {
    Entity::update_many().col_expr(Column::UpdatedAt, Expr::value(crate::now())).filter(Column::Id.eq(id.0))
}

/// How many chunks documents have, and how many of them are done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SegmentCounts {
    pub total: u64,
    pub completed: u64,
    pub hits: u64,
}

/// The chunks of documents, counted.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn segment_counts(source: &dyn Source, ids: &[DocumentId]) -> Result<HashMap<DocumentId, SegmentCounts>> {
    use segments::Column as Of;
    let mut out = HashMap::new();
    for ids in ids.chunks(CHUNK) {
        let completed = Expr::case(Of::Status.eq("completed"), 1).finally(0);
        let rows: Vec<(Uuid, i64, Option<i64>, Option<i64>)> = segments::Entity::find()
            .select_only()
            .column(Of::DocumentId)
            .column_as(Of::Id.count(), "total")
            .column_as(Expr::expr(completed).sum().cast_as("bigint"), "completed")
            .column_as(Of::HitCount.sum().cast_as("bigint"), "hits")
            .filter(Of::DocumentId.is_in(ids.iter().map(|id| id.0)))
            .filter(Of::Status.ne("re_segment"))
            .group_by(Of::DocumentId)
            .into_tuple()
            .all(&source.executor())
            .await?;
        let number = |number: Option<i64>| number.unwrap_or_default().unsigned_abs();
        out.extend(rows.into_iter().map(|(id, total, completed, hits)| {
            let counts =
                SegmentCounts { total: total.unsigned_abs(), completed: number(completed), hits: number(hits) };
            (DocumentId(id), counts)
        }));
    }
    Ok(out)
}

/// Adds to the words that are counted of a document.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn add_words(tx: &Tx, id: DocumentId, words: i64) -> Result<()> {
    change(id)
        .col_expr(
            Column::WordCount,
            Expr::expr(Func::coalesce([Expr::col(Column::WordCount), Expr::value(0_i64)])).add(words),
        )
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// A document of a workspace, wherever it is.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn anywhere(source: &dyn Source, tenant: TenantId, id: DocumentId) -> Result<Option<Document>> {
    let query = Entity::find_by_id(id.0).filter(Column::TenantId.eq(tenant.0));
    Ok(query.one(&source.executor()).await?.map(Document::from))
}
