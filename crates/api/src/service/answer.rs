//! A run's stream as the caller wants it: event by event, or folded into one body.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use bytes::{Bytes, BytesMut};
use ox_app::{
    Error,
    runs::{
        AppMode, MessageMetadata, StreamBody, StreamEvent, StreamHead, Subscription,
        outcome::{self, Outcome},
    },
};

use super::frames::{self, Detail};
use crate::{ApiError, ApiResult, sse};

/// Frames that are ready at once go out in one piece of up to this size.
const PIECE: usize = 32 * 1024;

/// Whether the caller asked for `id:` lines.
#[must_use]
pub fn wants_ids(headers: &HeaderMap) -> bool {
    headers.contains_key("last-event-id") || headers.get("x-stream-ids").is_some_and(|value| value == "1")
}

/// The answer in the asked form.
///
/// # Errors
/// When a blocking run failed in a way that is an error to the caller.
pub async fn answer(mut reader: Subscription, is_blocking: bool, headers: &HeaderMap) -> ApiResult<Response> {
    let detail = Detail::of(reader.head().invoke_from);
    if is_blocking { blocking(&mut reader, detail).await } else { Ok(streaming(reader, detail, wants_ids(headers))) }
}

/// The answer to a caller who does not wait: the run is on record when this returns.
///
/// # Errors
/// When it could not be begun.
pub async fn accepted(mut reader: Subscription) -> ApiResult<Response> {
    if let Ok(Some(event)) = reader.next().await
        && let StreamBody::Error { code, status, message } = &event.body
    {
        return Err(ApiError(Error::new(*status, code.clone(), &**message)));
    }
    let head = reader.head();
    let body = serde_json::json!({
        "task_id": head.task_id,
        "workflow_run_id": head.run_id,
        "conversation_id": head.conversation_id,
        "message_id": head.message_id,
        "status": "running",
        "created_at": head.created_at,
    });
    let mut response = json(body.to_string());
    *response.status_mut() = StatusCode::ACCEPTED;
    Ok(response)
}

/// One frame for each event.
#[must_use]
pub fn streaming(mut reader: Subscription, detail: Detail, ids: bool) -> Response {
    let frames = async_stream::stream! {
        metrics::gauge!("oxidify_sse_streams").increment(1.0);
        let _open = OpenStream;
        loop {
            let event = match reader.next().await {
                Ok(Some(event)) => event,
                Ok(None) => break,
                Err(lagged) => {
                    yield too_slow(reader.head(), lagged, detail);
                    break;
                }
            };
            let mut piece = BytesMut::new();
            push(&mut piece, reader.head(), &event, detail, ids);
            while piece.len() < PIECE
                && let Ok(Some(event)) = reader.try_next()
            {
                push(&mut piece, reader.head(), &event, detail, ids);
            }
            if !piece.is_empty() {
                yield piece.freeze();
            }
        }
    };
    sse::response(frames)
}

/// The end of a stream whose reader does not keep up: better an error than a text with a hole.
fn too_slow(head: &StreamHead, lagged: ox_app::runs::Lagged, detail: Detail) -> Bytes {
    let body = StreamBody::Error {
        code: "stream_too_slow".into(),
        status: 503,
        message: format!("{lagged}; read its result when it has ended").into(),
    };
    let event = StreamEvent { number: lagged.missed_from, at: chrono::Utc::now().timestamp(), body };
    frames::json(head, &event, detail).map_or_else(Bytes::new, |json| sse::frame(&json, None))
}

/// Counts an open stream, also when its client leaves.
struct OpenStream;

impl Drop for OpenStream {
    fn drop(&mut self) {
        metrics::gauge!("oxidify_sse_streams").decrement(1.0);
    }
}

fn push(piece: &mut BytesMut, head: &StreamHead, event: &StreamEvent, detail: Detail, ids: bool) {
    if let Some(json) = frames::json(head, event, detail) {
        piece.extend_from_slice(&sse::frame(&json, ids.then_some(event.number)));
    }
}

/// Waits for the end and answers with one body.
async fn blocking(reader: &mut Subscription, detail: Detail) -> ApiResult<Response> {
    let outcome = outcome::wait(reader).await?;
    let head = reader.head();
    Ok(json(match outcome {
        Outcome::Workflow(done) => frames::blocking_workflow(head, &done),
        Outcome::Paused(pause) => frames::blocking_paused(head, &pause),
        Outcome::Message { answer, metadata, .. } => message(head, &answer, &metadata, detail),
    }))
}

fn message(head: &StreamHead, answer: &str, metadata: &MessageMetadata, detail: Detail) -> String {
    let id = |id: Option<uuid::Uuid>| serde_json::json!(id).to_string();
    let message_id = id(head.message_id.map(Into::into));
    let mut text = format!(
        "{{\"event\":\"message\",\"task_id\":\"{}\",\"id\":{message_id},\"message_id\":{message_id},",
        head.task_id
    );
    if head.mode != AppMode::Completion {
        text.push_str(&format!("\"conversation_id\":{},", id(head.conversation_id.map(Into::into))));
    }
    text.push_str(&format!(
        "\"mode\":\"{}\",\"answer\":{},\"metadata\":{},\"created_at\":{}}}",
        head.mode.as_str(),
        serde_json::Value::from(answer),
        frames::metadata_json(metadata, detail),
        head.created_at
    ));
    text
}

/// A body that is JSON already.
#[must_use]
pub fn json(text: String) -> Response {
    let mut response = Response::new(Body::from(Bytes::from(text)));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    response
}
