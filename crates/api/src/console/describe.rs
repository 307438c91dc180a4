//! An app of one sentence (ours).

use axum::{Json, extract::State};
use ox_app::{
    Services,
    describe::{self, Described},
};
use ox_types::AppId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::{App, guard::Caller};
use crate::{ApiResult, error::ErrorBody, extract::Body, openapi::routes};

pub fn router() -> OpenApiRouter<std::sync::Arc<Services>> {
    OpenApiRouter::new().routes(routes!(describe_app))
}

/// A job in words.
#[derive(Deserialize, ToSchema)]
pub struct DescribeBody {
    /// What the app is to do; at most 2,000 characters.
    #[serde(default)]
    description: String,
}

/// What became of it.
#[derive(Serialize, ToSchema)]
pub struct DescribedView {
    /// `completed`, or `unusable` when the model's answer makes no app.
    status: &'static str,
    #[schema(value_type = Option<Uuid>)]
    app_id: Option<AppId>,
    app_mode: Option<String>,
    /// What is wrong with the answer.
    problems: Vec<String>,
    /// The model's last answer, when nothing was made of it.
    answer: String,
}

/// The workspace's default model plans an app, which becomes a draft. A client that leaves ends the call.
#[utoipa::path(post, path = "/apps/describe", tag = "imports", request_body = DescribeBody,
    responses((status = 200, body = DescribedView), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn describe_app(
    State(services): App,
    Caller(caller): Caller,
    Body(body): Body<DescribeBody>,
) -> ApiResult<Json<DescribedView>> {
    let view = match describe::describe(&services, &caller, &body.description).await? {
        Described::Made(made) => DescribedView {
            status: "completed",
            app_id: made.app_id,
            app_mode: made.app_mode,
            problems: Vec::new(),
            answer: String::new(),
        },
        Described::Unusable { why, answer } => {
            DescribedView { status: "unusable", app_id: None, app_mode: None, problems: why, answer }
        }
    };
    Ok(Json(view))
}
