//! Which models a key may ask.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use ox_app::{
    Error,
    providers::names::{self, NamedModel},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{App, Door, answered};
use crate::{extract::Path, service::openai::OpenAiError};

/// A model that can be asked.
#[derive(Serialize, ToSchema)]
pub struct GatewayModel {
    /// `provider/model`, as requests name it.
    id: String,
    /// Always `model`.
    object: String,
    /// Not known: always 0.
    created: i64,
    /// The provider.
    owned_by: String,
    /// Addition: `llm`, `text-embedding` or `rerank`.
    model_type: String,
}

/// The models that a key may ask.
#[derive(Serialize, ToSchema)]
pub struct GatewayModels {
    /// Always `list`.
    object: String,
    data: Vec<GatewayModel>,
}

fn described(named: NamedModel) -> GatewayModel {
    GatewayModel {
        id: named.name,
        object: "model".to_owned(),
        created: 0,
        owned_by: named.provider,
        model_type: named.kind.as_str().to_owned(),
    }
}

/// The models that this key may ask.
#[utoipa::path(get, path = "/models", tag = "Model gateway", security(("gateway_key" = [])),
    responses((status = 200, body = GatewayModels), (status = 401, body = OpenAiError), (status = 429, body = OpenAiError)))]
pub async fn list(State(services): App, Door(holder): Door) -> Response {
    answered(async {
        let data = names::askable(&services, &holder).await?.into_iter().map(described).collect();
        Ok(Json(GatewayModels { object: "list".to_owned(), data }).into_response())
    })
    .await
}

/// One of them, by its name.
#[utoipa::path(get, path = "/models/{*model}", tag = "Model gateway", security(("gateway_key" = [])),
    params(("model" = String, Path, description = "`provider/model`")),
    responses((status = 200, body = GatewayModel), (status = 401, body = OpenAiError), (status = 404, body = OpenAiError)))]
pub async fn one(State(services): App, Door(holder): Door, Path(name): Path<String>) -> Response {
    answered(async {
        let all = names::askable(&services, &holder).await?;
        let found = all.into_iter().find(|named| named.name == name || named.full_name == name);
        let text = format!("There is no model '{name}' for this API key.");
        let found = found.ok_or_else(|| Error::new(404, "model_not_found", text))?;
        Ok(Json(described(found)).into_response())
    })
    .await
}
