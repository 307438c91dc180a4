use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "app_model_configs")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub app_id: Uuid,
    #[sea_orm(column_type = "Text")]
    pub provider: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub model_id: Option<String>,
    #[sea_orm(column_type = "Json")]
    pub configs: Option<Json>,
    #[sea_orm(column_type = "Text")]
    pub opening_statement: Option<String>,
    #[sea_orm(column_type = "Json")]
    pub suggested_questions: Option<Json>,
    #[sea_orm(column_type = "Json")]
    pub suggested_questions_after_answer: Option<Json>,
    #[sea_orm(column_type = "Json")]
    pub speech_to_text: Option<Json>,
    #[sea_orm(column_type = "Json")]
    pub text_to_speech: Option<Json>,
    #[sea_orm(column_type = "Json")]
    pub more_like_this: Option<Json>,
    #[sea_orm(column_type = "Json")]
    pub model: Option<Json>,
    #[sea_orm(column_type = "Json")]
    pub user_input_form: Option<Json>,
    #[sea_orm(column_type = "Text")]
    pub dataset_query_variable: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub pre_prompt: Option<String>,
    #[sea_orm(column_type = "Json")]
    pub agent_mode: Option<Json>,
    #[sea_orm(column_type = "Json")]
    pub sensitive_word_avoidance: Option<Json>,
    #[sea_orm(column_type = "Json")]
    pub retriever_resource: Option<Json>,
    #[sea_orm(column_type = "Text")]
    pub prompt_type: String,
    #[sea_orm(column_type = "Json")]
    pub chat_prompt_config: Option<Json>,
    #[sea_orm(column_type = "Json")]
    pub completion_prompt_config: Option<Json>,
    #[sea_orm(column_type = "Json")]
    pub dataset_configs: Option<Json>,
    #[sea_orm(column_type = "Json")]
    pub external_data_tools: Option<Json>,
    #[sea_orm(column_type = "Json")]
    pub file_upload: Option<Json>,
    pub created_by: Option<Uuid>,
    pub created_at: DateTimeUtc,
    pub updated_by: Option<Uuid>,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
