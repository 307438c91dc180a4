//! For `bench/gateway.py`: a mock model that answers at once, and callers that come at a fixed rate.
//! Prints one JSON object.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use clap::{Parser, Subcommand};
use http_body_util::{BodyExt, Full};
use hyper::{Request, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::Instant,
};

#[derive(Parser)]
struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Answer chat completions at once, until stopped
    Mock {
        #[arg(long)]
        port: u16,
    },
    /// Ask at a fixed rate, and tell the times from when each call was due
    Load(Load),
}

#[derive(clap::Args, Clone)]
struct Load {
    /// `host:port`
    #[arg(long)]
    address: String,
    #[arg(long)]
    path: String,
    #[arg(long, default_value = "")]
    key: String,
    #[arg(long)]
    model: String,
    /// Calls a second; 0 is as fast as the connections can
    #[arg(long)]
    rate: f64,
    #[arg(long, default_value_t = 64)]
    connections: usize,
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
}

const ANSWER: &str = r#"{"id":"c","object":"chat.completion","created":1,"model":"mock","choices":[{"index":0,"message":{"role":"assistant","content":"A short answer of a mock model."},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":8,"total_tokens":17}}"#;

#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
async fn main() -> Result<()> {
    match Options::parse().command {
        Command::Mock { port } => mock(port).await,
        Command::Load(load) => measure(load).await,
    }
}

async fn mock(port: u16) -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await.context("the port of the mock model")?;
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted?;
                stream.set_nodelay(true)?;
                open.spawn(answer(stream));
            }
            Some(_) = open.join_next() => {}
        }
    }
}

/// Answers the requests of one connection, one after the other.
async fn answer(mut stream: TcpStream) -> Result<()> {
    let reply = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{ANSWER}",
        ANSWER.len()
    );
    let (mut read, mut buffer) = (Vec::new(), vec![0_u8; 16 * 1024]);
    loop {
        while let Some(length) = whole(&read) {
            read.drain(..length);
            stream.write_all(reply.as_bytes()).await?;
        }
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        read.extend_from_slice(buffer.get(..count).unwrap_or_default());
    }
}

/// The length of the first request, if all of it is there.
fn whole(read: &[u8]) -> Option<usize> {
    let head = read.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(read.get(..head)?).to_ascii_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    let all = head + length.unwrap_or(0);
    (read.len() >= all).then_some(all)
}

#[derive(Default)]
struct Sample {
    times: Vec<f64>,
    errors: u64,
    example: String,
}

async fn measure(load: Load) -> Result<()> {
    let body = serde_json::json!({"model": load.model, "messages": [{"role": "user", "content": "A short question?"}], "max_tokens": 64});
    let body = Bytes::from(body.to_string());
    let number = Arc::new(AtomicU64::new(0));
    let mut workers = JoinSet::new();
    let start = Instant::now() + Duration::from_millis(200);
    for _ in 0..load.connections {
        workers.spawn(worker(load.clone(), body.clone(), start, Arc::clone(&number)));
    }
    let mut all = Sample::default();
    while let Some(sample) = workers.join_next().await {
        let sample = sample??;
        all.times.extend(sample.times);
        all.errors += sample.errors;
        if all.example.is_empty() {
            all.example = sample.example;
        }
    }
    report(all, start.elapsed().as_secs_f64());
    Ok(())
}

async fn worker(load: Load, body: Bytes, start: Instant, number: Arc<AtomicU64>) -> Result<Sample> {
    let (mut sample, mut sender) = (Sample::default(), connect(&load.address).await?);
    let end = start + Duration::from_secs_f64(load.seconds);
    tokio::time::sleep_until(start).await;
    loop {
        #[expect(clippy::cast_precision_loss, reason = "calls are few")]
        let due = if load.rate > 0.0 {
            start + Duration::from_secs_f64(number.fetch_add(1, Ordering::Relaxed) as f64 / load.rate)
        } else {
            Instant::now()
        };
        // Those that are still due when the time is over were waited for too long to be answered in it.
        if due >= end || Instant::now() >= end + Duration::from_secs(5) {
            return Ok(sample);
        }
        tokio::time::sleep_until(due).await;
        match call(&mut sender, &load, body.clone()).await {
            Ok(()) => sample.times.push(due.elapsed().as_secs_f64()),
            Err(error) => {
                sample.errors += 1;
                if sample.example.is_empty() {
                    sample.example = format!("{error:#}");
                }
                sender = connect(&load.address).await?;
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the generator calls the server beside it, nothing of a user's")]
async fn connect(address: &str) -> Result<http1::SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(address).await.context("connect")?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::task::spawn(connection);
    Ok(sender)
}

async fn call(sender: &mut http1::SendRequest<Full<Bytes>>, load: &Load, body: Bytes) -> Result<()> {
    let request = Request::post(&load.path)
        .header(header::HOST, &load.address)
        .header(header::AUTHORIZATION, format!("Bearer {}", load.key))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(body))?;
    let response = sender.send_request(request).await?;
    let status = response.status();
    let answer = response.into_body().collect().await?.to_bytes();
    if !status.is_success() {
        bail!("status {status}: {}", String::from_utf8_lossy(answer.get(..answer.len().min(300)).unwrap_or_default()));
    }
    let said = b"A short answer of a mock model.";
    ensure!(answer.windows(said.len()).any(|window| window == said), "another answer");
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a command-line tool")]
#[expect(clippy::cast_precision_loss, reason = "counts are small")]
fn report(mut sample: Sample, seconds: f64) {
    let calls = sample.times.len();
    sample.times.sort_unstable_by(f64::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the number of calls")]
    let at = |share: f64| {
        let place = ((calls as f64 * share) as usize).min(calls.saturating_sub(1));
        sample.times.get(place).map(|time| (time * 1e5).round() / 100.0)
    };
    let line = serde_json::json!({
        "calls": calls, "errors": sample.errors, "example": sample.example, "per_second": (calls as f64 / seconds).round(),
        "p50_ms": at(0.5), "p95_ms": at(0.95), "p99_ms": at(0.99),
    });
    println!("{line}");
}
