//! The connection that all calls share: made when it is needed, made anew when it broke.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use redis::{Cmd, FromRedisValue, RedisError, RedisResult};

use super::{
    settings::RedisSettings,
    target::{Connection, Target},
};
use crate::{Error, Result};

/// Calls over one connection after the other.
pub(super) struct Link {
    target: Arc<Target>,
    slot: tokio::sync::Mutex<Slot>,
    /// What was told to monitoring: server, flavour, id of its process.
    told: Mutex<Option<[String; 3]>>,
}

#[derive(Default)]
struct Slot {
    connection: Option<Connection>,
    /// Which connection it is, so that a late failure does not end a newer one.
    number: u64,
    failures: u32,
    /// After a failure: not before then, and what it was.
    rest: Option<(Instant, String)>,
}

impl Link {
    pub fn new(target: Target) -> Self {
        Self { target: Arc::new(target), slot: tokio::sync::Mutex::default(), told: Mutex::default() }
    }

    pub fn settings(&self) -> &RedisSettings {
        &self.target.settings
    }

    pub fn target(&self) -> Arc<Target> {
        Arc::clone(&self.target)
    }

    /// Whether the server answers.
    pub async fn check(&self) -> Result<()> {
        self.ask::<String>("", &redis::cmd("PING")).await.map(drop)
    }

    /// Sends a command about a key.
    pub async fn ask<T: FromRedisValue>(&self, key: &str, command: &Cmd) -> Result<T> {
        Ok(self.ask_and_tell(key, command).await?.0)
    }

    /// As [`Link::ask`]; also tells whether the command was sent a second time, because the connection broke.
    pub async fn ask_and_tell<T: FromRedisValue>(&self, key: &str, command: &Cmd) -> Result<(T, bool)> {
        let limit = self.settings().connect_timeout + self.settings().timeout;
        let work = Box::pin(self.ask_twice(key, command));
        let late = || Error::Unavailable(format!("no answer within {limit:?}"));
        tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Err(late()))
    }

    async fn ask_twice<T: FromRedisValue>(&self, key: &str, command: &Cmd) -> Result<(T, bool)> {
        let (mut connection, number) = self.connection().await?;
        let error = match connection.ask(command).await {
            Ok(answer) => return Ok((answer, false)),
            Err(error) => error,
        };
        if !is_broken(&error) {
            return Err(told(key, &error));
        }
        self.leave(number).await;
        if error.is_timeout() {
            return Err(told(key, &error));
        }
        let (mut connection, number) = self.connection().await?;
        match connection.ask(command).await {
            Ok(answer) => Ok((answer, true)),
            Err(error) => {
                if is_broken(&error) {
                    self.leave(number).await;
                }
                Err(told(key, &error))
            }
        }
    }

    /// The connection there is, or a new one.
    async fn connection(&self) -> Result<(Connection, u64)> {
        let mut slot = self.slot.lock().await;
        if let Some(connection) = &slot.connection {
            return Ok((connection.clone(), slot.number));
        }
        if let Some((until, why)) = &slot.rest
            && Instant::now() < *until
        {
            return Err(Error::Unavailable(why.clone()));
        }
        match self.connect().await {
            Ok(connection) => {
                if slot.failures > 0 {
                    tracing::info!(server = self.settings().describe(), "Redis answers again");
                }
                let number = slot.number + 1;
                *slot = Slot { connection: Some(connection.clone()), number, failures: 0, rest: None };
                Ok((connection, number))
            }
            Err(error) => {
                slot.failures = slot.failures.saturating_add(1);
                let (pause, why) = (self.settings().pause_after(slot.failures), error.to_string());
                tracing::warn!(%error, failures = slot.failures, ?pause, "Redis cannot be reached; it is tried again");
                slot.rest = Some((Instant::now() + pause, why.clone()));
                Err(Error::Unavailable(why))
            }
        }
    }

    async fn connect(&self) -> RedisResult<Connection> {
        let mut connection = self.target.connect().await?;
        let mut command = redis::cmd("INFO");
        command.arg("server");
        // Not answered by every service that speaks the protocol, and only told.
        let about = match &mut connection {
            Connection::Node(node) => command.query_async::<String>(node).await,
            Connection::Cluster(_) => match Box::pin(self.target.node()).await {
                Ok(mut node) => command.query_async::<String>(&mut node).await,
                Err(error) => Err(error),
            },
        };
        self.tell(&about.unwrap_or_default());
        Ok(connection)
    }

    fn tell(&self, about: &str) {
        let (flavour, id) = identity(about);
        let now = [self.settings().describe(), flavour, id];
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.as_ref() == Some(&now) {
            return;
        }
        if let Some(before) = told.replace(now.clone()) {
            info(before, 0.0);
        } else {
            tracing::info!(server = now[0], flavour = now[1], run_id = now[2], "connected to Redis");
        }
        info(now, 1.0);
    }

    /// Gives a connection up, unless another has taken its place.
    async fn leave(&self, number: u64) {
        let mut slot = self.slot.lock().await;
        if slot.number == number {
            slot.connection = None;
        }
    }
}

fn info([server, flavour, id]: [String; 3], value: f64) {
    metrics::gauge!("oxidify_redis_role_info",
        "role" => "cache", "server" => server, "flavour" => flavour, "run_id" => id)
    .set(value);
}

/// `valkey 8.1.0` and the id of the process, from what `INFO server` says.
fn identity(about: &str) -> (String, String) {
    let field = |name: &str| {
        let line = about.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.map(str::trim).filter(|text| !text.is_empty())
    };
    let flavour = match (field("valkey_version"), field("redis_version")) {
        (Some(version), _) => format!("valkey {version}"),
        (None, Some(version)) => format!("redis {version}"),
        (None, None) => "unknown".to_owned(),
    };
    (flavour, field("run_id").unwrap_or("unknown").to_owned())
}

/// Whether the connection is of no more use: it broke, or leads to a server that may not be written to (any more).
fn is_broken(error: &RedisError) -> bool {
    error.is_io_error() || error.is_unrecoverable_error() || matches!(error.code(), Some("READONLY" | "MASTERDOWN"))
}

fn told(key: &str, error: &RedisError) -> Error {
    if error.to_string().contains("not an integer") {
        return Error::NotANumber(key.to_owned());
    }
    Error::Unavailable(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_says_what_it_is() {
        for (about, flavour, id) in [
            ("# Server\r\nredis_version:7.0.15\r\nrun_id:ab12\r\n", "redis 7.0.15", "ab12"),
            ("redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.1.0\r\nrun_id:c\r\n", "valkey 8.1.0", "c"),
            ("", "unknown", "unknown"),
        ] {
            assert_eq!(identity(about), (flavour.to_owned(), id.to_owned()), "{about}");
        }
    }

    #[test]
    fn broken_connections_are_told_from_refusals() {
        let io = |kind: std::io::ErrorKind| RedisError::from(std::io::Error::from(kind));
        for kind in
            [std::io::ErrorKind::BrokenPipe, std::io::ErrorKind::ConnectionRefused, std::io::ErrorKind::TimedOut]
        {
            assert!(is_broken(&io(kind)), "{kind}");
            assert!(matches!(told("k", &io(kind)), Error::Unavailable(_)));
        }
        let text = (redis::ErrorKind::Extension, "ERR", "value is not an integer or out of range".to_owned());
        let refusal = RedisError::from(text);
        assert!(!is_broken(&refusal));
        assert_eq!(told("k", &refusal), Error::NotANumber("k".into()));
    }
}
