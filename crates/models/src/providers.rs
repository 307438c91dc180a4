//! The adapters: one file for each wire protocol.

pub mod anthropic;
pub mod bedrock;
pub mod cohere;
pub mod gemini;
pub mod local;
pub mod ollama;
pub mod openai_compatible;
pub mod scripted;
pub mod tei;
