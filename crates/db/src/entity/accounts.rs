use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "accounts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    #[sea_orm(column_type = "Text")]
    pub name: String,
    #[sea_orm(column_type = "Text")]
    pub email: String,
    #[sea_orm(column_type = "Text")]
    pub password: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub password_salt: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub avatar: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub interface_language: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub interface_theme: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub timezone: Option<String>,
    pub last_login_at: Option<DateTimeUtc>,
    #[sea_orm(column_type = "Text")]
    pub last_login_ip: Option<String>,
    pub last_active_at: DateTimeUtc,
    #[sea_orm(column_type = "Text")]
    pub status: String,
    pub initialized_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
