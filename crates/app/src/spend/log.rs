//! Calls on their way into the database.
//!
//! Closing a call never waits: it puts its row into a bounded queue. When the queue is long, calls wait a moment before
//! they begin. A row leaves the queue after its commit; one that may have been committed by an attempt that failed is
//! looked for first, so that nothing is counted twice.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use ox_db::{
    model::{ModelCall, SpendKey, Spent},
    repo,
};
use ox_gateway::Amount;
use ox_models::Decimal;
use ox_types::boxed;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::{Result, Services};

/// Rows of one transaction.
const BATCH: usize = 500;
/// Calls wait before they begin while so many rows do.
const LONG: usize = 8_192;
/// The longest that a call waits for the writer.
const PATIENCE: Duration = Duration::from_millis(250);
/// Rows that are kept while the database cannot be written; what comes then is lost, and counted.
const MOST: usize = 200_000;
/// What ends within this time is written together.
const GATHER: Duration = Duration::from_millis(100);
/// The pause after an attempt that failed.
const AGAIN: Duration = Duration::from_secs(1);

/// A call that is over, with what it used of which account.
pub(crate) struct Ended {
    pub call: ModelCall,
    pub accounts: Vec<(Arc<str>, Amount)>,
}

/// Rows that wait to be written.
#[derive(Default)]
pub(crate) struct SpendLog {
    /// Shared, so that the writer copies them without holding up who pushes.
    waiting: Mutex<VecDeque<Arc<Ended>>>,
    filled: Notify,
    emptied: Notify,
    writing: tokio::sync::Mutex<()>,
    /// The last attempt failed: nobody knows what of it was committed.
    is_unsure: AtomicBool,
}

impl SpendLog {
    /// Takes a row.
    pub fn push(&self, ended: Ended) {
        let mut waiting = self.lock();
        if waiting.len() >= MOST {
            drop(waiting);
            metrics::counter!("oxidify_model_calls_lost_total").increment(1);
            tracing::error!(call = ?ended.call, "a model call is not in the spend log: too many wait to be written");
            return;
        }
        waiting.push_back(Arc::new(ended));
        drop(waiting);
        self.filled.notify_one();
    }

    /// Waits a moment while too many rows wait.
    pub async fn room(&self) {
        let emptied = self.emptied.notified();
        if self.lock().len() >= LONG {
            metrics::counter!("oxidify_model_calls_waited_total").increment(1);
            let _ = tokio::time::timeout(PATIENCE, emptied).await;
        }
    }

    /// The first rows.
    fn first(&self) -> Vec<Arc<Ended>> {
        self.lock().iter().take(BATCH).map(Arc::clone).collect()
    }

    fn remove_first(&self, count: usize) -> Vec<Arc<Ended>> {
        let mut waiting = self.lock();
        let count = count.min(waiting.len());
        waiting.drain(..count).collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<Ended>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes rows until shutdown, and what is left then.
pub(crate) async fn keep(services: Arc<Services>) {
    let log = services.models.spend_log();
    while !services.shutdown.is_cancelled() {
        tokio::select! {
            () = services.shutdown.cancelled() => {}
            () = log.filled.notified() => {
                // Not so long that somebody who looks at the page misses it.
                let _ = tokio::time::timeout(GATHER, services.shutdown.cancelled()).await;
            }
        }
        if !write_all(&services).await {
            let _ = tokio::time::timeout(AGAIN, services.shutdown.cancelled()).await;
            log.filled.notify_one();
        }
    }
    write_all(&services).await;
}

/// Writes everything that waits; false when the database refused.
#[boxed]
pub(crate) async fn write_all(services: &Services) -> bool {
    let log = services.models.spend_log();
    let _one = log.writing.lock().await;
    loop {
        let calls: Vec<ModelCall> = log.first().iter().map(|ended| ended.call.clone()).collect();
        if calls.is_empty() {
            return true;
        }
        let count = calls.len();
        if let Err(error) = write(services, log, calls).await {
            log.is_unsure.store(true, Ordering::Relaxed);
            tracing::error!(%error, "model calls wait to be written");
            return false;
        }
        log.is_unsure.store(false, Ordering::Relaxed);
        let written = log.remove_first(count);
        log.emptied.notify_waiters();
        let budgets = services.models.budgets();
        for (account, amount) in written.iter().flat_map(|ended| &ended.accounts) {
            budgets.ledger().written(account, *amount);
        }
        if let Err(error) = super::alerts::look(services, &written).await {
            tracing::error!(%error, "budgets cannot be compared with what was used");
        }
    }
}

async fn write(services: &Services, log: &SpendLog, mut calls: Vec<ModelCall>) -> Result<()> {
    if log.is_unsure.load(Ordering::Relaxed) {
        let ids: Vec<Uuid> = calls.iter().map(|call| call.id).collect();
        let known = repo::model_calls::known(&services.db, &ids).await?;
        calls.retain(|call| !known.contains(&call.id));
    }
    let sums = sums(&calls);
    let tx = services.db.begin().await?;
    repo::model_calls::insert(&tx, calls, &sums).await?;
    Ok(tx.commit().await?)
}

/// The scopes that a call counts for, with its id in each.
pub(crate) fn scopes(call: &ModelCall) -> impl Iterator<Item = (&'static str, String)> {
    [
        Some(("workspace", String::new())),
        call.app_id.map(|app| ("app", app.to_string())),
        call.user_id.clone().map(|user| ("user", user)),
        call.key_id.map(|key| ("key", key.to_string())),
    ]
    .into_iter()
    .flatten()
}

/// What calls add to the sums of their days.
fn sums(calls: &[ModelCall]) -> BTreeMap<SpendKey, Spent> {
    let mut sums: BTreeMap<SpendKey, Spent> = BTreeMap::new();
    for call in calls {
        let price = call.price.parse::<Decimal>().map_or(0, Decimal::ten_millionths);
        for (scope, subject) in scopes(call) {
            let key = SpendKey {
                tenant_id: call.tenant_id,
                scope,
                subject,
                day: call.created_at.date_naive().to_string(),
                currency: call.currency.clone(),
            };
            let sum = sums.entry(key).or_default();
            sum.calls += 1;
            if call.cache.is_some() {
                // No provider worked for it: it counts under no budget.
                continue;
            }
            sum.tokens = sum.tokens.saturating_add(call.prompt_tokens).saturating_add(call.completion_tokens);
            sum.price = sum.price.saturating_add(price);
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use ox_types::{AppId, TenantId};

    use super::*;

    fn call(tokens: i64, price: &str) -> ModelCall {
        ModelCall {
            id: ox_types::new_uuid(),
            tenant_id: TenantId::new(),
            app_id: None,
            user_id: None,
            key_id: None,
            run_id: None,
            node_id: None,
            provider: "p".into(),
            model: "m".into(),
            kind: "llm".into(),
            wanted_provider: None,
            wanted_model: None,
            prompt_tokens: tokens,
            cached_tokens: 0,
            completion_tokens: 1,
            price: price.into(),
            currency: "USD".into(),
            estimated: false,
            latency_ms: 1,
            first_token_ms: None,
            outcome: "ok".into(),
            created_at: "2026-03-01T23:59:59Z".parse().unwrap(),
            cache: None,
            saved_price: None,
            route: None,
            rule: None,
            units: None,
            unit: None,
            credential_id: None,
        }
    }

    #[test]
    fn a_call_counts_for_each_of_its_scopes() {
        let first = ModelCall { app_id: Some(AppId::new()), user_id: Some("ann".into()), ..call(10, "0.0000015") };
        let second = ModelCall { id: ox_types::new_uuid(), app_id: None, ..first.clone() };
        let kept = ModelCall { cache: Some("hit".into()), id: ox_types::new_uuid(), ..second.clone() };
        let sums = sums(&[first, second, kept]);
        let told = sums.iter().map(|(key, sum)| (key.scope, key.day.as_str(), sum.calls, sum.tokens, sum.price));
        let told: Vec<_> = told.collect();
        let day = "2026-03-01";
        assert_eq!(told, [("app", day, 1, 11, 15), ("user", day, 3, 22, 30), ("workspace", day, 3, 22, 30)]);
    }
}
