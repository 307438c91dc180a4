//! Fires schedules, and starts the runs of events.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use ox_db::{
    model::{SchedulePlan, TriggerLog},
    now, repo,
};
use ox_types::{Json, Object, RunId, Value};
use serde_json::json;

use super::cron::Schedule;
use crate::{
    AppCaller, Error, Result, Services,
    caller::ANONYMOUS,
    rounds::Rounds,
    runs::{
        AppMode, InvokeFrom, PublishedApp, RunUser,
        launch::How,
        limits,
        start::{EventStart, start_event},
    },
};

/// How often due schedules and orphaned events are looked for.
const EVERY: Duration = Duration::from_secs(1);
/// Schedules and events handled at a time.
const BATCH: u64 = 100;
/// The longest that the record of a new run may take.
const RECORDED: Duration = Duration::from_secs(30);
/// Characters of the name of an event's user.
const MAX_SESSION: usize = 255;
/// An event is tried this often before it is given up.
const MAX_TRIES: i32 = 20;

/// Fires schedules until shutdown.
pub(crate) async fn keep(services: Arc<Services>) {
    let mut rounds = Rounds::new(&services, EVERY);
    while rounds.next().await.is_some() {
        if let Err(error) = fire_due(&services, now()).await {
            tracing::error!(%error, "schedules cannot be fired");
        }
        if let Err(error) = start_orphans(&services).await {
            tracing::error!(%error, "events of processes that died cannot be started");
        }
    }
}

/// Fires what is due; of several processes one moves a schedule on, and that one fires it.
async fn fire_due(services: &Arc<Services>, at: DateTime<Utc>) -> Result<()> {
    for plan in repo::triggers::due_plans(&services.db, at, BATCH).await? {
        let next = Schedule::parse(&plan.cron_expression, &plan.timezone).ok().and_then(|schedule| schedule.next(at));
        let event = event_of_plan(services, &plan).await;
        let tx = services.db.begin().await?;
        let is_ours = repo::triggers::advance(&tx, &plan, next).await?;
        let log = match event {
            Ok(log) if is_ours => repo::triggers::log(&tx, log.clone()).await?.then_some(log),
            Ok(_) => None,
            Err(error) => {
                tracing::warn!(%error, app_id = %plan.app_id, "a schedule has nothing to start");
                None
            }
        };
        tx.commit().await?;
        if let Some(log) = log {
            start(services, log).await;
        }
    }
    Ok(())
}

async fn event_of_plan(services: &Services, plan: &SchedulePlan) -> Result<TriggerLog> {
    let gone = || Error::invalid("the app is gone, closed, or not published");
    let app = services.runs.published.app(plan.app_id).await?.filter(|app| !app.is_closed()).ok_or_else(gone)?;
    let workflow = app.app.workflow_id.ok_or_else(gone)?;
    // Compat: schedules run in the name of the workspace's owner.
    let members = repo::tenants::members(&services.db, plan.tenant_id).await?;
    let owner = members.iter().find(|(member, _)| member.role == "owner").ok_or_else(gone)?;
    let due = plan.next_run_at.unwrap_or_else(now);
    Ok(TriggerLog {
        id: ox_types::new_uuid(),
        tenant_id: plan.tenant_id,
        app_id: plan.app_id,
        workflow_id: workflow,
        workflow_run_id: RunId::new(),
        root_node_id: plan.node_id.clone(),
        trigger_type: "trigger-schedule".to_owned(),
        trigger_metadata: json!({"type": "trigger-schedule"}),
        trigger_data: json!({"due_at": due.timestamp(), "cron_expression": plan.cron_expression, "timezone": plan.timezone}),
        inputs: json!({}),
        fire_key: Some(format!("{}:{}", plan.id, due.timestamp())),
        status: "queued".to_owned(),
        error: None,
        owner: Some(services.runs.process_id),
        retry_count: 0,
        created_by_role: "account".to_owned(),
        created_by: owner.1.id.0,
        triggered_at: now(),
        finished_at: None,
    })
}

/// Starts events whose process died before it had started them.
async fn start_orphans(services: &Arc<Services>) -> Result<()> {
    for log in repo::triggers::orphans(&services.db, now(), BATCH).await? {
        let tx = services.db.begin().await?;
        let is_ours = repo::triggers::take_log(&tx, &log, services.runs.process_id).await?;
        tx.commit().await?;
        if !is_ours {
            continue;
        }
        let known = repo::runs::find(&services.db, log.tenant_id, log.app_id, log.workflow_run_id).await?;
        match known {
            Some(_) => note(services, &log, "running", None, false).await,
            None if log.retry_count >= MAX_TRIES => {
                note(services, &log, "failed", Some("the event could not be started"), true).await;
            }
            None => start(services, log).await,
        }
    }
    Ok(())
}

/// Starts the run of an event that is this process's.
pub(super) async fn start(services: &Arc<Services>, log: TriggerLog) {
    match begin(services, &log).await {
        Ok(()) => note(services, &log, "running", None, false).await,
        Err(error) if error.status == 429 || error.status == 503 => {
            // Whoever has room starts it.
            let given_back = async {
                let tx = services.db.begin().await?;
                repo::triggers::release_log(&tx, log.id).await?;
                tx.commit().await
            };
            if let Err(error) = given_back.await {
                tracing::error!(%error, "an event waits for this process to end");
            }
        }
        Err(error) => note(services, &log, "failed", Some(&error.message), true).await,
    }
}

async fn note(services: &Services, log: &TriggerLog, status: &str, error: Option<&str>, over: bool) {
    let noted = async {
        let tx = services.db.begin().await?;
        repo::triggers::note(&tx, log.id, status, error, over).await?;
        tx.commit().await
    };
    if let Err(error) = noted.await {
        tracing::error!(%error, event = %log.id, "the state of an event cannot be recorded");
    }
}

async fn begin(services: &Arc<Services>, log: &TriggerLog) -> Result<()> {
    let gone = || Error::not_found("The app is gone.");
    let app = services.runs.published.app(log.app_id).await?.ok_or_else(gone)?;
    // An event may have waited while its app was closed.
    if app.is_closed() {
        return Err(Error::forbidden("The app is closed, or its workspace is archived."));
    }
    if app.mode != AppMode::Workflow {
        return Err(Error::invalid("Only workflow apps have triggers."));
    }
    let permit = limits::enter(services, &app.app, None).await?;
    let user = user_of(services, &app, log).await?;
    let caller = AppCaller { app, user, invoke_from: InvokeFrom::Trigger };
    let triggered_from = match log.trigger_type.as_str() {
        "trigger-schedule" => "schedule",
        "trigger-plugin" => "plugin",
        _ => "webhook",
    };
    let how = How {
        call_depth: 0,
        callers: Vec::new(),
        run_id: Some(log.workflow_run_id),
        root: Some(log.root_node_id.clone()),
        triggered_from: Some(triggered_from),
        pipeline: None,
    };
    let start = EventStart { inputs: inputs_of(&log.inputs), how, draft: None, permit };
    let mut events = start_event(services, &caller, start).await?;
    // The first event is shown once the run is on record. Noted as running before that, an accepted event would be lost
    // with a process that dies in between.
    let first = tokio::time::timeout(RECORDED, events.next()).await;
    match first {
        Ok(Ok(None)) | Err(_) => Err(Error::new(503, "service_unavailable", "The run could not be recorded yet.")),
        // A reader that has fallen behind missed an event that was shown.
        Ok(Ok(Some(_)) | Err(_)) => Ok(()),
    }
}

/// What an event brings, as values.
pub(super) fn inputs_of(json: &Json) -> Object {
    json.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), Value::from_json(value))).collect()
}

async fn user_of(services: &Services, app: &PublishedApp, log: &TriggerLog) -> Result<RunUser> {
    if log.created_by_role == "account" {
        let id = log.created_by;
        let account = repo::accounts::find(&services.db, ox_types::AccountId(id)).await?;
        let (name, email) = account.map(|account| (account.name, account.email)).unwrap_or_default();
        return Ok(RunUser::Account { id, name: name.into(), email: email.into() });
    }
    trigger_user(services, app, super::text(&log.trigger_metadata, "user_id")).await
}

/// The user in whose name an event runs: whom its sender names, or nobody in particular.
pub(super) async fn trigger_user(services: &Services, app: &PublishedApp, named: &str) -> Result<RunUser> {
    let is_anonymous = named.is_empty();
    let session = if is_anonymous { ANONYMOUS } else { named };
    let session: String = session.chars().take(MAX_SESSION).collect();
    let user = services.runs.published.end_user(&app.app, "trigger", &session, is_anonymous).await?;
    Ok(RunUser::EndUser { id: user.id.0, session_id: user.session_id.as_str().into() })
}
