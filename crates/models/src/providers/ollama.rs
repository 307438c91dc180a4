//! Ollama's own API: chat, completions and vectors, one JSON document on each line.

mod reader;
mod wire;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use ox_net::Request;
use ox_types::Json;
use serde_json::json;
use tokio::time::Instant;

use self::reader::Reader;
use crate::{
    Call, ChatModel, ChatRequest, ChatStream, CompletionModel, CompletionRequest, Credentials, EmbeddingModel,
    EmbeddingRequest, EmbeddingResult, ErrorClass, Message, ModelError, ModelFeature, ModelKind, ModelSpec, Provider,
    ProviderSpec, Usage,
    answer::seconds,
    catalog::Dialect,
    count, credential,
    exchange::Exchange,
    fault, form,
    frames::Framing,
    sheet::{self, Sheet},
    stops, trial,
};

const URL: &str = "base_url";
const KEY: &str = "api_key";
const BASE: &str = "http://localhost:11434";
/// Texts in one call where nobody said how many.
const USUAL_BATCH: usize = 32;
/// Models whose abilities are asked for when they are listed, and kept.
const MAX_KNOWN: usize = 64;

/// The one vendor of this protocol.
pub fn providers() -> Vec<Arc<dyn Provider>> {
    let sheet = Sheet {
        id: "langgenius/ollama/ollama",
        aliases: &[],
        label: "Ollama",
        description: ("Models on your own machine with Ollama.", "使用 Ollama 在自己的机器上运行的模型。"),
        help: "https://docs.ollama.com/api",
        color: "#F9FAFB",
        kinds: &[ModelKind::Llm, ModelKind::TextEmbedding],
        fields: vec![form::text(URL, "Base URL", "基础 URL").hint(BASE, BASE), form::key(KEY)],
        table: None,
        dialect: Dialect::Ollama,
        untested: true,
    };
    vec![Arc::new(Ollama { spec: sheet.spec(), known: Mutex::default() })]
}

/// Server and model.
type Place = (String, String);

struct Ollama {
    spec: ProviderSpec,
    /// What servers told of their models.
    known: Mutex<HashMap<Place, ModelSpec>>,
}

impl Ollama {
    fn exchange<'a>(&'a self, call: &Call<'a>) -> Exchange<'a> {
        let secrets = credential(call.credentials, KEY).map(str::to_owned).into_iter().collect();
        Exchange { call: *call, provider: &self.spec.id, own: None, secrets }
    }

    fn base(credentials: &Credentials) -> &str {
        let base = credential(credentials, URL).unwrap_or(BASE).trim_end_matches('/');
        // People paste the address of the call, or of the other protocol that the server speaks.
        ["/api/chat", "/api", "/v1"].iter().find_map(|end| base.strip_suffix(end)).unwrap_or(base)
    }

    fn url(credentials: &Credentials, path: &str) -> String {
        format!("{}{path}", Self::base(credentials))
    }

    fn signed(exchange: &Exchange<'_>, request: Request) -> Result<Request, ModelError> {
        match credential(exchange.call.credentials, KEY) {
            Some(key) => exchange.header(request, "authorization", &format!("Bearer {key}")),
            None => Ok(request),
        }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<Place, ModelSpec>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn tags(&self, call: Call<'_>) -> Result<Vec<String>, ModelError> {
        let exchange = self.exchange(&call);
        let json =
            exchange.json(Self::signed(&exchange, exchange.get(Self::url(call.credentials, "/api/tags")))?).await?;
        let models = json.get("models").and_then(Json::as_array);
        let models = models.ok_or_else(|| {
            fault::garbage(&self.spec.id, "the server does not list its models as Ollama does", &json.to_string())
        })?;
        let name = |model: &Json| model.get("name").or_else(|| model.get("model"))?.as_str().map(str::to_owned);
        Ok(models.iter().filter_map(name).take(5000).collect())
    }

    /// What the server tells of one model.
    async fn show(&self, call: Call<'_>, model: &str) -> Option<ModelSpec> {
        let exchange = self.exchange(&call);
        let post = exchange.post(Self::url(call.credentials, "/api/show"), &json!({"model": model}));
        let json = exchange.json(Self::signed(&exchange, post).ok()?).await.ok()?;
        let able = |what: &str| {
            let all = json.get("capabilities").and_then(Json::as_array);
            all.is_some_and(|all| all.iter().any(|one| one.as_str() == Some(what)))
        };
        let kind = if able("embedding") { ModelKind::TextEmbedding } else { ModelKind::Llm };
        let mut spec = sheet::describe(&self.spec, Dialect::Ollama, model, kind, &Credentials::new());
        if able("tools") {
            spec.features.extend([
                ModelFeature::ToolCall,
                ModelFeature::MultiToolCall,
                ModelFeature::AgentThought,
                ModelFeature::StreamToolCall,
            ]);
        }
        if able("vision") {
            spec.features.push(ModelFeature::Vision);
        }
        if kind == ModelKind::Llm {
            // The server itself holds every model to a schema.
            spec.features.push(ModelFeature::StructuredOutput);
            if !able("thinking") {
                spec.parameter_rules.retain(|rule| rule.name != "think");
            }
        }
        let facts = json.get("model_info").and_then(Json::as_object);
        let size = facts.and_then(|facts| facts.iter().find(|(name, _)| name.ends_with(".context_length")));
        if let Some(size) = size.and_then(|(_, size)| size.as_u64()) {
            spec.model_properties.insert("context_size".into(), size.into());
        }
        Some(spec)
    }
}

#[async_trait]
impl ChatModel for Ollama {
    async fn chat(&self, call: Call<'_>, request: ChatRequest) -> Result<ChatStream, ModelError> {
        let started = Instant::now();
        let exchange = self.exchange(&call);
        let body = wire::chat(&request).map_err(|text| exchange.error(ErrorClass::Unsupported, text))?;
        let post = Self::signed(&exchange, exchange.post(Self::url(call.credentials, "/api/chat"), &body))?;
        let mut accounting = exchange.accounting(&request.model, started);
        accounting.stops = stops::wanted(&request.stop, &request.parameters);
        (accounting.messages, accounting.tools) = (request.messages, request.tools);
        let reader = Box::new(Reader::new(&self.spec.id));
        exchange.ask(post, request.stream.then_some(Framing::Lines), accounting, reader).await
    }
}

#[async_trait]
impl CompletionModel for Ollama {
    async fn complete(&self, call: Call<'_>, request: CompletionRequest) -> Result<ChatStream, ModelError> {
        let started = Instant::now();
        let exchange = self.exchange(&call);
        let body = wire::completion(&request);
        let post = Self::signed(&exchange, exchange.post(Self::url(call.credentials, "/api/generate"), &body))?;
        let mut accounting = exchange.accounting(&request.model, started);
        accounting.messages = vec![Message::user(request.prompt)];
        let reader = Box::new(Reader::new(&self.spec.id));
        exchange.ask(post, request.stream.then_some(Framing::Lines), accounting, reader).await
    }
}

#[async_trait]
impl EmbeddingModel for Ollama {
    async fn embed(&self, call: Call<'_>, request: EmbeddingRequest) -> Result<EmbeddingResult, ModelError> {
        let started = Instant::now();
        let exchange = self.exchange(&call);
        let batch = call.credentials.get("max_chunks").and(call.spec);
        let batch = batch.and_then(|spec| spec.model_properties.get("max_chunks")).and_then(Json::as_u64);
        let batch = batch.and_then(|batch| usize::try_from(batch).ok()).unwrap_or(USUAL_BATCH).clamp(1, 1024);
        let (mut embeddings, mut tokens) = (Vec::with_capacity(request.texts.len()), 0);
        for texts in request.texts.chunks(batch) {
            let body = json!({"model": request.model, "input": texts, "truncate": true});
            let post = Self::signed(&exchange, exchange.post(Self::url(call.credentials, "/api/embed"), &body))?;
            let json = exchange.json(post).await?;
            let vectors: Option<Vec<Vec<f32>>> =
                json.get("embeddings").cloned().and_then(|vectors| serde_json::from_value(vectors).ok());
            let mut vectors = vectors.filter(|vectors| vectors.len() == texts.len()).ok_or_else(|| {
                fault::garbage(&self.spec.id, "there is not one vector for each text", &json.to_string())
            })?;
            let told = json.get("prompt_eval_count").and_then(Json::as_u64);
            tokens += told.unwrap_or_else(|| texts.iter().map(|text| count::estimate(text)).sum());
            embeddings.append(&mut vectors);
        }
        let mut usage = Usage::priced(tokens, 0, None);
        usage.latency = seconds(started.elapsed());
        Ok(EmbeddingResult { embeddings, usage })
    }
}

#[async_trait]
impl Provider for Ollama {
    fn spec(&self) -> &ProviderSpec {
        &self.spec
    }

    fn chat_model(&self) -> Option<&dyn ChatModel> {
        Some(self)
    }

    fn completion_model(&self) -> Option<&dyn CompletionModel> {
        Some(self)
    }

    fn embedding_model(&self) -> Option<&dyn EmbeddingModel> {
        Some(self)
    }

    fn describe(&self, model: &str, kind: ModelKind, credentials: &Credentials) -> ModelSpec {
        let place = (Self::base(credentials).to_owned(), model.to_owned());
        // What somebody entered of a model counts more than what its server told.
        let told = || self.known().get(&place).filter(|spec| spec.kind == kind).cloned();
        let entered = credentials.contains_key("context_size");
        (!entered)
            .then(told)
            .flatten()
            .unwrap_or_else(|| sheet::describe(&self.spec, Dialect::Ollama, model, kind, credentials))
    }

    async fn validate(&self, call: Call<'_>, model: Option<(&str, ModelKind)>) -> Result<(), ModelError> {
        match model {
            Some((model, kind)) => trial::ask(self, call, model, kind).await,
            None => self.tags(Call { limits: trial::short(call.limits), ..call }).await.map(|_| ()),
        }
    }

    fn lists_own_models(&self, _credentials: &Credentials) -> bool {
        true
    }

    async fn remote_models(&self, call: Call<'_>) -> Result<Vec<ModelSpec>, ModelError> {
        let call = Call { limits: trial::short(call.limits), ..call };
        let names = self.tags(call).await?;
        let mut shown = Vec::new();
        for name in names.iter().take(MAX_KNOWN) {
            shown.push(self.show(call, name).await);
        }
        let base = Self::base(call.credentials).to_owned();
        let mut models = Vec::with_capacity(names.len());
        let mut shown = shown.into_iter();
        for name in names {
            let told = shown.next().flatten();
            if let Some(spec) = &told {
                let mut known = self.known();
                if known.len() >= 16 * MAX_KNOWN {
                    known.clear();
                }
                known.insert((base.clone(), name.clone()), spec.clone());
            }
            let kind = if name.contains("embed") { ModelKind::TextEmbedding } else { ModelKind::Llm };
            models.push(told.unwrap_or_else(|| self.describe(&name, kind, call.credentials)));
        }
        models.sort_by(|a, b| a.model.cmp(&b.model));
        Ok(models)
    }
}
