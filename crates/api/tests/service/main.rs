//! The Service API and published pages, case by case (service-api-cases.md), over HTTP.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::needless_pass_by_value,
    clippy::cloned_ref_to_slice_refs,
    reason = "a test may fail loudly, helpers included"
)]

mod agents;
mod annotations;
mod approvals;
mod audio;
mod cases;
mod chat;
mod closed;
mod conversations;
mod door;
mod endings;
mod file_fields;
mod files;
mod gateway;
mod human_input;
mod keys;
mod mcp;
mod moderation;
mod once;
mod openai;
mod plugin_triggers;
mod policies;
mod rates;
mod recovery;
mod rig;
mod routes;
mod spend;
mod stops;
mod strangers;
mod sub_agents;
mod traces;
mod triggers;
mod visitors;
mod workflows;
