//! The OpenAPI document of every surface, made from the handlers.

use std::cell::Cell;

use axum::http::StatusCode;
use ox_app::Access;
use utoipa::openapi::{
    Content, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, ResponseBuilder,
    path::{Operation, ParameterIn, PathItem},
    security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
};

use crate::access::Rule;

thread_local! {
    static DESCRIBING: Cell<bool> = const { Cell::new(false) };
}

/// Builds routers that describe their routes. A server that only serves them spares itself the descriptions, a large part
/// of its start and of what it keeps in memory.
pub fn described<T>(build: impl FnOnce() -> T) -> T {
    let before = DESCRIBING.replace(true);
    let built = build();
    DESCRIBING.set(before);
    built
}

pub fn is_describing() -> bool {
    DESCRIBING.get()
}

/// The routes of handlers, as `utoipa_axum::routes!` makes them; their descriptions only inside [`described`].
macro_rules! routes {
    ($($handler:path),+ $(,)?) => {{
        use utoipa_axum::PathItemExt as _;
        let mut schemas = Vec::<(String, utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>)>::new();
        let mut paths = utoipa::openapi::path::Paths::new();
        let mut router = axum::routing::MethodRouter::new();
        $(
            let (path, operation, methods) = if $crate::openapi::is_describing() {
                utoipa_axum::routes!(@resolve_types $handler : schemas)
            } else {
                utoipa_axum::paste! {
                    let path = utoipa_axum::routes!(@path [path()] of $handler);
                    let methods = utoipa_axum::routes!(@path [methods()] of $handler);
                    (path, utoipa::openapi::path::Operation::default(), methods)
                }
            };
            router = methods.iter().fold(router, |router, method| router.on(method.to_method_filter(), $handler));
            paths.add_path_operation(&path, methods, operation);
        )+
        (schemas, paths, router)
    }};
}
pub(crate) use routes;

/// The empty document into which the surfaces are merged.
#[must_use]
pub fn base() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Oxidify")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "HTTP interface of Oxidify. `/v1` is the Service API (app keys), `/api` serves published apps \
             (passports), `/console/api` serves the Studio (session cookies and `X-CSRF-Token`), `/mcp` serves apps as tools, `/gateway/v1` the models of a workspace in OpenAI's words (gateway keys). Times are Unix \
             seconds, ids are UUIDs, errors are `{code, message, status}`.",
        ))
        .license(Some(utoipa::openapi::LicenseBuilder::new().name("Apache-2.0").build()))
        .build();
    let mut document = OpenApiBuilder::new().info(info).build();
    let mut components = utoipa::openapi::Components::new();
    components.add_security_scheme("app_key", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    components.add_security_scheme("gateway_key", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    components.add_security_scheme("passport", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new("access_token"))));
    document.components = Some(components);
    document
}

/// Errors that a request can meet whatever it asks for: status, name of the response, what it means.
const ERRORS: [(&str, &str, &str); 8] = [
    ("400", "BadRequest", "Something in the request is wrong; `message` says what, `params` which field."),
    ("401", "Unauthorized", "No valid key, session or passport."),
    ("403", "Forbidden", "This key, account or role may not do it."),
    ("404", "NotFound", "There is no such thing, or it belongs to somebody else."),
    ("413", "TooLarge", "The body is longer than the limit of this route."),
    ("415", "UnsupportedMediaType", "The body is of a type that this route does not read."),
    ("429", "TooManyRequests", "More than a limit allows; `Retry-After` tells the seconds to wait, where it is known."),
    ("503", "Unavailable", "Something that the server needs is away, or too much is waiting. Try again."),
];

/// Adds to every operation the errors that its kind can answer, where it does not describe them itself.
#[must_use]
pub fn with_errors(mut document: OpenApi) -> OpenApi {
    for item in document.paths.paths.values_mut() {
        for (_, operation) in methods(item) {
            let has_body = operation.request_body.is_some();
            let names_something = operation.parameters.iter().flatten().any(
                |parameter| matches!(parameter, RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Path),
            );
            for (status, name, _) in ERRORS {
                let applies = match status {
                    "404" => names_something,
                    "413" | "415" => has_body,
                    _ => true,
                };
                if applies {
                    let missing = operation.responses.responses.entry(status.to_owned());
                    missing.or_insert_with(|| RefOr::Ref(Ref::from_response_name(name)));
                }
            }
        }
    }
    let components = document.components.get_or_insert_default();
    for (_, name, meaning) in ERRORS {
        let content = Content::new(Some(Ref::from_schema_name("ErrorBody")));
        let response = ResponseBuilder::new().description(meaning).content("application/json", content).build();
        components.responses.insert(name.to_owned(), RefOr::T(response));
    }
    document
}

/// Says of every operation which key it takes, as its entry in the access table does.
#[must_use]
pub fn with_security(mut surface: OpenApi, rules: &[Rule]) -> OpenApi {
    for (path, item) in &mut surface.paths.paths {
        for (method, operation) in methods(item) {
            let rule = rules.iter().find(|rule| rule.method.as_str() == method && rule.path == path);
            let scheme = match rule.map(|rule| rule.access) {
                Some(Access::Member | Access::MemberWith(_)) => "session",
                Some(Access::AppKey | Access::DatasetKey) => "app_key",
                Some(Access::GatewayKey) => "gateway_key",
                Some(Access::Visitor) => "passport",
                Some(Access::Public | Access::AfterSetup | Access::Signed) | None => continue,
            };
            operation.security.get_or_insert_with(|| vec![SecurityRequirement::new(scheme, Vec::<String>::new())]);
        }
    }
    surface
}

/// What the standard asks for beside what the handlers say: a name of its own for each operation, a text for each answer.
#[must_use]
pub fn completed(mut document: OpenApi) -> OpenApi {
    let paths = std::mem::take(&mut document.paths.paths);
    document.paths.paths = paths.into_iter().map(|(path, item)| (path.replace("{*", "{"), item)).collect();
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in methods(item) {
            operation.operation_id = Some(name_of(method, path));
            for (status, response) in &mut operation.responses.responses {
                if let RefOr::T(response) = response
                    && response.description.is_empty()
                {
                    meaning_of(status).clone_into(&mut response.description);
                }
            }
        }
    }
    document
}

/// `GET /v1/apps/{app_id}` is `get_v1_apps_by_app_id`.
fn name_of(method: &str, path: &str) -> String {
    let segments = path.split('/').filter(|segment| !segment.is_empty()).map(|segment| {
        match segment.strip_prefix('{').and_then(|segment| segment.strip_suffix('}')) {
            Some(name) => format!("by_{name}"),
            None => segment.replace(|c: char| !c.is_ascii_alphanumeric() && c != '-', "_"),
        }
    });
    [method.to_ascii_lowercase()].into_iter().chain(segments).collect::<Vec<_>>().join("_")
}

fn meaning_of(status: &str) -> &'static str {
    let known = ERRORS.iter().find(|(known, ..)| *known == status).map(|(_, _, meaning)| *meaning);
    let usual = || StatusCode::from_bytes(status.as_bytes()).ok().and_then(|status| status.canonical_reason());
    known.or_else(usual).unwrap_or("Another answer.")
}

fn methods(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let PathItem { get, put, post, delete, options, head, patch, trace, .. } = item;
    let named = [
        ("GET", get),
        ("PUT", put),
        ("POST", post),
        ("DELETE", delete),
        ("OPTIONS", options),
        ("HEAD", head),
        ("PATCH", patch),
        ("TRACE", trace),
    ];
    named.into_iter().filter_map(|(name, operation)| Some((name, operation.as_mut()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_named_by_their_routes() {
        for (method, path, expected) in [
            ("GET", "/v1/", "get_v1"),
            ("POST", "/v1/chat-messages", "post_v1_chat-messages"),
            ("DELETE", "/v1/a/{app_id}/b_c", "delete_v1_a_by_app_id_b_c"),
            ("GET", "/v1/models/{name}", "get_v1_models_by_name"),
        ] {
            assert_eq!(name_of(method, path), expected);
        }
        assert_eq!((meaning_of("204"), meaning_of("412")), ("No Content", "Precondition Failed"));
        assert!(meaning_of("429").contains("Retry-After"));
    }
}
