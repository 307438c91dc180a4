//! The egress policy of this process: its settings, its files, and reading both again on SIGHUP.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context;
use ox_net::{Policy, Squid};
use tokio::signal::unix::SignalKind;

/// Where the image of the compatible proxy has its rules.
const SQUID_CONF: &str = "/etc/squid/squid.conf";

/// A setting from the environment, empty ones left out.
pub fn env(name: &str) -> Option<String> {
    std::env::var(name).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// The policy of a process that serves on this port, and what in the settings was not as it should be.
///
/// A file that cannot be read is an error: without its lists the policy would be another one.
pub fn load(port: u16) -> anyhow::Result<(Policy, Vec<String>)> {
    let (policy, mut findings) = Policy::from_env(env);
    // Nobody's call may reach this server, or what it stands on, as if from inside.
    let mut policy = policy.protecting(env, port);
    if let Some(file) = env("OXIDIFY_EGRESS_ALLOW_FILE") {
        let read = policy.read_lists(Path::new(&file));
        findings.extend(read.with_context(|| format!("cannot read OXIDIFY_EGRESS_ALLOW_FILE={file}"))?);
    }
    Ok((policy, findings))
}

/// The rules of a mounted `squid.conf`, if there is one.
pub fn squid() -> anyhow::Result<Option<Arc<Squid>>> {
    let path = match env("OXIDIFY_EGRESS_SQUID_CONF") {
        Some(path) => PathBuf::from(path),
        None if Path::new(SQUID_CONF).exists() => PathBuf::from(SQUID_CONF),
        None => return Ok(None),
    };
    Ok(Some(Arc::new(Squid::read(&path).context("cannot take over the rules of squid.conf")?)))
}

/// Does something at every SIGHUP, for ever.
pub async fn on_hangup(mut reload: impl FnMut()) {
    match tokio::signal::unix::signal(SignalKind::hangup()) {
        Ok(mut signal) => {
            while signal.recv().await.is_some() {
                reload();
            }
        }
        Err(error) => tracing::warn!(%error, "SIGHUP is not watched; changed lists need a restart"),
    }
    std::future::pending().await
}
