//! What clients say to the forward proxy.

use std::{io, net::SocketAddr, sync::Arc};

use async_trait::async_trait;
use ox_net::{Dialed, Dialer, Egress, ForwardConfig, ForwardProxy, Policy, Resolved, Resolver, Search};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Run, Shape, Target, signature, texts};

pub const TARGET: Target = Target {
    name: "proxy",
    shape: Shape::Text,
    seeds: || {
        texts(&[
            "GET http://pub.test/a?b HTTP/1.1\r\nHost: pub.test\r\nConnection: keep-alive, x\r\nX: 1\r\n\r\n",
            "CONNECT pub.test:443 HTTP/1.1\r\nHost: pub.test:443\r\nProxy-Authorization: Basic dTpw\r\n\r\n\u{16}\u{3}\u{1}",
            "POST http://93.184.216.34:8080/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            "PUT http://[2606:2800:220:1::1]/ HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi",
            "GET /health HTTP/1.1\r\n\r\n",
        ])
    },
    words: &[
        "GET ",
        "CONNECT ",
        "http://",
        "https://",
        "pub.test",
        "127.0.0.1",
        "[::1]",
        "@",
        "%2f",
        "%00",
        "\\",
        ":443",
        ":0",
        " HTTP/1.1\r\n",
        "Host: ",
        "Content-Length: ",
        "Transfer-Encoding: chunked\r\n",
        "\r\n\r\n",
        "\n\n",
        "ffffffffffffffff\r\n",
        "Connection: host\r\n",
        "Upgrade: x\r\n",
        "0x7f.1",
        "2130706433",
        "①②⑦.⓪.⓪.①",
        "..",
        "xn--",
        "localhost",
    ],
    start,
};

struct Public;

#[async_trait]
impl Resolver for Public {
    async fn resolve(&self, name: &str, _search: Search) -> io::Result<Resolved> {
        let address = if name == "pub.test" { [93, 184, 216, 34] } else { [10, 0, 0, 5] };
        Ok(Resolved { addresses: vec![address.into()], chain: Vec::new() })
    }
}

/// Whoever is asked for was let through by the guard: that must never be a private address.
struct Nobody;

#[async_trait]
impl Dialer for Nobody {
    async fn dial(&self, address: SocketAddr) -> io::Result<Dialed> {
        let private = match address.ip() {
            std::net::IpAddr::V4(four) => {
                four.is_private() || four.is_loopback() || four.is_link_local() || four.is_unspecified()
            }
            std::net::IpAddr::V6(six) => six.is_loopback() || six.is_unspecified() || six.to_ipv4_mapped().is_some(),
        };
        assert!(!private, "a private address is dialled: {address}");
        Err(io::ErrorKind::ConnectionRefused.into())
    }
}

fn start() -> anyhow::Result<Run> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let egress = Egress::with_network(Policy::default(), Arc::new(Public), Arc::new(Nobody));
    let proxy = ForwardProxy::new(egress, ForwardConfig::default(), Arc::new(|access| _ = access.line()));
    Ok(Box::new(move |input| {
        let (mut client, server) = tokio::io::duplex(1 << 20);
        let talk = async {
            // Answered and closed before it has read everything.
            let _ = client.write_all(input).await;
            let _ = client.shutdown().await;
            let mut all = Vec::new();
            let _ = client.read_to_end(&mut all).await;
            all
        };
        let (answer, ()) = runtime.block_on(async { tokio::join!(talk, proxy.serve_stream(server, None)) });
        let answer = String::from_utf8_lossy(&answer);
        let head = answer.lines().take(6).collect::<Vec<_>>().join(" ");
        let status =
            head.get(9..12).unwrap_or_default().bytes().map(|digit| char::from(digit + 17)).collect::<String>();
        signature(&[&head, &status])
    }))
}
