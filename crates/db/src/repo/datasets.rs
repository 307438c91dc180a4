//! Knowledge bases: settings, who may see them, process rules, and what became of deleted ones.

use std::collections::HashMap;

use ox_types::{AccountId, AppId, DatasetId, DocumentId, FileId, TenantId, boxed};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, DbBackend, EntityTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, Statement,
    sea_query::{Expr, ExprTrait, Func, Query},
};
use uuid::Uuid;

use super::{keyword::Keyword, row, skipped};
use crate::{
    Error, Result, Source, Tx,
    entity::{
        JsonText, app_dataset_joins, apps, dataset_permissions as permissions, dataset_process_rules as rules,
        datasets::{Column, Entity, Model},
        deletions, documents, tag_bindings,
    },
    model::{App, Dataset, ProcessRuleRow},
    now,
};

/// Rows that one step of a deletion removes.
const BATCH: i64 = 1000;

/// Which knowledge bases a member sees in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Visible {
    All,
    /// Those of everybody, their own, and those they were let into.
    Member(AccountId),
    /// Their own and those they were let into.
    Granted(AccountId),
}

/// The embedding model of the generation that is searched from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextModel {
    pub provider: String,
    pub name: String,
    /// It takes pictures too.
    pub sees: bool,
}

/// What a list of knowledge bases is filtered by.
#[derive(Clone, Debug)]
pub struct DatasetFilter {
    pub visible: Visible,
    pub keyword: Option<String>,
    /// Any of these labels.
    pub tag_ids: Vec<Uuid>,
    pub ids: Vec<DatasetId>,
    /// From 1.
    pub page: u64,
    pub limit: u64,
}

/// What the lists show beside a knowledge base.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DatasetFigures {
    pub documents: u64,
    /// Completed, enabled and not archived.
    pub available: u64,
    pub words: u64,
    pub apps: u64,
    pub doc_form: Option<String>,
}

/// One page, newest first, and how many there are.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn list(source: &dyn Source, tenant: TenantId, filter: &DatasetFilter) -> Result<(Vec<Dataset>, u64)> {
    let mut query = Entity::find().filter(Column::TenantId.eq(tenant.0)).filter(seen(&filter.visible));
    if let Some(keyword) = Keyword::new(source, filter.keyword.as_deref()) {
        query = query.filter(keyword.in_any([Column::Name]));
    }
    if !filter.ids.is_empty() {
        query = query.filter(Column::Id.is_in(filter.ids.iter().map(|id| id.0)));
    }
    if !filter.tag_ids.is_empty() {
        let bound = Query::select()
            .column(tag_bindings::Column::TargetId)
            .from(tag_bindings::Entity)
            .and_where(tag_bindings::Column::TenantId.eq(tenant.0))
            .and_where(tag_bindings::Column::TagId.is_in(filter.tag_ids.iter().copied()))
            .to_owned();
        query = query.filter(Column::Id.in_subquery(bound));
    }
    let total = query.clone().count(&source.executor()).await?;
    let rows = query
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id)
        .offset(skipped(filter.page, filter.limit))
        .limit(filter.limit)
        .all(&source.executor())
        .await?;
    Ok((rows.into_iter().map(Dataset::from).collect(), total))
}

fn seen(visible: &Visible) -> Condition {
    let granted = |account: &AccountId| {
        let ids = Query::select()
            .column(permissions::Column::DatasetId)
            .from(permissions::Entity)
            .and_where(permissions::Column::AccountId.eq(account.0))
            .and_where(permissions::Column::HasPermission.eq(true))
            .to_owned();
        Column::Id.in_subquery(ids)
    };
    match visible {
        Visible::All => Condition::all(),
        Visible::Granted(account) => Condition::any().add(Column::CreatedBy.eq(account.0)).add(granted(account)),
        Visible::Member(account) => {
            let partial = Condition::all().add(Column::Permission.eq("partial_members")).add(granted(account));
            Condition::any()
                .add(Column::Permission.eq("all_team_members"))
                .add(Column::CreatedBy.eq(account.0))
                .add(partial)
        }
    }
}

/// One of a workspace.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn find(source: &dyn Source, tenant: TenantId, id: DatasetId) -> Result<Option<Dataset>> {
    let found = Entity::find_by_id(id.0).filter(Column::TenantId.eq(tenant.0)).one(&source.executor()).await?;
    Ok(found.map(Dataset::from))
}

/// Several of a workspace, in no order.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn find_all(source: &dyn Source, tenant: TenantId, ids: &[DatasetId]) -> Result<Vec<Dataset>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = Entity::find()
        .filter(Column::TenantId.eq(tenant.0))
        .filter(Column::Id.is_in(ids.iter().map(|id| id.0)))
        .all(&source.executor())
        .await?;
    Ok(rows.into_iter().map(Dataset::from).collect())
}

/// Whether it may be called with keys, by its id alone: that is asked before the key is known. None when it is gone.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn is_callable(source: &dyn Source, id: DatasetId) -> Result<Option<bool>> {
    let found: Option<bool> =
        Entity::find_by_id(id.0).select_only().column(Column::EnableApi).into_tuple().one(&source.executor()).await?;
    Ok(found)
}

/// Whether a workspace has one of this name.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn is_named(source: &dyn Source, tenant: TenantId, name: &str) -> Result<bool> {
    let query = Entity::find().filter(Column::TenantId.eq(tenant.0)).filter(Column::Name.eq(name));
    Ok(query.count(&source.executor()).await? > 0)
}

/// Stores a new one.
///
/// # Errors
/// A conflict when the workspace has one of that name.
#[boxed]
pub async fn insert(tx: &Tx, dataset: Dataset) -> Result<()> {
    row::insert::<Entity>(tx, dataset).await
}

/// Stores changed settings. How far its index is stays as it is.
///
/// # Errors
/// Not found when it is gone; a conflict when another has the name.
#[boxed]
pub async fn update(tx: &Tx, dataset: Dataset) -> Result<()> {
    let Model { id, tenant_id, name, description, permission, data_source_type, indexing_technique, .. } =
        Model::from(dataset.clone());
    let json = |json: Option<ox_types::Json>| Expr::value(json.map(JsonText));
    let done = Entity::update_many()
        .col_expr(Column::Name, Expr::value(name))
        .col_expr(Column::Description, Expr::value(description))
        .col_expr(Column::Permission, Expr::value(permission))
        .col_expr(Column::DataSourceType, Expr::value(data_source_type))
        .col_expr(Column::IndexingTechnique, Expr::value(indexing_technique))
        .col_expr(Column::EmbeddingModel, Expr::value(dataset.embedding_model))
        .col_expr(Column::EmbeddingModelProvider, Expr::value(dataset.embedding_model_provider))
        .col_expr(Column::KeywordNumber, Expr::value(dataset.keyword_number))
        .col_expr(Column::RetrievalModel, json(dataset.retrieval_model))
        .col_expr(Column::SummaryIndexSetting, json(dataset.summary_index_setting))
        .col_expr(Column::IconInfo, json(dataset.icon_info))
        .col_expr(Column::BuiltInFieldEnabled, Expr::value(dataset.built_in_field_enabled))
        .col_expr(Column::RuntimeMode, Expr::value(dataset.runtime_mode))
        .col_expr(Column::PipelineId, Expr::value(dataset.pipeline_id))
        .col_expr(Column::ChunkStructure, Expr::value(dataset.chunk_structure))
        .col_expr(Column::EnableApi, Expr::value(dataset.enable_api))
        .col_expr(Column::IsMultimodal, Expr::value(dataset.is_multimodal))
        .col_expr(Column::UpdatedBy, Expr::value(dataset.updated_by.map(|account| account.0)))
        .col_expr(Column::UpdatedAt, Expr::value(dataset.updated_at))
        .filter(Column::Id.eq(id))
        .filter(Column::TenantId.eq(tenant_id))
        .exec(tx.connection())
        .await?;
    if done.rows_affected == 0 { Err(Error::NotFound("dataset")) } else { Ok(()) }
}

/// A dataset with its documents: all, available ones, their words, and the form of their chunks.
type Counted = (Uuid, i64, Option<i64>, Option<i64>, Option<String>);

/// What the lists show beside each.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn figures(source: &dyn Source, ids: &[DatasetId]) -> Result<HashMap<DatasetId, DatasetFigures>> {
    use documents::Column as Of;
    let mut out: HashMap<DatasetId, DatasetFigures> = HashMap::new();
    if ids.is_empty() {
        return Ok(out);
    }
    let wanted = || ids.iter().map(|id| id.0);
    let is_available =
        Condition::all().add(Of::IndexingStatus.eq("completed")).add(Of::Enabled.eq(true)).add(Of::Archived.eq(false));
    let available = Expr::case(is_available, 1).finally(0);
    let words = Func::coalesce([Expr::col(Of::WordCount), Expr::value(0_i64)]);
    let rows: Vec<Counted> = documents::Entity::find()
        .select_only()
        .column(Of::DatasetId)
        .column_as(Of::Id.count(), "documents")
        .column_as(as_whole(Expr::expr(available).sum()), "available")
        .column_as(as_whole(Expr::expr(words).sum()), "words")
        .column_as(Of::DocForm.min(), "doc_form")
        .filter(Of::DatasetId.is_in(wanted()))
        .group_by(Of::DatasetId)
        .into_tuple()
        .all(&source.executor())
        .await?;
    let number = |number: Option<i64>| number.unwrap_or_default().unsigned_abs();
    for (id, documents, available, words, doc_form) in rows {
        let entry = out.entry(DatasetId(id)).or_default();
        *entry = DatasetFigures {
            documents: documents.unsigned_abs(),
            available: number(available),
            words: number(words),
            apps: 0,
            doc_form,
        };
    }
    let apps: Vec<(Uuid, i64)> = app_dataset_joins::Entity::find()
        .select_only()
        .column(app_dataset_joins::Column::DatasetId)
        .column_as(app_dataset_joins::Column::AppId.count(), "apps")
        .filter(app_dataset_joins::Column::DatasetId.is_in(wanted()))
        .group_by(app_dataset_joins::Column::DatasetId)
        .into_tuple()
        .all(&source.executor())
        .await?;
    for (id, apps) in apps {
        out.entry(DatasetId(id)).or_default().apps = apps.unsigned_abs();
    }
    Ok(out)
}

/// Sums of whole numbers are decimals on PostgreSQL.
fn as_whole(sum: sea_orm::sea_query::SimpleExpr) -> sea_orm::sea_query::SimpleExpr {
    sum.cast_as("bigint")
}

/// The apps that use one.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn apps(source: &dyn Source, tenant: TenantId, id: DatasetId) -> Result<Vec<App>> {
    let joined = Query::select()
        .column(app_dataset_joins::Column::AppId)
        .from(app_dataset_joins::Entity)
        .and_where(app_dataset_joins::Column::DatasetId.eq(id.0))
        .to_owned();
    let rows = apps::Entity::find()
        .filter(apps::Column::TenantId.eq(tenant.0))
        .filter(apps::Column::Id.in_subquery(joined))
        .order_by_desc(apps::Column::CreatedAt)
        .all(&source.executor())
        .await?;
    Ok(rows.into_iter().map(App::from).collect())
}

/// Notes which knowledge bases an app uses, in place of those before.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn set_of_app(tx: &Tx, app: AppId, ids: &[DatasetId]) -> Result<()> {
    use app_dataset_joins::{ActiveModel, Column as Of, Model as Join};
    app_dataset_joins::Entity::delete_many().filter(Of::AppId.eq(app.0)).exec(tx.connection()).await?;
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    let created_at = now();
    let rows: Vec<ActiveModel> = ids
        .into_iter()
        .map(|id| Join { app_id: app.0, dataset_id: id.0, created_at }.into_active_model().reset_all())
        .collect();
    if !rows.is_empty() {
        app_dataset_joins::Entity::insert_many(rows).exec_without_returning(tx.connection()).await?;
    }
    Ok(())
}

/// Who was let into one.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn members(source: &dyn Source, id: DatasetId) -> Result<Vec<AccountId>> {
    let rows: Vec<Uuid> = permissions::Entity::find()
        .select_only()
        .column(permissions::Column::AccountId)
        .filter(permissions::Column::DatasetId.eq(id.0))
        .filter(permissions::Column::HasPermission.eq(true))
        .order_by_asc(permissions::Column::AccountId)
        .into_tuple()
        .all(&source.executor())
        .await?;
    Ok(rows.into_iter().map(AccountId).collect())
}

/// Lets these members in, in place of those before.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn set_members(tx: &Tx, tenant: TenantId, id: DatasetId, accounts: &[AccountId]) -> Result<()> {
    use permissions::{ActiveModel, Column as Of, Model as Row};
    permissions::Entity::delete_many().filter(Of::DatasetId.eq(id.0)).exec(tx.connection()).await?;
    let mut accounts = accounts.to_vec();
    accounts.sort_unstable();
    accounts.dedup();
    let created_at = now();
    let row = |account: AccountId| Row {
        dataset_id: id.0,
        account_id: account.0,
        tenant_id: tenant.0,
        has_permission: true,
        created_at,
    };
    let rows: Vec<ActiveModel> =
        accounts.into_iter().map(|account| row(account).into_active_model().reset_all()).collect();
    if !rows.is_empty() {
        permissions::Entity::insert_many(rows).exec_without_returning(tx.connection()).await?;
    }
    Ok(())
}

/// Stores a rule.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn insert_rule(tx: &Tx, rule: ProcessRuleRow) -> Result<()> {
    row::insert::<rules::Entity>(tx, rule).await
}

/// The rule that was chosen last.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn latest_rule(source: &dyn Source, id: DatasetId) -> Result<Option<ProcessRuleRow>> {
    let query = rules::Entity::find()
        .filter(rules::Column::DatasetId.eq(id.0))
        .order_by_desc(rules::Column::CreatedAt)
        .order_by_desc(rules::Column::Id);
    Ok(query.one(&source.executor()).await?.map(ProcessRuleRow::from))
}

/// One rule.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn rule(source: &dyn Source, dataset: DatasetId, id: Uuid) -> Result<Option<ProcessRuleRow>> {
    let query = rules::Entity::find_by_id(id).filter(rules::Column::DatasetId.eq(dataset.0));
    Ok(query.one(&source.executor()).await?.map(ProcessRuleRow::from))
}

/// Something of knowledge whose rows are still to be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    Dataset(DatasetId),
    Document(DocumentId),
}

impl Gone {
    const fn parts(self) -> (&'static str, Uuid) {
        match self {
            Self::Dataset(id) => ("dataset", id.0),
            Self::Document(id) => ("document", id.0),
        }
    }
}

/// Notes that something is gone, so that [`step`] removes what hangs on it.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn begin_removal(tx: &Tx, tenant: TenantId, what: Gone) -> Result<()> {
    let (kind, target_id) = what.parts();
    let row = deletions::Model {
        id: ox_types::new_uuid(),
        tenant_id: tenant.0,
        kind: kind.to_owned(),
        target_id,
        created_at: now(),
    };
    row::insert::<deletions::Entity>(tx, row).await
}

/// Deletes one: for its users it is gone. What hangs on it is removed in small steps afterwards ([`step`]).
///
/// # Errors
/// Not found when it is not there.
#[boxed]
pub async fn delete(tx: &Tx, tenant: TenantId, id: DatasetId) -> Result<()> {
    let connection = tx.connection();
    let done = Entity::delete_many()
        .filter(Column::Id.eq(id.0))
        .filter(Column::TenantId.eq(tenant.0))
        .exec(connection)
        .await?;
    if done.rows_affected == 0 {
        return Err(Error::NotFound("dataset"));
    }
    tag_bindings::Entity::delete_many().filter(tag_bindings::Column::TargetId.eq(id.0)).exec(connection).await?;
    // What is being worked on stops at once.
    documents::Entity::update_many()
        .col_expr(documents::Column::LeasedBy, Expr::value(Option::<Uuid>::None))
        .col_expr(documents::Column::IndexingStatus, Expr::value("error"))
        .filter(documents::Column::DatasetId.eq(id.0))
        .filter(documents::Column::IndexingStatus.ne("completed"))
        .exec(connection)
        .await?;
    begin_removal(tx, tenant, Gone::Dataset(id)).await
}

/// What is still to be removed, oldest first, with the row to strike off ([`removed`]).
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn removals(source: &dyn Source, limit: u64) -> Result<Vec<(Uuid, Gone)>> {
    let rows = deletions::Entity::find()
        .filter(deletions::Column::Kind.is_in(["dataset", "document"]))
        .order_by_asc(deletions::Column::CreatedAt)
        .limit(limit)
        .all(&source.executor())
        .await?;
    let gone = |row: deletions::Model| match row.kind.as_str() {
        "dataset" => (row.id, Gone::Dataset(DatasetId(row.target_id))),
        _ => (row.id, Gone::Document(DocumentId(row.target_id))),
    };
    Ok(rows.into_iter().map(gone).collect())
}

/// Notes that nothing is left.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn removed(tx: &Tx, id: Uuid) -> Result<()> {
    deletions::Entity::delete_by_id(id).exec(tx.connection()).await?;
    Ok(())
}

/// Tables that hang on a knowledge base. Documents come last: they name the files.
const OF_DATASET: &[&str] = &[
    "index_nodes",
    "index_rebuilds",
    "child_chunks",
    "document_segment_summaries",
    "segment_attachment_bindings",
    "document_segments",
    "dataset_metadata_bindings",
    "dataset_metadatas",
    "dataset_queries",
    "retrieval_questions",
    "retrieval_evaluation_results",
    "retrieval_evaluations",
    "dataset_permissions",
    "app_dataset_joins",
    "external_knowledge_bindings",
    "dataset_process_rules",
    "documents",
];
const OF_DOCUMENT: &[&str] = &[
    "child_chunks",
    "document_segment_summaries",
    "segment_attachment_bindings",
    "document_segments",
    "dataset_metadata_bindings",
    "document_pipeline_execution_logs",
];

/// Removes the next rows of what is gone; false when there are none any more. The files of a knowledge base are taken
/// before (`documents::files_of`).
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn step(tx: &Tx, what: Gone) -> Result<bool> {
    let (tables, column) = match what {
        Gone::Dataset(_) => (OF_DATASET, "dataset_id"),
        Gone::Document(_) => (OF_DOCUMENT, "document_id"),
    };
    let connection = tx.connection();
    let backend = connection.get_database_backend();
    for table in tables {
        // By the rows' places: not every table has an id.
        let sql = match backend {
            DbBackend::Postgres => format!(
                "DELETE FROM {table} WHERE {column} = $1 AND ctid = ANY (ARRAY(SELECT ctid FROM {table} WHERE {column} = $1 LIMIT $2))"
            ),
            _ => format!("DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} WHERE {column} = $1 LIMIT $2)"),
        };
        let statement = Statement::from_sql_and_values(backend, sql, [what.parts().1.into(), BATCH.into()]);
        if connection.execute_raw(statement).await?.rows_affected() > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Pictures that were taken out of the documents of what is gone. Those of a knowledge base are found by its documents,
/// whose rows go last.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn pictures(source: &dyn Source, what: Gone, limit: u64) -> Result<Vec<FileId>> {
    let sql = match what {
        Gone::Dataset(_) => {
            "SELECT f.id FROM documents d JOIN upload_files f ON f.used_by = d.id WHERE d.dataset_id = $1 LIMIT $2"
        }
        Gone::Document(_) => "SELECT f.id FROM upload_files f WHERE f.used_by = $1 LIMIT $2",
    };
    let executor = source.executor();
    let backend = executor.get_database_backend();
    let values = [what.parts().1.into(), i64::try_from(limit).unwrap_or(i64::MAX).into()];
    let rows = executor.query_all_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
    rows.into_iter().map(|row| Ok(FileId(row.try_get_by_index(0)?))).collect()
}

/// Notes, as a text of the caller's, that another generation of its index is wanted; none when it is not.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn want_generation(tx: &Tx, id: DatasetId, wanted: Option<&str>) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::IndexStruct, Expr::value(wanted))
        .filter(Column::Id.eq(id.0))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// What was noted ([`want_generation`]), with the workspace. In a transaction, changes of its index wait for its end.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn wanted_generation(source: &dyn Source, id: DatasetId) -> Result<Option<(TenantId, String)>> {
    let found: Option<(Uuid, Option<String>)> = Entity::find_by_id(id.0)
        .select_only()
        .columns([Column::TenantId, Column::IndexStruct])
        .into_tuple()
        .one(&source.executor())
        .await?;
    Ok(found.and_then(|(tenant, wanted)| Some((TenantId(tenant), wanted?))))
}

/// Knowledge bases of which another generation is wanted.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn unfinished_generations(source: &dyn Source) -> Result<Vec<DatasetId>> {
    let rows: Vec<Uuid> = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::IndexStruct.is_not_null())
        .into_tuple()
        .all(&source.executor())
        .await?;
    Ok(rows.into_iter().map(DatasetId).collect())
}

/// Lets changes of its index wait until this transaction ends.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn hold_index(tx: &Tx, id: DatasetId) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::IndexSeq, Expr::col(Column::IndexSeq))
        .filter(Column::Id.eq(id.0))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// Lets another generation be searched, with the model that made its vectors.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn switch_generation(tx: &Tx, id: DatasetId, next: i32, model: &NextModel) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::IndexGeneration, Expr::value(next))
        .col_expr(Column::IndexStruct, Expr::value(Option::<String>::None))
        .col_expr(Column::IndexingTechnique, Expr::value("high_quality"))
        .col_expr(Column::EmbeddingModelProvider, Expr::value(model.provider.as_str()))
        .col_expr(Column::EmbeddingModel, Expr::value(model.name.as_str()))
        .col_expr(Column::IsMultimodal, Expr::value(model.sees))
        .filter(Column::Id.eq(id.0))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// Removes rows of another generation than the one that is searched or made; false when there are none any more.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn drop_generation(tx: &Tx, id: DatasetId, generation: i32) -> Result<bool> {
    let connection = tx.connection();
    let backend = connection.get_database_backend();
    let sql = match backend {
        DbBackend::Postgres => {
            "DELETE FROM index_nodes WHERE dataset_id = $1 AND generation = $2 AND ctid = ANY (ARRAY(SELECT ctid FROM \
             index_nodes WHERE dataset_id = $1 AND generation = $2 LIMIT $3))"
        }
        _ => {
            "DELETE FROM index_nodes WHERE rowid IN (SELECT rowid FROM index_nodes WHERE dataset_id = $1 AND generation \
             = $2 LIMIT $3)"
        }
    };
    let statement = Statement::from_sql_and_values(backend, sql, [id.0.into(), generation.into(), BATCH.into()]);
    Ok(connection.execute_raw(statement).await?.rows_affected() > 0)
}
