use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "model_calls")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant_id: Uuid,
    pub app_id: Option<Uuid>,
    #[sea_orm(column_type = "Text", nullable)]
    pub user_id: Option<String>,
    pub key_id: Option<Uuid>,
    pub run_id: Option<Uuid>,
    #[sea_orm(column_type = "Text", nullable)]
    pub node_id: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub provider: String,
    #[sea_orm(column_type = "Text")]
    pub model: String,
    #[sea_orm(column_type = "Text")]
    pub kind: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub wanted_provider: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub wanted_model: Option<String>,
    pub prompt_tokens: i64,
    pub cached_tokens: i64,
    pub completion_tokens: i64,
    #[sea_orm(column_type = "Text")]
    pub price: String,
    #[sea_orm(column_type = "Text")]
    pub currency: String,
    pub estimated: bool,
    pub latency_ms: i64,
    pub first_token_ms: Option<i64>,
    #[sea_orm(column_type = "Text")]
    pub outcome: String,
    pub created_at: DateTimeUtc,
    #[sea_orm(column_type = "Text", nullable)]
    pub cache: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub saved_price: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub route: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub rule: Option<String>,
    pub units: Option<i64>,
    #[sea_orm(column_type = "Text", nullable)]
    pub unit: Option<String>,
    pub credential_id: Option<Uuid>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
