//! `/triggers`: where events come in (service API reference §14).

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Body as AxumBody,
    extract::{DefaultBodyLimit, FromRequest, Multipart, Path, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::any,
};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use ox_app::{
    Error, Services,
    triggers::{
        host::{RawReply, RawRequest},
        plugin,
        webhook::{self, Body, FormFile, Incoming, content_type},
    },
};
use serde_json::json;
use uuid::Uuid;

use crate::ApiError;

/// Every address of triggers. Who knows an address may call it; there is nothing else to check.
pub fn router(services: &Arc<Services>) -> Router {
    Router::new()
        .route("/triggers/webhook/{webhook_id}", any(production))
        .route("/triggers/webhook-debug/{webhook_id}", any(trial))
        .route("/triggers/plugin/{endpoint_id}", any(event))
        // The limit of webhooks is a setting, and larger than that of other routes may be.
        .layer(DefaultBodyLimit::disable())
        .with_state(Arc::clone(services))
}

async fn production(state: State<Arc<Services>>, Path(id): Path<String>, request: Request) -> Response {
    receive(&state.0, &id, false, request).await
}

async fn trial(state: State<Arc<Services>>, Path(id): Path<String>, request: Request) -> Response {
    receive(&state.0, &id, true, request).await
}

async fn event(State(services): State<Arc<Services>>, Path(id): Path<String>, request: Request) -> Response {
    let Ok(endpoint) = id.parse::<Uuid>() else {
        return ApiError(Error::not_found("Endpoint not found")).into_response();
    };
    let done = match raw(&services, request).await {
        Ok(request) => plugin::receive(&services, endpoint, request).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(reply) => answer(reply),
        Err(error) => plugin_refusal(error),
    }
}

/// Compat: errors of plugins' addresses have a shape of their own.
fn plugin_refusal(error: Error) -> Response {
    let (status, body) = match error.status {
        404 => (StatusCode::NOT_FOUND, json!({"error": "Endpoint not found"})),
        400 => (StatusCode::BAD_REQUEST, json!({"error": "Endpoint processing failed", "message": error.message})),
        413 => return refusal(error),
        _ => {
            let cause = error.source.as_ref().map(ToString::to_string).unwrap_or_default();
            tracing::error!(%error, cause, "an event of a plugin failed");
            (StatusCode::INTERNAL_SERVER_ERROR, json!({"error": "Internal server error"}))
        }
    };
    (status, Json(body)).into_response()
}

/// What the plugin answers, without what is the business of the connection or of this origin: nothing that it sends may
/// act as a page of this server.
fn answer(reply: RawReply) -> Response {
    const OURS: [&str; 8] = [
        "clear-site-data",
        "connection",
        "content-length",
        "content-security-policy",
        "set-cookie",
        "strict-transport-security",
        "transfer-encoding",
        "upgrade",
    ];
    let mut response = Response::new(AxumBody::from(reply.body));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::OK);
    let headers = response.headers_mut();
    for (name, value) in reply.headers {
        let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) else { continue };
        if !OURS.contains(&name.as_str()) {
            headers.append(name, value);
        }
    }
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// A request as a plugin reads it: its body untouched.
async fn raw(services: &Services, request: Request) -> Result<RawRequest, Error> {
    let (parts, body) = request.into_parts();
    let body = whole(services, &parts.headers, body).await?;
    let target = parts.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string);
    Ok(RawRequest { method: parts.method.to_string(), target, headers: headers_of(&parts.headers), body })
}

async fn receive(services: &Arc<Services>, id: &str, is_debug: bool, request: Request) -> Response {
    let found = match webhook::find(services, id, is_debug).await {
        Ok(found) => found,
        Err(error) => return ApiError(error).into_response(),
    };
    let incoming = match read(services, request).await {
        Ok(incoming) => incoming,
        Err(error) => return refusal(error),
    };
    match webhook::receive(services, found, incoming).await {
        Ok(reply) => {
            let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::OK);
            (status, Json(reply.body)).into_response()
        }
        Err(error) => refusal(error),
    }
}

/// Compat: errors of webhooks have a shape of their own.
fn refusal(error: Error) -> Response {
    let name = match error.status {
        400 => "Bad Request",
        413 => "Request Entity Too Large",
        status if status < 500 => return ApiError(error).into_response(),
        _ => {
            tracing::error!(%error, "a webhook failed");
            "Internal server error"
        }
    };
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, Json(json!({"error": name, "message": error.message}))).into_response()
}

async fn read(services: &Services, request: Request) -> Result<Incoming, Error> {
    let (parts, body) = request.into_parts();
    let headers = headers_of(&parts.headers);
    let query = parts.uri.query().map(|query| pairs(query.as_bytes())).unwrap_or_default();
    let bytes = whole(services, &parts.headers, body).await?;
    let body = match content_type(&headers).as_str() {
        "application/x-www-form-urlencoded" => Body::Form { fields: pairs(&bytes), files: Vec::new() },
        "multipart/form-data" => {
            let request = Request::from_parts(parts.clone(), AxumBody::from(bytes));
            multipart(request).await?
        }
        _ if bytes.is_empty() => Body::Empty,
        _ => Body::Bytes(bytes),
    };
    Ok(Incoming { method: parts.method.to_string(), headers, query, body })
}

/// The body, if it is not larger than events may be.
async fn whole(services: &Services, headers: &HeaderMap, body: AxumBody) -> Result<Bytes, Error> {
    let most = services.settings.webhook_body_max;
    let too_large = || {
        let text = format!("The request body is larger than {most} bytes (WEBHOOK_REQUEST_BODY_MAX_SIZE).");
        Error::new(413, "request_entity_too_large", text)
    };
    let said = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    if said.and_then(|length| length.parse::<usize>().ok()).is_some_and(|length| length > most) {
        return Err(too_large());
    }
    let limited = Limited::new(body, most).collect().await.map_err(|error| {
        if error.downcast_ref::<LengthLimitError>().is_some() {
            too_large()
        } else {
            Error::bad_request(format!("The request body cannot be read: {error}"))
        }
    })?;
    Ok(limited.to_bytes())
}

fn headers_of(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}

fn pairs(text: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(text).into_owned().collect()
}

async fn multipart(request: Request) -> Result<Body, Error> {
    let wrong = |why: String| Error::bad_request(format!("The form cannot be read: {why}"));
    let mut form = Multipart::from_request(request, &()).await.map_err(|error| wrong(error.body_text()))?;
    let (mut fields, mut files) = (Vec::new(), Vec::new());
    while let Some(field) = form.next_field().await.map_err(|error| wrong(error.body_text()))? {
        let name = field.name().unwrap_or_default().to_owned();
        let file = field.file_name().map(str::to_owned);
        let mime = field.content_type().unwrap_or("application/octet-stream").to_owned();
        let bytes = field.bytes().await.map_err(|error| wrong(error.body_text()))?;
        match file {
            Some(file) => files.push(FormFile { field: name, name: file, mime, bytes }),
            None => fields.push((name, String::from_utf8_lossy(&bytes).into_owned())),
        }
    }
    Ok(Body::Form { fields, files })
}
