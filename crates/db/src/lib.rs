//! Database: entities, migrations and repositories for SQLite and PostgreSQL.
//!
//! Everything that is SQL lives here. Callers see plain structs (`model`), repository functions
//! (`repo::<aggregate>`), a [`Database`] and its transactions ([`Tx`]); never an entity, a SQL string or
//! a driver type. It holds no business rule and knows nothing of HTTP or the engine.
//! Invariants: functions on tenant data take the tenant id first; writing needs a [`Tx`]; a write
//! transaction on SQLite starts immediate on the one writer connection; on PostgreSQL the run, node
//! and message tables are partitioned by day and every look-up by id carries a time window (`Span`);
//! times are UTC with microseconds ([`now`]); a migration works while the previous version serves.

mod config;
mod database;
mod durability;
mod entity;
mod error;
mod migration;
pub mod model;
mod page;
mod postgres;
pub mod repo;
mod sqlite;
mod time;

pub use config::{DbConfig, Durability, Engine, PostgresConfig};
pub use database::{Database, PoolState, Source, Tx};
pub use error::{Error, Result};
pub use page::{Page, PageOf};
pub use time::{Span, now, shared_now};
