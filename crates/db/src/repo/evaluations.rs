//! Questions whose answers are known, and how well settings of a search found them.

use std::{collections::HashSet, time::Duration};

use chrono::{DateTime, Utc};
use ox_types::{DatasetId, Json, TenantId, boxed};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
    sea_query::{Expr, ExprTrait},
};
use uuid::Uuid;

use super::{keyword::Keyword, row, skipped};
use crate::{
    Result, Source, Tx,
    entity::{
        JsonText, retrieval_evaluation_results as results, retrieval_evaluations as evaluations,
        retrieval_questions as questions,
    },
    model::{Evaluation, EvaluationResult, RetrievalQuestion},
    time::shared_now,
};

/// Rows of one statement.
const CHUNK: usize = 300;

/// What a list of questions is filtered by.
#[derive(Clone, Debug, Default)]
pub struct QuestionFilter {
    pub keyword: Option<String>,
    /// Those of these hashes.
    pub hashes: Option<Vec<String>>,
    /// From 1.
    pub page: u64,
    pub limit: u64,
}

/// One page, newest first, and how many there are.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn questions(
    source: &dyn Source,
    tenant: TenantId,
    dataset: DatasetId,
    filter: &QuestionFilter,
) -> Result<(Vec<RetrievalQuestion>, u64)> {
    use questions::{Column, Entity};
    let mut query = Entity::find().filter(Column::TenantId.eq(tenant.0)).filter(Column::DatasetId.eq(dataset.0));
    if let Some(keyword) = Keyword::new(source, filter.keyword.as_deref()) {
        query = query.filter(keyword.in_any([Column::Question]));
    }
    if let Some(hashes) = &filter.hashes {
        query = query.filter(Column::QuestionHash.is_in(hashes));
    }
    let total = query.clone().count(&source.executor()).await?;
    let rows = query
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id)
        .offset(skipped(filter.page, filter.limit))
        .limit(filter.limit)
        .all(&source.executor())
        .await?;
    Ok((rows.into_iter().map(RetrievalQuestion::from).collect(), total))
}

/// Questions, how many of them have answers that are known.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn count(source: &dyn Source, dataset: DatasetId) -> Result<(u64, u64)> {
    use questions::{Column, Entity};
    let all = Entity::find().filter(Column::DatasetId.eq(dataset.0));
    let known = all.clone().filter(Column::Expected.ne("[]"));
    Ok((all.count(&source.executor()).await?, known.count(&source.executor()).await?))
}

/// One of a knowledge base.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn question(source: &dyn Source, dataset: DatasetId, id: Uuid) -> Result<Option<RetrievalQuestion>> {
    let query = questions::Entity::find_by_id(id).filter(questions::Column::DatasetId.eq(dataset.0));
    Ok(query.one(&source.executor()).await?.map(RetrievalQuestion::from))
}

/// Adds several.
///
/// # Errors
/// A conflict when one is there already.
#[boxed]
pub async fn insert_questions(tx: &Tx, items: Vec<RetrievalQuestion>) -> Result<()> {
    let mut rows =
        items.into_iter().map(|item| questions::Model::from(item).into_active_model().reset_all()).peekable();
    while rows.peek().is_some() {
        let chunk: Vec<_> = rows.by_ref().take(CHUNK).collect();
        questions::Entity::insert_many(chunk).exec_without_returning(tx.connection()).await?;
    }
    Ok(())
}

/// Writes one anew.
///
/// # Errors
/// Not found when it is gone; a conflict when another one is the same.
#[boxed]
pub async fn update_question(tx: &Tx, item: RetrievalQuestion) -> Result<()> {
    row::update::<questions::Entity>(tx, "question", item).await
}

/// Removes some; returns how many there were.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn delete_questions(tx: &Tx, dataset: DatasetId, ids: &[Uuid]) -> Result<u64> {
    use questions::{Column, Entity};
    let mut gone = 0;
    for ids in ids.chunks(CHUNK) {
        let of = Entity::delete_many().filter(Column::DatasetId.eq(dataset.0));
        gone += of.filter(Column::Id.is_in(ids.iter().copied())).exec(tx.connection()).await?.rows_affected;
    }
    Ok(gone)
}

/// Adds an evaluation.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn insert(tx: &Tx, item: Evaluation) -> Result<()> {
    row::insert::<evaluations::Entity>(tx, item).await
}

/// The last evaluations of a knowledge base, newest first.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn list(source: &dyn Source, tenant: TenantId, dataset: DatasetId, limit: u64) -> Result<Vec<Evaluation>> {
    use evaluations::{Column, Entity};
    let rows = Entity::find()
        .filter(Column::TenantId.eq(tenant.0))
        .filter(Column::DatasetId.eq(dataset.0))
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id)
        .limit(limit)
        .all(&source.executor())
        .await?;
    Ok(rows.into_iter().map(Evaluation::from).collect())
}

/// One of a knowledge base.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn find(source: &dyn Source, tenant: TenantId, dataset: DatasetId, id: Uuid) -> Result<Option<Evaluation>> {
    use evaluations::{Column, Entity};
    let query = Entity::find_by_id(id).filter(Column::TenantId.eq(tenant.0)).filter(Column::DatasetId.eq(dataset.0));
    Ok(query.one(&source.executor()).await?.map(Evaluation::from))
}

/// Evaluations that nobody works on any more though they have not ended, oldest first.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn forsaken(source: &dyn Source, limit: u64) -> Result<Vec<Evaluation>> {
    use evaluations::{Column, Entity};
    let at = shared_now(source).await?;
    let rows = Entity::find()
        .filter(Column::Status.eq("running"))
        .filter(Condition::any().add(Column::LeasedUntil.is_null()).add(Column::LeasedUntil.lt(at)))
        .order_by_asc(Column::CreatedAt)
        .limit(limit)
        .all(&source.executor())
        .await?;
    Ok(rows.into_iter().map(Evaluation::from).collect())
}

/// Takes an evaluation that nobody works on; tells whether it is this process's now.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn claim(tx: &Tx, id: Uuid, process: Uuid, life: Duration) -> Result<bool> {
    use evaluations::{Column, Entity};
    let at = shared_now(tx).await?;
    let free = Condition::any().add(Column::LeasedUntil.is_null()).add(Column::LeasedUntil.lt(at));
    let done = Entity::update_many()
        .col_expr(Column::LeasedBy, Expr::value(process))
        .col_expr(Column::LeasedUntil, Expr::value(at + life))
        .filter(Column::Id.eq(id))
        .filter(Column::Status.eq("running"))
        .filter(free)
        .exec(tx.connection())
        .await?;
    Ok(done.rows_affected > 0)
}

/// Keeps results and prolongs the lease; false when the evaluation is not this process's any more, and nothing is
/// kept then.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn keep_results(
    tx: &Tx,
    id: Uuid,
    process: Uuid,
    life: Duration,
    items: Vec<EvaluationResult>,
) -> Result<bool> {
    use evaluations::{Column, Entity};
    let at = shared_now(tx).await?;
    let count = i32::try_from(items.len()).unwrap_or(i32::MAX);
    let held = Entity::update_many()
        .col_expr(Column::LeasedUntil, Expr::value(at + life))
        .col_expr(Column::Done, Expr::col(Column::Done).add(count))
        .filter(Column::Id.eq(id))
        .filter(Column::Status.eq("running"))
        .filter(Column::LeasedBy.eq(process))
        .exec(tx.connection())
        .await?;
    if held.rows_affected == 0 {
        return Ok(false);
    }
    let rows: Vec<_> =
        items.into_iter().map(|item| results::Model::from(item).into_active_model().reset_all()).collect();
    for chunk in rows.chunks(CHUNK) {
        results::Entity::insert_many(chunk.to_vec()).exec_without_returning(tx.connection()).await?;
    }
    Ok(true)
}

/// Ends an evaluation that runs; false when it has ended already.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn finish(
    tx: &Tx,
    id: Uuid,
    status: &str,
    error: Option<&str>,
    summary: Option<Json>,
    at: DateTime<Utc>,
) -> Result<bool> {
    use evaluations::{Column, Entity};
    let mut update = Entity::update_many()
        .col_expr(Column::Status, Expr::value(status))
        .col_expr(Column::Error, Expr::value(error))
        .col_expr(Column::FinishedAt, Expr::value(Some(at)))
        .col_expr(Column::LeasedBy, Expr::value(Option::<Uuid>::None))
        .col_expr(Column::LeasedUntil, Expr::value(Option::<DateTime<Utc>>::None));
    if let Some(summary) = summary {
        update = update.col_expr(Column::Summary, Expr::value(JsonText(summary)));
    }
    let done = update.filter(Column::Id.eq(id)).filter(Column::Status.eq("running")).exec(tx.connection()).await?;
    Ok(done.rows_affected > 0)
}

/// The pairs of question and setting that have a result.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn answered(source: &dyn Source, id: Uuid) -> Result<HashSet<(Uuid, i32)>> {
    use results::{Column, Entity};
    let rows: Vec<(Uuid, i32)> = Entity::find()
        .select_only()
        .columns([Column::QuestionId, Column::Setting])
        .filter(Column::EvaluationId.eq(id))
        .into_tuple()
        .all(&source.executor())
        .await?;
    Ok(rows.into_iter().collect())
}

/// All results of an evaluation, by question and setting. Their number is bounded when it begins.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn results(source: &dyn Source, id: Uuid) -> Result<Vec<EvaluationResult>> {
    use results::{Column, Entity};
    let rows = Entity::find()
        .filter(Column::EvaluationId.eq(id))
        .order_by_asc(Column::QuestionId)
        .order_by_asc(Column::Setting)
        .all(&source.executor())
        .await?;
    Ok(rows.into_iter().map(EvaluationResult::from).collect())
}

/// Removes an evaluation with its results.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn delete(tx: &Tx, tenant: TenantId, dataset: DatasetId, id: Uuid) -> Result<bool> {
    use evaluations::{Column, Entity};
    let done = Entity::delete_many()
        .filter(Column::Id.eq(id))
        .filter(Column::TenantId.eq(tenant.0))
        .filter(Column::DatasetId.eq(dataset.0))
        .exec(tx.connection())
        .await?;
    if done.rows_affected > 0 {
        results::Entity::delete_many().filter(results::Column::EvaluationId.eq(id)).exec(tx.connection()).await?;
    }
    Ok(done.rows_affected > 0)
}
