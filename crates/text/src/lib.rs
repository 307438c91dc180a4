//! Languages inside documents: YAML, Jinja2, variable templates, JSON Schema.
//!
//! Thin functions over the chosen crates, which give the answers the compatible system gives.
//! No I/O, no network (schemas cannot refer to remote ones), no async.
//!
//! Invariants: input of any kind and size gives a value or an error that names the line, never a
//! panic; depth, size and work are bounded; what we write as YAML reads back as the same values in
//! a YAML 1.1 reader.

pub mod jinja;
pub mod schema;
pub mod template;
pub mod yaml;
