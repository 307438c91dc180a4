//! The one place that makes HTTP calls.

use std::{
    collections::{HashMap, HashSet},
    error::Error as _,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use http::{HeaderMap, Method, StatusCode, header};
use tokio::time::Instant;

use crate::{
    Class, Dialed, Dialer, NetError, Phase, Pinned, Policy, Reason, Request, Resolver, Response, SystemDialer,
    SystemResolver, TargetHost, dial,
    guard::{Asker, Guard, denied},
    tls::{self, Verify},
};

/// Clients kept; each holds the connections to one pinned set of addresses.
const MAX_CLIENTS: usize = 512;
/// How long a user's connections are reused: limits the window of a changed name.
const USER_AGE: Duration = Duration::from_secs(60);
/// The same for addresses an administrator set.
const ADMIN_AGE: Duration = Duration::from_secs(600);
/// How long a checked administrator's address is called without asking the resolver again.
const ADMIN_CHECKED: Duration = Duration::from_secs(30);
const MAX_HEADER_BYTES: usize = 64 * 1024;

/// The client factory: every call that leaves the process goes through one of these. Cheap to clone.
#[derive(Clone)]
pub struct Egress {
    state: Arc<RwLock<Arc<State>>>,
    resolver: Arc<dyn Resolver>,
    dialer: Arc<dyn Dialer>,
}

struct State {
    guard: Guard,
    clients: Mutex<HashMap<Key, Entry>>,
    checked: Mutex<HashMap<CheckedKey, Checked>>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    class: Class,
    https: bool,
    host: TargetHost,
    addresses: Vec<SocketAddr>,
    verify: Verify,
    connect: Duration,
    proxied: bool,
}

struct Entry {
    client: reqwest::Client,
    made: Instant,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct CheckedKey {
    class: Class,
    https: bool,
    host: TargetHost,
    port: u16,
}

struct Checked {
    addresses: Vec<SocketAddr>,
    until: Instant,
}

impl Egress {
    /// A factory with the system's resolver.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self::with_resolver(policy, Arc::new(SystemResolver))
    }

    /// A factory with a resolver of the caller's.
    #[must_use]
    pub fn with_resolver(policy: Policy, resolver: Arc<dyn Resolver>) -> Self {
        Self::with_network(policy, resolver, Arc::new(SystemDialer))
    }

    /// A factory with a resolver and sockets of the caller's.
    #[must_use]
    pub fn with_network(policy: Policy, resolver: Arc<dyn Resolver>, dialer: Arc<dyn Dialer>) -> Self {
        tls::install_crypto_provider();
        let state = State::new(policy, Arc::clone(&resolver));
        Self { state: Arc::new(RwLock::new(Arc::new(state))), resolver, dialer }
    }

    /// Replaces the policy: open calls go on, kept connections are not used again.
    pub fn set_policy(&self, policy: Policy) {
        let fresh = Arc::new(State::new(policy, Arc::clone(&self.resolver)));
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = fresh;
    }

    fn state(&self) -> Arc<State> {
        Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether this class may call this URL now.
    ///
    /// # Errors
    /// The refusal, or that the name cannot be resolved.
    pub async fn check(&self, class: Class, url: &str) -> Result<Pinned, NetError> {
        self.state().guard.check(url, class.into()).await
    }

    /// [`Egress::check`] for a request that is about to be made, told and counted.
    pub(crate) async fn judge(&self, asker: Asker<'_>, url: &str) -> Result<Pinned, NetError> {
        let result = self.state().guard.check(url, asker).await;
        count(asker.class, &result);
        result
    }

    /// Connects to what passed.
    pub(crate) async fn dial(&self, pinned: &Pinned, limit: Duration) -> Result<Dialed, NetError> {
        dial::dial_pinned(self.dialer.as_ref(), pinned, limit).await
    }

    /// Makes a call; redirects are followed hop by hop, each one checked.
    ///
    /// # Errors
    /// A refusal, a limit, or that the connection failed. An answer of any status is not an error.
    pub async fn send(&self, request: Request) -> Result<Response, NetError> {
        let state = self.state();
        let class = request.class;
        let result = state.send(request).await;
        count(class, &result);
        result
    }
}

/// One metric and, for a refusal, one log line.
fn count<T>(class: Class, result: &Result<T, NetError>) {
    let outcome = match result {
        Ok(_) => "allow",
        Err(NetError::Denied(_)) => "deny",
        Err(_) => "fail",
    };
    let reason = result.as_ref().err().map_or("", NetError::code);
    metrics::counter!("oxidify_egress_requests_total", "client" => class.as_str(), "decision" => outcome, "reason" => reason)
        .increment(1);
    if let Err(NetError::Denied(refusal)) = result {
        tracing::warn!(
            class = class.as_str(),
            url = refusal.url,
            reason = refusal.reason.as_str(),
            detail = refusal.detail,
            "egress decision=deny: Request blocked by SSRF proxy"
        );
    }
}

impl State {
    fn new(policy: Policy, resolver: Arc<dyn Resolver>) -> Self {
        Self { guard: Guard::new(policy, resolver), clients: Mutex::default(), checked: Mutex::default() }
    }

    async fn send(&self, mut request: Request) -> Result<Response, NetError> {
        let class = request.class;
        let deadline = Instant::now() + request.limits.total;
        let first_url = request.url.clone();
        let mut seen = HashSet::new();
        for redirects in 0.. {
            let pinned = self.pinned(&request).await?;
            self.check_request(&request, &pinned)?;
            let looped = !seen.insert((request.method.clone(), pinned.target.url.to_string()));
            if redirects > class.max_redirects() || looped {
                let url = crate::target::shown(&first_url);
                return Err(NetError::TooManyRedirects { url, limit: class.max_redirects() });
            }
            let response = self.hop(&request, &pinned, deadline, redirects).await?;
            let Some(location) = next_location(&request, &response) else { return Ok(response) };
            request = redirected(request, &pinned, response.status, &location)?;
        }
        Err(NetError::Setup("unreachable: redirects are limited".into()))
    }

    /// Asks the guard, or takes its recent answer for an administrator's address.
    async fn pinned(&self, request: &Request) -> Result<Pinned, NetError> {
        let class = request.class;
        if self.is_proxied(class) && self.guard.policy().skip_local_check {
            let target = crate::Target::parse(&request.url, class)?;
            return Ok(Pinned { target, addresses: Vec::new() });
        }
        if !matches!(class, Class::Model | Class::Operator) {
            return self.guard.check(&request.url, class.into()).await;
        }
        let target = crate::Target::parse(&request.url, class)?;
        let https = target.url.scheme() == "https";
        let key = CheckedKey { class, https, host: target.host.clone(), port: target.port };
        let now = Instant::now();
        {
            let checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(found) = checked.get(&key).filter(|found| found.until > now) {
                return Ok(Pinned { addresses: found.addresses.clone(), target });
            }
        }
        let pinned = self.guard.check(&request.url, class.into()).await?;
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        if checked.len() >= MAX_CLIENTS {
            checked.retain(|_, found| found.until > now);
        }
        if checked.len() < MAX_CLIENTS {
            let addresses = pinned.addresses.clone();
            checked.insert(key, Checked { addresses, until: now + ADMIN_CHECKED });
        }
        Ok(pinned)
    }

    fn is_proxied(&self, class: Class) -> bool {
        class.uses_proxy() && self.guard.policy().proxy_http.is_some()
    }

    fn check_request(&self, request: &Request, pinned: &Pinned) -> Result<(), NetError> {
        let target = &pinned.target;
        if request.class == Class::Fetch && request.method != Method::GET && request.method != Method::HEAD {
            let detail = format!("{} is not offered for fetching files", request.method);
            return Err(denied(target, Reason::Method, detail, "").into());
        }
        if request.class != Class::Operator
            && let Some(host) = request.headers.get(header::HOST)
        {
            self.guard.check_host_header(target, host.to_str().unwrap_or("?"))?;
        }
        Ok(())
    }

    async fn hop(
        &self,
        request: &Request,
        pinned: &Pinned,
        deadline: Instant,
        redirects: usize,
    ) -> Result<Response, NetError> {
        let host = pinned.target.host.to_string();
        let client = self.client(request, pinned)?;
        let call = client
            .request(request.method.clone(), pinned.target.url.clone())
            .headers(request.headers.clone())
            .body(request.body.clone())
            .send();
        let left = deadline.saturating_duration_since(Instant::now());
        let (wait, phase, limit) = if left < request.limits.first_byte {
            (left, Phase::Total, request.limits.total)
        } else {
            (request.limits.first_byte, Phase::FirstByte, request.limits.first_byte)
        };
        let answer = tokio::time::timeout(wait, call).await;
        let answer = answer.map_err(|_| NetError::Timeout { host: host.clone(), phase, limit })?;
        let mut inner = answer.map_err(|error| send_error(&error, &host, request))?;
        let proxied = self.is_proxied(request.class);
        if proxied && is_proxy_refusal(inner.status(), inner.headers()) {
            let detail = "the egress proxy refused it".to_owned();
            return Err(denied(&pinned.target, Reason::Proxy, detail, "").into());
        }
        if !proxied && !inner.remote_addr().is_none_or(|peer| pinned.addresses.contains(&peer)) {
            let detail = format!("the connection ended at {:?} instead of the checked address", inner.remote_addr());
            return Err(denied(&pinned.target, Reason::Rebinding, detail, "").into());
        }
        let headers = std::mem::take(inner.headers_mut());
        let size: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
        if size > MAX_HEADER_BYTES {
            return Err(NetError::TooLarge { host, limit: MAX_HEADER_BYTES as u64 });
        }
        if let Some(length) = inner.content_length().filter(|length| *length > request.limits.body)
            && request.method != Method::HEAD
        {
            tracing::debug!(length, "answer refused by its length");
            return Err(NetError::TooLarge { host, limit: request.limits.body });
        }
        tracing::debug!(
            class = request.class.as_str(),
            host,
            status = inner.status().as_u16(),
            "egress decision=allow"
        );
        Ok(Response {
            status: inner.status(),
            headers,
            url: pinned.target.url.clone(),
            redirects,
            inner,
            host,
            limits: request.limits,
            deadline,
            received: 0,
        })
    }

    /// The client whose connections go to exactly these addresses.
    fn client(&self, request: &Request, pinned: &Pinned) -> Result<reqwest::Client, NetError> {
        let https = pinned.target.url.scheme() == "https";
        let key = Key {
            class: request.class,
            https,
            host: pinned.target.host.clone(),
            addresses: pinned.addresses.clone(),
            verify: request.verify,
            connect: request.limits.connect,
            proxied: self.is_proxied(request.class),
        };
        let now = Instant::now();
        let age = if matches!(key.class, Class::Model | Class::Operator) { ADMIN_AGE } else { USER_AGE };
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = clients.get(&key).filter(|entry| now.duration_since(entry.made) < age) {
            return Ok(entry.client.clone());
        }
        let client = self.build(&key, age)?;
        if clients.len() >= MAX_CLIENTS {
            clients.retain(|_, entry| now.duration_since(entry.made) < USER_AGE);
            if clients.len() >= MAX_CLIENTS {
                clients.clear();
            }
        }
        clients.insert(key, Entry { client: client.clone(), made: now });
        Ok(client)
    }

    #[expect(clippy::disallowed_methods, reason = "this is the client factory the rule points to")]
    fn build(&self, key: &Key, age: Duration) -> Result<reqwest::Client, NetError> {
        let setup = |error: reqwest::Error| NetError::Setup(cause(&error));
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::client_config(key.https || key.proxied, key.verify)?)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .tcp_nodelay(true)
            .user_agent(concat!("Oxidify/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(key.connect)
            .pool_idle_timeout(age.min(USER_AGE))
            .dns_resolver(NoResolver);
        if key.proxied {
            let policy = self.guard.policy();
            for proxy in [
                policy.proxy_http.as_deref().map(reqwest::Proxy::http),
                policy.proxy_https.as_deref().map(reqwest::Proxy::https),
            ]
            .into_iter()
            .flatten()
            {
                builder = builder.proxy(proxy.map_err(setup)?);
            }
            // The name to look up now is the proxy's own.
            builder = builder.dns_resolver(ProxyResolver);
        } else if let TargetHost::Name(_) = &key.host {
            builder = builder.dns_resolver(PinnedResolver(key.addresses.clone()));
        }
        builder.build().map_err(setup)
    }
}

/// For calls to a literal address: there is nothing to look up.
struct NoResolver;

impl reqwest::dns::Resolve for NoResolver {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let text = format!("{} was not resolved by the egress guard", name.as_str());
        Box::pin(async move { Err(text.into()) })
    }
}

/// Answers with the checked addresses whatever it is asked.
struct PinnedResolver(Vec<SocketAddr>);

impl reqwest::dns::Resolve for PinnedResolver {
    fn resolve(&self, _name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let addresses: reqwest::dns::Addrs = Box::new(self.0.clone().into_iter());
        Box::pin(async move { Ok(addresses) })
    }
}

/// For the egress proxy the operator set.
struct ProxyResolver;

impl reqwest::dns::Resolve for ProxyResolver {
    #[expect(clippy::disallowed_methods, reason = "the operator's own proxy is not a user's destination")]
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let addresses: reqwest::dns::Addrs = Box::new(found.into_iter());
            Ok(addresses)
        })
    }
}

fn next_location(request: &Request, response: &Response) -> Option<String> {
    let moved = matches!(response.status.as_u16(), 301 | 302 | 303 | 307 | 308);
    if !moved || !request.follow_redirects {
        return None;
    }
    let value = response.headers.get(header::LOCATION)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// The request of the next hop.
fn redirected(mut request: Request, from: &Pinned, status: StatusCode, location: &str) -> Result<Request, NetError> {
    let refuse = |reason, detail: String| NetError::from(denied(&from.target, reason, detail, ""));
    if location.chars().any(|character| character.is_control() || character == '\\') {
        return Err(refuse(Reason::Parse, "the redirect's address holds a control character or a backslash".into()));
    }
    let next = from.target.url.join(location);
    let next = next.map_err(|error| refuse(Reason::Parse, format!("the redirect's address is wrong: {error}")))?;
    if from.target.url.scheme() == "https" && next.scheme() == "http" && !request.class.may_downgrade() {
        return Err(refuse(Reason::Redirect, "a redirect from https to http".into()));
    }
    let same_origin = next.origin() == from.target.url.origin();
    if !same_origin {
        for name in [header::AUTHORIZATION, header::COOKIE, header::PROXY_AUTHORIZATION, header::HOST] {
            request.headers.remove(name);
        }
        for name in std::mem::take(&mut request.secret_headers) {
            request.headers.remove(name);
        }
    }
    let to_get = match status.as_u16() {
        303 => request.method != Method::HEAD,
        301 | 302 => request.method != Method::GET && request.method != Method::HEAD,
        _ => false,
    };
    if to_get {
        request.method = Method::GET;
        request.body = bytes::Bytes::new();
        for name in [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::CONTENT_ENCODING, header::TRANSFER_ENCODING]
        {
            request.headers.remove(name);
        }
    }
    request.url = next.into();
    Ok(request)
}

fn is_proxy_refusal(status: StatusCode, headers: &HeaderMap) -> bool {
    let named = |name: header::HeaderName| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|text| text.to_lowercase().contains("squid"))
    };
    matches!(status.as_u16(), 401 | 403) && (named(header::SERVER) || named(header::VIA))
}

fn send_error(error: &reqwest::Error, host: &str, request: &Request) -> NetError {
    let host = host.to_owned();
    if error.is_timeout() {
        return NetError::Timeout { host, phase: Phase::Connect, limit: request.limits.connect };
    }
    let why = cause(error);
    if error.is_connect() {
        return NetError::Connect { host, why };
    }
    if error.is_builder() {
        return NetError::Setup(why);
    }
    NetError::Broken { host, why }
}

/// The innermost text of an error: the outer ones only repeat the URL.
pub fn cause(error: &reqwest::Error) -> String {
    let mut inner: &dyn std::error::Error = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    if error.source().is_none() {
        // Without a source the text may hold the URL with its query.
        return if error.is_builder() { "the request cannot be built".into() } else { "the request failed".into() };
    }
    inner.to_string()
}
