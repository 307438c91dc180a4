use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "messages")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub app_id: Uuid,
    pub conversation_id: Uuid,
    pub parent_message_id: Option<Uuid>,
    #[sea_orm(column_type = "Text")]
    pub model_provider: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub model_id: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub override_model_configs: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub inputs: String,
    #[sea_orm(column_type = "Text")]
    pub query: String,
    #[sea_orm(column_type = "Text")]
    pub message: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub answer: String,
    pub message_tokens: i32,
    #[sea_orm(column_type = "Text")]
    pub message_unit_price: String,
    #[sea_orm(column_type = "Text")]
    pub message_price_unit: String,
    pub answer_tokens: i32,
    #[sea_orm(column_type = "Text")]
    pub answer_unit_price: String,
    #[sea_orm(column_type = "Text")]
    pub answer_price_unit: String,
    #[sea_orm(column_type = "Text")]
    pub total_price: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub currency: String,
    pub provider_response_latency: f64,
    #[sea_orm(column_type = "Text")]
    pub status: String,
    #[sea_orm(column_type = "Text")]
    pub error: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub message_metadata: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub invoke_from: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub from_source: String,
    pub from_end_user_id: Option<Uuid>,
    pub from_account_id: Option<Uuid>,
    pub agent_based: bool,
    pub workflow_run_id: Option<Uuid>,
    #[sea_orm(column_type = "Text")]
    pub app_mode: Option<String>,
    pub owner: Option<Uuid>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
