//! The egress contract from outside.

mod calls;
mod names;
mod server;
mod table;
