//! Labels of tool providers.

use ox_types::{TenantId, boxed, new_uuid};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::{
    Result, Source, Tx,
    entity::tool_label_bindings::{Column, Entity},
    model::ToolLabel,
    repo::row,
};

/// All of a workspace.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn list(source: &dyn Source, tenant: TenantId) -> Result<Vec<ToolLabel>> {
    let query = Entity::find().filter(Column::TenantId.eq(tenant.0));
    Ok(query.all(&source.executor()).await?.into_iter().map(ToolLabel::from).collect())
}

/// Gives a provider these labels and no others.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn set(tx: &Tx, tenant: TenantId, tool: &str, kind: &str, labels: &[String]) -> Result<()> {
    let old = Entity::delete_many().filter(Column::TenantId.eq(tenant.0)).filter(Column::ToolId.eq(tool));
    old.exec(tx.connection()).await?;
    for label in labels {
        let binding = ToolLabel {
            id: new_uuid(),
            tenant_id: tenant,
            tool_id: tool.to_owned(),
            tool_type: kind.to_owned(),
            label_name: label.clone(),
        };
        row::insert::<Entity>(tx, binding).await?;
    }
    Ok(())
}
