use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "workflows")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant_id: Uuid,
    pub app_id: Uuid,
    #[sea_orm(column_name = "type", column_type = "Text")]
    pub kind: String,
    #[sea_orm(column_type = "Text")]
    pub version: String,
    #[sea_orm(column_type = "Text")]
    pub marked_name: String,
    #[sea_orm(column_type = "Text")]
    pub marked_comment: String,
    #[sea_orm(column_type = "Text")]
    pub graph: super::JsonText,
    #[sea_orm(column_type = "Text")]
    pub features: super::JsonText,
    #[sea_orm(column_type = "Text")]
    pub environment_variables: super::JsonText,
    #[sea_orm(column_type = "Text")]
    pub conversation_variables: super::JsonText,
    #[sea_orm(column_type = "Text")]
    pub rag_pipeline_variables: super::JsonText,
    pub created_by: Uuid,
    pub created_at: DateTimeUtc,
    pub updated_by: Option<Uuid>,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
