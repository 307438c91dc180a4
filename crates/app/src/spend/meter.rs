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
use chrono::{DateTime, Utc};
use futures::Stream;
use ox_db::{model::ModelCall, now};
use ox_models::{
    ChatDelta, ChatRequest, ChatStream, CompletionRequest, EmbeddingRequest, EmbeddingResult, ModelError, ModelKind,
    ModelRef, ModelScope, ModelSpec, Pricing, Ranked, Served, SpeechStream, Usage, Used, count,
};
use ox_types::{Json, boxed};
use uuid::Uuid;

use super::{
    limits::{Budget, Budgets, Reserved},
    log::{Ended, SpendLog},
    refusals::{Reason, Refusals},
};
use crate::providers::rates::Permit;

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

    /// Tokens of the question and of the longest answer.
    pub const fn tokens(self) -> u64 {
        self.prompt.saturating_add(self.answer)
    }

    /// Of texts that become vectors. What pictures cost is told by the vendor, afterwards.
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
    pub refusals: Refusals,
}

/// What is called for whom.
#[derive(Clone, Copy)]
pub(crate) struct Call<'a> {
    pub scope: &'a ModelScope,
    /// What was asked for, by the whole id of its provider.
    pub wanted: &'a ModelRef,
    pub kind: ModelKind,
    pub asked: Asked,
}

impl Call<'_> {
    fn row(&self, at: DateTime<Utc>) -> ModelCall {
        let Self { scope, wanted, kind, .. } = self;
        ModelCall {
            id: ox_types::new_uuid(),
            tenant_id: scope.tenant_id,
            app_id: scope.app_id,
            user_id: scope.user.clone(),
            key_id: scope.key_id,
            run_id: scope.run_id,
            node_id: scope.node_id.clone(),
            provider: wanted.provider.clone(),
            model: wanted.name.clone(),
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
            cache: None,
            saved_price: None,
            route: None,
            rule: None,
            units: None,
            unit: None,
            credential_id: None,
        }
    }
}

/// Who answers a call, and why it is this one.
#[derive(Clone, Copy)]
pub(crate) struct Answerer<'a> {
    pub provider: &'a str,
    pub spec: &'a ModelSpec,
    /// `fallback`, `tier` or `hedge`.
    pub route: Option<&'a str>,
    pub rule: Option<&'a str>,
    /// The stored key by which it is asked.
    pub credential: Option<Uuid>,
}

impl Answerer<'_> {
    fn sign(&self, row: &mut ModelCall) {
        let is_other = self.provider != row.provider || self.spec.model != row.model;
        let provider = std::mem::replace(&mut row.provider, self.provider.to_owned());
        let model = std::mem::replace(&mut row.model, self.spec.model.clone());
        row.wanted_provider = is_other.then_some(provider);
        row.wanted_model = is_other.then_some(model);
        row.route = self.route.map(str::to_owned);
        row.rule = self.rule.map(str::to_owned);
        row.credential_id = self.credential;
    }
}

impl Meter {
    /// A call is about to be made: `first` is the model that is asked first.
    ///
    /// # Errors
    /// When a budget does not let it begin.
    #[boxed]
    pub async fn open(&self, call: &Call<'_>, first: Option<&ModelSpec>) -> Result<OpenCall, ModelError> {
        let (started, at) = (Instant::now(), now());
        self.log.room().await;
        let (scope, asked) = (call.scope, call.asked);
        let pricing = first.and_then(|spec| spec.pricing.as_ref());
        let expected = Usage::priced(asked.prompt, asked.answer, pricing);
        let held = self.budgets.reserve(scope, &call.wanted.provider, &expected, at).await?;
        let row = call.row(at);
        let open =
            Open { row, held, started, asked, pricing: None, answered: None, is_sent: false, permit: None, told: None };
        Ok(OpenCall { log: Arc::clone(&self.log), open: Some(Box::new(open)) })
    }

    /// A call will not be made, and this is why.
    pub fn refused(&self, call: &Call<'_>, reason: Reason, error: &ModelError) {
        let model = format!("{}/{}", call.wanted.provider, call.wanted.name);
        self.refusals.note(call.scope.tenant_id, call.scope.app_id, &model, reason, error);
    }

    /// A call is answered with what was kept, and what would have been used is told.
    #[boxed]
    pub async fn kept(&self, call: &Call<'_>, answerer: &Answerer<'_>, usage: &Usage, how: &str) {
        self.log.room().await;
        let mut row = call.row(now());
        answerer.sign(&mut row);
        // No key was used.
        row.credential_id = None;
        row.cache = Some(how.to_owned());
        row.saved_price = Some(usage.total_price.to_string());
        row.currency.clone_from(&usage.currency);
        row.prompt_tokens = whole(usage.prompt_tokens);
        row.completion_tokens = whole(usage.completion_tokens);
        OK.clone_into(&mut row.outcome);
        self.log.push(Ended { call: row, accounts: Vec::new() });
    }
}

/// A call that is being made. Dropping it closes it.
pub(crate) struct OpenCall {
    log: Arc<SpendLog>,
    open: Option<Box<Open>>,
}

struct Open {
    row: ModelCall,
    held: Option<Reserved>,
    started: Instant,
    asked: Asked,
    pricing: Option<Pricing>,
    /// When an answer began.
    answered: Option<Duration>,
    /// A provider has been asked: it may want money even if nobody hears its answer.
    is_sent: bool,
    /// Freed when the call is over.
    permit: Option<Permit>,
    /// What the vendor told beside its answer.
    told: Option<Usage>,
}

impl OpenCall {
    /// It has its turn under the limits of rates.
    pub fn permitted(mut self, permit: Option<Permit>) -> Self {
        if let Some(open) = &mut self.open {
            open.permit = permit;
        }
        self
    }

    /// A provider is about to be asked.
    pub fn sent(mut self, to: Answerer<'_>) -> Self {
        if let Some(open) = &mut self.open {
            to.sign(&mut open.row);
            open.pricing.clone_from(&to.spec.pricing);
            open.is_sent = true;
        }
        self
    }

    /// It will not be made.
    pub fn unmade(mut self) {
        self.open = None;
    }

    /// Who answers, in the place of what was asked for or not.
    pub fn answered_by(mut self, answerer: Answerer<'_>) -> Self {
        if let Some(open) = &mut self.open {
            if !open.is_sent {
                answerer.sign(&mut open.row);
                open.pricing.clone_from(&answerer.spec.pricing);
            }
            open.answered = Some(open.started.elapsed());
        }
        self
    }

    /// What the answer tells of who gave it; nothing where it is who was asked for.
    fn served(&self) -> Option<Box<Served>> {
        let row = &self.open.as_ref()?.row;
        let served = |route: &String| Served {
            provider: row.provider.clone(),
            model: row.model.clone(),
            route: Some(route.clone()),
            rule: row.rule.clone(),
            cache: None,
        };
        row.route.as_ref().map(served).map(Box::new)
    }

    /// The vendor told beside its answer what it used.
    fn told(mut self, used: Used, pricing: Option<&Pricing>) -> Self {
        if let Some(open) = &mut self.open {
            open.row.units = used.units.map(|(units, _)| whole(units));
            open.row.unit = used.units.map(|(_, unit)| unit.as_str().to_owned());
            let usage = || Usage::priced(used.prompt_tokens, used.completion_tokens, pricing);
            open.told = (used.prompt_tokens > 0 || used.completion_tokens > 0).then(usage);
        }
        self
    }

    /// The key by which it was tried last.
    pub fn tried_by(mut self, credential: Option<Uuid>) -> Self {
        if let Some(open) = &mut self.open {
            open.row.credential_id = credential;
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
        let Open { mut row, held, started, permit, told, .. } = *open;
        let usage = usage.or(told.as_ref());
        outcome.clone_into(&mut row.outcome);
        row.latency_ms = millis(started.elapsed());
        if let Some(usage) = usage {
            row.prompt_tokens = whole(usage.prompt_tokens);
            row.cached_tokens = whole(usage.cached_tokens);
            row.completion_tokens = whole(usage.completion_tokens);
            row.price = usage.total_price.to_string();
            row.currency.clone_from(&usage.currency);
            let first = usage.time_to_first_token.and_then(|first| Duration::try_from_secs_f64(first).ok());
            row.first_token_ms = first.map(millis).or(row.first_token_ms);
        }
        if let Some(permit) = permit {
            permit.used(usage.map_or(0, |usage| usage.prompt_tokens + usage.completion_tokens));
        }
        let used = |budget: &Budget| {
            let tokens = usage.map_or(0, |usage| usage.prompt_tokens + usage.completion_tokens);
            let price = usage.map(|usage| usage.total_price).unwrap_or_default();
            budget.amount(tokens, price, &row.currency)
        };
        let accounts = held.map_or_else(Vec::new, |held| held.settle(used));
        self.log.push(Ended { call: row, accounts });
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        let Some(open) = self.open.as_mut().filter(|open| open.is_sent) else {
            return self.close(CANCELLED, None);
        };
        // What was asked is likely to be paid for.
        let usage = Usage::priced(open.asked.prompt, 0, open.pricing.as_ref());
        open.row.estimated = true;
        self.close(CANCELLED, Some(&usage));
    }
}

fn whole(tokens: u64) -> i64 {
    i64::try_from(tokens).unwrap_or(i64::MAX)
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

/// An answer, and what its vendor told beside it that it used.
pub(crate) struct Told<T> {
    pub answer: T,
    pub used: Used,
    pub pricing: Option<Pricing>,
}

impl<T: Metered> Metered for Told<T> {
    fn metered(self, call: OpenCall) -> Self {
        let call = call.told(self.used, self.pricing.as_ref());
        Self { answer: self.answer.metered(call), ..self }
    }
}

/// Answers that have no place for what they used.
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
        let served = call.served();
        Box::pin(MeteredChat { pieces: self, call: Some(call), usage: None, served, ascii: 0, wide: 0 })
    }
}

struct MeteredChat {
    pieces: ChatStream,
    call: Option<OpenCall>,
    usage: Option<Usage>,
    /// Told with the usage.
    served: Option<Box<Served>>,
    /// Bytes and characters of the answer so far, to count it by.
    ascii: u64,
    wide: u64,
}

impl MeteredChat {
    fn note(&mut self, delta: &mut ChatDelta) {
        if let Some(usage) = &mut delta.usage {
            usage.served.clone_from(&self.served);
            self.usage = Some(usage.clone());
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
        let mut piece = ready!(self.pieces.as_mut().poll_next(cx));
        match &mut piece {
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
