use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "message_agent_thoughts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub message_id: Uuid,
    pub position: i32,
    #[sea_orm(column_type = "Text")]
    pub thought: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub tool: Option<String>,
    pub tool_labels_str: super::JsonText,
    pub tool_meta_str: super::JsonText,
    #[sea_orm(column_type = "Text")]
    pub tool_input: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub observation: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub tool_process_data: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub message: Option<String>,
    pub message_token: i32,
    #[sea_orm(column_type = "Text")]
    pub message_unit_price: String,
    #[sea_orm(column_type = "Text")]
    pub message_price_unit: String,
    pub message_files: super::JsonText,
    #[sea_orm(column_type = "Text")]
    pub answer: Option<String>,
    pub answer_token: i32,
    #[sea_orm(column_type = "Text")]
    pub answer_unit_price: String,
    #[sea_orm(column_type = "Text")]
    pub answer_price_unit: String,
    pub tokens: i32,
    #[sea_orm(column_type = "Text")]
    pub total_price: String,
    #[sea_orm(column_type = "Text")]
    pub currency: String,
    pub latency: f64,
    #[sea_orm(column_type = "Text")]
    pub created_by_role: String,
    pub created_by: Uuid,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
