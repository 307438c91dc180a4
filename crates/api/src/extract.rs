//! Extractors whose rejections speak the error envelope.

use axum::{
    extract::{
        FromRequest, FromRequestParts, Multipart, Request,
        rejection::{BytesRejection, JsonRejection},
    },
    http::{StatusCode, header, request::Parts},
};
use ox_app::Error;
use serde::de::DeserializeOwned;

use crate::ApiError;

/// A JSON body; errors name the field and answer as the compatible API does.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let is_json = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.to_ascii_lowercase().contains("json"));
        if !is_json {
            return Err(Error::new(
                415,
                "unsupported_media_type",
                "Did not attempt to load JSON data because the request Content-Type was not 'application/json'.",
            )
            .into());
        }
        let axum::Json(json) =
            axum::Json::<serde_json::Value>::from_request(request, state).await.map_err(body_error)?;
        if !json.is_object() {
            return Err(Error::invalid("The request body must be a JSON object.").into());
        }
        serde_json::from_value(json).map(Self).map_err(|error| field_error(&error.to_string()).into())
    }
}

fn body_error(rejection: JsonRejection) -> ApiError {
    match rejection {
        JsonRejection::BytesRejection(rejection) => unread(rejection).into(),
        other => {
            // "…: lone leading surrogate in hex escape at line 1 column 20"
            let text = other.body_text();
            let place = text.rsplit_once(": ").map(|(_, place)| format!(" ({place})")).unwrap_or_default();
            let message = format!(
                "The browser (or proxy) sent a request that this server could not understand: the body is not valid \
                 JSON{place}."
            );
            Error::bad_request(message).caused_by(other).into()
        }
    }
}

/// A body that was not read to its end.
pub(crate) fn unread(rejection: BytesRejection) -> Error {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Error::new(413, "request_entity_too_large", "The request body is larger than this route accepts.");
    }
    Error::bad_request("The request body cannot be read: it breaks off, or its chunks are wrong.").caused_by(rejection)
}

/// Turns serde's text into the validator's words that clients of the compatible API know.
fn field_error(text: &str) -> Error {
    let name = |prefix: &str| text.strip_prefix(prefix).and_then(|rest| rest.split('`').next()).map(str::to_owned);
    match name("missing field `") {
        Some(field) => Error::invalid_field(&field, format!("{field}: Field required")),
        None => Error::invalid(text.to_owned()),
    }
}

/// Query parameters; errors answer in the envelope.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        axum::extract::Query::<T>::try_from_uri(&parts.uri)
            .map(|axum::extract::Query(value)| Self(value))
            .map_err(|error| Error::invalid(error.body_text()).into())
    }
}

/// Path parameters; one that is not of its type is an unknown thing: 404.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        axum::extract::Path::<T>::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Path(value)| Self(value))
            .map_err(|_| Error::not_found("The requested URL was not found on the server.").into())
    }
}

/// A form with files; any other body has no file in it.
pub struct Form(pub Multipart);

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let form = Multipart::from_request(request, state).await;
        form.map(Self).map_err(|_| Error::new(400, "no_file_uploaded", "Please upload your file.").into())
    }
}
