//! Repositories: one module per aggregate, functions that return domain structs.
//!
//! Reading functions take a [`crate::Source`] (the database or a transaction), writing ones a [`crate::Tx`];
//! functions on tenant data take the tenant id first. See `docs/adding-a-table.md`.
