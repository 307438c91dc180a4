use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "message_files")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub message_id: Uuid,
    #[sea_orm(column_name = "type", column_type = "Text")]
    pub kind: String,
    #[sea_orm(column_type = "Text")]
    pub transfer_method: String,
    #[sea_orm(column_type = "Text")]
    pub belongs_to: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub url: Option<String>,
    pub upload_file_id: Option<Uuid>,
    #[sea_orm(column_type = "Text")]
    pub created_by_role: String,
    pub created_by: Uuid,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
