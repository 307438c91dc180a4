//! Who did what. The list is the example of a keyset page.

use ox_types::TenantId;
use ox_types::boxed;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use super::row;
use crate::{Page, PageOf, Result, Source, Tx, entity::audit_events, model::AuditEvent, page};

/// Notes one event, in the transaction of the change itself.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn insert(tx: &Tx, event: AuditEvent) -> Result<()> {
    row::insert::<audit_events::Entity>(tx, event).await
}

/// Events of a workspace, newest first.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn list(source: &dyn Source, tenant: TenantId, page: Page) -> Result<PageOf<AuditEvent>> {
    use audit_events::Column::{CreatedAt, Id, TenantId};
    let query = audit_events::Entity::find().filter(TenantId.eq(tenant.0)).filter(page::before(CreatedAt, Id, page));
    let rows = page::newest_first(query, CreatedAt, Id).limit(page.limit + 1).all(&source.executor()).await?;
    Ok(PageOf::cut(rows.into_iter().map(AuditEvent::from).collect(), page.limit))
}
