//! What a workspace adds to the operator's policy: destinations it keeps to, and private ones it opens where the
//! operator lets it.

use std::{net::IpAddr, str::FromStr};

use ipnet::IpNet;

use crate::{
    TargetHost, address,
    name::{self, DomainRule},
    policy::net_or_address,
};

/// Entries of one list.
pub const MAX_DESTINATIONS: usize = 500;

/// One entry of a list: `host`, `.suffix`, an address or a range, each with `:port` if wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    place: Place,
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Net(IpNet),
    Domain(DomainRule),
}

/// Why a text is no destination.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is neither a host, an address nor a range (api.example.com, .example.com, 10.0.4.12:8080, 10.0.0.0/8)")]
pub struct NoDestination(pub String);

impl FromStr for Destination {
    type Err = NoDestination;

    fn from_str(text: &str) -> Result<Self, NoDestination> {
        let text = text.trim();
        let wrong = || NoDestination(text.chars().take(100).collect());
        if let Some(net) = net_or_address(text) {
            return Ok(Self { place: Place::Net(net.trunc()), port: None });
        }
        if let Some((place, port)) = text.rsplit_once(':') {
            let net = net_or_address(place.strip_prefix('[').and_then(|six| six.strip_suffix(']')).unwrap_or(place));
            if let Some(net) = net {
                let port = port.parse().ok().filter(|port| *port > 0).ok_or_else(wrong)?;
                return Ok(Self { place: Place::Net(net.trunc()), port: Some(port) });
            }
        }
        let rule = DomainRule::parse(text).filter(|rule| !looks_numeric(rule.name())).ok_or_else(wrong)?;
        // The rule compares the port by itself.
        Ok(Self { place: Place::Domain(rule), port: None })
    }
}

/// A name no resolver would be asked for: a mistyped address.
fn looks_numeric(name: &str) -> bool {
    name.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()))
}

impl Destination {
    /// Whether it covers this host and port at this address.
    #[must_use]
    pub fn covers(&self, host: &TargetHost, port: u16, address: IpAddr) -> bool {
        match &self.place {
            Place::Net(net) => self.has_port(port) && holds(net, address),
            Place::Domain(_) => self.names(host, port),
        }
    }

    /// Whether it covers this host by its name, whatever the addresses are.
    #[must_use]
    pub fn names(&self, host: &TargetHost, port: u16) -> bool {
        match (&self.place, host) {
            (Place::Domain(rule), TargetHost::Name(name)) => rule.covers(&name::normal(name), port),
            _ => false,
        }
    }

    const fn is_net(&self) -> bool {
        matches!(self.place, Place::Net(_))
    }

    fn has_port(&self, port: u16) -> bool {
        self.port.is_none_or(|own| own == port)
    }
}

fn holds(net: &IpNet, address: IpAddr) -> bool {
    net.contains(&address) || net.contains(&address::unwrap(address))
}

/// The rules of one workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Only these destinations; `None`: everything the operator's policy allows.
    pub only: Option<Vec<Destination>>,
    /// Private destinations, open as far as the operator lets workspaces open them.
    pub private: Vec<Destination>,
}

impl Rules {
    /// Whether they change nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.only.is_none() && self.private.is_empty()
    }

    /// Whether it could still be one of the destinations the workspace keeps to, before the name is resolved.
    #[must_use]
    pub fn may_list(&self, host: &TargetHost, port: u16) -> bool {
        let Some(only) = &self.only else { return true };
        match host {
            TargetHost::Address(address) => only.iter().any(|one| one.covers(host, port, *address)),
            TargetHost::Name(_) => only.iter().any(|one| one.names(host, port) || (one.is_net() && one.has_port(port))),
        }
    }

    /// Whether it is one of the destinations the workspace keeps to.
    #[must_use]
    pub fn lists(&self, host: &TargetHost, port: u16, address: IpAddr) -> bool {
        self.only.as_ref().is_none_or(|only| only.iter().any(|one| one.covers(host, port, address)))
    }

    /// Whether the workspace opens this private name.
    #[must_use]
    pub fn opens_name(&self, host: &TargetHost, port: u16) -> bool {
        self.private.iter().any(|one| one.names(host, port))
    }

    /// Whether the workspace opens this private address.
    #[must_use]
    pub fn opens(&self, host: &TargetHost, port: u16, address: IpAddr) -> bool {
        self.private.iter().any(|one| one.covers(host, port, address))
    }
}

/// `OXIDIFY_EGRESS_WORKSPACE_PRIVATE`: what workspaces may open by themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Delegation {
    #[default]
    Nothing,
    /// Every private destination.
    Everything,
    /// What lies in these ranges, or has these names.
    Within { nets: Vec<IpNet>, domains: Vec<DomainRule> },
}

impl Delegation {
    /// Whether there is anything a workspace may open.
    #[must_use]
    pub fn is_offered(&self) -> bool {
        *self != Self::Nothing
    }

    /// Whether a workspace may open this name, its addresses apart.
    #[must_use]
    pub fn has_name(&self, name: &str, port: u16) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::Within { nets, domains } => !nets.is_empty() || domains.iter().any(|rule| rule.covers(name, port)),
        }
    }

    /// Whether a workspace may open this address.
    #[must_use]
    pub fn has(&self, host: &TargetHost, port: u16, address: IpAddr) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::Within { nets, domains } => {
                let named = match host {
                    TargetHost::Name(name) => domains.iter().any(|rule| rule.covers(&name::normal(name), port)),
                    TargetHost::Address(_) => false,
                };
                named || nets.iter().any(|net| holds(net, address))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations() {
        let host = |text: &str| match text.parse() {
            Ok(address) => TargetHost::Address(address),
            Err(_) => TargetHost::Name(text.to_owned()),
        };
        for (entry, to, port, address, expected) in [
            ("api.example.com", "api.example.com", 443, "93.184.216.34", true),
            ("api.example.com", "a.api.example.com", 443, "93.184.216.34", false),
            ("API.example.com.", "api.example.com", 443, "93.184.216.34", true),
            (".example.com", "x.example.com", 80, "93.184.216.34", true),
            ("example.com:8443", "example.com", 443, "93.184.216.34", false),
            ("example.com:8443", "example.com", 8443, "93.184.216.34", true),
            ("10.0.4.12", "10.0.4.12", 8080, "10.0.4.12", true),
            ("10.0.4.12:8080", "10.0.4.12", 8080, "10.0.4.12", true),
            ("10.0.4.12:8080", "10.0.4.12", 81, "10.0.4.12", false),
            ("10.0.0.0/8", "db.corp.test", 81, "10.9.9.9", true),
            ("10.0.0.0/8:81", "db.corp.test", 80, "10.9.9.9", false),
            ("10.0.0.7/8", "10.1.1.1", 80, "10.1.1.1", true),
            ("10.0.4.12", "::ffff:10.0.4.12", 80, "::ffff:10.0.4.12", true),
            ("fd00::/8", "fd00::1", 80, "fd00::1", true),
            ("[fd00::1]:80", "fd00::1", 80, "fd00::1", true),
            ("[fd00::1]:80", "fd00::1", 81, "fd00::1", false),
        ] {
            let rule: Destination = entry.parse().unwrap();
            let found = rule.covers(&host(to), port, address.parse().unwrap());
            assert_eq!(found, expected, "{entry} for {to}:{port} at {address}");
        }
        for wrong in
            ["", " ", "a b", "http://x.test/", "10.0.0.0/33", "10.0.0", "256.1.1.1", "x.test:0x", "*", "10.0.0.1:0"]
        {
            assert!(wrong.parse::<Destination>().is_err(), "{wrong:?}");
        }
    }
}
