//! What an adapter offers for one vendor.

use std::{
    sync::{Mutex, OnceLock, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use ox_net::Egress;
use ox_types::Json;

use crate::{
    ChatRequest, ChatStream, CompletionRequest, EmbeddingRequest, EmbeddingResult, ErrorClass, ModelError,
    ModelFeature, ModelKind, ModelSpec, ModerationRequest, ProviderSpec, Ranked, RerankRequest, SpeechRequest,
    SpeechStream, TranscriptionRequest,
};

/// Values of a credential form, in plain text.
pub type Credentials = serde_json::Map<String, Json>;

/// Time limits of a model call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallLimits {
    pub connect: Duration,
    /// From the call to the first piece of the answer.
    pub first_token: Duration,
    /// Between two pieces.
    pub idle: Duration,
    /// The whole call.
    pub total: Duration,
}

impl Default for CallLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_token: Duration::from_secs(300),
            idle: Duration::from_secs(120),
            total: Duration::from_secs(1200),
        }
    }
}

/// What a call used beside tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Of a ranking.
    Searches,
    /// Of a recording.
    Seconds,
    /// Of a text that is spoken.
    Characters,
}

impl Unit {
    /// The wire name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Searches => "searches",
            Self::Seconds => "seconds",
            Self::Characters => "characters",
        }
    }
}

/// What a vendor tells that a call used, where the answer itself has no place for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    pub units: Option<(u64, Unit)>,
}

/// Adds up what the requests of one call used.
#[derive(Debug, Default)]
pub struct Tally {
    used: Mutex<Used>,
    first_token: OnceLock<Duration>,
}

impl Tally {
    /// Adds what one request used.
    pub fn add(&self, used: Used) {
        let mut sum = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        sum.prompt_tokens = sum.prompt_tokens.saturating_add(used.prompt_tokens);
        sum.completion_tokens = sum.completion_tokens.saturating_add(used.completion_tokens);
        if let Some((units, unit)) = used.units {
            let before = sum.units.filter(|(_, known)| *known == unit).map_or(0, |(units, _)| units);
            sum.units = Some((before.saturating_add(units), unit));
        }
    }

    /// The first words of a trial came so long after the question; later ones are not counted.
    pub(crate) fn heard(&self, after: Duration) {
        let _ = self.first_token.set(after);
    }

    /// How long the first words of a trial took, where it asked for words.
    #[must_use]
    pub fn first_token(&self) -> Option<Duration> {
        self.first_token.get().copied()
    }

    /// What was used so far.
    #[must_use]
    pub fn read(&self) -> Used {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// With what a call is made.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    pub egress: &'a Egress,
    pub credentials: &'a Credentials,
    /// What is known of the model: prices, limits, quirks.
    pub spec: Option<&'a ModelSpec>,
    pub limits: CallLimits,
    /// Who wants to know what rankings, judgements and speech used, and how soon a trial was answered.
    pub tally: Option<&'a Tally>,
}

impl Call<'_> {
    /// The vendor told what a request used.
    pub(crate) fn tell(&self, used: Used) {
        if let Some(tally) = self.tally {
            tally.add(used);
        }
    }
}

/// A model that answers conversations.
#[async_trait]
pub trait ChatModel: Send + Sync {
    /// Asks. Fails before the first piece when the provider refuses.
    async fn chat(&self, call: Call<'_>, request: ChatRequest) -> Result<ChatStream, ModelError>;
}

/// A model that continues a text.
#[async_trait]
pub trait CompletionModel: Send + Sync {
    /// Asks.
    async fn complete(&self, call: Call<'_>, request: CompletionRequest) -> Result<ChatStream, ModelError>;
}

/// A model that turns texts into vectors, and pictures where it sees.
#[async_trait]
pub trait EmbeddingModel: Send + Sync {
    /// One vector for each text, then one for each picture, in order.
    async fn embed(&self, call: Call<'_>, request: EmbeddingRequest) -> Result<EmbeddingResult, ModelError>;

    /// Whether the adapter can send pictures. Which models take them is told by their feature `vision`.
    fn takes_pictures(&self) -> bool {
        false
    }
}

/// A model that orders documents.
#[async_trait]
pub trait RerankModel: Send + Sync {
    /// Best first.
    async fn rerank(&self, call: Call<'_>, request: RerankRequest) -> Result<Vec<Ranked>, ModelError>;
}

/// A model that judges texts.
#[async_trait]
pub trait ModerationModel: Send + Sync {
    /// Whether one of the texts should not be said.
    async fn moderate(&self, call: Call<'_>, request: ModerationRequest) -> Result<bool, ModelError>;
}

/// A model that writes down what is said.
#[async_trait]
pub trait TranscriptionModel: Send + Sync {
    /// The words of a recording.
    async fn transcribe(&self, call: Call<'_>, request: TranscriptionRequest) -> Result<String, ModelError>;
}

/// A model that speaks.
#[async_trait]
pub trait SpeechModel: Send + Sync {
    /// Speaks a text of any length. Fails before the first piece when the provider refuses.
    async fn speak(&self, call: Call<'_>, request: SpeechRequest) -> Result<SpeechStream, ModelError>;
}

/// One vendor: its description and its models' capabilities.
#[async_trait]
pub trait Provider: Send + Sync {
    /// How it is shown and what it brings.
    fn spec(&self) -> &ProviderSpec;

    /// Its chat models.
    fn chat_model(&self) -> Option<&dyn ChatModel> {
        None
    }

    /// Its completion models.
    fn completion_model(&self) -> Option<&dyn CompletionModel> {
        None
    }

    /// Its embedding models.
    fn embedding_model(&self) -> Option<&dyn EmbeddingModel> {
        None
    }

    /// Its rerank models.
    fn rerank_model(&self) -> Option<&dyn RerankModel> {
        None
    }

    /// Its moderation models.
    fn moderation_model(&self) -> Option<&dyn ModerationModel> {
        None
    }

    /// Its models that listen.
    fn transcription_model(&self) -> Option<&dyn TranscriptionModel> {
        None
    }

    /// Its models that speak.
    fn speech_model(&self) -> Option<&dyn SpeechModel> {
        None
    }

    /// What is known of a model: its row of the table, or what the credentials of a custom model say.
    fn describe(&self, model: &str, kind: ModelKind, credentials: &Credentials) -> ModelSpec;

    /// Tries the credentials; with a model, that model is asked something small.
    async fn validate(&self, call: Call<'_>, model: Option<(&str, ModelKind)>) -> Result<(), ModelError>;

    /// Whether the key's own list of models counts instead of the table: there is no table, or the
    /// address is not the vendor's.
    fn lists_own_models(&self, _credentials: &Credentials) -> bool {
        false
    }

    /// Models the vendor lists for this key; `Unsupported` where it lists none.
    async fn remote_models(&self, _call: Call<'_>) -> Result<Vec<ModelSpec>, ModelError> {
        Err(self.unsupported("listing models"))
    }

    /// What embeds for a model, where it does so at all: pictures go to those that see alone.
    ///
    /// # Errors
    /// `Unsupported` where it does not.
    fn embedder_for(&self, spec: &ModelSpec, request: &EmbeddingRequest) -> Result<&dyn EmbeddingModel, ModelError> {
        let found = self.embedding_model().ok_or_else(|| self.unsupported("text-embedding"))?;
        if request.pictures.is_empty() || (found.takes_pictures() && spec.has(ModelFeature::Vision)) {
            return Ok(found);
        }
        let text = format!("the embedding model {} takes no pictures", spec.model);
        Err(ModelError::new(ErrorClass::Unsupported, &self.spec().id, text))
    }

    /// The error for what it cannot do.
    fn unsupported(&self, what: &str) -> ModelError {
        ModelError::new(ErrorClass::Unsupported, &self.spec().id, format!("{what} is not supported by this provider"))
    }
}

/// A text value of a form; empty counts as absent.
#[must_use]
pub fn credential<'a>(credentials: &'a Credentials, name: &str) -> Option<&'a str> {
    credentials.get(name).and_then(Json::as_str).map(str::trim).filter(|text| !text.is_empty())
}
