//! The OpenAPI document of every surface, made from the handlers.

use std::cell::Cell;

use utoipa::openapi::{
    Content, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, ResponseBuilder,
    path::{Operation, ParameterIn, PathItem},
    security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme},
};

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
        for operation in operations(item) {
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

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, options, head, patch, trace, .. } = item;
    [get, put, post, delete, options, head, patch, trace].into_iter().flatten()
}
