//! `POST /responses`: the newer of the vendor's two protocols of language models. Nothing is stored there: every question
//! carries all that came before it.

mod reader;
mod wire;

use ox_net::{Class, Request};
use ox_types::Json;
use tokio::time::Instant;

use self::reader::Reader;
use super::{
    OpenAiCompatible,
    vendors::{API_PROTOCOL, UrlForm},
};
use crate::{
    Call, ChatRequest, ChatStream, Credentials, ErrorClass, ModelError, ModelSpec, catalog, credential, form,
    frames::Framing, stops,
};

impl OpenAiCompatible {
    /// Whether a model is asked by this protocol: as the credentials say, else as its row does.
    pub(super) fn is_responses(&self, credentials: &Credentials, spec: Option<&ModelSpec>) -> bool {
        if !self.vendor.quirks.responses {
            return false;
        }
        match credential(credentials, API_PROTOCOL) {
            Some("responses") => true,
            Some("chat_completions") => false,
            // Others who pass these models on do so by the older protocol.
            _ => self.vendor.quirks.openai_reasoning && catalog::has_quirk(spec, catalog::RESPONSES),
        }
    }

    /// What only this protocol can be asked for.
    pub(super) fn with_summaries(&self, mut spec: ModelSpec, credentials: &Credentials) -> ModelSpec {
        let has = |name: &str| spec.parameter_rules.iter().any(|rule| rule.name == name);
        if self.is_responses(credentials, Some(&spec)) && has("reasoning_effort") && !has("reasoning_summary") {
            spec.parameter_rules.extend(form::rule("reasoning_summary"));
        }
        spec
    }

    fn responses_url(&self, call: &Call<'_>) -> Result<String, ModelError> {
        let base = self.base(call.credentials)?;
        if self.vendor.url != UrlForm::Azure || base.ends_with("/openai/v1") {
            return Ok(format!("{base}/responses"));
        }
        // Azure has it at its newer address only, where the body names the deployment.
        Ok(format!("{}/openai/v1/responses", base.strip_suffix("/openai").unwrap_or(&base)))
    }

    /// Asks a chat model.
    pub(super) async fn respond(&self, call: Call<'_>, request: ChatRequest) -> Result<ChatStream, ModelError> {
        let started = Instant::now();
        let model = self.wire_model(&call, &request.model).to_owned();
        let base = self.base_model(call.credentials, &model);
        let body = wire::body(&request, &wire::Asked { model: &model, base }, self.vendor.quirks);
        let body = body.map_err(|text| self.error(ErrorClass::Unsupported, text))?;
        let url = self.responses_url(&call)?;
        let post = self.request(&call, Request::post_json(Class::Model, url, Json::Object(body).to_string()))?;
        let mut accounting = self.accounting(&call, &request.model, started);
        accounting.stops = stops::wanted(&request.stop, &request.parameters);
        (accounting.messages, accounting.tools) = (request.messages, request.tools);
        let reader = Box::new(Reader::new(&self.spec.id, &model));
        self.exchange(&call).ask(post, request.stream.then_some(Framing::Events), accounting, reader).await
    }
}
