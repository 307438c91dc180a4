use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "workflow_node_executions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant_id: Uuid,
    pub app_id: Uuid,
    pub workflow_id: Uuid,
    #[sea_orm(column_type = "Text")]
    pub triggered_from: String,
    pub workflow_run_id: Option<Uuid>,
    pub index: i32,
    pub finish_seq: Option<i32>,
    #[sea_orm(column_type = "Text")]
    pub predecessor_node_id: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub node_id: String,
    #[sea_orm(column_type = "Text")]
    pub node_type: String,
    #[sea_orm(column_type = "Text")]
    pub title: String,
    #[sea_orm(column_type = "Text")]
    pub frame: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub handle: Option<String>,
    pub retry_index: i32,
    #[sea_orm(column_type = "Text")]
    pub inputs: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub process_data: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub outputs: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub updates: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub array_types: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub status: String,
    #[sea_orm(column_type = "Text")]
    pub error: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub error_type: Option<String>,
    pub elapsed_time: f64,
    #[sea_orm(column_type = "Text")]
    pub execution_metadata: Option<String>,
    pub debug: bool,
    #[sea_orm(column_type = "Text")]
    pub created_by_role: String,
    pub created_by: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub created_at: DateTimeUtc,
    pub finished_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
