//! Identity and secrets: passwords, tokens, envelope encryption, role policy.
//!
//! Pure functions and small types; it keeps no state, reads no environment and knows no HTTP. The one
//! file it touches is the generated secret key ([`load_or_create_secret`]).
//! Invariants: secrets are compared in constant time and never appear in `Debug`; new passwords are
//! argon2id; everything encrypted here is authenticated (AES-256-GCM) and bound to its owner.
//! Hashing a password takes tens of milliseconds: call it on a blocking thread.

mod error;
mod keyring;
mod mask;
mod password;
mod random;
mod role;
mod secret;
mod token;

pub use error::{Error, Result};
pub use keyring::{DataKey, KeyRing};
pub use mask::{FULL_MASK, HIDDEN, mask};
pub use password::{hash_password, needs_rehash, verify_password};
pub use random::{api_key, constant_time_eq, random_code, refresh_token};
pub use role::{Permission, Role};
pub use secret::{check_secret, load_or_create_secret};
pub use token::{Access, PageLogin, Passport, Signer};
