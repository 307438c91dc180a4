//! The Messages API of Anthropic, also at gateways that speak it.

mod reader;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use ox_net::Request;
use ox_types::Json;
use tokio::time::Instant;

pub use self::{
    reader::Reader,
    wire::{Asked, body},
};
use crate::{
    Call, ChatModel, ChatRequest, ChatStream, Credentials, ErrorClass, ModelError, ModelKind, ModelSpec, Provider,
    ProviderSpec,
    catalog::{self, Dialect},
    credential,
    exchange::Exchange,
    fault, form,
    frames::Framing,
    sheet::{self, Sheet},
    stops, trial,
};

const BASE: &str = "https://api.anthropic.com";
const KEY: &str = "anthropic_api_key";
const URL: &str = "anthropic_api_url";
const VERSION: &str = "2023-06-01";

/// The vendor of this protocol.
pub fn providers() -> Vec<Arc<dyn Provider>> {
    let sheet = Sheet {
        id: "langgenius/anthropic/anthropic",
        aliases: &["claude"],
        label: "Anthropic",
        description: (
            "Claude models of Anthropic, or any gateway that speaks its protocol.",
            "Anthropic 的 Claude 模型，或任何兼容其协议的网关。",
        ),
        help: "https://platform.claude.com/settings/keys",
        color: "#F0F0EB",
        kinds: &[ModelKind::Llm],
        fields: vec![form::key(KEY).required(), form::text(URL, "API URL", "API 地址").hint(BASE, BASE)],
        table: Some(include_str!("../../data/anthropic.json")),
        dialect: Dialect::Anthropic,
        untested: true,
    };
    vec![Arc::new(Anthropic { spec: sheet.spec() })]
}

struct Anthropic {
    spec: ProviderSpec,
}

impl Anthropic {
    fn exchange<'a>(&'a self, call: &Call<'a>) -> Exchange<'a> {
        let secrets = credential(call.credentials, KEY).map(str::to_owned).into_iter().collect();
        Exchange { call: *call, provider: &self.spec.id, own: Some(BASE.to_owned()), secrets }
    }

    fn url(credentials: &Credentials, path: &str) -> String {
        let base = credential(credentials, URL).unwrap_or(BASE).trim_end_matches('/');
        // People paste the address of the call itself.
        let base = ["/v1/messages", "/v1"].iter().find_map(|end| base.strip_suffix(end)).unwrap_or(base);
        format!("{base}{path}")
    }

    fn signed(exchange: &Exchange<'_>, request: Request) -> Result<Request, ModelError> {
        let Some(key) = credential(exchange.call.credentials, KEY) else {
            return Err(exchange.error(ErrorClass::Auth, format!("the credentials have no {KEY}")));
        };
        let request = exchange.header(request, "x-api-key", key)?;
        exchange.header(request, "anthropic-version", VERSION)
    }

    async fn list(&self, call: Call<'_>, limit: usize) -> Result<Vec<String>, ModelError> {
        let call = Call { limits: trial::short(call.limits), ..call };
        let exchange = self.exchange(&call);
        let request = exchange.get(Self::url(call.credentials, &format!("/v1/models?limit={limit}")));
        let json = exchange.json(Self::signed(&exchange, request)?).await?;
        let models = json.get("data").and_then(Json::as_array);
        let models =
            models.ok_or_else(|| fault::garbage(&self.spec.id, "there is no list of models", &json.to_string()))?;
        Ok(models.iter().filter_map(|model| model.get("id")?.as_str().map(str::to_owned)).take(5000).collect())
    }
}

#[async_trait]
impl ChatModel for Anthropic {
    async fn chat(&self, call: Call<'_>, request: ChatRequest) -> Result<ChatStream, ModelError> {
        let started = Instant::now();
        let exchange = self.exchange(&call);
        let Asked { mut body, by_tool } =
            body(&request, call.spec).map_err(|text| exchange.error(ErrorClass::Unsupported, text))?;
        body.insert("model".into(), request.model.as_str().into());
        body.insert("stream".into(), request.stream.into());
        let post = exchange.post(Self::url(call.credentials, "/v1/messages"), &Json::Object(body));
        let post = Self::signed(&exchange, post)?;
        let mut accounting = exchange.accounting(&request.model, started);
        accounting.stops = stops::wanted(&request.stop, &request.parameters);
        (accounting.messages, accounting.tools) = (request.messages, request.tools);
        let reader = Box::new(Reader::new(&self.spec.id, by_tool));
        exchange.ask(post, request.stream.then_some(Framing::Events), accounting, reader).await
    }
}

#[async_trait]
impl Provider for Anthropic {
    fn spec(&self) -> &ProviderSpec {
        &self.spec
    }

    fn chat_model(&self) -> Option<&dyn ChatModel> {
        Some(self)
    }

    fn describe(&self, model: &str, kind: ModelKind, credentials: &Credentials) -> ModelSpec {
        sheet::describe(&self.spec, Dialect::Anthropic, model, kind, credentials)
    }

    async fn validate(&self, call: Call<'_>, model: Option<(&str, ModelKind)>) -> Result<(), ModelError> {
        match model {
            Some((model, kind)) => trial::ask(self, call, model, kind).await,
            None => self.list(call, 1).await.map(|_| ()),
        }
    }

    fn lists_own_models(&self, credentials: &Credentials) -> bool {
        Self::url(credentials, "") != BASE
    }

    async fn remote_models(&self, call: Call<'_>) -> Result<Vec<ModelSpec>, ModelError> {
        let names = self.list(call, 1000).await?;
        let describe = |name: &String| {
            let known = self.spec.model(name.rsplit('/').next().unwrap_or(name), ModelKind::Llm);
            match known {
                Some(known) => ModelSpec { model: name.clone(), pricing: None, ..known.clone() },
                None => catalog::custom(name, ModelKind::Llm, call.credentials, Dialect::Anthropic),
            }
        };
        Ok(names.iter().map(describe).collect())
    }
}

/// The parameters of a model of this vendor that is asked through another's door.
pub fn rules(model: &str) -> Option<Vec<crate::ParameterRule>> {
    static MODELS: std::sync::LazyLock<Vec<ModelSpec>> =
        std::sync::LazyLock::new(|| catalog::read(include_str!("../../data/anthropic.json"), Dialect::Anthropic));
    let plain = |name: &str| name.split('@').next().unwrap_or_default().to_owned();
    MODELS.iter().find(|known| plain(&known.model) == plain(model)).map(|known| known.parameter_rules.clone())
}
