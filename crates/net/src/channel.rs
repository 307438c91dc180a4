//! One open connection, plain or secured: under HTTP calls, and for other protocols (mail) by itself.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
    time::Duration,
};

use hyper_util::client::legacy::connect::{Connected, Connection};
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::TlsConnector;

use crate::{Class, Dialed, Egress, NetError, Phase, TargetHost, tls};

/// A stream of either kind, that may be looked at from several threads.
trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for T {}

/// An open connection to a server, plain or secured.
pub struct Channel {
    stream: Box<dyn Stream>,
    host: TargetHost,
    peer: SocketAddr,
    /// Both ends agreed on HTTP/2.
    h2: bool,
    /// A proxy at the other end takes whole URLs.
    proxied: bool,
}

/// Who is at the other end of the connection that an answer came by.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

impl std::fmt::Debug for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Channel").field("host", &self.host).field("peer", &self.peer).finish_non_exhaustive()
    }
}

impl Egress {
    /// Connects to a host and port under the rules of this class.
    ///
    /// # Errors
    /// A refusal, that the name cannot be resolved, or that nobody answers in time.
    pub async fn connect(&self, class: Class, host: &str, port: u16, limit: Duration) -> Result<Channel, NetError> {
        let shown = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        // The guard reads addresses as URLs; the scheme only says where the host begins.
        let pinned = self.judge(self.asker(class), &format!("https://{shown}:{port}/")).await?;
        let dialed = self.dial(&pinned, limit).await?;
        Ok(Channel::plain(dialed, pinned.target.host))
    }
}

impl Channel {
    /// A fresh connection; `host` is who the other end must be once it is secured.
    pub(crate) fn plain(dialed: Dialed, host: TargetHost) -> Self {
        Self { stream: Box::new(dialed.stream), host, peer: dialed.peer, h2: false, proxied: false }
    }

    /// The same, with a proxy at the other end that is told whole URLs.
    pub(crate) fn through_proxy(self) -> Self {
        Self { proxied: true, ..self }
    }

    /// The address at the other end.
    #[must_use]
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// The connection with TLS on it; the certificate must be that of the host that was dialled.
    ///
    /// # Errors
    /// When the other end does not speak TLS, or its certificate is not trusted.
    pub async fn secured(self, limit: Duration) -> Result<Self, NetError> {
        let host = self.host.to_string();
        let secured = tokio::time::timeout(limit, self.secured_by(config()?)).await;
        secured.map_err(|_| NetError::Timeout { host, phase: Phase::Connect, limit })?
    }

    /// [`Channel::secured`] in the way of one kind of call; its caller limits the time.
    pub(crate) async fn secured_by(self, config: Arc<ClientConfig>) -> Result<Self, NetError> {
        let failed = |why: String| NetError::Connect { host: self.host.to_string(), why };
        let name = match &self.host {
            TargetHost::Address(address) => ServerName::from(*address),
            TargetHost::Name(name) => ServerName::try_from(name.clone()).map_err(|error| failed(error.to_string()))?,
        };
        let secured = TlsConnector::from(config).connect(name, self.stream).await;
        let secured = secured.map_err(|error| failed(error.to_string()))?;
        let h2 = secured.get_ref().1.alpn_protocol() == Some(b"h2");
        Ok(Self { stream: Box::new(secured), h2, ..self })
    }
}

/// As for HTTP, without HTTP's protocols.
fn config() -> Result<Arc<ClientConfig>, NetError> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(config) = CONFIG.get() {
        return Ok(Arc::clone(config));
    }
    let mut config = ClientConfig::clone(&*tls::client_config(tls::Verify::Yes, None)?);
    config.alpn_protocols.clear();
    Ok(Arc::clone(CONFIG.get_or_init(|| Arc::new(config))))
}

impl Connection for Channel {
    fn connected(&self) -> Connected {
        let connected = Connected::new().proxy(self.proxied).extra(Peer(self.peer));
        if self.h2 { connected.negotiated_h2() } else { connected }
    }
}

impl AsyncRead for Channel {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Channel {
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
