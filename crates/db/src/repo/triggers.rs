//! Triggers of apps, their schedules, and the events that reached them.

use chrono::{DateTime, Utc};
use ox_types::{AppId, RunId, TenantId, boxed};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect, Statement, TryInsertResult, sea_query::Expr,
};
use uuid::Uuid;

use super::{row, skipped};
use crate::{
    Result, Source, Tx,
    entity::{
        app_triggers as apps, workflow_plugin_triggers as plugins, workflow_schedule_plans as plans,
        workflow_trigger_logs as logs, workflow_webhook_triggers as webhooks,
    },
    model::{AppTrigger, PluginTrigger, SchedulePlan, TriggerLog, WebhookTrigger},
    now,
};

/// The webhook behind a public address.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn webhook(source: &dyn Source, webhook_id: &str) -> Result<Option<WebhookTrigger>> {
    let query = webhooks::Entity::find().filter(webhooks::Column::WebhookId.eq(webhook_id));
    Ok(query.one(&source.executor()).await?.map(WebhookTrigger::from))
}

/// The webhooks of an app's draft.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn webhooks_of(source: &dyn Source, tenant: TenantId, app: AppId) -> Result<Vec<WebhookTrigger>> {
    let query = webhooks::Entity::find()
        .filter(webhooks::Column::TenantId.eq(tenant.0))
        .filter(webhooks::Column::AppId.eq(app.0))
        .order_by_asc(webhooks::Column::Id);
    Ok(query.all(&source.executor()).await?.into_iter().map(WebhookTrigger::from).collect())
}

/// Adds a webhook.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn add_webhook(tx: &Tx, webhook: WebhookTrigger) -> Result<()> {
    row::insert::<webhooks::Entity>(tx, webhook).await
}

/// Removes the webhooks of nodes that are no more.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn keep_webhooks(tx: &Tx, tenant: TenantId, app: AppId, nodes: &[&str]) -> Result<()> {
    webhooks::Entity::delete_many()
        .filter(webhooks::Column::TenantId.eq(tenant.0))
        .filter(webhooks::Column::AppId.eq(app.0))
        .filter(webhooks::Column::NodeId.is_not_in(nodes.iter().copied()))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// Makes these the plugin triggers of an app.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn set_plugins(tx: &Tx, tenant: TenantId, app: AppId, triggers: Vec<PluginTrigger>) -> Result<()> {
    plugins::Entity::delete_many()
        .filter(plugins::Column::TenantId.eq(tenant.0))
        .filter(plugins::Column::AppId.eq(app.0))
        .exec(tx.connection())
        .await?;
    for trigger in triggers {
        row::insert::<plugins::Entity>(tx, trigger).await?;
    }
    Ok(())
}

/// The triggers of an app's published version.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn of_app(source: &dyn Source, tenant: TenantId, app: AppId) -> Result<Vec<AppTrigger>> {
    let query = apps::Entity::find()
        .filter(apps::Column::TenantId.eq(tenant.0))
        .filter(apps::Column::AppId.eq(app.0))
        .order_by_asc(apps::Column::Id);
    Ok(query.all(&source.executor()).await?.into_iter().map(AppTrigger::from).collect())
}

/// The trigger of a node.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn of_node(source: &dyn Source, tenant: TenantId, app: AppId, node: &str) -> Result<Option<AppTrigger>> {
    let query = apps::Entity::find()
        .filter(apps::Column::TenantId.eq(tenant.0))
        .filter(apps::Column::AppId.eq(app.0))
        .filter(apps::Column::NodeId.eq(node));
    Ok(query.one(&source.executor()).await?.map(AppTrigger::from))
}

/// Triggers of published versions, switched on, that wait for one of these events of a subscription.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn waiting_for(
    source: &dyn Source,
    tenant: TenantId,
    subscription: &str,
    events: &[String],
    limit: u64,
) -> Result<Vec<AppTrigger>> {
    let query = apps::Entity::find()
        .filter(apps::Column::TenantId.eq(tenant.0))
        .filter(apps::Column::SubscriptionId.eq(subscription))
        .filter(apps::Column::EventName.is_in(events.iter().map(String::as_str)))
        .filter(apps::Column::TriggerType.eq("trigger-plugin"))
        .filter(apps::Column::Status.eq("enabled"))
        .order_by_asc(apps::Column::Id)
        .limit(limit);
    Ok(query.all(&source.executor()).await?.into_iter().map(AppTrigger::from).collect())
}

/// Nodes of drafts that wait for one of these events of a subscription.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn drafts_waiting_for(
    source: &dyn Source,
    tenant: TenantId,
    subscription: &str,
    events: &[String],
    limit: u64,
) -> Result<Vec<PluginTrigger>> {
    let query = plugins::Entity::find()
        .filter(plugins::Column::TenantId.eq(tenant.0))
        .filter(plugins::Column::SubscriptionId.eq(subscription))
        .filter(plugins::Column::EventName.is_in(events.iter().map(String::as_str)))
        .order_by_asc(plugins::Column::Id)
        .limit(limit);
    Ok(query.all(&source.executor()).await?.into_iter().map(PluginTrigger::from).collect())
}

/// Makes these the triggers of an app: new ones are added, those that are no more removed, the others keep their
/// status.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn set(tx: &Tx, tenant: TenantId, app: AppId, triggers: Vec<AppTrigger>) -> Result<()> {
    use apps::Column;
    apps::Entity::delete_many()
        .filter(Column::TenantId.eq(tenant.0))
        .filter(Column::AppId.eq(app.0))
        .filter(Column::NodeId.is_not_in(triggers.iter().map(|trigger| trigger.node_id.as_str())))
        .exec(tx.connection())
        .await?;
    let keep = [Column::Id, Column::Status, Column::CreatedAt];
    for trigger in triggers {
        row::upsert::<apps::Entity>(tx, &[Column::AppId, Column::NodeId], &keep, trigger).await?;
    }
    Ok(())
}

/// Switches a trigger; false when there is none.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn set_status(tx: &Tx, tenant: TenantId, app: AppId, id: Uuid, status: &str) -> Result<bool> {
    let changed = apps::Entity::update_many()
        .col_expr(apps::Column::Status, Expr::value(status))
        .col_expr(apps::Column::UpdatedAt, Expr::value(now()))
        .filter(apps::Column::Id.eq(id))
        .filter(apps::Column::TenantId.eq(tenant.0))
        .filter(apps::Column::AppId.eq(app.0))
        .exec(tx.connection())
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Makes these the schedules of an app. One that did not change keeps its next time.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn set_plans(tx: &Tx, tenant: TenantId, app: AppId, wanted: Vec<SchedulePlan>) -> Result<()> {
    use plans::Column;
    let query = plans::Entity::find().filter(Column::TenantId.eq(tenant.0)).filter(Column::AppId.eq(app.0));
    let known: Vec<SchedulePlan> = query.all(tx.connection()).await?.into_iter().map(SchedulePlan::from).collect();
    for old in &known {
        let stays = wanted.iter().any(|plan| same_plan(plan, old));
        if !stays {
            plans::Entity::delete_by_id(old.id).exec(tx.connection()).await?;
        }
    }
    for plan in wanted {
        if !known.iter().any(|old| same_plan(&plan, old)) {
            row::insert::<plans::Entity>(tx, plan).await?;
        }
    }
    Ok(())
}

fn same_plan(a: &SchedulePlan, b: &SchedulePlan) -> bool {
    (&a.node_id, &a.cron_expression, &a.timezone) == (&b.node_id, &b.cron_expression, &b.timezone)
}

/// Gives the schedule of a trigger that is switched on a time from now on.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn plans_of(source: &dyn Source, tenant: TenantId, app: AppId) -> Result<Vec<SchedulePlan>> {
    let query =
        plans::Entity::find().filter(plans::Column::TenantId.eq(tenant.0)).filter(plans::Column::AppId.eq(app.0));
    Ok(query.all(&source.executor()).await?.into_iter().map(SchedulePlan::from).collect())
}

/// Schedules whose time has come and whose trigger is on.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn due_plans(source: &dyn Source, at: DateTime<Utc>, limit: u64) -> Result<Vec<SchedulePlan>> {
    let executor = source.executor();
    let statement = Statement::from_sql_and_values(
        executor.get_database_backend(),
        "SELECT p.* FROM workflow_schedule_plans p JOIN app_triggers t ON t.app_id = p.app_id AND t.node_id = p.node_id \
         WHERE p.next_run_at <= $1 AND t.status = 'enabled' ORDER BY p.next_run_at LIMIT $2",
        [at.into(), i64::try_from(limit).unwrap_or(i64::MAX).into()],
    );
    let rows = plans::Model::find_by_statement(statement).all(&executor).await?;
    Ok(rows.into_iter().map(SchedulePlan::from).collect())
}

/// Moves a schedule on from the time it has; false when another process has done so.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn advance(tx: &Tx, plan: &SchedulePlan, next: Option<DateTime<Utc>>) -> Result<bool> {
    let changed = plans::Entity::update_many()
        .col_expr(plans::Column::NextRunAt, Expr::value(next))
        .col_expr(plans::Column::UpdatedAt, Expr::value(now()))
        .filter(plans::Column::Id.eq(plan.id))
        .filter(plans::Column::NextRunAt.eq(plan.next_run_at))
        .exec(tx.connection())
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Records an event. False when one with the same fire key is there already.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn log(tx: &Tx, log: TriggerLog) -> Result<bool> {
    let row = logs::Model::from(log).into_active_model().reset_all();
    let insert = logs::Entity::insert(row).on_conflict_do_nothing_on([logs::Column::FireKey]);
    let done = insert.exec_without_returning(tx.connection()).await?;
    Ok(matches!(done, TryInsertResult::Inserted(rows) if rows > 0))
}

/// Events that no living process starts or watches.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn orphans(source: &dyn Source, at: DateTime<Utc>, limit: u64) -> Result<Vec<TriggerLog>> {
    let executor = source.executor();
    let statement = Statement::from_sql_and_values(
        executor.get_database_backend(),
        "SELECT l.* FROM workflow_trigger_logs l LEFT JOIN processes p ON p.id = l.owner WHERE l.finished_at IS NULL AND \
         l.status = 'queued' AND (p.id IS NULL OR p.expires_at < $1) ORDER BY l.triggered_at LIMIT $2",
        [at.into(), i64::try_from(limit).unwrap_or(i64::MAX).into()],
    );
    let rows = logs::Model::find_by_statement(statement).all(&executor).await?;
    Ok(rows.into_iter().map(TriggerLog::from).collect())
}

/// Takes an event over from a process that died; false when another one was quicker.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn take_log(tx: &Tx, log: &TriggerLog, process: Uuid) -> Result<bool> {
    let mut query = logs::Entity::update_many()
        .col_expr(logs::Column::Owner, Expr::value(Some(process)))
        .col_expr(logs::Column::RetryCount, Expr::value(log.retry_count + 1))
        .filter(logs::Column::Id.eq(log.id))
        .filter(logs::Column::RetryCount.eq(log.retry_count));
    query = match log.owner {
        Some(owner) => query.filter(logs::Column::Owner.eq(owner)),
        None => query.filter(logs::Column::Owner.is_null()),
    };
    Ok(query.exec(tx.connection()).await?.rows_affected == 1)
}

/// Gives an event back, for whichever process has room to start it.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn release_log(tx: &Tx, id: Uuid) -> Result<()> {
    logs::Entity::update_many()
        .col_expr(logs::Column::Owner, Expr::value(None::<Uuid>))
        .filter(logs::Column::Id.eq(id))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// Notes how far an event has come.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn note(tx: &Tx, id: Uuid, status: &str, error: Option<&str>, over: bool) -> Result<()> {
    logs::Entity::update_many()
        .col_expr(logs::Column::Status, Expr::value(status))
        .col_expr(logs::Column::Error, Expr::value(error))
        .col_expr(logs::Column::FinishedAt, Expr::value(over.then(now)))
        .filter(logs::Column::Id.eq(id))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// Which events a list shows.
#[derive(Clone, Debug, Default)]
pub struct LogFilter {
    pub node_id: Option<String>,
}

/// One page (1-based) of the events of an app, newest first, and whether more follow.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn log_page(
    source: &dyn Source,
    tenant: TenantId,
    app: AppId,
    filter: &LogFilter,
    page: u64,
    limit: u64,
) -> Result<(Vec<TriggerLog>, bool)> {
    let mut query =
        logs::Entity::find().filter(logs::Column::TenantId.eq(tenant.0)).filter(logs::Column::AppId.eq(app.0));
    if let Some(node) = &filter.node_id {
        query = query.filter(logs::Column::RootNodeId.eq(node.as_str()));
    }
    let rows = query
        .order_by_desc(logs::Column::TriggeredAt)
        .order_by_desc(logs::Column::Id)
        .offset(skipped(page, limit))
        .limit(limit + 1)
        .all(&source.executor())
        .await?;
    let more = rows.len() as u64 > limit;
    let keep = usize::try_from(limit).unwrap_or(usize::MAX);
    Ok((rows.into_iter().take(keep).map(TriggerLog::from).collect(), more))
}

/// The event that a run was started by.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn log_of_run(source: &dyn Source, tenant: TenantId, run: RunId) -> Result<Option<TriggerLog>> {
    let query =
        logs::Entity::find().filter(logs::Column::TenantId.eq(tenant.0)).filter(logs::Column::WorkflowRunId.eq(run.0));
    Ok(query.one(&source.executor()).await?.map(TriggerLog::from))
}

/// Removes the triggers of an app that is deleted.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn forget_app(tx: &Tx, tenant: TenantId, app: AppId) -> Result<()> {
    keep_webhooks(tx, tenant, app, &[]).await?;
    set_plugins(tx, tenant, app, Vec::new()).await?;
    set(tx, tenant, app, Vec::new()).await?;
    set_plans(tx, tenant, app, Vec::new()).await
}
