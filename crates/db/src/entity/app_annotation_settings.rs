use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "app_annotation_settings")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub app_id: Uuid,
    pub id: Uuid,
    pub tenant_id: Uuid,
    pub score_threshold: f64,
    #[sea_orm(column_type = "Text")]
    pub embedding_provider_name: String,
    #[sea_orm(column_type = "Text")]
    pub embedding_model_name: String,
    pub version: i64,
    pub created_user_id: Uuid,
    pub updated_user_id: Uuid,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
