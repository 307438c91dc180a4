//! Other ends that never stop: endless answers, bombs, drips; and what the environment must not change.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use ox_net::{Class, DomainRule, Egress, Limits, Policy, Request};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinSet,
};

use crate::{
    names::Names,
    server::{Server, whole},
};

fn egress() -> Egress {
    let names = Names::fixture();
    names.set("a.test", &["127.0.0.1"]);
    let rules = vec![DomainRule::parse("a.test").unwrap()];
    Egress::with_resolver(Policy { allow_private_domains: rules, ..Policy::default() }, names)
}

/// Answers with a head and then the same piece for as long as somebody takes it; counts what was taken.
async fn endless(head: &'static str, piece: Vec<u8>) -> (SocketAddr, Arc<AtomicU64>, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let sent = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&sent);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0_u8; 4096];
            _ = stream.read(&mut request).await;
            _ = stream.write_all(head.as_bytes()).await;
            while stream.write_all(&piece).await.is_ok() {
                count.fetch_add(piece.len() as u64, Ordering::Relaxed);
                tokio::task::yield_now().await;
            }
        }
    });
    (address, sent, tasks)
}

fn chunked(piece: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat()
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

const MEGABYTE: u64 = 1024 * 1024;

#[tokio::test]
async fn case_121_answers_without_end() {
    let zeros = packed(&vec![0; 1 << 18]);
    for (what, head, piece) in [
        ("10 GB by its length", "HTTP/1.1 200 OK\r\ncontent-length: 10737418240\r\n\r\n", vec![b'x'; 65536]),
        ("no length", "HTTP/1.1 200 OK\r\n\r\n", vec![b'x'; 65536]),
        ("chunks", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", chunked(&[b'x'; 65536])),
        (
            "many small chunks",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            b"8\r\nxxxxxxxx\r\n".repeat(1000),
        ),
        ("gzip after gzip", "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n", zeros.clone()),
        (
            "gzip in chunks",
            "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n",
            chunked(&zeros),
        ),
    ] {
        let (address, sent, _tasks) = endless(head, piece).await;
        let limits = Limits { body: MEGABYTE / 8, ..Limits::default() };
        let request = Request { limits, ..Request::get(Class::HttpNode, format!("http://a.test:{}/", address.port())) };
        let found = match egress().send(request).await {
            Ok(response) => response.bytes().await.map(|bytes| bytes.len()),
            Err(error) => Err(error),
        };
        let code = found.as_ref().err().map(ox_net::NetError::code);
        assert_eq!(code, Some("too_large"), "{what}: {found:?}");
        // What lies in the buffers of both ends is more than was read.
        assert!(sent.load(Ordering::Relaxed) < 64 * MEGABYTE, "{what}");
    }
}

#[tokio::test]
async fn heads_and_interim_answers_without_end() {
    for (what, head, piece) in [
        ("one header line", "HTTP/1.1 200 OK\r\nx: ", vec![b'x'; 65536]),
        ("many headers", "HTTP/1.1 200 OK\r\n", b"x: y\r\n".repeat(1000)),
        ("no head", "HTTP/1.1 200 ", vec![b' '; 65536]),
        ("interim answers", "", b"HTTP/1.1 100 Continue\r\n\r\n".repeat(1000)),
    ] {
        let (address, _, _tasks) = endless(head, piece).await;
        let limits = Limits { first_byte: Duration::from_secs(2), ..Limits::default() };
        let url = format!("http://a.test:{}/", address.port());
        let request = Request { limits, retries: Some(0), ..Request::get(Class::HttpNode, url) };
        let began = Instant::now();
        let error = egress().send(request).await.unwrap_err();
        assert!(began.elapsed() < Duration::from_secs(60), "{what}: {error}");
    }
}

#[tokio::test]
async fn case_122_a_drip_ends_with_the_call() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0_u8; 4096];
            _ = stream.read(&mut request).await;
            for byte in b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n".iter().chain(std::iter::repeat(&b'x')) {
                if stream.write_all(&[*byte]).await.is_err() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    });
    for (first_byte, total, phase) in [(200, 60_000, "first byte"), (5_000, 2_000, "the whole call")] {
        let limits = Limits {
            first_byte: Duration::from_millis(first_byte),
            total: Duration::from_millis(total),
            ..Limits::default()
        };
        let url = format!("http://a.test:{port}/");
        let request = Request { limits, retries: Some(0), ..Request::get(Class::HttpNode, url) };
        let began = Instant::now();
        let error = match egress().send(request).await {
            Ok(response) => response.bytes().await.unwrap_err(),
            Err(error) => error,
        };
        assert!(error.code() == "timeout" && error.to_string().contains(phase), "{error}");
        assert!(began.elapsed() < Duration::from_secs(60));
    }
}

/// The environment belongs to a process, so the call is made in one of its own.
#[tokio::test]
async fn case_125_proxies_of_the_environment_are_ignored() {
    const INSIDE: &str = "OXIDIFY_TEST_ENVIRONMENT_PROXY";
    let answer = |text: &'static str| move |_: &crate::server::Seen| whole("200 OK", "", text);
    if std::env::var_os(INSIDE).is_some() {
        assert!(std::env::var("http_proxy").unwrap().starts_with("http://127.0.0.1:"));
        let origin = Server::start(answer("direct")).await;
        let (policy, warnings) = Policy::from_env(|name| std::env::var(name).ok());
        assert!(warnings.is_empty(), "{warnings:?}");
        let opened = Policy { allow_private_nets: vec!["127.0.0.0/8".parse().unwrap()], ..policy };
        for class in [Class::HttpNode, Class::Tool, Class::Fetch, Class::ExternalApi, Class::Model, Class::Operator] {
            let response = Egress::new(opened.clone()).send(Request::get(class, origin.url("/"))).await.unwrap();
            assert_eq!(response.text().await.unwrap(), "direct", "{class:?}");
        }
        return;
    }
    let evil = Server::start(answer("evil")).await;
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
    child.args(["limits::case_125_proxies_of_the_environment_are_ignored", "--exact", "--nocapture"]);
    child.env(INSIDE, "1").env_remove("NO_PROXY").env_remove("no_proxy").kill_on_drop(true);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
        child.env(name, evil.url(""));
    }
    let output = child.output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains("1 passed"), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(evil.connections(), 0, "the proxy of the environment was asked");
}
