//! What starts workflows without a caller: webhooks, schedules, and events of plugins.
//!
//! Addresses of webhooks belong to the draft; an app's list of triggers and its schedules to the published version. An
//! event is a row of `workflow_trigger_logs`, committed before it is acknowledged, with the id its run will have: it
//! starts one run, whatever dies in between.

pub mod builders;
pub mod cron;
pub mod debug;
pub mod host;
mod keeper;
pub mod plugin;
pub mod subscriptions;
pub mod webhook;

use std::collections::HashSet;

use ox_db::{
    Tx,
    model::{AppTrigger, PluginTrigger, SchedulePlan, TriggerLog, WebhookTrigger, Workflow, WorkflowRun},
    now, repo,
};
use ox_types::{AccountId, AppId, Json, RunId, TenantId, boxed};
use uuid::Uuid;

use self::cron::Schedule;
pub(crate) use self::keeper::keep;
use crate::{Error, Principal, Result, Services, apps, principal::Permission};

/// Webhook nodes of one workflow at most.
const MAX_WEBHOOKS: usize = 5;
/// Characters of a webhook's address.
const WEBHOOK_ID: usize = 24;

pub(crate) fn text<'a>(json: &'a Json, key: &str) -> &'a str {
    json.get(key).and_then(Json::as_str).unwrap_or_default()
}

/// Nodes of a graph of some kinds: id and data.
fn nodes<'a>(graph: &'a Json, kinds: &'a [&str]) -> impl Iterator<Item = (&'a str, &'a Json)> {
    graph.get("nodes").and_then(Json::as_array).into_iter().flatten().filter_map(move |node| {
        let data = node.get("data")?;
        kinds.contains(&text(data, "type")).then(|| (text(node, "id"), data))
    })
}

/// The data of one node of a graph.
pub(crate) fn node<'a>(graph: &'a Json, id: &str, kinds: &'a [&str]) -> Option<&'a Json> {
    nodes(graph, kinds).find(|(found, _)| *found == id).map(|(_, data)| data)
}

/// Makes the addresses of the draft's webhooks, and forgets those of nodes that are no more.
///
/// # Errors
/// 400 when there are too many.
pub(crate) async fn sync_draft(tx: &Tx, draft: &Workflow, account: AccountId) -> Result<()> {
    let (tenant, app) = (draft.tenant_id, draft.app_id);
    let wanted: Vec<&str> = nodes(&draft.graph, &["trigger-webhook"]).map(|(id, _)| id).collect();
    if wanted.len() > MAX_WEBHOOKS {
        return Err(Error::invalid(format!("A workflow can have {MAX_WEBHOOKS} webhook nodes at most.")));
    }
    let known = repo::triggers::webhooks_of(tx, tenant, app).await?;
    if known.iter().any(|webhook| !wanted.contains(&webhook.node_id.as_str())) {
        repo::triggers::keep_webhooks(tx, tenant, app, &wanted).await?;
    }
    let time = now();
    for node in wanted.iter().filter(|node| !known.iter().any(|webhook| webhook.node_id == **node)) {
        let webhook = WebhookTrigger {
            id: ox_types::new_uuid(),
            tenant_id: tenant,
            app_id: app,
            node_id: (*node).to_owned(),
            webhook_id: ox_auth::random_code(WEBHOOK_ID),
            created_by: account.0,
            created_at: time,
            updated_at: time,
        };
        repo::triggers::add_webhook(tx, webhook).await?;
    }
    let plugins: Vec<PluginTrigger> = nodes(&draft.graph, &["trigger-plugin"])
        .map(|(node, data)| PluginTrigger {
            id: ox_types::new_uuid(),
            tenant_id: tenant,
            app_id: app,
            node_id: node.to_owned(),
            provider_id: text(data, "provider_id").to_owned(),
            event_name: text(data, "event_name").to_owned(),
            subscription_id: text(data, "subscription_id").to_owned(),
            created_at: time,
            updated_at: time,
        })
        .collect();
    Ok(repo::triggers::set_plugins(tx, tenant, app, plugins).await?)
}

/// Checks what can be known of a workflow's triggers before it is published.
///
/// # Errors
/// 400 for a schedule that cannot be read, or a second one.
pub(crate) fn check(graph: &Json) -> Result<()> {
    let mut schedules = nodes(graph, &["trigger-schedule"]);
    if let Some((_, data)) = schedules.next() {
        let title = text(data, "title");
        let why = |why: String| {
            Error::invalid(format!("The schedule '{title}' cannot be used: {why} (ScheduleConfigError)."))
        };
        Schedule::parse(&cron::expression(data).map_err(why)?, text(data, "timezone")).map_err(why)?;
    }
    if schedules.next().is_some() {
        return Err(Error::invalid("A workflow can have one schedule at most."));
    }
    Ok(())
}

/// Makes the triggers of a published version those of its app. Of plugin triggers, these can have events.
pub(crate) async fn sync_published(tx: &Tx, version: &Workflow, subscribed: &HashSet<String>) -> Result<()> {
    let (tenant, app, time) = (version.tenant_id, version.app_id, now());
    let kinds = ["trigger-webhook", "trigger-schedule", "trigger-plugin"];
    let triggers: Vec<AppTrigger> = nodes(&version.graph, &kinds)
        .map(|(node, data)| AppTrigger {
            id: ox_types::new_uuid(),
            tenant_id: tenant,
            app_id: app,
            node_id: node.to_owned(),
            trigger_type: text(data, "type").to_owned(),
            title: text(data, "title").to_owned(),
            provider_name: text(data, "provider_name").to_owned(),
            status: if can_fire(node, data, subscribed) { "enabled" } else { "unauthorized" }.to_owned(),
            subscription_id: text(data, "subscription_id").to_owned(),
            event_name: text(data, "event_name").to_owned(),
            created_at: time,
            updated_at: time,
        })
        .collect();
    repo::triggers::set(tx, tenant, app, triggers).await?;
    for known in repo::triggers::of_app(tx, tenant, app).await? {
        // The others keep what they were switched to.
        let status = match (known.status.as_str(), subscribed.contains(&known.node_id)) {
            ("unauthorized", true) => "enabled",
            ("enabled", false) if known.trigger_type == "trigger-plugin" => "unauthorized",
            _ => continue,
        };
        repo::triggers::set_status(tx, tenant, app, known.id, status).await?;
    }
    let plans = nodes(&version.graph, &["trigger-schedule"]).filter_map(|(node, data)| {
        let expression = cron::expression(data).ok()?;
        let zone = Some(text(data, "timezone")).filter(|zone| !zone.is_empty()).unwrap_or("UTC");
        let schedule = Schedule::parse(&expression, zone).ok()?;
        Some(SchedulePlan {
            id: ox_types::new_uuid(),
            tenant_id: tenant,
            app_id: app,
            node_id: node.to_owned(),
            next_run_at: schedule.next(time),
            cron_expression: expression,
            timezone: zone.to_owned(),
            created_at: time,
            updated_at: time,
        })
    });
    Ok(repo::triggers::set_plans(tx, tenant, app, plans.collect()).await?)
}

/// A plugin's events can come while somebody has subscribed to them.
fn can_fire(node: &str, data: &Json, subscribed: &HashSet<String>) -> bool {
    text(data, "type") != "trigger-plugin" || subscribed.contains(node)
}

/// The triggers of an app.
///
/// # Errors
/// 404 for an unknown app.
#[boxed]
pub async fn list(services: &Services, principal: &Principal, app: AppId) -> Result<Vec<AppTrigger>> {
    apps::find_of_mode(services, principal, app, &["workflow"]).await?;
    Ok(repo::triggers::of_app(&services.db, principal.tenant_id(), app).await?)
}

/// Switches a trigger on or off.
///
/// # Errors
/// 404 for an unknown trigger, 400 for one whose plugin or subscription is missing.
#[boxed]
pub async fn enable(
    services: &Services,
    principal: &Principal,
    app: AppId,
    id: Uuid,
    enabled: bool,
) -> Result<AppTrigger> {
    principal.require(Permission::AppEdit)?;
    let known = list(services, principal, app).await?;
    let trigger = known.into_iter().find(|trigger| trigger.id == id);
    let trigger = trigger.ok_or_else(|| Error::not_found("Trigger not found"))?;
    let tenant = principal.tenant_id();
    if enabled && trigger.trigger_type == "trigger-plugin" {
        check_subscription(services, tenant, &trigger).await?;
    }
    // What was missed while it was off is not made up for.
    let plans: Vec<SchedulePlan> = repo::triggers::plans_of(&services.db, tenant, app)
        .await?
        .into_iter()
        .filter(|plan| enabled && plan.node_id == trigger.node_id && plan.next_run_at.is_some_and(|at| at <= now()))
        .collect();
    let tx = services.db.begin().await?;
    repo::triggers::set_status(&tx, tenant, app, id, if enabled { "enabled" } else { "disabled" }).await?;
    for plan in plans {
        let next = Schedule::parse(&plan.cron_expression, &plan.timezone).ok().and_then(|it| it.next(now()));
        repo::triggers::advance(&tx, &plan, next).await?;
    }
    tx.commit().await?;
    let known = list(services, principal, app).await?;
    known.into_iter().find(|trigger| trigger.id == id).ok_or_else(|| Error::not_found("Trigger not found"))
}

async fn check_subscription(services: &Services, tenant: TenantId, trigger: &AppTrigger) -> Result<()> {
    if plugin::is_subscribed(services, tenant, &trigger.subscription_id).await {
        return Ok(());
    }
    let title = &trigger.title;
    Err(Error::invalid(if services.triggers.host().is_some() {
        format!("The trigger '{title}' has no subscription. Choose one in its panel and publish the workflow again.")
    } else {
        format!("The trigger '{title}' needs the plugin that brings its provider, which is not installed.")
    }))
}

/// The address of a webhook node of the draft.
///
/// # Errors
/// 404 while the draft with the node is not saved.
#[boxed]
pub async fn webhook_of(services: &Services, principal: &Principal, app: AppId, node: &str) -> Result<WebhookTrigger> {
    apps::find_of_mode(services, principal, app, &["workflow"]).await?;
    let known = repo::triggers::webhooks_of(&services.db, principal.tenant_id(), app).await?;
    let found = known.into_iter().find(|webhook| webhook.node_id == node);
    found.ok_or_else(|| Error::not_found("The webhook has no address before the draft is saved."))
}

/// A page of the events of an app, with their runs.
///
/// # Errors
/// 404 for an unknown app.
#[boxed]
pub async fn logs(
    services: &Services,
    principal: &Principal,
    app: AppId,
    node: Option<String>,
    page: u64,
    limit: u64,
) -> Result<(Vec<(TriggerLog, Option<WorkflowRun>)>, bool)> {
    apps::find_of_mode(services, principal, app, &["workflow"]).await?;
    let tenant = principal.tenant_id();
    let filter = repo::triggers::LogFilter { node_id: node };
    let (rows, more) = repo::triggers::log_page(&services.db, tenant, app, &filter, page, limit).await?;
    let ids: Vec<RunId> = rows.iter().map(|log| log.workflow_run_id).collect();
    let mut runs = repo::runs::find_many(&services.db, tenant, app, &ids).await?;
    let with_run = rows.into_iter().map(|log| {
        let at = runs.iter().position(|run| run.id == log.workflow_run_id);
        let run = at.map(|at| runs.swap_remove(at));
        (log, run)
    });
    Ok((with_run.collect(), more))
}
