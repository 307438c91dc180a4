//! The driver for Redis and Valkey: what several processes share.
//!
//! Every call is bounded in time. While the server is away, counters go on in this process (a limit is then one for
//! each process), everything else fails as `Unavailable`, and subscriptions wait; connections come back by themselves.
//! Every command touches one key, so that a cluster serves it.

mod link;
mod messages;
mod settings;
mod target;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use redis::Cmd;

pub use self::settings::RedisSettings;
use self::{link::Link, target::Target};
use crate::{Bounds, Error, Kv, Memory, Result, Subscription};

/// The longest life that a server is asked for; it knows no longer ones than its clock does.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 86_400);

const TAKE: &str = "local v = redis.call('GET', KEYS[1]) if v then redis.call('DEL', KEYS[1]) end return v";
const DELETE_IF: &str = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";
const EXTEND_IF: &str =
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0";
const INCREMENT: &str = "local is_new = redis.call('EXISTS', KEYS[1]) == 0 \
    local n = redis.call('INCRBY', KEYS[1], ARGV[1]) \
    if is_new then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return n";
const INCREMENT_UP_TO: &str = "local old = redis.call('GET', KEYS[1]) \
    local n = tonumber(old or '0') \
    if not n then return redis.error_reply('ERR value is not an integer or out of range') end \
    if n + tonumber(ARGV[1]) > tonumber(ARGV[3]) then return false end \
    n = redis.call('INCRBY', KEYS[1], ARGV[1]) \
    if not old then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return n";

/// A server that several processes share.
pub struct Redis {
    link: Link,
    bounds: Bounds,
    /// Counts while the server is away.
    local: Memory,
    is_away: AtomicBool,
}

impl Redis {
    /// Connects, and tries as often as the operator said.
    ///
    /// # Errors
    /// Why the server cannot be used, and what to look at.
    pub async fn connect(settings: RedisSettings, bounds: Bounds) -> std::result::Result<Self, String> {
        let place = settings.describe();
        let (retries, mut failures) = (settings.retries, 0);
        let link = Link::new(Target::new(settings)?);
        loop {
            let error = match link.check().await {
                Ok(()) => break,
                Err(error) => error,
            };
            failures += 1;
            if failures > retries {
                return Err(format!(
                    "Redis cannot be used ({place}): {error}. Check that the server runs and may be reached from here, \
                     and OXIDIFY_REDIS_URL or REDIS_HOST, REDIS_PORT, REDIS_PASSWORD and REDIS_USE_SSL; without any of \
                     them one process works alone"
                ));
            }
            tokio::time::sleep(link.settings().pause_after(failures)).await;
        }
        Ok(Self { link, bounds, local: Memory::new(bounds), is_away: AtomicBool::new(false) })
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.link.settings().prefix)
    }

    fn command(&self, name: &str, key: &str) -> Cmd {
        let mut command = redis::cmd(name);
        command.arg(self.key(key));
        command
    }

    fn script(&self, text: &str, key: &str) -> Cmd {
        let mut command = redis::cmd("EVAL");
        command.arg(text).arg(1).arg(self.key(key));
        command
    }

    /// What was counted there; `None` when it is to be counted here.
    fn counted<T>(&self, key: &str, answer: Result<T>) -> Result<Option<T>> {
        match answer {
            Ok(counted) => {
                if self.is_away.swap(false, Ordering::Relaxed) {
                    tracing::info!("limits are counted by Redis again");
                }
                Ok(Some(counted))
            }
            Err(Error::Unavailable(why)) => {
                if !self.is_away.swap(true, Ordering::Relaxed) {
                    tracing::warn!(
                        why,
                        key,
                        "Redis is away: limits are counted by each process alone until it is back"
                    );
                }
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// What a server takes as a life time: at least a millisecond.
fn millis(life: Duration) -> u64 {
    u64::try_from(life.min(LONGEST).as_millis()).unwrap_or(u64::MAX).max(1)
}

fn arc(text: Option<String>) -> Option<Arc<str>> {
    text.map(Into::into)
}

#[async_trait]
impl Kv for Redis {
    async fn get(&self, key: &str) -> Result<Option<Arc<str>>> {
        self.link.ask(key, &self.command("GET", key)).await.map(arc)
    }

    async fn set(&self, key: &str, value: &str, life: Option<Duration>) -> Result<()> {
        let mut command = self.command("SET", key);
        command.arg(value);
        if let Some(life) = life {
            command.arg("PX").arg(millis(life));
        }
        self.link.ask(key, &command).await
    }

    async fn set_if_absent(&self, key: &str, value: &str, life: Option<Duration>) -> Result<bool> {
        let mut command = self.command("SET", key);
        command.arg(value).arg("NX");
        if let Some(life) = life {
            command.arg("PX").arg(millis(life));
        }
        let (set, was_repeated) = self.link.ask_and_tell::<Option<String>>(key, &command).await?;
        if set.is_none() && was_repeated {
            // The answer of the first try was lost: what is there may be ours.
            return Ok(self.get(key).await?.as_deref() == Some(value));
        }
        Ok(set.is_some())
    }

    async fn take(&self, key: &str) -> Result<Option<Arc<str>>> {
        self.link.ask(key, &self.script(TAKE, key)).await.map(arc)
    }

    async fn delete(&self, key: &str) -> Result<bool> {
        self.link.ask(key, &self.command("DEL", key)).await
    }

    async fn delete_if(&self, key: &str, value: &str) -> Result<bool> {
        let mut command = self.script(DELETE_IF, key);
        command.arg(value);
        self.link.ask(key, &command).await
    }

    async fn extend_if(&self, key: &str, value: &str, life: Duration) -> Result<bool> {
        let mut command = self.script(EXTEND_IF, key);
        command.arg(value).arg(millis(life));
        self.link.ask(key, &command).await
    }

    async fn increment(&self, key: &str, by: i64, life: Duration) -> Result<i64> {
        let mut command = self.script(INCREMENT, key);
        command.arg(by).arg(millis(life));
        match self.counted(key, self.link.ask(key, &command).await)? {
            Some(count) => Ok(count),
            None => self.local.increment(key, by, life).await,
        }
    }

    async fn increment_up_to(&self, key: &str, by: i64, most: i64, life: Duration) -> Result<Option<i64>> {
        let mut command = self.script(INCREMENT_UP_TO, key);
        command.arg(by).arg(millis(life)).arg(most);
        match self.counted(key, self.link.ask(key, &command).await)? {
            Some(count) => Ok(count),
            None => self.local.increment_up_to(key, by, most, life).await,
        }
    }

    async fn publish(&self, channel: &str, message: &str) -> Result<usize> {
        let mut command = self.command("PUBLISH", channel);
        command.arg(message);
        self.link.ask(channel, &command).await
    }

    async fn subscribe(&self, channel: &str) -> Result<Box<dyn Subscription>> {
        let listener = messages::subscribe(self.link.target(), self.key(channel), self.bounds.backlog).await;
        Ok(Box::new(listener))
    }

    fn server(&self) -> Option<String> {
        Some(self.link.settings().describe())
    }

    async fn check(&self) -> Result<()> {
        self.link.check().await
    }
}
