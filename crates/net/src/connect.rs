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
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::{
    client::legacy::connect::{Connected, Connection},
    rt::TokioIo,
};
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio_rustls::TlsConnector;
use tower_service::Service;
use url::Url;

use crate::{
    Dialer, NetError, Phase, Pinned, Reason, Resolver, Search, Target, TargetHost, dial, forward::read_answer,
    guard::denied,
};

/// A stream of either kind.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

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
    type Response = Conn;
    type Error = ConnectFault;
    type Future = Pin<Box<dyn Future<Output = Result<Conn, ConnectFault>> + Send>>;

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
            opened.map_err(timed_out).and_then(|opened| opened).map_err(ConnectFault)
        })
    }
}

impl Connector {
    async fn open(&self) -> Result<Conn, NetError> {
        let mut stream: Box<dyn Stream> = match &self.via {
            None => Box::new(dial::dial_pinned(self.dialer.as_ref(), &self.pinned, self.limit).await?.stream),
            Some(via) => Box::new(self.dial_proxy(via).await?),
        };
        if let Some(via) = self.via.as_ref().filter(|via| via.kind != ViaKind::Forward) {
            self.tunnel(stream.as_mut(), via).await?;
        }
        let proxied = self.via.as_ref().is_some_and(|via| via.kind == ViaKind::Forward);
        let Some(config) = &self.tls else { return Ok(Conn { stream: TokioIo::new(stream), h2: false, proxied }) };
        let name = match &self.pinned.target.host {
            TargetHost::Address(address) => ServerName::from(*address),
            TargetHost::Name(name) => {
                ServerName::try_from(name.clone()).map_err(|error| self.failed(error.to_string()))?
            }
        };
        let secured = TlsConnector::from(Arc::clone(config)).connect(name, stream).await;
        let secured = secured.map_err(|error| self.failed(error.to_string()))?;
        let h2 = secured.get_ref().1.alpn_protocol() == Some(b"h2");
        Ok(Conn { stream: TokioIo::new(Box::new(secured)), h2, proxied })
    }

    fn failed(&self, why: String) -> NetError {
        NetError::Connect { host: self.pinned.target.host.to_string(), why }
    }

    /// The proxy's own name is the operator's setting: it is resolved as every program does it.
    async fn dial_proxy(&self, via: &Via) -> Result<tokio::net::TcpStream, NetError> {
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
        Ok(dial::dial_pinned(self.dialer.as_ref(), &Pinned { target, addresses }, self.limit).await?.stream)
    }

    async fn tunnel(&self, stream: &mut dyn Stream, via: &Via) -> Result<(), NetError> {
        let target = &self.pinned.target;
        let asked = match (via.kind, self.pinned.addresses.first()) {
            (ViaKind::TunnelByAddress, Some(address)) => address.to_string(),
            _ => format!("{}:{}", target.host, target.port),
        };
        let authorization =
            via.authorization().map_or_else(String::new, |value| format!("Proxy-Authorization: {value}\r\n"));
        let request = format!("CONNECT {asked} HTTP/1.1\r\nHost: {asked}\r\n{authorization}\r\n");
        stream.write_all(request.as_bytes()).await.map_err(|error| self.failed(error.to_string()))?;
        let mut buffer = BytesMut::new();
        let mut stream = stream;
        let answer = read_answer(&mut stream, &mut buffer).await;
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

/// An open connection as hyper wants it.
pub struct Conn {
    stream: TokioIo<Box<dyn Stream>>,
    h2: bool,
    proxied: bool,
}

impl Connection for Conn {
    fn connected(&self) -> Connected {
        let connected = Connected::new().proxy(self.proxied);
        if self.h2 { connected.negotiated_h2() } else { connected }
    }
}

impl Read for Conn {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl Write for Conn {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }
}
