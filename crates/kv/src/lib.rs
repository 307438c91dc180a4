//! Short-lived shared state: values with a life time, counters, locks, messages.
//!
//! For what may be lost with the process or the cache server: stop flags, locks, counts, cool-downs. What must
//! survive (sessions, one-time tokens) is in `db`. Everything behind [`Kv`] is text and asynchronous. Drivers:
//! [`Memory`] is this process, [`Redis`] a server (Redis or Valkey; one, with sentinels, or a cluster) that several
//! processes share.
//! Invariants: nothing grows without bound (a full store refuses, a slow subscriber loses messages and is told);
//! an expired value is never seen; a lock is released only by its holder.

mod error;
mod lock;
mod memory;
mod server;
mod value;

pub use error::{Error, Result};
pub use lock::Lock;
pub use memory::{Bounds, Memory};
pub use server::{Redis, RedisSettings};
pub use value::{Kv, Subscription};
