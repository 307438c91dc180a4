//! SMTP: the protocol is lettre's, the connection is ours.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use lettre::{
    address::Envelope,
    transport::smtp::{
        authentication::{Credentials, Mechanism},
        client::{AsyncSmtpConnection, AsyncTokioStream},
        extension::ClientId,
    },
};
use ox_net::{Channel, Class, Egress};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{Error, Result, Smtp, Tls, preface};

/// The longest that connecting, or the TLS handshake, may take.
const CONNECT: Duration = Duration::from_secs(15);
/// The longest that greeting and login may take.
const HELLO: Duration = Duration::from_secs(30);
/// The longest that handing over one mail may take.
const SEND: Duration = Duration::from_secs(60);

/// Connects, secures and logs in.
pub(crate) async fn connect(egress: &Egress, smtp: &Smtp) -> Result<AsyncSmtpConnection> {
    let unavailable = |error: ox_net::NetError| Error::Unavailable(error.to_string());
    let plain = egress.connect(Class::Operator, &smtp.host, smtp.port, CONNECT).await.map_err(unavailable)?;
    let (channel, greeting): (Channel, &'static [u8]) = match smtp.tls {
        Tls::None => (plain, b""),
        Tls::Implicit => (plain.secured(CONNECT).await.map_err(unavailable)?, b""),
        // The server has greeted already, and does not do it again under TLS.
        Tls::Start => (preface::start_tls(plain, &smtp.hello, CONNECT).await?, b"220 ready\r\n"),
    };
    let begun = async {
        let hello = ClientId::Domain(smtp.hello.clone());
        let line = Box::new(Line { greeting, channel });
        let mut connection = AsyncSmtpConnection::connect_with_transport(line, &hello).await?;
        if let Some((name, password)) = &smtp.credentials {
            let credentials = Credentials::new(name.clone(), password.clone());
            connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials).await?;
        }
        Ok(connection)
    };
    let begun = tokio::time::timeout(HELLO, begun).await;
    let begun = begun.map_err(|_| Error::Unavailable(format!("no greeting or login within {HELLO:?}")))?;
    begun.map_err(|error: lettre::transport::smtp::Error| Error::Unavailable(cause(&error)))
}

/// Hands one message over.
pub(crate) async fn send(connection: &mut AsyncSmtpConnection, envelope: &Envelope, message: &[u8]) -> Result<()> {
    let sent = tokio::time::timeout(SEND, connection.send(envelope, message)).await;
    let sent = sent.map_err(|_| Error::Temporary(format!("the mail server did not take it within {SEND:?}")))?;
    match sent {
        Ok(_) => Ok(()),
        Err(error) if error.is_permanent() => Err(Error::Refused(cause(&error))),
        Err(error) => Err(Error::Temporary(cause(&error))),
    }
}

/// An error with what is behind it, in one line.
fn cause(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(inner) = next {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        next = inner.source();
    }
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).take(500).collect()
}

/// A connection as lettre wants it; what the server should have said first may be said for it.
#[derive(Debug)]
struct Line {
    greeting: &'static [u8],
    channel: Channel,
}

impl AsyncTokioStream for Line {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.channel.peer())
    }
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.greeting.is_empty() {
            return Pin::new(&mut self.channel).poll_read(cx, buffer);
        }
        let (now, later) = self.greeting.split_at(self.greeting.len().min(buffer.remaining()));
        buffer.put_slice(now);
        self.greeting = later;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.channel).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.channel).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.channel).poll_shutdown(cx)
    }
}
