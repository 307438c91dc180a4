use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "sites")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub app_id: Uuid,
    #[sea_orm(column_type = "Text")]
    pub title: String,
    #[sea_orm(column_type = "Text")]
    pub icon_type: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub icon: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub icon_background: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub description: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub default_language: String,
    #[sea_orm(column_type = "Text")]
    pub chat_color_theme: Option<String>,
    pub chat_color_theme_inverted: bool,
    #[sea_orm(column_type = "Text")]
    pub copyright: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub privacy_policy: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub custom_disclaimer: String,
    pub show_workflow_steps: bool,
    pub use_icon_as_answer_icon: bool,
    #[sea_orm(column_type = "Text")]
    pub customize_domain: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub customize_token_strategy: String,
    pub prompt_public: bool,
    #[sea_orm(column_type = "Text")]
    pub status: String,
    #[sea_orm(column_type = "Text")]
    pub code: Option<String>,
    pub created_by: Option<Uuid>,
    pub created_at: DateTimeUtc,
    pub updated_by: Option<Uuid>,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
