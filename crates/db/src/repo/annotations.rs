//! Answers that an app's makers wrote themselves.

use std::collections::HashMap;

use ox_types::{AppId, MessageId, boxed};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait},
};
use uuid::Uuid;

use super::{annotation_settings, keyword::Keyword, row, skipped};
use crate::{
    Page, Result, Source, Tx,
    entity::{
        app_annotation_hit_histories::{self as hits, Column as Hit},
        message_annotations::{Column, Entity, Model},
    },
    model::{Annotation, AnnotationHit},
    page,
};

/// Rows of one insert.
const CHUNK: usize = 500;

fn of_app(app: AppId) -> sea_orm::Select<Entity> {
    Entity::find().filter(Column::AppId.eq(app.0))
}

/// How many an app has.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn count(source: &dyn Source, app: AppId) -> Result<u64> {
    Ok(of_app(app).count(&source.executor()).await?)
}

/// A page (1-based) of an app's annotations, newest first, and how many there are.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn page(
    source: &dyn Source,
    app: AppId,
    keyword: Option<&str>,
    page: u64,
    limit: u64,
) -> Result<(Vec<Annotation>, u64)> {
    let mut query = of_app(app);
    if let Some(keyword) = Keyword::new(source, keyword) {
        query = query.filter(keyword.in_any([Column::Question, Column::Content]));
    }
    let total = query.clone().count(&source.executor()).await?;
    let rows = query
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id)
        .offset(skipped(page, limit))
        .limit(limit)
        .all(&source.executor())
        .await?;
    Ok((rows.into_iter().map(Annotation::from).collect(), total))
}

/// The annotations of an app after a place, newest first.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn after(source: &dyn Source, app: AppId, page: Page) -> Result<Vec<Annotation>> {
    let query = of_app(app).filter(page::before(Column::CreatedAt, Column::Id, page));
    let rows =
        page::newest_first(query, Column::CreatedAt, Column::Id).limit(page.limit).all(&source.executor()).await?;
    Ok(rows.into_iter().map(Annotation::from).collect())
}

/// One of an app.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn find(source: &dyn Source, app: AppId, id: Uuid) -> Result<Option<Annotation>> {
    let found = Entity::find_by_id(id).filter(Column::AppId.eq(app.0)).one(&source.executor()).await?;
    Ok(found.map(Annotation::from))
}

/// Those made from these messages.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn of_messages(source: &dyn Source, app: AppId, ids: &[MessageId]) -> Result<HashMap<MessageId, Annotation>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = Entity::find()
        .filter(Column::AppId.eq(app.0))
        .filter(Column::MessageId.is_in(ids.iter().map(|id| id.0)))
        .all(&source.executor())
        .await?;
    Ok(rows.into_iter().filter_map(|row| Some((MessageId(row.message_id?), Annotation::from(row)))).collect())
}

/// Adds several of one app.
///
/// # Errors
/// A conflict when a message has one already.
#[boxed]
pub async fn insert(tx: &Tx, items: Vec<Annotation>) -> Result<()> {
    if let Some(first) = items.first() {
        annotation_settings::changed(tx, first.app_id).await?;
    }
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
pub async fn update(tx: &Tx, item: Annotation) -> Result<()> {
    annotation_settings::changed(tx, item.app_id).await?;
    row::update::<Entity>(tx, "annotation", item).await
}

/// Removes these of an app with their history; `None` removes all. Returns how many went.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn delete(tx: &Tx, app: AppId, ids: Option<&[Uuid]>) -> Result<u64> {
    annotation_settings::changed(tx, app).await?;
    let mut gone = Entity::delete_many().filter(Column::AppId.eq(app.0));
    let mut past = hits::Entity::delete_many().filter(Hit::AppId.eq(app.0));
    if let Some(ids) = ids {
        gone = gone.filter(Column::Id.is_in(ids.iter().copied()));
        past = past.filter(Hit::AnnotationId.is_in(ids.iter().copied()));
    }
    past.exec(tx.connection()).await?;
    Ok(gone.exec(tx.connection()).await?.rows_affected)
}

/// Notes that an annotation was the answer to a question.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn hit(tx: &Tx, item: AnnotationHit) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::HitCount, Expr::col(Column::HitCount).add(1))
        .filter(Column::Id.eq(item.annotation_id))
        .exec(tx.connection())
        .await?;
    row::insert::<hits::Entity>(tx, item).await
}

/// A page (1-based) of the questions that an annotation answered, newest first, and how many there are.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn hits(
    source: &dyn Source,
    app: AppId,
    annotation: Uuid,
    page: u64,
    limit: u64,
) -> Result<(Vec<AnnotationHit>, u64)> {
    let query = hits::Entity::find().filter(Hit::AnnotationId.eq(annotation)).filter(Hit::AppId.eq(app.0));
    let total = query.clone().count(&source.executor()).await?;
    let rows = query
        .order_by_desc(Hit::CreatedAt)
        .order_by_desc(Hit::Id)
        .offset(skipped(page, limit))
        .limit(limit)
        .all(&source.executor())
        .await?;
    Ok((rows.into_iter().map(AnnotationHit::from).collect(), total))
}
