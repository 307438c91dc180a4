//! Who is calling a console route, checked against its entry in the access table.

use std::{convert::Infallible, sync::Arc};

use axum::{
    extract::{FromRequestParts, MatchedPath, OptionalFromRequestParts, Request, State},
    http::{HeaderMap, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use ox_app::{Access, Error, Principal, Services, accounts};
use ox_types::{AccountId, TenantId};

use super::access::RULES;
use crate::{ApiError, access};

/// The signed-in member, for handlers of guarded routes.
pub struct Caller(pub Principal);

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let found = parts.extensions.get::<Principal>().cloned();
        found.map(Self).ok_or_else(|| Error::unauthorized("Sign in first.").into())
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Self::Rejection> {
        Ok(parts.extensions.get::<Principal>().cloned().map(Self))
    }
}

/// Lets a request through if it fulfils what its route asks.
pub async fn guard(State(services): State<Arc<Services>>, mut request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned()).unwrap_or_default();
    let route = path.strip_prefix("/console/api").unwrap_or(&path);
    let Some(rule) = access::find(RULES, request.method(), route) else {
        return ApiError(crate::service::without_rule(RULES, route)).into_response();
    };
    match check(&services, rule, route, request.headers()).await {
        Ok(Some(principal)) => {
            request.extensions_mut().insert(principal);
            next.run(request).await
        }
        Ok(None) => next.run(request).await,
        Err(error) => ApiError(error).into_response(),
    }
}

async fn check(
    services: &Services,
    rule: Access,
    route: &str,
    headers: &HeaderMap,
) -> Result<Option<Principal>, Error> {
    match rule {
        Access::Public => Ok(None),
        Access::AfterSetup => {
            let done = services.is_set_up().await?;
            if done {
                Ok(None)
            } else {
                Err(Error::new(
                    401,
                    "not_setup",
                    "Oxidify has not been initialized yet. Please proceed with the setup first.",
                ))
            }
        }
        Access::Member => member(services, route, headers).await.map(Some),
        Access::MemberWith(permission) => {
            let principal = member(services, route, headers).await?;
            principal.require(permission)?;
            Ok(Some(principal))
        }
        Access::AppKey | Access::DatasetKey | Access::GatewayKey | Access::Visitor | Access::Signed => {
            Err(Error::forbidden("This route is not for the console."))
        }
    }
}

async fn member(services: &Services, route: &str, headers: &HeaderMap) -> Result<Principal, Error> {
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim());
    let cookie = cookie(headers, "access_token");
    if cookie.is_none()
        && let Some(token) = bearer
        && services.settings.admin_api_key.is_some()
        && !token.contains('.')
    {
        let tenant =
            headers.get("x-workspace-id").and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<TenantId>().ok());
        return accounts::authenticate_admin_key(services, token, tenant).await;
    }
    let Some(access) = cookie.or(bearer) else {
        let set_up = services.is_set_up().await?;
        return Err(if set_up {
            Error::unauthorized("Sign in first.")
        } else {
            Error::new(401, "not_setup", "Oxidify has not been initialized yet. Please proceed with the setup first.")
        });
    };
    let sent = headers.get("x-csrf-token").and_then(|value| value.to_str().ok());
    // A token in a header cannot be sent by another site; the page-unload beacon cannot set headers.
    let exempt = cookie.is_none()
        || route.starts_with("/apps/{app_id}/workflows/draft")
        || route == "/rag/pipelines/{pipeline_id}/workflows/draft";
    let csrf = (!exempt).then(|| (self::cookie(headers, "csrf_token"), sent));
    accounts::authenticate(services, accounts::Presented { access, csrf }).await
}

/// The account that is signed in in a browser, on a route that anybody may call. For comparing alone: a link from
/// elsewhere brings the cookie along.
pub async fn account_in(services: &Services, headers: &HeaderMap) -> Option<AccountId> {
    let access = cookie(headers, "access_token")?;
    let principal = accounts::authenticate(services, accounts::Presented { access, csrf: None }).await.ok()?;
    principal.account_id().ok()
}

/// A cookie by its plain name or with the `__Host-` prefix.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(';'))
        .find_map(|pair| {
            let (key, value) = pair.trim().split_once('=')?;
            (key == name || key.strip_prefix("__Host-") == Some(name)).then_some(value)
        })
}
