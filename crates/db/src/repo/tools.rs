//! What workspaces have set up of tools.

pub mod apis;
pub mod credentials;
pub mod labels;
pub mod permissions;
pub mod servers;
pub mod sign_ins;
pub mod workflows;
