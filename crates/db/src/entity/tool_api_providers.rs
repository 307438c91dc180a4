use sea_orm::entity::prelude::*;

use super::JsonText;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "tool_api_providers")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant_id: Uuid,
    pub user_id: Uuid,
    #[sea_orm(column_type = "Text")]
    pub name: String,
    #[sea_orm(column_type = "Text")]
    pub icon: JsonText,
    #[sea_orm(column_type = "Text")]
    pub schema: String,
    #[sea_orm(column_type = "Text")]
    pub schema_type: String,
    #[sea_orm(column_type = "Text")]
    pub description: String,
    #[sea_orm(column_type = "Text")]
    pub tools: JsonText,
    #[sea_orm(column_type = "Text")]
    pub credentials: JsonText,
    #[sea_orm(column_type = "Text")]
    pub privacy_policy: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub custom_disclaimer: String,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
