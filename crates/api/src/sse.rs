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
    let mut response = Response::new(Body::from_stream(pinged(frames, quiet, PING_EVERY)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// The frames, with a ping each time this long has passed.
fn pinged(
    frames: impl Stream<Item = Bytes> + Send + 'static,
    quiet: &'static [u8],
    every: Duration,
) -> impl Stream<Item = Result<Bytes, Infallible>> + Send + 'static {
    let mut ping = tokio::time::interval_at(tokio::time::Instant::now() + every, every);
    async_stream::stream! {
        let mut frames = std::pin::pin!(frames);
        loop {
            tokio::select! {
                biased;
                next = frames.next() => match next {
                    Some(frame) => yield Ok(frame),
                    None => break,
                },
                _ = ping.tick() => yield Ok(Bytes::from_static(quiet)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// C13: pings while a tool is silent, then what it had to say, then the end.
    #[tokio::test]
    async fn a_silent_stream_is_kept_open_by_bare_pings() {
        let (tool, mut said) = tokio::sync::mpsc::channel::<Bytes>(1);
        let frames = async_stream::stream! {
            while let Some(frame) = said.recv().await {
                yield frame;
            }
        };
        let mut wire = Box::pin(pinged(frames, PING, Duration::from_millis(5)));
        let mut raw = Vec::new();
        for _ in 0..2 {
            raw.extend_from_slice(&wire.next().await.unwrap().unwrap());
        }
        assert_eq!(String::from_utf8(raw).unwrap(), "event: ping\n\nevent: ping\n\n");
        tool.send(frame(r#"{"event":"message"}"#, None)).await.unwrap();
        drop(tool);
        let mut rest = Vec::new();
        while let Some(Ok(piece)) = wire.next().await {
            rest.extend_from_slice(&piece);
        }
        let rest = String::from_utf8(rest).unwrap().replace("event: ping\n\n", "");
        assert_eq!(rest, "data: {\"event\":\"message\"}\n\n");
    }

    #[test]
    fn a_silence_of_twelve_seconds_holds_a_ping() {
        assert!(PING_EVERY < Duration::from_secs(12));
        assert_eq!(PING, b"event: ping\n\n");
    }
}
