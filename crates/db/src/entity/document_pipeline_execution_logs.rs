use sea_orm::entity::prelude::*;

use super::JsonText;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "document_pipeline_execution_logs")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub document_id: Uuid,
    pub pipeline_id: Uuid,
    pub workflow_id: Uuid,
    #[sea_orm(column_type = "Text")]
    pub datasource_type: String,
    #[sea_orm(column_type = "Text")]
    pub datasource_info: JsonText,
    #[sea_orm(column_type = "Text")]
    pub datasource_node_id: String,
    #[sea_orm(column_type = "Text")]
    pub input_data: JsonText,
    pub created_by: Uuid,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
