//! `x-oxidify-cache`: what a caller wishes of answers that are kept, and what they had for it.

use axum::{
    http::{HeaderMap, HeaderValue},
    response::Response,
};
use ox_app::{Error, providers::CacheState};
use ox_models::CacheWish;

const HEADER: &str = "x-oxidify-cache";

/// What a request asks for.
///
/// # Errors
/// 400 for a word that is none.
pub(super) fn wish(headers: &HeaderMap) -> Result<CacheWish, Error> {
    let Some(value) = headers.get(HEADER) else { return Ok(CacheWish::AsSet) };
    match value.to_str().map(str::trim) {
        Ok("always") => Ok(CacheWish::Always),
        Ok("never") => Ok(CacheWish::Never),
        Ok("") => Ok(CacheWish::AsSet),
        _ => Err(Error::invalid_field(HEADER, format!("The header {HEADER} is always or never."))),
    }
}

/// An answer that says whether it was kept; nothing where none are.
pub(super) fn marked(mut response: Response, state: Option<CacheState>) -> Response {
    if let Some(state) = state {
        response.headers_mut().insert(HEADER, HeaderValue::from_static(state.as_str()));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_read() {
        for (value, expected) in [
            (None, Some(CacheWish::AsSet)),
            (Some(""), Some(CacheWish::AsSet)),
            (Some("always"), Some(CacheWish::Always)),
            (Some(" never "), Some(CacheWish::Never)),
            (Some("hit"), None),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(value) = value {
                headers.insert(HEADER, HeaderValue::from_static(value));
            }
            assert_eq!(wish(&headers).ok(), expected, "{value:?}");
        }
    }
}
