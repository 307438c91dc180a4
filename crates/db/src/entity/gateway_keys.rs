use sea_orm::entity::prelude::*;

use super::JsonText;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "gateway_keys")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant_id: Uuid,
    #[sea_orm(column_type = "Text")]
    pub name: String,
    #[sea_orm(column_type = "Text")]
    pub token_hash: String,
    #[sea_orm(column_type = "Text")]
    pub token_prefix: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub allowed_models: Option<JsonText>,
    pub requests_per_minute: Option<i32>,
    pub expires_at: Option<DateTimeUtc>,
    pub enabled: bool,
    pub created_by: Uuid,
    pub last_used_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
