use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "providers")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant_id: Uuid,
    #[sea_orm(column_type = "Text")]
    pub provider_name: String,
    #[sea_orm(column_type = "Text")]
    pub provider_type: String,
    pub is_valid: bool,
    pub last_used: Option<DateTimeUtc>,
    pub credential_id: Option<Uuid>,
    #[sea_orm(column_type = "Text")]
    pub quota_type: String,
    pub quota_limit: Option<i64>,
    pub quota_used: i64,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
