//! The router of the whole server: surfaces, the Studio's files, and what wraps every request.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use futures::StreamExt;
use ox_app::{Error, Services};
use tokio::sync::OnceCell;
use tower::Layer as _;
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{
        CompressionLayer, Predicate,
        predicate::{DefaultPredicate, NotForContentType},
    },
    cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer},
};
use tracing::Instrument;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    ApiError, access::Rule, console, docs, files_route, gateway, health, mcp, openapi, service, triggers, webapp, whole,
};

/// Largest body of an ordinary route; uploads have their own limit.
const BODY_LIMIT: usize = 12 * 1024 * 1024;
/// Up to here a body that is too large is read away before it is refused.
const DRAIN_LIMIT: usize = 128 * 1024 * 1024;
/// For as long as this.
const DRAIN_TIME: Duration = Duration::from_secs(20);
/// Prefixes that belong to the server: an unknown path below one is a JSON 404, never the UI.
const SERVER_PREFIXES: &[&str] = &[
    "/console/api",
    "/v1",
    "/api",
    "/files",
    "/mcp",
    "/triggers",
    "/e",
    "/inner",
    "/openapi",
    "/gateway",
    "/graphql",
    "/socket.io",
    "/openapi.json",
    "/health",
    "/metrics",
];

/// What answers a path that no surface has: the front end. The binary hands it in, so that a new UI is no new API.
pub type Ui = fn(&str) -> Response;

/// The answer of a server without a front end.
pub fn no_ui(_: &str) -> Response {
    ApiError(Error::not_found("There is no such page: this server has no UI inside.")).into_response()
}

/// The complete router.
///
/// Provider ids contain slashes, which a path segment cannot: the outer layer joins their parts before routing.
#[expect(clippy::needless_pass_by_value, reason = "the server keeps it; a reference would be cloned by every caller")]
pub fn router(services: Arc<Services>, ui: Ui) -> Router {
    let routes = routes(&services, ui);
    Router::new().fallback_service(tower::util::MapRequestLayer::new(join_provider_id).layer(routes))
}

/// What stands before a provider's id, and the literal segments that may follow it.
const PROVIDERS: &[(&str, &[&str])] = &[
    ("/model-providers/", &["credentials", "models", "preferred-provider-type", "icon_small", "icon_small_dark"]),
    ("/agent-provider/", &[]),
    ("/trigger-provider/", &["info", "icon", "subscriptions", "oauth"]),
];

fn join_provider_id(mut request: Request) -> Request {
    let path = request.uri().path();
    let split = PROVIDERS.iter().find_map(|(before, after)| {
        let (head, rest) = path.split_once(before).filter(|(head, _)| head.starts_with("/console/api/workspaces/"))?;
        Some((*before, *after, head, rest))
    });
    let Some((before, after, head, rest)) = split else { return request };
    let segments: Vec<&str> = rest.split('/').collect();
    let end = match after {
        [] => Some(segments.len()),
        after => segments.iter().position(|segment| after.contains(segment)),
    };
    let Some(end) = end.filter(|end| *end > 1) else {
        return request;
    };
    let (id, tail) = segments.split_at(end);
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    let tail: String = tail.iter().map(|segment| format!("/{segment}")).collect();
    let joined = format!("{head}{before}{}{tail}{query}", id.join("%2F"));
    if let Ok(uri) = joined.parse() {
        *request.uri_mut() = uri;
    }
    request
}

fn routes(services: &Arc<Services>, ui: Ui) -> Router {
    // The answer to another method stands within the headers for other sites: their browsers ask with one.
    let routes = |surface: OpenApiRouter| Router::from(surface).method_not_allowed_fallback(method_not_allowed);
    let document_json = Arc::new(OnceCell::new());
    Router::new()
        .nest("/v1", routes(service::router(services)).layer(public_cors()))
        .nest("/api", routes(webapp::router(services)).layer(web_cors(&services.settings.web_cors_origins)))
        .nest("/console/api", routes(console::router(services)).layer(console_cors(&services.settings)))
        .nest("/mcp", routes(mcp::router(services)).layer(public_cors()))
        .nest("/gateway/v1", routes(gateway::router(services)).layer(public_cors()))
        .merge(service::root(services).layer(public_cors()))
        .merge(files_route::router(services))
        .merge(health::router(services))
        .merge(triggers::router(services))
        .merge(docs::router(services))
        .route(
            "/openapi.json",
            get({
                let services = Arc::clone(services);
                move || serve_document(services, document_json)
            }),
        )
        .fallback(move |method: Method, uri: Uri| async move { fallback(ui, &method, &uri) })
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(
            CompressionLayer::new()
                .compress_when(DefaultPredicate::new().and(NotForContentType::const_new("text/event-stream"))),
        )
        .layer(CatchPanicLayer::custom(panic_response))
        .layer(middleware::from_fn(refuse_large))
        .layer(middleware::from_fn_with_state(Arc::clone(services), observe))
        .layer(middleware::from_fn(whole::whole))
}

/// The document, made when it is asked for the first time.
async fn serve_document(services: Arc<Services>, made: Arc<OnceCell<Bytes>>) -> Response {
    let make = move || serde_json::to_vec(&document(&services)).map(Bytes::from);
    let make = async { tokio::task::spawn_blocking(make).await.map_err(Error::internal)?.map_err(Error::internal) };
    match made.get_or_try_init(|| make).await {
        Ok(json) => ([(header::CONTENT_TYPE, "application/json")], json.clone()).into_response(),
        Err(error) => ApiError(error).into_response(),
    }
}

fn json_length(headers: &HeaderMap) -> usize {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_json = text(header::CONTENT_TYPE).to_ascii_lowercase().contains("json");
    if is_json { text(header::CONTENT_LENGTH).parse().unwrap_or_default() } else { 0 }
}

/// Refuses a JSON body that says it is too large, after reading it away: most clients read the answer only when they
/// have sent everything, and see a broken connection otherwise.
async fn refuse_large(request: Request, next: Next) -> Response {
    let length = json_length(request.headers());
    let is_openai = request.uri().path().starts_with("/gateway/");
    if length <= BODY_LIMIT {
        return next.run(request).await;
    }
    if length <= DRAIN_LIMIT {
        let mut pieces = request.into_body().into_data_stream();
        let drained = async { while let Some(Ok(_)) = pieces.next().await {} };
        // One that is still not through then is cut off.
        let _ = tokio::time::timeout(DRAIN_TIME, drained).await;
    }
    let limit = BODY_LIMIT / 1024 / 1024;
    let text = format!(
        "The request body has {length} bytes, more than the {limit} MB that this server accepts. Send large texts as files."
    );
    let error = Error::new(413, "request_entity_too_large", text);
    if is_openai { service::openai::refusal(error) } else { ApiError(error).into_response() }
}

/// The OpenAPI document of all surfaces, with their prefixes.
#[must_use]
pub fn document(services: &Arc<Services>) -> utoipa::openapi::OpenApi {
    openapi::described(|| {
        let surfaces: [(&str, OpenApiRouter, &[Rule]); 5] = [
            ("/v1", service::router(services), service::RULES),
            ("/api", webapp::router(services), webapp::RULES),
            ("/console/api", console::router(services), console::RULES),
            ("/mcp", mcp::router(services), mcp::RULES),
            ("/gateway/v1", gateway::router(services), gateway::RULES),
        ];
        let all = surfaces.into_iter().fold(openapi::base(), |all, (prefix, surface, rules)| {
            all.nest(prefix, openapi::with_security(surface.into_openapi(), rules))
        });
        openapi::completed(openapi::with_errors(all))
    })
}

fn public_cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::any())
        .allow_methods(AllowMethods::list([
            Method::GET,
            Method::PUT,
            Method::POST,
            Method::DELETE,
            Method::OPTIONS,
            Method::PATCH,
        ]))
        .allow_headers(AllowHeaders::list(names(&[
            "content-type",
            "x-app-code",
            "x-app-passport",
            "authorization",
            // Ours: names of requests, and streams that are taken up again.
            "idempotency-key",
            "last-event-id",
            "x-stream-ids",
        ])))
        .expose_headers(names(&["x-version", "x-env", "x-trace-id", "retry-after"]))
}

fn web_cors(origins: &[String]) -> CorsLayer {
    let layer = CorsLayer::new()
        .allow_methods(AllowMethods::mirror_request())
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(names(&["x-version", "x-env", "x-trace-id"]));
    if origins.iter().any(|origin| origin == "*") {
        layer.allow_origin(AllowOrigin::mirror_request()).allow_credentials(true)
    } else {
        layer.allow_origin(list(origins)).allow_credentials(true)
    }
}

fn console_cors(settings: &ox_app::Settings) -> CorsLayer {
    // `*` with cookies would let every site act for the user: only the named origins are allowed.
    let mut origins: Vec<String> = settings.console_cors_origins.iter().filter(|o| *o != "*").cloned().collect();
    if !settings.console_web_url.is_empty() {
        origins.push(settings.console_web_url.clone());
    }
    CorsLayer::new()
        .allow_origin(list(&origins))
        .allow_credentials(true)
        .allow_methods(AllowMethods::mirror_request())
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(names(&["x-version", "x-env", "x-trace-id"]))
}

fn list(origins: &[String]) -> AllowOrigin {
    AllowOrigin::list(origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()).collect::<Vec<_>>())
}

fn names(list: &[&'static str]) -> Vec<HeaderName> {
    list.iter().map(|name| HeaderName::from_static(name)).collect()
}

/// Request id, span, metrics and the headers that every answer carries.
async fn observe(State(services): State<Arc<Services>>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let request_id = ox_app::request_id();
    let span = tracing::info_span!("http", %method, path, request_id);
    let in_flight = InFlight::new();
    let mut response = next.run(request).instrument(span.clone()).await;
    drop(in_flight);
    let status = response.status();
    let route = route.unwrap_or_else(|| "other".to_owned());
    let class = format!("{}xx", status.as_u16() / 100);
    metrics::counter!("oxidify_http_requests_total", "route" => route.clone(), "method" => method.to_string(), "status_class" => class)
        .increment(1);
    metrics::histogram!("oxidify_http_request_duration_seconds", "route" => route, "method" => method.to_string())
        .record(started.elapsed().as_secs_f64());
    tracing::debug!(parent: &span, status = status.as_u16(), ms = started.elapsed().as_millis() as u64, "request");
    let headers = response.headers_mut();
    headers.insert("x-version", HeaderValue::from_static(env!("CARGO_PKG_VERSION")));
    if let Ok(value) = HeaderValue::from_str(&services.settings.deploy_env) {
        headers.insert("x-env", value);
    }
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        headers.insert("x-trace-id", value);
    }
    headers.entry("x-content-type-options").or_insert(HeaderValue::from_static("nosniff"));
    response
}

/// Counts a request while it is handled, also when its client leaves.
struct InFlight;

impl InFlight {
    fn new() -> Self {
        metrics::gauge!("oxidify_http_in_flight").increment(1.0);
        Self
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        metrics::gauge!("oxidify_http_in_flight").decrement(1.0);
    }
}

fn panic_response(_: Box<dyn std::any::Any + Send + 'static>) -> Response {
    ApiError(Error::internal("a handler panicked")).into_response()
}

async fn method_not_allowed() -> ApiError {
    no_method()
}

fn no_method() -> ApiError {
    ApiError(Error::new(405, "method_not_allowed", "The method is not allowed for the requested URL."))
}

/// Unknown server paths are JSON 404s; everything else is the UI.
fn fallback(ui: Ui, method: &Method, uri: &Uri) -> Response {
    let path = uri.path();
    if SERVER_PREFIXES
        .iter()
        .any(|prefix| path == *prefix || path.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/')))
    {
        return ApiError(Error::not_found(format!("The requested URL {path} was not found on the server.")))
            .into_response();
    }
    if method != Method::GET && method != Method::HEAD {
        return no_method().into_response();
    }
    ui(path)
}
