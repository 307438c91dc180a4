//! Basic apps: chat, completion, agent.

pub(crate) mod agent;
pub(crate) mod basic;
pub(crate) mod given;
pub(crate) mod lookup;
pub(crate) mod naming;
pub(crate) mod prompt;
pub(crate) mod thread;
pub(crate) mod titles;
