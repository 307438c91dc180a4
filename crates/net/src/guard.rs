//! The decision: may this class call this URL, and at which addresses.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use crate::{
    Class, Denied, Mode, NetError, OwnService, Policy, Reason, Resolver, Search, Target, TargetHost,
    address::{self, AddressKind},
    name::{self, NameKind},
    policy::is_port_offered,
    resolve,
    rules::Rules,
    squid::{Question, Verdict},
    target,
    told::{Caller, NOBODY},
};

/// What a call passed by, in the words of the settings.
pub mod rule {
    pub const PUBLIC: &str = "public";
    pub const LISTED: &str = "OXIDIFY_EGRESS_ALLOW";
    pub const IPS: &str = "SSRF_PROXY_ALLOW_PRIVATE_IPS";
    pub const DOMAINS: &str = "SSRF_PROXY_ALLOW_PRIVATE_DOMAINS";
    pub const METADATA: &str = "OXIDIFY_EGRESS_ALLOW_METADATA";
    pub const MODELS: &str = "OXIDIFY_EGRESS_MODEL_PRIVATE";
    pub const DEV: &str = "SSRF_PROXY_DEV_MODE";
    pub const SQUID: &str = "squid.conf";
    pub const WORKSPACE: &str = "network rules of the workspace";
    pub const OPERATOR: &str = "set by the operator";
    /// Nothing was looked at here: the operator's proxy decides.
    pub const PROXY: &str = "left to the proxy";
}

/// Who asks for a call: a class of this process's own, or a client of the forward proxy.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    pub class: Class,
    pub client: Option<IpAddr>,
    pub method: &'a str,
    /// Of the workspace whose call it is.
    pub rules: Option<&'a Rules>,
    /// For the log.
    pub caller: &'a Caller,
}

impl From<Class> for Asker<'_> {
    fn from(class: Class) -> Self {
        Self { class, client: None, method: "", rules: None, caller: &NOBODY }
    }
}

impl<'a> Asker<'a> {
    /// The workspace's rules, if they count for this class.
    pub fn own_rules(self) -> Option<&'a Rules> {
        self.rules.filter(|_| self.class.has_rules())
    }
}

/// A target that passed, with the only addresses that may be dialled.
#[derive(Clone, Debug)]
pub struct Pinned {
    pub target: Target,
    pub addresses: Vec<SocketAddr>,
    /// By what it passed: a setting, or `public`.
    pub rule: &'static str,
}

/// Policy and resolver together.
pub struct Guard {
    policy: Policy,
    resolver: Arc<dyn Resolver>,
    local: Vec<IpAddr>,
}

impl Guard {
    /// A guard; reads the addresses of this machine once.
    pub fn new(policy: Policy, resolver: Arc<dyn Resolver>) -> Self {
        Self { policy, resolver, local: address::local_addresses() }
    }

    /// The settings it decides by.
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Steps 1 to 5 of the egress contract.
    pub async fn check(&self, raw: &str, asker: Asker<'_>) -> Result<Pinned, NetError> {
        let class = asker.class;
        let target = Target::parse(raw, class)?;
        if class == Class::Operator {
            let addresses = self.addresses_of(&target, Search::System).await?;
            return Ok(pin(target, &addresses, rule::OPERATOR));
        }
        self.check_port(&target, asker)?;
        let by_rule = self.check_rules(&target, asker, None)?;
        let named = self.check_name(&target, asker, by_rule)?;
        // A name that no entry can cover is not even looked up.
        self.check_listed(&target, asker, None)?;
        // Names that are private by nature live in hosts files and search domains.
        let search = if named == Opened::Public { Search::Absolute } else { Search::System };
        let addresses = self.addresses_of(&target, search).await?;
        self.check_own_services(&target, &addresses).await?;
        let by_rule = self.check_rules(&target, asker, Some(&addresses))?;
        let named = if by_rule.is_private() { by_rule } else { named };
        let mut passed = rule::PUBLIC;
        for found in &addresses {
            let by = self.check_address(&target, *found, asker, named)?;
            if by != rule::PUBLIC {
                passed = by;
            }
        }
        self.check_listed(&target, asker, Some(&addresses))?;
        if passed == rule::PUBLIC && self.policy.mode == Mode::Allowlist {
            passed = rule::LISTED;
        }
        Ok(pin(target, &addresses, passed))
    }

    /// The destinations a workspace keeps to: the last step, which only narrows.
    pub fn check_listed(
        &self,
        target: &Target,
        asker: Asker<'_>,
        addresses: Option<&[IpAddr]>,
    ) -> Result<(), NetError> {
        let Some(rules) = asker.own_rules() else { return Ok(()) };
        let (host, port) = (&target.host, target.port);
        let listed = match addresses {
            None => rules.may_list(host, port),
            Some(addresses) => addresses.iter().all(|address| rules.lists(host, port, *address)),
        };
        if listed {
            return Ok(());
        }
        let detail = format!("{host} is not one of the destinations this workspace keeps to");
        Err(deny(target, Reason::Allowlist, detail, &format!("{WORKSPACE_ADMIN} add it in Settings, Network.")))
    }

    /// What could open a private destination besides the operator's lists.
    fn workspace_remedy(&self, asker: Asker<'_>) -> String {
        if asker.own_rules().is_some() && self.policy.workspace_private.is_offered() {
            return format!(" {WORKSPACE_ADMIN} allow it in Settings, Network, where the operator's limits permit.");
        }
        String::new()
    }

    fn check_port(&self, target: &Target, asker: Asker<'_>) -> Result<(), NetError> {
        let port = target.port;
        let refuse = |remedy: &str| {
            // What is wrong with the address itself says more than its port.
            if let TargetHost::Address(found) = target.host
                && self.policy.opening(asker.class).is_none()
            {
                self.check_address(target, found, asker, Opened::Public)?;
            }
            Err(deny(target, Reason::Port, format!("port {port} is not offered"), remedy))
        };
        if asker.method == "CONNECT" {
            let listed = self.policy.connect_ports.iter().any(|(first, last)| (*first..=*last).contains(&port));
            if !listed || !(port == 443 || is_port_offered(port)) {
                return refuse("An operator can set OXIDIFY_EGRESS_CONNECT_PORTS.");
            }
            return Ok(());
        }
        if is_port_offered(port) { Ok(()) } else { refuse("") }
    }

    /// What a mounted `squid.conf` says. An opening counts only for names before they are resolved.
    fn check_rules(&self, target: &Target, asker: Asker<'_>, addresses: Option<&[IpAddr]>) -> Result<Opened, NetError> {
        let Some(squid) = &self.policy.squid else { return Ok(Opened::Public) };
        let (host, port) = (&target.host, target.port);
        let literal = match host {
            TargetHost::Address(address) => Some([*address]),
            TargetHost::Name(_) => None,
        };
        let addresses = addresses.or(literal.as_ref().map(<[IpAddr; 1]>::as_slice));
        let question = Question { client: asker.client, method: asker.method, host, port, addresses };
        match squid.verdict(&question) {
            Verdict::Undecided | Verdict::Allowed => Ok(Opened::Public),
            Verdict::Opened => Ok(Opened::Private(rule::SQUID)),
            Verdict::Denied { reason, rule: line } => {
                let detail = format!("the rule '{line}' of squid.conf denies it");
                Err(deny(target, reason, detail, "An operator can change that rule."))
            }
        }
    }

    /// A `Host` header that differs from the URL's host must not name an address or a metadata host.
    pub fn check_host_header(&self, target: &Target, header: &str) -> Result<(), Denied> {
        let Ok(named) = Target::parse(&format!("http://{header}/"), Class::Tool) else {
            return Err(denied(target, Reason::Parse, format!("the Host header '{header}' is not a host"), ""));
        };
        if named.host == target.host {
            return Ok(());
        }
        let reason = match &named.host {
            TargetHost::Name(host) if name::kind(host) == NameKind::Metadata => Reason::Metadata,
            TargetHost::Name(_) => return Ok(()),
            TargetHost::Address(host) if address::kind(*host) == AddressKind::Metadata => Reason::Metadata,
            TargetHost::Address(_) => Reason::PrivateIp,
        };
        Err(denied(target, reason, format!("the Host header names {header}, which is not the URL's host"), ""))
    }

    fn check_name(&self, target: &Target, asker: Asker<'_>, by_rule: Opened) -> Result<Opened, NetError> {
        let (policy, class) = (&self.policy, asker.class);
        let host = match &target.host {
            TargetHost::Name(host) => host,
            TargetHost::Address(found) => {
                let listed = by_rule.is_private() || policy.allows_address(*found);
                if policy.mode == Mode::Allowlist && !listed && !policy.allows_private_address(*found) {
                    return Err(deny_list(target, &format!("{found} is not on the list")));
                }
                return Ok(policy.opening(class).map_or(by_rule, Opened::Private));
            }
        };
        let kind = name::kind(host);
        if kind == NameKind::Metadata && !policy.allow_metadata {
            return Err(deny(target, Reason::Metadata, format!("{host} is a cloud metadata name"), ""));
        }
        if by_rule.is_private() {
            return Ok(by_rule);
        }
        if policy.allows_private_name(host, target.port) {
            return Ok(Opened::Private(rule::DOMAINS));
        }
        if policy.deny_domains.iter().any(|rule| rule.covers(host, target.port)) {
            let detail = format!("{host} is on the operator's deny list");
            return Err(deny(target, Reason::NameDenied, detail, "An operator can change OXIDIFY_EGRESS_DENY."));
        }
        if policy.mode == Mode::Allowlist && !policy.allow.iter().any(|rule| rule.covers(host, target.port)) {
            return Err(deny_list(target, &format!("{host} is not a listed domain")));
        }
        if let Some(opening) = policy.opening(class) {
            return Ok(Opened::Private(opening));
        }
        if kind == NameKind::Private {
            let by_workspace = asker.own_rules().is_some_and(|rules| rules.opens_name(&target.host, target.port));
            if by_workspace && policy.workspace_private.has_name(host, target.port) {
                // Its addresses are still compared with what the operator lets workspaces open.
                return Ok(Opened::ByWorkspace);
            }
            let detail = format!("{host} is a private name");
            let remedy = match class {
                Class::Model => format!(
                    "An operator can set OXIDIFY_EGRESS_MODEL_PRIVATE=true or SSRF_PROXY_ALLOW_PRIVATE_DOMAINS={host}."
                ),
                _ => format!("An operator can allow it with SSRF_PROXY_ALLOW_PRIVATE_DOMAINS={host}."),
            };
            let remedy = remedy + &self.workspace_remedy(asker);
            return Err(deny(target, Reason::NameDenied, detail, &remedy));
        }
        Ok(Opened::Public)
    }

    async fn addresses_of(&self, target: &Target, search: Search) -> Result<Vec<IpAddr>, NetError> {
        let host = match &target.host {
            TargetHost::Address(found) => return Ok(vec![*found]),
            TargetHost::Name(host) => host,
        };
        let failed = |why: String| NetError::Dns { name: host.clone(), why };
        let answer = tokio::time::timeout(resolve::LIMIT, self.resolver.resolve(host, search)).await;
        let answer = answer.map_err(|_| failed("no answer within 5 s".into()))?;
        let mut resolved = answer.map_err(|error| failed(error.to_string()))?;
        for alias in resolved.chain.iter().map(|alias| name::normal(alias)) {
            if name::kind(&alias) == NameKind::Metadata && !self.policy.allow_metadata {
                let detail = format!("{host} is an alias of {alias}, a cloud metadata name");
                return Err(deny(target, Reason::Metadata, detail, ""));
            }
            // What the operator opened by name is looked up as the system does it.
            let denied = self.policy.deny_domains.iter().any(|rule| rule.covers(&alias, target.port));
            if denied && search == Search::Absolute {
                let detail = format!("{host} is an alias of {alias}, which is on the operator's deny list");
                return Err(deny(target, Reason::NameDenied, detail, "An operator can change OXIDIFY_EGRESS_DENY."));
            }
        }
        resolved.addresses.truncate(resolve::MAX_ADDRESSES);
        if resolved.addresses.is_empty() { Err(failed("it has no address".into())) } else { Ok(resolved.addresses) }
    }

    /// By which rule this address may be dialled.
    fn check_address(
        &self,
        target: &Target,
        found: IpAddr,
        asker: Asker<'_>,
        named: Opened,
    ) -> Result<&'static str, NetError> {
        let (policy, class) = (&self.policy, asker.class);
        let deny = |reason, detail, remedy: &str| {
            let refusal = denied(target, reason, detail, remedy);
            Err(NetError::from(Denied { ip: Some(found), ..refusal }))
        };
        let kind = address::kind(found);
        let local = self.local.contains(&found) || self.local.contains(&address::unwrap(found));
        if kind == AddressKind::Metadata {
            if policy.allow_metadata {
                return Ok(rule::METADATA);
            }
            return deny(Reason::Metadata, format!("{found} is a cloud metadata address"), "");
        }
        if policy.allows_private_address(found) {
            return Ok(rule::IPS);
        }
        let real = address::unwrap(found);
        if policy.deny_nets.iter().any(|net| net.contains(&found) || net.contains(&real)) {
            let detail = format!("{found} is on the operator's deny list");
            return deny(Reason::PrivateIp, detail, "An operator can change OXIDIFY_EGRESS_DENY.");
        }
        if let Opened::Private(opening) = named {
            // A public address needs no opening.
            let needed = local || kind != AddressKind::Public;
            return Ok(if needed { opening } else { rule::PUBLIC });
        }
        let range = match kind {
            AddressKind::Private(range) => range,
            _ if local => "an address of this machine",
            _ => return Ok(rule::PUBLIC),
        };
        let (host, port) = (&target.host, target.port);
        let by_workspace = asker.own_rules().is_some_and(|rules| rules.opens(host, port, found));
        if by_workspace && policy.workspace_private.has(host, port, found) {
            return Ok(rule::WORKSPACE);
        }
        let mut remedy = format!("An operator can allow it with SSRF_PROXY_ALLOW_PRIVATE_IPS={found}");
        if class == Class::Model {
            remedy.push_str(" or OXIDIFY_EGRESS_MODEL_PRIVATE=true");
        }
        remedy.push('.');
        remedy.push_str(&self.workspace_remedy(asker));
        deny(Reason::PrivateIp, format!("{found} is private ({range})"), &remedy)
    }

    async fn check_own_services(&self, target: &Target, addresses: &[IpAddr]) -> Result<(), NetError> {
        for service in self.policy.own_services.iter().filter(|service| service.port == target.port) {
            if self.is_own(service, target, addresses).await {
                let detail = format!("{}:{} is a service of this installation", target.host, target.port);
                return Err(deny(target, Reason::OwnService, detail, ""));
            }
        }
        Ok(())
    }

    async fn is_own(&self, service: &OwnService, target: &Target, addresses: &[IpAddr]) -> bool {
        let same = |own: IpAddr| addresses.iter().any(|found| address::unwrap(*found) == address::unwrap(own));
        if let Ok(own) = service.host.parse::<IpAddr>() {
            if own.is_unspecified() {
                let ours = |found: &IpAddr| {
                    let real = address::unwrap(*found);
                    real.is_loopback() || real.is_unspecified() || self.local.contains(&real)
                };
                return addresses.iter().any(ours);
            }
            return same(own);
        }
        let own = name::normal(&service.host);
        if target.host == TargetHost::Name(own.clone()) {
            return true;
        }
        let answer = tokio::time::timeout(resolve::LIMIT, self.resolver.resolve(&own, Search::System)).await;
        answer.is_ok_and(|answer| answer.is_ok_and(|resolved| resolved.addresses.into_iter().any(same)))
    }
}

/// Whether private addresses are open for a call, by its name or its class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opened {
    Public,
    /// By this rule.
    Private(&'static str),
    /// By the workspace: only as far as the addresses go that it may open.
    ByWorkspace,
}

impl Opened {
    const fn is_private(self) -> bool {
        matches!(self, Self::Private(_))
    }
}

const WORKSPACE_ADMIN: &str = "An owner or admin of the workspace can";

fn pin(target: Target, addresses: &[IpAddr], rule: &'static str) -> Pinned {
    let port = target.port;
    Pinned { addresses: addresses.iter().map(|address| SocketAddr::new(*address, port)).collect(), target, rule }
}

fn deny_list(target: &Target, detail: &str) -> NetError {
    let remedy = format!("An operator can add {} to OXIDIFY_EGRESS_ALLOW.", target.host);
    deny(target, Reason::Allowlist, detail.to_owned(), &remedy)
}

fn deny(target: &Target, reason: Reason, detail: String, remedy: &str) -> NetError {
    denied(target, reason, detail, remedy).into()
}

/// A refusal of this target.
pub fn denied(target: &Target, reason: Reason, detail: String, remedy: &str) -> Denied {
    Denied {
        url: target::shown(target.url.as_str()),
        host: target.host.to_string(),
        port: Some(target.port),
        ip: match target.host {
            TargetHost::Address(address) => Some(address),
            TargetHost::Name(_) => None,
        },
        reason,
        detail,
        remedy: remedy.to_owned(),
    }
}
