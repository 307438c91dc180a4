//! HTTP: routes, bodies and streams of every surface, mapped onto `ox_app`.
//!
//! A handler extracts, calls one use case and maps the answer. No SQL, no engine types.
//! Invariants: every route is in the access table of its surface (`access.rs`), which the
//! middleware enforces and a test compares with the OpenAPI document; every error leaves
//! through `ApiError`; every body and every request time is bounded.

pub mod access;
mod annotation_reply;
pub mod console;
mod docs;
pub mod error;
pub mod extract;
mod files_route;
pub mod gateway;
mod health;
mod knowledge;
pub mod mcp;
mod openapi;
mod origin;
mod remote_files;
pub mod server;
pub mod service;
pub mod sse;
mod thoughts;
pub mod triggers;
pub mod webapp;
mod whole;

pub use error::{ApiError, ApiResult};
pub use server::{Ui, document, no_ui, router};
