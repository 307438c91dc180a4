//! Models from outside: the wires of the protocols, the scripted provider, the tables.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test may fail loudly"
)]

mod catalog;
mod gateway;
mod native;
mod openai;
mod scripted;
#[path = "../../../net/tests/it/server.rs"]
mod server;
