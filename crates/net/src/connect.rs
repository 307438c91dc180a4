//! Connections for outgoing calls: dialled at the checked addresses, or through a proxy of the operator's.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::BytesMut;
use http::Uri;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::io::AsyncWriteExt;
use tower_service::Service;
use url::Url;

use crate::{
    Channel, Dialed, Dialer, NetError, Phase, Pinned, Reason, Resolver, Search, Target, TargetHost, dial,
    forward::read_answer,
    guard::{denied, rule},
};

/// A proxy between this process and the checked destination.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Via {
    pub proxy: Url,
    pub kind: ViaKind,
}

/// What is said to the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ViaKind {
    /// The whole URL, for plain http to an egress proxy.
    Forward,
    /// `CONNECT` with the name: an egress proxy resolves and checks by itself.
    TunnelByName,
    /// `CONNECT` with the checked address.
    TunnelByAddress,
}

impl Via {
    /// The proxy's credentials as a header value.
    pub fn authorization(&self) -> Option<String> {
        let (user, password) = (self.proxy.username(), self.proxy.password().unwrap_or_default());
        if user.is_empty() && password.is_empty() {
            return None;
        }
        let plain = |text: &str| percent_decoded(text);
        Some(format!("Basic {}", STANDARD.encode(format!("{}:{}", plain(user), plain(password)))))
    }
}

/// Text of a URL's user part.
pub fn percent_decoded(text: &str) -> String {
    let pair = format!("x={}", text.replace('+', "%2B"));
    url::form_urlencoded::parse(pair.as_bytes()).next().map_or_else(String::new, |(_, value)| value.into_owned())
}

/// Makes the connections of one client: all to the same checked addresses.
#[derive(Clone)]
pub struct Connector {
    pub dialer: Arc<dyn Dialer>,
    pub resolver: Arc<dyn Resolver>,
    pub pinned: Arc<Pinned>,
    pub tls: Option<Arc<ClientConfig>>,
    pub via: Option<Via>,
    pub limit: Duration,
}

/// Why there is no connection; in a shape that hyper carries around.
#[derive(Clone, Debug)]
pub struct ConnectFault(pub NetError);

impl std::fmt::Display for ConnectFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for ConnectFault {}

impl Service<Uri> for Connector {
    type Response = TokioIo<Channel>;
    type Error = ConnectFault;
    type Future = Pin<Box<dyn Future<Output = Result<TokioIo<Channel>, ConnectFault>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), ConnectFault>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _uri: Uri) -> Self::Future {
        // Where it goes was decided by the guard, not by what the client says now.
        let connector = self.clone();
        Box::pin(async move {
            let (host, limit) = (connector.pinned.target.host.to_string(), connector.limit);
            let opened = tokio::time::timeout(limit, connector.open()).await;
            let timed_out = |_| NetError::Timeout { host, phase: Phase::Connect, limit };
            opened.map_err(timed_out).and_then(|opened| opened).map(TokioIo::new).map_err(ConnectFault)
        })
    }
}

impl Connector {
    async fn open(&self) -> Result<Channel, NetError> {
        let dialed = match &self.via {
            None => dial::dial_pinned(self.dialer.as_ref(), &self.pinned, self.limit).await?,
            Some(via) => self.dial_proxy(via).await?,
        };
        let mut channel = Channel::plain(dialed, self.pinned.target.host.clone());
        match &self.via {
            Some(via) if via.kind == ViaKind::Forward => channel = channel.through_proxy(),
            Some(via) => self.tunnel(&mut channel, via).await?,
            None => {}
        }
        match &self.tls {
            Some(config) => channel.secured_by(Arc::clone(config)).await,
            None => Ok(channel),
        }
    }

    fn failed(&self, why: String) -> NetError {
        NetError::Connect { host: self.pinned.target.host.to_string(), why }
    }

    /// The proxy's own name is the operator's setting: it is resolved as every program does it.
    async fn dial_proxy(&self, via: &Via) -> Result<Dialed, NetError> {
        let target = Target::of_operator(&via.proxy)?;
        let addresses = match &target.host {
            TargetHost::Address(address) => vec![*address],
            TargetHost::Name(name) => {
                let resolved = self.resolver.resolve(name, Search::System).await;
                let failed = |error: io::Error| NetError::Dns { name: name.clone(), why: error.to_string() };
                resolved.map_err(failed)?.addresses
            }
        };
        let addresses = addresses.into_iter().map(|address| (address, target.port).into()).collect();
        let pinned = Pinned { target, addresses, rule: rule::OPERATOR };
        dial::dial_pinned(self.dialer.as_ref(), &pinned, self.limit).await
    }

    async fn tunnel(&self, channel: &mut Channel, via: &Via) -> Result<(), NetError> {
        let target = &self.pinned.target;
        let asked = match (via.kind, self.pinned.addresses.first()) {
            (ViaKind::TunnelByAddress, Some(address)) => address.to_string(),
            _ => format!("{}:{}", target.host, target.port),
        };
        let authorization =
            via.authorization().map_or_else(String::new, |value| format!("Proxy-Authorization: {value}\r\n"));
        let request = format!("CONNECT {asked} HTTP/1.1\r\nHost: {asked}\r\n{authorization}\r\n");
        channel.write_all(request.as_bytes()).await.map_err(|error| self.failed(error.to_string()))?;
        let mut buffer = BytesMut::new();
        let answer = read_answer(channel, &mut buffer).await;
        let answer = answer.map_err(|_| self.failed("the proxy's answer is not HTTP".into()))?;
        if answer.status == 200 {
            return Ok(());
        }
        if answer.is_refusal() {
            let why = answer.header("x-egress-reason").map_or_else(String::new, |reason| format!(" ({reason})"));
            let detail = format!("the egress proxy refused it{why}");
            return Err(denied(target, Reason::Proxy, detail, "An operator can change the rules of that proxy.").into());
        }
        Err(self.failed(format!("the proxy answered {}", answer.status)))
    }
}
