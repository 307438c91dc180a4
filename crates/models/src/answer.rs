//! Reading an answer to its end: limits, usage, and what counts as whole. The same for every protocol.

use std::time::Duration;

use ox_net::Response;
use ox_types::Json;
use tokio::time::Instant;

use crate::{
    ChatDelta, ChatStream, ErrorClass, Message, ModelError, Pricing, Usage, count, fault,
    frames::{Frames, Framing},
    sse,
    stops::Watch,
};

/// Bytes of one answer; no honest one has as many, and a chat keeps several copies of it.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// Tokens as a vendor tells them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// All of the prompt, what was cached included.
    pub prompt: u64,
    pub completion: u64,
    /// Part of the prompt that the vendor had in its cache.
    pub cached: u64,
    /// Part of the prompt that was put into the cache.
    pub written: u64,
    /// Part of the completion.
    pub reasoning: u64,
}

/// What one frame says.
#[derive(Debug, Default)]
pub struct Frame {
    pub delta: ChatDelta,
    /// All tokens known by now.
    pub tokens: Option<Tokens>,
}

/// How far an answer has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Progress {
    /// Nothing of an answer was seen.
    #[default]
    Silent,
    /// It began.
    Open,
    /// The vendor told how it ended; usage may follow.
    Finished,
    /// Nothing follows.
    Done,
}

/// Reads the frames of one protocol and remembers what belongs together.
pub trait Reader: Send {
    /// One event of a stream; `None` when it says nothing.
    fn event(&mut self, event: &sse::Event) -> Result<Option<Frame>, ModelError>;

    /// An answer that came in one piece.
    fn document(&mut self, json: &Json) -> Result<Frame, ModelError>;

    /// How far it is.
    fn progress(&self) -> Progress;

    /// What the vendor must get back with the next question.
    fn opaque(&mut self) -> Option<Json> {
        None
    }
}

/// What an answer needs to know to end well.
pub struct Accounting {
    pub provider: String,
    /// Never to be told.
    pub secrets: Vec<String>,
    pub model: String,
    pub messages: Vec<Message>,
    pub tools: Vec<crate::ToolSpec>,
    /// Where the text ends, whether or not the vendor ends it there.
    pub stops: Vec<String>,
    pub pricing: Option<Pricing>,
    pub started: Instant,
    pub first_token: Duration,
}

/// A stream of pieces; the connection closes when it is dropped.
pub fn stream(
    mut response: Response,
    framing: Framing,
    accounting: Accounting,
    mut reader: Box<dyn Reader>,
) -> ChatStream {
    Box::pin(async_stream::try_stream! {
        let mut frames = Frames::new(framing);
        let mut tokens = None;
        let mut first = None;
        let mut produced = Produced::default();
        let mut watch = Watch::new(accounting.stops.clone());
        let (mut open, mut is_cut) = (true, false);
        while open && !is_cut && reader.progress() != Progress::Done {
            let piece = next_piece(&mut response, &accounting, first.is_none()).await?;
            match piece {
                Some(bytes) => frames.push(&bytes).map_err(|what| fault::garbage(&accounting.provider, what, ""))?,
                None => {
                    open = false;
                    frames.finish();
                }
            }
            while let Some(event) = frames.next_event() {
                let frame = reader.event(&event).map_err(|error| fault::without_keys(error, &accounting.secrets))?;
                let Some(mut frame) = frame else { continue };
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
                    is_cut = heed(&mut watch, &mut frame.delta);
                    if says_something(&frame.delta) {
                        yield frame.delta;
                    }
                    if is_cut {
                        break;
                    }
                }
            }
        }
        // The vendor need not write what nobody reads.
        drop(response);
        let opaque = if is_cut {
            tokens = cut_tokens(tokens, &accounting, &produced).await;
            None
        } else {
            check_end(reader.progress(), &accounting.provider)?;
            let rest = watch.rest();
            if !rest.is_empty() {
                yield ChatDelta { text: rest, ..ChatDelta::default() };
            }
            reader.opaque()
        };
        let usage = usage(tokens, accounting, produced, first).await;
        yield ChatDelta { usage: Some(usage), opaque, ..ChatDelta::default() };
    })
}

/// Cuts a piece at a stop word; whether there was one. What may be the beginning of one waits for the next piece, unless
/// the text ends here.
fn heed(watch: &mut Watch, delta: &mut ChatDelta) -> bool {
    let told = watch.push(std::mem::take(&mut delta.text));
    delta.text = told.text;
    if told.is_end {
        // Calls of the same piece come after the text.
        delta.tool_calls.clear();
        delta.finish_reason = Some("stop".to_owned());
    } else if delta.finish_reason.is_some() || !delta.tool_calls.is_empty() {
        delta.text.push_str(&watch.rest());
    }
    told.is_end
}

/// Tokens of an answer that we ended: what the vendor told by then, and at least what came.
async fn cut_tokens(known: Option<Tokens>, accounting: &Accounting, produced: &Produced) -> Option<Tokens> {
    let known = known.filter(|tokens| tokens.prompt > 0)?;
    let (model, text) = (accounting.model.clone(), produced.text.clone());
    let count = tokio::task::spawn_blocking(move || count::text(&model, &text)).await.unwrap_or_default();
    Some(Tokens { completion: known.completion.max(count), ..known })
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

fn check_end(progress: Progress, provider: &str) -> Result<(), ModelError> {
    match progress {
        Progress::Silent => Err(fault::garbage(provider, "the provider's stream held no answer", "")),
        Progress::Open => {
            let text = "the stream ended before the answer was complete";
            Err(ModelError::new(ErrorClass::Connection, provider, text))
        }
        Progress::Finished | Progress::Done => Ok(()),
    }
}

/// An answer that came in one piece.
pub async fn whole(
    response: Response,
    accounting: Accounting,
    mut reader: Box<dyn Reader>,
) -> Result<ChatStream, ModelError> {
    let net = |error: ox_net::NetError| fault::from_net(&accounting.provider, &error);
    let body = response.bytes().await.map_err(net)?;
    let json: Json = serde_json::from_slice(&body).map_err(|_| {
        fault::garbage(&accounting.provider, "the provider's answer is not JSON", &String::from_utf8_lossy(&body))
    })?;
    let mut frame = reader.document(&json).map_err(|error| fault::without_keys(error, &accounting.secrets))?;
    let mut produced = Produced::default();
    produced.add(&frame.delta);
    let mut watch = Watch::new(accounting.stops.clone());
    let is_cut = heed(&mut watch, &mut frame.delta);
    frame.delta.text.push_str(&watch.rest());
    let mut usage = usage(frame.tokens, accounting, produced, None).await;
    (usage.time_to_first_token, usage.time_to_generate) = (None, None);
    let last = ChatDelta { usage: Some(usage), opaque: reader.opaque().filter(|_| !is_cut), ..frame.delta };
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
    // Gateways that do not know write zeros.
    let tokens = match tokens.filter(|tokens| tokens.prompt > 0 || tokens.completion > 0) {
        Some(tokens) => tokens,
        None => counted(accounting, produced).await,
    };
    let mut usage = Usage::priced(tokens.prompt, tokens.completion, pricing.as_ref());
    usage.cache(tokens.cached, tokens.written, pricing.as_ref());
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
