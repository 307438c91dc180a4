//! Installs the Python packages that an operator lists in a file, for the runs to see.

use ox_types::boxed;
use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, SystemTime},
};

use tokio::process::Command;

use crate::network::Network;

/// Installing may take long on a slow network.
const PATIENCE: Duration = Duration::from_secs(1200);
/// Most of what pip says that is kept.
const MAX_COMPLAINT: usize = 2000;

/// What is installed, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packages {
    /// The list, in pip's format.
    pub requirements: PathBuf,
    pub folder: PathBuf,
    /// Another package index than the public one.
    pub mirror: Option<String>,
    /// How often the list is looked at again.
    pub interval: Duration,
}

impl Packages {
    /// When the list was last changed; `None` when there is none.
    #[must_use]
    pub fn changed(&self) -> Option<SystemTime> {
        std::fs::metadata(&self.requirements).and_then(|about| about.modified()).ok()
    }

    /// Installs what the list names, with the interpreter that runs the code. What is fetched comes through the egress
    /// proxy: the index that the operator names may be in the operator's own network, everything else obeys the policy.
    ///
    /// # Errors
    /// What pip says, and what the policy refused.
    #[boxed]
    pub async fn install(&self, python: &Path, network: Option<&Network>) -> Result<(), String> {
        let loan = match network {
            Some(network) => {
                Some(network.lend(self.mirror.is_some()).await.map_err(|error| format!("no proxy for pip: {error}"))?)
            }
            None => None,
        };
        let mut command = self.command(python);
        if let Some(loan) = &loan {
            for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
                command.env(name, &loan.url);
            }
        }
        let output = tokio::time::timeout(PATIENCE, command.output()).await;
        let output = output.map_err(|_| "pip did not end".to_owned())?.map_err(|error| error.to_string())?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.trim();
        let said: String = said.chars().skip(said.chars().count().saturating_sub(MAX_COMPLAINT)).collect();
        Err(match loan.and_then(|loan| loan.told.complaint()) {
            Some(complaint) => format!("{said}\n{complaint}"),
            None => said,
        })
    }

    fn command(&self, python: &Path) -> Command {
        let mut command = Command::new(python);
        command.args(["-I", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]);
        command.args(["--upgrade", "--retries", "2"]);
        command.arg("--target").arg(&self.folder).arg("--requirement").arg(&self.requirements);
        if let Some(mirror) = &self.mirror {
            command.arg("--index-url").arg(mirror);
        }
        // A package may run code of its own while it is built: no variable of the server's is its business.
        command.env_clear();
        let kept = |name: &str| {
            name.starts_with("PIP_") && name != "PIP_PROXY"
                || ["HOME", "LANG", "PATH", "SSL_CERT_DIR", "SSL_CERT_FILE", "TMPDIR"].contains(&name)
        };
        command.envs(std::env::vars().filter(|(name, _)| kept(name)));
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }
}

/// A time like `30m`, `90s`, `1h` or a count of seconds.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let (number, factor) = match text.char_indices().last()? {
        (at, 's') => (text.get(..at)?, 1),
        (at, 'm') => (text.get(..at)?, 60),
        (at, 'h') => (text.get(..at)?, 3600),
        _ => (text, 1),
    };
    let seconds = number.parse::<u64>().ok()?.checked_mul(factor)?;
    (seconds > 0).then(|| Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_read_with_their_units() {
        for (text, seconds) in [
            ("30m", Some(1800)),
            ("90s", Some(90)),
            ("1h", Some(3600)),
            ("5", Some(5)),
            ("0", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(duration(text), seconds.map(Duration::from_secs), "{text}");
        }
    }
}
