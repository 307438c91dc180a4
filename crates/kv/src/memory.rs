//! The driver for one process.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use tokio::sync::broadcast::{self, error::RecvError};

use crate::{Error, Kv, Result, Subscription};

/// How much [`Memory`] keeps.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub entries: usize,
    /// Messages a subscriber may be behind.
    pub backlog: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { entries: 100_000, backlog: 1024 }
    }
}

/// Everything in this process.
pub struct Memory {
    bounds: Bounds,
    clock: Box<dyn Fn() -> Instant + Send + Sync>,
    values: Mutex<Values>,
    channels: Mutex<HashMap<String, broadcast::Sender<Arc<str>>>>,
}

#[derive(Default)]
struct Values {
    entries: HashMap<Arc<str>, Entry>,
    /// By time of expiry, so that the dead are found without a search.
    expiring: BTreeSet<(Instant, Arc<str>)>,
}

struct Entry {
    value: Arc<str>,
    expires_at: Option<Instant>,
}

impl Default for Memory {
    fn default() -> Self {
        Self::new(Bounds::default())
    }
}

impl Memory {
    /// An empty store with these bounds.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self::with_clock(bounds, Instant::now)
    }

    /// As [`Memory::new`], with another clock.
    #[must_use]
    pub fn with_clock(bounds: Bounds, clock: impl Fn() -> Instant + Send + Sync + 'static) -> Self {
        Self { bounds, clock: Box::new(clock), values: Mutex::default(), channels: Mutex::default() }
    }

    /// The end of a life that begins now; one beyond what the clock can hold has no end.
    fn after(&self, life: Duration) -> Option<Instant> {
        (self.clock)().checked_add(life)
    }

    /// How many values are alive.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values().entries.len()
    }

    /// Whether nothing is alive.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The values, without the expired ones.
    fn values(&self) -> MutexGuard<'_, Values> {
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        values.expire((self.clock)());
        values
    }
}

impl Values {
    fn expire(&mut self, now: Instant) {
        while let Some((at, _)) = self.expiring.first()
            && *at <= now
        {
            if let Some((_, key)) = self.expiring.pop_first() {
                self.entries.remove(&key);
            }
        }
    }

    fn get(&self, key: &str) -> Option<Arc<str>> {
        self.entries.get(key).map(|entry| Arc::clone(&entry.value))
    }

    fn remove(&mut self, key: &str) -> Option<Arc<str>> {
        let (key, entry) = self.entries.remove_entry(key)?;
        if let Some(at) = entry.expires_at {
            self.expiring.remove(&(at, key));
        }
        Some(entry.value)
    }

    fn set(&mut self, key: &str, value: &str, expires_at: Option<Instant>, bounds: Bounds) -> Result<()> {
        self.remove(key);
        if self.entries.len() >= bounds.entries {
            return Err(Error::Full(bounds.entries));
        }
        let key: Arc<str> = key.into();
        if let Some(at) = expires_at {
            self.expiring.insert((at, Arc::clone(&key)));
        }
        self.entries.insert(key, Entry { value: value.into(), expires_at });
        Ok(())
    }
}

#[async_trait]
impl Kv for Memory {
    async fn get(&self, key: &str) -> Result<Option<Arc<str>>> {
        Ok(self.values().get(key))
    }

    async fn set(&self, key: &str, value: &str, life: Option<Duration>) -> Result<()> {
        self.values().set(key, value, life.and_then(|life| self.after(life)), self.bounds)
    }

    async fn set_if_absent(&self, key: &str, value: &str, life: Option<Duration>) -> Result<bool> {
        let mut values = self.values();
        if values.entries.contains_key(key) {
            return Ok(false);
        }
        values.set(key, value, life.and_then(|life| self.after(life)), self.bounds)?;
        Ok(true)
    }

    async fn take(&self, key: &str) -> Result<Option<Arc<str>>> {
        Ok(self.values().remove(key))
    }

    async fn delete(&self, key: &str) -> Result<bool> {
        Ok(self.values().remove(key).is_some())
    }

    async fn delete_if(&self, key: &str, value: &str) -> Result<bool> {
        let mut values = self.values();
        let same = values.get(key).is_some_and(|found| *found == *value);
        if same {
            values.remove(key);
        }
        Ok(same)
    }

    async fn extend_if(&self, key: &str, value: &str, life: Duration) -> Result<bool> {
        let mut values = self.values();
        let same = values.get(key).is_some_and(|found| *found == *value);
        if same {
            values.set(key, value, self.after(life), self.bounds)?;
        }
        Ok(same)
    }

    async fn increment(&self, key: &str, by: i64, life: Duration) -> Result<i64> {
        let mut values = self.values();
        let (count, expires_at) = match values.entries.get(key) {
            None => (by, self.after(life)),
            Some(entry) => {
                let old: i64 = entry.value.parse().map_err(|_| Error::NotANumber(key.to_owned()))?;
                (old.saturating_add(by), entry.expires_at)
            }
        };
        values.set(key, &count.to_string(), expires_at, self.bounds)?;
        Ok(count)
    }

    async fn increment_up_to(&self, key: &str, by: i64, most: i64, life: Duration) -> Result<Option<i64>> {
        let mut values = self.values();
        let (old, expires_at) = match values.entries.get(key) {
            None => (0, self.after(life)),
            Some(entry) => {
                let old: i64 = entry.value.parse().map_err(|_| Error::NotANumber(key.to_owned()))?;
                (old, entry.expires_at)
            }
        };
        let count = old.saturating_add(by);
        if count > most {
            return Ok(None);
        }
        values.set(key, &count.to_string(), expires_at, self.bounds)?;
        Ok(Some(count))
    }

    async fn publish(&self, channel: &str, message: &str) -> Result<usize> {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(sender) = channels.get(channel) else { return Ok(0) };
        // Sending fails when nobody listens any more.
        let reached = sender.send(message.into()).unwrap_or(0);
        if reached == 0 {
            channels.remove(channel);
        }
        Ok(reached)
    }

    async fn subscribe(&self, channel: &str) -> Result<Box<dyn Subscription>> {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        if channels.len() >= self.bounds.entries {
            channels.retain(|_, sender| sender.receiver_count() > 0);
            if channels.len() >= self.bounds.entries {
                return Err(Error::Full(self.bounds.entries));
            }
        }
        let sender =
            channels.entry(channel.to_owned()).or_insert_with(|| broadcast::Sender::new(self.bounds.backlog.max(1)));
        Ok(Box::new(Listener(sender.subscribe())))
    }

    fn server(&self) -> Option<String> {
        None
    }

    async fn check(&self) -> Result<()> {
        Ok(())
    }
}

struct Listener(broadcast::Receiver<Arc<str>>);

#[async_trait]
impl Subscription for Listener {
    async fn next(&mut self) -> Result<Option<Arc<str>>> {
        match self.0.recv().await {
            Ok(message) => Ok(Some(message)),
            Err(RecvError::Closed) => Ok(None),
            Err(RecvError::Lagged(lost)) => Err(Error::Lagged(lost)),
        }
    }
}
