//! The network of code. A run has sockets but never connects one: each `connect` it asks for is told to this process,
//! which puts a connection to the egress proxy in the place of the socket, whatever address was asked for. So nothing
//! is decided by what the code says, no port is open for it, and a connection is known to be of one run.

use ox_types::boxed;
use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use ox_net::{
    Access, AccessLog, Caller, Class, Dialer, Egress, ForwardConfig, ForwardProxy, Pinned, Rules, SystemDialer,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// The address in `HTTP_PROXY` of a run. Nothing listens there.
pub const PROXY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 3128);
/// Connections of a run at a time.
const MOST_OPEN: usize = 16;
/// Connections of a run in all.
const MOST_OPENED: usize = 500;
/// Refusals of the egress policy that are remembered.
const MOST_REFUSALS: usize = 3;
const CONNECT: Duration = Duration::from_secs(10);

/// The way out for code, and for fetching packages.
#[derive(Clone)]
pub struct Network {
    egress: Egress,
    log: AccessLog,
    /// The operator's own proxy; it decides what may be reached.
    through: Option<String>,
}

impl Network {
    /// Calls obey the egress policy; `log` hears of each, and who made it.
    #[must_use]
    pub fn new(egress: Egress, log: AccessLog) -> Self {
        Self { egress, log, through: None }
    }

    /// Calls go to this proxy of the operator's instead, `http://host:port`.
    #[must_use]
    pub fn through(mut self, proxy: Option<String>) -> Self {
        self.through = proxy;
        self
    }

    fn forward(&self, egress: Egress, class: Class, auth: Option<String>, told: &Arc<Told>) -> ForwardProxy {
        let config = ForwardConfig {
            class,
            auth,
            connections: MOST_OPEN,
            connect: CONNECT,
            shutdown: Duration::ZERO,
            ..ForwardConfig::default()
        };
        let (log, told) = (Arc::clone(&self.log), Arc::clone(told));
        let log = move |access: &Access| {
            told.note(access);
            log(access);
        };
        ForwardProxy::new(egress, config, Arc::new(log))
    }

    /// The connections of one run, under the rules of its workspace.
    pub(crate) fn wire(&self, caller: &Caller, rules: Option<&Arc<Rules>>, most_bytes: u64) -> Wire {
        let told = Arc::<Told>::default();
        let egress = self.egress.called_by(caller.clone());
        let egress = rules.map_or(egress.clone(), |rules| egress.within(Arc::clone(rules)));
        let end = match &self.through {
            Some(proxy) => End::Operator(egress, proxy.clone()),
            None => End::Policy(self.forward(egress, Class::Sandbox, None, &told)),
        };
        Wire { end, told, left: Arc::new(AtomicU64::new(most_bytes)), most_bytes, opened: 0, open: JoinSet::new() }
    }

    /// A proxy for a program of this machine that fetches packages. An index that the operator names may be in the
    /// operator's own network.
    pub(crate) async fn lend(&self, named_index: bool) -> io::Result<Loan> {
        if let Some(proxy) = &self.through {
            return Ok(Loan { url: proxy.clone(), told: Arc::default(), _serving: JoinSet::new() });
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let word = ox_types::new_uuid().simple().to_string();
        let url = format!("http://pip:{word}@{}", listener.local_addr()?);
        let class = if named_index { Class::Operator } else { Class::Sandbox };
        let told = Arc::<Told>::default();
        let proxy = self.forward(self.egress.clone(), class, Some(format!("pip:{word}")), &told);
        let mut serving = JoinSet::new();
        serving.spawn(async move { proxy.serve(listener, std::future::pending()).await });
        Ok(Loan { url, told, _serving: serving })
    }
}

/// A proxy that serves for as long as this value lives.
pub(crate) struct Loan {
    pub url: String,
    pub told: Arc<Told>,
    _serving: JoinSet<()>,
}

/// Why calls did not go out.
#[derive(Default)]
pub(crate) struct Told {
    lines: Mutex<Vec<String>>,
}

impl Told {
    fn note(&self, access: &Access) {
        if access.result == "TCP_DENIED" {
            let why = access.denied.as_ref().map_or_else(String::new, |denied| {
                let remedy = if denied.remedy.is_empty() { String::new() } else { format!(" {}", denied.remedy) };
                format!(": {}.{remedy}", denied.detail)
            });
            self.say(format!("Request blocked by SSRF proxy: {} ({}){why}", access.url, access.reason));
        }
    }

    fn say(&self, line: String) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() < MOST_REFUSALS && !lines.contains(&line) {
            lines.push(line);
        }
    }

    /// All of it.
    pub fn complaint(&self) -> Option<String> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}

enum End {
    Policy(ForwardProxy),
    Operator(Egress, String),
}

/// The connections of one run; they end with this value.
pub(crate) struct Wire {
    end: End,
    told: Arc<Told>,
    left: Arc<AtomicU64>,
    most_bytes: u64,
    opened: usize,
    open: JoinSet<()>,
}

impl Wire {
    /// A socket that is connected to the proxy; `None` when the run had enough of them.
    #[boxed]
    pub async fn connect(&mut self) -> io::Result<Option<std::net::TcpStream>> {
        while self.open.try_join_next().is_some() {}
        if self.opened >= MOST_OPENED || self.open.len() >= MOST_OPEN * 2 {
            return Ok(None);
        }
        self.opened += 1;
        let (ours, theirs) = pair().await?;
        let ours = Counted { stream: ours, left: Arc::clone(&self.left) };
        match &self.end {
            End::Policy(proxy) => {
                let proxy = proxy.clone();
                self.open.spawn(async move { proxy.serve_stream(ours, None).await });
            }
            End::Operator(egress, proxy) => {
                let (egress, proxy, told) = (egress.clone(), proxy.clone(), Arc::clone(&self.told));
                self.open.spawn(async move { relay(ours, &egress, &proxy, &told).await });
            }
        }
        theirs.into_std().map(Some)
    }

    /// What an error of the code should say about its calls.
    pub fn complaint(&self) -> Option<String> {
        if self.left.load(Ordering::Relaxed) == 0 {
            let most = self.most_bytes >> 20;
            return Some(format!(
                "the code moved more than {most} MiB over the network (OXIDIFY_SANDBOX_NETWORK_MB raises this limit)"
            ));
        }
        self.told.complaint()
    }
}

/// Two ends of a connection inside this machine.
async fn pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let theirs = SystemDialer.dial(listener.local_addr()?).await?.stream;
    let own = theirs.local_addr()?;
    loop {
        let (ours, peer) = listener.accept().await?;
        // Somebody else on this machine may have tried the port.
        if peer == own {
            ours.set_nodelay(true)?;
            return Ok((ours, theirs));
        }
    }
}

async fn relay(mut ours: Counted, egress: &Egress, proxy: &str, told: &Told) {
    let dialled = async {
        let pinned: Pinned = egress.check(Class::Operator, proxy).await.map_err(io::Error::other)?;
        let address = pinned.addresses.first().copied();
        let address = address.ok_or_else(|| io::Error::other("the proxy's name has no address"))?;
        let dialled = tokio::time::timeout(CONNECT, SystemDialer.dial(address)).await;
        dialled.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    };
    match dialled.await {
        Ok(mut dialled) => {
            // Either end may leave at any time.
            let _ = copy_bidirectional(&mut ours, &mut dialled.stream).await;
        }
        Err(error) => told.say(format!("the proxy {proxy} cannot be reached: {error}")),
    }
}

/// A connection whose bytes count.
struct Counted {
    stream: TcpStream,
    left: Arc<AtomicU64>,
}

impl Counted {
    fn spend(&self, bytes: usize) -> io::Result<()> {
        let bytes = bytes as u64;
        let spent =
            self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| Some(left.saturating_sub(bytes)));
        match spent {
            Ok(left) if left > bytes => Ok(()),
            _ => Err(io::Error::other("the run moved too many bytes")),
        }
    }
}

impl AsyncRead for Counted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        std::task::ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        Poll::Ready(self.spend(buffer.filled().len() - before))
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = std::task::ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        Poll::Ready(self.spend(written).map(|()| written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn bytes_count_in_both_directions() {
        let (ours, mut theirs) = pair().await.unwrap();
        let left = Arc::new(AtomicU64::new(10));
        let mut counted = Counted { stream: ours, left: Arc::clone(&left) };
        counted.write_all(b"1234").await.unwrap();
        theirs.write_all(b"12345").await.unwrap();
        let mut five = [0; 5];
        counted.read_exact(&mut five).await.unwrap();
        assert_eq!(left.load(Ordering::Relaxed), 1);
        assert!(counted.write_all(b"12").await.is_err());
        assert_eq!(left.load(Ordering::Relaxed), 0);
    }
}
