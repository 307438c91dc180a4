//! Runs whose caller does not wait (`response_mode: async`): the result is sent where the caller wants it.
//!
//! The address is kept before the run begins. Delivery (`webhooks`) is tried for about a day; it is signed with the
//! caller's secret, or with the app key of the request where none was given.

use std::{sync::Arc, time::Duration};

use ox_db::{model::ResultWebhook, now, repo};
use ox_net::Class;
use ox_types::{Json, RunId, boxed};
use serde_json::json;

use crate::{
    AppCaller, Error, Result, Services, rounds,
    webhooks::{self, Delivery, Patience},
};

/// How often due deliveries are looked for.
const EVERY: Duration = Duration::from_secs(1);
/// Deliveries at a time.
const BATCH: u64 = 20;
const PATIENCE: Patience = Patience { attempts: 12, longest_pause: chrono::Duration::hours(6) };

/// Where a result goes.
#[derive(Clone, Debug)]
pub struct Target {
    pub url: String,
    /// Signs what is sent.
    pub secret: String,
}

/// Keeps where the result of a run that is about to begin goes.
///
/// # Errors
/// 400 when the address may not be called.
#[boxed]
pub async fn keep_target(services: &Services, caller: &AppCaller, run: RunId, target: &Target) -> Result<()> {
    let egress = services.outbound.of(caller.tenant_id()).await?;
    egress.check(Class::ExternalApi, &target.url).await.map_err(|error| {
        Error::invalid_field("result_webhook", format!("result_webhook.url cannot be used: {error}"))
    })?;
    let tenant = caller.tenant_id();
    let secret = services.encrypt(tenant, &target.secret).await?;
    let known = repo::result_webhooks::of_run(&services.db, tenant, caller.app.app.id, run).await?;
    if known.is_some() {
        return Ok(());
    }
    let at = now();
    let tx = services.db.begin().await?;
    let webhook = ResultWebhook {
        id: ox_types::new_uuid(),
        tenant_id: tenant,
        app_id: caller.app.app.id,
        run_id: run,
        url: target.url.clone(),
        secret,
        status: "pending".to_owned(),
        attempts: 0,
        next_attempt_at: at,
        last_status: None,
        last_error: None,
        created_at: at,
        finished_at: None,
    };
    repo::result_webhooks::insert(&tx, webhook).await?;
    Ok(tx.commit().await?)
}

/// Delivers results until shutdown.
pub(crate) async fn keep(services: Arc<Services>) {
    rounds::keep(services, EVERY, "results of runs", |services| Box::pin(deliver_due(services))).await;
}

async fn deliver_due(services: &Services) -> Result<()> {
    let due = repo::result_webhooks::due(&services.db, now(), BATCH).await?;
    let attempts = due.into_iter().map(|webhook| async move {
        if let Err(error) = deliver(services, &webhook).await {
            tracing::error!(%error, run_id = %webhook.run_id, "a result waits for its next attempt");
        }
    });
    futures::future::join_all(attempts).await;
    Ok(())
}

async fn deliver(services: &Services, webhook: &ResultWebhook) -> Result<()> {
    let tx = services.db.begin().await?;
    let is_ours = repo::result_webhooks::take(&tx, webhook, PATIENCE.until(webhook.attempts)).await?;
    tx.commit().await?;
    if !is_ours {
        return Ok(());
    }
    let outcome = PATIENCE.outcome(attempt(services, webhook).await, webhook.attempts);
    metrics::counter!("oxidify_result_webhooks_total", "status" => outcome.status).increment(1);
    let tx = services.db.begin().await?;
    let code = outcome.code.map(i32::from);
    repo::result_webhooks::note(&tx, webhook.id, outcome.status, code, outcome.error.as_deref(), now()).await?;
    Ok(tx.commit().await?)
}

async fn attempt(services: &Services, webhook: &ResultWebhook) -> Result<u16, String> {
    let body = body_of(services, webhook).await.map_err(|error| error.message)?.to_string();
    let (url, secret) = (&webhook.url, &webhook.secret);
    webhooks::send(services, Delivery { tenant: webhook.tenant_id, id: webhook.id, url, secret, body }).await
}

/// The body that a blocking call would have been answered with, and the message where there is one.
async fn body_of(services: &Services, webhook: &ResultWebhook) -> Result<Json> {
    let run = repo::runs::find(&services.db, webhook.tenant_id, webhook.app_id, webhook.run_id).await?;
    let run = run.ok_or_else(|| Error::not_found("the run is gone"))?;
    let outputs: Json =
        run.outputs.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_else(|| json!({}));
    Ok(json!({
        "event": "workflow_finished",
        "workflow_run_id": run.id,
        "data": {
            "id": run.id,
            "workflow_id": run.workflow_id,
            "status": run.status.as_str(),
            "outputs": outputs,
            "error": run.error,
            "elapsed_time": run.elapsed_time,
            "total_tokens": run.total_tokens,
            "total_steps": run.total_steps,
            "created_at": run.created_at.timestamp(),
            "finished_at": run.finished_at.map(|at| at.timestamp()),
        },
    }))
}
