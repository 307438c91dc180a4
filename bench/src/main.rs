//! Load generator: keep-alive HTTP/1.1 connections that call one route, and the time each call took.
//! Prints one JSON object. `bench/run.py` starts the server and calls this for every scenario.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use clap::Parser;
use http_body_util::{BodyExt, Full};
use hyper::{Request, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// One scenario.
#[derive(Parser, Clone)]
struct Options {
    /// `host:port` of the server.
    #[arg(long, default_value = "")]
    address: String,
    #[arg(long, default_value = "/")]
    path: String,
    #[arg(long, default_value = "")]
    key: String,
    /// JSON body of every call.
    #[arg(long)]
    body: String,
    #[arg(long, default_value_t = 8)]
    concurrency: usize,
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Stop after this many calls (0: only by time).
    #[arg(long, default_value_t = 0)]
    calls: u64,
    /// Text of the first piece of the answer; its arrival is the time to first token.
    #[arg(long, default_value = "")]
    first: String,
    /// Each call waits a random time up to this before it starts, so that callers do not move in step.
    #[arg(long, default_value_t = 0)]
    spread_ms: u64,
    /// Report what the platform adds: the model's own times, as the answer tells them, are taken off.
    #[arg(long)]
    added: bool,
    /// Text that every good answer contains.
    #[arg(long, default_value = "succeeded")]
    expect: String,
}

/// Bytes at the end of an answer that are searched for its outcome and the model's times.
const ENDING: usize = 16 * 1024;

#[derive(Default)]
struct Sample {
    total: Vec<f64>,
    first: Vec<f64>,
    errors: u64,
    example: String,
}

impl Sample {
    fn add(&mut self, other: Self) {
        self.total.extend(other.total);
        self.first.extend(other.first);
        self.errors += other.errors;
        if self.example.is_empty() {
            self.example = other.example;
        }
    }
}

/// Waits a random time up to the limit.
async fn spread(limit_ms: u64) {
    if limit_ms > 0 {
        tokio::time::sleep(Duration::from_millis(rand::random_range(0..limit_ms))).await;
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let options = Options::parse();
    let stop = Arc::new(AtomicBool::new(false));
    let left = Arc::new(AtomicU64::new(if options.calls == 0 { u64::MAX } else { options.calls }));
    let began = Instant::now();
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..options.concurrency {
        workers.spawn(worker(options.clone(), Arc::clone(&stop), Arc::clone(&left)));
    }
    let timer = tokio::time::sleep(Duration::from_secs_f64(options.seconds));
    tokio::pin!(timer);
    let mut all = Sample::default();
    loop {
        tokio::select! {
            () = &mut timer, if !stop.load(Ordering::Relaxed) => stop.store(true, Ordering::Relaxed),
            done = workers.join_next() => match done {
                Some(sample) => all.add(sample??),
                None => break,
            },
        }
    }
    report(&mut all, began.elapsed().as_secs_f64());
    Ok(())
}

async fn worker(options: Options, stop: Arc<AtomicBool>, left: Arc<AtomicU64>) -> Result<Sample> {
    let mut sample = Sample::default();
    let mut sender = connect(&options.address).await?;
    while !stop.load(Ordering::Relaxed) {
        if left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_err() {
            break;
        }
        spread(options.spread_ms).await;
        let began = Instant::now();
        match call(&mut sender, &options).await {
            Ok(answer) => {
                sample.total.push(began.elapsed().as_secs_f64() - answer.model_total);
                sample.first.extend(answer.first.map(|at| at.duration_since(began).as_secs_f64() - answer.model_first));
            }
            Err(error) => {
                sample.errors += 1;
                if sample.example.is_empty() {
                    sample.example = format!("{error:#}");
                }
                sender = connect(&options.address).await?;
            }
        }
    }
    Ok(sample)
}

#[expect(clippy::disallowed_methods, reason = "the generator calls the server beside it, nothing of a user's")]
async fn connect(address: &str) -> Result<http1::SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(address).await.context("connect")?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::task::spawn(connection);
    Ok(sender)
}

/// What is measured of one answer.
struct Answer {
    /// When the first piece came, if one was looked for.
    first: Option<Instant>,
    /// Seconds of the model's own, where they are taken off.
    model_first: f64,
    model_total: f64,
}

/// One call, to the end of its answer.
async fn call(sender: &mut http1::SendRequest<Full<Bytes>>, options: &Options) -> Result<Answer> {
    let request = Request::post(&options.path)
        .header(header::HOST, &options.address)
        .header(header::AUTHORIZATION, format!("Bearer {}", options.key))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(options.body.clone())))?;
    let mut response = sender.send_request(request).await?;
    let status = response.status();
    let mut first = None;
    let mut tail: Vec<u8> = Vec::new();
    while let Some(frame) = response.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        tail.extend_from_slice(&data);
        if first.is_none() && !options.first.is_empty() && find(&tail, options.first.as_bytes()) {
            first = Some(Instant::now());
        }
    }
    // What ends an answer stands at its end: the rest is not searched on the thread that also takes the others' times.
    let end = tail.get(tail.len().saturating_sub(ENDING)..).unwrap_or_default();
    if !status.is_success() || !find(end, options.expect.as_bytes()) {
        bail!("status {status}: {}", String::from_utf8_lossy(&tail[..tail.len().min(300)]));
    }
    let own = |name: &str| if options.added { number_after(end, name) } else { Ok(0.0) };
    Ok(Answer { first, model_first: own("\"time_to_first_token\":")?, model_total: own("\"latency\":")? })
}

/// The number behind the first appearance of a name in an answer.
fn number_after(text: &[u8], name: &str) -> Result<f64> {
    let text = String::from_utf8_lossy(text);
    let (_, rest) = text.split_once(name).with_context(|| format!("the answer has no {name}"))?;
    let end = rest.find([',', '}']).unwrap_or(rest.len());
    rest[..end].trim().parse().with_context(|| format!("{name} is no number"))
}

fn find(text: &[u8], part: &[u8]) -> bool {
    part.is_empty() || text.windows(part.len()).any(|window| window == part)
}

#[expect(clippy::print_stdout, reason = "a command-line tool")]
#[expect(clippy::cast_precision_loss, reason = "counts are small")]
fn report(sample: &mut Sample, seconds: f64) {
    let calls = sample.total.len();
    let total = percentiles(&mut sample.total);
    let first = percentiles(&mut sample.first);
    let line = serde_json::json!({
        "calls": calls, "errors": sample.errors, "per_second": (calls as f64 / seconds).round(),
        "total_ms": total, "first_ms": first, "example_error": sample.example,
    });
    println!("{line}");
}

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
fn percentiles(values: &mut [f64]) -> serde_json::Value {
    if values.is_empty() {
        return serde_json::Value::Null;
    }
    values.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let index = ((values.len() as f64 * share) as usize).min(values.len() - 1);
        (values.get(index).copied().unwrap_or_default() * 1e5).round() / 100.0
    };
    serde_json::json!({"p50": at(0.5), "p95": at(0.95), "p99": at(0.99), "max": at(1.0)})
}
