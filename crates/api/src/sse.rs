//! Server-sent events as the compatible API frames them: `data:` lines, a ping every ten seconds.

use std::{convert::Infallible, time::Duration};

use axum::{
    body::Body,
    http::{HeaderValue, header},
    response::Response,
};
use bytes::Bytes;
use futures::{Stream, StreamExt};

/// Time between pings; the first comes after the same time.
pub const PING_EVERY: Duration = Duration::from_secs(10);
/// The ping frame.
pub const PING: &[u8] = b"event: ping\n\n";

/// One event frame: `data: {json}` and an empty line, with an `id:` line only when asked for.
#[must_use]
pub fn frame(json: &str, id: Option<u64>) -> Bytes {
    let mut text = String::with_capacity(json.len() + 24);
    if let Some(id) = id {
        text.push_str(&format!("id: {id}\n"));
    }
    text.push_str("data: ");
    text.push_str(json);
    text.push_str("\n\n");
    Bytes::from(text)
}

/// The ping of streams whose readers take an event without data for one with broken data.
pub const QUIET_PING: &[u8] = b": ping\n\n";

/// An event-stream answer from frames, with pings while nothing comes.
pub fn response(frames: impl Stream<Item = Bytes> + Send + 'static) -> Response {
    response_with(frames, PING)
}

/// The same with a ping of the caller's.
pub fn response_with(frames: impl Stream<Item = Bytes> + Send + 'static, quiet: &'static [u8]) -> Response {
    let mut ping = tokio::time::interval_at(tokio::time::Instant::now() + PING_EVERY, PING_EVERY);
    let stream = async_stream::stream! {
        let mut frames = std::pin::pin!(frames);
        loop {
            tokio::select! {
                biased;
                next = frames.next() => match next {
                    Some(frame) => yield Ok::<_, Infallible>(frame),
                    None => break,
                },
                _ = ping.tick() => yield Ok(Bytes::from_static(quiet)),
            }
        }
    };
    let mut response = Response::new(Body::from_stream(stream));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}
