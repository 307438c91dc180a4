//! Runs code that users write: one call in, one JSON object out.
//!
//! The port is [`CodeRunner`]; drivers are behind it. [`Local`] runs JavaScript and Python in processes
//! that are closed before a byte of the code is read: namespaces, landlock, a system call filter, limits,
//! no files of the host, no way out but the egress proxy ([`Network`]). The program starts itself again as
//! such a worker, so that its `main` must call [`run_if_worker`] first. [`InProcess`] is for tests of other
//! crates; [`Off`] answers where nothing runs, with the reason. [`Companion`] is another matter: a program
//! that the operator trusts, started and ended whole. What this crate is not: it knows nothing of nodes, their declared outputs
//! or their limits, and it never falls back to a weaker protection by itself. `unsafe` is in `sys` alone.

mod child;
mod companion;
mod confine;
mod filter;
mod frame;
mod in_process;
mod javascript;
mod layers;
mod local;
mod network;
mod packages;
mod process;
mod python;
mod quickjs;
mod result;
mod runner;
mod settings;
mod settings_file;
mod sys;

pub use child::run_if_worker;
pub use companion::{Companion, Launch};
pub use in_process::InProcess;
pub use layers::{Layers, Level, Wall, Without};
pub use local::{LanguageReport, Local};
pub use network::Network;
pub use packages::Packages;
pub use python::ScriptOutput;
pub use result::parse_result;
pub use runner::{
    CodeError, CodeLimits, CodeOutput, CodeRequest, CodeRunner, Language, Off, TemplateRequest, UNCONFINED_SETTING,
};
pub use settings::Settings;
pub use settings_file::SettingsFile;
