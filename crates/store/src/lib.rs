//! Object storage: bytes under keys, behind one trait.
//!
//! It knows nothing of files as users see them (names, owners, types): those are rows in `db`. The driver here is
//! [`Disk`]; others come behind [`ObjectStore`] and pass the same suite.
//! Invariants: an object is there whole or not at all, whatever dies in between; a key ([`Key`]) cannot leave the
//! store; reading never holds a large object in memory unless the caller asks for it.

mod disk;
mod error;
mod key;
mod object;

pub use disk::Disk;
pub use error::{Error, Result};
pub use key::Key;
pub use object::{ByteStream, Object, ObjectStore};
