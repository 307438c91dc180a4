//! A model that helps somebody who builds: chosen, asked within bounds, and asked once more with what was wrong.

use std::time::Duration;

use futures::StreamExt as _;
use ox_models::{
    ChatRequest, ChatResult, CompletionRequest, ErrorClass, Message, ModelError, ModelKind, ModelMode, ModelRef,
    ModelRuntime as _, ModelScope, Role,
};
use ox_types::{AppId, Json};
use serde_json::Map;

use crate::{Error, Principal, Result, Services, providers};

/// For both answers together.
const TIME_LIMIT: Duration = Duration::from_secs(120);
/// Bytes of an answer that are read: nothing that can be used is as long as this.
const MAX_ANSWER: usize = ox_dsl::plan::MAX_TEXT;
/// Characters of an answer that are shown when nothing can be made of it.
const MAX_SHOWN: usize = 8_000;

/// An answer of which nothing can be made.
#[derive(Clone, Debug)]
pub(crate) struct Unfit {
    /// Sentences that the model can be given back.
    pub why: Vec<String>,
    pub answer: String,
}

/// How an answer that does not fit is sent back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Again {
    /// `This plan cannot be used`.
    pub complaint: &'static str,
    /// `Answer with …`.
    pub wish: &'static str,
}

/// A model, ready to be asked for a member.
pub(crate) struct Helper<'a> {
    services: &'a Services,
    scope: ModelScope,
    model: ModelRef,
    parameters: Map<String, Json>,
}

impl<'a> Helper<'a> {
    /// A model that somebody chose, with its parameters.
    pub(crate) fn new(
        services: &'a Services,
        principal: &Principal,
        model: ModelRef,
        parameters: Map<String, Json>,
    ) -> Result<Self> {
        let user = Some(principal.account_id()?.to_string());
        let scope = ModelScope { user, ..ModelScope::of(principal.tenant_id()) };
        Ok(Self { services, scope, model, parameters })
    }

    /// The default model of the workspace.
    pub(crate) async fn of_workspace(services: &'a Services, principal: &Principal) -> Result<Self> {
        let tenant = principal.tenant_id();
        let chosen = services.models.workspace(tenant).await?.default_model(ModelKind::Llm).is_some();
        let model = providers::default_model(services, tenant, ModelKind::Llm).await?;
        // The scripted model that stands in where nobody chose one plans nothing.
        let model = model.filter(|model| chosen || model.provider != ox_models::SCRIPTED).ok_or_else(|| {
            let text = "There is no model to ask. An administrator connects one, or chooses the default, in Settings, \
                        Model providers.";
            Error::new(400, "provider_not_initialize", text)
        })?;
        Self::new(services, principal, model, Map::new())
    }

    /// For this app: its rules about models hold, and what is spent is its own.
    pub(crate) fn set_app(&mut self, app: AppId) {
        self.scope.app_id = Some(app);
    }

    pub(crate) const fn model(&self) -> &ModelRef {
        &self.model
    }

    /// Asks, once more with what was wrong; gives what `read` makes of the answer. Dropping the future ends the call.
    pub(crate) async fn ask<T: Send>(
        &self,
        messages: Vec<Message>,
        again: Again,
        read: impl Fn(&str) -> Result<T, Vec<String>> + Send + Sync,
    ) -> Result<Result<T, Unfit>> {
        let asked = tokio::time::timeout(TIME_LIMIT, self.twice(messages, again, read)).await;
        asked.map_err(|_| {
            let text = format!("{} did not answer within {} seconds.", self.model.name, TIME_LIMIT.as_secs());
            Error::new(400, "completion_request_error", text)
        })?
    }

    async fn twice<T: Send>(
        &self,
        mut messages: Vec<Message>,
        again: Again,
        read: impl Fn(&str) -> Result<T, Vec<String>> + Send + Sync,
    ) -> Result<Result<T, Unfit>> {
        let first = self.say(messages.clone()).await?;
        let why = match read(&first) {
            Ok(value) => return Ok(Ok(value)),
            Err(why) => why,
        };
        let text = format!("{}:\n- {}\nAnswer with {}.", again.complaint, why.join("\n- "), again.wish);
        messages.push(Message::assistant(shown(&first)));
        messages.push(Message::user(text));
        let second = self.say(messages).await?;
        Ok(read(&second).map_err(|why| Unfit { why, answer: shown(&second) }))
    }

    async fn say(&self, messages: Vec<Message>) -> Result<String> {
        let Self { services, scope, model, parameters } = self;
        let (user, parameters) = (scope.user.clone(), parameters.clone());
        let asked = if model.mode == ModelMode::Completion {
            let prompt = transcript(&messages);
            let request = CompletionRequest { prompt, parameters, user, stream: true, ..CompletionRequest::default() };
            services.models.completion(scope, model, request).await
        } else {
            let request = ChatRequest { messages, parameters, user, stream: true, ..ChatRequest::default() };
            services.models.chat(scope, model, request).await
        };
        let mut stream = asked.map_err(|error| model_error(&error))?;
        let mut result = ChatResult::default();
        while let Some(delta) = stream.next().await {
            result.push(delta.map_err(|error| model_error(&error))?);
            // The rest is neither waited for nor paid.
            if result.text.len() > MAX_ANSWER {
                break;
            }
        }
        Ok(result.text)
    }
}

/// A conversation as one text, for models that continue one.
fn transcript(messages: &[Message]) -> String {
    let line = |message: &Message| match message.role {
        Role::System => message.plain_text(),
        role => format!("{}: {}", role.as_str(), message.plain_text()),
    };
    let mut lines: Vec<String> = messages.iter().map(line).collect();
    lines.push("assistant:".to_owned());
    lines.join("\n\n")
}

fn shown(answer: &str) -> String {
    answer.chars().take(MAX_SHOWN).collect()
}

/// What a failed call of a model is to the caller.
fn model_error(error: &ModelError) -> Error {
    let code = match error.class {
        ErrorClass::NotFound | ErrorClass::Auth if error.status.is_none() => "provider_not_initialize",
        ErrorClass::Unsupported => "model_currently_not_support",
        ErrorClass::Quota => "provider_quota_exceeded",
        _ => "completion_request_error",
    };
    Error::new(400, code, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_call_is_told_by_its_kind() {
        for (class, code) in [
            (ErrorClass::Quota, "provider_quota_exceeded"),
            (ErrorClass::NotFound, "provider_not_initialize"),
            (ErrorClass::Overloaded, "completion_request_error"),
        ] {
            let error = model_error(&ModelError::new(class, "p", "why"));
            assert_eq!((error.status, error.code.as_ref()), (400, code));
        }
    }

    #[test]
    fn a_conversation_is_one_text_that_goes_on() {
        let messages = [Message::system("Be brief."), Message::user("Hello")];
        assert_eq!(transcript(&messages), "Be brief.\n\nuser: Hello\n\nassistant:");
    }
}
