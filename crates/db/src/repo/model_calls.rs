//! Calls of models, written in batches together with their sums.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use ox_types::{AppId, GatewayKeyId, TenantId, boxed};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, EntityTrait, IdenStatic, Iterable, ModelTrait, QueryFilter,
    QuerySelect, Statement, Value,
};
use uuid::Uuid;

use crate::{
    Page, PageOf, Result, Source, Tx,
    entity::model_calls::{Column, Entity, Model},
    model::{ModelCall, SpendKey, Spent},
    page,
};

/// Rows of one statement.
const CHUNK: usize = 300;
/// Calls of one statement, a power of two: it is put together on a thread that answers calls as well, which must not
/// wait for it long.
const CALLS: usize = 64;

/// Which of some calls are kept already: after a commit of which nobody knows whether it happened.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn known(source: &dyn Source, ids: &[Uuid]) -> Result<HashSet<Uuid>> {
    let mut found = HashSet::new();
    for ids in ids.chunks(CHUNK) {
        let query = Entity::find().select_only().column(Column::Id).filter(Column::Id.is_in(ids.iter().copied()));
        found.extend(query.into_tuple::<Uuid>().all(&source.executor()).await?);
    }
    Ok(found)
}

/// Keeps calls, and adds them to the sums of their days.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn insert(tx: &Tx, calls: Vec<ModelCall>, sums: &BTreeMap<SpendKey, Spent>) -> Result<()> {
    let mut calls = calls;
    while !calls.is_empty() {
        // Few sizes, so that the database has prepared each before.
        let size = 1_usize << calls.len().min(CALLS).ilog2();
        let later = calls.split_off(size);
        insert_some(tx, std::mem::replace(&mut calls, later)).await?;
        tokio::task::yield_now().await;
    }
    // In the order of their keys: two processes that add to the same sums do not wait for each other in a circle.
    let sums: Vec<_> = sums.iter().collect();
    for chunk in sums.chunks(CHUNK) {
        add(tx, chunk).await?;
    }
    Ok(())
}

/// Written out: to have the statement built from parts takes longer than to run it.
async fn insert_some(tx: &Tx, calls: Vec<ModelCall>) -> Result<()> {
    let connection = tx.connection();
    let backend = connection.get_database_backend();
    let sql = insert_sql(backend, calls.len());
    let mut values: Vec<Value> = Vec::new();
    for call in calls {
        let row = Model::from(call);
        values.extend(Column::iter().map(|column| row.get(column)));
    }
    connection.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
    Ok(())
}

fn insert_sql(backend: DbBackend, rows: usize) -> String {
    let columns: Vec<String> = Column::iter().map(|column| format!("\"{}\"", column.as_str())).collect();
    // SQLite looks for the names of parameters one by one, each time: there they have none.
    let mark = |at: usize| if backend == DbBackend::Postgres { format!("${}", at + 1) } else { "?".to_owned() };
    let row = |row: usize| {
        let marks: Vec<String> = (0..columns.len()).map(|at| mark(row * columns.len() + at)).collect();
        format!("({})", marks.join(", "))
    };
    let rows: Vec<String> = (0..rows).map(row).collect();
    format!("INSERT INTO model_calls ({}) VALUES {}", columns.join(", "), rows.join(", "))
}

async fn add(tx: &Tx, sums: &[(&SpendKey, &Spent)]) -> Result<()> {
    let mut values: Vec<Value> = Vec::with_capacity(sums.len() * 8);
    let mut rows = Vec::with_capacity(sums.len());
    for (key, spent) in sums {
        let first = values.len();
        values.extend([
            key.tenant_id.0.into(),
            key.scope.into(),
            key.subject.as_str().into(),
            key.day.as_str().into(),
            key.currency.as_str().into(),
            spent.calls.into(),
            spent.tokens.into(),
            spent.price.into(),
        ]);
        let marks: Vec<String> = (1..=8).map(|at| format!("${}", first + at)).collect();
        rows.push(format!("({})", marks.join(", ")));
    }
    let sql = format!(
        "INSERT INTO model_spend_days (tenant_id, scope, subject, day, currency, calls, tokens, price) VALUES {} ON \
         CONFLICT (tenant_id, scope, subject, day, currency) DO UPDATE SET calls = model_spend_days.calls + \
         excluded.calls, tokens = model_spend_days.tokens + excluded.tokens, price = model_spend_days.price + \
         excluded.price",
        rows.join(", ")
    );
    let connection = tx.connection();
    let statement = Statement::from_sql_and_values(connection.get_database_backend(), sql, values);
    connection.execute_raw(statement).await?;
    Ok(())
}

/// Which calls are looked at.
#[derive(Clone, Debug, Default)]
pub struct CallFilter {
    pub since: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
    pub provider: Option<String>,
    pub model: Option<String>,
    pub app: Option<AppId>,
    pub user: Option<String>,
    pub key: Option<GatewayKeyId>,
    /// Those that were answered, or those that were not.
    pub ok: Option<bool>,
}

impl CallFilter {
    fn condition(&self, tenant: TenantId) -> Condition {
        Condition::all()
            .add(Column::TenantId.eq(tenant.0))
            .add_option(self.since.map(|at| Column::CreatedAt.gte(at)))
            .add_option(self.until.map(|at| Column::CreatedAt.lt(at)))
            .add_option(self.provider.as_deref().map(|text| Column::Provider.eq(text)))
            .add_option(self.model.as_deref().map(|text| Column::Model.eq(text)))
            .add_option(self.app.map(|app| Column::AppId.eq(app.0)))
            .add_option(self.user.as_deref().map(|text| Column::UserId.eq(text)))
            .add_option(self.key.map(|key| Column::KeyId.eq(key.0)))
            .add_option(self.ok.map(|ok| if ok { Column::Outcome.eq("ok") } else { Column::Outcome.ne("ok") }))
    }

    /// The same as SQL with its values, for the sums.
    pub(super) fn sql(&self, tenant: TenantId, values: &mut Vec<Value>) -> String {
        let mut sql = String::new();
        let mut and = |column: &str, value: Value| {
            values.push(value);
            if !sql.is_empty() {
                sql.push_str(" AND ");
            }
            sql.push_str(&format!("{column} ${}", values.len()));
        };
        and("c.tenant_id =", tenant.0.into());
        for (column, at) in [("c.created_at >=", self.since), ("c.created_at <", self.until)] {
            if let Some(at) = at {
                and(column, at.into());
            }
        }
        for (column, text) in
            [("c.provider =", &self.provider), ("c.model =", &self.model), ("c.user_id =", &self.user)]
        {
            if let Some(text) = text {
                and(column, text.as_str().into());
            }
        }
        for (column, id) in [("c.app_id =", self.app.map(|app| app.0)), ("c.key_id =", self.key.map(|key| key.0))] {
            if let Some(id) = id {
                and(column, id.into());
            }
        }
        match self.ok {
            Some(true) => and("c.outcome =", "ok".into()),
            Some(false) => and("c.outcome <>", "ok".into()),
            None => {}
        }
        sql
    }
}

/// Calls of a workspace, newest first.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn page(source: &dyn Source, tenant: TenantId, filter: &CallFilter, page: Page) -> Result<PageOf<ModelCall>> {
    let query =
        Entity::find().filter(filter.condition(tenant)).filter(page::before(Column::CreatedAt, Column::Id, page));
    let query = page::newest_first(query, Column::CreatedAt, Column::Id).limit(page.limit.saturating_add(1));
    let rows = query.all(&source.executor()).await?;
    Ok(PageOf::cut(rows.into_iter().map(ModelCall::from).collect(), page.limit))
}

/// One call of a workspace: a place in its list.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn find(source: &dyn Source, tenant: TenantId, id: Uuid) -> Result<Option<ModelCall>> {
    let query = Entity::find_by_id(id).filter(Column::TenantId.eq(tenant.0));
    Ok(query.one(&source.executor()).await?.map(ModelCall::from))
}

/// Removes the next calls from before a time, of all workspaces; tells how many. Their sums stay.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn remove_before(tx: &Tx, before: DateTime<Utc>, batch: u64) -> Result<u64> {
    let sql = format!(
        "DELETE FROM model_calls WHERE id IN (SELECT id FROM model_calls WHERE created_at < $1 ORDER BY created_at, id \
         LIMIT {batch})"
    );
    let connection = tx.connection();
    let statement = Statement::from_sql_and_values(connection.get_database_backend(), sql, [before.into()]);
    Ok(connection.execute_raw(statement).await?.rows_affected())
}
