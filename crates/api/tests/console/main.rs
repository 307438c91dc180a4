//! The console API over the real router: sessions, roles, apps, drafts, models; rules that hold for every route.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::needless_pass_by_value,
    clippy::cloned_ref_to_slice_refs,
    reason = "a test may fail loudly, helpers included"
)]

#[path = "../support/mod.rs"]
mod support;

mod apps;
mod compatible;
mod data_sources;
mod describe;
mod docs;
mod drafts;
mod egress;
mod evaluation;
mod explore;
mod explore_trials;
mod exports;
mod fixtures;
mod generate;
mod index_rebuilds;
mod insight;
mod knowledge;
mod knowledge_large;
mod knowledge_more;
mod knowledge_names;
mod knowledge_pictures;
mod knowledge_seeing;
mod knowledge_summaries;
mod mail;
mod models;
mod page_access;
mod page_codes;
mod pipelines;
mod policies;
mod removed;
mod routes;
mod session;
mod site_fields;
mod spend;
mod statistics;
mod templates;
mod time_machine;
mod tools;
mod trigger_providers;
mod upload_doors;
mod versions;
