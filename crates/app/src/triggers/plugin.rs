//! A request to the address of a subscription: told apart by the plugin host, recorded for each workflow that waits for
//! its events, answered; the runs start afterwards.

use std::{collections::HashSet, sync::Arc, time::Duration};

use futures::stream::{self, StreamExt as _};
use ox_db::{
    model::{AppTrigger, TriggerLog, Workflow},
    now, repo,
};
use ox_types::{Json, RunId, TenantId, boxed};
use serde_json::{Map, json};
use uuid::Uuid;

use super::{
    builders, debug,
    host::{Dispatched, EventCall, HostError, RawReply, RawRequest, Transformed, TriggerHost, TriggerSubscription},
    keeper, node, nodes, subscriptions, text,
};
use crate::{Error, Result, Services};

/// How long one call of the plugin host may take.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// Events that one request may be.
const MAX_EVENTS: usize = 100;
/// Workflows that one request may start.
const MAX_WAITING: u64 = 1000;
/// Nodes whose event is made at the same time.
const AT_ONCE: usize = 8;

/// A request and what it turned out to be.
struct Delivery<'a> {
    host: &'a dyn TriggerHost,
    subscription: &'a TriggerSubscription,
    request: &'a RawRequest,
    what: &'a Dispatched,
}

/// Takes a request: its events are on record when this returns, their runs start afterwards.
///
/// # Errors
/// 404 for an address that nobody has, 400 for a request that the plugin refuses.
#[boxed]
pub async fn receive(services: &Arc<Services>, endpoint: Uuid, request: RawRequest) -> Result<RawReply> {
    let unknown = || Error::not_found("Endpoint not found");
    let host: &dyn TriggerHost = &**services.triggers.host().ok_or_else(unknown)?;
    let Some(subscription) = subscriptions::at(services, endpoint).await? else {
        return builders::receive(services, host, endpoint, &request).await?.ok_or_else(unknown);
    };
    let what = within(host.dispatch(&subscription, &request)).await?;
    if what.events.len() > MAX_EVENTS {
        return Err(Error::bad_request(format!(
            "The request is {} events; {MAX_EVENTS} are allowed.",
            what.events.len()
        )));
    }
    if !what.events.is_empty() {
        let delivery = Delivery { host, subscription: &subscription, request: &request, what: &what };
        let logs = published(services, &delivery).await?;
        start(services, record(services, logs).await?);
        if let Err(error) = offer(services, &delivery).await {
            tracing::warn!(%error, "events of a plugin do not reach the editors");
        }
    }
    Ok(what.reply)
}

/// Starts what waits to be started.
fn start(services: &Arc<Services>, logs: Vec<TriggerLog>) {
    for log in logs.into_iter().filter(|log| log.finished_at.is_none()) {
        let services = Arc::clone(services);
        services.runs.tracker.clone().spawn(async move { keeper::start(&services, log).await });
    }
}

/// Keeps events; answers those that were not there yet.
async fn record(services: &Services, logs: Vec<TriggerLog>) -> Result<Vec<TriggerLog>> {
    let tx = services.db.begin().await?;
    let mut new = Vec::with_capacity(logs.len());
    for log in logs {
        if repo::triggers::log(&tx, log.clone()).await? {
            new.push(log);
        }
    }
    tx.commit().await?;
    Ok(new)
}

/// The events of the published workflows that wait for this request.
async fn published(services: &Services, delivery: &Delivery<'_>) -> Result<Vec<TriggerLog>> {
    let Delivery { subscription, what, .. } = delivery;
    let (tenant, id) = (subscription.tenant_id, &subscription.id);
    let waiting = repo::triggers::waiting_for(&services.db, tenant, id, &what.events, MAX_WAITING).await?;
    let logs = stream::iter(waiting).map(|trigger| log_of(services, delivery, trigger)).buffered(AT_ONCE);
    let logs: Vec<Result<Option<TriggerLog>>> = logs.collect().await;
    Ok(logs.into_iter().collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// The event of one trigger; none when its node leaves it out, or its app is gone or closed.
async fn log_of(services: &Services, delivery: &Delivery<'_>, trigger: AppTrigger) -> Result<Option<TriggerLog>> {
    let app = services.runs.published.app(trigger.app_id).await?;
    let Some(app) = app.filter(|app| !app.is_closed()) else { return Ok(None) };
    let Some(id) = app.app.workflow_id else { return Ok(None) };
    let workflow = repo::workflows::find(&services.db, trigger.tenant_id, trigger.app_id, id).await?;
    let Some(workflow) = workflow else { return Ok(None) };
    let (inputs, error) = match event(delivery, &workflow, &trigger.node_id, &trigger.event_name).await {
        Ok(Some(variables)) => (variables, None),
        Ok(None) => return Ok(None),
        Err(error) => (Map::new(), Some(error.to_string())),
    };
    let user = keeper::trigger_user(services, &app, &delivery.what.user_id).await?;
    let Delivery { subscription, request, what, .. } = delivery;
    let is_over = error.is_some();
    // What could not be made of a delivery may be, when it comes again.
    let named = what.delivery.as_ref().filter(|_| !is_over);
    Ok(Some(TriggerLog {
        id: ox_types::new_uuid(),
        tenant_id: trigger.tenant_id,
        app_id: trigger.app_id,
        workflow_id: workflow.id,
        workflow_run_id: RunId::new(),
        root_node_id: trigger.node_id.clone(),
        trigger_type: "trigger-plugin".to_owned(),
        trigger_metadata: json!({
            "type": "trigger-plugin", "provider_id": subscription.provider, "event_name": trigger.event_name,
            "subscription_id": subscription.id, "endpoint_id": subscription.endpoint, "user_id": what.user_id,
        }),
        trigger_data: json!({
            "method": request.method, "target": request.target, "headers": headers_of(request),
            "body": String::from_utf8_lossy(&request.body), "payload": what.payload,
        }),
        inputs: Json::Object(inputs),
        fire_key: named.map(|name| {
            let place = format!("{}:{}", trigger.app_id, trigger.node_id);
            format!("{}:{}:{place}:{name}", subscription.id, trigger.event_name)
        }),
        status: if is_over { "failed" } else { "queued" }.to_owned(),
        error,
        owner: (!is_over).then_some(services.runs.process_id),
        retry_count: 0,
        created_by_role: "end_user".to_owned(),
        created_by: user.id(),
        triggered_at: now(),
        finished_at: is_over.then(now),
    }))
}

fn headers_of(request: &RawRequest) -> Map<String, Json> {
    request.headers.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect()
}

/// Gives the events to editors that listen.
async fn offer(services: &Services, delivery: &Delivery<'_>) -> Result<()> {
    let Delivery { subscription, what, .. } = delivery;
    let (tenant, id) = (subscription.tenant_id, &subscription.id);
    for waiting in repo::triggers::drafts_waiting_for(&services.db, tenant, id, &what.events, MAX_WAITING).await? {
        if !debug::is_listening(services, waiting.app_id, &waiting.node_id).await {
            continue;
        }
        let draft = repo::workflows::draft(&services.db, tenant, waiting.app_id).await?;
        let Some(draft) = draft else { continue };
        match event(delivery, &draft, &waiting.node_id, &waiting.event_name).await {
            Ok(Some(variables)) => debug::offer(services, waiting.app_id, &waiting.node_id, &variables).await,
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, app_id = %waiting.app_id, "an event for the editor cannot be made"),
        }
    }
    Ok(())
}

/// The variables of an event for a node; none when the node leaves it out.
async fn event(
    delivery: &Delivery<'_>,
    workflow: &Workflow,
    node_id: &str,
    event: &str,
) -> Result<Option<Map<String, Json>>, HostError> {
    let Delivery { host, subscription, request, what } = delivery;
    let data = node(&workflow.graph, node_id, &["trigger-plugin"]);
    let data = data.ok_or_else(|| HostError::Failed(format!("the workflow has no trigger '{node_id}'")))?;
    let events = within(host.events(subscription.tenant_id, &subscription.provider)).await?;
    let declared = events.into_iter().flatten().find(|declared| declared.name == event);
    let declared = declared
        .ok_or_else(|| HostError::Failed(format!("the provider {} has no event '{event}'", subscription.provider)))?;
    let set = |name: &str| data.get("event_parameters").and_then(|all| all.get(name)).map(value_of);
    let mut parameters = Map::new();
    for parameter in &declared.parameters {
        let value = set(&parameter.name).filter(|value| !value.is_null()).unwrap_or_else(|| parameter.default.clone());
        if value.is_null() && parameter.required {
            let name = &parameter.name;
            return Err(HostError::Refused(format!("the event '{event}' needs the parameter '{name}'")));
        }
        parameters.insert(parameter.name.clone(), value);
    }
    let call = EventCall { subscription, event, parameters: &parameters, payload: &what.payload, request };
    match within(host.transform(call)).await? {
        Transformed::Variables(variables) => Ok(Some(variables)),
        Transformed::Filtered => Ok(None),
    }
}

/// A parameter of a node: `{type: constant, value}`, or the bare value of an old document.
fn value_of(set: &Json) -> Json {
    set.get("value").filter(|_| set.get("type").is_some()).unwrap_or(set).clone()
}

pub(super) async fn within<T>(call: impl Future<Output = Result<T, HostError>>) -> Result<T, HostError> {
    let late = || HostError::Failed(format!("the plugin has not answered for {} seconds", PATIENCE.as_secs()));
    tokio::time::timeout(PATIENCE, call).await.map_err(|_| late())?
}

/// Whether events of a subscription can come.
pub(super) async fn is_subscribed(services: &Services, tenant: TenantId, subscription: &str) -> bool {
    let Ok(id) = subscription.parse::<Uuid>() else { return false };
    if services.triggers.host().is_none() {
        return false;
    }
    match repo::trigger_subscriptions::find(&services.db, tenant, id).await {
        Ok(found) => found.is_some(),
        Err(error) => {
            tracing::warn!(%error, subscription, "it is not known whether there is a subscription");
            false
        }
    }
}

/// The plugin triggers of a graph whose events can come.
pub(crate) async fn subscribed(services: &Services, tenant: TenantId, graph: &Json) -> HashSet<String> {
    let mut found = HashSet::new();
    for (id, data) in nodes(graph, &["trigger-plugin"]) {
        if is_subscribed(services, tenant, text(data, "subscription_id")).await {
            found.insert(id.to_owned());
        }
    }
    found
}
