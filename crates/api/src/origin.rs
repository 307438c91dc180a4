//! Where this server is reached, as its caller reached it.

use axum::http::{HeaderMap, header};
use ox_app::Services;

/// Scheme, host and port of a request, without a slash at the end.
pub fn of_request(services: &Services, headers: &HeaderMap) -> String {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let forwarded = |name: &str| {
        let value = text(name).filter(|_| services.settings.trust_forwarded_headers)?;
        value.split(',').next().map(str::trim)
    };
    let scheme = forwarded("x-forwarded-proto").unwrap_or("http");
    let host = forwarded("x-forwarded-host").or_else(|| text(header::HOST.as_str())).unwrap_or("localhost");
    format!("{scheme}://{host}")
}
