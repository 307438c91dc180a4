//! The front end inside the binary, as answers to requests.

use axum::{
    Json,
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

/// The file, or the page, of a path.
pub fn answer(path: &str) -> Response {
    let name = path.trim_start_matches('/');
    let found = if name.is_empty() { None } else { ox_web::asset(name) };
    let is_file = found.is_some();
    let Some(asset) = found.or_else(|| (!name.contains('.')).then(|| ox_web::page(path)).flatten()) else {
        let known = ox_web::page("/").is_some();
        let text = if known { "There is no such page." } else { "The UI is not built: run `make web`." };
        return (StatusCode::NOT_FOUND, Json(serde_json::json!({"code": "not_found", "message": text, "status": 404})))
            .into_response();
    };
    let cache = if asset.immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut response = Response::new(Body::from(asset.bytes));
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&asset.content_type) {
        headers.insert(header::CONTENT_TYPE, value);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    let published = path.starts_with("/chat") || path.starts_with("/completion") || path.starts_with("/workflow");
    if !is_file && !published {
        // The Studio is never framed, but frames its own apps; published pages are made to be embedded.
        let is_ours = path.starts_with("/installed/") || path.starts_with("/trial/");
        let rule = if is_ours { "SAMEORIGIN" } else { "DENY" };
        headers.insert("x-frame-options", HeaderValue::from_static(rule));
    }
    response
}
