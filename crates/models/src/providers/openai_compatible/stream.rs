//! Reading an answer to its end: limits, usage, and what counts as whole.

use std::time::Duration;

use ox_net::Response;
use ox_types::Json;
use tokio::time::Instant;

use super::{
    answer::{Reader, Tokens},
    fault,
};
use crate::{ChatDelta, ChatStream, ErrorClass, Message, ModelError, Pricing, Usage, count, sse};

/// Bytes of one answer; no honest one has as many, and a chat keeps several copies of it.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// What a stream needs to know to end well.
pub struct Accounting {
    pub provider: String,
    pub key: Option<String>,
    pub model: String,
    pub messages: Vec<Message>,
    pub tools: Vec<crate::ToolSpec>,
    pub pricing: Option<Pricing>,
    pub started: Instant,
    pub first_token: Duration,
}

/// A stream of pieces; the connection closes when it is dropped.
pub fn stream(mut response: Response, accounting: Accounting) -> ChatStream {
    Box::pin(async_stream::try_stream! {
        let mut decoder = sse::Decoder::default();
        let mut reader = Reader::new(&accounting.provider);
        let mut tokens = None;
        let mut first = None;
        let mut produced = Produced::default();
        let mut open = true;
        while open && !reader.seen_done {
            let piece = next_piece(&mut response, &accounting, first.is_none()).await?;
            match piece {
                Some(bytes) => decoder.push(&bytes).map_err(|_| {
                    fault::garbage(&accounting.provider, "the provider sent a line without end", "")
                })?,
                None => {
                    open = false;
                    decoder.finish();
                }
            }
            while let Some(event) = decoder.next_event() {
                let frame = reader.event(&event).map_err(|error| fault::without_key(error, accounting.key.as_deref()))?;
                let Some(frame) = frame else { continue };
                tokens = frame.tokens.or(tokens);
                if says_something(&frame.delta) {
                    if is_content(&frame.delta) {
                        first.get_or_insert_with(Instant::now);
                    }
                    produced.add(&frame.delta);
                    if produced.text.len() > MAX_ANSWER {
                        let text = format!("the provider's answer goes on after {MAX_ANSWER} bytes");
                        Err(fault::garbage(&accounting.provider, &text, ""))?;
                    }
                    yield frame.delta;
                }
            }
        }
        check_end(&reader, &accounting.provider)?;
        let usage = usage(tokens, accounting, produced, first).await;
        yield ChatDelta { usage: Some(usage), ..ChatDelta::default() };
    })
}

/// The next bytes; until the first token the limit is counted from the call's start.
async fn next_piece(
    response: &mut Response,
    accounting: &Accounting,
    is_first: bool,
) -> Result<Option<bytes::Bytes>, ModelError> {
    let net = |error: ox_net::NetError| fault::from_net(&accounting.provider, &error);
    if !is_first {
        return response.chunk().await.map_err(net);
    }
    let deadline = accounting.started + accounting.first_token;
    match tokio::time::timeout_at(deadline, response.chunk()).await {
        Ok(piece) => piece.map_err(net),
        Err(_) => {
            let text = format!("no first token within {:?}", accounting.first_token);
            Err(ModelError::new(ErrorClass::Timeout, &accounting.provider, text))
        }
    }
}

fn check_end(reader: &Reader, provider: &str) -> Result<(), ModelError> {
    if !reader.seen_frame {
        return Err(fault::garbage(provider, "the provider's stream held no answer", ""));
    }
    if reader.seen_finish || reader.seen_done {
        return Ok(());
    }
    let text = "the stream ended before the answer was complete";
    Err(ModelError::new(ErrorClass::Connection, provider, text))
}

/// An answer that came in one piece.
pub async fn whole(response: Response, accounting: Accounting) -> Result<ChatStream, ModelError> {
    let net = |error: ox_net::NetError| fault::from_net(&accounting.provider, &error);
    let body = response.bytes().await.map_err(net)?;
    let json: Json = serde_json::from_slice(&body).map_err(|_| {
        fault::garbage(&accounting.provider, "the provider's answer is not JSON", &String::from_utf8_lossy(&body))
    })?;
    let mut reader = Reader::new(&accounting.provider);
    let frame = reader.frame(&json).map_err(|error| fault::without_key(error, accounting.key.as_deref()))?;
    if json.get("choices").and_then(Json::as_array).is_none_or(Vec::is_empty) {
        return Err(fault::garbage(&accounting.provider, "the provider's answer has no choices", &json.to_string()));
    }
    let mut produced = Produced::default();
    produced.add(&frame.delta);
    let mut usage = usage(frame.tokens, accounting, produced, None).await;
    (usage.time_to_first_token, usage.time_to_generate) = (None, None);
    let last = ChatDelta { usage: Some(usage), ..frame.delta };
    Ok(Box::pin(futures::stream::iter([Ok(last)])))
}

/// What was produced, for counting when the vendor does not.
#[derive(Default)]
struct Produced {
    text: String,
}

impl Produced {
    fn add(&mut self, delta: &ChatDelta) {
        self.text.push_str(&delta.reasoning);
        self.text.push_str(&delta.text);
        for call in &delta.tool_calls {
            self.text.push_str(call.name.as_deref().unwrap_or_default());
            self.text.push_str(&call.arguments);
        }
    }
}

const fn is_content(delta: &ChatDelta) -> bool {
    !delta.text.is_empty() || !delta.reasoning.is_empty() || !delta.tool_calls.is_empty()
}

const fn says_something(delta: &ChatDelta) -> bool {
    is_content(delta) || delta.finish_reason.is_some()
}

async fn usage(tokens: Option<Tokens>, accounting: Accounting, produced: Produced, first: Option<Instant>) -> Usage {
    let (started, ended) = (accounting.started, Instant::now());
    let pricing = accounting.pricing.clone();
    let tokens = match tokens {
        Some(tokens) => tokens,
        None => counted(accounting, produced).await,
    };
    let mut usage = Usage::priced(tokens.prompt, tokens.completion, pricing.as_ref());
    usage.cached_tokens = tokens.cached;
    usage.reasoning_tokens = tokens.reasoning;
    usage.latency = seconds(ended.duration_since(started));
    usage.time_to_first_token = first.map(|first| seconds(first.duration_since(started)));
    usage.time_to_generate = first.map(|first| seconds(ended.duration_since(first)));
    usage
}

async fn counted(accounting: Accounting, produced: Produced) -> Tokens {
    // Counting a long prompt takes longer than an async task may hold its thread.
    let count = tokio::task::spawn_blocking(move || Tokens {
        prompt: count::messages(&accounting.model, &accounting.messages, &accounting.tools),
        completion: count::text(&accounting.model, &produced.text),
        ..Tokens::default()
    });
    count.await.unwrap_or_default()
}

/// Three decimals, as on the wire.
pub fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1000.0).round() / 1000.0
}
