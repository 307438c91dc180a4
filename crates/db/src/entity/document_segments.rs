use sea_orm::entity::prelude::*;

use super::JsonText;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "document_segments")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant_id: Uuid,
    pub dataset_id: Uuid,
    pub document_id: Uuid,
    pub position: i32,
    #[sea_orm(column_type = "Text")]
    pub content: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub answer: Option<String>,
    pub word_count: i32,
    pub tokens: i32,
    pub keywords: Option<JsonText>,
    pub page: Option<i32>,
    #[sea_orm(column_type = "Text", nullable)]
    pub heading: Option<String>,
    pub index_node_id: Option<Uuid>,
    #[sea_orm(column_type = "Text", nullable)]
    pub index_node_hash: Option<String>,
    pub hit_count: i64,
    pub enabled: bool,
    pub disabled_at: Option<DateTimeUtc>,
    pub disabled_by: Option<Uuid>,
    #[sea_orm(column_type = "Text")]
    pub status: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub error: Option<String>,
    pub created_by: Uuid,
    pub updated_by: Option<Uuid>,
    pub indexing_at: Option<DateTimeUtc>,
    pub completed_at: Option<DateTimeUtc>,
    pub stopped_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
