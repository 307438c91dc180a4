//! The adapters: one file for each wire protocol.

pub mod local;
pub mod openai_compatible;
pub mod scripted;
