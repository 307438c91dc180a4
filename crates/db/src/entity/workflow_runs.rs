use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "workflow_runs")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant_id: Uuid,
    pub app_id: Uuid,
    pub workflow_id: Uuid,
    #[sea_orm(column_name = "type", column_type = "Text")]
    pub kind: String,
    #[sea_orm(column_type = "Text")]
    pub triggered_from: String,
    #[sea_orm(column_type = "Text")]
    pub version: String,
    #[sea_orm(column_type = "Text")]
    pub graph: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub inputs: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub status: String,
    #[sea_orm(column_type = "Text")]
    pub outputs: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub error: Option<String>,
    pub elapsed_time: f64,
    pub total_tokens: i64,
    pub total_steps: i32,
    #[sea_orm(column_type = "Text")]
    pub total_price: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub currency: Option<String>,
    pub exceptions_count: i32,
    #[sea_orm(column_type = "Text")]
    pub created_by_role: String,
    pub created_by: Uuid,
    pub owner: Option<Uuid>,
    #[sea_orm(column_type = "Text")]
    pub resume: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub labels: Option<String>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub created_at: DateTimeUtc,
    pub finished_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
