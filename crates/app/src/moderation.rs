//! Sensitive words: what goes into an app and what comes out of it is checked, and answered by a prepared text or
//! replaced (DSL reference §5.6).
//!
//! An input that cannot be checked fails the run; an answer that cannot be checked stays as it is, and the log says so
//! (Compat).

mod config;
mod guard;
mod tools;
mod watch;

pub(crate) use config::check;
pub(crate) use guard::Guard;
pub(crate) use tools::ExternalTools;
pub(crate) use watch::{Change, Watch};

use std::sync::Arc;

use ox_models::{ModelKind, ModelRef, ModelRuntime as _, ModelScope, ModerationRequest};
use ox_types::{AppId, Json, Object, TenantId, Value};
use serde_json::json;

use self::config::{Kind, Moderation};
use crate::{Error, Result, Services, extensions};

/// The model that is asked where the workspace has chosen none.
const MODEL: (&str, &str) = ("openai", "omni-moderation-latest");

/// What becomes of an input.
#[derive(Debug, PartialEq)]
pub(crate) enum InputVerdict {
    Pass,
    /// The answer, without asking anything.
    Answer(String),
    Replace {
        inputs: Object,
        query: String,
    },
}

/// What becomes of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OutputVerdict {
    /// It is this text, and ends.
    Answer(String),
    /// What was checked is this text instead.
    Replace(String),
}

/// The checks of one app, for one of its users.
#[derive(Clone)]
pub(crate) struct Moderator {
    services: Arc<Services>,
    moderation: Arc<Moderation>,
    tenant: TenantId,
    app: AppId,
    user: String,
}

impl Moderator {
    /// `None` when the feature is off.
    pub fn new(
        services: &Arc<Services>,
        feature: Option<&Json>,
        tenant: TenantId,
        app: AppId,
        user: String,
    ) -> Option<Self> {
        let moderation = Arc::new(Moderation::read(feature?)?);
        Some(Self { services: Arc::clone(services), moderation, tenant, app, user })
    }

    /// Checks what a user gave.
    ///
    /// # Errors
    /// 400 when it cannot be checked.
    pub async fn inputs(&self, inputs: &Object, query: &str) -> Result<InputVerdict> {
        let side = &self.moderation.inputs;
        if !side.enabled {
            return Ok(InputVerdict::Pass);
        }
        if let Kind::Api(id) = &self.moderation.kind {
            let given: serde_json::Map<String, Json> =
                inputs.iter().map(|(name, value)| (name.clone(), value.to_json())).collect();
            let params = json!({"app_id": self.app, "inputs": given, "query": query});
            let answer = extensions::ask(&self.services, self.tenant, *id, "app.moderation.input", params).await?;
            return self.answered_input(&answer, inputs, query);
        }
        let mut texts: Vec<String> = inputs.values().map(text_of).collect();
        texts.push(query.to_owned());
        let is_hit = self.is_hit(texts).await?;
        Ok(if is_hit { InputVerdict::Answer(side.preset.clone()) } else { InputVerdict::Pass })
    }

    fn answered_input(&self, answer: &Json, inputs: &Object, query: &str) -> Result<InputVerdict> {
        if !flagged(answer)? {
            return Ok(InputVerdict::Pass);
        }
        if action(answer)? == "direct_output" {
            return Ok(InputVerdict::Answer(text(answer, "preset_response").unwrap_or_default()));
        }
        let mut replaced = inputs.clone();
        for (name, value) in answer.get("inputs").and_then(Json::as_object).into_iter().flatten() {
            // Only what the app asks for; a file stays the file that was sent.
            if let Some(old) = replaced.get_mut(name)
                && !matches!(old, Value::File(_) | Value::Array(..))
            {
                *old = Value::from_json(value);
            }
        }
        Ok(InputVerdict::Replace { inputs: replaced, query: text(answer, "query").unwrap_or_else(|| query.to_owned()) })
    }

    /// Whether answers are checked at all.
    pub fn checks_outputs(&self) -> bool {
        self.moderation.outputs.enabled
    }

    /// Checks an answer, or as much as there is of it; `None` when there is nothing to say against it.
    pub async fn output(&self, answer: &str) -> Option<OutputVerdict> {
        if !self.moderation.outputs.enabled || answer.trim().is_empty() {
            return None;
        }
        match self.judged(answer).await {
            Ok(verdict) => verdict,
            Err(error) => {
                metrics::counter!("oxidify_moderation_failures_total").increment(1);
                tracing::warn!(%error, app_id = %self.app, "an answer could not be moderated and stays as it is");
                None
            }
        }
    }

    async fn judged(&self, answer: &str) -> Result<Option<OutputVerdict>> {
        if let Kind::Api(id) = &self.moderation.kind {
            let params = json!({"app_id": self.app, "text": answer});
            let told = extensions::ask(&self.services, self.tenant, *id, "app.moderation.output", params).await?;
            if !flagged(&told)? {
                return Ok(None);
            }
            return Ok(Some(match action(&told)? {
                "direct_output" => OutputVerdict::Answer(text(&told, "preset_response").unwrap_or_default()),
                _ => OutputVerdict::Replace(text(&told, "text").unwrap_or_default()),
            }));
        }
        let is_hit = self.is_hit(vec![answer.to_owned()]).await?;
        Ok(is_hit.then(|| OutputVerdict::Answer(self.moderation.outputs.preset.clone())))
    }

    async fn is_hit(&self, texts: Vec<String>) -> Result<bool> {
        match &self.moderation.kind {
            Kind::Keywords(words) => Ok(texts.iter().any(|text| config::holds(words, text))),
            Kind::Model => self.ask_model(texts).await,
            Kind::Api(_) => Ok(false),
            Kind::Unusable(why) => Err(Error::invalid(why.clone())),
        }
    }

    async fn ask_model(&self, texts: Vec<String>) -> Result<bool> {
        let workspace = self.services.models.workspace(self.tenant).await?;
        let model = workspace.default_model(ModelKind::Moderation).unwrap_or_else(|| ModelRef::chat(MODEL.0, MODEL.1));
        let scope = ModelScope { app_id: Some(self.app), user: Some(self.user.clone()), ..ModelScope::of(self.tenant) };
        let request = ModerationRequest { model: model.name.clone(), texts };
        let judged = self.services.models.moderate(&scope, &model, request).await;
        judged.map_err(|error| {
            let code = if error.status.is_none() && matches!(error.class, ox_models::ErrorClass::Auth) {
                "provider_not_initialize"
            } else {
                "completion_request_error"
            };
            Error::new(400, code, error.to_string())
        })
    }
}

/// A value as words are looked for in it.
fn text_of(value: &Value) -> String {
    match value.to_json() {
        Json::String(text) => text,
        Json::Null => String::new(),
        other => other.to_string(),
    }
}

fn flagged(answer: &Json) -> Result<bool> {
    let found = answer.get("flagged").and_then(Json::as_bool);
    found.ok_or_else(|| Error::invalid("The moderation API's answer has no flagged."))
}

/// Required in every answer.
fn action(answer: &Json) -> Result<&'static str> {
    match answer.get("action").and_then(Json::as_str) {
        Some("direct_output") => Ok("direct_output"),
        Some("overridden") => Ok("overridden"),
        _ => Err(Error::invalid("The moderation API's answer has no action: direct_output or overridden.")),
    }
}

fn text(answer: &Json, name: &str) -> Option<String> {
    answer.get(name).and_then(Json::as_str).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_an_extension_must_say_what_to_do() {
        for (answer, expected) in [
            (json!({"flagged": true, "action": "direct_output"}), Ok("direct_output")),
            (json!({"flagged": true, "action": "overridden"}), Ok("overridden")),
            (json!({"flagged": true}), Err(())),
            (json!({"flagged": true, "action": "shout"}), Err(())),
        ] {
            assert_eq!(action(&answer).map_err(|_| ()), expected, "{answer}");
        }
        assert!(flagged(&json!({"flagged": "yes"})).is_err() && flagged(&json!([])).is_err());
    }

    #[test]
    fn words_are_looked_for_in_every_value() {
        assert_eq!(text_of(&Value::from("a")), "a");
        assert_eq!(text_of(&Value::Int(5)), "5");
        assert_eq!(text_of(&Value::None), "");
    }
}
