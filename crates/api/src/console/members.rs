//! Workspaces and their members.

use axum::{Json, extract::State, http::StatusCode};
use ox_app::{
    Principal, Services,
    model::{Account, Tenant, TenantMember},
    principal::Role,
    workspaces,
};
use ox_types::{AccountId, TenantId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::{
    App,
    guard::Caller,
    view::{Done, seconds},
};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path},
    openapi::routes,
};

pub fn router() -> OpenApiRouter<std::sync::Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(current))
        .routes(routes!(switch))
        .routes(routes!(rename))
        .routes(routes!(members))
        .routes(routes!(dataset_operators))
        .routes(routes!(invite))
        .routes(routes!(remove))
        .routes(routes!(set_role))
}

/// A workspace with the caller's role in it.
#[derive(Serialize, ToSchema)]
pub struct WorkspaceView {
    #[schema(value_type = uuid::Uuid)]
    id: TenantId,
    name: String,
    plan: String,
    status: String,
    created_at: i64,
    #[schema(value_type = String)]
    role: Role,
    in_trial: bool,
    trial_end_reason: Option<String>,
    custom_config: Option<serde_json::Value>,
    trial_credits: u64,
    trial_credits_used: u64,
    next_credit_reset_date: Option<i64>,
}

impl From<(Tenant, Role)> for WorkspaceView {
    fn from((tenant, role): (Tenant, Role)) -> Self {
        Self {
            id: tenant.id,
            name: tenant.name,
            plan: tenant.plan,
            status: tenant.status,
            created_at: seconds(tenant.created_at),
            role,
            in_trial: false,
            trial_end_reason: None,
            custom_config: tenant.custom_config,
            trial_credits: 0,
            trial_credits_used: 0,
            next_credit_reset_date: None,
        }
    }
}

/// A workspace in a list.
#[derive(Serialize, ToSchema)]
pub struct WorkspaceItem {
    #[schema(value_type = uuid::Uuid)]
    id: TenantId,
    name: String,
    plan: String,
    status: String,
    created_at: i64,
    current: bool,
}

/// The caller's workspaces.
#[derive(Serialize, ToSchema)]
pub struct Workspaces {
    workspaces: Vec<WorkspaceItem>,
}

#[utoipa::path(get, path = "/workspaces", tag = "workspace", responses((status = 200, body = Workspaces), (status = 401, body = ErrorBody)))]
async fn list(State(services): App, Caller(caller): Caller) -> ApiResult<Json<Workspaces>> {
    let item = |(_, tenant): (TenantMember, Tenant)| WorkspaceItem {
        id: tenant.id,
        name: tenant.name,
        plan: tenant.plan,
        status: tenant.status,
        created_at: seconds(tenant.created_at),
        current: tenant.id == caller.tenant_id(),
    };
    let all = workspaces::list(&services, &caller).await?;
    Ok(Json(Workspaces { workspaces: all.into_iter().map(item).collect() }))
}

#[utoipa::path(post, path = "/workspaces/current", tag = "workspace", responses((status = 200, body = WorkspaceView), (status = 401, body = ErrorBody)))]
async fn current(State(services): App, Caller(caller): Caller) -> ApiResult<Json<WorkspaceView>> {
    Ok(Json(workspaces::current(&services, &caller).await?.into()))
}

/// Which workspace to work in.
#[derive(Deserialize, ToSchema)]
pub struct Switch {
    #[schema(value_type = uuid::Uuid)]
    tenant_id: TenantId,
}

/// A changed workspace.
#[derive(Serialize, ToSchema)]
pub struct Switched {
    result: &'static str,
    new_tenant: WorkspaceView,
}

#[utoipa::path(post, path = "/workspaces/switch", tag = "workspace", request_body = Switch,
    responses((status = 200, body = Switched), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn switch(State(services): App, Caller(caller): Caller, Body(body): Body<Switch>) -> ApiResult<Json<Switched>> {
    let new_tenant = workspaces::switch(&services, &caller, body.tenant_id).await?.into();
    Ok(Json(Switched { result: "success", new_tenant }))
}

/// A new name.
#[derive(Deserialize, ToSchema)]
pub struct WorkspaceName {
    name: String,
}

/// A renamed workspace.
#[derive(Serialize, ToSchema)]
pub struct Renamed {
    result: &'static str,
    tenant: WorkspaceView,
}

#[utoipa::path(post, path = "/workspaces/info", tag = "workspace", request_body = WorkspaceName,
    responses((status = 200, body = Renamed), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn rename(
    State(services): App,
    Caller(caller): Caller,
    Body(body): Body<WorkspaceName>,
) -> ApiResult<Json<Renamed>> {
    let tenant = workspaces::rename(&services, &caller, &body.name).await?.into();
    Ok(Json(Renamed { result: "success", tenant }))
}

/// A member of the workspace.
#[derive(Serialize, ToSchema)]
pub struct MemberView {
    #[schema(value_type = uuid::Uuid)]
    id: AccountId,
    name: String,
    email: String,
    avatar: Option<String>,
    avatar_url: Option<String>,
    last_login_at: Option<i64>,
    last_active_at: i64,
    created_at: i64,
    role: String,
    /// `pending` until the invitation is taken.
    status: String,
}

impl From<(TenantMember, Account)> for MemberView {
    fn from((member, account): (TenantMember, Account)) -> Self {
        Self {
            id: account.id,
            name: account.name,
            email: account.email,
            avatar_url: account.avatar.clone().filter(|avatar| avatar.starts_with("http")),
            avatar: account.avatar,
            last_login_at: account.last_login_at.map(seconds),
            last_active_at: seconds(account.last_active_at),
            created_at: seconds(account.created_at),
            role: member.role,
            status: account.status,
        }
    }
}

/// The members of a workspace.
#[derive(Serialize, ToSchema)]
pub struct Members {
    accounts: Vec<MemberView>,
}

async fn members_of(services: &Services, caller: &Principal, only: Option<&str>) -> ApiResult<Json<Members>> {
    let all = workspaces::members(services, caller).await?;
    let kept = all.into_iter().filter(|(member, _)| only.is_none_or(|role| member.role == role));
    Ok(Json(Members { accounts: kept.map(MemberView::from).collect() }))
}

#[utoipa::path(get, path = "/workspaces/current/members", tag = "workspace", responses((status = 200, body = Members), (status = 401, body = ErrorBody)))]
async fn members(State(services): App, Caller(caller): Caller) -> ApiResult<Json<Members>> {
    members_of(&services, &caller, None).await
}

#[utoipa::path(get, path = "/workspaces/current/dataset-operators", tag = "workspace", responses((status = 200, body = Members), (status = 401, body = ErrorBody)))]
async fn dataset_operators(State(services): App, Caller(caller): Caller) -> ApiResult<Json<Members>> {
    members_of(&services, &caller, Some(Role::DatasetOperator.as_str())).await
}

/// Whom to invite as what.
#[derive(Deserialize, ToSchema)]
pub struct Invite {
    emails: Vec<String>,
    /// `admin`, `editor`, `normal` or `dataset_operator`.
    role: String,
}

#[utoipa::path(post, path = "/workspaces/current/members/invite-email", tag = "workspace", request_body = Invite,
    responses((status = 201, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn invite(
    State(services): App,
    Caller(caller): Caller,
    Body(body): Body<Invite>,
) -> ApiResult<(StatusCode, Json<serde_json::Value>)> {
    let results = workspaces::invite(&services, &caller, &body.emails, &body.role).await?;
    let base = &services.settings.console_web_url;
    let results: Vec<_> = results
        .into_iter()
        .map(|result| match result {
            workspaces::Invitation::Sent { email, path } => {
                json!({"status": "success", "email": email, "url": format!("{base}{path}")})
            }
            workspaces::Invitation::Failed { email, message } => {
                json!({"status": "failed", "email": email, "message": message})
            }
        })
        .collect();
    let body = json!({"result": "success", "invitation_results": results, "tenant_id": caller.tenant_id()});
    Ok((StatusCode::CREATED, Json(body)))
}

#[utoipa::path(delete, path = "/workspaces/current/members/{member_id}", tag = "workspace", params(("member_id" = uuid::Uuid, Path)),
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn remove(
    State(services): App,
    Caller(caller): Caller,
    Path(member): Path<AccountId>,
) -> ApiResult<Json<serde_json::Value>> {
    workspaces::remove(&services, &caller, member).await?;
    Ok(Json(json!({"result": "success", "tenant_id": caller.tenant_id()})))
}

/// A new role.
#[derive(Deserialize, ToSchema)]
pub struct RoleChange {
    role: String,
}

#[utoipa::path(put, path = "/workspaces/current/members/{member_id}/update-role", tag = "workspace", request_body = RoleChange, params(("member_id" = uuid::Uuid, Path)),
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn set_role(
    State(services): App,
    Caller(caller): Caller,
    Path(member): Path<AccountId>,
    Body(body): Body<RoleChange>,
) -> ApiResult<Json<Done>> {
    workspaces::set_role(&services, &caller, member, &body.role).await?;
    Ok(Json(Done::SUCCESS))
}
