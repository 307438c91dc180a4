//! Text Embeddings Inference of Hugging Face: vectors and rankings from a server of one's own.

use std::sync::Arc;

use async_trait::async_trait;
use ox_net::Request;
use ox_types::Json;
use serde_json::json;
use tokio::time::Instant;

use crate::{
    Call, Credentials, EmbeddingModel, EmbeddingRequest, EmbeddingResult, ErrorClass, ModelError, ModelKind, ModelSpec,
    Provider, ProviderSpec, Ranked, RerankModel, RerankRequest, Usage,
    answer::seconds,
    catalog::Dialect,
    count, credential,
    exchange::Exchange,
    fault, form, ranking,
    sheet::{self, Sheet},
    trial,
};

const URL: &str = "server_url";
const KEY: &str = "api_key";
/// What a server takes in one call, unless it is told otherwise.
const USUAL_BATCH: usize = 32;

/// The one vendor of this protocol.
pub fn providers() -> Vec<Arc<dyn Provider>> {
    let sheet = Sheet {
        id: "langgenius/huggingface_tei/huggingface_tei",
        aliases: &["tei"],
        label: "Text Embedding Inference",
        description: (
            "Embedding and rerank models on your own Text Embeddings Inference server.",
            "在自建的 Text Embeddings Inference 服务上运行的嵌入与重排模型。",
        ),
        help: "https://huggingface.co/docs/text-embeddings-inference",
        color: "#FFF8DC",
        kinds: &[ModelKind::TextEmbedding, ModelKind::Rerank],
        fields: vec![
            form::text(URL, "Server URL", "服务器 URL")
                .required()
                .hint("http://192.168.1.100:8080", "http://192.168.1.100:8080"),
            form::key(KEY),
        ],
        table: None,
        dialect: Dialect::Usual,
        untested: true,
    };
    vec![Arc::new(Tei { spec: sheet.spec() })]
}

struct Tei {
    spec: ProviderSpec,
}

impl Tei {
    fn exchange<'a>(&'a self, call: &Call<'a>) -> Exchange<'a> {
        let secrets = credential(call.credentials, KEY).map(str::to_owned).into_iter().collect();
        Exchange { call: *call, provider: &self.spec.id, own: None, secrets }
    }

    fn url(exchange: &Exchange<'_>, path: &str) -> Result<String, ModelError> {
        let base = credential(exchange.call.credentials, URL);
        let base = base
            .ok_or_else(|| exchange.error(ErrorClass::BadRequest, format!("the credentials have no {URL}")))?
            .trim_end_matches('/');
        let base = ["/embed", "/rerank", "/v1"].iter().find_map(|end| base.strip_suffix(end)).unwrap_or(base);
        Ok(format!("{base}{path}"))
    }

    fn signed(exchange: &Exchange<'_>, request: Request) -> Result<Request, ModelError> {
        match credential(exchange.call.credentials, KEY) {
            Some(key) => exchange.header(request, "authorization", &format!("Bearer {key}")),
            None => Ok(request),
        }
    }

    async fn info(&self, call: Call<'_>) -> Result<Json, ModelError> {
        let call = Call { limits: trial::short(call.limits), ..call };
        let exchange = self.exchange(&call);
        let request = exchange.get(Self::url(&exchange, "/info")?);
        let json = exchange.json(Self::signed(&exchange, request)?).await?;
        match json.get("model_id") {
            Some(_) => Ok(json),
            None => Err(fault::garbage(&self.spec.id, "the server does not tell its model", &json.to_string())),
        }
    }
}

#[async_trait]
impl EmbeddingModel for Tei {
    async fn embed(&self, call: Call<'_>, request: EmbeddingRequest) -> Result<EmbeddingResult, ModelError> {
        let started = Instant::now();
        let exchange = self.exchange(&call);
        let batch = call.spec.and_then(|spec| spec.model_properties.get("max_chunks")).and_then(Json::as_u64);
        let batch = batch.and_then(|batch| usize::try_from(batch).ok()).unwrap_or(USUAL_BATCH).clamp(1, 1024);
        let mut embeddings = Vec::with_capacity(request.texts.len());
        for texts in request.texts.chunks(batch) {
            let body = json!({"inputs": texts, "truncate": true});
            let post = Self::signed(&exchange, exchange.post(Self::url(&exchange, "/embed")?, &body))?;
            let json = exchange.json(post).await?;
            let vectors: Option<Vec<Vec<f32>>> = serde_json::from_value(json.clone()).ok();
            let mut vectors = vectors.filter(|vectors| vectors.len() == texts.len()).ok_or_else(|| {
                fault::garbage(&self.spec.id, "there is not one vector for each text", &json.to_string())
            })?;
            embeddings.append(&mut vectors);
        }
        let tokens = request.texts.iter().map(|text| count::estimate(text)).sum();
        let mut usage = Usage::priced(tokens, 0, None);
        usage.latency = seconds(started.elapsed());
        Ok(EmbeddingResult { embeddings, usage })
    }
}

#[async_trait]
impl RerankModel for Tei {
    async fn rerank(&self, call: Call<'_>, request: RerankRequest) -> Result<Vec<Ranked>, ModelError> {
        if request.documents.is_empty() {
            return Ok(Vec::new());
        }
        let exchange = self.exchange(&call);
        let mut places: Vec<Json> = Vec::with_capacity(request.documents.len());
        // A server refuses more than its batch: scores of one query may be put together.
        for (round, texts) in request.documents.chunks(USUAL_BATCH).enumerate() {
            let body = json!({"query": request.query, "texts": texts, "truncate": true});
            let post = Self::signed(&exchange, exchange.post(Self::url(&exchange, "/rerank")?, &body))?;
            let json = exchange.json(post).await?;
            let list = json.as_array();
            let list =
                list.ok_or_else(|| fault::garbage(&self.spec.id, "the answer holds no ranking", &json.to_string()))?;
            let before = (round * USUAL_BATCH) as u64;
            for place in list {
                let mut place = place.clone();
                if let Some(index) = place.get("index").and_then(Json::as_u64) {
                    place["index"] = index.saturating_add(before).into();
                }
                places.push(place);
            }
        }
        ranking::read(&self.spec.id, Some(&places), &request, &Json::Null)
    }
}

#[async_trait]
impl Provider for Tei {
    fn spec(&self) -> &ProviderSpec {
        &self.spec
    }

    fn embedding_model(&self) -> Option<&dyn EmbeddingModel> {
        Some(self)
    }

    fn rerank_model(&self) -> Option<&dyn RerankModel> {
        Some(self)
    }

    fn describe(&self, model: &str, kind: ModelKind, credentials: &Credentials) -> ModelSpec {
        let mut spec = sheet::describe(&self.spec, Dialect::Usual, model, kind, credentials);
        if kind == ModelKind::TextEmbedding && !credentials.contains_key("max_chunks") {
            spec.model_properties.insert("max_chunks".into(), USUAL_BATCH.into());
        }
        spec
    }

    async fn validate(&self, call: Call<'_>, model: Option<(&str, ModelKind)>) -> Result<(), ModelError> {
        match model {
            Some((model, kind)) => trial::ask(self, call, model, kind).await,
            None => self.info(call).await.map(|_| ()),
        }
    }

    fn lists_own_models(&self, credentials: &Credentials) -> bool {
        credential(credentials, URL).is_some()
    }

    async fn remote_models(&self, call: Call<'_>) -> Result<Vec<ModelSpec>, ModelError> {
        let info = self.info(call).await?;
        let name = info.get("model_id").and_then(Json::as_str).unwrap_or("model");
        let kind = match info.get("model_type") {
            Some(Json::Object(kind)) if kind.contains_key("reranker") || kind.contains_key("classifier") => {
                ModelKind::Rerank
            }
            Some(Json::String(kind)) if kind == "reranker" => ModelKind::Rerank,
            _ => ModelKind::TextEmbedding,
        };
        let mut spec = self.describe(name, kind, call.credentials);
        for (theirs, ours) in [("max_input_length", "context_size"), ("max_client_batch_size", "max_chunks")] {
            if let Some(number) = info.get(theirs).and_then(Json::as_u64) {
                spec.model_properties.insert(ours.into(), number.into());
            }
        }
        Ok(vec![spec])
    }
}
