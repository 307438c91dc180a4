use sea_orm::entity::prelude::*;

use super::JsonText;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "workflow_trigger_logs")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant_id: Uuid,
    pub app_id: Uuid,
    pub workflow_id: Uuid,
    pub workflow_run_id: Uuid,
    #[sea_orm(column_type = "Text")]
    pub root_node_id: String,
    #[sea_orm(column_type = "Text")]
    pub trigger_type: String,
    pub trigger_metadata: JsonText,
    pub trigger_data: JsonText,
    pub inputs: JsonText,
    #[sea_orm(column_type = "Text", nullable)]
    pub fire_key: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub status: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub error: Option<String>,
    pub owner: Option<Uuid>,
    pub retry_count: i32,
    #[sea_orm(column_type = "Text")]
    pub created_by_role: String,
    pub created_by: Uuid,
    pub triggered_at: DateTimeUtc,
    pub finished_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
