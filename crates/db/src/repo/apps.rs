//! Apps with their sites, basic configurations, Explore entries and keys.

use std::collections::HashMap;

use ox_types::{AccountId, AppId, TenantId, boxed};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::Query,
};
use uuid::Uuid;

use super::{keyword::Keyword, skipped};
use crate::{
    Error, Result, Source, Tx,
    entity::{api_tokens, app_model_configs, apps, installed_apps, sites, tag_bindings},
    model::{ApiToken, App, AppModelConfig, KeyLimits, Site},
    now,
};

/// What a list of apps is filtered by.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub mode: Option<String>,
    /// Part of the name, in any case.
    pub name: Option<String>,
    /// Apps that carry all of these labels.
    pub tag_ids: Vec<Uuid>,
    pub created_by: Option<AccountId>,
    /// From 1.
    pub page: u64,
    pub limit: u64,
}

/// One page of apps, newest first, and how many there are in all.
#[boxed]
pub async fn list(source: &dyn Source, tenant: TenantId, filter: &Filter) -> Result<(Vec<App>, u64)> {
    let mut query = apps::Entity::find()
        .filter(apps::Column::TenantId.eq(tenant.0))
        .filter(apps::Column::Status.eq("normal"))
        .filter(apps::Column::IsUniversal.eq(false));
    if let Some(mode) = &filter.mode {
        query = query.filter(apps::Column::Mode.eq(mode));
    }
    if let Some(keyword) = Keyword::new(source, filter.name.as_deref()) {
        query = query.filter(keyword.in_any([apps::Column::Name]));
    }
    if let Some(account) = filter.created_by {
        query = query.filter(apps::Column::CreatedBy.eq(account.0));
    }
    for tag in &filter.tag_ids {
        let bound = Query::select()
            .column(tag_bindings::Column::TargetId)
            .from(tag_bindings::Entity)
            .and_where(tag_bindings::Column::TenantId.eq(tenant.0))
            .and_where(tag_bindings::Column::TagId.eq(*tag))
            .to_owned();
        query = query.filter(apps::Column::Id.in_subquery(bound));
    }
    let total = query.clone().count(&source.executor()).await?;
    let rows = query
        .order_by_desc(apps::Column::CreatedAt)
        .order_by_desc(apps::Column::Id)
        .offset(skipped(filter.page, filter.limit))
        .limit(filter.limit)
        .all(&source.executor())
        .await?;
    Ok((rows.into_iter().map(App::from).collect(), total))
}

/// One app of a workspace.
#[boxed]
pub async fn find(source: &dyn Source, tenant: TenantId, id: AppId) -> Result<Option<App>> {
    let row =
        apps::Entity::find_by_id(id.0).filter(apps::Column::TenantId.eq(tenant.0)).one(&source.executor()).await?;
    Ok(row.map(App::from))
}

/// One app by its id alone: for keys and site codes, which name the workspace only through the app.
#[boxed]
pub async fn find_any(source: &dyn Source, id: AppId) -> Result<Option<App>> {
    Ok(apps::Entity::find_by_id(id.0).one(&source.executor()).await?.map(App::from))
}

/// Several apps by their ids alone, in no order: those of an Explore list belong to any workspace.
#[boxed]
pub async fn find_all(source: &dyn Source, ids: &[AppId]) -> Result<Vec<App>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = apps::Entity::find().filter(apps::Column::Id.is_in(ids.iter().map(|id| id.0)));
    Ok(rows.all(&source.executor()).await?.into_iter().map(App::from).collect())
}

/// Stores a new app with its site, its Explore entry and, for basic apps, its configuration.
#[boxed]
pub async fn insert(tx: &Tx, app: &App, site: &Site, config: Option<&AppModelConfig>) -> Result<()> {
    insert_unlisted(tx, app, site, config).await?;
    let installed = installed_apps::Model {
        id: ox_types::new_uuid(),
        tenant_id: app.tenant_id.0,
        app_id: app.id.0,
        app_owner_tenant_id: app.tenant_id.0,
        position: 0,
        is_pinned: false,
        last_used_at: None,
        created_at: now(),
    };
    installed.into_active_model().insert(tx.connection()).await?;
    Ok(())
}

/// Stores a new app that Explore does not list, with its site and, for basic apps, its configuration.
#[boxed]
pub async fn insert_unlisted(tx: &Tx, app: &App, site: &Site, config: Option<&AppModelConfig>) -> Result<()> {
    apps::Model::from(app.clone()).into_active_model().insert(tx.connection()).await?;
    sites::Model::from(site.clone()).into_active_model().insert(tx.connection()).await?;
    if let Some(config) = config {
        insert_config(tx, config).await?;
    }
    Ok(())
}

/// Stores a changed app row.
#[boxed]
pub async fn update(tx: &Tx, app: &App) -> Result<()> {
    apps::Model::from(app.clone()).into_active_model().reset_all().update(tx.connection()).await?;
    Ok(())
}

/// Deletes an app with its site and keys: for its users it is gone. What else hangs on it may be much, and is removed
/// in small steps afterwards (see [`super::deletions`]).
#[boxed]
pub async fn delete(tx: &Tx, tenant: TenantId, id: AppId) -> Result<()> {
    let connection = tx.connection();
    let deleted = apps::Entity::delete_many()
        .filter(apps::Column::Id.eq(id.0))
        .filter(apps::Column::TenantId.eq(tenant.0))
        .exec(connection)
        .await?;
    // What hangs on it is found by the app alone: not before the app was the caller's.
    if deleted.rows_affected == 0 {
        return Err(Error::NotFound("app"));
    }
    api_tokens::Entity::delete_many().filter(api_tokens::Column::AppId.eq(id.0)).exec(connection).await?;
    sites::Entity::delete_many().filter(sites::Column::AppId.eq(id.0)).exec(connection).await?;
    installed_apps::Entity::delete_many().filter(installed_apps::Column::AppId.eq(id.0)).exec(connection).await?;
    tag_bindings::Entity::delete_many().filter(tag_bindings::Column::TargetId.eq(id.0)).exec(connection).await?;
    super::deletions::begin(tx, tenant, id).await
}

/// Sites of apps.
#[boxed]
pub async fn sites(source: &dyn Source, ids: &[AppId]) -> Result<HashMap<AppId, Site>> {
    let ids = ids.iter().map(|id| id.0);
    let rows = sites::Entity::find().filter(sites::Column::AppId.is_in(ids)).all(&source.executor()).await?;
    Ok(rows.into_iter().map(|row| (AppId(row.app_id), Site::from(row))).collect())
}

/// The site with a public code.
#[boxed]
pub async fn site_by_code(source: &dyn Source, code: &str) -> Result<Option<Site>> {
    let query = sites::Entity::find().filter(sites::Column::Code.eq(code)).filter(sites::Column::Status.eq("normal"));
    Ok(query.one(&source.executor()).await?.map(Site::from))
}

/// Stores a changed site.
#[boxed]
pub async fn update_site(tx: &Tx, site: &Site) -> Result<()> {
    sites::Model::from(site.clone()).into_active_model().reset_all().update(tx.connection()).await?;
    Ok(())
}

/// Basic configurations by their ids.
#[boxed]
pub async fn configs(source: &dyn Source, ids: &[Uuid]) -> Result<HashMap<Uuid, AppModelConfig>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let query = app_model_configs::Entity::find().filter(app_model_configs::Column::Id.is_in(ids.iter().copied()));
    let rows = query.all(&source.executor()).await?;
    Ok(rows.into_iter().map(|row| (row.id, AppModelConfig::from(row))).collect())
}

/// Stores a new version of a basic configuration.
#[boxed]
pub async fn insert_config(tx: &Tx, config: &AppModelConfig) -> Result<()> {
    app_model_configs::Model::from(config.clone()).into_active_model().insert(tx.connection()).await?;
    Ok(())
}

/// Keys of an app, newest first.
#[boxed]
pub async fn keys(source: &dyn Source, tenant: TenantId, app: AppId) -> Result<Vec<ApiToken>> {
    let query = api_tokens::Entity::find()
        .filter(api_tokens::Column::TenantId.eq(tenant.0))
        .filter(api_tokens::Column::AppId.eq(app.0))
        .order_by_desc(api_tokens::Column::CreatedAt);
    Ok(query.all(&source.executor()).await?.into_iter().map(ApiToken::from).collect())
}

/// Stores a new key.
#[boxed]
pub async fn insert_key(tx: &Tx, key: &ApiToken) -> Result<()> {
    api_tokens::Model::from(key.clone()).into_active_model().insert(tx.connection()).await?;
    Ok(())
}

/// Sets what a key may do; none when there is no such key.
#[boxed]
pub async fn limit_key(
    tx: &Tx,
    tenant: TenantId,
    app: AppId,
    key: Uuid,
    limits: &KeyLimits,
) -> Result<Option<ApiToken>> {
    let found = api_tokens::Entity::find_by_id(key)
        .filter(api_tokens::Column::TenantId.eq(tenant.0))
        .filter(api_tokens::Column::AppId.eq(app.0))
        .one(tx.connection())
        .await?;
    let Some(row) = found else { return Ok(None) };
    let changed = ApiToken { limits: limits.clone(), ..ApiToken::from(row) };
    super::row::update::<api_tokens::Entity>(tx, "API key", changed.clone()).await?;
    Ok(Some(changed))
}

/// Deletes a key; false when there is none.
#[boxed]
pub async fn delete_key(tx: &Tx, tenant: TenantId, app: AppId, key: Uuid) -> Result<bool> {
    let done = api_tokens::Entity::delete_many()
        .filter(api_tokens::Column::Id.eq(key))
        .filter(api_tokens::Column::TenantId.eq(tenant.0))
        .filter(api_tokens::Column::AppId.eq(app.0))
        .exec(tx.connection())
        .await?;
    Ok(done.rows_affected > 0)
}
