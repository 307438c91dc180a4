//! One question to several models side by side.

use std::{sync::Arc, time::Duration};

use futures::{Stream, StreamExt as _, stream};
use ox_models::{
    CacheWish, ChatRequest, ChatStream, CompletionRequest, ContentPart, Decimal, Media, Message, ModelError,
    ModelFeature, ModelKind, ModelMode, ModelRef, ModelRuntime as _, ModelScope, Role, Usage,
};
use ox_types::Json;
use serde_json::Map;
use tokio::time::Instant;

use super::find;
use crate::{Error, Principal, Result, Services, principal::Permission};

/// Models that are asked at once.
const MOST_MODELS: usize = 4;
const MOST_IMAGES: usize = 8;
const MOST_LETTERS: usize = 200_000;
/// The longest that one of them may take.
const LONGEST: Duration = Duration::from_secs(600);

/// A model that is asked, with its settings.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub provider: String,
    pub model: String,
    pub parameters: Map<String, Json>,
}

/// What all of them are asked.
#[derive(Clone, Debug, Default)]
pub struct Question {
    pub system: String,
    pub user: String,
    pub images: Vec<Media>,
}

/// How an answer ended well.
#[derive(Clone, Debug)]
pub struct Measured {
    pub finish_reason: Option<String>,
    /// From the question to the first piece of the answer.
    pub first_token: Option<Duration>,
    pub total: Duration,
    pub usage: Usage,
    /// `None` where no price is known.
    pub cost: Option<Decimal>,
}

/// What comes of one model.
#[derive(Clone, Debug)]
pub enum Told {
    Piece { text: String, reasoning: String },
    Done(Box<Measured>),
    Failed { message: String, total: Duration },
}

/// Asks up to four models the same; what they say comes with the number of each. Dropping the stream ends the calls.
///
/// # Errors
/// 400 naming what is wrong with the question.
pub fn ask(
    services: &Arc<Services>,
    principal: &Principal,
    candidates: Vec<Candidate>,
    question: Question,
) -> Result<impl Stream<Item = (usize, Told)> + Send + use<>> {
    principal.require(Permission::ModelView)?;
    if !(1..=MOST_MODELS).contains(&candidates.len()) {
        return Err(Error::invalid_field("models", format!("Ask 1 to {MOST_MODELS} models.")));
    }
    for candidate in &candidates {
        find(services, &candidate.provider)?;
    }
    if question.user.trim().is_empty() && question.images.is_empty() {
        return Err(Error::invalid_field("user", "Ask something."));
    }
    if question.user.len() + question.system.len() > MOST_LETTERS * 4 {
        return Err(Error::invalid_field("user", format!("At most {MOST_LETTERS} characters can be asked.")));
    }
    if question.images.len() > MOST_IMAGES {
        return Err(Error::invalid_field("images", format!("At most {MOST_IMAGES} images.")));
    }
    let user = principal.account_id()?.to_string();
    // What is measured here is the model, not what was kept of it.
    let scope = ModelScope { user: Some(user), cache: CacheWish::Never, ..ModelScope::of(principal.tenant_id()) };
    let question = Arc::new(question);
    let of_one = |(index, candidate): (usize, Candidate)| {
        let trial = Trial {
            services: Arc::clone(services),
            scope: scope.clone(),
            candidate,
            question: Arc::clone(&question),
            started: Instant::now(),
            first: None,
            last: Measured {
                finish_reason: None,
                first_token: None,
                total: Duration::ZERO,
                usage: Usage::default(),
                cost: None,
            },
        };
        stream::unfold(Some((trial, None)), Trial::next).map(move |told| (index, told)).boxed()
    };
    Ok(stream::select_all(candidates.into_iter().enumerate().map(of_one)))
}

/// One model and what is known of its answer.
struct Trial {
    services: Arc<Services>,
    scope: ModelScope,
    candidate: Candidate,
    question: Arc<Question>,
    started: Instant,
    first: Option<Instant>,
    last: Measured,
}

/// What is left to do: ask, or go on reading; nothing when it is over.
type Stage = Option<(Trial, Option<ChatStream>)>;

impl Trial {
    async fn next(stage: Stage) -> Option<(Told, Stage)> {
        let (mut trial, open) = stage?;
        let until = trial.started + LONGEST;
        match tokio::time::timeout_at(until, trial.read(open)).await {
            Ok(Ok((Some(piece), pieces))) => Some((piece, Some((trial, Some(pieces))))),
            Ok(Ok((None, _))) => {
                trial.last.total = trial.started.elapsed();
                trial.last.first_token = trial.first.map(|first| first.duration_since(trial.started));
                Some((Told::Done(Box::new(trial.last)), None))
            }
            Ok(Err(error)) => Some((trial.failed(error.to_string()), None)),
            Err(_) => {
                let text = format!("The answer took longer than {} seconds.", LONGEST.as_secs());
                Some((trial.failed(text), None))
            }
        }
    }

    fn failed(&self, message: String) -> Told {
        Told::Failed { message, total: self.started.elapsed() }
    }

    /// The next piece that says something; none at the end.
    async fn read(&mut self, open: Option<ChatStream>) -> Result<(Option<Told>, ChatStream), ModelError> {
        let mut pieces = match open {
            Some(pieces) => pieces,
            None => self.begin().await?,
        };
        while let Some(piece) = pieces.next().await {
            let piece = piece?;
            if let Some(usage) = piece.usage {
                // Where a stand-in answered, its price is in the usage all the same.
                let is_priced = self.last.cost.is_some() || usage.total_price != Decimal::ZERO;
                self.last.cost = is_priced.then_some(usage.total_price);
                self.last.usage = usage;
            }
            self.last.finish_reason = piece.finish_reason.or(self.last.finish_reason.take());
            let mut text = piece.text;
            for call in &piece.tool_calls {
                text.push_str(call.name.as_deref().unwrap_or_default());
                text.push_str(&call.arguments);
            }
            if !(text.is_empty() && piece.reasoning.is_empty()) {
                self.first.get_or_insert_with(Instant::now);
                return Ok((Some(Told::Piece { text, reasoning: piece.reasoning }), pieces));
            }
        }
        Ok((None, pieces))
    }

    async fn begin(&mut self) -> Result<ChatStream, ModelError> {
        let models = &self.services.models;
        let Candidate { provider, model, parameters } = &self.candidate;
        let model = ModelRef::chat(provider.clone(), model.clone());
        let spec = models.describe(&self.scope, &model, ModelKind::Llm).await;
        let can_see = spec.as_ref().is_none_or(|spec| spec.has(ModelFeature::Vision));
        if !self.question.images.is_empty() && !can_see {
            let text = "this model does not take images";
            return Err(ModelError::new(ox_models::ErrorClass::Unsupported, provider, text));
        }
        if spec.as_ref().is_some_and(|spec| spec.pricing.is_some()) {
            self.last.cost = Some(Decimal::ZERO);
        }
        let Question { system, user, images } = self.question.as_ref();
        if spec.is_some_and(|spec| spec.mode() == ModelMode::Completion) {
            let prompt = if system.trim().is_empty() { user.clone() } else { format!("{system}\n\n{user}") };
            let parameters = parameters.clone();
            let request = CompletionRequest { prompt, parameters, stream: true, ..CompletionRequest::default() };
            return models.completion(&self.scope, &model, request).await;
        }
        let mut parts: Vec<ContentPart> = images.iter().cloned().map(ContentPart::Image).collect();
        parts.extend((!user.trim().is_empty()).then(|| ContentPart::text(user)));
        let system = (!system.trim().is_empty()).then(|| Message::system(system));
        let messages = system.into_iter().chain([Message::new(Role::User, parts)]).collect();
        let request = ChatRequest { messages, parameters: parameters.clone(), stream: true, ..ChatRequest::default() };
        models.chat(&self.scope, &model, request).await
    }
}
