use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "app_annotation_hit_histories")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub app_id: Uuid,
    pub annotation_id: Uuid,
    #[sea_orm(column_type = "Text")]
    pub source: String,
    #[sea_orm(column_type = "Text")]
    pub question: String,
    pub account_id: Uuid,
    #[sea_orm(column_type = "Double")]
    pub score: f64,
    pub message_id: Uuid,
    #[sea_orm(column_type = "Text")]
    pub annotation_question: String,
    #[sea_orm(column_type = "Text")]
    pub annotation_content: String,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
