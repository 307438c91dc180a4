//! Vector stores outside: one suite for all, on real servers where they can run, on strict fakes of the wire elsewhere.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::needless_pass_by_value, reason = "tests")]

mod chroma;
mod elastic;
mod fake;
mod milvus;
mod pgvector;
mod python;
mod qdrant;
mod suite;
mod weaviate;
