#![expect(clippy::needless_pass_by_value, reason = "json! literals read better by value")]

use ox_engine::Pool;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;
use crate::testing;

/// Answers every request with the same bytes and tells what it got.
async fn serve(answer: Vec<u8>, delay: Duration) -> (String, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            let mut buffer = [0; 65536];
            loop {
                let read = stream.read(&mut buffer).await.unwrap_or(0);
                request.extend_from_slice(&buffer[..read]);
                let text = String::from_utf8_lossy(&request);
                let length = text
                    .to_lowercase()
                    .split("content-length: ")
                    .nth(1)
                    .map_or(0, |rest| rest.split("\r\n").next().unwrap().parse::<usize>().unwrap());
                let head = text.find("\r\n\r\n").map_or(usize::MAX - length, |at| at + 4);
                if read == 0 || request.len() >= head + length {
                    break;
                }
            }
            sender.send(String::from_utf8_lossy(&request).into_owned()).ok();
            tokio::time::sleep(delay).await;
            stream.write_all(&answer).await.ok();
            stream.shutdown().await.ok();
        }
    });
    (format!("http://{address}"), receiver)
}

fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut out = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n", body.len())
        .into_bytes();
    out.extend_from_slice(body);
    out
}

fn config(method: &str, url: &str, extra: Json) -> Json {
    let mut data = json!({"method": method, "url": url, "authorization": {"type": "no-auth"}, "headers": "", "params": "",
        "body": {"type": "none", "data": []}});
    data.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    data
}

fn pool() -> Pool {
    let mut pool = Pool::new();
    pool.set("n1", "name", "Ann & Bob");
    pool.set("env", "key", Value::secret("s3cret-key-12345"));
    pool.set("n1", "file", Value::from(testing::file("a.png")));
    pool.set(
        "n1",
        "files",
        Value::array(vec![Value::from(testing::file("b.png")), Value::from(testing::file("c.png"))]),
    );
    pool
}

async fn ok(data: Json) -> NodeOutput {
    testing::run("http-request", data, pool()).await.unwrap()
}

async fn error(data: Json) -> (String, String) {
    let failure = testing::run("http-request", data, pool()).await.unwrap_err();
    (failure.error_type, failure.error)
}

#[tokio::test]
async fn text_answers() {
    let (url, mut requests) = serve(
        answer("200 OK", "Content-Type: application/json\r\nX-A: 1\r\nX-A: 2\r\n", b"{\"a\": 1}"),
        Duration::ZERO,
    )
    .await;
    let data = config(
        "GET",
        &format!("{url}/p?x=1"),
        json!({
            "headers": "X-Name: {{#n1.name#}}\nEmpty\n\n:skipped\nContent-Type: text/x",
            "params": "q:{{#n1.name#}}\nq:2\n\nflag",
            "authorization": {"type": "api-key", "config": {"type": "bearer", "api_key": "{{#env.key#}}"}},
        }),
    );
    let output = ok(data).await;
    assert_eq!(output.outputs["status_code"], Value::Int(200));
    assert_eq!(output.outputs["body"], Value::from("{\"a\": 1}"));
    assert_eq!(output.outputs["headers"].as_object().unwrap()["x-a"], Value::from("1, 2"));
    assert_eq!(output.outputs["files"].value_type(), ValueType::ArrayFile);
    let request = requests.recv().await.unwrap().to_lowercase();
    assert!(request.starts_with("get /p?x=1&q=ann+%26+bob&q=2&flag= http/1.1\r\n"), "{request}");
    for line in ["x-name: ann & bob", "empty: ", "authorization: bearer s3cret-key-12345", "content-type: text/x"] {
        assert!(request.contains(&format!("\r\n{line}\r\n")), "{line}: {request}");
    }
    let trace = output.process_data["request"].as_str().unwrap();
    let stars = "*".repeat("Bearer s3cret-key-12345".len());
    assert!(trace.contains(&format!("Authorization: {stars}\r\n")) && !trace.contains("s3cret"), "{trace}");
    assert!(trace.starts_with("GET /p?x=1&q=Ann+%26+Bob&q=2&flag= HTTP/1.1\r\nHost: 127.0.0.1:"), "{trace}");
}

#[tokio::test]
async fn every_authorization() {
    let (url, mut requests) = serve(answer("200 OK", "", b""), Duration::ZERO).await;
    for (settings, expected) in [
        (json!({"type": "basic", "api_key": "user:pass"}), "authorization: Basic dXNlcjpwYXNz"),
        (json!({"type": "basic", "api_key": "dXNlcjpwYXNz"}), "authorization: Basic dXNlcjpwYXNz"),
        (json!({"type": "bearer", "api_key": "t", "header": "X-Auth"}), "x-auth: Bearer t"),
        (json!({"type": "custom", "api_key": "k", "header": "X-Key"}), "x-key: k"),
        (json!({"type": "custom", "api_key": "k", "header": ""}), "authorization: k"),
    ] {
        ok(config("get", &url, json!({"authorization": {"type": "api-key", "config": settings}}))).await;
        let request = requests.recv().await.unwrap();
        assert!(request.contains(&format!("\r\n{expected}\r\n")), "{expected}: {request}");
    }
    let blank = json!({"authorization": {"type": "api-key", "config": {"type": "bearer", "api_key": " "}}});
    assert_eq!(
        error(config("get", &url, blank)).await,
        (
            "AuthorizationConfigError".to_owned(),
            "API key is required for authorization but was empty. Please provide a valid API key.".to_owned()
        )
    );
    let missing = json!({"authorization": {"type": "api-key", "config": null}});
    assert_eq!(error(config("get", &url, missing)).await.1, "authorization config is required");
}

#[tokio::test]
async fn every_body() {
    let (url, mut requests) = serve(answer("201 Created", "", b"ok"), Duration::ZERO).await;
    let text = |value: &str| json!([{"type": "text", "key": "", "value": value}]);
    for (kind, data, content_type, body) in [
        ("raw-text", text("hi {{#n1.name#}}"), "text/plain", "hi Ann & Bob"),
        ("raw-text", json!("legacy {{#n1.name#}}"), "text/plain", "legacy Ann & Bob"),
        ("json", text("{'a': '{{#n1.name#}}',}"), "application/json", r#"{"a":"Ann & Bob"}"#),
        ("json", text("[1, 2"), "application/json", "[1,2]"),
        (
            "x-www-form-urlencoded",
            json!([{"key": "a", "type": "text", "value": "{{#n1.name#}}"}, {"key": "b", "type": "text", "value": "é"}]),
            "application/x-www-form-urlencoded",
            "a=Ann+%26+Bob&b=%C3%A9",
        ),
        ("x-www-form-urlencoded", json!("a:1\nb:2"), "application/x-www-form-urlencoded", "a=1&b=2"),
        ("binary", json!([{"key": "", "type": "file", "file": ["n1", "file"]}]), "", "content of a.png"),
    ] {
        let output = ok(config("post", &url, json!({"body": {"type": kind, "data": data}}))).await;
        assert_eq!(output.outputs["status_code"], Value::Int(201));
        let request = requests.recv().await.unwrap();
        let (head, sent) = request.split_once("\r\n\r\n").unwrap();
        assert_eq!(sent, body, "{kind}");
        let head = head.to_lowercase();
        assert!(
            content_type.is_empty() || head.contains(&format!("content-type: {content_type}\r\n")),
            "{kind}: {head}"
        );
        assert!(head.contains("\r\nidempotency-key: "), "{head}");
        let trace = output.process_data["request"].as_str().unwrap();
        assert!(trace.contains(&format!("Content-Length: {}\r\n", body.len())), "{trace}");
    }
}

#[tokio::test]
async fn what_may_be_repeated_after_a_crash() {
    use ox_engine::Effect::{Idempotent, Repeatable, SideEffect};
    for (method, declared, effect) in [
        ("get", json!(null), Repeatable),
        ("HEAD", json!(false), Repeatable),
        ("post", json!(null), SideEffect),
        ("put", json!(false), SideEffect),
        ("delete", json!(null), SideEffect),
        ("post", json!(true), Idempotent),
        ("get", json!(true), Repeatable),
    ] {
        let data = config(method, "http://h/", json!({"idempotent": declared}));
        let built = HttpRequest.build(&testing::spec("http-request", data), &Arc::new(testing::ports())).unwrap();
        assert_eq!((built.effect, built.effect.needs_record()), (effect, effect != Repeatable), "{method} {declared}");
    }
}

#[tokio::test]
async fn forms_with_files() {
    let (url, mut requests) = serve(answer("200 OK", "", b""), Duration::ZERO).await;
    let data = json!([
        {"key": "t", "type": "text", "value": "{{#n1.name#}}"},
        {"key": "one", "type": "file", "file": ["n1", "file"]},
        {"key": "many", "type": "file", "file": ["n1", "files"]},
    ]);
    ok(config("post", &url, json!({"body": {"type": "form-data", "data": data}}))).await;
    let request = requests.recv().await.unwrap();
    for part in [
        "name=\"t\"\r\n\r\nAnn & Bob\r\n",
        "name=\"one\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\ncontent of a.png\r\n",
        "name=\"many\"; filename=\"b.png\"",
        "name=\"many\"; filename=\"c.png\"",
    ] {
        assert!(request.contains(part), "{part}: {request}");
    }
    assert!(!request.contains("__multipart_placeholder__"));
    let data = json!([{"key": "t", "type": "text", "value": "v"}]);
    ok(config("post", &url, json!({"body": {"type": "form-data", "data": data}}))).await;
    let request = requests.recv().await.unwrap();
    assert!(request.contains("multipart/form-data; boundary=") && request.contains("__multipart_placeholder__"));
}

#[tokio::test]
async fn wrong_configurations() {
    let one = |kind: &str, data: Json| json!({"body": {"type": kind, "data": data}});
    for (data, kind, text) in [
        (config("get", "", json!({})), "InvalidURLError", "url is required"),
        (config("get", "ftp://x", json!({})), "InvalidURLError", "url should start with http:// or https://"),
        (config("options", "http://127.0.0.1:9", json!({})), "InvalidHttpMethodError", "Invalid http method options"),
        (
            config("post", "http://127.0.0.1:9", one("json", json!([]))),
            "RequestBodyError",
            "json body type should have exactly one item",
        ),
        (
            config("post", "http://127.0.0.1:9", one("json", json!([{"type": "text", "value": "nope"}]))),
            "RequestBodyError",
            "Failed to parse JSON: nope",
        ),
        (
            config("post", "http://127.0.0.1:9", one("binary", json!([{"type": "file", "file": ["n1", "gone"]}]))),
            "FileFetchError",
            "cannot fetch file with selector ['n1', 'gone']",
        ),
        (
            config("get", "http://127.0.0.1:9", json!({"headers": "Bad Name: x"})),
            "HttpRequestNodeError",
            "'Bad Name' is not a valid header",
        ),
    ] {
        assert_eq!(error(data).await, (kind.to_owned(), text.to_owned()));
    }
    let ports = Ports { http: Arc::new(ox_net::Egress::new(ox_net::Policy::default())), ..testing::ports() };
    let blocked =
        testing::run_with(ports, "http-request", config("get", "http://127.0.0.1/x", json!({})), pool()).await;
    let blocked = blocked.0.unwrap_err().error;
    assert!(blocked.starts_with("Access to 'http://127.0.0.1/x' was blocked by SSRF protection."), "{blocked}");
}

#[tokio::test]
async fn statuses() {
    let (url, mut requests) = serve(answer("503 Busy", "", b"later"), Duration::ZERO).await;
    let output = ok(config("post", &url, json!({}))).await;
    assert_eq!(output.outputs["status_code"], Value::Int(503));
    requests.recv().await.unwrap();
    assert!(requests.try_recv().is_err(), "what is not only read is sent once");
    let (missing, _requests) = serve(answer("404 Gone", "", b"no"), Duration::ZERO).await;
    assert_eq!(ok(config("get", &missing, json!({}))).await.outputs["status_code"], Value::Int(404));
    let data = config("get", &url, json!({"retry_config": {"retry_enabled": true, "max_retries": 1}}));
    let failure = testing::run("http-request", data, pool()).await.unwrap_err();
    assert_eq!(
        (failure.error_type.as_str(), failure.error.as_str()),
        ("HTTPResponseCodeError", "Request failed with status code 503")
    );
    assert_eq!(failure.outputs["body"], Value::from("later"));
}

#[tokio::test]
async fn files_and_odd_texts() {
    let (url, _requests) = serve(answer("200 OK", "Content-Type: image/png\r\n", b"\x89PNG"), Duration::ZERO).await;
    let output = ok(config("get", &format!("{url}/pic"), json!({}))).await;
    assert_eq!(output.outputs["body"], Value::from(""));
    let Value::File(file) = &output.outputs["files"].as_array().unwrap()[0] else { panic!() };
    assert_eq!((file.filename.as_deref(), file.size), (Some("pic.png"), 4));
    let (url, _requests) = serve(answer("200 OK", "Content-Type: text/plain\r\n", b"a\xff\xfeb"), Duration::ZERO).await;
    assert_eq!(ok(config("get", &url, json!({}))).await.outputs["body"], Value::from("a\u{fffd}\u{fffd}b"));
}

#[tokio::test]
async fn limits_and_lost_servers() {
    let huge = answer("200 OK", "Content-Type: text/plain\r\n", &vec![b'x'; 1_100_000]);
    let (url, _requests) = serve(huge, Duration::ZERO).await;
    assert_eq!(
        error(config("get", &url, json!({}))).await,
        (
            "ResponseSizeError".to_owned(),
            "Text size is too large, max size is 1.00 MB, but current size is 1.05 MB.".to_owned()
        )
    );
    let (url, _requests) = serve(answer("200 OK", "", b""), Duration::from_secs(30)).await;
    let started = std::time::Instant::now();
    let slow = error(config("get", &url, json!({"timeout": {"connect": 0.2, "read": 0.2, "write": 0.2}}))).await;
    assert!(started.elapsed() < Duration::from_secs(5));
    assert!(
        slow.1.starts_with(&format!("Reached maximum retries (0) for URL {url}")) && slow.1.contains("no answer"),
        "{slow:?}"
    );
    let (url, _requests) = serve(b"garbage\r\n\r\n".to_vec(), Duration::ZERO).await;
    assert_eq!(error(config("get", &url, json!({}))).await.0, "HttpRequestNodeError");
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let gone = error(config("get", &format!("http://{free}/"), json!({}))).await;
    assert!(gone.1.contains("cannot connect"), "{gone:?}");
}

#[tokio::test]
async fn redirects_are_followed() {
    let (target, _requests) = serve(answer("200 OK", "Content-Type: text/plain\r\n", b"there"), Duration::ZERO).await;
    let (url, _first) = serve(answer("302 Found", &format!("Location: {target}/x\r\n"), b""), Duration::ZERO).await;
    assert_eq!(ok(config("get", &url, json!({}))).await.outputs["body"], Value::from("there"));
    // A new address each time: no loop to see, but an end all the same.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let hops = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = Arc::clone(&hops);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            if stream.read(&mut request).await.unwrap_or(0) == 0 {
                continue;
            }
            let hop = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let next = answer("302 Found", &format!("Location: /{hop}\r\n"), b"");
            stream.write_all(&next).await.ok();
        }
    });
    let endless = error(config("get", &format!("http://{address}/"), json!({}))).await;
    assert!(endless.1.contains("more than 10 redirects"), "{endless:?}");
    assert!(hops.load(std::sync::atomic::Ordering::SeqCst) <= 11);
    let (looping, _requests) = serve(answer("302 Found", "Location: /again\r\n", b""), Duration::ZERO).await;
    assert!(error(config("get", &looping, json!({}))).await.1.contains("redirects"));
}

/// Answers with a head and then with the same piece again and again.
async fn endless(head: &'static str, piece: Vec<u8>, pause: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            if stream.read(&mut request).await.unwrap_or(0) == 0 {
                continue;
            }
            stream.write_all(head.as_bytes()).await.ok();
            while stream.write_all(&piece).await.is_ok() {
                tokio::time::sleep(pause).await;
            }
        }
    });
    format!("http://{address}")
}

#[tokio::test]
async fn hostile_servers_end_in_bounded_time_and_size() {
    let limits = crate::Limits { http_max_connect: 1, http_max_read: 1, http_max_write: 1, ..crate::Limits::default() };
    let chunk =
        |bytes: &[u8]| [format!("{:x}\r\n", bytes.len()).into_bytes(), bytes.to_vec(), b"\r\n".to_vec()].concat();
    let ten_gb = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 10737418240\r\n\r\n";
    let ten_gb_file = "HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: 10737418240\r\n\r\n";
    let untold = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n";
    let headers = "HTTP/1.1 200 OK\r\n";
    for (head, piece, pause, kind, text) in [
        (ten_gb, vec![b'x'; 65536], 0, "ResponseSizeError", "current size is 10240.00 MB."),
        (ten_gb_file, vec![0; 65536], 0, "ResponseSizeError", "File size is too large, max size is 10.00 MB"),
        (untold, chunk(&[b'x'; 65536]), 0, "ResponseSizeError", "Text size is too large, max size is 1.00 MB"),
        // One byte now and then: each read is in time, the whole is not.
        (untold, chunk(b"x"), 200, "HttpRequestNodeError", "(the whole call)"),
        // Headers without end.
        (headers, b"X-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n".to_vec(), 0, "", ""),
    ] {
        let url = endless(head, piece, Duration::from_millis(pause)).await;
        let ports = Ports { limits: limits.clone(), ..testing::ports() };
        let started = std::time::Instant::now();
        let data = config("post", &url, json!({}));
        let failure = testing::run_with(ports, "http-request", data, pool()).await.0.unwrap_err();
        assert!(started.elapsed() < Duration::from_secs(12), "{head}: {:?}", started.elapsed());
        assert!(kind.is_empty() || failure.error_type == kind, "{head}: {failure:?}");
        assert!(failure.error.contains(text), "{head}: {}", failure.error);
    }
}

#[tokio::test]
async fn a_dead_server_is_tried_again() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let policy = |retries| ox_net::Policy {
        dev_mode: true,
        calls: ox_net::CallSettings { retries, ..ox_net::CallSettings::default() },
        ..ox_net::Policy::default()
    };
    for (retries, own, expected) in [(1, false, "(1)"), (3, true, "(0)"), (0, false, "(0)")] {
        let ports = Ports { http: Arc::new(ox_net::Egress::new(policy(retries))), ..testing::ports() };
        let data = config("post", &format!("http://{free}/"), json!({"retry_config": {"retry_enabled": own}}));
        let failure = testing::run_with(ports, "http-request", data, pool()).await.0.unwrap_err();
        let text = format!("Reached maximum retries {expected} for URL http://{free}/: cannot connect");
        assert!(failure.error.starts_with(&text), "{}", failure.error);
    }
}
