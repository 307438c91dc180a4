use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "model_budgets")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant_id: Uuid,
    #[sea_orm(column_type = "Text")]
    pub name: String,
    #[sea_orm(column_type = "Text")]
    pub scope: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub subject: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub period: String,
    #[sea_orm(column_type = "Text")]
    pub action: String,
    pub token_limit: Option<i64>,
    #[sea_orm(column_type = "Text", nullable)]
    pub money_limit: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub currency: String,
    pub calls_per_minute: i32,
    pub enabled: bool,
    pub mail: bool,
    #[sea_orm(column_type = "Text", nullable)]
    pub webhook_url: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub webhook_secret: Option<String>,
    pub created_by: Uuid,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
