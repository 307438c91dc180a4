//! Basic chat and completion apps.

pub(crate) mod basic;
pub(crate) mod given;
pub(crate) mod lookup;
pub(crate) mod naming;
pub(crate) mod prompt;
pub(crate) mod thread;
pub(crate) mod titles;
