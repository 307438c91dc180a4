//! A Redis server of one test, on a free port, with its files in a directory of its own.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use tempfile::TempDir;

const PROGRAM: &str = "redis-server";
/// How long it may take to start.
const START: Duration = Duration::from_secs(20);

/// A running server; dropping it ends it.
pub struct RedisServer {
    place: TempDir,
    address: SocketAddr,
    process: Option<Child>,
}

impl RedisServer {
    /// Starts a server; `None` when the program is not on the machine.
    ///
    /// # Errors
    /// When it does not start.
    #[expect(clippy::print_stderr, reason = "a skipped test must say so")]
    pub async fn start() -> anyhow::Result<Option<Self>> {
        let found = Command::new(PROGRAM).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if found.is_err() {
            eprintln!("skipped on Redis: install {PROGRAM} (scripts/install-test-tools.sh does)");
            return Ok(None);
        }
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let mut server = Self { place: tempfile::tempdir()?, address, process: None };
        server.resume().await?;
        Ok(Some(server))
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Ends it at once; what it knew is lost.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // It may have ended by itself.
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Starts it again at the same place.
    ///
    /// # Errors
    /// When it does not start.
    #[expect(clippy::disallowed_methods, reason = "a test looks whether its own server is there")]
    pub async fn resume(&mut self) -> anyhow::Result<()> {
        let port = self.address.port().to_string();
        let process = Command::new(PROGRAM)
            .args(["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir"])
            .arg(self.place.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("starting {PROGRAM}"))?;
        self.process = Some(process);
        let until = Instant::now() + START;
        while TcpStream::connect(self.address).is_err() {
            if Instant::now() > until {
                bail!("{PROGRAM} does not listen on {} after {START:?}", self.address);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.stop();
    }
}
