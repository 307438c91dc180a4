//! Names to addresses.

mod dns;
mod servers;

use std::{io, net::IpAddr, time::Duration};

use async_trait::async_trait;

pub use servers::NameServers;

/// Addresses past this many are not looked at.
pub const MAX_ADDRESSES: usize = 16;
/// How long a name may take.
pub const LIMIT: Duration = Duration::from_secs(5);

/// What a name stands for.
#[derive(Clone, Debug, Default)]
pub struct Resolved {
    pub addresses: Vec<IpAddr>,
    /// Names the answer went through (CNAME), as far as they are known.
    pub chain: Vec<String>,
}

/// How a name is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Search {
    /// The name as it is, without the system's search domains.
    Absolute,
    /// As every other program of this machine does it (hosts file with any name, search domains).
    System,
}

/// Looks names up.
#[async_trait]
pub trait Resolver: Send + Sync {
    /// All addresses of both families.
    async fn resolve(&self, name: &str, search: Search) -> io::Result<Resolved>;
}

/// The operating system's resolver. Its name servers are asked directly for names that are public, because it does not
/// tell the aliases an answer went through; where they do not know, or do not answer, the system is asked. What the
/// hosts file says of a name goes before what its servers say.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolver for SystemResolver {
    async fn resolve(&self, name: &str, search: Search) -> io::Result<Resolved> {
        let mut chain = Vec::new();
        if search == Search::Absolute
            && name.contains('.')
            && !servers::hosts_file_has(name)
            && let Some(servers) = NameServers::of_system()
        {
            match servers.resolve(name, search).await {
                Ok(found) if !found.addresses.is_empty() => return Ok(found),
                Ok(found) => chain = found.chain,
                Err(error) if error.kind() == io::ErrorKind::TimedOut => NameServers::rest(),
                Err(_) => {}
            }
        }
        Ok(Resolved { addresses: by_system(name, search).await?, chain })
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the resolver the rule points to")]
async fn by_system(name: &str, search: Search) -> io::Result<Vec<IpAddr>> {
    // The dot of an absolute name keeps the search list out.
    let asked = match search {
        Search::Absolute if name.contains('.') => format!("{name}."),
        _ => name.to_owned(),
    };
    let mut addresses = Vec::new();
    for address in tokio::net::lookup_host((asked.as_str(), 0)).await? {
        if !addresses.contains(&address.ip()) {
            addresses.push(address.ip());
        }
    }
    Ok(addresses)
}
