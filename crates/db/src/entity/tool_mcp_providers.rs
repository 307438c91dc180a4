use sea_orm::entity::prelude::*;

use super::JsonText;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "tool_mcp_providers")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant_id: Uuid,
    pub user_id: Uuid,
    #[sea_orm(column_type = "Text")]
    pub name: String,
    #[sea_orm(column_type = "Text")]
    pub server_identifier: String,
    #[sea_orm(column_type = "Text")]
    pub server_url: String,
    #[sea_orm(column_type = "Text")]
    pub server_url_hash: String,
    #[sea_orm(column_type = "Text")]
    pub icon: String,
    pub authed: bool,
    #[sea_orm(column_type = "Text")]
    pub tools: JsonText,
    #[sea_orm(column_type = "Text")]
    pub encrypted_credentials: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub encrypted_headers: Option<String>,
    pub timeout: f64,
    pub sse_read_timeout: f64,
    pub personal: bool,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
