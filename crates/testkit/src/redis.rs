//! A Redis server of one test, on a free port, with its files in a directory of its own; several as a cluster, or a
//! master with a replica and the sentinel that watches them.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use tempfile::TempDir;

const PROGRAM: &str = "redis-server";
const CLIENT: &str = "redis-cli";
/// How long it may take to start.
const START: Duration = Duration::from_secs(20);

/// A running server; dropping it ends it.
pub struct RedisServer {
    place: TempDir,
    address: SocketAddr,
    /// Beside its port and its directory.
    options: Vec<String>,
    process: Option<Child>,
}

impl RedisServer {
    /// Starts a server; `None` when the program is not on the machine.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start() -> anyhow::Result<Option<Self>> {
        Ok(if is_installed() { Some(Self::start_with(&[]).await?) } else { None })
    }

    async fn start_with(options: &[&str]) -> anyhow::Result<Self> {
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        let mut server = Self { place: tempfile::tempdir()?, address: free_address()?, options, process: None };
        server.resume().await?;
        Ok(server)
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// What a command of the server's own language answers, as `redis-cli` prints it.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub fn ask(&self, command: &[&str]) -> anyhow::Result<String> {
        let asked = Command::new(CLIENT).args(["-p", &self.port()]).args(command).output();
        Ok(String::from_utf8(asked.with_context(|| format!("starting {CLIENT}"))?.stdout)?)
    }

    fn port(&self) -> String {
        self.address.port().to_string()
    }

    /// Waits until a command answers what is looked for.
    async fn until(&self, command: &[&str], expected: impl Fn(&str) -> bool + Send) -> anyhow::Result<()> {
        let until = Instant::now() + START;
        loop {
            let said = self.ask(command)?;
            if expected(&said) {
                return Ok(());
            }
            if Instant::now() > until {
                bail!("{command:?} still answers after {START:?}: {said}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
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
    pub async fn resume(&mut self) -> anyhow::Result<()> {
        let mut command = Command::new(PROGRAM);
        command
            .args(["--port", &self.port(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir"])
            .arg(self.place.path())
            .args(&self.options);
        self.run(command).await
    }

    #[expect(clippy::disallowed_methods, reason = "a test looks whether its own server is there")]
    async fn run(&mut self, mut command: Command) -> anyhow::Result<()> {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.process = Some(command.spawn().with_context(|| format!("starting {PROGRAM}"))?);
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

/// Three masters that share the keys.
pub struct RedisCluster {
    nodes: Vec<RedisServer>,
}

impl RedisCluster {
    /// Starts one; `None` when the program is not on the machine.
    ///
    /// # Errors
    /// When it does not come together.
    pub async fn start() -> anyhow::Result<Option<Self>> {
        if !is_installed() {
            return Ok(None);
        }
        let mut nodes: Vec<RedisServer> = Vec::new();
        for slots in [("0", "5460"), ("5461", "10922"), ("10923", "16383")] {
            let between = free_address()?.port().to_string();
            let node = RedisServer::start_with(&["--cluster-enabled", "yes", "--cluster-port", &between]).await?;
            node.ask(&["CLUSTER", "ADDSLOTSRANGE", slots.0, slots.1])?;
            if let Some(first) = nodes.first() {
                first.ask(&["CLUSTER", "MEET", "127.0.0.1", &node.port(), &between])?;
            }
            nodes.push(node);
        }
        for node in &nodes {
            node.until(&["CLUSTER", "INFO"], |said| {
                said.contains("cluster_state:ok") && said.contains("cluster_size:3")
            })
            .await?;
        }
        Ok(Some(Self { nodes }))
    }

    /// Two of its nodes; the third is found by asking them.
    #[must_use]
    pub fn url(&self) -> String {
        let known: Vec<String> = self.nodes.iter().take(2).map(|node| node.address.to_string()).collect();
        format!("redis+cluster://{}", known.join(","))
    }

    /// How many keys each node holds.
    ///
    /// # Errors
    /// When one cannot be asked.
    pub fn sizes(&self) -> anyhow::Result<Vec<u64>> {
        self.nodes.iter().map(|node| Ok(node.ask(&["DBSIZE"])?.trim().parse()?)).collect()
    }
}

/// A master, its replica, and a sentinel that makes the replica the master when the master is gone.
pub struct RedisSentinel {
    pub master: RedisServer,
    pub replica: RedisServer,
    sentinel: RedisServer,
}

impl RedisSentinel {
    /// Starts the three; `None` when the program is not on the machine.
    ///
    /// # Errors
    /// When they do not come together.
    pub async fn start() -> anyhow::Result<Option<Self>> {
        if !is_installed() {
            return Ok(None);
        }
        let master = RedisServer::start_with(&[]).await?;
        let replica = RedisServer::start_with(&["--replicaof", "127.0.0.1", &master.port()]).await?;
        let sentinel = start_sentinel(&master).await?;
        replica.until(&["INFO", "replication"], |said| said.contains("master_link_status:up")).await?;
        sentinel.until(&["INFO", "sentinel"], |said| said.contains("status=ok") && said.contains("slaves=1")).await?;
        Ok(Some(Self { master, replica, sentinel }))
    }

    /// Where the sentinel is, and the name under which it knows the master.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis+sentinel://{}/main/0", self.sentinel.address)
    }
}

/// A sentinel keeps what it knows in its file of settings, which is the first argument.
async fn start_sentinel(master: &RedisServer) -> anyhow::Result<RedisServer> {
    let (place, address) = (tempfile::tempdir()?, free_address()?);
    let file = place.path().join("sentinel.conf");
    let settings = format!(
        "port {}\nbind 127.0.0.1\ndir {}\nsentinel monitor main 127.0.0.1 {} 1\n\
         sentinel down-after-milliseconds main 500\nsentinel failover-timeout main 3000\n",
        address.port(),
        place.path().display(),
        master.port(),
    );
    std::fs::write(&file, settings)?;
    let mut sentinel = RedisServer { place, address, options: Vec::new(), process: None };
    let mut command = Command::new(PROGRAM);
    command.arg(file).arg("--sentinel");
    sentinel.run(command).await?;
    Ok(sentinel)
}

#[expect(clippy::print_stderr, reason = "a skipped test must say so")]
fn is_installed() -> bool {
    let found = Command::new(PROGRAM).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if found.is_err() {
        eprintln!("skipped on Redis: install {PROGRAM} (scripts/install-test-tools.sh does)");
    }
    found.is_ok()
}

fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
