//! Support for tests: throw-away databases on SQLite and PostgreSQL, throw-away Redis servers.
//!
//! Dev-only, nothing ships with it. It depends on `db` only, so that the tests of low crates do not wait for
//! high ones. A test body that touches SQL runs through [`on_each_database`].
//! Invariants: every test has a database of its own, a copy of one that was migrated once, removed afterwards; the PostgreSQL server is shared by all
//! test processes, started by the first, and stops by itself soon after the last.

mod database;
mod postgres;
mod redis;
mod template;

pub use self::redis::{RedisCluster, RedisSentinel, RedisServer};
pub use database::{TestDb, on_each_database, postgres, postgres_ahead, sqlite};
