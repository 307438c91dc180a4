//! The egress contract from outside.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly")]
#![allow(clippy::disallowed_methods, reason = "the tests are the other side")]

mod calls;
mod cases;
mod dns;
mod limits;
mod names;
mod proxy;
mod server;
mod streams;
mod table;
mod told;
