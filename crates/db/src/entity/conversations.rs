use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "conversations")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub app_id: Uuid,
    pub app_model_config_id: Option<Uuid>,
    #[sea_orm(column_type = "Text")]
    pub model_provider: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub model_id: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub override_model_configs: Option<super::JsonText>,
    #[sea_orm(column_type = "Text")]
    pub mode: String,
    #[sea_orm(column_type = "Text")]
    pub name: String,
    #[sea_orm(column_type = "Text")]
    pub summary: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub inputs: super::JsonText,
    #[sea_orm(column_type = "Text")]
    pub introduction: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub system_instruction: Option<String>,
    pub system_instruction_tokens: i32,
    #[sea_orm(column_type = "Text")]
    pub status: String,
    #[sea_orm(column_type = "Text")]
    pub invoke_from: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub from_source: String,
    pub from_end_user_id: Option<Uuid>,
    pub from_account_id: Option<Uuid>,
    pub read_at: Option<DateTimeUtc>,
    pub read_account_id: Option<Uuid>,
    pub dialogue_count: i32,
    pub is_deleted: bool,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
