use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "upload_files")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant_id: Uuid,
    #[sea_orm(column_type = "Text")]
    pub storage_type: String,
    #[sea_orm(column_type = "Text")]
    pub key: String,
    #[sea_orm(column_type = "Text")]
    pub name: String,
    pub size: i64,
    #[sea_orm(column_type = "Text")]
    pub extension: String,
    #[sea_orm(column_type = "Text")]
    pub mime_type: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub created_by_role: String,
    pub created_by: Uuid,
    pub used: bool,
    pub used_by: Option<Uuid>,
    pub used_at: Option<DateTimeUtc>,
    #[sea_orm(column_type = "Text")]
    pub hash: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub source_url: String,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
