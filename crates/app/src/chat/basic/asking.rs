//! Asking the model of a basic app, and its answer as it grows.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::StreamExt;
use ox_db::{model::Message, now, repo};
use ox_models::{
    ChatDelta, ChatRequest, ChatStream, CompletionRequest, ModelError, ModelKind, ModelRuntime, ModelScope, WindowFit,
};
use ox_types::Json;
use serde_json::json;

use super::{
    super::{
        prompt::{Assembled, Round},
        thread,
    },
    End, Fault, Job,
};
use crate::{
    moderation::{Change, Moderator, OutputVerdict, Watch},
    runs::{StreamBody, delta::Delta},
};

/// Earlier rounds that are considered at all.
const MAX_ROUNDS: u64 = 100;
/// The same, with those before the conversation began here.
const MOST_ROUNDS: usize = 200;
/// How often a growing answer is recorded: what a dead process leaves of it.
const SAVE_EVERY: Duration = Duration::from_secs(2);
/// With many at a time each is recorded less often: by so much for each of them, which is 500 records a second.
const SAVE_EVERY_MORE: Duration = Duration::from_millis(2);
/// Tokens of history when the model's window is not known.
const DEFAULT_HISTORY: u64 = 2000;

/// An answer as it grows, and who watches it.
pub(in crate::chat) struct Growing {
    pub text: String,
    pub watch: Option<Watch>,
    saved: Instant,
}

impl Growing {
    /// Nothing is said yet.
    pub fn new(moderator: Option<Moderator>) -> Self {
        Self { text: String::new(), watch: moderator.and_then(Watch::new), saved: Instant::now() }
    }

    /// The verdict of a check under way; never without one.
    pub async fn verdict(&mut self) -> (usize, Option<OutputVerdict>) {
        match &mut self.watch {
            Some(watch) => watch.verdict().await,
            None => std::future::pending().await,
        }
    }

    /// More was said.
    pub fn push(&mut self, text: &str) {
        self.text.push_str(text);
        if let Some(watch) = &mut self.watch {
            watch.saw(text, &self.text);
        }
    }

    /// Whether it is time to record what there is, while so many runs are under way.
    fn is_due(&mut self, runs: usize) -> bool {
        let more = SAVE_EVERY_MORE.saturating_mul(u32::try_from(runs).unwrap_or(u32::MAX));
        let is_due = self.saved.elapsed() >= SAVE_EVERY.max(more);
        if is_due {
            self.saved = Instant::now();
        }
        is_due
    }
}

impl Job {
    pub(super) async fn answer(&mut self, growing: &mut Growing, started: Instant) -> Result<End, Fault> {
        let stop = self.stop.clone();
        let mut stream = tokio::select! {
            () = stop.cancelled() => return Ok(End::Stopped),
            stream = self.ask() => stream?,
        };
        let mut usage = None;
        loop {
            let delta = tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(End::Stopped),
                verdict = growing.verdict() => {
                    if let Some(end) = self.judged(growing, verdict).await {
                        return Ok(end);
                    }
                    continue;
                }
                delta = stream.next() => delta,
            };
            let Some(ChatDelta { text, usage: told, .. }) = delta.transpose()? else { break };
            usage = told.or(usage);
            if text.is_empty() {
                continue;
            }
            growing.push(&text);
            let show = StreamBody::Text { text: text.into(), selector: None };
            if !self.show(growing, show).await {
                return Ok(End::Stopped);
            }
        }
        let mut usage = usage.unwrap_or_default();
        if usage.latency == 0.0 {
            usage.latency = started.elapsed().as_secs_f64();
        }
        Ok(End::Done(Box::new(usage)))
    }

    /// Shows more of the answer and now and then records it; `false` when it cannot be recorded any more.
    pub(in crate::chat) async fn show(&self, growing: &mut Growing, body: StreamBody) -> bool {
        let shown = self.recording.put(None, now().timestamp(), vec![body], false).await;
        if shown.is_err() || !growing.is_due(self.services.runs.active.count()) {
            return shown.is_ok();
        }
        let message = Message { answer: growing.text.clone(), ..self.message.clone() };
        self.recording.note(Delta { message: Some(message), ..Delta::default() }).await.is_ok()
    }

    /// What a check of the answer so far leads to; an end, where it goes no further.
    pub(in crate::chat) async fn judged(
        &self,
        growing: &mut Growing,
        (upto, verdict): (usize, Option<OutputVerdict>),
    ) -> Option<End> {
        let Growing { text, watch, .. } = growing;
        let change = verdict.zip(watch.as_mut()).map(|(verdict, watch)| watch.applied(verdict, upto, text));
        match change? {
            Change::End(text) => Some(End::Replaced { generated: self.replace(growing, text).await }),
            Change::Text(text) => {
                self.replace(growing, text).await;
                None
            }
        }
    }

    pub(in crate::chat) fn scope(&self) -> ModelScope {
        ModelScope {
            app_id: Some(self.caller.app.app.id),
            user: Some(self.caller.user.id().to_string()),
            ..ModelScope::of(self.caller.tenant_id())
        }
    }

    async fn ask(&mut self) -> Result<ChatStream, ModelError> {
        let scope = self.scope();
        let models = Arc::clone(&self.services.models);
        self.fit_context(&scope).await;
        let history = self.history(&scope).await;
        let media = std::mem::take(&mut self.media);
        let mut assembled = self.prompt.assemble(&self.inputs, &self.query, &self.context.text, media, &history);
        if let Some(text) = &self.system {
            assembled.instruct(text);
        }
        self.message.message = Some(saved_prompt(&assembled));
        let (parameters, user) = (self.prompt.parameters.clone(), scope.user.clone());
        match assembled {
            Assembled::Chat(messages) => {
                let stop = self.prompt.stop.clone();
                let request = ChatRequest { messages, parameters, stop, user, stream: true, ..ChatRequest::default() };
                models.chat(&scope, &self.prompt.model, request).await
            }
            Assembled::Completion { prompt, stop } => {
                let request =
                    CompletionRequest { prompt, parameters, stop, user, stream: true, ..CompletionRequest::default() };
                models.completion(&scope, &self.prompt.model, request).await
            }
        }
    }

    /// Earlier rounds, oldest first, as many of the newest as fit into the model's window.
    pub(in crate::chat) async fn history(&mut self, scope: &ModelScope) -> Vec<Round> {
        if !self.has_history && self.given.is_empty() {
            return Vec::new();
        }
        let messages = if self.has_history { self.earlier().await } else { Vec::new() };
        let mut fit = self.room(scope, &self.context.text).await;
        let messages = thread::remembered(thread::before(self.message.parent_message_id, messages));
        let told = messages.into_iter().filter(|message| !message.answer.is_empty());
        let told = told.map(|message| Round { query: message.query, answer: message.answer });
        let mut rounds = Vec::new();
        for round in told.chain(self.given.iter().rev().cloned()).take(MOST_ROUNDS) {
            let asked = ox_models::Message::user(round.query.clone());
            let told = ox_models::Message::assistant(round.answer.clone());
            let both = [asked, told];
            // What comes before something that was left out is left out: a quick look tells how much it is.
            if fit.dropped_messages > 0 {
                fit.counted_tokens += ox_models::count::rough(&both, &[]);
                fit.dropped_messages += both.len();
                continue;
            }
            let tokens = self.services.models.count_tokens(&self.prompt.model, &both, &[]);
            fit.counted_tokens += tokens;
            if fit.counted_tokens > fit.room_tokens {
                fit.dropped_messages = both.len();
                continue;
            }
            fit.kept_tokens += tokens;
            rounds.push(round);
        }
        rounds.reverse();
        if fit.dropped_messages > 0 {
            fit.dropped_chunks = self.window.as_ref().and_then(|window| window.dropped_chunks);
            self.window = Some(fit);
        }
        rounds
    }

    /// The newest messages of the conversation before this one.
    async fn earlier(&self) -> Vec<Message> {
        let before = Some(&self.message);
        let page = repo::messages::list(&self.services.db, self.message.conversation_id, before, MAX_ROUNDS).await;
        page.map(|page| page.items).unwrap_or_else(|error| {
            tracing::error!(%error, "the history of a conversation cannot be read");
            Vec::new()
        })
    }

    /// Leaves out what was looked up beyond the room in the model's window: whole chunks, the last first.
    async fn fit_context(&mut self, scope: &ModelScope) {
        if self.context.chunks.is_empty() {
            return;
        }
        let mut fit = self.room(scope, "").await;
        // Where nobody knows the window the provider decides.
        if fit.context_size.is_none() {
            return;
        }
        let (models, model) = (&self.services.models, &self.prompt.model);
        let count = |text: &String| models.count_tokens(model, &[ox_models::Message::system(text.as_str())], &[]);
        let each: Vec<u64> = self.context.chunks.iter().map(count).collect();
        let kept = ox_models::first_that_fit(&each, fit.room_tokens);
        if kept == each.len() {
            return;
        }
        fit.counted_tokens = each.iter().sum();
        fit.kept_tokens = each.iter().take(kept).sum();
        fit.dropped_chunks = Some(each.len() - kept);
        self.context.keep(kept);
        self.window = Some(fit);
    }

    /// The room beside the answer, the instruction, what was looked up and the question.
    async fn room(&self, scope: &ModelScope, context: &str) -> WindowFit {
        let spec = self.services.models.describe(scope, &self.prompt.model, ModelKind::Llm).await;
        let Some(window) = spec.and_then(|spec| spec.context_size()) else {
            return WindowFit { room_tokens: DEFAULT_HISTORY, ..WindowFit::default() };
        };
        let answer = self.prompt.parameters.get("max_tokens").and_then(Json::as_u64).unwrap_or(window / 4);
        let mut asked = vec![ox_models::Message::user(self.message.query.clone())];
        let instruction = self.prompt.instruction(&self.inputs, &self.query);
        let told = [instruction.as_str(), context, self.system.as_deref().unwrap_or_default()];
        asked.extend(told.into_iter().filter(|text| !text.is_empty()).map(ox_models::Message::system));
        let asked = self.services.models.count_tokens(&self.prompt.model, &asked, &[]);
        WindowFit {
            context_size: Some(window),
            reserved_tokens: answer,
            room_tokens: window.saturating_sub(answer).saturating_sub(asked),
            ..WindowFit::default()
        }
    }
}

/// The prompt as the log keeps it.
fn saved_prompt(assembled: &Assembled) -> String {
    let json = match assembled {
        Assembled::Chat(messages) => messages
            .iter()
            .map(|message| json!({"role": message.role.as_str(), "text": message.plain_text(), "files": []}))
            .collect(),
        Assembled::Completion { prompt, .. } => json!([{"role": "user", "text": prompt, "files": []}]),
    };
    json.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_go_with_their_sources() {
        let mut context = crate::chat::lookup::Context {
            text: "a\nb".into(),
            chunks: vec!["a".into(), "b".into()],
            resources: vec![json!({"position": 1}), json!({"position": 2})],
        };
        context.keep(1);
        assert_eq!((context.text.as_str(), context.resources), ("a", vec![json!({"position": 1})]));
    }

    #[test]
    fn with_many_at_a_time_an_answer_is_recorded_less_often() {
        for (runs, seconds, due) in
            [(1, 1, false), (1, 2, true), (1000, 2, true), (10_000, 19, false), (10_000, 20, true)]
        {
            let mut growing = Growing::new(None);
            growing.saved = Instant::now().checked_sub(Duration::from_secs(seconds)).unwrap();
            assert_eq!(growing.is_due(runs), due, "{runs} runs, {seconds} s");
            assert!(!growing.is_due(runs), "it was recorded just now");
        }
    }
}
