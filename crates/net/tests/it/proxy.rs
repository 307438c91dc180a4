//! The forward proxy, spoken to byte by byte.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use ox_net::{Access, Dialed, Dialer, DomainRule, Egress, ForwardConfig, ForwardProxy, Policy, SystemDialer};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::{
    names::Names,
    server::{Server, Step, chunk, chunked, whole},
};

/// Connects to the test's own server whatever is asked, and notes what was.
pub struct Detour {
    pub to: SocketAddr,
    /// Who answers, when it is not the one asked.
    pub impostor: Option<SocketAddr>,
    pub asked: Mutex<Vec<SocketAddr>>,
}

impl Detour {
    pub fn to(to: SocketAddr) -> Self {
        Self { to, impostor: None, asked: Mutex::default() }
    }
}

#[async_trait]
impl Dialer for Detour {
    async fn dial(&self, address: SocketAddr) -> io::Result<Dialed> {
        self.asked.lock().unwrap().push(address);
        let dialed = SystemDialer.dial(self.to).await?;
        Ok(Dialed { stream: dialed.stream, peer: self.impostor.unwrap_or(address) })
    }
}

pub struct Bench {
    pub proxy: SocketAddr,
    pub forward: ForwardProxy,
    pub dialer: Arc<Detour>,
    pub log: Arc<Mutex<Vec<Access>>>,
    _tasks: JoinSet<()>,
}

pub async fn bench_with(config: ForwardConfig, policy: Policy, origin: SocketAddr) -> Bench {
    let dialer = Arc::new(Detour::to(origin));
    let egress = Egress::with_network(policy, Names::fixture(), dialer.clone());
    let log = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&log);
    let forward = ForwardProxy::new(egress, config, Arc::new(move |access| sink.lock().unwrap().push(access.clone())));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = listener.local_addr().unwrap();
    let mut tasks = JoinSet::new();
    let serving = forward.clone();
    tasks.spawn(async move { serving.serve(listener, std::future::pending()).await });
    Bench { proxy, forward, dialer, log, _tasks: tasks }
}

pub async fn bench(origin: SocketAddr) -> Bench {
    bench_with(ForwardConfig::default(), Policy::default(), origin).await
}

fn nobody() -> SocketAddr {
    "127.0.0.1:1".parse().unwrap()
}

impl Bench {
    /// Everything the proxy says to these bytes until it closes.
    async fn say(&self, bytes: impl AsRef<[u8]>) -> String {
        say(self.proxy, bytes.as_ref()).await
    }

    fn dialled(&self) -> usize {
        self.dialer.asked.lock().unwrap().len()
    }
}

async fn say(to: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(to).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut all = Vec::new();
    tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut all)).await.unwrap().ok();
    String::from_utf8_lossy(&all).into_owned()
}

fn header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let head = answer.split("\r\n\r\n").next().unwrap_or_default();
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

#[tokio::test]
async fn what_is_answered_without_a_connection() {
    let bench = bench(nobody()).await;
    let cases: &[(u32, &str, u16, &str)] = &[
        (45, "GET http://169.254.169.254/latest/meta-data/ HTTP/1.1\r\nHost: x\r\n\r\n", 403, "metadata"),
        (0, "GET http://127.0.0.1:80/ HTTP/1.1\r\n\r\n", 403, "private_ip"),
        (0, "GET http://0.1.2.3:80/ HTTP/1.0\r\n\r\n", 403, "private_ip"),
        (102, "CONNECT 127.0.0.1:443 HTTP/1.1\r\nHost: 127.0.0.1:443\r\n\r\n", 403, "private_ip"),
        (102, "CONNECT meta.test:443 HTTP/1.1\r\n\r\n", 403, "metadata"),
        (103, "CONNECT pub.test:25 HTTP/1.1\r\n\r\n", 403, "port"),
        (103, "CONNECT pub.test:22 HTTP/1.1\r\n\r\n", 403, "port"),
        (103, "CONNECT pub.test:80 HTTP/1.1\r\n\r\n", 403, "port"),
        (0, "CONNECT pub.test@127.0.0.1:443 HTTP/1.1\r\n\r\n", 403, "userinfo"),
        (0, "CONNECT [::1]:443 HTTP/1.1\r\n\r\n", 403, "private_ip"),
        (106, "GET http://priv.test/ HTTP/1.1\r\nHost: pub.test\r\n\r\n", 403, "private_ip"),
        (107, "GET http://pub.test/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "parse"),
        (
            107,
            "POST http://pub.test/ HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
            400,
            "parse",
        ),
        (0, "GET / HTTP/1.1\r\nHost: pub.test\r\n\r\n", 400, "parse"),
        (0, "GET /healthy HTTP/1.1\r\n\r\n", 400, "parse"),
        (0, "PURGE http://pub.test/ HTTP/1.1\r\n\r\n", 405, "method"),
        (0, "TRACE http://pub.test/ HTTP/1.1\r\n\r\n", 405, "method"),
        (0, "GET http://pub.test/ HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", 400, "parse"),
        (0, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "parse"),
        (0, "GET http://nowhere.test/ HTTP/1.1\r\n\r\n", 503, "dns_failed"),
        (0, "CONNECT nowhere.test:443 HTTP/1.1\r\n\r\n", 503, "dns_failed"),
        (0, "GET https://pub.test/ HTTP/1.1\r\n\r\n", 403, "scheme"),
        (0, "GET ftp://pub.test/ HTTP/1.1\r\n\r\n", 403, "scheme"),
        (0, "POST http://pub.test/ HTTP/1.1\r\nContent-Length: 999999999999\r\n\r\n", 413, "too_large"),
        (60, "GET http://cname.test/ HTTP/1.1\r\n\r\n", 403, "metadata"),
    ];
    for (number, request, status, reason) in cases {
        let answer = bench.say(request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "case {number}: {request}: {answer}");
        assert_eq!(header(&answer, "x-egress-reason"), Some(*reason), "case {number}: {request}: {answer}");
        assert!(header(&answer, "server").unwrap().contains("squid"), "{answer}");
        if *status == 403 {
            assert_eq!(header(&answer, "via"), Some("1.1 oxidify-egress (squid)"));
            assert_eq!(header(&answer, "x-squid-error"), Some("ERR_ACCESS_DENIED 0"));
            assert!(answer.contains("Access Denied") && answer.contains("Request blocked by SSRF proxy"), "{answer}");
        }
        if *status == 503 {
            assert_eq!(header(&answer, "x-squid-error"), Some("ERR_DNS_FAIL 0"));
        }
    }
    // The nobody of port 1 was asked by none of them.
    assert_eq!(bench.dialled(), 0);
    let log = bench.log.lock().unwrap();
    assert_eq!(log.len(), cases.len());
    assert!(log[0].line().contains(" TCP_DENIED/403 "), "{}", log[0].line());
}

#[tokio::test]
async fn heads_have_a_limit_and_no_markup_comes_back() {
    let bench = bench(nobody()).await;
    let long = format!("GET http://pub.test/ HTTP/1.1\r\nX: {}\r\n\r\n", "a".repeat(70_000));
    assert!(bench.say(long).await.starts_with("HTTP/1.1 431 "));
    let answer = bench.say("GET http://priv.test/<script>alert(1)</script> HTTP/1.1\r\n\r\n").await;
    assert!(!answer.contains("<script>"), "{answer}");
    let answer = bench.say("GET /health HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("{\"status\":\"ok\"}"), "{answer}");
}

#[tokio::test]
async fn requests_are_relayed() {
    let origin = Server::start(|seen| {
        let path = seen.line.split(' ').nth(1).unwrap_or_default();
        match path {
            "/chunks" => vec![chunked("x-a: 1\r\n"), chunk("one "), chunk("two"), chunk("")],
            "/own403" => whole("403 Forbidden", "", "mine"),
            "/two-lengths" => vec![Step::Bytes(
                b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n".to_vec(),
            )],
            _ => whole("200 OK", "keep-alive: 5\r\nx-b: 2\r\n", &format!("{} {:?}", seen.line, seen.header("host"))),
        }
    })
    .await;
    let bench = bench(origin.address).await;
    let close = "Connection: close\r\n\r\n";
    let answer = bench.say(format!("GET http://pub.test/a?b=c HTTP/1.1\r\nHost: other.test\r\n{close}")).await;
    assert!(answer.ends_with("\r\n\r\nGET /a?b=c HTTP/1.1 Some(\"pub.test\")"), "{answer}");
    assert_eq!(header(&answer, "via"), Some("1.1 oxidify-egress"));
    assert_eq!((header(&answer, "keep-alive"), header(&answer, "x-b")), (None, Some("2")));
    assert_eq!(bench.dialer.asked.lock().unwrap().as_slice(), ["93.184.216.34:80".parse().unwrap()]);

    let answer = bench.say(format!("GET http://pub.test/chunks HTTP/1.1\r\n{close}")).await;
    assert!(answer.ends_with("4\r\none \r\n3\r\ntwo\r\n0\r\n\r\n"), "{answer}");
    // An origin's own 403 must not look like ours.
    let answer = bench.say(format!("GET http://pub.test/own403 HTTP/1.1\r\n{close}")).await;
    assert!(answer.starts_with("HTTP/1.1 403") && !answer.contains("squid"), "{answer}");
    let answer = bench.say(format!("GET http://pub.test/two-lengths HTTP/1.1\r\n{close}")).await;
    assert_eq!(header(&answer, "content-length"), None, "{answer}");

    let post =
        "POST http://pub.test:8080/p HTTP/1.1\r\nTransfer-Encoding: chunked\r\nProxy-Authorization: Basic eDp5\r\n";
    let answer = bench.say(format!("{post}{close}3\r\nabc\r\n0\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let seen = origin.seen().into_iter().find(|seen| seen.line.starts_with("POST /p ")).unwrap();
    assert_eq!(seen.header("transfer-encoding").as_deref(), Some("chunked"));
    assert_eq!(seen.header("proxy-authorization"), None);
    let last = bench.log.lock().unwrap().pop().unwrap();
    assert_eq!((last.user.as_str(), last.result, last.status), ("x", "TCP_MISS", 200));
}

#[tokio::test]
async fn connections_of_clients_are_kept() {
    let origin = Server::start(|seen| whole("200 OK", "", &seen.line)).await;
    let bench = bench(origin.address).await;
    let mut stream = TcpStream::connect(bench.proxy).await.unwrap();
    let two = "GET http://pub.test/1 HTTP/1.1\r\n\r\nPOST http://pub.test/2 HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi";
    stream.write_all(two.as_bytes()).await.unwrap();
    stream.write_all(b"GET http://priv.test/ HTTP/1.1\r\n\r\n").await.unwrap();
    let mut all = String::new();
    stream.read_to_string(&mut all).await.unwrap();
    assert_eq!(all.matches("HTTP/1.1 200 OK\r\n").count(), 2, "{all}");
    assert!(all.contains("HTTP/1.1 403 Forbidden"), "{all}");
    assert_eq!(origin.seen().last().unwrap().body, b"hi");
}

/// A greeting for this name, or an empty one.
pub fn greeting(name: &str) -> Vec<u8> {
    let roots = rustls::RootCertStore::empty();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.enable_sni = !name.is_empty();
    let name = if name.is_empty() { "unnamed.test" } else { name };
    let server = rustls::pki_types::ServerName::try_from(name.to_owned()).unwrap();
    let mut client = rustls::ClientConnection::new(Arc::new(config), server).unwrap();
    let mut bytes = Vec::new();
    client.write_tls(&mut bytes).unwrap();
    bytes
}

#[tokio::test]
async fn tunnels() {
    let origin = Server::start(|_| Vec::new()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut echo = JoinSet::new();
    echo.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = vec![0; 65536];
            while let Ok(count @ 1..) = stream.read(&mut bytes).await {
                stream.write_all(&bytes[..count]).await.ok();
            }
        }
    });
    drop(origin);
    let strict = bench(address).await;
    let loose =
        bench_with(ForwardConfig { strict: false, ..ForwardConfig::default() }, Policy::default(), address).await;
    let plain = b"GET / HTTP/1.1\r\nHost: pub.test\r\n\r\n".to_vec();
    for (number, bench, host, first, passes) in [
        (101, &strict, "pub.test", greeting("pub.test"), true),
        (101, &strict, "PUB.test.", greeting("Pub.Test"), true),
        (101, &strict, "pub.test", greeting(""), true),
        (101, &strict, "93.184.216.34", greeting(""), true),
        (104, &strict, "pub.test", greeting("lo.test"), false),
        (104, &strict, "93.184.216.34", greeting("pub.test"), false),
        (105, &strict, "pub.test", plain.clone(), false),
        (105, &strict, "pub.test", vec![22, 3, 1, 0, 4, 1, 0, 0, 0], false),
        (105, &loose, "pub.test", plain, true),
    ] {
        let mut stream = TcpStream::connect(bench.proxy).await.unwrap();
        stream.write_all(format!("CONNECT {host}:443 HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes()).await.unwrap();
        let mut head = [0; 39];
        stream.read_exact(&mut head).await.unwrap();
        assert_eq!(&head, b"HTTP/1.1 200 Connection established\r\n\r\n");
        // In pieces, as a network may deliver it.
        for piece in first.chunks(50) {
            stream.write_all(piece).await.ok();
            tokio::task::yield_now().await;
        }
        stream.shutdown().await.ok();
        let mut back = Vec::new();
        tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut back)).await.unwrap().ok();
        assert_eq!(back == first, passes, "case {number}: {host}, {} bytes back of {}", back.len(), first.len());
    }
    let log = strict.log.lock().unwrap();
    assert_eq!(log.iter().filter(|access| access.reason == "tunnel").count(), 4);
    assert!(log.iter().all(|access| access.result == "TCP_TUNNEL"));
}

#[tokio::test]
async fn case_64_another_end_than_the_checked_one() {
    let origin = Server::start(|_| whole("200 OK", "", "leak")).await;
    let dialer = Arc::new(Detour { impostor: Some("10.0.0.5:80".parse().unwrap()), ..Detour::to(origin.address) });
    let egress = Egress::with_network(Policy::default(), Names::fixture(), dialer);
    let forward = ForwardProxy::new(egress, ForwardConfig::default(), Arc::new(|_| {}));
    let (mut client, server) = tokio::io::duplex(65536);
    let request = async {
        client.write_all(b"GET http://pub.test/ HTTP/1.1\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut all = String::new();
        client.read_to_string(&mut all).await.unwrap();
        all
    };
    let (answer, ()) = tokio::join!(request, forward.serve_stream(server, None));
    assert_eq!(header(&answer, "x-egress-reason"), Some("rebinding"), "{answer}");
    assert!(origin.seen().is_empty(), "not a byte was sent");
}

#[tokio::test]
async fn rebinding_between_requests_and_a_new_policy() {
    let origin = Server::start(|_| whole("200 OK", "", "x")).await;
    let bench = bench(origin.address).await;
    let get = "GET http://rebind.test/ HTTP/1.1\r\nConnection: close\r\n\r\n";
    assert!(bench.say(get).await.starts_with("HTTP/1.1 200"));
    assert!(bench.say(get).await.starts_with("HTTP/1.1 403"));
    assert_eq!(bench.dialler_addresses(), ["93.184.216.34:80"]);
    let get = "GET http://pub.test/ HTTP/1.1\r\nConnection: close\r\n\r\n";
    let denied = Policy { deny_domains: vec![DomainRule::parse("pub.test").unwrap()], ..Policy::default() };
    bench.forward.set_policy(denied);
    assert!(bench.say(get).await.contains("name_denied"));
}

impl Bench {
    fn dialler_addresses(&self) -> Vec<String> {
        self.dialer.asked.lock().unwrap().iter().map(ToString::to_string).collect()
    }
}

#[tokio::test]
async fn who_may_use_it() {
    let origin = Server::start(|_| whole("200 OK", "", "x")).await;
    let get = "GET http://pub.test/ HTTP/1.1\r\nConnection: close\r\n";
    let clients = vec!["8.8.0.0/16".parse().unwrap()];
    let bench =
        bench_with(ForwardConfig { clients, ..ForwardConfig::default() }, Policy::default(), origin.address).await;
    for (client, status) in [
        ("9.9.9.9", 403),
        ("2606:4700::1", 403),
        ("8.8.8.8", 200),
        ("127.0.0.1", 200),
        ("::ffff:10.1.2.3", 200),
        ("172.17.0.2", 200),
        ("100.64.1.1", 200),
        ("169.254.3.3", 200),
        ("fd00::9", 200),
    ] {
        let (mut stream, server) = tokio::io::duplex(65536);
        let client: IpAddr = client.parse().unwrap();
        let request = async {
            stream.write_all(format!("{get}\r\n").as_bytes()).await.unwrap();
            let mut all = String::new();
            stream.read_to_string(&mut all).await.unwrap();
            all
        };
        let (answer, ()) = tokio::join!(request, bench.forward.serve_stream(server, Some(client)));
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "case 108: {client}: {answer}");
    }
    let config = ForwardConfig { auth: Some("me:secret".into()), ..ForwardConfig::default() };
    let locked = bench_with(config, Policy::default(), origin.address).await;
    let answer = locked.say(format!("{get}\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 407"), "{answer}");
    assert_eq!(header(&answer, "proxy-authenticate"), Some("Basic realm=\"egress\""));
    // me:secret, and me:secret0
    let answer = locked.say(format!("{get}Proxy-Authorization: Basic bWU6c2VjcmV0\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let answer = locked.say(format!("{get}Proxy-Authorization: Basic bWU6c2VjcmV0MA==\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 407"), "{answer}");
}

#[tokio::test]
async fn nothing_waits_for_ever() {
    let origin = Server::start(|seen| match seen.line.contains("drip") {
        true => vec![chunked(""), chunk("x"), Step::Hang],
        false => vec![Step::Hang],
    })
    .await;
    let short = Duration::from_millis(150);
    let config = ForwardConfig { request: short, read: short, idle: short, strict: false, ..ForwardConfig::default() };
    let bench = bench_with(config, Policy::default(), origin.address).await;
    let started = std::time::Instant::now();
    // No end of the head, no answer, half an answer, a silent tunnel.
    assert_eq!(bench.say("GET http://pub.test/ HT").await, "");
    let answer = bench.say("GET http://pub.test/ HTTP/1.1\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 504") && answer.contains("ERR_READ_TIMEOUT"), "{answer}");
    let answer = bench.say("GET http://pub.test/drip HTTP/1.1\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("1\r\nx\r\n"), "{answer}");
    assert!(bench.say("CONNECT pub.test:443 HTTP/1.1\r\n\r\n").await.starts_with("HTTP/1.1 200"));
    assert!(started.elapsed() < Duration::from_secs(15));
    let gone = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let closed = self::bench(gone).await;
    let answer = closed.say("GET http://pub.test/ HTTP/1.1\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("ERR_CONNECT_FAIL"), "{answer}");
}

#[tokio::test]
async fn it_takes_no_more_than_it_can_hold() {
    let origin = Server::start(|_| vec![Step::Hang]).await;
    let config = ForwardConfig { connections: 2, body: 10, ..ForwardConfig::default() };
    let bench = bench_with(config, Policy::default(), origin.address).await;
    let answer =
        bench.say("POST http://pub.test/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nhello world\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(bench.proxy).await.unwrap();
        stream.write_all(b"GET http://pub.test/ HTTP/1.1\r\n\r\n").await.unwrap();
        held.push(stream);
    }
    while origin.seen().len() < 3 {
        tokio::task::yield_now().await;
    }
    let answer = bench.say("GET http://pub.test/ HTTP/1.1\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("overloaded"), "{answer}");
    drop(held);
}

#[tokio::test]
async fn the_second_port_leads_to_the_sandbox_only() {
    let sandbox = Server::start(|seen| whole("200 OK", "", &seen.line)).await;
    let egress = Egress::with_resolver(Policy::default(), Names::fixture());
    let forward = ForwardProxy::new(egress, ForwardConfig::default(), Arc::new(|_| {}));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let port = sandbox.address.port();
    let mut tasks = JoinSet::new();
    let serving = forward.clone();
    tasks.spawn(async move {
        serving.serve_accelerator(listener, "lo.test".into(), port, std::future::pending()).await;
    });
    let answer = say(address, b"GET /close HTTP/1.1\r\nHost: sandbox\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("GET /close HTTP/1.1"), "{answer}");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tasks.spawn(async move {
        forward.serve_accelerator(listener, "nowhere.test".into(), 8194, std::future::pending()).await;
    });
    assert!(say(address, b"GET /health HTTP/1.1\r\n\r\n").await.starts_with("HTTP/1.1 503"));
}
