//! What an address is: public, private or a metadata endpoint. Pure.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

/// What may be said of an address by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressKind {
    Public,
    /// Not reachable for strangers, with the name of its range.
    Private(&'static str),
    /// A cloud's metadata or platform endpoint.
    Metadata,
}

const PRIVATE_V4: &[(Ipv4Net, &str)] = &[
    (v4(0, 0, 0, 0, 8), "this network"),
    (v4(10, 0, 0, 0, 8), "RFC 1918"),
    (v4(100, 64, 0, 0, 10), "carrier-grade NAT"),
    (v4(127, 0, 0, 0, 8), "loopback"),
    (v4(169, 254, 0, 0, 16), "link-local"),
    (v4(172, 16, 0, 0, 12), "RFC 1918"),
    (v4(192, 0, 0, 0, 24), "protocol assignments"),
    (v4(192, 0, 2, 0, 24), "documentation"),
    (v4(192, 31, 196, 0, 24), "AS112"),
    (v4(192, 52, 193, 0, 24), "AMT"),
    (v4(192, 88, 99, 0, 24), "6to4 relay"),
    (v4(192, 168, 0, 0, 16), "RFC 1918"),
    (v4(192, 175, 48, 0, 24), "AS112"),
    (v4(198, 18, 0, 0, 15), "benchmark"),
    (v4(198, 51, 100, 0, 24), "documentation"),
    (v4(203, 0, 113, 0, 24), "documentation"),
    (v4(224, 0, 0, 0, 4), "multicast"),
    (v4(240, 0, 0, 0, 4), "reserved"),
];

const PRIVATE_V6: &[(Ipv6Net, &str)] = &[
    (v6(0, 0, 0, 128), "unspecified"),
    (v6(0x0100, 0, 0, 64), "discard"),
    (v6(0x2001, 0x0002, 0, 48), "benchmark"),
    (v6(0x2001, 0x0010, 0, 28), "ORCHID"),
    (v6(0x2001, 0x0020, 0, 28), "ORCHID"),
    (v6(0x2001, 0x0db8, 0, 32), "documentation"),
    (v6(0x3fff, 0, 0, 20), "documentation"),
    (v6(0x5f00, 0, 0, 16), "SRv6"),
    (v6(0xfc00, 0, 0, 7), "unique local"),
    (v6(0xfe80, 0, 0, 10), "link-local"),
    (v6(0xfec0, 0, 0, 10), "site-local"),
    (v6(0xff00, 0, 0, 8), "multicast"),
];

const METADATA_V4: &[Ipv4Addr] = &[
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(169, 254, 170, 2),
    Ipv4Addr::new(169, 254, 170, 23),
    Ipv4Addr::new(168, 63, 129, 16),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(169, 254, 0, 23),
    Ipv4Addr::new(169, 254, 42, 42),
    Ipv4Addr::new(192, 0, 0, 192),
];

const METADATA_V6: &[Ipv6Addr] = &[
    Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254),
    Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0023),
    Ipv6Addr::new(0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254),
    Ipv6Addr::new(0xfd00, 0x00c1, 0, 0, 0, 0, 0xa9fe, 0xa9fe),
    Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0xa9fe, 0xa9fe),
];

const fn v4(a: u8, b: u8, c: u8, d: u8, bits: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), bits)
}

const fn v6(a: u16, b: u16, c: u16, bits: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), bits)
}

/// The address that really is meant: an IPv4 address hidden in an IPv6 one comes out.
/// IPv6 forms that carry an IPv4 address are unwrapped once; there is nothing to nest.
#[must_use]
pub fn unwrap(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(six) => embedded_v4(six).map_or(address, IpAddr::V4),
    }
}

fn embedded_v4(six: Ipv6Addr) -> Option<Ipv4Addr> {
    let [s0, s1, s2, s3, s4, s5, s6, s7] = six.segments();
    let join = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    let zeros = |segments: &[u16]| segments.iter().all(|segment| *segment == 0);
    if zeros(&[s0, s1, s2, s3, s4]) && s5 == 0xffff {
        return Some(join(s6, s7));
    }
    // v4-compatible, but not `::` and `::1`, which have rules of their own.
    if zeros(&[s0, s1, s2, s3, s4, s5]) && !(s6 == 0 && s7 <= 1) {
        return Some(join(s6, s7));
    }
    if s0 == 0x0064 && s1 == 0xff9b && (zeros(&[s2, s3, s4, s5]) || s2 == 1) {
        return Some(join(s6, s7));
    }
    if s0 == 0x2002 {
        return Some(join(s1, s2));
    }
    if s0 == 0x2001 && s1 == 0 {
        return Some(join(!s6, !s7));
    }
    // ISATAP interface id, with either value of the universal bit.
    if (s4 == 0 || s4 == 0x0200) && s5 == 0x5efe {
        return Some(join(s6, s7));
    }
    None
}

/// What this address is.
#[must_use]
pub fn kind(address: IpAddr) -> AddressKind {
    match address {
        IpAddr::V4(four) => kind_v4(four),
        IpAddr::V6(six) => {
            if METADATA_V6.contains(&six) {
                return AddressKind::Metadata;
            }
            if six == Ipv6Addr::LOCALHOST {
                return AddressKind::Private("loopback");
            }
            let own = PRIVATE_V6.iter().find(|(net, _)| net.contains(&six)).map(|(_, name)| *name);
            match (embedded_v4(six).map(kind_v4), own) {
                (Some(AddressKind::Metadata), _) => AddressKind::Metadata,
                (_, Some(name)) | (Some(AddressKind::Private(name)), None) => AddressKind::Private(name),
                _ => AddressKind::Public,
            }
        }
    }
}

fn kind_v4(four: Ipv4Addr) -> AddressKind {
    if METADATA_V4.contains(&four) {
        return AddressKind::Metadata;
    }
    let found = PRIVATE_V4.iter().find(|(net, _)| net.contains(&four));
    found.map_or(AddressKind::Public, |(_, name)| AddressKind::Private(name))
}

/// All metadata and platform endpoints.
pub fn metadata() -> impl Iterator<Item = IpAddr> {
    let four = METADATA_V4.iter().map(|address| IpAddr::V4(*address));
    four.chain(METADATA_V6.iter().map(|address| IpAddr::V6(*address)))
}

/// Whether a client with this address is of this site: loopback, private, link-local, carrier-grade NAT.
#[must_use]
pub fn is_site_local(address: IpAddr) -> bool {
    const SITE: &[&str] = &["loopback", "RFC 1918", "link-local", "carrier-grade NAT", "unique local"];
    matches!(kind(address), AddressKind::Private(range) if SITE.contains(&range))
}

/// Addresses of this machine's interfaces, as far as the system tells.
#[must_use]
pub fn local_addresses() -> Vec<IpAddr> {
    let mut found = Vec::new();
    if let Ok(text) = std::fs::read_to_string("/proc/net/fib_trie") {
        let mut last: Option<IpAddr> = None;
        for line in text.lines() {
            let line = line.trim();
            if let Some(address) = line.strip_prefix("|-- ") {
                last = address.parse().ok();
            } else if line.starts_with("/32 host LOCAL")
                && let Some(address) = last
                && !found.contains(&address)
            {
                found.push(address);
            }
        }
    }
    if let Ok(text) = std::fs::read_to_string("/proc/net/if_inet6") {
        let hex = text.lines().filter_map(|line| line.split_whitespace().next());
        found.extend(
            hex.filter_map(|hex| u128::from_str_radix(hex, 16).ok()).map(|bits| IpAddr::from(Ipv6Addr::from(bits))),
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_their_edges() {
        use AddressKind::{Metadata, Private, Public};
        let private = Private("");
        for (text, expected) in [
            ("93.184.216.34", Public),
            ("2606:2800:220:1::1", Public),
            ("127.0.0.1", private),
            ("172.16.0.1", private),
            ("172.31.255.255", private),
            ("172.32.0.1", Public),
            ("11.0.0.1", Public),
            ("192.169.0.1", Public),
            ("100.64.0.1", private),
            ("100.63.255.255", Public),
            ("100.128.0.1", Public),
            ("198.18.0.1", private),
            ("240.0.0.1", private),
            ("255.255.255.255", private),
            ("169.254.169.254", Metadata),
            ("168.63.129.16", Metadata),
            ("100.100.100.200", Metadata),
            ("::", private),
            ("::1", private),
            ("::ffff:10.0.0.5", private),
            ("::ffff:169.254.169.254", Metadata),
            ("::ffff:93.184.216.34", Public),
            ("::127.0.0.1", private),
            ("64:ff9b::7f00:1", private),
            ("64:ff9b::a9fe:a9fe", Metadata),
            ("64:ff9b:1::a9fe:a9fe", Metadata),
            ("2002:7f00:1::", private),
            ("2002:a9fe:a9fe::", Metadata),
            ("2001:0:5ef5:79fb:0:0:80ff:fffe", private),
            ("2001:db8::1", private),
            ("2606:4700::5efe:10.0.0.1", private),
            ("fd00:ec2::254", Metadata),
            ("fd00:ec2::23", Metadata),
            ("fe80::a9fe:a9fe", Metadata),
            ("fc00::1", private),
            ("fec0::1", private),
            ("ff02::1", private),
        ] {
            let found = kind(text.parse().unwrap());
            let same = std::mem::discriminant(&found) == std::mem::discriminant(&expected);
            assert!(same, "{text}: {found:?}, expected {expected:?}");
        }
    }

    #[test]
    fn this_machine_has_loopback() {
        let found = local_addresses();
        assert!(found.is_empty() || found.contains(&IpAddr::V4(Ipv4Addr::LOCALHOST)), "{found:?}");
    }
}
