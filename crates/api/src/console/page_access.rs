//! Who may open the published page of an app (reference §19, `enterprise/webapp`).

use axum::{Json, extract::State};
use ox_app::{
    Error, Services,
    model::Account,
    page_access::{self, PageAccess},
};
use ox_types::{AccountId, AppId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{App, guard::Caller, view::Done};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Query},
    openapi::routes,
};

pub fn router() -> OpenApiRouter<std::sync::Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(read, write))
        .routes(routes!(subjects))
        .routes(routes!(search))
        .routes(routes!(permission))
}

/// Which app.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(rename_all = "camelCase")]
struct AppQuery {
    #[param(value_type = Uuid)]
    app_id: AppId,
}

/// Who may open the page.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccessMode {
    /// `public`, `private_all`: the members of the workspace, `private`: some of them.
    access_mode: &'static str,
}

#[utoipa::path(get, path = "/enterprise/webapp/app/access-mode", tag = "site", params(AppQuery),
    responses((status = 200, body = AccessMode), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn read(
    State(services): App,
    Caller(caller): Caller,
    Query(query): Query<AppQuery>,
) -> ApiResult<Json<AccessMode>> {
    let (access, _) = page_access::get(&services, &caller, query.app_id).await?;
    Ok(Json(AccessMode { access_mode: access.mode() }))
}

/// Somebody who may.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Subject {
    subject_id: Uuid,
    /// `account`
    subject_type: String,
}

/// Who may open the page from now on.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangeAccess {
    #[schema(value_type = Uuid)]
    app_id: AppId,
    access_mode: String,
    /// Of `private`.
    #[serde(default)]
    subjects: Vec<Subject>,
}

#[utoipa::path(post, path = "/enterprise/webapp/app/access-mode", tag = "site", request_body = ChangeAccess,
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn write(State(services): App, Caller(caller): Caller, Body(body): Body<ChangeAccess>) -> ApiResult<Json<Done>> {
    let access = match body.access_mode.as_str() {
        "public" => PageAccess::Public,
        "private_all" => PageAccess::Members,
        "private" => {
            if body.subjects.iter().any(|subject| subject.subject_type != "account") {
                return Err(Error::invalid_field("subjects", "Only accounts can be named.").into());
            }
            PageAccess::Chosen(body.subjects.iter().map(|subject| AccountId(subject.subject_id)).collect())
        }
        "sso_verified" => {
            let text = "There is no single sign-on here yet: choose public, private_all or private.";
            return Err(Error::invalid_field("accessMode", text).into());
        }
        other => {
            let text = format!("accessMode must be one of public, private_all, private, not '{other}'.");
            return Err(Error::invalid_field("accessMode", text).into());
        }
    };
    page_access::set(&services, &caller, body.app_id, access).await?;
    Ok(Json(Done::SUCCESS))
}

fn person(account: &Account) -> Value {
    json!({"id": account.id, "name": account.name, "email": account.email, "avatar": account.avatar, "avatarUrl": ""})
}

#[utoipa::path(get, path = "/enterprise/webapp/app/subjects", tag = "site", params(AppQuery),
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn subjects(
    State(services): App,
    Caller(caller): Caller,
    Query(query): Query<AppQuery>,
) -> ApiResult<Json<Value>> {
    let (_, people) = page_access::get(&services, &caller, query.app_id).await?;
    Ok(Json(json!({"groups": [], "members": people.iter().map(person).collect::<Vec<_>>()})))
}

/// Whom to look for.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(rename_all = "camelCase")]
struct SearchQuery {
    /// Part of the name or address.
    keyword: Option<String>,
    /// From 1.
    page_number: Option<usize>,
    /// At most 100.
    results_per_page: Option<usize>,
}

#[utoipa::path(get, path = "/enterprise/webapp/app/subject/search", tag = "site", params(SearchQuery),
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn search(
    State(services): App,
    Caller(caller): Caller,
    Query(query): Query<SearchQuery>,
) -> ApiResult<Json<Value>> {
    let page = query.page_number.unwrap_or(1).max(1);
    let size = query.results_per_page.unwrap_or(20).clamp(1, 100);
    let keyword = query.keyword.unwrap_or_default();
    let (people, has_more) = page_access::candidates(&services, &caller, &keyword, page, size).await?;
    let found = people
        .iter()
        .map(|account| json!({"subjectId": account.id, "subjectType": "account", "accountData": person(account)}));
    Ok(Json(json!({"currPage": page, "hasMore": has_more, "subjects": found.collect::<Vec<_>>()})))
}

#[utoipa::path(get, path = "/enterprise/webapp/permission", tag = "site", params(AppQuery),
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn permission(
    State(services): App,
    Caller(caller): Caller,
    Query(query): Query<AppQuery>,
) -> ApiResult<Json<Value>> {
    let (access, people) = page_access::get(&services, &caller, query.app_id).await?;
    let who = caller.account_id()?;
    let result = !matches!(access, PageAccess::Chosen(_)) || people.iter().any(|account| account.id == who);
    Ok(Json(json!({"result": result})))
}
