//! What repositories return and take. Plain data, typed ids, no database types.

mod annotation;
mod app;
mod chat;
mod extension;
mod external_knowledge;
mod file;
mod identity;
mod index;
mod mail;
mod mcp;
mod network;
mod provider;
mod retrieval;
mod run;
mod trace;
mod trigger;
mod waiting;
mod workflow;

pub use annotation::*;
pub use app::*;
pub use chat::*;
pub use extension::*;
pub use external_knowledge::*;
pub use file::*;
pub use identity::*;
pub use index::*;
pub use mail::*;
pub use mcp::*;
pub use network::*;
pub use provider::*;
pub use retrieval::*;
pub use run::*;
pub use trace::*;
pub use trigger::*;
pub use waiting::*;
pub use workflow::*;
