//! `/console/api`: what the Studio calls. Sessions by cookie, double-submit CSRF, roles.

mod access;
mod account;
mod agents;
mod annotation_reply;
mod annotations;
mod approvals;
mod apps;
mod audio;
mod data_sources;
mod datasets;
mod describe;
mod drafts;
mod explore;
mod explore_runs;
mod explore_templates;
mod explore_trials;
mod exports;
mod extensions;
mod figures;
mod gateway_keys;
mod generate;
mod guard;
mod human_input;
mod imports;
mod logs;
mod mcp_server;
mod members;
mod model_policies;
mod model_routes;
pub(crate) mod models;
mod network;
mod page_access;
pub(crate) mod pipelines;
mod playground;
mod provider_usage;
mod remote_files;
pub(crate) mod reset;
mod runs;
pub(crate) mod session;
mod site;
mod spend;
mod statistics;
pub(crate) mod system;
mod tags;
mod time_machine;
mod tools;
mod traces;
mod trigger_providers;
mod triggers;
mod view;
mod workflow;

use std::sync::Arc;

use axum::middleware;
use ox_app::Services;
use utoipa_axum::router::OpenApiRouter;

use crate::openapi::routes;

pub use access::RULES;
pub use guard::Caller;
pub(crate) use guard::cookie;
pub(crate) use session::set_cookie;

/// Every console route with its documentation.
pub fn router(services: &Arc<Services>) -> OpenApiRouter {
    OpenApiRouter::new()
        .merge(system::router())
        .merge(session::router())
        .merge(reset::router())
        .merge(account::router())
        .merge(members::router())
        .merge(network::router())
        .merge(models::router())
        .merge(model_policies::router())
        .merge(model_routes::router())
        .merge(spend::router())
        .merge(provider_usage::router())
        .merge(gateway_keys::router())
        .merge(playground::router())
        .merge(agents::router())
        .merge(apps::router())
        .merge(site::router())
        .merge(mcp_server::router())
        .merge(describe::router())
        .merge(generate::router())
        .merge(imports::router())
        .merge(tags::router())
        .merge(workflow::router())
        .merge(remote_files::router())
        .merge(runs::router(services))
        .merge(drafts::router())
        .merge(figures::router())
        .merge(time_machine::router())
        .merge(logs::router())
        .merge(annotation_reply::router())
        .merge(annotations::router())
        .merge(datasets::router())
        .merge(data_sources::router())
        .merge(pipelines::router())
        .merge(audio::router())
        .merge(exports::router())
        .merge(traces::router())
        .merge(statistics::router())
        .merge(explore::router())
        .merge(explore_runs::router())
        .merge(explore_templates::router())
        .merge(explore_trials::router())
        .merge(page_access::router())
        .merge(extensions::router())
        .merge(tools::router())
        .merge(human_input::router())
        .merge(approvals::router())
        .merge(triggers::router())
        .merge(trigger_providers::router())
        .routes(routes!(session::ping))
        .route_layer(middleware::from_fn_with_state(Arc::clone(services), guard::guard))
        .with_state(Arc::clone(services))
}

/// State of every console handler.
pub(crate) type App = axum::extract::State<Arc<Services>>;
