//! Identity and secrets: passwords, tokens, envelope encryption, role policy.
//!
//! Pure functions and small types; it keeps no state, reads no environment and knows no HTTP. The one
//! file it may touch is the generated secret key (`secret`).
//! Invariants: secrets are compared in constant time and never appear in `Debug`; new passwords are
//! argon2id; everything encrypted here is authenticated (AES-256-GCM) and bound to its owner.

mod role;

pub use role::{Permission, Role};
