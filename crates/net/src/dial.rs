//! Opening connections: to exactly the addresses that were checked, and to no other.

use std::{io, net::SocketAddr, time::Duration};

use async_trait::async_trait;
use futures::{StreamExt, stream::FuturesUnordered};
use tokio::net::TcpStream;

use crate::{Denied, NetError, Phase, Pinned, Reason, address, guard::denied};

/// Head start of one address before the next one is tried beside it.
const STAGGER: Duration = Duration::from_millis(250);

/// An open connection and who is at its other end.
#[derive(Debug)]
pub struct Dialed {
    pub stream: TcpStream,
    pub peer: SocketAddr,
}

/// Opens TCP connections.
#[async_trait]
pub trait Dialer: Send + Sync {
    /// Connects to one address.
    async fn dial(&self, address: SocketAddr) -> io::Result<Dialed>;
}

/// The operating system's sockets.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemDialer;

#[async_trait]
impl Dialer for SystemDialer {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that connects, after the guard's check")]
    async fn dial(&self, address: SocketAddr) -> io::Result<Dialed> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let peer = stream.peer_addr()?;
        Ok(Dialed { stream, peer })
    }
}

/// Connects to one of the checked addresses; not a byte is sent before the other end is known to be one of them.
pub async fn dial_pinned(dialer: &dyn Dialer, pinned: &Pinned, limit: Duration) -> Result<Dialed, NetError> {
    let host = pinned.target.host.to_string();
    let timed_out = |_| NetError::Timeout { host: host.clone(), phase: Phase::Connect, limit };
    let dialed = tokio::time::timeout(limit, race(dialer, &pinned.addresses)).await.map_err(timed_out)?;
    let dialed = dialed.map_err(|error| NetError::Connect { host: host.clone(), why: error.to_string() })?;
    check_peer(pinned, dialed.peer)?;
    Ok(dialed)
}

fn check_peer(pinned: &Pinned, peer: SocketAddr) -> Result<(), Denied> {
    let same = |own: &SocketAddr| own.port() == peer.port() && address::unwrap(own.ip()) == address::unwrap(peer.ip());
    if pinned.addresses.iter().any(same) {
        return Ok(());
    }
    let detail = format!("the connection ended at {peer} instead of the checked address");
    Err(denied(&pinned.target, Reason::Rebinding, detail, ""))
}

async fn race(dialer: &dyn Dialer, addresses: &[SocketAddr]) -> io::Result<Dialed> {
    let mut waiting = addresses.iter();
    let mut open = FuturesUnordered::new();
    let mut failed = None;
    loop {
        match waiting.next() {
            Some(address) => open.push(dialer.dial(*address)),
            None if open.is_empty() => return Err(failed.unwrap_or_else(|| io::Error::other("there is no address"))),
            None => {}
        }
        let more = waiting.len() > 0;
        tokio::select! {
            Some(result) = open.next() => match result {
                Ok(dialed) => return Ok(dialed),
                Err(error) => failed = Some(error),
            },
            () = tokio::time::sleep(STAGGER), if more => {}
        }
    }
}
