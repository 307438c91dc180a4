//! Sign-in, sign-out, refresh, and who a session belongs to.

use std::{sync::Arc, time::Duration};

use ox_db::{model::Account, now, repo};
use ox_types::{AccountId, TenantId, boxed};

use crate::{Error, Principal, Result, Services, changes::Changes, principal::Role};

/// Wrong passwords after which an address is locked.
const MAX_FAILURES: i64 = 5;
/// `last_active_at` is written at most this often.
const ACTIVE_EVERY: chrono::Duration = chrono::Duration::minutes(10);

/// The three values a browser keeps.
#[derive(Clone, Debug)]
pub struct SessionTokens {
    pub access: String,
    pub refresh: String,
    pub csrf: String,
}

pub(super) fn failures_key(email: &str) -> String {
    format!("login_failures:{email}")
}

const REFRESH: &str = "refresh_token:";

/// The latest end of the access tokens that "sign out everywhere" has ended, in Unix seconds.
fn ended_key(account: AccountId) -> String {
    format!("sessions_ended:{account}")
}

async fn ended(source: &impl ox_db::Source, account: AccountId) -> Result<Option<i64>> {
    Ok(repo::kv::get(source, &ended_key(account)).await?.and_then(|text| text.parse().ok()))
}

fn refresh_key(token: &str) -> String {
    format!("{REFRESH}{}", hex::encode(<sha2::Sha256 as sha2::Digest>::digest(token.as_bytes())))
}

/// Signs in with address and password.
#[boxed]
pub async fn login(services: &Services, email: &str, password: &str, ip: Option<&str>) -> Result<SessionTokens> {
    let account = checked_password(services, email, password).await?;
    finish_login(services, account, password, ip).await
}

/// The account with this address, if the password is its own.
#[boxed]
pub(crate) async fn checked_password(services: &Services, email: &str, password: &str) -> Result<Account> {
    if super::setup_at(services).await?.is_none() {
        return Err(Error::new(
            401,
            "not_setup",
            "Oxidify has not been initialized yet. Please proceed with the setup first.",
        ));
    }
    if !services.settings.password_login {
        return Err(Error::forbidden("Signing in with a password is switched off (ENABLE_EMAIL_PASSWORD_LOGIN)."));
    }
    let email = email.trim().to_lowercase();
    let failures = repo::kv::get(&services.db, &failures_key(&email)).await?.and_then(|text| text.parse::<i64>().ok());
    if failures.is_some_and(|count| count > MAX_FAILURES) {
        let wait = services.settings.login_lockout.as_secs();
        return Err(Error {
            retry_after: Some(wait),
            ..Error::new(429, "email_code_login_limit", "Too many incorrect password attempts. Please try again later.")
        });
    }
    let found = repo::accounts::find_by_email(&services.db, &email).await?;
    let valid = match &found {
        Some(account) => services.passwords.verify(account, password.to_owned()).await?,
        // As slow as a real check, so that the answer time does not tell which addresses exist.
        None => services.passwords.waste(password.to_owned()).await,
    };
    let Some(account) = found.filter(|_| valid) else {
        let tx = services.db.begin().await?;
        repo::kv::increment(&tx, &failures_key(&email), 1, services.settings.login_lockout).await?;
        tx.commit().await?;
        metrics::counter!("oxidify_auth_events_total", "kind" => "login", "outcome" => "failed").increment(1);
        return Err(Error::new(401, "authentication_failed", "Invalid email or password."));
    };
    if account.status == "banned" || account.status == "closed" {
        return Err(Error::new(400, "account_banned", "Account is banned."));
    }
    Ok(account)
}

/// Notes the sign-in, upgrades an imported hash, picks a workspace, makes the tokens.
async fn finish_login(
    services: &Services,
    mut account: Account,
    password: &str,
    ip: Option<&str>,
) -> Result<SessionTokens> {
    let upgraded = services.passwords.upgraded(&account, password.to_owned()).await?;
    let workspaces = repo::tenants::of_account(&services.db, account.id).await?;
    let usable = workspaces.iter().filter(|(_, tenant)| tenant.status == "normal");
    let Some((_, first)) = usable.clone().next() else {
        return Err(Error::new(
            400,
            "no_workspace",
            "This account belongs to no workspace. Ask an owner to invite you.",
        ));
    };
    let has_current = usable.clone().any(|(member, _)| member.current);
    let tx = services.db.begin().await?;
    repo::kv::delete(&tx, &failures_key(&account.email)).await?;
    repo::accounts::note_login(&tx, account.id, now(), ip).await?;
    if upgraded.is_some() || account.status == "pending" {
        account.password = upgraded.or(account.password);
        account.password_salt = None;
        account.status = "active".into();
        account.initialized_at = account.initialized_at.or_else(|| Some(now()));
        account.last_login_at = Some(now());
        account.last_login_ip = ip.map(str::to_owned);
        repo::accounts::update(&tx, account.clone()).await?;
    }
    if !has_current {
        repo::tenants::switch(&tx, account.id, first.id).await?;
    }
    let tokens = issue(services, &tx, account.id).await?;
    keep_refresh(services, &tx, account.id, &tokens.refresh).await?;
    tx.commit().await?;
    metrics::counter!("oxidify_auth_events_total", "kind" => "login", "outcome" => "ok").increment(1);
    Ok(tokens)
}

async fn issue(services: &Services, tx: &ox_db::Tx, account: AccountId) -> Result<SessionTokens> {
    let mut life = services.settings.access_token_life;
    if let Some(ended) = ended(tx, account).await? {
        // Told apart from the tokens of before by its end, even within the same second.
        let end = now().timestamp().saturating_add_unsigned(life.as_secs());
        life += Duration::from_secs(u64::try_from(ended - end + 1).unwrap_or(0));
    }
    Ok(SessionTokens {
        access: services.signer.access_token(account, life).map_err(Error::internal)?,
        refresh: ox_auth::refresh_token(),
        csrf: services.signer.csrf_token(account, services.settings.access_token_life).map_err(Error::internal)?,
    })
}

async fn keep_refresh(services: &Services, tx: &ox_db::Tx, account: AccountId, token: &str) -> Result<()> {
    let life = Some(services.settings.refresh_token_life);
    Ok(repo::kv::set(tx, &refresh_key(token), &account.to_string(), life).await?)
}

/// New tokens for an unused refresh token, which is used up by this.
#[boxed]
pub async fn refresh(services: &Services, token: &str) -> Result<SessionTokens> {
    let expired = || Error::unauthorized("Invalid refresh token");
    let tx = services.db.begin().await?;
    let account = repo::kv::take(&tx, &refresh_key(token)).await?.ok_or_else(expired)?;
    let account: AccountId = account.parse().map_err(|_| expired())?;
    let found = repo::accounts::find(&tx, account).await?.ok_or_else(expired)?;
    if found.status == "banned" || found.status == "closed" {
        return Err(expired());
    }
    let tokens = issue(services, &tx, account).await?;
    keep_refresh(services, &tx, account, &tokens.refresh).await?;
    tx.commit().await?;
    Ok(tokens)
}

/// Ends the session of this refresh token.
#[boxed]
pub async fn logout(services: &Services, token: &str) -> Result<()> {
    let tx = services.db.begin().await?;
    repo::kv::delete(&tx, &refresh_key(token)).await?;
    tx.commit().await?;
    Ok(())
}

/// Ends every session of an account, this one too: refresh tokens at once, access tokens within the seconds that
/// other processes keep who an account is.
#[boxed]
pub async fn sign_out_everywhere(services: &Services, principal: &Principal) -> Result<()> {
    let account = principal.account_id()?;
    let tx = services.db.begin().await?;
    end_all(&tx, account, services.settings.access_token_life).await?;
    tx.commit().await?;
    services.sessions.forget(account).await;
    metrics::counter!("oxidify_auth_events_total", "kind" => "logout_all", "outcome" => "ok").increment(1);
    Ok(())
}

/// Ends what an account's browsers hold; `life` is that of an access token.
pub(super) async fn end_all(tx: &ox_db::Tx, account: AccountId, life: Duration) -> Result<()> {
    let end = now().timestamp().saturating_add_unsigned(life.as_secs());
    repo::kv::delete_having(tx, REFRESH, &account.to_string()).await?;
    let kept = Some(life + Duration::from_secs(60));
    Ok(repo::kv::set(tx, &ended_key(account), &end.to_string(), kept).await?)
}

#[derive(serde::Serialize, serde::Deserialize)]
struct InitMark {
    sub: String,
    exp: i64,
}

/// What a browser keeps after it gave `INIT_PASSWORD`.
pub fn init_mark(services: &Services) -> Result<String> {
    let mark = InitMark { sub: "init".into(), exp: (now() + chrono::Duration::hours(1)).timestamp() };
    services.signer.sign(&mark).map_err(Error::internal)
}

/// Whether a browser gave `INIT_PASSWORD`.
#[must_use]
pub fn is_init_mark(services: &Services, text: &str) -> bool {
    services.signer.check::<InitMark>(text, &["exp"]).is_ok_and(|mark| mark.sub == "init")
}

/// What a request shows of its session.
#[derive(Clone, Copy, Debug)]
pub struct Presented<'a> {
    pub access: &'a str,
    /// Cookie and header of the double-submit check; `None` where the route is exempt.
    pub csrf: Option<(Option<&'a str>, Option<&'a str>)>,
}

/// The member behind a session.
pub async fn authenticate(services: &Services, presented: Presented<'_>) -> Result<Principal> {
    let over = || Error::unauthorized("Invalid or expired token. Sign in again.");
    let ox_auth::Access { account, expires_at } = services.signer.read_access(presented.access).map_err(|_| over())?;
    if let Some((cookie, header)) = presented.csrf {
        let valid = match (cookie, header) {
            (Some(cookie), Some(header)) => cookie == header && services.signer.verify_csrf(header, account).is_ok(),
            _ => false,
        };
        if !valid {
            return Err(Error::unauthorized("CSRF token is missing or invalid."));
        }
    }
    let session = services.sessions.get(services, account).await?;
    if session.ended.is_some_and(|ended| expires_at <= ended) {
        return Err(over());
    }
    if now() - session.last_active_at > ACTIVE_EVERY {
        services.sessions.forget(account).await;
        let tx = services.db.begin().await?;
        repo::accounts::note_active(&tx, account, now()).await?;
        tx.commit().await?;
    }
    session.principal.ok_or_else(|| Error::unauthorized("This account belongs to no workspace."))
}

/// The owner of a workspace, for callers with the admin key.
#[boxed]
pub async fn authenticate_admin_key(services: &Services, key: &str, tenant: Option<TenantId>) -> Result<Principal> {
    let wrong = || Error::unauthorized("Invalid admin API key.");
    let expected = services.settings.admin_api_key.as_deref().ok_or_else(wrong)?;
    if !ox_auth::constant_time_eq(expected, key) {
        return Err(wrong());
    }
    let tenant = tenant.ok_or_else(|| Error::bad_request("The header X-WORKSPACE-ID is missing."))?;
    let members = repo::tenants::members(&services.db, tenant).await?;
    let owner = members.into_iter().find(|(member, _)| member.role == Role::Owner.as_str()).ok_or_else(wrong)?;
    Ok(Principal::Member { account_id: owner.1.id, tenant_id: tenant, role: Role::Owner })
}

/// Who an account is right now; kept for seconds so that a page of requests reads it once.
#[derive(Clone)]
pub struct SessionCache {
    changes: Arc<Changes>,
    cache: moka::future::Cache<(u64, AccountId), Session>,
}

#[derive(Clone)]
struct Session {
    principal: Option<Principal>,
    last_active_at: chrono::DateTime<chrono::Utc>,
    /// Access tokens that end no later than this are over.
    ended: Option<i64>,
}

impl Default for SessionCache {
    fn default() -> Self {
        let cache = moka::future::Cache::builder().max_capacity(10_000).time_to_live(Duration::from_secs(5)).build();
        Self { changes: Arc::default(), cache }
    }
}

impl SessionCache {
    async fn get(&self, services: &Services, account: AccountId) -> Result<Session> {
        let at = (self.changes.count(), account);
        if let Some(session) = self.cache.get(&at).await {
            return Ok(session);
        }
        let session = load(services, account).await?;
        self.cache.insert(at, session.clone()).await;
        Ok(session)
    }

    /// Forgets an account whose role, workspace or status changed.
    #[boxed]
    pub async fn forget(&self, account: AccountId) {
        let before = self.changes.add();
        self.cache.invalidate(&(before, account)).await;
    }
}

async fn load(services: &Services, account: AccountId) -> Result<Session> {
    let found = repo::accounts::find(&services.db, account).await?;
    let Some(found) = found.filter(|account| account.status != "banned" && account.status != "closed") else {
        return Err(Error::unauthorized("Account not found."));
    };
    if found.status == "uninitialized" {
        return Err(Error::new(400, "account_not_initialized", "The account has not been initialized yet."));
    }
    let workspaces = repo::tenants::of_account(&services.db, account).await?;
    let usable: Vec<_> = workspaces.into_iter().filter(|(_, tenant)| tenant.status == "normal").collect();
    let current = usable.iter().find(|(member, _)| member.current).or_else(|| usable.first());
    let principal = current.and_then(|(member, tenant)| {
        let role = Role::parse(&member.role)?;
        Some(Principal::Member { account_id: account, tenant_id: tenant.id, role })
    });
    let ended = ended(&services.db, account).await?;
    Ok(Session { principal, last_active_at: found.last_active_at, ended })
}
