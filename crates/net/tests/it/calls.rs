//! Calls against a server of the test's own.

use std::{sync::atomic::Ordering, time::Duration};

use ox_net::{Class, DomainRule, Egress, Limits, Method, NetError, Policy, Request, Verify};

use crate::{
    names::Names,
    server::{Server, Step, chunk, chunked, whole},
};

/// A server that names stand for, and a factory that may call it by the names `a.test` and `b.test`.
struct Bench {
    server: Server,
    egress: Egress,
    names: std::sync::Arc<Names>,
}

fn opened(names: &[&str]) -> Policy {
    Policy {
        allow_private_domains: names.iter().map(|name| DomainRule::parse(name).unwrap()).collect(),
        ..Policy::default()
    }
}

async fn bench(answer: impl Fn(&str, u16) -> Vec<Step> + Send + Sync + 'static) -> Bench {
    let server = Server::start(move |seen| {
        let path = seen.line.split(' ').nth(1).unwrap_or_default().to_owned();
        let host = seen.header("host").unwrap_or_default();
        let port = host.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or(0);
        answer(&path, port)
    })
    .await;
    let names = Names::fixture();
    for name in ["a.test", "b.test"] {
        names.set(name, &["127.0.0.1"]);
    }
    let egress = Egress::with_resolver(opened(&["a.test", "b.test"]), names.clone());
    Bench { server, egress, names }
}

impl Bench {
    fn url(&self, name: &str, path: &str) -> String {
        format!("http://{name}:{}{path}", self.server.address.port())
    }

    async fn get(&self, class: Class, path: &str) -> Result<String, NetError> {
        let request = Request { retries: Some(0), ..Request::get(class, self.url("a.test", path)) };
        self.egress.send(request).await?.text().await
    }
}

fn redirect(status: u16, location: &str) -> Vec<Step> {
    whole(&format!("{status} Moved"), &format!("location: {location}\r\n"), "")
}

#[tokio::test]
async fn redirects_are_checked_hop_by_hop() {
    let bench = bench(|path, port| match path {
        "/ok" => whole("200 OK", "", "fine"),
        "/relative" => redirect(302, "ok"),
        "/other" => redirect(307, &format!("http://b.test:{port}/ok")),
        "/loopback" => redirect(302, &format!("http://127.0.0.1:{port}/ok")),
        "/metadata" => redirect(307, "http://169.254.169.254/"),
        "/gopher" => redirect(302, "gopher://pub.test/_x"),
        "/file" => redirect(302, "file:///etc/passwd"),
        "/scheme-relative" => redirect(302, "//127.0.0.1/"),
        "/backslash" => redirect(302, "\\\\127.0.0.1\\"),
        "/loop" => redirect(302, "/loop"),
        "/refresh" => whole("200 OK", "refresh: 0;url=http://127.0.0.1\r\n", "stays"),
        long => {
            let step: usize = long.trim_start_matches("/long").parse().unwrap_or(0);
            redirect(302, &format!("/long{}", step + 1))
        }
    })
    .await;
    for (number, path, expected) in [
        (0, "/ok", "fine"),
        (0, "/relative", "fine"),
        (0, "/other", "fine"),
        (89, "/refresh", "stays"),
        (82, "/loopback", "private_ip"),
        (83, "/metadata", "metadata"),
        (84, "/gopher", "scheme"),
        (84, "/file", "scheme"),
        (85, "/scheme-relative", "private_ip"),
        (85, "/backslash", "parse"),
        (86, "/loop", "too_many_redirects"),
        (86, "/long0", "too_many_redirects"),
    ] {
        let found = bench.get(Class::HttpNode, path).await;
        let found = found.unwrap_or_else(|error| error.code().to_owned());
        assert_eq!(found, expected, "case {number}: {path}");
    }
}

#[tokio::test]
async fn case_83_a_denied_hop_gets_no_byte_of_the_body() {
    let bench = bench(|path, port| match path {
        "/start" => redirect(307, &format!("http://127.0.0.1:{port}/inside")),
        _ => whole("200 OK", "", "leak"),
    })
    .await;
    let request = Request::post_json(Class::HttpNode, bench.url("a.test", "/start"), "{}");
    assert_eq!(bench.egress.send(request).await.unwrap_err().code(), "private_ip");
    assert_eq!(bench.server.seen().len(), 1);
}

#[tokio::test]
async fn case_87_credentials_stay_at_their_origin() {
    let bench = bench(|path, port| match path {
        "/same" => redirect(302, "/end"),
        "/cross" => redirect(302, &format!("http://b.test:{port}/end")),
        _ => whole("200 OK", "", "end"),
    })
    .await;
    for (path, kept) in [("/same", true), ("/cross", false)] {
        let request = Request::get(Class::Tool, bench.url("a.test", path))
            .header("authorization", "Bearer x")
            .and_then(|request| request.secret_header("x-key", "y"))
            .and_then(|request| request.header("x-plain", "z"))
            .unwrap();
        let response = bench.egress.send(request).await.unwrap();
        assert_eq!(response.redirects, 1);
        let last = bench.server.seen().pop().unwrap();
        assert_eq!(last.header("authorization").is_some(), kept, "{path}");
        assert_eq!(last.header("x-key").is_some(), kept, "{path}");
        assert_eq!(last.header("x-plain").as_deref(), Some("z"));
    }
}

#[tokio::test]
async fn methods_after_a_redirect() {
    let bench = bench(|path, _| match path.trim_start_matches('/').parse() {
        Ok(status) => redirect(status, "/end"),
        Err(_) => whole("200 OK", "", "end"),
    })
    .await;
    for (status, method, body) in
        [(301, "GET", ""), (302, "GET", ""), (303, "GET", ""), (307, "POST", "{}"), (308, "POST", "{}")]
    {
        let request = Request::post_json(Class::HttpNode, bench.url("a.test", &format!("/{status}")), "{}");
        bench.egress.send(request).await.unwrap();
        let last = bench.server.seen().pop().unwrap();
        assert_eq!(last.line, format!("{method} /end HTTP/1.1"), "{status}");
        assert_eq!(last.body, body.as_bytes());
        assert_eq!(last.header("content-type").is_some(), !body.is_empty());
    }
}

#[tokio::test]
async fn case_63_exactly_the_checked_address_is_dialled() {
    let bench = bench(|_, _| whole("200 OK", "", "the right one")).await;
    // The second answer would be refused, and nobody listens there.
    bench.names.set("a.test", &["127.0.0.1", "127.0.0.2"]);
    bench.names.asked.store(0, Ordering::SeqCst);
    assert_eq!(bench.get(Class::HttpNode, "/").await.unwrap(), "the right one");
    assert_eq!(bench.names.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn case_124_a_new_policy_counts_at_once() {
    let bench = bench(|_, _| whole("200 OK", "", "x")).await;
    assert!(bench.get(Class::HttpNode, "/").await.is_ok());
    bench.egress.set_policy(Policy::default());
    assert_eq!(bench.get(Class::HttpNode, "/").await.unwrap_err().code(), "private_ip");
}

#[tokio::test]
async fn case_90_a_redirect_is_resolved_anew() {
    let bench = bench(|path, port| match path {
        "/start" => redirect(302, &format!("http://b.test:{port}/end")),
        _ => whole("200 OK", "", "end"),
    })
    .await;
    // Only a.test and b.test may be private here, and b.test is asked for once per hop.
    bench.names.set("b.test", &["127.0.0.1", "169.254.169.254"]);
    assert_eq!(bench.get(Class::HttpNode, "/start").await.unwrap(), "end");
    assert_eq!(bench.get(Class::HttpNode, "/start").await.unwrap_err().code(), "metadata");
    assert_eq!(bench.server.seen().iter().filter(|seen| seen.line.contains("/end")).count(), 1);
}

#[tokio::test]
async fn host_headers_do_not_reach_other_hosts() {
    let bench = bench(|_, _| whole("200 OK", "", "x")).await;
    for (number, host, expected) in [
        (80, "169.254.169.254", "metadata"),
        (80, "metadata.google.internal", "metadata"),
        (80, "10.0.0.1", "private_ip"),
        (81, "other.pub.test", "allow"),
    ] {
        let request = Request::get(Class::HttpNode, bench.url("a.test", "/")).header("host", host).unwrap();
        let found = bench.egress.send(request).await.map_or_else(|error| error.code(), |_| "allow");
        assert_eq!(found, expected, "case {number}: {host}");
    }
    // Case 79.
    let broken = Request::get(Class::HttpNode, "http://pub.test/").header("x", "a\r\nb: c");
    assert_eq!(broken.unwrap_err().code(), "parse");
}

#[tokio::test]
async fn sizes_are_limited_while_they_stream() {
    let bench = bench(|path, _| match path {
        "/told" => whole("200 OK", "", &"x".repeat(2000)),
        _ => {
            let mut steps = vec![chunked("")];
            steps.extend((0..20).map(|_| chunk(&"x".repeat(100))));
            steps.push(chunk(""));
            steps
        }
    })
    .await;
    for path in ["/told", "/untold"] {
        let limits = Limits { body: 1000, ..Limits::default() };
        let request = Request::get(Class::Fetch, bench.url("a.test", path)).limits(limits);
        let found = match bench.egress.send(request).await {
            Ok(response) => response.bytes().await.map(|_| ()),
            Err(error) => Err(error),
        };
        assert_eq!(found.unwrap_err().code(), "too_large", "{path}");
    }
}

#[tokio::test]
async fn waiting_is_limited() {
    let bench = bench(|path, _| match path {
        "/silent" => vec![Step::Hang],
        "/stuck" => vec![chunked(""), chunk("x"), Step::Hang],
        _ => {
            let mut steps = vec![chunked("")];
            for _ in 0..100 {
                steps.extend([chunk("x"), Step::Wait(Duration::from_millis(30))]);
            }
            steps
        }
    })
    .await;
    let short = Duration::from_millis(120);
    let usual = Limits::default();
    for (path, limits, phase) in [
        ("/silent", Limits { first_byte: short, ..usual }, "waiting for the first byte"),
        ("/stuck", Limits { read: short, ..usual }, "reading"),
        ("/slow", Limits { total: short, ..usual }, "the whole call"),
    ] {
        let request = Request::get(Class::HttpNode, bench.url("a.test", path)).limits(limits);
        let found = match bench.egress.send(request).await {
            Ok(response) => response.bytes().await.map(|_| ()),
            Err(error) => Err(error),
        };
        let error = found.unwrap_err();
        assert_eq!(error.code(), "timeout", "{path}: {error}");
        assert!(error.to_string().contains(phase), "{path}: {error}");
    }
}

#[tokio::test]
async fn fetching_only_reads() {
    let bench = bench(|_, _| whole("200 OK", "", "x")).await;
    let request = Request::new(Class::Fetch, Method::POST, bench.url("a.test", "/"));
    assert_eq!(bench.egress.send(request).await.unwrap_err().code(), "method");
    let request = Request::new(Class::Fetch, Method::HEAD, bench.url("a.test", "/"));
    assert!(bench.egress.send(request).await.is_ok());
}

#[tokio::test]
async fn connections_are_kept() {
    let bench = bench(|_, _| whole("200 OK", "", "x")).await;
    for class in [Class::HttpNode, Class::Model] {
        for _ in 0..5 {
            bench.get(class, "/").await.unwrap();
        }
    }
    assert_eq!(bench.server.connections(), 2, "one for each class");
}

#[tokio::test]
async fn dropping_an_answer_closes_its_connection() {
    let bench = bench(|_, _| vec![chunked(""), chunk("x"), Step::Hang]).await;
    let mut response = bench.egress.send(Request::get(Class::HttpNode, bench.url("a.test", "/"))).await.unwrap();
    assert_eq!(response.chunk().await.unwrap().as_deref(), Some(&b"x"[..]));
    drop(response);
    let gone = async {
        while bench.server.closed_early() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), gone).await.unwrap();
}

#[tokio::test]
async fn failures_are_told_apart() {
    let bench = bench(|_, _| vec![Step::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort".to_vec())]).await;
    let closed = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().port()
    };
    let request = Request::get(Class::HttpNode, format!("http://a.test:{closed}/"));
    let request = Request { retries: Some(0), ..request };
    let error = bench.egress.send(request).await.unwrap_err();
    assert!(matches!(&error, NetError::Connect { host, .. } if host == "a.test"), "{error}");
    assert!(error.is_before_send());
    let error = bench.egress.send(Request::get(Class::HttpNode, "http://nowhere.test/")).await.unwrap_err();
    assert_eq!(error.code(), "dns_failed");
    let error = bench.get(Class::HttpNode, "/close").await.unwrap_err();
    assert_eq!(error.code(), "broken", "{error}");
}

#[tokio::test]
async fn an_egress_proxy_carries_user_calls_after_the_local_check() {
    let proxy = Server::start(|seen| match seen.line.contains("refused") {
        true => whole("403 Forbidden", "server: squid/6\r\n", "denied"),
        false => whole("200 OK", "", &seen.line),
    })
    .await;
    let policy =
        Policy { proxy_http: proxy.url("").parse().ok(), proxy_https: proxy.url("").parse().ok(), ..Policy::default() };
    let egress = Egress::with_resolver(policy, Names::fixture());
    let get = async |url: &str| match egress.send(Request::get(Class::HttpNode, url)).await {
        Ok(response) => response.text().await.unwrap(),
        Err(error) => error.code().to_owned(),
    };
    assert_eq!(get("http://pub.test/x").await, "GET http://pub.test/x HTTP/1.1");
    assert_eq!(get("http://pub.test/refused").await, "proxy");
    assert_eq!(get("http://priv.test/").await, "private_ip");
    assert_eq!(proxy.seen().len(), 2);
}

#[tokio::test]
async fn https_is_spoken_to_https_addresses() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    for verify in [Verify::Yes, Verify::No] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let names = Names::fixture();
        names.set("a.test", &["127.0.0.1"]);
        let egress = Egress::with_resolver(opened(&["a.test"]), names);
        let request =
            Request { verify, retries: Some(0), ..Request::get(Class::HttpNode, format!("https://a.test:{port}/")) };
        let other_side = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut hello = [0_u8; 2048];
            let count = stream.read(&mut hello).await.unwrap();
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
            hello[..count].to_vec()
        };
        let (answer, hello) = tokio::join!(egress.send(request), other_side);
        assert_eq!(hello.first(), Some(&22), "a TLS handshake record");
        assert!(hello.windows(6).any(|window| window == b"a.test"), "the name of the URL");
        let error = answer.unwrap_err();
        assert!(matches!(&error, NetError::Connect { why, .. } if why.contains("corrupt")), "{error}");
    }
}

#[tokio::test]
async fn calls_that_only_read_are_made_again() {
    let tries = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = std::sync::Arc::clone(&tries);
    let bench = bench(move |path, _| {
        let busy = count.fetch_add(1, Ordering::SeqCst) < 1 || path == "/always";
        if busy { whole("503 Busy", "", "later") } else { whole("200 OK", "", "now") }
    })
    .await;
    let call = async |method: Method, path: &str| {
        let request = Request { retries: Some(1), ..Request::new(Class::HttpNode, method, bench.url("a.test", path)) };
        let (result, retries) = bench.egress.send_counted(request).await;
        (result.unwrap().status.as_u16(), retries)
    };
    assert_eq!(call(Method::GET, "/").await, (200, 1));
    // The last answer counts, whatever it is.
    assert_eq!(call(Method::GET, "/always").await, (503, 1));
    let seen = bench.server.seen().len();
    assert_eq!(call(Method::POST, "/always").await, (503, 0));
    assert_eq!(bench.server.seen().len(), seen + 1);
    // A refusal is final.
    let asked = bench.names.asked.load(Ordering::SeqCst);
    let refused = Request { retries: Some(3), ..Request::get(Class::HttpNode, "http://priv.test/") };
    assert_eq!(bench.egress.send(refused).await.unwrap_err().code(), "private_ip");
    assert_eq!(bench.names.asked.load(Ordering::SeqCst), asked + 1);
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn case_121_compressed_answers() {
    let gzip = |body: &[u8]| {
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", body.len()).into_bytes();
        vec![Step::Bytes([head, body.to_vec()].concat())]
    };
    let bench = bench(move |path, _| match path {
        "/text" => gzip(&packed(b"hello hello hello")),
        "/bomb" => gzip(&packed(&vec![0; 30_000_000])),
        "/cut" => gzip(&packed(b"hello")[..10]),
        "/empty" => gzip(b""),
        _ => gzip(b"no gzip"),
    })
    .await;
    for (path, expected) in
        [("/text", "hello hello hello"), ("/bomb", "too_large"), ("/cut", "broken"), ("/empty", ""), ("/lie", "broken")]
    {
        let found = bench.get(Class::HttpNode, path).await.unwrap_or_else(|error| error.code().to_owned());
        assert_eq!(found, expected, "{path}");
    }
    let response = bench.egress.send(Request::get(Class::HttpNode, bench.url("a.test", "/text"))).await.unwrap();
    assert!(!response.headers.contains_key("content-encoding") && !response.headers.contains_key("content-length"));
    assert_eq!(bench.server.seen().pop().unwrap().header("accept-encoding").as_deref(), Some("gzip"));
}

#[tokio::test]
async fn case_64_nothing_is_sent_to_an_impostor() {
    let origin = Server::start(|_| whole("200 OK", "", "leak")).await;
    let impostor = Some("10.0.0.5:80".parse().unwrap());
    let dialer = std::sync::Arc::new(crate::proxy::Detour { impostor, ..crate::proxy::Detour::to(origin.address) });
    let egress = Egress::with_network(Policy::default(), Names::fixture(), dialer.clone());
    let request = Request::post_json(Class::Tool, "http://pub.test/", "secret");
    assert_eq!(egress.send(request).await.unwrap_err().code(), "rebinding");
    assert_eq!(dialer.asked.lock().unwrap().as_slice(), ["93.184.216.34:80".parse().unwrap()]);
    assert!(origin.seen().is_empty());
}

#[tokio::test]
async fn the_sites_own_proxy_is_told_the_checked_address() {
    let proxy = Server::start(|seen| match seen.line.split(' ').next() {
        Some("CONNECT") if seen.line.contains(":8443") => whole("403 Forbidden", "via: 1.1 x (squid)\r\n", ""),
        Some("CONNECT") => vec![Step::Bytes(b"HTTP/1.1 200 Connection established\r\n\r\n".to_vec())],
        _ => whole("200 OK", "", "through"),
    })
    .await;
    let upstream = |query: &str| {
        let (policy, warnings) = Policy::from_env(|name| {
            let url = format!("http://me:p%20w@{}{query}", proxy.address);
            (name == "OXIDIFY_UPSTREAM_PROXY").then_some(url)
        });
        assert!(warnings.is_empty(), "{warnings:?}");
        Egress::with_resolver(policy, Names::fixture())
    };
    let get = async |egress: &Egress, url: &str| match egress.send(Request::get(Class::HttpNode, url)).await {
        Ok(response) => response.text().await.unwrap(),
        Err(error) => error.code().to_owned(),
    };
    let by_address = upstream("");
    assert_eq!(get(&by_address, "http://pub.test/x").await, "through");
    assert_eq!(get(&by_address, "http://priv.test/x").await, "private_ip");
    assert_eq!(get(&by_address, "https://pub.test:8443/x").await, "proxy");
    assert_eq!(get(&upstream("?resolve_remotely=true"), "http://pub.test/x").await, "through");
    let lines: Vec<_> = proxy.seen().iter().map(|seen| seen.line.clone()).collect();
    assert_eq!(
        lines,
        [
            "CONNECT 93.184.216.34:80 HTTP/1.1",
            "GET /x HTTP/1.1",
            "CONNECT 93.184.216.34:8443 HTTP/1.1",
            "CONNECT pub.test:80 HTTP/1.1",
            "GET /x HTTP/1.1"
        ]
    );
    assert_eq!(proxy.seen()[0].header("proxy-authorization").as_deref(), Some("Basic bWU6cCB3"));
    assert_eq!(proxy.seen()[1].header("host").as_deref(), Some("pub.test"));
}

#[tokio::test]
async fn heads_without_end_and_credentials_in_the_url() {
    let bench = bench(|path, _| match path {
        "/long" => whole("200 OK", &format!("x: {}\r\n", "a".repeat(300_000)), ""),
        _ => whole("200 OK", "", "ok"),
    })
    .await;
    assert_eq!(bench.get(Class::HttpNode, "/long").await.unwrap_err().code(), "too_large");
    let url = bench.url("us%40er:pass@a.test", "/");
    bench.egress.send(Request::get(Class::HttpNode, url)).await.unwrap();
    let seen = bench.server.seen().pop().unwrap();
    assert_eq!(seen.header("authorization").as_deref(), Some("Basic dXNAZXI6cGFzcw=="));
    assert!(!seen.header("host").unwrap().contains('@'));
}
