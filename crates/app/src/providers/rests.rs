//! Models that rest after a failure rest in every process: whoever fails tells the others.

use std::{sync::Arc, time::Duration};

use ox_gateway::Rest;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::error::RecvError;
use uuid::Uuid;

use crate::Services;

const CHANNEL: &str = "oxidify:rests";
/// How long to wait before the channel is tried again that cannot be listened to.
const AGAIN: Duration = Duration::from_secs(5);

#[derive(Deserialize, Serialize)]
struct Told {
    /// Who says so.
    process: Uuid,
    route: String,
    millis: u64,
}

/// Tells the others and listens to them, until shutdown; nothing where there are no others.
pub(crate) async fn share(services: Arc<Services>) {
    if services.kv.server().is_none() {
        return;
    }
    let mut ours = services.models.health().rests();
    let mut theirs = loop {
        match services.kv.subscribe(CHANNEL).await {
            Ok(theirs) => break theirs,
            Err(error) => tracing::warn!(%error, "rests of models in other processes cannot be heard of"),
        }
        tokio::select! {
            () = services.shutdown.cancelled() => return,
            () = tokio::time::sleep(AGAIN) => {}
        }
    };
    loop {
        tokio::select! {
            () = services.shutdown.cancelled() => return,
            rest = ours.recv() => match rest {
                Ok(rest) => tell(&services, rest).await,
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            },
            told = theirs.next() => match told {
                Ok(Some(text)) => hear(&services, &text),
                Ok(None) => return,
                // Each process finds by itself what it was not told.
                Err(error) => tracing::debug!(%error, "rests of models in other processes were not heard of"),
            },
        }
    }
}

async fn tell(services: &Services, (route, time): Rest) {
    let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let told = Told { process: services.runs.process_id, route: route.to_string(), millis };
    let Ok(text) = serde_json::to_string(&told) else { return };
    if let Err(error) = services.kv.publish(CHANNEL, &text).await {
        tracing::debug!(%error, "other processes were not told of a model that rests");
    }
}

fn hear(services: &Services, text: &str) {
    match serde_json::from_str::<Told>(text) {
        Ok(told) if told.process != services.runs.process_id => {
            services.models.health().rest(&told.route, Duration::from_millis(told.millis));
        }
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "a message of another process cannot be read"),
    }
}
