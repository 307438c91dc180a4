//! Runs code that users write: one call in, one JSON object out.
//!
//! The port is [`CodeRunner`]; drivers are behind it. [`QuickJs`] runs JavaScript in a fresh
//! interpreter per call, without any host object (no files, no network, no process), under a time,
//! memory and output limit, on blocking threads of which only a bounded number work at once.
//! It shares this process, so it is used only where the operator asked for it; [`Off`] answers
//! everywhere else, naming the setting. What this crate is not: it knows nothing of nodes, their
//! declared outputs or their limits, and it never falls back to a weaker driver by itself.

mod quickjs;
mod result;
mod runner;

pub use quickjs::QuickJs;
pub use result::parse_result;
pub use runner::{CodeError, CodeLimits, CodeOutput, CodeRequest, CodeRunner, Language, Off, UNCONFINED_SETTING};
