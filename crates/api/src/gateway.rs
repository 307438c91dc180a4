//! `/gateway/v1`: the models of a workspace for software outside, in the words of OpenAI's API (docs/model-gateway.md).
//!
//! A key of the gateway opens it. Calls go the way of every model call: keys in turns, stand-ins, retries, network rules.

mod access;
mod ask;
mod chat;
mod embeddings;
mod kept;
mod models;
mod rerank;
mod tell;

use std::{future::Future, sync::Arc, time::Duration};

use axum::{
    body::Bytes,
    extract::{FromRequestParts, MatchedPath, Request, State, rejection::BytesRejection},
    http::request::Parts,
    middleware::{self, Next},
    response::Response,
};
use ox_app::{
    Access, Error, Services,
    gateway_keys::{self, Holder},
};
use serde_json::{Map, Value};
use utoipa_axum::router::OpenApiRouter;

pub use access::RULES;
pub(crate) use ask::media;

use crate::{
    access as rules,
    extract::unread,
    openapi::routes,
    service::{bearer, openai::refusal, without_rule},
};

/// The longest that a caller waits for an answer that comes as a whole, or for the first piece of a stream.
const LONGEST: Duration = Duration::from_secs(600);

/// Every route of the gateway with its documentation.
pub fn router(services: &Arc<Services>) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(models::list))
        .routes(routes!(models::one))
        .routes(routes!(chat::chat))
        .routes(routes!(chat::complete))
        .routes(routes!(embeddings::embed))
        .routes(routes!(rerank::rerank))
        .route_layer(middleware::from_fn_with_state(Arc::clone(services), guard))
        .with_state(Arc::clone(services))
}

/// State of every handler here.
type App = State<Arc<Services>>;

/// Whose key was given.
#[derive(Clone)]
pub struct Door(Arc<Holder>);

impl<S: Send + Sync> FromRequestParts<S> for Door {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let found = parts.extensions.get::<Self>().cloned();
        found.ok_or_else(|| refusal(Error::unauthorized("Incorrect API key provided.")))
    }
}

async fn guard(State(services): App, mut request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned()).unwrap_or_default();
    let route = path.strip_prefix("/gateway/v1").unwrap_or(&path);
    match rules::find(RULES, request.method(), route) {
        Some(Access::GatewayKey) => {}
        Some(_) => return refusal(Error::forbidden("This route is not for the gateway.")),
        None => return refusal(without_rule(RULES, route)),
    }
    match gateway_keys::open(&services, bearer(request.headers())).await {
        Ok(holder) => drop(request.extensions_mut().insert(Door(holder))),
        Err(error) => return refusal(error),
    }
    next.run(request).await
}

/// A body as it came.
type Sent = Result<Bytes, BytesRejection>;

/// The JSON object in a body.
fn object(sent: Sent) -> Result<Map<String, Value>, Error> {
    let body = sent.map_err(unread)?;
    match serde_json::from_slice(&body) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(Error::bad_request("The request body must be a JSON object.")),
        Err(error) => Err(Error::bad_request(format!("The request body is not valid JSON: {error}"))),
    }
}

/// What was asked, or the refusal of it, in time.
async fn answered(work: impl Future<Output = Result<Response, Error>>) -> Response {
    match tokio::time::timeout(LONGEST, work).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => refusal(error),
        Err(_) => {
            let text = format!("The models did not answer within {} seconds.", LONGEST.as_secs());
            refusal(Error::new(504, "provider_timeout", text))
        }
    }
}

fn wrong(field: &str, text: impl Into<String>) -> Error {
    Error::invalid_field(field, text)
}
