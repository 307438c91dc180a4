//! `/api`: what published pages call, with a visitor's passport (service API reference §11).

mod access;
mod approvals;
pub(crate) mod apps;
pub(crate) mod audio;
mod email_code;
pub(crate) mod generate;
mod human_input;
pub(crate) mod messages;
mod passport;
mod remote_files;
pub(crate) mod runs;
mod sign_in;

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, MatchedPath, Request, State},
    http::{HeaderMap, Method, header, request::Parts},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use ox_app::{Access, AppCaller, Error, Services, visits};
use utoipa_axum::router::OpenApiRouter;

pub use access::RULES;

use crate::{ApiError, access as rules, openapi::routes, service};

/// Every route of published pages with its documentation.
pub fn router(services: &Arc<Services>) -> OpenApiRouter {
    let uploads = OpenApiRouter::new()
        .routes(routes!(apps::upload))
        .routes(routes!(human_input::upload))
        .layer(service::body_limit(services))
        .route_layer(middleware::from_fn_with_state(Arc::clone(services), guard));
    let recordings = OpenApiRouter::new()
        .routes(routes!(audio::transcribe))
        .layer(service::recording_limit())
        .route_layer(middleware::from_fn_with_state(Arc::clone(services), guard));
    OpenApiRouter::new()
        .routes(routes!(sign_in::access_mode))
        .routes(routes!(sign_in::permission))
        .routes(routes!(sign_in::login))
        .routes(routes!(sign_in::logout))
        .routes(routes!(email_code::ask))
        .routes(routes!(email_code::validity))
        .routes(routes!(crate::console::reset::forgot))
        .routes(routes!(crate::console::reset::validity))
        .routes(routes!(crate::console::reset::resets))
        .routes(routes!(crate::console::system::system_features))
        .routes(routes!(passport::login_status))
        .routes(routes!(passport::passport))
        .routes(routes!(apps::site))
        .routes(routes!(apps::parameters))
        .routes(routes!(apps::meta))
        .routes(routes!(generate::chat))
        .routes(routes!(generate::completion, runs::completions))
        .routes(routes!(generate::run))
        .routes(routes!(runs::list))
        .routes(routes!(runs::detail))
        .routes(routes!(generate::stop_chat))
        .routes(routes!(generate::stop_completion))
        .routes(routes!(generate::stop_workflow))
        .routes(routes!(messages::conversations))
        .routes(routes!(messages::delete))
        .routes(routes!(messages::rename))
        .routes(routes!(messages::pin))
        .routes(routes!(messages::unpin))
        .routes(routes!(messages::list))
        .routes(routes!(messages::feedback))
        .routes(routes!(messages::suggested))
        .routes(routes!(messages::more_like_this))
        .routes(routes!(messages::saved, messages::save))
        .routes(routes!(messages::unsave))
        .routes(routes!(human_input::read, human_input::submit))
        .routes(routes!(approvals::list))
        .routes(routes!(approvals::answer))
        .routes(routes!(human_input::events))
        .routes(routes!(audio::speak))
        .routes(routes!(remote_files::look))
        .routes(routes!(remote_files::keep))
        .route_layer(middleware::from_fn_with_state(Arc::clone(services), guard))
        .merge(uploads)
        .merge(recordings)
        .with_state(Arc::clone(services))
}

/// State of every handler here.
pub(crate) type App = State<Arc<Services>>;

/// The visitor, for handlers of guarded routes.
#[derive(Clone)]
pub struct Visitor(pub AppCaller);

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let found = parts.extensions.get::<Self>().cloned();
        found.ok_or_else(|| Error::unauthorized("App token is missing.").into())
    }
}

/// Lets a request through if it fulfils what its route asks.
async fn guard(State(services): State<Arc<Services>>, mut request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or_default();
    let route = path.strip_prefix("/api").unwrap_or(path);
    let Some(rule) = rules::find(RULES, request.method(), route) else {
        return ApiError(service::without_rule(RULES, route)).into_response();
    };
    if rule == Access::Visitor {
        match visits::visitor(&services, token(request.headers()).as_deref()).await {
            Ok(caller) => {
                if asks(request.method(), route)
                    && let Err(error) = visits::count(&services, &caller).await
                {
                    return ApiError(error).into_response();
                }
                request.extensions_mut().insert(Visitor(caller));
            }
            Err(error) => return ApiError(error).into_response(),
        }
    }
    next.run(request).await
}

/// Whether a model is asked for something.
fn asks(method: &Method, route: &str) -> bool {
    match route {
        "/chat-messages" | "/completion-messages" | "/workflows/run" | "/audio-to-text" | "/text-to-audio" => {
            *method == Method::POST
        }
        route => route.ends_with("/more-like-this"),
    }
}

/// The passport in its header, as a bearer token, or in the page's cookie.
pub(crate) fn token(headers: &HeaderMap) -> Option<String> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).filter(|text| !text.is_empty());
    if let Some(passport) = text("x-app-passport") {
        return Some(passport.to_owned());
    }
    let bearer = text(header::AUTHORIZATION.as_str()).and_then(|value| value.split_once(' '));
    if let Some((scheme, token)) = bearer
        && scheme.eq_ignore_ascii_case("bearer")
    {
        return Some(token.trim().to_owned());
    }
    let code = text("x-app-code")?;
    let cookies = text(header::COOKIE.as_str())?;
    cookies.split(';').filter_map(|pair| pair.trim().split_once('=')).find_map(|(name, value)| {
        let name = name.strip_prefix("__Host-").unwrap_or(name);
        (name.strip_prefix("passport-") == Some(code)).then(|| value.to_owned())
    })
}

/// The address code of the page.
pub(crate) fn code(headers: &HeaderMap) -> Option<&str> {
    headers.get("x-app-code").and_then(|value| value.to_str().ok())
}
