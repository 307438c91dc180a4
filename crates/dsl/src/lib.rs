//! App documents: the files in which apps and workflows are kept, moved and shared.
//!
//! Reads a document tolerantly, checks it, tells its problems, and writes it back without losing
//! what it does not understand. No I/O and no async: text and JSON in, values out.
//!
//! Invariants: the stored form is the JSON that came in, never a normalised copy; typed readings
//! ([`graph::Graph`], [`features::Features`] and others) are derived from it and accept the legacy
//! spellings; bad input gives an error that names the place and never a panic; work is bounded by
//! the size of the input.

pub mod dependencies;
pub mod document;
pub mod features;
pub mod graph;
pub mod hash;
pub mod lint;
pub mod plan;
pub mod provider;
pub mod starter;
pub mod user_input;
pub mod variables;
pub mod version;
