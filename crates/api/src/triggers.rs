//! `/triggers`: where events come in (service API reference §14).

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Body as AxumBody,
    extract::{DefaultBodyLimit, FromRequest, Multipart, Path, Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::any,
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use ox_app::{
    Error, Services,
    triggers::webhook::{self, Body, FormFile, Incoming, content_type},
};
use serde_json::json;
use uuid::Uuid;

use crate::ApiError;

/// Every address of triggers. Who knows an address may call it; there is nothing else to check.
pub fn router(services: &Arc<Services>) -> Router {
    Router::new()
        .route("/triggers/webhook/{webhook_id}", any(production))
        .route("/triggers/webhook-debug/{webhook_id}", any(trial))
        .route("/triggers/plugin/{endpoint_id}", any(plugin))
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

/// No plugin brings events yet, so that no address of one exists.
async fn plugin(Path(id): Path<String>) -> Response {
    if id.parse::<Uuid>().is_err() {
        return ApiError(Error::not_found("Endpoint not found")).into_response();
    }
    (StatusCode::NOT_FOUND, Json(json!({"error": "Endpoint not found"}))).into_response()
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
    let most = services.settings.webhook_body_max;
    let too_large = || {
        let text = format!("The request body is larger than {most} bytes (WEBHOOK_REQUEST_BODY_MAX_SIZE).");
        Error::new(413, "request_entity_too_large", text)
    };
    let said = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    if said.and_then(|length| length.parse::<usize>().ok()).is_some_and(|length| length > most) {
        return Err(too_large());
    }
    let (parts, body) = request.into_parts();
    let headers = headers_of(&parts.headers);
    let query = parts.uri.query().map(|query| pairs(query.as_bytes())).unwrap_or_default();
    let limited = Limited::new(body, most).collect().await.map_err(|error| {
        if error.downcast_ref::<LengthLimitError>().is_some() {
            too_large()
        } else {
            Error::bad_request(format!("The request body cannot be read: {error}"))
        }
    })?;
    let bytes = limited.to_bytes();
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

fn headers_of(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &axum::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
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
