//! Repositories: one module per aggregate, functions that return domain structs.
//!
//! Reading functions take a [`crate::Source`] (the database or a transaction), writing ones a [`crate::Tx`];
//! functions on tenant data take the tenant id first. See `docs/adding-a-table.md`.

pub mod accounts;
pub mod agent_thoughts;
pub mod annotation_settings;
pub mod annotations;
pub mod api_extensions;
pub mod api_tokens;
pub mod apps;
pub mod audit;
pub mod child_chunks;
pub mod conversation_log;
pub mod conversations;
pub mod data_sources;
pub mod dataset_metadata;
pub mod datasets;
pub mod deletions;
pub mod documents;
pub mod draft_variables;
pub mod embeddings;
pub mod end_users;
pub mod evaluations;
pub mod external_knowledge;
pub mod gateway_keys;
pub mod given_histories;
pub mod human_input;
pub mod idempotency;
pub mod index_marks;
pub mod index_nodes;
pub mod index_rebuilds;
pub mod installed_apps;
pub mod journal;
mod keyword;
pub mod kv;
pub mod leases;
pub mod mails;
pub mod mcp_servers;
pub mod messages;
pub mod model_budgets;
pub mod model_calls;
pub mod model_policies;
pub mod model_refusals;
pub mod model_routes;
pub mod model_spend;
pub mod model_usage;
pub mod network_rules;
pub mod page_runs;
pub mod pipelines;
pub mod providers;
pub mod result_webhooks;
pub mod retention;
pub mod retrieval;
mod row;
pub mod run_figures;
pub mod run_files;
pub mod run_origins;
pub mod run_stops;
pub mod runs;
pub mod segments;
pub mod settings;
pub mod site_access;
pub mod slow_nodes;
pub mod statistics;
pub mod summaries;
pub mod tags;
pub mod tenants;
pub mod tools;
pub mod traces;
pub mod trigger_subscriptions;
pub mod triggers;
pub mod upload_files;
pub mod workflows;

/// Rows before a page; pages are counted from 1. At most what a database can count.
fn skipped(page: u64, limit: u64) -> u64 {
    page.saturating_sub(1).saturating_mul(limit).min(i64::MAX.unsigned_abs())
}
