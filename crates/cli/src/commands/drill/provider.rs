//! A provider of the OpenAI form that fails as it is told, on a port of this machine.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Context;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
    sync::watch,
    task::JoinSet,
};

/// What a healthy provider answers.
pub const ANSWER: &str = "The stand-in and the model say the same.";
/// Bytes of a request that are read.
const MOST: usize = 1 << 20;
/// How long a slow provider does not answer: longer than anybody waits.
const SLOW: Duration = Duration::from_secs(60);
/// A request that does not come is let go of.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is wrong with a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nobody listens.
    Down,
    /// It does not answer in time.
    Slow,
    /// 429 with `Retry-After`.
    Limited,
    /// Answers break off before they say anything, or in the middle of the one document.
    Truncating,
    /// A page in place of an answer, with status 200.
    Html,
}

impl Trouble {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Down, Self::Slow, Self::Limited, Self::Truncating, Self::Html];

    /// The name in the report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Slow => "slow",
            Self::Limited => "rate limited",
            Self::Truncating => "truncating",
            Self::Html => "HTML, not JSON",
        }
    }
}

/// A running provider; it ends when this is dropped.
pub struct FakeProvider {
    pub address: SocketAddr,
    calls: Arc<AtomicU64>,
    trouble: watch::Sender<Option<Trouble>>,
    _task: JoinSet<()>,
}

impl FakeProvider {
    /// Starts a healthy one.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("cannot listen on this machine")?;
        let address = listener.local_addr()?;
        let calls = Arc::new(AtomicU64::new(0));
        let (trouble, told) = watch::channel(None);
        let mut task = JoinSet::new();
        task.spawn(serve(listener, address, Arc::clone(&calls), told));
        Ok(Self { address, calls, trouble, _task: task })
    }

    /// Makes trouble, or mends it.
    pub async fn set(&self, trouble: Option<Trouble>) {
        self.trouble.send_replace(trouble);
        // The one who listens lets go of the port, or takes it again.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    /// Calls that were made since the last look.
    pub fn take_calls(&self) -> u64 {
        self.calls.swap(0, Ordering::Relaxed)
    }
}

async fn serve(
    mut listener: TcpListener,
    address: SocketAddr,
    calls: Arc<AtomicU64>,
    mut told: watch::Receiver<Option<Trouble>>,
) {
    let mut open = JoinSet::new();
    loop {
        if *told.borrow_and_update() == Some(Trouble::Down) {
            drop(listener);
            while *told.borrow_and_update() == Some(Trouble::Down) {
                if told.changed().await.is_err() {
                    return;
                }
            }
            let Ok(again) = TcpListener::bind(address).await else { return };
            listener = again;
        }
        tokio::select! {
            changed = told.changed() => if changed.is_err() { return },
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let (calls, trouble) = (Arc::clone(&calls), *told.borrow());
                open.spawn(async move {
                    // A caller that leaves is part of the drill.
                    let _ = tokio::time::timeout(SLOW + PATIENCE, answer(stream, &calls, trouble)).await;
                });
            }
            Some(_) = open.join_next() => {}
        }
    }
}

async fn answer(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    calls: &AtomicU64,
    trouble: Option<Trouble>,
) -> anyhow::Result<()> {
    let request = tokio::time::timeout(PATIENCE, request(&mut stream)).await??;
    calls.fetch_add(1, Ordering::Relaxed);
    let streams = request.get("stream").and_then(Value::as_bool) == Some(true);
    let reply = match trouble {
        Some(Trouble::Slow) => {
            tokio::time::sleep(SLOW).await;
            return Ok(());
        }
        Some(Trouble::Limited) => {
            let body = json!({"error": {"message": "slow down", "type": "rate_limit_error"}}).to_string();
            whole("429 Too Many Requests", "application/json\r\nretry-after: 2", &body)
        }
        Some(Trouble::Html) => whole("200 OK", "text/html", "<!doctype html><title>Sign in to the network</title>"),
        Some(Trouble::Truncating) if streams => {
            let begun = chunk(&piece(&json!({"role": "assistant", "content": ""}), None));
            format!("{}{begun}", head("200 OK", "text/event-stream\r\ntransfer-encoding: chunked"))
        }
        Some(Trouble::Truncating) => {
            let all = whole("200 OK", "application/json", &document());
            all.get(..all.len() - 40).unwrap_or_default().to_owned()
        }
        // A provider that is down was asked just before.
        None | Some(Trouble::Down) if streams => {
            let said = chunk(&piece(&json!({"role": "assistant", "content": ANSWER}), None));
            let end = chunk(&piece(&json!({}), Some("stop")));
            let done = chunk("data: [DONE]\n\n");
            format!("{}{said}{end}{done}0\r\n\r\n", head("200 OK", "text/event-stream\r\ntransfer-encoding: chunked"))
        }
        None | Some(Trouble::Down) => whole("200 OK", "application/json", &document()),
    };
    stream.write_all(reply.as_bytes()).await?;
    stream.shutdown().await?;
    Ok(())
}

fn head(status: &str, kind: &str) -> String {
    format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-type: {kind}\r\n\r\n")
}

fn whole(status: &str, kind: &str, body: &str) -> String {
    format!("{}{body}", head(status, &format!("{kind}\r\ncontent-length: {}", body.len())))
}

fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

fn piece(delta: &Value, finish: Option<&str>) -> String {
    let choice = json!({"index": 0, "delta": delta, "finish_reason": finish});
    let piece = json!({"id": "c", "object": "chat.completion.chunk", "model": "drill", "choices": [choice]});
    format!("data: {piece}\n\n")
}

fn document() -> String {
    let message = json!({"role": "assistant", "content": ANSWER});
    let choice = json!({"index": 0, "message": message, "finish_reason": "stop"});
    let usage = json!({"prompt_tokens": 5, "completion_tokens": 8, "total_tokens": 13});
    json!({"id": "c", "object": "chat.completion", "model": "drill", "choices": [choice], "usage": usage}).to_string()
}

/// The JSON body of one request.
async fn request(stream: &mut (impl AsyncRead + Unpin)) -> anyhow::Result<Value> {
    let mut read = Vec::new();
    let mut buffer = [0_u8; 8192];
    loop {
        if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(read.get(..end).unwrap_or_default()).to_ascii_lowercase();
            let length =
                head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
            let body = read.get(end + 4..).unwrap_or_default();
            if body.len() >= length.unwrap_or(0) {
                return Ok(serde_json::from_slice(body).unwrap_or_default());
            }
        }
        let count = stream.read(&mut buffer).await?;
        anyhow::ensure!(count > 0 && read.len() < MOST, "a request that is none");
        read.extend_from_slice(buffer.get(..count).unwrap_or_default());
    }
}
