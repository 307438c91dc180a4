//! What processes tell each other: stop this run, forget this app.

use std::sync::Arc;

use ox_types::{AppId, TaskId, boxed};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Services;

const CHANNEL: &str = "oxidify:runs";

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Signal {
    Stop { app_id: AppId, task_id: TaskId, user_id: Option<Uuid> },
    Forget { app_id: AppId },
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
    tell(services, &Signal::Stop { app_id, task_id, user_id }).await;
}

/// Forgets what is cached of an app that changed, here and elsewhere.
#[boxed]
pub async fn forget(services: &Services, app_id: AppId) {
    services.runs.published.forget(app_id).await;
    tell(services, &Signal::Forget { app_id }).await;
}

async fn tell(services: &Services, signal: &Signal) {
    let Ok(text) = serde_json::to_string(signal) else { return };
    if let Err(error) = services.kv.publish(CHANNEL, &text).await {
        tracing::warn!(%error, "other processes were not told");
    }
}

/// Does what other processes ask for, until shutdown.
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
                Ok(Signal::Stop { app_id, task_id, user_id }) => {
                    services.runs.stop(app_id, task_id, user_id);
                }
                Ok(Signal::Forget { app_id }) => services.runs.published.forget(app_id).await,
                Err(error) => tracing::warn!(%error, "a message of another process cannot be read"),
            },
            Ok(None) => return,
            // Some messages were lost; what is cached runs out by itself.
            Err(error) => tracing::warn!(%error, "messages of other processes were lost"),
        }
    }
}
