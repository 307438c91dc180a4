//! Knowledge bases: what is in them, how it gets in, and how it is found again.

pub mod asked;
pub mod embedding;
pub mod external;
pub mod index;
pub mod port;
pub mod retrieval;
