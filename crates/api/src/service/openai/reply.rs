//! From a run's stream to a chat completion: as one body, or piece by piece.

use std::sync::Arc;

use bytes::Bytes;
use futures::Stream;
use ox_app::{
    Error,
    runs::{AppMode, NodeDone, RunDone, StreamBody, StreamHead, Subscription},
};
use ox_types::RunStatus;
use serde_json::{Value, json};

use super::{OpenAiAnswer, OpenAiChoice, OpenAiCompletion, OpenAiUsage, Shared, problem, stops::Stops};
use crate::sse;

/// Ends the run when its caller leaves before its end. A caller that has named its request may come back for it.
pub struct Leaving {
    services: Option<Shared>,
    app_id: ox_types::AppId,
    task_id: ox_types::TaskId,
}

impl Leaving {
    pub fn new(services: &Shared, reader: &Subscription, app_id: ox_types::AppId, ends: bool) -> Self {
        Self { services: ends.then(|| Arc::clone(services)), app_id, task_id: reader.head().task_id }
    }

    fn stop(&self) {
        if let Some(services) = &self.services {
            services.runs.stop(self.app_id, self.task_id, None);
        }
    }

    fn done(&mut self) {
        self.services = None;
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Tells a run as a chat completion.
pub struct Teller {
    reader: Subscription,
    model: String,
    stops: Stops,
    leaving: Leaving,
    /// All that the app has said.
    said: String,
    /// What a workflow answers as a whole.
    result: Option<String>,
    usage: OpenAiUsage,
    /// No more text is told: a stop word has come, or moderation.
    is_over: bool,
    /// Everything was read.
    is_ended: bool,
    finish: &'static str,
}

/// What an event is to the caller.
enum Step {
    Nothing,
    Text(String),
    Reasoning(String),
    End,
}

impl Teller {
    pub const fn new(reader: Subscription, model: String, stops: Stops, leaving: Leaving) -> Self {
        Self {
            reader,
            model,
            stops,
            leaving,
            said: String::new(),
            result: None,
            usage: OpenAiUsage { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 },
            is_over: false,
            is_ended: false,
            finish: "stop",
        }
    }

    pub fn head(&self) -> &StreamHead {
        self.reader.head()
    }

    fn id(&self) -> String {
        let head = self.head();
        let id = head.message_id.map(|id| id.0).or_else(|| head.run_id.map(|id| id.0));
        format!("chatcmpl-{}", id.unwrap_or(head.task_id.0).simple())
    }

    /// The whole answer.
    ///
    /// # Errors
    /// What the run failed with.
    pub async fn whole(mut self) -> Result<OpenAiCompletion, Error> {
        let mut content = String::new();
        loop {
            match self.next().await? {
                Step::Text(text) => content.push_str(&text),
                Step::End => break,
                Step::Nothing | Step::Reasoning(_) => {}
            }
        }
        self.leaving.done();
        if self.finish == "content_filter" {
            content.clone_from(&self.said);
        } else if self.stops.is_empty()
            && let Some(result) = self.result.take()
        {
            // Several outputs are told apart, which a stream of their texts cannot do.
            content = result;
        }
        Ok(OpenAiCompletion {
            id: self.id(),
            object: "chat.completion".to_owned(),
            created: self.head().created_at,
            model: self.model.clone(),
            choices: vec![OpenAiChoice {
                index: 0,
                message: OpenAiAnswer { role: "assistant".to_owned(), content },
                finish_reason: self.finish.to_owned(),
            }],
            usage: self.usage,
        })
    }

    /// The answer piece by piece.
    pub fn stream(mut self, include_usage: bool) -> impl Stream<Item = Bytes> + Send + 'static {
        async_stream::stream! {
            yield self.piece(&json!({"role": "assistant", "content": ""}), None, include_usage);
            loop {
                match self.next().await {
                    Ok(Step::Text(text)) if text.is_empty() => {}
                    Ok(Step::Text(text)) => yield self.piece(&json!({"content": text}), None, include_usage),
                    Ok(Step::Reasoning(text)) => {
                        yield self.piece(&json!({"reasoning_content": text}), None, include_usage);
                    }
                    Ok(Step::Nothing) => {}
                    Ok(Step::End) => break,
                    Err(error) => {
                        self.leaving.done();
                        yield sse::frame(&json!({"error": problem(error)}).to_string(), None);
                        return;
                    }
                }
            }
            self.leaving.done();
            yield self.piece(&json!({}), Some(self.finish), include_usage);
            if include_usage {
                let mut last = self.chunk(&json!([]));
                last["usage"] = json!(self.usage);
                yield sse::frame(&last.to_string(), None);
            }
            yield Bytes::from_static(b"data: [DONE]\n\n");
        }
    }

    fn chunk(&self, choices: &Value) -> Value {
        json!({
            "id": self.id(), "object": "chat.completion.chunk", "created": self.head().created_at, "model": self.model,
            "choices": choices,
        })
    }

    fn piece(&self, delta: &Value, finish: Option<&str>, include_usage: bool) -> Bytes {
        let mut chunk = self.chunk(&json!([{"index": 0, "delta": delta, "finish_reason": finish}]));
        if include_usage {
            chunk["usage"] = Value::Null;
        }
        sse::frame(&chunk.to_string(), None)
    }

    /// The next event, read.
    async fn next(&mut self) -> Result<Step, Error> {
        if self.is_ended {
            return Ok(Step::End);
        }
        let event = match self.reader.next().await {
            Ok(Some(event)) => event,
            Ok(None) => {
                return Err(Error::internal("the run ended without an answer; it goes on elsewhere"));
            }
            Err(lagged) => {
                let text = format!("{lagged}; read its result when it has ended");
                return Err(Error::new(503, "stream_too_slow", text));
            }
        };
        let is_workflow = self.head().mode == AppMode::Workflow;
        match &event.body {
            StreamBody::Text { text, .. } => Ok(self.text(text)),
            StreamBody::TextReplace { text, .. } => Ok(self.replace(text)),
            StreamBody::Reasoning { text, .. } if !self.is_over => Ok(Step::Reasoning(text.to_string())),
            StreamBody::NodeFinished(_, done) if is_workflow => {
                self.count(done);
                Ok(Step::Nothing)
            }
            StreamBody::MessageEnd { answer, metadata, .. } => {
                let usage = &metadata.usage;
                self.usage = OpenAiUsage {
                    prompt_tokens: usage.prompt_tokens,
                    completion_tokens: usage.completion_tokens,
                    total_tokens: usage.total_tokens,
                };
                Ok(self.end(answer))
            }
            StreamBody::WorkflowFinished(done) if is_workflow => self.finished(done),
            StreamBody::WorkflowPaused(_) => {
                let text =
                    "The app waits for somebody to fill in a form. Run apps that ask people through the Service API.";
                Err(Error::new(409, "app_paused", text))
            }
            StreamBody::Error { code, status, message } => Err(Error::new(*status, code.clone(), &**message)),
            _ => Ok(Step::Nothing),
        }
    }

    fn text(&mut self, text: &str) -> Step {
        if self.is_over {
            return Step::Nothing;
        }
        self.said.push_str(text);
        let (shown, has_stopped) = self.stops.pass(text);
        if has_stopped {
            // What is still generated is not told; its end tells the usage.
            self.is_over = true;
            self.leaving.stop();
        }
        Step::Text(shown)
    }

    /// Text that was told cannot be taken back: what goes on from it is told, anything else ends the answer.
    fn replace(&mut self, text: &str) -> Step {
        if self.is_over {
            return Step::Nothing;
        }
        if let Some(more) = text.strip_prefix(self.said.as_str()) {
            return self.text(more);
        }
        self.is_over = true;
        self.finish = "content_filter";
        text.clone_into(&mut self.said);
        Step::Nothing
    }

    /// The end, with what of the answer was not told yet.
    fn end(&mut self, answer: &str) -> Step {
        if self.finish == "content_filter" {
            answer.clone_into(&mut self.said);
        }
        if self.is_over {
            return Step::End;
        }
        let more = answer.strip_prefix(self.said.as_str()).unwrap_or_default().to_owned();
        // The next step is the end.
        self.is_ended = true;
        self.said.push_str(&more);
        let (shown, has_stopped) = self.stops.pass(&more);
        let held = if has_stopped { String::new() } else { self.stops.rest() };
        Step::Text(shown + &held)
    }

    fn finished(&mut self, done: &RunDone) -> Result<Step, Error> {
        let known = self.usage.prompt_tokens + self.usage.completion_tokens;
        // What no model has told apart counts as read.
        self.usage.prompt_tokens += done.total_tokens.saturating_sub(known);
        self.usage.total_tokens = self.usage.prompt_tokens + self.usage.completion_tokens;
        if done.status == RunStatus::Failed {
            let why = done.error.clone().unwrap_or_else(|| "unknown error".to_owned());
            return Err(Error::invalid(format!("Run failed: {why}")));
        }
        let result = text_of(&done.outputs);
        let answer = if self.said.is_empty() { result.clone() } else { self.said.clone() };
        self.result = Some(result);
        Ok(self.end(&answer))
    }

    /// Adds what a node's model has read and written.
    fn count(&mut self, done: &NodeDone) {
        if done.total_tokens == 0 {
            return;
        }
        let data: Value = serde_json::from_str(&done.process_data).unwrap_or_default();
        let tokens = |name: &str| data.pointer(&format!("/usage/{name}")).and_then(Value::as_u64).unwrap_or(0);
        self.usage.prompt_tokens += tokens("prompt_tokens");
        self.usage.completion_tokens += tokens("completion_tokens");
    }
}

/// The one text among a workflow's outputs, or all of them as JSON.
fn text_of(outputs: &str) -> String {
    let values: Value = serde_json::from_str(outputs).unwrap_or_default();
    let only = values.as_object().filter(|values| values.len() == 1).and_then(|values| values.values().next());
    match only {
        Some(Value::String(text)) => text.clone(),
        _ => outputs.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_text_is_the_answer_and_several_are_json() {
        for (outputs, expected) in [
            (r#"{"text":"hi"}"#, "hi"),
            (r#"{"n":5}"#, r#"{"n":5}"#),
            (r#"{"a":"x","b":"y"}"#, r#"{"a":"x","b":"y"}"#),
            ("{}", "{}"),
        ] {
            assert_eq!(text_of(outputs), expected);
        }
    }
}
