//! Providers of events and the subscriptions of the workspace to them. Plugins bring providers: without a plugin host the
//! list is empty, and whatever names a provider finds nothing.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use ox_app::{
    Error, Principal, Services,
    triggers::{
        builders::{self, Builder},
        host::TriggerProvider,
        subscriptions::{self, Change, Shown, address},
    },
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::{App, Caller, triggers::base};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path},
    openapi::routes,
};

pub fn router() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(providers))
        .routes(routes!(info))
        .routes(routes!(icon))
        .routes(routes!(create_builder))
        .routes(routes!(builder))
        .routes(routes!(verify_builder))
        .routes(routes!(update_builder))
        .routes(routes!(builder_logs))
        .routes(routes!(build))
        .routes(routes!(update))
        .routes(routes!(delete))
        .routes(routes!(verify))
        .routes(routes!(authorize))
        .routes(routes!(client, set_client, delete_client))
        .routes(routes!(subscriptions))
}

/// How a draft of a subscription will sign in.
#[derive(Deserialize, ToSchema)]
pub struct BuilderStart {
    /// `unauthorized` (set up by hand) or `api-key`.
    credential_type: Option<String>,
}

/// What a subscription or a draft of one is changed to; an absent field stays.
#[derive(Deserialize, ToSchema)]
pub struct SubscriptionChange {
    name: Option<String>,
    #[schema(value_type = Option<Object>)]
    parameters: Option<Map<String, Value>>,
    #[schema(value_type = Option<Object>)]
    properties: Option<Map<String, Value>>,
    #[schema(value_type = Option<Object>)]
    credentials: Option<Map<String, Value>>,
}

impl From<SubscriptionChange> for Change {
    fn from(body: SubscriptionChange) -> Self {
        let SubscriptionChange { name, parameters, properties, credentials } = body;
        Self { name, parameters, properties, credentials }
    }
}

/// Credentials to be tried.
#[derive(Deserialize, ToSchema)]
pub struct SubscriptionCredentials {
    #[schema(value_type = Object)]
    credentials: Map<String, Value>,
}

fn provider_view(provider: TriggerProvider) -> Value {
    // Compat: the list names the ways that this server can go; OAuth is none of them.
    let mut methods = vec!["MANUAL"];
    if builders::has_credentials(&provider.declaration) {
        methods.insert(0, "APIKEY");
    }
    let mut view = provider.declaration;
    view.insert("name".to_owned(), provider.id.into());
    view.insert("supported_creation_methods".to_owned(), json!(methods));
    Value::Object(view)
}

fn subscription_view(shown: Shown, base: &str) -> Value {
    let subscription = shown.subscription;
    json!({
        "id": subscription.id,
        "name": shown.name,
        "provider": subscription.provider,
        "credential_type": subscription.credential_type,
        "credentials": subscription.credentials,
        "endpoint": address(base, subscription.endpoint),
        "parameters": subscription.parameters,
        "properties": subscription.properties,
        "workflows_in_use": shown.in_use,
    })
}

fn builder_view(builder: &Builder, base: &str) -> Value {
    json!({
        "id": builder.id,
        "name": builder.name,
        "provider": builder.provider,
        "endpoint": address(base, builder.id),
        "parameters": builder.parameters,
        "properties": builder.properties,
        "credentials": builder.credentials,
        "credential_type": builder.credential_type,
    })
}

/// OAuth of a plugin needs a client that is registered at its provider, and this server has no plugin to ask for one.
async fn no_oauth(services: &Services, caller: &Principal, provider: &str) -> ApiResult<Json<Value>> {
    subscriptions::provider(services, caller, provider).await?;
    let text = format!("{provider} cannot be signed in to by OAuth here. Use an API key, or set it up by hand.");
    Err(Error::bad_request(text).into())
}

/// Providers of events.
#[utoipa::path(get, path = "/workspaces/current/triggers", tag = "triggers",
    responses((status = 200, body = Vec<Object>), (status = 401, body = ErrorBody)))]
async fn providers(State(services): App, Caller(caller): Caller) -> ApiResult<Json<Value>> {
    let all = subscriptions::providers(&services, &caller).await?;
    Ok(Json(all.into_iter().map(provider_view).collect()))
}

/// Compat: this error has a shape of its own.
#[utoipa::path(get, path = "/workspaces/current/trigger-provider/{provider}/subscriptions/list", tag = "triggers", params(("provider" = String, Path)),
    responses((status = 200, body = Vec<Object>), (status = 404, body = Object), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn subscriptions(
    State(services): App,
    Caller(caller): Caller,
    Path(provider): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    match subscriptions::list(&services, &caller, &provider).await {
        Ok(all) => {
            let base = base(&services, &headers);
            let all: Vec<Value> = all.into_iter().map(|shown| subscription_view(shown, &base)).collect();
            Ok(Json(all).into_response())
        }
        Err(error) if error.status == 404 => {
            Ok((StatusCode::NOT_FOUND, Json(json!({"error": error.message}))).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

#[utoipa::path(get, path = "/workspaces/current/trigger-provider/{provider}/icon", tag = "triggers", params(("provider" = String, Path)),
    responses((status = 200, content_type = "image/*"), (status = 404, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn icon(State(services): App, Caller(caller): Caller, Path(provider): Path<String>) -> ApiResult<Response> {
    let icon = subscriptions::icon(&services, &caller, &provider).await?;
    // A picture only: what a plugin sends may act as no page of this server.
    let media = if icon.media_type.starts_with("image/") { icon.media_type } else { "image/png".to_owned() };
    let headers = [
        (header::CONTENT_TYPE, media),
        (header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'; style-src 'unsafe-inline'".to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    Ok((headers, icon.bytes).into_response())
}

#[utoipa::path(get, path = "/workspaces/current/trigger-provider/{provider}/info", tag = "triggers", params(("provider" = String, Path)),
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn info(State(services): App, Caller(caller): Caller, Path(provider): Path<String>) -> ApiResult<Json<Value>> {
    Ok(Json(provider_view(subscriptions::provider(&services, &caller, &provider).await?)))
}

/// Begins a draft of a subscription; it is kept for 30 minutes.
#[utoipa::path(post, path = "/workspaces/current/trigger-provider/{provider}/subscriptions/builder/create", tag = "triggers", params(("provider" = String, Path)), request_body = BuilderStart,
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn create_builder(
    State(services): App,
    Caller(caller): Caller,
    Path(provider): Path<String>,
    headers: HeaderMap,
    Body(body): Body<BuilderStart>,
) -> ApiResult<Json<Value>> {
    let kind = body.credential_type.as_deref().unwrap_or("unauthorized");
    let made = builders::create(&services, &caller, &provider, kind).await?;
    Ok(Json(json!({"subscription_builder": builder_view(&made, &base(&services, &headers))})))
}

#[utoipa::path(get, path = "/workspaces/current/trigger-provider/{provider}/subscriptions/builder/{subscription_builder_id}", tag = "triggers", params(("provider" = String, Path), ("subscription_builder_id" = String, Path)),
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn builder(
    State(services): App,
    Caller(caller): Caller,
    Path((provider, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> ApiResult<Json<Value>> {
    let found = builders::get(&services, &caller, &provider, &id).await?;
    Ok(Json(builder_view(&found, &base(&services, &headers))))
}

#[utoipa::path(post, path = "/workspaces/current/trigger-provider/{provider}/subscriptions/builder/verify-and-update/{subscription_builder_id}", tag = "triggers", params(("provider" = String, Path), ("subscription_builder_id" = String, Path)), request_body = SubscriptionCredentials,
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn verify_builder(
    State(services): App,
    Caller(caller): Caller,
    Path((provider, id)): Path<(String, String)>,
    Body(body): Body<SubscriptionCredentials>,
) -> ApiResult<Json<Value>> {
    builders::verify(&services, &caller, &provider, &id, body.credentials).await?;
    Ok(Json(json!({"verified": true})))
}

#[utoipa::path(post, path = "/workspaces/current/trigger-provider/{provider}/subscriptions/builder/update/{subscription_builder_id}", tag = "triggers", params(("provider" = String, Path), ("subscription_builder_id" = String, Path)), request_body = SubscriptionChange,
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn update_builder(
    State(services): App,
    Caller(caller): Caller,
    Path((provider, id)): Path<(String, String)>,
    headers: HeaderMap,
    Body(body): Body<SubscriptionChange>,
) -> ApiResult<Json<Value>> {
    let changed = builders::update(&services, &caller, &provider, &id, body.into()).await?;
    Ok(Json(builder_view(&changed, &base(&services, &headers))))
}

/// What came to the address of a draft, newest first.
#[utoipa::path(get, path = "/workspaces/current/trigger-provider/{provider}/subscriptions/builder/logs/{subscription_builder_id}", tag = "triggers", params(("provider" = String, Path), ("subscription_builder_id" = String, Path)),
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn builder_logs(
    State(services): App,
    Caller(caller): Caller,
    Path((provider, id)): Path<(String, String)>,
) -> ApiResult<Json<Value>> {
    let logs = builders::logs(&services, &caller, &provider, &id).await?;
    Ok(Json(json!({"logs": logs})))
}

/// Makes the subscription of a draft.
#[utoipa::path(post, path = "/workspaces/current/trigger-provider/{provider}/subscriptions/builder/build/{subscription_builder_id}", tag = "triggers", params(("provider" = String, Path), ("subscription_builder_id" = String, Path)), request_body = SubscriptionChange,
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn build(
    State(services): App,
    Caller(caller): Caller,
    Path((provider, id)): Path<(String, String)>,
    headers: HeaderMap,
    Body(body): Body<SubscriptionChange>,
) -> ApiResult<Json<Value>> {
    builders::build(&services, &caller, &provider, &id, body.into(), &base(&services, &headers)).await?;
    Ok(Json(json!({"result": "success"})))
}

/// Renames a subscription, or makes it anew with other settings.
#[utoipa::path(post, path = "/workspaces/current/trigger-provider/{subscription_id}/subscriptions/update", tag = "triggers", params(("subscription_id" = String, Path)), request_body = SubscriptionChange,
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn update(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(body): Body<SubscriptionChange>,
) -> ApiResult<Json<Value>> {
    subscriptions::update(&services, &caller, &id, body.into(), &base(&services, &headers)).await?;
    Ok(Json(json!({"result": "success"})))
}

#[utoipa::path(post, path = "/workspaces/current/trigger-provider/{subscription_id}/subscriptions/delete", tag = "triggers", params(("subscription_id" = String, Path)),
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn delete(State(services): App, Caller(caller): Caller, Path(id): Path<String>) -> ApiResult<Json<Value>> {
    subscriptions::delete(&services, &caller, &id).await?;
    Ok(Json(json!({"result": "success"})))
}

#[utoipa::path(post, path = "/workspaces/current/trigger-provider/{provider}/subscriptions/verify/{subscription_id}", tag = "triggers", params(("provider" = String, Path), ("subscription_id" = String, Path)), request_body = SubscriptionCredentials,
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn verify(
    State(services): App,
    Caller(caller): Caller,
    Path((provider, id)): Path<(String, String)>,
    Body(body): Body<SubscriptionCredentials>,
) -> ApiResult<Json<Value>> {
    subscriptions::verify(&services, &caller, &provider, &id, body.credentials).await?;
    Ok(Json(json!({"verified": true})))
}

#[utoipa::path(get, path = "/workspaces/current/trigger-provider/{provider}/subscriptions/oauth/authorize", tag = "triggers", params(("provider" = String, Path)),
    responses((status = 400, body = ErrorBody), (status = 404, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn authorize(
    State(services): App,
    Caller(caller): Caller,
    Path(provider): Path<String>,
) -> ApiResult<Json<Value>> {
    no_oauth(&services, &caller, &provider).await
}

#[utoipa::path(get, path = "/workspaces/current/trigger-provider/{provider}/oauth/client", tag = "triggers", params(("provider" = String, Path)),
    responses((status = 400, body = ErrorBody), (status = 404, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn client(State(services): App, Caller(caller): Caller, Path(provider): Path<String>) -> ApiResult<Json<Value>> {
    no_oauth(&services, &caller, &provider).await
}

#[utoipa::path(post, path = "/workspaces/current/trigger-provider/{provider}/oauth/client", tag = "triggers", params(("provider" = String, Path)),
    responses((status = 400, body = ErrorBody), (status = 404, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn set_client(
    State(services): App,
    Caller(caller): Caller,
    Path(provider): Path<String>,
) -> ApiResult<Json<Value>> {
    no_oauth(&services, &caller, &provider).await
}

#[utoipa::path(delete, path = "/workspaces/current/trigger-provider/{provider}/oauth/client", tag = "triggers", params(("provider" = String, Path)),
    responses((status = 400, body = ErrorBody), (status = 404, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn delete_client(
    State(services): App,
    Caller(caller): Caller,
    Path(provider): Path<String>,
) -> ApiResult<Json<Value>> {
    no_oauth(&services, &caller, &provider).await
}
