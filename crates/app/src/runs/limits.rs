//! How many runs may be under way: of one app and of one key in all processes, and of this process.
//!
//! The places of this process are counted exactly. What other processes run of an app is read from the record: two that
//! take the last place in the same few milliseconds may both get it. The places of a key are in the shared store, where
//! there is one; while it is away, each process counts by itself.

use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use ox_kv::Kv;
use ox_types::AppId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::published::Key;
use crate::{Error, Result, Services};

/// Seconds after which a refused caller may try again.
const RETRY_AFTER: u64 = 1;
/// How much longer than a run may take its place is kept by a process that was never heard of again.
const MARGIN: Duration = Duration::from_secs(60);

/// Runs under way by app, or by key.
type Counts<K> = Arc<Mutex<HashMap<K, u64>>>;

/// Counts the runs under way.
#[derive(Debug)]
pub struct ActiveRuns {
    all: Arc<Semaphore>,
    most: usize,
    by_app: Counts<AppId>,
    by_key: Counts<Uuid>,
}

/// A place among the runs under way; dropping it frees the place.
#[derive(Debug)]
pub struct RunPermit {
    _place: OwnedSemaphorePermit,
    _app: Option<Held<AppId>>,
    _key: Option<Held<Uuid>>,
    _shared: Option<SharedPlace>,
}

/// One of a key's places that all processes share.
struct SharedPlace {
    kv: Arc<dyn Kv>,
    tracker: TaskTracker,
    slot: String,
    holder: String,
}

impl fmt::Debug for SharedPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedPlace").field("slot", &self.slot).finish_non_exhaustive()
    }
}

impl SharedPlace {
    /// Takes the first that is free; `Ok(None)` when none is.
    async fn take(
        kv: &Arc<dyn Kv>,
        tracker: &TaskTracker,
        key: Uuid,
        limit: u32,
        life: Duration,
    ) -> Result<Option<Self>, ox_kv::Error> {
        let holder = ox_types::new_uuid().to_string();
        let first = rand::random_range(0..limit.max(1));
        for number in (0..limit).map(|number| (first + number) % limit) {
            let slot = format!("key-runs:{key}:slot:{number}");
            if kv.set_if_absent(&slot, &holder, Some(life)).await? {
                return Ok(Some(Self { kv: Arc::clone(kv), tracker: tracker.clone(), slot, holder }));
            }
        }
        Ok(None)
    }
}

impl Drop for SharedPlace {
    fn drop(&mut self) {
        // At the end of the process there may be no runtime any more; then the place ends with its life time.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (kv, slot, holder) =
            (Arc::clone(&self.kv), std::mem::take(&mut self.slot), std::mem::take(&mut self.holder));
        let free = async move {
            if let Err(error) = kv.delete_if(&slot, &holder).await {
                tracing::warn!(%error, "a place of an API key stays taken for a while");
            }
        };
        self.tracker.spawn_on(free, &runtime);
    }
}

/// One of an app's or a key's places.
#[derive(Debug)]
struct Held<K: Eq + Hash> {
    whose: K,
    counts: Counts<K>,
}

impl<K: Copy + Eq + Hash> Held<K> {
    /// Takes a place if fewer than `limit` are taken, `elsewhere` included.
    fn take(counts: &Counts<K>, whose: K, limit: u64, elsewhere: u64) -> Option<Self> {
        let mut all = counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = all.entry(whose).or_default();
        if count.saturating_add(elsewhere) >= limit {
            return None;
        }
        *count += 1;
        drop(all);
        Some(Self { whose, counts: Arc::clone(counts) })
    }
}

impl<K: Eq + Hash> Drop for Held<K> {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.whose) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.remove(&self.whose);
            }
        }
    }
}

impl ActiveRuns {
    /// Room for this many runs.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(most)), most, by_app: Arc::default(), by_key: Arc::default() }
    }

    /// Takes a place; `limit` is the app's own ceiling, 0 for none, of which `elsewhere` are taken in other processes.
    ///
    /// # Errors
    /// 429 when there is none.
    pub fn enter(&self, app_id: AppId, limit: u64, elsewhere: u64) -> Result<RunPermit> {
        let Ok(place) = Arc::clone(&self.all).try_acquire_owned() else {
            metrics::counter!("oxidify_runs_refused_total", "reason" => "overload").increment(1);
            let text = format!("The server is busy: {} runs are under way. Please try again later.", self.most);
            return Err(Error::too_many(text, RETRY_AFTER));
        };
        if limit == 0 {
            return Ok(RunPermit { _place: place, _app: None, _key: None, _shared: None });
        }
        let Some(held) = Held::take(&self.by_app, app_id, limit, elsewhere) else {
            metrics::counter!("oxidify_runs_refused_total", "reason" => "app").increment(1);
            return Err(Error::too_many(
                format!(
                    "Too many requests. Please try again later. The current maximum concurrent requests allowed for \
                     {app_id} is {limit}."
                ),
                RETRY_AFTER,
            ));
        };
        Ok(RunPermit { _place: place, _app: Some(held), _key: None, _shared: None })
    }

    /// Takes one of a key's places as well.
    ///
    /// # Errors
    /// 429 when there is none.
    pub fn enter_key(&self, permit: &mut RunPermit, key: Uuid, limit: u64) -> Result<()> {
        let Some(held) = Held::take(&self.by_key, key, limit, 0) else {
            return Err(key_is_full(limit));
        };
        permit._key = Some(held);
        Ok(())
    }

    /// Runs under way.
    #[must_use]
    pub fn count(&self) -> usize {
        self.most.saturating_sub(self.all.available_permits())
    }
}

fn key_is_full(limit: u64) -> Error {
    metrics::counter!("oxidify_runs_refused_total", "reason" => "key").increment(1);
    let text = format!("Too many requests. This API key may have {limit} runs at the same time.");
    Error::too_many(text, RETRY_AFTER)
}

/// The ceiling that holds for an app: its own, else the default, never above the server's; 0 is none.
fn app_limit(own: Option<i32>, default: u64, most: u64) -> u64 {
    let own = own.and_then(|own| u64::try_from(own).ok()).filter(|own| *own > 0).unwrap_or(default);
    match (own, most) {
        (0, most) => most,
        (own, 0) => own,
        (own, most) => own.min(most),
    }
}

/// Takes a place for a run that counts against its app's ceiling, and that of the key it was asked for with.
///
/// # Errors
/// 429 when there is none, 503 while shutting down.
pub(crate) async fn enter(services: &Services, app: &ox_db::model::App, key: Option<Key>) -> Result<RunPermit> {
    let settings = &services.settings;
    let limit =
        app_limit(app.max_active_requests, settings.app_default_active_requests, settings.app_max_active_requests);
    // Nobody else runs anything on SQLite.
    let elsewhere = match limit > 0 && services.db.is_postgres() {
        true => ox_db::repo::runs::under_way_elsewhere(&services.db, app.id, services.runs.process_id).await?,
        false => 0,
    };
    let mut permit = services.runs.enter_beside(app.id, limit, elsewhere)?;
    if let Some(key) = key.filter(|key| key.concurrent_runs > 0) {
        services.runs.active.enter_key(&mut permit, key.id, u64::from(key.concurrent_runs))?;
        if services.kv.server().is_some() {
            let life = settings.limits.max_time.max(settings.model_total) + MARGIN;
            match SharedPlace::take(&services.kv, &services.tracker, key.id, key.concurrent_runs, life).await {
                Ok(Some(place)) => permit._shared = Some(place),
                Ok(None) => return Err(key_is_full(u64::from(key.concurrent_runs))),
                // Whoever connects to it warns, once.
                Err(error) => tracing::debug!(%error, "the runs of a key are counted by this process alone"),
            }
        }
    }
    Ok(permit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_an_app_and_of_the_process() {
        let (a, b) = (AppId::new(), AppId::new());
        let active = ActiveRuns::new(3);
        let first = active.enter(a, 1, 0).unwrap();
        let refused = active.enter(a, 1, 0).unwrap_err();
        assert_eq!((refused.status, refused.retry_after), (429, Some(1)));
        assert!(refused.message.starts_with("Too many requests. Please try again later. The current maximum"));
        let _others = (active.enter(b, 0, 9).unwrap(), active.enter(b, 1, 0).unwrap());
        assert_eq!(active.enter(b, 0, 9).unwrap_err().code, "too_many_requests");
        drop(first);
        assert!(active.enter(a, 1, 0).is_ok());
        // What runs in other processes counts.
        assert_eq!(active.enter(a, 2, 2).unwrap_err().status, 429);
        assert!(active.enter(a, 2, 1).is_ok());
    }

    #[test]
    fn places_of_a_key() {
        let (app, key) = (AppId::new(), ox_types::new_uuid());
        let active = ActiveRuns::new(9);
        let mut first = active.enter(app, 0, 0).unwrap();
        active.enter_key(&mut first, key, 1).unwrap();
        let mut second = active.enter(app, 0, 0).unwrap();
        assert_eq!(active.enter_key(&mut second, key, 1).unwrap_err().status, 429);
        active.enter_key(&mut second, ox_types::new_uuid(), 1).unwrap();
        drop(first);
        active.enter_key(&mut second, key, 1).unwrap();
    }

    #[tokio::test]
    async fn places_that_processes_share_are_given_back() {
        let kv: Arc<dyn Kv> = Arc::new(ox_kv::Memory::default());
        let (tracker, key, life) = (TaskTracker::new(), ox_types::new_uuid(), Duration::from_secs(60));
        let take = || SharedPlace::take(&kv, &tracker, key, 2, life);
        let (first, second) = (take().await.unwrap(), take().await.unwrap());
        assert!(first.is_some() && second.is_some() && take().await.unwrap().is_none());
        let other = SharedPlace::take(&kv, &tracker, ox_types::new_uuid(), 1, life).await.unwrap();
        assert!(other.is_some(), "another key");
        drop(first);
        tracker.close();
        tracker.wait().await;
        assert!(take().await.unwrap().is_some());
    }

    #[test]
    fn the_smaller_ceiling_wins() {
        for (own, default, most, expected) in
            [(None, 0, 0, 0), (Some(0), 5, 0, 5), (Some(3), 5, 0, 3), (Some(9), 0, 4, 4), (None, 0, 4, 4)]
        {
            assert_eq!(app_limit(own, default, most), expected, "{own:?} {default} {most}");
        }
    }
}
