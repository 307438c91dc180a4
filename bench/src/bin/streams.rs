//! For `bench/streams.py`: many streams of chat answers at the same time, and how late each word of a paced model comes.
//! Prints one JSON object.
//!
//! The model says a word every `1 / rate` seconds, from `ttft_ms` after it was asked. A word is due at its place in that
//! schedule, counted from the moment in which the request was sent: what the platform adds before the first word is lateness
//! too. Each word begins with a mark that nothing else in an answer has, so counting marks is enough: one thread follows
//! tens of thousands of words a second beside the server that it measures.

use std::{
    io::ErrorKind,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, bail};
use clap::Parser;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    task::JoinSet,
    time::Instant,
};

#[derive(Parser, Clone)]
struct Options {
    /// `ip:port` of the server
    #[arg(long)]
    address: SocketAddr,
    #[arg(long, default_value = "/v1/chat-messages")]
    path: String,
    #[arg(long)]
    key: String,
    /// JSON body of every call
    #[arg(long)]
    body: String,
    #[arg(long, default_value_t = 10_000)]
    streams: usize,
    /// Seconds in which all of them are opened
    #[arg(long, default_value_t = 20.0)]
    ramp: f64,
    /// Words of each answer
    #[arg(long)]
    words: usize,
    /// Words a second of the model
    #[arg(long, default_value_t = 4.0)]
    rate: f64,
    /// Milliseconds before the model's first word
    #[arg(long, default_value_t = 0.0)]
    ttft_ms: f64,
}

/// What every word begins with.
const MARK: u8 = b'~';
/// What ends a good answer.
const END: &[u8] = b"message_end";
/// Bytes of an answer that are kept for a look at its end.
const TAIL: usize = 512;
/// Addresses of this machine to call from: each has ports of its own.
const SOURCES: u8 = 16;
/// A stream that is silent for so long is given up.
const SILENCE: Duration = Duration::from_secs(60);
/// A word that comes so much before its time was not paced.
const EARLY: f64 = -0.1;

#[derive(Default)]
struct Stream {
    /// Seconds after the time at which each word was due; and whether all streams were open then.
    late: Vec<(f32, bool)>,
    /// Why it is not a good one.
    fault: Option<Fault>,
}

enum Fault {
    /// It was never accepted.
    Refused(String),
    /// It ended before its end, or lacks words.
    Dropped(String),
}

/// How many are open now, and how many were at most.
#[derive(Default)]
struct Open {
    now: AtomicUsize,
    most: AtomicUsize,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let options = Arc::new(Options::parse());
    let (open, began) = (Arc::new(Open::default()), Instant::now() + Duration::from_millis(200));
    let mut calls = JoinSet::new();
    for number in 0..options.streams {
        calls.spawn(one(Arc::clone(&options), number, began, Arc::clone(&open)));
    }
    let mut streams = Vec::with_capacity(options.streams);
    while let Some(done) = calls.join_next().await {
        streams.push(done?);
    }
    report(&options, &streams, open.most.load(Ordering::Relaxed), began.elapsed().as_secs_f64());
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "streams are few")]
async fn one(options: Arc<Options>, number: usize, began: Instant, open: Arc<Open>) -> Stream {
    tokio::time::sleep_until(began + Duration::from_secs_f64(options.ramp * number as f64 / options.streams as f64))
        .await;
    let mut stream = Stream::default();
    let connection = match ask(&options).await {
        Ok(connection) => connection,
        Err(error) => {
            stream.fault = Some(Fault::Refused(format!("{error:#}")));
            return stream;
        }
    };
    let sent = Instant::now();
    open.most.fetch_max(open.now.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
    let all_open = began + Duration::from_secs_f64(options.ramp);
    if let Err(fault) = follow(connection, &options, sent, all_open, &mut stream).await {
        stream.fault = Some(fault);
    }
    open.now.fetch_sub(1, Ordering::Relaxed);
    stream
}

/// A connection on which the question has been sent.
async fn ask(options: &Options) -> Result<TcpStream> {
    let mut connection = connect(options.address).await?;
    connection.set_nodelay(true)?;
    let request = format!(
        "POST {} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{}",
        options.path,
        options.address,
        options.key,
        options.body.len(),
        options.body
    );
    connection.write_all(request.as_bytes()).await.context("send")?;
    Ok(connection)
}

/// Connects, from the next address of this machine where the ports of one are used up.
async fn connect(address: SocketAddr) -> Result<TcpStream> {
    if !address.is_ipv4() || !address.ip().is_loopback() {
        return TcpSocket::new_v4()?.connect(address).await.context("connect");
    }
    for source in 1..=SOURCES {
        let socket = TcpSocket::new_v4()?;
        let from = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, source)), 0);
        let result = match socket.bind(from) {
            Ok(()) => socket.connect(address).await,
            Err(error) => Err(error),
        };
        match result {
            Err(error) if matches!(error.kind(), ErrorKind::AddrInUse | ErrorKind::AddrNotAvailable) => {}
            other => return other.context("connect"),
        }
    }
    bail!("no port is left on {SOURCES} addresses of this machine")
}

/// Reads to the end, and notes when each word came.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "seconds and words are few")]
async fn follow(
    mut connection: TcpStream,
    options: &Options,
    sent: Instant,
    all_open: Instant,
    stream: &mut Stream,
) -> Result<(), Fault> {
    let (mut buffer, mut tail, mut is_first) = (vec![0_u8; 4096], Vec::with_capacity(2 * TAIL), true);
    loop {
        let dropped = |why: &str, tail: &[u8], words: usize| {
            Fault::Dropped(format!("{why} after {words} words: {}", String::from_utf8_lossy(tail)))
        };
        let result = tokio::time::timeout(SILENCE, connection.read(&mut buffer)).await;
        let read = match result {
            Ok(Ok(0)) => return Err(dropped("closed", &tail, stream.late.len())),
            Ok(Ok(count)) => buffer.get(..count).unwrap_or_default(),
            Ok(Err(error)) => return Err(dropped(&error.to_string(), &tail, stream.late.len())),
            Err(_) => return Err(dropped("silent", &tail, stream.late.len())),
        };
        let came = Instant::now();
        let seam = tail.len().saturating_sub(END.len());
        // The end may stand before much else, and may come in two pieces.
        let joint = [tail.get(seam..).unwrap_or_default(), read].concat();
        keep_tail(&mut tail, read);
        if is_first && !read.starts_with(b"HTTP/1.1 200") {
            return Err(Fault::Refused(String::from_utf8_lossy(&tail).into_owned()));
        }
        is_first = false;
        // A workflow's last events repeat the whole text.
        let left = options.words.saturating_sub(stream.late.len());
        let before = stream.late.len();
        for _ in read.iter().filter(|byte| **byte == MARK).take(left) {
            let due = options.ttft_ms / 1000.0 + stream.late.len() as f64 / options.rate;
            let due = sent + Duration::from_secs_f64(due);
            let late =
                came.saturating_duration_since(due).as_secs_f64() - due.saturating_duration_since(came).as_secs_f64();
            stream.late.push((late as f32, due >= all_open));
        }
        // What brings words is not the end, but for the last of them.
        let may_end = stream.late.len() == before || stream.late.len() == options.words;
        if may_end && joint.windows(END.len()).any(|window| window == END) {
            let whole = stream.late.len() == options.words;
            return if whole { Ok(()) } else { Err(dropped("ended", &tail, stream.late.len())) };
        }
    }
}

/// Adds to the end of an answer, and cuts off what is no longer of it.
fn keep_tail(tail: &mut Vec<u8>, read: &[u8]) {
    tail.extend_from_slice(read.get(read.len().saturating_sub(TAIL)..).unwrap_or_default());
    let surplus = tail.len().saturating_sub(TAIL);
    tail.drain(..surplus);
}

#[expect(clippy::print_stdout, reason = "a command-line tool")]
fn report(options: &Options, streams: &[Stream], most_open: usize, seconds: f64) {
    let (mut all, mut full) = (Vec::new(), Vec::new());
    let mut first = Vec::with_capacity(streams.len());
    let (mut refused, mut dropped, mut example) = (0_u64, 0_u64, None);
    for stream in streams {
        match &stream.fault {
            Some(Fault::Refused(why)) => {
                refused += 1;
                example.get_or_insert(why);
            }
            Some(Fault::Dropped(why)) => {
                dropped += 1;
                example.get_or_insert(why);
            }
            None => {}
        }
        first.extend(stream.late.first().map(|(late, _)| *late));
        all.extend(stream.late.iter().map(|(late, _)| *late));
        full.extend(stream.late.iter().filter(|(_, is_full)| *is_full).map(|(late, _)| *late));
    }
    let early = all.iter().filter(|late| f64::from(**late) < EARLY).count();
    let line = json!({
        "streams": options.streams, "most_open": most_open, "ended_well": streams.iter().filter(|it| it.fault.is_none()).count(),
        "errors": refused, "dropped": dropped, "example": example, "words": all.len(), "words_too_early": early,
        "seconds": (seconds * 10.0).round() / 10.0,
        "first_word_late_ms": percentiles(first), "late_ms": percentiles(all), "late_with_all_open_ms": percentiles(full),
    });
    println!("{line}");
}

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
fn percentiles(mut values: Vec<f32>) -> Value {
    if values.is_empty() {
        return Value::Null;
    }
    values.sort_unstable_by(f32::total_cmp);
    let at = |share: f64| {
        let index = ((values.len() as f64 * share) as usize).min(values.len() - 1);
        (f64::from(values.get(index).copied().unwrap_or_default()) * 1e5).round() / 100.0
    };
    json!({"p50": at(0.5), "p95": at(0.95), "p99": at(0.99), "p999": at(0.999), "max": at(1.0)})
}
