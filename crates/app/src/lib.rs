//! Use cases: what a user of Oxidify can do, with permissions, limits and audit.
//!
//! No HTTP types and no SQL: delivery (`api`, `cli`) calls functions of this crate, which call
//! repositories (`db`), the engine and the capability crates.
//! Invariants: every function on tenant data takes a [`Principal`] or a tenant id first; a change made
//! by a person goes through [`Principal::require`]; every error is an [`Error`] with a wire code.

use ox_types::boxed;

pub mod about;
pub mod accounts;
pub mod agents;
pub mod annotation_reply;
pub mod annotations;
pub mod api_keys;
pub mod approvals;
pub mod apps;
mod assist;
pub mod audio;
mod audit;
mod caller;
mod changes;
mod chat;
pub mod conversations;
pub mod debug;
pub mod describe;
pub mod dialogue;
pub mod end_users;
pub mod error;
pub mod explore;
pub mod exports;
pub mod extensions;
pub mod feedback;
pub mod figures;
pub mod files;
pub mod gateway_keys;
pub mod generate;
pub mod health;
pub mod human_input;
pub mod imports;
pub mod knowledge;
pub mod logs;
pub mod mail;
pub mod mcp;
pub mod messages;
pub mod model_config;
mod moderation;
pub mod network;
pub mod page_access;
pub mod page_runs;
pub mod pipelines;
pub mod principal;
pub mod providers;
pub mod retention;
mod rounds;
pub mod runs;
mod secrets;
mod services;
mod settings;
pub mod spend;
pub mod statistics;
pub mod time_machine;
pub mod tools;
pub mod traces;
pub mod triggers;
pub mod visits;
pub mod webhooks;
pub mod workflows;
pub mod workspaces;

pub use caller::{AppCaller, require_chat};
pub use error::{Error, Result};
pub use ox_auth::constant_time_eq as same_secret;
pub use ox_db::model;
pub use principal::{Access, Principal};
pub use secrets::Secrets;
pub use services::{Parts, Services};
pub use settings::Settings;

/// A short id for logs and `X-Trace-Id`.
#[must_use]
pub fn request_id() -> String {
    ox_types::new_uuid().simple().to_string()
}

/// Work of once an hour: partitions of the coming days, expired values, old intents, deletions that were interrupted.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn upkeep(services: &Services) -> Result<()> {
    services.db.maintain().await?;
    let tx = services.db.begin().await?;
    ox_db::repo::kv::purge(&tx).await?;
    ox_db::repo::journal::purge_intents(&tx, ox_db::now() - chrono::Duration::days(7)).await?;
    ox_db::repo::run_stops::purge(&tx, runs::signals::KEPT).await?;
    ox_db::repo::mails::purge(&tx, ox_db::now() - mail::KEPT).await?;
    ox_db::repo::idempotency::purge(&tx, ox_db::now() - chrono::Duration::days(runs::once::KEPT_DAYS)).await?;
    tx.commit().await?;
    retention::clean(services, ox_db::now()).await?;
    knowledge::upkeep::clean(services, ox_db::now()).await?;
    runs::draft::delete_orphans(services).await?;
    tools::space::delete_orphans(services).await?;
    apps::resume_deletions(services).await
}
