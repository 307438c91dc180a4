//! The egress contract from outside.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly")]

mod calls;
mod names;
mod server;
mod table;
