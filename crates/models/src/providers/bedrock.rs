//! AWS Bedrock: the Converse API, vectors and rankings by `InvokeModel`, signed by ourselves.

mod reader;
mod vectors;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use ox_net::{Class, Method, Request};
use ox_types::Json;
use serde_json::json;
use tokio::time::Instant;

use self::reader::Reader;
use crate::{
    Call, ChatModel, ChatRequest, ChatStream, Credentials, EmbeddingModel, EmbeddingRequest, EmbeddingResult,
    ErrorClass, FieldType, FormField, ModelError, ModelKind, ModelSpec, Provider, ProviderSpec, Ranked, RerankModel,
    RerankRequest, Usage,
    answer::seconds,
    aws,
    catalog::Dialect,
    credential,
    exchange::Exchange,
    fault, form,
    frames::Framing,
    ranking,
    sheet::{self, Sheet},
    stops, trial,
};

const ACCESS: &str = "aws_access_key_id";
const SECRET: &str = "aws_secret_access_key";
const SESSION: &str = "aws_session_token";
const BEARER: &str = "aws_bearer_token";
const REGION: &str = "aws_region";
const ENDPOINT: &str = "bedrock_endpoint_url";
const TRY_MODEL: &str = "model_for_validation";
const PROFILE: &str = "inference_profile_id";

/// The vendor of this protocol.
pub fn providers() -> Vec<Arc<dyn Provider>> {
    let secret =
        |name: &str, en: &str, zh: &str| FormField { kind: FieldType::SecretInput, ..form::text(name, en, zh) };
    let sheet = Sheet {
        id: "langgenius/bedrock/bedrock",
        aliases: &["aws_bedrock", "langgenius/aws_bedrock/aws_bedrock"],
        label: "Amazon Bedrock",
        description: ("Models of many vendors on AWS.", "AWS 上众多厂商的模型。"),
        help: "https://console.aws.amazon.com/bedrock/",
        color: "#FCEFDC",
        kinds: &[ModelKind::Llm, ModelKind::TextEmbedding, ModelKind::Rerank],
        fields: vec![
            secret(ACCESS, "Access key", "Access Key"),
            secret(SECRET, "Secret access key", "Secret Access Key"),
            secret(SESSION, "Session token", "会话令牌"),
            secret(BEARER, "Bedrock API key (instead of the keys above)", "Bedrock API 密钥（代替上面的密钥）"),
            form::text(REGION, "AWS region", "AWS 区域").required().or("us-east-1").hint("us-east-1", "us-east-1"),
            form::text(ENDPOINT, "Endpoint URL", "端点 URL").hint("https://…", "https://…"),
            form::text(TRY_MODEL, "Model to try the keys with", "用于验证密钥的模型")
                .hint("amazon.nova-lite-v1:0", "amazon.nova-lite-v1:0"),
            form::text(PROFILE, "Inference profile ID or ARN", "推理配置文件 ID 或 ARN"),
        ],
        table: Some(include_str!("../../data/bedrock.json")),
        dialect: Dialect::Bedrock,
        untested: true,
    };
    let mut spec = sheet.spec();
    // A profile belongs to one model.
    spec.provider_form.retain(|field| field.variable != PROFILE);
    vec![Arc::new(Bedrock { spec })]
}

struct Bedrock {
    spec: ProviderSpec,
}

impl Bedrock {
    fn exchange<'a>(&'a self, call: &Call<'a>) -> Result<Exchange<'a>, ModelError> {
        let region = region(call.credentials);
        if region.is_empty()
            || !region.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        {
            return Err(ModelError::new(ErrorClass::BadRequest, &self.spec.id, format!("{REGION} is not a region")));
        }
        let secrets = [SECRET, SESSION, BEARER, ACCESS].iter().filter_map(|name| credential(call.credentials, name));
        let secrets = secrets.map(str::to_owned).collect();
        Ok(Exchange { call: *call, provider: &self.spec.id, own: Some(host("bedrock-runtime", region)), secrets })
    }

    fn signed(exchange: &Exchange<'_>, mut request: Request) -> Result<Request, ModelError> {
        let credentials = exchange.call.credentials;
        request.follow_redirects = false;
        if let Some(token) = credential(credentials, BEARER) {
            return exchange.header(request, "authorization", &format!("Bearer {token}"));
        }
        let needed = |name: &str| {
            let text = format!("the credentials have no {name}");
            credential(credentials, name).ok_or_else(|| exchange.error(ErrorClass::Auth, text))
        };
        let keys =
            aws::Keys { access: needed(ACCESS)?, secret: needed(SECRET)?, session: credential(credentials, SESSION) };
        let headers = aws::headers(&request, &keys, (aws::Service::Bedrock, region(credentials)), chrono::Utc::now());
        let headers = headers.ok_or_else(|| exchange.error(ErrorClass::BadRequest, "the endpoint is not a URL"))?;
        for (name, value) in headers {
            request = match name {
                "authorization" => request.secret_header(name, &value),
                _ => request.header(name, &value),
            }
            .map_err(|error| fault::from_net(exchange.provider, &error))?;
        }
        Ok(request)
    }

    fn url(credentials: &Credentials, model: &str, verb: &str) -> String {
        let own = host("bedrock-runtime", region(credentials));
        let base = credential(credentials, ENDPOINT).unwrap_or(&own).trim_end_matches('/');
        let model = credential(credentials, PROFILE).unwrap_or(model);
        format!("{base}/model/{}/{verb}", aws::escaped(model))
    }

    async fn invoke(&self, exchange: &Exchange<'_>, model: &str, body: &Json) -> Result<Json, ModelError> {
        let post = exchange.post(Self::url(exchange.call.credentials, model, "invoke"), body);
        let post = exchange.header(post, "accept", "application/json")?;
        exchange.json(Self::signed(exchange, post)?).await
    }
}

fn read<T: serde::de::DeserializeOwned>(json: Option<&Json>) -> Option<T> {
    serde_json::from_value(json?.clone()).ok()
}

fn region(credentials: &Credentials) -> &str {
    credential(credentials, REGION).unwrap_or("us-east-1")
}

fn host(service: &str, region: &str) -> String {
    let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    format!("https://{service}.{region}.{domain}")
}

#[async_trait]
impl ChatModel for Bedrock {
    async fn chat(&self, call: Call<'_>, request: ChatRequest) -> Result<ChatStream, ModelError> {
        let started = Instant::now();
        let exchange = self.exchange(&call)?;
        let asked = wire::body(&request, call.spec).map_err(|text| exchange.error(ErrorClass::Unsupported, text))?;
        let verb = if request.stream { "converse-stream" } else { "converse" };
        let post = exchange.post(Self::url(call.credentials, &request.model, verb), &asked.body);
        let accept = if request.stream { "application/vnd.amazon.eventstream" } else { "application/json" };
        let post = Self::signed(&exchange, exchange.header(post, "accept", accept)?)?;
        let mut accounting = exchange.accounting(&request.model, started);
        accounting.stops = stops::wanted(&request.stop, &request.parameters);
        (accounting.messages, accounting.tools) = (request.messages, request.tools);
        let reader = Box::new(Reader::new(&self.spec.id, asked.by_tool));
        exchange.ask(post, request.stream.then_some(Framing::Amazon), accounting, reader).await
    }
}

#[async_trait]
impl EmbeddingModel for Bedrock {
    async fn embed(&self, call: Call<'_>, request: EmbeddingRequest) -> Result<EmbeddingResult, ModelError> {
        let started = Instant::now();
        let exchange = self.exchange(&call)?;
        let batch = call.spec.and_then(|spec| spec.model_properties.get("max_chunks")).and_then(Json::as_u64);
        let batch = batch.and_then(|batch| usize::try_from(batch).ok()).unwrap_or(1).clamp(1, 96);
        let (embeddings, tokens) = self.vectors(&exchange, &request, batch).await?;
        let mut usage = Usage::priced(tokens, 0, call.spec.and_then(|spec| spec.pricing.as_ref()));
        usage.latency = seconds(started.elapsed());
        Ok(EmbeddingResult { embeddings, usage })
    }

    fn takes_pictures(&self) -> bool {
        true
    }
}

#[async_trait]
impl RerankModel for Bedrock {
    async fn rerank(&self, call: Call<'_>, request: RerankRequest) -> Result<Vec<Ranked>, ModelError> {
        if request.documents.is_empty() {
            return Ok(Vec::new());
        }
        let exchange = self.exchange(&call)?;
        let mut body =
            json!({"query": request.query, "documents": request.documents, "top_n": ranking::wanted(&request)});
        if request.model.contains("cohere.") {
            body["api_version"] = 2.into();
        }
        let json = self.invoke(&exchange, &request.model, &body).await?;
        ranking::read(&self.spec.id, json.get("results").and_then(Json::as_array), &request, &json)
    }
}

#[async_trait]
impl Provider for Bedrock {
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
        sheet::describe(&self.spec, Dialect::Bedrock, model, kind, credentials)
    }

    async fn validate(&self, call: Call<'_>, model: Option<(&str, ModelKind)>) -> Result<(), ModelError> {
        if let Some((model, kind)) = model {
            return trial::ask(self, call, model, kind).await;
        }
        if let Some(model) = credential(call.credentials, TRY_MODEL) {
            return trial::ask(self, call, model, ModelKind::Llm).await;
        }
        let call = Call { limits: trial::short(call.limits), ..call };
        let own = host("bedrock", region(call.credentials));
        let exchange = Exchange { own: Some(own.clone()), ..self.exchange(&call)? };
        let base = credential(call.credentials, ENDPOINT).unwrap_or(&own).trim_end_matches('/');
        let request = Request::new(Class::Model, Method::GET, format!("{base}/foundation-models"));
        exchange.json(Self::signed(&exchange, request)?).await.map(|_| ())
    }
}
