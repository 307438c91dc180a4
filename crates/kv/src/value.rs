use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::Result;

/// A store of short-lived text values, with messages. One suite runs against every driver.
#[async_trait]
pub trait Kv: Send + Sync {
    /// The value, if it is there and alive.
    async fn get(&self, key: &str) -> Result<Option<Arc<str>>>;

    /// Sets a value, with a life time or until it is deleted.
    async fn set(&self, key: &str, value: &str, life: Option<Duration>) -> Result<()>;

    /// Sets a value unless there is one; tells whether it did.
    async fn set_if_absent(&self, key: &str, value: &str, life: Option<Duration>) -> Result<bool>;

    /// Removes a value and returns it: of several callers one gets it.
    async fn take(&self, key: &str) -> Result<Option<Arc<str>>>;

    /// Removes a value; tells whether there was one.
    async fn delete(&self, key: &str) -> Result<bool>;

    /// Removes a value if it is this one; tells whether it did.
    async fn delete_if(&self, key: &str, value: &str) -> Result<bool>;

    /// Gives a value a new life time if it is this one; tells whether it did.
    async fn extend_if(&self, key: &str, value: &str, life: Duration) -> Result<bool>;

    /// Adds to a counter and returns the new count. One that is new starts at `by` and lives that long.
    async fn increment(&self, key: &str, by: i64, life: Duration) -> Result<i64>;

    /// Adds to a counter unless it would go above `most`, which is one step: of callers that come together, no more are
    /// counted than fit. Returns the new count, `None` when nothing was added. One that is new lives that long.
    async fn increment_up_to(&self, key: &str, by: i64, most: i64, life: Duration) -> Result<Option<i64>>;

    /// Sends a message to whoever listens now; returns to how many that is known (a cluster knows of one node's).
    async fn publish(&self, channel: &str, message: &str) -> Result<usize>;

    /// Listens to a channel from now on.
    async fn subscribe(&self, channel: &str) -> Result<Box<dyn Subscription>>;

    /// Where it is, without passwords; `None` when it is in this process.
    fn server(&self) -> Option<String>;

    /// Whether it answers.
    async fn check(&self) -> Result<()>;
}

/// A place where messages arrive. Dropping it ends the subscription.
#[async_trait]
pub trait Subscription: Send {
    /// The next message; `None` when the channel has ended. `Lagged` and
    /// `Interrupted` tell of lost ones, and the next call goes on.
    async fn next(&mut self) -> Result<Option<Arc<str>>>;
}
