//! Answers that are given again without asking anybody.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use futures::{Stream, StreamExt as _};
use ox_gateway::{Answer, Answers, CacheRules, Key, Meaning, Question, Recording};
use ox_models::{
    CacheWish, ChatDelta, ChatStream, EmbeddingInput, EmbeddingRequest, ModelError, ModelKind, ModelRuntime as _,
    ModelScope, ModelSpec, Served,
};
use ox_types::{Json, TenantId, boxed};

use super::{ModelGateway, asking::Plan};

/// How long a call waits for the meaning of its question.
const PATIENCE: Duration = Duration::from_secs(3);
/// Longer questions are not compared by meaning.
const LONGEST: usize = 8_000;
/// The temperature of a model that nobody set, where its own is not known.
const USUAL_TEMPERATURE: f64 = 1.0;

/// What the answers that are kept had for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheState {
    /// The answer to the same request.
    Hit,
    /// The answer to a question that means the same.
    Semantic,
    Miss,
}

impl CacheState {
    /// The wire name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Semantic => "semantic",
            Self::Miss => "miss",
        }
    }
}

/// What came of looking.
pub(super) enum Looked {
    /// Nothing is kept for this call.
    Off,
    Found(Arc<Answer>, CacheState),
    Missed(Place),
}

/// Where an answer will be kept.
pub(super) struct Place {
    answers: Arc<Answers>,
    tenant: TenantId,
    key: Key,
    meaning: Option<Meaning>,
    most: usize,
}

impl ModelGateway {
    /// Looks for an answer to a call.
    #[boxed]
    pub(super) async fn look(
        &self,
        scope: &ModelScope,
        plan: &Plan,
        parameters: &serde_json::Map<String, Json>,
        question: Option<Question>,
    ) -> Looked {
        let (Some(rules), Some(first)) = (&plan.rules, plan.first()) else { return Looked::Off };
        let (rules, model) = (&rules.cache, first.full_name());
        if !rules.is_for(&model) || scope.cache == CacheWish::Never || self.answers_most == 0 {
            return Looked::Off;
        }
        let is_cold = rules.takes(temperature(parameters, &first.spec)) || scope.cache == CacheWish::Always;
        let Some(question) = question.filter(|_| is_cold) else { return Looked::Off };
        let (tenant, oldest) = (scope.tenant_id, Duration::from_secs(rules.max_age_seconds));
        let key = question.key(tenant, rules.epoch, &model);
        if let Some(answer) = self.answers.find(&key, oldest, Instant::now()) {
            return found(answer, CacheState::Hit);
        }
        let meaning = if rules.semantic { self.meaning(scope, rules, &model, &question).await } else { None };
        let alike =
            meaning.as_ref().and_then(|meaning| self.answers.nearest(meaning, rules.threshold, oldest, Instant::now()));
        if let Some((answer, _)) = alike {
            return found(answer, CacheState::Semantic);
        }
        metrics::counter!("oxidify_model_cache_total", "result" => CacheState::Miss.as_str()).increment(1);
        let most = usize::try_from(rules.max_megabytes).unwrap_or(0).saturating_mul(1024 * 1024);
        Looked::Missed(Place { answers: Arc::clone(&self.answers), tenant, key, meaning, most })
    }

    /// What a question means, in vectors of the workspace's own model.
    async fn meaning(
        &self,
        scope: &ModelScope,
        rules: &CacheRules,
        model: &str,
        question: &Question,
    ) -> Option<Meaning> {
        let text = question.last.as_ref().filter(|text| text.chars().count() <= LONGEST)?;
        let workspace = self.workspace(scope.tenant_id).await.ok()?;
        let vectors = workspace.default_model(ModelKind::TextEmbedding)?;
        let name = format!("{}/{}", vectors.provider, vectors.name);
        let rest = question.rest_key(scope.tenant_id, rules.epoch, model, &name)?;
        let request =
            EmbeddingRequest { texts: vec![text.clone()], input: EmbeddingInput::Query, ..EmbeddingRequest::default() };
        let asked = tokio::time::timeout(PATIENCE, self.embed(scope, &vectors, request)).await;
        let told = match asked {
            Ok(Ok(told)) => told,
            Ok(Err(error)) => {
                tracing::info!(%error, "a question is not compared by meaning");
                return None;
            }
            Err(_) => {
                tracing::info!(model = name, "a question is not compared by meaning: its vector takes too long");
                return None;
            }
        };
        let vector = told.embeddings.into_iter().next().filter(|vector| !vector.is_empty())?;
        Some(Meaning { rest, vector: vector.into() })
    }

    /// Gives an answer again.
    #[boxed]
    pub(super) async fn replay(&self, scope: &ModelScope, plan: &Plan, answer: &Answer, how: CacheState) -> ChatStream {
        let mut pieces = answer.pieces.clone();
        let mut usage = answer.usage.free();
        if let Some(first) = plan.first() {
            let answerer = plan.answerer(first, 0);
            usage.served = Some(Box::new(Served {
                provider: answerer.provider.to_owned(),
                model: answerer.spec.model.clone(),
                route: answerer.route.map(str::to_owned),
                rule: answerer.rule.map(str::to_owned),
                cache: Some(how.as_str().to_owned()),
            }));
            self.meter.kept(&plan.call(scope), &answerer, &answer.usage, how.as_str()).await;
        }
        match pieces.last_mut() {
            Some(last) => last.usage = Some(usage),
            None => pieces.push(ChatDelta { usage: Some(usage), ..ChatDelta::default() }),
        }
        futures::stream::iter(pieces.into_iter().map(Ok)).boxed()
    }
}

fn found(answer: Arc<Answer>, how: CacheState) -> Looked {
    metrics::counter!("oxidify_model_cache_total", "result" => how.as_str()).increment(1);
    Looked::Found(answer, how)
}

/// The temperature a call is made with, as far as it is known.
fn temperature(parameters: &serde_json::Map<String, Json>, spec: &ModelSpec) -> f64 {
    let number = |value: &Json| value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
    let own = || {
        let rule = spec.parameter_rules.iter().find(|rule| rule.name == "temperature")?;
        rule.default.as_ref().and_then(number)
    };
    parameters.get("temperature").and_then(number).or_else(own).unwrap_or(USUAL_TEMPERATURE)
}

impl Place {
    /// An answer that is kept once it has been told to its end.
    pub(super) fn keep(self, pieces: ChatStream) -> ChatStream {
        Box::pin(Kept { pieces, place: Some(self), recording: Recording::default() })
    }
}

struct Kept {
    pieces: ChatStream,
    place: Option<Place>,
    recording: Recording,
}

impl Stream for Kept {
    type Item = Result<ChatDelta, ModelError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let piece = ready!(self.pieces.as_mut().poll_next(cx));
        match &piece {
            Some(Ok(delta)) => self.recording.push(delta),
            Some(Err(_)) => self.place = None,
            None => {
                let recording = std::mem::take(&mut self.recording);
                if let (Some(place), Some(answer)) = (self.place.take(), recording.whole()) {
                    let Place { answers, tenant, key, meaning, most } = place;
                    answers.keep(tenant, key, answer, meaning, most, Instant::now());
                }
            }
        }
        Poll::Ready(piece)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_temperature_of_a_call() {
        let spec = |rules: Json| -> ModelSpec {
            let registry = ox_models::Registry::native();
            let provider = registry.find("oxidify/scripted").unwrap();
            let spec = provider.describe("echo", ModelKind::Llm, &ox_models::Credentials::new());
            ModelSpec { parameter_rules: serde_json::from_value(rules).unwrap(), ..spec }
        };
        let none = spec(json!([]));
        let rule =
            json!([{"name": "temperature", "type": "float", "label": {"en_US": "T", "zh_Hans": "T"}, "default": 0.2}]);
        let own = spec(rule);
        for (parameters, spec, expected) in [
            (json!({"temperature": 0}), &own, 0.0),
            (json!({"temperature": "0.7"}), &own, 0.7),
            (json!({}), &own, 0.2),
            (json!({}), &none, 1.0),
            (json!({"temperature": null}), &none, 1.0),
        ] {
            let told = temperature(parameters.as_object().unwrap(), spec);
            assert!((told - expected).abs() < 1e-9, "{parameters}: {told}");
        }
    }
}
