//! One call of a model, from its beginning to its one row.
//!
//! The row is written when the call is closed, by whichever comes first: the end of its answer, an error, or its being
//! dropped. What the provider told counts; where an answer was broken off before it could tell, what was asked and
//! what came are counted here, and the row says so.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures::Stream;
use ox_db::{model::ModelCall, now};
use ox_gateway::Reservation;
use ox_models::{
    ChatDelta, ChatRequest, ChatStream, CompletionRequest, EmbeddingRequest, EmbeddingResult, ModelError, ModelKind,
    ModelRef, ModelScope, ModelSpec, Pricing, Ranked, SpeechStream, Usage, count,
};
use ox_types::{Json, boxed};

use super::{
    limits::{Budgets, Held},
    log::{Ended, SpendLog},
};

/// Tokens of an answer whose length nobody bounded.
const ANSWER: u64 = 1_024;
/// The names under which the protocols bound an answer.
const BOUNDS: [&str; 4] = ["max_tokens", "max_completion_tokens", "max_output_tokens", "num_predict"];
/// An answer that was read to its end, or as far as it was wanted.
const OK: &str = "ok";
/// A call that its maker gave up.
const CANCELLED: &str = "cancelled";

/// What a call asks for, roughly.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked {
    prompt: u64,
    answer: u64,
}

impl Asked {
    /// Of a chat.
    pub fn chat(request: &ChatRequest) -> Self {
        Self { prompt: count::rough(&request.messages, &request.tools), answer: answer(&request.parameters) }
    }

    /// Of a text that is gone on with.
    pub fn completion(request: &CompletionRequest) -> Self {
        Self { prompt: count::estimate(&request.prompt), answer: answer(&request.parameters) }
    }

    /// Of texts that become vectors.
    pub fn embedding(request: &EmbeddingRequest) -> Self {
        Self { prompt: request.texts.iter().map(|text| count::estimate(text)).sum(), answer: 0 }
    }
}

fn answer(parameters: &serde_json::Map<String, Json>) -> u64 {
    BOUNDS.iter().find_map(|name| parameters.get(*name).and_then(Json::as_u64)).unwrap_or(ANSWER)
}

/// Opens calls.
pub(crate) struct Meter {
    pub log: Arc<SpendLog>,
    pub budgets: Budgets,
}

impl Meter {
    /// A call is about to be made: `first` are the provider and the model that are asked first.
    ///
    /// # Errors
    /// When a budget does not let it begin.
    #[boxed]
    pub async fn open(
        &self,
        scope: &ModelScope,
        model: &ModelRef,
        kind: ModelKind,
        asked: Asked,
        first: Option<(&str, &ModelSpec)>,
    ) -> Result<OpenCall, ModelError> {
        let (started, at) = (Instant::now(), now());
        self.log.room().await;
        let pricing = first.and_then(|(_, spec)| spec.pricing.as_ref());
        let expected = Usage::priced(asked.prompt, asked.answer, pricing);
        let held = self.budgets.reserve(scope, &model.provider, &expected, at).await?;
        let row = ModelCall {
            id: ox_types::new_uuid(),
            tenant_id: scope.tenant_id,
            app_id: scope.app_id,
            user_id: scope.user.clone(),
            key_id: scope.key_id,
            run_id: scope.run_id,
            node_id: scope.node_id.clone(),
            provider: first.map_or(&*model.provider, |(provider, _)| provider).to_owned(),
            model: model.name.clone(),
            kind: kind.as_str().to_owned(),
            wanted_provider: None,
            wanted_model: None,
            prompt_tokens: 0,
            cached_tokens: 0,
            completion_tokens: 0,
            price: "0".to_owned(),
            currency: "USD".to_owned(),
            estimated: false,
            latency_ms: 0,
            first_token_ms: None,
            outcome: String::new(),
            created_at: at,
        };
        let open = Open { row, held, started, asked, pricing: None, answered: None };
        Ok(OpenCall { log: Arc::clone(&self.log), open: Some(Box::new(open)) })
    }
}

/// A call that is being made. Dropping it closes it.
pub(crate) struct OpenCall {
    log: Arc<SpendLog>,
    open: Option<Box<Open>>,
}

struct Open {
    row: ModelCall,
    held: Option<(Reservation, Vec<Held>)>,
    started: Instant,
    asked: Asked,
    pricing: Option<Pricing>,
    /// When an answer began.
    answered: Option<Duration>,
}

impl OpenCall {
    /// Who answers, in the place of what was asked for or not.
    pub fn answered_by(mut self, provider: &str, spec: &ModelSpec, stands_in: bool) -> Self {
        if let Some(open) = &mut self.open {
            let wanted_provider = std::mem::replace(&mut open.row.provider, provider.to_owned());
            let wanted_model = std::mem::replace(&mut open.row.model, spec.model.clone());
            open.row.wanted_provider = stands_in.then_some(wanted_provider);
            open.row.wanted_model = stands_in.then_some(wanted_model);
            open.pricing.clone_from(&spec.pricing);
            open.answered = Some(open.started.elapsed());
        }
        self
    }

    /// Nobody answered.
    pub fn failed(mut self, error: &ModelError) {
        self.close(error.class.as_str(), None);
    }

    /// It is over, and this is what it used, where that is known.
    fn ended(mut self, usage: Option<&Usage>) {
        self.close(OK, usage);
    }

    /// Closes it with what an answer that was broken off is likely to have used.
    fn broken(mut self, outcome: &str, produced: u64) {
        let Some(open) = &mut self.open else { return };
        let usage = Usage::priced(open.asked.prompt, produced, open.pricing.as_ref());
        open.row.estimated = true;
        open.row.first_token_ms = open.answered.map(millis);
        self.close(outcome, Some(&usage));
    }

    fn close(&mut self, outcome: &str, usage: Option<&Usage>) {
        let Some(open) = self.open.take() else { return };
        let Open { mut row, held, started, .. } = *open;
        outcome.clone_into(&mut row.outcome);
        row.latency_ms = millis(started.elapsed());
        if let Some(usage) = usage {
            let whole = |tokens: u64| i64::try_from(tokens).unwrap_or(i64::MAX);
            row.prompt_tokens = whole(usage.prompt_tokens);
            row.cached_tokens = whole(usage.cached_tokens);
            row.completion_tokens = whole(usage.completion_tokens);
            row.price = usage.total_price.to_string();
            row.currency.clone_from(&usage.currency);
            let first = usage.time_to_first_token.and_then(|first| Duration::try_from_secs_f64(first).ok());
            row.first_token_ms = first.map(millis).or(row.first_token_ms);
        }
        let mut accounts = Vec::new();
        if let Some((reservation, held)) = held {
            let used = |held: &Held| {
                let tokens = usage.map_or(0, |usage| usage.prompt_tokens + usage.completion_tokens);
                let price = usage.map(|usage| usage.total_price).unwrap_or_default();
                held.budget.amount(tokens, price, &row.currency)
            };
            let amounts: Vec<_> = held.iter().map(used).collect();
            accounts = reservation.accounts().cloned().zip(amounts.iter().copied()).collect();
            reservation.settle(&amounts);
        }
        self.log.push(Ended { call: row, accounts });
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        self.close(CANCELLED, None);
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// An answer that closes its call when it is over.
pub(crate) trait Metered: Sized + Send {
    fn metered(self, call: OpenCall) -> Self;
}

impl Metered for EmbeddingResult {
    fn metered(self, call: OpenCall) -> Self {
        call.ended(Some(&self.usage));
        self
    }
}

/// Answers of which no provider tells what they used.
macro_rules! untold {
    ($($answer:ty),+) => {$(
        impl Metered for $answer {
            fn metered(self, call: OpenCall) -> Self {
                call.ended(None);
                self
            }
        }
    )+};
}
untold!(Vec<Ranked>, bool, String);

impl Metered for ChatStream {
    fn metered(self, call: OpenCall) -> Self {
        Box::pin(MeteredChat { pieces: self, call: Some(call), usage: None, ascii: 0, wide: 0 })
    }
}

struct MeteredChat {
    pieces: ChatStream,
    call: Option<OpenCall>,
    usage: Option<Usage>,
    /// Bytes and characters of the answer so far, to count it by.
    ascii: u64,
    wide: u64,
}

impl MeteredChat {
    fn note(&mut self, delta: &ChatDelta) {
        if delta.usage.is_some() {
            self.usage.clone_from(&delta.usage);
        }
        let calls = delta.tool_calls.iter().flat_map(|call| [call.name.as_deref().unwrap_or(""), &*call.arguments]);
        for byte in [&*delta.text, &*delta.reasoning].into_iter().chain(calls).flat_map(str::bytes) {
            self.ascii += u64::from(byte < 0x80);
            self.wide += u64::from(byte >= 0xc0);
        }
    }

    fn close(&mut self, outcome: &str) {
        let Some(call) = self.call.take() else { return };
        match &self.usage {
            Some(usage) if outcome == OK || outcome == CANCELLED => call.ended(Some(usage)),
            Some(usage) => {
                let mut call = call;
                call.close(outcome, Some(usage));
            }
            None => call.broken(outcome, self.ascii.div_ceil(4) + (self.wide * 2).div_ceil(3)),
        }
    }
}

impl Stream for MeteredChat {
    type Item = Result<ChatDelta, ModelError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let piece = ready!(self.pieces.as_mut().poll_next(cx));
        match &piece {
            Some(Ok(delta)) => self.note(delta),
            Some(Err(error)) => {
                let outcome = error.class.as_str();
                self.close(outcome);
            }
            None => self.close(OK),
        }
        Poll::Ready(piece)
    }
}

impl Drop for MeteredChat {
    fn drop(&mut self) {
        self.close(CANCELLED);
    }
}

impl Metered for SpeechStream {
    fn metered(self, call: OpenCall) -> Self {
        Box::pin(MeteredSpeech { pieces: self, call: Some(call) })
    }
}

struct MeteredSpeech {
    pieces: SpeechStream,
    call: Option<OpenCall>,
}

impl Stream for MeteredSpeech {
    type Item = Result<Bytes, ModelError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let piece = ready!(self.pieces.as_mut().poll_next(cx));
        match &piece {
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                if let Some(call) = self.call.take() {
                    call.failed(error);
                }
            }
            None => {
                if let Some(call) = self.call.take() {
                    call.ended(None);
                }
            }
        }
        Poll::Ready(piece)
    }
}
