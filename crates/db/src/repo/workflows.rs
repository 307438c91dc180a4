//! Workflow drafts and published versions.

use std::collections::HashMap;

use ox_types::{AccountId, AppId, TenantId, WorkflowId, boxed};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr,
};

use super::skipped;
use crate::{Result, Source, Tx, entity::workflows, model::Workflow, now};

/// Version name of the draft.
pub const DRAFT: &str = "draft";

fn of_app(tenant: TenantId, app: AppId) -> sea_orm::Select<workflows::Entity> {
    workflows::Entity::find()
        .filter(workflows::Column::TenantId.eq(tenant.0))
        .filter(workflows::Column::AppId.eq(app.0))
}

/// The draft of an app.
#[boxed]
pub async fn draft(source: &dyn Source, tenant: TenantId, app: AppId) -> Result<Option<Workflow>> {
    let query = of_app(tenant, app).filter(workflows::Column::Version.eq(DRAFT));
    Ok(query.one(&source.executor()).await?.map(Workflow::from))
}

/// One version (or the draft) of an app.
#[boxed]
pub async fn find(source: &dyn Source, tenant: TenantId, app: AppId, id: WorkflowId) -> Result<Option<Workflow>> {
    let query = of_app(tenant, app).filter(workflows::Column::Id.eq(id.0));
    Ok(query.one(&source.executor()).await?.map(Workflow::from))
}

/// Versions by their ids.
#[boxed]
pub async fn by_ids(
    source: &dyn Source,
    tenant: TenantId,
    ids: &[WorkflowId],
) -> Result<HashMap<WorkflowId, Workflow>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let query = workflows::Entity::find()
        .filter(workflows::Column::TenantId.eq(tenant.0))
        .filter(workflows::Column::Id.is_in(ids.iter().map(|id| id.0)));
    let rows = query.all(&source.executor()).await?;
    Ok(rows.into_iter().map(|row| (WorkflowId(row.id), Workflow::from(row))).collect())
}

/// Versions of an app by version name descending, so that the draft comes first; one row more than a page
/// tells that more follow.
#[boxed]
pub async fn versions(
    source: &dyn Source,
    tenant: TenantId,
    app: AppId,
    created_by: Option<AccountId>,
    named_only: bool,
    page: u64,
    limit: u64,
) -> Result<(Vec<Workflow>, bool)> {
    let mut query = of_app(tenant, app);
    if let Some(account) = created_by {
        query = query.filter(workflows::Column::CreatedBy.eq(account.0));
    }
    if named_only {
        query = query.filter(workflows::Column::MarkedName.ne(""));
    }
    let rows = query
        .order_by_desc(workflows::Column::Version)
        .offset(skipped(page, limit))
        .limit(limit + 1)
        .all(&source.executor())
        .await?;
    let has_more = rows.len() as u64 > limit;
    let kept = usize::try_from(limit).unwrap_or(usize::MAX);
    Ok((rows.into_iter().take(kept).map(Workflow::from).collect(), has_more))
}

/// Stores a new draft or version.
#[boxed]
pub async fn insert(tx: &Tx, workflow: &Workflow) -> Result<()> {
    workflows::Model::from(workflow.clone()).into_active_model().insert(tx.connection()).await?;
    Ok(())
}

/// Stores a changed draft.
#[boxed]
pub async fn update_draft(tx: &Tx, workflow: &Workflow) -> Result<()> {
    workflows::Model::from(workflow.clone()).into_active_model().reset_all().update(tx.connection()).await?;
    Ok(())
}

/// Changes the label and notes of a version.
#[boxed]
pub async fn label(
    tx: &Tx,
    tenant: TenantId,
    id: WorkflowId,
    name: Option<&str>,
    comment: Option<&str>,
    by: AccountId,
) -> Result<()> {
    let mut query = workflows::Entity::update_many()
        .col_expr(workflows::Column::UpdatedBy, Expr::value(by.0))
        .col_expr(workflows::Column::UpdatedAt, Expr::value(now()));
    if let Some(name) = name {
        query = query.col_expr(workflows::Column::MarkedName, Expr::value(name));
    }
    if let Some(comment) = comment {
        query = query.col_expr(workflows::Column::MarkedComment, Expr::value(comment));
    }
    query
        .filter(workflows::Column::TenantId.eq(tenant.0))
        .filter(workflows::Column::Id.eq(id.0))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// Deletes a version.
#[boxed]
pub async fn delete(tx: &Tx, tenant: TenantId, id: WorkflowId) -> Result<()> {
    workflows::Entity::delete_many()
        .filter(workflows::Column::TenantId.eq(tenant.0))
        .filter(workflows::Column::Id.eq(id.0))
        .exec(tx.connection())
        .await?;
    Ok(())
}
