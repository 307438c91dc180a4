//! Google's `generateContent`: the Gemini API with a key, and Vertex AI with a service account.

mod reader;
mod token;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use ox_net::Request;
use ox_types::Json;
use serde_json::json;
use tokio::time::Instant;

use self::reader::Reader;
use super::anthropic;
use crate::{
    Call, ChatModel, ChatRequest, ChatStream, Credentials, EmbeddingInput, EmbeddingModel, EmbeddingRequest,
    EmbeddingResult, ErrorClass, MediaSource, ModelError, ModelKind, ModelSpec, Provider, ProviderSpec, Usage,
    answer::{Reader as AnyReader, seconds},
    catalog::Dialect,
    count, credential,
    exchange::Exchange,
    fault, form,
    frames::Framing,
    sheet::{self, Sheet},
    stops, trial,
};

const BASE: &str = "https://generativelanguage.googleapis.com";
const KEY: &str = "google_api_key";
const URL: &str = "google_base_url";
const PROJECT: &str = "vertex_project_id";
const LOCATION: &str = "vertex_location";
const CLAUDE_LOCATION: &str = "vertex_anthropic_location";
const ACCOUNT: &str = "vertex_service_account_key";
const ENDPOINT: &str = "vertex_api_endpoint";
/// The models at Vertex that embed a text or a picture, one at a time, in a form of their own.
const SEEING: &str = "multimodalembedding";
/// The version of the Messages API at Vertex.
const CLAUDE_VERSION: &str = "vertex-2023-10-16";

/// Which of the two doors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    Gemini,
    Vertex,
}

/// The vendors of this protocol.
pub fn providers() -> Vec<Arc<dyn Provider>> {
    let kinds = &[ModelKind::Llm, ModelKind::TextEmbedding];
    let gemini = Sheet {
        id: "langgenius/gemini/google",
        aliases: &["gemini", "langgenius/gemini/gemini", "langgenius/google/google"],
        label: "Gemini",
        description: ("Gemini models of Google.", "谷歌的 Gemini 模型。"),
        help: "https://aistudio.google.com/apikey",
        color: "#E8F0FE",
        kinds,
        fields: vec![form::key(KEY).required(), form::text(URL, "API base URL", "API 地址").hint(BASE, BASE)],
        table: Some(include_str!("../../data/google.json")),
        dialect: Dialect::Gemini,
        untested: true,
    };
    let vertex = Sheet {
        id: "langgenius/vertex_ai/vertex_ai",
        aliases: &["vertex"],
        label: "Vertex AI",
        description: ("Gemini and Claude models on Google Cloud.", "Google Cloud 上的 Gemini 与 Claude 模型。"),
        help: "https://console.cloud.google.com/iam-admin/serviceaccounts",
        color: "#E8F0FE",
        kinds,
        fields: vec![
            form::text(PROJECT, "Project ID", "项目 ID").required(),
            form::text(LOCATION, "Location", "区域").required().hint("global, us-central1, …", "global、us-central1…"),
            crate::FormField {
                kind: crate::FieldType::SecretInput,
                ..form::text(ACCOUNT, "Service account key (JSON or base64)", "服务账号密钥（JSON 或 base64）")
            }
            .required(),
            form::text(CLAUDE_LOCATION, "Location of Claude models", "Claude 模型的区域"),
            form::text(ENDPOINT, "API endpoint", "API 端点")
                .hint("Only for a private endpoint: https://…", "仅用于私有端点：https://…"),
        ],
        table: Some(include_str!("../../data/vertex_ai.json")),
        dialect: Dialect::Gemini,
        untested: true,
    };
    vec![
        Arc::new(Google { spec: gemini.spec(), door: Door::Gemini }),
        Arc::new(Google { spec: vertex.spec(), door: Door::Vertex }),
    ]
}

struct Google {
    spec: ProviderSpec,
    door: Door,
}

/// Where a model is asked.
struct Address {
    /// Up to the model's name, with a slash.
    models: String,
    /// The vendor's own origin.
    own: String,
}

impl Google {
    fn address(&self, credentials: &Credentials, publisher: &str) -> Result<Address, ModelError> {
        if self.door == Door::Gemini {
            let base = credential(credentials, URL).unwrap_or(BASE).trim_end_matches('/');
            let base = base.strip_suffix("/models").unwrap_or(base);
            let versioned = base.ends_with("/v1beta") || base.ends_with("/v1");
            let version = if versioned { "" } else { "/v1beta" };
            return Ok(Address { models: format!("{base}{version}/models/"), own: BASE.to_owned() });
        }
        let needed = |name: &str| {
            let text = format!("the credentials have no {name}");
            credential(credentials, name).ok_or_else(|| ModelError::new(ErrorClass::Auth, &self.spec.id, text))
        };
        let project = needed(PROJECT)?;
        let location = match credential(credentials, CLAUDE_LOCATION) {
            Some(location) if publisher == "anthropic" => location,
            _ => needed(LOCATION)?,
        };
        let is_name =
            |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b':'));
        if !is_name(location) || !is_name(project) {
            let text = format!("{PROJECT} or {LOCATION} is not a name");
            return Err(ModelError::new(ErrorClass::BadRequest, &self.spec.id, text));
        }
        let own = match location {
            "global" => "https://aiplatform.googleapis.com".to_owned(),
            "us" | "eu" => format!("https://aiplatform.{location}.rep.googleapis.com"),
            _ => format!("https://{location}-aiplatform.googleapis.com"),
        };
        let base = credential(credentials, ENDPOINT).unwrap_or(&own).trim_end_matches('/');
        let models = format!("{base}/v1/projects/{project}/locations/{location}/publishers/{publisher}/models/");
        Ok(Address { models, own })
    }

    /// An exchange with its key or token.
    async fn exchange<'a>(&'a self, call: &Call<'a>, own: &str) -> Result<(Exchange<'a>, String), ModelError> {
        let field = if self.door == Door::Gemini { KEY } else { ACCOUNT };
        let secret = credential(call.credentials, field).ok_or_else(|| {
            ModelError::new(ErrorClass::Auth, &self.spec.id, format!("the credentials have no {field}"))
        })?;
        let mut exchange = Exchange {
            call: *call,
            provider: &self.spec.id,
            own: Some(own.to_owned()),
            secrets: vec![secret.to_owned()],
        };
        if self.door == Door::Gemini {
            return Ok((exchange, secret.to_owned()));
        }
        let token = token::of(&exchange, secret).await?;
        exchange.secrets.push(token.clone());
        Ok((exchange, token))
    }

    fn signed(&self, exchange: &Exchange<'_>, request: Request, secret: &str) -> Result<Request, ModelError> {
        match self.door {
            Door::Gemini => exchange.header(request, "x-goog-api-key", secret),
            Door::Vertex => exchange.header(request, "authorization", &format!("Bearer {secret}")),
        }
    }

    /// A model of another publisher at Vertex, in that publisher's words.
    async fn chat_claude(&self, call: Call<'_>, request: ChatRequest) -> Result<ChatStream, ModelError> {
        let started = Instant::now();
        let address = self.address(call.credentials, "anthropic")?;
        let (exchange, secret) = self.exchange(&call, &address.own).await?;
        let asked =
            anthropic::body(&request, call.spec).map_err(|text| exchange.error(ErrorClass::Unsupported, text))?;
        let mut body = asked.body;
        body.insert("anthropic_version".into(), CLAUDE_VERSION.into());
        body.insert("stream".into(), request.stream.into());
        // What the door does not know of.
        body.shift_remove("metadata");
        let verb = if request.stream { "streamRawPredict" } else { "rawPredict" };
        let post = exchange.post(format!("{}{}:{verb}", address.models, escaped(&request.model)), &Json::Object(body));
        let post = self.signed(&exchange, post, &secret)?;
        let mut accounting = exchange.accounting(&request.model, started);
        accounting.stops = stops::wanted(&request.stop, &request.parameters);
        (accounting.messages, accounting.tools) = (request.messages, request.tools);
        let reader: Box<dyn AnyReader> = Box::new(anthropic::Reader::new(&self.spec.id, asked.by_tool));
        exchange.ask(post, request.stream.then_some(Framing::Events), accounting, reader).await
    }
}

fn is_claude(model: &str) -> bool {
    model.starts_with("claude")
}

/// A name as part of a path.
fn escaped(model: &str) -> String {
    let model = model.strip_prefix("models/").unwrap_or(model);
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'@' | b'/');
    model.bytes().map(|byte| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[async_trait]
impl ChatModel for Google {
    async fn chat(&self, call: Call<'_>, request: ChatRequest) -> Result<ChatStream, ModelError> {
        if self.door == Door::Vertex && is_claude(&request.model) {
            return self.chat_claude(call, request).await;
        }
        let started = Instant::now();
        let address = self.address(call.credentials, "google")?;
        let (exchange, secret) = self.exchange(&call, &address.own).await?;
        let body = wire::body(&request, call.spec);
        let verb = if request.stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
        let post = exchange.post(format!("{}{}:{verb}", address.models, escaped(&request.model)), &body);
        let post = self.signed(&exchange, post, &secret)?;
        let mut accounting = exchange.accounting(&request.model, started);
        accounting.stops = stops::wanted(&request.stop, &request.parameters);
        (accounting.messages, accounting.tools) = (request.messages, request.tools);
        let reader: Box<dyn AnyReader> = Box::new(Reader::new(&self.spec.id));
        exchange.ask(post, request.stream.then_some(Framing::Events), accounting, reader).await
    }
}

#[async_trait]
impl EmbeddingModel for Google {
    async fn embed(&self, call: Call<'_>, request: EmbeddingRequest) -> Result<EmbeddingResult, ModelError> {
        let started = Instant::now();
        let address = self.address(call.credentials, "google")?;
        let (exchange, secret) = self.exchange(&call, &address.own).await?;
        let name = escaped(&request.model);
        let task = match request.input {
            EmbeddingInput::Document => "RETRIEVAL_DOCUMENT",
            EmbeddingInput::Query => "RETRIEVAL_QUERY",
        };
        let batch = call.spec.and_then(|spec| spec.model_properties.get("max_chunks")).and_then(Json::as_u64);
        let batch = usize::try_from(batch.unwrap_or(1)).unwrap_or(1).clamp(1, 250);
        let (mut embeddings, mut tokens) = (Vec::with_capacity(request.texts.len() + request.pictures.len()), 0);
        let sees = self.door == Door::Vertex && request.model.starts_with(SEEING);
        let groups = request.texts.chunks(if sees { 1 } else { batch }).map(|texts| {
            let (verb, body) = match self.door {
                Door::Gemini => {
                    let one = |text: &String| json!({"model": format!("models/{name}"), "content": {"parts": [{"text": text}]}, "taskType": task});
                    ("batchEmbedContents", json!({"requests": texts.iter().map(one).collect::<Vec<_>>()}))
                }
                Door::Vertex if sees => {
                    let one = |text: &String| json!({"text": text});
                    ("predict", json!({"instances": texts.iter().map(one).collect::<Vec<_>>()}))
                }
                Door::Vertex => {
                    let one = |text: &String| json!({"content": text, "task_type": task});
                    ("predict", json!({"instances": texts.iter().map(one).collect::<Vec<_>>()}))
                }
            };
            Ok((verb, body, texts.len(), texts.iter().map(|text| count::estimate(text)).sum::<u64>()))
        });
        let pictures = request.pictures.iter().map(|picture| match &picture.source {
            MediaSource::Base64(data) => {
                Ok(("predict", json!({"instances": [{"image": {"bytesBase64Encoded": data}}]}), 1, 0))
            }
            MediaSource::Url(_) => {
                let text = "a picture must be sent with the request, not as an address";
                Err(exchange.error(ErrorClass::Unsupported, text))
            }
        });
        for group in groups.chain(pictures) {
            let (verb, body, expected, estimate) = group?;
            let post = exchange.post(format!("{}{name}:{verb}", address.models), &body);
            let json = exchange.json(self.signed(&exchange, post, &secret)?).await?;
            let list = json.get("embeddings").or_else(|| json.get("predictions")).and_then(Json::as_array);
            let vectors = list.and_then(|list| list.iter().map(vector).collect::<Option<Vec<_>>>());
            let mut vectors = vectors.filter(|vectors| vectors.len() == expected).ok_or_else(|| {
                fault::garbage(&self.spec.id, "there is not one vector for each text", &json.to_string())
            })?;
            let told: Option<u64> = list.and_then(|list| {
                let count = |item: &Json| item.pointer("/embeddings/statistics/token_count")?.as_f64();
                let sum: Option<f64> = list.iter().map(count).sum();
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of tokens")]
                sum.map(|sum| sum.max(0.0) as u64)
            });
            tokens += told.unwrap_or(estimate);
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

fn vector(item: &Json) -> Option<Vec<f32>> {
    let places = ["/values", "/embeddings/values", "/textEmbedding", "/imageEmbedding"];
    let values = places.into_iter().find_map(|place| item.pointer(place))?.as_array()?;
    #[expect(clippy::cast_possible_truncation, reason = "vectors are kept in single precision")]
    let vector: Option<Vec<f32>> = values.iter().map(|number| number.as_f64().map(|number| number as f32)).collect();
    vector.filter(|vector| !vector.is_empty())
}

#[async_trait]
impl Provider for Google {
    fn spec(&self) -> &ProviderSpec {
        &self.spec
    }

    fn chat_model(&self) -> Option<&dyn ChatModel> {
        Some(self)
    }

    fn embedding_model(&self) -> Option<&dyn EmbeddingModel> {
        Some(self)
    }

    fn describe(&self, model: &str, kind: ModelKind, credentials: &Credentials) -> ModelSpec {
        let dialect = if is_claude(model) { Dialect::Anthropic } else { Dialect::Gemini };
        let mut described = sheet::describe(&self.spec, dialect, model, kind, credentials);
        if is_claude(model)
            && let Some(rules) = anthropic::rules(model)
        {
            // The table is read in the words of its first publisher.
            described.parameter_rules = rules;
        }
        described
    }

    async fn validate(&self, call: Call<'_>, model: Option<(&str, ModelKind)>) -> Result<(), ModelError> {
        if let Some((model, kind)) = model {
            return trial::ask(self, call, model, kind).await;
        }
        let call = Call { limits: trial::short(call.limits), ..call };
        let address = self.address(call.credentials, "google")?;
        let (exchange, secret) = self.exchange(&call, &address.own).await?;
        if self.door == Door::Vertex {
            // The token was given for the key; what it may do is told by each model.
            return Ok(());
        }
        let url = format!("{}?pageSize=1", address.models.trim_end_matches('/'));
        let request = self.signed(&exchange, exchange.get(url), &secret)?;
        exchange.json(request).await.map(|_| ())
    }

    fn lists_own_models(&self, credentials: &Credentials) -> bool {
        self.door == Door::Gemini && credential(credentials, URL).is_some_and(|url| !url.starts_with(BASE))
    }

    async fn remote_models(&self, call: Call<'_>) -> Result<Vec<ModelSpec>, ModelError> {
        if self.door == Door::Vertex {
            return Err(self.unsupported("listing models"));
        }
        let call = Call { limits: trial::short(call.limits), ..call };
        let address = self.address(call.credentials, "google")?;
        let (exchange, secret) = self.exchange(&call, &address.own).await?;
        let url = format!("{}?pageSize=1000", address.models.trim_end_matches('/'));
        let json = exchange.json(self.signed(&exchange, exchange.get(url), &secret)?).await?;
        let list = json.get("models").or_else(|| json.get("data")).and_then(Json::as_array);
        let list =
            list.ok_or_else(|| fault::garbage(&self.spec.id, "there is no list of models", &json.to_string()))?;
        let name = |item: &Json| {
            let name = item.get("name").or_else(|| item.get("id")).and_then(Json::as_str)?;
            Some(name.strip_prefix("models/").unwrap_or(name).to_owned())
        };
        let kind = |name: &str| if name.contains("embedding") { ModelKind::TextEmbedding } else { ModelKind::Llm };
        let names = list.iter().filter_map(name).take(5000);
        Ok(names.map(|name| self.describe(&name, kind(&name), call.credentials)).collect())
    }
}
