//! Runs whose caller does not wait (`response_mode: async`): the result is sent where the caller wants it.
//!
//! The address is kept before the run begins. Delivery is tried until it is taken (any 2xx), with growing pauses, for
//! about a day. Each attempt carries the same id and a signature: `X-Oxidify-Signature: t=<seconds>,v1=<hex>`, the
//! HMAC-SHA256 of `<seconds>.<body>` with the caller's secret, or with the app key of the request where none was given.

use std::{sync::Arc, time::Duration};

use hmac::{Hmac, KeyInit as _, Mac as _};
use ox_db::{model::ResultWebhook, now, repo};
use ox_net::{Class, Limits, Request};
use ox_types::{Json, RunId, boxed};
use serde_json::json;
use sha2::Sha256;

use crate::{AppCaller, Error, Result, Services};

/// How often due deliveries are looked for.
const EVERY: Duration = Duration::from_secs(1);
/// Deliveries at a time.
const BATCH: u64 = 20;
/// The longest that one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(20);
/// Attempts before a delivery is given up.
const MAX_ATTEMPTS: i32 = 12;

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
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = services.shutdown.cancelled() => return,
            _ = tick.tick() => {}
        }
        if let Err(error) = deliver_due(&services).await {
            tracing::error!(%error, "results cannot be delivered");
        }
    }
}

async fn deliver_due(services: &Arc<Services>) -> Result<()> {
    let due = repo::result_webhooks::due(&services.db, now(), BATCH).await?;
    let attempts = due.into_iter().map(|webhook| async move {
        if let Err(error) = deliver(services, &webhook).await {
            tracing::error!(%error, run_id = %webhook.run_id, "a result waits for its next attempt");
        }
    });
    futures::future::join_all(attempts).await;
    Ok(())
}

/// The pause after an attempt: 2 s, 4 s, … up to six hours.
fn pause(attempts: i32) -> chrono::Duration {
    let exponent = u32::try_from(attempts.clamp(0, 16)).unwrap_or(0);
    chrono::Duration::seconds((2_i64 << exponent).min(6 * 3600))
}

async fn deliver(services: &Services, webhook: &ResultWebhook) -> Result<()> {
    let until = now() + pause(webhook.attempts) + chrono::Duration::from_std(ATTEMPT).unwrap_or_default();
    let tx = services.db.begin().await?;
    let is_ours = repo::result_webhooks::take(&tx, webhook, until).await?;
    tx.commit().await?;
    if !is_ours {
        return Ok(());
    }
    let (status, answer, error) = match attempt(services, webhook).await {
        Ok(code) if (200..300).contains(&code) => ("delivered", Some(code), None),
        Ok(code) => ("pending", Some(code), Some(format!("the address answered {code}"))),
        Err(error) => ("pending", None, Some(error)),
    };
    let is_last = webhook.attempts + 1 >= MAX_ATTEMPTS;
    let status = if status == "pending" && is_last { "failed" } else { status };
    metrics::counter!("oxidify_result_webhooks_total", "status" => status).increment(1);
    let tx = services.db.begin().await?;
    repo::result_webhooks::note(&tx, webhook.id, status, answer, error.as_deref(), now()).await?;
    Ok(tx.commit().await?)
}

/// One attempt; the status that was answered, or why none was.
async fn attempt(services: &Services, webhook: &ResultWebhook) -> Result<i32, String> {
    let body = body_of(services, webhook).await.map_err(|error| error.to_string())?.to_string();
    let secret = services.decrypt(webhook.tenant_id, &webhook.secret).await.map_err(|error| error.to_string())?;
    let at = now().timestamp();
    let signature = format!("t={at},v1={}", sign(&secret, at, &body));
    let mut request = Request::post_json(Class::ExternalApi, &webhook.url, body);
    for (name, value) in [
        ("x-oxidify-signature", signature.as_str()),
        ("x-oxidify-delivery", &webhook.id.to_string()),
        ("idempotency-key", &webhook.id.to_string()),
    ] {
        request = request.header(name, value).map_err(|error| error.to_string())?;
    }
    request.follow_redirects = false;
    request.retries = Some(0);
    request.limits = Limits { total: ATTEMPT, first_byte: ATTEMPT, body: 64 * 1024, ..Limits::default() };
    let egress = services.outbound.of(webhook.tenant_id).await.map_err(|error| error.to_string())?;
    let answer = egress.send(request).await.map_err(|error| error.to_string())?;
    Ok(i32::from(answer.status.as_u16()))
}

/// What the signature of a body is made of.
#[must_use]
pub fn sign(secret: &str, at: i64, body: &str) -> String {
    // A key of any length will do for this construction.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(format!("{at}.").as_bytes());
    mac.update(body.as_bytes());
    hex::encode(mac.finalize().into_bytes())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound() {
        assert_eq!([0, 1, 2, 20].map(|attempts| pause(attempts).num_seconds()), [2, 4, 8, 21_600]);
    }

    #[test]
    fn a_signature_depends_on_secret_time_and_body() {
        let signature = sign("secret", 1, "body");
        assert_eq!(signature.len(), 64);
        assert_eq!(signature, sign("secret", 1, "body"));
        for other in [sign("other", 1, "body"), sign("secret", 2, "body"), sign("secret", 1, "bodY")] {
            assert_ne!(signature, other);
        }
    }
}
