//! One question to several models side by side.

use axum::{extract::State, response::Response};
use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use ox_app::{
    Services,
    providers::playground::{self, Candidate, Question, Told},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::{App, guard::Caller};
use crate::{ApiResult, error::ErrorBody, extract::Body, gateway, openapi::routes, sse};

pub fn router() -> OpenApiRouter<std::sync::Arc<Services>> {
    OpenApiRouter::new().routes(routes!(try_models))
}

/// A model that is asked.
#[derive(Deserialize, ToSchema)]
pub struct TrialModel {
    provider: String,
    model: String,
    /// Settings of the model.
    #[serde(default)]
    #[schema(value_type = Object)]
    parameters: Map<String, Value>,
}

/// A question to up to four models.
#[derive(Deserialize, ToSchema)]
pub struct ModelTrial {
    models: Vec<TrialModel>,
    #[serde(default)]
    system: String,
    user: String,
    /// Addresses, or `data:<type>;base64,<bytes>`; for models that see.
    #[serde(default)]
    images: Vec<String>,
}

/// Ask up to four models the same. The answer is a stream of `piece`, `done` and `error`, each with the `index` of its
/// model, and `end`.
#[utoipa::path(post, path = "/workspaces/current/models/try", tag = "models", request_body = ModelTrial,
    responses((status = 200, description = "Events", content_type = "text/event-stream", body = String),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn try_models(State(services): App, Caller(caller): Caller, Body(body): Body<ModelTrial>) -> ApiResult<Response> {
    let images = body.images.iter().enumerate();
    let images = images.map(|(index, url)| gateway::media(url, "image/png", &format!("images[{index}]")));
    let question = Question { system: body.system, user: body.user, images: images.collect::<Result<_, _>>()? };
    let candidate =
        |one: TrialModel| Candidate { provider: one.provider, model: one.model, parameters: one.parameters };
    let models = body.models.into_iter().map(candidate).collect();
    let told = std::future::ready(playground::ask(&services, &caller, models, question)).await?;
    Ok(sse::response_with(frames(told), sse::QUIET_PING))
}

fn frames(told: impl Stream<Item = (usize, Told)> + Send + 'static) -> impl Stream<Item = Bytes> + Send + 'static {
    let one = |(index, told): (usize, Told)| sse::frame(&event(index, &told).to_string(), None);
    let end = futures::stream::once(async { sse::frame(&json!({"event": "end"}).to_string(), None) });
    told.map(one).chain(end)
}

fn event(index: usize, told: &Told) -> Value {
    match told {
        Told::Piece { text, reasoning } => {
            json!({"event": "piece", "index": index, "text": text, "reasoning": reasoning})
        }
        Told::Done(measured) => json!({
            "event": "done", "index": index, "finish_reason": measured.finish_reason,
            "first_token": measured.first_token.map(|time| time.as_secs_f64()), "total": measured.total.as_secs_f64(),
            "prompt_tokens": measured.usage.prompt_tokens, "completion_tokens": measured.usage.completion_tokens,
            "total_tokens": measured.usage.total_tokens, "cost": measured.cost, "currency": measured.usage.currency,
        }),
        Told::Failed { message, total } => {
            json!({"event": "error", "index": index, "message": message, "total": total.as_secs_f64()})
        }
    }
}
