//! The OpenAI-compatible protocol: chat (by either of its two APIs), completions, embeddings, moderation, speech at any
//! address.

mod audio;
mod moderation;
mod reader;
mod rerank;
mod responses;
mod vectors;
mod vendors;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use ox_net::{Class, Request, Response};
use ox_types::Json;
use serde_json::Map;
use tokio::time::Instant;

use self::{
    reader::{Reader, tokens},
    vendors::{INTERNATIONAL, Inputs, Probe, UrlForm, VENDORS, Vendor},
};
use crate::{
    Call, ChatModel, ChatRequest, ChatStream, CompletionModel, CompletionRequest, Credentials, EmbeddingModel,
    EmbeddingRequest, EmbeddingResult, ErrorClass, FetchFrom, I18n, Message, ModelError, ModelFeature, ModelKind,
    ModelSpec, ModerationModel, Provider, ProviderSpec, RerankModel, SpeechModel, TranscriptionModel, Unit, Usage,
    Used,
    answer::{Accounting, seconds},
    catalog::{self, Dialect},
    credential,
    exchange::Exchange,
    fault,
    frames::Framing,
    stops, trial,
};

/// The providers of the vendor table.
pub fn providers() -> Vec<Arc<dyn Provider>> {
    VENDORS
        .iter()
        .map(|vendor| Arc::new(OpenAiCompatible { vendor, spec: vendor.spec() }) as Arc<dyn Provider>)
        .collect()
}

/// Every model of the table.
pub fn models() -> impl Iterator<Item = ModelSpec> {
    VENDORS.iter().flat_map(|vendor| vendor.spec().models)
}

/// The ends of the addresses of calls.
const CALLS: [&str; 8] = [
    "/chat/completions",
    "/completions",
    "/responses",
    "/embeddings",
    "/multimodalembeddings",
    "/rerank",
    "/audio/speech",
    "/audio/transcriptions",
];

/// One vendor of the table.
struct OpenAiCompatible {
    vendor: &'static Vendor,
    spec: ProviderSpec,
}

impl OpenAiCompatible {
    /// The vendor's own address: of the country that the credentials name.
    fn own(&self, credentials: &Credentials) -> Option<&'static str> {
        let abroad = credential(credentials, INTERNATIONAL) == Some("true");
        self.vendor.international.filter(|_| abroad).or(self.vendor.base)
    }

    fn base(&self, credentials: &Credentials) -> Result<String, ModelError> {
        let given = self.vendor.base_field.and_then(|field| credential(credentials, field));
        let own = self.own(credentials);
        let base = given.or(own).ok_or_else(|| {
            let field = self.vendor.base_field.unwrap_or("base URL");
            self.error(ErrorClass::BadRequest, format!("the credentials have no {field}: enter the address of the API"))
        })?;
        let base = base.trim_end_matches('/');
        // A host alone stands in for the vendor's.
        let of_own = || own.and_then(|own| url::Url::parse(own).ok()).map(|own| own.path().to_owned());
        let hosted = (!base.contains("://")).then(of_own).flatten().map(|path| format!("https://{base}{path}"));
        let base = hosted.as_deref().unwrap_or(base);
        // People paste the address of the call itself.
        let base = CALLS.iter().find_map(|suffix| base.strip_suffix(suffix)).unwrap_or(base);
        let last = base.rsplit('/').next().unwrap_or_default();
        let versioned = last.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        Ok(match self.vendor.url {
            UrlForm::EnsureV1 if !versioned && given.is_some() && hosted.is_none() => format!("{base}/v1"),
            _ => base.to_owned(),
        })
    }

    fn url(&self, call: &Call<'_>, model: &str, path: &str) -> Result<String, ModelError> {
        let base = self.base(call.credentials)?;
        // The newer Azure address is the plain protocol.
        if self.vendor.url != UrlForm::Azure || base.ends_with("/openai/v1") {
            return Ok(format!("{base}{path}"));
        }
        let version = credential(call.credentials, "openai_api_version").unwrap_or("2024-10-21");
        let base = base.strip_suffix("/openai").unwrap_or(&base);
        let mut url = url::Url::parse(base)
            .map_err(|error| self.error(ErrorClass::BadRequest, format!("openai_api_base is not a URL: {error}")))?;
        if let Ok(mut segments) = url.path_segments_mut() {
            segments
                .pop_if_empty()
                .extend(["openai", "deployments", model])
                .extend(path.split('/').filter(|part| !part.is_empty()));
        }
        url.query_pairs_mut().append_pair("api-version", version);
        Ok(url.into())
    }

    fn exchange<'a>(&'a self, call: &Call<'a>) -> Exchange<'a> {
        let key = credential(call.credentials, self.vendor.key_field);
        let secrets = key.map(str::to_owned).into_iter().collect();
        Exchange { call: *call, provider: &self.spec.id, own: self.own(call.credentials).map(str::to_owned), secrets }
    }

    /// A call with what every call of this vendor carries.
    fn request(&self, call: &Call<'_>, mut request: Request) -> Result<Request, ModelError> {
        let net = |error: ox_net::NetError| fault::from_net(&self.spec.id, &error);
        if let Some(key) = credential(call.credentials, self.vendor.key_field) {
            request = if self.vendor.quirks.api_key_header {
                request.secret_header("api-key", key).map_err(net)?
            } else {
                request.secret_header("authorization", &format!("Bearer {key}")).map_err(net)?
            };
        }
        if let Some(organization) = credential(call.credentials, "openai_organization") {
            request = request.header("openai-organization", organization).map_err(net)?;
        }
        let request = request.header("accept", "application/json, text/event-stream").map_err(net)?;
        Ok(self.exchange(call).prepared(request))
    }

    async fn send(&self, call: &Call<'_>, request: Request) -> Result<Response, ModelError> {
        self.exchange(call).send(self.request(call, request)?).await
    }

    /// The name the server knows the model by.
    fn wire_model<'a>(&self, call: &Call<'a>, model: &'a str) -> &'a str {
        let fields = ["endpoint_model_name", "endpoint_id", "model_uid"];
        fields.iter().find_map(|field| credential(call.credentials, field)).unwrap_or(model)
    }

    /// The model whose properties count: a deployment has a name of its own.
    fn base_model<'a>(&self, credentials: &'a Credentials, model: &'a str) -> &'a str {
        credential(credentials, "base_model_name").unwrap_or(model)
    }

    async fn start(
        &self,
        call: Call<'_>,
        path: &str,
        model: &str,
        body: &Map<String, Json>,
        accounting: Accounting,
    ) -> Result<ChatStream, ModelError> {
        let url = self.url(&call, model, path)?;
        let bytes = serde_json::to_vec(body).map_err(|error| self.error(ErrorClass::BadRequest, error.to_string()))?;
        let request = self.request(&call, Request::post_json(Class::Model, url, bytes))?;
        let asked = body.get("stream").and_then(Json::as_bool).unwrap_or(false);
        let reader = Box::new(Reader::new(&self.spec.id));
        self.exchange(&call).ask(request, asked.then_some(Framing::Events), accounting, reader).await
    }

    fn accounting(&self, call: &Call<'_>, model: &str, started: Instant) -> Accounting {
        self.exchange(call).accounting(self.base_model(call.credentials, model), started)
    }

    /// What is known of a model by its row, its base model, its name elsewhere or its form.
    fn known(&self, model: &str, kind: ModelKind, credentials: &Credentials) -> ModelSpec {
        if let Some(known) = self.spec.model(model, kind) {
            return known.clone();
        }
        // A deployment has the properties of its base model.
        if self.vendor.url == UrlForm::Azure
            && let Some(known) = catalog::known_elsewhere(self.base_model(credentials, model), kind)
        {
            let (model, label) = (model.to_owned(), I18n::same(model));
            // Azure's prices are its own.
            return ModelSpec { model, label, fetch_from: FetchFrom::Customizable, pricing: None, ..known.clone() };
        }
        // A gateway passes on models that are known by their names elsewhere.
        let is_plain = !credentials.contains_key("context_size") && self.vendor.url != UrlForm::Azure;
        if let Some(known) = is_plain.then(|| catalog::known_elsewhere(model, kind)).flatten() {
            let (model, label) = (model.to_owned(), I18n::same(model));
            return ModelSpec { model, label, fetch_from: FetchFrom::Customizable, pricing: None, ..known.clone() };
        }
        catalog::custom(model, kind, credentials, Dialect::Usual)
    }

    fn error(&self, class: ErrorClass, text: String) -> ModelError {
        ModelError::new(class, &self.spec.id, text)
    }
}

#[async_trait]
impl ChatModel for OpenAiCompatible {
    async fn chat(&self, call: Call<'_>, request: ChatRequest) -> Result<ChatStream, ModelError> {
        if self.is_responses(call.credentials, call.spec) {
            return self.respond(call, request).await;
        }
        let started = Instant::now();
        let model = self.wire_model(&call, &request.model);
        let base = self.base_model(call.credentials, model);
        // What parameters a deployment takes is told by its base model.
        let mut body = wire::chat_body(&request, base, self.vendor.quirks);
        body.insert("model".into(), model.into());
        let mut accounting = self.accounting(&call, &request.model, started);
        let url_model = model.to_owned();
        accounting.stops = stops::wanted(&request.stop, &request.parameters);
        accounting.messages = request.messages;
        accounting.tools = request.tools;
        self.start(call, "/chat/completions", &url_model, &body, accounting).await
    }
}

#[async_trait]
impl CompletionModel for OpenAiCompatible {
    async fn complete(&self, call: Call<'_>, request: CompletionRequest) -> Result<ChatStream, ModelError> {
        let started = Instant::now();
        let model = self.wire_model(&call, &request.model).to_owned();
        let body = wire::completion_body(&request, &model, self.vendor.quirks);
        let mut accounting = self.accounting(&call, &request.model, started);
        accounting.messages = vec![Message::user(request.prompt)];
        self.start(call, "/completions", &model, &body, accounting).await
    }
}

#[async_trait]
impl EmbeddingModel for OpenAiCompatible {
    async fn embed(&self, call: Call<'_>, request: EmbeddingRequest) -> Result<EmbeddingResult, ModelError> {
        let started = Instant::now();
        let model = self.wire_model(&call, &request.model);
        let inputs = self.vendor.quirks.inputs;
        let url = self.url(&call, model, vectors::path(inputs, model))?;
        let sees = call.spec.is_some_and(|spec| spec.has(ModelFeature::Vision));
        let size = call.spec.and_then(|spec| spec.model_properties.get("max_chunks")).and_then(Json::as_u64);
        let size = usize::try_from(size.unwrap_or(1)).unwrap_or(1).clamp(1, 2048);
        let mut embeddings = Vec::with_capacity(request.texts.len() + request.pictures.len());
        let mut tokens = 0;
        for batch in vectors::batches(&request, size) {
            let body = vectors::body(inputs, model, sees, request.input, batch);
            let mut body = body.ok_or_else(|| self.unsupported("embedding pictures by this model"))?;
            if let Some(user) = request.user.as_deref().filter(|_| self.vendor.quirks.user) {
                body["user"] = user.into();
            }
            let response = self.send(&call, Request::post_json(Class::Model, url.as_str(), body.to_string())).await?;
            let body = response.bytes().await.map_err(|error| fault::from_net(&self.spec.id, &error))?;
            let (mut vectors, used) = self.vectors(&body, batch.len())?;
            tokens += used.unwrap_or_else(|| batch.estimate());
            embeddings.append(&mut vectors);
        }
        let mut usage = Usage::priced(tokens, 0, call.spec.and_then(|spec| spec.pricing.as_ref()));
        usage.latency = seconds(started.elapsed());
        Ok(EmbeddingResult { embeddings, usage })
    }

    fn takes_pictures(&self) -> bool {
        self.vendor.quirks.inputs != Inputs::Alike
    }
}

impl OpenAiCompatible {
    fn vectors(&self, body: &[u8], expected: usize) -> Result<(Vec<Vec<f32>>, Option<u64>), ModelError> {
        let wrong = |what: &str| fault::garbage(&self.spec.id, what, &String::from_utf8_lossy(body));
        let json: Json = serde_json::from_slice(body).map_err(|_| wrong("the provider's answer is not JSON"))?;
        if let Some(error) = fault::from_body(&self.spec.id, &json) {
            return Err(error);
        }
        let data = json.get("data").and_then(Json::as_array).ok_or_else(|| wrong("the answer holds no vectors"))?;
        let mut vectors = vec![Vec::new(); expected];
        for (position, item) in data.iter().enumerate() {
            let index = item.get("index").and_then(Json::as_u64).and_then(|index| usize::try_from(index).ok());
            let vector = item.get("embedding").and_then(vector).ok_or_else(|| wrong("a vector cannot be read"))?;
            let slot = vectors.get_mut(index.unwrap_or(position)).ok_or_else(|| wrong("more vectors than texts"))?;
            *slot = vector;
        }
        if vectors.iter().any(Vec::is_empty) {
            return Err(wrong("fewer vectors than texts"));
        }
        Ok((vectors, json.get("usage").and_then(tokens).map(|tokens| tokens.prompt)))
    }

    async fn probe(&self, call: Call<'_>, path: &str) -> Result<(), ModelError> {
        let url = self.url(&call, "", path)?;
        let limits = trial::short(call.limits);
        match self.send(&Call { limits, ..call }, Request::get(Class::Model, url.as_str())).await {
            Ok(response) => {
                let body = response.bytes().await.map_err(|error| fault::from_net(&self.spec.id, &error))?;
                let json = serde_json::from_slice::<Json>(&body);
                json.map(|_| ()).map_err(|_| {
                    let what = format!("{url} does not answer in the OpenAI protocol; check the base URL");
                    fault::garbage(&self.spec.id, &what, &String::from_utf8_lossy(&body))
                })
            }
            // A key that may not list models is a key.
            Err(error) if error.status == Some(403) && error.text.contains("Missing scopes") => Ok(()),
            Err(error) if error.status == Some(404) => {
                let text = format!("{url} was not found; check the base URL ({})", error.text);
                Err(ModelError { class: ErrorClass::BadRequest, text, ..error })
            }
            Err(error) => Err(error),
        }
    }
}

/// What the `usage` of an answer tells: tokens, or the seconds of a recording.
fn used(usage: &Json) -> Used {
    let seconds = usage.get("seconds").and_then(Json::as_f64).filter(|seconds| (0.0..1e9).contains(seconds));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be small and not negative")]
    let seconds = seconds.map(|seconds| seconds.ceil() as u64);
    let tokens = tokens(usage).unwrap_or_default();
    Used {
        prompt_tokens: tokens.prompt,
        completion_tokens: tokens.completion,
        units: seconds.map(|seconds| (seconds, Unit::Seconds)),
    }
}

/// A vector as numbers, or as base64 of little-endian floats.
fn vector(json: &Json) -> Option<Vec<f32>> {
    match json {
        #[expect(clippy::cast_possible_truncation, reason = "vectors are kept in single precision")]
        Json::Array(numbers) => numbers.iter().map(|number| number.as_f64().map(|number| number as f32)).collect(),
        Json::String(text) => {
            let bytes = base64::engine::general_purpose::STANDARD.decode(text).ok()?;
            let (floats, rest) = bytes.as_chunks::<4>();
            rest.is_empty().then(|| floats.iter().map(|float| f32::from_le_bytes(*float)).collect())
        }
        _ => None,
    }
}

#[async_trait]
impl Provider for OpenAiCompatible {
    fn spec(&self) -> &ProviderSpec {
        &self.spec
    }

    fn chat_model(&self) -> Option<&dyn ChatModel> {
        self.vendor.kinds.contains(&ModelKind::Llm).then_some(self as &dyn ChatModel)
    }

    fn completion_model(&self) -> Option<&dyn CompletionModel> {
        self.vendor.kinds.contains(&ModelKind::Llm).then_some(self as &dyn CompletionModel)
    }

    fn rerank_model(&self) -> Option<&dyn RerankModel> {
        self.vendor.kinds.contains(&ModelKind::Rerank).then_some(self as &dyn RerankModel)
    }

    fn embedding_model(&self) -> Option<&dyn EmbeddingModel> {
        self.vendor.kinds.contains(&ModelKind::TextEmbedding).then_some(self as &dyn EmbeddingModel)
    }

    fn moderation_model(&self) -> Option<&dyn ModerationModel> {
        self.vendor.kinds.contains(&ModelKind::Moderation).then_some(self as &dyn ModerationModel)
    }

    fn transcription_model(&self) -> Option<&dyn TranscriptionModel> {
        self.vendor.kinds.contains(&ModelKind::Speech2Text).then_some(self as &dyn TranscriptionModel)
    }

    fn speech_model(&self) -> Option<&dyn SpeechModel> {
        self.vendor.kinds.contains(&ModelKind::Tts).then_some(self as &dyn SpeechModel)
    }

    fn describe(&self, model: &str, kind: ModelKind, credentials: &Credentials) -> ModelSpec {
        let mut spec = self.with_summaries(self.known(model, kind, credentials), credentials);
        // A gateway passes on models that see, but the protocol has no word for pictures to embed.
        if kind == ModelKind::TextEmbedding && !self.takes_pictures() {
            spec.features.retain(|feature| *feature != ModelFeature::Vision);
        }
        spec
    }

    fn lists_own_models(&self, credentials: &Credentials) -> bool {
        let host = |text: &str| url::Url::parse(text).ok().and_then(|url| url.host_str().map(str::to_owned));
        let given = self.vendor.base_field.and_then(|field| credential(credentials, field));
        let is_foreign = given.is_some_and(|given| host(given) != self.vendor.base.and_then(host));
        self.vendor.lists_models && !self.vendor.per_model && (self.spec.models.is_empty() || is_foreign)
    }

    async fn validate(&self, call: Call<'_>, model: Option<(&str, ModelKind)>) -> Result<(), ModelError> {
        if self.vendor.key_required && credential(call.credentials, self.vendor.key_field).is_none() {
            return Err(self.error(ErrorClass::Auth, format!("the credentials have no {}", self.vendor.key_field)));
        }
        match (model, self.vendor.probe) {
            (Some((model, kind)), _) => trial::ask(self, call, model, kind).await,
            (None, Probe::Try(kind, model)) => match trial::ask(self, call, model, kind).await {
                // The key was taken: the model may not be for it, or its money is spent.
                Err(error) if matches!(error.class, ErrorClass::NotFound | ErrorClass::RateLimit { .. }) => Ok(()),
                tried => tried,
            },
            (None, Probe::Models) => self.probe(call, "/models").await,
            (None, Probe::Path(path)) => self.probe(call, path).await,
            (None, Probe::Ask) => {
                Err(self.error(ErrorClass::BadRequest, "add a model to try these credentials".into()))
            }
        }
    }

    async fn remote_models(&self, call: Call<'_>) -> Result<Vec<ModelSpec>, ModelError> {
        if !self.vendor.lists_models {
            return Err(self.unsupported("listing models"));
        }
        let url = self.url(&call, "", "/models")?;
        let limits = trial::short(call.limits);
        let response = self.send(&Call { limits, ..call }, Request::get(Class::Model, url)).await?;
        let body = response.bytes().await.map_err(|error| fault::from_net(&self.spec.id, &error))?;
        let json: Json = serde_json::from_slice(&body).map_err(|_| {
            fault::garbage(&self.spec.id, "the list of models is not JSON", &String::from_utf8_lossy(&body))
        })?;
        // Most wrap the list, some do not.
        let list = json.get("data").or(Some(&json)).and_then(Json::as_array);
        let list =
            list.ok_or_else(|| fault::garbage(&self.spec.id, "there is no list of models", &json.to_string()))?;
        let names = list.iter().filter_map(|item| item.get("id").and_then(Json::as_str));
        let mut models: Vec<ModelSpec> = names
            .take(5000)
            .map(|name| {
                let embeds = name.contains("embed") || name.contains("bge-");
                let judges = name.contains("moderation") && self.vendor.kinds.contains(&ModelKind::Moderation);
                let listens = name.contains("whisper") || name.contains("transcribe");
                let speaks = name.starts_with("tts-") || name.ends_with("-tts") || name.contains("-tts-");
                let may = |kind| self.vendor.kinds.contains(&kind);
                let kind = match name {
                    _ if name.contains("rerank") && may(ModelKind::Rerank) => ModelKind::Rerank,
                    _ if embeds => ModelKind::TextEmbedding,
                    _ if judges => ModelKind::Moderation,
                    _ if listens && may(ModelKind::Speech2Text) => ModelKind::Speech2Text,
                    _ if speaks && may(ModelKind::Tts) => ModelKind::Tts,
                    _ => ModelKind::Llm,
                };
                self.describe(name, kind, call.credentials)
            })
            .collect();
        models.sort_by(|a, b| a.model.cmp(&b.model));
        Ok(models)
    }
}
