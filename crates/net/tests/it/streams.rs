//! The forward proxy and clients that take their time, close half, send much, or stay.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use ox_net::{DomainRule, ForwardConfig, Policy};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::{
    proxy::{Bench, bench, bench_with, greeting},
    server::{Server, whole},
};

const PATIENCE: Duration = Duration::from_secs(20);

async fn connected(bench: &Bench) -> TcpStream {
    let mut stream = TcpStream::connect(bench.proxy).await.unwrap();
    stream.write_all(b"CONNECT pub.test:443 HTTP/1.1\r\nHost: pub.test\r\n\r\n").await.unwrap();
    let mut head = [0; 39];
    stream.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 200 Connection established\r\n\r\n");
    stream
}

async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut all)).await.unwrap().unwrap();
    all
}

#[tokio::test]
async fn tunnels_stay_open_on_the_other_half() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = bench(listener.local_addr().unwrap()).await;
    let hello = greeting("pub.test");

    // The client ends first: the origin sees the end and still answers.
    let mut client = connected(&origin).await;
    client.write_all(&hello).await.unwrap();
    client.shutdown().await.unwrap();
    let (mut far, _) = listener.accept().await.unwrap();
    assert_eq!(rest(&mut far).await, hello);
    far.write_all(b"late").await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    far.write_all(b" answer").await.unwrap();
    drop(far);
    assert_eq!(rest(&mut client).await, b"late answer");

    // The origin ends first: the client sees the end and goes on sending.
    let mut client = connected(&origin).await;
    client.write_all(&hello).await.unwrap();
    let (mut far, _) = listener.accept().await.unwrap();
    far.write_all(b"all").await.unwrap();
    far.shutdown().await.unwrap();
    assert_eq!(rest(&mut client).await, b"all");
    client.write_all(b"more").await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(rest(&mut far).await, [&hello[..], b"more"].concat());
    let ended = async {
        while origin.log.lock().unwrap().len() < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, ended).await.unwrap();
    let bytes: Vec<u64> = origin.log.lock().unwrap().iter().map(|access| access.bytes).collect();
    assert_eq!(bytes, [11, 3]);
}

#[tokio::test]
async fn a_slow_client_is_served_and_one_that_stops_is_not_waited_for() {
    let origin = Server::start(|seen| whole("200 OK", "", &seen.line)).await;
    let config = ForwardConfig { read: Duration::from_millis(400), ..ForwardConfig::default() };
    let bench = bench_with(config, Policy::default(), origin.address).await;
    let mut stream = TcpStream::connect(bench.proxy).await.unwrap();
    let text = "POST http://pub.test/slow HTTP/1.1\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello";
    for byte in text.bytes() {
        stream.write_all(&[byte]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    let answer = String::from_utf8(rest(&mut stream).await).unwrap();
    assert!(answer.ends_with("POST /slow HTTP/1.1"), "{answer}");
    assert_eq!(origin.seen().last().unwrap().body, b"hello");
    // A body that stops halfway.
    let mut stream = TcpStream::connect(bench.proxy).await.unwrap();
    stream.write_all(b"POST http://pub.test/stuck HTTP/1.1\r\nContent-Length: 5\r\n\r\nhe").await.unwrap();
    let answer = String::from_utf8(rest(&mut stream).await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400") || answer.starts_with("HTTP/1.1 504"), "{answer}");
}

#[tokio::test]
async fn a_client_that_does_not_read_holds_no_memory() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sent = Arc::new(AtomicUsize::new(0));
    let (address, count) = (listener.local_addr().unwrap(), Arc::clone(&sent));
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0_u8; 4096];
        _ = stream.read(&mut request).await;
        _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        while stream.write_all(&[b'x'; 65536]).await.is_ok() {
            count.fetch_add(65536, Ordering::Relaxed);
        }
    });
    let config = ForwardConfig { read: Duration::from_secs(1), ..ForwardConfig::default() };
    let bench = bench_with(config, Policy::default(), address).await;
    let mut stream = TcpStream::connect(bench.proxy).await.unwrap();
    stream.write_all(b"GET http://pub.test/ HTTP/1.1\r\n\r\n").await.unwrap();
    // It is cut off, and until then no more was taken from the origin than sockets hold.
    let cut = async {
        while bench.log.lock().unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await
        }
    };
    tokio::time::timeout(PATIENCE, cut).await.unwrap();
    assert_eq!(bench.log.lock().unwrap()[0].result, "TCP_MISS_ABORTED");
    assert!(sent.load(Ordering::Relaxed) < 32 << 20, "{}", sent.load(Ordering::Relaxed));
}

#[tokio::test]
async fn heads_of_many_headers() {
    let origin = Server::start(|seen| whole("200 OK", "", &seen.head.lines().count().to_string())).await;
    let bench = bench(origin.address).await;
    for (count, size, status) in [(200, 10, 200), (200, 300, 200), (300, 10, 431), (200, 400, 431), (1, 70_000, 431)] {
        let headers: String = (0..count).map(|number| format!("x-{number}: {}\r\n", "v".repeat(size))).collect();
        let mut stream = TcpStream::connect(bench.proxy).await.unwrap();
        let request = format!("GET http://pub.test/ HTTP/1.1\r\nConnection: close\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let answer = String::from_utf8(rest(&mut stream).await).unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{count} of {size}: {answer:.200}");
    }
}

/// Takes one answer with a length from a kept connection: its status and body.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> (u16, String) {
    loop {
        let text = String::from_utf8_lossy(buffer).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
            let length: usize = length.unwrap_or(0);
            if body.len() >= length {
                let status = head.split(' ').nth(1).unwrap().parse().unwrap();
                let body = body[..length].to_owned();
                buffer.drain(..head.len() + 4 + length);
                return (status, body);
            }
        }
        let mut piece = [0_u8; 4096];
        let count = tokio::time::timeout(PATIENCE, stream.read(&mut piece)).await.unwrap().unwrap();
        assert!(count > 0, "the connection ended: {text}");
        buffer.extend_from_slice(&piece[..count]);
    }
}

#[tokio::test]
async fn one_connection_many_requests() {
    let origin = Server::start(|seen| whole("200 OK", "", &format!("{} {}", seen.line, seen.body.len()))).await;
    let bench = bench(origin.address).await;
    let mut stream = TcpStream::connect(bench.proxy).await.unwrap();
    let mut buffer = Vec::new();
    for round in 0..100 {
        let body = "b".repeat(round * 7 % 50);
        let request = format!("POST http://pub.test/{round} HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        stream.write_all(request.as_bytes()).await.unwrap();
        let (status, text) = answer(&mut stream, &mut buffer).await;
        assert_eq!((status, text), (200, format!("POST /{round} HTTP/1.1 {}", body.len())));
    }
    assert_eq!(bench.log.lock().unwrap().len(), 100);
}

#[tokio::test]
async fn a_policy_changes_under_load() {
    let origin = Server::start(|_| whole("200 OK", "", "x")).await;
    let bench = Arc::new(bench(origin.address).await);
    let denied = || Policy { deny_domains: vec![DomainRule::parse("pub.test").unwrap()], ..Policy::default() };
    let mut clients = JoinSet::new();
    for _ in 0..8 {
        let bench = Arc::clone(&bench);
        clients.spawn(async move {
            let (mut passed, mut refused) = (0, 0);
            for _ in 0..60 {
                let mut stream = TcpStream::connect(bench.proxy).await.unwrap();
                stream.write_all(b"GET http://pub.test/ HTTP/1.1\r\nConnection: close\r\n\r\n").await.unwrap();
                let text = String::from_utf8(rest(&mut stream).await).unwrap();
                match text.split(' ').nth(1).unwrap() {
                    "200" => passed += 1,
                    "403" => refused += 1,
                    _ => panic!("{text}"),
                }
            }
            (passed, refused)
        });
    }
    for round in 0..40 {
        bench.forward.set_policy(if round % 2 == 0 { denied() } else { Policy::default() });
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let (mut passed, mut refused) = (0, 0);
    while let Some(counts) = clients.join_next().await {
        let (some, others) = counts.unwrap();
        passed += some;
        refused += others;
    }
    assert_eq!(passed + refused, 480);
    assert!(passed > 0, "{refused} refused");
    bench.forward.set_policy(denied());
    let mut stream = TcpStream::connect(bench.proxy).await.unwrap();
    stream.write_all(b"GET http://pub.test/ HTTP/1.1\r\nConnection: close\r\n\r\n").await.unwrap();
    assert!(rest(&mut stream).await.starts_with(b"HTTP/1.1 403 "));
}
