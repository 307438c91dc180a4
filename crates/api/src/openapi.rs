//! The OpenAPI document of every surface, made from the handlers.

use utoipa::openapi::{
    InfoBuilder, OpenApi, OpenApiBuilder,
    security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme},
};

/// The empty document into which the surfaces are merged.
#[must_use]
pub fn base() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Oxidify")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "HTTP interface of Oxidify. `/v1` is the Service API (app keys), `/api` serves published apps \
             (passports), `/console/api` serves the Studio (session cookies and `X-CSRF-Token`), `/mcp` serves apps as tools. Times are Unix \
             seconds, ids are UUIDs, errors are `{code, message, status}`.",
        ))
        .license(Some(utoipa::openapi::LicenseBuilder::new().name("Apache-2.0").build()))
        .build();
    let mut document = OpenApiBuilder::new().info(info).build();
    let mut components = utoipa::openapi::Components::new();
    components.add_security_scheme("app_key", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    components.add_security_scheme("passport", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new("access_token"))));
    document.components = Some(components);
    document
}
