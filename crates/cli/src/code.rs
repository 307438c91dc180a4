//! Where code runs: in confined processes of this machine, or in a sandbox service elsewhere.

use std::sync::Arc;

use ox_net::{Access, Egress};
use ox_sandbox::{CodeRunner, Local, Network, Settings};

use crate::{egress::env, remote_code::RemoteCode};

/// The way out for code: the egress policy of this process.
pub fn network(egress: Egress) -> Network {
    Network::new(egress, Arc::new(Access::tell))
}

/// The sandbox of this machine, and what runs code: that one, or the service of `CODE_EXECUTION_ENDPOINT`.
pub fn runner(settings: Settings, egress: &Egress) -> (Arc<Local>, Arc<dyn CodeRunner>) {
    let local = Arc::new(Local::with_network(settings, network(egress.clone())));
    let code = match RemoteCode::from_env(env, egress.clone(), Arc::clone(&local)) {
        Some(remote) => Arc::new(remote) as Arc<dyn CodeRunner>,
        None => Arc::clone(&local) as Arc<dyn CodeRunner>,
    };
    (local, code)
}
