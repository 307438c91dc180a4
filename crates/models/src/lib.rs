//! Model providers of Oxidify: what a model is asked and answers, and the adapters that do it.
//!
//! An adapter is a wire protocol (OpenAI-compatible, Anthropic, Gemini, …), or models inside (local, scripted); a vendor is a row of a table or a
//! sheet with its address, credential form and models. What all protocols share is here once: `exchange` calls,
//! `frames` cuts streams, `answer` reads them to their end, `fault` names what went wrong. Nothing here knows a database, a workspace or a workflow:
//! the callers hand in credentials, and [`ModelRuntime`] is the port they are asked through.
//! Invariants: every call goes through `ox_net` and has time limits; a stream's last piece carries
//! the usage; dropping a stream ends the call; an error keeps the provider's text and never a key;
//! a price or a limit that is not known stays unknown.

mod answer;
pub mod aws;
mod catalog;
mod chat;
pub mod count;
mod decimal;
mod error;
mod exchange;
mod fault;
mod fit;
mod form;
mod format;
mod frames;
mod provider;
mod providers;
mod ranking;
mod registry;
mod runtime;
mod sheet;
mod spec;
mod speech;
mod sse;
mod static_runtime;
mod stops;
mod trial;
mod usage;

pub use chat::*;
pub use decimal::{Decimal, NotDecimal};
pub use error::{ErrorClass, ModelError};
pub use fit::{WindowFit, first_that_fit};
pub use provider::*;
pub use providers::local::{ID as LOCAL, Local};
pub use providers::scripted::ID as SCRIPTED;
pub use registry::{ADAPTERS, Registry};
pub use runtime::{CacheWish, ModelRef, ModelRuntime, ModelScope};
pub use spec::*;
pub use speech::*;
pub use static_runtime::StaticRuntime;
pub use usage::{Served, Usage};
