//! Connections for protocols other than HTTP (mail): dialled under the same guard, secured with the same roots.

use std::{
    io,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
    time::Duration,
};

use rustls::{ClientConfig, pki_types::ServerName};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::TlsConnector;

use crate::{Class, Egress, NetError, Phase, TargetHost, guard::Asker, tls};

/// A stream of either kind, that may be looked at from several threads.
trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for T {}

/// An open connection to a server, plain or secured.
pub struct Channel {
    stream: Box<dyn Stream>,
    host: TargetHost,
    peer: std::net::SocketAddr,
}

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
        let pinned = self.judge(Asker::from(class), &format!("https://{shown}:{port}/")).await?;
        let dialed = self.dial(&pinned, limit).await?;
        Ok(Channel { stream: Box::new(dialed.stream), host: pinned.target.host, peer: dialed.peer })
    }
}

impl Channel {
    /// The address at the other end.
    #[must_use]
    pub fn peer(&self) -> std::net::SocketAddr {
        self.peer
    }

    /// The connection with TLS on it; the certificate must be that of the host that was dialled.
    ///
    /// # Errors
    /// When the other end does not speak TLS, or its certificate is not trusted.
    pub async fn secured(self, limit: Duration) -> Result<Self, NetError> {
        let Self { stream, host, peer } = self;
        let failed = |why: String| NetError::Connect { host: host.to_string(), why };
        let name = match &host {
            TargetHost::Address(address) => ServerName::from(*address),
            TargetHost::Name(name) => ServerName::try_from(name.clone()).map_err(|error| failed(error.to_string()))?,
        };
        let handshake = TlsConnector::from(config()?).connect(name, stream);
        let secured = tokio::time::timeout(limit, handshake).await;
        let secured =
            secured.map_err(|_| NetError::Timeout { host: host.to_string(), phase: Phase::Connect, limit })?;
        let secured = secured.map_err(|error| failed(error.to_string()))?;
        Ok(Self { stream: Box::new(secured), host, peer })
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
}
