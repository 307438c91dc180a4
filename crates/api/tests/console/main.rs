//! The console API over the real router: sessions, roles, apps, drafts, models; rules that hold for every route.

#[path = "../support/mod.rs"]
mod support;

mod apps;
mod models;
mod routes;
mod session;
