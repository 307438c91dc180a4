//! Repositories on SQLite and PostgreSQL: one program, as each would carry the whole database layer.

#![allow(clippy::unwrap_used, clippy::panic, reason = "test support")]

mod annotations;
mod apps;
mod chat;
mod connection;
mod data_sources;
mod doors;
mod endings;
mod identity;
mod index_rebuilds;
mod indexes;
mod keywords;
mod knowledge;
mod retention;
mod runs;
mod spend;
mod statistics;
mod summaries;
mod tools;
