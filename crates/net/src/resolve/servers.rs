//! Asking name servers: what the system's own resolver does, and every alias that it does not tell.

mod kept;

use std::{
    collections::HashSet,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use rustls::crypto::ring;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UdpSocket,
};

use self::kept::Kept;
use super::{
    Resolved, Resolver, Search,
    dns::{self, Answer, Family, Fault},
};
use crate::{Dialer, SystemDialer};

const CONFIGURATION: &str = "/etc/resolv.conf";
const HOSTS: &str = "/etc/hosts";
/// Servers of one configuration that are asked.
const MAX_SERVERS: usize = 3;
/// For one server and one question.
const PATIENCE: Duration = Duration::from_millis(1200);
/// Rounds over all servers.
const ROUNDS: usize = 2;
/// For a name in all; leaves the system's resolver some of its five seconds.
const WHOLE: Duration = Duration::from_secs(3);
/// How long servers that did not answer are left alone.
const REST: Duration = Duration::from_secs(60);
const MAX_DATAGRAM: usize = 4096;

/// Name servers that are asked directly, so that every name an answer goes through is known.
#[derive(Clone, Debug)]
pub struct NameServers {
    servers: Vec<SocketAddr>,
}

impl NameServers {
    /// These servers, asked in this order.
    #[must_use]
    pub fn new(servers: Vec<SocketAddr>) -> Self {
        Self { servers }
    }

    /// Those of `/etc/resolv.conf`; `None` where it names none, or they do not answer this program.
    pub(super) fn of_system() -> Option<Self> {
        let silent =
            SILENT_UNTIL.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|until| Instant::now() < until);
        if silent {
            return None;
        }
        let servers = CONFIGURED.current(listed)?;
        (!servers.is_empty()).then(|| Self { servers: servers.to_vec() })
    }

    /// Leaves the system's servers alone for a while.
    pub(super) fn rest() {
        *SILENT_UNTIL.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + REST);
    }

    async fn ask(&self, name: &str, family: Family) -> io::Result<Answer> {
        let mut last = io::Error::new(io::ErrorKind::TimedOut, "no name server answered");
        for server in std::iter::repeat_n(&self.servers, ROUNDS).flatten() {
            match tokio::time::timeout(PATIENCE, exchange(*server, name, family)).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => last = error,
                Err(_) => {}
            }
        }
        Err(last)
    }
}

static SILENT_UNTIL: Mutex<Option<Instant>> = Mutex::new(None);
static CONFIGURED: Kept<Vec<SocketAddr>> = Kept::new(CONFIGURATION);
static KNOWN_HERE: Kept<HashSet<String>> = Kept::new(HOSTS);

/// Whether the administrator has said on this machine what a name stands for.
pub(super) fn hosts_file_has(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    KNOWN_HERE.current(names).is_some_and(|known| known.contains(&name))
}

/// The names of a hosts file, in small letters.
fn names(hosts: &str) -> HashSet<String> {
    let entries = hosts.lines().filter_map(|line| line.split('#').next());
    entries.flat_map(|entry| entry.split_whitespace().skip(1)).map(str::to_ascii_lowercase).collect()
}

fn listed(text: &str) -> Vec<SocketAddr> {
    let lines = text.lines().filter_map(|line| line.trim().strip_prefix("nameserver"));
    let addresses = lines.filter_map(|rest| rest.split_whitespace().next()?.parse::<IpAddr>().ok());
    addresses.map(|address| (address, 53).into()).take(MAX_SERVERS).collect()
}

#[async_trait]
impl Resolver for NameServers {
    async fn resolve(&self, name: &str, _search: Search) -> io::Result<Resolved> {
        let both = async { tokio::join!(self.ask(name, Family::V4), self.ask(name, Family::V6)) };
        let (four, six) = tokio::time::timeout(WHOLE, both).await?;
        let mut found = Resolved::default();
        // Half an answer would hide addresses that can be reached.
        for answer in [four?, six?] {
            for address in answer.addresses {
                if !found.addresses.contains(&address) {
                    found.addresses.push(address);
                }
            }
            for alias in answer.aliases {
                if !found.chain.contains(&alias) {
                    found.chain.push(alias);
                }
            }
        }
        Ok(found)
    }
}

fn number() -> io::Result<u16> {
    let mut bytes = [0; 2];
    let random = ring::default_provider().secure_random;
    random.fill(&mut bytes).map_err(|_| io::Error::other("no random numbers"))?;
    Ok(u16::from_be_bytes(bytes))
}

/// One question to one server: by datagram, and by a connection where the answer is too long for one.
async fn exchange(server: SocketAddr, name: &str, family: Family) -> io::Result<Answer> {
    let id = number()?;
    let question =
        dns::question(id, name, family).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no host name"))?;
    let any: IpAddr = match server {
        SocketAddr::V4(_) => std::net::Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).await?;
    // Datagrams of others never arrive then.
    socket.connect(server).await?;
    socket.send(&question).await?;
    let mut message = vec![0; MAX_DATAGRAM];
    loop {
        let size = socket.recv(&mut message).await?;
        match dns::read(message.get(..size).unwrap_or_default(), id, name, family) {
            Ok(answer) if answer.truncated => return by_connection(server, &question, id, name, family).await,
            Ok(answer) => return Ok(answer),
            // The right one may still come.
            Err(Fault::Stray) => {}
            Err(fault) => return Err(fault.into()),
        }
    }
}

async fn by_connection(server: SocketAddr, question: &[u8], id: u16, name: &str, family: Family) -> io::Result<Answer> {
    let mut stream = SystemDialer.dial(server).await?.stream;
    let size = u16::try_from(question.len()).map_err(io::Error::other)?;
    stream.write_all(&[&size.to_be_bytes(), question].concat()).await?;
    let size = stream.read_u16().await?;
    let mut message = vec![0; usize::from(size)];
    stream.read_exact(&mut message).await?;
    Ok(dns::read(&message, id, name, family)?)
}

impl From<Fault> for io::Error {
    fn from(fault: Fault) -> Self {
        Self::other(match fault {
            Fault::Stray => "the name server answered another question",
            Fault::Failed => "the name server failed",
            Fault::Malformed => "the name server's answer is malformed",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_of_a_configuration() {
        let text = "# x\nsearch corp.test\nnameserver 10.0.0.2\n nameserver\t fd00::53 # y\nnameserver fe80::1%eth0\noptions ndots:5\nnameserver 1.1.1.1\nnameserver 9.9.9.9\n";
        let expected: Vec<SocketAddr> =
            ["10.0.0.2:53", "[fd00::53]:53", "1.1.1.1:53"].iter().map(|text| text.parse().unwrap()).collect();
        assert_eq!(listed(text), expected);
        assert!(listed("").is_empty());
    }

    #[test]
    fn names_of_a_hosts_file() {
        let known =
            names("127.0.0.1\tlocalhost\n10.1.2.3  API.Vendor.example api # pinned.example\n# 1.1.1.1 off.example\n");
        let cases = [
            ("api.vendor.example", true),
            ("api", true),
            ("vendor.example", false),
            ("off.example", false),
            ("pinned.example", false),
            ("10.1.2.3", false),
        ];
        for (name, expected) in cases {
            assert_eq!(known.contains(name), expected, "{name}");
        }
    }
}
