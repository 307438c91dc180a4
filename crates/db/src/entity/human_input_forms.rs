use sea_orm::entity::prelude::*;

use super::JsonText;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "human_input_forms")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant_id: Uuid,
    pub app_id: Uuid,
    pub workflow_id: Uuid,
    pub workflow_run_id: Uuid,
    pub node_execution_id: Uuid,
    #[sea_orm(column_type = "Text")]
    pub node_id: String,
    #[sea_orm(column_type = "Text")]
    pub node_title: String,
    #[sea_orm(column_type = "Text")]
    pub status: String,
    pub definition: JsonText,
    pub expires_at: DateTimeUtc,
    pub expires_globally: bool,
    #[sea_orm(column_type = "Text", nullable)]
    pub action_id: Option<String>,
    pub submitted_data: Option<JsonText>,
    #[sea_orm(column_type = "Text", nullable)]
    pub submitted_by_role: Option<String>,
    pub submitted_by: Option<Uuid>,
    pub submitted_at: Option<DateTimeUtc>,
    pub applied_at: Option<DateTimeUtc>,
    pub delivered_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
