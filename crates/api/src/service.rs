//! `/v1`: the Service API, called with an app's key (service API reference §§1–9, 12).

mod access;
mod annotation_reply;
mod annotations;
pub(crate) mod answer;
mod approvals;
mod audio;
mod conversations;
mod datasets;
mod docs;
mod end_users;
mod fields;
mod files;
pub(crate) mod frames;
mod generate;
mod human_input;
mod info;
mod messages;
mod once;
pub(crate) mod openai;
mod scopes;
mod workflows;

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, MatchedPath, Request, State},
    http::{HeaderMap, header, request::Parts},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use ox_app::{
    Access, Error, Services, api_keys,
    knowledge::keys,
    runs::{Key, PublishedApp},
};
use utoipa_axum::router::OpenApiRouter;

pub use access::RULES;
// Web apps speak in the same shapes.
pub(crate) use self::{
    answer::streaming,
    approvals::{ApprovalAnswer, ApprovalList, verdict_of},
    audio::{SpeechBody, TranscriptBody, recording, recording_limit, sound, spoken},
    conversations::{ConversationBody, ConversationPage, list_query, name_of},
    datasets::{
        ChildContentBody, DocumentIdsBody, DownloadBody, FieldNameBody, NewFieldBody, attachment_url, detail_of,
        fields_of, members, repeated, segment_files, switched, zipped,
    },
    docs::{ChatRequest, FeedbackBody, NameBody, ResultBody, RunRequestBody, UploadBody},
    fields::{Fields, from_query},
    files::{FileBody, body_limit, content, form, multipart_error, parts},
    frames::Detail,
    generate::{common, success},
    human_input::{FormAnswer, FormBody, answer_of, site_of},
    info::MetaBody,
    messages::{MessagePage, ask as ask_messages, item as message_item, rating},
    workflows::wanted,
};

use crate::{ApiError, access as rules, openapi::routes};

/// Every Service API route with its documentation.
pub fn router(services: &Arc<Services>) -> OpenApiRouter {
    let uploads = OpenApiRouter::new()
        .routes(routes!(files::upload))
        .layer(body_limit(services))
        .route_layer(middleware::from_fn_with_state(Arc::clone(services), guard));
    let recordings = OpenApiRouter::new()
        .routes(routes!(audio::transcribe))
        .layer(recording_limit())
        .route_layer(middleware::from_fn_with_state(Arc::clone(services), guard));
    OpenApiRouter::new()
        .routes(routes!(info::index))
        .routes(routes!(generate::chat))
        .routes(routes!(generate::completion))
        .routes(routes!(generate::run))
        .routes(routes!(generate::run_version))
        .routes(routes!(generate::stop_chat))
        .routes(routes!(generate::stop_completion))
        .routes(routes!(generate::stop_workflow))
        .routes(routes!(workflows::detail))
        .routes(routes!(workflows::logs))
        .routes(routes!(workflows::events))
        .routes(routes!(human_input::read, human_input::submit))
        .routes(routes!(approvals::list))
        .routes(routes!(approvals::answer))
        .routes(routes!(info::info))
        .routes(routes!(info::parameters))
        .routes(routes!(info::meta))
        .routes(routes!(info::site))
        .routes(routes!(files::preview))
        .routes(routes!(conversations::list))
        .routes(routes!(conversations::delete))
        .routes(routes!(conversations::rename))
        .routes(routes!(conversations::variables))
        .routes(routes!(conversations::set_variable))
        .routes(routes!(messages::list))
        .routes(routes!(messages::feedback))
        .routes(routes!(messages::app_feedbacks))
        .routes(routes!(messages::suggested))
        .routes(routes!(openai::chat))
        .routes(routes!(openai::models))
        .routes(routes!(openai::model))
        .routes(routes!(annotation_reply::switch))
        .routes(routes!(annotation_reply::state))
        .routes(routes!(annotations::list, annotations::create))
        .routes(routes!(annotations::update, annotations::delete))
        .routes(routes!(audio::speak))
        .routes(routes!(end_users::find))
        .merge(datasets::router(services))
        .route_layer(middleware::from_fn_with_state(Arc::clone(services), guard))
        .merge(uploads)
        .merge(recordings)
        .with_state(Arc::clone(services))
}

/// The greeting under its address with a slash, which a nested router does not match.
pub fn root(services: &Arc<Services>) -> axum::Router {
    axum::Router::new().route("/v1/", axum::routing::get(info::index)).with_state(Arc::clone(services))
}

/// State of every handler here.
pub(crate) type App = State<Arc<Services>>;

/// The app whose key was given, for handlers of guarded routes.
#[derive(Clone)]
pub struct KeyApp(pub Arc<PublishedApp>);

impl<S: Send + Sync> FromRequestParts<S> for KeyApp {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let found = parts.extensions.get::<Self>().cloned();
        found.ok_or_else(|| Error::unauthorized("Access token is invalid").into())
    }
}

/// The key itself, for what counts against its limits.
#[derive(Clone, Copy)]
pub struct GivenKey(pub Key);

impl<S: Send + Sync> FromRequestParts<S> for GivenKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let found = parts.extensions.get::<Self>().copied();
        found.ok_or_else(|| Error::unauthorized("Access token is invalid").into())
    }
}

/// Lets a request through if it fulfils what its route asks.
async fn guard(State(services): State<Arc<Services>>, mut request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned()).unwrap_or_default();
    let route = path.strip_prefix("/v1").unwrap_or(&path);
    let route = if route.is_empty() { "/" } else { route };
    let rule = match rules::find(RULES, request.method(), route) {
        Some(rule) => rule,
        None => return ApiError(without_rule(RULES, route)).into_response(),
    };
    if rule == Access::DatasetKey {
        let named = datasets::named(route, request.uri().path());
        let opened = match named {
            Ok(dataset) => keys::open(&services, bearer(request.headers()), dataset).await,
            Err(error) => Err(error),
        };
        match opened {
            Ok(principal) => drop(request.extensions_mut().insert(datasets::KeyHolder(principal))),
            Err(error) => return ApiError(error).into_response(),
        }
    }
    if rule == Access::AppKey {
        let scope = scopes::of(request.method(), route);
        match api_keys::open(&services, bearer(request.headers()), scope).await {
            Ok(api_keys::Opened { app, key }) => {
                request.extensions_mut().insert(KeyApp(app));
                request.extensions_mut().insert(GivenKey(key));
            }
            Err(error) if route.starts_with("/openai/") => return openai::refusal(error),
            Err(error) => return ApiError(error).into_response(),
        }
    }
    next.run(request).await
}

/// A route without an entry is closed, not open; a known path with another method is a 405.
pub(crate) fn without_rule(table: &'static [rules::Rule], route: &str) -> Error {
    if table.iter().any(|rule| rule.path == route) {
        Error::new(405, "method_not_allowed", "The method is not allowed for the requested URL.")
    } else {
        Error::forbidden("This route has no access rule.")
    }
}

pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok())
}
