use sea_orm::entity::prelude::*;

use super::JsonText;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "datasets")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant_id: Uuid,
    #[sea_orm(column_type = "Text")]
    pub name: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub description: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub provider: String,
    #[sea_orm(column_type = "Text")]
    pub permission: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub data_source_type: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub indexing_technique: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub index_struct: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub embedding_model: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub embedding_model_provider: Option<String>,
    pub keyword_number: i32,
    pub retrieval_model: Option<JsonText>,
    pub summary_index_setting: Option<JsonText>,
    pub built_in_field_enabled: bool,
    pub icon_info: Option<JsonText>,
    #[sea_orm(column_type = "Text")]
    pub runtime_mode: String,
    pub pipeline_id: Option<Uuid>,
    #[sea_orm(column_type = "Text", nullable)]
    pub chunk_structure: Option<String>,
    pub enable_api: bool,
    pub is_multimodal: bool,
    pub has_attachments: bool,
    pub index_seq: i64,
    pub index_generation: i32,
    pub purged_seq: i64,
    pub created_by: Uuid,
    pub updated_by: Option<Uuid>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
