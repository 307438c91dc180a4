//! Visitors of published pages: passports and what they open.

use ox_types::boxed;
use std::sync::Arc;

use ox_auth::Passport;
use ox_db::repo;
use ox_types::EndUserId;

use crate::{
    AppCaller, Error, Result, Services, api_keys, page_access,
    runs::{InvokeFrom, PublishedApp, RunUser},
};

/// Kind of the end users that come by a published page.
const KIND: &str = "browser";

/// The published app behind a public address, or 404.
///
/// # Errors
/// 404 when there is none, it is switched off or its workspace is archived.
#[boxed]
pub async fn app_by_code(services: &Services, code: &str) -> Result<Arc<PublishedApp>> {
    let found = services.runs.published.app_by_code(code).await?;
    found
        .filter(|app| app.app.enable_site && !app.is_closed())
        .ok_or_else(|| Error::not_found("There is no published app at this address."))
}

/// A passport for a visitor; the same `user_id` is the same end user.
///
/// # Errors
/// 401 without a code or, where it takes one, without a sign-in; 404 when there is no such page.
#[boxed]
pub async fn passport(
    services: &Services,
    code: Option<&str>,
    user_id: Option<&str>,
    login: Option<&str>,
) -> Result<String> {
    let code = code.filter(|code| !code.is_empty());
    let code = code.ok_or_else(|| Error::unauthorized("X-App-Code header is missing."))?;
    let app = app_by_code(services, code).await?;
    let account = page_access::enter(services, &app, login).await?;
    // Who signed in is who they are: nobody takes another's conversations by a name.
    let given = user_id.filter(|id| !id.is_empty() && account.is_none());
    let session = match &account {
        Some(account) => account.email.clone(),
        None => given.map_or_else(|| ox_types::new_uuid().to_string(), str::to_owned),
    };
    let user = services.runs.published.end_user(&app.app, KIND, &session, account.is_none()).await?;
    let passport = Passport {
        app_id: app.app.id,
        app_code: code.to_owned(),
        end_user_id: user.id,
        session_id: given.map(str::to_owned),
        login: account.map(|account| page_access::stamp(services, &app, &account)),
    };
    services.signer.passport(&passport).map_err(Error::internal)
}

/// The visitor that a passport names.
///
/// # Errors
/// 401 for a passport that is none, 404 when app or visitor are gone, 400 when the page moved or is off, 403 when the
/// workspace is archived.
#[boxed]
pub async fn visitor(services: &Services, token: Option<&str>) -> Result<AppCaller> {
    let token = token.filter(|token| !token.is_empty());
    let token = token.ok_or_else(|| Error::unauthorized("App token is missing."))?;
    let passport = services.signer.verify_passport(token).map_err(|error| match error {
        ox_auth::Error::ExpiredToken => Error::unauthorized("Token has expired."),
        other => Error::unauthorized("Invalid token.").caused_by(other),
    })?;
    let app = services.runs.published.app(passport.app_id).await?;
    let app = app.filter(|app| app.app.status == "normal").ok_or_else(|| Error::not_found("App not found."))?;
    let site = app.site.as_ref().ok_or_else(|| Error::not_found("App not found."))?;
    if site.code.as_deref() != Some(passport.app_code.as_str()) {
        return Err(Error::bad_request("Site URL is no longer valid."));
    }
    if !app.app.enable_site {
        return Err(Error::bad_request("Site is disabled."));
    }
    if app.is_closed() {
        return Err(Error::forbidden("The workspace's status is archived."));
    }
    page_access::admit(services, &app, &passport).await?;
    let user = end_user(services, &app, passport.end_user_id).await?;
    Ok(AppCaller { app, user, invoke_from: InvokeFrom::WebApp })
}

async fn end_user(services: &Services, app: &PublishedApp, id: EndUserId) -> Result<RunUser> {
    let found = services.runs.published.visitor(app, id, || async move {
        repo::end_users::find(&services.db, app.app.tenant_id, app.app.id, id).await
    });
    let user = found.await?.ok_or_else(|| Error::not_found("End user not found."))?;
    Ok(RunUser::EndUser { id: user.id.0, session_id: user.session_id.as_str().into() })
}

/// Counts what a visitor asks of the app, where visitors are limited.
///
/// # Errors
/// 429 when it is too much for this minute.
#[boxed]
pub async fn count(services: &Services, caller: &AppCaller) -> Result<()> {
    let limit = services.settings.visitor_requests_per_minute;
    let whose = format!("visitor-requests:{}", caller.user.id());
    api_keys::within_minute(services, &whose, limit, ox_db::now()).await.map_err(|wait| {
        metrics::counter!("oxidify_runs_refused_total", "reason" => "visitor").increment(1);
        Error::too_many(format!("Too many requests. You may ask {limit} times a minute here."), wait)
    })
}
