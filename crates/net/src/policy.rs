//! What may be called: settings of the operator and the class of the caller.

use std::{net::IpAddr, path::Path, str::FromStr, sync::Arc};

use ipnet::IpNet;
use url::Url;

use crate::{calls::CallSettings, guard::rule, name::DomainRule, rules::Delegation, squid::Squid, tls::Profile};

/// Who asks for a call. Decides what is allowed by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// The HTTP request node.
    HttpNode,
    /// Tools, schema import, MCP.
    Tool,
    /// Files by URL, DSL by URL: reads only.
    Fetch,
    /// Extensions, webhooks and sinks set by a tenant's administrator.
    ExternalApi,
    /// Model providers' base URLs set by a tenant's administrator, and model servers of this machine.
    Model,
    /// The public addresses of model vendors, which come with this program.
    Vendor,
    /// Code in the sandbox, by way of the forward proxy.
    Sandbox,
    /// Plugin processes, by way of the forward proxy.
    Plugin,
    /// Programs outside that use the forward proxy.
    Proxy,
    /// Addresses only the operator sets; not filtered.
    Operator,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::HttpNode,
        Self::Tool,
        Self::Fetch,
        Self::ExternalApi,
        Self::Model,
        Self::Vendor,
        Self::Sandbox,
        Self::Plugin,
        Self::Proxy,
        Self::Operator,
    ];

    /// The name in logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HttpNode => "http_node",
            Self::Tool => "tool",
            Self::Fetch => "fetch",
            Self::ExternalApi => "external_api",
            Self::Model => "model",
            Self::Vendor => "vendor",
            Self::Sandbox => "sandbox",
            Self::Plugin => "plugin",
            Self::Proxy => "proxy",
            Self::Operator => "operator",
        }
    }

    /// Redirects that are followed.
    #[must_use]
    pub const fn max_redirects(self) -> usize {
        match self {
            Self::HttpNode | Self::Operator => 10,
            Self::Tool | Self::Fetch | Self::ExternalApi | Self::Model | Self::Vendor => 5,
            // Their clients follow redirects themselves, each a new request.
            Self::Sandbox | Self::Plugin | Self::Proxy => 0,
        }
    }

    /// Whether a redirect may leave https for http.
    #[must_use]
    pub const fn may_downgrade(self) -> bool {
        matches!(self, Self::HttpNode | Self::Model | Self::Operator)
    }

    /// Whether the rules of a workspace count for these calls: all whose address somebody in it chose.
    #[must_use]
    pub const fn has_rules(self) -> bool {
        !matches!(self, Self::Vendor | Self::Proxy | Self::Operator)
    }

    /// Whether the same few addresses are called again and again, so that what was found out of them may be kept for
    /// longer.
    #[must_use]
    pub const fn is_steady(self) -> bool {
        matches!(self, Self::Model | Self::Vendor | Self::Operator)
    }

    /// Whether an operator's egress proxy carries these calls.
    #[must_use]
    pub const fn uses_proxy(self) -> bool {
        matches!(self, Self::HttpNode | Self::Tool | Self::Fetch | Self::ExternalApi)
    }
}

/// Public internet except what is denied, or only what is listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    #[default]
    Public,
    Allowlist,
}

/// Something of our own that no user's call may reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnService {
    /// Address or name; an unspecified address means every address of this machine.
    pub host: String,
    pub port: u16,
}

/// The site's own proxy, which all calls go through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    pub proxy: Url,
    /// `?resolve_remotely=true`: names are left to it, so that only name rules apply to what the operator set.
    pub resolves: bool,
}

/// The operator's settings.
#[derive(Clone, Debug)]
pub struct Policy {
    pub mode: Mode,
    /// `OXIDIFY_EGRESS_ALLOW`: the domains of allow-list mode, and public addresses.
    pub allow: Vec<DomainRule>,
    pub allow_nets: Vec<IpNet>,
    /// `OXIDIFY_EGRESS_DENY`.
    pub deny_nets: Vec<IpNet>,
    pub deny_domains: Vec<DomainRule>,
    /// `SSRF_PROXY_ALLOW_PRIVATE_IPS`.
    pub allow_private_nets: Vec<IpNet>,
    /// `SSRF_PROXY_ALLOW_PRIVATE_DOMAINS`.
    pub allow_private_domains: Vec<DomainRule>,
    /// `OXIDIFY_EGRESS_MODEL_PRIVATE`.
    pub model_private: bool,
    /// `OXIDIFY_EGRESS_WORKSPACE_PRIVATE`: what workspaces may open by their own rules.
    pub workspace_private: Delegation,
    /// `OXIDIFY_EGRESS_ALLOW_METADATA`.
    pub allow_metadata: bool,
    /// `SSRF_PROXY_DEV_MODE`: private addresses are open to all.
    pub dev_mode: bool,
    pub own_services: Vec<OwnService>,
    /// `SSRF_PROXY_ALL_URL`, or the two others.
    pub proxy_http: Option<Url>,
    pub proxy_https: Option<Url>,
    /// `OXIDIFY_UPSTREAM_PROXY`: the way out of the site, for every class.
    pub upstream: Option<Upstream>,
    /// `SSRF_DEFAULT_*` and `SSRF_POOL_*`.
    pub calls: CallSettings,
    /// `HTTP_REQUEST_NODE_SSL_*_DATA`.
    pub node_tls: Option<Arc<Profile>>,
    /// `OXIDIFY_EGRESS_LOCAL_CHECK`: check here too when a proxy is set.
    pub skip_local_check: bool,
    /// `OXIDIFY_EGRESS_CONNECT_PORTS`: ports that tunnels may go to.
    pub connect_ports: Vec<(u16, u16)>,
    /// Rules of a mounted `squid.conf`, on top of everything else.
    pub squid: Option<Arc<Squid>>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            mode: Mode::Public,
            allow: Vec::new(),
            allow_nets: Vec::new(),
            deny_nets: Vec::new(),
            deny_domains: Vec::new(),
            allow_private_nets: Vec::new(),
            allow_private_domains: Vec::new(),
            model_private: false,
            workspace_private: Delegation::Nothing,
            allow_metadata: false,
            dev_mode: false,
            own_services: Vec::new(),
            proxy_http: None,
            proxy_https: None,
            upstream: None,
            calls: CallSettings::default(),
            node_tls: None,
            skip_local_check: false,
            connect_ports: CONNECT_PORTS.to_vec(),
            squid: None,
        }
    }
}

/// Where tunnels go when nothing else is set.
const CONNECT_PORTS: &[(u16, u16)] = &[(443, 443), (1025, 65535)];

impl Policy {
    /// Public mode with private model servers, as on a workplace machine.
    #[must_use]
    pub fn open_models() -> Self {
        Self { model_private: true, ..Self::default() }
    }

    /// Reads the settings from environment variables; what cannot be read is told, not fatal.
    #[must_use]
    pub fn from_env(read: impl Fn(&str) -> Option<String>) -> (Self, Vec<String>) {
        let mut warnings = Vec::new();
        let text = |name: &str| read(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let flag = |name: &str| text(name).map(|value| is_true(&value));
        let (deny_nets, deny_domains) = lists(text("OXIDIFY_EGRESS_DENY"), "OXIDIFY_EGRESS_DENY", &mut warnings);
        let name = "SSRF_PROXY_ALLOW_PRIVATE_IPS";
        let (allow_private_nets, stray) = lists(text(name), name, &mut warnings);
        if !stray.is_empty() {
            warnings.push(format!("{name} takes addresses; put names into SSRF_PROXY_ALLOW_PRIVATE_DOMAINS"));
        }
        if allow_private_nets.iter().any(opens_metadata) {
            warnings.push(format!("{name} does not open cloud metadata addresses; they stay denied"));
        }
        let open_house = flag("ALLOW_REGISTER") == Some(true) || flag("ALLOW_CREATE_WORKSPACE") == Some(true);
        let production = text("DEPLOY_ENV").is_none_or(|value| value.eq_ignore_ascii_case("production"));
        let dev_mode = flag("SSRF_PROXY_DEV_MODE") == Some(true);
        if dev_mode && production {
            warnings.push("SSRF_PROXY_DEV_MODE is ignored in production; set DEPLOY_ENV=DEVELOPMENT to use it".into());
        }
        let (allow_nets, allow) = lists(text("OXIDIFY_EGRESS_ALLOW"), "OXIDIFY_EGRESS_ALLOW", &mut warnings);
        let workspace_private = delegation(text("OXIDIFY_EGRESS_WORKSPACE_PRIVATE"), &mut warnings);
        let connect_ports = connect_ports(text("OXIDIFY_EGRESS_CONNECT_PORTS"), &mut warnings);
        let mut proxy = |name: &str| text(name).and_then(|value| proxy_url(name, &value, &mut warnings));
        let all = proxy("SSRF_PROXY_ALL_URL");
        let both = proxy("SSRF_PROXY_HTTP_URL").zip(proxy("SSRF_PROXY_HTTPS_URL"));
        let upstream = proxy("OXIDIFY_UPSTREAM_PROXY").map(upstream);
        let calls = CallSettings::from_env(&read, &mut warnings);
        let part = |name: &str| text(&format!("HTTP_REQUEST_NODE_SSL_{name}_DATA"));
        let parts = (part("CERT"), part("CLIENT_CERT"), part("CLIENT_KEY"));
        let node_tls = match &parts {
            (None, None, None) => None,
            (roots, certificate, key) => {
                let profile = Profile::read(roots.as_deref(), certificate.as_deref(), key.as_deref());
                profile.map_err(|why| warnings.push(format!("HTTP_REQUEST_NODE_{why}; ignored"))).ok().map(Arc::new)
            }
        };
        let policy = Self {
            mode: match text("OXIDIFY_EGRESS_MODE").as_deref() {
                Some("allowlist") => Mode::Allowlist,
                None | Some("public") => Mode::Public,
                Some(other) => {
                    warnings.push(format!("OXIDIFY_EGRESS_MODE={other} is unknown; using allowlist, the stricter one"));
                    Mode::Allowlist
                }
            },
            allow,
            allow_nets,
            deny_nets,
            deny_domains,
            allow_private_nets,
            allow_private_domains: domains(text("SSRF_PROXY_ALLOW_PRIVATE_DOMAINS"), &mut warnings),
            model_private: flag("OXIDIFY_EGRESS_MODEL_PRIVATE").unwrap_or(!open_house),
            workspace_private,
            allow_metadata: flag("OXIDIFY_EGRESS_ALLOW_METADATA") == Some(true),
            dev_mode: dev_mode && !production,
            own_services: Vec::new(),
            proxy_http: all.clone().or_else(|| both.clone().map(|(http, _)| http)),
            proxy_https: all.or_else(|| both.map(|(_, https)| https)),
            upstream,
            calls,
            node_tls,
            skip_local_check: flag("OXIDIFY_EGRESS_LOCAL_CHECK") == Some(false),
            connect_ports,
            squid: None,
        };
        (policy, warnings)
    }

    /// Adds the lists of a file, one entry a line: `.example.com` or `allow …` as in `OXIDIFY_EGRESS_ALLOW`,
    /// `private …` as in the two `SSRF_PROXY_ALLOW_PRIVATE_*`, `deny …` as in `OXIDIFY_EGRESS_DENY`. What cannot be
    /// read is told.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read_lists(&mut self, path: &Path) -> std::io::Result<Vec<String>> {
        let text = std::fs::read_to_string(path)?;
        let mut warnings = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            let place = format!("{}:{}", path.display(), number + 1);
            let (kind, entries) = match line.split_once(char::is_whitespace) {
                Some((kind @ ("allow" | "private" | "deny"), rest)) => (kind, rest),
                _ => ("allow", line),
            };
            let (nets, domains) = lists(Some(entries.to_owned()), &place, &mut warnings);
            let (known_nets, known_domains) = match kind {
                "private" => (&mut self.allow_private_nets, &mut self.allow_private_domains),
                "deny" => (&mut self.deny_nets, &mut self.deny_domains),
                _ => (&mut self.allow_nets, &mut self.allow),
            };
            if kind == "private" && nets.iter().any(opens_metadata) {
                warnings.push(format!("{place}: cloud metadata addresses stay denied"));
            }
            known_nets.extend(nets);
            known_domains.extend(domains);
        }
        if self.mode == Mode::Public && !(self.allow.is_empty() && self.allow_nets.is_empty()) {
            let text =
                "destinations are listed as allowed, but everything public is: set OXIDIFY_EGRESS_MODE=allowlist";
            warnings.push(format!("{}: {text}", path.display()));
        }
        Ok(warnings)
    }

    /// Adds what no user's call may reach: the port this process serves on, and the databases, stores
    /// and daemons the environment names.
    #[must_use]
    pub fn protecting(mut self, read: impl Fn(&str) -> Option<String>, served_port: u16) -> Self {
        self.own_services.push(OwnService { host: "0.0.0.0".into(), port: served_port });
        let text = |name: &str| read(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        for (host, port, usual) in OWN_HOSTS {
            if let Some(host) = text(host) {
                let port = text(port).and_then(|port| port.parse().ok()).unwrap_or(*usual);
                self.own_services.push(OwnService { host, port });
            }
        }
        for url in OWN_URLS.iter().filter_map(|name| text(name)).filter_map(|url| url::Url::parse(&url).ok()) {
            if let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) {
                let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
                self.own_services.push(OwnService { host, port });
            }
        }
        self
    }

    /// The egress proxy that carries calls of this class and scheme.
    #[must_use]
    pub fn egress_proxy(&self, class: Class, scheme: &str) -> Option<&Url> {
        let proxy = if scheme == "https" { &self.proxy_https } else { &self.proxy_http };
        proxy.as_ref().filter(|_| class.uses_proxy())
    }

    /// What opens private addresses to this class.
    #[must_use]
    pub fn opening(&self, class: Class) -> Option<&'static str> {
        match class {
            Class::Operator => Some(rule::OPERATOR),
            Class::Model if self.model_private => Some(rule::MODELS),
            _ => self.dev_mode.then_some(rule::DEV),
        }
    }

    /// Whether the operator opened this name.
    #[must_use]
    pub fn allows_private_name(&self, name: &str, port: u16) -> bool {
        self.allow_private_domains.iter().any(|rule| rule.covers(name, port))
    }

    /// Whether the list of allow-list mode has this address.
    #[must_use]
    pub fn allows_address(&self, address: IpAddr) -> bool {
        let real = crate::address::unwrap(address);
        self.allow_nets.iter().any(|net| net.contains(&address) || net.contains(&real))
    }

    /// Whether the operator opened this address, in any of its spellings.
    #[must_use]
    pub fn allows_private_address(&self, address: IpAddr) -> bool {
        let real = crate::address::unwrap(address);
        self.allow_private_nets.iter().any(|net| net.contains(&address) || net.contains(&real))
    }
}

fn proxy_url(name: &str, text: &str, warnings: &mut Vec<String>) -> Option<Url> {
    match Url::parse(text) {
        Ok(url) if url.scheme() == "http" && url.has_host() => Some(url),
        _ => {
            warnings.push(format!("{name} is not of the form http://host:port; ignored"));
            None
        }
    }
}

fn upstream(mut proxy: Url) -> Upstream {
    let resolves = proxy.query_pairs().any(|(key, value)| key == "resolve_remotely" && is_true(&value));
    proxy.set_query(None);
    Upstream { proxy, resolves }
}

/// How settings say yes.
pub fn is_true(text: &str) -> bool {
    matches!(text.to_ascii_lowercase().as_str(), "true" | "1" | "yes" | "on" | "t" | "y")
}

fn opens_metadata(net: &IpNet) -> bool {
    net.prefix_len() >= 24 && crate::address::kind(net.addr()) == crate::address::AddressKind::Metadata
}

fn items(text: Option<String>) -> Vec<String> {
    let text = text.unwrap_or_default();
    let parts = text.split(|c: char| c == ',' || c.is_whitespace());
    parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// A range, or an address as the range of itself.
pub fn net_or_address(text: &str) -> Option<IpNet> {
    IpNet::from_str(text).ok().or_else(|| IpAddr::from_str(text).ok().map(IpNet::from))
}

/// Addresses and domains of a list.
pub fn lists(text: Option<String>, setting: &str, warnings: &mut Vec<String>) -> (Vec<IpNet>, Vec<DomainRule>) {
    let (mut nets, mut names) = (Vec::new(), Vec::new());
    for item in items(text) {
        if let Some(net) = net_or_address(&item) {
            nets.push(net);
        } else if let Some(rule) = DomainRule::parse(&item) {
            names.push(rule);
        } else {
            warnings.push(format!("{setting}: '{item}' is neither an address range nor a domain; ignored"));
        }
    }
    (nets, names)
}

fn delegation(text: Option<String>, warnings: &mut Vec<String>) -> Delegation {
    match text {
        None => Delegation::Nothing,
        Some(yes) if is_true(&yes) => Delegation::Everything,
        Some(no) if matches!(no.to_ascii_lowercase().as_str(), "false" | "0" | "no" | "off" | "f" | "n") => {
            Delegation::Nothing
        }
        Some(list) => {
            let (nets, domains) = lists(Some(list), "OXIDIFY_EGRESS_WORKSPACE_PRIVATE", warnings);
            Delegation::Within { nets, domains }
        }
    }
}

fn connect_ports(text: Option<String>, warnings: &mut Vec<String>) -> Vec<(u16, u16)> {
    let name = "OXIDIFY_EGRESS_CONNECT_PORTS";
    let mut ranges = Vec::new();
    let given = items(text);
    for item in &given {
        match crate::squid::ports(item) {
            Some(range) => ranges.push(range),
            None => warnings.push(format!("{name}: '{item}' is neither a port nor a range of ports; ignored")),
        }
    }
    if given.is_empty() { CONNECT_PORTS.to_vec() } else { ranges }
}

fn domains(text: Option<String>, warnings: &mut Vec<String>) -> Vec<DomainRule> {
    let mut rules = Vec::new();
    for item in items(text) {
        match DomainRule::parse(&item) {
            Some(rule) => rules.push(rule),
            None => warnings.push(format!("SSRF_PROXY_ALLOW_PRIVATE_DOMAINS: '{item}' is not a domain; ignored")),
        }
    }
    rules
}

/// Settings that name our own services by host and port, with the usual port.
const OWN_HOSTS: &[(&str, &str, u16)] = &[
    ("DB_HOST", "DB_PORT", 5432),
    ("REDIS_HOST", "REDIS_PORT", 6379),
    ("PGVECTOR_HOST", "PGVECTOR_PORT", 5432),
    ("MILVUS_HOST", "MILVUS_PORT", 19530),
    ("OPENSEARCH_HOST", "OPENSEARCH_PORT", 9200),
    ("ELASTICSEARCH_HOST", "ELASTICSEARCH_PORT", 9200),
    ("CHROMA_HOST", "CHROMA_PORT", 8000),
];

/// Settings that name our own services by URL.
const OWN_URLS: &[&str] = &["CODE_EXECUTION_ENDPOINT", "PLUGIN_DAEMON_URL", "QDRANT_URL", "WEAVIATE_ENDPOINT"];

/// Ports that no setting opens: services that answer to text a URL can carry.
const NEVER_PORTS: &[u16] = &[
    1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110,
    111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532,
    540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 5060, 5061, 6000,
    6379, 6566, 6665, 6666, 6667, 6668, 6669, 6697, 10080, 11211, 27017,
];

/// Whether calls to this port are offered.
#[must_use]
pub fn is_port_offered(port: u16) -> bool {
    (port == 80 || port == 443 || port >= 1025) && !NEVER_PORTS.contains(&port)
}
