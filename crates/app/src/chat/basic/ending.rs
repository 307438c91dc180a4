//! How a run of a basic app ends, and what is recorded of it.

use std::{borrow::Cow, sync::Arc, time::Instant};

use ox_db::now;
use ox_models::{ErrorClass, ModelError, ModelKind, ModelRuntime, Usage};

use super::{Growing, Job};
use crate::{
    Error,
    moderation::Change,
    runs::{
        MessageMetadata, StreamBody,
        delta::{Delta, Touch},
        launch::record_late,
        sink::fill_message,
    },
};

/// How a generation ended.
pub(in crate::chat) enum End {
    Done(Box<Usage>),
    Stopped,
    /// Moderation put its own text in the place of what was generated.
    Replaced {
        generated: String,
    },
    /// The answer was prepared: no model was asked.
    Told,
    Failed {
        code: Cow<'static, str>,
        status: u16,
        message: String,
    },
}

/// Why there is no answer.
pub(in crate::chat) enum Fault {
    Model(ModelError),
    App(Error),
    Agent(ox_agents::Error),
}

impl From<ModelError> for Fault {
    fn from(error: ModelError) -> Self {
        Self::Model(error)
    }
}

impl From<ox_agents::Error> for Fault {
    fn from(error: ox_agents::Error) -> Self {
        match error {
            ox_agents::Error::Model(error) => Self::Model(error),
            other => Self::Agent(other),
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::App(error)
    }
}

impl Job {
    /// Output moderation of the whole answer, also of one that was cut off.
    pub(super) async fn last_word(&self, growing: &mut Growing, end: End) -> End {
        let watch = growing.watch.take().filter(|_| matches!(end, End::Done(_) | End::Stopped));
        let Some(mut watch) = watch else { return end };
        let Some(Change::End(text) | Change::Text(text)) = watch.last(&growing.text).await else { return end };
        let generated = self.replace(growing, text).await;
        match end {
            End::Done(usage) => End::Done(usage),
            _ => End::Replaced { generated },
        }
    }

    /// Shows another text instead of the answer; returns what was there.
    pub(super) async fn replace(&self, growing: &mut Growing, text: String) -> String {
        let generated = std::mem::replace(&mut growing.text, text);
        let show = vec![StreamBody::TextReplace { text: growing.text.as_str().into(), reason: "" }];
        if let Err(error) = self.recording.put(None, now().timestamp(), show, false).await {
            tracing::debug!(%error, "a replaced answer cannot be shown: it cannot be recorded");
        }
        generated
    }

    pub(super) async fn finish(mut self, answer: String, end: End, started: Instant) {
        let at = now();
        let (usage, error) = match end {
            End::Done(usage) => (*usage, None),
            End::Stopped => (self.counted(&answer, started).await, None),
            End::Replaced { generated } => (self.counted(&generated, started).await, None),
            End::Told => (Usage::default(), None),
            End::Failed { code, status, message } => (self.spent.clone(), Some((code, status, message))),
        };
        let annotation_reply = match &self.matched {
            Some(matched) => matched.told(&self.services).await,
            None => None,
        };
        let sources = std::mem::take(&mut self.context.resources);
        let retriever_resources = if self.shows_sources { sources } else { Vec::new() };
        let answered_by = usage.served_json();
        let context_window = self.window.take().map(|window| window.to_json());
        let metadata = MessageMetadata { annotation_reply, retriever_resources, usage, answered_by, context_window };
        let metadata = Arc::new(metadata);
        fill_message(&mut self.message, &answer, &metadata, at);
        self.message.owner = None;
        let show = match error {
            None => StreamBody::MessageEnd { answer: answer.into(), metadata, files: "null".into() },
            Some((code, status, message)) => {
                self.message.status = "error".to_owned();
                self.message.error = Some(message.clone());
                StreamBody::Error { code, status, message: message.into() }
            }
        };
        let mut change = Delta {
            touch: Some(Touch { conversation_id: self.message.conversation_id, at, messages: 0 }),
            message: Some(self.message),
            ..Delta::default()
        };
        let put = self.recording.put(Some(change.clone()), at.timestamp(), vec![show], true).await;
        // The task ends when its last words are durable: shutdown waits for it.
        let recorded = match put {
            Ok(()) => self.recording.barrier().await,
            Err(error) => Err(error),
        };
        if let Err(error) = recorded {
            tracing::error!(%error, "the end of a message cannot be recorded; trying again until it can");
            if let Some(message) = &mut change.message {
                message.status = "error".to_owned();
                message.error = Some(format!("The answer could not be recorded: {error}"));
            }
            let services = Arc::clone(&self.services);
            self.services.runs.tracker.spawn(record_late(services, Arc::new(change)));
        }
    }

    /// Usage of an answer that was cut off.
    async fn counted(&self, answer: &str, started: Instant) -> Usage {
        let models = &self.services.models;
        let asked = ox_models::Message::user(self.message.message.clone().unwrap_or_default());
        let told = ox_models::Message::assistant(answer);
        let pricing = models
            .describe(&self.scope(), &self.prompt.model, ModelKind::Llm)
            .await
            .and_then(|spec| spec.pricing.clone());
        let mut usage = Usage::priced(
            models.count_tokens(&self.prompt.model, &[asked], &[]),
            models.count_tokens(&self.prompt.model, &[told], &[]),
            pricing.as_ref(),
        );
        // What an agent asked before is paid for, too.
        usage += &self.spent;
        usage.latency = started.elapsed().as_secs_f64();
        usage
    }
}

/// What a failure is to the caller.
impl From<Fault> for End {
    fn from(fault: Fault) -> Self {
        let error = match fault {
            Fault::Model(error) => error,
            Fault::App(Error { status, code, message, .. }) => return Self::Failed { code, status, message },
            Fault::Agent(error) => {
                return Self::Failed { code: "invalid_param".into(), status: 400, message: error.to_string() };
            }
        };
        let (code, message) = match error.class {
            ErrorClass::NotFound if error.status.is_none() => ("provider_not_initialize", error.text.clone()),
            ErrorClass::Auth if error.status.is_none() => ("provider_not_initialize", error.text.clone()),
            ErrorClass::Auth => ("completion_request_error", "Incorrect API key provided".to_owned()),
            ErrorClass::Quota => ("provider_quota_exceeded", error.text.clone()),
            _ => ("completion_request_error", error.to_string()),
        };
        Self::Failed { code: code.into(), status: 400, message }
    }
}
