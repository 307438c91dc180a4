//! The egress policy as a forward proxy: for programs of other processes (code sandboxes, plugins, another platform's
//! servers) that are pointed at it by `HTTP_PROXY` and `HTTPS_PROXY`.
//!
//! It speaks HTTP/1.1 to its clients: absolute-form requests are relayed, `CONNECT` opens a tunnel. Every destination
//! passes the same guard as the calls of this process and exactly the checked addresses are dialled.

mod accelerator;
mod access;
mod answer;
mod framing;
mod head;
mod hello;
mod pipe;
mod relay;
mod tunnel;

use std::{
    future::Future,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::BytesMut;
use ipnet::IpNet;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::Semaphore,
    task::JoinSet,
    time::Instant,
};

use self::{answer::Answer, head::Head};
use crate::{Class, Egress, Policy, address};

pub use access::Access;
pub(crate) use head::read_answer;

/// Pause after the system refused to give another connection (out of descriptors).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How a proxy serves.
#[derive(Clone, Debug)]
pub struct ForwardConfig {
    /// Whose calls these are.
    pub class: Class,
    /// `OXIDIFY_EGRESS_CLIENTS`: client networks besides the private ones.
    pub clients: Vec<IpNet>,
    /// `OXIDIFY_EGRESS_PROXY_AUTH`: `user:password` that clients must give.
    pub auth: Option<String>,
    /// `OXIDIFY_EGRESS_CONNECT_STRICT`: tunnels carry TLS to the named host and nothing else.
    pub strict: bool,
    /// Connections served at a time.
    pub connections: usize,
    /// Until a request's head is complete (`SSRF_REQUEST_TIMEOUT`).
    pub request: Duration,
    pub connect: Duration,
    /// Between two pieces of an answer (`SSRF_READ_TIMEOUT`).
    pub read: Duration,
    /// Of a kept connection and of a tunnel.
    pub idle: Duration,
    /// For open connections when it stops.
    pub shutdown: Duration,
    /// Bytes of a request's body.
    pub body: u64,
}

impl Default for ForwardConfig {
    fn default() -> Self {
        Self {
            class: Class::Proxy,
            clients: Vec::new(),
            auth: None,
            strict: true,
            connections: 1024,
            request: Duration::from_secs(120),
            connect: Duration::from_secs(30),
            read: Duration::from_secs(120),
            idle: Duration::from_secs(300),
            shutdown: Duration::from_secs(30),
            body: 100 * 1024 * 1024,
        }
    }
}

impl ForwardConfig {
    /// Reads the settings; what cannot be read keeps its default and is told.
    #[must_use]
    pub fn from_env(read: impl Fn(&str) -> Option<String>) -> (Self, Vec<String>) {
        let mut warnings = Vec::new();
        let usual = Self::default();
        let text = |name: &str| read(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let mut number = |name: &str, usual: u64| match text(name).map(|value| (value.parse(), value)) {
            None => usual,
            Some((Ok(number), _)) if number > 0 => number,
            Some((_, value)) => {
                warnings.push(format!("{name}={value} is not a positive whole number; using {usual}"));
                usual
            }
        };
        let seconds = |number: u64| Duration::from_secs(number);
        let config = Self {
            request: seconds(number("SSRF_REQUEST_TIMEOUT", usual.request.as_secs())),
            read: seconds(number("SSRF_READ_TIMEOUT", usual.read.as_secs())),
            connections: usize::try_from(number("OXIDIFY_EGRESS_CONNECTIONS", usual.connections as u64))
                .unwrap_or(usual.connections)
                .min(Semaphore::MAX_PERMITS),
            auth: text("OXIDIFY_EGRESS_PROXY_AUTH"),
            strict: text("OXIDIFY_EGRESS_CONNECT_STRICT").is_none_or(|value| crate::policy::is_true(&value)),
            clients: Vec::new(),
            ..usual
        };
        let name = "OXIDIFY_EGRESS_CLIENTS";
        let (clients, stray) = crate::policy::lists(text(name), name, &mut warnings);
        if !stray.is_empty() {
            warnings.push(format!("{name} takes addresses and ranges, no names"));
        }
        (Self { clients, ..config }, warnings)
    }
}

/// Gets a line about every request.
pub type AccessLog = Arc<dyn Fn(&Access) + Send + Sync>;

/// A forward proxy over an egress policy. Cheap to clone.
#[derive(Clone)]
pub struct ForwardProxy {
    inner: Arc<Inner>,
}

struct Inner {
    egress: Egress,
    config: ForwardConfig,
    log: AccessLog,
    slots: Arc<Semaphore>,
}

impl ForwardProxy {
    /// A proxy that decides by this policy.
    #[must_use]
    pub fn new(egress: Egress, config: ForwardConfig, log: AccessLog) -> Self {
        let slots = Arc::new(Semaphore::new(config.connections));
        Self { inner: Arc::new(Inner { egress, config, log, slots }) }
    }

    /// Replaces the policy: requests under way go on, the next one is judged by the new one.
    pub fn set_policy(&self, policy: Policy) {
        self.inner.egress.set_policy(policy);
    }

    /// Serves until `stop` ends, then lets open connections end for a while.
    pub async fn serve(&self, listener: TcpListener, stop: impl Future<Output = ()>) {
        self.accept(listener, stop, |inner, stream, client| async move {
            inner.connection(stream, Some(client.ip())).await;
        })
        .await;
    }

    /// Relays every connection to the code sandbox `host:port` and nowhere else, until `stop` ends.
    pub async fn serve_accelerator(
        &self,
        listener: TcpListener,
        host: String,
        port: u16,
        stop: impl Future<Output = ()>,
    ) {
        self.accept(listener, stop, move |inner, stream, client| {
            let host = host.clone();
            async move { accelerator::serve(&inner, stream, client.ip(), &host, port).await }
        })
        .await;
    }

    /// Serves one connection that somebody else accepted; a client without an address is one of this machine.
    pub async fn serve_stream(&self, stream: impl AsyncRead + AsyncWrite + Send + Unpin, client: Option<IpAddr>) {
        self.inner.connection(stream, client).await;
    }

    async fn accept<F, C>(&self, listener: TcpListener, stop: impl Future<Output = ()>, serve: F)
    where
        F: Fn(Arc<Inner>, tokio::net::TcpStream, SocketAddr) -> C,
        C: Future<Output = ()> + Send + 'static,
    {
        let mut stop = std::pin::pin!(stop);
        let mut open = JoinSet::new();
        loop {
            tokio::select! {
                () = &mut stop => break,
                Some(_) = open.join_next() => {}
                accepted = listener.accept() => match accepted {
                    Ok((stream, client)) => {
                        // Tokens leave as they come; a failed option costs latency, not correctness.
                        let _ = stream.set_nodelay(true);
                        open.spawn(serve(Arc::clone(&self.inner), stream, client));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        drop(listener);
        let drained = async { while open.join_next().await.is_some() {} };
        // What is still open then is cut off with the set.
        let _ = tokio::time::timeout(self.inner.config.shutdown, drained).await;
    }
}

/// What a connection does after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Keep,
    Close,
}

impl Inner {
    async fn connection(&self, mut stream: impl AsyncRead + AsyncWrite + Send + Unpin, client: Option<IpAddr>) {
        let Ok(_slot) = self.slots.try_acquire() else {
            answer::send(&mut stream, &Answer::overloaded().bytes()).await;
            return;
        };
        let mut buffer = BytesMut::new();
        let mut wait = self.config.request;
        loop {
            let began = Instant::now();
            let read = tokio::time::timeout(wait, head::read_request(&mut stream, &mut buffer)).await;
            let head = match read {
                Ok(Ok(Some(head))) => head,
                // Gone, or silent.
                Ok(Ok(None)) | Err(_) => return,
                Ok(Err(fault)) => {
                    self.refuse(&mut stream, client, None, &Answer::fault(&fault), began).await;
                    return;
                }
            };
            match self.request(&mut stream, &mut buffer, &head, client, began).await {
                Next::Keep => wait = self.config.idle.min(self.config.request),
                Next::Close => return,
            }
        }
    }

    async fn request(
        &self,
        stream: &mut (impl AsyncRead + AsyncWrite + Send + Unpin),
        buffer: &mut BytesMut,
        head: &Head,
        client: Option<IpAddr>,
        began: Instant,
    ) -> Next {
        if let Some(refusal) = self.screen(head, client) {
            let own = refusal.status == 200;
            if own {
                answer::send(stream, &refusal.bytes()).await;
            } else {
                self.refuse(stream, client, Some(head), &refusal, began).await;
            }
            return Next::Close;
        }
        if head.method == "CONNECT" {
            tunnel::serve(self, stream, buffer, head, client, began).await;
            return Next::Close;
        }
        relay::serve(self, stream, buffer, head, client, began).await
    }

    /// What is answered without looking at the destination.
    fn screen(&self, head: &Head, client: Option<IpAddr>) -> Option<Answer> {
        let is_own = client.is_none_or(|client| address::unwrap(client).is_loopback());
        if !self.is_client(client) {
            return Some(Answer::stranger());
        }
        if head.target.starts_with('/') || head.target == "*" {
            let health = is_own && head.method == "GET" && head.target == "/health";
            return Some(if health { Answer::health() } else { Answer::not_a_proxy_request() });
        }
        if self.config.auth.as_ref().is_some_and(|expected| !head.is_authorized(expected)) {
            return Some(Answer::needs_credentials());
        }
        if !matches!(head.method.as_str(), "CONNECT" | "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS")
        {
            return Some(Answer::method_not_allowed(&head.method));
        }
        if head.method != "CONNECT" && head.header("upgrade").is_some() {
            return Some(Answer::upgrade_refused());
        }
        None
    }

    fn is_client(&self, client: Option<IpAddr>) -> bool {
        let Some(client) = client else { return true };
        let real = address::unwrap(client);
        address::is_site_local(real) || self.config.clients.iter().any(|net| net.contains(&real))
    }

    async fn refuse(
        &self,
        stream: &mut (impl AsyncRead + AsyncWrite + Send + Unpin),
        client: Option<IpAddr>,
        head: Option<&Head>,
        refusal: &Answer,
        began: Instant,
    ) {
        let bytes = refusal.bytes();
        let mut access = self.access(client, head, began);
        access.status = refusal.status;
        access.reason = refusal.reason;
        access.denied = refusal.denied.clone();
        access.result = if refusal.status == 403 { "TCP_DENIED" } else { "NONE" };
        access.bytes = bytes.len() as u64;
        access.mime = "text/html".to_owned();
        (self.log)(&access);
        answer::send(stream, &bytes).await;
    }

    fn access(&self, client: Option<IpAddr>, head: Option<&Head>, began: Instant) -> Access {
        let (host, port) = head.map(Head::destination).unwrap_or_default();
        Access {
            at: SystemTime::now(),
            took: began.elapsed(),
            class: self.config.class,
            caller: self.egress.caller().clone(),
            client,
            host,
            port,
            rule: "",
            denied: None,
            result: "NONE",
            status: 0,
            bytes: 0,
            method: head.map_or_else(|| "NONE".to_owned(), |head| head.method.clone()),
            url: head.map_or_else(|| "error:invalid-request".to_owned(), Head::shown_target),
            user: head.and_then(Head::user).unwrap_or_default(),
            peer: None,
            mime: String::new(),
            reason: "",
        }
    }
}
