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
    #[sea_orm(column_type = "Text")]
    pub configs: Option<super::JsonText>,
    #[sea_orm(column_type = "Text")]
    pub opening_statement: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub suggested_questions: Option<super::JsonText>,
    #[sea_orm(column_type = "Text")]
    pub suggested_questions_after_answer: Option<super::JsonText>,
    #[sea_orm(column_type = "Text")]
    pub speech_to_text: Option<super::JsonText>,
    #[sea_orm(column_type = "Text")]
    pub text_to_speech: Option<super::JsonText>,
    #[sea_orm(column_type = "Text")]
    pub more_like_this: Option<super::JsonText>,
    #[sea_orm(column_type = "Text")]
    pub model: Option<super::JsonText>,
    #[sea_orm(column_type = "Text")]
    pub user_input_form: Option<super::JsonText>,
    #[sea_orm(column_type = "Text")]
    pub dataset_query_variable: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub pre_prompt: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub agent_mode: Option<super::JsonText>,
    #[sea_orm(column_type = "Text")]
    pub sensitive_word_avoidance: Option<super::JsonText>,
    #[sea_orm(column_type = "Text")]
    pub retriever_resource: Option<super::JsonText>,
    #[sea_orm(column_type = "Text")]
    pub prompt_type: String,
    #[sea_orm(column_type = "Text")]
    pub chat_prompt_config: Option<super::JsonText>,
    #[sea_orm(column_type = "Text")]
    pub completion_prompt_config: Option<super::JsonText>,
    #[sea_orm(column_type = "Text")]
    pub dataset_configs: Option<super::JsonText>,
    #[sea_orm(column_type = "Text")]
    pub external_data_tools: Option<super::JsonText>,
    #[sea_orm(column_type = "Text")]
    pub file_upload: Option<super::JsonText>,
    pub created_by: Option<Uuid>,
    pub created_at: DateTimeUtc,
    pub updated_by: Option<Uuid>,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
