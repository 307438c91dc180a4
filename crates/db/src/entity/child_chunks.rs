use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "child_chunks")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant_id: Uuid,
    pub dataset_id: Uuid,
    pub document_id: Uuid,
    pub segment_id: Uuid,
    pub position: i32,
    #[sea_orm(column_type = "Text")]
    pub content: String,
    pub word_count: i32,
    pub index_node_id: Option<Uuid>,
    #[sea_orm(column_type = "Text", nullable)]
    pub index_node_hash: Option<String>,
    #[sea_orm(column_name = "type", column_type = "Text")]
    pub kind: String,
    pub created_by: Uuid,
    pub updated_by: Option<Uuid>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
