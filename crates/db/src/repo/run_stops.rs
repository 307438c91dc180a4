//! Stops asked for in a process that does not run what is to be stopped.
//!
//! Every process reads the new ones while it runs something, and whoever takes a run over looks for an older one.
//! Times are those of the clock that the processes share ([`shared_now`]).

use std::time::Duration;

use ox_types::{AppId, TaskId, boxed};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::row;
use crate::{
    Result, Source, Tx,
    entity::run_stops::{Column, Entity, Model},
    time::shared_now,
};

/// What somebody wants stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunStop {
    pub app_id: AppId,
    /// `None`: everything that runs of the app.
    pub task_id: Option<TaskId>,
    /// Where only those who began something may stop it: who asks.
    pub user_id: Option<Uuid>,
}

impl From<Model> for RunStop {
    fn from(row: Model) -> Self {
        Self { app_id: AppId(row.app_id), task_id: row.task_id.map(TaskId), user_id: row.user_id }
    }
}

/// Asks the other processes for a stop.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn ask(tx: &Tx, stop: RunStop) -> Result<()> {
    let row = Model {
        id: ox_types::new_uuid(),
        app_id: stop.app_id.0,
        task_id: stop.task_id.map(|id| id.0),
        user_id: stop.user_id,
        asked_at: shared_now(tx).await?,
    };
    row::insert::<Entity>(tx, row).await
}

/// What was asked for lately, newest first.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn recent(source: &dyn Source, within: Duration, limit: u64) -> Result<Vec<RunStop>> {
    let since = shared_now(source).await? - within;
    let query = Entity::find().filter(Column::AskedAt.gt(since)).order_by_desc(Column::AskedAt).limit(limit);
    Ok(query.all(&source.executor()).await?.into_iter().map(RunStop::from).collect())
}

/// What was asked for of one task of an app, itself or with the whole app.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn of_task(source: &dyn Source, app: AppId, task: TaskId) -> Result<Vec<RunStop>> {
    let this = Condition::any().add(Column::TaskId.eq(task.0)).add(Column::TaskId.is_null());
    let query = Entity::find().filter(Column::AppId.eq(app.0)).filter(this);
    Ok(query.all(&source.executor()).await?.into_iter().map(RunStop::from).collect())
}

/// Forgets what was asked for longer ago.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn purge(tx: &Tx, life: Duration) -> Result<u64> {
    let before = shared_now(tx).await? - life;
    Ok(Entity::delete_many().filter(Column::AskedAt.lt(before)).exec(tx.connection()).await?.rows_affected)
}
