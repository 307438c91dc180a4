//! Credentials of data sources, and what crawls of websites have brought.

use chrono::{DateTime, Utc};
use ox_types::{TenantId, boxed};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr};
use uuid::Uuid;

use crate::{
    Result, Source, Tx,
    entity::{
        datasource_providers::{Column, Entity},
        website_crawls as crawls, website_pages as pages,
    },
    model::{DataSourceCredential, WebsiteCrawl, WebsitePage},
    repo::row,
};

/// More are not listed.
const MOST: u64 = 1000;
/// Rows of one statement.
const CHUNK: usize = 50;
/// Crawls forgotten at a time.
const FORGOTTEN: u64 = 100;

/// Those of a workspace, oldest first.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn list(source: &dyn Source, tenant: TenantId) -> Result<Vec<DataSourceCredential>> {
    let query = Entity::find().filter(Column::TenantId.eq(tenant.0)).order_by_asc(Column::Id).limit(MOST);
    Ok(query.all(&source.executor()).await?.into_iter().map(DataSourceCredential::from).collect())
}

/// One of a workspace.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn find(source: &dyn Source, tenant: TenantId, id: Uuid) -> Result<Option<DataSourceCredential>> {
    let query = Entity::find_by_id(id).filter(Column::TenantId.eq(tenant.0));
    Ok(query.one(&source.executor()).await?.map(DataSourceCredential::from))
}

/// The one that is used when none is named.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn standard(source: &dyn Source, tenant: TenantId, provider: &str) -> Result<Option<DataSourceCredential>> {
    let query = Entity::find()
        .filter(Column::TenantId.eq(tenant.0))
        .filter(Column::Provider.eq(provider))
        .filter(Column::Disabled.eq(false))
        .order_by_desc(Column::IsDefault)
        .order_by_asc(Column::Id);
    Ok(query.one(&source.executor()).await?.map(DataSourceCredential::from))
}

/// Adds one.
///
/// # Errors
/// A conflict when the provider has another of this name.
#[boxed]
pub async fn insert(tx: &Tx, item: DataSourceCredential) -> Result<()> {
    row::insert::<Entity>(tx, item).await
}

/// Writes one anew.
///
/// # Errors
/// As [`insert`]; not found when it is gone.
#[boxed]
pub async fn update(tx: &Tx, item: DataSourceCredential) -> Result<()> {
    row::update::<Entity>(tx, "credential", item).await
}

/// Removes one; tells whether there was one.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn delete(tx: &Tx, tenant: TenantId, id: Uuid) -> Result<bool> {
    let done = Entity::delete_by_id(id).filter(Column::TenantId.eq(tenant.0)).exec(tx.connection()).await?;
    Ok(done.rows_affected > 0)
}

/// Makes one the default of its provider, and no other.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn set_default(tx: &Tx, tenant: TenantId, provider: &str, id: Uuid) -> Result<()> {
    let own = || Entity::update_many().filter(Column::TenantId.eq(tenant.0)).filter(Column::Provider.eq(provider));
    own().col_expr(Column::IsDefault, Expr::value(false)).exec(tx.connection()).await?;
    let chosen = own().filter(Column::Id.eq(id)).col_expr(Column::IsDefault, Expr::value(true));
    chosen.exec(tx.connection()).await?;
    Ok(())
}

/// Remembers a crawl that has begun.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn begin_crawl(tx: &Tx, crawl: WebsiteCrawl) -> Result<()> {
    row::insert::<crawls::Entity>(tx, crawl).await
}

/// A crawl of a workspace.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn crawl(source: &dyn Source, tenant: TenantId, provider: &str, job: &str) -> Result<Option<WebsiteCrawl>> {
    let key = (tenant.0, provider.to_owned(), job.to_owned());
    Ok(crawls::Entity::find_by_id(key).one(&source.executor()).await?.map(WebsiteCrawl::from))
}

/// Keeps the pages of a crawl that is over; false when somebody else has.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn finish_crawl(
    tx: &Tx,
    tenant: TenantId,
    provider: &str,
    job: &str,
    found: Vec<WebsitePage>,
    at: DateTime<Utc>,
) -> Result<bool> {
    let done = crawls::Entity::update_many()
        .col_expr(crawls::Column::FinishedAt, Expr::value(at))
        .filter(crawls::Column::TenantId.eq(tenant.0))
        .filter(crawls::Column::Provider.eq(provider))
        .filter(crawls::Column::JobId.eq(job))
        .filter(crawls::Column::FinishedAt.is_null())
        .exec(tx.connection())
        .await?;
    if done.rows_affected == 0 {
        return Ok(false);
    }
    let mut rows = found.into_iter().enumerate().map(|(position, page)| {
        pages::Model {
            tenant_id: tenant.0,
            provider: provider.to_owned(),
            job_id: job.to_owned(),
            position: i32::try_from(position).unwrap_or(i32::MAX),
            url: page.url,
            title: page.title,
            description: page.description,
            content: page.content,
        }
        .into_active_model()
    });
    loop {
        let chunk: Vec<pages::ActiveModel> = rows.by_ref().take(CHUNK).collect();
        if chunk.is_empty() {
            return Ok(true);
        }
        pages::Entity::insert_many(chunk).exec_without_returning(tx.connection()).await?;
    }
}

fn pages_of(tenant: TenantId, provider: &str, job: &str) -> sea_orm::Select<pages::Entity> {
    pages::Entity::find()
        .filter(pages::Column::TenantId.eq(tenant.0))
        .filter(pages::Column::Provider.eq(provider))
        .filter(pages::Column::JobId.eq(job))
}

/// The pages of a crawl, in the order in which they came.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn pages(source: &dyn Source, tenant: TenantId, provider: &str, job: &str) -> Result<Vec<WebsitePage>> {
    let query = pages_of(tenant, provider, job).order_by_asc(pages::Column::Position).limit(MOST);
    Ok(query.all(&source.executor()).await?.into_iter().map(WebsitePage::from).collect())
}

/// One page of a crawl.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn page(
    source: &dyn Source,
    tenant: TenantId,
    provider: &str,
    job: &str,
    url: &str,
) -> Result<Option<WebsitePage>> {
    let query = pages_of(tenant, provider, job).filter(pages::Column::Url.eq(url));
    Ok(query.one(&source.executor()).await?.map(WebsitePage::from))
}

/// Forgets old crawls and their pages.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn forget_crawls(tx: &Tx, before: DateTime<Utc>) -> Result<()> {
    let old = crawls::Entity::find().filter(crawls::Column::CreatedAt.lt(before)).limit(FORGOTTEN);
    for crawl in old.all(tx.connection()).await? {
        pages::Entity::delete_many()
            .filter(pages::Column::TenantId.eq(crawl.tenant_id))
            .filter(pages::Column::Provider.eq(crawl.provider.as_str()))
            .filter(pages::Column::JobId.eq(crawl.job_id.as_str()))
            .exec(tx.connection())
            .await?;
        crawls::Entity::delete_by_id((crawl.tenant_id, crawl.provider, crawl.job_id)).exec(tx.connection()).await?;
    }
    Ok(())
}
