//! Vocabulary of Oxidify: typed ids, variable values, files and statuses.
//!
//! No I/O, no tokio, no vendor. Every crate may depend on this one; it depends on none of ours.
//! Invariants: ids are UUID v7 when made here; a `Value` is always one of the segment types of
//! the workflow format, cheap to clone (shared, immutable), and keeps the order of object keys.

mod file;
mod id;
mod render;
mod status;
mod value;

/// On an `async fn` that other crates call: it returns a boxed future, so that its body is compiled here once and not
/// again in every crate that awaits it. Without this the API crate alone compiled four minutes of database code.
pub use async_recursion::async_recursion as boxed;
pub use file::{FILE_IDENTITY_KEY, FILE_IDENTITY_VALUE, File, FileKind, TransferMethod};
pub use id::*;
pub use render::{json_line, json_pretty, python_float, python_quote, python_repr, python_str};
pub use status::{NodeStatus, RunStatus};
pub use value::{Object, TypeMismatch, Value, ValueType};

/// Stands for a secret that is not shown; sent back, it means "keep the old one".
pub const HIDDEN: &str = "[__HIDDEN__]";

/// A JSON document, as it stands in files and on the wire.
pub type Json = serde_json::Value;
