//! The variable pool: a persistent two-level map, so that a snapshot costs nothing.
