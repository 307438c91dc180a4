//! What processes tell each other: stop this run, forget this app.
//!
//! A stop that this process cannot carry out goes to the others by the database: each looks for new ones while
//! something runs in it, and whoever takes a run over looks for one that came before. A message over `kv` tells them at
//! once, where `kv` reaches them. What is cached is forgotten by such a message, and by itself after a few seconds.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use ox_db::repo::run_stops::{self, RunStop};
use ox_types::{AppId, TaskId, boxed};
use serde::{Deserialize, Serialize};
use tokio::time::MissedTickBehavior;
use uuid::Uuid;

use super::runtime::LiveRun;
use crate::{Result, Services};

const CHANNEL: &str = "oxidify:runs";
/// How often a process in which something runs looks for stops.
const LOOK: Duration = Duration::from_millis(400);
/// How far back it looks: what was asked for becomes visible a moment later. Doing it twice changes nothing.
const RECENT: Duration = Duration::from_secs(10);
/// Stops read at a time.
const MOST: u64 = 1000;
/// How long a stop waits for somebody who takes its run over.
pub(crate) const KEPT: Duration = Duration::from_secs(3600);

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Signal {
    Forget { app_id: AppId },
    Stop { app_id: AppId, task_id: Option<TaskId>, user_id: Option<Uuid> },
}

/// Stops a run of an app, in whichever process it is.
#[boxed]
pub async fn stop(services: &Services, app_id: AppId, task_id: TaskId, user_id: Option<Uuid>) {
    if services.runs.stop(app_id, task_id, user_id) {
        return;
    }
    match crate::human_input::stop_waiting(services, app_id, task_id, user_id).await {
        Ok(true) => return,
        Ok(false) => {}
        Err(error) => tracing::warn!(%error, %task_id, "a waiting run could not be stopped"),
    }
    ask(services, RunStop { app_id, task_id: Some(task_id), user_id }).await;
    // It may have begun to wait in its process before that could read what was asked.
    if let Err(error) = crate::human_input::stop_waiting(services, app_id, task_id, user_id).await {
        tracing::warn!(%error, %task_id, "a waiting run could not be stopped");
    }
}

/// A run has just paused here: a stop that came too late for it ends it now.
#[boxed]
pub(super) async fn after_pause(services: &Services, run: &LiveRun) {
    let stopped = async {
        let whose = run.is_chat.then_some(run.user_id);
        if run.is_stopping.load(Ordering::Acquire) || was_stopped(services, run.app_id, run.task_id, whose).await? {
            crate::human_input::stop_waiting(services, run.app_id, run.task_id, None).await?;
        }
        Ok::<_, crate::Error>(())
    };
    if let Err(error) = stopped.await {
        tracing::warn!(%error, task_id = %run.task_id, "a waiting run could not be stopped");
    }
}

/// Stops everything that runs of an app that was deleted, in every process.
#[boxed]
pub(crate) async fn stop_app(services: &Services, app_id: AppId) {
    services.runs.stop_app(app_id);
    ask(services, RunStop { app_id, task_id: None, user_id: None }).await;
}

async fn ask(services: &Services, stop: RunStop) {
    let asked = async {
        let tx = services.db.begin().await?;
        run_stops::ask(&tx, stop).await?;
        tx.commit().await
    };
    if let Err(error) = asked.await {
        tracing::warn!(%error, app_id = %stop.app_id, "other processes were not asked to stop a run");
    }
    let RunStop { app_id, task_id, user_id } = stop;
    tell(services, &Signal::Stop { app_id, task_id, user_id }).await;
}

/// Tells the other processes something that they also find by themselves, later.
async fn tell(services: &Services, signal: &Signal) {
    let Ok(text) = serde_json::to_string(signal) else { return };
    if let Err(error) = services.kv.publish(CHANNEL, &text).await {
        tracing::warn!(%error, "other processes were not told");
    }
}

/// Carries out a stop, if it is of something that runs here.
fn carry_out(services: &Services, stop: RunStop) {
    match stop.task_id {
        Some(task_id) => {
            services.runs.stop(stop.app_id, task_id, stop.user_id);
        }
        None => services.runs.stop_app(stop.app_id),
    }
}

/// Whether somebody who may do so has asked to stop this task of an app.
///
/// # Errors
/// When the database fails.
#[boxed]
pub(crate) async fn was_stopped(
    services: &Services,
    app_id: AppId,
    task_id: TaskId,
    whose: Option<Uuid>,
) -> Result<bool> {
    let asked = run_stops::of_task(&services.db, app_id, task_id).await?;
    Ok(asked.iter().any(|stop| stop.user_id.is_none() || whose.is_none() || stop.user_id == whose))
}

/// Carries out what others were asked to stop and this process runs, until shutdown.
pub(super) async fn watch_stops(services: Arc<Services>) {
    let mut tick = tokio::time::interval(LOOK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_failing = false;
    loop {
        tokio::select! {
            () = services.shutdown.cancelled() => return,
            _ = tick.tick() => {}
        }
        if services.runs.any_task().is_none() {
            continue;
        }
        let found = run_stops::recent(&services.db, RECENT, MOST).await;
        if let Err(error) = &found
            && !is_failing
        {
            tracing::error!(%error, "stops asked for in other processes cannot be read");
        }
        is_failing = found.is_err();
        for stop in found.into_iter().flatten() {
            carry_out(&services, stop);
        }
    }
}

/// Forgets what is cached of an app that changed, here and elsewhere.
#[boxed]
pub async fn forget(services: &Services, app_id: AppId) {
    services.runs.published.forget(app_id).await;
    tell(services, &Signal::Forget { app_id }).await;
}

/// Forgets what other processes have changed, until shutdown.
pub(super) async fn listen(services: Arc<Services>) {
    let mut messages = match services.kv.subscribe(CHANNEL).await {
        Ok(messages) => messages,
        Err(error) => {
            tracing::error!(%error, "other processes cannot reach this one");
            return;
        }
    };
    loop {
        let next = tokio::select! {
            () = services.shutdown.cancelled() => return,
            next = messages.next() => next,
        };
        match next {
            Ok(Some(text)) => match serde_json::from_str(&text) {
                Ok(Signal::Forget { app_id }) => services.runs.published.forget(app_id).await,
                Ok(Signal::Stop { app_id, task_id, user_id }) => {
                    carry_out(&services, RunStop { app_id, task_id, user_id });
                }
                Err(error) => tracing::warn!(%error, "a message of another process cannot be read"),
            },
            Ok(None) => return,
            Err(error) => {
                tracing::warn!(%error, "messages of other processes were lost; apps are read anew");
                services.runs.published.forget_all();
            }
        }
    }
}
