use sea_orm::entity::prelude::*;

use super::JsonText;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "documents")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant_id: Uuid,
    pub dataset_id: Uuid,
    pub position: i32,
    #[sea_orm(column_type = "Text")]
    pub data_source_type: String,
    pub data_source_info: Option<JsonText>,
    pub dataset_process_rule_id: Option<Uuid>,
    #[sea_orm(column_type = "Text")]
    pub batch: String,
    #[sea_orm(column_type = "Text")]
    pub name: String,
    #[sea_orm(column_type = "Text")]
    pub created_from: String,
    pub created_by: Uuid,
    pub file_id: Option<Uuid>,
    pub word_count: Option<i64>,
    pub tokens: Option<i64>,
    pub indexing_latency: Option<f64>,
    #[sea_orm(column_type = "Text", nullable)]
    pub doc_type: Option<String>,
    pub doc_metadata: Option<JsonText>,
    #[sea_orm(column_type = "Text")]
    pub doc_form: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub doc_language: Option<String>,
    pub need_summary: bool,
    #[sea_orm(column_type = "Text")]
    pub indexing_status: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub error: Option<String>,
    pub is_paused: bool,
    pub paused_by: Option<Uuid>,
    pub enabled: bool,
    pub disabled_by: Option<Uuid>,
    pub archived: bool,
    pub archived_by: Option<Uuid>,
    #[sea_orm(column_type = "Text", nullable)]
    pub archived_reason: Option<String>,
    pub processing_started_at: Option<DateTimeUtc>,
    pub parsing_completed_at: Option<DateTimeUtc>,
    pub cleaning_completed_at: Option<DateTimeUtc>,
    pub splitting_completed_at: Option<DateTimeUtc>,
    pub completed_at: Option<DateTimeUtc>,
    pub paused_at: Option<DateTimeUtc>,
    pub stopped_at: Option<DateTimeUtc>,
    pub disabled_at: Option<DateTimeUtc>,
    pub archived_at: Option<DateTimeUtc>,
    pub leased_by: Option<Uuid>,
    pub leased_until: Option<DateTimeUtc>,
    pub attempts: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
