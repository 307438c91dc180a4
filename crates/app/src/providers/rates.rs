//! How much may be asked of a model in a minute and at the same time. Counters and slots are in the shared store, so that
//! all processes see them; while it is away, each process counts by itself.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use ox_db::now;
use ox_gateway::{Full, RateRule, minute, to_next_minute, tokens_fit};
use ox_kv::{Bounds, Error as KvError, Kv, Memory};
use ox_models::{ErrorClass, ModelError};
use ox_types::{TenantId, boxed};
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

/// How long the count of a minute is kept.
const WINDOW: Duration = Duration::from_secs(130);
/// How often a free slot is looked for that another process may have left.
const LOOK: Duration = Duration::from_millis(100);
/// Callers that wait for the same minute do not come all at once.
const SPREAD: u64 = 250;

/// The counters behind the limits of rates.
#[derive(Clone)]
pub(crate) struct Rates(Arc<Shared>);

struct Shared {
    kv: Arc<dyn Kv>,
    /// The slots of this process while the store is away.
    local: Memory,
    tracker: TaskTracker,
    /// How long a slot is kept by a process that was never heard of again.
    life: Duration,
    freed: Notify,
}

/// A call that has its turn. Dropping it ends the turn.
pub(crate) struct Permit {
    rates: Rates,
    /// A slot and who holds it.
    slots: Vec<(String, String)>,
    /// Counts of tokens, with what was set aside in each.
    windows: Vec<(String, i64)>,
    used: i64,
}

impl Rates {
    /// Counters in a store; a slot lives as long as the longest call.
    pub fn new(kv: Arc<dyn Kv>, tracker: TaskTracker, longest_call: Duration) -> Self {
        let life = longest_call + Duration::from_secs(60);
        let local = Memory::new(Bounds::default());
        Self(Arc::new(Shared { kv, local, tracker, life, freed: Notify::new() }))
    }

    /// Waits for the turn of a call under every rule that counts calls of its model.
    ///
    /// # Errors
    /// Which limit is reached, and when to try again.
    #[boxed]
    pub async fn enter(
        &self,
        tenant: TenantId,
        rules: &[RateRule],
        model: &str,
        expected: u64,
    ) -> Result<Option<Permit>, ModelError> {
        let mut permit = Permit { rates: self.clone(), slots: Vec::new(), windows: Vec::new(), used: 0 };
        let mut is_any = false;
        let expected = i64::try_from(expected).unwrap_or(i64::MAX / 4);
        for rule in rules.iter().filter(|rule| rule.is_for(model)) {
            is_any = true;
            let key = format!("model-rate:{tenant}:{}", rule.id);
            let until = Instant::now() + Duration::from_secs(u64::from(rule.wait_seconds));
            let turn = async {
                self.slot(&key, rule, until, &mut permit).await?;
                self.request(&key, rule, until).await?;
                self.tokens(&key, rule, until, expected, &mut permit).await
            };
            if let Err((full, again)) = turn.await {
                return Err(refused(model, rule, full, again));
            }
        }
        Ok(is_any.then_some(permit))
    }

    /// One of so many slots.
    async fn slot(
        &self,
        key: &str,
        rule: &RateRule,
        until: Instant,
        permit: &mut Permit,
    ) -> Result<(), (Full, Duration)> {
        let Some(limit) = rule.concurrent.filter(|limit| *limit > 0) else { return Ok(()) };
        let holder = ox_types::new_uuid().to_string();
        loop {
            let freed = self.0.freed.notified();
            tokio::pin!(freed);
            freed.as_mut().enable();
            let first = rand::random_range(0..limit);
            for number in (0..limit).map(|number| (first + number) % limit) {
                let slot = format!("{key}:slot:{number}");
                match self.take(&slot, &holder).await {
                    Ok(true) => {
                        permit.slots.push((slot, holder));
                        return Ok(());
                    }
                    Ok(false) => {}
                    Err(error) => return uncounted(&error),
                }
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err((Full::Concurrent, Duration::from_secs(1)));
            }
            let _ = tokio::time::timeout(LOOK.min(left), freed).await;
        }
    }

    async fn take(&self, slot: &str, holder: &str) -> Result<bool, KvError> {
        match self.0.kv.set_if_absent(slot, holder, Some(self.0.life)).await {
            Err(KvError::Unavailable(_)) => self.0.local.set_if_absent(slot, holder, Some(self.0.life)).await,
            taken => taken,
        }
    }

    async fn request(&self, key: &str, rule: &RateRule, until: Instant) -> Result<(), (Full, Duration)> {
        let Some(limit) = rule.requests_per_minute.filter(|limit| *limit > 0) else { return Ok(()) };
        loop {
            let (at, pause) = clock();
            let window = format!("{key}:requests:{at}");
            match self.0.kv.increment_up_to(&window, 1, i64::from(limit), WINDOW).await {
                Ok(Some(_)) => return Ok(()),
                Ok(None) => {}
                Err(error) => return uncounted(&error),
            }
            next(until, pause, Full::Requests).await?;
        }
    }

    async fn tokens(
        &self,
        key: &str,
        rule: &RateRule,
        until: Instant,
        expected: i64,
        permit: &mut Permit,
    ) -> Result<(), (Full, Duration)> {
        let Some(limit) = rule.tokens_per_minute.filter(|limit| *limit > 0) else { return Ok(()) };
        loop {
            let (at, pause) = clock();
            let window = format!("{key}:tokens:{at}");
            match self.0.kv.increment(&window, expected, WINDOW).await {
                Ok(counted) if tokens_fit(counted, expected, limit) => {
                    permit.windows.push((window, expected));
                    return Ok(());
                }
                Ok(_) => self.give_back(&window, expected).await,
                Err(error) => return uncounted(&error),
            }
            next(until, pause, Full::Tokens).await?;
        }
    }

    async fn give_back(&self, window: &str, count: i64) {
        if let Err(error) = self.0.kv.increment(window, -count, WINDOW).await {
            tracing::warn!(%error, "a rate is counted too high until the next minute");
        }
    }
}

/// The minute of the clock, and how long it lasts.
fn clock() -> (u64, Duration) {
    let unix = u64::try_from(now().timestamp()).unwrap_or(0);
    (minute(unix), to_next_minute(unix))
}

/// Waits for the next minute, if it begins in time.
async fn next(until: Instant, pause: Duration, full: Full) -> Result<(), (Full, Duration)> {
    if Instant::now() + pause > until {
        return Err((full, pause));
    }
    tokio::time::sleep(pause + Duration::from_millis(rand::random_range(0..SPREAD))).await;
    Ok(())
}

#[expect(clippy::unnecessary_wraps, reason = "what its callers return")]
fn uncounted(error: &KvError) -> Result<(), (Full, Duration)> {
    tracing::warn!(%error, "the rate of a model cannot be counted");
    Ok(())
}

fn refused(model: &str, rule: &RateRule, full: Full, again: Duration) -> ModelError {
    metrics::counter!("oxidify_model_rate_denied_total").increment(1);
    let whose = rule.model.as_deref().map_or_else(|| "all models of the workspace".to_owned(), str::to_owned);
    let (seconds, about) = (again.as_secs().max(1), full.about(rule));
    let text = format!(
        "The model was not asked: the limit of {about} for {whose} is reached. Try again in {seconds} s, or ask an owner or \
         admin of the workspace to raise it (Settings, Model gateway, Policies)."
    );
    let provider = model.rsplit_once('/').map_or(model, |(provider, _)| provider);
    ModelError::new(ErrorClass::RateLimit { retry_after: Some(Duration::from_secs(seconds)) }, provider, text)
}

impl Permit {
    /// What the call used.
    pub fn used(mut self, tokens: u64) {
        self.used = i64::try_from(tokens).unwrap_or(i64::MAX / 4);
    }

    async fn free(rates: Rates, slots: Vec<(String, String)>, windows: Vec<(String, i64)>, used: i64) {
        for (slot, holder) in slots {
            // It is there only if the store was away when it was taken.
            if rates.0.local.delete_if(&slot, &holder).await == Ok(true) {
                continue;
            }
            if let Err(error) = rates.0.kv.delete_if(&slot, &holder).await {
                tracing::warn!(%error, "a slot of a model stays taken for a while");
            }
        }
        rates.0.freed.notify_waiters();
        for (window, expected) in windows {
            if used != expected {
                rates.give_back(&window, expected - used).await;
            }
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let (slots, windows) = (std::mem::take(&mut self.slots), std::mem::take(&mut self.windows));
        if slots.is_empty() && windows.is_empty() {
            return;
        }
        // At the end of the process there may be no runtime any more, and nothing to free either.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let work = Self::free(self.rates.clone(), slots, windows, self.used);
            self.rates.0.tracker.spawn_on(work, &runtime);
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn rates() -> Rates {
        Rates::new(Arc::new(Memory::new(Bounds::default())), TaskTracker::new(), Duration::from_secs(60))
    }

    fn rule(rule: RateRule) -> Vec<RateRule> {
        vec![RateRule { id: Uuid::from_u128(1), ..rule }]
    }

    async fn settled(rates: &Rates) {
        rates.0.tracker.close();
        rates.0.tracker.wait().await;
        rates.0.tracker.reopen();
    }

    #[tokio::test]
    async fn slots_are_counted_by_workspace_and_freed_when_a_call_ends() {
        let (rates, tenant) = (rates(), TenantId::new());
        let rules = rule(RateRule { concurrent: Some(2), ..RateRule::default() });
        let one = rates.enter(tenant, &rules, "p/m", 1).await.unwrap().unwrap();
        let two = rates.enter(tenant, &rules, "p/n", 1).await.unwrap().unwrap();
        let refused = rates.enter(tenant, &rules, "p/m", 1).await.err().unwrap();
        assert_eq!(refused.class, ErrorClass::RateLimit { retry_after: Some(Duration::from_secs(1)) });
        for word in ["2 calls at the same time", "all models of the workspace", "Policies"] {
            assert!(refused.to_string().contains(word), "no {word}: {refused}");
        }
        assert!(rates.enter(TenantId::new(), &rules, "p/m", 1).await.is_ok(), "another workspace");
        drop(one);
        settled(&rates).await;
        let three = rates.enter(tenant, &rules, "p/m", 1).await.unwrap();
        assert!(three.is_some());
        // A waiting call gets the next slot.
        let waiting = rule(RateRule { concurrent: Some(2), wait_seconds: 30, ..RateRule::default() });
        let (entered, ()) = tokio::join!(rates.enter(tenant, &waiting, "p/m", 1), async { drop(two) });
        assert!(entered.unwrap().is_some());
    }

    #[tokio::test]
    async fn requests_and_tokens_are_counted_by_the_minute() {
        let (rates, tenant) = (rates(), TenantId::new());
        let of_one = rule(RateRule { model: Some("p/m".into()), requests_per_minute: Some(3), ..RateRule::default() });
        assert!(rates.enter(tenant, &of_one, "p/n", 1).await.unwrap().is_none(), "not of this model");
        let mut entered = 0;
        // The minute may end in between.
        for _ in 0..12 {
            entered += u32::from(rates.enter(tenant, &of_one, "p/m", 1).await.is_ok());
        }
        assert!((3..=6).contains(&entered), "{entered}");

        let rules = rule(RateRule { tokens_per_minute: Some(1_000), ..RateRule::default() });
        let tenant = TenantId::new();
        let large = rates.enter(tenant, &rules, "p/m", 5_000).await.unwrap().unwrap();
        let refused = rates.enter(tenant, &rules, "p/m", 10).await;
        // What was not used is given back.
        large.used(100);
        settled(&rates).await;
        let after = rates.enter(tenant, &rules, "p/m", 10).await;
        assert!(after.is_ok());
        if let Err(refused) = refused {
            assert!(refused.to_string().contains("1000 tokens a minute"), "{refused}");
            assert!(refused.retry_after().is_some_and(|wait| wait <= Duration::from_secs(60)));
        }
    }
}
