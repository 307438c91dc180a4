//! Cohere's second API: chat, embeddings, ranking.

mod reader;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use ox_net::Request;
use ox_types::Json;
use serde_json::json;
use tokio::time::Instant;

use self::reader::Reader;
use crate::{
    Call, ChatModel, ChatRequest, ChatStream, Credentials, EmbeddingInput, EmbeddingModel, EmbeddingRequest,
    EmbeddingResult, ErrorClass, Media, ModelError, ModelKind, ModelSpec, Provider, ProviderSpec, Ranked, RerankModel,
    RerankRequest, Usage,
    answer::seconds,
    catalog::Dialect,
    count, credential,
    exchange::Exchange,
    fault, form,
    frames::Framing,
    ranking,
    sheet::{self, Sheet},
    stops, trial,
};

const BASE: &str = "https://api.cohere.com";
const KEY: &str = "api_key";
const URL: &str = "base_url";
/// The most the vendor takes in one call.
const MAX_TEXTS: usize = 96;
/// Pictures of one call: each is up to some megabytes.
const MAX_PICTURES: usize = 8;

/// The vendor of this protocol.
pub fn providers() -> Vec<Arc<dyn Provider>> {
    let sheet = Sheet {
        id: "langgenius/cohere/cohere",
        aliases: &["cohere_chat"],
        label: "Cohere",
        description: ("Command, Embed and Rerank models of Cohere.", "Cohere 的 Command、Embed 与 Rerank 模型。"),
        help: "https://dashboard.cohere.com/api-keys",
        color: "#ECE9E3",
        kinds: &[ModelKind::Llm, ModelKind::TextEmbedding, ModelKind::Rerank],
        fields: vec![form::key(KEY).required(), form::text(URL, "API base URL", "API 地址").hint(BASE, BASE)],
        table: Some(include_str!("../../data/cohere.json")),
        dialect: Dialect::Cohere,
        untested: true,
    };
    vec![Arc::new(Cohere { spec: sheet.spec() })]
}

struct Cohere {
    spec: ProviderSpec,
}

impl Cohere {
    fn exchange<'a>(&'a self, call: &Call<'a>) -> Exchange<'a> {
        let secrets = credential(call.credentials, KEY).map(str::to_owned).into_iter().collect();
        Exchange { call: *call, provider: &self.spec.id, own: Some(BASE.to_owned()), secrets }
    }

    fn url(credentials: &Credentials, path: &str) -> String {
        let base = credential(credentials, URL).unwrap_or(BASE).trim_end_matches('/');
        let base = ["/v1", "/v2"].iter().find_map(|end| base.strip_suffix(end)).unwrap_or(base);
        format!("{base}{path}")
    }

    fn signed(exchange: &Exchange<'_>, request: Request) -> Result<Request, ModelError> {
        let Some(key) = credential(exchange.call.credentials, KEY) else {
            return Err(exchange.error(ErrorClass::Auth, format!("the credentials have no {KEY}")));
        };
        let request = exchange.header(request, "authorization", &format!("Bearer {key}"))?;
        exchange.header(request, "accept", "application/json, text/event-stream")
    }
}

#[async_trait]
impl ChatModel for Cohere {
    async fn chat(&self, call: Call<'_>, request: ChatRequest) -> Result<ChatStream, ModelError> {
        let started = Instant::now();
        let exchange = self.exchange(&call);
        let body = wire::body(&request).map_err(|text| exchange.error(ErrorClass::Unsupported, text))?;
        let post = Self::signed(&exchange, exchange.post(Self::url(call.credentials, "/v2/chat"), &body))?;
        let mut accounting = exchange.accounting(&request.model, started);
        accounting.stops = stops::wanted(&request.stop, &request.parameters);
        (accounting.messages, accounting.tools) = (request.messages, request.tools);
        let reader = Box::new(Reader::new(&self.spec.id));
        exchange.ask(post, request.stream.then_some(Framing::Events), accounting, reader).await
    }
}

#[async_trait]
impl EmbeddingModel for Cohere {
    async fn embed(&self, call: Call<'_>, request: EmbeddingRequest) -> Result<EmbeddingResult, ModelError> {
        let started = Instant::now();
        let exchange = self.exchange(&call);
        let input = match request.input {
            EmbeddingInput::Document => "search_document",
            EmbeddingInput::Query => "search_query",
        };
        let (mut embeddings, mut tokens) = (Vec::with_capacity(request.texts.len() + request.pictures.len()), 0);
        for texts in request.texts.chunks(MAX_TEXTS) {
            let body = json!({"model": request.model, "texts": texts, "input_type": input,
                              "embedding_types": ["float"], "truncate": "END"});
            let (mut vectors, told) = self.vectors(&exchange, &body, texts.len()).await?;
            tokens += told.unwrap_or_else(|| texts.iter().map(|text| count::estimate(text)).sum());
            embeddings.append(&mut vectors);
        }
        // The third generation takes one picture at a time, and has a word of its own for why.
        let is_third = request.model.contains("-v3");
        for pictures in request.pictures.chunks(if is_third { 1 } else { MAX_PICTURES }) {
            let mut body = json!({"model": request.model, "embedding_types": ["float"]});
            if is_third {
                body["input_type"] = "image".into();
                body["images"] = pictures.iter().map(Media::as_url).collect();
            } else {
                let part = |url: String| json!({"content": [{"type": "image_url", "image_url": {"url": url}}]});
                body["input_type"] = input.into();
                body["inputs"] = pictures.iter().map(Media::as_url).map(part).collect();
            }
            let (mut vectors, told) = self.vectors(&exchange, &body, pictures.len()).await?;
            tokens += told.unwrap_or_default();
            embeddings.append(&mut vectors);
        }
        let mut usage = Usage::priced(tokens, 0, call.spec.and_then(|spec| spec.pricing.as_ref()));
        usage.latency = seconds(started.elapsed());
        Ok(EmbeddingResult { embeddings, usage })
    }

    fn takes_pictures(&self) -> bool {
        true
    }
}

impl Cohere {
    /// The vectors of one request, and its tokens where they are told.
    async fn vectors(
        &self,
        exchange: &Exchange<'_>,
        body: &Json,
        expected: usize,
    ) -> Result<(Vec<Vec<f32>>, Option<u64>), ModelError> {
        let post = Self::signed(exchange, exchange.post(Self::url(exchange.call.credentials, "/v2/embed"), body))?;
        let json = exchange.json(post).await?;
        let vectors: Option<Vec<Vec<f32>>> =
            json.pointer("/embeddings/float").cloned().and_then(|vectors| serde_json::from_value(vectors).ok());
        let vectors = vectors
            .filter(|vectors| vectors.len() == expected)
            .ok_or_else(|| fault::garbage(&self.spec.id, "there is not one vector for each text", &json.to_string()))?;
        let billed = |name: &str| json.pointer("/meta/billed_units")?.get(name)?.as_u64();
        let told = [billed("input_tokens"), billed("image_tokens")].into_iter().flatten().reduce(u64::saturating_add);
        Ok((vectors, told))
    }
}

#[async_trait]
impl RerankModel for Cohere {
    async fn rerank(&self, call: Call<'_>, request: RerankRequest) -> Result<Vec<Ranked>, ModelError> {
        if request.documents.is_empty() {
            return Ok(Vec::new());
        }
        let exchange = self.exchange(&call);
        let body = json!({"model": request.model, "query": request.query, "documents": request.documents,
                          "top_n": ranking::wanted(&request)});
        let post = Self::signed(&exchange, exchange.post(Self::url(call.credentials, "/v2/rerank"), &body))?;
        let json = exchange.json(post).await?;
        call.tell(ranking::used(&json));
        ranking::read(&self.spec.id, json.get("results").and_then(Json::as_array), &request, &json)
    }
}

#[async_trait]
impl Provider for Cohere {
    fn spec(&self) -> &ProviderSpec {
        &self.spec
    }

    fn chat_model(&self) -> Option<&dyn ChatModel> {
        Some(self)
    }

    fn embedding_model(&self) -> Option<&dyn EmbeddingModel> {
        Some(self)
    }

    fn rerank_model(&self) -> Option<&dyn RerankModel> {
        Some(self)
    }

    fn describe(&self, model: &str, kind: ModelKind, credentials: &Credentials) -> ModelSpec {
        sheet::describe(&self.spec, Dialect::Cohere, model, kind, credentials)
    }

    async fn validate(&self, call: Call<'_>, model: Option<(&str, ModelKind)>) -> Result<(), ModelError> {
        if let Some((model, kind)) = model {
            return trial::ask(self, call, model, kind).await;
        }
        let call = Call { limits: trial::short(call.limits), ..call };
        let exchange = self.exchange(&call);
        let request = exchange.get(Self::url(call.credentials, "/v1/models?page_size=1"));
        exchange.json(Self::signed(&exchange, request)?).await.map(|_| ())
    }
}
