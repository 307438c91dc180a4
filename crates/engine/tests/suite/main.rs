//! The engine seen from outside: graphs in, event transcripts out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "tests")]
#![allow(clippy::needless_pass_by_value, clippy::needless_range_loop, reason = "tables read better")]

mod fixtures;
mod limits;
mod model;
mod nodes;
mod pauses;
mod recovery;
mod scene;
mod streaming;
mod transcripts;
