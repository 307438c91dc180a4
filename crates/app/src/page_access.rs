//! Who may open a published page: everybody, the members of its workspace, or some of them; and their sign-in.
//!
//! Somebody who signs in to a page gets a token that opens pages and nothing else. A passport for a page that is not
//! open to all names its account; whether that one may still come in is looked up with every call.

use std::time::Duration;

use ox_auth::{PageLogin, Passport};
use ox_db::{
    model::{Account, SiteAccess},
    now, repo,
};
use ox_types::{AccountId, AppId, boxed};
use serde::{Deserialize, Serialize};

use crate::{Error, Principal, Result, Services, accounts, apps, audit, principal::Permission, runs::PublishedApp};

/// Compat: a sign-in to pages lasts this many times longer than a console token.
const TIMES: u32 = 24;
const SUBJECT: &str = "Web API Passport";
const LOGIN: &str = "webapp_login_token";
/// Accounts that one page may name.
const MOST: usize = 1_000;

/// Who may open a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PageAccess {
    #[default]
    Public,
    /// Every member of the workspace.
    Members,
    /// These, while they are members.
    Chosen(Vec<AccountId>),
}

impl PageAccess {
    /// The wire name.
    #[must_use]
    pub const fn mode(&self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Members => "private_all",
            Self::Chosen(_) => "private",
        }
    }

    /// What is stored of an app.
    #[must_use]
    pub fn of(stored: Option<SiteAccess>) -> Self {
        match stored {
            None => Self::Public,
            Some(rule) if rule.mode == "private_all" => Self::Members,
            // What a later version may have written is read as the narrowest.
            Some(rule) => Self::Chosen(rule.members),
        }
    }
}

/// The content of a sign-in to pages.
#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    user_id: AccountId,
    session_id: String,
    token_source: String,
    auth_type: String,
    exp: i64,
}

/// Signs in to pages with address and password.
///
/// # Errors
/// 401 for a wrong password, 429 after too many.
#[boxed]
pub async fn login(services: &Services, email: &str, password: &str) -> Result<String> {
    let account = accounts::checked_password(services, email, password).await?;
    sign(services, account)
}

/// Signs in to pages with a mailed code, which is used up.
///
/// # Errors
/// 400 for a wrong or late code, 429 after too many.
#[boxed]
pub async fn login_by_code(services: &Services, email: &str, code: &str, token: &str) -> Result<String> {
    let account = accounts::email_code::redeem(services, email, code, token).await?;
    sign(services, account)
}

fn sign(services: &Services, account: Account) -> Result<String> {
    let claims = Claims {
        sub: SUBJECT.to_owned(),
        user_id: account.id,
        session_id: account.email,
        token_source: LOGIN.to_owned(),
        auth_type: "internal".to_owned(),
        exp: now().timestamp().saturating_add_unsigned(life(services).as_secs()),
    };
    services.signer.sign(&claims).map_err(Error::internal)
}

/// How long a sign-in to pages lasts.
#[must_use]
pub fn life(services: &Services) -> Duration {
    services.settings.access_token_life.saturating_mul(TIMES)
}

/// Who signed in with this token; `None` for a token that is none, and for accounts that are closed.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn signed_in(services: &Services, token: Option<&str>) -> Result<Option<Account>> {
    let Some(token) = token.filter(|token| !token.is_empty()) else { return Ok(None) };
    let Ok(claims) = services.signer.check::<Claims>(token, &["exp", "sub"]) else { return Ok(None) };
    if claims.sub != SUBJECT || claims.token_source != LOGIN {
        return Ok(None);
    }
    account(services, claims.user_id).await
}

async fn account(services: &Services, id: AccountId) -> Result<Option<Account>> {
    let found = repo::accounts::find(&services.db, id).await?;
    Ok(found.filter(|account| account.status == "active"))
}

/// Whether an account may open the page.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn may_open(services: &Services, app: &PublishedApp, who: AccountId) -> Result<bool> {
    match &app.access {
        PageAccess::Public => return Ok(true),
        PageAccess::Chosen(members) if !members.contains(&who) => return Ok(false),
        PageAccess::Members | PageAccess::Chosen(_) => {}
    }
    let member = repo::tenants::member(&services.db, app.app.tenant_id, who).await?;
    Ok(member.is_some() && account(services, who).await?.is_some())
}

fn sign_in_first() -> Error {
    Error::new(401, "web_sso_auth_required", "Web app authentication required.")
}

fn denied() -> Error {
    Error::new(401, "web_app_access_denied", "You do not have permission to access this web app.")
}

/// The account for a new passport; `None` where the page is open to all.
///
/// # Errors
/// 401 when nobody signed in, or somebody who may not.
#[boxed]
pub async fn enter(services: &Services, app: &PublishedApp, token: Option<&str>) -> Result<Option<Account>> {
    if app.access == PageAccess::Public {
        return Ok(None);
    }
    let account = signed_in(services, token).await?.ok_or_else(sign_in_first)?;
    if may_open(services, app, account.id).await? { Ok(Some(account)) } else { Err(denied()) }
}

/// What a passport says of the sign-in behind it.
pub(crate) fn stamp(services: &Services, app: &PublishedApp, account: &Account) -> PageLogin {
    let granted_at = now().timestamp();
    PageLogin {
        site_id: app.site.as_ref().map(|site| site.id.to_string()),
        user_id: account.id,
        auth_type: "internal".to_owned(),
        token_source: "webapp".to_owned(),
        granted_at,
        exp: granted_at.saturating_add_unsigned(life(services).as_secs()),
    }
}

/// Whether a passport still opens its page.
///
/// # Errors
/// 401 when it does not: the page was closed to all or opened to all since, or its owner may no longer come in.
#[boxed]
pub async fn admit(services: &Services, app: &PublishedApp, passport: &Passport) -> Result<()> {
    match (&app.access, &passport.login) {
        (PageAccess::Public, None) => Ok(()),
        (PageAccess::Public, Some(_)) => Err(Error::unauthorized("webapp token expired.")),
        (_, None) => Err(sign_in_first()),
        (_, Some(login)) if may_open(services, app, login.user_id).await? => Ok(()),
        (_, Some(_)) => Err(denied()),
    }
}

/// The mode of a page by its code or its app; pages that are not there are as good as open.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn mode_of(services: &Services, code: Option<&str>, app: Option<AppId>) -> Result<&'static str> {
    Ok(page(services, code, app).await?.map_or("public", |app| app.access.mode()))
}

/// Whether who signed in with this token may open a page.
///
/// # Errors
/// 404 when there is no such page.
#[boxed]
pub async fn permitted(
    services: &Services,
    code: Option<&str>,
    app: Option<AppId>,
    token: Option<&str>,
) -> Result<bool> {
    let app = page(services, code, app).await?.ok_or_else(|| Error::not_found("App not found."))?;
    match signed_in(services, token).await? {
        Some(account) => may_open(services, &app, account.id).await,
        None => Ok(app.access == PageAccess::Public),
    }
}

async fn page(
    services: &Services,
    code: Option<&str>,
    app: Option<AppId>,
) -> Result<Option<std::sync::Arc<PublishedApp>>> {
    match (code.filter(|code| !code.is_empty()), app) {
        (Some(code), _) => services.runs.published.app_by_code(code).await,
        (None, Some(id)) => services.runs.published.app(id).await,
        (None, None) => Ok(None),
    }
}

/// The rule of an app with the people it names, for the Studio.
///
/// # Errors
/// 404 when the app is not in the workspace.
#[boxed]
pub async fn get(services: &Services, principal: &Principal, app: AppId) -> Result<(PageAccess, Vec<Account>)> {
    apps::find(services, principal, app).await?;
    let access = PageAccess::of(repo::site_access::find(&services.db, app).await?);
    let PageAccess::Chosen(ids) = &access else { return Ok((access, Vec::new())) };
    let mut people: Vec<Account> = services.people(ids).await?.into_values().collect();
    people.sort_by(|a, b| a.name.cmp(&b.name).then(a.id.cmp(&b.id)));
    Ok((access, people))
}

/// Changes who may open a page.
///
/// # Errors
/// 400 for somebody who is not a member, 403 without the permission, 404 when the app is not in the workspace.
#[boxed]
pub async fn set(services: &Services, principal: &Principal, id: AppId, access: PageAccess) -> Result<()> {
    principal.require(Permission::AppEdit)?;
    let app = apps::find(services, principal, id).await?;
    let before = PageAccess::of(repo::site_access::find(&services.db, id).await?);
    let mut members = match &access {
        PageAccess::Chosen(members) => members.clone(),
        _ => Vec::new(),
    };
    members.sort_unstable();
    members.dedup();
    if members.len() > MOST {
        return Err(Error::invalid_field("subjects", format!("At most {MOST} people can be named.")));
    }
    for who in &members {
        if repo::tenants::member(&services.db, app.tenant_id, *who).await?.is_none() {
            return Err(Error::invalid_field("subjects", "Only members of the workspace can be named."));
        }
    }
    let tx = services.db.begin().await?;
    if access == PageAccess::Public {
        repo::site_access::delete(&tx, id).await?;
    } else {
        let mode = access.mode().to_owned();
        let rule = SiteAccess { app_id: id, tenant_id: app.tenant_id, mode, members, updated_at: now() };
        repo::site_access::set(&tx, rule).await?;
    }
    tx.commit().await?;
    services.forget_app(id).await;
    let told = |access: &PageAccess| Some(serde_json::json!({"access_mode": access.mode()}));
    audit::record(services, principal, "app.access", "app", id.0, told(&before), told(&access)).await;
    Ok(())
}

/// Members of the workspace who can be named, by part of name or address: a page of them, and whether more follow.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn candidates(
    services: &Services,
    principal: &Principal,
    keyword: &str,
    page: usize,
    size: usize,
) -> Result<(Vec<Account>, bool)> {
    let keyword = keyword.trim().to_lowercase();
    let fits = |account: &Account| {
        [&account.name, &account.email].into_iter().any(|text| text.to_lowercase().contains(&keyword))
    };
    let members = repo::tenants::members(&services.db, principal.tenant_id()).await?;
    let found: Vec<Account> = members.into_iter().map(|(_, account)| account).filter(fits).collect();
    let from = page.saturating_sub(1).saturating_mul(size);
    let has_more = found.len() > from.saturating_add(size);
    Ok((found.into_iter().skip(from).take(size).collect(), has_more))
}
