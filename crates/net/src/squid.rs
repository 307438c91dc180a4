//! Rules of a `squid.conf`: the part of its language that deployments of this kind of proxy use.
//!
//! `acl NAME src|dst|dstdomain|port|method …`, `http_access allow|deny …`, `http_port` and `include` count; every other
//! line is listed as ignored. The rules come on top of the built-in policy: a denial here is a denial, an allowing rule
//! that names a destination opens a private one, and nothing opens metadata.

mod read;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, net::IpAddr, sync::Arc};

use ipnet::IpNet;

use crate::{Reason, TargetHost, address, name::DomainRule};

pub use read::SquidError;
pub(crate) use read::ports;

/// A file of rules, read.
#[derive(Clone, Debug, Default)]
pub struct Squid {
    acls: HashMap<String, Acl>,
    rules: Vec<Rule>,
    /// The first `http_port` without `accel`.
    pub port: Option<u16>,
    /// What was not understood, a line each.
    pub ignored: Vec<String>,
}

#[derive(Clone, Debug)]
enum Acl {
    All,
    Never,
    Src(Vec<IpNet>),
    Dst(Vec<IpNet>),
    Domain(Vec<DomainRule>),
    Port(Vec<(u16, u16)>),
    Method(Vec<String>),
}

#[derive(Clone, Debug)]
struct Rule {
    allow: bool,
    /// Names with whether they are negated.
    terms: Vec<(bool, String)>,
    text: Arc<str>,
}

/// What the rules are asked about.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    pub client: Option<IpAddr>,
    pub method: &'a str,
    pub host: &'a TargetHost,
    pub port: u16,
    /// `None` before the name is resolved.
    pub addresses: Option<&'a [IpAddr]>,
}

/// What the rules say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It depends on the addresses.
    Undecided,
    /// Allowed as far as these rules go.
    Allowed,
    /// Allowed by a rule that names this destination.
    Opened,
    Denied {
        reason: Reason,
        rule: Arc<str>,
    },
}

impl Squid {
    /// The first rule that fits decides; when none does, the opposite of the last one.
    #[must_use]
    pub fn verdict(&self, question: &Question<'_>) -> Verdict {
        for rule in &self.rules {
            match self.fits(rule, question) {
                None => return Verdict::Undecided,
                Some(false) => {}
                Some(true) if rule.allow => {
                    let named = rule.terms.iter().any(|(negated, name)| {
                        !negated && matches!(self.acls.get(name), Some(Acl::Dst(_) | Acl::Domain(_)))
                    });
                    return if named { Verdict::Opened } else { Verdict::Allowed };
                }
                Some(true) => return Verdict::Denied { reason: self.reason(rule), rule: Arc::clone(&rule.text) },
            }
        }
        match self.rules.last() {
            Some(last) if last.allow => {
                Verdict::Denied { reason: Reason::Allowlist, rule: "no http_access line allows it".into() }
            }
            _ => Verdict::Allowed,
        }
    }

    fn fits(&self, rule: &Rule, question: &Question<'_>) -> Option<bool> {
        let mut known = true;
        for (negated, name) in &rule.terms {
            match self.holds(name, *negated, rule.allow, question) {
                Some(false) => return Some(false),
                Some(true) => {}
                None => known = false,
            }
        }
        known.then_some(true)
    }

    fn holds(&self, name: &str, negated: bool, allow: bool, question: &Question<'_>) -> Option<bool> {
        let inside = |nets: &[IpNet], address: &IpAddr| {
            let real = address::unwrap(*address);
            nets.iter().any(|net| net.contains(address) || net.contains(&real))
        };
        let plain = match self.acls.get(name)? {
            Acl::All => true,
            Acl::Never => false,
            Acl::Src(nets) => question.client.is_some_and(|client| inside(nets, &client)),
            Acl::Domain(rules) => {
                let host = question.host.to_string();
                rules.iter().any(|rule| rule.covers(&host, question.port))
            }
            Acl::Port(ranges) => ranges.iter().any(|(first, last)| (*first..=*last).contains(&question.port)),
            Acl::Method(methods) => methods.iter().any(|method| method.eq_ignore_ascii_case(question.method)),
            Acl::Dst(nets) => {
                // Several addresses: an allowing rule must fit all of them, a denying one any of them.
                let addresses = question.addresses?;
                let fits = |address| inside(nets, address) != negated;
                return Some(if allow { addresses.iter().all(fits) } else { addresses.iter().any(fits) });
            }
        };
        Some(plain != negated)
    }

    fn reason(&self, rule: &Rule) -> Reason {
        let of = |(_, name): &(bool, String)| match self.acls.get(name) {
            Some(Acl::Dst(_)) => Some(Reason::PrivateIp),
            Some(Acl::Domain(_)) => Some(Reason::NameDenied),
            Some(Acl::Port(_)) => Some(Reason::Port),
            Some(Acl::Method(_)) => Some(Reason::Method),
            _ => None,
        };
        let found: Vec<Reason> = rule.terms.iter().filter_map(of).collect();
        // `deny CONNECT !SSL_ports` is about the port.
        found.iter().find(|reason| **reason != Reason::Method).or(found.first()).copied().unwrap_or(Reason::Allowlist)
    }
}
