//! Models that run inside this process: sentence embeddings and, of the same kind, scores of pairs.
//!
//! A model is a directory with `config.json`, `tokenizer.json` and `model.safetensors`, as sentence-transformers
//! writes them; the network is BERT, computed by candle on the CPU. It is not a server for language models and knows
//! no workspace. Invariants: nothing is loaded before it is asked and nothing stays loaded that was not asked for a
//! while; no thread of an async runtime computes; texts of one call do not change each other's vectors, for they are
//! never padded; a question overtakes the documents that wait; a file that cannot be right is refused by name, before
//! a tensor is made of it; the network is used only by [`pull`], which somebody has to ask for.

mod bert;
mod description;
mod error;
mod library;
mod model;
mod ops;
pub mod pull;
mod queue;
mod tokens;
mod weights;

pub use description::{Description, Kind, Pooling};
pub use error::Error;
pub use library::{Computed, Input, Library, Settings};
pub use model::Model;
