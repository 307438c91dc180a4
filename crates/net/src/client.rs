//! The one place that makes HTTP calls.

use std::{
    collections::{HashMap, HashSet},
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use http_body_util::Full;
use hyper_util::{
    client::legacy,
    rt::{TokioExecutor, TokioTimer},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

use crate::{
    Caller, Class, Dialed, Dialer, NetError, Phase, Pinned, Policy, Reason, Request, Resolver, Response, Rules,
    SystemDialer, SystemResolver, TargetHost,
    channel::Peer,
    connect::{ConnectFault, Connector, Via, ViaKind, percent_decoded},
    dial,
    guard::{Asker, Guard, denied, rule},
    redirect::{next_location, redirected},
    tls::{self, Verify},
    told,
    unzip::Unzip,
};

/// Clients kept; each holds the connections to one pinned set of addresses.
const MAX_CLIENTS: usize = 512;
/// How long a user's connections are reused: limits the window of a changed name.
const USER_AGE: Duration = Duration::from_secs(60);
/// The same for addresses an administrator set.
const ADMIN_AGE: Duration = Duration::from_secs(600);
/// How long a checked administrator's address is called without asking the resolver again.
const ADMIN_CHECKED: Duration = Duration::from_secs(30);
/// Before the first repetition of a call; doubles.
const RETRY_PAUSE: Duration = Duration::from_millis(500);
const AGENT: HeaderValue = HeaderValue::from_static(concat!("Oxidify/", env!("CARGO_PKG_VERSION")));
const MAX_HEADER_BYTES: usize = 64 * 1024;

/// The client factory: every call that leaves the process goes through one of these. Cheap to clone.
#[derive(Clone)]
pub struct Egress {
    state: Arc<RwLock<Arc<State>>>,
    resolver: Arc<dyn Resolver>,
    dialer: Arc<dyn Dialer>,
    rules: Option<Arc<Rules>>,
    caller: Arc<Caller>,
}

struct State {
    guard: Guard,
    resolver: Arc<dyn Resolver>,
    dialer: Arc<dyn Dialer>,
    /// Calls of users at a time, where the operator limits them.
    slots: Option<Arc<Semaphore>>,
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
    via: Option<Via>,
}

type HttpClient = legacy::Client<Connector, Full<Bytes>>;

struct Entry {
    client: HttpClient,
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
    rule: &'static str,
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
        let state = State::new(policy, Arc::clone(&resolver), Arc::clone(&dialer));
        Self { state: Arc::new(RwLock::new(Arc::new(state))), resolver, dialer, rules: None, caller: Arc::default() }
    }

    /// The same factory for the calls of one workspace, which also keep to its rules.
    #[must_use]
    pub fn within(&self, rules: Arc<Rules>) -> Self {
        Self { rules: Some(rules), ..self.clone() }
    }

    /// The same factory for the calls of one caller, who is told in the log.
    #[must_use]
    pub fn called_by(&self, caller: Caller) -> Self {
        Self { caller: Arc::new(caller), ..self.clone() }
    }

    /// The rules of the workspace whose calls these are.
    #[must_use]
    pub fn rules(&self) -> Option<Arc<Rules>> {
        self.rules.clone()
    }

    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Whether workspaces may open private destinations by their rules.
    #[must_use]
    pub fn workspaces_may_open(&self) -> bool {
        self.state().guard.policy().workspace_private.is_offered()
    }

    pub(crate) fn asker(&self, class: Class) -> Asker<'_> {
        Asker { rules: self.rules.as_deref(), caller: &self.caller, ..class.into() }
    }

    /// The proxy that carries calls of this class and scheme, without its credentials.
    #[must_use]
    pub fn carrier(&self, class: Class, https: bool) -> Option<String> {
        let via = self.state().via(class, https)?;
        Some(crate::target::shown(via.proxy.as_str()))
    }

    /// Replaces the policy: open calls go on, kept connections are not used again.
    pub fn set_policy(&self, policy: Policy) {
        let fresh = Arc::new(State::new(policy, Arc::clone(&self.resolver), Arc::clone(&self.dialer)));
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
        self.state().guard.check(url, self.asker(class)).await
    }

    /// [`Egress::check`] for a request that is about to be made, told and counted.
    pub(crate) async fn judge(&self, asker: Asker<'_>, url: &str) -> Result<Pinned, NetError> {
        let result = self.state().guard.check(url, asker).await;
        told::count(asker, &result);
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
        self.send_counted(request).await.0
    }

    /// [`Egress::send`]; also how often the call was made again.
    pub async fn send_counted(&self, request: Request) -> (Result<Response, NetError>, u32) {
        let class = request.class;
        let asker = self.asker(class);
        let (result, retries) = self.state().send(request, asker).await;
        told::count(asker, &result);
        (result, retries)
    }
}

impl State {
    fn new(policy: Policy, resolver: Arc<dyn Resolver>, dialer: Arc<dyn Dialer>) -> Self {
        let slots = policy.calls.connections.map(|count| Arc::new(Semaphore::new(count)));
        let guard = Guard::new(policy, Arc::clone(&resolver));
        Self { guard, resolver, dialer, slots, clients: Mutex::default(), checked: Mutex::default() }
    }

    /// Makes the call, again when it failed in a way that a repetition can mend and not harm.
    async fn send(&self, mut request: Request, asker: Asker<'_>) -> (Result<Response, NetError>, u32) {
        self.guard.policy().calls.apply(&mut request);
        let deadline = Instant::now() + request.limits.total;
        let slot = match self.slot(&request, deadline).await {
            Ok(slot) => slot,
            Err(error) => return (Err(error), 0),
        };
        let most = request.retries.unwrap_or_else(|| self.guard.policy().calls.retries_of(request.class));
        let (mut retries, mut pause) = (0, RETRY_PAUSE);
        loop {
            let mut result = self.follow(request.clone(), asker, deadline).await;
            let last = retries >= most || Instant::now() + pause >= deadline;
            if last || !can_repeat(&request.method, &result) {
                if let Ok(response) = &mut result {
                    response.slot = slot;
                }
                return (result, retries);
            }
            tokio::time::sleep(pause).await;
            retries += 1;
            pause = pause.saturating_mul(2);
        }
    }

    async fn slot(&self, request: &Request, deadline: Instant) -> Result<Option<OwnedSemaphorePermit>, NetError> {
        let Some(slots) = self.slots.as_ref().filter(|_| request.class.uses_proxy()) else {
            return Ok(None);
        };
        let waited = tokio::time::timeout_at(deadline, Arc::clone(slots).acquire_owned()).await;
        let host = crate::target::shown(&request.url);
        let timed_out = |_| NetError::Timeout { host, phase: Phase::Total, limit: request.limits.total };
        Ok(waited.map_err(timed_out)?.ok())
    }

    async fn follow(&self, mut request: Request, asker: Asker<'_>, deadline: Instant) -> Result<Response, NetError> {
        let class = request.class;
        let first_url = request.url.clone();
        let mut seen = HashSet::new();
        for redirects in 0.. {
            let pinned = self.pinned(&request, asker).await?;
            self.check_request(&request, &pinned)?;
            let looped = !seen.insert((request.method.clone(), pinned.target.url.to_string()));
            if redirects > class.max_redirects() || looped {
                let url = crate::target::shown(&first_url);
                return Err(NetError::TooManyRedirects { url, limit: class.max_redirects() });
            }
            let response = self.hop(&request, &pinned, asker, deadline, redirects).await?;
            let Some(location) = next_location(&request, &response) else { return Ok(response) };
            request = redirected(request, &pinned, response.status, &location)?;
        }
        Err(NetError::Setup("unreachable: redirects are limited".into()))
    }

    /// Asks the guard, or takes its recent answer for an administrator's address.
    async fn pinned(&self, request: &Request, asker: Asker<'_>) -> Result<Pinned, NetError> {
        let class = request.class;
        let policy = self.guard.policy();
        let remote = policy.upstream.as_ref().is_some_and(|upstream| upstream.resolves) && class == Class::Operator;
        if remote || (policy.egress_proxy(class, "https").is_some() && policy.skip_local_check) {
            let target = crate::Target::parse(&request.url, class)?;
            self.guard.check_listed(&target, asker, None)?;
            return Ok(Pinned { target, addresses: Vec::new(), rule: rule::PROXY });
        }
        let ruled = asker.own_rules().is_some_and(|rules| !rules.is_empty());
        if ruled || !class.is_steady() {
            return self.guard.check(&request.url, asker).await;
        }
        let target = crate::Target::parse(&request.url, class)?;
        let https = target.url.scheme() == "https";
        let key = CheckedKey { class, https, host: target.host.clone(), port: target.port };
        let now = Instant::now();
        {
            let checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(found) = checked.get(&key).filter(|found| found.until > now) {
                return Ok(Pinned { addresses: found.addresses.clone(), target, rule: found.rule });
            }
        }
        let pinned = self.guard.check(&request.url, asker).await?;
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        if checked.len() >= MAX_CLIENTS {
            checked.retain(|_, found| found.until > now);
        }
        if checked.len() < MAX_CLIENTS {
            let addresses = pinned.addresses.clone();
            checked.insert(key, Checked { addresses, rule: pinned.rule, until: now + ADMIN_CHECKED });
        }
        Ok(pinned)
    }

    /// The proxy for this call, if the operator set one.
    fn via(&self, class: Class, https: bool) -> Option<Via> {
        let policy = self.guard.policy();
        if let Some(proxy) = policy.egress_proxy(class, if https { "https" } else { "http" }) {
            let kind = if https { ViaKind::TunnelByName } else { ViaKind::Forward };
            return Some(Via { proxy: proxy.clone(), kind });
        }
        let upstream = policy.upstream.as_ref()?;
        let kind = if upstream.resolves { ViaKind::TunnelByName } else { ViaKind::TunnelByAddress };
        Some(Via { proxy: upstream.proxy.clone(), kind })
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
        asker: Asker<'_>,
        deadline: Instant,
        redirects: usize,
    ) -> Result<Response, NetError> {
        let host = pinned.target.host.to_string();
        let https = pinned.target.url.scheme() == "https";
        let via = self.via(request.class, https);
        let client = self.client(request, pinned, https, via.clone())?;
        let call = client.request(built(request, pinned, via.as_ref())?);
        let left = deadline.saturating_duration_since(Instant::now());
        let (wait, phase, limit) = if left < request.limits.first_byte {
            (left, Phase::Total, request.limits.total)
        } else {
            (request.limits.first_byte, Phase::FirstByte, request.limits.first_byte)
        };
        let answer = tokio::time::timeout(wait, call).await;
        let answer = answer.map_err(|_| NetError::Timeout { host: host.clone(), phase, limit })?;
        let (head, body) = answer.map_err(|error| send_error(&error, &host))?.into_parts();
        // Through a proxy, the other end of the connection is the proxy.
        let peer = head.extensions.get::<Peer>().filter(|_| via.is_none()).map(|peer| peer.0);
        let ip = peer.or_else(|| pinned.addresses.first().copied()).map(|address| address.ip());
        let forwarded = via.is_some_and(|via| via.kind == ViaKind::Forward);
        if forwarded && is_proxy_refusal(head.status, &head.headers) {
            let reason = head.headers.get("x-egress-reason").and_then(|value| value.to_str().ok());
            let reason = reason.map_or_else(String::new, |reason| format!(" ({reason})"));
            let detail = format!("the egress proxy refused it{reason}");
            let remedy = "An operator can change the rules of that proxy.";
            return Err(denied(&pinned.target, Reason::Proxy, detail, remedy).into());
        }
        told::allowed(asker, pinned, ip, &request.method, head.status);
        let mut headers = head.headers;
        let size: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
        if size > MAX_HEADER_BYTES {
            return Err(NetError::TooLarge { host, limit: MAX_HEADER_BYTES as u64 });
        }
        let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        if let Some(length) = length.filter(|length| *length > request.limits.body)
            && request.method != Method::HEAD
        {
            tracing::debug!(length, "answer refused by its length");
            return Err(NetError::TooLarge { host, limit: request.limits.body });
        }
        let unzip = unzip_of(request, head.status, &mut headers);
        Ok(Response {
            status: head.status,
            headers,
            url: pinned.target.url.clone(),
            redirects,
            body,
            unzip,
            host,
            limits: request.limits,
            deadline,
            received: 0,
            slot: None,
        })
    }

    /// The client whose connections go to exactly these addresses.
    fn client(
        &self,
        request: &Request,
        pinned: &Pinned,
        https: bool,
        via: Option<Via>,
    ) -> Result<HttpClient, NetError> {
        let key = Key {
            class: request.class,
            https,
            host: pinned.target.host.clone(),
            addresses: pinned.addresses.clone(),
            verify: request.verify,
            connect: request.limits.connect,
            via,
        };
        let now = Instant::now();
        let age = if key.class.is_steady() { ADMIN_AGE } else { USER_AGE };
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = clients.get(&key).filter(|entry| now.duration_since(entry.made) < age) {
            return Ok(entry.client.clone());
        }
        let client = self.build(&key, pinned)?;
        if clients.len() >= MAX_CLIENTS {
            clients.retain(|_, entry| now.duration_since(entry.made) < USER_AGE);
            if clients.len() >= MAX_CLIENTS {
                clients.clear();
            }
        }
        clients.insert(key, Entry { client: client.clone(), made: now });
        Ok(client)
    }

    fn build(&self, key: &Key, pinned: &Pinned) -> Result<HttpClient, NetError> {
        let policy = self.guard.policy();
        let profile = policy.node_tls.as_deref().filter(|_| key.class == Class::HttpNode);
        let connector = Connector {
            dialer: Arc::clone(&self.dialer),
            resolver: Arc::clone(&self.resolver),
            pinned: Arc::new(pinned.clone()),
            tls: if key.https { Some(tls::client_config(key.verify, profile)?) } else { None },
            via: key.via.clone(),
            limit: key.connect,
        };
        let user = key.class.uses_proxy();
        let idle = policy.calls.idle.filter(|_| user).unwrap_or(USER_AGE).min(USER_AGE);
        Ok(legacy::Client::builder(TokioExecutor::new())
            .pool_idle_timeout(idle)
            .pool_max_idle_per_host(policy.calls.idle_connections.filter(|_| user).unwrap_or(usize::MAX))
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .http1_max_buf_size(2 * MAX_HEADER_BYTES)
            .http1_max_headers(256)
            .http2_max_header_list_size(u32::try_from(MAX_HEADER_BYTES).unwrap_or(u32::MAX))
            .build(connector))
    }
}

/// The request as it is sent.
fn built(request: &Request, pinned: &Pinned, via: Option<&Via>) -> Result<http::Request<Full<Bytes>>, NetError> {
    let mut url = pinned.target.url.clone();
    let (user, password) = (percent_decoded(url.username()), percent_decoded(url.password().unwrap_or_default()));
    // Neither fails: the URL has a host.
    _ = (url.set_username(""), url.set_password(None));
    url.set_fragment(None);
    let uri: Uri =
        url.as_str().parse().map_err(|error| NetError::Setup(format!("the request cannot be built: {error}")))?;
    let mut built = http::Request::new(Full::new(request.body.clone()));
    *built.method_mut() = request.method.clone();
    *built.uri_mut() = uri;
    let headers = built.headers_mut();
    *headers = request.headers.clone();
    let mut default = |name: header::HeaderName, value: HeaderValue| {
        headers.entry(name).or_insert(value);
    };
    default(header::ACCEPT, HeaderValue::from_static("*/*"));
    default(header::USER_AGENT, AGENT);
    if !request.headers.contains_key(header::RANGE) {
        default(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    }
    let secret = |text: String| {
        let mut value = HeaderValue::try_from(text).map_err(|error| NetError::Setup(error.to_string()))?;
        value.set_sensitive(true);
        Ok::<_, NetError>(value)
    };
    if !(user.is_empty() && password.is_empty()) {
        default(header::AUTHORIZATION, secret(format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))?);
    }
    if let Some(via) = via.filter(|via| via.kind == ViaKind::Forward)
        && let Some(authorization) = via.authorization()
    {
        headers.insert(header::PROXY_AUTHORIZATION, secret(authorization)?);
    }
    Ok(built)
}

/// For an answer that is compressed: the headers then speak of the plain one.
fn unzip_of(request: &Request, status: StatusCode, headers: &mut HeaderMap) -> Option<Box<Unzip>> {
    let packed = headers.get(header::CONTENT_ENCODING)?.as_bytes().eq_ignore_ascii_case(b"gzip");
    if !packed || request.method == Method::HEAD || matches!(status.as_u16(), 204 | 304) {
        return None;
    }
    headers.remove(header::CONTENT_ENCODING);
    headers.remove(header::CONTENT_LENGTH);
    Some(Box::new(Unzip::new(request.limits.body)))
}

/// Whether a call may be made again: it never arrived, or it only reads.
fn can_repeat(method: &Method, result: &Result<Response, NetError>) -> bool {
    let reads = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    match result {
        Ok(response) => reads && matches!(response.status.as_u16(), 429 | 500 | 502 | 503 | 504),
        Err(NetError::Connect { .. } | NetError::Timeout { phase: Phase::Connect, .. }) => true,
        Err(NetError::Broken { .. }) => reads,
        Err(_) => false,
    }
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

fn send_error(error: &legacy::Error, host: &str) -> NetError {
    let host = host.to_owned();
    let mut inner: Option<&(dyn std::error::Error + 'static)> = Some(error);
    let mut why = "the request failed".to_owned();
    while let Some(found) = inner {
        if let Some(fault) = found.downcast_ref::<ConnectFault>() {
            return fault.0.clone();
        }
        if found.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse_too_large) {
            return NetError::TooLarge { host, limit: MAX_HEADER_BYTES as u64 };
        }
        // The innermost text: the outer ones only say that the request failed.
        why = found.to_string();
        inner = found.source();
    }
    NetError::Broken { host, why }
}

/// The innermost text of an error.
pub fn cause(error: &hyper::Error) -> String {
    let mut inner: &dyn std::error::Error = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}
