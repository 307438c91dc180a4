//! `CONNECT`: a tunnel to a checked address.

use std::{net::IpAddr, time::Duration};

use bytes::BytesMut;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::Instant,
};

use super::{Access, Inner, answer::Answer, head::Head, hello, pipe};
use crate::{NetError, Pinned, Target, TargetHost, guard::Asker};

/// For the client's greeting once the tunnel is open.
const GREETING: Duration = Duration::from_secs(10);

pub async fn serve(
    proxy: &Inner,
    client: &mut (impl AsyncRead + AsyncWrite + Send + Unpin),
    buffer: &mut BytesMut,
    head: &Head,
    from: Option<IpAddr>,
    began: Instant,
) {
    let (pinned, mut origin) = match open(proxy, head, from).await {
        Ok(opened) => opened,
        Err(error) => {
            proxy.refuse(client, from, Some(head), &Answer::failure(&error), began).await;
            return;
        }
    };
    let mut access = proxy.access(from, Some(head), began);
    access.result = "TCP_TUNNEL";
    access.status = 200;
    access.peer = origin.peer_addr().ok().map(|peer| peer.ip());
    access.rule = pinned.rule;
    let (bytes, fault) = relay(proxy, client, buffer, &mut origin, &pinned.target).await;
    finish(proxy, access, began, bytes, fault);
}

fn finish(proxy: &Inner, mut access: Access, began: Instant, bytes: u64, fault: Option<&'static str>) {
    access.took = began.elapsed();
    access.bytes = bytes;
    if let Some(fault) = fault {
        access.reason = "tunnel";
        tracing::warn!(
            client = ?access.client,
            target = access.url,
            fault,
            "Request blocked by SSRF proxy: the tunnel was closed (OXIDIFY_EGRESS_CONNECT_STRICT=false lets other bytes pass)"
        );
    }
    (proxy.log)(&access);
}

async fn open(proxy: &Inner, head: &Head, from: Option<IpAddr>) -> Result<(Pinned, TcpStream), NetError> {
    let asker = Asker { client: from, method: "CONNECT", ..proxy.egress.asker(proxy.config.class) };
    // The authority form means what the same host and port mean in a URL.
    let pinned = proxy.egress.judge(asker, &format!("https://{}/", head.target)).await?;
    let dialed = proxy.egress.dial(&pinned, proxy.config.connect).await?;
    Ok((pinned, dialed.stream))
}

async fn relay(
    proxy: &Inner,
    client: &mut (impl AsyncRead + AsyncWrite + Send + Unpin),
    buffer: &mut BytesMut,
    origin: &mut TcpStream,
    target: &Target,
) -> (u64, Option<&'static str>) {
    if client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.is_err() {
        return (0, None);
    }
    if proxy.config.strict {
        let greeting = tokio::time::timeout(GREETING, hello::read(client, buffer)).await;
        let fault = match greeting {
            Err(_) => Some("no TLS greeting within 10 s"),
            // A client that leaves without a word did nothing wrong.
            Ok(Err(_)) if buffer.is_empty() => return (0, None),
            Ok(Err(fault)) => Some(fault),
            Ok(Ok(name)) => {
                let same = name.is_none_or(|name| target.host == TargetHost::Name(name));
                (!same).then_some("the TLS greeting asks for another host than CONNECT did")
            }
        };
        if fault.is_some() {
            return (0, fault);
        }
    }
    if origin.write_all(buffer).await.is_err() {
        return (0, None);
    }
    buffer.clear();
    (pipe::both_ways(client, origin, proxy.config.idle).await, None)
}
