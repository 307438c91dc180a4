//! Use cases: what a user of Oxidify can do, with permissions, limits and audit.
//!
//! No HTTP types and no SQL: delivery (`api`, `cli`) calls functions of this crate, which call
//! repositories (`db`), the engine and the capability crates.
//! Invariants: every function on tenant data takes a [`Principal`] or a tenant id first; a change made
//! by a person goes through [`Principal::require`]; every error is an [`Error`] with a wire code.

pub mod error;
pub mod principal;

pub use error::{Error, Result};
pub use principal::{Access, Principal};
