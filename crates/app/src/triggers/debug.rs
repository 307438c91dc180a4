//! Trying triggers out: the editor asks until an event comes, then the draft runs with it.

use std::{sync::Arc, time::Duration};

use ox_db::repo;
use ox_types::{AppId, Json, boxed};
use serde_json::{Map, json};

use super::{cron, keeper::inputs_of, node, plugin, text};
use crate::{
    Error, Principal, Result, Services, apps, debug,
    principal::Permission,
    runs::{
        Subscription,
        launch::How,
        start::{EventStart, start_event},
    },
    workflows,
};

/// An editor that has not asked for this long does not listen any more; an event is kept as long.
const WINDOW: Duration = Duration::from_secs(120);
/// When the editor should ask again.
pub const RETRY_MS: u64 = 2000;

fn listener(app: AppId, node: &str) -> String {
    format!("trigger-listen:{app}:{node}")
}

fn event(app: AppId, node: &str) -> String {
    format!("trigger-event:{app}:{node}")
}

/// Whether an editor waits for an event of this node.
pub(super) async fn is_listening(services: &Services, app: AppId, node: &str) -> bool {
    match repo::kv::get(&services.db, &listener(app, node)).await {
        Ok(found) => found.is_some(),
        Err(error) => {
            tracing::warn!(%error, "it is not known whether an editor listens");
            false
        }
    }
}

/// An event has come to the debug address: kept if somebody listens.
pub(super) async fn offer(services: &Services, app: AppId, node: &str, outputs: &Map<String, Json>) {
    // In the database: the editor may ask another process than the one that took the event.
    let kept = async {
        if repo::kv::get(&services.db, &listener(app, node)).await?.is_some() {
            let text = serde_json::to_string(outputs).unwrap_or_default();
            let tx = services.db.begin().await?;
            repo::kv::set(&tx, &event(app, node), &text, Some(WINDOW)).await?;
            tx.commit().await?;
        }
        Ok::<_, ox_db::Error>(())
    };
    if let Err(error) = kept.await {
        tracing::warn!(%error, "an event for the editor is lost");
    }
}

/// What came of asking.
pub enum Asked {
    /// Nothing yet.
    Waiting,
    /// This node has fired.
    Fired { node: String, outputs: Map<String, Json> },
}

/// Listens at some triggers of the draft; the first that has fired wins. A schedule fires at once.
///
/// # Errors
/// 400 when one of them is no trigger, or cannot fire.
#[boxed]
pub async fn ask(services: &Services, principal: &Principal, app: AppId, ids: &[String]) -> Result<Asked> {
    principal.require(Permission::AppEdit)?;
    apps::find_of_mode(services, principal, app, &["workflow"]).await?;
    let draft = workflows::draft(services, principal, app.into()).await?;
    for id in ids {
        let kinds = ["trigger-webhook", "trigger-schedule", "trigger-plugin"];
        let data = node(&draft.graph, id, &kinds)
            .ok_or_else(|| Error::invalid(format!("Node {id} is not a trigger of the draft.")))?;
        match text(data, "type") {
            "trigger-schedule" => {
                let why =
                    |why: String| Error::invalid(format!("The schedule cannot be used: {why} (ScheduleConfigError)."));
                let expression = cron::expression(data).map_err(why)?;
                cron::Schedule::parse(&expression, text(data, "timezone")).map_err(why)?;
                return Ok(Asked::Fired { node: id.clone(), outputs: Map::new() });
            }
            "trigger-plugin" => check_plugin(services, principal, data).await?,
            _ => {}
        }
        let tx = services.db.begin().await?;
        repo::kv::set(&tx, &listener(app, id), "1", Some(WINDOW)).await?;
        let found = repo::kv::take(&tx, &event(app, id)).await?;
        tx.commit().await?;
        if let Some(found) = found {
            let outputs = serde_json::from_str(&found).unwrap_or_default();
            return Ok(Asked::Fired { node: id.clone(), outputs });
        }
    }
    Ok(Asked::Waiting)
}

/// Whether events of this node can come.
async fn check_plugin(services: &Services, principal: &Principal, data: &Json) -> Result<()> {
    if plugin::is_subscribed(services, principal.tenant_id(), text(data, "subscription_id")).await {
        return Ok(());
    }
    let title = text(data, "title");
    Err(Error::invalid(if services.triggers.host().is_some() {
        format!("The trigger '{title}' has no subscription: choose one in its panel.")
    } else {
        let needs = Some(text(data, "plugin_id")).filter(|id| !id.is_empty()).unwrap_or("that brings its provider");
        format!("The trigger '{title}' needs the plugin {needs}, which is not installed.")
    }))
}

/// Runs the draft from a trigger that has fired.
///
/// # Errors
/// As every draft run.
#[boxed]
pub async fn run(
    services: &Arc<Services>,
    principal: &Principal,
    app: AppId,
    node: &str,
    outputs: Map<String, Json>,
) -> Result<Subscription> {
    let draft = workflows::draft(services, principal, app.into()).await?;
    let caller = debug::caller(services, principal, app).await?;
    let permit = services.runs.enter(app)?;
    let how = How { root: Some(node.to_owned()), ..How::default() };
    let inputs = inputs_of(&Json::Object(outputs));
    start_event(services, &caller, EventStart { inputs, how, draft: Some(draft), permit }).await
}

/// The next times of a schedule as its node is set.
///
/// # Errors
/// 400 with what is wrong.
pub fn preview(data: &Json, count: usize) -> Result<Json> {
    let expression = cron::expression(data).map_err(Error::invalid)?;
    let zone = Some(text(data, "timezone")).filter(|zone| !zone.is_empty()).unwrap_or("UTC");
    let schedule = cron::Schedule::parse(&expression, zone).map_err(Error::invalid)?;
    let mut at = ox_db::now();
    let mut times = Vec::new();
    while times.len() < count.min(20) {
        let Some(next) = schedule.next(at) else { break };
        times.push(next.timestamp());
        at = next;
    }
    Ok(json!({"cron_expression": expression, "timezone": zone, "next_runs": times}))
}
