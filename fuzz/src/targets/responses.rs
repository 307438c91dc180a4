//! Answers of an HTTP server, any bytes.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use ox_dsl::graph::NodeSpec;
use ox_engine::{ChunkSender, FrameRef, NodeContext, NodeFactory, Pool};
use ox_net::{Class, Limits, Policy, Request};
use ox_nodes::Registry;
use ox_types::{NodeRunId, Value};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;

use super::{Run, Shape, Target, signature, texts};
use crate::world;

pub const TARGET: Target = Target {
    name: "responses",
    shape: Shape::Text,
    seeds: || {
        let mut seeds = texts(&[
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n",
            "HTTP/1.1 302 Found\r\nLocation: /a?b#c\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.0 404 Not Found\r\n\r\nuntil the end",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nSet-Cookie: a=b\r\n\r\n",
            "HTTP/1.1 301 Moved\r\nLocation: //127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 206 Partial\r\nContent-Range: bytes 0-1/2\r\nContent-Disposition: attachment; filename*=UTF-8''%C3%A9\r\nContent-Length: 2\r\n\r\nab",
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{\"a\": [1, 2]}",
            "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Disposition: attachment; filename=\"a\\\"b.png\"\r\nContent-Length: 4\r\n\r\n\u{7f}PNG",
            "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=gb2312\r\nContent-Length: 6\r\n\r\n<p>x</",
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: {}\n\r\n0\r\n\r\n",
            "HTTP/1.1 500 Internal Server Error\r\nRetry-After: 1\r\nContent-Type: application/octet-stream\r\nContent-Length: 0\r\n\r\n",
        ]);
        // "hello" as gzip.
        let packed = [31, 139, 8, 0, 0, 0, 0, 0, 0, 3, 203, 72, 205, 201, 201, 7, 0, 134, 166, 16, 54, 5, 0, 0, 0];
        let head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 25\r\n\r\n";
        seeds.push([head.as_slice(), &packed].concat());
        seeds
    },
    words: &[
        "HTTP/1.1 ",
        "HTTP/2 200",
        "\r\n",
        "\r\n\r\n",
        "Content-Length: ",
        "Transfer-Encoding: chunked\r\n",
        "Content-Encoding: gzip\r\n",
        "Location: ",
        "http://",
        "/../",
        "\\\\",
        "%00",
        "ffffffffffffffff",
        "0\r\n\r\n",
        "Connection: close\r\n",
        "Content-Type: ",
        "charset=utf-16",
        "\u{1f}\u{8b}",
        "Upgrade: h2c\r\n",
        "101 ",
        "204 ",
        "304 ",
        "307 ",
        "401 ",
        "Via: squid\r\n",
        "@",
        "[::1]",
    ],
    start,
};

fn start() -> anyhow::Result<Run> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let answer: Arc<Mutex<Vec<u8>>> = Arc::default();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    let said = Arc::clone(&answer);
    runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let bytes = said.lock().unwrap_or_else(PoisonError::into_inner).clone();
            // One at a time is enough: the client waits for it.
            serve(stream, &bytes).await;
        }
    });
    let egress = world::network(Some(address));
    let policy = Policy { dev_mode: true, ..Policy::default() };
    let second = Duration::from_secs(1);
    let limits = Limits { connect: second, first_byte: second, read: second, total: second * 2, body: 1 << 20 };
    let registry = Registry::new(world::ports(egress.clone()));
    let data = json!({"type": "http-request", "method": "get", "url": "http://pub.test/a.bin", "headers": "", "params": "",
        "authorization": {"type": "no-auth"}, "timeout": {"connect": 1, "read": 1, "write": 1}});
    let mut spec = NodeSpec { id: "h".into(), kind: "http-request".into(), data, ..NodeSpec::default() };
    // The node repeats, so that the call below it does not: it would wait in between.
    spec.retry.enabled = true;
    let node = registry.build(&spec)?.runner;
    let spec = Arc::new(spec);
    Ok(Box::new(move |input| {
        *answer.lock().unwrap_or_else(PoisonError::into_inner) = input.to_vec();
        // No kept connection: its server has gone on.
        egress.set_policy(policy.clone());
        let request =
            Request { retries: Some(0), limits, ..Request::get(Class::HttpNode, "http://pub.test/".to_owned()) };
        let found = runtime.block_on(async {
            let response = egress.send(request).await?;
            let head = format!("{} {} {}", response.status, response.redirects, response.headers.len());
            Ok::<_, ox_net::NetError>((head, response.text().await?))
        });
        egress.set_policy(policy.clone());
        let (chunks, _receiver) = ChunkSender::channel(10);
        let cx = NodeContext {
            run: Arc::new(world::info()),
            node: Arc::clone(&spec),
            node_run_id: NodeRunId::new(),
            attempt: 0,
            frame: FrameRef::default(),
            pool: Pool::new(),
            chunks,
            answer: None,
            cancel: CancellationToken::new(),
        };
        let said = match runtime.block_on(node.run(cx)) {
            Ok(output) => {
                let files = output.outputs.get("files").map(Value::text).unwrap_or_default();
                files.chars().take(40).collect()
            }
            Err(failure) => failure.error,
        };
        match found {
            Ok((head, text)) => signature(&["ok", &head, &text.chars().take(3).collect::<String>(), &said]),
            Err(error) => signature(&["error", error.code(), &error.to_string(), &said]),
        }
    }))
}

async fn serve(mut stream: TcpStream, answer: &[u8]) {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !request.windows(4).any(|window| window == b"\r\n\r\n") {
        match stream.read(&mut buffer).await {
            Ok(count @ 1..) => request.extend_from_slice(buffer.get(..count).unwrap_or_default()),
            _ => return,
        }
    }
    // The client may have heard enough.
    let _ = stream.write_all(answer).await;
    let _ = stream.shutdown().await;
}
